/* Framing, zero padding, window, and the reordering for the FFT, in one pass over the samples.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

static float sample_at(const struct nj_frontend *frontend, const int16_t *chunk, uint32_t padded)
{
    const uint32_t pad = frontend->fft_length / 2u;

    /* Left of the chunk the difference wraps to a large number, so one comparison finds both sides. */
    const uint32_t index = padded - pad;
    return index < frontend->chunk_samples ? (float)chunk[index] : 0.0f;
}

void nj_window(const struct nj_frontend *frontend, const int16_t *chunk, uint32_t centre, float *complex)
{
    const uint32_t points = frontend->fft_length / 2u;

    for (uint32_t i = 0; i < points; i++) {
        float *const place = complex + 2u * frontend->order[i];
        const float *const window = frontend->window + 2u * i;
        place[0] = sample_at(frontend, chunk, centre + 2u * i) * window[0];
        place[1] = sample_at(frontend, chunk, centre + 2u * i + 1u) * window[1];
    }
}
