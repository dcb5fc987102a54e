/* TCG plugin: marks which bytes of an image are executed and which are read, by the step of the
 * model that runs.
 *
 * Arguments: in=FILE, out=FILE. The input is numbers as text: address of what answers a request;
 * sections and, for each, address, bytes and whether it is code (those come first); steps and the
 * address of each; ranges that belong to steps and, for each, begin and end. The output is mapped,
 * so that it can be read at any time, and is whole however QEMU ends: uint64_t { the present row },
 * a uint64_t for every two bytes of code, then rows of one byte for each byte of the image, which
 * is the sections one behind the other, each at a multiple of 8. Row 0 is what ran outside any
 * step, row i + 1 is step i. What runs is counted inline in the words; when the row changes they
 * become marks EXECUTED at the first bytes of instructions, and zeros. A reader adds those of the
 * present row.
 *
 * Reads are marked from the first request on: before it the firmware sums up its own image. QEMU
 * shows every access with its own address and size: registers of LDM, LDRD and VLDM one by one,
 * lanes of vectors one by one and only those that predication lets through (VLD2 and VLD4 by
 * words), an unaligned access whole, even over the end of a page; nothing that a debugger reads.
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nj_plugin.h"

enum { EXECUTED = 1, READ = 2 };

struct range {
    uint64_t begin, end;
};

struct section {
    uint64_t address, bytes, offset;
};

int qemu_plugin_version = 1;

static uint64_t request;
static uint64_t sections, codes; /* the first `codes` sections are code */
static struct section *section;
static uint64_t steps;
static uint64_t *step;
static uint64_t ranges;
static struct range *range;

static uint64_t image, words; /* bytes of a row; number of counters */
static uint64_t *present;     /* the row, and the first word of the output */
static uint64_t *counter;
static uint8_t *rows, *row;
static bool asked;

static void turn_to(uint64_t next)
{
    if (next == *present) {
        return;
    }
    for (uint64_t i = 0; i < words; i++) {
        if (counter[i] != 0) {
            row[2 * i] |= EXECUTED;
            counter[i] = 0;
        }
    }
    row = rows + next * image;
    *present = next;
}

/* A step begins outside any: one whose code is also another's end is not that one. */
static void begin_step(unsigned vcpu, void *data)
{
    (void)vcpu;
    if (*present == 0) {
        turn_to((uint64_t)(uintptr_t)data);
    }
}

static void leave_step(unsigned vcpu, void *data)
{
    (void)vcpu;
    (void)data;
    turn_to(0);
}

static void begin_request(unsigned vcpu, void *data)
{
    (void)vcpu;
    (void)data;
    asked = true;
}

static void loaded(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    (void)vcpu;
    (void)data;
    if (!asked || qemu_plugin_mem_is_store(info)) {
        return;
    }
    const uint64_t behind = address + (UINT64_C(1) << qemu_plugin_mem_size_shift(info));
    for (const struct section *s = section; s < section + sections; s++) {
        if (behind <= s->address || address >= s->address + s->bytes) {
            continue;
        }
        const uint64_t begin = address > s->address ? address - s->address : 0;
        const uint64_t end = behind - s->address < s->bytes ? behind - s->address : s->bytes;
        for (uint64_t i = begin; i < end; i++) {
            row[s->offset + i] |= READ;
        }
    }
}

static bool belongs_to_steps(uint64_t address)
{
    for (uint64_t i = 0; i < ranges; i++) {
        if (address >= range[i].begin && address < range[i].end) {
            return true;
        }
    }
    return false;
}

/* Whether an instruction may read memory. In the others a callback would cost time for nothing:
 * that of vector arithmetic is set up and taken down around each call of its helper. */
static bool may_load(const struct qemu_plugin_insn *insn)
{
    uint16_t first;
    memcpy(&first, qemu_plugin_insn_data(insn), sizeof first);
    if (first < 0xE800u) {
        return true; /* of two bytes: those that access no memory get no callback */
    }
    return (first & 0xEA00u) == 0xE800u && (first & 0x0010u) != 0; /* L tells loads from stores */
}

static void watch(struct qemu_plugin_insn *insn, uint64_t address)
{
    for (uint64_t i = 0; i < codes; i++) {
        const uint64_t at = address - section[i].address;
        if (at < section[i].bytes) {
            uint64_t *const number = counter + (section[i].offset + at) / 2;
            qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, number, 1);
        }
    }
    for (uint64_t i = 0; i < steps; i++) {
        if (address == step[i]) {
            void *const next = (void *)(uintptr_t)(i + 1);
            qemu_plugin_register_vcpu_insn_exec_cb(insn, begin_step, QEMU_PLUGIN_CB_NO_REGS, next);
        }
    }
    if (address == request) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, begin_request, QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
    if (may_load(insn)) {
        /* For loads alone QEMU 7.2 would show the stores of plain instructions in their place. */
        qemu_plugin_register_vcpu_mem_cb(insn, loaded, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                         NULL);
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    if (!belongs_to_steps(qemu_plugin_tb_vaddr(tb))) {
        qemu_plugin_register_vcpu_tb_exec_cb(tb, leave_step, QEMU_PLUGIN_CB_NO_REGS, NULL);
    }
    const size_t count = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        watch(insn, qemu_plugin_insn_vaddr(insn));
    }
}

static FILE *plan;
static bool whole = true; /* the plan, as far as it was read */

static uint64_t number(void)
{
    uint64_t value = 0;
    whole = whole && fscanf(plan, "%" SCNu64, &value) == 1;
    return value;
}

static void *room_for(uint64_t count, size_t bytes)
{
    void *const memory = whole ? calloc(count + 1, bytes) : NULL;
    whole = memory != NULL;
    return memory;
}

static bool read_plan(void)
{
    request = number();
    sections = number();
    section = room_for(sections, sizeof *section);
    for (uint64_t i = 0; i < sections && whole; i++) {
        section[i].address = number();
        section[i].bytes = number();
        section[i].offset = image;
        image += (section[i].bytes + 7) / 8 * 8;
        if (number() != 0) {
            codes = i + 1;
            words = image / 2;
        }
    }
    steps = number();
    step = room_for(steps, sizeof *step);
    for (uint64_t i = 0; i < steps && whole; i++) {
        step[i] = number();
    }
    ranges = number();
    range = room_for(ranges, sizeof *range);
    for (uint64_t i = 0; i < ranges && whole; i++) {
        range[i].begin = number();
        range[i].end = number();
    }
    return whole;
}

static bool map_output(const char *path)
{
    const size_t bytes = sizeof(uint64_t) * (1 + words) + (steps + 1) * image;
    const int descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (descriptor < 0 || ftruncate(descriptor, (off_t)bytes) != 0) {
        return false;
    }
    void *const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    present = memory;
    counter = present + 1;
    row = rows = (uint8_t *)(counter + words);
    return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    const char *in = NULL;
    const char *out = NULL;
    for (int i = 0; i < argc; i++) {
        in = strncmp(argv[i], "in=", 3) == 0 ? argv[i] + 3 : in;
        out = strncmp(argv[i], "out=", 4) == 0 ? argv[i] + 4 : out;
    }
    plan = in ? fopen(in, "r") : NULL;
    if (!plan || !out || !read_plan() || !map_output(out)) {
        return 1;
    }
    fclose(plan);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
