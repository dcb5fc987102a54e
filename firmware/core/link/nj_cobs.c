/* SPDX-License-Identifier: MIT */
#include "nj_cobs.h"

uint32_t nj_cobs_encode(const uint8_t *data, uint32_t length, uint8_t *out) {
    uint32_t code = 0; /* where the code byte of the open block goes */
    uint32_t at = 1;
    for (uint32_t i = 0; i < length; ++i) {
        if (data[i] != 0) {
            out[at++] = data[i];
        }
        /* A full block has no implied zero after it, so it is closed only when more data follows. */
        if (data[i] == 0 || (at - code == 255 && i + 1 < length)) {
            out[code] = (uint8_t)(at - code);
            code = at++;
        }
    }
    out[code] = (uint8_t)(at - code);
    return at;
}

int32_t nj_cobs_decode(uint8_t *data, uint32_t length) {
    uint32_t from = 0;
    uint32_t to = 0; /* never ahead of `from`: a code byte goes, at most one zero comes */
    while (from < length) {
        const uint32_t code = data[from++];
        if (code == 0 || code - 1 > length - from) {
            return -1;
        }
        for (uint32_t i = 1; i < code; ++i) {
            if (data[from] == 0) {
                return -1;
            }
            data[to++] = data[from++];
        }
        if (code < 255 && from < length) {
            data[to++] = 0;
        }
    }
    return (int32_t)to;
}
