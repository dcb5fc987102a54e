/* Runs kernels on a bare Cortex-M55 in QEMU (mps3-an547): takes cases from memory, writes the results to a file of the
 * host by semihosting. Not part of a firmware: testing_qemu.py compiles it and lays out the cases.
 * SPDX-License-Identifier: MIT
 */
#include <stdbool.h>

#include "../nj_kernels.h"

typedef void nj_unary(const void *op, const int8_t *input, int8_t *output);
typedef void nj_binary(const void *op, const int8_t *input1, const int8_t *input2, int8_t *output);

struct nj_squash;
void nj_squash_s8(const struct nj_squash *op, const int8_t *input, int8_t *output); /* nj_squash.c */

struct nj_case {
    uint32_t kernel; /* index below */
    const void *op;
    const int8_t *input1;
    const int8_t *input2;
    const int8_t *input3;
    int8_t *output;
    uint32_t count;
};

struct nj_scale { /* what QUANTIZE and DEQUANTIZE take as arguments */
    float scale;
    int32_t zero_point;
};

struct nj_cases {
    uint32_t count;
    int8_t *output;
    uint32_t output_bytes;
    struct nj_case item[];
};

#define NJ_CASES ((const struct nj_cases *)0x70000000)

enum { NJ_GAP = 0x5A }; /* what stands between the outputs, and must still stand there afterwards */

static _Alignas(16) int8_t nj_scratch[65536];

static void nj_run(const struct nj_case *item)
{
    switch (item->kernel) {
    case 0:
        nj_conv_2d_s8(item->op, item->input1, item->output);
        break;
    case 1:
        nj_depthwise_conv_2d_s8(item->op, item->input1, item->output);
        break;
    case 2:
        nj_fully_connected_s8(item->op, item->input1, item->output);
        break;
    case 3:
        nj_add_s8(item->op, item->input1, item->input2, item->output);
        break;
    case 4:
        nj_sub_s8(item->op, item->input1, item->input2, item->output);
        break;
    case 5:
        nj_mul_s8(item->op, item->input1, item->input2, item->output);
        break;
    case 6:
        nj_average_pool_2d_s8(item->op, item->input1, item->output);
        break;
    case 7:
        nj_max_pool_2d_s8(item->op, item->input1, item->output);
        break;
    case 8:
        nj_mean_s8(item->op, item->input1, item->output);
        break;
    case 9:
        nj_softmax_s8(item->op, item->input1, item->output);
        break;
    case 10:
        nj_lookup_s8(item->input1, item->input2, item->output, item->count);
        break;
    case 11:
        nj_conv_2d_packed_s8(item->op, item->input1, item->output, nj_scratch);
        break;
    case 12:
        nj_depthwise_conv_2d_packed_s8(item->op, item->input1, item->output, nj_scratch);
        break;
    case 13:
        nj_linear_sum_s8(item->op, item->input1, item->input2, item->output, item->count);
        break;
    case 14:
        nj_linear_channels_s8(item->op, item->input1, item->output);
        break;
    case 15:
        nj_transpose_s8(item->op, item->input1, item->output);
        break;
    case 16:
        nj_fully_connected_packed_s8(item->op, item->input1, item->output);
        break;
    case 17:
        nj_maximum_s8(item->op, item->input1, item->input2, item->output);
        break;
    case 18:
        nj_minimum_s8(item->op, item->input1, item->input2, item->output);
        break;
    case 19:
        nj_gather_s8(item->op, item->input1, item->output);
        break;
    case 20: {
        const struct nj_scale *op = item->op;
        nj_quantize_f32_s8((const float *)(const void *)item->input1, item->output, item->count, op->scale, op->zero_point);
        break;
    }
    case 21: {
        const struct nj_scale *op = item->op;
        nj_dequantize_s8_f32(item->input1, (float *)(void *)item->output, item->count / sizeof(float), op->scale,
                             op->zero_point);
        break;
    }
    case 22:
        nj_unpack_s8(item->op, item->output);
        break;
    case 23:
        nj_prelu_s8(item->op, item->input1, item->input2, item->output);
        break;
    case 24:
        nj_reduce_max_s8(item->op, item->input1, item->output);
        break;
    case 25:
        nj_reduce_min_s8(item->op, item->input1, item->output);
        break;
    case 26:
        nj_resize_bilinear_s8(item->op, item->input1, item->output);
        break;
    case 27:
        nj_transpose_conv_s8(item->op, item->input1, item->output, nj_scratch);
        break;
    case 28:
        nj_batch_matmul_s8(item->op, item->input1, item->input2, item->output, nj_scratch);
        break;
    case 29:
        nj_squared_difference_s8(item->op, item->input1, item->input2, item->output);
        break;
    case 30:
        nj_svdf_s8(item->op, item->input1, (int8_t *)(uintptr_t)item->input2, item->output);
        break;
    case 31:
        nj_select_s8(item->op, item->input1, item->input2, item->input3, item->output);
        break;
    case 32: {
        const struct nj_lstm *const op = item->op;
        int8_t *const cell = (int8_t *)(uintptr_t)item->input2; /* and the hidden state behind it */
        int8_t *const hidden = cell + 2 * op->batches * op->units;
        nj_unidirectional_sequence_lstm_s8(op, item->input1, hidden, cell, item->output, nj_scratch);
        break;
    }
    case 33: {
        const struct nj_scale *op = item->op;
        nj_quantize_f32_u8((const float *)(const void *)item->input1, item->output, item->count, op->scale, op->zero_point);
        break;
    }
    case 34: {
        const struct nj_scale *op = item->op;
        nj_dequantize_u8_f32(item->input1, (float *)(void *)item->output, item->count / sizeof(float), op->scale,
                             op->zero_point);
        break;
    }
    case 35:
        nj_div_s8(item->op, item->input1, item->input2, item->output);
        break;
    case 36:
        nj_transpose_conv_packed_s8(item->op, item->input1, item->output, nj_scratch);
        break;
    case 37:
        nj_squash_s8(item->op, item->input1, item->output);
        break;
    default:
        break;
    }
}

static int32_t nj_semihosting(uint32_t operation, const void *parameters)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameters;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
}

static void nj_main(void)
{
    *(volatile uint32_t *)0xE000ED88 |= 0xFU << 20; /* CPACR: floating point and Helium */
    __asm__ volatile("dsb\n isb");
    for (uint32_t i = 0; i < NJ_CASES->output_bytes; i++) {
        NJ_CASES->output[i] = NJ_GAP;
    }
    for (uint32_t i = 0; i < NJ_CASES->count; i++) {
        nj_run(&NJ_CASES->item[i]);
    }
    static const char name[] = "output.bin";
    const uint32_t open[3] = {(uint32_t)name, 5, sizeof name - 1}; /* "wb" */
    const int32_t file = nj_semihosting(1, open);
    const uint32_t write[3] = {(uint32_t)file, (uint32_t)NJ_CASES->output, NJ_CASES->output_bytes};
    const bool whole = nj_semihosting(5, write) == 0;
    const uint32_t close[1] = {(uint32_t)file};
    nj_semihosting(2, close);
    const uint32_t exit[2] = {0x20026, whole ? 0 : 1}; /* ADP_Stopped_ApplicationExit */
    nj_semihosting(0x20, exit);
}

static void nj_fault(void)
{
    const uint32_t exit[2] = {0x20026, 2};
    nj_semihosting(0x20, exit);
}

__attribute__((section(".vectors"), used)) static void (*const nj_vectors[8])(void) = {
    (void (*)(void))0x30080000, nj_main, nj_fault, nj_fault, nj_fault, nj_fault, nj_fault, nj_fault,
};
