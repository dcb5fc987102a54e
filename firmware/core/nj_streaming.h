/* A stream on its way to features: blocks of samples in, chunk after chunk out. The generated stage computes
 * (struct nj_stream_stage); this knows where the stream stands, so that no sample is lost or taken twice: a block names
 * the sample it begins with, and one that comes again does not fit.
 *
 * A chunk is there once it is full, and stays (its features do) until the next block begins.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_STREAMING_H
#define NJ_STREAMING_H

#include <stdbool.h>
#include <stdint.h>

#include "nj_port.h"
#include "nj_status.h"

/* A block of `bytes` begins. NJ_TARGET_STREAM: of a new stream, `index` samples from chunk to chunk. NJ_TARGET_BLOCK: of
 * the present one, from sample `index` on (modulo 2^32).
 * NJ_BAD_ARGUMENT: this firmware does not stream, a stride that is no multiple of the hop, half samples, or more than
 * is missing of the chunk. NJ_NO_STREAM: the stream is not there. Nothing changes when it fails. */
enum nj_status nj_streaming_begin(uint32_t target, uint32_t index, uint32_t bytes);

/* The next bytes of the block, at most NJ_PIECE_BYTES, and not more than it has. */
void nj_streaming_push(const struct nj_port *port, const uint8_t *bytes, uint32_t count);

/* The stream is lost: it must be started again. */
void nj_streaming_forget(void);

bool nj_streaming_has_chunk(void);

/* The features of the chunk that is there. What they have cost, in the port's unit: pushing the samples that came since the
 * chunk before, and this. */
uint64_t nj_streaming_take(const struct nj_port *port);

#endif
