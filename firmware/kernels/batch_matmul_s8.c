/* BATCH_MATMUL. SPDX-License-Identifier: MIT */
#include "nj_helium.h"
#include "nj_requantize.h"

/* `source` [depth][lines] as [lines][depth]. */
static void nj_matmul_turn(const int8_t *source, int32_t lines, int32_t depth, int8_t *turned)
{
    const struct nj_transpose op = {{1, 1, 1, 1, lines, depth}, {0, 0, 0, 0, 1, lines}};
    nj_transpose_s8(&op, source, turned);
}

/* The sum of `count` steps. */
static int32_t nj_matmul_sum(const int8_t *steps, int32_t count)
{
    int32_t sum = 0;
#if NJ_HELIUM
    for (int32_t i = 0; i < count; i += 16) {
        sum = vaddvaq_s8(sum, vldrbq_z_s8(steps + i, vctp8q((uint32_t)(count - i))));
    }
#else
    for (int32_t i = 0; i < count; i++) {
        sum += steps[i];
    }
#endif
    return sum;
}

#if NJ_HELIUM

/* The products of `line` [depth] with up to four of `lines`; those that are missing give what is not stored. Whole vectors
 * of four lines need no predicate: half the instructions of nj_dot_x4. */
static int32x4_t nj_matmul_four(const int8_t *line, const int8_t *lines, int32_t depth, int32_t left)
{
    const int32_t whole = left < 4 ? 0 : depth & ~15;
    int32_t a0 = 0;
    int32_t a1 = 0;
    int32_t a2 = 0;
    int32_t a3 = 0;
    const struct nj_rows rows = nj_rows_of(lines, depth, left);
    for (int32_t i = 0; i < whole; i += 16) {
        const int8x16_t x = vldrbq_s8(line + i);
        a0 = vmladavaq_s8(a0, x, vldrbq_s8(rows.row[0] + i));
        a1 = vmladavaq_s8(a1, x, vldrbq_s8(rows.row[1] + i));
        a2 = vmladavaq_s8(a2, x, vldrbq_s8(rows.row[2] + i));
        a3 = vmladavaq_s8(a3, x, vldrbq_s8(rows.row[3] + i));
    }
    int32x4_t sum = vdupq_n_s32(a0);
    sum = vsetq_lane_s32(a1, sum, 1);
    sum = vsetq_lane_s32(a2, sum, 2);
    sum = vsetq_lane_s32(a3, sum, 3);
    return whole == depth ? sum : nj_dot_x4(sum, line + whole, nj_rows_skip(rows, whole), depth - whole);
}

/* One row of the product: `line` [depth] with each of `lines` [columns][depth]. */
static void nj_matmul_row(const struct nj_batch_matmul *op, const int8_t *line, const int8_t *lines, const int32_t *bias,
                          int8_t *output)
{
    const int32_t less = op->zero_point2 * nj_matmul_sum(line, op->depth);
    const struct nj_requant_x4 requant = nj_requant_repeat(op->requant);
    for (int32_t n = 0; n < op->columns; n += 4) {
        const int32_t left = nj_clamp(op->columns - n, 0, 4);
        const mve_pred16_t lanes = vctp32q((uint32_t)left);
        const int32x4_t begin = vsubq_n_s32(vldrwq_z_s32(bias + n, lanes), less);
        const int32x4_t acc = vaddq_s32(begin, nj_matmul_four(line, lines + n * op->depth, op->depth, left));
        const int32x4_t scaled = nj_requantize_x4(acc, requant, op->rounding);
        vstrbq_p_s32(output + n, nj_clamp_x4(vaddq_n_s32(scaled, op->output_zero_point), INT8_MIN, INT8_MAX), lanes);
    }
}

#else

static void nj_matmul_row(const struct nj_batch_matmul *op, const int8_t *line, const int8_t *lines, const int32_t *bias,
                          int8_t *output)
{
    const int32_t less = op->zero_point2 * nj_matmul_sum(line, op->depth);
    for (int32_t n = 0; n < op->columns; n++, lines += op->depth) {
        int32_t acc = bias[n] - less;
        for (int32_t i = 0; i < op->depth; i++) {
            acc += line[i] * lines[i];
        }
        const int32_t scaled = nj_requantize(acc, op->requant, op->rounding);
        output[n] = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), INT8_MIN, INT8_MAX);
    }
}

#endif

/* One product of two matrices; `scratch` as nj_batch_matmul_s8 has it. */
static void nj_matmul(const struct nj_batch_matmul *op, const int8_t *input1, const int8_t *input2, int8_t *output,
                      int32_t *bias)
{
    int8_t *turned = (int8_t *)(bias + op->columns);
    if (op->turn2) {
        nj_matmul_turn(input2, op->columns, op->depth, turned);
        input2 = turned;
        turned += op->columns * op->depth;
    }
    if (op->turn1) {
        nj_matmul_turn(input1, op->rows, op->depth, turned);
        input1 = turned;
    }
    for (int32_t n = 0; n < op->columns; n++) {
        bias[n] = op->zero_point1 * (op->zero_point2 * op->depth - nj_matmul_sum(input2 + n * op->depth, op->depth));
    }
    for (int32_t m = 0; m < op->rows; m++) {
        nj_matmul_row(op, input1 + m * op->depth, input2, bias, output + m * op->columns);
    }
}

void nj_batch_matmul_s8(const struct nj_batch_matmul *op, const int8_t *input1, const int8_t *input2, int8_t *output,
                        int8_t *scratch)
{
    for (int32_t a = 0; a < op->batches[0]; a++) {
        for (int32_t b = 0; b < op->batches[1]; b++) {
            for (int32_t c = 0; c < op->batches[2]; c++, output += op->rows * op->columns) {
                nj_matmul(op, input1 + a * op->stride1[0] + b * op->stride1[1] + c * op->stride1[2],
                          input2 + a * op->stride2[0] + b * op->stride2[1] + c * op->stride2[2], output, (int32_t *)(void *)scratch);
            }
        }
    }
}
