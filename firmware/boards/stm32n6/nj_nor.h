/* The board's external NOR: Macronix MX66UW1G45G (STM32N6570-DK, 128 MiB) or MX25UM51245G (NUCLEO-N657X0-Q, 64 MiB).
 *
 * Instructions, registers and times: the data sheets of both, as ST's drivers of them use them.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NOR_H
#define NJ_NOR_H

#include <stdint.h>

#define NJ_NOR_PAGE 0x100u
#define NJ_NOR_SECTOR 0x1000u
#define NJ_NOR_BLOCK 0x10000u

enum nj_nor_state {
    NJ_NOR_READY = 0,
    NJ_NOR_UNKNOWN = 1, /* no answer, or a memory that is neither of the two */
    NJ_NOR_REFUSES = 2, /* it does not take eight lines, or lets nothing be written */
    NJ_NOR_BUSY = 3, /* longer than the data sheet allows, or the controller stands still */
};

struct nj_nor {
    uint32_t id; /* manufacturer in bits 7:0, type in 15:8, capacity in 23:16; as read, whatever the state is */
    uint32_t bytes; /* 0 where it is not known */
};

/* Reset the NOR, whatever mode it was left in; recognize it; let it listen on eight lines. */
enum nj_nor_state nj_nor_start(struct nj_nor *nor);

/* Map it at NJ_NOR, to be read. Erasing and programming end that. */
void nj_nor_map(void);

/* Erase the sector or block of `bytes` (NJ_NOR_SECTOR or NJ_NOR_BLOCK) at `at`, an offset in the NOR. */
enum nj_nor_state nj_nor_erase(uint32_t at, uint32_t bytes);

/* Program `count` bytes that lie in one page, at the offset `at`. */
enum nj_nor_state nj_nor_program(uint32_t at, const uint8_t *bytes, uint32_t count);

#endif
