/* Registers of an epoch. Positions of fields come from the one table, nj_npu_fields.h.
 *
 * A unit is cleared before it is set up, so that what a word held is what it has after a reset: fields are put into it, and
 * the others stay.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_encode.h"

#include "nj_npu_encode_units.h"
#include "nj_npu_host.h"
#include "nj_npu_port.h"

enum { ENABLE = 1u << 0, CLEAR = 1u << 1, CLEAR_SETTINGS = 1u << 30, ROW_0 = 8 };

/* Kinds in the order of nj_npu_units.h's, and the page of the first unit of each. */
static const struct kind {
    enum nj_npu_kind kind;
    uint32_t page;
    uint32_t units;
    void (*encode)(struct nj_npu_page *page, const struct nj_npu_epoch *epoch, uint32_t unit);
} kinds[] = {
    {NJ_NPU_CONV, 0x0F, NJ_NPU_CONVS, nj_npu_encode_conv},
    {NJ_NPU_ARITH, 0x17, NJ_NPU_ARITHS, nj_npu_encode_arith},
    {NJ_NPU_POOL, 0x1B, NJ_NPU_POOLS, nj_npu_encode_pool},
    {NJ_NPU_STREAM, 0x05, NJ_NPU_STREAMS, nj_npu_encode_stream},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void wait_for_clear(uint32_t page, uint32_t bit) {
    for (uint32_t looks = 0; (NJ_NPU(page) & bit) != 0; ++looks) {
        if (looks > 1000000u) {
            nj_npu_refuse_call("CTRL of a unit", "a bit that clears itself", page);
        }
    }
}

void nj_npu_clear(uint32_t page) {
    NJ_NPU(page) = CLEAR;
    wait_for_clear(page, CLEAR);
    NJ_NPU(page) = CLEAR_SETTINGS;
    wait_for_clear(page, CLEAR_SETTINGS);
}

void nj_npu_set(struct nj_npu_page *page, enum nj_npu_field_id id, int64_t value) {
    const struct nj_npu_field *const field = &nj_npu_fields[id];
    const uint32_t width = (uint32_t)field->msb - field->lsb + 1u;
    if (value < -((int64_t)1 << (width - 1u)) || value >= (int64_t)1 << width) {
        nj_npu_refuse_call(field->name, "a value for a register's field", value);
    }
    const uint32_t word = field->offset / 4u;
    const uint32_t mask = (width == 32u ? UINT32_MAX : (1u << width) - 1u) << field->lsb;
    if ((page->used >> word & 1u) == 0) {
        page->used |= (uint64_t)1 << word;
        page->word[word] = NJ_NPU(page->offset + 4u * word);
    }
    page->word[word] = (page->word[word] & ~mask) | ((uint32_t)value << field->lsb & mask);
}

static void write_page(const struct nj_npu_page *page) {
    for (uint32_t word = 0; word < NJ_NPU_PAGE_WORDS; ++word) {
        if ((page->used >> word & 1u) != 0) {
            NJ_NPU(page->offset + 4u * word) = page->word[word];
        }
    }
}

static uint32_t page_of(const struct kind *kind, uint32_t unit) {
    return (kind->page + unit) * NJ_NPU_PAGE;
}

static bool is_on(const struct nj_npu_epoch *epoch, const struct kind *kind, uint32_t unit) {
    return (epoch->enabled[kind->kind] >> unit & 1u) != 0;
}

static uint32_t source_of(struct nj_npu_port port) {
    for (uint32_t number = 0; number < NJ_NPU_SOURCES; ++number) {
        struct nj_npu_port each;
        if (nj_npu_source(number, &each) && each.kind == port.kind && each.unit == port.unit && each.port == port.port) {
            return number;
        }
    }
    if (port.kind != NJ_NPU_NOTHING) {
        nj_npu_refuse_call("LL_Switch_Init", "source", port.kind << 16 | port.unit << 8 | port.port);
    }
    return 0;
}

static uint32_t row_of(struct nj_npu_port port) {
    for (uint32_t row = 0; row < NJ_NPU_ROWS; ++row) {
        struct nj_npu_port each;
        if (nj_npu_destination(row, &each) && each.kind == port.kind && each.unit == port.unit && each.port == port.port) {
            return row;
        }
    }
    nj_npu_refuse_call("LL_Switch_Init", "dest", port.kind << 16 | port.unit << 8 | port.port);
}

static uint32_t offset_of_row(const struct nj_npu_link *link) {
    return NJ_NPU_SWITCH_PAGE + ROW_0 + 4u * row_of(link->destination);
}

static uint32_t bits(enum nj_npu_field_id id, uint32_t value) {
    return value << nj_npu_fields[id].lsb;
}

static void connect(const struct nj_npu_epoch *epoch) {
    nj_npu_clear(NJ_NPU_SWITCH_PAGE);
    NJ_NPU(NJ_NPU_SWITCH_PAGE) = ENABLE;
    for (uint32_t i = 0; i < epoch->links; ++i) {
        const struct nj_npu_link *const link = &epoch->link[i];
        NJ_NPU(offset_of_row(link)) =
            bits(NJ_NPU_FIELD_ROW_ENABLED_0, link->enabled[0]) | bits(NJ_NPU_FIELD_ROW_SOURCE_0, source_of(link->source[0])) |
            bits(NJ_NPU_FIELD_ROW_TICKS_0, link->frames[0]) | bits(NJ_NPU_FIELD_ROW_ENABLED_1, link->enabled[1]) |
            bits(NJ_NPU_FIELD_ROW_SOURCE_1, source_of(link->source[1])) | bits(NJ_NPU_FIELD_ROW_TICKS_1, link->frames[1]);
    }
}

/* A kind of unit that has no record here. */
static void refuse_others(const struct nj_npu_epoch *epoch) {
    static const enum nj_npu_kind others[] = {NJ_NPU_DECUN, NJ_NPU_ACTIV, NJ_NPU_RECBUF};
    for (uint32_t i = 0; i < sizeof others / sizeof others[0]; ++i) {
        if (epoch->enabled[others[i]] != 0) {
            nj_npu_refuse_call("LL_ATON_EnableUnits_Init", nj_npu_kind_name(others[i]), epoch->enabled[others[i]]);
        }
    }
}

void nj_npu_start_epoch(const struct nj_npu_epoch *epoch) {
    refuse_others(epoch);
    for (uint32_t i = 0; i < KINDS; ++i) {
        for (uint32_t unit = 0; unit < kinds[i].units; ++unit) {
            if (is_on(epoch, &kinds[i], unit)) {
                struct nj_npu_page page = {.offset = page_of(&kinds[i], unit)};
                nj_npu_clear(page.offset);
                kinds[i].encode(&page, epoch, unit);
                write_page(&page);
            }
        }
    }
    connect(epoch);
    for (uint32_t i = 0; i < KINDS; ++i) {
        for (uint32_t unit = 0; unit < kinds[i].units; ++unit) {
            if (is_on(epoch, &kinds[i], unit)) {
                NJ_NPU(page_of(&kinds[i], unit)) = NJ_NPU(page_of(&kinds[i], unit)) | ENABLE;
            }
        }
    }
}

void nj_npu_end_epoch(const struct nj_npu_epoch *epoch) {
    for (uint32_t i = 0; i < epoch->links; ++i) {
        NJ_NPU(offset_of_row(&epoch->link[i])) = 0;
    }
    for (uint32_t i = 0; i < KINDS; ++i) {
        for (uint32_t unit = 0; unit < kinds[i].units; ++unit) {
            if (is_on(epoch, &kinds[i], unit)) {
                nj_npu_clear(page_of(&kinds[i], unit));
            }
        }
    }
}
