/* Float features to int8 steps, as TFLite's QUANTIZE does.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

/* Half away from zero. The fraction is exact, so no value just below a half is rounded up, as adding 0.5 would. */
static int32_t round_away(float value)
{
    const int32_t whole = (int32_t)value;
    const float fraction = value - (float)whole;

    if (fraction >= 0.5f)
        return whole + 1;
    return fraction <= -0.5f ? whole - 1 : whole;
}

void nj_frontend_quantize(const float *features, int8_t *steps, uint32_t count, float scale, int32_t zero_point)
{
    for (uint32_t i = 0; i < count; i++) {
        float value = features[i] / scale;

        /* Beyond any zero point, and within int32: what saturates stays saturated. */
        value = value > 1024.0f ? 1024.0f : value;
        value = value < -1024.0f ? -1024.0f : value;
        int32_t step = round_away(value) + zero_point;
        step = step > 127 ? 127 : step;
        step = step < -128 ? -128 : step;
        steps[i] = (int8_t)step;
    }
}
