/* SPDX-License-Identifier: MIT */
#include "nj_load.h"

#include <string.h>

#include "link/nj_crc32.h"
#include "link/nj_frame.h"
#include "nj_run.h"
#include "nj_staging.h"
#include "nj_streaming.h"

static bool under_way;
static uint16_t request_id;
static struct nj_load_request wanted;
static struct nj_place place;
static uint32_t received;
static uint32_t crc_so_far; /* of a block, which is not kept */

static bool of_stream(const struct nj_load_request *request) {
    return request->target == NJ_TARGET_STREAM || request->target == NJ_TARGET_BLOCK;
}

void nj_load_forget(void) {
    under_way = false;
}

static enum nj_status begin_in_staging(const struct nj_load_request *request) {
    struct nj_place found;
    const enum nj_status status = nj_staging_place(request->target, request->index, &found);
    if (status != NJ_OK) {
        return status;
    }
    if (request->total != found.bytes) {
        return NJ_BAD_ARGUMENT;
    }
    place = found;
    nj_streaming_forget();
    nj_staging_begin(request->target, request->index);
    return NJ_OK;
}

static enum nj_status begin_block(const struct nj_load_request *request) {
    const enum nj_status status = nj_streaming_begin(request->target, request->index, request->total);
    if (status == NJ_OK) {
        nj_staging_forget();
        crc_so_far = 0;
    }
    return status;
}

enum nj_status nj_load_begin(const struct nj_port *port, uint16_t id, const struct nj_load_request *request) {
    if (under_way && id == request_id && memcmp(request, &wanted, sizeof wanted) == 0) {
        return NJ_OK;
    }
    const enum nj_status status = of_stream(request) ? begin_block(request) : begin_in_staging(request);
    if (status != NJ_OK) {
        return status;
    }
    nj_run_next(port);
    under_way = true;
    request_id = id;
    wanted = *request;
    received = 0;
    return NJ_OK;
}

bool nj_load_data(const struct nj_port *port, uint16_t id, const uint8_t *payload, uint32_t length) {
    if (!under_way || id != request_id) {
        return false;
    }
    if (length > NJ_DATA_HEADER) {
        const uint8_t *const data = payload + NJ_DATA_HEADER;
        const uint32_t bytes = length - NJ_DATA_HEADER;
        const bool in_order = nj_get_u32(payload) == received && nj_get_u32(payload + 4) == wanted.total;
        if (in_order && bytes <= wanted.total - received && bytes <= NJ_PIECE_BYTES) {
            if (of_stream(&wanted)) {
                crc_so_far = nj_crc32(crc_so_far, data, bytes);
                nj_streaming_push(port, data, bytes);
            } else {
                memcpy((uint8_t *)place.data + received, data, bytes);
            }
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
    *crc = of_stream(&wanted) ? crc_so_far : nj_crc32(0, place.data, place.bytes);
    if (*crc != wanted.crc) {
        nj_streaming_forget();
        return NJ_DAMAGED;
    }
    if (!of_stream(&wanted)) {
        nj_staging_end(wanted.target, wanted.index);
    }
    return NJ_OK;
}
