/* The register file of the NPU, as its bus sees it: writes, reads, the epoch that they describe.
 *
 * It knows nothing of programs, memory or arithmetic. An epoch goes like this: registers are
 * written, units are enabled; an enabled stream engine reads as RUNNING until whoever owns the
 * register file has decoded the epoch, run it and said so:
 *
 *   if (nj_npu_registers_complete(r)) {
 *       nj_npu_registers_decode(r, &epoch, &error);  then nj_npu_run(&epoch, ...)
 *       nj_npu_registers_finish(r);
 *   }
 *
 * What is not understood ends in an error that names the register and the field; the value is then
 * not written. Nothing is guessed.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_REGISTERS_H
#define NJ_NPU_REGISTERS_H

#include "nj_npu.h"
#include "nj_npu_fields.h"

enum {
    NJ_NPU_SPACE = 0x20000,         /* bytes of the register file */
    NJ_NPU_PAGE = 0x1000,           /* bytes of a unit in it */
    NJ_NPU_PAGE_WORDS = 64,         /* words of a page that are registers */
    NJ_NPU_STREAM_PAGE = 5,         /* of engine 0 */
    NJ_NPU_COEFFICIENTS_AT = 0x400, /* in the page of an ARITH, two words each: A | B << 16, C */
    NJ_NPU_CLOCKS_TOO = 0x200,      /* programs gate clocks here; taken for CLOCKS.UNITS */
};

/* The units that fields belong to, in the order of nj_npu_fields.h. */
enum nj_npu_unit {
    NJ_NPU_UNIT_CLOCKS,
    NJ_NPU_UNIT_SWITCH,
    NJ_NPU_UNIT_ROW,
    NJ_NPU_UNIT_STREAM,
    NJ_NPU_UNIT_CONV,
    NJ_NPU_UNIT_DECUN,
    NJ_NPU_UNIT_ACTIV,
    NJ_NPU_UNIT_ARITH,
    NJ_NPU_UNIT_POOL,
    NJ_NPU_UNIT_RECBUF,
    NJ_NPU_UNITS,
};

enum nj_npu_use { NJ_NPU_DECODED, NJ_NPU_FREE, NJ_NPU_REFUSED, NJ_NPU_FIXED, NJ_NPU_CLEARS };

struct nj_npu_field {
    const char *name; /* "CONV.STRIDE_X" */
    uint32_t reset;
    uint8_t unit; /* enum nj_npu_unit */
    uint8_t offset;
    uint8_t msb;
    uint8_t lsb;
    uint8_t use; /* enum nj_npu_use */
};

enum nj_npu_field_id {
#define X(unit, name, offset, msb, lsb, reset, use) NJ_NPU_FIELD_##unit##_##name,
    NJ_NPU_FIELDS(X)
#undef X
        NJ_NPU_FIELD_COUNT,
};

extern const struct nj_npu_field nj_npu_fields[NJ_NPU_FIELD_COUNT];

struct nj_npu_registers {
    uint32_t word[NJ_NPU_SPACE / NJ_NPU_PAGE][NJ_NPU_PAGE_WORDS];
    uint32_t coefficient[NJ_NPU_ARITHS][NJ_NPU_COEFFICIENTS][2];
    uint32_t configured[NJ_NPU_KINDS]; /* bit u: unit u was written to since it was cleared */
};

/* Power on. */
void nj_npu_registers_reset(struct nj_npu_registers *registers);

/* One access of the bus. `offset` counts from the NPU's base. On an error nothing is written, and
 * error->address is the offset. */
enum nj_npu_status nj_npu_register_write(struct nj_npu_registers *registers, uint32_t offset,
                                         uint32_t value, struct nj_npu_error *error);
enum nj_npu_status nj_npu_register_read(const struct nj_npu_registers *registers, uint32_t offset,
                                        uint32_t *value, struct nj_npu_error *error);

/* The stream engines that read as RUNNING (bit i: engine i). */
uint32_t nj_npu_registers_running(const struct nj_npu_registers *registers);

/* Whether an engine runs and every unit at an end of a link is enabled: no more is to come. */
bool nj_npu_registers_complete(const struct nj_npu_registers *registers);

/* The epoch of the enabled units. */
enum nj_npu_status nj_npu_registers_decode(const struct nj_npu_registers *registers,
                                           struct nj_npu_epoch *epoch, struct nj_npu_error *error);

/* The epoch has been run: no engine is RUNNING. */
void nj_npu_registers_finish(struct nj_npu_registers *registers);

/* What a field holds. `index` counts units of its kind, or rows. */
uint32_t nj_npu_field_of(const struct nj_npu_registers *registers, enum nj_npu_field_id field,
                         unsigned index);

/* The ends of links: of a row, which are one a destination port, and of a number in one. False
 * where there is none. */
bool nj_npu_destination(unsigned row, struct nj_npu_port *port);
bool nj_npu_source(unsigned source, struct nj_npu_port *port);

enum { NJ_NPU_ROWS = 41, NJ_NPU_SOURCES = 27, NJ_NPU_FIRST_ROW = 2 /* words */ };

#endif
