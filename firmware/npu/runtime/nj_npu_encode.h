/* From the record of an epoch to the NPU's registers: what nj_npu_decode.h reads back.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_ENCODE_H
#define NJ_NPU_ENCODE_H

#include "nj_npu.h"

/* Set up the units that the epoch enables, and the switch; then enable the units: it runs.
 * A value that its register has no room for does not return. */
void nj_npu_start_epoch(const struct nj_npu_epoch *epoch);

/* Disconnect and forget: the epoch's units are as after a reset. */
void nj_npu_end_epoch(const struct nj_npu_epoch *epoch);

/* Stop a unit, given by the offset of its page, and forget its settings. */
void nj_npu_clear(uint32_t page);

#endif
