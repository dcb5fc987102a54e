/* SPDX-License-Identifier: MIT */
#include "nj_state.h"

#include <stddef.h>
#include <string.h>

#include "nj_model.h"

void nj_state_clear(void) {
    const struct nj_state *const state = nj_model.state;
    if (state == NULL) {
        return;
    }
    memset(state->now, 0, state->bytes);
    for (uint32_t i = 0; i < state->variables; ++i) {
        const struct nj_variable *const one = &state->variable[i];
        uint8_t *const place = (uint8_t *)state->now + one->offset;
        if (one->first != NULL) {
            memcpy(place, one->first, one->bytes);
        } else {
            memset(place, one->fill, one->bytes);
        }
    }
    nj_state_keep();
}

void nj_state_restore(void) {
    if (nj_model.state != NULL) {
        memcpy(nj_model.state->now, nj_model.state->before, nj_model.state->bytes);
    }
}

void nj_state_keep(void) {
    if (nj_model.state != NULL) {
        memcpy(nj_model.state->before, nj_model.state->now, nj_model.state->bytes);
    }
}
