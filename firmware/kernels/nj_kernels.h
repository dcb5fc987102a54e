/* Int8 kernels: what every kernel's parameters mean. One public kernel a file, named after it.
 *
 * Every kernel computes the bytes of TFLite's reference kernel of the same op. Tensors are NHWC, batch 1, row-major.
 * Zero points are in [-128, 127]; a real value is scale * (step - zero_point). Parameters are constants printed by the
 * generator, which checks their ranges; kernels do not check them again.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_KERNELS_H
#define NJ_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define NJ_KERNELS_API 2

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
 * Windows of more than one place, and padded ones, are gathered in batches of `batch` patches, an even number; 0 where the
 * rows of a window are whole blocks of 16 (its width times the input channels, no dilation along it) and are read in place.
 * turns: the most stretches that the inner loop takes a patch in: 128 bytes each at most, or a row of the window in place.
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

/* The weights of a packed convolution or a packed fully connected layer in fewer bytes, unpacked into scratch before the
 * layer runs. A row is 16 weights, of one channel, in the order in which the kernels read them.
 * kinds: 4 bits a row, the low half of a byte first:
 *   0 to 7: so many planes of 16 bits, little endian, the highest first; weight i has bit i of each. Without tables they are
 *           two's complement, with tables an index, of 4 planes at most, into the 16 values of the row's channel;
 *   8: the 16 weights themselves;
 *   9: 16 bits that say which weights are not 0, then those, one byte each.
 * group_rows: rows of a group of 4 channels, a multiple of 4. tables: [channel][16], or null. */
struct nj_packed_weights {
    int32_t rows;
    int32_t group_rows;
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
    const int8_t *input_weights; /* [4, units, inputs] */
    const int32_t *input_bias; /* [4, units]: bias - input zero point * sum of weights */
    const struct nj_requant *input_requant; /* [4] */
    const int8_t *recurrent_weights; /* [4, units, units] */
    const int32_t *recurrent_bias; /* [4, units]: -output zero point * sum of weights */
    const struct nj_requant *recurrent_requant; /* [4] */
    const uint16_t *table; /* NULL: as TFLite; else as tflite-micro, by its table of logistic: nj_fixed16.h */
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

/* ADD, SUB and MUL of up to 4 dimensions with broadcast: a stride of 0 repeats; the innermost stride is 0 or 1.
 * ADD and SUB: each input is (step - zero_point) << left_shift, scaled by its requant, added or subtracted, then scaled
 * by output_requant. MUL: (a - za) * (b - zb) scaled by output_requant; left_shift and the inputs' requants unused. */
struct nj_elementwise {
    int32_t shape[4]; /* of the output */
    int32_t stride1[4]; /* of the inputs, in elements */
    int32_t stride2[4];
    int32_t zero_point1;
    int32_t zero_point2;
    int32_t output_zero_point;
    int32_t left_shift;
    struct nj_requant requant1;
    struct nj_requant requant2;
    struct nj_requant output_requant;
    int32_t activation_min;
    int32_t activation_max;
    enum nj_rounding rounding;
};

/* SELECT and SELECT_V2 of up to 4 dimensions with broadcast, as struct nj_elementwise: where the condition, bytes of 0 or not,
 * holds the step of input1, else that of input2. */
struct nj_select {
    int32_t shape[4]; /* of the output */
    int32_t stride_condition[4];
    int32_t stride1[4];
    int32_t stride2[4];
};

/* The shift of a linear form that Helium takes in two narrowing instructions; forms of other shifts take longer. */
#define NJ_LINEAR_SHIFT 22

/* ADD and SUB of equal shapes where a linear form gives the same bytes for all 65536 pairs of steps, which the generator
 * has tried: clamp((factor1 * a + factor2 * b + offset) >> shift), rounding down, the sum within int32 by at least
 * 2^(NJ_LINEAR_SHIFT - 1). */
struct nj_linear_sum {
    int32_t factor1;
    int32_t factor2;
    int32_t offset;
    int32_t shift; /* 0 to 31 */
    int32_t activation_min;
    int32_t activation_max;
};

/* DEPTHWISE_CONV_2D of one place a window and depth multiplier 1 as a linear form of each channel's steps, likewise:
 * clamp((factor[c] * step + offset[c]) >> shift). Both arrays reach to a whole 4 channels. */
struct nj_linear_channels {
    int32_t places;
    int32_t channels;
    int32_t shift; /* 0 to 31 */
    int32_t activation_min;
    int32_t activation_max;
    const int32_t *factor;
    const int32_t *offset;
};

/* AVERAGE_POOL_2D and MAX_POOL_2D; input and output share scale and zero point. Padded places do not count. */
struct nj_pool {
    struct nj_image input;
    struct nj_image output;
    struct nj_window window;
    int32_t activation_min;
    int32_t activation_max;
};

/* MEAN over axes of a 4-dimensional tensor: reduce[d] is 1 for a reduced axis. The accumulator is the sum of the steps;
 * output = requantize(sum - input_zero_point * count) + output_zero_point, requant holding scales and 1 / count as
 * the reference does. */
struct nj_mean {
    int32_t shape[4];
    int32_t reduce[4];
    int32_t input_zero_point;
    int32_t output_zero_point;
    struct nj_requant requant;
    enum nj_rounding rounding;
};

/* SUM over axes of a 4-dimensional tensor, as struct nj_mean without the division:
 * output = requantize(sum - input_zero_point * count) + output_zero_point. With unsigned_steps each step is read as
 * uint8 and the result is clamped to [0, 255], as the pinned TFLite's reference does with int8; else to int8. */
struct nj_sum {
    int32_t shape[4];
    int32_t reduce[4];
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t unsigned_steps;
    struct nj_requant requant;
    enum nj_rounding rounding;
};

/* REDUCE_MAX and REDUCE_MIN over axes of a 4-dimensional tensor, as struct nj_mean: the largest or the smallest of the steps
 * as they are. Input and output share scale and zero point. */
struct nj_reduce {
    int32_t shape[4];
    int32_t reduce[4];
};

/* ARG_MAX and ARG_MIN over the middle of [outer][size][inner]: the place of the largest or smallest step, the first of equal
 * ones. output: int32 [outer][inner][words], the place first; words is 1, or 2 for int64, little-endian. */
struct nj_arg {
    int32_t outer;
    int32_t size;
    int32_t inner;
    int32_t words;
};

/* SOFTMAX over the last axis, int8 to int8 (scale 1/256, zero point -128). */
struct nj_softmax {
    int32_t rows;
    int32_t depth;
    struct nj_requant input_requant; /* beta * input scale, as TFLite's PreprocessSoftmaxScaling gives it */
    int32_t difference_min;
};

/* LOG_SOFTMAX over the last axis, int8 to int8 (scale 1/16, zero point 127). */
struct nj_log_softmax {
    int32_t rows;
    int32_t depth;
    struct nj_requant input_requant; /* as of nj_softmax */
    int32_t difference_min;
    struct nj_requant reverse_requant; /* what undoes input_requant */
};

/* L2_NORMALIZATION over the last axis, int8 to int8 (scale 1/128, zero point 0): each value divided by the root of the sum
 * of the row's squares, by an inverse square root in fixed point. depth is at most 32768. */
struct nj_l2_normalization {
    int32_t rows;
    int32_t depth;
    int32_t input_zero_point;
};

enum { NJ_TRANSPOSE_DIMENSIONS = 6 };

/* TRANSPOSE, slices, TILE, DEPTH_TO_SPACE and SPACE_TO_DEPTH, of up to 6 dimensions: output dimension d walks the input with stride[d]. */
struct nj_transpose {
    int32_t shape[NJ_TRANSPOSE_DIMENSIONS]; /* of the output, each at least 1 */
    int32_t stride[NJ_TRANSPOSE_DIMENSIONS]; /* of the input, in elements */
};

/* PAD and PADV2 of up to 4 dimensions. */
struct nj_pad {
    int32_t shape[4]; /* of the input */
    int32_t before[4];
    int32_t after[4];
    int8_t value;
};

/* CONCATENATION of `count` int8 tensors of equal quantization: each contributes `lengths[i]` contiguous elements to
 * each of `outer` rows. */
struct nj_concatenation {
    int32_t count;
    int32_t outer;
    const int32_t *lengths;
};

/* GATHER, MIRROR_PAD and RESIZE_NEAREST_NEIGHBOR: output [outer][rows][columns][inner] takes, at (row, column), what the input
 * [outer][input_rows][input_columns][inner] has at (row_of[row], column_of[column]). */
struct nj_gather {
    int32_t outer;
    int32_t rows;
    int32_t columns;
    int32_t input_rows;
    int32_t input_columns;
    int32_t inner;
    const int32_t *row_of;
    const int32_t *column_of;
};

enum { NJ_BILINEAR_SHIFT = 20 };

/* RESIZE_BILINEAR of NHWC: output row y lies between the input rows row_between[3 * y] and [3 * y + 1], and the weight of
 * the second is [3 * y + 2] in 1/1024, that of the first the rest; columns likewise. At the edges a weight may lie outside
 * [0, 1024], by at most half of it. The weighted sum is divided by 2^NJ_BILINEAR_SHIFT, half away from zero. */
struct nj_resize_bilinear {
    int32_t images;
    int32_t rows;
    int32_t columns;
    int32_t input_rows;
    int32_t input_columns;
    int32_t channels;
    const int32_t *row_between;
    const int32_t *column_between;
};

/* weights: 16 * rows bytes, aligned to 4. */
void nj_unpack_s8(const struct nj_packed_weights *op, int8_t *weights);
void nj_conv_2d_s8(const struct nj_convolution *op, const int8_t *input, int8_t *output);
/* scratch, aligned to 4: 16 * turns + 12 bytes; and besides, but for windows of one place without padding, batch * patch + 16
 * bytes, or where batch is 0 the bytes of two patches and a row of the window. */
void nj_conv_2d_packed_s8(const struct nj_packed_convolution *op, const int8_t *input, int8_t *output,
                          int8_t *scratch);
void nj_depthwise_conv_2d_s8(const struct nj_convolution *op, const int8_t *input, int8_t *output);
/* scratch: 4 * (taps + 3) bytes, aligned to 4. */
void nj_depthwise_conv_2d_packed_s8(const struct nj_packed_depthwise *op, const int8_t *input, int8_t *output,
                                    int8_t *scratch);
/* scratch: as many bytes as taps that an output meets, times the input's channels. */
void nj_transpose_conv_s8(const struct nj_transpose_conv *op, const int8_t *input, int8_t *output, int8_t *scratch);
void nj_fully_connected_s8(const struct nj_fully_connected *op, const int8_t *input, int8_t *output);
/* state: int16 [batches, filters, memory], the oldest first; aligned to 2. */
void nj_svdf_s8(const struct nj_svdf *op, const int8_t *input, int8_t *state, int8_t *output);
/* hidden: [batches, units]; cell: int16 [batches, units], aligned to 2; scratch: 20 bytes a unit, aligned to 4. */
void nj_unidirectional_sequence_lstm_s8(const struct nj_lstm *op, const int8_t *input, int8_t *hidden, int8_t *cell,
                                        int8_t *output, int8_t *scratch);
void nj_fully_connected_packed_s8(const struct nj_packed_fully_connected *op, const int8_t *input, int8_t *output);
/* scratch: 4 bytes a column, aligned to 4, and the bytes of a matrix for each of turn1 and turn2. */
void nj_batch_matmul_s8(const struct nj_batch_matmul *op, const int8_t *input1, const int8_t *input2, int8_t *output,
                        int8_t *scratch);
void nj_add_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
void nj_sub_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
/* SQUARED_DIFFERENCE: as SUB, with a left_shift of 7, and the difference squared before it is scaled by output_requant. */
void nj_squared_difference_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
/* PRELU: input1 is the input, input2 alpha. Steps not below zero_point1 are scaled by requant1, the products of the
 * others with alpha by output_requant; left_shift, requant2 and the activation are not used. */
void nj_prelu_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
void nj_mul_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
/* The output may be either input. */
void nj_linear_sum_s8(const struct nj_linear_sum *op, const int8_t *input1, const int8_t *input2, int8_t *output,
                      size_t count);
/* The output may be the input. */
void nj_linear_channels_s8(const struct nj_linear_channels *op, const int8_t *input, int8_t *output);
/* Comparisons: each input is (step - zero_point) << left_shift, scaled by its requant; the output is 1 or 0, a bool. Of the
 * structure neither output_requant nor what is of the output counts. */
void nj_greater_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
void nj_greater_equal_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
void nj_equal_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
void nj_not_equal_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
/* The output may be either input, not the condition, where its shape is the output's. */
void nj_select_s8(const struct nj_select *op, const int8_t *condition, const int8_t *input1, const int8_t *input2,
                  int8_t *output);
/* MAXIMUM and MINIMUM of the steps as they are: only shape and strides of the structure count. */
void nj_maximum_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
void nj_minimum_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
void nj_average_pool_2d_s8(const struct nj_pool *op, const int8_t *input, int8_t *output);
void nj_max_pool_2d_s8(const struct nj_pool *op, const int8_t *input, int8_t *output);
void nj_sum_s8(const struct nj_sum *op, const int8_t *input, int8_t *output);
void nj_mean_s8(const struct nj_mean *op, const int8_t *input, int8_t *output);
void nj_reduce_max_s8(const struct nj_reduce *op, const int8_t *input, int8_t *output);
void nj_reduce_min_s8(const struct nj_reduce *op, const int8_t *input, int8_t *output);
void nj_arg_max_s8(const struct nj_arg *op, const int8_t *input, int32_t *output);
void nj_arg_min_s8(const struct nj_arg *op, const int8_t *input, int32_t *output);
void nj_softmax_s8(const struct nj_softmax *op, const int8_t *input, int8_t *output);
/* Of both, the output may be the input. */
void nj_log_softmax_s8(const struct nj_log_softmax *op, const int8_t *input, int8_t *output);
void nj_l2_normalization_s8(const struct nj_l2_normalization *op, const int8_t *input, int8_t *output);
void nj_transpose_s8(const struct nj_transpose *op, const int8_t *input, int8_t *output);
void nj_gather_s8(const struct nj_gather *op, const int8_t *input, int8_t *output);
void nj_resize_bilinear_s8(const struct nj_resize_bilinear *op, const int8_t *input, int8_t *output);
void nj_pad_s8(const struct nj_pad *op, const int8_t *input, int8_t *output);
void nj_concatenation_s8(const struct nj_concatenation *op, const int8_t *const *inputs, int8_t *output);

/* Any int8 to int8 op of one input, as a table of 256: output[i] = table[input[i] + 128]. RELU and its kin, LOGISTIC,
 * TANH, LOG, ELU, GELU, EXP, SQRT, RSQRT, NEG, QUANTIZE between int8 scales, and between int8 and uint8, whose steps
 * 128 to 255 are read and written as -128 to -1. */
void nj_lookup_s8(const int8_t table[256], const int8_t *input, int8_t *output, size_t count);

/* RESHAPE and its kin where a copy is needed. */
void nj_copy_s8(const int8_t *input, int8_t *output, size_t count);

/* QUANTIZE: round half away from zero of value / scale, plus zero_point, saturated to [-128, 127]. */
void nj_quantize_f32_s8(const float *input, int8_t *output, size_t count, float scale, int32_t zero_point);

/* NEG and SQUARE of floats, as converters leave them between a DEQUANTIZE and a QUANTIZE. The output may be the input. */
void nj_neg_f32(const float *input, float *output, size_t count);
void nj_square_f32(const float *input, float *output, size_t count);

/* DEQUANTIZE: scale * (step - zero_point). */
void nj_dequantize_s8_f32(const int8_t *input, float *output, size_t count, float scale, int32_t zero_point);

#endif
