/* Convolution of 8-bit steps on the processor: exact sums, one scaling in double precision.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_tensor.h"

static const char who[] = "ll_sw_forward_conv_integer";

/* What a window adds up to for one kernel. */
struct window {
    const uint8_t *input;
    const uint8_t *weights;
    long y, x; /* of its first element in the input, padding left of 0 */
    uint32_t channel; /* the first of its group */
    int32_t zero;
    int32_t weight_zero;
};

static int64_t sum_of(const Conv_integer_sw_info *info, struct window w)
{
    const Tensor_info *in = &info->general.input;
    const Tensor_info *kernel = &info->weights;
    int64_t sum = 0;
    for (uint32_t ky = 0; ky < kernel->dim.tensor_h; ky++) {
        long y = w.y + (long)ky * info->dilations[0];
        if (y < 0 || y >= (long)in->dim.tensor_h) {
            continue;
        }
        for (uint32_t kx = 0; kx < kernel->dim.tensor_w; kx++) {
            long x = w.x + (long)kx * info->dilations[1];
            if (x < 0 || x >= (long)in->dim.tensor_w) {
                continue;
            }
            const uint8_t *pixel = w.input + ((size_t)y * in->dim.tensor_w + (size_t)x) *
                                                 in->dim.tensor_c + w.channel;
            const uint8_t *taps =
                w.weights + ((size_t)ky * kernel->dim.tensor_w + kx) * kernel->dim.tensor_c;
            for (uint32_t c = 0; c < kernel->dim.tensor_c; c++) {
                sum += (int64_t)(nj_npu_step(in, pixel[c]) - w.zero) *
                       (nj_npu_step(kernel, taps[c]) - w.weight_zero);
            }
        }
    }
    return sum;
}

static void check(const Conv_integer_sw_info *info)
{
    const Tensor_dim_info *in = &info->general.input.dim;
    const Tensor_dim_info *out = &info->general.output.dim;
    const Tensor_dim_info *kernel = &info->weights.dim;
    uint32_t groups = (uint32_t)info->ngroup;
    if (info->ngroup < 1 || kernel->tensor_c * groups != in->tensor_c ||
        kernel->tensor_b != out->tensor_c || kernel->tensor_b % groups != 0) {
        nj_npu_refuse_call(who, "ngroup", info->ngroup);
    }
    if (in->tensor_b != 1 || out->tensor_b != 1) {
        nj_npu_refuse_call(who, "tensor_b", in->tensor_b);
    }
    const struct {
        const char *field;
        const Tensor_dim_info *dim;
    } sizes[] = {{"input.num_elem", in}, {"output.num_elem", out}, {"weights.num_elem", kernel}};
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t all = (uint64_t)sizes[i].dim->tensor_h * sizes[i].dim->tensor_w;
        all *= (uint64_t)sizes[i].dim->tensor_c;
        if (all > UINT32_MAX || all * sizes[i].dim->tensor_b != sizes[i].dim->num_elem) {
            nj_npu_refuse_call(who, sizes[i].field, sizes[i].dim->num_elem);
        }
    }
    if (info->bias.dim.num_elem != 0 && info->bias.dim.num_elem < kernel->tensor_b) {
        nj_npu_refuse_call(who, "bias.num_elem", info->bias.dim.num_elem);
    }
}

void ll_sw_forward_conv_integer(void *sw_info_struct)
{
    const Conv_integer_sw_info *info = sw_info_struct;
    check(info);
    const Tensor_info *out = &info->general.output;
    const uint8_t *weights = nj_npu_elements(&info->weights, 1, false, who);
    const int32_t *bias = info->bias.dim.num_elem != 0
                              ? nj_npu_elements(&info->bias, sizeof(int32_t), false, who)
                              : NULL;
    uint8_t *to = nj_npu_elements(out, 1, true, who);
    double in_scale = (double)nj_npu_scale(&info->is, 0, who);
    double out_scale = (double)nj_npu_scale(&info->os, 0, who);
    int32_t out_zero = nj_npu_zero(&info->ozp, 0, who);
    uint32_t kernels = info->weights.dim.tensor_b;
    uint32_t taps = info->weights.dim.num_elem / kernels;
    struct window w = {.input = nj_npu_elements(&info->general.input, 1, false, who),
                       .zero = nj_npu_zero(&info->izp, 0, who)};
    for (uint32_t k = 0; k < kernels; k++) {
        w.weights = weights + (size_t)k * taps;
        w.channel = k / (kernels / (uint32_t)info->ngroup) * info->weights.dim.tensor_c;
        w.weight_zero = nj_npu_zero(&info->wzp, k, who);
        double scale = in_scale * (double)nj_npu_scale(&info->ws, k, who) / out_scale;
        for (uint32_t y = 0; y < out->dim.tensor_h; y++) {
            for (uint32_t x = 0; x < out->dim.tensor_w; x++) {
                w.y = (long)y * info->strides[0] - info->pads[0];
                w.x = (long)x * info->strides[1] - info->pads[1];
                int64_t sum = sum_of(info, w) + (bias ? bias[k] : 0);
                to[((size_t)y * out->dim.tensor_w + x) * kernels + k] =
                    nj_npu_saturated(out, (double)sum * scale + out_zero);
            }
        }
    }
}
