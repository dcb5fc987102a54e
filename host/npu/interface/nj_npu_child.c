/* A generated network that is talked to: it is told its memory and its inputs, runs, and says what
 * each buffer held right behind the epoch that wrote it.
 *
 * Messages both ways are four little-endian words (what, two numbers, the length of what follows)
 * and bytes.
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ll_aton.h"
#include "nj_npu_blob.h"
#include "nj_npu_describe.h"
#include "nj_npu_host.h"
#include "nj_npu_place.h"

enum asked { ASKED_REGION = 1, ASKED_WRITE, ASKED_DESCRIBE, ASKED_RUN };
enum told {
    TOLD_LISTS = 1,
    TOLD_EPOCH,
    TOLD_BUFFER,
    TOLD_STREAM,
    TOLD_SEEN,
    TOLD_DONE,
    TOLD_ERROR,
    TOLD_CRASH,
};

struct nj_npu_epoch nj_npu_epoch;

static const struct nj_npu_place *place;
static const struct nj_npu_network *network;
static struct nj_npu_machine machine;
static const LL_Buffer_InfoTypeDef *lists[NJ_NPU_LISTS];

static void tell(uint32_t what, uint32_t a, uint32_t b, const void *bytes, uint32_t length)
{
    uint32_t head[4] = {what, a, b, length};
    if (fwrite(head, sizeof head, 1, place->out) != 1 ||
        fwrite(bytes, 1, length, place->out) != length) {
        _exit(EXIT_FAILURE); /* nobody listens */
    }
}

_Noreturn void nj_npu_refuse(struct nj_npu_error error, const char *who)
{
    size_t length = 0;
    char *text = NULL;
    FILE *to = open_memstream(&text, &length);
    fputs("{\"status\": ", to);
    nj_npu_write_text(to, nj_npu_status_text(error.status));
    fprintf(to, ", \"kind\": \"%s\", \"unit\": %u, \"field\": \"%s\", \"value\": %" PRId64,
            nj_npu_kind_name((enum nj_npu_kind)error.where.kind), error.where.unit, error.field,
            error.value);
    fprintf(to, ", \"address\": %" PRIu32 ", \"who\": ", error.address);
    nj_npu_write_text(to, who);
    fputc('}', to);
    fclose(to);
    tell(TOLD_ERROR, 0, 0, text, (uint32_t)length);
    fflush(place->out);
    _exit(EXIT_SUCCESS);
}

_Noreturn void nj_npu_refuse_call(const char *call, const char *field, int64_t value)
{
    nj_npu_refuse(
        (struct nj_npu_error){.status = NJ_NPU_UNDEFINED, .field = field, .value = value}, call);
}

static void tell_seen(enum nj_npu_kind kind, uint32_t units, const struct nj_npu_seen *seen,
                      uint32_t epoch)
{
    for (uint32_t unit = 0; unit < units; unit++) {
        if (seen[unit].results != 0) {
            tell(TOLD_SEEN, (uint32_t)kind << 8 | unit, epoch, &seen[unit], sizeof seen[unit]);
        }
    }
}

/* What a network without a list of its internal buffers still shows: what its engines wrote. */
static void tell_streams(uint32_t epoch)
{
    for (uint32_t i = 0; i < NJ_NPU_STREAMS; i++) {
        const struct nj_npu_stream *stream = &nj_npu_epoch.stream[i];
        bool on = (nj_npu_epoch.enabled[NJ_NPU_STREAM] >> i & 1) != 0;
        int64_t first, size;
        if (!on || !stream->writes) {
            continue;
        }
        nj_npu_span(stream, &first, &size);
        const uint8_t *bytes = nj_npu_window(NULL, (uint32_t)first, (uint32_t)size, false);
        if (bytes != NULL) {
            struct {
                uint32_t address, bits;
            } head = {(uint32_t)first, stream->bits};
            uint8_t *message = malloc(sizeof head + (size_t)size);
            memcpy(message, &head, sizeof head);
            memcpy(message + sizeof head, bytes, (size_t)size);
            tell(TOLD_STREAM, i, epoch, message, (uint32_t)(sizeof head + (size_t)size));
            free(message);
        }
    }
}

static void tell_buffer(uint32_t list, uint32_t index, uint32_t epoch)
{
    const LL_Buffer_InfoTypeDef *buffer = &lists[list][index];
    uint32_t size = buffer->offset_end - buffer->offset_start;
    if (!buffer->is_param && size != 0) {
        const uint8_t *bytes = nj_npu_bytes(nj_npu_buffer_start(buffer, list, index), size, false,
                                            buffer->name);
        tell(TOLD_BUFFER, list << 16 | index, epoch, bytes, size);
    }
}

static void tell_buffers(uint32_t list, uint32_t first, uint32_t last)
{
    for (uint32_t i = 0; lists[list] != NULL && lists[list][i].name != NULL; i++) {
        if (lists[list][i].epoch >= first && lists[list][i].epoch <= last) {
            tell_buffer(list, i, lists[list][i].epoch);
        }
    }
}

static void run_hardware(uint32_t epoch)
{
    struct nj_npu_outcome outcome;
    if (nj_npu_run(&nj_npu_epoch, &machine, &outcome) != NJ_NPU_OK) {
        nj_npu_refuse(outcome.error, "");
    }
    tell_seen(NJ_NPU_CONV, NJ_NPU_CONVS, outcome.conv, epoch);
    tell_seen(NJ_NPU_ARITH, NJ_NPU_ARITHS, outcome.arith, epoch);
    tell_seen(NJ_NPU_POOL, NJ_NPU_POOLS, outcome.pool, epoch);
    if (lists[NJ_NPU_INTERNAL] == NULL) {
        tell_streams(epoch);
    }
}

static void call(EpochBlock_FuncPtr_t function, const LL_ATON_RT_EpochBlockItem_t *block)
{
    if (function == NULL) {
        return;
    }
#if NJ_NPU_INSTANCE
    function(block, NULL);
#else
    function(block);
#endif
}

static bool any_enabled(void)
{
    uint32_t enabled = 0;
    for (uint32_t kind = 0; kind < NJ_NPU_KINDS; kind++) {
        enabled |= nj_npu_epoch.enabled[kind];
    }
    return enabled != 0;
}

/* At once: whoever waits in vain, or sees a crash, knows for what. */
static void tell_epoch(uint32_t first, uint32_t last)
{
    tell(TOLD_EPOCH, first, last, "", 0);
    fflush(place->out);
}

static uint32_t untold; /* the first epoch of a blob whose buffers have not been told */

/* An epoch of a blob. Those since the last one needed no hardware: they are views of what is
 * there. */
static void run_of_blob(uint32_t number)
{
    if (number > untold) {
        tell_buffers(NJ_NPU_INTERNAL, untold, number - 1);
        untold = number;
    }
    tell_epoch(number, number);
    run_hardware(number);
}

/* Returns the first epoch whose buffers are still to be told. */
static uint32_t run_blob(const LL_ATON_RT_EpochBlockItem_t *block)
{
    if (block->flags & EpochBlock_Flags_blob_encrypted) {
        nj_npu_refuse_call("an epoch controller program", "blob_encrypted", block->epoch_num);
    }
    untold = (uint32_t)block->epoch_num;
    nj_npu_run_blob(block->blob_address, run_of_blob);
    return untold;
}

static void prepare(bool (*function)(void), const char *name)
{
    if (function != NULL && !function()) {
        nj_npu_refuse_call(name, "result", 0);
    }
}

static void run_network(uint32_t tie)
{
    prepare(network->prepare_run, "LL_ATON_EC_Inference_Init");
    clock_t before = clock();
    machine.tie = (enum nj_npu_tie)tie;
    tell_buffers(NJ_NPU_INPUT, 0, UINT16_MAX);
    const LL_ATON_RT_EpochBlockItem_t *block = network->blocks();
    for (; (block->flags & EpochBlock_Flags_last_eb) == 0; block++) {
        uint32_t epoch = (uint32_t)block->epoch_num;
        uint32_t last = (uint32_t)block->last_epoch_num;
        tell_epoch(epoch, last);
        memset(&nj_npu_epoch, 0, sizeof nj_npu_epoch);
        call(block->start_epoch_block, block);
        if (block->flags & (EpochBlock_Flags_blob | EpochBlock_Flags_blob_encrypted)) {
            epoch = run_blob(block);
        } else if (any_enabled()) {
            run_hardware(epoch);
        }
        call(block->end_epoch_block, block);
        tell_buffers(NJ_NPU_INTERNAL, epoch, last);
    }
    tell_buffers(NJ_NPU_OUTPUT, 0, UINT16_MAX);
    double used = (double)(clock() - before) / CLOCKS_PER_SEC; /* of the processor */
    tell(TOLD_DONE, 0, 0, &used, sizeof used);
}

void nj_npu_tell_crash(uint32_t number)
{
    tell(TOLD_CRASH, number, 0, "", 0);
}

static void write_memory(uint32_t address, uint32_t length)
{
    uint8_t *bytes = nj_npu_window(NULL, address, length, false);
    if (bytes == NULL) {
        nj_npu_refuse((struct nj_npu_error){.status = NJ_NPU_MEMORY,
                                            .field = "address",
                                            .value = length,
                                            .address = address},
                      "the memory image");
    }
    if (!place->listen(bytes, length)) {
        _exit(EXIT_FAILURE);
    }
}

static void describe(void)
{
    prepare(network->prepare, "LL_ATON_EC_Network_Init");
    lists[NJ_NPU_INPUT] = network->inputs();
    lists[NJ_NPU_INTERNAL] = network->internals();
    lists[NJ_NPU_OUTPUT] = network->outputs();
    size_t length = 0;
    char *text = NULL;
    FILE *to = open_memstream(&text, &length);
    nj_npu_describe(to, network, lists);
    fclose(to);
    tell(TOLD_LISTS, 0, 0, text, (uint32_t)length);
    free(text);
}

int nj_npu_serve(const struct nj_npu_network *of, const struct nj_npu_place *at)
{
    network = of;
    place = at;
    nj_npu_image = of->image;
    nj_npu_image_size = (uint64_t)(of->image_end - of->image);
    machine.window = nj_npu_window;
    machine.scratch = at->scratch;
    machine.scratch_bytes = at->scratch_bytes;
    uint32_t head[4];
    while (place->listen(head, sizeof head)) {
        switch ((enum asked)head[0]) {
        case ASKED_REGION:
            if (!nj_npu_add_region(head[1], head[2], head[3] != 0)) {
                nj_npu_refuse((struct nj_npu_error){.status = NJ_NPU_MEMORY,
                                                    .field = "region",
                                                    .value = head[2],
                                                    .address = head[1]},
                              "the memory pools");
            }
            break;
        case ASKED_WRITE:
            write_memory(head[1], head[3]);
            break;
        case ASKED_DESCRIBE:
            describe();
            break;
        case ASKED_RUN:
            place->run(run_network, head[1]);
            break;
        default:
            return EXIT_FAILURE;
        }
        fflush(place->out);
    }
    return EXIT_SUCCESS;
}
