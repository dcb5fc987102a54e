/* The lists of buffers of a generated network.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_describe.h"

#include <inttypes.h>

#include "nj_npu_host.h"

enum {
    USER_BUFFERS = 16,
    USER_MEMORY = 0xa0000000, /* where buffers of the user are placed */
    USER_STEP = 0x01000000,
};

static uintptr_t provided[NJ_NPU_LISTS][USER_BUFFERS];

const void *nj_npu_buffer_start(const LL_Buffer_InfoTypeDef *buffer, uint32_t list, uint32_t index)
{
    if (buffer->is_user_allocated && index < USER_BUFFERS) {
        return (const void *)provided[list][index];
    }
    return buffer->addr_base.p + buffer->offset_start;
}

/* Gives the network memory for a buffer of the user. */
static void provide(const struct nj_npu_network *network, const LL_Buffer_InfoTypeDef *buffer,
                    uint32_t list, uint32_t index)
{
    static uint32_t next = USER_MEMORY;
    uint32_t size = buffer->offset_end - buffer->offset_start;
    if (index >= USER_BUFFERS || size > USER_STEP || !nj_npu_add_region(next, size, true)) {
        nj_npu_refuse_call("user buffer", "size", size);
    }
    void *at = (void *)(uintptr_t)next;
    LL_ATON_User_IO_Result_t result = list == NJ_NPU_INPUT
                                          ? network->set_input(index, at, size)
                                          : network->set_output(index, at, size);
    if (result != LL_ATON_User_IO_NOERROR) {
        nj_npu_refuse_call("user buffer", "result", result);
    }
    provided[list][index] = next;
    next += USER_STEP;
}

void nj_npu_write_text(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text != '\0'; text++) {
        unsigned char letter = (unsigned char)*text;
        if (letter == '"' || letter == '\\' || letter < ' ' || letter > '~') {
            fprintf(to, "\\u%04x", letter);
        } else {
            fputc(letter, to);
        }
    }
    fputc('"', to);
}

static void write_shape(FILE *to, const char *name, const uint32_t *shape, uint32_t count)
{
    fprintf(to, ", \"%s\": [", name);
    for (uint32_t i = 0; shape != NULL && i < count; i++) {
        fprintf(to, "%s%" PRIu32, i ? ", " : "", shape[i]);
    }
    fputc(']', to);
}

static void write_buffer(FILE *to, const LL_Buffer_InfoTypeDef *buffer, uint32_t list,
                         uint32_t index)
{
    bool scaled = !buffer->per_channel && buffer->scale != NULL && buffer->offset != NULL;
    fputs("{\"name\": ", to);
    nj_npu_write_text(to, buffer->name);
    fprintf(to, ", \"address\": %" PRIu32 ", \"size\": %" PRIu32,
            nj_npu_address(nj_npu_buffer_start(buffer, list, index)),
            buffer->offset_end - buffer->offset_start);
    fprintf(to, ", \"epoch\": %u, \"parameter\": %s, \"position\": %d, \"type\": %d", buffer->epoch,
            buffer->is_param ? "true" : "false", (int)buffer->chpos, (int)buffer->type);
    fprintf(to, ", \"bits\": %u, \"unsigned\": %s", buffer->nbits,
            buffer->Qunsigned ? "true" : "false");
    write_shape(to, "shape", buffer->shape, buffer->ndims);
    write_shape(to, "memory_shape", buffer->mem_shape, buffer->mem_ndims);
    if (scaled) {
        fprintf(to, ", \"scale\": %.9g, \"offset\": %d", (double)buffer->scale[0],
                buffer->offset[0]);
    }
    fputc('}', to);
}

void nj_npu_describe(FILE *to, const struct nj_npu_network *network,
                     const LL_Buffer_InfoTypeDef *const lists[NJ_NPU_LISTS])
{
    static const char *const names[NJ_NPU_LISTS] = {"input", "internal", "output"};
    fputc('{', to);
    for (uint32_t list = 0; list < NJ_NPU_LISTS; list++) {
        fprintf(to, "%s\"%s\": ", list ? ", " : "", names[list]);
        if (lists[list] == NULL) {
            fputs("null", to);
            continue;
        }
        fputc('[', to);
        for (uint32_t i = 0; lists[list][i].name != NULL; i++) {
            if (lists[list][i].is_user_allocated && list != NJ_NPU_INTERNAL) {
                provide(network, &lists[list][i], list, i);
            }
            fputs(i ? ", " : "", to);
            write_buffer(to, &lists[list][i], list, i);
        }
        fputc(']', to);
    }
    fputc('}', to);
}
