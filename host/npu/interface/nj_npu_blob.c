/* Programs in the place of calls; see nj_npu_blob.h.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_blob.h"

#include <inttypes.h>
#include <stdio.h>

#include "../device/nj_npu_program.h"
#include "nj_npu_host.h"

/* They keep what a program leaves in them for the next one, as they do on the chip. */
static struct nj_npu_registers registers;
static bool powered;

struct caller {
    void (*run)(uint32_t number);
};

static enum nj_npu_status run_epoch(void *context, uint32_t number,
                                    const struct nj_npu_epoch *epoch, struct nj_npu_error *error)
{
    const struct caller *caller = context;
    (void)epoch; /* it is nj_npu_epoch */
    (void)error; /* an error does not return */
    caller->run(number);
    return NJ_NPU_OK;
}

void nj_npu_run_blob(uintptr_t blob, void (*run)(uint32_t number))
{
    static const char who[] = "an epoch controller program";
    const void *at = (const void *)blob;
    const uint32_t *head = (const uint32_t *)(const void *)nj_npu_bytes(at, 8, false, who);
    uint64_t words = 2;
    if (head[0] == NJ_NPU_PROGRAM_MAGIC) { /* else it has no length */
        words += head[1];
    }
    const void *all = nj_npu_bytes(at, 4 * words, false, who);
    if (!powered) {
        nj_npu_registers_reset(&registers);
        powered = true;
    }
    struct caller caller = {run};
    struct nj_npu_controller controller = {
        .registers = &registers, .epoch = &nj_npu_epoch, .run = run_epoch, .context = &caller};
    struct nj_npu_error error;
    if (nj_npu_program_run(&controller, all, (size_t)words, &error) != NJ_NPU_OK) {
        char place[96];
        snprintf(place, sizeof place, "%s, word %" PRIu32 ", epoch %" PRIu32, who, controller.word,
                 controller.number);
        nj_npu_refuse(error, place);
    }
}
