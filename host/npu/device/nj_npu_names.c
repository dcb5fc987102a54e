/* Texts of statuses and names of kinds.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu.h"

const char *nj_npu_status_text(enum nj_npu_status status)
{
    switch (status) {
#define X(name, text)    \
    case NJ_NPU_##name:  \
        return text;
        NJ_NPU_STATUSES(X)
#undef X
    default:
        return "an unknown status";
    }
}

const char *nj_npu_kind_name(enum nj_npu_kind kind)
{
    static const char *const names[NJ_NPU_KINDS] = {"NOTHING", "STRENG", "CONVACC", "DECUN",
                                                    "ACTIV",   "ARITH",  "POOL",    "RECBUF"};
    return kind < NJ_NPU_KINDS ? names[kind] : "UNKNOWN";
}
