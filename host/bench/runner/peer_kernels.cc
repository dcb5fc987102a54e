// Kernels of CMSIS-NN (Helium) and tflite-micro's reference kernels, in the shapes of kernel_cases.py, by their names.
// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstdlib>

#include "arm_nnfunctions.h"
#include "tensorflow/lite/kernels/internal/reference/arg_min_max.h"
#include "tensorflow/lite/kernels/internal/reference/div.h"
#include "tensorflow/lite/kernels/internal/reference/integer_ops/add.h"
#include "tensorflow/lite/kernels/internal/reference/integer_ops/l2normalization.h"
#include "tensorflow/lite/kernels/internal/reference/integer_ops/logistic.h"
#include "tensorflow/lite/kernels/internal/reference/log_softmax.h"
#include "tensorflow/lite/kernels/internal/reference/reduce.h"
#include "tensorflow/lite/kernels/internal/reference/resize_bilinear.h"
#include "tensorflow/lite/kernels/internal/reference/space_to_depth.h"

extern "C" void nj_bench(void);
extern "C" void nj_measure(const char *name, void (*body)(void));

using tflite::RuntimeShape;

// What std::function would bring along.
namespace std
{
void __throw_bad_function_call()
{
    abort();
}
} // namespace std

void operator delete(void *) noexcept
{
}

void operator delete(void *, size_t) noexcept
{
}

extern "C" void abort()
{
    __asm__ volatile("udf #0");
    for (;;) {
    }
}

template <typename... D> static RuntimeShape dims(D... each)
{
    const int32_t all[] = {each...};
    return RuntimeShape(sizeof...(each), all);
}

static int8_t input[65536], other[65536], weights[65536], output[65536];
static int8_t scratch[1 << 20], reversed[1 << 18];
static int16_t state[65536], time_weights[65536];
static int32_t bias[256], multiplier[256], shift[256], indices[256];

struct Transposed { // and the padding before
    int32_t height, width, inputs, outputs, kernel, stride, pad;
};

static Transposed transposed;

static void transpose_conv()
{
    const Transposed &t = transposed;
    const cmsis_nn_transpose_conv_params params = {3, -7, {t.stride, t.stride}, {t.pad, t.pad}, {0, 0}, {1, 1}, {-128, 127}};
    const cmsis_nn_per_channel_quant_params quant = {multiplier, shift};
    const cmsis_nn_dims in = {1, t.height, t.width, t.inputs}, filter = {t.outputs, t.kernel, t.kernel, t.inputs};
    const cmsis_nn_dims biases = {1, 1, 1, t.outputs}, out = {1, t.height * t.stride, t.width * t.stride, t.outputs};
    const cmsis_nn_context own = {scratch, sizeof scratch}, whole = {reversed, sizeof reversed};
    if (arm_transpose_conv_wrapper_s8(&own, &whole, &params, &quant, &in, input, &filter, weights, &biases, bias, &out,
                                      output) != ARM_CMSIS_NN_SUCCESS) {
        abort();
    }
}

static void batch_matmul()
{
    const cmsis_nn_bmm_params params = {false, true, {3, 5, -7, {-128, 127}}};
    const cmsis_nn_per_tensor_quant_params quant = {multiplier[0], shift[0]};
    const cmsis_nn_dims left = {1, 1, 16, 32}, right = {1, 1, 16, 32}, out = {1, 1, 16, 16};
    const cmsis_nn_context own = {scratch, sizeof scratch};
    if (arm_batch_matmul_s8(&own, &params, &quant, &left, input, &right, other, &out, output) != ARM_CMSIS_NN_SUCCESS) {
        abort();
    }
}

static void svdf()
{
    const cmsis_nn_svdf_params params = {2, 3, -7, {-32768, 32767}, {-128, 127}};
    const cmsis_nn_per_tensor_quant_params quant = {multiplier[0], shift[0]};
    const cmsis_nn_dims in = {1, 19, 1, 1}, held = {1, 32, 8, 1}, features = {32, 19, 1, 1}, times = {32, 8, 1, 1};
    const cmsis_nn_dims biases = {16, 1, 1, 1}, out = {1, 16, 1, 1};
    const cmsis_nn_context one = {scratch, 4096}, two = {scratch + 4096, 4096};
    if (arm_svdf_state_s16_s8(&one, &two, &params, &quant, &quant, &in, input, &held, state, &features, weights, &times,
                              time_weights, &biases, bias, &out, output) != ARM_CMSIS_NN_SUCCESS) {
        abort();
    }
}

static void lstm()
{
    const int32_t steps = 8, inputs = 32, units = 32;
    static int16_t first[32], second[32];
    static int8_t hidden[32];
    cmsis_nn_lstm_gate gate = {multiplier[0], -2, weights, bias, multiplier[0], -2, other, bias, bias, ARM_SIGMOID};
    cmsis_nn_lstm_params params = {0, 1, steps, inputs, units, 5, 1 << 30, -14, 1 << 30, -14, 32767, -11,
                                   1 << 30, -20, 3, gate, gate, gate, gate};
    params.cell_gate.activation_type = ARM_TANH;
    cmsis_nn_lstm_context buffers = {first, second, state, hidden};
    if (arm_lstm_unidirectional_s8(input, output, &params, &buffers) != ARM_CMSIS_NN_SUCCESS) {
        abort();
    }
}

static void resize_bilinear()
{
    const int32_t size[2] = {16, 16};
    tflite::reference_ops::ResizeBilinearInteger({false, true}, dims(1, 8, 8, 16), input, dims(1, 1, 1, 2),
                                                 size, dims(1, 16, 16, 16), output);
}

static int8_t larger(int8_t a, int8_t b)
{
    return a > b ? a : b;
}

static void reduce_max()
{
    const int in[4] = {1, 8, 8, 64}, out[2] = {1, 64}, axes[2] = {1, 2};
    int at[4], resolved[2];
    tflite::reference_ops::ReduceGeneric<int8_t>(input, in, 4, output, out, 2, axes, 2, false, at, resolved, -128, larger);
}

static int8_t smaller(int8_t a, int8_t b)
{
    return a < b ? a : b;
}

static void reduce_min()
{
    const int in[4] = {1, 8, 8, 64}, out[2] = {1, 64}, axes[2] = {1, 2};
    int at[4], resolved[2];
    tflite::reference_ops::ReduceGeneric<int8_t>(input, in, 4, output, out, 2, axes, 2, false, at, resolved, 127, smaller);
}

static int8_t squared(int8_t left, int8_t right, const tflite::ArithmeticParams &p)
{
    const int32_t a = tflite::MultiplyByQuantizedMultiplierSmallerThanOneExp((left + p.input1_offset) << p.left_shift,
                                                                             p.input1_multiplier, p.input1_shift);
    const int32_t b = tflite::MultiplyByQuantizedMultiplierSmallerThanOneExp((right + p.input2_offset) << p.left_shift,
                                                                             p.input2_multiplier, p.input2_shift);
    const int32_t square = (a - b) * (a - b);
    const int32_t step = tflite::MultiplyByQuantizedMultiplier(square, p.output_multiplier, p.output_shift) + p.output_offset;
    return (int8_t)std::min(p.quantized_activation_max, std::max(p.quantized_activation_min, step));
}

// tflite-micro's arithmetic of one value lies in a file with its interpreter: what it calls is called here.
static void squared_difference()
{
    tflite::ArithmeticParams params = {};
    params.left_shift = 7;
    params.input1_offset = -3;
    params.input2_offset = -5;
    params.input1_multiplier = params.input2_multiplier = params.output_multiplier = 1 << 30;
    params.input1_shift = params.input2_shift = 0;
    params.output_shift = -14;
    params.output_offset = -128;
    params.quantized_activation_min = -128;
    params.quantized_activation_max = 127;
    tflite::reference_integer_ops::ElementWise<int8_t>(1024, params, input, other, output,
                                                       tflite::reference_integer_ops::CheckArithmeticParams, squared);
}

static void log_softmax()
{
    tflite::SoftmaxParams params = {};
    params.input_multiplier = 1717986918; // of a scale of 0.05, as are the others
    params.input_left_shift = 22;
    params.reverse_scaling_divisor = 1342177280;
    params.reverse_scaling_right_shift = 21;
    params.diff_min = -496;
    tflite::reference_ops::LogSoftmax(params, 16, 64, dims(16, 64), input, dims(16, 64), output);
}

static void div()
{
    tflite::ArithmeticParams params = {};
    params.input1_offset = -3;
    params.input2_offset = 128;
    params.output_multiplier = 1 << 30;
    params.output_shift = 8;
    params.quantized_activation_min = -128;
    params.quantized_activation_max = 127;
    tflite::reference_ops::Div(params, dims(1, 1024), input, dims(1, 1024), other, dims(1, 1024),
                               output);
}

static void l2_normalization()
{
    tflite::reference_integer_ops::L2Normalization(3, 16, 64, input, output);
}

static void logistic()
{
    tflite::reference_integer_ops::Logistic(3, 200, 1 << 30, 20, 1024, input, output);
}

static void arg_max()
{
    const int32_t axis = 1;
    tflite::reference_ops::ArgMinMax(dims(16, 64), input, &axis, dims(16), indices, true);
}

static void space_to_depth()
{
    tflite::SpaceToDepthParams params = {};
    params.block_size = 2;
    tflite::reference_ops::SpaceToDepth(params, dims(1, 16, 16, 8), input, dims(1, 8, 8, 32), output);
}

static void of(const char *name, Transposed shape)
{
    transposed = shape;
    nj_measure(name, transpose_conv);
}

void nj_bench(void)
{
    uint32_t seed = 1;
    for (int32_t i = 0; i < 65536; i++) {
        seed = seed * 1664525u + 1013904223u;
        input[i] = (int8_t)(seed >> 24);
        weights[i] = (int8_t)(seed >> 16);
        other[i] = (int8_t)((seed >> 25) + 1); // never its zero point, -128
        time_weights[i] = (int16_t)(seed >> 22);
    }
    for (int32_t i = 0; i < 256; i++) {
        multiplier[i] = 1518500250;
        shift[i] = -8;
    }
    of("transpose_conv_8x8x16_8_3_2", {8, 8, 16, 8, 3, 2, 0});
    of("transpose_conv_6x10x32_16_2_2", {6, 10, 32, 16, 2, 2, 0});
    of("transpose_conv_16x16x8_8_4_2", {16, 16, 8, 8, 4, 2, 1});
    of("transpose_conv_5x5x64_32_3_1", {5, 5, 64, 32, 3, 1, 1});
    nj_measure("batch_matmul_16x32_16x32", batch_matmul);
    nj_measure("svdf_19_16_2_8", svdf);
    nj_measure("lstm_8x32_32", lstm);
    nj_measure("resize_bilinear_8x8x16", resize_bilinear);
    nj_measure("reduce_max_8x8x64", reduce_max);
    nj_measure("reduce_min_8x8x64", reduce_min);
    nj_measure("squared_difference_1024", squared_difference);
    nj_measure("log_softmax_16x64", log_softmax);
    nj_measure("div_1024", div);
    nj_measure("l2_normalization_16x64", l2_normalization);
    nj_measure("logistic_1024", logistic);
    nj_measure("arg_max_16x64", arg_max);
    nj_measure("space_to_depth_16x16x8", space_to_depth);
}
