/* SPDX-License-Identifier: MIT */
#include "nj_load.h"

#include <string.h>

#include "link/nj_crc32.h"
#include "link/nj_frame.h"
#include "nj_run.h"
#include "nj_staging.h"

static bool under_way;
static uint16_t request_id;
static struct nj_load_request wanted;
static struct nj_place place;
static uint32_t received;

void nj_load_forget(void) {
    under_way = false;
}

enum nj_status nj_load_begin(uint16_t id, const struct nj_load_request *request) {
    if (under_way && id == request_id && memcmp(request, &wanted, sizeof wanted) == 0) {
        return NJ_OK;
    }
    under_way = false;
    const enum nj_status status = nj_staging_place(request->target, request->index, &place);
    if (status != NJ_OK) {
        return status;
    }
    if (request->total != place.bytes) {
        return NJ_BAD_ARGUMENT;
    }
    nj_run_forget();
    nj_staging_begin(request->target, request->index);
    under_way = true;
    request_id = id;
    wanted = *request;
    received = 0;
    return NJ_OK;
}

bool nj_load_data(uint16_t id, const uint8_t *payload, uint32_t length) {
    if (!under_way || id != request_id) {
        return false;
    }
    if (length > NJ_DATA_HEADER) {
        const uint32_t bytes = length - NJ_DATA_HEADER;
        const bool in_order = nj_get_u32(payload) == received && nj_get_u32(payload + 4) == wanted.total;
        if (in_order && bytes <= wanted.total - received) {
            memcpy((uint8_t *)place.data + received, payload + NJ_DATA_HEADER, bytes);
            received += bytes;
        }
    }
    return true;
}

uint32_t nj_load_wanted(void) {
    return received;
}

bool nj_load_complete(void) {
    return under_way && received == wanted.total;
}

enum nj_status nj_load_end(uint32_t *crc) {
    under_way = false;
    *crc = nj_crc32(0, place.data, place.bytes);
    if (*crc != wanted.crc) {
        return NJ_DAMAGED;
    }
    nj_staging_end(wanted.target, wanted.index);
    return NJ_OK;
}
