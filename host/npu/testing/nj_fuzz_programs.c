/* Runs programs of the epoch controller from standard input, built with sanitizers: each is a word
 * that says how many words follow, and the words. Every program lies in an allocation of its own,
 * exactly as long as it is, so that a read past its end is seen. Epochs run on a small memory.
 * Prints how often each status came.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nj_npu_program.h"

static const char *const names[] = {
#define X(name, text) #name,
    NJ_NPU_STATUSES(X)
#undef X
};

static unsigned long counts[sizeof(names) / sizeof(names[0])];
static unsigned long epochs;

enum { BASE = 0x34000000, SIZE = 1 << 16, SCRATCH = 1 << 24, MOST_ELEMENTS = 1 << 16 };
static uint8_t memory[SIZE];
static _Alignas(64) uint8_t scratch[SCRATCH];

static uint8_t *window(void *context, uint32_t address, uint32_t size, bool writes)
{
    (void)context;
    (void)writes;
    if (address < BASE || size > SIZE || address - BASE > SIZE - size) {
        return NULL;
    }
    return &memory[address - BASE];
}

/* An epoch may be sound and take years. */
static bool is_short(const struct nj_npu_epoch *epoch)
{
    uint64_t elements = 0;
    for (unsigned i = 0; i < NJ_NPU_STREAMS; i++) {
        const struct nj_npu_stream *stream = &epoch->stream[i];
        const uint64_t pixels = (uint64_t)stream->width * stream->height;
        const uint64_t frame = stream->raw ? stream->elements : pixels * (stream->depth & 0xffff);
        if (frame != 0 && stream->frames > MOST_ELEMENTS / frame) {
            return false;
        }
        elements += frame * stream->frames;
    }
    return elements <= MOST_ELEMENTS;
}

static enum nj_npu_status run(void *context, uint32_t number, const struct nj_npu_epoch *epoch,
                              struct nj_npu_error *error)
{
    static struct nj_npu_outcome outcome;
    const struct nj_npu_machine machine = {
        .window = window, .scratch = scratch, .scratch_bytes = sizeof(scratch)};
    (void)context;
    (void)number;
    epochs++;
    if (!is_short(epoch)) {
        return NJ_NPU_OK;
    }
    (void)nj_npu_run(epoch, &machine, &outcome);
    *error = outcome.error;
    return error->status;
}

int main(void)
{
    static struct nj_npu_registers registers;
    static struct nj_npu_epoch epoch;
    uint32_t count;
    while (fread(&count, sizeof(count), 1, stdin) == 1) {
        uint32_t *words = malloc(count == 0 ? 1 : count * sizeof(*words));
        if (words == NULL || fread(words, sizeof(*words), count, stdin) != count) {
            return 1;
        }
        struct nj_npu_controller controller = {&registers, &epoch, run, NULL, 0, 0, 0};
        struct nj_npu_error error;
        nj_npu_registers_reset(&registers);
        const enum nj_npu_status status = nj_npu_program_run(&controller, words, count, &error);
        if (status != error.status || (status != NJ_NPU_OK && strlen(error.field) == 0)) {
            return 1;
        }
        counts[status]++;
        free(words);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        printf("%s %lu\n", names[i], counts[i]);
    }
    printf("EPOCHS %lu\n", epochs);
    return 0;
}
