/* SPDX-License-Identifier: MIT */
#include "nj_staging.h"

#include <string.h>

_Static_assert(NJ_MAX_INPUTS == 32, "one bit each");

static bool chunk_whole;
static uint32_t inputs_whole; /* bit i: input i */

static uint32_t rounded(uint32_t bytes) {
    return (bytes + 15u) & ~15u;
}

enum nj_status nj_staging_place(uint32_t target, uint32_t index, struct nj_place *place) {
    uint32_t offset = 0;
    uint32_t bytes;
    if (target == NJ_TARGET_CHUNK && index == 0 && nj_frontend_stage.present) {
        bytes = nj_frontend_stage.chunk_samples * (uint32_t)sizeof(int16_t);
    } else if (target == NJ_TARGET_INPUT && index < nj_model.inputs && nj_model.inputs <= NJ_MAX_INPUTS) {
        for (uint32_t i = 0; i < index; ++i) {
            offset += rounded(nj_model.input[i].bytes);
        }
        bytes = nj_model.input[index].bytes;
    } else {
        return NJ_BAD_ARGUMENT;
    }
    if (offset > nj_staging.bytes || bytes > nj_staging.bytes - offset) {
        return NJ_BAD_ARGUMENT;
    }
    *place = (struct nj_place){.data = (uint8_t *)nj_staging.data + offset, .bytes = bytes};
    return NJ_OK;
}

void nj_staging_forget(void) {
    chunk_whole = false;
    inputs_whole = 0;
}

void nj_staging_begin(uint32_t target, uint32_t index) {
    chunk_whole = false;
    if (target == NJ_TARGET_CHUNK) {
        inputs_whole = 0;
    } else {
        inputs_whole &= ~(1u << index);
    }
}

void nj_staging_end(uint32_t target, uint32_t index) {
    if (target == NJ_TARGET_CHUNK) {
        chunk_whole = true;
    } else {
        inputs_whole |= 1u << index;
    }
}

bool nj_staging_has_chunk(void) {
    return chunk_whole;
}

bool nj_staging_has_inputs(void) {
    const uint32_t all = nj_model.inputs >= 32 ? UINT32_MAX : (1u << nj_model.inputs) - 1u;
    return !chunk_whole && inputs_whole == all;
}

void nj_staging_copy_inputs(void) {
    for (uint32_t i = 0; i < nj_model.inputs; ++i) {
        struct nj_place staged;
        if (nj_staging_place(NJ_TARGET_INPUT, i, &staged) == NJ_OK) {
            memcpy(nj_model.input[i].data, staged.data, staged.bytes);
        }
    }
}
