/* SPDX-License-Identifier: MIT */
#include "nj_dispatch.h"

#include <stdbool.h>
#include <string.h>

#include "link/nj_crc32.h"
#include "nj_hello.h"
#include "nj_listen.h"
#include "nj_load.h"
#include "nj_messages_decode.h"
#include "nj_messages_encode.h"
#include "nj_run.h"
#include "nj_send.h"
#include "nj_spin.h"
#include "nj_staging.h"
#include "nj_streaming.h"

#define MOST_TAPS 128u /* of one DIGESTS */
#define MOST_STEPS 64u /* of one COST */
#define MOST_DETAIL 128u

/* Upper bounds of the three large responses, in CBOR bytes: each must fit one frame. */
_Static_assert(1 + 13 * 5 + 3 * (2 + 32) + 2 * (2 + 32) + (2 + 64) + (3 + 512) + (1 + 16) <= NJ_PAYLOAD_BYTES, "hello");
_Static_assert(1 + 5 * 5 + 3 + MOST_TAPS * 5 <= NJ_PAYLOAD_BYTES, "digests");
_Static_assert(1 + 2 * 9 + 3 * 5 + 3 + MOST_STEPS * 9 <= NJ_PAYLOAD_BYTES, "cost");
_Static_assert(sizeof((struct digests_response *)0)->digests_response_taps_u32_m == MOST_TAPS * sizeof(uint32_t), "schema");
_Static_assert(sizeof((struct cost_response *)0)->cost_response_steps_u64_m == MOST_STEPS * sizeof(uint64_t), "schema");

#define ENDED 4u /* a late copy is never older than this many sessions */

static bool has_session;
static uint32_t session; /* the nonce of the HELLO that began it */
static uint16_t newest; /* the latest request of the session */
static uint32_t ended[ENDED]; /* nonces of the sessions before it */
static uint32_t sessions_ended;

/* The last response, and the request it answers. */
static struct {
    bool valid;
    bool of_load;
    uint16_t id;
    uint32_t request_bytes;
    uint32_t request_crc;
    uint32_t length;
    uint8_t payload[NJ_PAYLOAD_BYTES];
} kept;

static struct request_r request; /* static, as the responses are: the stack stays small */
static struct response_r response;

static void forget_loads(void) {
    nj_load_forget();
    nj_streaming_forget();
    nj_staging_forget();
    nj_run_forget();
}

void nj_dispatch_start(void) {
    has_session = false;
    sessions_ended = 0;
    kept.valid = false;
    forget_loads();
}

static void send_kept(void) {
    nj_send(NJ_FRAME_RESPONSE, kept.id, kept.payload, kept.length);
}

/* Encode `response`, keep it for a repeat of the request `frame`, and send it. */
static void respond(const struct nj_frame *frame) {
    size_t length = 0;
    kept.valid = false;
    if (cbor_encode_response(kept.payload, sizeof kept.payload, &response, &length) != ZCBOR_SUCCESS) {
        return; /* cannot be: the bounds above hold, and all texts are cut to the schema's */
    }
    kept.valid = true;
    kept.id = frame->request;
    kept.length = (uint32_t)length;
    send_kept();
}

/* Remember which request the next response answers. For a load the frame is only here when the request comes. */
static void keep_for(const struct nj_frame *frame, bool of_load) {
    kept.of_load = of_load;
    kept.request_bytes = frame->length;
    kept.request_crc = nj_crc32(0, frame->payload, frame->length);
}

static void fill_error(enum nj_status status) {
    static const struct {
        enum nj_status status;
        const char *text;
    } texts[] = {
#define NJ_STATUS_TEXT(name, code, text) {NJ_##name, text},
        NJ_STATUSES(NJ_STATUS_TEXT)
#undef NJ_STATUS_TEXT
    };
    const char *text = "";
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; ++i) {
        if (texts[i].status == status) {
            text = texts[i].text;
        }
    }
    const size_t length = strlen(text);
    response.response_choice = error_response_m_c;
    response.error_response_m.error_response_code = (uint32_t)status;
    response.error_response_m.error_response_detail = (struct zcbor_string){
        .value = (const uint8_t *)text,
        .len = length < MOST_DETAIL ? length : MOST_DETAIL,
    };
}

static void respond_error(const struct nj_frame *frame, enum nj_status status) {
    fill_error(status);
    respond(frame);
}

/* Answer what is no request of this session. The answer that is kept for one that is remains. */
static void turn_away(const struct nj_frame *frame, enum nj_status status) {
    static uint8_t payload[16u + MOST_DETAIL];
    size_t length = 0;
    fill_error(status);
    if (cbor_encode_response(payload, sizeof payload, &response, &length) == ZCBOR_SUCCESS) {
        nj_send(NJ_FRAME_RESPONSE, frame->request, payload, (uint32_t)length);
    }
}

static void answer_hello(const struct nj_port *port, const struct nj_frame *frame) {
    response.response_choice = hello_response_m_c;
    nj_hello(port, session, &response.hello_response_m);
    respond(frame);
}

static void credit_or_end(const struct nj_frame *frame) {
    if (!nj_load_complete()) {
        uint8_t wanted[4];
        nj_put_u32(wanted, nj_load_wanted());
        nj_send(NJ_FRAME_CREDIT, frame->request, wanted, sizeof wanted);
        return;
    }
    uint32_t crc = 0;
    const enum nj_status status = nj_load_end(&crc);
    if (status != NJ_OK) {
        respond_error(frame, status);
        return;
    }
    response.response_choice = load_response_m_c;
    response.load_response_m.load_response_received = nj_load_wanted();
    response.load_response_m.load_response_crc = crc;
    respond(frame);
}

static void answer_load(const struct nj_port *port, const struct nj_frame *frame) {
    const struct nj_load_request load = {
        .target = request.load_request_m.load_request_target,
        .index = request.load_request_m.load_request_index,
        .total = request.load_request_m.load_request_total,
        .crc = request.load_request_m.load_request_crc,
    };
    kept.valid = false; /* the answer to this one comes later */
    const enum nj_status status = nj_load_begin(port, frame->request, &load);
    if (status != NJ_OK) {
        respond_error(frame, status);
    } else {
        credit_or_end(frame);
    }
}

static void answer_run(const struct nj_port *port, const struct nj_frame *frame) {
    const struct nj_run_request run = {
        .stages = request.run_request_m.run_request_stages,
        .times = request.run_request_m.run_request_times,
        .mode = request.run_request_m.run_request_mode,
        .stop_after = request.run_request_m.run_request_stop_after,
    };
    struct nj_run_result result;
    const enum nj_status status = nj_run(port, &run, &result);
    if (status != NJ_OK) {
        respond_error(frame, status);
        return;
    }
    response.response_choice = run_response_m_c;
    response.run_response_m.run_response_runs = result.runs;
    response.run_response_m.run_response_differing = result.differing;
    response.run_response_m.run_response_output = result.output;
    respond(frame);
}

/* How many of `count` there are from `first` on, at most `most`. */
static uint32_t clipped(uint32_t first, uint32_t count, uint32_t there, uint32_t most) {
    const uint32_t left = first < there ? there - first : 0;
    const uint32_t some = count < left ? count : left;
    return some < most ? some : most;
}

static void answer_digests(const struct nj_frame *frame) {
    const uint32_t first = request.digests_request_m.digests_request_first;
    const uint32_t there = nj_model.taps < NJ_MAX_TAPS ? nj_model.taps : NJ_MAX_TAPS;
    const uint32_t count = clipped(first, request.digests_request_m.digests_request_count, there, MOST_TAPS);
    struct digests_response *digests = &response.digests_response_m;
    response.response_choice = digests_response_m_c;
    digests->digests_response_features = nj_digests.features;
    digests->digests_response_input = nj_digests.input;
    digests->digests_response_output = nj_digests.output;
    digests->digests_response_first = first;
    digests->digests_response_taps_u32_m_count = count;
    for (uint32_t i = 0; i < count; ++i) {
        digests->digests_response_taps_u32_m[i] = nj_digests.tap[first + i];
    }
    respond(frame);
}

static void answer_read(const struct nj_port *port, const struct nj_frame *frame) {
    static uint8_t payload[NJ_PAYLOAD_BYTES];
    const uint32_t offset = request.read_request_m.read_request_offset;
    const uint32_t length = request.read_request_m.read_request_length;
    struct nj_place place;
    const uint32_t what = request.read_request_m.read_request_what;
    enum nj_status status = nj_run_tensor(port, what, request.read_request_m.read_request_index, &place);
    if (status == NJ_OK && (length > NJ_PIECE_BYTES || offset > place.bytes || length > place.bytes - offset)) {
        status = NJ_BAD_ARGUMENT;
    }
    if (status != NJ_OK) {
        respond_error(frame, status);
        return;
    }
    nj_put_u32(payload, offset);
    nj_put_u32(payload + 4, place.bytes);
    memcpy(payload + NJ_DATA_HEADER, (const uint8_t *)place.data + offset, length);
    nj_send(NJ_FRAME_DATA, frame->request, payload, NJ_DATA_HEADER + length);
}

static void answer_cost(const struct nj_port *port, const struct nj_frame *frame) {
    const uint32_t first = request.cost_request_m.cost_request_first;
    const uint32_t there = nj_model.steps < NJ_MAX_STEPS ? nj_model.steps : NJ_MAX_STEPS;
    const uint32_t count = clipped(first, request.cost_request_m.cost_request_count, there, MOST_STEPS);
    struct cost_response *cost = &response.cost_response_m;
    response.response_choice = cost_response_m_c;
    cost->cost_response_frontend = nj_costs.frontend;
    cost->cost_response_model = nj_costs.model;
    cost->cost_response_stack = port->stack_used(port->context);
    cost->cost_response_first = first;
    cost->cost_response_steps_u64_m_count = count;
    for (uint32_t i = 0; i < count; ++i) {
        cost->cost_response_steps_u64_m[i] = nj_costs.step[first + i];
    }
    respond(frame);
}

static void answer_spin(const struct nj_port *port, const struct nj_frame *frame) {
    const uint32_t loops = request.spin_request_m.spin_request_loops;
    if (loops > NJ_MOST_SPINS) {
        respond_error(frame, NJ_BAD_ARGUMENT);
        return;
    }
    response.response_choice = spin_response_m_c;
    response.spin_response_m.spin_response_cost = nj_spin(port, loops);
    respond(frame);
}

static void answer_clear(const struct nj_frame *frame) {
    forget_loads();
    response.response_choice = clear_response_m_c;
    respond(frame);
}

static void answer_listen(const struct nj_port *port, const struct nj_frame *frame) {
    if (request.listen_request_m.listen_request_action == NJ_LISTEN_START) {
        forget_loads();
    }
    response.response_choice = listen_response_m_c;
    const enum nj_status status =
        nj_listen(port, frame->request, &request.listen_request_m, &response.listen_response_m);
    if (status != NJ_OK) {
        respond_error(frame, status);
        return;
    }
    respond(frame);
}

static bool decoded(const struct nj_frame *frame) {
    size_t used = 0;
    return frame->version == NJ_LINK_VERSION && frame->type == NJ_FRAME_REQUEST &&
           cbor_decode_request(frame->payload, frame->length, &request, &used) == ZCBOR_SUCCESS && used == frame->length;
}

bool nj_dispatch_is_reset(const struct nj_frame *frame) {
    return decoded(frame) && request.request_choice == reset_request_m_c;
}

void nj_dispatch_reset(const struct nj_port *port, const struct nj_frame *frame) {
    response.response_choice = reset_response_m_c;
    respond(frame);
    port->reset(port->context);
}

/* The session that `request` names. */
static uint32_t session_named(void) {
    switch (request.request_choice) {
    case hello_request_m_c: return request.hello_request_m.hello_request_nonce;
    case load_request_m_c: return request.load_request_m.load_request_session;
    case run_request_m_c: return request.run_request_m.run_request_session;
    case digests_request_m_c: return request.digests_request_m.digests_request_session;
    case read_request_m_c: return request.read_request_m.read_request_session;
    case cost_request_m_c: return request.cost_request_m.cost_request_session;
    case spin_request_m_c: return request.spin_request_m.spin_request_session;
    case listen_request_m_c: return request.listen_request_m.listen_request_session;
    case clear_request_m_c: return request.clear_request_m.clear_request_session;
    default: return request.reset_request_m.reset_request_session;
    }
}

static bool has_ended(uint32_t nonce) {
    for (uint32_t i = 0; i < ENDED && i < sessions_ended; ++i) {
        if (ended[i] == nonce) {
            return true;
        }
    }
    return false;
}

static void begin_session(const struct nj_port *port, uint32_t nonce) {
    if (has_session) {
        ended[sessions_ended++ % ENDED] = session;
    }
    kept.valid = false;
    forget_loads();
    nj_listen_forget(port);
    has_session = true;
    session = nonce;
}

/* Whether `request`, which came in `frame`, is neither a late copy nor of another session. */
static bool admitted(const struct nj_port *port, const struct nj_frame *frame) {
    const uint32_t nonce = session_named();
    if (has_session && nonce == session) {
        if ((int16_t)(uint16_t)(frame->request - newest) < 0) {
            return false;
        }
    } else if (request.request_choice != hello_request_m_c) {
        turn_away(frame, NJ_NO_SESSION);
        return false;
    } else if (has_ended(nonce)) {
        return false;
    } else {
        begin_session(port, nonce);
    }
    newest = frame->request;
    return true;
}

static bool uses_model(void) {
    switch (request.request_choice) {
    case load_request_m_c:
    case run_request_m_c:
    case digests_request_m_c:
    case read_request_m_c:
    case cost_request_m_c:
    case clear_request_m_c: return true;
    default: return false;
    }
}

static void answer_request(const struct nj_port *port, const struct nj_frame *frame) {
    if (kept.valid && kept.id == frame->request && kept.request_bytes == frame->length &&
        kept.request_crc == nj_crc32(0, frame->payload, frame->length)) {
        send_kept();
        return;
    }
    if (!decoded(frame)) {
        turn_away(frame, NJ_BAD_REQUEST);
        return;
    }
    if (!admitted(port, frame)) {
        return;
    }
    keep_for(frame, request.request_choice == load_request_m_c);
    if (nj_listens() && uses_model()) {
        respond_error(frame, NJ_LISTENING);
        return;
    }
    switch (request.request_choice) {
    case hello_request_m_c: answer_hello(port, frame); break;
    case load_request_m_c: answer_load(port, frame); break;
    case run_request_m_c: answer_run(port, frame); break;
    case digests_request_m_c: answer_digests(frame); break;
    case read_request_m_c:
        kept.valid = false;
        answer_read(port, frame);
        break;
    case cost_request_m_c: answer_cost(port, frame); break;
    case reset_request_m_c:
        nj_listen_forget(port); /* its log is written */
        nj_dispatch_reset(port, frame);
        break;
    case spin_request_m_c: answer_spin(port, frame); break;
    case listen_request_m_c: answer_listen(port, frame); break;
    case clear_request_m_c: answer_clear(frame); break;
    }
}

void nj_dispatch(const struct nj_port *port, const struct nj_frame *frame) {
    if (frame->type == NJ_FRAME_REQUEST) {
        answer_request(port, frame);
    } else if (frame->type == NJ_FRAME_DATA && frame->version == NJ_LINK_VERSION) {
        if (nj_load_data(port, frame->request, frame->payload, frame->length)) {
            credit_or_end(frame);
        } else if (kept.valid && kept.of_load && kept.id == frame->request) {
            send_kept(); /* the load has ended and its answer was lost */
        } else {
            nj_listen_block(port, frame);
        }
    }
}

bool nj_dispatch_greeted(void) {
    return has_session;
}
