/* Programs out of their containers, with the addresses of this run in them.
 *
 * What generated code hands over is in its own image; a container that is damaged ends the run by
 * name, where the original would say false or read on.
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "../device/nj_npu_program.h"
#include "ecloader.h"
#include "nj_npu_host.h"

enum part { RELOCATIONS, PATCHES, DEBUG, PROGRAM, PARTS };
enum { HEAD = 2, RELOCATION_WORDS = 3 };

static const struct form {
    uint32_t magic;
    uint8_t word[PARTS]; /* where the offset of a part stands; 0: this form has none */
} forms[] = {
    {0xECBF0020, {1, 0, 2, 3}},
    {0xECBF0030, {1, 2, 3, 4}},
    {0xECBF0050, {1, 2, 3, 4}},
};
enum { FORMS = sizeof forms / sizeof forms[0] };

static const uint32_t *words_at(const void *at, uint64_t count)
{
    return (const uint32_t *)(const void *)nj_npu_bytes(at, 4 * count, false, "ecloader");
}

static const struct form *form_of(const void *container)
{
    const uint32_t magic = *words_at(container, 1);
    for (unsigned i = 0; i < FORMS; i++) {
        if (forms[i].magic == magic) {
            return &forms[i];
        }
    }
    return NULL;
}

/* The offset of a part of a container, 0 if it has none. */
static uint32_t offset_of(const uint8_t *container, enum part part)
{
    const struct form *form = form_of(container);
    if (form == NULL) {
        nj_npu_refuse_call("ecloader", "the magic of a container", *words_at(container, 1));
    }
    const uint32_t word = form->word[part];
    const uint32_t offset = word == 0 ? 0 : words_at(container, word + 1)[word];
    if (offset % 4 != 0) {
        nj_npu_refuse_call("ecloader", "an offset in a container", offset);
    }
    return offset;
}

const uint64_t *ec_get_blob_ptr(const uint8_t *container)
{
    const uint32_t offset = offset_of(container, PROGRAM);
    if (offset == 0) {
        nj_npu_refuse_call("ecloader", "a container without a program", 0);
    }
    return (const uint64_t *)(const void *)(container + offset);
}

bool ec_copy_blob(ECInstr *program, const uint8_t *container, unsigned int *words)
{
    const void *from = ec_get_blob_ptr(container);
    const uint32_t *head = words_at(from, HEAD);
    if (head[0] != NJ_NPU_PROGRAM_MAGIC) {
        nj_npu_refuse_call("ecloader", "the magic of a program", head[0]);
    }
    const uint64_t count = (uint64_t)head[1] + HEAD;
    const uint32_t *source = words_at(from, count);
    if (program == NULL) {
        *words = (unsigned int)count;
        return true;
    }
    if (*words < count) {
        nj_npu_refuse_call("ecloader", "the room for a program", *words);
    }
    memcpy(program, source, (size_t)(4 * count));
    return true;
}

bool ec_copy_program(const uint8_t *container, ECInstr *program, unsigned int *words)
{
    return ec_copy_blob(program, container, words);
}

const ECFileEntry *ec_get_reloc_table_ptr(const uint8_t *container)
{
    const uint32_t offset = offset_of(container, RELOCATIONS);
    return offset == 0 ? NULL : (const ECFileEntry *)(const void *)(container + offset);
}

/* Where a part that begins at `first` ends: at the next one. */
static uint32_t end_of(const uint8_t *container, uint32_t first)
{
    uint32_t end = UINT32_MAX;
    for (unsigned part = 0; part < PARTS; part++) {
        const uint32_t offset = offset_of(container, (enum part)part);
        end = offset > first && offset < end ? offset : end;
    }
    return end;
}

bool ec_copy_reloc_table(const void *one, const void *other, unsigned int *words)
{
    const bool swapped = one == NULL || form_of(one) == NULL;
    const uint8_t *container = swapped ? other : one;
    void *table = (void *)(uintptr_t)(swapped ? one : other);
    const uint32_t first = offset_of(container, RELOCATIONS);
    if (first == 0) {
        return false;
    }
    const uint32_t count = (end_of(container, first) - first) / 4;
    if (table == NULL) {
        *words = count;
        return true;
    }
    if (*words < count) {
        nj_npu_refuse_call("ecloader", "the room for a table", *words);
    }
    memcpy(table, words_at(container + first, count), 4ULL * count);
    return true;
}

unsigned int ec_get_num_relocs(const ECFileEntry *table)
{
    return table == NULL ? 0 : *words_at(table, 1);
}

/* The three words of a relocation. */
static const uint32_t *relocation(const ECFileEntry *table, unsigned int index)
{
    if (index >= ec_get_num_relocs(table)) {
        nj_npu_refuse_call("ecloader", "the index of a relocation", index);
    }
    const uint64_t at = 1 + (uint64_t)RELOCATION_WORDS * index;
    return words_at(table, at + RELOCATION_WORDS) + at;
}

const char *ec_get_reloc_id(const ECFileEntry *table, unsigned int index)
{
    return (const char *)table + relocation(table, index)[0];
}

/* Adds how far `base` has moved to each word of a relocation. */
static bool relocate(const ECFileEntry *table, uint32_t *program, unsigned int index, ECAddr base,
                     ECAddr *before)
{
    const uint32_t *entry = relocation(table, index);
    if (entry[2] % 4 != 0) {
        nj_npu_refuse_call("ecloader", "an offset in a table", entry[2]);
    }
    const uint32_t *list = words_at((const uint8_t *)table + entry[2], (uint64_t)entry[1] + 1);
    for (uint32_t i = 0; i < entry[1]; i++) {
        if (list[i] >= program[1]) {
            nj_npu_refuse_call("ecloader", "a word of a relocation", list[i]);
        }
        program[HEAD + list[i]] += base - *before;
    }
    *before = base;
    return true;
}

static bool is_program(const void *words)
{
    return *words_at(words, 1) == NJ_NPU_PROGRAM_MAGIC;
}

bool ec_reloc(const void *one, const void *other, unsigned int index, ECAddr base, ECAddr *before)
{
    const bool swapped = is_program(one);
    const void *program = swapped ? one : other;
    if (!is_program(program)) {
        nj_npu_refuse_call("ecloader", "the magic of a program", *words_at(program, 1));
    }
    return relocate(swapped ? other : one, (uint32_t *)(uintptr_t)program, index, base, before);
}

bool ec_reloc_by_id(const void *one, const void *other, const char *name, ECAddr base,
                    ECAddr *before)
{
    const ECFileEntry *table = is_program(one) ? other : one;
    for (unsigned int i = 0; i < ec_get_num_relocs(table); i++) {
        if (strcmp(ec_get_reloc_id(table, i), name) == 0) {
            return ec_reloc(one, other, i, base, before);
        }
    }
    nj_npu_refuse_call("ecloader", name, 0);
}
