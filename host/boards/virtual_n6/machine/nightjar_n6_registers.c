/*
 * Blocks of registers by lists: nothing is answered that no list names.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "hw/core/cpu.h"
#include "exec/cpu-common.h"
#include "exec/exec-all.h"
#include "exec/target_page.h"
#include "qemu/error-report.h"
#if __has_include("system/system.h") /* as of QEMU 10.0 */
#include "system/qtest.h"
#else
#include "sysemu/qtest.h"
#endif
#include "target/arm/cpu.h"

#define SET 0x800
#define CLEAR 0x1000
#define NOTES 64 /* that a run makes at most */

uint32_t n6_program_counter(void)
{
    if (!current_cpu) {
        return 0;
    }
    if (current_cpu->mem_io_pc) {
        cpu_restore_state(current_cpu, current_cpu->mem_io_pc);
    }
    return ARM_CPU(current_cpu)->env.regs[15];
}

uint32_t n6_program_counter_in_passing(void)
{
    uint64_t found[8] = {0}; /* more than the words that a translated instruction is kept with */
    uint32_t counter = current_cpu ? ARM_CPU(current_cpu)->env.regs[15] : 0, page = -1u << qemu_target_page_bits();

    if (!current_cpu || !current_cpu->mem_io_pc || !cpu_unwind_state_data(current_cpu, current_cpu->mem_io_pc, found)) {
        return counter;
    }
    return found[0] & page ? found[0] : (counter & page) | found[0]; /* it may be counted from its page's begin */
}

void n6_punish(N6 *chip, const char *where, uint32_t address, const char *what, uint32_t value)
{
    error_report("nightjar-n6: %s %08x: %s (%08x), pc %08x", where, address, what, value, n6_program_counter());
    exit(3);
}

void n6_end(N6 *chip, uint32_t pc, const char *what)
{
    error_report("nightjar-n6: %s, pc %08x", what, pc);
    exit(3);
}

static GHashTable *said;

void n6_forget_notes(void)
{
    if (said && g_hash_table_size(said)) {
        error_report("nightjar-n6: note: reset");
        g_hash_table_remove_all(said);
    }
}

void n6_note(N6 *chip, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (!said) {
        said = g_hash_table_new(g_str_hash, g_str_equal);
    }
    if (g_hash_table_size(said) < NOTES && g_hash_table_add(said, text)) {
        error_report("nightjar-n6: note: %s", text);
    }
}

static const N6Register *find(N6Block *block, uint32_t offset)
{
    for (unsigned i = 0; i < block->registers_count; i++) {
        const N6Register *one = &block->registers[i];
        unsigned count = one->count ? one->count : 1;

        for (unsigned k = 0; k < count; k++) {
            if (one->offset + k * one->stride == offset) {
                return one;
            }
        }
    }
    return NULL;
}

/* The register that `offset` is an alias of, and how: 0, SET or CLEAR. */
static const N6Register *resolve(N6Block *block, uint32_t *offset, uint32_t *alias)
{
    const N6Register *one = find(block, *offset);

    *alias = 0;
    if (one) {
        return one;
    }
    for (uint32_t way = SET; way <= CLEAR; way += CLEAR - SET) {
        if (*offset >= way) {
            one = find(block, *offset - way);
            if (one && one->set_clear) {
                *offset -= way;
                *alias = way;
                return one;
            }
        }
    }
    return NULL;
}

/* A debugger looks at what it likes; only firmware is held to the lists. */
static bool by_debugger(void)
{
    return !current_cpu && !qtest_enabled();
}

static void note_unclocked(N6Block *block, uint32_t at, const char *how)
{
    n6_note(block->chip, "%s: a register was %s while the block has no clock: bit %u of RCC_%s is 0", block->name, how,
            block->clock_bit, n6_rcc_name(block->clock));
}

static uint64_t block_read(void *opaque, hwaddr at, unsigned size)
{
    N6Block *block = opaque;
    uint32_t offset = at & ~3u, alias;
    const N6Register *one = resolve(block, &offset, &alias);

    if (!one) {
        if (by_debugger()) {
            return 0;
        }
        n6_punish(block->chip, block->name, block->base + at, "read of a register that is not listed", 0);
    }
    if (block->clock && !n6_clocked(block->chip, block->clock, block->clock_bit)) {
        if (!by_debugger()) {
            note_unclocked(block, at, "read");
        }
        return 0; /* inferred: no source says what an unclocked block answers */
    }
    uint32_t value = block->values[offset / 4];
    if (block->read) {
        value = block->read(block->chip, offset, value);
    }
    return value >> (8 * (at & 3));
}

static void block_write(void *opaque, hwaddr at, uint64_t data, unsigned size)
{
    N6Block *block = opaque;
    uint32_t offset = at, alias;
    const N6Register *one = resolve(block, &offset, &alias);

    if (by_debugger()) {
        return;
    }
    if (!one) {
        n6_punish(block->chip, block->name, block->base + at, "write of a register that is not listed", data);
    }
    if (size != 4) {
        n6_punish(block->chip, block->name, block->base + at, "write of less than a word", data);
    }
    uint32_t before = block->values[offset / 4];
    uint32_t value = data;
    if (alias) {
        /* What a bus or a sleep enable has no bit for, everybody writes as ones. */
        value = alias == SET ? before | (data & one->known) : before & ~data;
    } else if ((value ^ before) & ~one->known) {
        n6_punish(block->chip, block->name, block->base + at, "write of a bit that is not listed", value);
    }
    if (block->clock && !n6_clocked(block->chip, block->clock, block->clock_bit)) {
        note_unclocked(block, at, "written");
        return; /* inferred, as above */
    }
    value = (before & ~one->writable) | (value & one->writable);
    block->values[offset / 4] = value;
    if (block->written) {
        block->written(block->chip, offset, before, alias ? value : data);
    }
}

static const MemoryRegionOps block_ops = {
    .read = block_read,
    .write = block_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 4},
    .impl = {.min_access_size = 1, .max_access_size = 4},
};

N6Block *n6_add_block(N6 *chip, MemoryRegion *system, const N6Block *what)
{
    N6Block *block = g_memdup2(what, sizeof *what);

    block->chip = chip;
    g_assert(block->size / 4 <= ARRAY_SIZE(block->values));
    memory_region_init_io(&block->memory, NULL, &block_ops, block, block->name, block->size);
    memory_region_add_subregion(system, block->base & 0x0FFFFFFF, &block->memory);
    g_assert(chip->blocks_count < ARRAY_SIZE(chip->blocks));
    chip->blocks[chip->blocks_count++] = block;
    return block;
}

uint32_t *n6_value(N6 *chip, uint32_t address)
{
    for (unsigned i = 0; i < chip->blocks_count; i++) {
        N6Block *block = chip->blocks[i];

        if (address >= block->base && address - block->base < block->size) {
            return &block->values[(address - block->base) / 4];
        }
    }
    g_assert_not_reached();
}

void n6_reset_blocks(N6 *chip)
{
    for (unsigned i = 0; i < chip->blocks_count; i++) {
        N6Block *block = chip->blocks[i];

        memset(block->values, 0, sizeof block->values);
        for (unsigned k = 0; k < block->registers_count; k++) {
            const N6Register *one = &block->registers[k];
            unsigned count = one->count ? one->count : 1;

            for (unsigned n = 0; n < count; n++) {
                block->values[(one->offset + n * one->stride) / 4] = one->reset;
            }
        }
    }
}
