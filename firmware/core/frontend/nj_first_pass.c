/* The first pass of the FFT, which takes the samples as they lie: framing, window, order and butterflies at once. The
 * window lies in the order of use: of a block of 4, re of parts 0, 2, 1 and 3, then im of parts 1, 3, 0 and 2.
 *
 * A block is the 4-point DFT (2-point where the number of pairs is no power of four) of pairs whose numbers are a
 * quarter (half) of all apart; order[] says which, in bytes from the frame's beginning, so that the passes that follow
 * find bit-reversed order.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

#if NJ_HELIUM
#include "nj_helium_passes.h"
#endif

/* Pair `number` of the frames, windowed: even samples are the real parts, odd ones the imaginary parts. */
static inline void take(const int16_t *samples, nj_places places, uint32_t number, float w_re, float w_im, nj_v *re,
                        nj_v *im)
{
    nj_v even;
    nj_v odd;

    nj_gather(samples + 2u * number, places, &even, &odd);
    *re = nj_scale(even, w_re);
    *im = nj_scale(odd, w_im);
}

static void blocks_of_twos(const int16_t *samples, nj_places places, const float *window, const uint16_t *order,
                           uint32_t points, float *out)
{
    for (uint32_t block = 0; block < points / 2u; block++) {
        const uint32_t number = order[block] / 4u;
        nj_v a_re;
        nj_v a_im;
        nj_v b_re;
        nj_v b_im;

        take(samples, places, number, window[0], window[1], &a_re, &a_im);
        take(samples, places, number + points / 2u, window[2], window[3], &b_re, &b_im);
        nj_store(out, nj_add(a_re, b_re));
        nj_store(out + NJ_LANES, nj_add(a_im, b_im));
        nj_store(out + 2 * NJ_LANES, nj_sub(a_re, b_re));
        nj_store(out + 3 * NJ_LANES, nj_sub(a_im, b_im));
        out += 4 * NJ_LANES;
        window += 4;
    }
}

#if !NJ_HELIUM
static void blocks_of_fours(const int16_t *samples, nj_places places, const float *window, const uint16_t *order,
                            uint32_t points, float *out)
{
    for (uint32_t block = 0; block < points / 4u; block++) {
        const uint32_t number = order[block] / 4u;
        nj_v a_re;
        nj_v a_im;
        nj_v b_re;
        nj_v b_im;
        nj_v c_re;
        nj_v c_im;
        nj_v d_re;
        nj_v d_im;

        take(samples, places, number, window[0], window[6], &a_re, &a_im);
        take(samples, places, number + points / 2u, window[1], window[7], &c_re, &c_im);
        const nj_v sum02_re = nj_add(a_re, c_re);
        const nj_v sum02_im = nj_add(a_im, c_im);
        const nj_v difference02_re = nj_sub(a_re, c_re);
        const nj_v difference02_im = nj_sub(a_im, c_im);
        take(samples, places, number + points / 4u, window[2], window[4], &b_re, &b_im);
        take(samples, places, number + points / 4u * 3u, window[3], window[5], &d_re, &d_im);
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
        window += 8;
    }
}
#endif

void nj_first_pass(const struct nj_frontend *frontend, const int16_t *samples, const uint32_t *places, float *out)
{
    const uint32_t points = frontend->fft_length / 2u;

    if ((points & 0x55555555u) == 0u) { /* no power of four */
        blocks_of_twos(samples, nj_places_from(places), frontend->window, frontend->order, points, out);
        return;
    }
#if NJ_HELIUM
    nj_helium_first_pass(samples, places, frontend->window, frontend->order, points / 4u, 2u * points, out);
#else
    blocks_of_fours(samples, nj_places_from(places), frontend->window, frontend->order, points, out);
#endif
}
