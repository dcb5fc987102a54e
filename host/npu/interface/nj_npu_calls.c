/* LL_*: what generated code says of a unit, put into the unit's record.
 * SPDX-License-Identifier: MIT
 */
#include "ll_aton.h"
#include "nj_npu_host.h"

/* A unit's number, where there is such a unit. */
static uint32_t unit_of(const char *call, int id, uint32_t units, enum nj_npu_kind kind)
{
    if (id < 0 || (uint32_t)id >= units) {
        nj_npu_refuse_call(call, "id", id);
    }
    nj_npu_epoch.configured[kind] |= 1U << id;
    return (uint32_t)id;
}

/* The chip has no register for a field, and what generated code wants by it cannot be done. */
static _Noreturn void refuse_field(enum nj_npu_kind kind, uint32_t unit, const char *field,
                                   int64_t value)
{
    nj_npu_refuse((struct nj_npu_error){.status = NJ_NPU_UNDEFINED,
                                        .where = {.kind = (uint8_t)kind, .unit = (uint8_t)unit},
                                        .field = field,
                                        .value = value},
                  "");
}

/* Whether a second level of loops would begin. */
static bool loops_twice(const LL_Streng_TensorInitTypeDef *conf)
{
    uint64_t first = conf->frame_loop_cnt ? conf->frame_loop_cnt : 1;
    return conf->frame_loop_cnt2 != 0 && conf->frame_tot_cnt > first * conf->frame_loop_cnt2;
}

static uint8_t mode_of(unsigned round_mode, unsigned relu_mode)
{
    return (uint8_t)(relu_mode << 1 | round_mode);
}

/* Units of three types say their output by the same names. */
#define OUTPUT_OF(conf)                                                                  \
    {                                                                                    \
        .rounds = (conf)->rounding_o, .saturates = (conf)->saturation_o,                 \
        .mode = mode_of((conf)->round_mode_o, (conf)->relu_mode_o),                      \
        .bytes = (uint8_t)(conf)->outbytes_o, .shift = (uint8_t)(conf)->shift_o,         \
    }

int LL_Streng_TensorInit(int id, const LL_Streng_TensorInitTypeDef *conf, int n)
{
    uint32_t unit = unit_of(__func__, id, NJ_NPU_STREAMS, NJ_NPU_STREAM);
    if (n != 1) {
        nj_npu_refuse_call(__func__, "n", n);
    }
    if (loops_twice(conf)) {
        refuse_field(NJ_NPU_STREAM, unit, "frame_loop_cnt2", conf->frame_loop_cnt2);
    }
    uint32_t memory = conf->dir ? conf->nbits_out : conf->nbits_in;
    uint32_t link = conf->dir ? conf->nbits_in : conf->nbits_out;
    uint32_t bits = memory < link ? memory : link; /* that move */
    uint32_t gap = memory - bits;
    uint32_t base = nj_npu_address(conf->addr_base.p);
    nj_npu_epoch.stream[unit] = (struct nj_npu_stream){
        .writes = conf->dir,
        .raw = conf->raw,
        .raw_out = conf->raw_out,
        .continuous = conf->continuous,
        .no_increment = conf->noinc,
        .aligned_right = conf->align_right,
        .sign_extends = conf->align_right && !conf->nbits_unsigned,
        .synced = !conf->dir && conf->sync_with_other,
        .enciphered = conf->cipher_en,
        .sync_with = conf->sync_dma,
        .bits = (uint8_t)bits,
        .lift = (uint8_t)(conf->align_right ? 0 : link - bits),
        .gap_front = (uint8_t)(conf->mem_lsb ? gap : 0),
        .gap_back = (uint8_t)(conf->mem_lsb ? 0 : gap),
        .address = base + conf->offset_start,
        .limit = conf->offset_limit ? base + conf->offset_limit : 0,
        .width = conf->fwidth,
        .height = conf->fheight,
        .depth = conf->batch_depth,
        .depth_offset = conf->batch_offset,
        .line_offset =
            conf->line_offset ? conf->line_offset : conf->fwidth * conf->batch_offset,
        .frame_offset = conf->frame_offset,
        .loop_offset = conf->loop_offset,
        .loop = conf->frame_loop_cnt,
        .frames = conf->frame_tot_cnt,
    };
    if (conf->raw) {
        uint64_t length = (uint64_t)(conf->offset_end - conf->offset_start) * 8;
        nj_npu_epoch.stream[unit].elements =
            conf->frame_count ? conf->frame_count : memory ? (uint32_t)(length / memory) : 0;
    }
    return 0;
}

int LL_Streng_ExtSyncInit(int id, LL_Streng_ExtSyncTypedef *conf)
{
    if (conf->enable) {
        nj_npu_refuse_call(__func__, "enable", id);
    }
    return 0;
}

int LL_Streng_EncryptionInit(int id, const LL_Streng_EncryptionTypedef *settings)
{
    if (settings->enable) {
        nj_npu_refuse_call(__func__, "enable", id);
    }
    return 0;
}

int LL_Convacc_Init(int id, const LL_Convacc_InitTypeDef *conf)
{
    uint32_t unit = unit_of(__func__, id, NJ_NPU_CONVS, NJ_NPU_CONV);
    nj_npu_epoch.conv[unit] = (struct nj_npu_conv){
        .feature = {.rounds = conf->rounding_f,
                    .saturates = conf->saturation_f,
                    .mode = (uint8_t)conf->round_mode_f,
                    .bytes = (uint8_t)conf->inbytes_f,
                    .shift = (int8_t)conf->shift_f},
        .out = OUTPUT_OF(conf),
        .feature_unsigned = conf->f_unsigned,
        .kernel_unsigned = conf->k_unsigned,
        .accumulates = conf->accumulate,
        .accumulates_first = conf->accumulate_first,
        .generates_first = conf->accumulate_gen_first,
        .raw = conf->raw_o,
        .deep = conf->deepmode,
        .dss2 = conf->dss2mode,
        .stationary = conf->fstat,
        .kernel_buffer = conf->kt1_mode,
        .kernel_set = (uint8_t)conf->kseten,
        .simd = (uint8_t)conf->simd,
        .variable_shift = (uint8_t)conf->vshift,
        .shift_accumulator = conf->shift_a,
        .width = conf->fWidth,
        .height = conf->fHeight,
        .depth = conf->batchDepth,
        .kernel_width = conf->kernelWidth,
        .kernel_height = conf->kernelHeight,
        .kernels = conf->nKernels,
        .stride_x = conf->hstride,
        .stride_y = conf->vstride,
        .pad_left = conf->left_padding,
        .pad_right = conf->right_padding,
        .pad_top = conf->top_padding,
        .pad_bottom = conf->bot_padding,
        .crop_left = conf->left_crop,
        .crop_right = conf->right_crop ? conf->right_crop : UINT16_MAX, /* 0 leaves the default */
        .crop_top = conf->top_crop,
        .crop_bottom = conf->bot_crop ? conf->bot_crop : UINT16_MAX,
        .filter = (uint8_t)conf->afilt_mode,
        .filter_total = conf->afilt_tot,
        .filter_first = conf->afilt_first,
        .filter_last = conf->afilt_last,
        .set_total = conf->kfilt_tot,
        .set_first = conf->kfilt_first,
        .set_last = conf->kfilt_last,
        .subtract = conf->fsub,
        .pad_value = conf->zfbias,
    };
    return 0;
}

enum { COUNTED_MOST = 1 << 27 }; /* elements that a counter of an ARITH holds */

/* How the index into the coefficients goes on, and how many of them count. */
static uint32_t broadcast(struct nj_npu_arith *arith, const LL_Arithacc_InitTypeDef *conf)
{
    uint32_t area = conf->fWidth * conf->fHeight;
    struct nj_npu_step *step = arith->step;
    switch (conf->bcast) {
    case ARITH_BCAST_CHAN:
        step[0] = (struct nj_npu_step){1, 1};
        step[1] = (struct nj_npu_step){conf->batchDepth, 1 - conf->batchDepth};
        step[2] = (struct nj_npu_step){area * conf->batchDepth, 1};
        step[3] = (struct nj_npu_step){area * conf->fChannels, 1 - conf->fChannels};
        return conf->fChannels;
    case ARITH_BCAST_HEIGHT:
        step[0] = (struct nj_npu_step){conf->fWidth * conf->batchDepth, 1};
        step[1] = (struct nj_npu_step){area * conf->batchDepth, 1 - (int32_t)conf->fHeight};
        return conf->fHeight;
    case ARITH_BCAST_WIDTH:
        step[0] = (struct nj_npu_step){conf->batchDepth, 1};
        step[1] = (struct nj_npu_step){conf->fWidth * conf->batchDepth,
                                       1 - (int32_t)conf->fWidth};
        return conf->fWidth;
    case ARITH_BCAST_HEIGHT_WIDTH:
        step[0] = (struct nj_npu_step){conf->batchDepth, 1};
        step[1] = (struct nj_npu_step){area * conf->batchDepth, 1 - (int32_t)area};
        return area;
    case ARITH_BCAST_SCALAR:
        return 1;
    case ARITH_BCAST_NONE:
    default:
        nj_npu_refuse_call("LL_Arithacc_Init", "bcast", conf->bcast);
    }
}

/* Signed coefficient `index` of `bits` each, packed from the lowest bit on. */
static int32_t coefficient(const uint8_t *packed, uint32_t index, uint32_t bits)
{
    uint32_t value = 0;
    for (uint32_t bit = 0; bit < bits; bit++) {
        uint32_t at = index * bits + bit;
        value |= (uint32_t)(packed[at / 8] >> at % 8 & 1) << bit;
    }
    uint32_t unused = 32 - bits;
    return (int32_t)(value << unused) >> unused;
}

/* One of the three vectors, or NULL where the scalar stands for it. */
static const uint8_t *vector(ll_aton_pointer pointer, uint32_t count, uint32_t bits)
{
    if (pointer.p == NULL) {
        return NULL;
    }
    if (bits < 1 || bits > 32) {
        nj_npu_refuse_call("LL_Arithacc_Init", "vec_precision", bits);
    }
    return nj_npu_bytes(pointer.p, ((uint64_t)count * bits + 7) / 8, false, "LL_Arithacc_Init");
}

static void coefficients(struct nj_npu_arith *arith, const LL_Arithacc_InitTypeDef *conf)
{
    uint32_t count = broadcast(arith, conf);
    uint64_t deep = conf->fChannels > conf->batchDepth ? conf->fChannels : conf->batchDepth;
    uint64_t counted = (uint64_t)conf->fWidth * conf->fHeight; /* before constants come again */
    if (conf->batchDepth == 0) {
        nj_npu_refuse_call("LL_Arithacc_Init", "batchDepth", 0);
    }
    if (counted == 0 || counted > COUNTED_MOST || counted * deep > COUNTED_MOST) {
        nj_npu_refuse_call("LL_Arithacc_Init", "fWidth", (int64_t)counted);
    }
    if (count > NJ_NPU_COEFFICIENTS) {
        nj_npu_refuse_call("LL_Arithacc_Init", "fChannels", count);
    }
    const unsigned char *bits = conf->vec_precision;
    const uint8_t *as = vector(conf->A_vector, count, bits[0]);
    const uint8_t *bs = vector(conf->B_vector, count, bits[1]);
    const uint8_t *cs = vector(conf->C_vector, count, bits[2]);
    int32_t sign = conf->C_scalar == -1 ? -1 : 1;
    for (uint32_t i = 0; i < count; i++) {
        int32_t a = as ? coefficient(as, i, bits[0]) : conf->A_scalar;
        int32_t b = bs ? coefficient(bs, i, bits[1]) : conf->B_scalar;
        int32_t c = cs ? (int32_t)((uint32_t)sign * (uint32_t)coefficient(cs, i, bits[2]))
                       : conf->C_scalar;
        arith->as[i] = (int16_t)a;
        arith->bs[i] = (int16_t)(conf->combinebc ? c >> 16 : b);
        arith->cs[i] = (int16_t)c;
    }
}

int LL_Arithacc_Init(int id, const LL_Arithacc_InitTypeDef *conf)
{
    uint32_t unit = unit_of(__func__, id, NJ_NPU_ARITHS, NJ_NPU_ARITH);
    struct nj_npu_arith *arith = &nj_npu_epoch.arith[unit];
    uint64_t frame = (uint64_t)conf->fWidth * conf->fHeight * conf->fChannels;
    if (conf->shift_o > UINT8_MAX) {
        nj_npu_refuse_call(__func__, "shift_o", conf->shift_o);
    }
    *arith = (struct nj_npu_arith){
        .x = {.rounds = conf->rounding_x,
              .saturates = conf->saturation_x,
              .mode = (uint8_t)conf->round_mode_x,
              .bytes = (uint8_t)conf->inbytes_x,
              .bytes_out = (uint8_t)conf->outbytes_x,
              .shift = conf->shift_x},
        .y = {.rounds = conf->rounding_y,
              .saturates = conf->saturation_y,
              .mode = (uint8_t)conf->round_mode_y,
              .bytes = (uint8_t)conf->inbytes_y,
              .bytes_out = (uint8_t)conf->outbytes_y,
              .shift = conf->shift_y},
        .out = OUTPUT_OF(conf),
        .operation = (uint8_t)conf->operation,
        .dual = conf->dualinput,
        .combined = conf->combinebc,
        .clips = conf->clipout,
        .logical = conf->operation == ARITH_NOT_X,
        .a_vector = !conf->scalar,
        .b_vector = !conf->scalar,
        .c_vector = !conf->scalar,
        .shift_ax = conf->Ax_shift,
        .shift_by = conf->By_shift,
        .shift_c = conf->C_shift,
        .a = conf->A_scalar,
        .b = conf->B_scalar,
        .c = conf->C_scalar,
        .clip_least = conf->clipmin,
        .clip_most = conf->clipmax,
        .frame = frame > UINT32_MAX ? 0 : (uint32_t)frame,
    };
    if (!conf->scalar) {
        coefficients(arith, conf);
    }
    return 0;
}

int LL_Poolacc_Init(int id, const LL_Poolacc_InitTypeDef *conf)
{
    uint32_t unit = unit_of(__func__, id, NJ_NPU_POOLS, NJ_NPU_POOL);
    nj_npu_epoch.pool[unit] = (struct nj_npu_pool){
        .feature = {.rounds = conf->rounding_f,
                    .saturates = conf->saturation_f,
                    .mode = (uint8_t)conf->round_mode_f,
                    .bytes = (uint8_t)conf->inbytes_f,
                    .bytes_out = (uint8_t)conf->outbytes_f,
                    .shift = (int8_t)conf->shift_f},
        .out = OUTPUT_OF(conf),
        .pooling = (uint8_t)conf->operation,
        .dual_line = conf->dualLine,
        .multiplier = conf->mulval,
        .width = conf->inputX,
        .height = conf->inputY,
        .depth = conf->batchSize,
        .out_width = conf->outputX,
        .out_height = conf->outputY,
        .window_width = conf->poolWinX,
        .window_height = conf->poolWinY,
        .stride_x = conf->strideX,
        .stride_y = conf->strideY,
        .pad_left = conf->leftPad,
        .pad_right = conf->rightPad,
        .pad_top = conf->topPad,
        .pad_bottom = conf->bottomPad,
        .crop_left = conf->leftCrop,
        .crop_right = conf->rightCrop,
        .crop_top = conf->topCrop,
        .crop_bottom = conf->bottomCrop,
    };
    return 0;
}

int LL_Activacc_Init(int id, const LL_Activacc_InitTypeDef *conf)
{
    (void)id;
    nj_npu_refuse_call(__func__, "operation", conf->operation);
}

int LL_Decun_Init(int id, const LL_Decun_InitTypeDef *conf)
{
    (void)conf;
    nj_npu_refuse_call(__func__, "id", id);
}
