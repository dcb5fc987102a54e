/* Weights unpacked before the layer that reads them. SPDX-License-Identifier: MIT */
#include <string.h>

#include "nj_helium.h"
#include "nj_kernels.h"

enum { NJ_ROW = 16, NJ_PLAIN = 8, NJ_SPARSE = 9, NJ_CHANNELS = 4 };

static inline uint32_t nj_plane(const uint8_t **data)
{
    const uint32_t plane = (uint32_t)(*data)[0] | (uint32_t)(*data)[1] << 8;
    *data += 2;
    return plane;
}

static const uint8_t *nj_sparse(const uint8_t *data, int8_t *row)
{
    memset(row, 0, NJ_ROW);
    for (uint32_t left = nj_plane(&data); left != 0; left &= left - 1) {
        row[__builtin_ctz(left)] = (int8_t)*data++;
    }
    return data;
}

#if NJ_HELIUM

#define NJ_ADD(bit) row = vaddq_m_n_s8(row, row, 1 << (bit), (mve_pred16_t)nj_plane(&data));

/* A plane of 16 bits is a predicate as it is. The top one comes first and counts as negative but for an index. */
static const uint8_t *nj_planes(const uint8_t *data, int8_t *at, uint32_t bits, const int8_t *table)
{
    int8x16_t row = vdupq_n_s8(0);
    if (bits > 0) {
        const int32_t top = (int32_t)(1U << (bits - 1));
        row = vaddq_m_n_s8(row, row, (int8_t)(table == NULL ? -top : top), (mve_pred16_t)nj_plane(&data));
    }
    switch (bits) {
    case 7:
        NJ_ADD(5) /* fall through */
    case 6:
        NJ_ADD(4) /* fall through */
    case 5:
        NJ_ADD(3) /* fall through */
    case 4:
        NJ_ADD(2) /* fall through */
    case 3:
        NJ_ADD(1) /* fall through */
    case 2:
        NJ_ADD(0) /* fall through */
    default:
        break;
    }
    const uint8x16_t index = vandq_u8(vreinterpretq_u8_s8(row), vdupq_n_u8(NJ_ROW - 1));
    vst1q_s8(at, table == NULL ? row : vldrbq_gather_offset_s8(table, index));
    return data;
}

#else

static const uint8_t *nj_planes(const uint8_t *data, int8_t *at, uint32_t bits, const int8_t *table)
{
    int32_t row[NJ_ROW] = {0};
    for (uint32_t bit = bits; bit-- > 0;) {
        const uint32_t plane = nj_plane(&data);
        const int32_t one = (int32_t)(1U << bit);
        const int32_t value = bit + 1 == bits && table == NULL ? -one : one;
        for (uint32_t i = 0; i < NJ_ROW; i++) {
            row[i] += (plane >> i & 1) != 0 ? value : 0;
        }
    }
    for (uint32_t i = 0; i < NJ_ROW; i++) {
        at[i] = table == NULL ? (int8_t)row[i] : table[row[i] & (NJ_ROW - 1)];
    }
    return data;
}

#endif

/* One row of `kind` at `weights`; returns what follows its 18 bytes at most. A kind that is none counts as plain. */
static inline const uint8_t *nj_row(const uint8_t *data, int8_t *weights, uint32_t kind, const int8_t *table)
{
    if (kind < NJ_PLAIN) {
        return nj_planes(data, weights, kind, table);
    }
    if (kind == NJ_SPARSE) {
        return nj_sparse(data, weights);
    }
    memcpy(weights, data, NJ_ROW);
    return data + NJ_ROW;
}

void nj_unpack_s8(const struct nj_packed_weights *op, int8_t *weights)
{
    const uint8_t *data = op->data;
    const uint8_t *const end = data + op->bytes;
    const uint8_t *kinds = op->kinds;
    const int8_t *tables = op->tables;
    const size_t next = tables == NULL ? 0 : NJ_ROW;
    int32_t row = op->group_rows;
    for (int32_t left = op->rows; left > 0; left -= NJ_CHANNELS, kinds += 2) { /* a row of each channel of a group */
        uint32_t four = (uint32_t)kinds[0] | (uint32_t)kinds[1] << 8;
        const int8_t *table = tables;
        data = data < end ? data : end; /* a damaged stream ends within what follows its bytes */
        for (int32_t channel = 0; channel < NJ_CHANNELS; channel++, four >>= 4, table += next, weights += NJ_ROW) {
            data = nj_row(data, weights, four & 15, table);
        }
        row -= NJ_CHANNELS;
        if (row == 0) {
            row = op->group_rows;
            tables += next * NJ_CHANNELS;
        }
    }
}
