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

/* Without optimization gcc gives operands only the low registers, r7 not: what is written out here takes the high ones. */

/* Two samples of each frame, the second `apart` bytes from the first, as floats times two of the window. */
#define NJ_TAKE(first, second, apart, w, v)                           \
    "vldrh.s32 " first ", [%[at], q7, uxtw #1]\n"                     \
    apart " vldrh.s32 " second ", [%[at], q7, uxtw #1]\n"             \
    "vcvt.f32.s32 " first ", " first "\n"                             \
    "vmul.f32 " first ", " first ", " w "\n"                          \
    "vcvt.f32.s32 " second ", " second "\n"                           \
    "vmul.f32 " second ", " second ", " v "\n"

/* Window and first pass of `blocks` blocks of 4. half: bytes between parts 0 and 2 of a block. */
static inline void nj_helium_first_pass(const int16_t *samples, const uint32_t *places, const float *window,
                                        const uint16_t *order, uint32_t blocks, uint32_t half, float *out)
{
    uint32_t at = (uint32_t)places;

    __asm__ volatile("vldrw.u32 q7, [%[at]]\n"
                     "dls lr, %[blocks]\n"
                     "1:\n"
                     "ldm %[window]!, {r8, r9, r10, r11}\n"
                     "ldrh %[at], [%[order]], #2\n"
                     "add %[at], %[samples], %[at], lsl #2\n" /* */
                     NJ_TAKE("q0", "q1", "add %[at], %[at], #2\n", "r8", "r9")
                     "add %[at], %[at], %[half]\n" /* c, im first */
                     NJ_TAKE("q3", "q2", "sub %[at], %[at], #2\n", "r11", "r10")
                     "vadd.f32 q4, q0, q2\n" /* sum02.re */
                     "vsub.f32 q0, q0, q2\n" /* difference02.re */
                     "vadd.f32 q2, q1, q3\n" /* sum02.im */
                     "vsub.f32 q1, q1, q3\n" /* difference02.im */
                     "sub %[at], %[at], %[half], lsr #1\n" /* b.re, d.re */
                     "ldm %[window]!, {r8, r9, r10, r11}\n"
                     NJ_TAKE("q3", "q5", "add %[at], %[at], %[half]\n", "r8", "r9")
                     "vadd.f32 q6, q3, q5\n" /* sum13.re */
                     "vsub.f32 q3, q3, q5\n" /* difference13.re */
                     "vadd.f32 q5, q4, q6\n"
                     "vstrw.32 q5, [%[out]], #64\n" /* part 0, re */
                     "vsub.f32 q4, q4, q6\n"
                     "vstrw.32 q4, [%[out]], #-48\n" /* part 2, re */
                     "add %[at], %[at], #2\n" /* d.im, b.im */
                     NJ_TAKE("q5", "q4", "sub %[at], %[at], %[half]\n", "r11", "r10")
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
                     : [window] "+r"(window), [order] "+r"(order), [out] "+r"(out), [at] "+&r"(at),
                       [blocks] "+r"(blocks)
                     : [samples] "r"(samples), [half] "r"(half)
                     : "r8", "r9", "r10", "r11", "lr", "memory", NJ_ALL_Q);
}

/* re, im = the number at `part` times the twiddle w + i v; two registers to work with. */
#define NJ_TIMES(part, w, v, re, im, x, y) \
    "vldrw.u32 " x ", [" part "]\n"        \
    "vmul.f32 " re ", " x ", " w "\n"      \
    "vldrw.u32 " y ", [" part ", #16]\n"   \
    "vmul.f32 " im ", " y ", " v "\n"      \
    "vsub.f32 " re ", " re ", " im "\n"    \
    "vmul.f32 " x ", " x ", " v "\n"       \
    "vmul.f32 " y ", " y ", " w "\n"       \
    "vadd.f32 " im ", " x ", " y "\n"

/* The 4-point DFT of part 0 and b, c, d in q2 to q7; the parts move on to the next place. */
#define NJ_BUTTERFLY                                          \
    "vadd.f32 q0, q2, q6\n" /* sum13.re */                    \
    "vsub.f32 q2, q2, q6\n" /* difference13.re */             \
    "vldrw.u32 q6, [%[part0], #16]\n"                         \
    "vadd.f32 q1, q3, q7\n" /* sum13.im */                    \
    "vsub.f32 q3, q3, q7\n" /* difference13.im */             \
    "vadd.f32 q7, q6, q5\n" /* sum02.im */                    \
    "vsub.f32 q5, q6, q5\n" /* difference02.im */             \
    "vadd.f32 q6, q7, q1\n"                                   \
    "vstrw.32 q6, [%[part0], #16]\n"                          \
    "vsub.f32 q7, q7, q1\n"                                   \
    "vstrw.32 q7, [%[part2], #16]\n"                          \
    "vldrw.u32 q6, [%[part0]]\n"                              \
    "vsub.f32 q1, q5, q2\n"                                   \
    "vstrw.32 q1, [%[part1], #16]\n"                          \
    "vadd.f32 q5, q5, q2\n"                                   \
    "vstrw.32 q5, [%[part3], #16]\n"                          \
    "vadd.f32 q7, q6, q4\n" /* sum02.re */                    \
    "vsub.f32 q4, q6, q4\n" /* difference02.re */             \
    "vadd.f32 q6, q7, q0\n"                                   \
    "vstrw.32 q6, [%[part0]], #32\n"                          \
    "vsub.f32 q7, q7, q0\n"                                   \
    "vstrw.32 q7, [%[part2]], #32\n"                          \
    "vadd.f32 q1, q4, q3\n"                                   \
    "vstrw.32 q1, [%[part1]], #32\n"                          \
    "vsub.f32 q4, q4, q3\n"                                   \
    "vstrw.32 q4, [%[part3]], #32\n"

/* What a pass needs at the beginning of each block, in the order of the registers that it is loaded to. */
struct nj_pass {
    uint32_t stride; /* bytes from part to part */
    uint32_t count;  /* places of a block with twiddles, >= 1 */
    const float *twiddle;
    const float *end; /* of the blocks */
};

/* A pass of radix 4: blocks of `quarter` >= 2 places, the first of which has no twiddle. */
static inline void nj_helium_pass(float *complex, uint32_t points, uint32_t quarter, const float *twiddle)
{
    const struct nj_pass pass = {32u * quarter, quarter - 1u, twiddle + 6, complex + 8u * points};
    float *part0 = complex;
    float *part1;
    float *part2;
    float *part3;

    __asm__ volatile("1:\n"
                     "ldm %[pass], {r8, r9, r10}\n"
                     "add %[part1], %[part0], r8\n"
                     "add %[part2], %[part1], r8\n"
                     "add %[part3], %[part2], r8\n"
                     "mov %[twiddle], r10\n"
                     "vldrw.u32 q2, [%[part2]]\n" /* b, c, d */
                     "vldrw.u32 q3, [%[part2], #16]\n"
                     "vldrw.u32 q4, [%[part1]]\n"
                     "vldrw.u32 q5, [%[part1], #16]\n"
                     "vldrw.u32 q6, [%[part3]]\n"
                     "vldrw.u32 q7, [%[part3], #16]\n"
                     NJ_BUTTERFLY
                     "dls lr, r9\n"
                     "2:\n"
                     "ldm %[twiddle]!, {r6, r8, r9, r10, r11, r12}\n"
                     NJ_TIMES("%[part2]", "r6", "r8", "q2", "q3", "q0", "q1")
                     NJ_TIMES("%[part1]", "r9", "r10", "q4", "q5", "q0", "q1")
                     NJ_TIMES("%[part3]", "r11", "r12", "q6", "q7", "q0", "q1")
                     NJ_BUTTERFLY
                     "le lr, 2b\n"
                     "ldr r8, [%[pass], #12]\n"
                     "mov %[part0], %[part3]\n" /* where the next block begins */
                     "cmp %[part0], r8\n"
                     "bne.w 1b\n"
                     : [part0] "+r"(part0), [part1] "=&r"(part1), [part2] "=&r"(part2), [part3] "=&r"(part3),
                       [twiddle] "=&r"(twiddle)
                     : [pass] "r"(&pass)
                     : "r6", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory", NJ_ALL_Q);
}

#define NJ_SNAP(value)                        \
    "vadd.f32 " value ", " value ", %[up]\n"  \
    "vsub.f32 " value ", " value ", %[up]\n"

/* q0 and q2 hold powers */
#define NJ_ROOTS                                                                            \
    "vsqrt.f32 s0, s0\nvsqrt.f32 s1, s1\nvsqrt.f32 s2, s2\nvsqrt.f32 s3, s3\n"              \
    "vsqrt.f32 s8, s8\nvsqrt.f32 s9, s9\nvsqrt.f32 s10, s10\nvsqrt.f32 s11, s11\n"

/* Bins k and points - k, with the twiddle w + i v. */
#define NJ_BINS(w, v, measure)                                                                     \
    "vldrw.u32 q1, [%[low], #16]\n"                                                                \
    "vldrw.u32 q3, [%[high], #16]\n"                                                               \
    "vldrw.u32 q0, [%[low]], #32\n"                                                                \
    "vldrw.u32 q2, [%[high]], #-32\n"                                                              \
    "vadd.f32 q4, q1, q3\n" /* odd.re */                                                           \
    "vsub.f32 q1, q1, q3\n" /* even.im */                                                          \
    "vsub.f32 q5, q2, q0\n" /* odd.im */                                                           \
    "vadd.f32 q0, q0, q2\n" /* even.re */                                                          \
    "vmul.f32 q6, q4, " w "\n"                                                                     \
    "vmul.f32 q7, q5, " v "\n"                                                                     \
    "vmul.f32 q4, q4, " v "\n"                                                                     \
    "vmul.f32 q5, q5, " w "\n"                                                                     \
    "vsub.f32 q6, q6, q7\n" /* turned.re */                                                        \
    "vadd.f32 q4, q4, q5\n" /* turned.im */                                                        \
    "vsub.f32 q2, q0, q6\n"                                                                        \
    "vadd.f32 q0, q0, q6\n"                                                                        \
    "vsub.f32 q3, q4, q1\n"                                                                        \
    "vadd.f32 q1, q4, q1\n" NJ_SNAP("q0") NJ_SNAP("q1") NJ_SNAP("q2") NJ_SNAP("q3")                \
    "vmul.f32 q0, q0, q0\n"                                                                        \
    "vmul.f32 q1, q1, q1\n"                                                                        \
    "vmul.f32 q2, q2, q2\n"                                                                        \
    "vmul.f32 q3, q3, q3\n"                                                                        \
    "vadd.f32 q0, q0, q1\n"                                                                        \
    "vadd.f32 q2, q2, q3\n" measure                                                                \
    "vstrw.32 q2, [%[out_high]], #-32\n"                                                           \
    "vstrw.32 q0, [%[out_low]], #32\n"

#define NJ_SPECTRUM_LOOP(measure)                                                                                  \
    __asm__ volatile("dls lr, %[turns]\n"                                                                          \
                     "1:\n"                                                                                        \
                     "ldm %[split]!, {r8, r9, r10, r11}\n"                                                           \
                     NJ_BINS("r8", "r9", measure)                                                                  \
                     NJ_BINS("r10", "r11", measure)                                                                  \
                     "le lr, 1b\n"                                                                                 \
                     : [low] "+r"(low), [high] "+r"(high), [split] "+r"(split), [out_low] "+r"(out_low),           \
                       [out_high] "+r"(out_high), [turns] "+r"(turns)                                              \
                     : [up] "r"(0x1p-14f)                                                                         \
                     : "r8", "r9", "r10", "r11", "lr", "memory", NJ_ALL_Q)

_Static_assert(NJ_COLUMNS == 8, "rows are 32 bytes");

/* Bins k and points - k for `count` values of k, an even number, from low and high on; roots: 1 or 2, how often a root
 * is taken. */
static inline void nj_helium_spectrum(const float *low, const float *high, const float *split, float *out_low,
                                      float *out_high, uint32_t count, uint32_t roots)
{
    uint32_t turns = count / 2u;

    if (roots == 1u)
        NJ_SPECTRUM_LOOP(NJ_ROOTS);
    else
        NJ_SPECTRUM_LOOP(NJ_ROOTS NJ_ROOTS);
}

#endif
