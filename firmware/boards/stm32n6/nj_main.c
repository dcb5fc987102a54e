/* The STM32N6's port.
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>

#include "nj_board.h"
#include "nj_image.h"
#include "link/nj_crc32.h"
#include "nj_kind.h"
#include "nj_wait.h"
#ifdef NJ_LISTENING
#include "nj_sources.h"
#endif
#ifdef NJ_WEIGHTS_IN_NOR
#include "nj_log.h"
#include "nj_nor.h"
#include "nj_send.h"
#endif

#define STACK_PAINT 0xA5A5A5A5u
#define CAUSE_MAGIC 0x4E4A0000u
#define RUBBISH_BYTES 1024u
#define AIRCR_SYSRESETREQ 0x05FA0004u

/* Not zeroed at a start: how many there were, in the upper half; in the lower, why the next one happens. One double word, read and
 * written whole: DTCM has an error code. */
__attribute__((section(".noinit"), aligned(8))) static volatile uint64_t kept;

static enum nj_reset_cause cause;

static uint32_t unique_id[3];
static uint32_t clocks[NJ_CLOCKS];

void nj_reset_handler(void) __attribute__((noreturn));

static uint32_t port_read(void *context, uint8_t *data, uint32_t capacity) {
    (void)context;
    return nj_usart_read(data, capacity);
}

static void port_write(void *context, const uint8_t *data, uint32_t length) {
    (void)context;
    nj_usart_write(data, length);
}

static void port_reset(void *context) {
    (void)context;
    nj_board_reset(NJ_RESET_REQUESTED);
}

static enum nj_reset_cause port_reset_cause(void *context) {
    (void)context;
    return cause;
}

static uint32_t port_stack_used(void *context) {
    (void)context;
    const uint32_t *at = nj_stack_begin;
    while (at < nj_stack_end && *at == STACK_PAINT) {
        ++at;
    }
    return (uint32_t)((const uint8_t *)nj_stack_end - (const uint8_t *)at);
}

/* Sleep until a byte is there. With interrupts masked a pending one still wakes the core, so none is missed between the look
 * and the sleep. */
static void port_idle(void *context) {
    (void)context;
    __asm__ volatile("cpsid i" : : : "memory");
    if (!nj_usart_waiting()) {
        __asm__ volatile("dsb\n wfi\n isb" : : : "memory");
    }
    __asm__ volatile("cpsie i\n isb" : : : "memory");
}

/* SysTick is the waits' own: nothing else waits before somebody says HELLO. */
static uint32_t port_milliseconds(void *context) {
    (void)context;
    static bool started;
    static struct nj_wait wait;
    if (!started) {
        started = true;
        nj_wait_start(&wait, UINT32_MAX);
    }
    (void)nj_wait_over(&wait);
    return UINT32_MAX - wait.left;
}

static uint32_t port_overruns(void *context) {
    (void)context;
    return nj_usart_overruns();
}

static struct nj_port port = {
    .board = NJ_BOARD_KIND,
    .cost_unit = "cycles",
    .read = port_read,
    .write = port_write,
    .cost_begin = nj_cost_begin,
    .cost_end = nj_cost_end,
    .cost_interruptible = nj_cost_interruptible,
    .reset = port_reset,
    .reset_cause = port_reset_cause,
    .stack_used = port_stack_used,
    .idle = port_idle,
    .unique_id = (const uint8_t *)unique_id,
    .unique_id_bytes = sizeof unique_id,
    .clocks = clocks,
    .clock_count = NJ_CLOCKS,
    .overruns = port_overruns,
#ifdef NJ_LISTENING
    .microphone = &nj_sources_microphone,
    .card = &nj_sources_card,
#endif
    .milliseconds = port_milliseconds,
};

/* A reset of the chip in its development boot ends in the boot ROM's loop, where only a debugger finds it. So the firmware
 * begins anew by itself; only out of a handler, which no jump leaves, it resets the chip. */
void nj_board_reset(enum nj_reset_cause why) {
#ifdef NJ_LISTENING
    nj_sources_stop();
#endif
    nj_usart_finish(); /* the answer to who asked for it */
    kept = (uint64_t)port.boot << 32 | CAUSE_MAGIC | (uint32_t)why;
    uint32_t exception;
    __asm__ volatile("dsb\n mrs %0, ipsr" : "=r"(exception) : : "memory");
    if (exception == 0) {
        nj_reset_handler();
    }
    SCB_AIRCR = AIRCR_SYSRESETREQ;
    for (;;) {
    }
}

static void add_segment(const uint8_t *begin, const uint8_t *end) {
    const uint32_t address = (uint32_t)(uintptr_t)begin;
    port.image = nj_image_add(port.image, address, begin, (uint32_t)(uintptr_t)end - address);
}

/* Why the chip was reset, by its own flags. A power-on sets those of a brown-out and of the pin, too, and every reset that of
 * the pin: the strongest counts. */
static enum nj_reset_cause chip_cause(uint32_t flags) {
    if ((flags & (RCC_RSR_IWDG | RCC_RSR_WWDG)) != 0) {
        return NJ_RESET_WATCHDOG;
    }
    if ((flags & RCC_RSR_POR) != 0) {
        return NJ_RESET_POWER_ON;
    }
    if ((flags & RCC_RSR_BOR) != 0) {
        return NJ_RESET_BROWN_OUT;
    }
    if ((flags & RCC_RSR_SOFTWARE) != 0) {
        return NJ_RESET_REQUESTED;
    }
    return (flags & RCC_RSR_PIN) != 0 ? NJ_RESET_PIN : NJ_RESET_UNKNOWN;
}

/* Why we start, and the number of this start. The chip's flags stay until they are removed: where they tell of a power-on, what
 * is kept was never written, and reading it is an error. The count begins then with what the last of the RAM was left with, which
 * has no error code and had no power until now: with 1 each time, the host could not tell a start behind a power-on from the
 * one before. */
static void begin(void) {
    const uint32_t flags = RCC_RSR;
    const bool powered_on = (flags & (RCC_RSR_POR | RCC_RSR_BOR)) != 0;
    uint32_t *const rubbish = (uint32_t *)(uintptr_t)(NJ_CACHEAXI_RAM - RUBBISH_BYTES);
    const uint64_t last = powered_on ? (uint64_t)nj_crc32(0, rubbish, RUBBISH_BYTES) << 32 : kept;
    port.boot = (uint32_t)(last >> 32) + 1u;
    if (powered_on) {
        *rubbish = port.boot; /* a brown-out may leave the RAM as it was: the next start behind one has another number */
    }
    kept = (uint64_t)port.boot << 32;
    RCC_RSR = RCC_RSR_RMVF;
    const uint32_t why = (uint32_t)last;
    cause = (why & 0xFFFF0000u) == CAUSE_MAGIC ? (enum nj_reset_cause)(why & 3u) : chip_cause(flags);
}

static void read_unique_id(void) {
    RCC_APB4ENSR2 = RCC_APB4_2_BSEC;
    (void)RCC_APB4ENR2; /* the enable has arrived when it can be read */
    uint32_t address = NJ_UNIQUE_ID;
    /* Kept whole: the compiler would name the block's base, behind which lie the registers that burn fuses. */
    __asm__("" : "+r"(address));
    const volatile uint32_t *const id = (const volatile uint32_t *)(uintptr_t)address;
    for (uint32_t word = 0; word < 3; ++word) {
        unique_id[word] = id[word];
    }
}

#ifdef NJ_WEIGHTS_IN_NOR
/* Map the NOR and add the weights to the image. Where it cannot be mapped, the first look at them is a bus fault. */
static void add_weights(void) {
    struct nj_nor nor;
    if (nj_nor_start(&nor) == NJ_NOR_READY) {
        nj_nor_map();
    } else {
        nj_send_to(&port);
        nj_log(nor.bytes == 0 ? "the NOR with the weights does not answer" : "the NOR with the weights does not obey");
    }
    add_segment(nj_weights_begin, nj_weights_end);
}
#endif

void nj_main(void) {
    begin();
    /* Note: name's bytes, content's bytes, type, name "GNU", content. */
    const uint32_t *const note = (const uint32_t *)(const void *)nj_build_id_note;
    port.build_id_bytes = note[1];
    port.build_id = nj_build_id_note + 16;
    nj_mpu_start();
    nj_cache_start();
    nj_cost_start();
    nj_usart_start();
    read_unique_id();
    nj_clock_read(clocks);
    port.caches = nj_cache_state();
    add_segment(nj_code_begin, nj_code_end);
    add_segment(nj_constants_begin, nj_constants_end);
    add_segment(nj_data_image_begin, nj_data_image_end);
#ifdef NJ_WEIGHTS_IN_NOR
    add_weights();
#endif
    nj_application(&port);
    nj_board_reset(NJ_RESET_UNKNOWN);
}

void nj_main_fault(const struct nj_fault *fault) {
    nj_application_fault(&port, fault);
    nj_board_reset(NJ_RESET_FAULT);
}
