/* The process that a generated network runs in: its memory, the epoch that is being set up, and the
 * one way out for what cannot be done.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_HOST_H
#define NJ_NPU_HOST_H

#include "../device/nj_npu.h"

enum {
    NJ_NPU_REGIONS = 32,
    /* Arrays of the network itself, weights or programs, are seen from here on. */
    NJ_NPU_IMAGE = 0xc0000000,
};

/* What start() of an epoch block fills. */
extern struct nj_npu_epoch nj_npu_epoch;

/* Where the library of the network lies in this process. */
extern uint8_t *nj_npu_image;
extern uint64_t nj_npu_image_size;

/* Adds a region of zeros; false where it overlaps another, or there are too many. */
bool nj_npu_add_region(uint32_t address, uint32_t size, bool writable);

/* As nj_npu_machine.window. */
uint8_t *nj_npu_window(void *context, uint32_t address, uint32_t size, bool writes);

/* The NPU address of a pointer in generated code: an address already, or into the network's
 * image. */
uint32_t nj_npu_address(const void *pointer);

/* The bytes at a pointer in generated code, or no return. */
uint8_t *nj_npu_bytes(const void *pointer, uint64_t size, bool writes, const char *who);

/* Ends the run with an error; does not return. `who` says more, or is empty. */
_Noreturn void nj_npu_refuse(struct nj_npu_error error, const char *who);
/* The same for a call of generated code that is not known: its name, a field and a value. */
_Noreturn void nj_npu_refuse_call(const char *call, const char *field, int64_t value);

#endif
