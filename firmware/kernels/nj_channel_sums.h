/* Sums of steps over places, a lane a channel. Internal to the kernels; Helium only. SPDX-License-Identifier: MIT */
#ifndef NJ_CHANNEL_SUMS_H
#define NJ_CHANNEL_SUMS_H

#include "nj_helium.h"

#if NJ_HELIUM

enum { NJ_SUM_LANES = 8, NJ_SUM_SAFE = 128 }; /* 128 steps fit into 16 bits */

/* acc[lane]: the sum over `rows` x `columns` places, `next` bytes from place to place, `pitch` from row to row; at most 8
 * `lanes`. */
static inline void nj_channel_sums(const int8_t *corner, int32_t lanes, int32_t next, int32_t columns, int32_t pitch,
                                   int32_t rows, int32_t acc[NJ_SUM_LANES])
{
    const mve_pred16_t some = vctp16q((uint32_t)lanes);
    int32x4_t even = vdupq_n_s32(0); /* channels 0 2 4 6 */
    int32x4_t odd = vdupq_n_s32(0);
    int16x8_t sum = vdupq_n_s16(0);
    int32_t room = NJ_SUM_SAFE;
    if (columns * next == pitch) { /* whole rows are one */
        columns *= rows;
        rows = 1;
    }
    for (int32_t y = 0; y < rows; y++, corner += pitch) {
        const int8_t *place = corner;
        int32_t left = columns;
        while (left > 0) {
            const int32_t turn = left < room ? left : room;
            for (int32_t x = 0; x < turn; x++, place += next) {
                sum = vaddq_s16(sum, vldrbq_z_s16(place, some));
            }
            left -= turn;
            room -= turn;
            if (room == 0) {
                even = vaddq_s32(even, vmovlbq_s16(sum));
                odd = vaddq_s32(odd, vmovltq_s16(sum));
                sum = vdupq_n_s16(0);
                room = NJ_SUM_SAFE;
            }
        }
    }
    even = vaddq_s32(even, vmovlbq_s16(sum));
    odd = vaddq_s32(odd, vmovltq_s16(sum));
    vst2q_s32(acc, ((int32x4x2_t){{even, odd}}));
}

#endif
#endif
