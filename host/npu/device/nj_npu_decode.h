/* Between nj_npu_decode.c, which walks through units and links, and nj_npu_decode_units.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_DECODE_H
#define NJ_NPU_DECODE_H

#include "nj_npu_registers.h"

/* One unit being read. The first fault is kept; what comes after it is read, and of no use. */
struct nj_npu_reader {
    const struct nj_npu_registers *registers;
    struct nj_npu_port where;
    struct nj_npu_error *error;
};

void nj_npu_fault(const struct nj_npu_reader *reader, enum nj_npu_status status,
                  enum nj_npu_field_id field, int64_t value);

void nj_npu_decode_stream(const struct nj_npu_reader *reader, struct nj_npu_stream *stream);
void nj_npu_decode_conv(const struct nj_npu_reader *reader, struct nj_npu_conv *conv);
void nj_npu_decode_arith(const struct nj_npu_reader *reader, struct nj_npu_arith *arith);
void nj_npu_decode_pool(const struct nj_npu_reader *reader, struct nj_npu_pool *pool);

#endif
