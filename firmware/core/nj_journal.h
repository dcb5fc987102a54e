/* What is written into the log of the card while the board listens, and what is lost of that. Without a log nothing is.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_JOURNAL_H
#define NJ_JOURNAL_H

#include "nj_detector.h"
#include "nj_listening.h"
#include "nj_port.h"

/* Listening begins, with the card open: START. `counts`, whose source is set: its detections and unsent are read,
 * its logged and unlogged counted. */
void nj_journal_start(const struct nj_port *port, struct nj_listening_counts *counts);

void nj_journal_detection(const struct nj_detection *detection);

/* Say what sound was lost, and write what has waited for long enough, or is a block. */
void nj_journal_work(void);

/* Listening ends: END, and all is written. What waits to be heard never will be, and counts as lost. */
void nj_journal_end(void);

#endif
