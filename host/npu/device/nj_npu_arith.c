/* The arithmetic unit: element by element, with constants from its memory.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_round.h"
#include "nj_npu_state.h"

static bool undefined(struct nj_npu_run *run, uint32_t unit, const char *field, int64_t value)
{
    return nj_npu_fail(run, NJ_NPU_UNDEFINED, NJ_NPU_ARITH, unit, field, value);
}

/* Operations of two streams that need no constants, and one of x alone. */
static bool is_plain(uint8_t operation)
{
    return operation == NJ_NPU_MULTIPLY || operation == NJ_NPU_MINIMUM ||
           operation == NJ_NPU_MAXIMUM;
}

/* What factors do to these operations is not known: they must be 1. A constant c is not added. */
static bool check_constants(struct nj_npu_run *run, uint32_t unit, const struct nj_npu_arith *arith)
{
    const struct {
        const char *field;
        int64_t value;
        bool bad;
    } constants[] = {
        {"a", arith->a, arith->a != 1},
        {"b", arith->b, arith->dual && arith->b != 1},
        {"a_vector", 1, arith->a_vector || arith->b_vector || arith->c_vector},
        {"shift_ax", arith->shift_ax, arith->shift_ax != 0},
        {"shift_by", arith->shift_by, arith->shift_by != 0},
    };
    for (uint32_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        if (constants[i].bad) {
            return undefined(run, unit, constants[i].field, constants[i].value);
        }
    }
    return true;
}

bool nj_npu_arith_start(struct nj_npu_run *run, uint32_t unit)
{
    struct nj_npu_arith_state *state = &run->arith[unit];
    const struct nj_npu_arith *arith = &run->epoch->arith[unit];
    state->arith = arith;
    uint8_t operation = arith->operation;
    bool known = operation == NJ_NPU_AFFINE || operation == NJ_NPU_ABSOLUTE || is_plain(operation);
    if (!known) {
        return undefined(run, unit, "operation", operation);
    }
    if (is_plain(operation) != arith->dual && operation != NJ_NPU_AFFINE) {
        return undefined(run, unit, "dual", arith->dual);
    }
    if (operation != NJ_NPU_AFFINE && !check_constants(run, unit, arith)) {
        return false;
    }
    if (arith->combined && arith->dual) { /* b would be a factor and a half of the constant */
        return undefined(run, unit, "combined", 1);
    }
    if (arith->logical) {
        return undefined(run, unit, "logical", 1);
    }
    const struct {
        const char *field;
        uint8_t value;
    } shifts[] = {
        {"shift_ax", arith->shift_ax},
        {"shift_by", arith->shift_by},
        {"shift_c", arith->shift_c},
    };
    for (uint32_t i = 0; i < 3; i++) {
        if (shifts[i].value > NJ_NPU_MOST_LIFT) {
            return nj_npu_fail(run, NJ_NPU_RANGE, NJ_NPU_ARITH, unit, shifts[i].field,
                               shifts[i].value);
        }
    }
    if (arith->clips && arith->clip_least > arith->clip_most) {
        return nj_npu_fail(run, NJ_NPU_RANGE, NJ_NPU_ARITH, unit, "clip_least",
                           arith->clip_least);
    }
    if (!nj_npu_check_input(run, NJ_NPU_ARITH, unit, &arith->x, 2) ||
        (arith->dual && !nj_npu_check_input(run, NJ_NPU_ARITH, unit, &arith->y, 2)) ||
        !nj_npu_check_output(run, NJ_NPU_ARITH, unit, &arith->out, 2)) {
        return false;
    }
    for (uint32_t i = 0; i < 4; i++) {
        state->left[i] = arith->step[i].every;
    }
    state->index = arith->first;
    uint32_t frame = arith->frame < NJ_NPU_MOST ? arith->frame : 0;
    if (!nj_npu_queue_at(run, NJ_NPU_ARITH, unit, 0, frame, arith->x.bytes, &state->x) ||
        (arith->dual &&
         !nj_npu_queue_at(run, NJ_NPU_ARITH, unit, 1, frame, arith->y.bytes, &state->y))) {
        return false;
    }
    state->x->marked = true;
    return true;
}

/* One element before it is rounded. */
static int64_t value_of(const struct nj_npu_arith *arith, int64_t x, int64_t y, uint32_t index)
{
    switch (arith->operation) {
    case NJ_NPU_MULTIPLY:
        return x * y;
    case NJ_NPU_MINIMUM:
        return x < y ? x : y;
    case NJ_NPU_MAXIMUM:
        return x > y ? x : y;
    case NJ_NPU_ABSOLUTE:
        return x < 0 ? -x : x;
    default:
        break;
    }
    int64_t a = arith->a_vector ? arith->as[index] : arith->a;
    int64_t b = arith->b_vector ? arith->bs[index] : arith->b;
    int64_t c = arith->c_vector ? arith->cs[index] : arith->c;
    if (arith->combined) {
        c = b * 65536 + (c & 0xffff);
    }
    int64_t sum = (a * x >> arith->shift_ax) + c * ((int64_t)1 << arith->shift_c);
    return arith->dual ? sum + (b * y >> arith->shift_by) : sum;
}

/* Elements that can follow without a counter other than an increment of each element. */
static uint32_t run_length(const struct nj_npu_arith_state *state, uint32_t count)
{
    for (uint32_t i = 0; i < 4; i++) {
        bool always = i == 0 && state->arith->step[0].every == 1;
        if (state->left[i] != 0 && !always && state->left[i] < count) {
            count = state->left[i];
        }
    }
    return count;
}

/* Counts the elements of a run; `index` is that of its last. */
static void advance(struct nj_npu_arith_state *state, uint32_t count, uint32_t index)
{
    const struct nj_npu_step *step = state->arith->step;
    uint32_t add = 0;
    for (uint32_t i = 0; i < 4; i++) {
        if (step[i].every == 0) {
            continue;
        }
        if (i == 0 && step[0].every == 1) {
            add = (uint32_t)step[0].add;
            continue;
        }
        state->left[i] -= count;
        if (state->left[i] == 0) {
            state->left[i] = step[i].every;
            add = (uint32_t)step[i].add;
        }
    }
    state->index = (index + add) % NJ_NPU_COEFFICIENTS;
}

static void compute(struct nj_npu_run *run, uint32_t unit, uint32_t count)
{
    struct nj_npu_arith_state *state = &run->arith[unit];
    const struct nj_npu_arith *arith = state->arith;
    const int32_t *x = state->x->data + state->x->begin;
    const int32_t *y = arith->dual ? state->y->data + state->y->begin : NULL;
    struct nj_npu_seen *seen = &run->outcome->arith[unit];
    uint32_t increment = arith->step[0].every == 1 ? (uint32_t)arith->step[0].add : 0;
    for (uint32_t done = 0; done < count;) {
        uint32_t length = run_length(state, count - done);
        uint32_t index = state->index;
        for (uint32_t i = 0; i < length; i++) {
            int64_t value = value_of(arith, nj_npu_low(x[done + i], arith->x.bytes, false),
                                     y ? nj_npu_low(y[done + i], arith->y.bytes, false) : 0,
                                     index % NJ_NPU_COEFFICIENTS);
            int32_t made = nj_npu_make(value, &arith->out, run->machine->tie, seen);
            if (arith->clips) {
                made = made < arith->clip_least ? arith->clip_least : made;
                made = made > arith->clip_most ? arith->clip_most : made;
            }
            run->chunk[done + i] = made;
            index += increment;
        }
        advance(state, length, index - increment);
        done += length;
    }
    seen->results += count;
}

bool nj_npu_arith_fire(struct nj_npu_run *run, uint32_t unit)
{
    struct nj_npu_arith_state *state = &run->arith[unit];
    bool moved = false;
    for (;;) {
        struct nj_npu_queue *x = state->x;
        uint32_t count = x->marks > 0 ? x->mark[0] : nj_npu_waiting(x);
        bool last = x->marks > 0;
        if (state->arith->dual && nj_npu_waiting(state->y) < count) {
            count = nj_npu_waiting(state->y);
            last = false;
        }
        if (count > NJ_NPU_CHUNK) {
            count = NJ_NPU_CHUNK;
            last = false;
        }
        uint32_t room = nj_npu_room(run, &state->feed, count);
        last = last && room == count;
        if (room == 0) {
            return moved;
        }
        compute(run, unit, room);
        nj_npu_take(x, room);
        if (state->arith->dual) {
            nj_npu_take(state->y, room);
        }
        nj_npu_push(run, &state->feed, run->chunk, room, last);
        moved = true;
    }
}
