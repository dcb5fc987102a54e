/* From registers to the epoch that they describe: units, clocks and links.
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "nj_npu_decode.h"

static bool connected(const struct nj_npu_registers *registers, unsigned row)
{
    return nj_npu_field_of(registers, NJ_NPU_FIELD_ROW_ENABLED_0, row) != 0 ||
           nj_npu_field_of(registers, NJ_NPU_FIELD_ROW_ENABLED_1, row) != 0;
}

static void decode_link(const struct nj_npu_registers *registers, unsigned row,
                        struct nj_npu_link *link, struct nj_npu_error *error)
{
    static const enum nj_npu_field_id ids[2][3] = {
        {NJ_NPU_FIELD_ROW_ENABLED_0, NJ_NPU_FIELD_ROW_SOURCE_0, NJ_NPU_FIELD_ROW_TICKS_0},
        {NJ_NPU_FIELD_ROW_ENABLED_1, NJ_NPU_FIELD_ROW_SOURCE_1, NJ_NPU_FIELD_ROW_TICKS_1},
    };
    *link = (struct nj_npu_link){0};
    (void)nj_npu_destination(row, &link->destination);
    const struct nj_npu_reader reader = {registers, link->destination, error};
    for (unsigned i = 0; i < 2; i++) {
        link->enabled[i] = nj_npu_field_of(registers, ids[i][0], row) != 0;
        link->frames[i] = (uint8_t)nj_npu_field_of(registers, ids[i][2], row);
        const uint32_t source = nj_npu_field_of(registers, ids[i][1], row);
        const bool named = link->enabled[i] || link->frames[i] != 0; /* its frames may be dropped */
        if (named && !nj_npu_source(source, &link->source[i])) {
            nj_npu_fault(&reader, NJ_NPU_UNCONNECTED, ids[i][1], source);
        }
    }
    link->counts_pixels = nj_npu_field_of(registers, NJ_NPU_FIELD_ROW_COUNTS_PIXELS, row) != 0;
}

/* What the kinds of nj_npu_units.h are in registers; CLOCKS.UNITS has its bits in this order. */
static const struct kind {
    enum nj_npu_kind kind;
    enum nj_npu_field_id enabled;
    uint8_t count;
} kinds[] = {
    {NJ_NPU_STREAM, NJ_NPU_FIELD_STREAM_ENABLED, NJ_NPU_STREAMS},
    {NJ_NPU_CONV, NJ_NPU_FIELD_CONV_ENABLED, NJ_NPU_CONVS},
    {NJ_NPU_DECUN, NJ_NPU_FIELD_DECUN_ENABLED, 2},
    {NJ_NPU_ACTIV, NJ_NPU_FIELD_ACTIV_ENABLED, 2},
    {NJ_NPU_ARITH, NJ_NPU_FIELD_ARITH_ENABLED, NJ_NPU_ARITHS},
    {NJ_NPU_POOL, NJ_NPU_FIELD_POOL_ENABLED, NJ_NPU_POOLS},
    {NJ_NPU_RECBUF, NJ_NPU_FIELD_RECBUF_ENABLED, 1},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static bool is_enabled(const struct nj_npu_registers *registers, struct nj_npu_port port)
{
    for (unsigned i = 0; i < KINDS; i++) {
        if (kinds[i].kind == port.kind) {
            return nj_npu_field_of(registers, kinds[i].enabled, port.unit) != 0;
        }
    }
    return true; /* nothing: decoding says so */
}

bool nj_npu_registers_complete(const struct nj_npu_registers *registers)
{
    struct nj_npu_error ignored = {0};
    for (unsigned row = 0; row < NJ_NPU_ROWS; row++) {
        struct nj_npu_link link;
        if (!connected(registers, row)) {
            continue;
        }
        decode_link(registers, row, &link, &ignored);
        if (!is_enabled(registers, link.destination) || !is_enabled(registers, link.source[0]) ||
            !is_enabled(registers, link.source[1])) {
            return false;
        }
    }
    return nj_npu_registers_running(registers) != 0;
}

static void decode_unit(const struct nj_npu_reader *reader, struct nj_npu_epoch *epoch)
{
    const unsigned unit = reader->where.unit;
    switch (reader->where.kind) {
    case NJ_NPU_STREAM: nj_npu_decode_stream(reader, &epoch->stream[unit]); break;
    case NJ_NPU_CONV: nj_npu_decode_conv(reader, &epoch->conv[unit]); break;
    case NJ_NPU_ARITH: nj_npu_decode_arith(reader, &epoch->arith[unit]); break;
    case NJ_NPU_POOL: nj_npu_decode_pool(reader, &epoch->pool[unit]); break;
    default: break; /* no record: whoever runs the epoch refuses the unit */
    }
}

enum nj_npu_status nj_npu_registers_decode(const struct nj_npu_registers *registers,
                                           struct nj_npu_epoch *epoch, struct nj_npu_error *error)
{
    memset(epoch, 0, sizeof(*epoch));
    *error = (struct nj_npu_error){0};
    const uint32_t clocks = nj_npu_field_of(registers, NJ_NPU_FIELD_CLOCKS_UNITS, 0);
    unsigned clock = 0;
    for (unsigned i = 0; i < KINDS; i++) {
        const enum nj_npu_kind kind = kinds[i].kind;
        for (unsigned unit = 0; unit < kinds[i].count; unit++, clock++) {
            const struct nj_npu_port where = {(uint8_t)kind, (uint8_t)unit, 0};
            const struct nj_npu_reader reader = {registers, where, error};
            if (nj_npu_field_of(registers, kinds[i].enabled, unit) == 0) {
                continue;
            }
            epoch->enabled[kind] |= 1u << unit;
            epoch->configured[kind] |= registers->configured[kind] & 1u << unit;
            if ((clocks >> clock & 1) == 0) {
                nj_npu_fault(&reader, NJ_NPU_CLOCK, NJ_NPU_FIELD_CLOCKS_UNITS, clocks);
            }
            decode_unit(&reader, epoch);
        }
    }
    for (unsigned row = 0; row < NJ_NPU_ROWS; row++) {
        if (connected(registers, row)) {
            decode_link(registers, row, &epoch->link[epoch->links++], error);
        }
    }
    const struct nj_npu_reader whole = {registers, {NJ_NPU_NOTHING, 0, 0}, error};
    if (epoch->links != 0 && nj_npu_field_of(registers, NJ_NPU_FIELD_SWITCH_ENABLED, 0) == 0) {
        nj_npu_fault(&whole, NJ_NPU_UNCONNECTED, NJ_NPU_FIELD_SWITCH_ENABLED, 0);
    }
    return error->status;
}
