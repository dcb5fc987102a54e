/* A program that records with the data cache on and holds it against what the microphone hears: samples of 7919 i, modulo 2^16. It
 * ends in a loop with r4 FOUND, r5 the samples that are not the next one, r6 those that were dropped, or r4 FAILED.
 * SPDX-License-Identifier: MIT
 */
#include "nj_end.h"
#include "nj_mdf.h"

#define FOUND 0x600Du
#define FAILED 0x0BADu
#define SILENT 0x511Eu
#define RATE 48000u
#define WANTED 600u /* samples */
#define AT_ONCE 1000u
#define LOOKS 5000u
#define WAIT 2000u /* turns of a loop before each look, the number of which is `look` */

/* In AXISRAM1, where nothing of the program lies. */
#define MICROPHONE ((struct nj_mdf *)(void *)(uintptr_t)0x34020000u)
#define SAMPLES ((int16_t *)(uintptr_t)0x34040000u)

static void nj_bare_main(void) {
    nj_supply_start();
    nj_clock_start();
    nj_cache_start();
    if (!nj_mdf_start(MICROPHONE, RATE)) {
        end(FAILED, 0, 0);
    }
    uint32_t differ = 0;
    uint32_t got = 0;
    for (uint32_t look = 0; got < WANTED; ++look) {
        if (look == LOOKS) {
            end(SILENT, got, nj_mdf_dropped(MICROPHONE));
        }
        for (uint32_t turn = 0; turn < WAIT; ++turn) {
            __asm__ volatile("nop");
        }
        const uint32_t more = nj_mdf_read(MICROPHONE, SAMPLES, AT_ONCE);
        for (uint32_t i = 0; i < more; ++i) {
            const uint32_t number = got + i + nj_mdf_dropped(MICROPHONE);
            differ += (uint16_t)SAMPLES[i] != (number * 7919u & 0xFFFFu);
        }
        got += more;
    }
    end(FOUND, differ, nj_mdf_dropped(MICROPHONE));
}
