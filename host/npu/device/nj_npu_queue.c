/* The switch and the queues behind it.
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "nj_npu_state.h"

static const char *const port_names[NJ_NPU_PORTS] = {"port 0", "port 1", "port 2"};

static bool is_port(struct nj_npu_port port, enum nj_npu_kind kind, uint32_t unit, uint32_t number)
{
    return port.kind == kind && port.unit == unit && port.port == number;
}

static bool same(struct nj_npu_port a, struct nj_npu_port b)
{
    return is_port(a, (enum nj_npu_kind)b.kind, b.unit, b.port);
}

static bool runs(const struct nj_npu_epoch *epoch, struct nj_npu_port port)
{
    return port.kind < NJ_NPU_KINDS && port.unit < 32 &&
           (epoch->enabled[port.kind] >> port.unit & 1) != 0;
}

/* The sources that a row can name now or later. */
static uint32_t sources(const struct nj_npu_link *link)
{
    return link->frames[0] == 0 ? 1 : 2;
}

static bool check_link(struct nj_npu_run *run, const struct nj_npu_link *link)
{
    enum nj_npu_kind kind = (enum nj_npu_kind)link->destination.kind;
    uint32_t unit = link->destination.unit;
    if (link->counts_pixels) {
        return nj_npu_fail(run, NJ_NPU_UNDEFINED, kind, unit, "counts_pixels", 1);
    }
    if (link->frames[0] != 0 && link->frames[1] == 0) {
        return nj_npu_fail(run, NJ_NPU_UNDEFINED, kind, unit, "frames", link->frames[0]);
    }
    for (uint32_t context = 0; context < sources(link); context++) {
        if (!runs(run->epoch, link->source[context])) {
            return nj_npu_fail(run, NJ_NPU_UNCONNECTED, kind, unit, "source",
                               link->source[context].kind);
        }
    }
    if (link->frames[0] == 0 && !link->enabled[0]) {
        return nj_npu_fail(run, NJ_NPU_UNCONNECTED, kind, unit, "enabled", 0);
    }
    return true;
}

static const struct nj_npu_link *link_to(const struct nj_npu_epoch *epoch, enum nj_npu_kind kind,
                                         uint32_t unit, uint32_t port, uint32_t *row)
{
    for (uint32_t i = epoch->links; i-- > 0;) { /* a later row of a port replaces an earlier one */
        if (is_port(epoch->link[i].destination, kind, unit, port)) {
            *row = i;
            return &epoch->link[i];
        }
    }
    return NULL;
}

bool nj_npu_queue_at(struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit, uint32_t port,
                     uint64_t frame, uint32_t bytes, struct nj_npu_queue **queue)
{
    uint32_t row = 0;
    const struct nj_npu_link *link = link_to(run->epoch, kind, unit, port, &row);
    if (link == NULL) {
        return nj_npu_fail(run, NJ_NPU_UNCONNECTED, kind, unit, port_names[port], port);
    }
    if (!check_link(run, link)) {
        return false;
    }
    for (uint32_t context = 0; context < sources(link); context++) {
        struct nj_npu_port source = link->source[context];
        if (source.kind != NJ_NPU_STREAM || source.unit >= NJ_NPU_STREAMS) {
            continue;
        }
        const struct nj_npu_stream *stream = &run->epoch->stream[source.unit];
        /* What is not aligned has been seen to come with zeros above in this one place: first
         * layers of images, x - 128 in 16 bits. */
        bool seen = kind == NJ_NPU_ARITH && stream->bits == 8;
        if (stream->bits < 8 * bytes && !stream->aligned_right && !seen) {
            return nj_npu_fail(run, NJ_NPU_UNDEFINED, kind, unit, port_names[port], stream->bits);
        }
    }
    struct nj_npu_queue *found = &run->queue[row];
    found->link = link;
    found->room = (uint32_t)frame + NJ_NPU_CHUNK;
    found->data = nj_npu_lend(run, found->room, sizeof(int32_t));
    *queue = found;
    return true;
}

/* The stream engine that alone feeds a port, or NULL. */
static const struct nj_npu_stream *reader_at(const struct nj_npu_run *run, enum nj_npu_kind kind,
                                             uint32_t unit, uint32_t port)
{
    uint32_t row = 0;
    const struct nj_npu_link *link = link_to(run->epoch, kind, unit, port, &row);
    if (link == NULL || link->source[0].kind != NJ_NPU_STREAM ||
        link->source[0].unit >= NJ_NPU_STREAMS ||
        (sources(link) == 2 && !same(link->source[0], link->source[1]))) {
        return NULL;
    }
    return &run->epoch->stream[link->source[0].unit];
}

uint32_t nj_npu_bits_at(const struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit,
                        uint32_t port)
{
    const struct nj_npu_stream *stream = reader_at(run, kind, unit, port);
    return stream != NULL ? stream->bits : 0;
}

bool nj_npu_frame_fits(struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit, uint32_t port,
                       uint32_t wanted)
{
    const struct nj_npu_stream *stream = reader_at(run, kind, unit, port);
    if (stream == NULL) {
        return true;
    }
    uint32_t frame =
        stream->raw ? stream->elements : stream->width * stream->height * stream->depth;
    return frame == wanted ||
           nj_npu_fail(run, NJ_NPU_RANGE, kind, unit, port_names[port], frame);
}

bool nj_npu_feed_of(struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit,
                    struct nj_npu_feed *feed)
{
    const struct nj_npu_epoch *epoch = run->epoch;
    feed->port = (struct nj_npu_port){.kind = (uint8_t)kind, .unit = (uint8_t)unit};
    feed->count = 0;
    for (uint32_t i = 0; i < epoch->links; i++) {
        const struct nj_npu_link *link = &epoch->link[i];
        bool named = false;
        for (uint32_t context = 0; context < sources(link); context++) {
            named = named || same(link->source[context], feed->port);
        }
        uint32_t row = 0;
        struct nj_npu_port to = link->destination;
        if (!named || link_to(epoch, (enum nj_npu_kind)to.kind, to.unit, to.port, &row) != link) {
            continue;
        }
        if (run->queue[i].link == NULL) { /* nobody asked for it: it would block its source */
            return nj_npu_fail(run, NJ_NPU_UNCONNECTED, kind, unit, "destination",
                               link->destination.kind);
        }
        feed->queue[feed->count++] = (uint8_t)i;
    }
    if (feed->count == 0) {
        return nj_npu_fail(run, NJ_NPU_UNCONNECTED, kind, unit, "output", 0);
    }
    return true;
}

void nj_npu_take(struct nj_npu_queue *queue, uint32_t count)
{
    queue->begin += count;
    if (queue->begin == queue->end) {
        queue->begin = queue->end = 0;
    }
    if (!queue->marked) {
        return;
    }
    if (queue->marks == 0) {
        queue->since -= count;
        return;
    }
    queue->mark[0] -= count;
    if (queue->mark[0] == 0) {
        queue->marks--;
        memmove(queue->mark, queue->mark + 1, queue->marks * sizeof queue->mark[0]);
    }
}

uint32_t nj_npu_room(const struct nj_npu_run *run, const struct nj_npu_feed *feed, uint32_t wanted)
{
    for (uint32_t i = 0; i < feed->count; i++) {
        const struct nj_npu_queue *queue = &run->queue[feed->queue[i]];
        if (!same(queue->link->source[queue->context], feed->port)) {
            return 0; /* it is another source's turn */
        }
        if (!queue->link->enabled[queue->context]) {
            continue; /* dropped */
        }
        uint32_t room = queue->room - nj_npu_waiting(queue);
        if (queue->marked && queue->marks == NJ_NPU_MARKS) {
            room = 0;
        }
        wanted = room < wanted ? room : wanted;
    }
    return wanted;
}

static void append(struct nj_npu_queue *queue, const int32_t *data, uint32_t count)
{
    if (queue->end + count > queue->room) {
        uint32_t waiting = nj_npu_waiting(queue);
        memmove(queue->data, queue->data + queue->begin, waiting * sizeof *queue->data);
        queue->begin = 0;
        queue->end = waiting;
    }
    memcpy(queue->data + queue->end, data, count * sizeof *data);
    queue->end += count;
}

void nj_npu_push(struct nj_npu_run *run, const struct nj_npu_feed *feed, const int32_t *data,
                 uint32_t count, bool last)
{
    for (uint32_t i = 0; i < feed->count; i++) {
        struct nj_npu_queue *queue = &run->queue[feed->queue[i]];
        const struct nj_npu_link *link = queue->link;
        if (link->enabled[queue->context]) {
            append(queue, data, count);
            if (queue->marked) {
                queue->since += count;
                if (last) {
                    queue->mark[queue->marks++] = queue->since;
                    queue->since = 0;
                }
            }
        }
        if (last && link->frames[0] != 0 && ++queue->frames == link->frames[queue->context]) {
            queue->frames = 0;
            queue->context = 1 - queue->context;
        }
    }
}

bool nj_npu_hand_over(struct nj_npu_run *run, const struct nj_npu_feed *feed,
                      const int32_t *frame, uint32_t results, uint32_t *pushed)
{
    bool moved = false;
    while (*pushed < results) {
        uint32_t left = results - *pushed;
        uint32_t count = nj_npu_room(run, feed, left);
        if (count == 0) {
            break;
        }
        nj_npu_push(run, feed, frame + *pushed, count, count == left);
        *pushed += count;
        moved = true;
    }
    return moved;
}
