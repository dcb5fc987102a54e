/* The inner loops of the frontend for Helium, register by register: compiled from intrinsics they spill, and take a third
 * more instructions. Operation for operation the same as the plain C beside which each is used, so the bits are the same;
 * where multiplications by 0 and 1 are left out a zero may have the other sign, until the spectrum snaps it.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_HELIUM_PASSES_H
#define NJ_HELIUM_PASSES_H

#include "nj_frontend_stages.h"

#define NJ_ALL_Q                                                                                                 \
    "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16", \
        "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29", "s30", "s31"

/* Without optimization gcc gives operands only the low registers, r7 not: what is written out here takes the high ones. */

/* `sample` = the samples of the frames at `at`, as floats times w; offsets: where the frames lie, plus 2 for imaginary
 * parts. */
#define NJ_TAKE(sample, at, offsets, w)             \
    "vldrh.s32 " sample ", [" at ", " offsets "]\n" \
    "vcvt.f32.s32 " sample ", " sample "\n"         \
    "vmul.f32 " sample ", " sample ", " w "\n"

/* Window and first pass of `blocks` blocks of 4. half: bytes between parts 0 and 2 of a block. */
static inline void nj_helium_first_pass(const int16_t *samples, const uint32_t *places, const float *window,
                                        const uint16_t *order, uint32_t blocks, uint32_t half, float *out)
{
    uint32_t a = (uint32_t)places; /* in the loop where a lies in each frame, in bytes; of d in r12 */
    uint32_t b = blocks;
    uint32_t c = (uint32_t)samples;

    __asm__ volatile("vldrw.u32 q6, [%[a]]\n"
                     "vshl.i32 q6, q6, #1\n"
                     "vadd.i32 q6, q6, %[c]\n"
                     "mov r12, #2\n"
                     "vadd.i32 q7, q6, r12\n"
                     "dls lr, %[b]\n"
                     "1:\n"
                     "ldrh %[a], [%[order]], #2\n"
                     "add %[c], %[a], %[half]\n"
                     "add %[b], %[a], %[half], lsr #1\n"
                     "add r12, %[b], %[half]\n" /* d */
                     "ldm %[window]!, {r8, r9, r10, r11}\n" /* */
                     NJ_TAKE("q0", "%[a]", "q6", "r8")
                     NJ_TAKE("q1", "%[c]", "q6", "r9")
                     "vadd.f32 q2, q0, q1\n" /* sum02.re */
                     "vsub.f32 q0, q0, q1\n" /* difference02.re */
                     NJ_TAKE("q1", "%[b]", "q6", "r10")
                     NJ_TAKE("q3", "r12", "q6", "r11")
                     "ldm %[window]!, {r8, r9, r10, r11}\n"
                     "vadd.f32 q4, q1, q3\n" /* sum13.re */
                     "vsub.f32 q1, q1, q3\n" /* difference13.re */
                     "vadd.f32 q3, q2, q4\n"
                     "vstrw.32 q3, [%[out]], #128\n" /* part 0, re; the others from the block's end on */
                     "vsub.f32 q2, q2, q4\n"
                     "vstrw.32 q2, [%[out], #-64]\n" /* part 2, re */
                     NJ_TAKE("q2", "%[b]", "q7", "r8")
                     NJ_TAKE("q3", "r12", "q7", "r9")
                     "vadd.f32 q4, q2, q3\n" /* sum13.im */
                     "vsub.f32 q2, q2, q3\n" /* difference13.im */
                     "vadd.f32 q3, q0, q2\n"
                     "vstrw.32 q3, [%[out], #-96]\n" /* part 1, re */
                     "vsub.f32 q0, q0, q2\n"
                     "vstrw.32 q0, [%[out], #-32]\n" /* part 3, re */
                     NJ_TAKE("q0", "%[a]", "q7", "r10")
                     NJ_TAKE("q2", "%[c]", "q7", "r11")
                     "vadd.f32 q3, q0, q2\n" /* sum02.im */
                     "vsub.f32 q0, q0, q2\n" /* difference02.im */
                     "vadd.f32 q2, q3, q4\n"
                     "vstrw.32 q2, [%[out], #-112]\n" /* part 0, im */
                     "vsub.f32 q3, q3, q4\n"
                     "vstrw.32 q3, [%[out], #-48]\n" /* part 2, im */
                     "vsub.f32 q2, q0, q1\n"
                     "vstrw.32 q2, [%[out], #-80]\n" /* part 1, im */
                     "vadd.f32 q0, q0, q1\n"
                     "vstrw.32 q0, [%[out], #-16]\n" /* part 3, im */
                     "le lr, 1b\n"
                     : [window] "+r"(window), [order] "+r"(order), [out] "+r"(out), [a] "+r"(a), [b] "+r"(b),
                       [c] "+r"(c)
                     : [half] "r"(half)
                     : "r8", "r9", "r10", "r11", "r12", "lr", "memory", NJ_ALL_Q);
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

/* The 4-point DFT of part 0 and b, c, d in q2 to q7; of -im c and -im d where `plus` subtracts and `minus` adds. The
 * parts move on by 16 bytes and `on`, to the next place. */
#define NJ_BUTTERFLY(plus, minus, on)             \
    "vldrw.u32 q1, [%[part0]]\n"                  \
    "vadd.f32 q0, q2, q6\n" /* sum13.re */        \
    "vsub.f32 q2, q2, q6\n" /* difference13.re */ \
    "vadd.f32 q6, q1, q4\n" /* sum02.re */        \
    "vsub.f32 q4, q1, q4\n" /* difference02.re */ \
    "vadd.f32 q1, q6, q0\n"                       \
    "vstrw.32 q1, [%[part0]], #16\n"              \
    "vsub.f32 q6, q6, q0\n"                       \
    "vstrw.32 q6, [%[part2]], #16\n"              \
    plus " q0, q3, q7\n"  /* sum13.im */          \
    minus " q3, q3, q7\n" /* difference13.im */   \
    "vadd.f32 q6, q4, q3\n"                       \
    "vstrw.32 q6, [%[part1]], #16\n"              \
    "vsub.f32 q4, q4, q3\n"                       \
    "vstrw.32 q4, [%[part3]], #16\n"              \
    "vldrw.u32 q1, [%[part0]]\n"                  \
    plus " q6, q1, q5\n"  /* sum02.im */          \
    minus " q5, q1, q5\n" /* difference02.im */   \
    "vadd.f32 q1, q6, q0\n"                       \
    "vstrw.32 q1, [%[part0]], " on "\n"           \
    "vsub.f32 q6, q6, q0\n"                       \
    "vstrw.32 q6, [%[part2]], " on "\n"           \
    "vsub.f32 q7, q5, q2\n"                       \
    "vstrw.32 q7, [%[part1]], " on "\n"           \
    "vadd.f32 q5, q5, q2\n"                       \
    "vstrw.32 q5, [%[part3]], " on "\n"

/* b, c, d at a place without twiddles. */
#define NJ_PLAIN                      \
    "vldrw.u32 q2, [%[part2]]\n"      \
    "vldrw.u32 q3, [%[part2], #16]\n" \
    "vldrw.u32 q4, [%[part1]]\n"      \
    "vldrw.u32 q5, [%[part1], #16]\n" \
    "vldrw.u32 q6, [%[part3]]\n"      \
    "vldrw.u32 q7, [%[part3], #16]\n"

/* b, c, d where the twiddles are in r6 and r8 to r12. */
#define NJ_TURNED                                             \
    NJ_TIMES("%[part2]", "r6", "r8", "q2", "q3", "q0", "q1")  \
    NJ_TIMES("%[part1]", "r9", "r10", "q4", "q5", "q0", "q1") \
    NJ_TIMES("%[part3]", "r11", "r12", "q6", "q7", "q0", "q1")

/* The same at a pass's middle place, where the twiddles are r - i r, -i and -r - i r with r in r6: without the
 * multiplications by 0 and 1, and -im c and -im d. */
#define NJ_TURNED_BY_EIGHTHS          \
    "vldrw.u32 q0, [%[part2]]\n"      \
    "vmul.f32 q0, q0, r6\n"           \
    "vldrw.u32 q1, [%[part2], #16]\n" \
    "vmul.f32 q1, q1, r6\n"           \
    "vadd.f32 q2, q0, q1\n"           \
    "vsub.f32 q3, q1, q0\n"           \
    "vldrw.u32 q0, [%[part3]]\n"      \
    "vmul.f32 q0, q0, r6\n"           \
    "vldrw.u32 q1, [%[part3], #16]\n" \
    "vmul.f32 q1, q1, r6\n"           \
    "vsub.f32 q6, q1, q0\n"           \
    "vadd.f32 q7, q0, q1\n"           \
    "vldrw.u32 q4, [%[part1], #16]\n" \
    "vldrw.u32 q5, [%[part1]]\n"

/* One place of all blocks of a pass of radix 4 whose quarter is 4. */
#define NJ_PLACE(place, rest)                                                                                 \
    do {                                                                                                      \
        float *part0 = complex + 8u * (place);                                                                \
        float *part1 = part0 + 32;                                                                            \
        float *part2 = part0 + 64;                                                                            \
        float *part3 = part0 + 96;                                                                            \
        __asm__ volatile("dls lr, %[blocks]\n"                                                                \
                         "ldm %[twiddle], {r6, r8, r9, r10, r11, r12}\n"                                      \
                         "1:\n" rest "le lr, 1b\n"                                                            \
                         : [part0] "+r"(part0), [part1] "+r"(part1), [part2] "+r"(part2), [part3] "+r"(part3) \
                         : [blocks] "r"(points / 16u), [twiddle] "r"(twiddle + 6u * (place))                  \
                         : "r6", "r8", "r9", "r10", "r11", "r12", "lr", "memory", NJ_ALL_Q);                  \
    } while (0)

/* A pass of radix 4 whose quarter is 4, place by place, so that the twiddles stay where they are. */
static inline void nj_helium_pass_of_16(float *complex, uint32_t points, const float *twiddle)
{
    NJ_PLACE(0u, NJ_PLAIN NJ_BUTTERFLY("vadd.f32", "vsub.f32", "#496"));
    NJ_PLACE(1u, NJ_TURNED NJ_BUTTERFLY("vadd.f32", "vsub.f32", "#496"));
    NJ_PLACE(2u, NJ_TURNED_BY_EIGHTHS NJ_BUTTERFLY("vsub.f32", "vadd.f32", "#496"));
    NJ_PLACE(3u, NJ_TURNED NJ_BUTTERFLY("vadd.f32", "vsub.f32", "#496"));
}

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
                     "mov %[twiddle], r10\n" /* */
                     NJ_PLAIN NJ_BUTTERFLY("vadd.f32", "vsub.f32", "#16")
                     "dls lr, r9\n"
                     "2:\n"
                     "ldm %[twiddle]!, {r6, r8, r9, r10, r11, r12}\n"
                     NJ_TURNED NJ_BUTTERFLY("vadd.f32", "vsub.f32", "#16")
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

#define NJ_SNAP(value)                       \
    "vadd.f32 " value ", " value ", %[up]\n" \
    "vsub.f32 " value ", " value ", %[up]\n"

/* q0 and q2 hold powers */
#define NJ_ROOTS                                                               \
    "vsqrt.f32 s0, s0\nvsqrt.f32 s1, s1\nvsqrt.f32 s2, s2\nvsqrt.f32 s3, s3\n" \
    "vsqrt.f32 s8, s8\nvsqrt.f32 s9, s9\nvsqrt.f32 s10, s10\nvsqrt.f32 s11, s11\n"

/* Bins k and points - k, with the twiddle w + i v. */
#define NJ_BINS(w, v, measure)                                                      \
    "vldrw.u32 q1, [%[low], #16]\n"                                                 \
    "vldrw.u32 q3, [%[high], #16]\n"                                                \
    "vldrw.u32 q0, [%[low]], #32\n"                                                 \
    "vldrw.u32 q2, [%[high]], #-32\n"                                               \
    "vadd.f32 q4, q1, q3\n" /* odd.re */                                            \
    "vsub.f32 q1, q1, q3\n" /* even.im */                                           \
    "vsub.f32 q5, q2, q0\n" /* odd.im */                                            \
    "vadd.f32 q0, q0, q2\n" /* even.re */                                           \
    "vmul.f32 q6, q4, " w "\n"                                                      \
    "vmul.f32 q7, q5, " v "\n"                                                      \
    "vmul.f32 q4, q4, " v "\n"                                                      \
    "vmul.f32 q5, q5, " w "\n"                                                      \
    "vsub.f32 q6, q6, q7\n" /* turned.re */                                         \
    "vadd.f32 q4, q4, q5\n" /* turned.im */                                         \
    "vsub.f32 q2, q0, q6\n"                                                         \
    "vadd.f32 q0, q0, q6\n"                                                         \
    "vsub.f32 q3, q4, q1\n"                                                         \
    "vadd.f32 q1, q4, q1\n" NJ_SNAP("q0") NJ_SNAP("q1") NJ_SNAP("q2") NJ_SNAP("q3") \
    "vmul.f32 q0, q0, q0\n"                                                         \
    "vmul.f32 q1, q1, q1\n"                                                         \
    "vmul.f32 q2, q2, q2\n"                                                         \
    "vmul.f32 q3, q3, q3\n"                                                         \
    "vadd.f32 q0, q0, q1\n"                                                         \
    "vadd.f32 q2, q2, q3\n" measure                                                 \
    "vstrw.32 q2, [%[out_high]], #-32\n"                                            \
    "vstrw.32 q0, [%[out_low]], #32\n"

#define NJ_SPECTRUM_LOOP(measure)                                                                        \
    __asm__ volatile("dls lr, %[turns]\n"                                                                \
                     "1:\n"                                                                              \
                     "ldm %[split]!, {r8, r9, r10, r11}\n"                                               \
                     NJ_BINS("r8", "r9", measure)                                                        \
                     NJ_BINS("r10", "r11", measure)                                                      \
                     "le lr, 1b\n"                                                                       \
                     : [low] "+r"(low), [high] "+r"(high), [split] "+r"(split), [out_low] "+r"(out_low), \
                       [out_high] "+r"(out_high), [turns] "+r"(turns)                                    \
                     : [up] "r"(0x1p-14f)                                                                \
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
