/* The memory of a network: regions of zeros at NPU addresses, and the network's own image.
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>

#include "nj_npu_host.h"
#include "nj_npu_place.h"

struct region {
    uint8_t *bytes;
    uint32_t address;
    uint32_t size;
    bool writable;
};

static struct region regions[NJ_NPU_REGIONS];
static uint32_t count;

uint8_t *nj_npu_image;
uint64_t nj_npu_image_size;

static bool holds(uint64_t first, uint64_t size, uint64_t address, uint64_t wanted)
{
    return address >= first && wanted <= size && address - first <= size - wanted;
}

bool nj_npu_add_region(uint32_t address, uint32_t size, bool writable)
{
    uint64_t end = (uint64_t)address + size;
    if (count == NJ_NPU_REGIONS || size == 0 || end > NJ_NPU_IMAGE) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t other = (uint64_t)regions[i].address + regions[i].size;
        if (address < other && regions[i].address < end) {
            return false;
        }
    }
    uint8_t *bytes = nj_npu_zeros(address, size);
    if (bytes == NULL) {
        return false;
    }
    regions[count++] = (struct region){bytes, address, size, writable};
    return true;
}

uint8_t *nj_npu_window(void *context, uint32_t address, uint32_t size, bool writes)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++) {
        const struct region *region = &regions[i];
        if (holds(region->address, region->size, address, size)) {
            return writes && !region->writable ? NULL : region->bytes + (address - region->address);
        }
    }
    if (!writes && holds(NJ_NPU_IMAGE, nj_npu_image_size, address, size)) {
        return nj_npu_image + (address - NJ_NPU_IMAGE);
    }
    return NULL;
}

uint32_t nj_npu_address(const void *pointer)
{
    uintptr_t at = (uintptr_t)pointer;
    uintptr_t image = (uintptr_t)nj_npu_image;
    if (at >= image && at - image < nj_npu_image_size) {
        return NJ_NPU_IMAGE + (uint32_t)(at - image);
    }
    for (uint32_t i = 0; i < count; i++) { /* where ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR moved it */
        uintptr_t first = (uintptr_t)regions[i].bytes;
        if (at >= first && at - first < regions[i].size) {
            return regions[i].address + (uint32_t)(at - first);
        }
    }
    if (at > UINT32_MAX) {
        nj_npu_refuse((struct nj_npu_error){.status = NJ_NPU_MEMORY, .field = "address"},
                      "a pointer outside of the NPU's addresses and of the network");
    }
    return (uint32_t)at;
}

uint8_t *nj_npu_bytes(const void *pointer, uint64_t size, bool writes, const char *who)
{
    uint32_t address = nj_npu_address(pointer);
    uint8_t *bytes = size == 0 || size > UINT32_MAX
                         ? NULL
                         : nj_npu_window(NULL, address, (uint32_t)size, writes);
    if (bytes == NULL) {
        nj_npu_refuse((struct nj_npu_error){.status = NJ_NPU_MEMORY,
                                            .field = "address",
                                            .value = (int64_t)size,
                                            .address = address},
                      who);
    }
    return bytes;
}
