/* SPDX-License-Identifier: MIT */
#include "nj_listening.h"

#include <stddef.h>
#include <string.h>

#include "link/nj_frame.h"
#include "nj_card_files.h"
#include "nj_intake.h"
#include "nj_journal.h"
#include "nj_model.h"
#include "nj_send.h"

#define STAGE (nj_frontend_stage.listening)
#define PENDING 32u /* detections that wait to be sent: a chunk may end many */
#define IDLE UINT32_MAX

static struct nj_listening_counts counts;
static uint32_t source = NJ_SOURCE_NONE;
static uint16_t listen_request; /* that CREDIT belongs to */
static bool met; /* somebody has said HELLO, or NJ_ALONE_MS are over */

static bool streaming; /* the frontend is in a stream */
static uint32_t missing; /* samples of its present chunk */
static uint64_t chunk; /* where that begins */
static uint32_t number; /* which chunk of the stream it is */
static uint32_t step; /* of the model, the next one; IDLE when no chunk is being judged */
static uint64_t spent; /* cost since the chunk before */

static uint32_t dropped; /* what the microphone's driver said last */
static uint32_t gap; /* samples that it lost before those that come next */
static uint32_t padding; /* zeros that a recording still needs at its end */
static bool closed; /* the source is not read any more */

static struct nj_detection pending[PENDING];
static uint32_t oldest, waiting;

static void begin_count(const struct nj_port *port) {
    port->cost_begin(port->context);
    if (port->cost_interruptible != NULL) {
        port->cost_interruptible(port->context);
    }
}

static void charge(const struct nj_port *port) {
    const uint64_t cost = port->cost_end(port->context);
    spent += cost;
    counts.all += cost;
    counts.worst_unit = cost > counts.worst_unit ? cost : counts.worst_unit;
}

/* Detections. */

static void detected(const struct nj_detection *detection) {
    counts.detections++;
    nj_journal_detection(detection);
    if (waiting == PENDING) {
        counts.unsent++;
        return;
    }
    pending[(oldest + waiting++) % PENDING] = *detection;
}

static void send_oldest(void) {
    nj_send_detection(counts.detections - counts.unsent - waiting, &pending[oldest]);
    oldest = (oldest + 1u) % PENDING;
    waiting--;
}

static void send_all(void) {
    while (waiting != 0) {
        send_oldest();
    }
}

static void drop_pending(void) {
    counts.unsent += waiting;
    waiting = 0;
}

/* What goes on has ended: said at once, as many as there are. */
static void end_stream(void) {
    if (!streaming) {
        return;
    }
    for (uint32_t i = 0; i < STAGE->detector->labels; ++i) {
        send_all();
        nj_detector_end(STAGE->detector, i, detected);
    }
    streaming = false;
}

/* Sources. */

static enum nj_status start_source(const struct nj_port *port, uint32_t wanted, uint32_t index) {
    const bool has_card = nj_card_open(port);
    if (wanted == NJ_SOURCE_MICROPHONE) {
        if (port->microphone == NULL) {
            return NJ_NO_SOURCE;
        }
        dropped = 0;
        gap = 0;
        return port->microphone->start(port->context, STAGE->rate_hz) ? NJ_OK : NJ_NO_SOURCE;
    }
    if (wanted == NJ_SOURCE_CARD) {
        if (!has_card || nj_card_recording(port, index) != STAGE->rate_hz) {
            return NJ_NO_SOURCE;
        }
        /* The last chunk is filled up with silence. */
        const uint32_t samples = nj_card_left(), first = STAGE->detector->chunk_samples;
        const uint32_t stride = STAGE->detector->stride;
        padding = samples < first ? first - samples : (stride - (samples - first) % stride) % stride;
        return NJ_OK;
    }
    return wanted == NJ_SOURCE_LINK ? NJ_OK : NJ_BAD_ARGUMENT;
}

/* All that it has recorded, or as much as there is room for: what stays, its driver keeps, or loses and counts. */
static bool read_microphone(const struct nj_port *port) {
    int16_t samples[256];
    const uint32_t most = sizeof samples / sizeof samples[0];
    uint32_t some = most;
    bool any = false;
    while (some == most && nj_intake_room() >= most && !(gap != 0 && nj_intake_is_broken())) {
        some = port->microphone->read(port->context, samples, most);
        nj_intake_take(nj_intake_next() + gap, samples, some);
        const uint32_t lost = port->microphone->dropped(port->context);
        gap = lost - dropped + (some == 0 ? gap : 0);
        dropped = lost;
        any = any || some != 0;
    }
    return any;
}

/* What its driver has lost, and nobody knows of yet, lies behind all that came. */
static void count_last_gap(const struct nj_port *port) {
    nj_intake_miss(gap + port->microphone->dropped(port->context) - dropped);
}

static bool read_card(const struct nj_port *port) {
    const int16_t *samples;
    static const int16_t silence[256];
    const uint32_t most = sizeof silence / sizeof silence[0];
    if (nj_intake_room() < most) {
        return false;
    }
    const uint32_t count = nj_card_samples(port, &samples);
    if (count != 0) {
        nj_intake_take(nj_intake_next(), samples, count);
        return true;
    }
    if (nj_card_left() != 0) { /* the card has failed */
        nj_intake_miss(nj_card_left());
        closed = true;
        return false;
    }
    const uint32_t zeros = padding < most ? padding : most;
    if (zeros == 0) {
        return false;
    }
    nj_intake_take(nj_intake_next(), silence, zeros);
    padding -= zeros;
    return true;
}

static bool read_source(const struct nj_port *port) {
    switch (closed ? NJ_SOURCE_NONE : source) {
    case NJ_SOURCE_MICROPHONE: return read_microphone(port);
    case NJ_SOURCE_CARD: return read_card(port);
    default: return false;
    }
}

/* Units of work. */

static void start_stream(uint64_t place) {
    end_stream();
    nj_frontend_stage.stream->start(STAGE->detector->stride);
    nj_detector_start(STAGE->detector);
    streaming = true;
    missing = nj_frontend_stage.chunk_samples;
    chunk = place;
    number = 0;
}

static bool hear(const struct nj_port *port) {
    const int16_t *samples;
    uint64_t place;
    bool anew;
    const uint32_t most = streaming && missing < NJ_BLOCK_SAMPLES ? missing : NJ_BLOCK_SAMPLES;
    uint32_t some = nj_intake_samples(most, &samples, &place, &anew);
    if (some == 0) {
        return false;
    }
    if (anew || !streaming) {
        start_stream(place);
        some = some < missing ? some : missing;
    }
    begin_count(port);
    nj_frontend_stage.stream->push(samples, some);
    charge(port);
    nj_intake_heard(some);
    missing -= some;
    if (source == NJ_SOURCE_LINK) {
        uint8_t payload[4];
        nj_put_u32(payload, (uint32_t)(place + some));
        nj_send(NJ_FRAME_CREDIT, listen_request, payload, sizeof payload);
    }
    return true;
}

static void take_features(const struct nj_port *port) {
    begin_count(port);
    nj_frontend_stage.stream->take();
    if (nj_model.accelerator != NULL) {
        nj_model.accelerator->begin(false);
    }
    nj_frontend_stage.quantize();
    charge(port);
    missing = STAGE->detector->stride;
    step = 0;
}

static void judge(const struct nj_port *port) {
    begin_count(port);
    if (nj_model.accelerator != NULL) {
        nj_model.accelerator->see(&nj_model.output[0]);
    }
    nj_detector_take(STAGE->detector, nj_model.output[0].data, number, chunk, detected);
    charge(port);
    if (number != 0 && spent > counts.worst_chunk) {
        counts.worst_chunk = spent;
    }
    spent = 0;
    counts.chunks++;
    number++;
    chunk += STAGE->detector->stride;
    step = IDLE;
}

static void run_step(const struct nj_port *port) {
    begin_count(port);
    nj_model.step[step]();
    charge(port);
    if (++step == nj_model.steps) {
        judge(port);
    }
}

/* The next unit; false when there is none. */
static bool advance(const struct nj_port *port) {
    const bool read = read_source(port);
    if (waiting != 0) {
        send_oldest();
    } else if (step != IDLE) {
        run_step(port);
    } else if (streaming && missing == 0) {
        take_features(port);
    } else if (!hear(port)) {
        return read;
    } else {
        nj_journal_work();
    }
    return true;
}

/* The calls. */

static void close_source(const struct nj_port *port) {
    if (source == NJ_SOURCE_MICROPHONE && !closed) {
        count_last_gap(port);
        port->microphone->stop(port->context);
    }
    closed = true;
}

/* Whoever began this is gone: nobody takes its events, but they are counted, and the log has all of it. */
static void forget(const struct nj_port *port) {
    if (source != NJ_SOURCE_NONE) {
        close_source(port);
        for (uint32_t i = 0; streaming && i < STAGE->detector->labels; ++i) {
            nj_detector_end(STAGE->detector, i, detected);
            drop_pending();
        }
        drop_pending();
        nj_journal_end();
        source = NJ_SOURCE_NONE;
    }
    streaming = false;
    step = IDLE;
}

static enum nj_status start(const struct nj_port *port, uint32_t wanted, uint32_t index, uint16_t request) {
    forget(port);
    counts = (struct nj_listening_counts){.chunks = 0};
    spent = 0;
    listen_request = request;
    nj_intake_start(STAGE->queue, STAGE->queue_samples);
    const enum nj_status status = start_source(port, wanted, index);
    if (status == NJ_OK) {
        source = wanted;
        closed = false;
        counts.source = source;
        nj_journal_start(port, &counts);
    }
    return status;
}

static const struct nj_listening_counts *all_counts(void) {
    counts.source = source;
    counts.queued = nj_intake_counts.queued;
    counts.fullest = nj_intake_counts.fullest;
    counts.taken = nj_intake_counts.taken;
    counts.missing = nj_intake_counts.missing;
    counts.refused = nj_intake_counts.refused;
    return &counts;
}

static void stop(const struct nj_port *port) {
    if (source == NJ_SOURCE_NONE) {
        return;
    }
    close_source(port);
    while (advance(port)) { /* what waits is heard */
    }
    end_stream();
    send_all();
    nj_journal_end();
    source = NJ_SOURCE_NONE;
}

static bool block(const struct nj_port *port, uint16_t request, const uint8_t *payload, uint32_t length) {
    (void)port;
    if (source != NJ_SOURCE_LINK || request != listen_request) {
        return false;
    }
    const uint32_t bytes = length < NJ_DATA_HEADER ? 0 : length - NJ_DATA_HEADER;
    if (bytes % 2u == 0 && bytes / 2u <= NJ_BLOCK_SAMPLES) {
        const uint64_t next = nj_intake_next();
        const int32_t ahead = (int32_t)(nj_get_u32(payload) - (uint32_t)next);
        if (ahead >= 0) {
            nj_intake_take(next + (uint32_t)ahead, payload + NJ_DATA_HEADER, bytes / 2u);
        }
    }
    return true;
}

/* Nobody has greeted: the microphone, or else the first recording of a card. */
static bool begin_alone(const struct nj_port *port) {
    if (start(port, NJ_SOURCE_MICROPHONE, 0, 0) == NJ_OK || start(port, NJ_SOURCE_CARD, 0, 0) == NJ_OK) {
        return true;
    }
    forget(port);
    return false;
}

static bool work(const struct nj_port *port, bool greeted) {
    if (!met) {
        met = greeted || port->milliseconds == NULL;
        if (!met && port->milliseconds(port->context) >= NJ_ALONE_MS) {
            met = true;
            return begin_alone(port);
        }
        return !met;
    }
    if (source == NJ_SOURCE_NONE) {
        return false;
    }
    const bool done = advance(port);
    if (!done && source == NJ_SOURCE_CARD) {
        stop(port);
    }
    return done || source == NJ_SOURCE_MICROPHONE;
}

const struct nj_listening nj_listening = {
    .start = start,
    .stop = stop,
    .forget = forget,
    .block = block,
    .work = work,
    .counts = all_counts,
};
