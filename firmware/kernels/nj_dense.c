/* Two patches against four output channels: 8 accumulators in the 8 even core registers, so that 16 steps of both
 * patches and of the four weight rows (6 loads) feed 8 VMLADAVA: 14 instructions for 128 MACs. gcc spills half of the
 * accumulators when it is given the same as intrinsics. What it computes is specified by the scalar path of
 * conv_2d_packed_s8.c.
 * SPDX-License-Identifier: MIT
 */
#include "nj_dense.h"

#if NJ_HELIUM

_Static_assert(offsetof(struct nj_dense, turn) == 0 && offsetof(struct nj_dense, step) == 4 &&
                   offsetof(struct nj_dense, turns) == 8 && offsetof(struct nj_dense, requant) == 16 &&
                   offsetof(struct nj_dense, weights) == 12 && offsetof(struct nj_dense, end) == 20 &&
                   offsetof(struct nj_dense, y) == 24 && offsetof(struct nj_dense, min) == 32 &&
                   offsetof(struct nj_dense, place) == 40 && offsetof(struct nj_dense, pairs) == 56 &&
                   offsetof(struct nj_dense, back) == 60 && offsetof(struct nj_dense, x) == 64 &&
                   offsetof(struct nj_dense, next) == 68 && sizeof(struct nj_turn) == 12,
               "offsets in the assembly");
_Static_assert(NJ_DENSE_BLOCKS == 8 && NJ_DENSE_BLOCK_CODE == 14 * 4, "unrolled so often below");

/* r0 r2 r4 r6: patch 0, channels 0 to 3; r8 r10 r12 lr: patch 1. r1, r3: steps; r5: weights; r7: requant; r9: y;
 * r11: turns. q4: places; q5, q6: range; q7: zero point. On the stack: turns; nothing; pairs left; op. */
#define NJ_DENSE(name, correction, clamp)                                                                             \
    __attribute__((naked)) void name(const struct nj_dense *op __attribute__((unused)))                               \
    {                                                                                                                 \
        __asm__("push {r4-r11, lr}\n"                                                                                 \
                "vpush {d8-d15}\n"                                                                                    \
                "sub sp, sp, #16\n"                                                                                   \
                "ldr r4, [r0]\n"                                                                                      \
                "str r4, [sp]\n"                                                                                      \
                "ldr r4, [r0, #56]\n"                                                                                 \
                "strd r4, r0, [sp, #8]\n"                                                                             \
                "ldrd r5, r7, [r0, #12]\n"                                                                            \
                "ldrd r9, r4, [r0, #24]\n"                                                                            \
                "vdup.16 q7, r4\n"                                                                                    \
                "ldrd r4, r6, [r0, #32]\n"                                                                            \
                "vdup.16 q5, r4\n"                                                                                    \
                "vdup.16 q6, r6\n"                                                                                    \
                "vldrh.16 q4, [r0, #40]\n"                                                                            \
                "1:\n"                                                                                                \
                "ldm r7, {r0, r2, r4, r6}\n"                                                                          \
                "ldm r7!, {r8, r10, r12, lr}\n"                                                                       \
                "ldr r11, [sp]\n"                                                                                     \
                "ldm r11!, {r1, r3, pc}\n"                                                                            \
                ".p2align 2\n"                                                                                        \
                ".global " #name "_blocks\n"                                                                          \
                #name "_blocks:\n"                                                                                    \
                ".rept 8\n"                                                                                           \
                "vldrb.8 q0, [r1], #16\n"                                                                             \
                "vldrb.8 q1, [r3], #16\n"                                                                             \
                "vldrw.32 q2, [r5], #16\n"                                                                            \
                "vmladava.s8 r0, q0, q2\n"                                                                            \
                "vmladava.s8 r8, q1, q2\n"                                                                            \
                "vldrw.32 q3, [r5], #16\n"                                                                            \
                "vmladava.s8 r2, q0, q3\n"                                                                            \
                "vmladava.s8 r10, q1, q3\n"                                                                           \
                "vldrw.32 q2, [r5], #16\n"                                                                            \
                "vmladava.s8 r4, q0, q2\n"                                                                            \
                "vmladava.s8 r12, q1, q2\n"                                                                           \
                "vldrw.32 q3, [r5], #16\n"                                                                            \
                "vmladava.s8 r6, q0, q3\n"                                                                            \
                "vmladava.s8 lr, q1, q3\n"                                                                            \
                ".endr\n"                                                                                             \
                "ldm.w r11!, {r1, r3, pc}\n"                                                                          \
                "vldrw.32 q2, [r7], #16\n" /* multipliers */                                                          \
                "vldrb.s32 q3, [r7], #4\n" /* shifts */                                                               \
                "vmov q0[2], q0[0], r0, r4\n"                                                                         \
                "vmov q0[3], q0[1], r2, r6\n"                                                                         \
                "vmov q1[2], q1[0], r8, r12\n"                                                                        \
                "vmov q1[3], q1[1], r10, lr\n"                                                                        \
                "vqrdmulh.s32 q0, q0, q2\n"                                                                           \
                "vqrdmulh.s32 q1, q1, q2\n" correction "vrshl.s32 q0, q0, q3\n"                                       \
                "vrshl.s32 q1, q1, q3\n"                                                                              \
                "vqmovnb.s32 q0, q0\n" /* channel c of patches 0 and 1 side by side, 16 bits each */                  \
                "vqmovnt.s32 q0, q1\n"                                                                                \
                "vqadd.s16 q0, q0, q7\n"                                                                              \
                clamp                                                                                                 \
                "vstrb.16 q0, [r9, q4]\n"                                                                             \
                "adds r9, r9, #4\n"                                                                                   \
                "cmp r7, r1\n" /* the last turn's x0 */                                                               \
                "bne.w 1b\n"                                                                                          \
                "ldrd r6, r12, [sp, #8]\n"                                                                            \
                "subs r6, #1\n"                                                                                       \
                "str r6, [sp, #8]\n"                                                                                  \
                "ldm r12, {r0, r2, r4, r5, r7}\n" /* turn, step, turns, weights, requant */                           \
                "2:\n"                                                                                                \
                "ldr lr, [r2], #4\n"                                                                                  \
                "ldrd r8, r10, [r0]\n"                                                                                \
                "add r8, lr\n"                                                                                        \
                "add r10, lr\n"                                                                                       \
                "strd r8, r10, [r0], #12\n"                                                                           \
                "subs r4, #1\n"                                                                                       \
                "bne 2b\n"                                                                                            \
                "ldr r2, [r12, #60]\n"                                                                                \
                "add r9, r2\n"                                                                                        \
                "cmp r6, #0\n"                                                                                        \
                "bne.w 1b\n"                                                                                          \
                "add sp, sp, #16\n"                                                                                   \
                "vpop {d8-d15}\n"                                                                                     \
                "pop {r4-r11, pc}\n");                                                                                \
    }

/* Nothing negative survives, so its rounding does not matter, and saturation is the clamp. */
NJ_DENSE(nj_dense_relu, "", "vqmovnb.s16 q0, q0\n")

/* Half away from zero is half up of one unit less for negative numbers. */
NJ_DENSE(nj_dense_clamped,
         "vshr.s32 q2, q0, #31\n"
         "vqadd.s32 q0, q0, q2\n"
         "vshr.s32 q2, q1, #31\n"
         "vqadd.s32 q1, q1, q2\n",
         "vmax.s16 q0, q0, q5\n"
         "vmin.s16 q0, q0, q6\n")

/* Patches of one block: four channels' weights, multipliers and shifts stay in q4 to q7, q2 and q3 over all pairs of
 * places. r0 to lr, even: as above. r1: steps; r3: from pair to pair in y; r5: y; r7: requant; r9: pairs left; r11: zero
 * point. On the stack: op; y and weights of the next group; places; range. */
#define NJ_DENSE_BLOCK(name, pitch, correction, clamp)                                                                \
    __attribute__((naked)) void name(const struct nj_dense *op __attribute__((unused)))                               \
    {                                                                                                                 \
        __asm__("push {r4-r11, lr}\n"                                                                                 \
                "vpush {d8-d15}\n"                                                                                    \
                "sub sp, sp, #64\n"                                                                                   \
                "ldr r1, [r0, #24]\n"                                                                                 \
                "strd r0, r1, [sp]\n"                                                                                 \
                "ldr r1, [r0, #12]\n"                                                                                 \
                "str r1, [sp, #8]\n"                                                                                  \
                "vldrh.16 q0, [r0, #40]\n"                                                                            \
                "vstrh.16 q0, [sp, #16]\n"                                                                            \
                "ldrd r1, r3, [r0, #32]\n"                                                                            \
                "vdup.16 q0, r1\n"                                                                                    \
                "vstrh.16 q0, [sp, #32]\n"                                                                            \
                "vdup.16 q0, r3\n"                                                                                    \
                "vstrh.16 q0, [sp, #48]\n"                                                                            \
                "ldr r7, [r0, #16]\n"                                                                                 \
                "ldr r11, [r0, #28]\n"                                                                                \
                "ldr r3, [r0, #68]\n"                                                                                 \
                "1:\n"                                                                                                \
                "ldrd r0, r5, [sp]\n"                                                                                 \
                "ldr r2, [sp, #8]\n"                                                                                  \
                "vldrw.32 q4, [r2], #16\n"                                                                            \
                "vldrw.32 q5, [r2], #16\n"                                                                            \
                "vldrw.32 q6, [r2], #16\n"                                                                            \
                "vldrw.32 q7, [r2], #16\n"                                                                            \
                "str r2, [sp, #8]\n"                                                                                  \
                "adds r2, r5, #4\n"                                                                                   \
                "str r2, [sp, #4]\n"                                                                                  \
                "vldrw.32 q2, [r7, #16]\n" /* multipliers */                                                          \
                "vldrb.s32 q3, [r7, #32]\n" /* shifts */                                                              \
                "ldr r1, [r0, #64]\n"                                                                                 \
                "ldr r9, [r0, #56]\n"                                                                                 \
                "2:\n"                                                                                                \
                "ldm r7, {r0, r2, r4, r6}\n"                                                                          \
                "ldm r7, {r8, r10, r12, lr}\n"                                                                        \
                "vldrb.8 q0, [r1], #" pitch "\n"                                                                      \
                "vldrb.8 q1, [r1], #" pitch "\n"                                                                      \
                "vmladava.s8 r0, q0, q4\n"                                                                            \
                "vmladava.s8 r8, q1, q4\n"                                                                            \
                "vmladava.s8 r2, q0, q5\n"                                                                            \
                "vmladava.s8 r10, q1, q5\n"                                                                           \
                "vmladava.s8 r4, q0, q6\n"                                                                            \
                "vmladava.s8 r12, q1, q6\n"                                                                           \
                "vmladava.s8 r6, q0, q7\n"                                                                            \
                "vmladava.s8 lr, q1, q7\n"                                                                            \
                "vmov q0[2], q0[0], r0, r4\n"                                                                         \
                "vmov q0[3], q0[1], r2, r6\n"                                                                         \
                "vmov q1[2], q1[0], r8, r12\n"                                                                        \
                "vmov q1[3], q1[1], r10, lr\n"                                                                        \
                "vqrdmulh.s32 q0, q0, q2\n"                                                                           \
                "vqrdmulh.s32 q1, q1, q2\n"                                                                           \
                correction                                                                                            \
                "vrshl.s32 q0, q0, q3\n"                                                                              \
                "vrshl.s32 q1, q1, q3\n"                                                                              \
                "vqmovnb.s32 q0, q0\n"                                                                                \
                "vqmovnt.s32 q0, q1\n"                                                                                \
                "vqadd.s16 q0, q0, r11\n"                                                                             \
                clamp                                                                                                 \
                "vldrh.16 q1, [sp, #16]\n" /* places */                                                               \
                "vstrb.16 q0, [r5, q1]\n"                                                                             \
                "add r5, r3\n"                                                                                        \
                "subs r9, r9, #1\n"                                                                                   \
                "bne 2b\n"                                                                                            \
                "adds r7, r7, #36\n"                                                                                  \
                "ldr r0, [sp]\n"                                                                                      \
                "ldr r0, [r0, #20]\n"                                                                                 \
                "cmp r7, r0\n"                                                                                        \
                "bne 1b\n"                                                                                            \
                "add sp, sp, #64\n"                                                                                   \
                "vpop {d8-d15}\n"                                                                                     \
                "pop {r4-r11, pc}\n");                                                                                \
    }

#define NJ_DENSE_BLOCK_RELU(name, pitch) NJ_DENSE_BLOCK(name, pitch, "", "vqmovnb.s16 q0, q0\n")
#define NJ_DENSE_BLOCK_CLAMPED(name, pitch)                                                                           \
    NJ_DENSE_BLOCK(name, pitch,                                                                                       \
                   "vshr.s32 q3, q0, #31\n"                                                                           \
                   "vqadd.s32 q0, q0, q3\n"                                                                           \
                   "vshr.s32 q3, q1, #31\n"                                                                           \
                   "vqadd.s32 q1, q1, q3\n"                                                                           \
                   "vldrb.s32 q3, [r7, #32]\n",                                                                       \
                   "vldrh.16 q1, [sp, #32]\n"                                                                         \
                   "vmax.s16 q0, q0, q1\n"                                                                            \
                   "vldrh.16 q1, [sp, #48]\n"                                                                         \
                   "vmin.s16 q0, q0, q1\n")

NJ_DENSE_BLOCK_RELU(nj_dense_block8_relu, "8")
NJ_DENSE_BLOCK_CLAMPED(nj_dense_block8_clamped, "8")
NJ_DENSE_BLOCK_RELU(nj_dense_block16_relu, "16")
NJ_DENSE_BLOCK_CLAMPED(nj_dense_block16_clamped, "16")

#endif
