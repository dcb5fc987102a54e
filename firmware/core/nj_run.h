/* Running frontend and model: plain, tapped (a digest of each tensor when its layer ends) or measured step by step,
 * and finding a tensor again after a run.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_RUN_H
#define NJ_RUN_H

#include <stdint.h>

#include "nj_model.h"
#include "nj_port.h"
#include "nj_status.h"

enum nj_stages { NJ_STAGE_FRONTEND = 1, NJ_STAGE_MODEL = 2, NJ_STAGE_BOTH = 3 };
enum nj_mode { NJ_MODE_PLAIN = 0, NJ_MODE_TAPPED = 1, NJ_MODE_STEPS = 2 };
enum nj_what { NJ_WHAT_FEATURES = 0, NJ_WHAT_INPUT = 1, NJ_WHAT_TAP = 2, NJ_WHAT_OUTPUT = 3 };

#define NJ_NO_STOP 0xFFFFFFFFu

struct nj_run_request {
    uint32_t stages; /* enum nj_stages; NJ_STAGE_MODEL alone takes its input from the chunk when that is what is loaded */
    uint32_t times; /* at least 1; each run begins anew from what is staged, or from a streamed chunk's features, and
                       from the state that the input before it left */
    uint32_t mode; /* enum nj_mode */
    uint32_t stop_after; /* a step, or NJ_NO_STOP */
};

struct nj_run_result {
    uint32_t runs;
    uint32_t differing; /* runs whose output digest is not the first's */
    uint32_t output; /* CRC-32 over all outputs in order; 0 when the last step did not run */
};

/* Of the last tapped run. */
struct nj_digests {
    uint32_t features; /* 0 without a frontend */
    uint32_t input; /* CRC-32 over all inputs in order, before the first step */
    uint32_t output;
    uint32_t tap[NJ_MAX_TAPS]; /* 0 for one whose step did not run */
};

/* In the port's unit: of the last plain run, and of the last run in mode NJ_MODE_STEPS. */
struct nj_costs {
    uint64_t frontend; /* features and the quantization of them; of a streamed chunk, pushing its samples included */
    uint64_t model;
    uint64_t step[NJ_MAX_STEPS];
};

extern struct nj_digests nj_digests;
extern struct nj_costs nj_costs;

/* The arena no longer holds anything of use: another input is being loaded. It will begin with the state that this one
 * left; one that never was run to its end has left none. */
void nj_run_next(const struct nj_port *port);

/* Nothing is loaded any more, and the model's state is the first again. */
void nj_run_forget(void);

/* NJ_BAD_ARGUMENT, or NJ_NOT_LOADED. */
enum nj_status nj_run(const struct nj_port *port, const struct nj_run_request *request, struct nj_run_result *result);

/* Find a tensor of what is loaded. Runs forward to it, from the start when its place has been overwritten.
 * NJ_NOT_OBSERVED: no frontend. NJ_BAD_ARGUMENT: no such index. NJ_NOT_LOADED. */
enum nj_status nj_run_tensor(const struct nj_port *port, uint32_t what, uint32_t index, struct nj_place *place);

#endif
