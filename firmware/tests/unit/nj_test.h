/* The least a C unit test needs: a check that says where it failed.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_TEST_H
#define NJ_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);   \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

#define CHECK_EQUAL(got, want)                                                                          \
    do {                                                                                                \
        const long long got_ = (long long)(got);                                                        \
        const long long want_ = (long long)(want);                                                      \
        if (got_ != want_) {                                                                            \
            fprintf(stderr, "%s:%d: %s: got %lld, want %lld\n", __FILE__, __LINE__, #got, got_, want_); \
            exit(1);                                                                                    \
        }                                                                                               \
    } while (0)

/* A small generator with a seed, the same on every computer (xorshift). */
static inline uint32_t nj_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

#endif
