/* The first stage: what the boot ROM starts from the NOR. It maps the NOR, copies the application, checks it, starts it.
 *
 * Where it cannot, it says why on USART1, and stops. Caches are off all the while (nj_bare.h), so that what is copied lies in the
 * memory when it is started.
 * SPDX-License-Identifier: MIT
 */
#include "link/nj_crc32.h"
#include "nj_bare.h"
#include "nj_nor.h"
#include "nj_wait.h"

#define PAUSE_MS 100u

/* In front of an application in the NOR; the same as host/boards/n6_image.py packs. */
struct header {
    uint32_t magic;
    uint32_t address;
    uint32_t bytes;
    uint32_t entry;
    uint32_t crc;
};
_Static_assert(sizeof(struct header) == 20, "the packed header");

static void say(const char *text) {
    for (; *text != 0; ++text) {
        nj_usart_write((const uint8_t *)text, 1);
    }
}

static void say_hex(uint32_t value) {
    static const char digits[] = "0123456789abcdef";
    char text[9];
    for (uint32_t i = 0; i < 8; ++i) {
        text[i] = digits[(value >> (28u - 4u * i)) & 15u];
    }
    text[8] = 0;
    say(text);
}

/* Again and again: whoever listens may have come late. */
__attribute__((noreturn)) static void stop(const char *why, uint32_t received) {
    for (;;) {
        say("\r\nnightjar: first stage: ");
        say(why);
        say(": 0x");
        say_hex(received);
        say("\r\n");
        struct nj_wait pause;
        nj_wait_start(&pause, PAUSE_MS);
        while (!nj_wait_over(&pause)) {
        }
    }
}

void nj_bare_stop(void) {
    stop("a fault, CFSR", SCB_CFSR);
}

__attribute__((noreturn)) static void start(const uint32_t *vectors, uint32_t entry) {
    SCB_VTOR = (uint32_t)(uintptr_t)vectors;
    __asm__ volatile(
        "dsb\n isb\n"
        "msr msp, %0\n"
        "bx %1\n"
        :
        : "r"(vectors[0]), "r"(entry)
        : "memory");
    __builtin_unreachable();
}

/* The boot ROM may have closed the debug port. */
static void open_debug(void) {
    RCC_APB4ENSR2 = RCC_APB4_2_BSEC;
    (void)RCC_APB4ENR2; /* the enable has arrived when it can be read */
    uint32_t port = NJ_BSEC_AP_UNLOCK;
    uint32_t who = NJ_BSEC_DBGCR;
    /* Kept whole: the compiler would name the block's base, behind which lie the registers that burn fuses. */
    __asm__("" : "+r"(port), "+r"(who));
    NJ_REGISTER(port) = NJ_BSEC_AP_UNLOCK_OPEN;
    NJ_REGISTER(who) = NJ_BSEC_DBGCR_OPEN;
}

static void nj_bare_main(void) {
    open_debug();
    nj_supply_start();
    nj_clock_start();
    nj_usart_open();
    struct nj_nor nor;
    const enum nj_nor_state state = nj_nor_start(&nor);
    if (state != NJ_NOR_READY) {
        const char *const unknown = "the NOR does not answer, or is none that is known; its id";
        stop(state == NJ_NOR_UNKNOWN ? unknown : "the NOR does not obey; its id", nor.id);
    }
    nj_nor_map();
    const struct header *const header = (const struct header *)(uintptr_t)NJ_NOR_APPLICATION;
    const uint32_t bytes = header->bytes;
    if (header->magic != NJ_APPLICATION_MAGIC) {
        stop("there is no application in the NOR at 0x70100000", header->magic);
    }
    if (header->address != NJ_APPLICATION || bytes < 8 || bytes > NJ_APPLICATION_END - NJ_APPLICATION) {
        stop("the application in the NOR does not fit", bytes);
    }
    if ((header->entry & 1u) == 0 || header->entry < NJ_APPLICATION || header->entry - NJ_APPLICATION >= bytes) {
        stop("the application's entry point is not in it", header->entry);
    }
    /* In double words, since the first of this memory (FLEXMEM) may have an error code. */
    const volatile uint64_t *from = (const volatile uint64_t *)(uintptr_t)(NJ_NOR_APPLICATION + NJ_IMAGE_HEADER_BYTES);
    volatile uint64_t *const to = (volatile uint64_t *)(uintptr_t)NJ_APPLICATION;
    for (uint32_t word = 0; word < (bytes + 7u) / 8u; ++word) {
        to[word] = from[word];
    }
    const uint32_t *const copied = (const uint32_t *)(uintptr_t)NJ_APPLICATION;
    const uint32_t crc = nj_crc32(0, copied, bytes);
    if (crc != header->crc) {
        stop("the application's CRC is not what its header says", crc);
    }
    start(copied, header->entry);
}
