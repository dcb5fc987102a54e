/* Lanes by the compiler's vectors. More of them than the machine's registers hold are split by the compiler.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_LANES_GENERIC_H
#define NJ_LANES_GENERIC_H

#if defined(__AVX__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <xmmintrin.h> /* all of immintrin.h takes the compiler longer than this code */
#elif !defined(__arm__) && !defined(__aarch64__)
#include <math.h>
#endif

typedef float nj_v __attribute__((vector_size(4 * NJ_LANES)));
typedef int32_t nj_words __attribute__((vector_size(4 * NJ_LANES)));
typedef nj_words nj_ints;
typedef uint32_t nj_unsigned __attribute__((vector_size(4 * NJ_LANES)));

typedef struct {
    uint32_t lane[NJ_LANES];
} nj_places; /* of each lane, in samples or floats from a common base */

static inline nj_v nj_load(const float *from)
{
    nj_v value;
    memcpy(&value, from, sizeof(value));
    return value;
}

static inline void nj_store(float *to, nj_v value)
{
    memcpy(to, &value, sizeof(value));
}

/* The same, and the pointer moves on by the lanes. */
static inline nj_v nj_load_next(const float **from)
{
    const nj_v value = nj_load(*from);
    *from += NJ_LANES;
    return value;
}

static inline void nj_store_next(float **to, nj_v value)
{
    nj_store(*to, value);
    *to += NJ_LANES;
}

static inline nj_v nj_fill(float value)
{
    return value - (nj_v){0};
}

static inline nj_v nj_add(nj_v a, nj_v b)
{
    return a + b;
}

static inline nj_v nj_sub(nj_v a, nj_v b)
{
    return a - b;
}

static inline nj_v nj_mul(nj_v a, nj_v b)
{
    return a * b;
}

static inline nj_v nj_scale(nj_v a, float b)
{
    return a * b;
}

static inline nj_v nj_offset(nj_v a, float b)
{
    return a + b;
}

static inline nj_v nj_choose(nj_words where, nj_v a, nj_v b)
{
    return (nj_v)((where & (nj_words)a) | (~where & (nj_words)b));
}

/* a where it is smaller (larger), else b: what the machine's instructions do as well. */
static inline nj_v nj_min(nj_v a, nj_v b)
{
#if defined(__AVX__) && NJ_LANES == 8
    return (nj_v)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__) && NJ_LANES == 4
    return (nj_v)_mm_min_ps((__m128)a, (__m128)b);
#else
    return nj_choose(a < b, a, b);
#endif
}

static inline nj_v nj_max(nj_v a, nj_v b)
{
#if defined(__AVX__) && NJ_LANES == 8
    return (nj_v)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__) && NJ_LANES == 4
    return (nj_v)_mm_max_ps((__m128)a, (__m128)b);
#else
    return nj_choose(a > b, a, b);
#endif
}

/* The hardware's square root, which is correctly rounded; no libm where it can be avoided, whatever -fmath-errno says. */
static inline float nj_root_of_one(float x)
{
#if defined(__SSE2__)
    return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
#elif defined(__aarch64__)
    float root;
    __asm__("fsqrt %s0, %s1" : "=w"(root) : "w"(x));
    return root;
#elif defined(__arm__) && defined(__ARM_FP)
    float root;
    __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(x));
    return root;
#else
    return sqrtf(x);
#endif
}

static inline nj_v nj_root(nj_v a)
{
#if defined(__AVX512F__) && NJ_LANES == 16
    return (nj_v)_mm512_sqrt_ps((__m512)a);
#elif defined(__AVX__) && NJ_LANES == 8
    return (nj_v)_mm256_sqrt_ps((__m256)a);
#elif defined(__SSE2__) && NJ_LANES == 4
    return (nj_v)_mm_sqrt_ps((__m128)a);
#else
    for (int lane = 0; lane < NJ_LANES; lane++)
        a[lane] = nj_root_of_one(a[lane]);
    return a;
#endif
}

/* a / b, b in every lane. */
static inline nj_v nj_divide(nj_v a, float b)
{
    return a / b;
}

static inline nj_v nj_ratio(nj_v a, nj_v b)
{
    return a / b;
}

static inline nj_places nj_places_from(const uint32_t *places)
{
    nj_places value;
    memcpy(&value, places, sizeof(value));
    return value;
}

static inline nj_ints nj_ints_from(const int32_t *from)
{
    nj_ints value;
    memcpy(&value, from, sizeof(value));
    return value;
}

/* A sample of each frame, and the one after it. */
static inline void nj_gather_words(const int16_t *base, nj_places places, nj_words *even, nj_words *odd)
{
    nj_words pair = {0};

    for (int lane = 0; lane < NJ_LANES; lane++) {
        int32_t word;
        memcpy(&word, base + places.lane[lane], sizeof(word));
        pair[lane] = word;
    }
    *even = (nj_words)((nj_unsigned)pair << 16) >> 16;
    *odd = pair >> 16;
}

static inline void nj_gather(const int16_t *base, nj_places places, nj_v *even, nj_v *odd)
{
    nj_words first;
    nj_words second;

    nj_gather_words(base, places, &first, &second);
    *even = __builtin_convertvector(first, nj_v);
    *odd = __builtin_convertvector(second, nj_v);
}

/* The same two samples, times `count`, less `sum`. */
static inline void nj_gather_less(const int16_t *base, nj_places places, nj_ints count, nj_ints sum, nj_v *even,
                                  nj_v *odd)
{
    nj_words first;
    nj_words second;

    nj_gather_words(base, places, &first, &second);
    *even = __builtin_convertvector(first * count - sum, nj_v);
    *odd = __builtin_convertvector(second * count - sum, nj_v);
}

/* 0 where `place` is not in [from, until), else the lane. */
static inline nj_v nj_zero_outside(nj_v value, int32_t place, nj_ints from, nj_ints until)
{
    return nj_choose((from <= place) & (until > place), value, (nj_v){0});
}

/* Of `count` samples. */
static inline int32_t nj_sum(const int16_t *samples, uint32_t count)
{
    int32_t sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum += samples[i];
    return sum;
}

/* Which of NJ_ALIKE_LANES values have a or b as their bits shifted right by `shift`, NJ_ALIKE_SHIFT to 31: each bit
 * that is set stands for the value NJ_ALIKE_BYTES times its place further. */
#define NJ_ALIKE_LANES ((uint32_t)NJ_LANES)
#define NJ_ALIKE_BYTES 4u
#define NJ_ALIKE_SHIFT 1u
static inline uint32_t nj_alike(const float *from, uint32_t shift, uint32_t a, uint32_t b)
{
    const nj_unsigned top = (nj_unsigned)nj_load(from) >> shift;
    const nj_words alike = (nj_words)((top == a) | (top == b));

#if defined(__AVX__) && NJ_LANES == 8
    return (uint32_t)_mm256_movemask_ps((__m256)alike);
#elif defined(__SSE2__) && NJ_LANES == 4
    return (uint32_t)_mm_movemask_ps((__m128)alike);
#else
    uint32_t lanes = 0;

    for (uint32_t lane = 0; lane < NJ_LANES; lane++)
        lanes |= ((uint32_t)alike[lane] & 1u) << lane;
    return lanes;
#endif
}

/* How many of `count` values are `value`; those behind the last whole vector are not counted. */
static inline uint32_t nj_count_equal(const float *values, uint32_t count, float value)
{
    nj_words equal = {0};
    uint32_t sum = 0;

    for (; count >= NJ_LANES; count -= NJ_LANES) {
        equal -= nj_load(values) == value; /* true is -1 */
        values += NJ_LANES;
    }
    for (uint32_t lane = 0; lane < NJ_LANES; lane++)
        sum += (uint32_t)equal[lane];
    return sum;
}

/* A float of each lane's place. */
static inline nj_v nj_pick(const float *base, nj_places places)
{
    nj_v value = {0};

    for (int lane = 0; lane < NJ_LANES; lane++)
        value[lane] = base[places.lane[lane]];
    return value;
}

/* To each lane's place; lanes of the same place must hold the same. */
static inline void nj_put(float *base, nj_places places, nj_v value)
{
    for (int lane = 0; lane < NJ_LANES; lane++)
        base[places.lane[lane]] = value[lane];
}

/* 0 where the lane is below that of `least`, else the lane. */
static inline nj_v nj_zero_under(nj_v value, nj_v least)
{
    return nj_choose(value >= least, value, (nj_v){0});
}

/* 0 where the lane is below `least`, else the lane. */
static inline nj_v nj_zero_below(nj_v value, float least)
{
    return nj_choose(value >= least, value, (nj_v){0});
}

/* value * 2^n; n whole, neither value nor result 0 or denormal. */
static inline nj_v nj_shift_exponent(nj_v value, nj_v n)
{
    return (nj_v)((nj_words)value + (__builtin_convertvector(n, nj_words) << 23));
}

/* x = 2^(exponent + scale) * m, m in [sqrt(1/2), sqrt(2)); x > 0. */
static inline void nj_take_apart(nj_v x, int32_t scale, nj_v *exponent, nj_v *m)
{
    const int32_t half_root = 0x3F3504F3;
    const nj_words bits = (nj_words)x - half_root;

    *exponent = __builtin_convertvector((bits >> 23) - scale, nj_v);
    *m = (nj_v)((bits & 0x7FFFFF) + half_root);
}

/* Round half away from zero, add, saturate. The fraction is exact, so no value just below a half is rounded up, as
 * adding 0.5 would. */
static inline void nj_store_steps(int8_t *steps, nj_v value, int32_t zero_point)
{
    /* Beyond any zero point, and within int32: what saturates stays saturated. */
    value = nj_max(nj_min(value, nj_fill(1024.0f)), nj_fill(-1024.0f));
    const nj_words whole = __builtin_convertvector(value, nj_words);
    const nj_v fraction = value - __builtin_convertvector(whole, nj_v);
    nj_words step = whole - (fraction >= 0.5f) + (fraction <= -0.5f) + zero_point; /* true is -1 */

    step = (step & (step <= 127)) + (127 & (step > 127));
    step = (step & (step >= -128)) + (-128 & (step < -128));
    for (int lane = 0; lane < NJ_LANES; lane++)
        steps[lane] = (int8_t)step[lane];
}

#endif
