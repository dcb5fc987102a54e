/* UNIDIRECTIONAL_SEQUENCE_LSTM. SPDX-License-Identifier: MIT */
#include <string.h>

enum { INPUT, FORGET, CELL, OUTPUT, GATES };
enum { NJ_BLOCK = 16, NJ_LANES = 8 };
#define NJ_BIAS_BYTES (4 * GATES)

#include "nj_dot_groups.h"
#include "nj_fixed16_x8.h"

/* `gate`: the four gates of all units before their activations. */
#if NJ_HELIUM

/* Two units' sums, four gates each; where one is left, it is taken twice. */
static inline int32x4x2_t nj_sums(const int8_t *x, const int8_t **weights, const int32_t *bias, int32_t blocks, int32_t left)
{
    const int32_t next = left > 1 ? blocks * GATES * NJ_BLOCK : 0;
    return nj_dot_two_groups(x, weights, next, bias, blocks);
}

/* Lanes of both in turn, cut off. */
static inline int16x8_t nj_narrow_x8(int32x4_t even, int32x4_t odd)
{
    return vqmovntq_s32(vqmovnbq_s32(vdupq_n_s16(0), even), odd);
}

static inline int16x8_t nj_requantize_x8(int32x4x2_t acc, struct nj_requant_x4 requant)
{
    return nj_narrow_x8(nj_requantize_double_x4(acc.val[0], requant), nj_requantize_double_x4(acc.val[1], requant));
}

/* Two units of each gate lie side by side: [units / 2, GATES, 2]. */
static void nj_gates(const struct nj_lstm *op, const int8_t *input, const int8_t *hidden, int16_t *gate)
{
    const struct nj_requant_x4 input_requant = nj_requant_load(op->input_requant, vctp32q(GATES));
    const struct nj_requant_x4 recurrent_requant = nj_requant_load(op->recurrent_requant, vctp32q(GATES));
    const int32_t input_blocks = (op->inputs + NJ_BLOCK - 1) / NJ_BLOCK;
    const int32_t hidden_blocks = (op->units + NJ_BLOCK - 1) / NJ_BLOCK;
    const int8_t *input_weights = op->input_weights;
    const int8_t *recurrent_weights = op->recurrent_weights;
    const int32_t *input_bias = op->input_bias;
    const int32_t *recurrent_bias = op->recurrent_bias;
    for (int32_t left = op->units; left > 0; left -= 2, gate += 2 * GATES) {
        int16x8_t sum = nj_requantize_x8(nj_sums(input, &input_weights, input_bias, input_blocks, left), input_requant);
        const int32x4x2_t more = nj_sums(hidden, &recurrent_weights, recurrent_bias, hidden_blocks, left);
        if (op->table != NULL) {
            sum = vqaddq_s16(sum, nj_requantize_x8(more, recurrent_requant));
        } else {
            const int32x4_t first = nj_requantize_double_x4(more.val[0], recurrent_requant);
            const int32x4_t second = nj_requantize_double_x4(more.val[1], recurrent_requant);
            sum = nj_narrow_x8(vaddq_s32(vmovlbq_s16(sum), first), vaddq_s32(vmovltq_s16(sum), second));
        }
        vst1q_s32((int32_t *)(void *)gate, vreinterpretq_s32_s16(sum));
        input_bias += 2 * GATES;
        recurrent_bias += 2 * GATES;
    }
}

static inline int16x8_t nj_gate_of(const struct nj_lstm *op, int32x4_t value)
{
    const int16x8_t a = vreinterpretq_s16_s32(value);
    return op->table != NULL ? nj_table_logistic16_x8(op->table, a) : nj_logistic16_x8(a);
}

static inline int16x8_t nj_squashed(const struct nj_lstm *op, int16x8_t value, int32_t bits)
{
    return op->table != NULL ? nj_table_tanh16_x8(op->table, value, bits) : nj_tanh16_x8(value, bits);
}

static inline int32x4x2_t nj_products(int16x8_t a, int16x8_t b)
{
    return (int32x4x2_t){{vmullbq_int_s16(a, b), vmulltq_int_s16(a, b)}};
}

/* product / 2^power, rounded half away from zero. */
static inline int16x8_t nj_divide_x8(int32x4x2_t product, int32_t power)
{
    for (int i = 0; i < 2; i++) {
        const int32x4_t value = product.val[i];
        product.val[i] = vrshlq_s32(vaddq_s32(value, vshrq_n_s32(value, 31)), vdupq_n_s32(-power));
    }
    return nj_join_x8(product.val[0], product.val[1]);
}

/* What the cell keeps of itself, and what it takes of the new. */
static inline int16x8_t nj_cell(const struct nj_lstm *op, int32x4x2_t kept, int32x4x2_t taken)
{
    const int16x8_t cell =
        op->table != NULL ? vqaddq_s16(nj_requantize_x8(kept, nj_requant_repeat(op->keep_requant)),
                                       nj_requantize_x8(taken, nj_requant_repeat(op->take_requant)))
                          : vqaddq_s16(nj_divide_x8(kept, 15), nj_divide_x8(taken, 15 + op->cell_bits));
    const int32_t clip = op->cell_clip;
    const int16x8_t most = vdupq_n_s16((int16_t)(clip > 0 ? clip : INT16_MAX));
    return vmaxq_s16(vminq_s16(cell, most), vdupq_n_s16((int16_t)(clip > 0 ? -clip : INT16_MIN)));
}

static void nj_step(const struct nj_lstm *op, const int8_t *input, int8_t *hidden, int16_t *cell, int8_t *output,
                    int16_t *gate)
{
    nj_gates(op, input, hidden, gate);
    for (int32_t u = 0; u < op->units; u += NJ_LANES, gate += NJ_LANES * GATES) {
        const mve_pred16_t lanes = vctp16q((uint32_t)(op->units - u));
        const int32x4x4_t gates = vld4q_s32((const int32_t *)(const void *)gate);
        const int32x4x2_t kept = nj_products(nj_gate_of(op, gates.val[FORGET]), vldrhq_z_s16(cell + u, lanes));
        const int16x8_t fresh = nj_squashed(op, vreinterpretq_s16_s32(gates.val[CELL]), 3);
        const int16x8_t now = nj_cell(op, kept, nj_products(nj_gate_of(op, gates.val[INPUT]), fresh));
        vstrhq_p_s16(cell + u, now, lanes);
        int32x4x2_t shown = nj_products(nj_gate_of(op, gates.val[OUTPUT]), nj_squashed(op, now, op->cell_bits));
        for (int i = 0; i < 2; i++) {
            shown.val[i] = nj_requantize_double_x4(shown.val[i], nj_requant_repeat(op->hidden_requant));
            shown.val[i] = vaddq_n_s32(shown.val[i], op->output_zero_point);
        }
        const int8x16_t narrow = vqmovnbq_s16(vdupq_n_s8(0), nj_narrow_x8(shown.val[0], shown.val[1]));
        const int16x8_t steps = vreinterpretq_s16_s8(narrow);
        vstrbq_p_s16(hidden + u, steps, lanes);
        vstrbq_p_s16(output + u, steps, lanes);
    }
}

#else

static int32_t nj_sum(const int8_t *x, const int8_t *weights, int32_t bias, int32_t count, struct nj_requant requant)
{
    for (int32_t i = 0; i < count; i++) {
        bias = nj_add_wrapping(bias, weights[i / NJ_BLOCK * (GATES * NJ_BLOCK) + i % NJ_BLOCK] * x[i]);
    }
    return nj_requantize_double(bias, requant);
}

/* [units, GATES]. */
static void nj_gates(const struct nj_lstm *op, const int8_t *input, const int8_t *hidden, int16_t *gate)
{
    const int32_t input_row = (op->inputs + NJ_BLOCK - 1) / NJ_BLOCK * NJ_BLOCK;
    const int32_t hidden_row = (op->units + NJ_BLOCK - 1) / NJ_BLOCK * NJ_BLOCK;
    for (int32_t i = 0; i < op->units * GATES; i++) {
        const int32_t unit = i / GATES * GATES;
        const int32_t g = i % GATES;
        const int8_t *const of_input = op->input_weights + unit * input_row + g * NJ_BLOCK;
        const int8_t *const of_hidden = op->recurrent_weights + unit * hidden_row + g * NJ_BLOCK;
        const int32_t sum = nj_sum(input, of_input, op->input_bias[i], op->inputs, op->input_requant[g]);
        int32_t recurrent = nj_sum(hidden, of_hidden, op->recurrent_bias[i], op->units, op->recurrent_requant[g]);
        /* tflite-micro cuts both sums off, TFLite the first and the sum of both. */
        recurrent = op->table != NULL ? nj_saturate16(recurrent) : recurrent;
        gate[i] = (int16_t)nj_saturate16(nj_add_wrapping(nj_saturate16(sum), recurrent));
    }
}

static int32_t nj_gate_of(const struct nj_lstm *op, int32_t value)
{
    return op->table != NULL ? nj_table_logistic16(op->table, value) : nj_logistic16(value);
}

static int32_t nj_squashed(const struct nj_lstm *op, int32_t value, int32_t bits)
{
    return op->table != NULL ? nj_table_tanh16(op->table, value, bits) : nj_tanh16(value, bits);
}

/* What the cell keeps of itself, and what it takes of the new. */
static int32_t nj_cell(const struct nj_lstm *op, int32_t kept, int32_t taken)
{
    if (op->table != NULL) {
        kept = nj_saturate16(nj_requantize_double(kept, op->keep_requant));
        taken = nj_saturate16(nj_requantize_double(taken, op->take_requant));
    } else {
        kept = (int16_t)nj_divide_by_power(kept, 15);
        taken = (int16_t)nj_divide_by_power(taken, 15 + op->cell_bits);
    }
    const int32_t cell = nj_saturate16(kept + taken);
    return op->cell_clip > 0 ? nj_clamp(cell, -op->cell_clip, op->cell_clip) : cell;
}

static void nj_step(const struct nj_lstm *op, const int8_t *input, int8_t *hidden, int16_t *cell, int8_t *output,
                    int16_t *gate)
{
    nj_gates(op, input, hidden, gate);
    for (int32_t u = 0; u < op->units; u++, gate += GATES) {
        const int32_t forget = nj_gate_of(op, gate[FORGET]);
        const int32_t take = nj_gate_of(op, gate[INPUT]);
        const int32_t fresh = nj_squashed(op, gate[CELL], 3);
        cell[u] = (int16_t)nj_cell(op, forget * cell[u], take * fresh);
        const int32_t shown = nj_gate_of(op, gate[OUTPUT]) * nj_squashed(op, cell[u], op->cell_bits);
        const int32_t scaled = nj_requantize_double(shown, op->hidden_requant);
        output[u] = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), -128, 127);
        hidden[u] = output[u];
    }
}

#endif

void nj_unidirectional_sequence_lstm_s8(const struct nj_lstm *op, const int8_t *input, int8_t *hidden, int8_t *cell,
                                        int8_t *output, int8_t *scratch)
{
    int16_t *const cells = (int16_t *)(void *)cell;
    int16_t *const gate = (int16_t *)(void *)scratch;
    const int32_t rounded = (op->units + NJ_LANES - 1) / NJ_LANES * NJ_LANES;
    int8_t *const now = (int8_t *)(gate + rounded * GATES); /* the hidden state, behind which may be read */
    for (int32_t b = 0; b < op->batches; b++) {
        memcpy(now, hidden + b * op->units, (size_t)op->units);
        for (int32_t t = 0; t < op->steps; t++) {
            const int32_t row = b * op->batch_rows + t * op->step_rows;
            nj_step(op, input + row * op->inputs, now, cells + b * op->units, output + row * op->units, gate);
        }
        memcpy(hidden + b * op->units, now, (size_t)op->units);
    }
}
