/* SDMMC2 at the STM32N6570-DK's card slot: one command at a time, and blocks moved by its own DMA.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_SDMMC_H
#define NJ_SDMMC_H

#include <stdbool.h>
#include <stdint.h>

#define NJ_SDMMC_BLOCK 512u /* bytes */
#define NJ_SDMMC_MOST_BLOCKS 65535u /* of one transfer */

/* What a command waits for. An answer of R3's form has no CRC; one of R2's has 128 bits. */
enum nj_sdmmc_answer { NJ_SDMMC_NONE, NJ_SDMMC_R1, NJ_SDMMC_R3, NJ_SDMMC_R2 };

/* How the last command ended. */
struct nj_sdmmc_end {
    uint32_t command; /* its index */
    uint32_t status; /* SDMMC_STA */
    uint32_t answer[4]; /* as far as one came; the first word of R1 is the card's status */
};

/* Clocks, supply, pins, RIF and the controller itself, its bus at 400 kHz at most on one line. Whatever was under way is ended. */
void nj_sdmmc_start(void);

/* Let the bus run at 25 MHz at most, on four data lines. */
void nj_sdmmc_go_wide(void);

/* Send a command and wait for its answer. False: none, a damaged one, or a controller that does not finish; `end` says which. */
bool nj_sdmmc_command(uint32_t index, uint32_t argument, enum nj_sdmmc_answer answer, struct nj_sdmmc_end *end);

/* Send a command with R1 that has the card give or take 512-byte blocks, 1 to NJ_SDMMC_MOST_BLOCKS of them, and wait until all
 * are moved; `data` is at a multiple of 32 in AXISRAM. False: as above, or data that are late, damaged, or lost on their way.
 * The caller ends what goes on. */
bool nj_sdmmc_read(uint32_t index, uint32_t argument, void *data, uint32_t blocks, struct nj_sdmmc_end *end);
bool nj_sdmmc_write(uint32_t index, uint32_t argument, const void *data, uint32_t blocks, struct nj_sdmmc_end *end);

#endif
