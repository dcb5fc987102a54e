/* What a request can fail with: the codes of error-response, each with its text, from one list.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_STATUS_H
#define NJ_STATUS_H

#define NJ_STATUSES(X)                                             \
    X(OK, 0, "done")                                               \
    X(BAD_REQUEST, 1, "not a request of this protocol version")    \
    X(BAD_ARGUMENT, 2, "an argument is out of range")              \
    X(NOT_LOADED, 3, "load the chunk or every input first")        \
    X(DAMAGED, 4, "what was loaded has another CRC")               \
    X(NOT_OBSERVED, 5, "this model has no such tensor to observe") \
    X(NO_STREAM, 7, "no stream is at that sample: start one")            \
    X(NO_SESSION, 8, "no such session: say hello first")           \
    X(NO_SOURCE, 9, "no such source, or not at the rate of the model") \
    X(LISTENING, 10, "the firmware listens: stop that first")

#define NJ_STATUS_ENUM(name, code, text) NJ_##name = (code),
enum nj_status { NJ_STATUSES(NJ_STATUS_ENUM) };
#undef NJ_STATUS_ENUM

#endif
