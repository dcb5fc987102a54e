/* Prints the CRC-32 of features and steps of each chunk in chunks.bin, on any machine, for frontend_bits_test.py.
 *
 * NJ_CHUNKS: how many. NJ_FLUSH: flush denormals, which must change nothing. On x86 the flags of the floating-point
 * unit are printed too: none may say that a denormal was read or made.
 * SPDX-License-Identifier: MIT
 */
#include "nj_model.h"

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

static uint32_t crc32_of(const void *data, uint32_t bytes)
{
    const uint8_t *const byte = data;
    uint32_t crc = 0xFFFFFFFFu;

    for (uint32_t i = 0; i < bytes; i++) {
        crc ^= byte[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
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

static void prepare(void)
{
#if defined(__SSE2__)
    __builtin_ia32_ldmxcsr(0x1F80u | (NJ_FLUSH ? 0x8040u : 0u));
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
        nj_frontend_stage.run();
        nj_frontend_stage.quantize();
        put_hex(crc32_of(nj_frontend_stage.features.data, nj_frontend_stage.features.bytes));
        put_hex(crc32_of(steps, sizeof(steps)));
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
