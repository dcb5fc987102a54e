/* The inner loops of depthwise convolution: 16 channels of one place at a time. Internal to the kernels; Helium only.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_DEPTHWISE_H
#define NJ_DEPTHWISE_H

#include "nj_helium.h"

#if NJ_HELIUM

/* nj_depthwise.c's assembly reads the fields by their offsets. */
struct nj_depthwise {
    const int8_t *groups; /* of struct nj_packed_depthwise */
    int32_t channels;
    int8_t *y;
    int32_t zero_point;
    int32_t back; /* bytes from the end of the output's last group to its next place */
    int32_t moves; /* of 9 taps: 0 if every tap's next place begins where its last group ended; of others: bytes from one
                    * place to the next */
    const int8_t *end; /* y behind the last place; there is at least one */
    int32_t pairs; /* of taps; read by the general loop */
    int8_t min[16];
    int8_t max[16];
    const int8_t **tap; /* where each tap begins, at the first place; [12] for 9 taps, and moved along, else even */
    int32_t step[12]; /* of 9 taps: bytes from one place to the next */
};

/* 9 taps at places up to `end`, of channels in fours. Requantization as in nj_dense.h. */
void nj_depthwise_9_relu(const struct nj_depthwise *op);
void nj_depthwise_9_clamped(const struct nj_depthwise *op);

/* Any even number of taps and any channels, all taps moving alike. */
void nj_depthwise_any_relu(const struct nj_depthwise *op);
void nj_depthwise_any_clamped(const struct nj_depthwise *op);

#endif
#endif
