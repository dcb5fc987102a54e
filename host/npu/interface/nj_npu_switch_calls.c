/* LL_*: which unit feeds which, and which units run.
 * SPDX-License-Identifier: MIT
 */
#include "ll_aton.h"
#include "nj_npu_host.h"

static enum nj_npu_kind kind_of(unsigned unit)
{
    static const enum nj_npu_kind kinds[] = {
        [STRENG] = NJ_NPU_STREAM, [CONVACC] = NJ_NPU_CONV, [DECUN] = NJ_NPU_DECUN,
        [ACTIV] = NJ_NPU_ACTIV,   [ARITH] = NJ_NPU_ARITH,  [POOL] = NJ_NPU_POOL,
        [RECBUF] = NJ_NPU_RECBUF,
    };
    return unit < sizeof kinds / sizeof kinds[0] ? kinds[unit] : NJ_NPU_NOTHING;
}

static struct nj_npu_port port_of(unsigned end)
{
    if (end == 0) {
        return (struct nj_npu_port){.kind = NJ_NPU_NOTHING};
    }
    return (struct nj_npu_port){.kind = (uint8_t)kind_of(end >> 16 & 0xff),
                                .unit = (uint8_t)(end >> 8),
                                .port = (uint8_t)end};
}

int LL_Switch_Init_NoReset(const LL_Switch_InitTypeDef *rows, int n)
{
    for (int i = 0; i < n; i++) {
        if (nj_npu_epoch.links == NJ_NPU_LINKS) {
            nj_npu_refuse_call(__func__, "n", n);
        }
        nj_npu_epoch.link[nj_npu_epoch.links++] = (struct nj_npu_link){
            .destination = port_of(rows[i].dest),
            .source = {port_of(rows[i].source0), port_of(rows[i].source1)},
            .enabled = {rows[i].context0, rows[i].context1},
            .frames = {rows[i].frames0, rows[i].frames1},
        };
    }
    return 0;
}

int LL_Switch_Init(const LL_Switch_InitTypeDef *rows, int n)
{
    nj_npu_epoch.links = 0;
    return LL_Switch_Init_NoReset(rows, n);
}

int LL_Switch_Deinit(const LL_Switch_DeinitTypeDef *rows, int n)
{
    (void)rows;
    (void)n;
    nj_npu_epoch.links = 0;
    return 0;
}

int LL_Switch_Deinit_Fine_Grained(const LL_Switch_DeinitTypeDef *rows, int n)
{
    return LL_Switch_Deinit(rows, n);
}

int LL_ATON_EnableUnits_Init(const LL_ATON_EnableUnits_InitTypeDef *units, int n)
{
    for (int i = 0; i < n; i++) {
        enum nj_npu_kind kind = kind_of(units[i].unit.unit_type);
        if (kind == NJ_NPU_NOTHING || units[i].unit.unit_num >= 32) {
            nj_npu_refuse_call(__func__, "unit_type", units[i].unit.unit_type);
        }
        nj_npu_epoch.enabled[kind] |= 1U << units[i].unit.unit_num;
    }
    return 0;
}

int LL_ATON_DisableUnits_Init(const LL_ATON_DisableUnits_InitTypeDef *units, int n)
{
    for (int i = 0; i < n; i++) {
        enum nj_npu_kind kind = kind_of(units[i].unit.unit_type);
        if (units[i].unit.unit_num < 32) {
            nj_npu_epoch.enabled[kind] &= ~(1U << units[i].unit.unit_num);
        }
    }
    return 0;
}
