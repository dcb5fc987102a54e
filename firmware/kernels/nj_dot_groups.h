/* Dot products of one row of steps with the rows of weights that lie in groups: [group][block][row of 4][16], zeros beyond
 * the last step; up to 15 bytes behind the steps are read. Who includes it says in NJ_BIAS_BYTES how far it is from the 4
 * biases of a group to the next one's. Internal to the kernels; Helium only. SPDX-License-Identifier: MIT
 */
#ifndef NJ_DOT_GROUPS_H
#define NJ_DOT_GROUPS_H

#include "nj_helium.h"

#if NJ_HELIUM

enum { NJ_DOT_ROWS = 4, NJ_DOT_BLOCK = 16 };

/* Four outputs' sums of weight * step over `blocks` blocks of 16 steps. gcc's own loop of the same takes more than twice
 * as many instructions. */
static inline int32x4_t nj_dot_group(const int8_t *step, const int8_t **weights, int32_t blocks)
{
    int32_t a0 = 0;
    int32_t a1 = 0;
    int32_t a2 = 0;
    int32_t a3 = 0;
    const int8_t *walk = *weights;
    __asm__ volatile("wls lr, %[blocks], 2f\n"
                     "1:\n"
                     "vldrb.8 q0, [%[step]], #16\n"
                     "vldrw.32 q1, [%[walk]], #16\n"
                     "vmladava.s8 %[a0], q0, q1\n"
                     "vldrw.32 q2, [%[walk]], #16\n"
                     "vmladava.s8 %[a1], q0, q2\n"
                     "vldrw.32 q1, [%[walk]], #16\n"
                     "vmladava.s8 %[a2], q0, q1\n"
                     "vldrw.32 q2, [%[walk]], #16\n"
                     "vmladava.s8 %[a3], q0, q2\n"
                     "le lr, 1b\n"
                     "2:\n"
                     : [a0] "+Te"(a0), [a1] "+Te"(a1), [a2] "+Te"(a2), [a3] "+Te"(a3), [step] "+r"(step),
                       [walk] "+r"(walk)
                     : [blocks] "r"(blocks)
                     : "lr", "cc", "memory", "q0", "q1", "q2");
    *weights = walk;
    int32x4_t sum = vdupq_n_s32(a0);
    sum = vsetq_lane_s32(a1, sum, 1);
    sum = vsetq_lane_s32(a2, sum, 2);
    return vsetq_lane_s32(a3, sum, 3);
}

#define NJ_ROW_PAIR(acc1, acc2)                      \
    "vldrw.32 q1, [%[walk1]], #16\n"                 \
    "vmladava.s8 " acc1 ", q0, q1\n"                 \
    "vldrw.32 q2, [%[walk2]], #16\n"                 \
    "vmladava.s8 " acc2 ", q0, q2\n"
#define NJ_EIGHT_ROWS                                \
    "vldrb.8 q0, [%[step]], #16\n"                   \
    NJ_ROW_PAIR("r0", "r8")                          \
    NJ_ROW_PAIR("r2", "r10")                         \
    NJ_ROW_PAIR("r4", "r12")                         \
    NJ_ROW_PAIR("r6", "lr")

/* The same of two groups at once, added to their biases, over at least one block: the steps are loaded half as often, and
 * all even core registers are accumulators. next: bytes from the first group's weights to the second's. */
static inline int32x4x2_t nj_dot_two_groups(const int8_t *step, const int8_t **weights, int32_t next, const void *bias,
                                            int32_t blocks)
{
    const int8_t *walk1 = *weights;
    const int8_t *walk2 = walk1 + next;
    int32_t turns = blocks - 1;
    int32x4_t sum1;
    int32x4_t sum2;
    __asm__ volatile("ldm %[bias], {r0, r2, r4, r6}\n"
                     "adds %[bias], %[bias], %[apart]\n"
                     "ldm %[bias], {r8, r10, r12, lr}\n"
                     "lsrs %[turns], %[turns], #1\n"
                     "bcc 2f\n" /* an odd number of blocks begins in the middle */
                     "1:\n" NJ_EIGHT_ROWS
                     "2:\n" NJ_EIGHT_ROWS
                     "subs %[turns], %[turns], #1\n"
                     "bpl 1b\n"
                     "vmov %q[sum1][2], %q[sum1][0], r0, r4\n"
                     "vmov %q[sum1][3], %q[sum1][1], r2, r6\n"
                     "vmov %q[sum2][2], %q[sum2][0], r8, r12\n"
                     "vmov %q[sum2][3], %q[sum2][1], r10, lr\n"
                     : [sum1] "=&w"(sum1), [sum2] "=&w"(sum2), [step] "+r"(step), [walk1] "+r"(walk1),
                       [walk2] "+r"(walk2), [bias] "+r"(bias), [turns] "+r"(turns)
                     : [apart] "i"(NJ_BIAS_BYTES)
                     : "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "cc", "memory", "q0", "q1", "q2");
    *weights = walk2;
    return (int32x4x2_t){{sum1, sum2}};
}

#endif
#endif
