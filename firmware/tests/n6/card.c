/* A program that identifies the card, writes a block and many, reads them back with the data cache on, and ends in a loop with
 * r4 FOUND, r5 the bytes that differ and r6 the card's blocks, or r4 FAILED and r5 where its text of the failure lies.
 * SPDX-License-Identifier: MIT
 */
#include "nj_end.h"
#include "nj_sd.h"

#define FOUND 0x600Du
#define FAILED 0x0BADu
#define MANY 5u
#define FIRST 100u /* block of the card */

/* In AXISRAM1, where nothing of the program lies. */
#define GIVEN ((uint8_t *)(uintptr_t)0x34020000u)
#define TAKEN ((uint8_t *)(uintptr_t)0x34030000u)
#define TEXT ((char *)(uintptr_t)0x34040000u)

static __attribute__((noreturn)) void give_up(const struct nj_sd *card) {
    nj_sd_failure(card, TEXT);
    end(FAILED, (uint32_t)(uintptr_t)TEXT, card->last.status);
}

static void nj_bare_main(void) {
    nj_supply_start();
    nj_clock_start();
    nj_cache_start();
    struct nj_sd card;
    const uint32_t blocks = nj_sd_start(&card);
    if (blocks == 0) {
        give_up(&card);
    }
    for (uint32_t i = 0; i < (MANY + 1u) * NJ_SDMMC_BLOCK; ++i) {
        GIVEN[i] = (uint8_t)(i * 2654435761u >> 24);
    }
    for (uint32_t i = 0; i < (MANY + 1u) * NJ_SDMMC_BLOCK / 8u; ++i) {
        ((volatile uint64_t *)(void *)TAKEN)[i] = 0;
    }
    if (!nj_sd_write(&card, FIRST, GIVEN, 1) || !nj_sd_write(&card, FIRST + 1u, GIVEN + NJ_SDMMC_BLOCK, MANY) ||
        !nj_sd_read(&card, FIRST, TAKEN, MANY) || !nj_sd_read(&card, FIRST + MANY, TAKEN + MANY * NJ_SDMMC_BLOCK, 1)) {
        give_up(&card);
    }
    uint32_t differ = 0;
    for (uint32_t i = 0; i < (MANY + 1u) * NJ_SDMMC_BLOCK; ++i) {
        differ += GIVEN[i] != TAKEN[i];
    }
    end(FOUND, differ, blocks);
}
