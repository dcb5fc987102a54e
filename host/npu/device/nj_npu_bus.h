/* The NPU as the chip's bus sees it: the register file, and around it what a processor alone uses:
 * interrupt controller, bus interfaces, epoch controller.
 *
 * It has no clock and no thread. What was started waits until the owner lets it go on:
 *
 *   nj_npu_bus_write(bus, offset, value, &error);
 *   if (nj_npu_bus_busy(bus)) ... at a time that the owner chooses ...
 *       nj_npu_bus_work(bus, &machine, &job, &error);
 *   then NPU line i is high where nj_npu_bus_lines(bus) has bit i
 *
 * Offsets, bits, versions and values after reset of these three units are those of ST's ATON.h (the
 * chip's, in its public audio example):
 *
 *   page 0x01  interrupt controller  00 CTRL, 04 version, 08 latched, 0c set, 10 clear,
 *                                    14..20 any, 24..30 all
 *   page 0x02  bus interfaces, two   00 CTRL, 04 version, 10 errors
 *   page 0x1e  epoch controller      00 CTRL, 04 version, 08 address, 0c events, 18 cache, 1c mark,
 *                                    20 how many instructions
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_BUS_H
#define NJ_NPU_BUS_H

#include "nj_npu_program.h"

enum {
    NJ_NPU_LINES = 4,       /* to the chip's interrupt controller */
    NJ_NPU_INTERFACES = 2,  /* to its buses */
    NJ_NPU_CONTROLLER_CLOCK = 25, /* its bit in CLOCKS.UNITS, behind those of the units */
};

/* Sources of interrupts, as bits. */
#define NJ_NPU_DONE(engine) (1u << (engine))
#define NJ_NPU_PROGRAM_DONE (1u << 28)

struct nj_npu_bus {
    struct nj_npu_registers registers;
    bool tells;                 /* the interrupt controller is on */
    uint32_t latched;           /* sources that were seen and not cleared */
    uint32_t any[NJ_NPU_LINES]; /* a source whose bit is 0 raises the line */
    uint32_t all[NJ_NPU_LINES]; /* all sources whose bit is 0 together do; none are none */
    bool open[NJ_NPU_INTERFACES];
    struct {
        bool enabled;
        bool clears; /* itself when it has ended */
        bool running;
        uint32_t address; /* of the program */
        uint32_t events;  /* bit 0: it has ended */
        uint32_t cache;   /* how it reads the program; of no effect */
        uint32_t mark;
        uint32_t count;
    } controller;
};

/* Room for what is being worked on, and what came of it. */
struct nj_npu_job {
    struct nj_npu_epoch epoch;
    struct nj_npu_outcome outcome;
    /* Called behind each epoch that went well, with the last mark of the program; may be NULL. */
    void (*ran)(void *context, uint32_t number);
    void *context;
};

/* Power on. */
void nj_npu_bus_reset(struct nj_npu_bus *bus);

/* One access. On an error nothing is written, and error->address is the offset. */
enum nj_npu_status nj_npu_bus_write(struct nj_npu_bus *bus, uint32_t offset, uint32_t value,
                                    struct nj_npu_error *error);
enum nj_npu_status nj_npu_bus_read(const struct nj_npu_bus *bus, uint32_t offset, uint32_t *value,
                                   struct nj_npu_error *error);

/* Whether there is work: an epoch whose units are all enabled, or a program. */
bool nj_npu_bus_busy(const struct nj_npu_bus *bus);

/* Why it cannot go on, in words; NULL where it can. */
const char *nj_npu_bus_waits_for(const struct nj_npu_bus *bus);

/* Works on it to its end, and latches the interrupts. An error leaves it where it was. */
enum nj_npu_status nj_npu_bus_work(struct nj_npu_bus *bus, const struct nj_npu_machine *machine,
                                   struct nj_npu_job *job, struct nj_npu_error *error);

/* The lines that are high: bit i is line i. */
uint32_t nj_npu_bus_lines(const struct nj_npu_bus *bus);

#endif
