/* The flash loader: a debugger puts it into AXISRAM2, and blocks of bytes into the buffer; it erases, programs and verifies.
 * SPDX-License-Identifier: MIT
 */
#include "nj_flash_loader.h"

#include <stdbool.h>

#include "link/nj_crc32.h"
#include "nj_bare.h"
#include "nj_nor.h"

__attribute__((section(".mailbox"), used)) volatile struct nj_loader nj_loader;

/* A debugger's breakpoint is here. */
__attribute__((noinline, used)) void nj_loader_done(void) {
    __asm__ volatile("nop" : : : "memory");
}

void nj_bare_stop(void) {
    for (;;) {
        nj_loader.state = NJ_NOR_BUSY;
        nj_loader_done();
    }
}

/* Whether `bytes` in the window are what is wanted; `programs`: whether they become so without being erased. */
static bool same(uint32_t address, const uint32_t *wanted, uint32_t bytes, bool *programs) {
    const volatile uint32_t *const there = (const volatile uint32_t *)(uintptr_t)address;
    bool equal = true;
    *programs = true;
    for (uint32_t i = 0; i < bytes / 4u; ++i) {
        const uint32_t now = there[i];
        equal = equal && now == wanted[i];
        *programs = *programs && (now & wanted[i]) == wanted[i];
    }
    return equal;
}

static enum nj_nor_state program(uint32_t at, const uint8_t *wanted, uint32_t bytes) {
    for (uint32_t page = 0; page < bytes; page += NJ_NOR_PAGE) {
        bool erased = true;
        for (uint32_t i = 0; i < NJ_NOR_PAGE; ++i) {
            erased = erased && wanted[page + i] == 0xFFu;
        }
        const enum nj_nor_state state = erased ? NJ_NOR_READY : nj_nor_program(at + page, wanted + page, NJ_NOR_PAGE);
        if (state != NJ_NOR_READY) {
            return state;
        }
    }
    return NJ_NOR_READY;
}

/* Make a sector or a block of the NOR what the buffer holds at `wanted`. */
static uint32_t write_one(uint32_t address, uint32_t wanted, uint32_t bytes) {
    const uint32_t *const words = (const uint32_t *)(uintptr_t)wanted;
    bool programs;
    if (same(address, words, bytes, &programs)) {
        return NJ_NOR_READY;
    }
    enum nj_nor_state state = NJ_NOR_READY;
    if (!programs) {
        state = nj_nor_erase(address - NJ_NOR, bytes);
        nj_loader.erased = nj_loader.erased + bytes;
    }
    if (state == NJ_NOR_READY) {
        state = program(address - NJ_NOR, (const uint8_t *)(uintptr_t)wanted, bytes);
    }
    nj_nor_map();
    if (state != NJ_NOR_READY) {
        return state;
    }
    return same(address, words, bytes, &programs) ? (uint32_t)NJ_NOR_READY : NJ_LOADER_DIFFERS;
}

/* Blocks where whole ones are to be written, since 16 sectors take longer to erase; else sectors. */
static uint32_t write(uint32_t address, uint32_t bytes) {
    nj_nor_map();
    for (uint32_t done = 0; done < bytes;) {
        const uint32_t at = address + done;
        const uint32_t unit = at % NJ_NOR_BLOCK == 0 && bytes - done >= NJ_NOR_BLOCK ? NJ_NOR_BLOCK : NJ_NOR_SECTOR;
        const uint32_t state = write_one(at, NJ_LOADER_BUFFER + done, unit);
        if (state != NJ_NOR_READY) {
            nj_loader.address = at;
            return state;
        }
        done += unit;
    }
    return NJ_NOR_READY;
}

static bool whole_sectors(const struct nj_nor *nor, uint32_t address, uint32_t bytes, uint32_t most) {
    const uint32_t at = address - NJ_NOR;
    const bool aligned = at % NJ_NOR_SECTOR == 0 && bytes % NJ_NOR_SECTOR == 0;
    return address >= NJ_NOR && aligned && bytes <= most && at <= nor->bytes && bytes <= nor->bytes - at;
}

static uint32_t obey(const struct nj_nor *nor) {
    const uint32_t address = nj_loader.address;
    const uint32_t bytes = nj_loader.bytes;
    const bool writes = nj_loader.command == NJ_LOADER_WRITE;
    if (!whole_sectors(nor, address, bytes, writes ? NJ_LOADER_BUFFER_BYTES : nor->bytes)) {
        return NJ_LOADER_OUTSIDE;
    }
    const uint32_t state = writes ? write(address, bytes) : (uint32_t)NJ_NOR_READY;
    nj_nor_map();
    nj_loader.crc = nj_crc32(0, (const void *)(uintptr_t)address, bytes);
    return state;
}

static void nj_bare_main(void) {
    nj_supply_start();
    nj_clock_start();
    struct nj_nor nor;
    const enum nj_nor_state state = nj_nor_start(&nor);
    nj_loader.state = (uint32_t)state;
    nj_loader.id = nor.id;
    nj_loader.address = 0;
    nj_loader.erased = 0;
    for (;;) {
        nj_loader_done();
        if (state == NJ_NOR_READY) {
            nj_loader.state = obey(&nor);
        }
    }
}
