/* The files of a card, found through its index: a log that is appended to, recordings that are read. nj_card_layout.h
 * says what lies where. One card at a time.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_CARD_FILES_H
#define NJ_CARD_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "nj_card_layout.h"
#include "nj_port.h"

/* Find the card, its index and the end of its log. False: no card, or none of ours, or its volume was made anew. */
bool nj_card_open(const struct nj_port *port);

/* Whether there is a log to write to. */
bool nj_card_has_log(void);

/* Keep an entry for the log; false when it is lost: nothing to write to, or too many wait. */
bool nj_card_note(const struct nj_log_entry *entry);

/* How many entries wait to be written. */
uint32_t nj_card_noted(void);

/* Write what waits as the log's next block; false when it is lost: the card failed, or the log is full, and from then on
 * there is no log. */
bool nj_card_flush(const struct nj_port *port);

/* Open recording `index` of the card: its rate, 0 when there is none or it is damaged. */
uint32_t nj_card_recording(const struct nj_port *port, uint32_t index);

/* Samples of the open recording that are still to be read. */
uint32_t nj_card_left(void);

/* The next block of it: up to 256 samples, which stay until the next call. How many; 0 at the end or when the card failed. */
uint32_t nj_card_samples(const struct nj_port *port, const int16_t **samples);

#endif
