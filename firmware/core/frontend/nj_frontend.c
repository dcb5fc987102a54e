/* A chunk, frame by frame, then the normalization over all of it.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend.h"

#include "nj_frontend_stages.h"

/* 1e-10 as float32, times 2^52 and 2^26: both exact. */
#define NJ_EPSILON (1e-10f * 0x1p52f)
#define NJ_EPSILON_SQRT (1e-10f * 0x1p26f)
_Static_assert(NJ_FRONTEND_SCALE == 52, "the epsilons carry the scale");

void nj_frontend_spectrogram(const struct nj_frontend *frontend, const int16_t *chunk, float *features,
                             float *scratch)
{
    const uint32_t points = frontend->fft_length / 2u;

    for (uint32_t frame = 0; frame < frontend->frames; frame++) {
        nj_window(frontend, chunk, frame * frontend->hop, scratch);
        nj_fft(scratch, points, frontend->twiddle);
        nj_split(scratch, points, frontend->split);
        nj_magnitude(scratch, frontend->bins, frontend->compression, features + frame, frontend->frames);
    }
}

void nj_frontend_run(const struct nj_frontend *frontend, const int16_t *chunk, float *features, float *scratch)
{
    nj_frontend_spectrogram(frontend, chunk, features, scratch);
    nj_normalize(features, frontend->bins * frontend->frames,
                 frontend->compression == NJ_COMPRESSION_SQRT ? NJ_EPSILON_SQRT : NJ_EPSILON);
}
