/*
 * What hangs behind an XSPI, as its controller sees it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NIGHTJAR_N6_XSPI_H
#define NIGHTJAR_N6_XSPI_H

#include "nightjar_n6.h"

/* What a controller sends in one go, and how it holds the line while it does. */
typedef struct {
    uint32_t instruction;
    uint32_t form; /* CCR or WCCR: lines, edges and size of each part, DQS */
    bool octal; /* the instruction goes out on eight lines */
    bool both_edges; /* and on both edges */
    uint32_t address;
    unsigned dummy;
    unsigned kind; /* MTYP in DCR1 */
    uint64_t bytes; /* the memory's, by DEVSIZE in DCR1 */
    uint32_t boundary; /* bytes at whose multiples it deselects the memory and asks anew, by CSBOUND in DCR3; 0 is never */
    bool refreshes; /* whether it deselects the memory in time, by REFRESH in DCR4 */
} XspiCommand;

/* A memory. */
typedef struct {
    uint8_t *content; /* NULL: nothing is there */
    uint32_t bytes;
    /* The board's reset; NULL where it does not reach it. */
    void (*reset)(void);
    /* What it answers, byte by byte; bytes of ones where it does not understand. */
    void (*read)(N6 *chip, const XspiCommand *command, uint8_t *bytes, unsigned count);
    /* An instruction with what follows it. */
    void (*write)(N6 *chip, const XspiCommand *command, const uint8_t *bytes, unsigned count);
    /* Whether a window can be made of an instruction, to be read, or to be written; the latter is NULL where it never can. */
    bool (*maps_read)(N6 *chip, const XspiCommand *command);
    bool (*maps_write)(N6 *chip, const XspiCommand *command);
} XspiDevice;

/* `first` is behind XSPI1, `second` behind XSPI2; NULL is nothing, an open bus. */
void n6_xspi_start(N6 *chip, MemoryRegion *peripherals, MemoryRegion *system, const XspiDevice *first, const XspiDevice *second);

#define N6_XSPIS 2

/* XSPIM and the pins. Why the memory behind an XSPI, counted from 0, hears nothing; NULL where it does. `second`: of the two
 * selection lines, by CSSEL in its CR; `wide`: on sixteen data lines. */
void n6_xspim_start(N6 *chip, MemoryRegion *peripherals);
void n6_xspim_reset_line(N6 *chip, uint32_t held); /* RCC_AHB5RSTR */
const char *n6_xspim_deaf(N6 *chip, unsigned xspi, bool second, bool wide);
const XspiDevice *n6_open_bus(void);

/* Open the file of the NOR's content, or begin erased where `path` is NULL; ends QEMU when it cannot. */
const XspiDevice *n6_nor_start(N6 *chip, const char *path, bool nucleo);
uint8_t *n6_nor_content(void);

const XspiDevice *n6_psram_start(N6 *chip);

#endif
