/* The spectrogram frontend: int16 chunk -> float32 features [bins, frames] -> int8.
 *
 * One source for host and target, and the same bits on both: IEEE-754 single precision, one order of operations, no
 * contraction, no library function (the square root is the hardware's), tables made once by host/reference/frontend_tables.py.
 *
 * Frame t is centred on sample t * hop; samples outside the chunk are zero. With x = sample / 32768:
 *   S[bin, t] = |rfft(window * x)|, then none or sqrt, then (S - min) / (max - min + 1e-10) over all bins and frames.
 *
 * No denormal occurs, so flushing them, as Helium does, changes nothing. Everything before the normalization carries a
 * factor 2^NJ_FRONTEND_SCALE (its root after sqrt), and each number is 0 or a multiple of a grid: twiddles are
 * multiples of 2^-24, so each of the at most 4 multiplying passes of the FFT makes the grid of the windowed samples
 * finer by 24 bits at most: for 2048 points 2^-6 becomes 2^-102, and 2^-126 after the split, the smallest normal number.
 * nj_magnitude snaps the parts to a grid of 2^-38, 54 binary orders below the smallest windowed sample; from there to
 * the quotient nothing is below 2^-124, and nothing is above 2^125.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_FRONTEND_H
#define NJ_FRONTEND_H

#include <stdint.h>

#define NJ_FRONTEND_API 1

/* Magnitudes are |rfft| * 2^52: as large as squares in float32 allow. */
#define NJ_FRONTEND_SCALE 52

#define NJ_COMPRESSION_NONE 0u
#define NJ_COMPRESSION_SQRT 1u

/* Constants of one contract. With n = fft_length, a power of two in [128, 2048]: */
struct nj_frontend {
    uint32_t chunk_samples; /* >= n */
    uint32_t fft_length;
    uint32_t hop; /* >= 1; (frames - 1) * hop <= chunk_samples */
    uint32_t frames; /* >= 1 */
    uint32_t bins; /* n / 2, or n / 2 + 1 with the Nyquist bin */
    uint32_t compression; /* NJ_COMPRESSION_* */
    const float *window; /* [n]; times 2^36, which turns int16 into x * 2^51 */
    const uint16_t *order; /* [n / 2]; bit reversal of the complex samples */
    const float *twiddle; /* radix-4 passes of quarter length m, by rising m: [m] of W^k, W^2k, W^3k (re, im),
                           * W = exp(-2 pi i / 4m); m from 2 (n / 2 no power of four) or from 4 */
    const float *split; /* [n / 4 + 1] of exp(-2 pi i k / n) (re, im) */
};

/* Floats of scratch that a run needs. */
#define NJ_FRONTEND_SCRATCH(fft_length) ((fft_length) + 2u)

/* Features in [0, 1] of a chunk [chunk_samples]. features: [bins * frames]; scratch: NJ_FRONTEND_SCRATCH(fft_length).
 * The buffers must not overlap. */
void nj_frontend_run(const struct nj_frontend *frontend, const int16_t *chunk, float *features, float *scratch);

/* The same without the normalization: compressed magnitudes, times 2^52 (none) or 2^26 (sqrt). */
void nj_frontend_spectrogram(const struct nj_frontend *frontend, const int16_t *chunk, float *features,
                             float *scratch);

/* Steps = round half away from zero(feature / scale) + zero_point, saturated to [-128, 127]: TFLite's QUANTIZE.
 * scale: positive; zero_point: in [-128, 127]. */
void nj_frontend_quantize(const float *features, int8_t *steps, uint32_t count, float scale, int32_t zero_point);

#endif
