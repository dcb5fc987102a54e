/*
 * The external NOR behind XSPI2.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NIGHTJAR_N6_NOR_H
#define NIGHTJAR_N6_NOR_H

#include "nightjar_n6.h"

#define NOR_PAGE 256

/* What a controller sends in one go. */
typedef struct {
    uint16_t instruction;
    bool octal; /* eight lines, and an instruction of two bytes */
    bool both_edges;
    uint32_t address;
    unsigned dummy;
} NorCommand;

/* Open the file of the NOR's content, or begin erased where `path` is NULL; ends QEMU when it cannot. */
void n6_nor_start(N6 *chip, const char *path, bool nucleo);
void n6_nor_reset(void);
uint8_t *n6_nor_content(void);
uint32_t n6_nor_bytes(void);
/* What it answers, byte by byte; bytes of ones where it does not understand. */
void n6_nor_read(N6 *chip, const NorCommand *command, uint8_t *bytes, unsigned count);
/* An instruction with what follows it. */
void n6_nor_write(N6 *chip, const NorCommand *command, const uint8_t *bytes, unsigned count);
/* Whether `command` is one that reads the array, so that a window can be made of it. */
bool n6_nor_reads_array(N6 *chip, const NorCommand *command);

#endif
