/* XSPI2 at the NOR's pins: one instruction at a time, and the window at NJ_NOR.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_XSPI_H
#define NJ_XSPI_H

#include <stdbool.h>
#include <stdint.h>

/* How an instruction goes out: on one line, or on eight with its complement behind it, on one clock edge or on both. */
enum nj_xspi_lines { NJ_XSPI_ONE, NJ_XSPI_EIGHT, NJ_XSPI_EIGHT_BOTH_EDGES };

struct nj_xspi_command {
    enum nj_xspi_lines lines;
    uint8_t instruction;
    bool addressed; /* four bytes of address follow */
    uint32_t address;
    uint32_t dummy; /* cycles in front of what is read, 0 to 31 */
};

/* Clock, pins and controller, at 50 MHz, for a memory of 2^`log2_bytes` bytes. Whatever was under way or mapped is ended. */
void nj_xspi_start(uint32_t log2_bytes);

/* Send an instruction and `count` bytes behind it, none where it is 0. False: the controller does not finish. */
bool nj_xspi_write(const struct nj_xspi_command *command, const uint8_t *bytes, uint32_t count);

/* Send an instruction and read `count` bytes, at least one. False: the controller does not finish. */
bool nj_xspi_read(const struct nj_xspi_command *command, uint8_t *bytes, uint32_t count);

/* Let every load from the window be this instruction. */
void nj_xspi_map(const struct nj_xspi_command *command);

#endif
