/* A wait with an end, in milliseconds of the core's clock: SysTick counts them, and nobody takes its interrupt.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_WAIT_H
#define NJ_WAIT_H

#include <stdbool.h>
#include <stdint.h>

struct nj_wait {
    uint32_t left; /* ms */
};

/* Begin one of `ms`; one at a time. */
void nj_wait_start(struct nj_wait *wait, uint32_t ms);

/* Whether it is over. Asked less often than each millisecond, it lasts longer. */
bool nj_wait_over(struct nj_wait *wait);

#endif
