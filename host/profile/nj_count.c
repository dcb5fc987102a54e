/* TCG plugin: counts how often each translated block of a range runs, by the step of the model that runs it.
 *
 * Arguments: in=FILE (text: first and last address of the range, number of steps, address of each step), out=FILE. The
 * output is mapped, so that it is whole however QEMU ends: a header { blocks, steps, entries[steps] }, then records
 * { address, instructions, runs[steps + 1] }, all uint64_t. runs[0] is what ran before any step.
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nj_plugin.h"

int qemu_plugin_version = 1;

enum { MAX_STEPS = 1024, MAX_BLOCKS = 1 << 15 };

static uint64_t begin, end, steps, step_at[MAX_STEPS];
static uint64_t current;
static uint64_t *out;

static uint64_t *record(uint64_t block)
{
    return out + 2 + steps + block * (3 + steps);
}

static void executed(unsigned vcpu, void *data)
{
    (void)vcpu;
    uint64_t *block = data;
    for (uint64_t i = 0; i < steps; i++) {
        if (block[0] == step_at[i]) {
            current = i + 1;
            out[2 + i]++;
            break;
        }
    }
    block[2 + current]++;
}

static void counted(unsigned vcpu, void *data)
{
    (void)vcpu;
    ((uint64_t *)data)[2 + current]++;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    const uint64_t address = qemu_plugin_tb_vaddr(tb);
    if (address < begin || address >= end || out[0] == MAX_BLOCKS) {
        return;
    }
    uint64_t *block = record(out[0]++);
    block[0] = address;
    block[1] = qemu_plugin_tb_n_insns(tb);
    int starts = 0;
    for (uint64_t i = 0; i < steps; i++) {
        starts |= address == step_at[i];
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, starts ? executed : counted, QEMU_PLUGIN_CB_NO_REGS, block);
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    const char *in = 0;
    const char *to = 0;
    for (int i = 0; i < argc; i++) {
        in = strncmp(argv[i], "in=", 3) == 0 ? argv[i] + 3 : in;
        to = strncmp(argv[i], "out=", 4) == 0 ? argv[i] + 4 : to;
    }
    FILE *file = in && to ? fopen(in, "r") : 0;
    if (!file || fscanf(file, "%" SCNu64 " %" SCNu64 " %" SCNu64, &begin, &end, &steps) != 3 || steps > MAX_STEPS) {
        return 1;
    }
    for (uint64_t i = 0; i < steps; i++) {
        if (fscanf(file, "%" SCNu64, &step_at[i]) != 1) {
            return 1;
        }
    }
    fclose(file);
    const size_t bytes = (2 + steps + MAX_BLOCKS * (3 + steps)) * sizeof(uint64_t);
    const int descriptor = open(to, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (descriptor < 0 || ftruncate(descriptor, (off_t)bytes) != 0) {
        return 1;
    }
    out = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (out == MAP_FAILED) {
        return 1;
    }
    out[1] = steps;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
