/* 16 channels of one place. A tap is 16 steps times 16 weights: VMULLB and VMULLT give the 16-bit products of the even
 * and odd channels. Weights are never -128, so that the products of two taps add up within 16 bits (2 * 127 * 128);
 * only then they are widened and added to the four 32-bit accumulators. All 8 vector registers are in use, which gcc
 * does not manage: a weight is loaded again where its register was needed.
 * What is computed is specified by the scalar path of depthwise_conv_2d_packed_s8.c.
 * SPDX-License-Identifier: MIT
 */
#include "nj_depthwise.h"

#if NJ_HELIUM

_Static_assert(offsetof(struct nj_depthwise, channels) == 8 && offsetof(struct nj_depthwise, places) == 12 &&
                   offsetof(struct nj_depthwise, moves) == 16 && offsetof(struct nj_depthwise, back) == 20 &&
                   offsetof(struct nj_depthwise, zero_point) == 24 && offsetof(struct nj_depthwise, pairs) == 28 &&
                   offsetof(struct nj_depthwise, min) == 32 && offsetof(struct nj_depthwise, max) == 48 &&
                   offsetof(struct nj_depthwise, tap) == 64 && offsetof(struct nj_depthwise, step) == 68,
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
#define NJ_RELU_RANGE "" /* saturation is the clamp */
#define NJ_CLAMPED_RANGE                                                                                              \
    "vldrw.32 q4, [r12, #32]\n"                                                                                       \
    "vldrw.32 q5, [r12, #48]\n"                                                                                       \
    "vmax.s8 q0, q0, q4\n"                                                                                            \
    "vmin.s8 q0, q0, q5\n"
/* q0 to q3 to 16 steps at [r10]; r9: 16 bytes before the first multiplier; r11: zero point; r12: op; lr: channels left. */
#define NJ_FINISH(correction)                                                                                         \
    NJ_SCALE("q0", "16", "32", correction)                                                                            \
    NJ_SCALE("q1", "64", "80", correction)                                                                            \
    NJ_SCALE("q2", "112", "128", correction)                                                                          \
    NJ_SCALE("q3", "160", "176", correction)                                                                          \
    "vqmovnb.s32 q0, q0\n"                                                                                            \
    "vqmovnt.s32 q0, q1\n"                                                                                            \
    "vqmovnb.s32 q2, q2\n"                                                                                            \
    "vqmovnt.s32 q2, q3\n"                                                                                            \
    "vqadd.s16 q0, q0, r11\n"                                                                                         \
    "vqadd.s16 q2, q2, r11\n"                                                                                         \
    "vqmovnb.s16 q0, q0\n"                                                                                            \
    "vqmovnt.s16 q0, q2\n"                                                                                            \
    correction##_RANGE                                                                                                \
    "vctp.8 lr\n"                                                                                                     \
    "vpst\n"                                                                                                          \
    "vstrbt.8 q0, [r10], #16\n"                                                                                       \
    "subs.w lr, lr, #16\n"                                                                                            \
    "add.w r9, r9, #192\n"                                                                                            \
    "bgt.w 1b\n"

/* r0 to r8: taps; r9: groups; r10: y. On the stack: places left. */
#define NJ_DEPTHWISE_9(name, correction)                                                                              \
    __attribute__((naked)) void name(const struct nj_depthwise *op __attribute__((unused)))                           \
    {                                                                                                                 \
        __asm__("push {r4-r11, lr}\n"                                                                                 \
                "vpush {d8-d15}\n"                                                                                    \
                "sub sp, sp, #4\n"                                                                                    \
                "mov r12, r0\n"                                                                                       \
                "ldr r10, [r12, #4]\n"                                                                                \
                "ldr lr, [r12, #12]\n"                                                                                \
                "ldr r11, [r12, #24]\n"                                                                               \
                "ldr r0, [r12, #64]\n"                                                                                \
                "ldm r0, {r0-r8}\n"                                                                                   \
                "2:\n"                                                                                                \
                "str lr, [sp]\n"                                                                                      \
                "ldr r9, [r12]\n"                                                                                     \
                "ldr lr, [r12, #8]\n"                                                                                 \
                "1:\n" NJ_FIRST("r0", "[r9]")                                                                         \
                "vldrb.8 q6, [r1], #16\n"                                                                             \
                "vldrw.32 q7, [r9, #16]\n"                                                                            \
                "vmullb.s8 q3, q6, q7\n"                                                                              \
                "vmullt.s8 q6, q6, q7\n"                                                                              \
                "vadd.i16 q4, q4, q3\n"                                                                               \
                "vadd.i16 q5, q5, q6\n"                                                                               \
                "vldrb.8 q6, [r2], #16\n"                                                                             \
                "vldrw.32 q7, [r9, #32]\n"                                                                            \
                "vmullb.s8 q2, q6, q7\n"                                                                              \
                "vmullt.s8 q3, q6, q7\n"                                                                              \
                "vldrb.8 q6, [r3], #16\n"                                                                             \
                "vldrw.32 q7, [r9, #48]\n"                                                                            \
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
                "vldrw.32 q4, [r9, #160]\n" /* biases */                                                              \
                "vldrw.32 q5, [r9, #208]\n"                                                                           \
                "vldrw.32 q6, [r9, #256]\n"                                                                           \
                "vldrw.32 q7, [r9, #304]\n"                                                                           \
                "vadd.i32 q0, q0, q4\n"                                                                               \
                "vadd.i32 q1, q1, q5\n"                                                                               \
                "vadd.i32 q2, q2, q6\n"                                                                               \
                "vadd.i32 q3, q3, q7\n"                                                                               \
                NJ_FIRST("r4", "[r9, #64]") NJ_SECOND("r5", "[r9, #80]", "[r9, #80]") NJ_WIDEN                        \
                NJ_FIRST("r6", "[r9, #96]") NJ_SECOND("r7", "[r9, #112]", "[r9, #112]") NJ_WIDEN                      \
                NJ_FIRST("r8", "[r9, #128]") NJ_WIDEN                                                                 \
                "add.w r9, r9, #160\n" NJ_FINISH(correction)                                                          \
                "ldr lr, [r12, #20]\n"                                                                                \
                "add r10, lr\n"                                                                                       \
                "ldr lr, [r12, #16]\n"                                                                                \
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
                "ldr lr, [sp]\n"                                                                                      \
                "subs.w lr, lr, #1\n"                                                                                 \
                "bne.w 2b\n"                                                                                          \
                "add sp, sp, #4\n"                                                                                    \
                "vpop {d8-d15}\n"                                                                                     \
                "pop {r4-r11, pc}\n");                                                                                \
    }

/* r0, r1: taps; r2: walks over them; r3: pairs left; r4: bytes from where the taps begin; r8: the same of the place;
 * r9: groups; r10: y. On the stack: places left. */
#define NJ_DEPTHWISE_ANY(name, correction)                                                                            \
    __attribute__((naked)) void name(const struct nj_depthwise *op __attribute__((unused)))                           \
    {                                                                                                                 \
        __asm__("push {r4-r11, lr}\n"                                                                                 \
                "vpush {d8-d15}\n"                                                                                    \
                "sub sp, sp, #4\n"                                                                                    \
                "mov r12, r0\n"                                                                                       \
                "ldr r10, [r12, #4]\n"                                                                                \
                "ldr r3, [r12, #12]\n"                                                                                \
                "ldr r11, [r12, #24]\n"                                                                               \
                "ldr r5, [r12, #28]\n"                                                                                \
                "lsls r6, r5, #5\n" /* bytes of weights of a group */                                                 \
                "movs r4, #0\n"                                                                                       \
                "2:\n"                                                                                                \
                "str r3, [sp]\n"                                                                                      \
                "mov r8, r4\n"                                                                                        \
                "ldr r9, [r12]\n"                                                                                     \
                "ldr lr, [r12, #8]\n"                                                                                 \
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
                "adds r4, #16\n" NJ_FINISH(correction)                                                                \
                "ldrd r4, r7, [r12, #16]\n"                                                                           \
                "add r10, r7\n"                                                                                       \
                "add r4, r8\n"                                                                                        \
                "ldr r3, [sp]\n"                                                                                      \
                "subs r3, #1\n"                                                                                       \
                "bne.w 2b\n"                                                                                          \
                "add sp, sp, #4\n"                                                                                    \
                "vpop {d8-d15}\n"                                                                                     \
                "pop {r4-r11, pc}\n");                                                                                \
    }

NJ_DEPTHWISE_9(nj_depthwise_9_relu, NJ_RELU)
NJ_DEPTHWISE_9(nj_depthwise_9_clamped, NJ_CLAMPED)
NJ_DEPTHWISE_ANY(nj_depthwise_any_relu, NJ_RELU)
NJ_DEPTHWISE_ANY(nj_depthwise_any_clamped, NJ_CLAMPED)

#endif
