/* Two percentiles at once: radix selection over the bits of the values, a digit a pass, from the top.
 *
 * Of values without sign the bits rise with the value, of negative ones they fall: nothing is sorted or mapped, only the
 * counters are read in another order. The first digit takes all counters, 11 bits (from the sign on only where there are
 * negative values). Of the digits that follow, 10 bits each, either rank has half of the counters, and lanes are
 * compared with both ranks' bits at once, for few values have them. Where many are the lowest value itself, as of the zeros
 * around a short recording, that is asked first: they would all be counted, digit after digit.
 * SPDX-License-Identifier: MIT
 */
#include "nj_frontend_stages.h"

#define FIRST_BITS 11u
#define NEXT_BITS 10u
#define NEXT_SIZE (1u << NEXT_BITS)

_Static_assert(NJ_PERCENTILE_COUNTERS == 1u << FIRST_BITS && NJ_PERCENTILE_COUNTERS == 2u * NEXT_SIZE, "all, or halves");

/* What is known of a value that is looked for. */
struct search {
    uint32_t rank; /* among the values with these bits */
    uint32_t bits; /* the top ones, shifted down, or NONE */
};

#define NONE 0xFFFFFFFFu /* no value has these bits: it is found */

static inline uint32_t bits_of(const float *value)
{
    uint32_t bits;

    memcpy(&bits, value, sizeof(bits));
    return bits;
}

static void clear(nj_counter *counters)
{
    const nj_v zeros = nj_fill(0.0f);

    for (uint32_t i = 0; i < NJ_PERCENTILE_COUNTERS; i += NJ_LANES)
        nj_store((float *)(void *)(counters + i), zeros);
}

/* Whether the rank is among `size` counters, read in the order of place ^ flip. */
static int read_counters(struct search *search, const nj_counter *counters, uint32_t size, uint32_t flip, uint32_t bits)
{
    uint32_t rank = search->rank;

    for (uint32_t place = 0; place < size; place++) {
        const uint32_t count = counters[place ^ flip];
        if (rank < count) {
            search->rank = rank;
            search->bits = search->bits << bits | (place ^ flip);
            return 1;
        }
        rank -= count;
    }
    search->rank = rank;
    return 0;
}

/* The first digit, of all values. `left` bits lie below it. */
static inline void count_all(const float *values, uint32_t count, const uint32_t left, nj_counter *counters)
{
    for (uint32_t fours = count / 4u; fours > 0u; fours--) {
        counters[(bits_of(&values[0]) >> left) % NJ_PERCENTILE_COUNTERS]++;
        counters[(bits_of(&values[1]) >> left) % NJ_PERCENTILE_COUNTERS]++;
        counters[(bits_of(&values[2]) >> left) % NJ_PERCENTILE_COUNTERS]++;
        counters[(bits_of(&values[3]) >> left) % NJ_PERCENTILE_COUNTERS]++;
        values += 4;
    }
    for (count %= 4u; count > 0u; count--)
        counters[(bits_of(values++) >> left) % NJ_PERCENTILE_COUNTERS]++;
}

static inline void count_one(uint32_t value, uint32_t low, uint32_t high, uint32_t size, nj_counter *counters)
{
    if (value - low < size)
        counters[value - low]++;
    if (value - high < size)
        counters[NEXT_SIZE + value - high]++;
}

/* The next digit, of those values whose bits above it are a search's. */
static void count_alike(const float *values, uint32_t count, uint32_t left, uint32_t bits,
                        const struct search *searches, nj_counter *counters)
{
    const uint32_t known = left + bits;
    const uint32_t shift = known > NJ_ALIKE_SHIFT ? known : NJ_ALIKE_SHIFT;
    const uint32_t a = searches[0].bits >> (shift - known);
    const uint32_t b = searches[1].bits >> (shift - known);
    const uint32_t low = searches[0].bits << bits;
    const uint32_t high = searches[1].bits << bits;

    for (; count >= NJ_ALIKE_LANES; count -= NJ_ALIKE_LANES) {
        for (uint32_t alike = nj_alike(values, shift, a, b); alike != 0u; alike &= alike - 1u) {
            const uint32_t offset = (uint32_t)__builtin_ctz(alike) * NJ_ALIKE_BYTES;
            const uint32_t value = bits_of((const float *)(const void *)((const char *)values + offset));
            count_one(value >> left, low, high, 1u << bits, counters);
        }
        values += NJ_ALIKE_LANES;
    }
    for (; count > 0u; count--)
        count_one(bits_of(values++) >> left, low, high, 1u << bits, counters);
}

/* Whether so many values are the lowest one that this answers a search. */
static void ask_for_lowest(const float *values, uint32_t count, float lowest, struct search *searches)
{
    const uint32_t equal = nj_count_equal(values, count, lowest);

    for (uint32_t i = 0; i < 2u; i++)
        searches[i].bits = searches[i].rank < equal ? NONE : 0u;
}

static void read_first(struct search *search, const nj_counter *counters, int negative)
{
    if (negative == 0)
        read_counters(search, counters, NJ_PERCENTILE_COUNTERS, 0, FIRST_BITS);
    else if (read_counters(search, counters, NEXT_SIZE, NJ_PERCENTILE_COUNTERS - 1u, FIRST_BITS) == 0)
        read_counters(search, counters, NEXT_SIZE, 0, FIRST_BITS);
}

void nj_percentile(const float *values, uint32_t count, const uint32_t *ranks, nj_counter *counters, float *bound)
{
    const float lowest = bound[0];
    const int negative = bits_of(&lowest) >> 31 != 0u;
    uint32_t left = negative ? 21u : 20u;
    struct search searches[2] = {{ranks[0], 0}, {ranks[1], 0}};

    if (bits_of(&bound[1]) == bits_of(&lowest)) /* and so are all values */
        return;
    clear(counters);
    if (negative)
        count_all(values, count, 21u, counters);
    else
        count_all(values, count, 20u, counters);
    if (counters[(bits_of(&lowest) >> left) % NJ_PERCENTILE_COUNTERS] > count / 8u)
        ask_for_lowest(values, count, lowest, searches);
    for (uint32_t i = 0; i < 2u; i++) {
        if (searches[i].bits != NONE)
            read_first(&searches[i], counters, negative);
    }
    while (left > 0u && searches[1].bits != NONE) {
        const uint32_t bits = left < NEXT_BITS ? left : NEXT_BITS;
        left -= bits;
        clear(counters);
        count_alike(values, count, left, bits, searches, counters);
        for (uint32_t i = 0; i < 2u; i++) {
            struct search *const search = &searches[i];
            const uint32_t falls = search->bits >> (31u - left - bits);
            if (search->bits != NONE)
                read_counters(search, counters + NEXT_SIZE * i, 1u << bits, falls != 0u ? (1u << bits) - 1u : 0u, bits);
        }
    }
    for (uint32_t i = 0; i < 2u; i++)
        memcpy(&bound[i], searches[i].bits != NONE ? (const void *)&searches[i].bits : &lowest, sizeof(float));
}
