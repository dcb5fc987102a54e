/* A memory card in the STM32N6570-DK's slot: high capacity (SDHC, SDXC) only, at default speed, 25 MHz on four lines.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_SD_H
#define NJ_SD_H

#include <stdbool.h>
#include <stdint.h>

#include "nj_sdmmc.h"

struct nj_sd {
    uint32_t address; /* the card's, in the upper half */
    uint32_t blocks;
    struct nj_sdmmc_end last; /* where a call failed: how, and with what */
    const char *why;
};

/* Identify the card and have it ready: its blocks of 512 bytes, 0 where there is none, or one that is not of our kind. */
uint32_t nj_sd_start(struct nj_sd *card);

/* Blocks from number `block` on; `data` is at a multiple of 32 in AXISRAM. Each ends within a bound: 500 ms for the card's
 * silence, and its programming. False: nj_sd_failure says why, and what was moved until then is not known. */
bool nj_sd_read(struct nj_sd *card, uint32_t block, void *data, uint32_t blocks);
bool nj_sd_write(struct nj_sd *card, uint32_t block, const void *data, uint32_t blocks);

/* Why the last call failed, as text: command, SDMMC_STA, and the card's status or answer. */
#define NJ_SD_FAILURE_BYTES 80u
void nj_sd_failure(const struct nj_sd *card, char text[NJ_SD_FAILURE_BYTES]);

#endif
