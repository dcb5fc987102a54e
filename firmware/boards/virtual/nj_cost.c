/* Counting instructions by virtual time.
 *
 * At -icount shift=6 one instruction takes 64 ns. SysTick counts down at 32 MHz (31.25 ns) and starts a whole period when
 * SYST_CVR is written, so a count that begins with that write does not depend on when it began: ticks =
 * floor(64 n / 31.25), and n = round(31.25 ticks / 64) exactly. Its 24 bits last 8.2 million instructions; how often
 * it has wrapped follows from the FPGAIO counter (20 MHz, 32 bits: 214 s or 3.3 thousand million instructions), which
 * needs to be right only to half a wrap.
 * SPDX-License-Identifier: MIT
 */
#include "nj_board.h"

#define SYST_CSR NJ_REGISTER(0xE000E010)
#define SYST_RVR NJ_REGISTER(0xE000E014)
#define SYST_CVR NJ_REGISTER(0xE000E018)
#define FPGAIO_COUNTER NJ_REGISTER(0x59302018)

#define WRAP (1u << 24)

static uint32_t counter_at_begin;
static uint64_t empty; /* instructions of a begin directly followed by its end */
static uint32_t mask_at_begin;

void nj_cost_begin(void *context) {
    (void)context;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(mask_at_begin) : : "memory");
    counter_at_begin = FPGAIO_COUNTER;
    SYST_CVR = 0;
}

uint64_t nj_cost_end(void *context) {
    const uint32_t left = SYST_CVR;
    const uint32_t elapsed = FPGAIO_COUNTER - counter_at_begin; /* of 50 ns: 1.6 ticks */
    __asm__ volatile("msr primask, %0" : : "r"(mask_at_begin) : "memory");
    (void)context;
    const uint64_t low = (WRAP - left) & (WRAP - 1u); /* 0 is the end of one period and the start of the next */
    const uint64_t about = ((uint64_t)elapsed * 8u) / 5u;
    const uint64_t wraps = about > low ? (about - low + WRAP / 2u) / WRAP : 0;
    const uint64_t ticks = low + wraps * WRAP;
    const uint64_t instructions = (ticks * 125u + 128u) / 256u; /* 31.25 / 64 */
    return instructions > empty ? instructions - empty : 0;
}

void nj_cost_start(void) {
    SYST_RVR = WRAP - 1u;
    SYST_CVR = 0;
    SYST_CSR = 5; /* counting, from the processor's clock, no interrupt */
    empty = 0;
    nj_cost_begin(0);
    empty = nj_cost_end(0);
}
