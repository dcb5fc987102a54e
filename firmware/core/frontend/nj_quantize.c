/* Float features to int8 steps, as TFLite's QUANTIZE does.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

void nj_frontend_quantize(const float *features, int8_t *steps, uint32_t count, float scale, int32_t zero_point)
{
    for (; count >= NJ_LANES; count -= NJ_LANES) {
        nj_store_steps(steps, nj_divide(nj_load(features), scale), zero_point);
        features += NJ_LANES;
        steps += NJ_LANES;
    }
    if (count > 0u) {
        float lanes[NJ_LANES] = {0};
        int8_t last[NJ_LANES];
        memcpy(lanes, features, count * sizeof(float));
        nj_store_steps(last, nj_divide(nj_load(lanes), scale), zero_point);
        memcpy(steps, last, count);
    }
}
