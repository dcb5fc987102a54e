/* The generated model, as the core sees it. Written by a backend, one `nj_model` a firmware.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_MODEL_H
#define NJ_MODEL_H

#include <stdbool.h>
#include <stdint.h>

struct nj_listening_stage; /* nj_listening.h */

#define NJ_MODEL_API 3

/* What the core has room for: a generator must refuse a model with more. */
#define NJ_MAX_STEPS 512u
#define NJ_MAX_TAPS 512u
#define NJ_MAX_INPUTS 32u

/* A tensor in memory. */
struct nj_place {
    void *data;
    uint32_t bytes;
};

/* An observed tensor: whole after `step`, and still there until `last_step` has run (its place is written again by
 * the step after that; steps - 1 when nothing overwrites it). A tensor that is a constant or an alias of the input
 * has step 0 like any other tensor that is whole after the first step. */
struct nj_tap {
    struct nj_place place;
    uint16_t step;
    uint16_t last_step;
};

/* What computes a model beside the core, through memory that the core's cache does not follow. */
struct nj_accelerator {
    /* Before an inference's input is put in its place. `tapped`: each tensor will be looked at and checked. */
    void (*begin)(bool tapped);
    /* Before the core reads a tensor: it is to see what was written last. */
    void (*see)(const struct nj_place *place);
    /* In a tapped run, behind the step that finishes tap `tap`: say so where nothing has been written there. */
    void (*check)(uint32_t tap);
};

/* A variable among all of a model's. */
struct nj_variable {
    uint32_t offset; /* in the state */
    uint32_t bytes;
    const void *first; /* what it holds at first; NULL: each byte is */
    int8_t fill;
};

/* What a model keeps from one inference to the next. The steps read and write `now`. */
struct nj_state {
    void *now;
    void *before; /* as now: what the present input began with */
    uint32_t bytes;
    uint32_t variables;
    const struct nj_variable *variable;
};

struct nj_model {
    const struct nj_place *input; /* [inputs]; may be overwritten by a run */
    const struct nj_place *output; /* [outputs]; whole after the last step */
    const struct nj_tap *tap; /* [taps], by rising step */
    void (*const *step)(void); /* [steps] */
    uint16_t inputs;
    uint16_t outputs;
    uint16_t taps;
    uint16_t steps;
    uint8_t model_sha256[32];
    uint8_t contract_sha256[32]; /* of nothing when there is no contract */
    const char *backend; /* "cm55", "neural_art" */
    const char *rounding; /* "CONV_2D=single MUL=double ..." */
    const struct nj_accelerator *accelerator; /* NULL: the core computes all of it */
    const struct nj_state *state; /* NULL: each inference is one by itself */
};

extern const struct nj_model nj_model;

/* Features of overlapping chunks while samples arrive: the same bits as `run` gives for each chunk. Uses nj_staging. */
struct nj_stream_stage {
    uint32_t hop;
    void (*start)(uint32_t stride); /* samples from chunk to chunk, a multiple of the hop */
    uint32_t (*push)(const int16_t *samples, uint32_t count); /* how many were taken: not more than fill the chunk */
    void (*take)(void); /* of the full chunk; the next one begins */
};

/* The frontend of the contract; `present` false for a bare .tflite, whose chunk has 0 samples.
 * `run` computes features from the chunk in nj_staging, `quantize` writes input 0 of the model. Where the firmware
 * streams, `quantize` leaves the features as they are. */
struct nj_frontend_stage {
    bool present;
    uint32_t chunk_samples;
    struct nj_place features; /* float32 [bins, frames] */
    void (*run)(void);
    void (*quantize)(void);
    const struct nj_stream_stage *stream; /* NULL where the firmware does not stream */
    const struct nj_listening_stage *listening; /* NULL where it has no application mode; needs a stream */
};

extern const struct nj_frontend_stage nj_frontend_stage;

/* Where LOAD puts a chunk, or all inputs one behind the other (each at a multiple of 16). RUN copies from here, so that
 * a run can be repeated although it overwrites its input. */
extern const struct nj_place nj_staging;

#endif
