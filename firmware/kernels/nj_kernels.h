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

#include "nj_layers.h"

#define NJ_KERNELS_API 2

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

/* DIV with broadcast as struct nj_elementwise. reciprocals: [256], of each step of the divisor, -128 first: 1 / (its distance
 * from zero_point2) as multiplier * 2^(shift - output shift - 31); where the divisor is negative, the dividend's sign is
 * turned. The quotient is the dividend, shifted left by all its headroom, times that and times `multiplier`, each rounded
 * half up at 31 bits, and shifted right by the headroom less `shift`, from 0 to 31, half away from zero. */
struct nj_div {
    int32_t shape[4]; /* of the output */
    int32_t stride1[4]; /* of the inputs, in elements */
    int32_t stride2[4];
    int32_t zero_point1;
    int32_t zero_point2;
    int32_t output_zero_point;
    int32_t multiplier;
    int32_t activation_min;
    int32_t activation_max;
    const struct nj_requant *reciprocals;
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

/* MEAN and SUM over axes of a 4-dimensional tensor: reduce[d] is 1 for a reduced axis. The accumulator is the sum of the
 * steps; output = requantize(sum - input_zero_point * count) + output_zero_point, requant holding scales and, of MEAN,
 * 1 / count as the reference does. */
struct nj_mean {
    int32_t shape[4];
    int32_t reduce[4];
    int32_t input_zero_point;
    int32_t output_zero_point;
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

void nj_add_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
void nj_sub_s8(const struct nj_elementwise *op, const int8_t *input1, const int8_t *input2, int8_t *output);
/* SQUARED_DIFFERENCE: as SUB, with a left_shift of 7, and the difference squared before it is scaled by output_requant. */
void nj_div_s8(const struct nj_div *op, const int8_t *input1, const int8_t *input2, int8_t *output);
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
/* The same to uint8, saturated to [0, 255]; its bytes pass as int8. */
void nj_quantize_f32_u8(const float *input, int8_t *output, size_t count, float scale, int32_t zero_point);

/* NEG and SQUARE of floats, as converters leave them between a DEQUANTIZE and a QUANTIZE. The output may be the input. */
void nj_neg_f32(const float *input, float *output, size_t count);
void nj_square_f32(const float *input, float *output, size_t count);

/* DEQUANTIZE: scale * (step - zero_point). */
void nj_dequantize_s8_f32(const int8_t *input, float *output, size_t count, float scale, int32_t zero_point);
/* The same of uint8, whose bytes pass as int8. */
void nj_dequantize_u8_f32(const int8_t *input, float *output, size_t count, float scale, int32_t zero_point);

#endif
