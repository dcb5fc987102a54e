/* From the FFT of the pairs to the magnitudes or powers of the real samples' spectrum.
 *
 * With Z the FFT of the pairs and Z' = conj(Z[n - k]): 2 X[k] = (Z + Z') + W^k (Z - Z') / i, and X[n - k] is the
 * conjugate of the same with a minus. The factor 2 is never divided out: the window's scale accounts for it.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

#if NJ_HELIUM
#include "nj_helium_passes.h"
#endif

#define WIDTH (2 * NJ_LANES)

enum wanted { MAGNITUDE, ROOT, POWER };

/* |re + i im|, its root, or its square times 2^(NJ_POWER_SCALE - 2 NJ_FRONTEND_SCALE). To a multiple of 2^-38 first, so
 * that no square, difference or product that follows is denormal. Numbers of 2^11 and above stay as they are. */
static inline nj_v measure(nj_v re, nj_v im, enum wanted wanted)
{
    const nj_v x = nj_snap(re, 0x1p-14f);
    const nj_v y = nj_snap(im, 0x1p-14f);
    const nj_v power = nj_add(nj_mul(x, x), nj_mul(y, y));

    if (wanted == POWER) /* and far enough from 0 to be multiplied by a mel weight */
        return nj_zero_below(nj_scale(power, 0x1p-32f), 0x1p-40f);
    return wanted == ROOT ? nj_root(nj_root(power)) : nj_root(power);
}

static inline void spectrum(const float *complex, uint32_t points, const float *split, float *out, float *nyquist,
                            enum wanted wanted)
{
    const nj_v first_re = nj_load(complex);
    const nj_v first_im = nj_load(complex + NJ_LANES);
    const float *low = complex + WIDTH;
    const float *high = complex + WIDTH * (points - 1u);
    float *out_low = out + NJ_COLUMNS;
    float *out_high = out + NJ_COLUMNS * (points - 1u);

    nj_store(out, measure(nj_scale(nj_add(first_re, first_im), 2.0f), nj_fill(0.0f), wanted));
    if (nyquist)
        nj_store(nyquist, measure(nj_scale(nj_sub(first_re, first_im), 2.0f), nj_fill(0.0f), wanted));
#if NJ_HELIUM
    if (wanted != POWER) {
        nj_helium_spectrum(low, high, split + 2, out_low, out_high, points / 2u, wanted == ROOT ? 2u : 1u);
        return;
    }
#endif
    for (uint32_t k = points / 2u; k > 0; k--) { /* low and high are the same in the last turn */
        const float w_re = *(split += 2);
        const float w_im = split[1];
        const nj_v low_re = nj_load(low);
        const nj_v high_re = nj_load(high);
        const nj_v low_im = nj_load(low + NJ_LANES);
        const nj_v high_im = nj_load(high + NJ_LANES);
        const nj_v odd_re = nj_add(low_im, high_im);
        const nj_v odd_im = nj_sub(high_re, low_re);
        const nj_v even_re = nj_add(low_re, high_re);
        const nj_v even_im = nj_sub(low_im, high_im);
        const nj_v turned_re = nj_sub(nj_scale(odd_re, w_re), nj_scale(odd_im, w_im));
        const nj_v turned_im = nj_add(nj_scale(odd_re, w_im), nj_scale(odd_im, w_re));
        nj_store(out_high, measure(nj_sub(even_re, turned_re), nj_sub(turned_im, even_im), wanted));
        nj_store(out_low, measure(nj_add(even_re, turned_re), nj_add(even_im, turned_im), wanted));
        low += WIDTH;
        high -= WIDTH;
        out_low += NJ_COLUMNS;
        out_high -= NJ_COLUMNS;
    }
}

void nj_spectrum(const struct nj_frontend *frontend, const float *complex, float *out)
{
    const uint32_t points = frontend->fft_length / 2u;
    float *const nyquist = frontend->bins > points ? out + NJ_COLUMNS * points : (float *)0;

    if (frontend->spectrum == NJ_SPECTRUM_POWER)
        spectrum(complex, points, frontend->split, out, nyquist, POWER);
    else if (frontend->bands == 0u && frontend->compression == NJ_COMPRESSION_SQRT)
        spectrum(complex, points, frontend->split, out, nyquist, ROOT);
    else
        spectrum(complex, points, frontend->split, out, nyquist, MAGNITUDE);
}
