/* One epoch: every enabled unit is checked and made ready, then they fire in turn until all writing
 * engines have written their frames.
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "nj_npu_state.h"

bool nj_npu_fail(struct nj_npu_run *run, enum nj_npu_status status, enum nj_npu_kind kind,
                 uint32_t unit, const char *field, int64_t value)
{
    struct nj_npu_error *error = &run->outcome->error;
    if (error->status == NJ_NPU_OK) {
        error->status = status;
        error->where = (struct nj_npu_port){.kind = (uint8_t)kind, .unit = (uint8_t)unit};
        error->field = field;
        error->value = value;
    }
    return false;
}

void *nj_npu_lend(struct nj_npu_run *run, uint64_t count, uint32_t size)
{
    uint64_t at = run->scratch_used;
    uint64_t line = 64; /* of a cache */
    run->scratch_used += (count * size + line - 1) / line * line;
    return run->scratch_used <= run->machine->scratch_bytes ? run->scratch + at : NULL;
}

bool nj_npu_check_input(struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit,
                        const struct nj_npu_input *input, uint32_t most)
{
    const struct {
        const char *field;
        int64_t value;
        bool bad;
    } fields[] = {
        {"bytes", input->bytes, input->bytes < 1 || input->bytes > most},
        {"bytes_out", input->bytes_out, input->bytes_out != 0 && input->bytes_out != input->bytes},
        {"rounds", 1, input->rounds},
        {"saturates", 1, input->saturates},
        {"shift", input->shift, input->shift != 0},
    };
    for (uint32_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].bad) {
            return nj_npu_fail(run, NJ_NPU_UNDEFINED, kind, unit, fields[i].field,
                               fields[i].value);
        }
    }
    return true;
}

bool nj_npu_check_output(struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit,
                         const struct nj_npu_output *output, uint32_t most)
{
    if (output->bytes < 1 || output->bytes > most) {
        return nj_npu_fail(run, NJ_NPU_UNDEFINED, kind, unit, "out.bytes", output->bytes);
    }
    if (output->shift > NJ_NPU_MOST_SHIFT) {
        return nj_npu_fail(run, NJ_NPU_RANGE, kind, unit, "out.shift", output->shift);
    }
    if (output->mode > 1 || (output->rounds && output->shift != 0 && output->mode != 1)) {
        return nj_npu_fail(run, NJ_NPU_UNDEFINED, kind, unit, "out.mode", output->mode);
    }
    return true;
}

bool nj_npu_crop(uint32_t size, uint32_t from, uint32_t to, uint32_t *first, uint32_t *count)
{
    uint32_t last = to < size ? to : size - 1;
    if (from > last) {
        return false;
    }
    *first = from;
    *count = last - from + 1;
    return true;
}

static bool is_on(const struct nj_npu_epoch *epoch, enum nj_npu_kind kind, uint32_t unit)
{
    return (epoch->enabled[kind] >> unit & 1) != 0;
}

struct kind {
    enum nj_npu_kind kind;
    uint32_t units;
    bool (*start)(struct nj_npu_run *run, uint32_t unit);
};

static const struct kind kinds[] = {
    {NJ_NPU_STREAM, NJ_NPU_STREAMS, nj_npu_engine_start},
    {NJ_NPU_CONV, NJ_NPU_CONVS, nj_npu_conv_start},
    {NJ_NPU_ARITH, NJ_NPU_ARITHS, nj_npu_arith_start},
    {NJ_NPU_POOL, NJ_NPU_POOLS, nj_npu_pool_start},
};

/* Only units that exist and whose arithmetic is known are enabled. */
static bool check_enabled(struct nj_npu_run *run)
{
    static const uint32_t units[NJ_NPU_KINDS] = {
        [NJ_NPU_STREAM] = NJ_NPU_STREAMS,
        [NJ_NPU_CONV] = NJ_NPU_CONVS,
        [NJ_NPU_ARITH] = NJ_NPU_ARITHS,
        [NJ_NPU_POOL] = NJ_NPU_POOLS,
    };
    for (uint32_t kind = 0; kind < NJ_NPU_KINDS; kind++) {
        for (uint32_t unit = units[kind]; unit < 32; unit++) {
            if (is_on(run->epoch, (enum nj_npu_kind)kind, unit)) {
                return nj_npu_fail(run, NJ_NPU_UNDEFINED, (enum nj_npu_kind)kind, unit, "enabled",
                                   1);
            }
        }
        for (uint32_t unit = 0; unit < units[kind]; unit++) {
            bool configured = (run->epoch->configured[kind] >> unit & 1) != 0;
            if (is_on(run->epoch, (enum nj_npu_kind)kind, unit) && !configured) {
                return nj_npu_fail(run, NJ_NPU_UNCONFIGURED, (enum nj_npu_kind)kind, unit,
                                   "configured", 0);
            }
        }
    }
    return true;
}

static struct nj_npu_feed *feed_of(struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit)
{
    switch (kind) {
    case NJ_NPU_CONV:
        return &run->conv[unit].feed;
    case NJ_NPU_ARITH:
        return &run->arith[unit].feed;
    case NJ_NPU_POOL:
        return &run->pool[unit].feed;
    default:
        return run->engine[unit].stream->writes ? NULL : &run->engine[unit].feed;
    }
}

static bool start(struct nj_npu_run *run)
{
    if (run->epoch->links > NJ_NPU_LINKS) {
        return nj_npu_fail(run, NJ_NPU_RANGE, NJ_NPU_NOTHING, 0, "links", run->epoch->links);
    }
    if (!check_enabled(run)) {
        return false;
    }
    for (uint32_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (uint32_t unit = 0; unit < kinds[i].units; unit++) {
            if (is_on(run->epoch, kinds[i].kind, unit) && !kinds[i].start(run, unit)) {
                return false;
            }
        }
    }
    for (uint32_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (uint32_t unit = 0; unit < kinds[i].units; unit++) {
            if (!is_on(run->epoch, kinds[i].kind, unit)) {
                continue;
            }
            struct nj_npu_feed *feed = feed_of(run, kinds[i].kind, unit);
            if (feed != NULL && !nj_npu_feed_of(run, kinds[i].kind, unit, feed)) {
                return false;
            }
        }
    }
    if (run->scratch_used > run->machine->scratch_bytes) {
        return nj_npu_fail(run, NJ_NPU_SCRATCH, NJ_NPU_NOTHING, 0, "scratch_bytes",
                           (int64_t)run->scratch_used);
    }
    return nj_npu_engines_order(run);
}

/* The writing engines that have frames to come; `one` is any of them. */
static uint32_t unfinished(const struct nj_npu_run *run, uint32_t *one)
{
    uint32_t engines = 0;
    for (uint32_t i = 0; i < NJ_NPU_STREAMS; i++) {
        const struct nj_npu_engine *engine = &run->engine[i];
        if (engine->on && engine->stream->writes && engine->frame < engine->stream->frames) {
            engines |= 1U << i;
            *one = i;
        }
    }
    return engines;
}

static bool fire(struct nj_npu_run *run)
{
    bool moved = false;
    for (uint32_t i = 0; i < NJ_NPU_STREAMS; i++) {
        if (run->engine[i].on && run->engine[i].stream->writes) {
            moved = nj_npu_engine_write(run, i) || moved;
        }
    }
    for (uint32_t i = 0; i < NJ_NPU_ARITHS; i++) {
        moved = (run->arith[i].arith != NULL && nj_npu_arith_fire(run, i)) || moved;
    }
    for (uint32_t i = 0; i < NJ_NPU_POOLS; i++) {
        moved = (run->pool[i].pool != NULL && nj_npu_pool_fire(run, i)) || moved;
    }
    for (uint32_t i = 0; i < NJ_NPU_CONVS; i++) {
        moved = (run->conv[i].conv != NULL && nj_npu_conv_fire(run, i)) || moved;
    }
    return moved;
}

static bool read_more(struct nj_npu_run *run)
{
    bool moved = false;
    for (uint32_t i = 0; i < NJ_NPU_STREAMS; i++) {
        if (run->engine[i].on && !run->engine[i].stream->writes) {
            moved = nj_npu_engine_read(run, i) || moved;
        }
    }
    return moved;
}

static void go(struct nj_npu_run *run)
{
    uint32_t one = 0;
    while (run->outcome->error.status == NJ_NPU_OK && unfinished(run, &one) != 0) {
        if (!fire(run) && !read_more(run)) {
            nj_npu_fail(run, NJ_NPU_STUCK, NJ_NPU_STREAM, one, "frames", run->engine[one].frame);
        }
    }
}

enum nj_npu_status nj_npu_run(const struct nj_npu_epoch *epoch,
                              const struct nj_npu_machine *machine, struct nj_npu_outcome *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    struct nj_npu_run *run = machine->scratch;
    if (machine->scratch_bytes < sizeof *run) {
        outcome->error = (struct nj_npu_error){
            .status = NJ_NPU_SCRATCH, .field = "scratch_bytes", .value = (int64_t)sizeof *run};
        return outcome->error.status;
    }
    memset(run, 0, sizeof *run);
    run->epoch = epoch;
    run->machine = machine;
    run->outcome = outcome;
    run->scratch = machine->scratch;
    nj_npu_lend(run, sizeof *run, 1);
    if (machine->tie >= NJ_NPU_TIES) {
        nj_npu_fail(run, NJ_NPU_RANGE, NJ_NPU_NOTHING, 0, "tie", machine->tie);
    } else if (start(run)) {
        go(run);
    }
    if (outcome->error.status == NJ_NPU_OK && machine->interrupt != NULL) {
        uint32_t engines = 0;
        for (uint32_t i = 0; i < NJ_NPU_STREAMS; i++) {
            engines |= run->engine[i].on && run->engine[i].stream->writes ? 1U << i : 0;
        }
        machine->interrupt(machine->context, engines);
    }
    return outcome->error.status;
}
