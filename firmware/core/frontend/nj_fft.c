/* Complex FFT: one radix-2 pass where the length is no power of four, then radix-4 passes (decimation in time).
 *
 * Bit-reversed order puts the four parts of a radix-4 block in the order 0, 2, 1, 3.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

struct number {
    float re;
    float im;
};

static struct number times(const float *value, const float *twiddle)
{
    return (struct number){
        .re = value[0] * twiddle[0] - value[1] * twiddle[1],
        .im = value[0] * twiddle[1] + value[1] * twiddle[0],
    };
}

/* Four numbers, `stride` floats apart: the 4-point DFT of part0, b, c, d, which stand for parts 0, 1, 2, 3. */
static void butterfly(float *part0, uint32_t stride, struct number b, struct number c, struct number d)
{
    float *const part1 = part0 + stride;
    float *const part2 = part1 + stride;
    float *const part3 = part2 + stride;
    const struct number sum02 = {part0[0] + c.re, part0[1] + c.im};
    const struct number difference02 = {part0[0] - c.re, part0[1] - c.im};
    const struct number sum13 = {b.re + d.re, b.im + d.im};
    const struct number difference13 = {b.re - d.re, b.im - d.im};

    part0[0] = sum02.re + sum13.re;
    part0[1] = sum02.im + sum13.im;
    part1[0] = difference02.re + difference13.im;
    part1[1] = difference02.im - difference13.re;
    part2[0] = sum02.re - sum13.re;
    part2[1] = sum02.im - sum13.im;
    part3[0] = difference02.re - difference13.im;
    part3[1] = difference02.im + difference13.re;
}

static void pass_of_twos(float *complex, uint32_t points)
{
    for (float *pair = complex; pair < complex + 2u * points; pair += 4) {
        const float re = pair[0] - pair[2];
        const float im = pair[1] - pair[3];
        pair[0] += pair[2];
        pair[1] += pair[3];
        pair[2] = re;
        pair[3] = im;
    }
}

static void first_pass_of_fours(float *complex, uint32_t points)
{
    for (float *four = complex; four < complex + 2u * points; four += 8) {
        const struct number c = {four[2], four[3]};
        const struct number b = {four[4], four[5]};
        const struct number d = {four[6], four[7]};
        butterfly(four, 2, b, c, d);
    }
}

static void pass_of_fours(float *complex, uint32_t points, uint32_t quarter, const float *twiddle)
{
    const uint32_t stride = 2u * quarter;

    for (float *block = complex; block < complex + 2u * points; block += 4u * stride) {
        for (uint32_t k = 0; k < quarter; k++) {
            float *const part = block + 2u * k;
            const float *const w = twiddle + 6u * k;
            butterfly(part, stride, times(part + 2u * stride, w), times(part + stride, w + 2),
                      times(part + 3u * stride, w + 4));
        }
    }
}

void nj_fft(float *complex, uint32_t points, const float *twiddle)
{
    uint32_t done;

    if ((points & 0x55555555u) != 0u) { /* a power of four */
        first_pass_of_fours(complex, points);
        done = 4;
    } else {
        pass_of_twos(complex, points);
        done = 2;
    }
    for (; done < points; done *= 4u) {
        pass_of_fours(complex, points, done, twiddle);
        twiddle += 6u * done;
    }
}
