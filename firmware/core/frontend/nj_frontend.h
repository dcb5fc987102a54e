/* The spectrogram frontend: int16 chunk -> float32 features [rows, frames] -> int8. Every formula: docs/frontend.md.
 *
 * One source for host and target, and the same bits on both: IEEE-754 single precision, one order of operations, no
 * contraction, no library function (the square root is the hardware's, the logarithm is nj_logarithm.h), tables made once by
 * host/reference/frontend_tables.py. Frames are computed side by side, one a lane (nj_lanes.h).
 *
 * No denormal occurs, so flushing them, as Helium does, changes nothing. Everything before the normalization carries a
 * factor 2^NJ_FRONTEND_SCALE (its root after sqrt), and each number is 0 or a multiple of a grid: twiddles are
 * multiples of 2^-24, so each of the at most 4 multiplying passes of the FFT makes the grid of the windowed samples
 * finer by 24 bits at most: for 2048 points 2^-6 becomes 2^-102, and 2^-126 after the split, the smallest normal number.
 * Without their mean, the windowed samples are snapped to that grid of 2^-6 (nj_remove_dc.c).
 * nj_spectrum snaps the parts to a grid of 2^-38, 54 binary orders below the smallest windowed sample; from there to
 * the magnitude's quotient nothing is below 2^-125, and nothing is above 2^127. Where powers or mel bands would
 * leave that range, `least` makes 0 of what is far below the last bit of the peak.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_FRONTEND_H
#define NJ_FRONTEND_H

#include <stdint.h>

#define NJ_FRONTEND_API 3

/* Magnitudes are |rfft| * 2^52: as large as squares in float32 allow. Powers are |rfft|^2 * 2^72. */
#define NJ_FRONTEND_SCALE 52
#define NJ_POWER_SCALE 72

#define NJ_SPECTRUM_NONE 0u /* a raw waveform: rows = 1, frames = chunk_samples, normalized by its peak */
#define NJ_SPECTRUM_MAGNITUDE 1u
#define NJ_SPECTRUM_POWER 2u

#define NJ_COMPRESSION_NONE 0u
#define NJ_COMPRESSION_SQRT 1u
#define NJ_COMPRESSION_LOG 2u
#define NJ_COMPRESSION_LOG1P 3u /* ln(1 + gain S) */
#define NJ_COMPRESSION_PCEN 4u /* of mel bands: nj_pcen.c */

#define NJ_NORMALIZATION_MINMAX 0u
#define NJ_NORMALIZATION_FIXED 1u
#define NJ_NORMALIZATION_PERCENTILE 2u

/* A mel band: weights of the bins from `first` on. */
struct nj_band {
    uint16_t first;
    uint16_t count; /* >= 1 */
};

/* Constants of one contract. With n = fft_length, a power of two in [128, 2048]: */
struct nj_frontend {
    uint32_t chunk_samples; /* >= n */
    uint32_t fft_length;
    uint32_t hop; /* >= 1; (frames - 1) * hop <= chunk_samples */
    uint32_t frames; /* >= 1 */
    uint32_t bins; /* n / 2, or n / 2 + 1 with the Nyquist bin */
    uint32_t spectrum; /* NJ_SPECTRUM_* */
    uint32_t bands; /* of mel; 0: the bins themselves */
    uint32_t cepstra; /* of the DCT over the bands, <= bands; 0: none */
    uint32_t compression; /* NJ_COMPRESSION_* */
    uint32_t normalization; /* NJ_NORMALIZATION_* */
    uint32_t remove_dc; /* 1: from each frame the mean of its samples inside the chunk */
    uint32_t norm_row; /* min-max, percentile: the first row that is looked at; where > 0, all rows are clamped */
    uint32_t rank_low; /* percentile: place of what becomes 0 among the sorted values of those rows, ... */
    uint32_t rank_high; /* ... and of what becomes 1 */
    int32_t log_scale; /* log: the power of two that its input carries; log1p: 0 */
    float log_floor; /* log: of the chunk's peak: 1e-4 of magnitudes, 1e-8 of powers */
    float log_least; /* log: below it nothing is told from silence; log1p: so small that its factor makes it vanish
                      * beside 1 */
    float factor; /* log1p: the gain of what is a fraction of full scale without its power of two; pcen: 2^31 of it */
    float smoothing; /* pcen: the s of M(t) = (1 - s) M(t - 1) + s E(t), in 2^-31 ... 0.62 */
    float least; /* what is below it is 0 before the normalization's multiplication; 0: nothing is */
    float gain; /* fixed: y = S * gain + offset. min-max, percentile: the 1e-10 of the denominator, in the scale of S */
    float offset;
    const float *window; /* [n], in the order of the first pass; times 2^36, which turns int16 into x * 2^51 */
    const uint16_t *order; /* [n / 8], or [n / 4] where n / 2 is no power of four: first pair of each block, in bytes */
    const float *twiddle; /* radix-4 passes of quarter length m, by rising m: [m] of W^k, W^2k, W^3k (re, im),
                           * W = exp(-2 pi i / 4m); m from 2 (n / 2 no power of four) or from 4 */
    const float *split; /* [n / 4 + 1] of exp(-2 pi i k / n) (re, im) */
    const struct nj_band *band; /* [bands] */
    const float *weight; /* of all bands, one behind the other */
    const float *cosine; /* [cepstra, bands] of the orthonormal DCT-II */
};

/* Frames that are computed side by side: as many as a vector holds (16 were not faster). The bits do not depend on
 * it. */
#ifndef NJ_LANES
#if defined(__AVX2__)
#define NJ_LANES 8
#else
#define NJ_LANES 4
#endif
#endif

/* Frames that are stored at once: columns of a row that fill a cache line, of 32 bytes on an M55, 64 on hosts. */
#if defined(__arm__)
#define NJ_COLUMNS 8
#else
#define NJ_COLUMNS 16
#endif

/* Floats of scratch that frames need: frames, rows and edges side by side. */
#define NJ_FRAMES_SCRATCH(fft_length) \
    (NJ_LANES * (fft_length) + NJ_COLUMNS * ((fft_length) / 2u + 1u) + NJ_LANES * ((fft_length) / 2u) + 16u)

/* Counters of a percentile's selection, 8 KiB, in the same place once the frames are done. */
#define NJ_PERCENTILE_COUNTERS 2048u

/* Floats of scratch that a run needs. */
#define NJ_FRONTEND_SCRATCH(fft_length, normalization)                                                           \
    ((normalization) == NJ_NORMALIZATION_PERCENTILE && NJ_FRAMES_SCRATCH(fft_length) < NJ_PERCENTILE_COUNTERS    \
         ? NJ_PERCENTILE_COUNTERS                                                                                \
         : NJ_FRAMES_SCRATCH(fft_length))

/* The same, as this source was compiled. */
uint32_t nj_frontend_scratch(const struct nj_frontend *frontend);

/* NJ_LANES as this source was compiled. */
uint32_t nj_frontend_lanes(void);

/* Floats that `features` must hold: the result is [rows, frames], and with a DCT the bands were there before. */
#define NJ_FRONTEND_ROOM(frames, bins, bands) ((frames) * ((bands) != 0u ? (bands) : (bins)))

/* Features of a chunk [chunk_samples]. features: [bands or bins, frames], of which [rows, frames] is the result;
 * scratch: 16-aligned. The buffers must not overlap. */
void nj_frontend_run(const struct nj_frontend *frontend, const int16_t *chunk, float *features, float *scratch);

/* The same before logarithm, DCT and normalization: magnitudes times 2^52 (their roots times 2^26), powers times 2^72
 * (their roots times 2^36), [bands or bins, frames]. Not for a raw waveform. */
void nj_frontend_spectrogram(const struct nj_frontend *frontend, const int16_t *chunk, float *features,
                             float *scratch);

/* The same without the factor, for hosts: a small power may be denormal. */
void nj_frontend_magnitudes(const struct nj_frontend *frontend, const int16_t *chunk, float *features, float *scratch);

/* Steps = round half away from zero(feature / scale) + zero_point, saturated to [-128, 127]: TFLite's QUANTIZE.
 * scale: positive; zero_point: in [-128, 127]. */
void nj_frontend_quantize(const float *features, int8_t *steps, uint32_t count, float scale, int32_t zero_point);

#endif
