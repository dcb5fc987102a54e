/* A generated network, as our runtime calls it. Defined behind network.c itself, in one file with it.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_CONNECTION_H
#define NJ_NPU_CONNECTION_H

#include "ll_aton.h"

struct nj_npu_connection {
    const LL_ATON_RT_EpochBlockItem_t *(*blocks)(void);
    bool (*prepare)(void); /* once; NULL where no program has addresses of its own to be set */
    bool (*prepare_run)(void); /* before each inference */
};

extern const struct nj_npu_connection nj_npu_connection;

#endif
