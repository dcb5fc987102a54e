/* CMSIS-DSP's float path: window, real FFT, magnitudes of all bins. Its samples are floats already, where ours are
 * int16: the conversion is not counted against it.
 * SPDX-License-Identifier: MIT
 */
#include "arm_math.h"

void nj_bench(void);
void nj_measure(const char *name, void (*body)(void));

static float samples[NJ_FFT];
static float window[NJ_FFT];
static float frame[NJ_FFT];
static float spectrum[NJ_FFT + 2];
static float magnitude[NJ_FFT / 2 + 1];
static arm_rfft_fast_instance_f32 fft;

static void whole(void)
{
    arm_mult_f32(samples, window, frame, NJ_FFT);
    arm_rfft_fast_f32(&fft, frame, spectrum, 0);
    const float nyquist = spectrum[1];
    spectrum[1] = 0.0f;
    arm_cmplx_mag_f32(spectrum, magnitude, NJ_FFT / 2);
    magnitude[NJ_FFT / 2] = nyquist < 0.0f ? -nyquist : nyquist;
}

void nj_bench(void)
{
    uint32_t seed = 1;

    for (uint32_t i = 0; i < NJ_FFT; i++) {
        seed = seed * 1664525u + 1013904223u;
        samples[i] = (float)(int16_t)(seed >> 16);
        window[i] = (float)i;
    }
    NJ_INIT(&fft);
    nj_measure("peer", whole);
}
