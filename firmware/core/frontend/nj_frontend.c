/* A chunk: frames side by side, then what needs all of them.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend.h"

#include "nj_frontend_stages.h"

_Static_assert(NJ_FRONTEND_SCALE == 52 && NJ_POWER_SCALE == 72, "units are written out");

static void scale_rows(float *rows, uint32_t count, float unit)
{
    for (uint32_t i = 0; i < count; i += NJ_LANES)
        nj_store(rows + i, nj_scale(nj_load(rows + i), unit));
}

static inline void spectrogram(const struct nj_frontend *frontend, const int16_t *chunk, float *features,
                               float *scratch, struct nj_range *range, float unit)
{
    const struct nj_scratch parts = nj_scratch_parts(frontend->fft_length, scratch);
    const struct nj_view view = {chunk, 0, (int32_t)frontend->chunk_samples, 0, frontend->chunk_samples};
    const uint32_t frames = frontend->frames;
    const uint32_t width = frames < NJ_COLUMNS ? frames : NJ_COLUMNS;

    nj_range_start(range);
    for (uint32_t next = 0; next < frames; next += NJ_COLUMNS) {
        /* The last columns overlap those before them, which get the same bits again. */
        const uint32_t frame = next + width <= frames ? next : frames - width;
        nj_frames(frontend, &view, frame, frames - 1u, &parts);
        if (unit != 1.0f)
            scale_rows(parts.rows, frontend->bins * NJ_COLUMNS, unit);
        nj_columns(frontend, parts.rows, features + frame, frames, width, range);
    }
}

void nj_compress(const struct nj_frontend *frontend, float *features, struct nj_range *range)
{
    if (frontend->compression == NJ_COMPRESSION_LOG)
        nj_logarithm(frontend, features, nj_highest(range), range);
    else if (frontend->compression == NJ_COMPRESSION_LOG1P)
        nj_log1p(frontend, features, range);
    else if (frontend->compression == NJ_COMPRESSION_PCEN)
        nj_pcen(frontend, features, range);
}

static void range_of(const float *values, uint32_t count, float *bound)
{
    struct nj_range range;
    nj_v low;
    nj_v high;

    nj_range_start(&range);
    low = nj_load(range.low);
    high = nj_load(range.high);
    for (; count >= NJ_LANES; count -= NJ_LANES) {
        low = nj_min(low, nj_load(values));
        high = nj_max(high, nj_load(values));
        values += NJ_LANES;
    }
    for (; count > 0u; count--) {
        low = nj_min(low, nj_fill(*values));
        high = nj_max(high, nj_fill(*values++));
    }
    nj_store(range.low, low);
    nj_store(range.high, high);
    bound[0] = nj_lowest(&range);
    bound[1] = nj_highest(&range);
}

/* What becomes 0 and 1, of the rows that the normalization looks at. bound: of all rows on entry. */
static void bounds(const struct nj_frontend *frontend, const float *features, uint32_t rows, float *scratch,
                   float *bound)
{
    const float *const values = features + frontend->frames * frontend->norm_row;
    const uint32_t count = (rows - frontend->norm_row) * frontend->frames;
    const uint32_t ranks[2] = {frontend->rank_low, frontend->rank_high};

    if (frontend->normalization == NJ_NORMALIZATION_PERCENTILE)
        nj_percentile(values, count, ranks, (nj_counter *)(void *)scratch, bound);
    else
        range_of(values, count, bound);
}

void nj_finish(const struct nj_frontend *frontend, float *features, float *scratch, struct nj_range *range)
{
    uint32_t rows = nj_rows_stored(frontend);

    nj_compress(frontend, features, range);
    if (frontend->cepstra != 0u) {
        nj_dct(frontend, features, scratch, range);
        rows = frontend->cepstra;
    }
    float bound[2] = {nj_lowest(range), nj_highest(range)};
    if (nj_is_clamped(frontend))
        bounds(frontend, features, rows, scratch, bound);
    nj_normalize(frontend, features, rows * frontend->frames, bound[0], bound[1]);
}

void nj_frontend_spectrogram(const struct nj_frontend *frontend, const int16_t *chunk, float *features,
                             float *scratch)
{
    struct nj_range range;

    spectrogram(frontend, chunk, features, scratch, &range, 1.0f);
}

void nj_frontend_magnitudes(const struct nj_frontend *frontend, const int16_t *chunk, float *features, float *scratch)
{
    /* What the rows carry; a root of an even power of two is exact too. */
    const float unit = frontend->spectrum == NJ_SPECTRUM_POWER                                       ? 0x1p-72f
                       : frontend->bands == 0u && frontend->compression == NJ_COMPRESSION_SQRT ? 0x1p-26f
                                                                                               : 0x1p-52f;
    struct nj_range range;

    spectrogram(frontend, chunk, features, scratch, &range, unit);
}

void nj_frontend_run(const struct nj_frontend *frontend, const int16_t *chunk, float *features, float *scratch)
{
    struct nj_range range;

    if (frontend->spectrum == NJ_SPECTRUM_NONE) {
        nj_raw(frontend, chunk, features);
        return;
    }
    spectrogram(frontend, chunk, features, scratch, &range, 1.0f);
    nj_finish(frontend, features, scratch, &range);
}
