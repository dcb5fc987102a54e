/* The one way out where the NPU cannot go on: a line of text for whoever watches the link, and a fault.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_STOP_H
#define NJ_NPU_STOP_H

#include <stdint.h>

/* Text that grows; what is too long is cut off. */
struct nj_npu_text {
    char text[480];
    uint32_t length;
};

void nj_npu_put(struct nj_npu_text *to, const char *text);
void nj_npu_put_number(struct nj_npu_text *to, int64_t value);
void nj_npu_put_hex(struct nj_npu_text *to, uint32_t value);

/* Sends it as a LOG frame, then raises a usage fault. */
_Noreturn void nj_npu_stop(const struct nj_npu_text *text);

/* An epoch that does not end: its block, and what the registers of the NPU say. */
_Noreturn void nj_npu_stop_late(uint32_t block, uint32_t engines);

#endif
