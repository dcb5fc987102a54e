/* Instructions of the epoch controller; see nj_npu_program.h.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_program.h"

enum { HEAD = 2 }; /* magic and length */

/* The words from `next` to `end` are still to be read. */
struct cursor {
    struct nj_npu_controller *controller;
    const uint32_t *words;
    size_t next;
    size_t end;
    struct nj_npu_error *error;
};

static enum nj_npu_status damaged(const struct cursor *cursor, const char *what, uint32_t value)
{
    *cursor->error = (struct nj_npu_error){
        NJ_NPU_PROGRAM, {NJ_NPU_NOTHING, 0, 0}, what, value, cursor->controller->word};
    return NJ_NPU_PROGRAM;
}

/* The next `count` words, or NULL where the program ends before. */
static const uint32_t *take(struct cursor *cursor, size_t count)
{
    if (count > cursor->end - cursor->next) {
        return NULL;
    }
    const uint32_t *words = &cursor->words[cursor->next];
    cursor->next += count;
    return words;
}

struct place {
    uint32_t offset;
    uint32_t lsb;
    uint32_t mask; /* of the field, at bit 0 */
};

static bool place_of(uint32_t instruction, struct place *place)
{
    const uint32_t msb = instruction >> 10 & 31;
    place->offset = (instruction >> 16) * 4;
    place->lsb = instruction >> 5 & 31;
    if (msb < place->lsb || (instruction >> 15 & 1) != 0) {
        return false;
    }
    const uint32_t width = msb - place->lsb + 1;
    place->mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
    return true;
}

static enum nj_npu_status write_field(struct cursor *cursor, struct place place, uint32_t value)
{
    struct nj_npu_registers *registers = cursor->controller->registers;
    uint32_t word = 0;
    if (place.mask != UINT32_MAX) {
        const enum nj_npu_status status =
            nj_npu_register_read(registers, place.offset, &word, cursor->error);
        if (status != NJ_NPU_OK) {
            cursor->error->value = value; /* what was to be written, not what could not be read */
            return status;
        }
    }
    word = (word & ~(place.mask << place.lsb)) | value << place.lsb;
    return nj_npu_register_write(registers, place.offset, word, cursor->error);
}

static enum nj_npu_status write_one(struct cursor *cursor, uint32_t instruction)
{
    struct place place;
    const uint32_t *data = take(cursor, 1);
    if (data == NULL) {
        return damaged(cursor, "data past the end", instruction);
    }
    if (!place_of(instruction, &place)) {
        return damaged(cursor, "the form of a write", instruction);
    }
    if (place.lsb != 0 || (*data & ~place.mask) != 0) {
        return damaged(cursor, "the data of a write to a part of a register", instruction);
    }
    return write_field(cursor, place, *data);
}

static enum nj_npu_status write_bit(struct cursor *cursor, uint32_t instruction)
{
    const struct place place = {(instruction >> 16) * 4, instruction >> 5 & 31, 1};
    const uint32_t value = instruction >> 13 & 7;
    if (value > 1 || (instruction >> 10 & 7) != 0) {
        return damaged(cursor, "the form of a bit", instruction);
    }
    return write_field(cursor, place, value);
}

static enum nj_npu_status write_burst(struct cursor *cursor, uint32_t instruction)
{
    const uint32_t count = instruction >> 5 & 0x7ff;
    const uint32_t step = (instruction & 31) == NJ_NPU_INCREASING ? 4 : 0;
    const uint32_t *data = take(cursor, count);
    if (data == NULL || count == 0) {
        return damaged(cursor, count == 0 ? "an empty burst" : "data past the end", instruction);
    }
    for (uint32_t i = 0; i < count; i++) {
        const enum nj_npu_status status =
            nj_npu_register_write(cursor->controller->registers,
                                  (instruction >> 16) * 4 + i * step, data[i], cursor->error);
        if (status != NJ_NPU_OK) {
            return status;
        }
    }
    return NJ_NPU_OK;
}

static enum nj_npu_status run_epoch(struct cursor *cursor)
{
    struct nj_npu_controller *controller = cursor->controller;
    enum nj_npu_status status =
        nj_npu_registers_decode(controller->registers, controller->epoch, cursor->error);
    if (status == NJ_NPU_OK) {
        status = controller->run(controller->context, controller->number, controller->epoch,
                                 cursor->error);
    }
    if (status == NJ_NPU_OK) {
        nj_npu_registers_finish(controller->registers);
    }
    return status;
}

/* Whether a poll looks at the RUNNING of a stream engine that runs. */
static bool waits_for_epoch(const struct cursor *cursor, struct place place)
{
    const struct nj_npu_field *running = &nj_npu_fields[NJ_NPU_FIELD_STREAM_RUNNING];
    const uint32_t engine = place.offset / NJ_NPU_PAGE - NJ_NPU_STREAM_PAGE;
    const uint32_t engines = nj_npu_registers_running(cursor->controller->registers);
    return place.offset % NJ_NPU_PAGE == running->offset && engine < NJ_NPU_STREAMS &&
           (place.mask << place.lsb >> running->lsb & 1) != 0 && (engines >> engine & 1) != 0;
}

static enum nj_npu_status poll(struct cursor *cursor, uint32_t instruction)
{
    struct place place;
    const uint32_t *data = take(cursor, 2);
    if (data == NULL) {
        return damaged(cursor, "data past the end", instruction);
    }
    if (!place_of(instruction, &place)) {
        return damaged(cursor, "the form of a poll", instruction);
    }
    const uint32_t expected = data[1];
    if ((place.lsb != 0 && expected != 0) || (expected & ~place.mask) != 0) {
        return damaged(cursor, "the value of a poll of a part of a register", instruction);
    }
    enum nj_npu_status status = NJ_NPU_OK;
    if (waits_for_epoch(cursor, place)) {
        status = run_epoch(cursor);
    }
    uint32_t word = 0;
    if (status == NJ_NPU_OK) {
        status = nj_npu_register_read(cursor->controller->registers, place.offset, &word,
                                      cursor->error);
    }
    if (status == NJ_NPU_OK && (word >> place.lsb & place.mask) != expected) {
        (void)damaged(cursor, "the value of a poll", word >> place.lsb & place.mask);
        status = cursor->error->status = NJ_NPU_TIMEOUT;
    }
    return status;
}

static enum nj_npu_status end(const struct cursor *cursor)
{
    if (cursor->next != cursor->end) {
        return damaged(cursor, "words behind the end", cursor->words[cursor->next]);
    }
    const uint32_t running = nj_npu_registers_running(cursor->controller->registers);
    return running == 0 ? NJ_NPU_OK : damaged(cursor, "engines that nothing waited for", running);
}

static enum nj_npu_status step(struct cursor *cursor, uint32_t instruction)
{
    switch (instruction & 31) {
    case NJ_NPU_WRITE: return write_one(cursor, instruction);
    case NJ_NPU_BIT: return write_bit(cursor, instruction);
    case NJ_NPU_SAME:
    case NJ_NPU_INCREASING: return write_burst(cursor, instruction);
    case NJ_NPU_POLL: return poll(cursor, instruction);
    case NJ_NPU_MARK: cursor->controller->number = instruction >> 5; return NJ_NPU_OK;
    default: return damaged(cursor, "opcode", instruction & 31);
    }
}

enum nj_npu_status nj_npu_program_run(struct nj_npu_controller *controller, const uint32_t *words,
                                      size_t room, struct nj_npu_error *error)
{
    struct cursor cursor = {controller, words, 0, room, error};
    *error = (struct nj_npu_error){0};
    controller->word = 0;
    controller->number = 0;
    controller->count = 0;
    const uint32_t *head = take(&cursor, HEAD);
    if (head == NULL) {
        return damaged(&cursor, "room", (uint32_t)room);
    }
    if (head[0] != NJ_NPU_PROGRAM_MAGIC) {
        return damaged(&cursor, "magic", head[0]);
    }
    if (head[1] > room - HEAD) {
        return damaged(&cursor, "length", head[1]);
    }
    cursor.end = HEAD + (size_t)head[1];
    while (cursor.next < cursor.end) {
        controller->word = (uint32_t)cursor.next;
        controller->count++;
        const uint32_t instruction = *take(&cursor, 1);
        if (instruction == NJ_NPU_END) {
            return end(&cursor);
        }
        const enum nj_npu_status status = step(&cursor, instruction);
        if (status != NJ_NPU_OK) {
            return status;
        }
    }
    return damaged(&cursor, "a program without an end", head[1]);
}
