/* SPDX-License-Identifier: MIT */
#include "nj_journal.h"

#include "nj_card_files.h"
#include "nj_intake.h"
#include "nj_model.h"

#define SECONDS 10u /* of sound that an entry waits for others before it is written, and a loss for further ones */

static const struct nj_port *on;
static struct nj_listening_counts *counts;
static bool logs; /* there was a log at the start: an entry that it does not take is lost */
static uint64_t noted_at; /* what had come when the oldest entry that waits was noted */
static uint64_t lost_noted; /* samples lost that the log knows of */
static uint64_t lost_noted_at; /* what had come then */

static void flush(void) {
    const uint32_t entries = nj_card_noted();
    if (entries != 0 && nj_card_flush(on)) {
        counts->logged++;
    } else {
        counts->unlogged += entries;
    }
}

static void note(const struct nj_log_entry *entry) {
    if (!logs) {
        return;
    }
    if (nj_card_noted() == NJ_LOG_ENTRIES) {
        flush();
    }
    noted_at = nj_card_noted() == 0 ? nj_intake_counts.taken : noted_at;
    counts->unlogged += !nj_card_note(entry);
}

static bool passed_since(uint64_t then) {
    return nj_intake_counts.taken - then >= (uint64_t)SECONDS * nj_frontend_stage.listening->rate_hz;
}

static uint64_t lost(void) {
    return nj_intake_counts.missing + nj_intake_counts.refused;
}

void nj_journal_start(const struct nj_port *port, struct nj_listening_counts *of) {
    on = port;
    counts = of;
    logs = nj_card_has_log();
    lost_noted = 0;
    note(&(struct nj_log_entry){
        .kind = NJ_LOG_START,
        .label = counts->source,
        .start = nj_frontend_stage.listening->labels_crc,
        .score = nj_frontend_stage.listening->rate_hz,
        .count = port->image,
    });
}

void nj_journal_detection(const struct nj_detection *detection) {
    note(&(struct nj_log_entry){
        .kind = NJ_LOG_DETECTION,
        .label = detection->label,
        .start = detection->start,
        .end = detection->end,
        .score = detection->score,
        .count = detection->chunks,
    });
}

/* A power cut leaves no END: losses are said as they come, the first at once, so that a log never looks whole that is not;
 * further ones together, so that they do not fill it. */
static void note_losses(void) {
    if (lost() != lost_noted && (lost_noted == 0 || passed_since(lost_noted_at))) {
        lost_noted = lost();
        lost_noted_at = nj_intake_counts.taken;
        note(&(struct nj_log_entry){
            .kind = NJ_LOG_LOST,
            .label = counts->source,
            .start = nj_intake_counts.taken,
            .end = lost_noted,
        });
    }
}

void nj_journal_work(void) {
    note_losses();
    const uint32_t entries = nj_card_noted();
    if (entries == NJ_LOG_ENTRIES || (entries != 0 && passed_since(noted_at))) {
        flush();
    }
}

void nj_journal_end(void) {
    const uint32_t unheard = nj_intake_counts.queued;
    note(&(struct nj_log_entry){
        .kind = NJ_LOG_END,
        .label = counts->source,
        .start = nj_intake_counts.taken - unheard,
        .end = lost() + unheard,
        .score = counts->detections,
        .count = counts->unsent,
    });
    flush();
}
