/* Every request of the schema against the tiny model: right answers, right refusals, and nothing run twice.
 * SPDX-License-Identifier: MIT
 */
#include "nj_dispatch.h"

#include <string.h>

#include "link/nj_crc32.h"
#include "nj_fake.h"
#include "nj_model.h"
#include "nj_run.h"
#include "nj_send.h"
#include "nj_spin.h"
#include "nj_staging.h"
#include "nj_test.h"
#include "nj_tiny.h"

static uint16_t next_id;
static struct response_r response;

static const struct response_r *ask(const struct request_r *request) {
    nj_fake_request(++next_id, request);
    nj_fake_response(next_id, &response);
    return &response;
}

static struct request_r run_of(uint32_t stages, uint32_t times, uint32_t mode, uint32_t stop) {
    struct request_r request = {.request_choice = run_request_m_c};
    request.run_request_m = (struct run_request){0, stages, times, mode, stop};
    return request;
}

static const struct response_r *run(uint32_t stages, uint32_t times, uint32_t mode, uint32_t stop) {
    const struct request_r request = run_of(stages, times, mode, stop);
    return ask(&request);
}

static uint32_t run_error(uint32_t stages, uint32_t times, uint32_t mode, uint32_t stop) {
    CHECK_EQUAL(run(stages, times, mode, stop)->response_choice, error_response_m_c);
    return response.error_response_m.error_response_code;
}

static void hello(uint32_t nonce) {
    const struct request_r request = {.request_choice = hello_request_m_c};
    nj_fake_session = nonce;
    const struct hello_response *const said = &ask(&request)->hello_response_m;
    CHECK_EQUAL(response.response_choice, hello_response_m_c);
    CHECK_EQUAL(said->hello_response_protocol, NJ_LINK_VERSION);
    CHECK_EQUAL(said->hello_response_nonce, nonce);
    CHECK_EQUAL(said->hello_response_boot, 99);
    CHECK_EQUAL(said->hello_response_build_id.len, 20);
    CHECK_EQUAL(said->hello_response_build_id.value[0], 0xB1);
    CHECK_EQUAL(said->hello_response_image, 0x1AAA6E);
    CHECK_EQUAL(memcmp(said->hello_response_model.value, nj_model.model_sha256, 32), 0);
    CHECK_EQUAL(memcmp(said->hello_response_contract.value, nj_model.contract_sha256, 32), 0);
    CHECK_EQUAL(said->hello_response_board.len, 4);
    CHECK_EQUAL(said->hello_response_reset_cause, NJ_RESET_REQUESTED);
    CHECK_EQUAL(said->hello_response_chunk_samples, 32);
    CHECK_EQUAL(said->hello_response_feature_bytes, 32);
    CHECK_EQUAL(said->hello_response_inputs, 2);
    CHECK_EQUAL(said->hello_response_taps, 3);
    CHECK_EQUAL(said->hello_response_uid.len, 12);
    CHECK_EQUAL(memcmp(said->hello_response_uid.value, "NIGHTJAR-VMA", 12), 0);
    CHECK_EQUAL(said->hello_response_clocks_u32_m_count, 3);
    CHECK_EQUAL(said->hello_response_clocks_u32_m[0], 600000000);
    CHECK_EQUAL(said->hello_response_clocks_u32_m[2], 0xFFFFFFFF);
    CHECK_EQUAL(said->hello_response_overruns, 41);
    CHECK_EQUAL(said->hello_response_caches, 3);
}

/* What nj_tiny.h says, once more. */
struct expected {
    uint8_t first[16], second[16], third[16];
};

static struct expected expect(const uint8_t *x, const uint8_t *y) {
    struct expected e;
    for (int i = 0; i < 16; ++i) {
        e.first[i] = (uint8_t)(x[i] + 1 + y[i % 5]);
        e.second[i] = e.first[i] ^ 0x55;
        e.third[i] = (uint8_t)(e.first[i] + e.second[i]);
    }
    return e;
}

static void check_read(uint32_t what, uint32_t index, uint32_t total, uint32_t offset, const void *want, uint32_t length) {
    struct request_r request = {.request_choice = read_request_m_c};
    struct nj_fake_frame frame;
    request.read_request_m = (struct read_request){0, what, index, offset, length};
    nj_fake_request(++next_id, &request);
    CHECK(nj_fake_take(&frame));
    CHECK_EQUAL(frame.frame.type, NJ_FRAME_DATA);
    CHECK_EQUAL(frame.frame.request, next_id);
    CHECK_EQUAL(nj_get_u32(frame.payload), offset);
    CHECK_EQUAL(nj_get_u32(frame.payload + 4), total);
    CHECK_EQUAL(frame.frame.length, NJ_DATA_HEADER + length);
    CHECK_EQUAL(memcmp(frame.payload + NJ_DATA_HEADER, want, length), 0);
}

static uint32_t read_error(uint32_t what, uint32_t index, uint32_t offset, uint32_t length) {
    struct request_r request = {.request_choice = read_request_m_c};
    request.read_request_m = (struct read_request){0, what, index, offset, length};
    CHECK_EQUAL(ask(&request)->response_choice, error_response_m_c);
    return response.error_response_m.error_response_code;
}

static const struct digests_response *digests(uint32_t first, uint32_t count) {
    struct request_r request = {.request_choice = digests_request_m_c};
    request.digests_request_m = (struct digests_request){0, first, count};
    CHECK_EQUAL(ask(&request)->response_choice, digests_response_m_c);
    return &response.digests_response_m;
}

static const struct cost_response *cost(void) {
    struct request_r request = {.request_choice = cost_request_m_c};
    request.cost_request_m = (struct cost_request){0, 0, 64};
    CHECK_EQUAL(ask(&request)->response_choice, cost_response_m_c);
    return &response.cost_response_m;
}

static uint8_t x[16], y[5] = {1, 2, 3, 4, 5};

static void load_inputs(void) {
    nj_fake_load(++next_id, 1, 0, x, sizeof x);
    nj_fake_load(++next_id, 1, 1, y, sizeof y);
}

static void refusals(void) {
    CHECK_EQUAL(run_error(NJ_STAGE_MODEL, 1, NJ_MODE_PLAIN, NJ_NO_STOP), 3);
    CHECK_EQUAL(read_error(NJ_WHAT_TAP, 0, 0, 16), 3);
    load_inputs();
    CHECK_EQUAL(run_error(0, 1, NJ_MODE_PLAIN, NJ_NO_STOP), 2);
    CHECK_EQUAL(run_error(4, 1, NJ_MODE_PLAIN, NJ_NO_STOP), 2);
    CHECK_EQUAL(run_error(NJ_STAGE_MODEL, 0, NJ_MODE_PLAIN, NJ_NO_STOP), 2);
    CHECK_EQUAL(run_error(NJ_STAGE_MODEL, 1, 3, NJ_NO_STOP), 2);
    CHECK_EQUAL(run_error(NJ_STAGE_MODEL, 1, NJ_MODE_PLAIN, 3), 2);
    CHECK_EQUAL(run_error(NJ_STAGE_BOTH, 1, NJ_MODE_PLAIN, NJ_NO_STOP), 3); /* inputs, not a chunk */
    CHECK_EQUAL(read_error(NJ_WHAT_TAP, 3, 0, 1), 2);
    CHECK_EQUAL(read_error(NJ_WHAT_INPUT, 2, 0, 1), 2);
    CHECK_EQUAL(read_error(4, 0, 0, 1), 2);
    CHECK_EQUAL(read_error(NJ_WHAT_TAP, 0, 10, 7), 2);
    CHECK_EQUAL(read_error(NJ_WHAT_TAP, 0, 0xFFFFFFFFu, 2), 2);
    CHECK_EQUAL(read_error(NJ_WHAT_FEATURES, 0, 0, 4), 3);
}

static void runs_and_reads(void) {
    load_inputs();
    const struct expected e = expect(x, y);
    const uint32_t output = nj_crc32(0, e.third, 4);
    for (uint32_t mode = NJ_MODE_PLAIN; mode <= NJ_MODE_STEPS; ++mode) {
        CHECK_EQUAL(run(NJ_STAGE_MODEL, 3, mode, NJ_NO_STOP)->run_response_m.run_response_output, output);
        CHECK_EQUAL(response.run_response_m.run_response_runs, 3);
        CHECK_EQUAL(response.run_response_m.run_response_differing, 0);
    }
    const struct digests_response *const d = digests(0, 128);
    CHECK_EQUAL(d->digests_response_features, 0);
    CHECK_EQUAL(d->digests_response_input, nj_crc32(nj_crc32(0, x, 16), y, 5));
    CHECK_EQUAL(d->digests_response_output, output);
    CHECK_EQUAL(d->digests_response_taps_u32_m_count, 3);
    CHECK_EQUAL(d->digests_response_taps_u32_m[0], nj_crc32(0, e.first, 16));
    CHECK_EQUAL(d->digests_response_taps_u32_m[1], nj_crc32(0, e.second, 16));
    CHECK_EQUAL(d->digests_response_taps_u32_m[2], nj_crc32(0, e.third, 16));
    CHECK_EQUAL(digests(2, 5)->digests_response_taps_u32_m_count, 1);
    CHECK_EQUAL(response.digests_response_m.digests_response_taps_u32_m[0], nj_crc32(0, e.third, 16));
    CHECK_EQUAL(digests(3, 1)->digests_response_taps_u32_m_count, 0);
    /* In any order, although each overwrites another. */
    check_read(NJ_WHAT_TAP, 2, 16, 0, e.third, 16);
    check_read(NJ_WHAT_TAP, 0, 16, 3, e.first + 3, 13);
    check_read(NJ_WHAT_INPUT, 0, 16, 0, x, 16);
    check_read(NJ_WHAT_TAP, 1, 16, 0, e.second, 16);
    check_read(NJ_WHAT_OUTPUT, 0, 4, 1, e.third + 1, 3);
    check_read(NJ_WHAT_TAP, 1, 16, 0, e.second, 16);
    check_read(NJ_WHAT_INPUT, 1, 5, 0, y, 5);
    check_read(NJ_WHAT_TAP, 0, 16, 16, e.first, 0);
    CHECK_EQUAL(run(NJ_STAGE_MODEL, 1, NJ_MODE_TAPPED, 1)->run_response_m.run_response_output, 0);
    CHECK_EQUAL(digests(0, 3)->digests_response_taps_u32_m[1], nj_crc32(0, e.second, 16));
    CHECK_EQUAL(response.digests_response_m.digests_response_taps_u32_m[2], 0);
}

static void from_a_chunk(void) {
    int16_t chunk[32];
    float features[8];
    uint8_t input[16];
    const uint8_t zeros[5] = {0};
    for (int i = 0; i < 32; ++i) {
        chunk[i] = (int16_t)(i - 9);
    }
    for (int i = 0; i < 8; ++i) {
        const int sum = chunk[4 * i] + chunk[4 * i + 1] + chunk[4 * i + 2] + chunk[4 * i + 3];
        features[i] = (float)sum / 32768.0f;
        input[i] = input[i + 8] = (uint8_t)sum;
    }
    const struct expected e = expect(input, zeros);
    nj_fake_load(++next_id, 0, 0, (const uint8_t *)chunk, sizeof chunk);
    CHECK_EQUAL(run(NJ_STAGE_BOTH, 2, NJ_MODE_TAPPED, NJ_NO_STOP)->run_response_m.run_response_output,
                nj_crc32(0, e.third, 4));
    CHECK_EQUAL(digests(0, 3)->digests_response_features, nj_crc32(0, features, sizeof features));
    CHECK_EQUAL(response.digests_response_m.digests_response_input, nj_crc32(nj_crc32(0, input, 16), zeros, 5));
    check_read(NJ_WHAT_FEATURES, 0, 32, 4, features + 1, 28); /* the quantization has overwritten them */
    check_read(NJ_WHAT_TAP, 1, 16, 0, e.second, 16);
    CHECK_EQUAL(run(NJ_STAGE_FRONTEND, 1, NJ_MODE_PLAIN, NJ_NO_STOP)->run_response_m.run_response_output, 0);
    CHECK_EQUAL(cost()->cost_response_frontend, 7);
    CHECK_EQUAL(response.cost_response_m.cost_response_model, 0);
    check_read(NJ_WHAT_INPUT, 0, 16, 0, input, 16);
    run(NJ_STAGE_BOTH, 1, NJ_MODE_PLAIN, NJ_NO_STOP);
    CHECK_EQUAL(cost()->cost_response_model, 7);
    CHECK_EQUAL(response.cost_response_m.cost_response_stack, 1234);
    run(NJ_STAGE_MODEL, 1, NJ_MODE_STEPS, NJ_NO_STOP);
    CHECK_EQUAL(cost()->cost_response_steps_u64_m_count, 3);
    CHECK_EQUAL(response.cost_response_m.cost_response_steps_u64_m[2], 7);
}

/* The model counts its runs: a repeated request must not run it, and an unstable one must show. */
static void never_twice(void) {
    struct response_r again;
    x[0] = NJ_TINY_COMMAND;
    x[1] = NJ_TINY_DRIFT;
    load_inputs();
    const struct request_r request = run_of(NJ_STAGE_MODEL, 1, NJ_MODE_PLAIN, NJ_NO_STOP);
    const uint32_t output = ask(&request)->run_response_m.run_response_output;
    for (int i = 0; i < 5; ++i) {
        nj_fake_request(next_id, &request);
        nj_fake_response(next_id, &again);
        CHECK_EQUAL(again.run_response_m.run_response_output, output);
    }
    const struct expected e = expect(x, y);
    uint8_t drifted[16];
    memcpy(drifted, e.third, 16);
    const uint8_t first = e.first[0] ^ 2; /* the second run of its life, not the seventh */
    drifted[0] = (uint8_t)(first + (first ^ 0x55));
    CHECK_EQUAL(ask(&request)->run_response_m.run_response_output, nj_crc32(0, drifted, 4));
    CHECK_EQUAL(run(NJ_STAGE_MODEL, 4, NJ_MODE_PLAIN, NJ_NO_STOP)->run_response_m.run_response_differing, 3);
    /* The same id with other bytes is another request. */
    const struct request_r other = run_of(NJ_STAGE_MODEL, 2, NJ_MODE_PLAIN, NJ_NO_STOP);
    nj_fake_request(next_id, &other);
    nj_fake_response(next_id, &again);
    CHECK_EQUAL(again.run_response_m.run_response_runs, 2);
    x[0] = x[1] = 0;
}

static void nothing_more(void) {
    struct nj_fake_frame none;
    CHECK(!nj_fake_take(&none));
}

static void sessions(void) {
    const struct request_r greeting = {.request_choice = hello_request_m_c};
    load_inputs();
    const struct request_r request = run_of(NJ_STAGE_MODEL, 1, NJ_MODE_PLAIN, NJ_NO_STOP);
    CHECK_EQUAL(ask(&request)->response_choice, run_response_m_c);
    hello(5); /* the same session */
    CHECK_EQUAL(run(NJ_STAGE_MODEL, 1, NJ_MODE_PLAIN, NJ_NO_STOP)->response_choice, run_response_m_c);
    hello(6); /* another: nothing is loaded */
    CHECK_EQUAL(run_error(NJ_STAGE_MODEL, 1, NJ_MODE_PLAIN, NJ_NO_STOP), 3);
    load_inputs();
    const uint32_t output = ask(&request)->run_response_m.run_response_output;
    /* What is of no session, or of one that has ended, is told so and changes nothing, not even the
     * kept answer. */
    const uint16_t strays[] = {next_id, (uint16_t)(next_id + 5u), (uint16_t)(next_id - 5u)};
    for (uint32_t i = 0; i < 3; ++i) {
        for (nj_fake_session = 4; nj_fake_session <= 5; ++nj_fake_session) {
            nj_fake_request(strays[i], &request);
            CHECK_EQUAL(nj_fake_error(strays[i]), 8);
        }
        nj_fake_session = 5; /* a HELLO that comes late is not even answered */
        nj_fake_request(strays[i], &greeting);
        nothing_more();
    }
    nj_fake_session = 6;
    const uint32_t counts = nj_fake_counts;
    nj_fake_request(next_id, &request);
    nj_fake_response(next_id, &response);
    CHECK_EQUAL(response.run_response_m.run_response_output, output);
    CHECK_EQUAL(nj_fake_counts, counts); /* it did not run again */
}

/* Every kind of request, come again when newer ones were answered: nothing of a run is forgotten. */
static void late_copies(void) {
    struct request_r copies[] = {
        {.request_choice = hello_request_m_c},
        {.request_choice = load_request_m_c},
        run_of(NJ_STAGE_MODEL, 1, NJ_MODE_TAPPED, 0),
        {.request_choice = digests_request_m_c},
        {.request_choice = read_request_m_c},
        {.request_choice = cost_request_m_c},
        {.request_choice = reset_request_m_c},
        {.request_choice = spin_request_m_c},
        {.request_choice = clear_request_m_c},
    };
    copies[1].load_request_m = (struct load_request){0, NJ_TARGET_INPUT, 0, sizeof x, nj_crc32(0, x, sizeof x)};
    load_inputs();
    const uint32_t output = run(NJ_STAGE_MODEL, 1, NJ_MODE_TAPPED, NJ_NO_STOP)->run_response_m.run_response_output;
    for (uint16_t age = 1; age < 0x7000; age = (uint16_t)(3u * age)) {
        for (uint32_t i = 0; i < sizeof copies / sizeof copies[0]; ++i) {
            const uint16_t id = (uint16_t)(next_id - age);
            nj_fake_request(id, &copies[i]);
            nj_fake_data(id, 0, sizeof x, y, sizeof y);
            nothing_more();
        }
    }
    CHECK_EQUAL(nj_fake_resets, 0);
    CHECK_EQUAL(digests(0, 3)->digests_response_output, output);
    check_read(NJ_WHAT_OUTPUT, 0, 4, 0, nj_model.output[0].data, 4);
    for (int i = 0; i < 6; ++i) { /* ids wrap: the one after 65535 is newer */
        next_id = (uint16_t)(next_id + 0x3FFFu);
        CHECK_EQUAL(run(NJ_STAGE_MODEL, 1, NJ_MODE_TAPPED, NJ_NO_STOP)->run_response_m.run_response_output, output);
    }
}

/* The output's first byte when `kept` was added to first[0], which is 0x5B: x[0] is the command, y all zeros. */
static uint32_t kept_output(uint8_t kept) {
    const uint8_t a[4] = {(uint8_t)(0x5B + kept), NJ_TINY_KEEP + 1 + 8, 1, 1};
    uint8_t third[4];
    for (int i = 0; i < 4; ++i) {
        third[i] = (uint8_t)(a[i] + (a[i] ^ 0x55));
    }
    return nj_crc32(0, third, sizeof third);
}

static void load_keep(void) {
    static const uint8_t command[16] = {NJ_TINY_COMMAND, NJ_TINY_KEEP, 0, 0, 5};
    static const uint8_t zeros[5] = {0};
    nj_fake_load(++next_id, NJ_TARGET_INPUT, 0, command, sizeof command);
    nj_fake_load(++next_id, NJ_TARGET_INPUT, 1, zeros, sizeof zeros);
}

static void check_kept(uint32_t times, uint32_t mode, uint8_t kept) {
    const struct run_response *const said = &run(NJ_STAGE_MODEL, times, mode, NJ_NO_STOP)->run_response_m;
    CHECK_EQUAL(said->run_response_differing, 0);
    CHECK_EQUAL(said->run_response_output, kept_output(kept));
}

/* The state goes on with the inputs, and with nothing else. */
static void keeps_state(void) {
    const struct request_r clear = {.request_choice = clear_request_m_c};
    const uint8_t first[4] = {0x5B, NJ_TINY_KEEP + 1, 1, 1};
    load_keep();
    check_kept(3, NJ_MODE_PLAIN, 3); /* however often one input is run */
    check_kept(1, NJ_MODE_STEPS, 3);
    check_kept(2, NJ_MODE_TAPPED, 3);
    load_keep();
    load_keep(); /* one that was never run leaves no state */
    check_kept(1, NJ_MODE_PLAIN, 8);
    check_read(NJ_WHAT_TAP, 0, 16, 0, first, 4); /* runs again, and stops half way */
    load_keep();
    check_kept(2, NJ_MODE_TAPPED, 13);
    check_read(NJ_WHAT_INPUT, 0, 16, 4, "\5\0\0\0", 4); /* before any step */
    load_keep();
    run(NJ_STAGE_MODEL, 1, NJ_MODE_PLAIN, 1); /* not to its end */
    load_keep();
    check_kept(1, NJ_MODE_PLAIN, 18);
    CHECK_EQUAL(ask(&clear)->response_choice, clear_response_m_c);
    CHECK_EQUAL(run_error(NJ_STAGE_MODEL, 1, NJ_MODE_PLAIN, NJ_NO_STOP), NJ_NOT_LOADED);
    load_keep();
    check_kept(1, NJ_MODE_PLAIN, 3);
    load_keep();
    check_kept(1, NJ_MODE_PLAIN, 8);
    hello(nj_fake_session + 100); /* a session begins with the first values */
    load_keep();
    check_kept(1, NJ_MODE_PLAIN, 3);
}

static void spins(void) {
    struct request_r request = {.request_choice = spin_request_m_c};
    request.spin_request_m.spin_request_loops = 1000;
    CHECK_EQUAL(ask(&request)->response_choice, spin_response_m_c);
    CHECK_EQUAL(response.spin_response_m.spin_response_cost, 7);
    request.spin_request_m.spin_request_loops = NJ_MOST_SPINS + 1;
    CHECK_EQUAL(ask(&request)->response_choice, error_response_m_c);
    CHECK_EQUAL(response.error_response_m.error_response_code, NJ_BAD_ARGUMENT);
}

static void noise(void) {
    const uint8_t nonsense[] = {0x9F, 0x18};
    struct nj_frame frame = {NJ_LINK_VERSION, NJ_FRAME_REQUEST, 0, 700, nonsense, sizeof nonsense};
    nj_dispatch(&nj_fake_port, &frame);
    CHECK_EQUAL(nj_fake_error(700), 1);
    const uint8_t reset[] = {0x82, 6, 6, 0}; /* a byte too many */
    frame = (struct nj_frame){NJ_LINK_VERSION, NJ_FRAME_REQUEST, 0, 701, reset, 4};
    nj_dispatch(&nj_fake_port, &frame);
    CHECK_EQUAL(nj_fake_error(701), 1);
    frame = (struct nj_frame){NJ_LINK_VERSION + 1, NJ_FRAME_REQUEST, 0, 702, reset, 3};
    nj_dispatch(&nj_fake_port, &frame);
    CHECK_EQUAL(nj_fake_error(702), 1);
    CHECK_EQUAL(nj_fake_resets, 0);
    frame.type = NJ_FRAME_LOG;
    nj_dispatch(&nj_fake_port, &frame);
    struct nj_fake_frame none;
    CHECK(!nj_fake_take(&none));
    const struct request_r good = {.request_choice = reset_request_m_c};
    CHECK_EQUAL(ask(&good)->response_choice, reset_response_m_c);
    CHECK_EQUAL(nj_fake_resets, 1);
}

int main(void) {
    for (uint8_t i = 0; i < 16; ++i) {
        x[i] = (uint8_t)(i * 17);
    }
    nj_send_to(&nj_fake_port);
    nj_dispatch_start();
    hello(5);
    refusals();
    runs_and_reads();
    from_a_chunk();
    never_twice();
    sessions();
    late_copies();
    keeps_state();
    spins();
    noise();
    return 0;
}
