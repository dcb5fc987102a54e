/*
 * ITCM and DTCM, and what any memory holds since the power-on: rubbish. The core's memories have an error code of 32 bits each,
 * which is rubbish, too: what reads a word before anybody wrote it, or writes less than a word of one, meets an error.
 *
 * A cover lies over each stretch that is not whole yet, and tells words apart. Between power-on and power-off no reset is one.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "nj_layout.h"
#include "hw/core/cpu.h"
#include "qapi/error.h"

#define STRETCH 1024 /* the least that QEMU maps by itself */
#define WORDS (STRETCH / 4)

typedef struct {
    N6 *chip;
    const char *name;
    uint32_t base;
    uint8_t *content;
    uint8_t written[WORDS]; /* by byte of a word, a bit each */
    unsigned whole; /* words that are written */
    MemoryRegion cover;
} Stretch;

static bool is_whole(const Stretch *of, hwaddr at, unsigned size)
{
    for (unsigned word = at / 4; word <= (at + size - 1) / 4; word++) {
        if (of->written[word] != 15) {
            return false;
        }
    }
    return true;
}

static uint64_t cover_read(void *opaque, hwaddr at, unsigned size)
{
    Stretch *of = opaque;

    if (current_cpu && !is_whole(of, at, size)) {
        n6_punish(of->chip, of->name, of->base + at,
                  "a word was read that nobody has written since the power-on: its error code is wrong", 0);
    }
    return ldn_le_p(of->content + at, size);
}

static void cover_write(void *opaque, hwaddr at, uint64_t value, unsigned size)
{
    Stretch *of = opaque;

    if (current_cpu && (at % 4 || size % 4) && !is_whole(of, at, size)) {
        n6_punish(of->chip, of->name, of->base + at,
                  "a part was written of a word that nobody has written since the power-on: its error code is wrong", value);
    }
    stn_le_p(of->content + at, size, value);
    for (unsigned byte = at; byte < at + size; byte++) {
        uint8_t *one = &of->written[byte / 4], before = *one;

        *one |= 1u << byte % 4;
        of->whole += before != 15 && *one == 15;
    }
    if (of->whole == WORDS) {
        memory_region_set_enabled(&of->cover, false);
    }
}

static const MemoryRegionOps cover_ops = {
    .read = cover_read, .write = cover_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

/* The same rubbish at each power-on, and no two words alike: a run can be repeated. */
void n6_rubbish(uint8_t *content, uint32_t bytes)
{
    uint32_t state = 0x4E4A524D;

    for (uint32_t at = 0; at < bytes; at += 4) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        stl_le_p(content + at, state);
    }
}

static void add(N6 *chip, MemoryRegion *system, const char *name, uint32_t base, uint32_t bytes)
{
    MemoryRegion *tcm = g_new0(MemoryRegion, 1), *ram = g_new0(MemoryRegion, 1), *alias = g_new0(MemoryRegion, 1);
    Stretch *stretches = g_new0(Stretch, bytes / STRETCH);
    g_autofree char *of_alias = g_strdup_printf("%s, non-secure", name);
    uint8_t *content;

    memory_region_init(tcm, NULL, name, bytes);
    memory_region_init_ram(ram, NULL, g_strdup_printf("%s's content", name), bytes, &error_fatal);
    content = memory_region_get_ram_ptr(ram);
    n6_rubbish(content, bytes);
    memory_region_add_subregion(tcm, 0, ram);
    for (uint32_t at = 0; at < bytes; at += STRETCH) {
        Stretch *one = &stretches[at / STRETCH];

        *one = (Stretch) {.chip = chip, .name = name, .base = base + at, .content = content + at};
        memory_region_init_io(&one->cover, NULL, &cover_ops, one, "not written since the power-on", STRETCH);
        memory_region_add_subregion_overlap(tcm, at, &one->cover, 1);
    }
    memory_region_add_subregion(system, base, tcm);
    memory_region_init_alias(alias, NULL, of_alias, tcm, 0, bytes);
    memory_region_add_subregion(system, base & ~0x10000000u, alias);
}

void n6_tcms_start(N6 *chip, MemoryRegion *system)
{
    add(chip, system, "ITCM", NJ_ITCM, NJ_ITCM_BYTES);
    add(chip, system, "DTCM", NJ_DTCM, NJ_DTCM_BYTES);
}
