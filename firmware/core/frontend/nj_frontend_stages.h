/* The stages of a frame, one a file. Private to the frontend.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_FRONTEND_STAGES_H
#define NJ_FRONTEND_STAGES_H

#include "nj_frontend.h"

#include <float.h>

#ifdef __FAST_MATH__
#error "the frontend's bits depend on the order of operations: compile it with -fno-fast-math"
#endif
_Static_assert(FLT_EVAL_METHOD == 0, "float must be computed as float");
_Static_assert(sizeof(float) == 4 && FLT_MANT_DIG == 24, "float must be IEEE-754 single precision");

/* complex[order[i]] = windowed samples 2i (re) and 2i + 1 (im) of the frame centred on sample `centre`. */
void nj_window(const struct nj_frontend *frontend, const int16_t *chunk, uint32_t centre, float *complex);

/* In-place FFT of `points` complex numbers in bit-reversed order; points = 2 * 4^i or 4^i, from 64 to 1024. */
void nj_fft(float *complex, uint32_t points, const float *twiddle);

/* From the FFT of the pairs to the spectrum of the 2 * points real samples, times 2, in place.
 * complex: points + 1 numbers, of which the last is only written. split: [points / 2 + 1]. */
void nj_split(float *complex, uint32_t points, const float *split);

/* column[bin * stride] = |complex[bin]|, compressed. */
void nj_magnitude(const float *complex, uint32_t bins, uint32_t compression, float *column, uint32_t stride);

/* (S - min) / (max - min + epsilon) in place. epsilon carries the scale of S. */
void nj_normalize(float *features, uint32_t count, float epsilon);

#endif
