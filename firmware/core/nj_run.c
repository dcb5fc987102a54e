/* SPDX-License-Identifier: MIT */
#include "nj_run.h"

#include <stdbool.h>
#include <string.h>

#include "link/nj_crc32.h"
#include "nj_staging.h"
#include "nj_state.h"
#include "nj_streaming.h"

struct nj_digests nj_digests;
struct nj_costs nj_costs;

/* How far the present input has come: a step's number when that step was the last to run, or one of these. */
enum { AT_NOTHING = -3, AT_FEATURES = -2, AT_INPUT = -1 };
static int32_t position = AT_NOTHING;
static bool done; /* the present input has been run to its end, once at least */

static int32_t last_step(void) {
    return (int32_t)nj_model.steps - 1;
}

/* To the start of an inference. */
static void begin(bool tapped) {
    position = AT_NOTHING;
    nj_state_restore();
    if (nj_model.accelerator != NULL) {
        nj_model.accelerator->begin(tapped);
    }
}

static void see(const struct nj_place *place) {
    if (nj_model.accelerator != NULL) {
        nj_model.accelerator->see(place);
    }
}

static uint32_t digest(const struct nj_place *place, uint32_t count) {
    uint32_t crc = 0;
    for (uint32_t i = 0; i < count; ++i) {
        see(&place[i]);
        crc = nj_crc32(crc, place[i].data, place[i].bytes);
    }
    return crc;
}

static bool has_chunk(void) {
    return nj_streaming_has_chunk() || nj_staging_has_chunk();
}

/* One move forward from `position`. */
static void advance(const struct nj_port *port) {
    if (position == AT_NOTHING) {
        if (nj_streaming_has_chunk()) {
            nj_streaming_take(port);
            position = AT_FEATURES;
        } else if (nj_staging_has_chunk()) {
            nj_frontend_stage.run();
            position = AT_FEATURES;
        } else {
            nj_staging_copy_inputs();
            position = AT_INPUT;
        }
    } else if (position == AT_FEATURES) {
        nj_frontend_stage.quantize();
        position = AT_INPUT;
    } else {
        position++;
        nj_model.step[position]();
    }
}

static void advance_to(const struct nj_port *port, int32_t goal) {
    while (position < goal) {
        advance(port);
    }
}

void nj_run_next(const struct nj_port *port) {
    if (done && nj_model.state != NULL) {
        advance_to(port, last_step()); /* a tensor that was read last may have stopped it half way */
        nj_state_keep();
    }
    done = false;
    position = AT_NOTHING;
}

void nj_run_forget(void) {
    done = false;
    position = AT_NOTHING;
    nj_state_clear();
}

/* Tapped: digest each tensor as soon as it is whole, before the arena reuses its place. */
static void run_tapped(const struct nj_port *port, int32_t goal) {
    memset(&nj_digests, 0, sizeof nj_digests);
    if (has_chunk()) {
        advance_to(port, AT_FEATURES);
        nj_digests.features = digest(&nj_frontend_stage.features, 1);
    }
    advance_to(port, AT_INPUT);
    nj_digests.input = digest(nj_model.input, nj_model.inputs);
    uint32_t tap = 0;
    while (position < goal) {
        advance(port);
        while (tap < nj_model.taps && (int32_t)nj_model.tap[tap].step <= position) {
            nj_digests.tap[tap] = digest(&nj_model.tap[tap].place, 1);
            if (nj_model.accelerator != NULL) {
                nj_model.accelerator->check(tap);
            }
            tap++;
        }
    }
    if (goal == last_step()) {
        nj_digests.output = digest(nj_model.output, nj_model.outputs);
    }
}

static void run_frontend(const struct nj_port *port) {
    if (nj_streaming_has_chunk()) {
        const uint64_t features = nj_streaming_take(port);
        port->cost_begin(port->context);
        nj_frontend_stage.quantize();
        nj_costs.frontend = features + port->cost_end(port->context);
    } else {
        port->cost_begin(port->context);
        nj_frontend_stage.run();
        nj_frontend_stage.quantize();
        nj_costs.frontend = port->cost_end(port->context);
    }
}

static void run_plain(const struct nj_port *port, uint32_t stages, int32_t goal) {
    nj_costs.frontend = 0;
    nj_costs.model = 0;
    if (has_chunk() && (stages & NJ_STAGE_FRONTEND) != 0) {
        run_frontend(port);
        position = AT_INPUT;
    }
    advance_to(port, AT_INPUT);
    if (goal > AT_INPUT) {
        void (*const *const step)(void) = nj_model.step;
        port->cost_begin(port->context);
        for (int32_t i = 0; i <= goal; ++i) {
            step[i]();
        }
        nj_costs.model = port->cost_end(port->context);
        position = goal;
    }
}

static void run_steps(const struct nj_port *port, int32_t goal) {
    memset(nj_costs.step, 0, sizeof nj_costs.step);
    advance_to(port, AT_INPUT);
    for (int32_t i = 0; i <= goal; ++i) {
        void (*const step)(void) = nj_model.step[i];
        port->cost_begin(port->context);
        step();
        nj_costs.step[i] = port->cost_end(port->context);
        position = i;
    }
}

enum nj_status nj_run(const struct nj_port *port, const struct nj_run_request *request, struct nj_run_result *result) {
    const bool stops = request->stop_after != NJ_NO_STOP;
    if (request->stages < NJ_STAGE_FRONTEND || request->stages > NJ_STAGE_BOTH || request->times == 0 ||
        request->mode > NJ_MODE_STEPS || (stops && request->stop_after >= nj_model.steps) ||
        nj_model.steps > NJ_MAX_STEPS || nj_model.taps > NJ_MAX_TAPS) {
        return NJ_BAD_ARGUMENT;
    }
    if ((request->stages & NJ_STAGE_FRONTEND) != 0 && !nj_frontend_stage.present) {
        return NJ_BAD_ARGUMENT;
    }
    const bool ready = has_chunk() || ((request->stages & NJ_STAGE_FRONTEND) == 0 && nj_staging_has_inputs());
    if (!ready) {
        return NJ_NOT_LOADED;
    }
    int32_t goal = stops ? (int32_t)request->stop_after : last_step();
    if (request->stages == NJ_STAGE_FRONTEND) {
        goal = AT_INPUT;
    }
    *result = (struct nj_run_result){.runs = 0};
    for (uint32_t run = 0; run < request->times; ++run) {
        begin(request->mode == NJ_MODE_TAPPED);
        if (request->mode == NJ_MODE_TAPPED) {
            run_tapped(port, goal);
        } else if (request->mode == NJ_MODE_STEPS) {
            run_steps(port, goal);
        } else {
            run_plain(port, request->stages, goal);
        }
        const uint32_t output = goal == last_step() ? digest(nj_model.output, nj_model.outputs) : 0;
        if (run == 0) {
            result->output = output;
        } else if (output != result->output) {
            result->differing++;
        }
        result->runs++;
    }
    done = done || position == last_step();
    return NJ_OK;
}

enum nj_status nj_run_tensor(const struct nj_port *port, uint32_t what, uint32_t index, struct nj_place *place) {
    int32_t first; /* positions at which the tensor is whole and still there */
    int32_t last;
    if (what == NJ_WHAT_FEATURES) {
        if (!nj_frontend_stage.present) {
            return NJ_NOT_OBSERVED;
        }
        if (index != 0) {
            return NJ_BAD_ARGUMENT;
        }
        if (!has_chunk()) {
            return NJ_NOT_LOADED;
        }
        *place = nj_frontend_stage.features;
        first = last = AT_FEATURES; /* the quantization may write over them */
    } else if (what == NJ_WHAT_INPUT && index < nj_model.inputs) {
        *place = nj_model.input[index];
        first = last = AT_INPUT;
    } else if (what == NJ_WHAT_TAP && index < nj_model.taps) {
        *place = nj_model.tap[index].place;
        first = nj_model.tap[index].step;
        last = nj_model.tap[index].last_step;
    } else if (what == NJ_WHAT_OUTPUT && index < nj_model.outputs) {
        *place = nj_model.output[index];
        first = last = last_step();
    } else {
        return NJ_BAD_ARGUMENT;
    }
    if (!has_chunk() && !nj_staging_has_inputs()) {
        return NJ_NOT_LOADED;
    }
    if (position > last || position == AT_NOTHING) {
        begin(false);
    }
    advance_to(port, first);
    done = done || position == last_step();
    see(place);
    return NJ_OK;
}
