/* The first pass of the FFT, which takes the samples as they lie: framing, window, order and butterflies at once.
 *
 * A block is the 4-point DFT (2-point where the number of pairs is no power of four) of pairs whose numbers are a
 * quarter (half) of all apart; order[] says which, so that the passes that follow find bit-reversed order.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

struct nj_source {
    const int16_t *samples;
    const float *window;
    nj_places places;
};

/* Pair `number` of the frames, windowed: even samples are the real parts, odd ones the imaginary parts. */
static inline void take(const struct nj_source *source, uint32_t number, nj_v *re, nj_v *im)
{
    const float *const window = source->window + 2u * number;
    nj_v even;
    nj_v odd;

    nj_gather(source->samples + 2u * number, source->places, &even, &odd);
    *re = nj_scale(even, window[0]);
    *im = nj_scale(odd, window[1]);
}

static void blocks_of_twos(const struct nj_source *source, const uint16_t *order, uint32_t points, float *out)
{
    for (uint32_t block = 0; block < points / 2u; block++) {
        const uint32_t number = order[block];
        nj_v a_re;
        nj_v a_im;
        nj_v b_re;
        nj_v b_im;

        take(source, number, &a_re, &a_im);
        take(source, number + points / 2u, &b_re, &b_im);
        nj_store(out, nj_add(a_re, b_re));
        nj_store(out + NJ_LANES, nj_add(a_im, b_im));
        nj_store(out + 2 * NJ_LANES, nj_sub(a_re, b_re));
        nj_store(out + 3 * NJ_LANES, nj_sub(a_im, b_im));
        out += 4 * NJ_LANES;
    }
}

static void blocks_of_fours(const struct nj_source *source, const uint16_t *order, uint32_t points, float *out)
{
    for (uint32_t block = 0; block < points / 4u; block++) {
        const uint32_t number = order[block];
        nj_v a_re;
        nj_v a_im;
        nj_v b_re;
        nj_v b_im;
        nj_v c_re;
        nj_v c_im;
        nj_v d_re;
        nj_v d_im;

        take(source, number, &a_re, &a_im);
        take(source, number + points / 2u, &c_re, &c_im);
        const nj_v sum02_re = nj_add(a_re, c_re);
        const nj_v sum02_im = nj_add(a_im, c_im);
        const nj_v difference02_re = nj_sub(a_re, c_re);
        const nj_v difference02_im = nj_sub(a_im, c_im);
        take(source, number + points / 4u, &b_re, &b_im);
        take(source, number + points / 4u * 3u, &d_re, &d_im);
        const nj_v sum13_re = nj_add(b_re, d_re);
        const nj_v sum13_im = nj_add(b_im, d_im);
        const nj_v difference13_re = nj_sub(b_re, d_re);
        const nj_v difference13_im = nj_sub(b_im, d_im);
        nj_store(out, nj_add(sum02_re, sum13_re));
        nj_store(out + NJ_LANES, nj_add(sum02_im, sum13_im));
        nj_store(out + 2 * NJ_LANES, nj_add(difference02_re, difference13_im));
        nj_store(out + 3 * NJ_LANES, nj_sub(difference02_im, difference13_re));
        nj_store(out + 4 * NJ_LANES, nj_sub(sum02_re, sum13_re));
        nj_store(out + 5 * NJ_LANES, nj_sub(sum02_im, sum13_im));
        nj_store(out + 6 * NJ_LANES, nj_sub(difference02_re, difference13_im));
        nj_store(out + 7 * NJ_LANES, nj_add(difference02_im, difference13_re));
        out += 8 * NJ_LANES;
    }
}

void nj_first_pass(const struct nj_frontend *frontend, const int16_t *samples, const uint32_t *places, float *out)
{
    const struct nj_source source = {samples, frontend->window, nj_places_from(places)};
    const uint32_t points = frontend->fft_length / 2u;

    if ((points & 0x55555555u) != 0u) /* a power of four */
        blocks_of_fours(&source, frontend->order, points, out);
    else
        blocks_of_twos(&source, frontend->order, points, out);
}
