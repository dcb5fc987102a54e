/* From rows of magnitudes or powers, 8 frames wide (16 on hosts), to the features: mel bands, square root, column store.
 *
 * Features lie row by row, so that a frame is a column: storing one frame would touch a cache line a row and use 4 bytes of it,
 * and the rows' distance is a multiple of the cache's ways where frames is a power of two. 8 frames fill a line of
 * 32 bytes at once, and no line is touched again before the normalization.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

static inline nj_v band_of(const struct nj_band *band, const float *weight, const float *rows)
{
    const float *row = rows + NJ_COLUMNS * band->first;
    nj_v sum = nj_scale(nj_load(row), *weight);

    for (uint32_t i = 1; i < band->count; i++) {
        row += NJ_COLUMNS;
        sum = nj_add(sum, nj_scale(nj_load(row), *++weight));
    }
    return sum;
}

static inline void put(float *out, nj_v value, uint32_t column, uint32_t width)
{
    if (width == NJ_COLUMNS) {
        nj_store(out + column, value);
    } else { /* a chunk of fewer frames than columns */
        float lanes[NJ_LANES];
        nj_store(lanes, value);
        for (uint32_t lane = 0; lane < NJ_LANES && column + lane < width; lane++)
            out[column + lane] = lanes[lane];
    }
}

static void bins_as_they_are(const struct nj_frontend *frontend, const float *rows, float *out, uint32_t stride,
                             struct nj_range *range)
{
    nj_v low = nj_load(range->low);
    nj_v high = nj_load(range->high);

    for (uint32_t row = frontend->bins; row > 0; row--) {
        for (uint32_t column = 0; column < NJ_COLUMNS; column += NJ_LANES) {
            const nj_v value = nj_load_next(&rows);
            low = nj_min(low, value);
            high = nj_max(high, value);
            nj_store_next(&out, value);
        }
        out += stride - NJ_COLUMNS;
    }
    nj_store(range->low, low);
    nj_store(range->high, high);
}

void nj_columns(const struct nj_frontend *frontend, const float *rows, float *out, uint32_t stride, uint32_t width,
                struct nj_range *range)
{
    const int root = frontend->compression == NJ_COMPRESSION_SQRT &&
                     (frontend->bands != 0u || frontend->spectrum == NJ_SPECTRUM_POWER);
    const float *weight = frontend->weight;
    nj_v low = nj_load(range->low);
    nj_v high = nj_load(range->high);

    if (frontend->bands == 0u && root == 0 && width == NJ_COLUMNS) {
        bins_as_they_are(frontend, rows, out, stride, range);
        return;
    }
    for (uint32_t row = 0; row < nj_rows_stored(frontend); row++) {
        for (uint32_t column = 0; column < NJ_COLUMNS; column += NJ_LANES) {
            nj_v value = frontend->bands != 0u ? band_of(&frontend->band[row], weight, rows + column)
                                               : nj_load(rows + NJ_COLUMNS * row + column);
            if (root != 0)
                value = nj_root(value);
            low = nj_min(low, value);
            high = nj_max(high, value);
            put(out + stride * row, value, column, width);
        }
        if (frontend->bands != 0u)
            weight += frontend->band[row].count;
    }
    nj_store(range->low, low);
    nj_store(range->high, high);
}
