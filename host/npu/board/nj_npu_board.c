/* A generated network as firmware of a virtual Cortex-M55: what it is asked lies in memory when it
 * starts, what it tells goes to a file of the host by semihosting, and then it ends. It never
 * waits for anything.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_translation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../interface/nj_npu_host.h"
#include "../interface/nj_npu_place.h"
#include "nj_board.h"

#define MPU_CTRL NJ_REGISTER(0xE000ED94)
#define MPU_RNR NJ_REGISTER(0xE000ED98)
#define MPU_RBAR NJ_REGISTER(0xE000ED9C)
#define MPU_RLAR NJ_REGISTER(0xE000EDA0)
#define MPU_MAIR0 NJ_REGISTER(0xE000EDC0)

enum {
    READ_WRITE = 0U << 1, /* RBAR.AP, privileged */
    READ_ONLY = 2U << 1,
    NEVER_EXECUTE = 1U,
    ENABLE = 1U,
    OUT_BYTES = 1 << 20,
    FAULTED = 70, /* exit status */
};

/* FPSCR: IEEE-754 with subnormal numbers, as on the host; LTPSIZE 4: vectors without a tail. */
#define IEEE_754 (4U << 16)

extern const struct nj_npu_network nj_npu_network;
/* Symbols of the linker script. */
extern uint8_t nj_scratch_begin[], nj_scratch_end[];
extern const uint8_t nj_asked[]; /* its length in four bytes, then the requests */
/* Of newlib's librdimon: opens standard output and error. */
void initialise_monitor_handles(void);

static struct nj_npu_place place;

static void protect(uint32_t number, uint32_t first, uint32_t last, uint32_t access)
{
    MPU_RNR = number;
    MPU_RBAR = first | access;
    MPU_RLAR = (last & ~31U) | ENABLE; /* attributes 0 */
}

/* Null pointers, peripherals and writes to constants fault; all memory takes unaligned access. */
static void protect_memory(void)
{
    uint32_t constants = (uint32_t)(uintptr_t)nj_constants_begin;
    uint32_t data = (uint32_t)(uintptr_t)nj_constants_end;
    MPU_CTRL = 0;
    MPU_MAIR0 = 0xFFU; /* 0: normal, write-back */
    protect(0, 0x10000000, 0x1007FFFF, READ_ONLY);
    protect(1, 0x31000000, 0x311FFFFF, READ_ONLY);
    protect(2, 0x30000000, 0x3007FFFF, READ_WRITE | NEVER_EXECUTE);
    protect(3, 0x60000000, constants - 1, READ_WRITE | NEVER_EXECUTE);
    protect(4, constants, data - 1, READ_ONLY | NEVER_EXECUTE);
    protect(5, data, 0xDFFFFFFF, READ_WRITE | NEVER_EXECUTE);
    MPU_CTRL = ENABLE;
    __asm__ volatile("dsb\n isb" : : : "memory");
}

static bool listen_in(void *bytes, size_t length)
{
    static size_t heard = sizeof(uint32_t);
    uint32_t all;
    memcpy(&all, nj_asked, sizeof all);
    if (length > sizeof all + all - heard) {
        return false;
    }
    memcpy(bytes, nj_asked + heard, length);
    heard += length;
    return true;
}

static void run_once(void (*run)(uint32_t tie), uint32_t tie)
{
    run(tie); /* the next one has a machine of its own */
}

/* Memory lies where the NPU sees it, or where nj_npu_translation.h moves it; QEMU has zeroed it. */
uint8_t *nj_npu_zeros(uint32_t address, uint32_t size)
{
    static struct {
        uint32_t first, last;
    } given[NJ_NPU_REGIONS];
    static uint32_t count;
    uint32_t first = NJ_NPU_TRANSLATED(address);
    uint32_t last = NJ_NPU_TRANSLATED(address + (size - 1));
    if (first < NJ_NPU_BOARD_RAM || last >= (uint32_t)(uintptr_t)nj_asked ||
        last - first != size - 1 || count == NJ_NPU_REGIONS) {
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) { /* two may be moved to one place */
        if (first <= given[i].last && given[i].first <= last) {
            return NULL;
        }
    }
    given[count].first = first;
    given[count++].last = last;
    return (uint8_t *)(uintptr_t)first;
}

void nj_main(void)
{
    protect_memory();
    __asm__ volatile("vmsr fpscr, %0" : : "r"(IEEE_754));
    initialise_monitor_handles();
    stdout = stderr; /* for what the network prints */
    place = (struct nj_npu_place){
        .out = fopen("/dev/stdout", "wb"),
        .scratch = nj_scratch_begin,
        .scratch_bytes = (size_t)(nj_scratch_end - nj_scratch_begin),
        .listen = listen_in,
        .run = run_once,
    };
    if (place.out == NULL || setvbuf(place.out, NULL, _IOFBF, OUT_BYTES) != 0) {
        _exit(EXIT_FAILURE);
    }
    _exit(nj_npu_serve(&nj_npu_network, &place));
}

void nj_main_fault(const struct nj_fault *fault)
{
    fprintf(stderr, "a fault at pc 0x%08lx, lr 0x%08lx: cfsr 0x%08lx, hfsr 0x%08lx, address 0x%08lx\n",
            (unsigned long)fault->pc, (unsigned long)fault->lr, (unsigned long)fault->cfsr,
            (unsigned long)fault->hfsr, (unsigned long)fault->mmfar);
    fflush(stderr);
    _exit(FAULTED);
}

/* A fault while one is told. */
void nj_board_reset(enum nj_reset_cause cause)
{
    (void)cause;
    _exit(FAULTED);
}
