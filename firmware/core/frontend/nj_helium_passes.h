/* The inner loops of the frontend for Helium, register by register: compiled from intrinsics they spill, and take a third
 * more instructions. Operation for operation the same as the plain C beside which each is used, so the bits are the same.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_HELIUM_PASSES_H
#define NJ_HELIUM_PASSES_H

#include "nj_frontend_stages.h"

#define NJ_ALL_Q                                                                                              \
    "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16", \
        "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29", "s30", "s31"

/* Two samples of each frame, the second `apart` bytes from the first, as floats times the next two of the window. */
#define NJ_TAKE(first, second, apart)                                 \
    "vldrh.s32 " first ", [%[at], q7, uxtw #1]\n"                     \
    apart " vldrh.s32 " second ", [%[at], q7, uxtw #1]\n"             \
    "ldrd %[w], %[v], [%[window]], #8\n"                              \
    "vcvt.f32.s32 " first ", " first "\n"                             \
    "vmul.f32 " first ", " first ", %[w]\n"                           \
    "vcvt.f32.s32 " second ", " second "\n"                           \
    "vmul.f32 " second ", " second ", %[v]\n"

/* Window and first pass of `blocks` blocks of 4. half: bytes between parts 0 and 2 of a block. */
static inline void nj_helium_first_pass(const int16_t *samples, const uint32_t *places, const float *window,
                                        const uint16_t *order, uint32_t blocks, uint32_t half, float *out)
{
    uint32_t at = blocks;
    uint32_t w = (uint32_t)places;
    uint32_t v;

    __asm__ volatile("vldrw.u32 q7, [%[w]]\n"
                     "dls lr, %[at]\n"
                     "1:\n"
                     "ldrh %[at], [%[order]], #2\n"
                     "add %[at], %[samples], %[at], lsl #2\n" /* */
                     NJ_TAKE("q0", "q1", "add %[at], %[at], #2\n")
                     "add %[at], %[at], %[half_less]\n" /* c */
                     NJ_TAKE("q2", "q3", "add %[at], %[at], #2\n")
                     "vadd.f32 q4, q0, q2\n" /* sum02.re */
                     "vsub.f32 q0, q0, q2\n" /* difference02.re */
                     "vadd.f32 q2, q1, q3\n" /* sum02.im */
                     "vsub.f32 q1, q1, q3\n" /* difference02.im */
                     "sub %[at], %[at], %[back]\n" /* b.re, d.re */
                     NJ_TAKE("q3", "q5", "add %[at], %[at], %[half]\n")
                     "vadd.f32 q6, q3, q5\n" /* sum13.re */
                     "vsub.f32 q3, q3, q5\n" /* difference13.re */
                     "vadd.f32 q5, q4, q6\n"
                     "vstrw.32 q5, [%[out]], #64\n" /* part 0, re */
                     "vsub.f32 q4, q4, q6\n"
                     "vstrw.32 q4, [%[out]], #-48\n" /* part 2, re */
                     "sub %[at], %[at], %[half_less]\n" /* b.im, d.im */
                     NJ_TAKE("q4", "q5", "add %[at], %[at], %[half]\n")
                     "vadd.f32 q6, q4, q5\n" /* sum13.im */
                     "vsub.f32 q4, q4, q5\n" /* difference13.im */
                     "vadd.f32 q5, q2, q6\n"
                     "vstrw.32 q5, [%[out]], #16\n" /* part 0, im */
                     "vadd.f32 q5, q0, q4\n"
                     "vstrw.32 q5, [%[out]], #16\n" /* part 1, re */
                     "vsub.f32 q5, q1, q3\n"
                     "vstrw.32 q5, [%[out]], #32\n" /* part 1, im */
                     "vsub.f32 q2, q2, q6\n"
                     "vstrw.32 q2, [%[out]], #16\n" /* part 2, im */
                     "vsub.f32 q0, q0, q4\n"
                     "vstrw.32 q0, [%[out]], #16\n" /* part 3, re */
                     "vadd.f32 q1, q1, q3\n"
                     "vstrw.32 q1, [%[out]], #16\n" /* part 3, im */
                     "le lr, 1b\n"
                     : [window] "+r"(window), [order] "+r"(order), [out] "+r"(out), [at] "+&r"(at), [w] "+&r"(w),
                       [v] "=&r"(v)
                     : [samples] "r"(samples), [half] "r"(half), [half_less] "r"(half - 2u), [back] "r"(half / 2u + 2u)
                     : "lr", "memory", NJ_ALL_Q);
}

/* re, im = the number at `part` times the next twiddle; two registers to work with. */
#define NJ_TIMES(part, re, im, x, y)       \
    "ldrd %[w], %[v], [%[twiddle]], #8\n"  \
    "vldrw.u32 " x ", [" part "]\n"        \
    "vmul.f32 " re ", " x ", %[w]\n"       \
    "vldrw.u32 " y ", [" part ", #16]\n"   \
    "vmul.f32 " im ", " y ", %[v]\n"       \
    "vsub.f32 " re ", " re ", " im "\n"    \
    "vmul.f32 " x ", " x ", %[v]\n"        \
    "vmul.f32 " y ", " y ", %[w]\n"        \
    "vadd.f32 " im ", " x ", " y "\n"

/* The 4-point DFTs of `count` >= 1 places from part0 on, parts `stride` floats apart, with their twiddles. */
static inline void nj_helium_butterflies(float *part0, uint32_t stride, const float *twiddle, uint32_t count)
{
    float *part1 = part0 + stride;
    float *part2 = part1 + stride;
    float *part3 = part2 + stride;
    uint32_t w = count;
    uint32_t v;

    __asm__ volatile("dls lr, %[w]\n"
                     "1:\n" /* b, c, d */
                     NJ_TIMES("%[part2]", "q2", "q3", "q0", "q1")
                     NJ_TIMES("%[part1]", "q4", "q5", "q0", "q1")
                     NJ_TIMES("%[part3]", "q6", "q7", "q0", "q1")
                     "vadd.f32 q0, q2, q6\n" /* sum13.re */
                     "vsub.f32 q2, q2, q6\n" /* difference13.re */
                     "vldrw.u32 q6, [%[part0], #16]\n"
                     "vadd.f32 q1, q3, q7\n" /* sum13.im */
                     "vsub.f32 q3, q3, q7\n" /* difference13.im */
                     "vadd.f32 q7, q6, q5\n" /* sum02.im */
                     "vsub.f32 q5, q6, q5\n" /* difference02.im */
                     "vadd.f32 q6, q7, q1\n"
                     "vstrw.32 q6, [%[part0], #16]\n"
                     "vsub.f32 q7, q7, q1\n"
                     "vstrw.32 q7, [%[part2], #16]\n"
                     "vldrw.u32 q6, [%[part0]]\n"
                     "vsub.f32 q1, q5, q2\n"
                     "vstrw.32 q1, [%[part1], #16]\n"
                     "vadd.f32 q5, q5, q2\n"
                     "vstrw.32 q5, [%[part3], #16]\n"
                     "vadd.f32 q7, q6, q4\n" /* sum02.re */
                     "vsub.f32 q4, q6, q4\n" /* difference02.re */
                     "vadd.f32 q6, q7, q0\n"
                     "vstrw.32 q6, [%[part0]], #32\n"
                     "vsub.f32 q7, q7, q0\n"
                     "vstrw.32 q7, [%[part2]], #32\n"
                     "vadd.f32 q1, q4, q3\n"
                     "vstrw.32 q1, [%[part1]], #32\n"
                     "vsub.f32 q4, q4, q3\n"
                     "vstrw.32 q4, [%[part3]], #32\n"
                     "le lr, 1b\n"
                     : [part0] "+r"(part0), [part1] "+r"(part1), [part2] "+r"(part2), [part3] "+r"(part3),
                       [twiddle] "+r"(twiddle), [w] "+&r"(w), [v] "=&r"(v)
                     :
                     : "lr", "memory", NJ_ALL_Q);
}

#define NJ_SNAP(value)                        \
    "vadd.f32 " value ", " value ", %[up]\n"  \
    "vadd.f32 " value ", " value ", %[down]\n"

/* q0 and q2 hold powers */
#define NJ_ROOTS                                                                            \
    "vsqrt.f32 s0, s0\nvsqrt.f32 s1, s1\nvsqrt.f32 s2, s2\nvsqrt.f32 s3, s3\n"              \
    "vsqrt.f32 s8, s8\nvsqrt.f32 s9, s9\nvsqrt.f32 s10, s10\nvsqrt.f32 s11, s11\n"

#define NJ_SPECTRUM_LOOP(measure)                                                                                  \
    __asm__ volatile("dls lr, %[w]\n"                                                                              \
                     "1:\n"                                                                                        \
                     "vldrw.u32 q1, [%[low], #16]\n"                                                               \
                     "vldrw.u32 q3, [%[high], #16]\n"                                                              \
                     "vldrw.u32 q0, [%[low]], #32\n"                                                               \
                     "vldrw.u32 q2, [%[high]], #-32\n"                                                             \
                     "ldrd %[w], %[v], [%[split]], #8\n"                                                           \
                     "vadd.f32 q4, q1, q3\n" /* odd.re */                                                          \
                     "vsub.f32 q1, q1, q3\n" /* even.im */                                                         \
                     "vsub.f32 q5, q2, q0\n" /* odd.im */                                                          \
                     "vadd.f32 q0, q0, q2\n" /* even.re */                                                         \
                     "vmul.f32 q6, q4, %[w]\n"                                                                     \
                     "vmul.f32 q7, q5, %[v]\n"                                                                     \
                     "vmul.f32 q4, q4, %[v]\n"                                                                     \
                     "vmul.f32 q5, q5, %[w]\n"                                                                     \
                     "vsub.f32 q6, q6, q7\n" /* turned.re */                                                       \
                     "vadd.f32 q4, q4, q5\n" /* turned.im */                                                       \
                     "vsub.f32 q2, q0, q6\n"                                                                       \
                     "vadd.f32 q0, q0, q6\n"                                                                       \
                     "vsub.f32 q3, q4, q1\n"                                                                       \
                     "vadd.f32 q1, q4, q1\n" NJ_SNAP("q0") NJ_SNAP("q1") NJ_SNAP("q2") NJ_SNAP("q3")               \
                     "vmul.f32 q0, q0, q0\n"                                                                       \
                     "vmul.f32 q1, q1, q1\n"                                                                       \
                     "vmul.f32 q2, q2, q2\n"                                                                       \
                     "vmul.f32 q3, q3, q3\n"                                                                       \
                     "vadd.f32 q0, q0, q1\n"                                                                       \
                     "vadd.f32 q2, q2, q3\n" measure                                                               \
                     "vstrw.32 q2, [%[out_high]], #-32\n"                                                          \
                     "vstrw.32 q0, [%[out_low]], #32\n"                                                            \
                     "le lr, 1b\n"                                                                                 \
                     : [low] "+r"(low), [high] "+r"(high), [split] "+r"(split), [out_low] "+r"(out_low),           \
                       [out_high] "+r"(out_high), [w] "+&r"(w), [v] "=&r"(v)                                       \
                     : [up] "r"(0x1p-14f), [down] "r"(-0x1p-14f)                                                   \
                     : "lr", "memory", NJ_ALL_Q)

_Static_assert(NJ_COLUMNS == 8, "rows are 32 bytes");

/* Bins k and points - k for `count` >= 1 values of k, from low and high on; roots: 1 or 2, how often a root is taken. */
static inline void nj_helium_spectrum(const float *low, const float *high, const float *split, float *out_low,
                                      float *out_high, uint32_t count, uint32_t roots)
{
    uint32_t w = count;
    uint32_t v;

    if (roots == 1u)
        NJ_SPECTRUM_LOOP(NJ_ROOTS);
    else
        NJ_SPECTRUM_LOOP(NJ_ROOTS NJ_ROOTS);
}

#endif
