/*
 * A memory card of high capacity behind an SD bus.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NIGHTJAR_N6_CARD_H
#define NIGHTJAR_N6_CARD_H

#include "nightjar_n6.h"

#define N6_CARD_BLOCK 512

typedef enum { CARD_SILENT, CARD_R1, CARD_R2, CARD_R3, CARD_R6, CARD_R7 } CardAnswer;

/* What a command has a card do with its data lines. */
typedef enum { CARD_NO_DATA, CARD_READS, CARD_READS_MANY, CARD_WRITES, CARD_WRITES_MANY } CardData;

/* Open the image; ends the program where that is none. NULL is no card. */
void n6_card_start(N6 *chip, const char *image);
void n6_card_power(bool on); /* of its bus */
/* A command at `hz`: what it answers, in `words` from the most significant on, and what it does with the data lines. */
CardAnswer n6_card_command(unsigned index, uint32_t argument, uint64_t hz, uint32_t words[4], CardData *data);
/* The next blocks of what was begun. False: there are none, or no more. */
bool n6_card_read(void *data, uint32_t blocks);
bool n6_card_write(const void *data, uint32_t blocks);
bool n6_card_wide(void); /* whether it uses four data lines */
bool n6_card_busy(void); /* whether it holds D0 low */

#endif
