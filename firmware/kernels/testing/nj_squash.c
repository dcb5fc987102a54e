/* For tests: logistic and tanh of int16 as the target's kernels compute them, and as the host's do.
 * SPDX-License-Identifier: MIT
 */
#include "../nj_fixed16_x8.h"

struct nj_squash {
    int32_t count; /* a multiple of 8 */
    int32_t tanh;
    int32_t bits; /* of tanh */
    const uint16_t *table; /* NULL: by polynomials */
};

void nj_squash_s8(const struct nj_squash *op, const int8_t *input, int8_t *output);

#if NJ_HELIUM

void nj_squash_s8(const struct nj_squash *op, const int8_t *input, int8_t *output)
{
    const int16_t *const x = (const int16_t *)(const void *)input;
    int16_t *const y = (int16_t *)(void *)output;
    for (int32_t i = 0; i < op->count; i += 8) {
        const int16x8_t a = vld1q_s16(x + i);
        if (op->tanh) {
            vst1q_s16(y + i, op->table != NULL ? nj_table_tanh16_x8(op->table, a, op->bits) : nj_tanh16_x8(a, op->bits));
        } else {
            vst1q_s16(y + i, op->table != NULL ? nj_table_logistic16_x8(op->table, a) : nj_logistic16_x8(a));
        }
    }
}

#else

void nj_squash_s8(const struct nj_squash *op, const int8_t *input, int8_t *output)
{
    const int16_t *const x = (const int16_t *)(const void *)input;
    int16_t *const y = (int16_t *)(void *)output;
    for (int32_t i = 0; i < op->count; i++) {
        if (op->tanh) {
            y[i] = (int16_t)(op->table != NULL ? nj_table_tanh16(op->table, x[i], op->bits) : nj_tanh16(x[i], op->bits));
        } else {
            y[i] = (int16_t)(op->table != NULL ? nj_table_logistic16(op->table, x[i]) : nj_logistic16(x[i]));
        }
    }
}

#endif
