/* The settings of a unit, put into an image of its registers; not yet enabled.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_ENCODE_UNITS_H
#define NJ_NPU_ENCODE_UNITS_H

#include "nj_npu_registers.h"

enum { NJ_NPU_SWITCH_PAGE = 0x4000 };

/* Words of a page, those that are used. */
struct nj_npu_page {
    uint32_t offset; /* of the page from the NPU's base */
    uint64_t used;
    uint32_t word[NJ_NPU_PAGE_WORDS];
};

/* Put a value, signed or not, into its field; one that does not fit does not return. */
void nj_npu_set(struct nj_npu_page *page, enum nj_npu_field_id id, int64_t value);

void nj_npu_encode_stream(struct nj_npu_page *page, const struct nj_npu_epoch *epoch, uint32_t unit);
void nj_npu_encode_conv(struct nj_npu_page *page, const struct nj_npu_epoch *epoch, uint32_t unit);
void nj_npu_encode_arith(struct nj_npu_page *page, const struct nj_npu_epoch *epoch, uint32_t unit);
void nj_npu_encode_pool(struct nj_npu_page *page, const struct nj_npu_epoch *epoch, uint32_t unit);

#endif
