/* The memory of a network is the chip's own: an address is a pointer. What nj_npu_host.h says of it, here.
 *
 * network.c keeps the data cache for the operators that ST's library runs on the processor. Moves that this library gives to
 * the NPU are the processor's here, so that every range is looked after again: dropped before it is used, and
 * what an operator has written goes to memory when its epoch block ends.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_memory.h"

#include "ll_aton.h"
#include "nj_npu_host.h"
#include "nj_npu_port.h"
#include "nj_npu_stop.h"

enum { RANGES = 32 };

static struct {
    const void *first;
    uint32_t bytes;
} written[RANGES];
static uint32_t ranges;

uint32_t nj_npu_address(const void *pointer) {
    return (uint32_t)(uintptr_t)pointer;
}

uint8_t *nj_npu_bytes(const void *pointer, uint64_t size, bool writes, const char *who) {
    const uint32_t address = nj_npu_address(pointer);
    if (address == 0 || size == 0 || size > UINT32_MAX - address || (writes && ranges == RANGES)) {
        nj_npu_refuse_call(who, writes && ranges == RANGES ? "ranges that it writes" : "bytes", (int64_t)size);
    }
    nj_npu_drop(pointer, (uint32_t)size);
    if (writes) {
        written[ranges].first = pointer;
        written[ranges++].bytes = (uint32_t)size;
    }
    return (uint8_t *)(uintptr_t)pointer;
}

void nj_npu_write_back(void) {
    for (uint32_t i = 0; i < ranges; ++i) {
        nj_npu_clean(written[i].first, written[i].bytes);
    }
    ranges = 0;
}

void nj_npu_cache_clean(uintptr_t address, uint32_t size) {
    nj_npu_clean((const void *)address, size);
}

/* Lines that are dropped may hold a neighbour's newest bytes: they go to memory first. */
void nj_npu_cache_drop(uintptr_t address, uint32_t size) {
    nj_npu_drop((const void *)address, size);
}

void nj_npu_refuse(struct nj_npu_error error, const char *who) {
    struct nj_npu_text text = {.length = 0};
    nj_npu_put(&text, "the network asks the NPU for ");
    nj_npu_put(&text, nj_npu_status_text(error.status));
    nj_npu_put(&text, ": ");
    nj_npu_put(&text, who);
    if (error.where.kind != NJ_NPU_NOTHING) {
        nj_npu_put(&text, " ");
        nj_npu_put(&text, nj_npu_kind_name((enum nj_npu_kind)error.where.kind));
        nj_npu_put(&text, " ");
        nj_npu_put_number(&text, error.where.unit);
    }
    nj_npu_put(&text, " ");
    nj_npu_put(&text, error.field);
    nj_npu_put(&text, " = ");
    nj_npu_put_number(&text, error.value);
    nj_npu_stop(&text);
}

void nj_npu_refuse_call(const char *call, const char *field, int64_t value) {
    nj_npu_refuse((struct nj_npu_error){.status = NJ_NPU_UNDEFINED, .field = field, .value = value}, call);
}
