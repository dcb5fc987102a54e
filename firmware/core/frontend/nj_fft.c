/* The passes of the FFT after the first: radix 4, decimation in time, in place.
 * SPDX-License-Identifier: MIT
 */
#include "nj_butterfly.h"
#include "nj_frontend_stages.h"

#if NJ_HELIUM
#include "nj_helium_passes.h"
#else
static inline struct number times(const float *value, const float *twiddle)
{
    const nj_v re = nj_load(value);
    const nj_v im = nj_load(value + NJ_LANES);

    return (struct number){
        .re = nj_sub(nj_scale(re, twiddle[0]), nj_scale(im, twiddle[1])),
        .im = nj_add(nj_scale(re, twiddle[1]), nj_scale(im, twiddle[0])),
    };
}

static inline void butterflies(float *part, uint32_t stride, const float *twiddle, uint32_t count)
{
    for (; count > 0u; count--) {
        const struct number b = times(part + 2u * stride, twiddle);
        const struct number c = times(part + stride, twiddle + 2);
        const struct number d = times(part + 3u * stride, twiddle + 4);
        butterfly(part, stride, b, c, d);
        part += WIDTH;
        twiddle += 6;
    }
}

static void pass_of_fours(float *complex, uint32_t points, uint32_t quarter, const float *twiddle)
{
    const uint32_t stride = WIDTH * quarter;

    for (float *block = complex; block < complex + WIDTH * points; block += 4u * stride) {
        /* The first twiddle is 1: multiplying by it would change nothing. */
        butterfly(block, stride, plain(block + 2u * stride), plain(block + stride), plain(block + 3u * stride));
        butterflies(block + WIDTH, stride, twiddle + 6, quarter - 1u);
    }
}

#endif

void nj_fft(float *complex, uint32_t points, const float *twiddle)
{
    for (uint32_t done = (points & 0x55555555u) != 0u ? 4u : 2u; done < points; done *= 4u) {
#if NJ_HELIUM
        if (done == 4u)
            nj_helium_pass_of_16(complex, points, twiddle);
        else
            nj_helium_pass(complex, points, done, twiddle);
#else
        pass_of_fours(complex, points, done, twiddle);
#endif
        twiddle += 6u * done;
    }
}
