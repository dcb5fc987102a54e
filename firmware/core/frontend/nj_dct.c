/* Orthonormal DCT-II over the bands of each frame: sums in the order of the bands.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

void nj_dct(const struct nj_frontend *frontend, float *features, float *column, struct nj_range *range)
{
    const uint32_t frames = frontend->frames;
    const uint32_t bands = frontend->bands;
    nj_v low;
    nj_v high;

    nj_range_start(range);
    low = nj_load(range->low);
    high = nj_load(range->high);
    for (uint32_t frame = 0; frame < frames; frame += NJ_LANES) {
        const uint32_t width = frames - frame < NJ_LANES ? frames - frame : NJ_LANES;
        const float *cosine = frontend->cosine;

        for (uint32_t band = 0; band < bands; band++) {
            for (uint32_t lane = 0; lane < NJ_LANES; lane++)
                column[NJ_LANES * band + lane] = features[frames * band + frame + (lane < width ? lane : 0u)];
        }
        for (uint32_t k = 0; k < frontend->cepstra; k++) {
            nj_v sum = nj_scale(nj_load(column), cosine[0]);
            for (uint32_t band = 1; band < bands; band++)
                sum = nj_add(sum, nj_scale(nj_load(column + NJ_LANES * band), cosine[band]));
            cosine += bands;
            low = nj_min(low, sum);
            high = nj_max(high, sum);
            if (width == NJ_LANES) {
                nj_store(features + frames * k + frame, sum);
            } else {
                float lanes[NJ_LANES];
                nj_store(lanes, sum);
                memcpy(features + frames * k + frame, lanes, width * sizeof(float));
            }
        }
    }
    nj_store(range->low, low);
    nj_store(range->high, high);
}
