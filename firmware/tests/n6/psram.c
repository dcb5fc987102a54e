/* A program that maps the STM32N6570-DK's PSRAM, fills 1 MiB of it through the window and reads it back. It ends in a loop with
 * r4 FOUND and r5 the number of words that differ, or r4 ABSENT and r5 what the memory said in place of its name.
 * SPDX-License-Identifier: MIT
 */
#include "nj_end.h"

#define FOUND 0x600Du
#define ABSENT 0x0FF0u
#define WORDS (0x100000u / 4u)
#define WRITE_REGISTER 0xC0u
#define READ_REGISTER 0x40u
#define WRITE_LINEAR 0xA0u
#define READ_LINEAR 0x20u
#define NAME 0xDF8Du /* MR1 and MR2 */

#define GPIOO(offset) NJ_REGISTER(0x56023800u + (offset))
#define GPIOP(offset) NJ_REGISTER(0x56023C00u + (offset))
#define MODER 0x00u
#define OSPEEDR 0x08u
#define AFRL 0x20u
#define AFRH 0x24u
#define XSPI1(offset) NJ_REGISTER(0x58025000u + (offset))
#define CR XSPI1(0x000)
#define DCR1 XSPI1(0x008)
#define DCR3 XSPI1(0x010)
#define DCR4 XSPI1(0x014)
#define SR XSPI1(0x020)
#define FCR XSPI1(0x024)
#define DLR XSPI1(0x040)
#define AR XSPI1(0x048)
#define DR_BYTE (*(volatile uint8_t *)(uintptr_t)0x58025050u)
#define CCR XSPI1(0x100)
#define TCR XSPI1(0x108)
#define IR XSPI1(0x110)
#define WCCR XSPI1(0x180)
#define WTCR XSPI1(0x188)
#define WIR XSPI1(0x190)
/* An instruction of a byte on eight lines, an address of four on both edges; then data on both edges. */
#define REGISTER (4u | 4u << 8 | 1u << 11 | 3u << 12 | 4u << 24 | 1u << 27)
#define ARRAY (4u | 4u << 8 | 1u << 11 | 3u << 12 | 5u << 24 | 1u << 27)
#define DQS (1u << 29)
#define HOLD XSPI_TCR_HOLD
#define MTYP_AP_SIXTEEN (6u << 24)
#define LATENCY 7u

static void connect(void) {
    RCC_AHB4ENSR = 1u << 14 | 1u << 15;
    (void)RCC_AHB4ENR;
    PWR_SVMCR3 = PWR_SVMCR3 | 1u << 25; /* VDDIO2 is 1.8 V */
    /* PO0 selection, PO2 and PO3 DQS, PO4 clock; PP0 to PP15 data. */
    GPIOO(OSPEEDR) = 0x3F3u;
    GPIOO(AFRL) = 0x99909u;
    GPIOO(MODER) = 0x2A2u;
    GPIOP(OSPEEDR) = 0xFFFFFFFFu;
    GPIOP(AFRL) = 0x99999999u;
    GPIOP(AFRH) = 0x99999999u;
    GPIOP(MODER) = 0xAAAAAAAAu;
    RCC_AHB5ENSR = 1u << 5 | RCC_AHB5_XSPIM;
    (void)RCC_AHB5ENR;
    DCR1 = MTYP_AP_SIXTEEN | XSPI_DCR1_SIZE(25u) | XSPI_DCR1_CSHT(5u);
    DCR3 = 11u << 16; /* a row of 2 KiB */
    DCR4 = 129u; /* cycles, 0.6 us at 200 MHz */
}

static void wait_for(uint32_t flag) {
    while ((SR & flag) == 0) {
    }
}

static void order(uint32_t mode, uint32_t instruction, uint32_t form, uint32_t dummy, uint32_t number) {
    CR = XSPI_CR_EN | mode;
    DLR = 1;
    TCR = dummy | HOLD;
    CCR = form;
    IR = instruction;
    AR = number;
}

static void set(uint32_t number, uint8_t value) {
    order(XSPI_CR_WRITE, WRITE_REGISTER, REGISTER, 0, number);
    DR_BYTE = value;
    DR_BYTE = 0;
    wait_for(XSPI_SR_TCF);
    FCR = XSPI_SR_TCF;
}

static uint32_t name(void) {
    order(XSPI_CR_READ, READ_REGISTER, REGISTER | DQS, LATENCY - 1u, 1);
    wait_for(XSPI_SR_FTF);
    uint32_t found = DR_BYTE;
    found |= (uint32_t)DR_BYTE << 8;
    wait_for(XSPI_SR_TCF);
    FCR = XSPI_SR_TCF;
    return found;
}

static void map(void) {
    CR = XSPI_CR_EN | XSPI_CR_READ;
    WTCR = LATENCY - 1u;
    WCCR = ARRAY | DQS;
    WIR = WRITE_LINEAR;
    TCR = (LATENCY - 1u) | HOLD;
    CCR = ARRAY | DQS;
    IR = READ_LINEAR;
    CR = XSPI_CR_EN | XSPI_CR_MAPPED;
    __asm__ volatile("dsb" : : : "memory");
}

static void nj_bare_main(void) {
    nj_supply_start();
    nj_clock_start();
    connect();
    set(0, 0x30); /* read latency 7, fixed */
    set(4, 0x20); /* write latency 7 */
    set(8, 0x40); /* sixteen data lines */
    const uint32_t said = name();
    if (said != NAME) {
        end(ABSENT, said, 0);
    }
    map();
    volatile uint32_t *const words = (volatile uint32_t *)(uintptr_t)NJ_PSRAM;
    volatile uint8_t *const bytes = (volatile uint8_t *)(uintptr_t)NJ_PSRAM;
    for (uint32_t i = 0; i < WORDS; ++i) {
        words[i] = i * 2654435761u;
    }
    for (uint32_t i = 0; i < WORDS; i += 5) {
        bytes[4u * i + 1u] = (uint8_t)i; /* one byte out of a word */
    }
    uint32_t differ = 0;
    for (uint32_t i = 0; i < WORDS; ++i) {
        const uint32_t wanted = i * 2654435761u;
        differ += words[i] != (i % 5u == 0 ? (wanted & ~0xFF00u) | (i & 0xFFu) << 8 : wanted);
    }
    end(FOUND, differ, 0);
}
