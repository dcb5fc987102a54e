/* Which places of an output see no padding. Internal to the kernels. SPDX-License-Identifier: MIT */
#ifndef NJ_INSIDE_H
#define NJ_INSIDE_H

#include "nj_layers.h"
#include "nj_requantize.h"

/* Output indices from `first` to before `behind` of a dimension see no padding. */
struct nj_inside {
    int32_t first;
    int32_t behind;
};

static inline struct nj_inside nj_inside(int32_t input, int32_t output, int32_t reach, int32_t stride, int32_t pad)
{
    const int32_t room = input - 1 - reach + pad;
    const int32_t first = (pad + stride - 1) / stride;
    return (struct nj_inside){first, room < 0 ? first : nj_clamp(room / stride + 1, first, output)};
}

static inline struct nj_inside nj_inside_rows(const struct nj_window *window, int32_t input, int32_t output)
{
    return nj_inside(input, output, (window->height - 1) * window->dilation_height, window->stride_height, window->pad_top);
}

static inline struct nj_inside nj_inside_columns(const struct nj_window *window, int32_t input, int32_t output)
{
    return nj_inside(input, output, (window->width - 1) * window->dilation_width, window->stride_width, window->pad_left);
}

/* Output indices from `at` on that are taken at once: those inside, in multiples of `together`, or one. */
static inline int32_t nj_stretch(struct nj_inside inside, int32_t at, int32_t together)
{
    const int32_t whole = (inside.behind - at) / together * together;
    return at == inside.first && whole > 1 ? whole : 1;
}

#endif
