/* UNIDIRECTIONAL_SEQUENCE_LSTM. SPDX-License-Identifier: MIT */
#include <string.h>

#include "nj_fixed16.h"
#include "nj_helium.h"

enum { INPUT, FORGET, CELL, OUTPUT, GATES };

/* sum[i] = requantize(bias + weights * x), not cut off yet; `gate` says which requant. */
#if NJ_HELIUM

static void nj_products(const int8_t *weights, const int32_t *bias, struct nj_requant requant, const int8_t *x,
                        int32_t inputs, int32_t outputs, int32_t *sum)
{
    for (int32_t o = 0; o < outputs; o += 4) {
        const int32_t count = outputs - o;
        const mve_pred16_t lanes = vctp32q((uint32_t)count);
        const struct nj_rows rows = nj_rows_of(weights + o * inputs, inputs, count);
        const int32x4_t acc = nj_dot_x4(vldrwq_z_s32(bias + o, lanes), x, rows, inputs);
        vstrwq_p_s32(sum + o, nj_requantize_double_x4(acc, nj_requant_repeat(requant)), lanes);
    }
}

#else

static void nj_products(const int8_t *weights, const int32_t *bias, struct nj_requant requant, const int8_t *x,
                        int32_t inputs, int32_t outputs, int32_t *sum)
{
    for (int32_t o = 0; o < outputs; o++, weights += inputs) {
        int32_t acc = bias[o];
        for (int32_t i = 0; i < inputs; i++) {
            acc = nj_add_wrapping(acc, weights[i] * x[i]);
        }
        sum[o] = nj_requantize_double(acc, requant);
    }
}

#endif

/* The four gates before their activations, int16 each, in `gate`: [GATES, units]; the rest of the scratch is for products. */
static void nj_gates(const struct nj_lstm *op, const int8_t *input, const int8_t *hidden, int32_t *gate)
{
    int32_t *const product = gate + GATES * op->units;
    for (int32_t g = 0; g < GATES; g++, gate += op->units) {
        const int32_t first = g * op->units;
        nj_products(op->input_weights + first * op->inputs, op->input_bias + first, op->input_requant[g], input, op->inputs,
                    op->units, gate);
        nj_products(op->recurrent_weights + first * op->units, op->recurrent_bias + first, op->recurrent_requant[g], hidden,
                    op->units, op->units, product);
        for (int32_t u = 0; u < op->units; u++) {
            /* tflite-micro cuts both products off, TFLite the first and the sum. */
            const int32_t recurrent = op->table != NULL ? nj_saturate16(product[u]) : product[u];
            gate[u] = nj_saturate16(nj_add_wrapping(nj_saturate16(gate[u]), recurrent));
        }
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
                    int32_t *gate)
{
    const int32_t units = op->units;
    nj_gates(op, input, hidden, gate);
    for (int32_t u = 0; u < units; u++) {
        const int32_t forget = nj_gate_of(op, gate[FORGET * units + u]);
        const int32_t take = nj_gate_of(op, gate[INPUT * units + u]);
        const int32_t fresh = nj_squashed(op, gate[CELL * units + u], 3);
        cell[u] = (int16_t)nj_cell(op, forget * cell[u], take * fresh);
        const int32_t shown = nj_gate_of(op, gate[OUTPUT * units + u]) * nj_squashed(op, cell[u], op->cell_bits);
        const int32_t scaled = nj_requantize_double(shown, op->hidden_requant);
        output[u] = (int8_t)nj_clamp(nj_add_wrapping(scaled, op->output_zero_point), -128, 127);
    }
    memcpy(hidden, output, (size_t)units);
}

void nj_unidirectional_sequence_lstm_s8(const struct nj_lstm *op, const int8_t *input, int8_t *hidden, int8_t *cell,
                                        int8_t *output, int8_t *scratch)
{
    int16_t *const cells = (int16_t *)(void *)cell;
    int32_t *const gate = (int32_t *)(void *)scratch;
    for (int32_t b = 0; b < op->batches; b++) {
        for (int32_t t = 0; t < op->steps; t++) {
            const int32_t row = b * op->batch_rows + t * op->step_rows;
            nj_step(op, input + row * op->inputs, hidden + b * op->units, cells + b * op->units, output + row * op->units,
                    gate);
        }
    }
}
