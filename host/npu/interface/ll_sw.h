/* Software epochs: names and fields only, of the operators that ../software has. A pointer in a
 * Tensor_info is an NPU address.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_LL_SW_H
#define NJ_NPU_LL_SW_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    LL_SW_CONV,
    LL_SW_RELU,
    LL_SW_SOFTMAX,
    LL_SW_SIGMOID,
    LL_SW_TANH,
    LL_SW_QUANTIZELINEAR,
    LL_SW_DEQUANTIZELINEAR,
} NodeType;

typedef struct {
    uint32_t tensor_h;
    uint32_t tensor_w;
    uint32_t tensor_c;
    uint32_t tensor_b;
    uint32_t num_elem;
} Tensor_dim_info;

typedef struct {
    uint32_t h;
    uint32_t w;
    uint32_t c;
    uint32_t b;
} Tensor_stride_info;

typedef struct {
    unsigned char *start_offset;
} Tensor_mem_info;

typedef struct {
    bool is_signed;
} Tensor_format_info;

typedef struct {
    Tensor_dim_info dim;
    Tensor_stride_info stride; /* bytes */
    Tensor_mem_info mem;
    Tensor_format_info format;
} Tensor_info;

typedef struct {
    NodeType type;
    Tensor_info input;
    Tensor_info output;
} General;

typedef enum {
    LL_SW_SSSA_PW_CONV,
    LL_SW_SSSA_RGB_CONV,
    LL_SW_SSSA_DW_CONV,
    LL_SW_SSSA_DILATED_CONV,
    LL_SW_SSSA_GENERIC_CONV,
    LL_SW_GENERIC_CONV,
} conv_fwd_case;

typedef struct {
    General general;
    Tensor_info weights; /* b: kernels */
    Tensor_info scratch;
    Tensor_info bias; /* int32 */
    Tensor_info ws;   /* scales are float, zero points int8 */
    Tensor_info wzp;
    Tensor_info is;
    Tensor_info izp;
    Tensor_info os;
    Tensor_info ozp;
    int ngroup;
    long int pads[4]; /* top, left, bottom, right */
    long int strides[4];
    long int dilations[2];
    conv_fwd_case fwd_func;
} Conv_integer_sw_info;

typedef struct {
    General general;
    Tensor_info os;
    Tensor_info ozp;
} Quantizelinear_sw_info;

typedef struct {
    General general;
    Tensor_info is;
    Tensor_info izp;
} Dequantizelinear_sw_info;

typedef struct {
    General general;
    Tensor_info scratch;
    int axis;
} Softmax_sw_info;

typedef struct {
    General general;
    Tensor_info scratch;
    Tensor_info is;
    Tensor_info izp;
    Tensor_info os;
    Tensor_info ozp;
    int32_t quantized_multiplier;
    int32_t left_shift;
    int32_t diff_min;
    int32_t axis;
} Softmax_integer_sw_info;

typedef struct {
    General general;
    Tensor_info operand;
    float alpha;
    float beta;
    float gamma;
    float min;
    float max;
} Activ_sw_info;

void ll_sw_forward_conv_integer(void *sw_info_struct);
void ll_sw_forward_quantizelinear(void *sw_info_struct);
void ll_sw_forward_dequantizelinear(void *sw_info_struct);
void ll_sw_forward_softmax(void *sw_info_struct);
void ll_sw_forward_softmax_integer(void *sw_info_struct);
void ll_sw_forward_activ(void *sw_info_struct);

#endif
