/* Writes, reads and what they do at once; see nj_npu_registers.h.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_registers.h"

#include <string.h>

const struct nj_npu_field nj_npu_fields[NJ_NPU_FIELD_COUNT] = {
#define X(unit, name, offset, msb, lsb, reset, use)                                                \
    {#unit "." #name, reset, NJ_NPU_UNIT_##unit, offset, msb, lsb, NJ_NPU_##use},
    NJ_NPU_FIELDS(X)
#undef X
};

enum { CLEAR = 1u << 1, CLEAR_SETTINGS = 1u << 30, ENABLED = 1u << 0 };
#define RUNNING (1u << 31)

/* Where the units of a kind lie, and how many inputs and outputs each has at the switch. */
static const struct place {
    uint8_t unit;
    uint8_t kind;
    uint8_t page;
    uint8_t count;
    uint8_t inputs;
    uint8_t outputs;
} places[] = {
    {NJ_NPU_UNIT_CLOCKS, NJ_NPU_NOTHING, 0x00, 1, 0, 0},
    {NJ_NPU_UNIT_SWITCH, NJ_NPU_NOTHING, 0x04, 1, 0, 0},
    {NJ_NPU_UNIT_STREAM, NJ_NPU_STREAM, NJ_NPU_STREAM_PAGE, NJ_NPU_STREAMS, 1, 1},
    {NJ_NPU_UNIT_CONV, NJ_NPU_CONV, 0x0f, NJ_NPU_CONVS, 3, 1},
    {NJ_NPU_UNIT_DECUN, NJ_NPU_DECUN, 0x13, 2, 2, 1},
    {NJ_NPU_UNIT_ACTIV, NJ_NPU_ACTIV, 0x15, 2, 1, 1},
    {NJ_NPU_UNIT_ARITH, NJ_NPU_ARITH, 0x17, NJ_NPU_ARITHS, 2, 1},
    {NJ_NPU_UNIT_POOL, NJ_NPU_POOL, 0x1b, NJ_NPU_POOLS, 1, 1},
    {NJ_NPU_UNIT_RECBUF, NJ_NPU_RECBUF, 0x1d, 1, 3, 3},
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

static const struct place *place_at(uint32_t page)
{
    for (unsigned i = 0; i < PLACES; i++) {
        if (page >= places[i].page && page < (uint32_t)places[i].page + places[i].count) {
            return &places[i];
        }
    }
    return NULL;
}

static const struct place *place_of(unsigned unit)
{
    for (unsigned i = 0; i < PLACES; i++) {
        if (places[i].unit == (unit == NJ_NPU_UNIT_ROW ? NJ_NPU_UNIT_SWITCH : unit)) {
            return &places[i];
        }
    }
    return NULL;
}

/* An access: which unit of which kind, and which of its words. */
struct access {
    const struct place *place;
    uint8_t index;   /* of the unit among its kind */
    uint32_t page;
    uint32_t within; /* bytes in the page, after aliases */
};

static enum nj_npu_status refuse(struct nj_npu_error *error, const struct access *access,
                                 const char *field, uint32_t offset, uint32_t value)
{
    struct nj_npu_port where = {NJ_NPU_NOTHING, 0, 0};
    if (access->place != NULL) {
        where.kind = access->place->kind;
        where.unit = access->index;
    }
    *error = (struct nj_npu_error){NJ_NPU_REGISTER, where, field, value, offset};
    return error->status;
}

static struct access resolve(uint32_t offset)
{
    struct access access = {NULL, 0, 0, 0};
    if (offset >= NJ_NPU_SPACE || offset % 4 != 0) {
        return access;
    }
    access.page = offset / NJ_NPU_PAGE;
    access.within = offset % NJ_NPU_PAGE;
    access.place = place_at(access.page);
    if (access.place == NULL) {
        return access;
    }
    access.index = (uint8_t)(access.page - access.place->page);
    if (access.place->unit == NJ_NPU_UNIT_CLOCKS && access.within == NJ_NPU_CLOCKS_TOO) {
        access.within = nj_npu_fields[NJ_NPU_FIELD_CLOCKS_UNITS].offset;
    }
    return access;
}

/* The unit and offset under which the table has a word; rows of the switch share one line. */
static void table_key(const struct access *access, unsigned *unit, uint32_t *offset)
{
    *unit = access->place->unit;
    *offset = access->within;
    if (*unit == NJ_NPU_UNIT_SWITCH && access->within >= 4 * NJ_NPU_FIRST_ROW &&
        access->within < 4 * (NJ_NPU_FIRST_ROW + NJ_NPU_ROWS)) {
        *unit = NJ_NPU_UNIT_ROW;
        *offset = 0;
    }
}

static uint32_t mask_of(const struct nj_npu_field *field)
{
    const uint32_t width = (uint32_t)field->msb - field->lsb + 1;
    return (width == 32 ? UINT32_MAX : (1u << width) - 1) << field->lsb;
}

/* What the table says of a word. */
struct word_facts {
    uint32_t known;
    uint32_t reset;
    uint32_t fixed;
    uint32_t clears;
    const struct nj_npu_field *refused; /* the first whose value may not be written */
};

static struct word_facts facts_of(const struct access *access, uint32_t value)
{
    struct word_facts facts = {0, 0, 0, 0, NULL};
    unsigned unit;
    uint32_t offset;
    table_key(access, &unit, &offset);
    for (unsigned i = 0; i < NJ_NPU_FIELD_COUNT; i++) {
        const struct nj_npu_field *field = &nj_npu_fields[i];
        if (field->unit != unit || field->offset != offset) {
            continue;
        }
        const uint32_t mask = mask_of(field);
        facts.known |= mask;
        facts.reset |= field->reset << field->lsb;
        if (field->use == NJ_NPU_FIXED) {
            facts.fixed |= mask;
        } else if (field->use == NJ_NPU_CLEARS) {
            facts.clears |= mask;
        } else if (field->use == NJ_NPU_REFUSED && facts.refused == NULL &&
                   (value & mask) >> field->lsb != field->reset) {
            facts.refused = field;
        }
    }
    return facts;
}

static void clear_settings(struct nj_npu_registers *registers, const struct place *place,
                           unsigned index)
{
    uint32_t *word = registers->word[place->page + index];
    memset(word, 0, sizeof(registers->word[0])); /* as every row of the switch is after reset */
    for (unsigned i = 0; i < NJ_NPU_FIELD_COUNT; i++) {
        const struct nj_npu_field *field = &nj_npu_fields[i];
        if (field->unit == place->unit) {
            word[field->offset / 4] |= field->reset << field->lsb;
        }
    }
    registers->configured[place->kind] &= ~(1u << index);
    if (place->unit == NJ_NPU_UNIT_ARITH) {
        memset(registers->coefficient[index], 0, sizeof(registers->coefficient[index]));
    }
}

void nj_npu_registers_reset(struct nj_npu_registers *registers)
{
    memset(registers, 0, sizeof(*registers));
    for (unsigned i = 0; i < PLACES; i++) {
        for (unsigned index = 0; index < places[i].count; index++) {
            clear_settings(registers, &places[i], index);
        }
    }
}

/* The coefficient that an access means, or NULL. Untranslated, the page's start is entry 0, so that
 * its end reaches the last. */
static const uint32_t *coefficient(const struct nj_npu_registers *registers,
                                   const struct access *access)
{
    if (access->place->unit != NJ_NPU_UNIT_ARITH || access->within < NJ_NPU_COEFFICIENTS_AT) {
        return NULL;
    }
    const bool translates =
        nj_npu_field_of(registers, NJ_NPU_FIELD_ARITH_TRANSLATES, access->index) != 0;
    const uint32_t byte = translates ? access->within - NJ_NPU_COEFFICIENTS_AT : access->within;
    return &registers->coefficient[access->index][byte / 8][byte / 4 % 2];
}

static void write_control(struct nj_npu_registers *registers, const struct access *access,
                          uint32_t *word, uint32_t value, const struct word_facts *facts)
{
    uint32_t next = value & facts->known & ~facts->fixed & ~facts->clears;
    if (access->place->unit == NJ_NPU_UNIT_STREAM) {
        const bool starts = (next & ENABLED) != 0 && (*word & ENABLED) == 0;
        if (starts && (value & CLEAR) == 0) {
            next |= RUNNING;
        }
    }
    if ((next & ~RUNNING & ~(uint32_t)ENABLED) != (facts->reset & ~(uint32_t)ENABLED)) {
        registers->configured[access->place->kind] |= 1u << access->index;
    }
    *word = next | (*word & facts->fixed & ~RUNNING);
    if ((value & facts->clears & CLEAR_SETTINGS) != 0) {
        clear_settings(registers, access->place, access->index);
    }
}

enum nj_npu_status nj_npu_register_write(struct nj_npu_registers *registers, uint32_t offset,
                                         uint32_t value, struct nj_npu_error *error)
{
    const struct access access = resolve(offset);
    if (access.place == NULL) {
        return refuse(error, &access, "an unknown register", offset, value);
    }
    uint32_t *memory = (uint32_t *)coefficient(registers, &access);
    if (memory != NULL) {
        *memory = value;
        registers->configured[NJ_NPU_ARITH] |= 1u << access.index;
        return NJ_NPU_OK;
    }
    const struct word_facts facts = facts_of(&access, value);
    if (facts.known == 0) {
        return value == 0 ? NJ_NPU_OK
                          : refuse(error, &access, "an unknown register", offset, value);
    }
    if ((value & ~facts.known) != 0) {
        return refuse(error, &access, "bits of no known field", offset, value);
    }
    uint32_t *word = &registers->word[access.page][access.within / 4];
    const bool control = access.within == 0 && access.place->unit != NJ_NPU_UNIT_ROW;
    if (access.place->unit == NJ_NPU_UNIT_STREAM &&
        (registers->word[access.page][0] & RUNNING) != 0) { /* to stop it would lose its epoch */
        return refuse(error, &access, "a register of a running engine", offset, value);
    }
    if (facts.refused != NULL) {
        const uint32_t given = (value & mask_of(facts.refused)) >> facts.refused->lsb;
        return refuse(error, &access, facts.refused->name, offset, given);
    }
    if (control) {
        write_control(registers, &access, word, value, &facts);
        return NJ_NPU_OK;
    }
    *word = (value & ~facts.fixed) | (*word & facts.fixed);
    if (access.place->kind != NJ_NPU_NOTHING) {
        registers->configured[access.place->kind] |= 1u << access.index;
    }
    return NJ_NPU_OK;
}

enum nj_npu_status nj_npu_register_read(const struct nj_npu_registers *registers, uint32_t offset,
                                        uint32_t *value, struct nj_npu_error *error)
{
    const struct access access = resolve(offset);
    *value = 0;
    if (access.place == NULL) {
        return refuse(error, &access, "an unknown register", offset, 0);
    }
    const uint32_t *memory = coefficient(registers, &access);
    if (memory != NULL) {
        *value = *memory;
        return NJ_NPU_OK;
    }
    if (facts_of(&access, 0).known == 0) {
        return refuse(error, &access, "an unknown register", offset, 0);
    }
    *value = registers->word[access.page][access.within / 4];
    return NJ_NPU_OK;
}

uint32_t nj_npu_field_of(const struct nj_npu_registers *registers, enum nj_npu_field_id id,
                         unsigned index)
{
    const struct nj_npu_field *field = &nj_npu_fields[id];
    const struct place *place = place_of(field->unit);
    const bool row = field->unit == NJ_NPU_UNIT_ROW;
    const uint32_t page = place->page + (row ? 0 : index);
    const uint32_t word = row ? NJ_NPU_FIRST_ROW + index : field->offset / 4u;
    return (registers->word[page][word] & mask_of(field)) >> field->lsb;
}

uint32_t nj_npu_registers_running(const struct nj_npu_registers *registers)
{
    uint32_t running = 0;
    for (unsigned i = 0; i < NJ_NPU_STREAMS; i++) {
        running |= nj_npu_field_of(registers, NJ_NPU_FIELD_STREAM_RUNNING, i) << i;
    }
    return running;
}

void nj_npu_registers_finish(struct nj_npu_registers *registers)
{
    const struct place *place = place_of(NJ_NPU_UNIT_STREAM);
    for (unsigned i = 0; i < NJ_NPU_STREAMS; i++) {
        registers->word[place->page + i][0] &= ~RUNNING;
    }
}

/* Ports are numbered through kinds, units and ports in the order of `places`. */
static bool numbered(unsigned number, bool output, struct nj_npu_port *port)
{
    for (unsigned i = 0; i < PLACES; i++) {
        const unsigned ports = output ? places[i].outputs : places[i].inputs;
        if (number < ports * places[i].count) {
            *port = (struct nj_npu_port){places[i].kind, (uint8_t)(number / ports),
                                         (uint8_t)(number % ports)};
            return true;
        }
        number -= ports * places[i].count;
    }
    *port = (struct nj_npu_port){NJ_NPU_NOTHING, 0, 0};
    return false;
}

bool nj_npu_destination(unsigned row, struct nj_npu_port *port)
{
    return numbered(row, false, port);
}

bool nj_npu_source(unsigned source, struct nj_npu_port *port)
{
    return numbered(source, true, port);
}
