/* A raw waveform: x / (max |x| + 1e-6), with x = sample / 32768.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

void nj_raw(const struct nj_frontend *frontend, const int16_t *chunk, float *features)
{
    int32_t peak = 0;

    for (uint32_t i = 0; i < frontend->chunk_samples; i++) {
        const int32_t sample = chunk[i];
        const int32_t size = sample < 0 ? -sample : sample;
        peak = size > peak ? size : peak;
    }
    const float factor = 1.0f / ((float)peak + 1e-6f * 32768.0f);
    for (uint32_t i = 0; i < frontend->chunk_samples; i++)
        features[i] = (float)chunk[i] * factor;
}
