/* XSPI2: HCLK5 / 2 = 50 MHz, which needs no fuse (HSLV) and no tuned delay; single edges, so that a byte lies in the NOR as
 * the boot ROM reads it, and no two bytes are swapped.
 * SPDX-License-Identifier: MIT
 */
#include "nj_xspi.h"

#include "nj_board.h"

#define ALTERNATE 2u
#define FUNCTION_XSPIM 9u
#define SELECT_CYCLES 2u /* that the memory is left alone between two instructions, at least */
/* Looks at a flag. Each takes longer than the 10 ns of a clock cycle, and no instruction of ours has 100,000 of them. */
#define LOOKS 1000000u

/* PN0 DQS, PN1 select, PN2 to PN5 data 0 to 3, PN6 clock, PN8 to PN11 data 4 to 7. */
static void take_pins(void) {
    RCC_AHB4ENSR = RCC_AHB4_GPION;
    (void)RCC_AHB4ENR; /* the enable has arrived when it can be read */
    uint32_t twos = 0, fives = 0, low = 0, high = 0, low_mask = 0, high_mask = 0;
    for (uint32_t pin = 0; pin < 12; ++pin) {
        if (pin == 7) {
            continue;
        }
        twos |= 3u << (2u * pin);
        fives |= ALTERNATE << (2u * pin);
        if (pin < 8) {
            low |= FUNCTION_XSPIM << (4u * pin);
            low_mask |= 15u << (4u * pin);
        } else {
            high |= FUNCTION_XSPIM << (4u * (pin - 8u));
            high_mask |= 15u << (4u * (pin - 8u));
        }
    }
    GPION_OSPEEDR = GPION_OSPEEDR | twos;
    GPION_OTYPER = GPION_OTYPER & ~0xF7Fu;
    GPION_PUPDR = (GPION_PUPDR & ~twos) | 1u << 2; /* the select line is high while nobody drives it */
    GPION_AFRL = (GPION_AFRL & ~low_mask) | low;
    GPION_AFRH = (GPION_AFRH & ~high_mask) | high;
    GPION_MODER = (GPION_MODER & ~twos) | fives;
}

static bool wait_for(uint32_t flag, uint32_t value) {
    for (uint32_t look = 0; look < LOOKS; ++look) {
        if ((XSPI2_SR & flag) == value) {
            return true;
        }
    }
    return false;
}

/* End the mapping, in which nothing but this may be written: a load may have left the controller at work. */
static bool unmap(void) {
    if ((XSPI2_CR & XSPI_CR_MODE) == XSPI_CR_MAPPED) {
        XSPI2_CR = XSPI2_CR | XSPI_CR_ABORT;
        for (uint32_t look = 0; look < LOOKS && (XSPI2_CR & XSPI_CR_ABORT) != 0; ++look) {
        }
    }
    const bool idle = wait_for(XSPI_SR_BUSY, 0);
    XSPI2_FCR = XSPI_SR_TCF; /* which an abort sets, too */
    return idle;
}

void nj_xspi_start(uint32_t log2_bytes) {
    PWR_SVMCR3 = PWR_SVMCR3 | PWR_SVMCR3_VDDIO3VRSEL; /* both boards feed the NOR with 1.8 V */
    take_pins();
    RCC_CCIPR6 = RCC_CCIPR6 & ~RCC_CCIPR6_XSPI2SEL;
    RCC_AHB5ENSR = RCC_AHB5_XSPI2 | RCC_AHB5_XSPIM;
    (void)RCC_AHB5ENR;
    /* The boot ROM, a first stage or a debugger's loader was here: what they set, and what is not set below, goes. */
    RCC_AHB5RSTSR = RCC_AHB5_XSPI2;
    (void)RCC_AHB5RSTR;
    RCC_AHB5RSTCR = RCC_AHB5_XSPI2;
    (void)RCC_AHB5RSTR;
    XSPI2_DCR1 = XSPI_DCR1_MACRONIX | XSPI_DCR1_SIZE(log2_bytes) | XSPI_DCR1_CSHT(SELECT_CYCLES);
    XSPI2_DCR2 = XSPI_DCR2_PRESCALER(2); /* begins a calibration, for which BUSY stands */
}

/* Everything but the address, which starts an instruction that has one. `data`: whether bytes follow. */
static void give(const struct nj_xspi_command *command, bool data) {
    const uint32_t lines = command->lines == NJ_XSPI_ONE ? XSPI_ONE_LINE : XSPI_EIGHT_LINES;
    uint32_t how = XSPI_CCR_INSTRUCTION(lines);
    uint32_t instruction = command->instruction;
    if (command->lines != NJ_XSPI_ONE) {
        how |= XSPI_CCR_TWO_BYTES | (command->lines == NJ_XSPI_EIGHT_BOTH_EDGES ? XSPI_CCR_TWO_EDGES : 0);
        instruction = instruction << 8 | (~instruction & 0xFFu);
    }
    how |= command->addressed ? XSPI_CCR_ADDRESS(lines) : 0;
    how |= data ? XSPI_CCR_DATA(lines) : 0;
    XSPI2_TCR = command->dummy | (command->lines == NJ_XSPI_EIGHT_BOTH_EDGES ? XSPI_TCR_HOLD : XSPI_TCR_SHIFT);
    XSPI2_CCR = how;
    XSPI2_IR = instruction;
}

/* Ready for an instruction in an indirect mode, with `count` bytes. */
static bool begin(uint32_t mode, uint32_t count) {
    if (!unmap()) {
        return false;
    }
    XSPI2_CR = XSPI_CR_EN | mode;
    XSPI2_DLR = count == 0 ? 0 : count - 1u;
    return true;
}

static bool end(void) {
    const bool complete = wait_for(XSPI_SR_TCF, XSPI_SR_TCF);
    XSPI2_FCR = XSPI_SR_TCF;
    return complete && wait_for(XSPI_SR_BUSY, 0);
}

bool nj_xspi_write(const struct nj_xspi_command *command, const uint8_t *bytes, uint32_t count) {
    if (!begin(XSPI_CR_WRITE, count)) {
        return false;
    }
    give(command, count != 0);
    if (command->addressed) {
        XSPI2_AR = command->address;
    }
    for (uint32_t i = 0; i < count; ++i) {
        if (!wait_for(XSPI_SR_FTF, XSPI_SR_FTF)) {
            return false;
        }
        XSPI2_DR_BYTE = bytes[i];
    }
    return end();
}

bool nj_xspi_read(const struct nj_xspi_command *command, uint8_t *bytes, uint32_t count) {
    if (!begin(XSPI_CR_READ, count)) {
        return false;
    }
    give(command, true);
    if (command->addressed) {
        XSPI2_AR = command->address;
    }
    for (uint32_t i = 0; i < count; ++i) {
        if (!wait_for(XSPI_SR_FTF, XSPI_SR_FTF)) {
            return false;
        }
        bytes[i] = XSPI2_DR_BYTE;
    }
    return end();
}

void nj_xspi_map(const struct nj_xspi_command *command) {
    (void)unmap(); /* one that does not end is read as it is, which the caller holds against what it wants */
    XSPI2_CR = XSPI_CR_EN | XSPI_CR_READ; /* while the instruction is given, no load starts it */
    give(command, true);
    XSPI2_CR = XSPI_CR_EN | XSPI_CR_MAPPED;
    __asm__ volatile("dsb" : : : "memory");
}
