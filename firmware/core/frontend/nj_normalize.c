/* Min-max normalization over the whole chunk.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

void nj_normalize(float *features, uint32_t count, float epsilon)
{
    float low = features[0];
    float high = features[0];

    for (uint32_t i = 1; i < count; i++) {
        low = features[i] < low ? features[i] : low;
        high = features[i] > high ? features[i] : high;
    }
    const float span = (high - low) + epsilon;
    for (uint32_t i = 0; i < count; i++)
        features[i] = (features[i] - low) / span;
}
