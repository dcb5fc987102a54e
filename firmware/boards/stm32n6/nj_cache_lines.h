/* The data cache where another master reads or writes memory: lines of 32 bytes, by address.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_CACHE_LINES_H
#define NJ_CACHE_LINES_H

#include <stdint.h>

#define NJ_CACHE_LINE 32u

/* Before a master reads [from, from + bytes): what the core has written goes to the memory. */
void nj_cache_lines_write_back(const void *from, uint32_t bytes);

/* Before a master writes there: no line is left that would be written back onto what it writes. Behind it, again, without writing
 * back: none that was fetched meanwhile stands for it. Both ends are at a multiple of a line, so that nothing else lies in one. */
void nj_cache_lines_hand_over(const void *from, uint32_t bytes);
void nj_cache_lines_drop(const void *from, uint32_t bytes);

#endif
