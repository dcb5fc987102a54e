/* Prints the CRC-32 of every stage of each chunk in chunks.bin, on any machine, for frontend_runner.py: window, fft,
 * spectrum, bands, compressed, dct, features, input; "-" for a stage that the contract does not have.
 *
 * NJ_CHUNKS: how many. NJ_FLUSH: flush denormals, which must change nothing. On x86 the flags of the floating-point
 * unit are printed too: none may say that a denormal was read or made.
 * SPDX-License-Identifier: MIT
 */
#include "frontend/nj_frontend.h"
#include "frontend/nj_frontend_stages.h"
#include "nj_frontend_stage.c" /* rendered: `frontend`, `features`, `scratch` */

#include <stdint.h>
#include <stdio.h>

__asm__(".section .rodata\n.balign 16\n.global chunks\nchunks:\n.incbin \"chunks.bin\"\n.text\n");
extern const int16_t chunks[];

static int8_t steps[NJ_STEPS];
static const struct nj_place input = {steps, sizeof(steps)};
const struct nj_model nj_model = {.input = &input, .inputs = 1};
static _Alignas(16) int16_t staged[NJ_SAMPLES];
const struct nj_place nj_staging = {staged, sizeof(staged)};

void put_text(const char *text);

static uint32_t crc32_more(uint32_t crc, const void *data, uint32_t bytes)
{
    static uint32_t table[256];
    const uint8_t *const byte = data;

    for (uint32_t i = 0; table[255] == 0u && i < 256u; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = (table[i] >> 1) ^ (0xEDB88320u & (0u - (table[i] & 1u)));
    }
    crc = ~crc;
    for (uint32_t i = 0; i < bytes; i++)
        crc = (crc >> 8) ^ table[(crc ^ byte[i]) & 255u];
    return ~crc;
}

static void put_hex(uint32_t value)
{
    char text[10];

    for (int i = 0; i < 8; i++)
        text[i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 15u];
    text[8] = ' ';
    text[9] = 0;
    put_text(text);
}

static void put_crc(const void *data, uint32_t floats)
{
    put_hex(crc32_more(0, data, 4u * floats));
}

#if NJ_SPECTRAL
static float room[NJ_BINS * NJ_FRAMES]; /* [bins, frames], or [n] */
static _Alignas(64) float frame[NJ_LANES * NJ_FFT];

/* Place of a sample in the window's table, which is in the order of the first pass. */
static uint32_t window_place(uint32_t sample)
{
    static const uint8_t of_four[8] = {0, 6, 2, 4, 1, 7, 3, 5}; /* re, im of parts 0, 1, 2, 3 */
    const uint32_t points = NJ_FFT / 2u;
    const uint32_t width = (points & 0x55555555u) != 0u ? 4u : 2u;
    const uint32_t part = sample / 2u / (points / width);
    uint32_t block = 0;

    while (frontend.order[block] / 4u != sample / 2u % (points / width))
        block++;
    return 2u * width * block + (width == 4u ? of_four[2u * part + sample % 2u] : 2u * part + sample % 2u);
}

/* A frame that loses its mean, sample by sample: docs/frontend.md. */
static void without_mean(const int16_t *piece, const uint32_t *place, uint32_t from, uint32_t until)
{
    int32_t sum = 0;

    for (uint32_t i = from; i < until; i++)
        sum += piece[i];
    const int32_t count = (int32_t)(until - from);
    const float share = 1.0f / (float)count;
    for (uint32_t i = 0; i < NJ_FFT; i++) {
        frame[i] = (float)(count * piece[i] - sum) * share * frontend.window[place[i]] + 0x1p18f - 0x1p18f;
        if (i < from || i >= until)
            frame[i] = 0.0f;
    }
}

static void window_and_fft(void)
{
    static uint32_t place[NJ_FFT];
    static int16_t piece[NJ_FFT];
    const uint32_t places[NJ_LANES] = {0};
    struct nj_inside inside;
    uint32_t window = 0;
    uint32_t fft = 0;

    for (uint32_t i = 0; i < NJ_FFT; i++)
        place[i] = window_place(i);
    for (uint32_t t = 0; t < frontend.frames; t++) {
        for (uint32_t i = 0; i < NJ_FFT; i++) {
            const uint32_t at = t * frontend.hop + i - NJ_FFT / 2u; /* wraps below 0 */
            piece[i] = at < NJ_SAMPLES ? staged[at] : (int16_t)0;
            frame[i] = (float)piece[i] * frontend.window[place[i]];
        }
        const int32_t begin = (int32_t)(t * frontend.hop) - NJ_FFT / 2;
        const int32_t from = begin < 0 ? -begin : 0;
        const int32_t until = begin + NJ_FFT > NJ_SAMPLES ? NJ_SAMPLES - begin : NJ_FFT;
        for (uint32_t lane = 0; lane < NJ_LANES; lane++) {
            inside.from[lane] = from;
            inside.until[lane] = until;
        }
        if (frontend.remove_dc != 0u)
            without_mean(piece, place, (uint32_t)from, (uint32_t)until);
        window = crc32_more(window, frame, 4u * NJ_FFT);
        if (frontend.remove_dc != 0u)
            nj_first_pass_without_mean(&frontend, piece, places, &inside, frame);
        else
            nj_first_pass(&frontend, piece, places, frame);
        nj_fft(frame, NJ_FFT / 2u, frontend.twiddle);
        for (uint32_t i = 0; i < NJ_FFT; i++)
            fft = crc32_more(fft, &frame[NJ_LANES * i], 4u);
    }
    put_hex(window);
    put_hex(fft);
}

/* Each stage is what the same code gives where the contract ends there. */
static void middle(void)
{
    struct nj_frontend part = frontend;

    window_and_fft();
    part.bands = part.cepstra = 0;
    part.compression = NJ_COMPRESSION_NONE;
    nj_frontend_spectrogram(&part, staged, room, scratch);
    put_crc(room, frontend.bins * frontend.frames);
    const uint32_t rows = frontend.bands != 0u ? frontend.bands : frontend.bins;
    part.bands = frontend.bands;
    if (frontend.bands != 0u) {
        nj_frontend_spectrogram(&part, staged, room, scratch);
        put_crc(room, rows * frontend.frames);
    } else {
        put_text("- ");
    }
    part.compression = frontend.compression;
    part.normalization = NJ_NORMALIZATION_FIXED;
    part.gain = 1.0f;
    part.offset = part.least = 0.0f;
    if (frontend.compression != NJ_COMPRESSION_NONE) {
        nj_frontend_run(&part, staged, room, scratch);
        put_crc(room, rows * frontend.frames);
    } else {
        put_text("- ");
    }
    part.cepstra = frontend.cepstra;
    if (frontend.cepstra != 0u) {
        nj_frontend_run(&part, staged, room, scratch);
        put_crc(room, frontend.cepstra * frontend.frames);
    } else {
        put_text("- ");
    }
}
#else
static void middle(void)
{
    put_text("- - - - - - ");
}
#endif

static void prepare(void)
{
#if defined(__SSE2__)
    __builtin_ia32_ldmxcsr(0x1F80u | (NJ_FLUSH ? 0x8040u : 0u));
#elif defined(__aarch64__)
    uint64_t fpcr = NJ_FLUSH ? 1u << 24 : 0u;
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
#elif defined(__arm__)
    uint32_t fpscr = (4u << 16) | (NJ_FLUSH ? 3u << 24 : 0u);
    __asm__ volatile("vmsr fpscr, %0" : : "r"(fpscr));
#endif
}

int main(void)
{
    prepare();
    for (uint32_t chunk = 0; chunk < NJ_CHUNKS; chunk++) {
        for (uint32_t i = 0; i < NJ_SAMPLES; i++)
            staged[i] = chunks[chunk * NJ_SAMPLES + i];
        middle();
        nj_frontend_stage.run();
        nj_frontend_stage.quantize();
        put_crc(nj_frontend_stage.features.data, nj_frontend_stage.features.bytes / 4u);
        put_hex(crc32_more(0, steps, sizeof(steps)));
        put_text("\n");
    }
#if defined(__SSE2__)
    const uint32_t denormal_or_underflow = 0x12u;
    if ((__builtin_ia32_stmxcsr() & denormal_or_underflow) != 0u)
        put_text("denormal ");
#endif
    put_text("done\n");
    return 0;
}

#if !defined(__arm__)
void put_text(const char *text)
{
    fputs(text, stdout);
}
#endif
