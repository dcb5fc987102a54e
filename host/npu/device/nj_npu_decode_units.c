/* From the registers of a unit to its record, the inverse of what LL_*_Init does.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_decode.h"

#define GET(name) nj_npu_field_of(reader->registers, NJ_NPU_FIELD_##name, reader->where.unit)
#define IS(name) (GET(name) != 0)

void nj_npu_fault(const struct nj_npu_reader *reader, enum nj_npu_status status,
                  enum nj_npu_field_id field, int64_t value)
{
    if (reader->error->status == NJ_NPU_OK) {
        *reader->error = (struct nj_npu_error){status, reader->where, nj_npu_fields[field].name,
                                               value, nj_npu_fields[field].offset};
    }
}

static uint32_t value_of(const struct nj_npu_reader *reader, enum nj_npu_field_id field)
{
    return nj_npu_field_of(reader->registers, field, reader->where.unit);
}

/* A field of two's complement. */
static int32_t signed_of(const struct nj_npu_reader *reader, enum nj_npu_field_id id)
{
    const struct nj_npu_field *field = &nj_npu_fields[id];
    const unsigned spare = 31u - (field->msb - (unsigned)field->lsb);
    return (int32_t)(value_of(reader, id) << spare) >> spare;
}

/* Counted in elements in the register, in pixels of `depth` in the record. */
static uint32_t pixels(const struct nj_npu_reader *reader, enum nj_npu_field_id field,
                       uint32_t elements, uint32_t depth)
{
    if (depth == 0 || elements % depth != 0) {
        nj_npu_fault(reader, NJ_NPU_RANGE, field, elements);
        return 0;
    }
    return elements / depth;
}

/* An inclusive right edge, clamped to a line of `line` elements. */
static uint32_t right_edge(const struct nj_npu_reader *reader, enum nj_npu_field_id field,
                           uint32_t line, uint32_t depth)
{
    const uint32_t edge = value_of(reader, field);
    const uint32_t width = pixels(reader, field, edge < line ? edge + 1 : line, depth);
    return width == 0 ? 0 : width - 1;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Fields whose register writes 16 for "no shift". */
static int8_t input_shift(uint32_t value)
{
    return (int8_t)((int32_t)value - 16);
}

/* A right shift that the register holds in six bits, with a sign: left is not known to be used. */
static uint8_t right_shift(const struct nj_npu_reader *reader, enum nj_npu_field_id field)
{
    const int32_t shift = signed_of(reader, field);
    if (shift < 0) {
        nj_npu_fault(reader, NJ_NPU_UNDEFINED, field, shift);
        return 0;
    }
    return (uint8_t)shift;
}

static void decode_lanes(const struct nj_npu_reader *reader, struct nj_npu_stream *stream)
{
    static const enum nj_npu_field_id ids[3] = {
        NJ_NPU_FIELD_STREAM_LANE_0, NJ_NPU_FIELD_STREAM_LANE_1, NJ_NPU_FIELD_STREAM_LANE_2};
    unsigned first = 3;
    unsigned end = 0;
    unsigned bits = 0;
    for (unsigned i = 0; i < 3; i++) {
        const uint32_t lane = value_of(reader, ids[i]);
        if (lane == 0) {
            continue;
        }
        first = least(first, i);
        if (lane > 8 || (end != 0 && end != i)) {
            nj_npu_fault(reader, NJ_NPU_UNDEFINED, ids[i], lane);
            return;
        }
        end = i + 1;
        bits += lane;
    }
    if (first == 3 || (stream->aligned_right && first != 0)) {
        nj_npu_fault(reader, NJ_NPU_UNDEFINED, NJ_NPU_FIELD_STREAM_LANE_0, 0);
        return;
    }
    stream->bits = (uint8_t)bits;
    stream->lift = (uint8_t)(8 * first);
}

void nj_npu_decode_stream(const struct nj_npu_reader *reader, struct nj_npu_stream *stream)
{
    *stream = (struct nj_npu_stream){
        .writes = IS(STREAM_WRITES),
        .raw = IS(STREAM_RAW),
        .raw_out = IS(STREAM_RAW_OUT),
        .continuous = IS(STREAM_CONTINUOUS),
        .no_increment = IS(STREAM_NO_INCREMENT),
        .aligned_right = IS(STREAM_ALIGNED_RIGHT),
        .sign_extends = IS(STREAM_SIGN_EXTENDS),
        .synced = IS(STREAM_SYNCED),
        .enciphered = IS(STREAM_ENCIPHERED),
        .gap_front = (uint8_t)GET(STREAM_GAP_FRONT),
        .gap_back = (uint8_t)GET(STREAM_GAP_BACK),
        .address = GET(STREAM_ADDRESS),
        .limit = IS(STREAM_LIMIT_ON) ? GET(STREAM_LIMIT) + 1 : 0,
        .frame_offset = GET(STREAM_FRAME_OFFSET),
        .loop_offset = GET(STREAM_LOOP_OFFSET),
        .loop = GET(STREAM_LOOP),
        .frames = IS(STREAM_FRAMES_ON) ? GET(STREAM_FRAMES) : GET(STREAM_SINGLE),
    };
    if (stream->synced) {
        stream->sync_with = (uint8_t)GET(STREAM_SYNC_WITH);
    }
    if (stream->raw) {
        stream->elements = GET(STREAM_WIDTH) | GET(STREAM_HEIGHT) << 16;
    } else {
        stream->width = GET(STREAM_WIDTH);
        stream->height = GET(STREAM_HEIGHT);
        stream->depth = GET(STREAM_DEPTH);
        stream->depth_offset = GET(STREAM_DEPTH_OFFSET) | GET(STREAM_DEPTH_OFFSET_HIGH) << 16;
        stream->line_offset = GET(STREAM_LINE_OFFSET) | GET(STREAM_LINE_OFFSET_HIGH) << 16;
    }
    if (stream->frames == 0 || (IS(STREAM_SINGLE) && stream->frames != 1)) {
        nj_npu_fault(reader, NJ_NPU_RANGE, NJ_NPU_FIELD_STREAM_FRAMES, stream->frames);
    }
    decode_lanes(reader, stream);
}

static void decode_pads(const struct nj_npu_reader *reader, struct nj_npu_conv *conv)
{
    const uint32_t pads = GET(CONV_PAD_LEFT) | GET(CONV_PAD_RIGHT) | GET(CONV_PAD_TOP) |
                          GET(CONV_PAD_BOTTOM);
    conv->pad_value = signed_of(reader, NJ_NPU_FIELD_CONV_FRAME_VALUE);
    if (pads != 0 && conv->pad_value != 0) { /* these pads are 0, those of the frame are not */
        nj_npu_fault(reader, NJ_NPU_UNDEFINED, NJ_NPU_FIELD_CONV_FRAME_VALUE, conv->pad_value);
    }
    conv->pad_left = GET(CONV_PAD_LEFT) + pixels(reader, NJ_NPU_FIELD_CONV_FRAME_LEFT,
                                                 GET(CONV_FRAME_LEFT), conv->depth);
    conv->pad_right = GET(CONV_PAD_RIGHT) + pixels(reader, NJ_NPU_FIELD_CONV_FRAME_RIGHT,
                                                   GET(CONV_FRAME_RIGHT), conv->depth);
    conv->pad_top = GET(CONV_PAD_TOP) + GET(CONV_FRAME_TOP);
    conv->pad_bottom = GET(CONV_PAD_BOTTOM) + GET(CONV_FRAME_BOTTOM);
}

void nj_npu_decode_conv(const struct nj_npu_reader *reader, struct nj_npu_conv *conv)
{
    *conv = (struct nj_npu_conv){
        .feature = {IS(CONV_FEATURE_ROUNDS), IS(CONV_FEATURE_SATURATES),
                    (uint8_t)GET(CONV_FEATURE_MODE), (uint8_t)GET(CONV_FEATURE_BYTES), 0,
                    input_shift(GET(CONV_FEATURE_SHIFT))},
        .out = {IS(CONV_OUT_ROUNDS), IS(CONV_OUT_SATURATES), (uint8_t)GET(CONV_OUT_MODE),
                (uint8_t)GET(CONV_OUT_BYTES), right_shift(reader, NJ_NPU_FIELD_CONV_OUT_SHIFT)},
        .feature_unsigned = IS(CONV_FEATURE_UNSIGNED),
        .kernel_unsigned = IS(CONV_KERNEL_UNSIGNED),
        .accumulates = !IS(CONV_NO_SUM),
        .accumulates_first = !IS(CONV_NO_FIRST_SUM),
        .generates_first = IS(CONV_GENERATES_FIRST),
        .raw = IS(CONV_RAW),
        .deep = IS(CONV_DEEP),
        .dss2 = IS(CONV_DSS2),
        .stationary = IS(CONV_STATIONARY),
        .kernel_buffer = IS(CONV_KERNEL_BUFFER),
        .kernel_set = (uint8_t)GET(CONV_KERNEL_SET),
        .simd = (uint8_t)GET(CONV_SIMD),
        .shift_accumulator = right_shift(reader, NJ_NPU_FIELD_CONV_SHIFT_ACCUMULATOR),
        .height = GET(CONV_HEIGHT),
        .depth = GET(CONV_DEPTH),
        .kernel_width = GET(CONV_KERNEL_WIDTH),
        .kernel_height = GET(CONV_KERNEL_HEIGHT),
        .kernels = GET(CONV_KERNELS),
        .stride_x = GET(CONV_STRIDE_X),
        .stride_y = GET(CONV_STRIDE_Y),
        .crop_top = GET(CONV_CROP_TOP),
        .filter = (uint8_t)GET(CONV_FILTER),
        .set_total = GET(CONV_SET_TOTAL),
        .set_first = GET(CONV_SET_FIRST),
        .set_last = GET(CONV_SET_LAST),
        .subtract = signed_of(reader, NJ_NPU_FIELD_CONV_SUBTRACT),
    };
    const uint32_t line = GET(CONV_LINE);
    conv->width = pixels(reader, NJ_NPU_FIELD_CONV_LINE, line, conv->depth);
    conv->crop_left =
        pixels(reader, NJ_NPU_FIELD_CONV_CROP_LEFT, GET(CONV_CROP_LEFT), conv->depth);
    conv->crop_right = right_edge(reader, NJ_NPU_FIELD_CONV_CROP_RIGHT, line, conv->depth);
    conv->crop_bottom = right_edge(reader, NJ_NPU_FIELD_CONV_CROP_BOTTOM, conv->height, 1);
    decode_pads(reader, conv);
    if (conv->set_total == 1 && conv->set_last == 0) { /* as after reset: all are this unit's */
        conv->set_total = 0;
    }
    if (conv->filter != NJ_NPU_FILTER_NONE) {
        conv->filter_total = GET(CONV_FILTER_TOTAL);
        conv->filter_first = GET(CONV_FILTER_FIRST);
        conv->filter_last = GET(CONV_FILTER_LAST);
    }
}

/* The numbers of ARITH.OPERATION; those between them are not known. */
static uint8_t operation_of(const struct nj_npu_reader *reader)
{
    static const uint8_t operations[] = {
        [0x00] = NJ_NPU_AFFINE,   [0x01] = NJ_NPU_MINIMUM, [0x02] = NJ_NPU_MAXIMUM,
        [0x07] = NJ_NPU_MULTIPLY, [0x0b] = NJ_NPU_AND,     [0x0f] = NJ_NPU_OR,
        [0x13] = NJ_NPU_NOT,      [0x17] = NJ_NPU_XOR,     [0x1b] = NJ_NPU_EQUAL,
        [0x1f] = NJ_NPU_LESS,     [0x23] = NJ_NPU_LESS_EQUAL,
        [0x27] = NJ_NPU_GREATER,  [0x2b] = NJ_NPU_GREATER_EQUAL,
        [0x2f] = NJ_NPU_ABSOLUTE, [0x33] = NJ_NPU_SIGN,    [0x37] = NJ_NPU_CLIP,
    };
    const uint32_t number = GET(ARITH_OPERATION);
    if (number >= sizeof(operations) || operations[number] == 0) {
        nj_npu_fault(reader, NJ_NPU_UNDEFINED, NJ_NPU_FIELD_ARITH_OPERATION, number);
        return 0;
    }
    return operations[number];
}

void nj_npu_decode_arith(const struct nj_npu_reader *reader, struct nj_npu_arith *arith)
{
    *arith = (struct nj_npu_arith){
        .x = {IS(ARITH_X_ROUNDS), IS(ARITH_X_SATURATES), (uint8_t)GET(ARITH_X_MODE),
              (uint8_t)GET(ARITH_X_BYTES), (uint8_t)GET(ARITH_X_BYTES_OUT),
              input_shift(GET(ARITH_X_SHIFT))},
        .y = {IS(ARITH_Y_ROUNDS), IS(ARITH_Y_SATURATES), (uint8_t)GET(ARITH_Y_MODE),
              (uint8_t)GET(ARITH_Y_BYTES), (uint8_t)GET(ARITH_Y_BYTES_OUT),
              input_shift(GET(ARITH_Y_SHIFT))},
        .out = {IS(ARITH_OUT_ROUNDS), IS(ARITH_OUT_SATURATES), (uint8_t)GET(ARITH_OUT_MODE),
                (uint8_t)GET(ARITH_OUT_BYTES), right_shift(reader, NJ_NPU_FIELD_ARITH_OUT_SHIFT)},
        .operation = operation_of(reader),
        .dual = IS(ARITH_DUAL),
        .combined = IS(ARITH_COMBINED),
        .clips = IS(ARITH_CLIPS),
        .logical = IS(ARITH_LOGICAL),
        .a_vector = IS(ARITH_A_VECTOR),
        .b_vector = IS(ARITH_B_VECTOR),
        .c_vector = IS(ARITH_C_VECTOR),
        .shift_ax = (uint8_t)GET(ARITH_SHIFT_AX),
        .shift_by = (uint8_t)GET(ARITH_SHIFT_BY),
        .shift_c = (uint8_t)GET(ARITH_SHIFT_C),
        .a = (int16_t)signed_of(reader, NJ_NPU_FIELD_ARITH_A),
        .b = (int16_t)signed_of(reader, NJ_NPU_FIELD_ARITH_B),
        .c = (int16_t)signed_of(reader, NJ_NPU_FIELD_ARITH_C),
        .clip_least = (int16_t)signed_of(reader, NJ_NPU_FIELD_ARITH_CLIP_LEAST),
        .clip_most = (int16_t)signed_of(reader, NJ_NPU_FIELD_ARITH_CLIP_MOST),
        .first = GET(ARITH_FIRST),
        .step = {{GET(ARITH_COUNT_0) + 1, signed_of(reader, NJ_NPU_FIELD_ARITH_ADD_0)},
                 {GET(ARITH_COUNT_1) + 1, signed_of(reader, NJ_NPU_FIELD_ARITH_ADD_1)},
                 {GET(ARITH_COUNT_2) + 1, signed_of(reader, NJ_NPU_FIELD_ARITH_ADD_2)},
                 {GET(ARITH_COUNT_3) + 1, signed_of(reader, NJ_NPU_FIELD_ARITH_ADD_3)}},
    };
    const bool counts[4] = {arith->step[0].add != 0, IS(ARITH_COUNTS_1), IS(ARITH_COUNTS_2),
                            IS(ARITH_COUNTS_3)};
    for (unsigned i = 0; i < 4; i++) {
        if (!counts[i]) {
            arith->step[i] = (struct nj_npu_step){0, 0};
        }
    }
    const uint32_t(*memory)[2] = reader->registers->coefficient[reader->where.unit];
    for (unsigned i = 0; i < NJ_NPU_COEFFICIENTS; i++) {
        arith->as[i] = (int16_t)(memory[i][0] & 0xffff);
        arith->bs[i] = (int16_t)(memory[i][0] >> 16);
        arith->cs[i] = (int16_t)(memory[i][1] & 0xffff);
    }
}

static uint8_t pooling_of(const struct nj_npu_reader *reader)
{
    static const uint8_t poolings[] = {
        [0x0] = NJ_NPU_POOL_MAX,        [0x1] = NJ_NPU_POOL_MIN,
        [0x2] = NJ_NPU_POOL_AVERAGE,    [0x8] = NJ_NPU_POOL_GLOBAL_MAX,
        [0x9] = NJ_NPU_POOL_GLOBAL_MIN, [0xa] = NJ_NPU_POOL_GLOBAL_AVERAGE,
    };
    const uint32_t number = GET(POOL_POOLING);
    if (number >= sizeof(poolings) || poolings[number] == 0) {
        nj_npu_fault(reader, NJ_NPU_UNDEFINED, NJ_NPU_FIELD_POOL_POOLING, number);
        return 0;
    }
    return poolings[number];
}

void nj_npu_decode_pool(const struct nj_npu_reader *reader, struct nj_npu_pool *pool)
{
    *pool = (struct nj_npu_pool){
        .feature = {IS(POOL_FEATURE_ROUNDS), IS(POOL_FEATURE_SATURATES),
                    (uint8_t)GET(POOL_FEATURE_MODE), (uint8_t)GET(POOL_FEATURE_BYTES),
                    (uint8_t)GET(POOL_FEATURE_BYTES_OUT), input_shift(GET(POOL_FEATURE_SHIFT))},
        .out = {IS(POOL_OUT_ROUNDS), IS(POOL_OUT_SATURATES), (uint8_t)GET(POOL_OUT_MODE),
                (uint8_t)GET(POOL_OUT_BYTES), right_shift(reader, NJ_NPU_FIELD_POOL_OUT_SHIFT)},
        .pooling = pooling_of(reader),
        .dual_line = IS(POOL_DUAL_LINE),
        .multiplier = (int16_t)signed_of(reader, NJ_NPU_FIELD_POOL_MULTIPLIER),
        .height = GET(POOL_HEIGHT),
        .depth = GET(POOL_DEPTH),
        .out_width = GET(POOL_OUT_WIDTH),
        .out_height = GET(POOL_OUT_HEIGHT),
        .window_width = GET(POOL_WINDOW_WIDTH),
        .window_height = GET(POOL_WINDOW_HEIGHT),
        .stride_x = GET(POOL_STRIDE_X),
        .stride_y = GET(POOL_STRIDE_Y),
        .pad_left = GET(POOL_PAD_LEFT),
        .pad_right = GET(POOL_PAD_RIGHT),
        .pad_top = GET(POOL_PAD_TOP),
        .pad_bottom = GET(POOL_PAD_BOTTOM),
    };
    const uint32_t line = GET(POOL_LINE);
    pool->width = pixels(reader, NJ_NPU_FIELD_POOL_LINE, line, pool->depth);
    pool->crop_right = pool->width == 0 ? 0 : pool->width - 1;
    pool->crop_bottom = pool->height == 0 ? 0 : pool->height - 1;
    if (IS(POOL_CROPS)) {
        pool->crop_left =
            pixels(reader, NJ_NPU_FIELD_POOL_CROP_LEFT, GET(POOL_CROP_LEFT), pool->depth);
        pool->crop_right = right_edge(reader, NJ_NPU_FIELD_POOL_CROP_RIGHT, line, pool->depth);
        pool->crop_top = GET(POOL_CROP_TOP);
        pool->crop_bottom = right_edge(reader, NJ_NPU_FIELD_POOL_CROP_BOTTOM, pool->height, 1);
    }
}

