/* A run in progress: what waits at the ports, where each unit stands. Inside the device only.
 *
 * Units fire in turn, each as far as its inputs, and the room at the ports that it feeds, allow: no
 * more is read ahead than a port can hold, as the back-pressure of the hardware does it, and the
 * engines that read memory fire last, when nothing else can.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_STATE_H
#define NJ_NPU_STATE_H

#include "nj_npu.h"

enum {
    NJ_NPU_CHUNK = 8192,       /* elements that move at once */
    NJ_NPU_MARKS = 64,         /* ends of frames that a queue can hold */
    NJ_NPU_MOST = 1 << 26,     /* elements of a frame or a kernel set */
    NJ_NPU_MOST_FRAMES = 1 << 20,
    NJ_NPU_MOST_SHIFT = 31, /* to the right: some registers hold it in six bits with a sign */
    NJ_NPU_MOST_LIFT = 24,  /* to the left */
};

/* What waits at a destination port. A value from a unit is signed; one from memory is as many raw
 * bits as were read, unless the engine extends the sign: the port that takes it knows its width. */
struct nj_npu_queue {
    const struct nj_npu_link *link;
    int32_t *data;
    uint32_t room;
    uint32_t begin; /* data[begin..end) wait */
    uint32_t end;
    bool marked; /* ends of frames are kept */
    uint32_t marks;
    uint32_t mark[NJ_NPU_MARKS]; /* elements from end to end of frames, the first from begin */
    uint32_t since;  /* elements behind the last mark */
    uint32_t context;
    uint32_t frames; /* of this context */
};

/* The queues that an output feeds. */
struct nj_npu_feed {
    uint32_t count;
    uint8_t queue[NJ_NPU_LINKS];
    struct nj_npu_port port;
};

struct nj_npu_engine {
    const struct nj_npu_stream *stream;
    struct nj_npu_feed feed;    /* reading */
    struct nj_npu_queue *queue; /* writing */
    uint32_t frame;             /* complete ones */
    uint32_t done;              /* elements of this frame */
    uint32_t elements;          /* of a frame */
    uint32_t lag;               /* a synced engine may be this many frames ahead */
    const struct nj_npu_engine *after;
    uint8_t *memory; /* of this frame, and the place of its first element in it */
    int64_t place;
    bool on;
};

struct nj_npu_conv_state {
    const struct nj_npu_conv *conv;
    struct nj_npu_feed feed;
    struct nj_npu_queue *features;
    struct nj_npu_queue *kernels;
    struct nj_npu_queue *sums;
    uint32_t pack;        /* bytes in a beat of the feature port */
    bool pixel_packed;    /* each pixel starts a beat */
    uint32_t need_features;
    uint32_t need_kernels;
    uint32_t row;         /* elements of a padded line, and lines */
    uint32_t lines;
    uint32_t left;        /* the crop, clamped */
    uint32_t top;
    uint32_t used_width;
    uint32_t used_height;
    uint32_t out_width;
    uint32_t out_height;
    uint32_t taps;        /* of a kernel, and rounded up for the dot products */
    uint32_t taps_room;
    uint32_t results;     /* of a frame */
    uint32_t pushed;      /* results when nothing waits */
    uint64_t frame;
    int32_t *wide;        /* [lines][row] */
    int16_t *narrow;      /* the same where they fit */
    int16_t *kernel;      /* [kernels][taps_room] */
    int16_t *patch;       /* [taps_room] */
    int32_t *out;         /* [results] */
};

struct nj_npu_arith_state {
    const struct nj_npu_arith *arith;
    struct nj_npu_feed feed;
    struct nj_npu_queue *x;
    struct nj_npu_queue *y;
    uint32_t index;
    uint32_t left[4]; /* elements until a counter expires */
};

struct nj_npu_pool_state {
    const struct nj_npu_pool *pool;
    struct nj_npu_feed feed;
    struct nj_npu_queue *features;
    uint32_t need;
    uint32_t left;
    uint32_t top;
    uint32_t used_width;
    uint32_t used_height;
    uint32_t results;
    uint32_t pushed;
    int32_t *out;
};

struct nj_npu_run {
    const struct nj_npu_epoch *epoch;
    const struct nj_npu_machine *machine;
    struct nj_npu_outcome *outcome;
    uint8_t *scratch;
    uint64_t scratch_used; /* may pass what there is: the sum says how much is needed */
    struct nj_npu_queue queue[NJ_NPU_LINKS];
    struct nj_npu_engine engine[NJ_NPU_STREAMS];
    struct nj_npu_conv_state conv[NJ_NPU_CONVS];
    struct nj_npu_arith_state arith[NJ_NPU_ARITHS];
    struct nj_npu_pool_state pool[NJ_NPU_POOLS];
    int32_t chunk[NJ_NPU_CHUNK];
};

/* Notes the first error and is false, for `return`. */
bool nj_npu_fail(struct nj_npu_run *run, enum nj_npu_status status, enum nj_npu_kind kind,
                 uint32_t unit, const char *field, int64_t value);

/* A part of the scratch memory; NULL when it is used up, and the sum goes on. */
void *nj_npu_lend(struct nj_npu_run *run, uint64_t count, uint32_t size);

/* Whether the unit does nothing to an input but take its low bytes, one to `most` of them. */
bool nj_npu_check_input(struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit,
                        const struct nj_npu_input *input, uint32_t most);
bool nj_npu_check_output(struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit,
                         const struct nj_npu_output *output, uint32_t most);

/* The used part [*first, *first + *count) of `size`, by an inclusive crop that is clamped. */
bool nj_npu_crop(uint32_t size, uint32_t from, uint32_t to, uint32_t *first, uint32_t *count);

/* The queue at a port that a unit needs, with room for `frame` elements and a chunk. `bytes` of
 * each element are used: an engine must bring as many, or say what lies above. */
bool nj_npu_queue_at(struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit, uint32_t port,
                     uint64_t frame, uint32_t bytes, struct nj_npu_queue **queue);
/* The bits of an element from the stream engine that alone feeds a port; 0 if no engine does. */
uint32_t nj_npu_bits_at(const struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit,
                        uint32_t port);
/* Whether the frames of such an engine have as many elements as the unit takes at once: it counts
 * elements, and would mix frames that do not. */
bool nj_npu_frame_fits(struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit, uint32_t port,
                       uint32_t wanted);
/* The queues that an output feeds: at least one. */
bool nj_npu_feed_of(struct nj_npu_run *run, enum nj_npu_kind kind, uint32_t unit,
                    struct nj_npu_feed *feed);

static inline uint32_t nj_npu_waiting(const struct nj_npu_queue *queue)
{
    return queue->end - queue->begin;
}

/* Drops the first elements of a queue; of a marked one never past an end of frame. */
void nj_npu_take(struct nj_npu_queue *queue, uint32_t count);
/* How many of `wanted` elements the feed takes now. */
uint32_t nj_npu_room(const struct nj_npu_run *run, const struct nj_npu_feed *feed, uint32_t wanted);
/* Hands them over; `last` ends a frame. */
void nj_npu_push(struct nj_npu_run *run, const struct nj_npu_feed *feed, const int32_t *data,
                 uint32_t count, bool last);
/* Hands over what is left of a frame of `results`, as far as there is room; whether any moved.
 * `pushed` says how many have been. */
bool nj_npu_hand_over(struct nj_npu_run *run, const struct nj_npu_feed *feed,
                      const int32_t *frame, uint32_t results, uint32_t *pushed);

/* Check a unit's record and make it ready; false and an error where that fails. */
bool nj_npu_engine_start(struct nj_npu_run *run, uint32_t unit);
bool nj_npu_engines_order(struct nj_npu_run *run);
bool nj_npu_conv_start(struct nj_npu_run *run, uint32_t unit);
bool nj_npu_arith_start(struct nj_npu_run *run, uint32_t unit);
bool nj_npu_pool_start(struct nj_npu_run *run, uint32_t unit);

/* Go on as far as possible at once; whether anything moved. An engine may fail in memory: see the
 * outcome. */
bool nj_npu_engine_write(struct nj_npu_run *run, uint32_t unit);
bool nj_npu_engine_read(struct nj_npu_run *run, uint32_t unit);
bool nj_npu_conv_fire(struct nj_npu_run *run, uint32_t unit);
bool nj_npu_arith_fire(struct nj_npu_run *run, uint32_t unit);
bool nj_npu_pool_fire(struct nj_npu_run *run, uint32_t unit);

#endif
