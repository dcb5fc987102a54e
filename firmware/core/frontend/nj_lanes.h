/* NJ_LANES floats that are computed at once, each lane a frame of its own: no operation crosses lanes, so a frame's bits
 * do not depend on how many lanes there are. Helium by intrinsics, everything else by the compiler's vectors, which become
 * SSE, AVX, NEON or scalar code.
 *
 * Only operations that IEEE-754 rounds correctly occur: +, -, *, /, square root, comparison, conversion.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_LANES_H
#define NJ_LANES_H

#include <float.h>
#include <stdint.h>
#include <string.h>

#include "nj_frontend.h"

#ifdef __FAST_MATH__
#error "the frontend's bits depend on the order of operations: compile it with -fno-fast-math"
#endif
/* 16: only _Float16 is computed in its own width. */
_Static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 16, "float must be computed as float");
_Static_assert(sizeof(float) == 4 && FLT_MANT_DIG == 24, "float must be IEEE-754 single precision");
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "samples are read in pairs, as little-endian words"
#endif

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
#define NJ_HELIUM 1
#include "nj_lanes_helium.h"
#else
#define NJ_HELIUM 0
#include "nj_lanes_generic.h"
#endif

/* value + anchor - anchor: to a multiple of the anchor's last bit, where the value is smaller than the anchor. */
static inline nj_v nj_snap(nj_v value, float anchor)
{
    return nj_offset(nj_offset(value, anchor), -anchor);
}

#endif
