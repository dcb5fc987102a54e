/* SPDX-License-Identifier: MIT */
#include "nj_hello.h"

#include <stddef.h>
#include <string.h>

#include "link/nj_frame.h"
#include "nj_model.h"

#define MOST_CLOCKS 8u
_Static_assert(sizeof((struct hello_response *)0)->hello_response_clocks_u32_m == MOST_CLOCKS * sizeof(uint32_t), "schema");

static struct zcbor_string bytes_of(const uint8_t *bytes, uint32_t length) {
    return (struct zcbor_string){.value = bytes, .len = length};
}

/* The schema bounds every text; a longer one is cut. */
static struct zcbor_string text_of(const char *text, size_t limit) {
    const size_t length = strlen(text);
    return (struct zcbor_string){.value = (const uint8_t *)text, .len = length < limit ? length : limit};
}

void nj_hello(const struct nj_port *port, uint32_t nonce, struct hello_response *hello) {
    const struct nj_frontend_stage *frontend = &nj_frontend_stage;
    *hello = (struct hello_response){
        .hello_response_protocol = NJ_LINK_VERSION,
        .hello_response_nonce = nonce,
        .hello_response_boot = port->boot,
        .hello_response_build_id = bytes_of(port->build_id, port->build_id_bytes < 32 ? port->build_id_bytes : 32),
        .hello_response_image = port->image,
        .hello_response_model = bytes_of(nj_model.model_sha256, sizeof nj_model.model_sha256),
        .hello_response_contract = bytes_of(nj_model.contract_sha256, sizeof nj_model.contract_sha256),
        .hello_response_board = text_of(port->board, 32),
        .hello_response_compiler = text_of("gcc " __VERSION__, 64),
        .hello_response_backend = text_of(nj_model.backend, 32),
        .hello_response_rounding = text_of(nj_model.rounding, 512),
        .hello_response_cost_unit = text_of(port->cost_unit, 16),
        .hello_response_reset_cause = (uint32_t)port->reset_cause(port->context),
        .hello_response_chunk_samples = frontend->present ? frontend->chunk_samples : 0,
        .hello_response_feature_bytes = frontend->present ? frontend->features.bytes : 0,
        .hello_response_inputs = nj_model.inputs,
        .hello_response_outputs = nj_model.outputs,
        .hello_response_taps = nj_model.taps,
        .hello_response_steps = nj_model.steps,
        .hello_response_uid = bytes_of(port->unique_id, port->unique_id_bytes < 16 ? port->unique_id_bytes : 16),
        .hello_response_overruns = port->overruns != NULL ? port->overruns(port->context) : 0,
        .hello_response_caches = port->caches,
    };
    while (hello->hello_response_clocks_u32_m_count < port->clock_count &&
           hello->hello_response_clocks_u32_m_count < MOST_CLOCKS) {
        const size_t next = hello->hello_response_clocks_u32_m_count++;
        hello->hello_response_clocks_u32_m[next] = port->clocks[next];
    }
}
