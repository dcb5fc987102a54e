/* TRANSPOSE_CONV as convolutions. SPDX-License-Identifier: MIT */
#include "nj_kernels.h"

enum { NJ_PART = 12 }; /* numbers of a part */

/* The convolution of one row of a part, the first. */
static struct nj_packed_convolution nj_part(const struct nj_packed_transpose *op, const int32_t *part)
{
    return (struct nj_packed_convolution){
        .input = op->input,
        .output = {1, part[2], part[3]},
        .window = {part[4], op->window_width, 1, 1, 1, 1, part[5], part[6]},
        .input_zero_point = op->input_zero_point,
        .output_zero_point = op->output_zero_point,
        .activation_min = op->activation_min,
        .activation_max = op->activation_max,
        .relu = op->relu,
        .patch = part[7],
        .batch = part[8],
        .turns = part[9],
        .weights = op->weights + part[10],
        .requant = op->requant + part[11],
    };
}

void nj_transpose_conv_packed_s8(const struct nj_packed_transpose *op, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const int32_t line = op->input.width * op->input.channels;
    for (int32_t i = 0; i < op->count; i++) {
        const int32_t *const part = op->parts + NJ_PART * i;
        struct nj_packed_convolution layer = nj_part(op, part);
        int8_t *target = output + part[0];
        if (op->pitch == part[2] * part[3]) { /* the part is a whole image */
            layer.output.height = part[1];
            nj_conv_2d_packed_s8(&layer, input, target, scratch);
            continue;
        }
        for (int32_t row = 0; row < part[1]; row++, target += op->pitch) {
            const int32_t above = part[5] - row;
            const int8_t *source = input;
            layer.input.height = op->input.height;
            layer.window.pad_top = above;
            if (above <= 0 && row - part[5] + part[4] <= op->input.height) { /* the rows of the window alone */
                source += line * -above;
                layer.input.height = part[4];
                layer.window.pad_top = 0;
            }
            nj_conv_2d_packed_s8(&layer, source, target, scratch);
        }
    }
}
