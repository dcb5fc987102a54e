/*
 * RIFF: "RIFF", size, "WAVE", then chunks of a name, a size and as many bytes, and one more where they are odd.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "nightjar_n6_wav.h"
#include "qemu/error-report.h"

static G_NORETURN void refuse(const char *path, const char *why)
{
    error_report("nightjar-n6: the microphone's file is no WAV file of one channel, PCM of 16 bits: %s: %s", path, why);
    exit(1);
}

void n6_wav_open(N6Wav *wav, const char *path)
{
    g_autoptr(GError) error = NULL;
    GMappedFile *file = g_mapped_file_new(path, false, &error);
    const uint8_t *bytes;
    uint64_t size, at = 12;

    if (!file) {
        refuse(path, error->message);
    }
    bytes = (const uint8_t *)g_mapped_file_get_contents(file);
    size = g_mapped_file_get_length(file);
    if (size < 12 || memcmp(bytes, "RIFF", 4) || memcmp(bytes + 8, "WAVE", 4)) {
        refuse(path, "it does not begin as one");
    }
    while (at + 8 <= size) {
        const uint8_t *chunk = bytes + at;
        uint64_t length = ldl_le_p(chunk + 4);

        length = MIN(length, size - at - 8);
        if (!memcmp(chunk, "fmt ", 4) && length >= 16) {
            if (lduw_le_p(chunk + 8) != 1 || lduw_le_p(chunk + 10) != 1 || lduw_le_p(chunk + 22) != 16) {
                refuse(path, "its format is another one");
            }
            wav->rate = ldl_le_p(chunk + 12);
        } else if (!memcmp(chunk, "data", 4)) {
            wav->data = chunk + 8;
            wav->samples = length / 2;
        }
        at += 8 + length + (length & 1);
    }
    if (!wav->rate || !wav->data) {
        refuse(path, "no format or no data in it");
    }
}

uint16_t n6_wav_sample(const N6Wav *wav, uint64_t number)
{
    return number < wav->samples ? lduw_le_p(wav->data + 2 * number) : 0;
}
