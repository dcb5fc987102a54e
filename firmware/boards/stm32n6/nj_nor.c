/* The external NOR on eight lines, single edges.
 * SPDX-License-Identifier: MIT
 */
#include "nj_nor.h"

#include <stdbool.h>

#include "nj_wait.h"
#include "nj_xspi.h"

#define WRITE_ENABLE 0x06u
#define READ_STATUS 0x05u
#define READ_ID 0x9Fu
#define RESET_ENABLE 0x66u
#define RESET 0x99u
#define WRITE_MODE 0x72u /* the second configuration register, whose word 0 is the mode */
#define READ_ARRAY 0xECu /* on eight lines */
#define PROGRAM 0x12u
#define ERASE_SECTOR 0x21u
#define ERASE_BLOCK 0xDCu

#define STATUS_BUSY 1u
#define STATUS_WRITABLE 2u
#define MODE_EIGHT 1u
#define REGISTER_DUMMY 4u /* cycles in front of a register's content, on eight lines */
#define ARRAY_DUMMY 20u /* what both have after a reset, enough for 133 MHz and above */
#define MACRONIX 0xC2u
#define CAPACITY_LEAST 0x3Au /* 64 MiB, 2^26 */
#define CAPACITY_MOST 0x3Bu
#define LOG2_MOST 27u
#define SETTLED_MS 4000u /* a block's erasing takes 2 s at most */
#define RESET_MS 200u /* a reset out of an erasing takes up to 100 ms */

static bool told(enum nj_xspi_lines lines, uint8_t instruction) {
    const struct nj_xspi_command command = {.lines = lines, .instruction = instruction};
    return nj_xspi_write(&command, 0, 0);
}

static bool ask(enum nj_xspi_lines lines, uint8_t instruction, uint8_t *bytes, uint32_t count) {
    const bool eight = lines != NJ_XSPI_ONE;
    const struct nj_xspi_command command = {
        .lines = lines, .instruction = instruction, .addressed = eight, .dummy = eight ? REGISTER_DUMMY : 0};
    return nj_xspi_read(&command, bytes, count);
}

/* Until an erasing or programming, or a reset, is done. */
static enum nj_nor_state settle(enum nj_xspi_lines lines) {
    struct nj_wait wait;
    nj_wait_start(&wait, SETTLED_MS);
    uint8_t status;
    do {
        if (!ask(lines, READ_STATUS, &status, 1)) {
            return NJ_NOR_BUSY;
        }
    } while ((status & STATUS_BUSY) != 0 && !nj_wait_over(&wait));
    return (status & STATUS_BUSY) == 0 ? NJ_NOR_READY : NJ_NOR_BUSY;
}

static enum nj_nor_state enable_writing(enum nj_xspi_lines lines) {
    uint8_t status;
    if (!told(lines, WRITE_ENABLE) || !ask(lines, READ_STATUS, &status, 1)) {
        return NJ_NOR_BUSY;
    }
    return (status & STATUS_WRITABLE) != 0 ? NJ_NOR_READY : NJ_NOR_REFUSES;
}

static bool identify(enum nj_xspi_lines lines, uint32_t *id) {
    uint8_t bytes[3] = {0, 0, 0};
    const bool answered = ask(lines, READ_ID, bytes, sizeof bytes);
    *id = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
    return answered;
}

enum nj_nor_state nj_nor_start(struct nj_nor *nor) {
    *nor = (struct nj_nor){0, 0};
    nj_xspi_start(LOG2_MOST);
    /* It may have been left in any mode; in a wrong one it hears nothing. */
    for (int lines = NJ_XSPI_EIGHT_BOTH_EDGES; lines >= NJ_XSPI_ONE; --lines) {
        if (!told((enum nj_xspi_lines)lines, RESET_ENABLE) || !told((enum nj_xspi_lines)lines, RESET)) {
            return NJ_NOR_BUSY;
        }
    }
    struct nj_wait wait;
    nj_wait_start(&wait, RESET_MS);
    for (;;) {
        if (!identify(NJ_XSPI_ONE, &nor->id)) {
            return NJ_NOR_BUSY;
        }
        const uint32_t capacity = nor->id >> 16;
        if ((nor->id & 0xFFu) == MACRONIX && capacity >= CAPACITY_LEAST && capacity <= CAPACITY_MOST) {
            break;
        }
        if (nj_wait_over(&wait)) {
            return NJ_NOR_UNKNOWN;
        }
    }
    const uint32_t log2_bytes = LOG2_MOST - (CAPACITY_MOST - (nor->id >> 16));
    nor->bytes = 1u << log2_bytes;
    enum nj_nor_state state = settle(NJ_XSPI_ONE);
    if (state == NJ_NOR_READY) {
        state = enable_writing(NJ_XSPI_ONE);
    }
    if (state != NJ_NOR_READY) {
        return state;
    }
    const struct nj_xspi_command mode = {.lines = NJ_XSPI_ONE, .instruction = WRITE_MODE, .addressed = true, .address = 0};
    const uint8_t eight = MODE_EIGHT;
    if (!nj_xspi_write(&mode, &eight, 1)) {
        return NJ_NOR_BUSY;
    }
    nj_xspi_start(log2_bytes);
    uint32_t id;
    if (!identify(NJ_XSPI_EIGHT, &id)) {
        return NJ_NOR_BUSY;
    }
    return id == nor->id ? NJ_NOR_READY : NJ_NOR_REFUSES;
}

void nj_nor_map(void) {
    const struct nj_xspi_command command = {
        .lines = NJ_XSPI_EIGHT, .instruction = READ_ARRAY, .addressed = true, .dummy = ARRAY_DUMMY};
    nj_xspi_map(&command);
}

static enum nj_nor_state change(uint8_t instruction, uint32_t at, const uint8_t *bytes, uint32_t count) {
    const struct nj_xspi_command command = {
        .lines = NJ_XSPI_EIGHT, .instruction = instruction, .addressed = true, .address = at};
    const enum nj_nor_state state = enable_writing(NJ_XSPI_EIGHT);
    if (state != NJ_NOR_READY) {
        return state;
    }
    return nj_xspi_write(&command, bytes, count) ? settle(NJ_XSPI_EIGHT) : NJ_NOR_BUSY;
}

enum nj_nor_state nj_nor_erase(uint32_t at, uint32_t bytes) {
    return change(bytes == NJ_NOR_BLOCK ? ERASE_BLOCK : ERASE_SECTOR, at, 0, 0);
}

enum nj_nor_state nj_nor_program(uint32_t at, const uint8_t *bytes, uint32_t count) {
    return change(PROGRAM, at, bytes, count);
}
