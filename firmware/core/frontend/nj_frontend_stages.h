/* The stages of the frontend, one a file. Private to it. "Columns" are NJ_COLUMNS frames side by side.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_FRONTEND_STAGES_H
#define NJ_FRONTEND_STAGES_H

#include "nj_frontend.h"
#include "nj_lanes.h"

/* Lowest and highest value so far, lane by lane. */
struct nj_range {
    float low[NJ_LANES];
    float high[NJ_LANES];
};

/* Samples of a chunk from place `first` to before `end`; all others are 0. They lie in a ring of `size`, the one at
 * `first` at `start`. */
struct nj_view {
    const int16_t *samples;
    int32_t first;
    int32_t end;
    uint32_t start;
    uint32_t size;
};

/* Samples [from, until) of each lane's frame lie inside the chunk: at least one. */
struct nj_inside {
    int32_t from[NJ_LANES];
    int32_t until[NJ_LANES];
};

/* Parts of the scratch. */
struct nj_scratch {
    float *complex; /* [n / 2, 2, NJ_LANES] */
    float *rows; /* [n / 2 + 1, NJ_COLUMNS] */
    int16_t *edge; /* [NJ_LANES, n] */
};
struct nj_scratch nj_scratch_parts(uint32_t fft_length, float *scratch);

/* rows[bin, column] of frames from `frame` on; frames beyond `last` are computed like `last`. */
void nj_frames(const struct nj_frontend *frontend, const struct nj_view *view, uint32_t frame, uint32_t last,
               const struct nj_scratch *scratch);

/* Window and first pass of NJ_LANES frames: places[lane] is where the lane's frame begins in samples. */
void nj_first_pass(const struct nj_frontend *frontend, const int16_t *samples, const uint32_t *places, float *out);

/* The same of what is left when each frame has lost the mean of its samples inside the chunk; outside stays 0. */
void nj_first_pass_without_mean(const struct nj_frontend *frontend, const int16_t *samples, const uint32_t *places,
                                const struct nj_inside *inside, float *out);

/* The passes that follow, in place; points = n / 2. */
void nj_fft(float *complex, uint32_t points, const float *twiddle);

/* out[bin * NJ_COLUMNS + lane] = magnitude, its root, or power. */
void nj_spectrum(const struct nj_frontend *frontend, const float *complex, float *out);

/* rows -> mel and square root as the contract says -> out[row * stride + column], `width` <= NJ_COLUMNS columns. */
void nj_columns(const struct nj_frontend *frontend, const float *rows, float *out, uint32_t stride, uint32_t width,
                struct nj_range *range);

/* ln in place, and the range of the result. peak: the highest value. */
void nj_logarithm(const struct nj_frontend *frontend, float *features, float peak, struct nj_range *range);

/* ln(1 + factor * value) in place, and the range of the result. */
void nj_log1p(const struct nj_frontend *frontend, float *features, struct nj_range *range);

/* Per-channel energy normalization of mel bands in place, and the range of the result. */
void nj_pcen(const struct nj_frontend *frontend, float *features, struct nj_range *range);

/* What the contract's compression does to a spectrogram that carries its factor, in place; the square root was done
 * before. range: of its values, then of the result. */
void nj_compress(const struct nj_frontend *frontend, float *features, struct nj_range *range);

/* DCT over the bands, in place, and the range of the result. column: [bands, NJ_LANES]. */
void nj_dct(const struct nj_frontend *frontend, float *features, float *column, struct nj_range *range);

/* A word of the scratch, which holds floats at other times. */
typedef uint32_t __attribute__((may_alias)) nj_counter;

/* Of `count` values, those at two ranks (below count) among the sorted ones, from 0. bound: on entry the ends of a range
 * that holds all values, then what was found. No value may be -0. counters: [NJ_PERCENTILE_COUNTERS]. */
void nj_percentile(const float *values, uint32_t count, const uint32_t *ranks, nj_counter *counters, float *bound);

/* Whether values can lie beyond what becomes 0 and 1. */
static inline int nj_is_clamped(const struct nj_frontend *frontend)
{
    return frontend->normalization == NJ_NORMALIZATION_PERCENTILE ||
           (frontend->normalization == NJ_NORMALIZATION_MINMAX && frontend->norm_row != 0u);
}

/* Min-max, percentile or fixed scale, in place. low, high: what becomes 0 and 1. */
void nj_normalize(const struct nj_frontend *frontend, float *features, uint32_t count, float low, float high);

/* Logarithm, DCT and normalization of a spectrogram that carries its factor, in place. range: of its values. */
void nj_finish(const struct nj_frontend *frontend, float *features, float *scratch, struct nj_range *range);

void nj_raw(const struct nj_frontend *frontend, const int16_t *chunk, float *features);

static inline uint32_t nj_rows_stored(const struct nj_frontend *frontend)
{
    return frontend->bands != 0u ? frontend->bands : frontend->bins;
}

static inline void nj_range_start(struct nj_range *range)
{
    nj_store(range->low, nj_fill(FLT_MAX));
    nj_store(range->high, nj_fill(-FLT_MAX));
}

static inline float nj_lowest(const struct nj_range *range)
{
    float low = range->low[0];
    for (uint32_t lane = 1; lane < NJ_LANES; lane++)
        low = range->low[lane] < low ? range->low[lane] : low;
    return low;
}

static inline float nj_highest(const struct nj_range *range)
{
    float high = range->high[0];
    for (uint32_t lane = 1; lane < NJ_LANES; lane++)
        high = range->high[lane] > high ? range->high[lane] : high;
    return high;
}

#endif
