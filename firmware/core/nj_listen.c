/* SPDX-License-Identifier: MIT */
#include "nj_listen.h"

#include <stddef.h>

#include "nj_listening.h"
#include "nj_model.h"

static const struct nj_listening *listening(void) {
    return nj_frontend_stage.listening == NULL ? NULL : nj_frontend_stage.listening->run;
}

bool nj_listens(void) {
    return listening() != NULL && listening()->counts()->source != NJ_SOURCE_NONE;
}

static void fill(struct listen_response *response) {
    const struct nj_listening_counts *const counts = listening()->counts();
    *response = (struct listen_response){
        .listen_response_source = counts->source,
        .listen_response_queued = counts->queued,
        .listen_response_fullest = counts->fullest,
        .listen_response_room = nj_frontend_stage.listening->queue_samples,
        .listen_response_taken = counts->taken,
        .listen_response_missing = counts->missing,
        .listen_response_refused = counts->refused,
        .listen_response_chunks = counts->chunks,
        .listen_response_detections = counts->detections,
        .listen_response_unsent = counts->unsent,
        .listen_response_logged = counts->logged,
        .listen_response_unlogged = counts->unlogged,
        .listen_response_worst_chunk = counts->worst_chunk,
        .listen_response_worst_unit = counts->worst_unit,
        .listen_response_all = counts->all,
    };
}

enum nj_status nj_listen(const struct nj_port *port, uint16_t id, const struct listen_request *request,
                         struct listen_response *response) {
    const uint32_t action = request->listen_request_action;
    if (listening() == NULL || action > NJ_LISTEN_COUNT) {
        return NJ_BAD_ARGUMENT;
    }
    enum nj_status status = NJ_OK;
    if (action == NJ_LISTEN_START) {
        status = listening()->start(port, request->listen_request_source, request->listen_request_index, id);
    } else if (action == NJ_LISTEN_STOP) {
        listening()->stop(port);
    }
    fill(response);
    return status;
}

void nj_listen_forget(const struct nj_port *port) {
    if (listening() != NULL) {
        listening()->forget(port);
    }
}

void nj_listen_block(const struct nj_port *port, const struct nj_frame *frame) {
    if (listening() != NULL) {
        listening()->block(port, frame->request, frame->payload, frame->length);
    }
}

bool nj_listen_work(const struct nj_port *port, bool greeted) {
    return listening() != NULL && listening()->work(port, greeted);
}
