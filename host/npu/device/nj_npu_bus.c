/* Accesses of a processor, and the work that they start; see nj_npu_bus.h.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_bus.h"

#include <string.h>

enum { INTERRUPTS = 0x01, INTERFACES = 0x02, CONTROLLER = 0x1e };
enum { CONTROL = 0x00, VERSION = 0x04 };
enum { LATCHED = 0x08, SET = 0x0c, CLEAR = 0x10, ANY = 0x14, ALL = 0x24 };
enum { ERRORS = 0x10 };
enum { ADDRESS = 0x08, EVENTS = 0x0c, CACHE = 0x18, MARK = 0x1c, COUNT = 0x20 };
enum { ENABLED = 1u << 0, CLEARS = 1u << 1, CLEARS_ITSELF = 1u << 2, CLEARS_SETTINGS = 1u << 30 };
enum { INTERRUPTS_VERSION = 0x0420111e, INTERFACE_VERSION = 0x0006501d };
enum { CONTROLLER_VERSION = 0x0f041121, CACHE_BITS = 0xff, COUNT_BITS = 0xffff };
enum { LAST_FRAME = 3 }; /* in an engine's INTERRUPTED, and among its INTERRUPTS */
enum { PROGRAM_ENDED = 1u << 0 };
#define RUNNING (1u << 31)

static enum nj_npu_status refuse(struct nj_npu_error *error, const char *field, uint32_t offset,
                                 uint32_t value)
{
    *error = (struct nj_npu_error){NJ_NPU_REGISTER, {NJ_NPU_NOTHING, 0, 0}, field, value, offset};
    return error->status;
}

static void reset_interrupts(struct nj_npu_bus *bus)
{
    memset(bus->any, 0xff, sizeof bus->any);
    memset(bus->all, 0xff, sizeof bus->all);
}

void nj_npu_bus_reset(struct nj_npu_bus *bus)
{
    memset(bus, 0, sizeof *bus);
    nj_npu_registers_reset(&bus->registers);
    reset_interrupts(bus);
}

/* The engine whose INTERRUPTED an offset is, or NJ_NPU_STREAMS. */
static uint32_t told_by(uint32_t offset)
{
    const uint32_t engine = offset / NJ_NPU_PAGE - NJ_NPU_STREAM_PAGE;
    return offset % NJ_NPU_PAGE == nj_npu_fields[NJ_NPU_FIELD_STREAM_INTERRUPTED].offset &&
                   engine < NJ_NPU_STREAMS
               ? engine
               : NJ_NPU_STREAMS;
}

static uint32_t *told(struct nj_npu_bus *bus, uint32_t engine)
{
    const uint32_t word = nj_npu_fields[NJ_NPU_FIELD_STREAM_INTERRUPTED].offset / 4u;
    return &bus->registers.word[NJ_NPU_STREAM_PAGE + engine][word];
}

/* What units say now. */
static uint32_t sources(const struct nj_npu_bus *bus)
{
    uint32_t found = bus->controller.events != 0 ? NJ_NPU_PROGRAM_DONE : 0;
    for (unsigned i = 0; i < NJ_NPU_STREAMS; i++) {
        const uint32_t says = nj_npu_field_of(&bus->registers, NJ_NPU_FIELD_STREAM_INTERRUPTED, i);
        const uint32_t wanted = nj_npu_field_of(&bus->registers, NJ_NPU_FIELD_STREAM_INTERRUPTS, i);
        if ((says & wanted) != 0) {
            found |= NJ_NPU_DONE(i);
        }
    }
    return found;
}

/* The line whose mask an offset of the interrupt controller is: of `any`, of `all`, or none. */
static uint32_t *mask_at(struct nj_npu_bus *bus, uint32_t at)
{
    if (at >= ANY && at < ANY + 4 * NJ_NPU_LINES) {
        return &bus->any[(at - ANY) / 4];
    }
    return at >= ALL && at < ALL + 4 * NJ_NPU_LINES ? &bus->all[(at - ALL) / 4] : NULL;
}

static enum nj_npu_status write_interrupts(struct nj_npu_bus *bus, uint32_t offset, uint32_t value,
                                           struct nj_npu_error *error)
{
    const uint32_t at = offset % NJ_NPU_PAGE;
    uint32_t *mask = mask_at(bus, at);
    if (mask != NULL) {
        *mask = value;
    } else if (at == SET) {
        bus->latched |= value;
    } else if (at == CLEAR) { /* what still stands in its unit is latched again */
        bus->latched = (bus->latched & ~value) | sources(bus);
    } else if (at != CONTROL || (value & ~(uint32_t)(ENABLED | CLEARS | CLEARS_SETTINGS)) != 0) {
        return refuse(error, "a register, or a bit, of the interrupt controller", offset, value);
    } else {
        bus->tells = (value & ENABLED) != 0;
        bus->latched = (value & CLEARS) != 0 ? 0 : bus->latched;
        if ((value & CLEARS_SETTINGS) != 0) {
            reset_interrupts(bus);
        }
    }
    return NJ_NPU_OK;
}

static enum nj_npu_status write_controller(struct nj_npu_bus *bus, uint32_t offset, uint32_t value,
                                           struct nj_npu_error *error)
{
    const uint32_t at = offset % NJ_NPU_PAGE;
    const uint32_t known = ENABLED | CLEARS | CLEARS_ITSELF | CLEARS_SETTINGS | RUNNING;
    if (at == EVENTS) {
        bus->controller.events &= ~value;
        return NJ_NPU_OK;
    }
    if (bus->controller.running) { /* to stop it would lose its program */
        return refuse(error, "a register of the running epoch controller", offset, value);
    }
    if (at == ADDRESS) {
        if (value % 8 != 0) {
            return refuse(error, "a program that does not begin at a multiple of 8", offset, value);
        }
        bus->controller.address = value;
        return NJ_NPU_OK;
    }
    if (at == CACHE && (value & ~(uint32_t)CACHE_BITS) == 0) {
        bus->controller.cache = value;
        return NJ_NPU_OK;
    }
    if (at != CONTROL || (value & ~known) != 0) {
        return refuse(error, "a register, or a bit, of the epoch controller", offset, value);
    }
    const bool enabled = (value & ENABLED) != 0;
    bus->controller.running = enabled && !bus->controller.enabled && (value & CLEARS) == 0;
    bus->controller.enabled = enabled;
    bus->controller.clears = (value & CLEARS_ITSELF) != 0;
    bus->controller.events = (value & CLEARS) != 0 ? 0 : bus->controller.events;
    bus->controller.address = (value & CLEARS_SETTINGS) != 0 ? 0 : bus->controller.address;
    return NJ_NPU_OK;
}

static bool is_interface(uint32_t page)
{
    return page >= INTERFACES && page < INTERFACES + NJ_NPU_INTERFACES;
}

enum nj_npu_status nj_npu_bus_write(struct nj_npu_bus *bus, uint32_t offset, uint32_t value,
                                    struct nj_npu_error *error)
{
    const uint32_t page = offset / NJ_NPU_PAGE;
    *error = (struct nj_npu_error){0};
    if (page == INTERRUPTS) {
        return write_interrupts(bus, offset, value, error);
    }
    if (page == CONTROLLER) {
        return write_controller(bus, offset, value, error);
    }
    if (is_interface(page)) {
        if (offset % NJ_NPU_PAGE != CONTROL || (value & ~(uint32_t)(ENABLED | CLEARS)) != 0) {
            return refuse(error, "a register, or a bit, of a bus interface", offset, value);
        }
        bus->open[page - INTERFACES] = (value & ENABLED) != 0;
        return NJ_NPU_OK;
    }
    const uint32_t engine = told_by(offset);
    if (engine < NJ_NPU_STREAMS) { /* what is written as one is taken back */
        *told(bus, engine) &= ~value;
        return NJ_NPU_OK;
    }
    return nj_npu_register_write(&bus->registers, offset, value, error);
}

static bool read_interrupts(const struct nj_npu_bus *bus, uint32_t at, uint32_t *value)
{
    const uint32_t *mask = mask_at((struct nj_npu_bus *)bus, at);
    if (mask != NULL) {
        *value = *mask;
    } else if (at == CONTROL) {
        *value = bus->tells ? ENABLED : 0;
    } else if (at == VERSION) {
        *value = INTERRUPTS_VERSION;
    } else {
        *value = bus->latched;
        return at == LATCHED || at == SET || at == CLEAR;
    }
    return true;
}

static bool read_controller(const struct nj_npu_bus *bus, uint32_t at, uint32_t *value)
{
    switch (at) {
    case CONTROL:
        *value = (bus->controller.enabled ? ENABLED : 0) | (bus->controller.running ? RUNNING : 0) |
                 (bus->controller.clears ? CLEARS_ITSELF : 0);
        return true;
    case VERSION: *value = CONTROLLER_VERSION; return true;
    case CACHE: *value = bus->controller.cache; return true;
    case ADDRESS: *value = bus->controller.address; return true;
    case EVENTS: *value = bus->controller.events; return true;
    case MARK: *value = bus->controller.mark; return true;
    case COUNT: *value = bus->controller.count & COUNT_BITS; return true;
    default: return false;
    }
}

enum nj_npu_status nj_npu_bus_read(const struct nj_npu_bus *bus, uint32_t offset, uint32_t *value,
                                   struct nj_npu_error *error)
{
    const uint32_t page = offset / NJ_NPU_PAGE;
    const uint32_t at = offset % NJ_NPU_PAGE;
    bool found;
    *error = (struct nj_npu_error){0};
    *value = 0;
    if (page == INTERRUPTS) {
        found = read_interrupts(bus, at, value);
    } else if (page == CONTROLLER) {
        found = read_controller(bus, at, value);
    } else if (is_interface(page)) {
        found = at == CONTROL || at == VERSION || at == ERRORS;
        *value = at == VERSION                                         ? INTERFACE_VERSION
                 : at == CONTROL && bus->open[page - INTERFACES] ? ENABLED
                                                                 : 0;
    } else {
        return nj_npu_register_read(&bus->registers, offset, value, error);
    }
    return found ? NJ_NPU_OK : refuse(error, "an unknown register", offset, 0);
}

bool nj_npu_bus_busy(const struct nj_npu_bus *bus)
{
    return bus->controller.running || nj_npu_registers_complete(&bus->registers);
}

const char *nj_npu_bus_waits_for(const struct nj_npu_bus *bus)
{
    const uint32_t clocks = nj_npu_field_of(&bus->registers, NJ_NPU_FIELD_CLOCKS_UNITS, 0);
    if (bus->controller.running && (clocks >> NJ_NPU_CONTROLLER_CLOCK & 1) == 0) {
        return "the epoch controller has no clock (bit 25 of CLKCTRL_BGATES is 0)";
    }
    for (unsigned i = 0; i < NJ_NPU_INTERFACES; i++) {
        if (!bus->open[i]) {
            return i == 0 ? "bus interface 0 is off (BUSIF0_CTRL)"
                          : "bus interface 1 is off (BUSIF1_CTRL)";
        }
    }
    return NULL;
}

/* An epoch that is run on behalf of a bus. */
struct work {
    struct nj_npu_bus *bus;
    const struct nj_npu_machine *machine;
    struct nj_npu_job *job;
};

static void ended(void *context, uint32_t engines)
{
    const struct work *work = context;
    for (unsigned i = 0; i < NJ_NPU_STREAMS; i++) {
        if ((engines >> i & 1) != 0) {
            *told(work->bus, i) |= 1u << LAST_FRAME;
        }
    }
    if (work->machine->interrupt != NULL) {
        work->machine->interrupt(work->machine->context, engines);
    }
}

static uint8_t *window_of(void *context, uint32_t address, uint32_t size, bool writes)
{
    const struct work *work = context;
    return work->machine->window(work->machine->context, address, size, writes);
}

static enum nj_npu_status run(void *context, uint32_t number, const struct nj_npu_epoch *epoch,
                              struct nj_npu_error *error)
{
    const struct work *work = context;
    struct nj_npu_machine machine = *work->machine;
    machine.context = context;
    machine.window = window_of;
    machine.interrupt = ended;
    if (nj_npu_run(epoch, &machine, &work->job->outcome) != NJ_NPU_OK) {
        *error = work->job->outcome.error;
        return error->status;
    }
    work->bus->latched |= sources(work->bus);
    if (work->job->ran != NULL) {
        work->job->ran(work->job->context, number);
    }
    return NJ_NPU_OK;
}

static enum nj_npu_status run_program(struct work *work, struct nj_npu_error *error)
{
    struct nj_npu_bus *bus = work->bus;
    const uint32_t at = bus->controller.address;
    const uint8_t *head = window_of(work, at, 8, false);
    uint32_t words[2] = {0, 0};
    *error = (struct nj_npu_error){
        NJ_NPU_MEMORY, {NJ_NPU_NOTHING, 0, 0}, "the address of a program", at, at};
    if (head == NULL) {
        return error->status;
    }
    memcpy(words, head, sizeof words);
    const uint32_t rest = words[0] == NJ_NPU_PROGRAM_MAGIC ? words[1] : 0; /* else it has none */
    const uint8_t *all =
        rest < UINT32_MAX / 4 - 2 ? window_of(work, at, 4 * (rest + 2), false) : NULL;
    if (all == NULL) {
        error->field = "the length of a program";
        error->value = rest;
        return error->status;
    }
    struct nj_npu_controller controller = {.registers = &bus->registers,
                                           .epoch = &work->job->epoch,
                                           .run = run,
                                           .context = work};
    (void)nj_npu_program_run(&controller, (const uint32_t *)(const void *)all, rest + 2, error);
    bus->controller.mark = controller.number;
    bus->controller.count = controller.count;
    return error->status;
}

enum nj_npu_status nj_npu_bus_work(struct nj_npu_bus *bus, const struct nj_npu_machine *machine,
                                   struct nj_npu_job *job, struct nj_npu_error *error)
{
    struct work work = {bus, machine, job};
    *error = (struct nj_npu_error){0};
    if (bus->controller.running) {
        if (run_program(&work, error) == NJ_NPU_OK) {
            bus->controller.running = false;
            bus->controller.enabled = bus->controller.enabled && !bus->controller.clears;
            bus->controller.events |= PROGRAM_ENDED;
            bus->latched |= sources(bus);
        }
        return error->status;
    }
    if (nj_npu_registers_decode(&bus->registers, &job->epoch, error) == NJ_NPU_OK &&
        run(&work, 0, &job->epoch, error) == NJ_NPU_OK) {
        nj_npu_registers_finish(&bus->registers);
    }
    return error->status;
}

uint32_t nj_npu_bus_lines(const struct nj_npu_bus *bus)
{
    uint32_t lines = 0;
    for (unsigned i = 0; bus->tells && i < NJ_NPU_LINES; i++) {
        const uint32_t together = ~bus->all[i];
        if ((bus->latched & ~bus->any[i]) != 0 ||
            (together != 0 && (bus->latched & together) == together)) {
            lines |= 1u << i;
        }
    }
    return lines;
}
