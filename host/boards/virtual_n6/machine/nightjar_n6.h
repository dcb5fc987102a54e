/*
 * The parts of the virtual STM32N6.
 *
 * Built as part of QEMU and derived from how its machines are written.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NIGHTJAR_N6_H
#define NIGHTJAR_N6_H

#include "qemu/osdep.h"
#include "chardev/char-fe.h"
#include "exec/memory.h"
#include "hw/arm/armv7m.h"
#include "hw/boards.h"
#include "hw/clock.h"

typedef struct N6 N6;
typedef struct N6Block N6Block;

/* A register: what it is after a reset, the bits that exist, and those of them that firmware can change. */
typedef struct {
    uint32_t offset;
    uint32_t reset;
    uint32_t known;
    uint32_t writable;
    const char *name;
    /* Whether +0x800 sets and +0x1000 clears bits of it. */
    bool set_clear;
    /* A stretch of equal registers: how many, and how far apart. 0 is one. */
    unsigned count;
    uint32_t stride;
} N6Register;

/* A block of registers; an access to one that is not in its list ends the run. */
struct N6Block {
    N6 *chip;
    const char *name;
    uint32_t base; /* secure alias */
    uint32_t size;
    const N6Register *registers;
    unsigned registers_count;
    uint32_t clock; /* offset of the enable register in RCC, 0: always clocked */
    uint32_t clock_bit;
    /* Optional: what a read gives in place of what was written, and what a write does; `offset` within the block. */
    uint32_t (*read)(N6 *chip, uint32_t offset, uint32_t value);
    void (*written)(N6 *chip, uint32_t offset, uint32_t before, uint32_t value);
    MemoryRegion memory;
    uint32_t values[0x500];
};

/* One of AXISRAM1 to 6. */
typedef struct {
    N6 *chip;
    unsigned number;
    uint8_t *content;
    MemoryRegion cover;
} N6Ram;

#define N6_OFF INT64_MIN
#define N6_DBGCR_OPEN 0xB451B400
#define N6_AP_UNLOCK_OPEN 0xB4
#define N6_FIFO 8
#define N6_LINE 65536

struct N6 {
    ARMv7MState cpu;
    AddressSpace core_space;
    Clock *cpu_clock, *reference_clock;
    N6Block *blocks[40];
    unsigned blocks_count;
    /* AXISRAM1 to 6: each with what covers it while it has no power or no clock. */
    N6Ram rams[6];
    /* RCC: when each oscillator or PLL was switched on, in virtual ns; N6_OFF is off. */
    int64_t on_since[32];
    /* And when it was switched off; it stops a little later. */
    int64_t off_since[32];
    /* Where the core's clock and the system's come from now, and since when their switches have had another one to go to. */
    unsigned core_from, system_from;
    int64_t core_goes, system_goes;
    QEMUTimer *clock_timer;
    /* PWR: when the supply was chosen, and when the higher voltage was asked for; N6_OFF is not. */
    int64_t supplied_since, raised_since;
    bool is_nucleo;
    /* USART1: what is on its way, what has arrived. */
    CharBackend line;
    uint8_t coming[N6_LINE];
    unsigned coming_first, coming_count;
    /* What the other end has not taken yet, and whether we are told when it can. */
    uint8_t going[N6_LINE];
    unsigned going_count;
    bool flushing;
    uint8_t fifo[N6_FIFO];
    unsigned fifo_count;
    int64_t sent; /* when its last byte has left, in virtual ns */
    bool unseen; /* no look at TC has told so since */
    bool overrun;
    QEMUTimer *bit_timer;
    qemu_irq usart_irq;
    char unique;
    bool boots_flash; /* whether the switches say so */
    bool powered; /* whether there was a reset since the power-on */
};

/* End the run: what firmware did that the chip has no answer to. */
G_NORETURN void n6_punish(N6 *chip, const char *where, uint32_t address, const char *what, uint32_t value);

/* Where the instruction under way lies; 0 where no core is at work. */
uint32_t n6_program_counter(void);
/* The same where the run goes on: the core's state, and with it the count of instructions, is left as it is. */
uint32_t n6_program_counter_in_passing(void);

/* Say on the standard error, once until a reset, what silicon would bear in silence. */
void n6_note(N6 *chip, const char *format, ...) G_GNUC_PRINTF(2, 3);
void n6_forget_notes(void);

/* As n6_punish, where it is no access to a register that does it: between two instructions, at `pc`. */
G_NORETURN void n6_end(N6 *chip, uint32_t pc, const char *what);

N6Block *n6_add_block(N6 *chip, MemoryRegion *system, const N6Block *what);
uint32_t *n6_value(N6 *chip, uint32_t address);
void n6_reset_blocks(N6 *chip);

void n6_rcc_start(N6 *chip, MemoryRegion *system);
void n6_rcc_reset(N6 *chip);
uint32_t n6_cpu_hz(N6 *chip);
uint32_t n6_hclk_hz(N6 *chip);
uint32_t n6_apb2_hz(N6 *chip);
const char *n6_rcc_name(uint32_t offset);
bool n6_clocked(N6 *chip, uint32_t enable_register, uint32_t bit);
void n6_update_memories(N6 *chip);

/* PWR: the supplies. What the core may run at now, and why no faster. */
void n6_power_start(N6 *chip, MemoryRegion *system);
void n6_power_reset(N6 *chip);
uint32_t n6_power_limit_hz(N6 *chip, const char **why);
/* Hold the clocks against what may be, after a time or a write. */
void n6_rcc_update(N6 *chip);

/* RIFSC and RISAF. */
void n6_rif_start(N6 *chip, MemoryRegion *peripherals, MemoryRegion *rams, uint8_t *content);
void n6_rif_reset(N6 *chip);
bool n6_rif_trusts_npu(N6 *chip); /* whether RIMC has its masters as the core */
bool n6_rif_trusts_sdmmc2(N6 *chip);
/* Of a stretch of AXISRAM, how many bytes give zero to `master`, or forget what it writes: by their RISAF; without power or clock. */
uint32_t n6_rif_hides(N6 *chip, const char *master, uint32_t from, uint32_t bytes, bool write);
uint32_t n6_rams_hide(N6 *chip, const char *master, uint32_t from, uint32_t bytes);

/* A master that moves bytes; where it is not trusted, why. */
typedef struct {
    const char *name;
    bool trusted;
    const char *untrusted;
} N6Master;

/* Before anything that one may be told: from now on it may see other memory than the core. */
void n6_master_begin(N6 *chip);
bool n6_master_may_reach(uint32_t address, uint32_t size);
/* Move bytes, as the memory behind the core's cache is. False: nothing is there, a bus error. */
bool n6_master_read(N6 *chip, const N6Master *master, uint32_t address, void *data, uint32_t size);
bool n6_master_write(N6 *chip, const N6Master *master, uint32_t address, const void *data, uint32_t size);

/* What target/arm tells: exceptions, sleep, exclusive accesses. */
void n6_watch_start(N6 *chip);
void n6_watch_reset(N6 *chip, bool starts);

void n6_rams_start(N6 *chip, MemoryRegion *peripherals, MemoryRegion *system);
void n6_tcms_start(N6 *chip, MemoryRegion *system);
void n6_rubbish(uint8_t *content, uint32_t bytes); /* what memory holds since the power-on */
void n6_others_start(N6 *chip, MemoryRegion *system);
void n6_core_start(N6 *chip);
void n6_caches_start(N6 *chip);
bool n6_data_cache(void); /* whether it is on, or holds what memory does not */
/* AXISRAM behind the data cache: from when on it may differ, and until when. */
void n6_overlay_begin(N6 *chip);
void n6_overlay_end(void);
void n6_overlay_forget(void); /* a reset */
/* A line, by its address, or all lines of a set; whether what the core had written is lost. */
bool n6_overlay_line(uint32_t address, bool writes_back, bool drops);
void n6_overlay_set(unsigned set, bool drops);
bool n6_overlay_differs(uint32_t from, uint32_t bytes, uint32_t *first); /* whether the core has written there, and where first */
uint8_t *n6_overlay_memory(N6 *chip); /* what masters other than the core see of AXISRAM */
void n6_overlay_share(bool to_memory); /* what the core does not have cached: before they look, and behind their writing */
void n6_usart_start(N6 *chip, MemoryRegion *system, Chardev *line);
void n6_usart_reset(N6 *chip);
bool n6_usart_may_send(N6 *chip); /* for all that firmware has seen of TC */

/* The NPU. */
void n6_npu_start(N6 *chip, MemoryRegion *peripherals);
void n6_npu_reset(N6 *chip);
void n6_npu_reset_line(N6 *chip, uint32_t held); /* RCC_AHB5RSTR */
void n6_npu_update(N6 *chip); /* let what waited for a clock go on */

/* SDMMC2, and a card that is an image file; NULL is none. */
void n6_sdmmc_start(N6 *chip, MemoryRegion *peripherals, const char *image);
void n6_sdmmc_reset(N6 *chip);
void n6_sdmmc_reset_line(N6 *chip, uint32_t held); /* RCC_AHB5RSTR */

/* MDF1 with a microphone, and the WAV file that it hears; NULL is silence. GPDMA1, and a peripheral's request to move half a word
 * from its register: whether it was moved. */
void n6_mdf_start(N6 *chip, MemoryRegion *peripherals, const char *recording);
void n6_mdf_reset(N6 *chip);
void n6_gpdma_start(N6 *chip, MemoryRegion *peripherals);
void n6_gpdma_reset(N6 *chip);
bool n6_gpdma_request(N6 *chip, unsigned request, uint32_t source, uint16_t data);

uint64_t n6_ic_hz(N6 *chip, unsigned ic);
/* XSPI1, XSPI2 and their multiplexer (nightjar_n6_xspi.h). */
void n6_xspi_reset(N6 *chip);
void n6_xspi_reset_lines(N6 *chip, uint32_t held); /* RCC_AHB5RSTR */
void n6_xspi_update(N6 *chip); /* hold the windows against clocks and supplies */

/* The boot ROM: waits for a debugger, or starts what it finds in the NOR. */
void n6_boot_rom_start(N6 *chip, MemoryRegion *system);
bool n6_boot_rom_reset(N6 *chip); /* whether anything is started that is not its own loop */

#endif
