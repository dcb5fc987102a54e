/* Where a generated network runs: a process of this computer, or the firmware of a virtual board.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_PLACE_H
#define NJ_NPU_PLACE_H

#include <stddef.h>
#include <stdio.h>

#include "nj_npu_network.h"

struct nj_npu_place {
    FILE *out; /* what it tells; nothing else is written there */
    void *scratch; /* as nj_npu_machine.scratch */
    size_t scratch_bytes;
    /* The next bytes that it is told; false behind the last. */
    bool (*listen)(void *bytes, size_t length);
    /* Calls run(tie), on memory that is for the next run as it was for this one. */
    void (*run)(void (*run)(uint32_t tie), uint32_t tie);
};

/* Answers requests until there are no more; see nj_npu_child.c. An exit status. */
int nj_npu_serve(const struct nj_npu_network *network, const struct nj_npu_place *place);

/* Tells that the run before has crashed with the signal of that number. */
void nj_npu_tell_crash(uint32_t number);

/* Zeros that stand for the NPU's memory [address, address + size); NULL where there is no room. */
uint8_t *nj_npu_zeros(uint32_t address, uint32_t size);

#endif
