/* The intake: whatever comes, each sample is heard in its place, or counted.
 * SPDX-License-Identifier: MIT
 */
#include "nj_intake.h"
#include "nj_test.h"

#define ROOM 40u

static int16_t ring[ROOM];
static uint32_t seed = 1;

static uint32_t draw(uint32_t below) {
    return nj_random(&seed) % below;
}

static int16_t sample_at(uint64_t place) {
    return (int16_t)(uint16_t)(place * 40503u);
}

static uint64_t heard_up_to; /* place behind the last sample heard */
static uint64_t heard;
static uint32_t streams;

static void hear(uint32_t most) {
    const int16_t *samples;
    uint64_t place;
    bool anew;
    const uint32_t count = nj_intake_samples(most, &samples, &place, &anew);
    if (count == 0) {
        return;
    }
    CHECK(anew ? place >= heard_up_to : place == heard_up_to);
    for (uint32_t i = 0; i < count; ++i) {
        CHECK_EQUAL(samples[i], sample_at(place + i));
    }
    const uint32_t taken = 1u + draw(count);
    nj_intake_heard(taken);
    heard_up_to = place + taken;
    heard += taken;
    streams += anew;
}

static void in_any_order(void) {
    int16_t block[17];
    nj_intake_start(ring, ROOM);
    heard_up_to = heard = 0;
    streams = 0;
    for (int turn = 0; turn < 20000; ++turn) {
        const uint64_t next = nj_intake_next();
        const uint32_t count = 1u + draw(16);
        const uint64_t place = draw(8) == 0 ? next + draw(30) : next;
        for (uint32_t i = 0; i < count; ++i) {
            block[i] = sample_at(place + i);
        }
        nj_intake_take(place, block, count);
        if (draw(16) == 0) {
            nj_intake_take(place, block, count); /* again: ignored */
        }
        CHECK_EQUAL(nj_intake_next(), place + count);
        for (uint32_t i = draw(4); i-- > 0;) {
            hear(1u + draw(20));
        }
    }
    while (nj_intake_counts.queued != 0) {
        hear(ROOM);
    }
    CHECK_EQUAL(heard, nj_intake_counts.taken);
    CHECK_EQUAL(heard + nj_intake_counts.missing + nj_intake_counts.refused, nj_intake_next());
    CHECK(nj_intake_counts.missing != 0 && nj_intake_counts.refused != 0 && streams > 100u);
    CHECK(nj_intake_counts.fullest <= ROOM);
}

static void without_room(void) {
    const int16_t block[32] = {0};
    nj_intake_start(ring, ROOM);
    nj_intake_take(0, block, 32);
    nj_intake_take(32, block, 32); /* no room: all of it is refused */
    CHECK_EQUAL(nj_intake_counts.refused, 32);
    CHECK_EQUAL(nj_intake_counts.taken, 32);
    const int16_t *samples;
    uint64_t place;
    bool anew;
    CHECK_EQUAL(nj_intake_samples(64, &samples, &place, &anew), 32);
    nj_intake_heard(32);
    CHECK_EQUAL(nj_intake_samples(64, &samples, &place, &anew), 0);
    nj_intake_take(64, block, 8); /* what comes next begins anew */
    CHECK_EQUAL(nj_intake_samples(64, &samples, &place, &anew), 8);
    CHECK(anew && place == 64);
}

int main(void) {
    in_any_order();
    without_room();
    return 0;
}
