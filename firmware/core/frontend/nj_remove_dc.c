/* The first pass of the FFT where each frame loses its mean first. The samples outside the chunk stay 0 and are not counted.
 *
 * A sample less the mean is (count x - sum) / count: the numerator is a whole number below 2^27, and the division is one
 * multiplication by 1 / count, exact where a whole frame counts. No DC is left, as it would be of a rounded mean.
 *
 * Its bits below those of a whole number would make the grid of the windowed samples finer, and the last products of the
 * FFT denormal: each windowed sample is snapped to multiples of 2^-6, the grid of whole samples (nj_frontend.h), 42 binary orders
 * below one step of the samples.
 * SPDX-License-Identifier: MIT
 */
#include "nj_butterfly.h"
#include "nj_frontend_stages.h"

#define GRID 0x1p18f /* below it a float's last bit is 2^-6 */

/* The lanes' means, and where their samples are. */
struct means {
    nj_places places;
    nj_ints count;
    nj_ints sum;
    nj_v share; /* 1 / count */
    nj_ints from;
    nj_ints until;
    int whole; /* all samples of all lanes are inside */
};

static struct means means_of(const int16_t *samples, const uint32_t *places, const struct nj_inside *inside,
                             uint32_t length)
{
    int32_t count[NJ_LANES];
    int32_t sum[NJ_LANES];
    float share[NJ_LANES];
    int whole = 1;

    for (uint32_t lane = 0; lane < NJ_LANES; lane++) {
        count[lane] = inside->until[lane] - inside->from[lane];
        sum[lane] = nj_sum(samples + places[lane], length);
        share[lane] = 1.0f / (float)count[lane];
        whole &= count[lane] == (int32_t)length;
    }
    return (struct means){nj_places_from(places),       nj_ints_from(count),         nj_ints_from(sum), nj_load(share),
                          nj_ints_from(inside->from), nj_ints_from(inside->until), whole};
}

/* Pair `number` of the frames, windowed. */
static inline void put(const int16_t *samples, const struct means *means, uint32_t number, float w_re, float w_im,
                       float *out)
{
    const int32_t place = (int32_t)(2u * number);
    nj_v even;
    nj_v odd;

    nj_gather_less(samples + place, means->places, means->count, means->sum, &even, &odd);
    even = nj_snap(nj_scale(nj_mul(even, means->share), w_re), GRID);
    odd = nj_snap(nj_scale(nj_mul(odd, means->share), w_im), GRID);
    if (means->whole == 0) {
        even = nj_zero_outside(even, place, means->from, means->until);
        odd = nj_zero_outside(odd, place + 1, means->from, means->until);
    }
    nj_store(out, even);
    nj_store(out + NJ_LANES, odd);
}

void nj_first_pass_without_mean(const struct nj_frontend *frontend, const int16_t *samples, const uint32_t *places,
                                const struct nj_inside *inside, float *out)
{
    const uint32_t points = frontend->fft_length / 2u;
    const struct means means = means_of(samples, places, inside, frontend->fft_length);
    const uint16_t *order = frontend->order;
    const float *w = frontend->window;
    const float *const end = out + WIDTH * points;

    if ((points & 0x55555555u) == 0u) { /* no power of four */
        for (; out < end; out += 2u * WIDTH) {
            const uint32_t number = *order++ / 4u;
            put(samples, &means, number, w[0], w[1], out);
            put(samples, &means, number + points / 2u, w[2], w[3], out + WIDTH);
            w += 4;
            const struct number a = plain(out);
            const struct number b = plain(out + WIDTH);
            nj_store(out, nj_add(a.re, b.re));
            nj_store(out + NJ_LANES, nj_add(a.im, b.im));
            nj_store(out + WIDTH, nj_sub(a.re, b.re));
            nj_store(out + WIDTH + NJ_LANES, nj_sub(a.im, b.im));
        }
        return;
    }
    for (; out < end; out += 4u * WIDTH) {
        const uint32_t number = *order++ / 4u;
        put(samples, &means, number, w[0], w[6], out);
        put(samples, &means, number + points / 2u, w[1], w[7], out + WIDTH);
        put(samples, &means, number + points / 4u, w[2], w[4], out + 2u * WIDTH);
        put(samples, &means, number + points / 4u * 3u, w[3], w[5], out + 3u * WIDTH);
        w += 8;
        butterfly(out, WIDTH, plain(out + 2u * WIDTH), plain(out + WIDTH), plain(out + 3u * WIDTH));
    }
}
