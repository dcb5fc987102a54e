/* Where things are staged, and when they count as loaded.
 * SPDX-License-Identifier: MIT
 */
#include "nj_staging.h"

#include "nj_test.h"

int main(void) {
    struct nj_place place;
    CHECK_EQUAL(nj_staging_place(NJ_TARGET_CHUNK, 0, &place), NJ_OK);
    CHECK_EQUAL(place.bytes, 64);
    CHECK(place.data == nj_staging.data);
    CHECK_EQUAL(nj_staging_place(NJ_TARGET_INPUT, 1, &place), NJ_OK);
    CHECK_EQUAL(place.bytes, 5);
    CHECK(place.data == (uint8_t *)nj_staging.data + 16);
    CHECK_EQUAL(nj_staging_place(NJ_TARGET_CHUNK, 1, &place), NJ_BAD_ARGUMENT);
    CHECK_EQUAL(nj_staging_place(NJ_TARGET_INPUT, 2, &place), NJ_BAD_ARGUMENT);
    CHECK_EQUAL(nj_staging_place(2, 0, &place), NJ_BAD_ARGUMENT);

    CHECK(!nj_staging_has_chunk() && !nj_staging_has_inputs());
    nj_staging_begin(NJ_TARGET_INPUT, 0);
    nj_staging_end(NJ_TARGET_INPUT, 0);
    CHECK(!nj_staging_has_inputs()); /* one of two */
    nj_staging_begin(NJ_TARGET_INPUT, 1);
    nj_staging_end(NJ_TARGET_INPUT, 1);
    CHECK(nj_staging_has_inputs());
    nj_staging_begin(NJ_TARGET_INPUT, 0);
    CHECK(!nj_staging_has_inputs()); /* half overwritten */
    nj_staging_end(NJ_TARGET_INPUT, 0);
    CHECK(nj_staging_has_inputs());
    nj_staging_begin(NJ_TARGET_CHUNK, 0);
    CHECK(!nj_staging_has_inputs() && !nj_staging_has_chunk());
    nj_staging_end(NJ_TARGET_CHUNK, 0);
    CHECK(!nj_staging_has_inputs() && nj_staging_has_chunk());
    nj_staging_begin(NJ_TARGET_INPUT, 0);
    nj_staging_end(NJ_TARGET_INPUT, 0);
    CHECK(!nj_staging_has_inputs() && !nj_staging_has_chunk()); /* the chunk lay over input 1 */
    nj_staging_forget();
    CHECK(!nj_staging_has_inputs() && !nj_staging_has_chunk());
    return 0;
}
