/* What frontend.py counts of ours. SPDX-License-Identifier: MIT */
#include "frontend/nj_frontend.h"
#include "frontend/nj_frontend_stages.h"
#include "nj_frontend_stage.c" /* rendered: `frontend`, `features`, `scratch`, `run`, `quantize` */

#include <stddef.h>

void nj_bench(void);
void nj_measure(const char *name, void (*body)(void));
static _Alignas(16) int16_t chunk[NJ_SAMPLES];
static int8_t steps[NJ_STEPS];
static const struct nj_place input = {steps, sizeof(steps)};
const struct nj_model nj_model = {.input = &input, .inputs = 1};
const struct nj_place nj_staging = {chunk, sizeof(chunk)};

/* 8 frames inside the chunk. */
static void frames(void)
{
    const struct nj_view view = {chunk, 0, NJ_SAMPLES, 0, NJ_SAMPLES};
    const struct nj_scratch parts = nj_scratch_parts(NJ_FFT, scratch);

    nj_frames(&frontend, &view, 8u, 200u, &parts);
}

static void first_pass(void)
{
    const uint32_t places[4] = {0u, 1u, 2u, 3u};

    nj_first_pass(&frontend, chunk, places, scratch);
}

static void passes(void)
{
    nj_fft(scratch, NJ_FFT / 2u, frontend.twiddle);
}

static void spectrum(void)
{
    nj_spectrum(&frontend, scratch, scratch + 4u * NJ_FFT);
}

/* Of a spectrogram that is there. */
static void compression(void)
{
    struct nj_range range;

    nj_range_start(&range);
    range.high[0] = 0x1p60f;
    nj_compress(&frontend, features, &range);
}

static void whole(void)
{
    nj_frontend_stage.run();
    nj_frontend_stage.quantize();
}

/* Percentiles of values that share all digits but the last with both that are looked for, and are not the lowest. */
static void selection(void)
{
    const uint32_t ranks[2] = {NJ_STEPS / 100u, NJ_STEPS - NJ_STEPS / 100u};
    float bound[2] = {0.0f, 0x1p30f};

    nj_percentile(features, NJ_STEPS, ranks, (nj_counter *)(void *)scratch, bound);
}

void nj_bench(void)
{
    uint32_t seed = 1;

    for (uint32_t i = 0; i < NJ_SAMPLES; i++) {
        seed = seed * 1664525u + 1013904223u;
        chunk[i] = (int16_t)(seed >> 16);
        if (NJ_CLICK != 0)
            chunk[i] = i == NJ_SAMPLES / 2 ? 32767 : 0;
    }
    nj_measure("frames", frames);
    nj_measure("first_pass", first_pass);
    nj_measure("passes", passes);
    nj_measure("spectrum", spectrum);
    nj_measure("run", run);
    nj_measure("whole", whole);
    nj_frontend_spectrogram(&frontend, chunk, features, scratch);
    nj_measure("compression", compression);
    for (uint32_t i = 0; i < NJ_STEPS; i++)
        features[i] = i == 0u ? 0.0f : i == 1u ? 0x1p30f : 1.0f;
    nj_measure("selection", selection);
}
