/* What an epoch of the NPU is told: one record a unit, the rows of the switch, the units enabled.
 *
 * The records belong to nobody's interface: calls of generated code and the registers of an epoch
 * controller both fill them. Zero is "off" for every field. Widths are in bytes, shifts in bits,
 * sizes in pixels, depth in elements of a pixel, offsets in bytes, unless a field says otherwise.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_UNITS_H
#define NJ_NPU_UNITS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    NJ_NPU_STREAMS = 10,
    NJ_NPU_CONVS = 4,
    NJ_NPU_ARITHS = 4,
    NJ_NPU_POOLS = 2,
    NJ_NPU_COEFFICIENTS = 512, /* the memory of an ARITH */
    NJ_NPU_PORTS = 3,          /* the most input ports of a unit */
    NJ_NPU_LINKS = 48,         /* rows of the switch: one a destination port */
};

/* The kinds of unit, for links, enable masks and errors. NOTHING is a source that is not
 * connected. */
enum nj_npu_kind {
    NJ_NPU_NOTHING,
    NJ_NPU_STREAM,
    NJ_NPU_CONV,
    NJ_NPU_DECUN,
    NJ_NPU_ACTIV,
    NJ_NPU_ARITH,
    NJ_NPU_POOL,
    NJ_NPU_RECBUF,
    NJ_NPU_KINDS,
};

/* How a result is made: shift right, round, saturate or keep the low bytes. */
struct nj_npu_output {
    bool rounds;    /* to nearest by the tie rule of the run, else floor */
    bool saturates; /* to the signed range of `bytes`, else the low bytes are kept */
    uint8_t mode;   /* as in the registers: 1, or 0 where it does not round; bit 1 is ReLU */
    uint8_t bytes;  /* 1, 2 or 3 */
    uint8_t shift;  /* right */
};

/* What is done to an input before it is used. Only "nothing" is defined: rounds, saturates and
 * shift 0; bytes_out is then the width of the input or 0. */
struct nj_npu_input {
    bool rounds;
    bool saturates;
    uint8_t mode;
    uint8_t bytes;     /* 1, 2 or 3: the low bytes that count */
    uint8_t bytes_out; /* 0, or the width after the shift */
    int8_t shift;      /* right, negative left */
};

/* A stream engine. Elements come by frame, line, pixel, depth. A frame f of `frames` starts at
 *   address + (f mod loop) * frame_offset + (f div loop) * loop_offset,   loop 0: f * frame_offset
 * and `continuous` in the place of all: the address runs on from frame to frame.
 * Raw: `elements` that lie side by side. Raster: lines of `width` pixels of `depth` elements. */
struct nj_npu_stream {
    bool writes;     /* from the switch to memory */
    bool raw;
    bool raw_out;    /* raster reads whose pixels are padded to whole beats of three bytes */
    bool continuous;
    bool no_increment;
    bool aligned_right; /* the value sits at the low end of the 24 bits of the link */
    bool sign_extends;  /* reads: to 24 bit */
    bool synced;        /* reads: frame n only after the engine sync_with has written frame n */
    bool enciphered;
    uint8_t sync_with;
    uint8_t bits;       /* of an element that move: 8, 16 or 24 */
    uint8_t lift;       /* left shift of a value on the link: 0, 8 or 16 */
    uint8_t gap_front;  /* bits in memory in front of each element that do not move */
    uint8_t gap_back;   /* and behind it */
    uint32_t address;
    uint32_t limit;     /* the first address that may not be touched, 0 for none */
    uint32_t elements;  /* raw: of a frame */
    uint32_t width;     /* raster */
    uint32_t height;
    uint32_t depth;
    uint32_t depth_offset; /* from pixel to pixel */
    uint32_t line_offset;
    uint32_t frame_offset; /* these three may be negative: two's complement, addresses wrap */
    uint32_t loop_offset;
    uint32_t loop;   /* frames */
    uint32_t frames; /* of the epoch */
};

enum nj_npu_filter { NJ_NPU_FILTER_NONE, NJ_NPU_PIXELDROP, NJ_NPU_FRAMEDROP, NJ_NPU_FRAMEZERO };

/* A convolution accelerator: port 0 features, 1 kernels, 2 accumulator. */
struct nj_npu_conv {
    struct nj_npu_input feature;
    struct nj_npu_output out;
    bool feature_unsigned;
    bool kernel_unsigned;
    bool accumulates;         /* adds port 2 */
    bool accumulates_first;   /* in the first frame too */
    bool generates_first;     /* the accumulator's first frame is zero and not read */
    bool raw;                 /* how the output frame is marked; no effect on values */
    bool deep;                /* 1x1 kernels in groups of eight */
    bool dss2;                /* a speed mode; no effect on values */
    bool stationary;          /* fstat: not defined */
    bool kernel_buffer;       /* kt1: not defined */
    uint8_t kernel_set;       /* which bytes of the kernel stream: 0, deep 3 */
    uint8_t simd;             /* 1: 8x8 bit, 2: 16x8 bit; 0 (16x16) is not defined */
    uint8_t variable_shift;   /* not defined but 0 */
    uint8_t shift_accumulator; /* left */
    uint32_t width;           /* of the feature frame */
    uint32_t height;
    uint32_t depth;           /* channels handled together */
    uint32_t kernel_width;
    uint32_t kernel_height;
    uint32_t kernels;         /* of this unit */
    uint32_t stride_x;
    uint32_t stride_y;
    uint32_t pad_left;        /* after the crop, in pixels */
    uint32_t pad_right;
    uint32_t pad_top;
    uint32_t pad_bottom;
    uint32_t crop_left;       /* the rectangle that is used, inclusive; clamped to the frame */
    uint32_t crop_right;
    uint32_t crop_top;
    uint32_t crop_bottom;
    uint8_t filter;           /* enum nj_npu_filter, of the accumulator's frames */
    uint32_t filter_total;
    uint32_t filter_first;
    uint32_t filter_last;
    uint32_t set_total;       /* kernels on the stream a frame, 0: those of this unit */
    uint32_t set_first;       /* of them, this unit's */
    uint32_t set_last;
    int32_t subtract;         /* from each feature: its zero point */
    int32_t pad_value;        /* of a feature less `subtract` */
};

enum nj_npu_operation {
    NJ_NPU_AFFINE = 1,
    NJ_NPU_MINIMUM,
    NJ_NPU_MAXIMUM,
    NJ_NPU_MULTIPLY,
    NJ_NPU_AND,
    NJ_NPU_OR,
    NJ_NPU_NOT,
    NJ_NPU_XOR,
    NJ_NPU_EQUAL,
    NJ_NPU_LESS,
    NJ_NPU_LESS_EQUAL,
    NJ_NPU_GREATER,
    NJ_NPU_GREATER_EQUAL,
    NJ_NPU_ABSOLUTE,
    NJ_NPU_SIGN,
    NJ_NPU_CLIP,
};

/* The index into the coefficient memory: after each element the last counter that expires decides
 * what is added. `every` elements (0: never), then again. step[0] is the increment. */
struct nj_npu_step {
    uint32_t every;
    int32_t add;
};

/* An arithmetic unit: port 0 is x, port 1 is y. */
struct nj_npu_arith {
    struct nj_npu_input x;
    struct nj_npu_input y;
    struct nj_npu_output out;
    uint8_t operation; /* enum nj_npu_operation */
    bool dual;         /* y streams in; else only x */
    bool combined;     /* b and c are the halves of one 32-bit constant */
    bool clips;
    bool logical;      /* AND, OR, NOT of truth values */
    bool a_vector;     /* from the memory by index, else the scalar */
    bool b_vector;
    bool c_vector;
    uint8_t shift_ax;  /* right */
    uint8_t shift_by;  /* right */
    uint8_t shift_c;   /* left */
    int16_t a;
    int16_t b;
    int16_t c;
    int16_t clip_least;
    int16_t clip_most;
    uint32_t first; /* index of the first element */
    uint32_t frame; /* elements of the whole feature, a hint for the room of its inputs; may be 0 */
    struct nj_npu_step step[4];
    int16_t as[NJ_NPU_COEFFICIENTS];
    int16_t bs[NJ_NPU_COEFFICIENTS];
    int16_t cs[NJ_NPU_COEFFICIENTS];
};

enum nj_npu_pooling {
    NJ_NPU_POOL_MAX = 1,
    NJ_NPU_POOL_MIN,
    NJ_NPU_POOL_AVERAGE,
    NJ_NPU_POOL_GLOBAL_MAX,
    NJ_NPU_POOL_GLOBAL_MIN,
    NJ_NPU_POOL_GLOBAL_AVERAGE,
};

/* A pooling unit. */
struct nj_npu_pool {
    struct nj_npu_input feature;
    struct nj_npu_output out;
    uint8_t pooling;     /* enum nj_npu_pooling */
    bool dual_line;      /* a speed mode; no effect on values */
    int16_t multiplier;
    uint32_t width; /* of the feature frame */
    uint32_t height;
    uint32_t depth;
    uint32_t out_width;
    uint32_t out_height;
    uint32_t window_width;
    uint32_t window_height;
    uint32_t stride_x;
    uint32_t stride_y;
    uint32_t pad_left;
    uint32_t pad_right;
    uint32_t pad_top;
    uint32_t pad_bottom;
    uint32_t crop_left; /* the rectangle that is used, inclusive; clamped to the frame */
    uint32_t crop_right;
    uint32_t crop_top;
    uint32_t crop_bottom;
};

/* One end of a link. */
struct nj_npu_port {
    uint8_t kind; /* enum nj_npu_kind */
    uint8_t unit;
    uint8_t port;
};

/* A row of the switch. frames[0] = 0: source[0] for good. Otherwise frames[0] frames of source[0],
 * then frames[1] of source[1], and again; the frames of a context that is not enabled are dropped. */
struct nj_npu_link {
    struct nj_npu_port destination;
    struct nj_npu_port source[2];
    bool enabled[2];
    uint8_t frames[2];
    bool counts_pixels; /* not defined */
};

/* Everything that start() of an epoch sets. No unit keeps a state from epoch to epoch. */
struct nj_npu_epoch {
    struct nj_npu_stream stream[NJ_NPU_STREAMS];
    struct nj_npu_conv conv[NJ_NPU_CONVS];
    struct nj_npu_arith arith[NJ_NPU_ARITHS];
    struct nj_npu_pool pool[NJ_NPU_POOLS];
    struct nj_npu_link link[NJ_NPU_LINKS];
    uint32_t links;
    uint32_t configured[NJ_NPU_KINDS]; /* bit u: the record of unit u was filled */
    uint32_t enabled[NJ_NPU_KINDS];    /* bit u: unit u runs; those of kinds without a record too */
};

#endif
