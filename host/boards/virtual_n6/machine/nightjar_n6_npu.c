/*
 * The NPU at 0x580E0000: clock, reset, interrupts and what its masters reach are the chip's and here. What registers mean and what
 * epochs and programs compute is the executor's (host/npu/device, MIT), compiled in as it is.
 *
 * What is started is worked on a little later, all at once, so that firmware sleeps or looks too early before it is done.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "nightjar_n6.h"
#include "nj_layout.h"
#include "nj_npu_bus.h"
#include <sys/mman.h>
#include "hw/core/cpu.h"
#include "hw/irq.h"
#include "exec/address-spaces.h"
#include "qemu/timer.h"
#if __has_include("system/system.h") /* as of QEMU 10.0 */
#include "system/qtest.h"
#else
#include "sysemu/qtest.h"
#endif

#define BASE 0x580E0000
#define AHB5ENR 0x260
#define AHB5LPENR 0x2A0
#define CLOCK_BIT 31
#define XSPI1_BIT 5
#define XSPI2_BIT 12
#define INTERRUPT 53 /* of line 0 */
#define WORK_NS 20000
#define SCRATCH_BYTES (1ull << 30)

static struct {
    N6 *chip;
    struct nj_npu_bus bus;
    struct nj_npu_job job;
    uint8_t *scratch, *zeros, *waste;
    QEMUTimer *timer;
    qemu_irq lines[NJ_NPU_LINES];
    MemoryRegion memory;
    bool held; /* in reset by RCC_AHB5RSTR */
    bool starved; /* what is being worked on needs a memory that does not answer now */
    uint32_t started_by; /* where the instruction lies that started what is to be done */
} npu;

static bool by_debugger(void)
{
    return !current_cpu && !qtest_enabled();
}

static G_NORETURN void end(const struct nj_npu_error *error, const char *doing)
{
    g_autofree char *unit = error->where.kind == NJ_NPU_NOTHING ? g_strdup("NPU")
                            : g_strdup_printf("NPU: %s %u", nj_npu_kind_name(error->where.kind), error->where.unit);
    g_autofree char *text =
        g_strdup_printf("%s: %s: %s: %s = %" PRId64 " at %08x", unit, doing, nj_npu_status_text(error->status),
                        error->field ? error->field : "?", error->value,
                        error->status == NJ_NPU_REGISTER ? BASE + error->address : error->address);

    n6_end(npu.chip, npu.started_by, text);
}

/* Why nothing can be done now, to be freed; NULL where it can. */
static char *waits_for(void)
{
    const char *why;

    if (!n6_clocked(npu.chip, AHB5ENR, CLOCK_BIT)) {
        return g_strdup("it has no clock (bit 31 of RCC_AHB5ENR is 0)");
    }
    if (first_cpu->halted && !n6_clocked(npu.chip, AHB5LPENR, CLOCK_BIT)) {
        return g_strdup("the core sleeps, and its sleep clock is off (bit 31 of RCC_AHB5LPENR)");
    }
    why = nj_npu_bus_waits_for(&npu.bus);
    return why ? g_strdup(why) : NULL;
}

static void update_lines(void)
{
    uint32_t lines = nj_npu_bus_lines(&npu.bus);

    for (unsigned i = 0; i < NJ_NPU_LINES; i++) {
        qemu_set_irq(npu.lines[i], lines >> i & 1);
    }
}

/* Addresses, no memory until it is used. */
static uint8_t *lent(uint8_t **kept)
{
    if (!*kept) {
        *kept = mmap(NULL, SCRATCH_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        g_assert(*kept != MAP_FAILED);
    }
    return *kept;
}

/* What a master that is kept from memory sees in its place: zeros, or where its writes are lost. */
static uint8_t *nothing(uint32_t size, bool writes)
{
    return size <= SCRATCH_BYTES ? lent(writes ? &npu.waste : &npu.zeros) : NULL;
}

/* Whether the memory behind XSPI1 or XSPI2 does not answer, since the controller's clock went when the core fell asleep. */
static bool sleeps(uint32_t address)
{
    bool first = address >= NJ_PSRAM;
    unsigned bit = first ? XSPI1_BIT : XSPI2_BIT;

    if (!first_cpu->halted || n6_clocked(npu.chip, AHB5LPENR, bit)) {
        return false;
    }
    n6_note(npu.chip, "NPU: what was started waits: for %08x, since the core sleeps, and the sleep clock of XSPI%d is off (bit %u of "
            "RCC_AHB5LPENR)", address, first ? 1 : 2, bit);
    return true;
}

/* Where its masters find [address, address + size), NULL where nothing is. They do not reach the core's own memories. */
static uint8_t *reach(void *opaque, uint32_t address, uint32_t size, bool writes)
{
    uint32_t at = address | 0x10000000, all = NJ_AXISRAM6 + NJ_AXISRAM3_TO_6_EACH_BYTES - NJ_AXISRAM1;
    uint8_t *found = NULL;

    if (npu.starved && writes) { /* it does not come that far */
        return nothing(size, writes);
    }
    if (!n6_rif_trusts_npu(npu.chip)) {
        n6_note(npu.chip, "NPU: what it reads is zero and what it writes is lost: its masters are not secure, privileged and of "
                "compartment 1 (RIFSC_RIMC_ATTR1)");
        return nothing(size, writes);
    }
    if (at >= NJ_AXISRAM1 && at - NJ_AXISRAM1 < all && size <= all - (at - NJ_AXISRAM1)) {
        uint32_t first, from = at - NJ_AXISRAM1;
        uint32_t dead = n6_rams_hide(npu.chip, "the NPU", from, size), kept = n6_rif_hides(npu.chip, "the NPU", from, size, writes);

        if (dead == size || kept == size) {
            return nothing(size, writes);
        }
        if (dead || kept) {
            n6_end(npu.chip, npu.started_by, "NPU: a frame lies partly in memory that it reaches and partly in memory that it "
                   "does not: what becomes of it, no source says");
        }
        if (!writes && n6_overlay_differs(from, size, &first)) {
            n6_note(npu.chip, "NPU: it reads what memory holds, and not what the core has written from %08x on: the data cache "
                    "was not written back (DCCMVAC)", first);
        }
        return n6_overlay_memory(npu.chip) + from;
    }
    if (address >= NJ_NOR) { /* the windows of XSPI1 and 2, while they are mapped */
        MemoryRegionSection section = memory_region_find(get_system_memory(), address, size);

        if (section.mr) {
            if (memory_region_is_ram(section.mr) && !(writes && section.readonly) && int128_get64(section.size) == size) {
                found = (uint8_t *)memory_region_get_ram_ptr(section.mr) + section.offset_within_region;
            }
            memory_region_unref(section.mr);
        }
        npu.starved = npu.starved || (found && sleeps(address));
    }
    return found;
}

static void work(void *opaque)
{
    static struct nj_npu_bus before;
    struct nj_npu_machine machine = {
        .window = reach, .tie = NJ_NPU_HALF_AWAY, .scratch_bytes = SCRATCH_BYTES,
    };
    struct nj_npu_error error;
    g_autofree char *why = NULL;
    bool worked;

    if (!nj_npu_bus_busy(&npu.bus)) {
        return;
    }
    why = waits_for();
    if (why) { /* until it is looked at again */
        n6_note(npu.chip, "NPU: what was started waits: %s", why);
        return;
    }
    n6_update_memories(npu.chip);
    machine.scratch = lent(&npu.scratch);
    n6_overlay_share(true);
    before = npu.bus;
    npu.starved = false;
    worked = nj_npu_bus_work(&npu.bus, &machine, &npu.job, &error) == NJ_NPU_OK;
    if (npu.starved) { /* from its start, when it is looked at again */
        npu.bus = before;
    } else if (!worked) {
        end(&error, npu.bus.controller.running ? "a program" : "an epoch");
    }
    n6_overlay_share(false);
    update_lines();
}

void n6_npu_update(N6 *chip)
{
    if (nj_npu_bus_busy(&npu.bus) && !timer_pending(npu.timer)) {
        timer_mod(npu.timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + WORK_NS);
    }
}

/* Whether an access finds nobody. */
static bool dead(const char *how)
{
    if (npu.held) {
        n6_note(npu.chip, "NPU: a register was %s while the block is held in reset: bit 31 of RCC_AHB5RSTR is 1", how);
        return true;
    }
    if (!n6_clocked(npu.chip, AHB5ENR, CLOCK_BIT)) {
        n6_note(npu.chip, "NPU: a register was %s while the block has no clock: bit 31 of RCC_AHB5ENR is 0", how);
        return true;
    }
    return false;
}

static uint64_t npu_read(void *opaque, hwaddr at, unsigned size)
{
    struct nj_npu_error error;
    uint32_t value = 0;

    if (by_debugger()) {
        (void)nj_npu_bus_read(&npu.bus, at, &value, &error);
        return value;
    }
    if (dead("read")) {
        return 0;
    }
    if (nj_npu_bus_read(&npu.bus, at, &value, &error) != NJ_NPU_OK) {
        npu.started_by = n6_program_counter();
        end(&error, "a read");
    }
    n6_npu_update(npu.chip);
    return value;
}

static void npu_write(void *opaque, hwaddr at, uint64_t value, unsigned size)
{
    struct nj_npu_error error;
    bool busy = nj_npu_bus_busy(&npu.bus);

    if (by_debugger() || dead("written")) {
        return;
    }
    if (n6_data_cache()) { /* what was written before counts as memory: a debugger may have put it there */
        n6_overlay_begin(npu.chip);
    }
    if (nj_npu_bus_write(&npu.bus, at, value, &error) != NJ_NPU_OK) {
        npu.started_by = n6_program_counter();
        end(&error, "a write");
    }
    if (!busy && nj_npu_bus_busy(&npu.bus)) {
        npu.started_by = n6_program_counter_in_passing();
    }
    update_lines();
    n6_npu_update(npu.chip);
}

static const MemoryRegionOps npu_ops = {
    .read = npu_read, .write = npu_write, .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 4, .max_access_size = 4},
};

void n6_npu_reset(N6 *chip)
{
    nj_npu_bus_reset(&npu.bus);
    npu.held = false;
    timer_del(npu.timer);
    update_lines();
}

void n6_npu_reset_line(N6 *chip, uint32_t held)
{
    bool now = held >> CLOCK_BIT & 1;

    if (now && !npu.held) {
        n6_npu_reset(chip);
    }
    npu.held = now;
}

void n6_npu_start(N6 *chip, MemoryRegion *peripherals)
{
    npu.chip = chip;
    npu.timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, work, NULL);
    for (unsigned i = 0; i < NJ_NPU_LINES; i++) {
        npu.lines[i] = qdev_get_gpio_in(DEVICE(&chip->cpu), INTERRUPT + i);
    }
    memory_region_init_io(&npu.memory, NULL, &npu_ops, NULL, "NPU", NJ_NPU_SPACE);
    memory_region_add_subregion(peripherals, BASE & 0x0FFFFFFF, &npu.memory);
}
