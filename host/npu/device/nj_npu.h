/* The virtual Neural-ART: runs one epoch on a memory that the caller lends.
 *
 * No allocation, no state between calls, no clock. What is not defined ends the run with an error
 * that names unit, field and value; memory that was written until then stays written.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_H
#define NJ_NPU_H

#include <stddef.h>

#include "nj_npu_units.h"

/* Ties of a rounding to nearest. What silicon does is half away from zero. */
enum nj_npu_tie {
    NJ_NPU_HALF_AWAY,
    NJ_NPU_HALF_UP,
    NJ_NPU_HALF_EVEN,
    NJ_NPU_HALF_DOWN,
    NJ_NPU_HALF_TO_ZERO,
    NJ_NPU_TIES,
};

#define NJ_NPU_STATUSES(X)                                                               \
    X(OK, "done")                                                                        \
    X(UNDEFINED, "a mode whose arithmetic is not known")                                 \
    X(RANGE, "a value outside its range")                                                \
    X(MEMORY, "an address that memory lacks")                                            \
    X(LIMIT, "an address beyond the engine's limit")                                     \
    X(UNCONNECTED, "a port that nothing feeds or nobody takes")                          \
    X(UNCONFIGURED, "a unit enabled without a configuration")                            \
    X(STUCK, "the epoch does not end: the unit waits for data that never come")          \
    X(SCRATCH, "the scratch memory is too small; value is what is needed at least")      \
    X(REGISTER, "a register, or a value of one, whose effect is not known")              \
    X(CLOCK, "a unit that runs without its clock")                                       \
    X(PROGRAM, "an epoch controller program that is damaged or in an unknown form")      \
    X(TIMEOUT, "a poll for a value that never comes")

enum nj_npu_status {
#define X(name, text) NJ_NPU_##name,
    NJ_NPU_STATUSES(X)
#undef X
};

/* What ended a run. `field` is a name in the record of the unit, a constant string. */
struct nj_npu_error {
    enum nj_npu_status status;
    struct nj_npu_port where; /* kind NOTHING: the epoch itself */
    const char *field;
    int64_t value;
    uint32_t address; /* MEMORY, LIMIT: the first that was wanted; REGISTER: its offset; PROGRAM,
                       * TIMEOUT: the index of the instruction in 32-bit words */
};

/* The machine around the NPU. */
struct nj_npu_machine {
    void *context;
    /* Where the bytes [address, address + size) lie, or NULL if memory lacks one of them. The place
     * is used until the run returns; size is not 0. */
    uint8_t *(*window)(void *context, uint32_t address, uint32_t size, bool writes);
    /* The engines (bit i: STREAM i) have written their last frame; called once, at the end of an
     * epoch that went well. May be NULL. */
    void (*interrupt)(void *context, uint32_t engines);
    enum nj_npu_tie tie;
    void *scratch; /* aligned for any type */
    size_t scratch_bytes;
};

/* What a unit did with its results, for whoever looks for lost bits. */
struct nj_npu_seen {
    uint64_t results;
    uint64_t ties;      /* exactly half a step, before rounding */
    uint64_t saturated; /* outside the range of an output that saturates */
    int64_t peak;       /* the largest |value| before shift, rounding and saturation */
};

struct nj_npu_outcome {
    struct nj_npu_error error;
    struct nj_npu_seen conv[NJ_NPU_CONVS];
    struct nj_npu_seen arith[NJ_NPU_ARITHS];
    struct nj_npu_seen pool[NJ_NPU_POOLS];
};

/* Runs the epoch until its writing engines have written all their frames. Returns the status in
 * outcome->error. */
enum nj_npu_status nj_npu_run(const struct nj_npu_epoch *epoch,
                              const struct nj_npu_machine *machine,
                              struct nj_npu_outcome *outcome);

/* The bytes that an engine touches in all its frames: [*first, *first + *size), before addresses
 * wrap. The sizes and the frames of the stream must be in their ranges, as they are after a run. */
void nj_npu_span(const struct nj_npu_stream *stream, int64_t *first, int64_t *size);

/* The text of a status, the name of a kind ("CONVACC"); never NULL. */
const char *nj_npu_status_text(enum nj_npu_status status);
const char *nj_npu_kind_name(enum nj_npu_kind kind);

#endif
