/* 16 channels of one place. A tap is 16 steps times 16 weights: VMULLB and VMULLT give the 16-bit products of the even
 * and odd channels. Weights are never -128, so that the products of two taps add up within 16 bits (2 * 127 * 128);
 * only then they are widened and added to the four 32-bit accumulators. All 8 vector registers are in use, which gcc
 * does not manage: a weight is loaded again where its register was needed.
 * What is computed is specified by the scalar path of depthwise_conv_2d_packed_s8.c.
 * SPDX-License-Identifier: MIT
 */
#include "nj_depthwise.h"

#if NJ_HELIUM

_Static_assert(offsetof(struct nj_depthwise, channels) == 4 && offsetof(struct nj_depthwise, y) == 8 &&
                   offsetof(struct nj_depthwise, zero_point) == 12 && offsetof(struct nj_depthwise, back) == 16 &&
                   offsetof(struct nj_depthwise, moves) == 20 && offsetof(struct nj_depthwise, end) == 24 &&
                   offsetof(struct nj_depthwise, pairs) == 28 && offsetof(struct nj_depthwise, min) == 32 &&
                   offsetof(struct nj_depthwise, max) == 48 && offsetof(struct nj_depthwise, tap) == 64 &&
                   offsetof(struct nj_depthwise, step) == 68,
               "offsets in the assembly");

/* q0 to q3: accumulators of channels 0 4 8 12, 2 6 10 14, 1 5 9 13, 3 7 11 15; q4, q5: sums of the even and the odd
 * channels; q6: steps; q7: weights. */
#define NJ_FIRST(tap, weight)                                                                                         \
    "vldrb.8 q6, [" tap "], #16\n"                                                                                    \
    "vldrw.32 q7, " weight "\n"                                                                                       \
    "vmullb.s8 q4, q6, q7\n"                                                                                          \
    "vmullt.s8 q5, q6, q7\n"
#define NJ_SECOND(tap, weight, again)                                                                                 \
    "vldrb.8 q6, [" tap "], #16\n"                                                                                    \
    "vldrw.32 q7, " weight "\n"                                                                                       \
    "vmullb.s8 q7, q6, q7\n"                                                                                          \
    "vadd.i16 q4, q4, q7\n"                                                                                           \
    "vldrw.32 q7, " again "\n"                                                                                        \
    "vmullt.s8 q6, q6, q7\n"                                                                                          \
    "vadd.i16 q5, q5, q6\n"
#define NJ_WIDEN                                                                                                      \
    "vmovlb.s16 q6, q4\n"                                                                                             \
    "vmovlt.s16 q4, q4\n"                                                                                             \
    "vmovlb.s16 q7, q5\n"                                                                                             \
    "vmovlt.s16 q5, q5\n"                                                                                             \
    "vadd.i32 q0, q0, q6\n"                                                                                           \
    "vadd.i32 q1, q1, q4\n"                                                                                           \
    "vadd.i32 q2, q2, q7\n"                                                                                           \
    "vadd.i32 q3, q3, q5\n"
#define NJ_RELU(acc) ""
/* Half away from zero is half up of one unit less for negative numbers. */
#define NJ_CLAMPED(acc)                                                                                               \
    "vshr.s32 q5, " acc ", #31\n"                                                                                     \
    "vqadd.s32 " acc ", " acc ", q5\n"
#define NJ_SCALE(acc, multiplier, shift, correction)                                                                  \
    "vldrw.32 q4, [r9, #" multiplier "]\n"                                                                            \
    "vldrw.32 q6, [r9, #" shift "]\n"                                                                                 \
    "vqrdmulh.s32 " acc ", " acc ", q4\n" correction(acc) "vrshl.s32 " acc ", " acc ", q6\n"
/* From zero point -128 on, to 127: saturation to 0 to 255 is the clamp. */
#define NJ_RELU_NARROW                                                                                                \
    "vqmovunb.s16 q0, q0\n"                                                                                           \
    "vqmovunt.s16 q0, q2\n"                                                                                           \
    "vadd.i8 q0, q0, r11\n"
#define NJ_CLAMPED_NARROW                                                                                             \
    "vqadd.s16 q0, q0, r11\n"                                                                                         \
    "vqadd.s16 q2, q2, r11\n"                                                                                         \
    "vqmovnb.s16 q0, q0\n"                                                                                            \
    "vqmovnt.s16 q0, q2\n"                                                                                            \
    "vldrw.32 q4, [r12, #32]\n"                                                                                       \
    "vldrw.32 q5, [r12, #48]\n"                                                                                       \
    "vmax.s8 q0, q0, q4\n"                                                                                            \
    "vmin.s8 q0, q0, q5\n"
/* q0 to q3 to 16 steps in q0; r9: behind the group; r11: zero point; r12: op. */
#define NJ_FINISH(correction)                                                                                         \
    NJ_SCALE("q0", "-176", "-160", correction)                                                                        \
    NJ_SCALE("q1", "-128", "-112", correction)                                                                        \
    NJ_SCALE("q2", "-80", "-64", correction)                                                                          \
    NJ_SCALE("q3", "-32", "-16", correction)                                                                          \
    "vqmovnb.s32 q0, q0\n"                                                                                            \
    "vqmovnt.s32 q0, q1\n"                                                                                            \
    "vqmovnb.s32 q2, q2\n"                                                                                            \
    "vqmovnt.s32 q2, q3\n" correction##_NARROW

/* r0 to r8: taps; r9: behind the group, which its first load leaves behind; r10: y. The tail of a loop of bytes leaves
 * out whole numbers of 32 bits as of 8 only where channels come in fours. */
#define NJ_DEPTHWISE_9(name, correction)                                                                              \
    __attribute__((naked)) void name(const struct nj_depthwise *op __attribute__((unused)))                           \
    {                                                                                                                 \
        __asm__("push {r4-r11, lr}\n"                                                                                 \
                "vpush {d8-d15}\n"                                                                                    \
                "mov r12, r0\n"                                                                                       \
                "ldrd r10, r11, [r12, #8]\n"                                                                          \
                "ldr r0, [r12, #64]\n"                                                                                \
                "ldm r0, {r0-r8}\n"                                                                                   \
                "2:\n"                                                                                                \
                "ldrd r9, lr, [r12]\n"                                                                                \
                "dlstp.8 lr, lr\n"                                                                                    \
                "1:\n" NJ_FIRST("r0", "[r9], #352")                                                                   \
                "vldrb.8 q6, [r1], #16\n"                                                                             \
                "vldrw.32 q7, [r9, #-336]\n"                                                                          \
                "vmullb.s8 q3, q6, q7\n"                                                                              \
                "vmullt.s8 q6, q6, q7\n"                                                                              \
                "vadd.i16 q4, q4, q3\n"                                                                               \
                "vadd.i16 q5, q5, q6\n"                                                                               \
                "vldrb.8 q6, [r2], #16\n"                                                                             \
                "vldrw.32 q7, [r9, #-320]\n"                                                                          \
                "vmullb.s8 q2, q6, q7\n"                                                                              \
                "vmullt.s8 q3, q6, q7\n"                                                                              \
                "vldrb.8 q6, [r3], #16\n"                                                                             \
                "vldrw.32 q7, [r9, #-304]\n"                                                                          \
                "vmullb.s8 q0, q6, q7\n"                                                                              \
                "vmullt.s8 q6, q6, q7\n"                                                                              \
                "vadd.i16 q2, q2, q0\n"                                                                               \
                "vadd.i16 q3, q3, q6\n"                                                                               \
                "vmovlb.s16 q0, q4\n" /* both pairs widened, and added */                                             \
                "vmovlt.s16 q1, q4\n"                                                                                 \
                "vmovlb.s16 q4, q2\n"                                                                                 \
                "vmovlt.s16 q6, q2\n"                                                                                 \
                "vadd.i32 q0, q0, q4\n"                                                                               \
                "vadd.i32 q1, q1, q6\n"                                                                               \
                "vmovlb.s16 q2, q5\n"                                                                                 \
                "vmovlt.s16 q4, q5\n"                                                                                 \
                "vmovlb.s16 q6, q3\n"                                                                                 \
                "vmovlt.s16 q3, q3\n"                                                                                 \
                "vadd.i32 q2, q2, q6\n"                                                                               \
                "vadd.i32 q3, q3, q4\n"                                                                               \
                "vldrw.32 q4, [r9, #-192]\n" /* biases */                                                             \
                "vldrw.32 q5, [r9, #-144]\n"                                                                          \
                "vldrw.32 q6, [r9, #-96]\n"                                                                           \
                "vldrw.32 q7, [r9, #-48]\n"                                                                           \
                "vadd.i32 q0, q0, q4\n"                                                                               \
                "vadd.i32 q1, q1, q5\n"                                                                               \
                "vadd.i32 q2, q2, q6\n"                                                                               \
                "vadd.i32 q3, q3, q7\n"                                                                               \
                NJ_FIRST("r4", "[r9, #-288]") NJ_SECOND("r5", "[r9, #-272]", "[r9, #-272]") NJ_WIDEN                  \
                NJ_FIRST("r6", "[r9, #-256]") NJ_SECOND("r7", "[r9, #-240]", "[r9, #-240]") NJ_WIDEN                  \
                NJ_FIRST("r8", "[r9, #-224]") NJ_WIDEN                                                                \
                NJ_FINISH(correction)                                                                                 \
                "vstrb.8 q0, [r10], #16\n"                                                                            \
                "letp lr, 1b\n"                                                                                       \
                "ldrd r9, lr, [r12, #16]\n"                                                                           \
                "add r10, r9\n"                                                                                       \
                "cmp lr, #0\n"                                                                                        \
                "beq 3f\n"                                                                                            \
                "ldr lr, [r12, #64]\n"                                                                                \
                "add r9, r12, #68\n"                                                                                  \
                "vldrw.32 q0, [lr, #0]\n"                                                                             \
                "vldrw.32 q1, [r9, #0]\n"                                                                             \
                "vadd.i32 q0, q0, q1\n"                                                                               \
                "vstrw.32 q0, [lr, #0]\n"                                                                             \
                "vldrw.32 q0, [lr, #16]\n"                                                                            \
                "vldrw.32 q1, [r9, #16]\n"                                                                            \
                "vadd.i32 q0, q0, q1\n"                                                                               \
                "vstrw.32 q0, [lr, #16]\n"                                                                            \
                "vldrw.32 q0, [lr, #32]\n"                                                                            \
                "vldrw.32 q1, [r9, #32]\n"                                                                            \
                "vadd.i32 q0, q0, q1\n"                                                                               \
                "vstrw.32 q0, [lr, #32]\n"                                                                            \
                "ldm lr, {r0-r8}\n"                                                                                   \
                "3:\n"                                                                                                \
                "ldr lr, [r12, #24]\n"                                                                                \
                "cmp r10, lr\n"                                                                                       \
                "bne.w 2b\n"                                                                                          \
                "vpop {d8-d15}\n"                                                                                     \
                "pop {r4-r11, pc}\n");                                                                                \
    }

/* r0, r1: taps; r2: walks over them; r3: pairs left; r4: bytes from where the taps begin; r8: the same of the place;
 * r9: groups; r10: y; lr: channels left. */
#define NJ_DEPTHWISE_ANY(name, correction)                                                                            \
    __attribute__((naked)) void name(const struct nj_depthwise *op __attribute__((unused)))                           \
    {                                                                                                                 \
        __asm__("push {r4-r11, lr}\n"                                                                                 \
                "vpush {d8-d15}\n"                                                                                    \
                "mov r12, r0\n"                                                                                       \
                "ldrd r10, r11, [r12, #8]\n"                                                                          \
                "ldr r5, [r12, #28]\n"                                                                                \
                "lsls r6, r5, #5\n" /* bytes of weights of a group */                                                 \
                "movs r4, #0\n"                                                                                       \
                "2:\n"                                                                                                \
                "mov r8, r4\n"                                                                                        \
                "ldrd r9, lr, [r12]\n"                                                                                \
                "1:\n"                                                                                                \
                "ldr r2, [r12, #64]\n"                                                                                \
                "mov r3, r5\n"                                                                                        \
                "add r7, r9, r6\n"                                                                                    \
                "vldrw.32 q0, [r7]\n" /* biases */                                                                    \
                "vldrw.32 q1, [r7, #48]\n"                                                                            \
                "vldrw.32 q2, [r7, #96]\n"                                                                            \
                "vldrw.32 q3, [r7, #144]\n"                                                                           \
                "4:\n"                                                                                                \
                "ldrd r0, r1, [r2], #8\n"                                                                             \
                "add r0, r4\n"                                                                                        \
                "add r1, r4\n" NJ_FIRST("r0", "[r9], #16") NJ_SECOND("r1", "[r9]", "[r9], #16") NJ_WIDEN              \
                "subs r3, #1\n"                                                                                       \
                "bne 4b\n"                                                                                            \
                "adds r4, #16\n"                                                                                      \
                "add.w r9, r9, #192\n" NJ_FINISH(correction)                                                          \
                "vctp.8 lr\n"                                                                                         \
                "vpst\n"                                                                                              \
                "vstrbt.8 q0, [r10], #16\n"                                                                           \
                "subs.w lr, lr, #16\n"                                                                                \
                "bgt.w 1b\n"                                                                                          \
                "ldrd r7, r4, [r12, #16]\n"                                                                           \
                "add r10, r7\n"                                                                                       \
                "add r4, r8\n"                                                                                        \
                "ldr r3, [r12, #24]\n"                                                                                \
                "cmp r10, r3\n"                                                                                       \
                "bne.w 2b\n"                                                                                          \
                "vpop {d8-d15}\n"                                                                                     \
                "pop {r4-r11, pc}\n");                                                                                \
    }

NJ_DEPTHWISE_9(nj_depthwise_9_relu, NJ_RELU)
NJ_DEPTHWISE_9(nj_depthwise_9_clamped, NJ_CLAMPED)
NJ_DEPTHWISE_ANY(nj_depthwise_any_relu, NJ_RELU)
NJ_DEPTHWISE_ANY(nj_depthwise_any_clamped, NJ_CLAMPED)

#endif
