/*
 * The boot ROM, ours. With the switches of development boot it waits for a debugger. With those of flash boot it looks at the
 * header in the NOR (ST's version 2.3: magic "STM2" at 0, the payload's sum of bytes at 0x64, version at 0x68, bytes at 0x6C,
 * entry point at 0x70), copies the payload behind it to AXISRAM2, and starts it. It leaves the stack pointer and VTOR its own,
 * AXISRAM3 to 6 off, an interrupt pending (nightjar_n6_watch.c), the caches on (nightjar_n6_caches.c), and the debug port open in
 * a development boot alone. What it does not start it says on the standard error.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6_xspi.h"
#include "nj_layout.h"
#include "exec/address-spaces.h"
#include "qapi/error.h"
#include "qemu/error-report.h"

#define CODE 16 /* the word behind the core's own vectors at which the code begins */
#define ENTRY (CODE + 6) /* the word that the code branches to, unless it is 0 */
#define LOOP (NJ_BOOT_ROM + 4 * CODE + 6)

static uint8_t *rom;

void n6_boot_rom_start(N6 *chip, MemoryRegion *system)
{
    static const uint32_t words[] = {
        [0] = NJ_AXISRAM2 + 0x1000, [1] = NJ_BOOT_ROM + 4 * CODE + 1,
        [2 ... CODE - 1] = LOOP + 1, /* a fault ends here, too */
        [CODE] =
        0xb1024a05, /* ldr r2, entry; cbz r2, loop */
        0x48034710, /* bx r2; loop: ldr r0, disable */
        0x43c92100, /* movs r1, #0; mvns r1, r1 */
        0xbf306001, /* str r1, [r0]; sleep: wfi */
        0x0000e7fd, /* b sleep */
        0xe000e180, /* disable: NVIC_ICER0, since what is left pending would keep the loop awake; then the entry */
    };
    MemoryRegion *region = g_new0(MemoryRegion, 1);

    memory_region_init_ram(region, NULL, "boot ROM", 0x20000, &error_fatal);
    memory_region_set_readonly(region, true);
    memory_region_add_subregion(system, NJ_BOOT_ROM, region);
    rom = memory_region_get_ram_ptr(region);
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        stl_le_p(rom + 4 * i, words[i]);
    }
}

static const char *refuses(const uint8_t *image, uint32_t bytes, uint32_t entry)
{
    uint32_t sum = 0;

    if (memcmp(image, "STM2", 4)) {
        return "no image: the NOR does not begin with STM2";
    }
    if (ldl_le_p(image + 0x68) != 0x00020300) {
        return "the header's version is not 2.3";
    }
    if (!bytes || bytes > NJ_AXISRAM2 + NJ_AXISRAM2_BYTES - NJ_FIRST_STAGE) {
        return "the payload is empty, or larger than AXISRAM2 behind 0x34180400";
    }
    for (uint32_t i = 0; i < bytes; i++) {
        sum += image[NJ_IMAGE_HEADER_BYTES + i];
    }
    if (sum != ldl_le_p(image + 0x64)) {
        return "the payload's sum is not what the header says";
    }
    if (!(entry & 1) || entry < NJ_FIRST_STAGE || entry - NJ_FIRST_STAGE >= bytes) {
        return "the entry point at 0x70 is no odd address in the payload";
    }
    return NULL;
}

bool n6_boot_rom_reset(N6 *chip)
{
    const uint8_t *image = n6_nor_content() + (NJ_NOR_FIRST_STAGE - NJ_NOR);
    uint32_t bytes = ldl_le_p(image + 0x6C), entry = ldl_le_p(image + 0x70);
    const char *wrong;

    stl_le_p(rom + 4 * ENTRY, 0);
    if (!chip->boots_flash) {
        *n6_value(chip, 0x56009E8C) = N6_DBGCR_OPEN;
        *n6_value(chip, 0x56009E90) = N6_AP_UNLOCK_OPEN;
        return true; /* by a debugger */
    }
    wrong = refuses(image, bytes, entry);
    if (wrong) {
        error_report("nightjar-n6: boot ROM: %s", wrong);
        return false;
    }
    address_space_write(&address_space_memory, NJ_FIRST_STAGE, MEMTXATTRS_UNSPECIFIED, image + NJ_IMAGE_HEADER_BYTES, bytes);
    stl_le_p(rom + 4 * ENTRY, entry);
    return true;
}
