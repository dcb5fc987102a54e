/* SPDX-License-Identifier: MIT */
#include "nj_npu_encode_units.h"

#include "nj_npu_host.h"
#include "nj_npu_port.h"

#define SET(name, value) nj_npu_set(page, NJ_NPU_FIELD_##name, (int64_t)(value))

enum {
    NO_SHIFT = 16, /* fields of an input's shift */
    LAST_FRAME = 8, /* of STREAM.INTERRUPTS: an engine tells when it has written its last frame */
    COEFFICIENTS_FIRST = 384, /* of an ARITH, which are written at one place, translated; the rest at another */
    COEFFICIENTS_REST_AT = 0xC00,
    INDICES = 512,
};

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

void nj_npu_encode_stream(struct nj_npu_page *page, const struct nj_npu_epoch *epoch, uint32_t unit) {
    const struct nj_npu_stream *const s = &epoch->stream[unit];
    SET(STREAM_SINGLE, s->frames == 1);
    SET(STREAM_WRITES, s->writes);
    SET(STREAM_NO_INCREMENT, s->no_increment);
    SET(STREAM_CONTINUOUS, s->continuous);
    SET(STREAM_RAW, s->raw);
    SET(STREAM_RAW_OUT, s->raw_out);
    SET(STREAM_ALIGNED_RIGHT, s->aligned_right);
    SET(STREAM_SIGN_EXTENDS, s->sign_extends);
    SET(STREAM_LANE_0, s->lift == 0 ? 8 : 0);
    SET(STREAM_LANE_1, s->lift <= 8 && s->lift + s->bits > 8 ? 8 : 0);
    SET(STREAM_LANE_2, s->lift + s->bits > 16 ? 8 : 0);
    SET(STREAM_ADDRESS, s->address);
    if (s->raw) {
        SET(STREAM_WIDTH, s->elements & 0xFFFFu);
        SET(STREAM_HEIGHT, s->elements >> 16);
    } else {
        SET(STREAM_WIDTH, s->width);
        SET(STREAM_HEIGHT, s->height);
        SET(STREAM_DEPTH, s->depth);
        SET(STREAM_DEPTH_OFFSET, s->depth_offset & 0xFFFFu);
        SET(STREAM_DEPTH_OFFSET_HIGH, s->depth_offset >> 16);
        SET(STREAM_LINE_OFFSET, s->line_offset & 0xFFFFu);
        SET(STREAM_LINE_OFFSET_HIGH, s->line_offset >> 16);
    }
    SET(STREAM_GAP_FRONT, s->gap_front);
    SET(STREAM_GAP_BACK, s->gap_back);
    SET(STREAM_FRAME_OFFSET, s->frame_offset);
    SET(STREAM_LOOP, s->loop);
    SET(STREAM_LOOP_OFFSET, s->loop_offset);
    SET(STREAM_LINE_GAP, 0);
    SET(STREAM_INTERRUPTS, s->writes ? LAST_FRAME : 0);
    SET(STREAM_SYNCED, s->synced);
    SET(STREAM_SYNC_WITH, s->sync_with);
    SET(STREAM_FRAMES_ON, 1);
    SET(STREAM_FRAMES, s->frames);
    SET(STREAM_LIMIT_ON, s->limit != 0);
    SET(STREAM_LIMIT, s->limit != 0 ? s->limit - 1u : 0u);
    SET(STREAM_ENCIPHERED, s->enciphered);
}

/* Two rows and columns of zero pads are the unit's own, the rest is the frame around. */
static uint32_t own_pads(const struct nj_npu_conv *c, uint32_t pad, uint32_t kernel) {
    const bool plain = c->pad_value == 0 && !c->deep && !c->dss2;
    return plain ? least(pad, least(2, kernel - 1u)) : 0;
}

static void set_pads(struct nj_npu_page *page, const struct nj_npu_conv *c) {
    const uint32_t left = own_pads(c, c->pad_left, c->kernel_width);
    const uint32_t right = own_pads(c, c->pad_right, c->kernel_width);
    const uint32_t top = own_pads(c, c->pad_top, c->kernel_height);
    const uint32_t bottom = own_pads(c, c->pad_bottom, c->kernel_height);
    SET(CONV_PAD_LEFT, left);
    SET(CONV_PAD_RIGHT, right);
    SET(CONV_PAD_TOP, top);
    SET(CONV_PAD_BOTTOM, bottom);
    SET(CONV_FRAME_LEFT, (c->pad_left - left) * c->depth);
    SET(CONV_FRAME_RIGHT, (c->pad_right - right) * c->depth);
    SET(CONV_FRAME_TOP, c->pad_top - top);
    SET(CONV_FRAME_BOTTOM, c->pad_bottom - bottom);
    SET(CONV_FRAME_VALUE, c->pad_value);
}

void nj_npu_encode_conv(struct nj_npu_page *page, const struct nj_npu_epoch *epoch, uint32_t unit) {
    const struct nj_npu_conv *const c = &epoch->conv[unit];
    if (c->variable_shift != 0) {
        nj_npu_refuse_call("LL_Convacc_Init", "vshift", c->variable_shift);
    }
    SET(CONV_NO_SUM, !c->accumulates);
    SET(CONV_NO_FIRST_SUM, !c->accumulates_first);
    SET(CONV_GENERATES_FIRST, c->generates_first);
    SET(CONV_KERNEL_BUFFER, c->kernel_buffer);
    SET(CONV_SIMD, c->simd);
    SET(CONV_FILTER, c->filter);
    SET(CONV_FEATURE_UNSIGNED, c->feature_unsigned);
    SET(CONV_KERNEL_UNSIGNED, c->kernel_unsigned);
    SET(CONV_KERNEL_SET, c->kernel_set);
    SET(CONV_STATIONARY, c->stationary);
    SET(CONV_DEEP, c->deep);
    SET(CONV_DSS2, c->dss2);
    SET(CONV_RAW, c->raw);
    SET(CONV_KERNEL_WIDTH, c->kernel_width);
    SET(CONV_KERNEL_HEIGHT, c->kernel_height);
    SET(CONV_DEPTH, c->depth);
    SET(CONV_KERNELS, c->kernels);
    SET(CONV_STRIDE_X, c->stride_x);
    SET(CONV_STRIDE_Y, c->stride_y);
    SET(CONV_SHIFT_ACCUMULATOR, c->shift_accumulator);
    SET(CONV_LINE, c->width * c->depth);
    SET(CONV_HEIGHT, c->height);
    SET(CONV_CROP_LEFT, c->crop_left * c->depth);
    SET(CONV_CROP_RIGHT, (least(c->crop_right, c->width - 1u) + 1u) * c->depth - 1u);
    SET(CONV_CROP_TOP, c->crop_top);
    SET(CONV_CROP_BOTTOM, least(c->crop_bottom, c->height - 1u));
    SET(CONV_SET_TOTAL, c->set_total != 0 ? c->set_total : 1u);
    SET(CONV_SET_FIRST, c->set_first);
    SET(CONV_SET_LAST, c->set_last);
    SET(CONV_SUBTRACT, c->subtract);
    if (c->filter != NJ_NPU_FILTER_NONE) {
        SET(CONV_FILTER_TOTAL, c->filter_total);
        SET(CONV_FILTER_FIRST, c->filter_first);
        SET(CONV_FILTER_LAST, c->filter_last);
    }
    set_pads(page, c);
    SET(CONV_FEATURE_BYTES, c->feature.bytes);
    SET(CONV_FEATURE_SHIFT, c->feature.shift + NO_SHIFT);
    SET(CONV_FEATURE_ROUNDS, c->feature.rounds);
    SET(CONV_FEATURE_SATURATES, c->feature.saturates);
    SET(CONV_FEATURE_MODE, c->feature.mode);
    SET(CONV_OUT_BYTES, c->out.bytes);
    SET(CONV_OUT_SHIFT, c->out.shift);
    SET(CONV_OUT_ROUNDS, c->out.rounds);
    SET(CONV_OUT_SATURATES, c->out.saturates);
    SET(CONV_OUT_MODE, c->out.mode);
}

/* The numbers of ARITH.OPERATION, from AFFINE on in the order of the records. */
static const uint8_t operations[] = {0x00, 0x01, 0x02, 0x07, 0x0B, 0x0F, 0x13, 0x17,
                                     0x1B, 0x1F, 0x23, 0x27, 0x2B, 0x2F, 0x33, 0x37};

/* An index counts modulo its memory: what is added fits 9 bits, signed. */
static int32_t index_step(int32_t add) {
    const int32_t rest = (add + INDICES / 2) % INDICES;
    return (rest < 0 ? rest + INDICES : rest) - INDICES / 2;
}

static void set_steps(struct nj_npu_page *page, const struct nj_npu_arith *a) {
    const struct nj_npu_step *const step = a->step;
    SET(ARITH_COUNT_0, step[0].every != 0 ? step[0].every - 1u : 0u);
    SET(ARITH_COUNT_1, step[1].every != 0 ? step[1].every - 1u : 0u);
    SET(ARITH_COUNT_2, step[2].every != 0 ? step[2].every - 1u : 0u);
    SET(ARITH_COUNT_3, step[3].every != 0 ? step[3].every - 1u : 0u);
    SET(ARITH_COUNTS_1, step[1].every != 0);
    SET(ARITH_COUNTS_2, step[2].every != 0);
    SET(ARITH_COUNTS_3, step[3].every != 0);
    SET(ARITH_ADD_0, index_step(step[0].add));
    SET(ARITH_ADD_1, index_step(step[1].add));
    SET(ARITH_ADD_2, index_step(step[2].add));
    SET(ARITH_ADD_3, index_step(step[3].add));
}

/* How much of each unit's memory may hold something; after a reset of the chip all of it. */
static uint32_t held[NJ_NPU_ARITHS] = {NJ_NPU_COEFFICIENTS, NJ_NPU_COEFFICIENTS, NJ_NPU_COEFFICIENTS, NJ_NPU_COEFFICIENTS};

static void write_coefficients(const struct nj_npu_page *page, const struct nj_npu_arith *a, uint32_t unit) {
    uint32_t used = NJ_NPU_COEFFICIENTS;
    while (used > 0 && a->as[used - 1u] == 0 && a->bs[used - 1u] == 0 && a->cs[used - 1u] == 0) {
        --used;
    }
    const uint32_t end = used > held[unit] ? used : held[unit];
    const uint32_t translates = nj_npu_fields[NJ_NPU_FIELD_ARITH_TRANSLATES].offset;
    for (uint32_t i = 0; i < end; ++i) {
        const bool first = i < COEFFICIENTS_FIRST;
        if (i == 0 || i == COEFFICIENTS_FIRST) {
            NJ_NPU(page->offset + translates) = first;
        }
        const uint32_t at = first ? (uint32_t)NJ_NPU_COEFFICIENTS_AT + 8u * i : COEFFICIENTS_REST_AT + 8u * (i - COEFFICIENTS_FIRST);
        NJ_NPU(page->offset + at) = (uint32_t)(uint16_t)a->as[i] | (uint32_t)(uint16_t)a->bs[i] << 16;
        NJ_NPU(page->offset + at + 4u) = (uint16_t)a->cs[i];
    }
    held[unit] = used;
}

void nj_npu_encode_arith(struct nj_npu_page *page, const struct nj_npu_epoch *epoch, uint32_t unit) {
    const struct nj_npu_arith *const a = &epoch->arith[unit];
    const uint32_t number = (uint32_t)a->operation - NJ_NPU_AFFINE;
    if (number >= sizeof operations) {
        nj_npu_refuse_call("LL_Arithacc_Init", "operation", a->operation);
    }
    SET(ARITH_OPERATION, operations[number]);
    SET(ARITH_DUAL, a->dual);
    SET(ARITH_COMBINED, a->combined);
    SET(ARITH_CLIPS, a->clips);
    SET(ARITH_LOGICAL, a->logical);
    SET(ARITH_A_VECTOR, a->a_vector);
    SET(ARITH_B_VECTOR, a->b_vector);
    SET(ARITH_C_VECTOR, a->c_vector);
    SET(ARITH_SHIFT_AX, a->shift_ax);
    SET(ARITH_SHIFT_BY, a->shift_by);
    SET(ARITH_SHIFT_C, a->shift_c);
    SET(ARITH_A, a->a);
    SET(ARITH_B, a->b);
    SET(ARITH_C, a->c);
    SET(ARITH_CLIP_LEAST, a->clip_least);
    SET(ARITH_CLIP_MOST, a->clip_most);
    SET(ARITH_FIRST, a->first);
    SET(ARITH_X_BYTES, a->x.bytes);
    SET(ARITH_X_SHIFT, a->x.shift + NO_SHIFT);
    SET(ARITH_X_ROUNDS, a->x.rounds);
    SET(ARITH_X_SATURATES, a->x.saturates);
    SET(ARITH_X_MODE, a->x.mode);
    SET(ARITH_X_BYTES_OUT, a->x.bytes_out);
    SET(ARITH_Y_BYTES, a->y.bytes);
    SET(ARITH_Y_SHIFT, a->y.shift + NO_SHIFT);
    SET(ARITH_Y_ROUNDS, a->y.rounds);
    SET(ARITH_Y_SATURATES, a->y.saturates);
    SET(ARITH_Y_MODE, a->y.mode);
    SET(ARITH_Y_BYTES_OUT, a->y.bytes_out);
    SET(ARITH_OUT_BYTES, a->out.bytes);
    SET(ARITH_OUT_SHIFT, a->out.shift);
    SET(ARITH_OUT_ROUNDS, a->out.rounds);
    SET(ARITH_OUT_SATURATES, a->out.saturates);
    SET(ARITH_OUT_MODE, a->out.mode);
    set_steps(page, a);
    if (a->a_vector || a->b_vector || a->c_vector) {
        write_coefficients(page, a, unit);
    }
}

/* The numbers of POOL.POOLING, from MAX on in the order of the records. */
static const uint8_t poolings[] = {0x0, 0x1, 0x2, 0x8, 0x9, 0xA};

void nj_npu_encode_pool(struct nj_npu_page *page, const struct nj_npu_epoch *epoch, uint32_t unit) {
    const struct nj_npu_pool *const p = &epoch->pool[unit];
    const uint32_t number = (uint32_t)p->pooling - NJ_NPU_POOL_MAX;
    if (number >= sizeof poolings) {
        nj_npu_refuse_call("LL_Poolacc_Init", "operation", p->pooling);
    }
    SET(POOL_POOLING, poolings[number]);
    SET(POOL_DUAL_LINE, p->dual_line);
    SET(POOL_CROPS, 1);
    SET(POOL_WINDOW_WIDTH, p->window_width);
    SET(POOL_WINDOW_HEIGHT, p->window_height);
    SET(POOL_STRIDE_X, p->stride_x);
    SET(POOL_STRIDE_Y, p->stride_y);
    SET(POOL_PAD_TOP, p->pad_top);
    SET(POOL_PAD_BOTTOM, p->pad_bottom);
    SET(POOL_PAD_LEFT, p->pad_left);
    SET(POOL_PAD_RIGHT, p->pad_right);
    SET(POOL_DEPTH, p->depth);
    SET(POOL_LINE, p->width * p->depth);
    SET(POOL_HEIGHT, p->height);
    SET(POOL_OUT_WIDTH, p->out_width);
    SET(POOL_OUT_HEIGHT, p->out_height);
    SET(POOL_MULTIPLIER, p->multiplier);
    SET(POOL_CROP_LEFT, p->crop_left * p->depth);
    SET(POOL_CROP_RIGHT, (least(p->crop_right, p->width - 1u) + 1u) * p->depth - 1u);
    SET(POOL_CROP_TOP, p->crop_top);
    SET(POOL_CROP_BOTTOM, least(p->crop_bottom, p->height - 1u));
    SET(POOL_FEATURE_BYTES, p->feature.bytes);
    SET(POOL_FEATURE_SHIFT, p->feature.shift + NO_SHIFT);
    SET(POOL_FEATURE_ROUNDS, p->feature.rounds);
    SET(POOL_FEATURE_SATURATES, p->feature.saturates);
    SET(POOL_FEATURE_MODE, p->feature.mode);
    SET(POOL_FEATURE_BYTES_OUT, p->feature.bytes_out);
    SET(POOL_OUT_BYTES, p->out.bytes);
    SET(POOL_OUT_SHIFT, p->out.shift);
    SET(POOL_OUT_ROUNDS, p->out.rounds);
    SET(POOL_OUT_SATURATES, p->out.saturates);
    SET(POOL_OUT_MODE, p->out.mode);
}
