/* The units of the NPU, as generated code of all dialects sets them up: names and fields only. What
 * a field means stands in ../device/nj_npu_units.h, beside the one it fills.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_LL_ATON_H
#define NJ_NPU_LL_ATON_H

#include "ll_aton_NN_interface.h"

enum AccelUnitsType { STRENG, STRENG64, CONVACC, DECUN, ACTIV, ARITH, POOL, IMC, RECBUF };

typedef struct {
    enum AccelUnitsType unit_type;
    unsigned short unit_num;
} AccelUnits;

typedef struct {
    unsigned dir : 1;
    unsigned raw : 1;
    unsigned raw_out : 1;
    unsigned continuous : 1;
    unsigned noblk : 1;
    unsigned noinc : 1;
    unsigned align_right : 1;
    unsigned mem_lsb : 1;
    unsigned sync_with_other : 1;
    unsigned nbits_unsigned : 1;
    unsigned bus_cid : 3;
    unsigned cacheable : 1;
    unsigned cache_allocate : 1;
    unsigned bus_pfetch : 1;
    unsigned cache_linesize : 2;
    unsigned cipher_en : 1;
    unsigned key_sel : 1;
    unsigned char sync_dma;
    ll_aton_pointer addr_base;
    unsigned offset_start;
    unsigned offset_end;
    unsigned offset_limit;
    unsigned frame_count;
    unsigned fwidth;
    unsigned fheight;
    unsigned batch_depth;
    unsigned batch_offset;
    unsigned frame_offset;
    unsigned line_offset;
    unsigned loop_offset;
    unsigned frame_loop_cnt;
    unsigned loop_offset2;
    unsigned frame_loop_cnt2;
    unsigned frame_tot_cnt;
    unsigned char nbits_in;
    unsigned char nbits_out;
} LL_Streng_TensorInitTypeDef;

typedef struct {
    unsigned enable : 1;
    unsigned trig_source : 4;
    unsigned lines;
    unsigned lines_offset;
    unsigned offset;
} LL_Streng_ExtSyncTypedef;

typedef enum {
    AFILT_MODE_NONE,
    AFILT_MODE_PIXELDROP,
    AFILT_MODE_FRAMEDROP,
    AFILT_MODE_FRAMEZERO,
} LL_Convacc_Afilt_Mode;

typedef struct {
    unsigned rounding_f : 1;
    unsigned saturation_f : 1;
    unsigned round_mode_f : 2;
    unsigned inbytes_f : 2;
    unsigned rounding_o : 1;
    unsigned saturation_o : 1;
    unsigned round_mode_o : 1;
    unsigned relu_mode_o : 1;
    unsigned outbytes_o : 2;
    unsigned simd : 2;
    unsigned accumulate : 1;
    unsigned accumulate_first : 1;
    unsigned accumulate_gen_first : 1;
    unsigned fstat : 1;
    unsigned raw_o : 1;
    unsigned kt1_mode : 1;
    unsigned deepmode : 1;
    unsigned dss2mode : 1;
    unsigned f_unsigned : 1;
    unsigned k_unsigned : 1;
    unsigned kseten : 2;
    unsigned char shift_f;
    unsigned char shift_a;
    unsigned char shift_o;
    unsigned fWidth;
    unsigned fHeight;
    unsigned char kernelWidth;
    unsigned char kernelHeight;
    unsigned char nKernels;
    unsigned short batchDepth;
    unsigned char hstride;
    unsigned char vstride;
    unsigned short left_padding;
    unsigned short right_padding;
    unsigned short top_padding;
    unsigned short bot_padding;
    unsigned short left_crop;
    unsigned short right_crop;
    unsigned short top_crop;
    unsigned short bot_crop;
    unsigned short fstatcnt;
    LL_Convacc_Afilt_Mode afilt_mode;
    unsigned char afilt_tot;
    unsigned char afilt_first;
    unsigned char afilt_last;
    unsigned char kfilt_tot;
    unsigned char kfilt_first;
    unsigned char kfilt_last;
    unsigned vshift : 2;
    int fsub;
    short zfbias;
} LL_Convacc_InitTypeDef;

typedef enum {
    ARITH_AFFINE = 1,
    ARITH_MIN,
    ARITH_MAX,
    ARITH_MUL,
    ARITH_X_AND_Y,
    ARITH_X_OR_Y,
    ARITH_NOT_X,
    ARITH_X_XOR_Y,
    ARITH_X_EQ_Y,
    ARITH_X_LT_Y,
    ARITH_X_LE_Y,
    ARITH_X_GT_Y,
    ARITH_X_GE_Y,
    ARITH_ABS_X,
    ARITH_SIGN_X,
    ARITH_CLIP,
} LL_Arithacc_Op;

typedef enum {
    ARITH_BCAST_NONE,
    ARITH_BCAST_CHAN,
    ARITH_BCAST_HEIGHT,
    ARITH_BCAST_WIDTH,
    ARITH_BCAST_HEIGHT_WIDTH,
    ARITH_BCAST_SCALAR,
} LL_Arithacc_Bcast;

typedef struct {
    unsigned rounding_x : 1;
    unsigned saturation_x : 1;
    unsigned round_mode_x : 2;
    unsigned inbytes_x : 2;
    unsigned outbytes_x : 2;
    signed char shift_x;
    unsigned rounding_y : 1;
    unsigned saturation_y : 1;
    unsigned round_mode_y : 2;
    unsigned inbytes_y : 2;
    unsigned outbytes_y : 2;
    unsigned combinebc : 1;
    unsigned clipout : 1;
    signed char shift_y;
    unsigned rounding_o : 1;
    unsigned saturation_o : 1;
    unsigned round_mode_o : 1;
    unsigned relu_mode_o : 1;
    unsigned outbytes_o : 2;
    unsigned shift_o;
    unsigned scalar : 1;
    unsigned dualinput : 1;
    LL_Arithacc_Op operation;
    LL_Arithacc_Bcast bcast;
    unsigned char Ax_shift;
    unsigned char By_shift;
    unsigned char C_shift;
    unsigned fWidth;
    unsigned fHeight;
    unsigned short fChannels;
    unsigned short batchDepth;
    short clipmin;
    short clipmax;
    short A_scalar;
    short B_scalar;
    short C_scalar;
    ll_aton_pointer A_vector;
    ll_aton_pointer B_vector;
    ll_aton_pointer C_vector;
    unsigned char vec_precision[3];
} LL_Arithacc_InitTypeDef;

typedef enum { POOL_MAX = 1, POOL_MIN, POOL_AVG, POOL_GMAX, POOL_GMIN, POOL_GAVG } LL_Poolacc_Op;

typedef struct {
    LL_Poolacc_Op operation;
    unsigned avgnopad : 1;
    unsigned short inputX;
    unsigned short inputY;
    unsigned short outputX;
    unsigned short outputY;
    unsigned char poolWinX;
    unsigned char poolWinY;
    unsigned char strideX;
    unsigned char strideY;
    unsigned short topCrop;
    unsigned short bottomCrop;
    unsigned short leftCrop;
    unsigned short rightCrop;
    unsigned short topPad;
    unsigned short bottomPad;
    unsigned short leftPad;
    unsigned short rightPad;
    unsigned short batchSize;
    unsigned char shift_f;
    unsigned char shift_o;
    unsigned dualLine : 1;
    unsigned nbytes : 2;
    unsigned rounding_f : 1;
    unsigned saturation_f : 1;
    unsigned round_mode_f : 2;
    unsigned inbytes_f : 2;
    unsigned outbytes_f : 2;
    unsigned rounding_o : 1;
    unsigned saturation_o : 1;
    unsigned round_mode_o : 1;
    unsigned relu_mode_o : 1;
    unsigned outbytes_o : 2;
    short mulval;
    unsigned pad_val_en : 1;
    short pad_val;
} LL_Poolacc_InitTypeDef;

typedef enum {
    ACTIV_RELU = 1,
    ACTIV_PRELU,
    ACTIV_TRELU,
    ACTIV_FUNC,
    ACTIV_LUT,
} LL_Activacc_Op;

typedef struct {
    unsigned rounding_f : 1;
    unsigned saturation_f : 1;
    unsigned round_mode_f : 2;
    unsigned inbytes_f : 2;
    unsigned outbytes_f : 2;
    unsigned rounding_o : 1;
    unsigned saturation_o : 1;
    unsigned round_mode_o : 1;
    unsigned relu_mode_o : 1;
    unsigned outbytes_o : 2;
    unsigned signedop : 1;
    unsigned char shift_f;
    unsigned char shift_o;
    unsigned parameter;
    unsigned parameter_2;
    unsigned nbytes;
    ll_aton_pointer ROM0_vector;
    ll_aton_pointer ROM1_vector;
    ll_aton_pointer LUT_vector;
    unsigned ROM0_nbytes;
    unsigned ROM1_nbytes;
    unsigned char shift_b;
    unsigned char shift_c;
    unsigned char shift_norm;
    unsigned char bwidth;
    int fsub;
    LL_Activacc_Op operation;
} LL_Activacc_InitTypeDef;

typedef struct {
    unsigned short nCVperCB;
    unsigned char nCWperCV;
    unsigned char nRCWlastCV;
    unsigned char nFormatBytes;
    unsigned short nBatches;
    unsigned noDualInput : 1;
    unsigned noOverWrite : 1;
    ll_aton_pointer CBs_vector;
    unsigned CBs_size;
} LL_Decun_InitTypeDef;

/* One end of a link: kind, unit and port, and a bit that says that it was named at all. */
enum SwitchUnitsType { STRSWITCH, STRSWITCH64, STRSWITCH_VC };
typedef unsigned int SourcePort;
typedef unsigned int DestPort;
#define NJ_NPU_END(unit, number, port) \
    (1U << 24 | (unsigned)(unit) << 16 | (unsigned)(number) << 8 | (unsigned)(port))
#define ATONN_SRCPORT(S, J, U, I, P) NJ_NPU_END(U, I, P)
#define ATONN_DSTPORT(S, J, U, I, P) NJ_NPU_END(U, I, P)

#define LL_Switch_Init_Dest() .dest
#define LL_Switch_Init_Source(x) .source##x
#define LL_Switch_Init_Context(x) .context##x
#define LL_Switch_Init_Frames(x) .frames##x

typedef struct {
    SourcePort source0;
    SourcePort source1;
    DestPort dest;
    unsigned char frames0;
    unsigned char frames1;
    unsigned context0 : 1;
    unsigned context1 : 1;
} LL_Switch_InitTypeDef;
typedef LL_Switch_InitTypeDef LL_Switch_DeinitTypeDef;

typedef struct {
    AccelUnits unit;
} LL_ATON_EnableUnits_InitTypeDef;
typedef LL_ATON_EnableUnits_InitTypeDef LL_ATON_DisableUnits_InitTypeDef;

int LL_Streng_TensorInit(int id, const LL_Streng_TensorInitTypeDef *conf, int n);
int LL_Streng_ExtSyncInit(int id, LL_Streng_ExtSyncTypedef *conf);
int LL_Convacc_Init(int id, const LL_Convacc_InitTypeDef *conf);
int LL_Arithacc_Init(int id, const LL_Arithacc_InitTypeDef *conf);
int LL_Poolacc_Init(int id, const LL_Poolacc_InitTypeDef *conf);
int LL_Activacc_Init(int id, const LL_Activacc_InitTypeDef *conf);
int LL_Decun_Init(int id, const LL_Decun_InitTypeDef *conf);
int LL_Switch_Init(const LL_Switch_InitTypeDef *rows, int n);
int LL_Switch_Init_NoReset(const LL_Switch_InitTypeDef *rows, int n);
int LL_Switch_Deinit(const LL_Switch_DeinitTypeDef *rows, int n);
int LL_Switch_Deinit_Fine_Grained(const LL_Switch_DeinitTypeDef *rows, int n);
int LL_ATON_EnableUnits_Init(const LL_ATON_EnableUnits_InitTypeDef *units, int n);
int LL_ATON_DisableUnits_Init(const LL_ATON_DisableUnits_InitTypeDef *units, int n);

#endif
