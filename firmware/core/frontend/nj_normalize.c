/* Min-max normalization, between two percentiles, or a fixed scale.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

struct rule {
    float subtract;
    float least;
    float factor;
    float add;
};

static inline nj_v apply(nj_v value, const struct rule *rule, int guarded)
{
    value = nj_offset(value, -rule->subtract);
    if (guarded != 0)
        value = nj_zero_below(value, rule->least);
    return nj_offset(nj_scale(value, rule->factor), rule->add);
}

static inline float *between(float *features, float low, float factor)
{
    nj_store_next(&features, nj_scale(nj_offset(nj_load(features), -low), factor));
    return features;
}

static void minmax(float *features, uint32_t count, float low, float factor)
{
    for (; count >= 4 * NJ_LANES; count -= 4 * NJ_LANES) {
        features = between(features, low, factor);
        features = between(features, low, factor);
        features = between(features, low, factor);
        features = between(features, low, factor);
    }
    for (; count > 0u; count--, features++)
        *features = (*features - low) * factor;
}

static void general(float *features, uint32_t count, const struct rule *rule)
{
    const int guarded = rule->least > 0.0f;

    for (; count >= NJ_LANES; count -= NJ_LANES) {
        nj_store(features, apply(nj_load(features), rule, guarded));
        features += NJ_LANES;
    }
    if (count > 0u) {
        float lanes[NJ_LANES] = {0};
        memcpy(lanes, features, count * sizeof(float));
        nj_store(lanes, apply(nj_load(lanes), rule, guarded));
        memcpy(features, lanes, count * sizeof(float));
    }
}

static inline nj_v clamp(nj_v value, float low, float least, float factor)
{
    const nj_v above = nj_offset(value, -low);

    /* What is below low is below `least` too. */
    return nj_min(nj_scale(least > 0.0f ? nj_zero_below(above, least) : nj_max(above, nj_fill(0.0f)), factor),
                  nj_fill(1.0f));
}

/* Between low and high, which some values lie beyond. */
static inline void clamped(float *features, uint32_t count, float low, float least, float factor)
{
    for (; count >= NJ_LANES; count -= NJ_LANES) {
        nj_store(features, clamp(nj_load(features), low, least, factor));
        features += NJ_LANES;
    }
    if (count > 0u) {
        float lanes[NJ_LANES] = {0};
        memcpy(lanes, features, count * sizeof(float));
        nj_store(lanes, clamp(nj_load(lanes), low, least, factor));
        memcpy(features, lanes, count * sizeof(float));
    }
}

void nj_normalize(const struct nj_frontend *frontend, float *features, uint32_t count, float low, float high)
{
    if (frontend->normalization == NJ_NORMALIZATION_FIXED) {
        const struct rule rule = {0.0f, frontend->least, frontend->gain, frontend->offset};
        general(features, count, &rule);
        return;
    }
    const float factor = 1.0f / ((high - low) + frontend->gain);
    if (nj_is_clamped(frontend)) {
        if (frontend->least > 0.0f)
            clamped(features, count, low, frontend->least, factor);
        else
            clamped(features, count, low, 0.0f, factor);
    } else if (frontend->least > 0.0f) {
        const struct rule rule = {low, frontend->least, factor, 0.0f};
        general(features, count, &rule);
    } else {
        minmax(features, count, low, factor);
    }
}
