/* Magnitude and compression of one frame, stored as a column of the features.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"
#include "nj_sqrt.h"

/* To a multiple of 2^-38, so that no square, difference or quotient that follows is denormal. Adding 2^-14 leaves
 * no finer bit; subtracting it is exact. Numbers of 2^11 and above stay as they are. */
static float snap(float value)
{
    const float anchor = 0x1p-14f;

    return (value + anchor) - anchor;
}

void nj_magnitude(const float *complex, uint32_t bins, uint32_t compression, float *column, uint32_t stride)
{
    for (uint32_t bin = 0; bin < bins; bin++) {
        const float re = snap(complex[2u * bin]);
        const float im = snap(complex[2u * bin + 1u]);
        const float magnitude = nj_sqrt(re * re + im * im);
        column[bin * stride] = compression == NJ_COMPRESSION_SQRT ? nj_sqrt(magnitude) : magnitude;
    }
}
