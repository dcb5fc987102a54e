/* A network on the NPU as a model of the core: its steps are the epoch blocks of network.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_MODEL_H
#define NJ_NPU_MODEL_H

#include "nj_model.h"

/* Constants that belong into the NPU's RAM, which has no power when the firmware is loaded. */
struct nj_npu_image {
    void *to;
    const void *from;
    uint32_t bytes;
};

/* Of the generated project. */
extern const struct nj_npu_image nj_npu_images[];
extern const uint32_t nj_npu_image_count;

/* Run epoch block `number`; the generated steps call it. */
void nj_npu_step(uint32_t number);

extern const struct nj_accelerator nj_npu_accelerator;

#endif
