/* Features of overlapping chunks while samples arrive in blocks of any size: the same bits as nj_frontend_run on each chunk,
 * but a frame that lies wholly inside more than one chunk is computed once. Frames that reach beyond their chunk's
 * ends see zeros there, and so belong to it alone.
 *
 *     while (count > 0) {
 *         const uint32_t taken = nj_stream_push(&stream, samples, count, scratch);
 *         samples += taken, count -= taken;
 *         if (nj_stream_ready(&stream))
 *             nj_stream_take(&stream, features, scratch);
 *     }
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_STREAM_H
#define NJ_STREAM_H

#include "nj_frontend.h"

struct nj_stream {
    const struct nj_frontend *frontend; /* not of a raw waveform */
    uint32_t stride; /* samples from chunk to chunk: a multiple of the hop, >= 1 hop */
    int16_t *history; /* [chunk_samples] */
    float *ring; /* [bands or bins, frames] */
    /* set by nj_stream_start */
    uint32_t received; /* of the present chunk; above chunk_samples never */
    uint32_t skip; /* samples to drop before the present chunk begins */
    uint32_t start; /* place of the chunk's first sample in history */
    uint32_t column; /* place of the chunk's frame 0 in ring */
    uint32_t next; /* first frame inside the chunk that is not computed yet */
    uint32_t computed; /* frames so far, the ones beyond the ends included: for tests and costs */
};

/* frontend, stride, history and ring are given. */
void nj_stream_start(struct nj_stream *stream);

/* Take samples until the chunk is full; how many were taken. scratch as for nj_frontend_run. */
uint32_t nj_stream_push(struct nj_stream *stream, const int16_t *samples, uint32_t count, float *scratch);

/* Whether a chunk is full. */
int nj_stream_ready(const struct nj_stream *stream);

/* The features of the full chunk, as nj_frontend_run gives them; the next chunk begins. */
void nj_stream_take(struct nj_stream *stream, float *features, float *scratch);

#endif
