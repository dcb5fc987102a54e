/* Start and text output of a bare Cortex-M55 under QEMU, by semihosting.
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>

int main(void);
void put_text(const char *text);
void reset_handler(void);

extern uint32_t stack_top[];

static void semihost(uint32_t operation, uint32_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uint32_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void put_text(const char *text)
{
    semihost(0x04, (uint32_t)text);
}

__attribute__((naked)) void reset_handler(void)
{
    __asm__ volatile("ldr r0, =0xE000ED88\n" /* CPACR */
                     "ldr r1, =0x00F00000\n" /* floating point and Helium */
                     "str r1, [r0]\n"
                     "dsb\nisb\n"
                     "bl main\n"
                     "movs r0, #0x18\n"
                     "ldr r1, =0x20026\n" /* ended well */
                     "bkpt 0xab\n"
                     "b .\n");
}

static void fault_handler(void)
{
    put_text("fault\n");
    semihost(0x18, 0x20023);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top,     (void *)reset_handler, (void *)fault_handler, (void *)fault_handler,
    (void *)fault_handler, (void *)fault_handler, (void *)fault_handler, (void *)fault_handler,
};
