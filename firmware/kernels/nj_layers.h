/* Layers with weights, and what every kernel's parameters are made of; nj_kernels.h includes it.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_LAYERS_H
#define NJ_LAYERS_H

#include <stddef.h>
#include <stdint.h>

/* How an int32 accumulator is scaled to int8 steps.
 * NJ_ROUND_SINGLE: one rounding, half up, of the 64-bit product.
 * NJ_ROUND_DOUBLE: gemmlowp's rounding doubling high multiply, then a rounding shift, half away from zero.
 * NJ_ROUND_REAL: one rounding, half away from zero, of the IEEE double product of accumulator and real scale; only
 * FULLY_CONNECTED takes it. README.md says which op of which reference uses which rule. */
enum nj_rounding { NJ_ROUND_SINGLE = 0, NJ_ROUND_DOUBLE = 1, NJ_ROUND_REAL = 2 };

/* accumulator * multiplier * 2^(shift - 31); multiplier is 0 or in [2^30, 2^31), shift > 0 shifts left. */
struct nj_requant {
    int32_t multiplier;
    int32_t shift;
};

struct nj_image {
    int32_t height;
    int32_t width;
    int32_t channels;
};

struct nj_window {
    int32_t height;
    int32_t width;
    int32_t stride_height;
    int32_t stride_width;
    int32_t dilation_height; /* 1: none */
    int32_t dilation_width;
    int32_t pad_top; /* rows of zero points above the first row; the bottom follows from the output's height */
    int32_t pad_left;
};

/* CONV_2D and DEPTHWISE_CONV_2D.
 * CONV_2D weights: [output channel][row][column][input channel].
 * DEPTHWISE weights: [row][column][output channel]; output channel = input channel * multiplier + m, and
 * the depth multiplier is output.channels / input.channels.
 * bias: [output channel], with the input's zero point folded in: bias - input_zero_point * sum(weights), so that the
 * accumulator is bias + sum(weight * step), and a padded place counts as a step of input_zero_point. */
struct nj_convolution {
    struct nj_image input;
    struct nj_image output;
    struct nj_window window;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t activation_min; /* in steps of the output */
    int32_t activation_max;
    enum nj_rounding rounding;
    const int8_t *weights;
    const int32_t *bias;
    const struct nj_requant *requant; /* [output channel] */
};

/* CONV_2D with its weights laid out for the loop that reads them, NJ_ROUND_DOUBLE, no left shifts.
 * A patch is the window's steps in the order [row][column][input channel]; `patch` is its size rounded up to 16, and the
 * weights beyond its end are 0. Output channels go in groups of 4; where their number is no multiple of 4, the last
 * channel is repeated to fill the last group.
 * weights: [group][patch / 16][channel of 4][16]; requant, 36 bytes a group: int32 bias [4], int32 multiplier [4], int8 shift [4].
 * relu: 1 where output_zero_point and activation_min are -128 and activation_max is 127, so that no negative result
 * survives and saturation is the clamp; otherwise 0, and every shift is below 0.
 * Windows of more than one place, and padded ones, are gathered in batches of `batch` patches, an even number; 0 where they
 * are read in place: there is no dilation along the rows, a row of the output has 32768 bytes at most, and the rows of a
 * window are whole blocks of 16 (its width times the input channels), or, where any sees padding left or right, its places.
 * turns: the most stretches that the inner loop takes a patch in: 128 bytes each at most, of the patch or, in place, of a
 * row of the window or of one of its places.
 * Up to 15 bytes behind the input may be read; they do not count. */
struct nj_packed_convolution {
    struct nj_image input;
    struct nj_image output;
    struct nj_window window;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t relu;
    int32_t patch;
    int32_t batch;
    int32_t turns;
    const int8_t *weights; /* both aligned to 4 */
    const int8_t *requant;
};

/* TRANSPOSE_CONV as packed convolutions of stride 1: the outputs of a row whose columns are the same modulo the stride, side by
 * side, are the channels of one place, so that each row of the output is one of a convolution. Rows that are the same modulo
 * the stride are a part, and where the last place has fewer columns it is a part of its own.
 * parts: [count][12]: where the part begins in the output; its rows, places of a row, and channels of a place; the rows of its
 * window, and how many of them and how many columns lie before the image at the first place; patch, batch and turns as in
 * nj_packed_convolution; and where its weights and its requant begin.
 * pitch: bytes from one row of a part to the next. */
struct nj_packed_transpose {
    struct nj_image input;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t relu;
    int32_t window_width;
    int32_t pitch;
    int32_t count;
    const int32_t *parts;
    const int8_t *weights; /* both aligned to 4, of each part as nj_packed_convolution has them */
    const int8_t *requant;
};

/* The weights of a packed convolution or a packed fully connected layer in fewer bytes, unpacked into scratch before the
 * layer runs. A row is 16 weights, of one channel, in the order in which the kernels read them.
 * kinds: 4 bits a row, the low half of a byte first:
 *   0 to 7: so many planes of 16 bits, little endian, the highest first; weight i has bit i of each. Without tables they are
 *           two's complement, with tables an index, of 4 planes at most, into the 16 values of the row's channel;
 *   8: the 16 weights themselves;
 *   9: 16 bits that say which weights are not 0, then those, one byte each.
 * group_rows: rows of a group of 4 channels, a multiple of 4. tables: [channel][16], or null.
 * bytes: of the stream in `data`; the 72 behind it, 18 a row of a block, are read by no stream but a damaged one, which reads
 * nothing beyond them. Of a kind that is none, and of an index beyond a table, something is made. */
struct nj_packed_weights {
    int32_t rows;
    int32_t group_rows;
    int32_t bytes;
    const uint8_t *kinds;
    const uint8_t *data;
    const int8_t *tables;
};

/* DEPTHWISE_CONV_2D of depth multiplier 1, packed likewise: channels go in groups of 16. Beyond the last channel come the
 * first ones again where 16 is a multiple of their number, else zeros.
 * Each group is `16 * taps + 192` bytes: weights [tap][16] in the order [row][column], a tap of zeros at the end where their
 * number is odd (`taps` counts it), none of them -128; then int32 [quarter][bias, multiplier, shift][4], where quarter
 * 0 holds channels 0 4 8 12, quarter 1 channels 2 6 10 14, quarter 2 channels 1 5 9 13 and quarter 3 channels 3 7 11 15:
 * the order in which Helium widens bytes.
 * padding: the input's zero point, channels of it, rounded up to 16. */
struct nj_packed_depthwise {
    struct nj_image input;
    struct nj_image output;
    struct nj_window window;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t relu;
    int32_t taps;
    const int8_t *groups; /* aligned to 4 */
    const int8_t *padding;
};

/* TRANSPOSE_CONV: the input's place (row, column) adds to the output's (row * stride - pad_top + i, column * stride -
 * pad_left + j) its steps times the weights of tap (i, j). Taken the other way round, an output at (y, x), both counted from
 * the padding's corner, meets the taps (y % stride + a * stride, x % stride + b * stride) at the input's places (y / stride
 * - a, x / stride - b), where places outside count as steps of input_zero_point.
 * weights: [y % stride][x % stride][output channel][a][b][input channel], zeros for taps beyond the window.
 * bias: [y % stride][x % stride][output channel], with the input's zero point folded in as above. No dilation. */
struct nj_transpose_conv {
    struct nj_image input;
    struct nj_image output;
    struct nj_window window;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    enum nj_rounding rounding;
    const int8_t *weights;
    const int32_t *bias;
    const struct nj_requant *requant; /* [output channel] */
};

/* FULLY_CONNECTED. weights: [output][input]; bias as above; requant [output] (the generator repeats a per-tensor one).
 * With NJ_ROUND_REAL, scale [output] is used and requant is not: input scale * weight scale / output scale, each
 * converted to double first, evaluated from left to right. */
struct nj_fully_connected {
    int32_t batches;
    int32_t inputs;
    int32_t outputs;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    enum nj_rounding rounding;
    const int8_t *weights;
    const int32_t *bias;
    const struct nj_requant *requant;
    const double *scale;
    int32_t weights_zero_point; /* of all; what it takes off each sum besides the bias is computed with the input */
};

/* SVDF: filters of `inputs` features whose last `memory` results are weighted over time; `rank` filters make one output.
 * Rounds as NJ_ROUND_DOUBLE. */
struct nj_svdf {
    int32_t batches;
    int32_t inputs;
    int32_t filters; /* a multiple of rank */
    int32_t rank;
    int32_t memory;
    int32_t output_zero_point;
    struct nj_requant feature_requant; /* to the steps of the memory */
    struct nj_requant output_requant;
    const int8_t *feature_weights; /* [filters, inputs] */
    const int32_t *feature_bias; /* [filters]: -input zero point * sum of the filter's weights */
    const int16_t *time_weights; /* [filters, memory] */
    const int32_t *bias; /* [filters / rank] */
};

/* UNIDIRECTIONAL_SEQUENCE_LSTM, rows of `inputs` steps each. The gates come in the order input, forget, cell, output; before
 * their activations they have 3 integer bits of 15. Rounds as NJ_ROUND_DOUBLE. */
struct nj_lstm {
    int32_t batches;
    int32_t steps;
    int32_t inputs;
    int32_t units;
    int32_t batch_rows; /* rows from one batch to the next, */
    int32_t step_rows; /* and from one step to the next */
    int32_t output_zero_point;
    int32_t cell_bits; /* integer bits of the cell, 0 to 6 */
    int32_t cell_clip; /* its largest magnitude; 0: any */
    struct nj_requant keep_requant; /* of forget gate * cell, with a table */
    struct nj_requant take_requant; /* of input gate * cell gate, with a table */
    struct nj_requant hidden_requant; /* of output gate * tanh(cell) */
    const int8_t *input_weights; /* [units][inputs / 16, rounded up][4][16], zeros beyond the last input; aligned to 4 */
    const int32_t *input_bias; /* [units, rounded up to 2][4]: bias - input zero point * sum of weights */
    const struct nj_requant *input_requant; /* [4] */
    const int8_t *recurrent_weights; /* likewise, of the hidden state */
    const int32_t *recurrent_bias; /* likewise: -output zero point * sum of weights */
    const struct nj_requant *recurrent_requant; /* [4] */
    const uint16_t *table; /* NULL: as TFLite; else as tflite-micro, by its table of logistic, [256], of which the last is 65535: nj_fixed16.h */
};

/* FULLY_CONNECTED with its weights and constants packed as those of nj_packed_convolution, a patch being the inputs.
 * No left shifts; rounding is NJ_ROUND_SINGLE or NJ_ROUND_DOUBLE. (The generator uses NJ_ROUND_SINGLE for NJ_ROUND_REAL
 * where both give the same bytes for every accumulator that can occur.) Up to 15 bytes behind the input may be read. */
struct nj_packed_fully_connected {
    int32_t batches;
    int32_t inputs;
    int32_t outputs;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    enum nj_rounding rounding;
    const int8_t *weights; /* both aligned to 4 */
    const int8_t *requant;
};

/* BATCH_MATMUL: the products of `rows` x `depth` by `depth` x `columns` matrices, over three dimensions of batches; a stride
 * of 0 repeats a matrix. output = requantize(sum over depth of (a - zero_point1) * (b - zero_point2)) + output_zero_point.
 * turn1: 1 where input1 lies [depth][rows], 0 where [rows][depth]; turn2: 1 where input2 lies [depth][columns], 0 where
 * [columns][depth]. depth is at most 32768. */
struct nj_batch_matmul {
    int32_t batches[3];
    int32_t stride1[3]; /* of the inputs, in elements */
    int32_t stride2[3];
    int32_t rows;
    int32_t columns;
    int32_t depth;
    int32_t turn1;
    int32_t turn2;
    int32_t zero_point1;
    int32_t zero_point2;
    int32_t output_zero_point;
    struct nj_requant requant;
    enum nj_rounding rounding;
};

/* weights: 16 * rows bytes, aligned to 4. */
void nj_unpack_s8(const struct nj_packed_weights *op, int8_t *weights);
void nj_conv_2d_s8(const struct nj_convolution *op, const int8_t *input, int8_t *output);
/* scratch, aligned to 4: 16 * turns + 12 bytes; and besides, but for windows of one place without padding, batch * patch + 16
 * bytes, or where batch is 0 those of a row of the window. */
void nj_conv_2d_packed_s8(const struct nj_packed_convolution *op, const int8_t *input, int8_t *output,
                          int8_t *scratch);
void nj_depthwise_conv_2d_s8(const struct nj_convolution *op, const int8_t *input, int8_t *output);
/* scratch: 4 * (taps + 3) bytes, aligned to 4. */
void nj_depthwise_conv_2d_packed_s8(const struct nj_packed_depthwise *op, const int8_t *input, int8_t *output,
                                    int8_t *scratch);
/* scratch: as many bytes as taps that an output meets, times the input's channels. */
void nj_transpose_conv_s8(const struct nj_transpose_conv *op, const int8_t *input, int8_t *output, int8_t *scratch);
/* scratch: the largest of those that the parts' convolutions take. */
void nj_transpose_conv_packed_s8(const struct nj_packed_transpose *op, const int8_t *input, int8_t *output,
                                 int8_t *scratch);
void nj_fully_connected_s8(const struct nj_fully_connected *op, const int8_t *input, int8_t *output);
/* state: int16 [batches, filters, memory], the oldest first; aligned to 2. */
void nj_svdf_s8(const struct nj_svdf *op, const int8_t *input, int8_t *state, int8_t *output);
/* hidden: [batches, units]; cell: int16 [batches, units], aligned to 2; scratch, aligned to 4: 8 bytes a unit, of units rounded
 * up to 8, and one a unit, of units rounded up to 16. Up to 15 bytes behind the input may be read; they do not count. */
void nj_unidirectional_sequence_lstm_s8(const struct nj_lstm *op, const int8_t *input, int8_t *hidden, int8_t *cell,
                                        int8_t *output, int8_t *scratch);
void nj_fully_connected_packed_s8(const struct nj_packed_fully_connected *op, const int8_t *input, int8_t *output);
/* scratch: 4 bytes a column, aligned to 4, and the bytes of a matrix for each of turn1 and turn2. */
void nj_batch_matmul_s8(const struct nj_batch_matmul *op, const int8_t *input1, const int8_t *input2, int8_t *output,
                        int8_t *scratch);

#endif
