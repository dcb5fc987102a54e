/* A ring of samples, a ring of frames. SPDX-License-Identifier: MIT */
#include "nj_stream.h"

#include "nj_frontend_stages.h"

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Frames from this on lie inside the chunk, ... */
static uint32_t first_inside(const struct nj_frontend *frontend)
{
    return smaller((frontend->fft_length / 2u + frontend->hop - 1u) / frontend->hop, frontend->frames);
}

/* ... and before this, of a chunk of which `samples` are there. */
static uint32_t end_inside(const struct nj_frontend *frontend, uint32_t samples)
{
    const uint32_t half = frontend->fft_length / 2u;

    return samples < half ? 0u : smaller((samples - half) / frontend->hop + 1u, frontend->frames);
}

static struct nj_view view_of(const struct nj_stream *stream)
{
    const uint32_t size = stream->frontend->chunk_samples;

    return (struct nj_view){stream->history, 0, (int32_t)stream->received, stream->start, size};
}

/* Frames [frame, end) into columns of out, which holds `frames` of them, from `column` on and round. */
static void compute(struct nj_stream *stream, uint32_t frame, uint32_t end, float *out, uint32_t column, float *scratch,
                    struct nj_range *range)
{
    const struct nj_frontend *const frontend = stream->frontend;
    const struct nj_scratch parts = nj_scratch_parts(frontend->fft_length, scratch);
    const struct nj_view view = view_of(stream);

    while (frame < end) {
        const uint32_t place = column < frontend->frames ? column : column - frontend->frames;
        const uint32_t width = smaller(smaller(end - frame, NJ_COLUMNS), frontend->frames - place);
        nj_frames(frontend, &view, frame, frame + width - 1u, &parts);
        nj_columns(frontend, parts.rows, out + place, frontend->frames, width, range);
        stream->computed += width;
        frame += width;
        column = place + width;
    }
}

static inline void copy(const float *from, float *to, uint32_t count, nj_v *low, nj_v *high)
{
    for (; count >= NJ_LANES; count -= NJ_LANES) {
        const nj_v value = nj_load(from);
        *low = nj_min(*low, value);
        *high = nj_max(*high, value);
        nj_store(to, value);
        from += NJ_LANES;
        to += NJ_LANES;
    }
    for (; count > 0u; count--) {
        *low = nj_min(*low, nj_fill(*from));
        *high = nj_max(*high, nj_fill(*from));
        *to++ = *from++;
    }
}

/* Frames [first, last) from the ring, and their range. */
static void unroll(const struct nj_stream *stream, uint32_t first, uint32_t last, float *features,
                   struct nj_range *range)
{
    const uint32_t frames = stream->frontend->frames;
    const uint32_t place = (stream->column + first) % frames;
    const uint32_t straight = smaller(last - first, frames - place);
    nj_v low = nj_load(range->low);
    nj_v high = nj_load(range->high);

    for (uint32_t row = 0; row < nj_rows_stored(stream->frontend); row++) {
        const float *const from = stream->ring + frames * row;
        float *const to = features + frames * row + first;
        copy(from + place, to, straight, &low, &high);
        copy(from, to + straight, last - first - straight, &low, &high);
    }
    nj_store(range->low, low);
    nj_store(range->high, high);
}

void nj_stream_start(struct nj_stream *stream)
{
    stream->received = stream->skip = stream->start = stream->column = stream->computed = 0u;
    stream->next = first_inside(stream->frontend);
}

uint32_t nj_stream_push(struct nj_stream *stream, const int16_t *samples, uint32_t count, float *scratch)
{
    const struct nj_frontend *const frontend = stream->frontend;
    const uint32_t size = frontend->chunk_samples;
    const uint32_t skipped = smaller(stream->skip, count);
    const uint32_t taken = smaller(count - skipped, size - stream->received);
    const uint32_t place = (stream->start + stream->received) % size;
    const uint32_t straight = smaller(taken, size - place);

    stream->skip -= skipped;
    samples += skipped;
    memcpy(stream->history + place, samples, straight * sizeof(*samples));
    memcpy(stream->history, samples + straight, (taken - straight) * sizeof(*samples));
    stream->received += taken;
    uint32_t end = end_inside(frontend, stream->received);
    if (stream->received < size && end > stream->next) /* whole groups, until the chunk is full */
        end = stream->next + (end - stream->next) / NJ_COLUMNS * NJ_COLUMNS;
    if (end > stream->next) {
        struct nj_range range; /* of no use: it is that of a chunk which counts */
        nj_range_start(&range);
        compute(stream, stream->next, end, stream->ring, (stream->column + stream->next) % frontend->frames, scratch,
                &range);
        stream->next = end;
    }
    return skipped + taken;
}

int nj_stream_ready(const struct nj_stream *stream)
{
    return stream->received == stream->frontend->chunk_samples;
}

void nj_stream_take(struct nj_stream *stream, float *features, float *scratch)
{
    const struct nj_frontend *const frontend = stream->frontend;
    const uint32_t frames = frontend->frames;
    const uint32_t size = frontend->chunk_samples;
    const uint32_t hops = stream->stride / frontend->hop;
    const uint32_t first = first_inside(frontend);
    const uint32_t end = end_inside(frontend, size);
    const uint32_t last = end > first ? end : first;
    struct nj_range range;

    nj_range_start(&range);
    unroll(stream, first, last, features, &range);
    compute(stream, 0, first, features, 0, scratch, &range);
    compute(stream, last, frames, features, last, scratch, &range);
    nj_finish(frontend, features, scratch, &range);

    stream->next = end > first + hops ? end - hops : first;
    stream->column = (stream->column + hops % frames) % frames;
    stream->skip = stream->stride > size ? stream->stride - size : 0u;
    stream->received = stream->stride > size ? 0u : size - stream->stride;
    stream->start = (stream->start + stream->stride % size) % size;
}
