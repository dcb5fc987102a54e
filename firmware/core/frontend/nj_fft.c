/* The passes of the FFT after the first: radix 4, decimation in time, in place.
 *
 * Number i of the frames lies at 2 * NJ_LANES * i: the lanes' real parts, then their imaginary parts. Bit-reversed order
 * puts the four parts of a block in the order 0, 2, 1, 3.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

#if NJ_HELIUM
#include "nj_helium_passes.h"
#endif

#define WIDTH (2 * NJ_LANES)

struct number {
    nj_v re;
    nj_v im;
};

static inline struct number plain(const float *value)
{
    return (struct number){nj_load(value), nj_load(value + NJ_LANES)};
}

/* The 4-point DFT of part0, b, c, d, which stand for parts 0, 1, 2, 3. */
static inline void butterfly(float *part0, uint32_t stride, struct number b, struct number c, struct number d)
{
    float *const part1 = part0 + stride;
    float *const part2 = part1 + stride;
    float *const part3 = part2 + stride;
    const nj_v sum13_re = nj_add(b.re, d.re);
    const nj_v difference13_re = nj_sub(b.re, d.re);
    const nj_v sum13_im = nj_add(b.im, d.im);
    const nj_v difference13_im = nj_sub(b.im, d.im);
    const nj_v re = nj_load(part0);
    const nj_v sum02_re = nj_add(re, c.re);
    const nj_v difference02_re = nj_sub(re, c.re);
    const nj_v im = nj_load(part0 + NJ_LANES);
    const nj_v sum02_im = nj_add(im, c.im);
    const nj_v difference02_im = nj_sub(im, c.im);

    nj_store(part0, nj_add(sum02_re, sum13_re));
    nj_store(part2, nj_sub(sum02_re, sum13_re));
    nj_store(part1, nj_add(difference02_re, difference13_im));
    nj_store(part3, nj_sub(difference02_re, difference13_im));
    nj_store(part0 + NJ_LANES, nj_add(sum02_im, sum13_im));
    nj_store(part2 + NJ_LANES, nj_sub(sum02_im, sum13_im));
    nj_store(part1 + NJ_LANES, nj_sub(difference02_im, difference13_re));
    nj_store(part3 + NJ_LANES, nj_add(difference02_im, difference13_re));
}

#if NJ_HELIUM
static inline void butterflies(float *part, uint32_t stride, const float *twiddle, uint32_t count)
{
    nj_helium_butterflies(part, stride, twiddle, count);
}
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
#endif

static void pass_of_fours(float *complex, uint32_t points, uint32_t quarter, const float *twiddle)
{
    const uint32_t stride = WIDTH * quarter;

    for (float *block = complex; block < complex + WIDTH * points; block += 4u * stride) {
        /* The first twiddle is 1: multiplying by it would change nothing. */
        butterfly(block, stride, plain(block + 2u * stride), plain(block + stride), plain(block + 3u * stride));
        butterflies(block + WIDTH, stride, twiddle + 6, quarter - 1u);
    }
}

void nj_fft(float *complex, uint32_t points, const float *twiddle)
{
    for (uint32_t done = (points & 0x55555555u) != 0u ? 4u : 2u; done < points; done *= 4u) {
        pass_of_fours(complex, points, done, twiddle);
        twiddle += 6u * done;
    }
}
