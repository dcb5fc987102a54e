/* The 4-point DFT of frames side by side.
 *
 * Number i of the frames lies at 2 * NJ_LANES * i: the lanes' real parts, then their imaginary parts. Bit-reversed order
 * puts the four parts of a block in the order 0, 2, 1, 3.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_BUTTERFLY_H
#define NJ_BUTTERFLY_H

#include "nj_lanes.h"

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

#endif
