/* A real FFT of 2n samples from a complex one of n: even samples were the real parts, odd ones the imaginary parts.
 *
 * With Z the FFT of the pairs and Z' = conj(Z[n - k]): 2 X[k] = (Z + Z') + W^k (Z - Z') / i, and X[n - k] is the
 * conjugate of the same with a minus. The factor 2 is never divided out: the window's scale accounts for it.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

void nj_split(float *complex, uint32_t points, const float *split)
{
    const float sum = complex[0] + complex[1];
    const float difference = complex[0] - complex[1];

    complex[0] = 2.0f * sum;
    complex[1] = 0.0f;
    complex[2u * points] = 2.0f * difference;
    complex[2u * points + 1u] = 0.0f;
    for (uint32_t k = 1; k <= points / 2u; k++) {
        float *const low = complex + 2u * k;
        float *const high = complex + 2u * (points - k); /* the same place as low for the last k */
        const float *const w = split + 2u * k;
        const float even_re = low[0] + high[0];
        const float even_im = low[1] - high[1];
        const float odd_re = low[1] + high[1];
        const float odd_im = high[0] - low[0];
        const float turned_re = odd_re * w[0] - odd_im * w[1];
        const float turned_im = odd_re * w[1] + odd_im * w[0];
        high[0] = even_re - turned_re;
        high[1] = turned_im - even_im;
        low[0] = even_re + turned_re;
        low[1] = even_im + turned_im;
    }
}
