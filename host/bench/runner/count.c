/* Counts instructions of the frontend, or of CMSIS-DSP's path, on a bare Cortex-M55 under QEMU with -icount shift=6, as
 * the virtual board does (firmware/boards/virtual/nj_cost.c); no count here reaches SysTick's wrap at 8.2 million.
 * Prints "name count" lines by semihosting. frontend.py compiles it, once without and once with NJ_PEER.
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>

int main(void);
void reset_handler(void);
void nj_bench(void);
void nj_measure(const char *name, void (*body)(void));

extern uint32_t stack_top[];

#define SYST_CSR (*(volatile uint32_t *)0xE000E010)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018)

static uint32_t semihost(uint32_t operation, uint32_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uint32_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void put_number(uint32_t value)
{
    char text[12];
    uint32_t place = sizeof(text) - 1u;

    text[place] = 0;
    text[--place] = '\n';
    do {
        text[--place] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0u);
    semihost(0x04, (uint32_t)&text[place]);
}

static uint32_t ticks_of(void (*body)(void))
{
    SYST_CVR = 0;
    body();
    return (0x1000000u - SYST_CVR) & 0xFFFFFFu;
}

static void nothing(void)
{
    __asm__ volatile("" : : : "memory");
}

void nj_measure(const char *name, void (*body)(void))
{
    void (*volatile hidden)(void) = body;
    void (*volatile empty)(void) = nothing;
    const uint32_t overhead = (ticks_of(empty) * 125u + 128u) / 256u;
    const uint32_t ticks = ticks_of(hidden);

    semihost(0x04, (uint32_t)name);
    semihost(0x04, (uint32_t)" ");
    put_number((uint32_t)(((uint64_t)ticks * 125u + 128u) / 256u) - overhead);
}

int main(void)
{
    SYST_RVR = 0xFFFFFFu;
    SYST_CVR = 0;
    SYST_CSR = 5;
    nj_bench();
    return 0;
}

__attribute__((naked)) void reset_handler(void)
{
    __asm__ volatile("ldr r0, =0xE000ED88\n" /* CPACR */
                     "ldr r1, =0x00F00000\n" /* floating point and Helium */
                     "str r1, [r0]\n"
                     "ldr r0, =0xE000EF34\n" /* FPCCR: no lazy state, none saved */
                     "movs r1, #0\n"
                     "str r1, [r0]\n"
                     "ldr r0, =0xE000ED14\n" /* CCR: low-overhead branches */
                     "ldr r1, [r0]\n"
                     "orr r1, r1, #0x80000\n"
                     "str r1, [r0]\n"
                     "dsb\nisb\n"
                     "bl main\n"
                     "movs r0, #0x18\n"
                     "ldr r1, =0x20026\n"
                     "bkpt 0xab\n"
                     "b .\n");
}

static void fault(void)
{
    semihost(0x04, (uint32_t) "fault\n");
    semihost(0x18, 0x20023);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top,     (void *)reset_handler, (void *)fault, (void *)fault,
    (void *)fault, (void *)fault,         (void *)fault, (void *)fault,
};
