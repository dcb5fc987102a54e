/*
 * A virtual STM32N6 on the board of choice, with the switches of choice: machine `nightjar-n6`.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "nightjar_n6_xspi.h"
#include "nj_layout.h"
#include "exec/address-spaces.h"
#include "hw/arm/boot.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/sysbus.h"
#include "qapi/error.h"
#if __has_include("system/system.h") /* as of QEMU 10.0 */
#include "system/qtest.h"
#include "system/reset.h"
#include "system/system.h"
#else
#include "sysemu/qtest.h"
#include "sysemu/reset.h"
#include "sysemu/sysemu.h"
#endif

#define INTERRUPTS 195
#define RCC_RSR 0x56028034
#define RSR_PIN (1u << 22)
#define RSR_SOFTWARE (1u << 24)

typedef struct {
    MachineState parent;
    char *unique, *nor, *board, *switches, *card, *microphone;
} N6Machine;

#define TYPE_N6_MACHINE MACHINE_TYPE_NAME("nightjar-n6")
DECLARE_INSTANCE_CHECKER(N6Machine, N6_MACHINE, TYPE_N6_MACHINE)

/* Peripheral addresses that belong to no block that we know. */
static uint64_t nothing_read(void *opaque, hwaddr at, unsigned size)
{
    if (current_cpu || qtest_enabled()) {
        n6_punish(opaque, "peripherals", 0x40000000 + at, "read of a block that is not listed", 0);
    }
    return 0;
}

static void nothing_write(void *opaque, hwaddr at, uint64_t value, unsigned size)
{
    if (current_cpu || qtest_enabled()) {
        n6_punish(opaque, "peripherals", 0x40000000 + at, "write of a block that is not listed", value);
    }
}

static const MemoryRegionOps nothing_ops = {
    .read = nothing_read, .write = nothing_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

/* The same memory without the bit that says "secure". */
static void add_alias(MemoryRegion *system, MemoryRegion *of, const char *name, uint32_t base)
{
    MemoryRegion *alias = g_new0(MemoryRegion, 1);

    memory_region_init_alias(alias, NULL, name, of, 0, memory_region_size(of));
    memory_region_add_subregion(system, base & ~0x10000000u, alias);
}

static N6 *the_chip;

/* Every device first; then what the boot ROM leaves behind. What was reset tells a flag each of, until firmware removes them. */
static void n6_reset(MachineState *machine, ShutdownCause cause)
{
    N6 *chip = the_chip;
    uint32_t told = *n6_value(chip, RCC_RSR);

    n6_forget_notes();
    qemu_devices_reset(cause);
    n6_reset_blocks(chip);
    if (chip->powered) {
        *n6_value(chip, RCC_RSR) = told | RSR_PIN | (cause == SHUTDOWN_CAUSE_GUEST_RESET ? RSR_SOFTWARE : 0);
    }
    chip->powered = true;
    n6_power_reset(chip);
    n6_rcc_reset(chip);
    n6_usart_reset(chip);
    n6_npu_reset(chip);
    n6_sdmmc_reset(chip);
    n6_mdf_reset(chip);
    n6_gpdma_reset(chip);
    n6_rif_reset(chip);
    n6_update_memories(chip);
    n6_xspi_reset(chip);
    n6_watch_reset(chip, n6_boot_rom_reset(chip));
}

static void n6_init(MachineState *machine)
{
    N6 *chip = the_chip = g_new0(N6, 1);
    MemoryRegion *system = get_system_memory();
    MemoryRegion *peripherals = g_new0(MemoryRegion, 1), *nothing = g_new0(MemoryRegion, 1);

    chip->boots_flash = !g_strcmp0(N6_MACHINE(machine)->switches, "flash");
    chip->is_nucleo = !g_strcmp0(N6_MACHINE(machine)->board, "nucleo-n657x0-q");
    chip->unique = N6_MACHINE(machine)->unique ? N6_MACHINE(machine)->unique[0] : '0';
    chip->cpu_clock = clock_new(OBJECT(machine), "cpu-clock");
    chip->reference_clock = clock_new(OBJECT(machine), "reference-clock");
    clock_set_hz(chip->cpu_clock, 64000000);
    clock_set_hz(chip->reference_clock, 8000000);

    n6_tcms_start(chip, system);
    n6_boot_rom_start(chip, system);

    memory_region_init(peripherals, NULL, "peripherals", 0x10000000);
    memory_region_init_io(nothing, NULL, &nothing_ops, chip, "no peripheral", 0x10000000);
    memory_region_add_subregion_overlap(peripherals, 0, nothing, -1);
    memory_region_add_subregion(system, 0x50000000, peripherals);
    add_alias(system, peripherals, "peripherals, non-secure", 0x50000000);
    n6_rcc_start(chip, peripherals);
    n6_power_start(chip, peripherals);
    n6_rams_start(chip, peripherals, system);
    n6_others_start(chip, peripherals);
    n6_xspi_start(chip, peripherals, system, chip->is_nucleo ? NULL : n6_psram_start(chip),
                  n6_nor_start(chip, N6_MACHINE(machine)->nor, chip->is_nucleo));

    object_initialize_child(OBJECT(machine), "cpu", &chip->cpu, TYPE_ARMV7M);
    qdev_prop_set_uint32(DEVICE(&chip->cpu), "num-irq", INTERRUPTS);
    qdev_prop_set_string(DEVICE(&chip->cpu), "cpu-type", machine->cpu_type);
    qdev_prop_set_uint32(DEVICE(&chip->cpu), "init-svtor", NJ_BOOT_ROM);
    qdev_connect_clock_in(DEVICE(&chip->cpu), "cpuclk", chip->cpu_clock);
    qdev_connect_clock_in(DEVICE(&chip->cpu), "refclk", chip->reference_clock);
    object_property_set_link(OBJECT(&chip->cpu), "memory", OBJECT(system), &error_abort);
    sysbus_realize(SYS_BUS_DEVICE(&chip->cpu), &error_fatal);
    n6_core_start(chip);
    n6_caches_start(chip);
    n6_usart_start(chip, peripherals, serial_hd(0));
    n6_npu_start(chip, peripherals);
    n6_sdmmc_start(chip, peripherals, N6_MACHINE(machine)->card);
    n6_mdf_start(chip, peripherals, N6_MACHINE(machine)->microphone);
    n6_gpdma_start(chip, peripherals);
    n6_watch_start(chip);
    armv7m_load_kernel(ARM_CPU(first_cpu), NULL, 0, 0);
}

static char *get_unique(Object *object, Error **error)
{
    return g_strdup(N6_MACHINE(object)->unique);
}

static void set_unique(Object *object, const char *value, Error **error)
{
    if (strlen(value) != 1) {
        error_setg(error, "uid is one character, the last of the chip's unique id; received '%s'", value);
        return;
    }
    g_free(N6_MACHINE(object)->unique);
    N6_MACHINE(object)->unique = g_strdup(value);
}

static char *get_nor(Object *object, Error **error)
{
    return g_strdup(N6_MACHINE(object)->nor);
}

static void set_nor(Object *object, const char *value, Error **error)
{
    g_free(N6_MACHINE(object)->nor);
    N6_MACHINE(object)->nor = g_strdup(value);
}

static char *get_card(Object *object, Error **error)
{
    return g_strdup(N6_MACHINE(object)->card);
}

static void set_card(Object *object, const char *value, Error **error)
{
    g_free(N6_MACHINE(object)->card);
    N6_MACHINE(object)->card = g_strdup(value);
}

static char *get_microphone(Object *object, Error **error)
{
    return g_strdup(N6_MACHINE(object)->microphone);
}

static void set_microphone(Object *object, const char *value, Error **error)
{
    g_free(N6_MACHINE(object)->microphone);
    N6_MACHINE(object)->microphone = g_strdup(value);
}

static char *get_board(Object *object, Error **error)
{
    return g_strdup(N6_MACHINE(object)->board);
}

static void set_board(Object *object, const char *value, Error **error)
{
    if (strcmp(value, "stm32n6570-dk") && strcmp(value, "nucleo-n657x0-q")) {
        error_setg(error, "board is stm32n6570-dk or nucleo-n657x0-q; received '%s'", value);
        return;
    }
    g_free(N6_MACHINE(object)->board);
    N6_MACHINE(object)->board = g_strdup(value);
}

static char *get_switches(Object *object, Error **error)
{
    return g_strdup(N6_MACHINE(object)->switches);
}

static void set_switches(Object *object, const char *value, Error **error)
{
    if (strcmp(value, "development") && strcmp(value, "flash")) {
        error_setg(error, "switches is development or flash; received '%s'", value);
        return;
    }
    g_free(N6_MACHINE(object)->switches);
    N6_MACHINE(object)->switches = g_strdup(value);
}

static void n6_class_init(ObjectClass *class, void *data)
{
    MachineClass *machine = MACHINE_CLASS(class);

    machine->desc = "Nightjar's STM32N6 (Cortex-M55)";
    machine->init = n6_init;
    machine->reset = n6_reset;
    machine->default_cpu_type = ARM_CPU_TYPE_NAME("cortex-m55");
    machine->default_cpus = machine->min_cpus = machine->max_cpus = 1;
    machine->no_floppy = machine->no_cdrom = machine->no_parallel = true;
    object_class_property_add_str(class, "uid", get_unique, set_unique);
    object_class_property_add_str(class, "nor", get_nor, set_nor);
    object_class_property_add_str(class, "card", get_card, set_card);
    object_class_property_add_str(class, "microphone", get_microphone, set_microphone);
    object_class_property_add_str(class, "board", get_board, set_board);
    object_class_property_add_str(class, "switches", get_switches, set_switches);
}

static const TypeInfo n6_type = {
    .name = TYPE_N6_MACHINE,
    .parent = TYPE_MACHINE,
    .instance_size = sizeof(N6Machine),
    .class_init = n6_class_init,
};

static void n6_register(void)
{
    type_register_static(&n6_type);
}

type_init(n6_register)
