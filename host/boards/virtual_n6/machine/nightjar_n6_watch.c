/*
 * What target/arm tells of the core between its accesses (patches/): exceptions that it takes, exclusive accesses,
 * sleep. Here is what the boot ROM leaves behind, too: an interrupt, enabled and pending, behind PRIMASK.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "nj_layout.h"
#include "hw/core/cpu.h"
#include "qemu/main-loop.h"
#include "exec/address-spaces.h"
#include "target/arm/cpu.h"
#if __has_include("system/system.h") /* as of QEMU 10.0 */
#define qemu_mutex_lock_iothread bql_lock
#define qemu_mutex_unlock_iothread bql_unlock
#endif

#define EXTERNAL 16 /* the exception that is interrupt 0 */
#define LEFT 21 /* the interrupt that is left: no source says which; one that nothing of ours uses */

void (*nightjar_taken)(int exception, uint32_t vectors);
void (*nightjar_exclusive)(uint32_t address);
void (*nightjar_sleeps)(void);

static N6 *chip;
static bool left;

static uint32_t counter(void)
{
    return current_cpu ? ARM_CPU(current_cpu)->env.regs[15] : 0;
}

static void taken(int exception, uint32_t vectors)
{
    if (exception == EXTERNAL + LEFT && left) {
        n6_end(chip, counter(), "NVIC: interrupt 21, which the boot ROM had left pending, was taken: NVIC_ICER and NVIC_ICPR were not "
                                "written before PRIMASK was cleared");
    }
    if (vectors - NJ_BOOT_ROM < 0x20000) {
        g_autofree char *text = g_strdup_printf("SCB: exception %d went to the boot ROM's vectors: VTOR was not set", exception);

        n6_end(chip, counter(), text);
    }
}

static void exclusive(uint32_t address)
{
    g_autofree char *text = g_strdup_printf("an exclusive access (LDREX) to the register %08x: what it does there is not defined",
                                            address);
    n6_end(chip, counter(), text);
}

static void sleeps(void)
{
    qemu_mutex_lock_iothread();
    n6_update_memories(chip);
    qemu_mutex_unlock_iothread();
}

void n6_watch_reset(N6 *of, bool starts)
{
    CPUARMState *env = &ARM_CPU(first_cpu)->env;

    left = starts;
    if (starts) {
        env->v7m.primask[M_REG_S] = 1;
        address_space_stl(&of->core_space, 0xE000E100 + LEFT / 32 * 4, 1u << LEFT % 32, (MemTxAttrs) {.secure = 1}, NULL);
        armv7m_nvic_set_pending(env->nvic, EXTERNAL + LEFT, false);
    }
}

void n6_watch_start(N6 *of)
{
    chip = of;
    address_space_init(&of->core_space, &of->cpu.container, "what the core sees");
    nightjar_taken = taken;
    nightjar_exclusive = exclusive;
    nightjar_sleeps = sleeps;
}
