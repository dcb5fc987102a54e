/*
 * A recording for the microphone: a WAV file of one channel, PCM of 16 bits. Behind its end, and where there is none, it is silent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NIGHTJAR_N6_WAV_H
#define NIGHTJAR_N6_WAV_H

#include <stdint.h>

typedef struct {
    uint32_t rate; /* Hz; 0 is no file */
    uint64_t samples;
    const uint8_t *data;
} N6Wav;

void n6_wav_open(N6Wav *wav, const char *path); /* ends the program where that is none */
uint16_t n6_wav_sample(const N6Wav *wav, uint64_t number);

#endif
