/* Stream engines: elements between memory and the switch.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_state.h"

static uint32_t width_of(const struct nj_npu_stream *stream)
{
    return stream->bits / 8U;
}

/* Whether the elements of a frame lie side by side. */
static bool is_dense(const struct nj_npu_stream *stream)
{
    uint64_t pixel = (uint64_t)stream->depth * width_of(stream);
    return stream->raw ||
           (stream->depth_offset == pixel && stream->line_offset == pixel * stream->width);
}

static bool check(struct nj_npu_run *run, uint32_t unit, uint64_t *elements)
{
    const struct nj_npu_stream *stream = &run->epoch->stream[unit];
    const struct {
        const char *field;
        int64_t value;
        bool bad;
    } undefined[] = {
        {"bits", stream->bits, stream->bits != 8 && stream->bits != 16 && stream->bits != 24},
        {"lift", stream->lift, stream->lift != 0},
        {"gap_front", stream->gap_front, stream->gap_front != 0},
        {"gap_back", stream->gap_back, stream->gap_back != 0},
        {"no_increment", stream->no_increment, stream->no_increment},
        {"enciphered", stream->enciphered, stream->enciphered},
        {"continuous", stream->continuous, stream->continuous && !stream->raw},
    };
    for (uint32_t i = 0; i < sizeof undefined / sizeof undefined[0]; i++) {
        if (undefined[i].bad) {
            return nj_npu_fail(run, NJ_NPU_UNDEFINED, NJ_NPU_STREAM, unit, undefined[i].field,
                               undefined[i].value);
        }
    }
    const struct {
        const char *field;
        uint32_t value;
        uint32_t most; /* that the register holds */
    } sizes[] = {
        {"elements", stream->raw ? stream->elements : 1, UINT32_MAX},
        {"width", stream->raw ? 1 : stream->width, UINT16_MAX},
        {"height", stream->raw ? 1 : stream->height, UINT16_MAX},
        {"depth", stream->raw ? 1 : stream->depth, UINT16_MAX},
    };
    *elements = 1;
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        *elements *= sizes[i].value;
        if (*elements == 0 || *elements > NJ_NPU_MOST || sizes[i].value > sizes[i].most) {
            return nj_npu_fail(run, NJ_NPU_RANGE, NJ_NPU_STREAM, unit, sizes[i].field,
                               sizes[i].value);
        }
    }
    if ((stream->frames == 0 && stream->writes) || stream->frames > NJ_NPU_MOST_FRAMES) {
        return nj_npu_fail(run, NJ_NPU_RANGE, NJ_NPU_STREAM, unit, "frames", stream->frames);
    }
    return true;
}

bool nj_npu_engine_start(struct nj_npu_run *run, uint32_t unit)
{
    struct nj_npu_engine *engine = &run->engine[unit];
    const struct nj_npu_stream *stream = &run->epoch->stream[unit];
    uint64_t elements = 0;
    if (!check(run, unit, &elements)) {
        return false;
    }
    engine->stream = stream;
    engine->elements = (uint32_t)elements;
    engine->on = true;
    return !stream->writes ||
           nj_npu_queue_at(run, NJ_NPU_STREAM, unit, 0, 0, width_of(stream), &engine->queue);
}

/* Where a frame starts, before addresses wrap. */
static int64_t origin(const struct nj_npu_stream *stream, uint32_t frame, uint32_t elements)
{
    int64_t at = stream->address;
    int64_t step = (int32_t)stream->frame_offset;
    if (stream->continuous) {
        return at + (int64_t)frame * elements * width_of(stream);
    }
    if (stream->loop == 0) {
        return at + frame * step;
    }
    uint32_t turn = frame / stream->loop;
    at += frame % stream->loop * step;
    return at + turn * (int64_t)(int32_t)stream->loop_offset;
}

/* The bytes of a frame: the first of them behind its start, and how many there are. */
static void reach(const struct nj_npu_stream *stream, uint32_t elements, int64_t *first,
                  int64_t *size)
{
    if (is_dense(stream)) {
        *first = 0;
        *size = (int64_t)elements * width_of(stream);
        return;
    }
    int64_t lines = (int64_t)(stream->height - 1) * (int32_t)stream->line_offset;
    int64_t pixels = (int64_t)(stream->width - 1) * (int32_t)stream->depth_offset;
    *first = (lines < 0 ? lines : 0) + (pixels < 0 ? pixels : 0);
    int64_t last = (lines > 0 ? lines : 0) + (pixels > 0 ? pixels : 0);
    *size = last - *first + (int64_t)stream->depth * width_of(stream);
}

/* Borrows the memory of the frame that begins. */
static bool open_frame(struct nj_npu_run *run, uint32_t unit)
{
    struct nj_npu_engine *engine = &run->engine[unit];
    const struct nj_npu_stream *stream = engine->stream;
    int64_t first, size;
    reach(stream, engine->elements, &first, &size);
    uint32_t address = (uint32_t)(origin(stream, engine->frame, engine->elements) + first);
    engine->place = -first;
    engine->memory = NULL;
    run->outcome->error.address = address;
    if (size > UINT32_MAX || (uint64_t)address + (uint64_t)size > (uint64_t)1 << 32) {
        return nj_npu_fail(run, NJ_NPU_MEMORY, NJ_NPU_STREAM, unit, "address", size);
    }
    if (stream->limit != 0 && (uint64_t)address + (uint64_t)size > stream->limit) {
        return nj_npu_fail(run, NJ_NPU_LIMIT, NJ_NPU_STREAM, unit, "limit", stream->limit);
    }
    engine->memory = run->machine->window(run->machine->context, address, (uint32_t)size,
                                          stream->writes);
    if (engine->memory == NULL) {
        return nj_npu_fail(run, NJ_NPU_MEMORY, NJ_NPU_STREAM, unit, "address", size);
    }
    run->outcome->error.address = 0;
    return true;
}

static void load(int32_t *to, const uint8_t *from, uint32_t count, uint32_t bytes, bool extends)
{
    if (bytes == 1) {
        for (uint32_t i = 0; i < count; i++) {
            to[i] = extends ? (int8_t)from[i] : from[i];
        }
    } else if (bytes == 2) {
        for (uint32_t i = 0; i < count; i++) {
            uint16_t bits = (uint16_t)(from[2 * i] | from[2 * i + 1] << 8);
            to[i] = extends ? (int16_t)bits : bits;
        }
    } else {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t bits = (uint32_t)from[3 * i] | (uint32_t)from[3 * i + 1] << 8 |
                            (uint32_t)from[3 * i + 2] << 16;
            to[i] = extends ? (int32_t)(bits << 8) >> 8 : (int32_t)bits;
        }
    }
}

static void store(uint8_t *to, const int32_t *from, uint32_t count, uint32_t bytes)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)from[i];
        for (uint32_t byte = 0; byte < bytes; byte++) {
            *to++ = (uint8_t)(bits >> 8 * byte);
        }
    }
}

/* Moves the next `count` elements of the frame, from or to `data`. */
static void move(struct nj_npu_engine *engine, int32_t *data, uint32_t count)
{
    const struct nj_npu_stream *stream = engine->stream;
    uint32_t bytes = width_of(stream);
    bool extends = stream->aligned_right && stream->sign_extends;
    bool dense = is_dense(stream);
    while (count != 0) {
        uint32_t piece = count;
        int64_t at = engine->place;
        if (dense) {
            at += (int64_t)engine->done * bytes;
        } else {
            uint32_t deep = engine->done % stream->depth;
            uint32_t pixel = engine->done / stream->depth;
            at += pixel / stream->width * (int64_t)(int32_t)stream->line_offset;
            at += pixel % stream->width * (int64_t)(int32_t)stream->depth_offset;
            at += (int64_t)deep * bytes;
            piece = stream->depth - deep < count ? stream->depth - deep : count;
        }
        if (stream->writes) {
            store(engine->memory + at, data, piece, bytes);
        } else {
            load(data, engine->memory + at, piece, bytes, extends);
        }
        engine->done += piece;
        data += piece;
        count -= piece;
    }
    if (engine->done == engine->elements) {
        engine->done = 0;
        engine->frame++;
    }
}

bool nj_npu_engine_write(struct nj_npu_run *run, uint32_t unit)
{
    struct nj_npu_engine *engine = &run->engine[unit];
    struct nj_npu_queue *queue = engine->queue;
    bool moved = false;
    while (engine->frame < engine->stream->frames && nj_npu_waiting(queue) != 0) {
        if (engine->done == 0 && !open_frame(run, unit)) {
            return false;
        }
        uint32_t count = engine->elements - engine->done;
        count = nj_npu_waiting(queue) < count ? nj_npu_waiting(queue) : count;
        move(engine, queue->data + queue->begin, count);
        nj_npu_take(queue, count);
        moved = true;
    }
    return moved;
}

bool nj_npu_engine_read(struct nj_npu_run *run, uint32_t unit)
{
    struct nj_npu_engine *engine = &run->engine[unit];
    if (engine->frame == engine->stream->frames ||
        (engine->after != NULL &&
         (uint64_t)engine->after->frame + engine->lag <= engine->frame)) {
        return false;
    }
    uint32_t count = engine->elements - engine->done;
    count = count < NJ_NPU_CHUNK ? count : NJ_NPU_CHUNK;
    count = nj_npu_room(run, &engine->feed, count);
    if (count == 0 || (engine->done == 0 && !open_frame(run, unit))) {
        return false;
    }
    uint32_t before = engine->frame;
    move(engine, run->chunk, count);
    nj_npu_push(run, &engine->feed, run->chunk, count, engine->frame != before);
    return true;
}

void nj_npu_span(const struct nj_npu_stream *stream, int64_t *first, int64_t *size)
{
    uint32_t elements =
        stream->raw ? stream->elements : stream->width * stream->height * stream->depth;
    int64_t offset, length;
    reach(stream, elements, &offset, &length);
    int64_t low = INT64_MAX;
    int64_t high = INT64_MIN;
    for (uint32_t frame = 0; frame < stream->frames; frame++) {
        int64_t at = origin(stream, frame, elements) + offset;
        low = at < low ? at : low;
        high = at + length > high ? at + length : high;
    }
    *first = low;
    *size = high - low;
}

/* Partial sums that are read again without a word of synchronization: the programs of epoch
 * controllers rely on the back-pressure of the chain, here it is the engine that writes them. */
static void order_sums(struct nj_npu_run *run, struct nj_npu_engine *reader,
                       const struct nj_npu_conv *conv)
{
    int64_t low, size;
    nj_npu_span(reader->stream, &low, &size);
    for (uint32_t i = 0; i < NJ_NPU_STREAMS; i++) {
        const struct nj_npu_engine *writer = &run->engine[i];
        int64_t from, length;
        if (!writer->on || !writer->stream->writes) {
            continue;
        }
        nj_npu_span(writer->stream, &from, &length);
        if (from < low + size && low < from + length) {
            reader->after = writer;
            reader->lag = conv->accumulates_first && !conv->generates_first ? 1 : 0;
            return;
        }
    }
}

bool nj_npu_engines_order(struct nj_npu_run *run)
{
    for (uint32_t i = 0; i < NJ_NPU_STREAMS; i++) {
        struct nj_npu_engine *engine = &run->engine[i];
        if (!engine->on || engine->stream->writes) {
            continue;
        }
        if (engine->stream->synced) {
            uint32_t other = engine->stream->sync_with;
            if (other >= NJ_NPU_STREAMS || !run->engine[other].on ||
                !run->engine[other].stream->writes) {
                return nj_npu_fail(run, NJ_NPU_RANGE, NJ_NPU_STREAM, i, "sync_with", other);
            }
            engine->after = &run->engine[other];
            continue;
        }
        const struct nj_npu_link *link = run->queue[engine->feed.queue[0]].link;
        if (engine->feed.count == 1 && link->destination.kind == NJ_NPU_CONV &&
            link->destination.port == 2) {
            order_sums(run, engine, &run->epoch->conv[link->destination.unit]);
        }
    }
    return true;
}
