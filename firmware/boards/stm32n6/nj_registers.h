/* The STM32N6's registers that the port uses, and no other: secure aliases.
 *
 * Names, addresses and fields are those of RM0486 as ST's device header gives them (stm32n657xx.h, cmsis-device-n6 1.1.0);
 * the core's are those of the Armv8-M Architecture Reference Manual (DDI0553) and of the Cortex-M55's manual (101051).
 * Fuses are read, never written: of BSEC only the shadow words of the unique id have a name here, and the two registers by
 * which debugging is let. These forget at a reset; no fuse is behind them.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_REGISTERS_H
#define NJ_REGISTERS_H

#include <stdint.h>

#define NJ_REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* RCC, reset and clock control. A write to X_SET (+0x800) or X_CLEAR (+0x1000) changes the bits that are one. */
#define RCC(offset) NJ_REGISTER(0x56028000u + (offset))
#define RCC_SR RCC(0x004)
#define RCC_CFGR1 RCC(0x020)
#define RCC_CFGR2 RCC(0x024)
#define RCC_RSR RCC(0x034)
#define RCC_HSICFGR RCC(0x048)
#define RCC_PLL1CFGR1 RCC(0x080)
#define RCC_PLL1CFGR2 RCC(0x084)
#define RCC_PLL1CFGR3 RCC(0x088)
#define RCC_PLL3CFGR1 RCC(0x0A0)
#define RCC_PLL3CFGR2 RCC(0x0A4)
#define RCC_PLL3CFGR3 RCC(0x0A8)
#define RCC_IC1CFGR RCC(0x0C4)
#define RCC_IC2CFGR RCC(0x0C8)
#define RCC_IC6CFGR RCC(0x0D8)
#define RCC_IC8CFGR RCC(0x0E0)
#define RCC_IC11CFGR RCC(0x0EC)
#define RCC_CCIPR5 RCC(0x154)
#define RCC_CCIPR6 RCC(0x158)
#define RCC_CCIPR8 RCC(0x160)
#define RCC_CCIPR13 RCC(0x174)
#define RCC_AHB1ENR RCC(0x250)
#define RCC_AHB2ENR RCC(0x254)
#define RCC_AHB3ENR RCC(0x258)
#define RCC_AHB4ENR RCC(0x25C)
#define RCC_AHB5ENR RCC(0x260)
#define RCC_APB2ENR RCC(0x26C)
#define RCC_APB4ENR2 RCC(0x278)
#define RCC_MEMENR RCC(0x24C)
#define RCC_CSR RCC(0x800)
#define RCC_DIVENSR RCC(0xA40)
#define RCC_BUSENSR RCC(0xA44)
#define RCC_MEMENSR RCC(0xA4C)
#define RCC_AHB1ENSR RCC(0xA50)
#define RCC_AHB2ENSR RCC(0xA54)
#define RCC_AHB3ENSR RCC(0xA58)
#define RCC_AHB4ENSR RCC(0xA5C)
#define RCC_AHB5ENSR RCC(0xA60)
#define RCC_AHB5RSTR RCC(0x220)
#define RCC_AHB5RSTSR RCC(0xA20)
#define RCC_AHB5RSTCR RCC(0x1220)
#define RCC_APB2ENSR RCC(0xA6C)
#define RCC_APB4ENSR2 RCC(0xA78)
#define RCC_BUSLPENSR RCC(0xA84)
#define RCC_MEMLPENSR RCC(0xA8C)
#define RCC_AHB1LPENSR RCC(0xA90)
#define RCC_AHB2LPENSR RCC(0xA94)
#define RCC_AHB3LPENSR RCC(0xA98)
#define RCC_AHB4LPENSR RCC(0xA9C)
#define RCC_AHB5LPENSR RCC(0xAA0)
#define RCC_APB2LPENSR RCC(0xAAC)
#define RCC_CCR RCC(0x1000)
#define RCC_DIVENCR RCC(0x1240)

#define RCC_PLL1 (1u << 8) /* ON in CSR and CCR, RDY in SR */
#define RCC_PLL3 (1u << 10)
#define RCC_HSI (1u << 3)
#define RCC_CFGR1_CPUSW(source) ((uint32_t)(source) << 16)
#define RCC_CFGR1_CPUSWS(source) ((uint32_t)(source) << 20)
#define RCC_CFGR1_SYSSW(source) ((uint32_t)(source) << 24)
#define RCC_CFGR1_SYSSWS(source) ((uint32_t)(source) << 28)
#define RCC_SOURCE_HSI 0u
#define RCC_SOURCE_IC 3u /* CPU: IC1; system: IC2, IC6 and IC11 */
#define RCC_SOURCE_MASK 3u
#define RCC_CFGR2_HPRE(log2) ((uint32_t)(log2) << 20)
#define RCC_PLL1CFGR1_FACTORS(m, n) ((uint32_t)(m) << 20 | (uint32_t)(n) << 8) /* SEL 0: from the HSI */
#define RCC_PLL1CFGR3_MODSSRST (1u << 0)
#define RCC_PLL1CFGR3_MODSSDIS (1u << 2)
#define RCC_PLL1CFGR3_PDIV(first, second) ((uint32_t)(first) << 27 | (uint32_t)(second) << 24)
#define RCC_PLL1CFGR3_PDIVEN (1u << 30)
#define RCC_PLLCFGR3_DACEN (1u << 1) /* with MODDSEN: the fraction counts */
#define RCC_PLLCFGR3_MODDSEN (1u << 3)
#define RCC_ICCFGR_PLL3 (2u << 28) /* SEL */
#define RCC_ICCFGR(divider) (((uint32_t)(divider) - 1u) << 16) /* SEL 0: from PLL1 */
#define RCC_DIVEN(ic) (1u << ((ic) - 1u))
#define RCC_MEM_AXISRAM3_TO_6 0x00Fu
#define RCC_MEM_AXISRAM1_AND_2 0x180u
#define RCC_MEM_FLEXRAM 0x200u
#define RCC_MEM_CACHEAXIRAM 0x400u
#define RCC_AHB1_GPDMA1 (1u << 4)
#define RCC_AHB2_RAMCFG (1u << 12)
#define RCC_AHB2_MDF1 (1u << 16)
#define RCC_AHB3_RIFSC (1u << 9)
#define RCC_AHB4_GPIOC (1u << 2)
#define RCC_AHB4_GPIOE (1u << 4)
#define RCC_AHB4_GPIOF (1u << 5)
#define RCC_AHB4_GPION (1u << 13)
#define RCC_AHB4_PWR (1u << 18)
#define RCC_AHB5_SDMMC2 (1u << 7)
#define RCC_AHB5_XSPI2 (1u << 12)
#define RCC_AHB5_XSPIM (1u << 13)
#define RCC_AHB5_CACHEAXI (1u << 30)
#define RCC_AHB5_NPU (1u << 31)
#define RCC_CCIPR5_MDF1SEL (7u << 16)
#define RCC_CCIPR5_MDF1SEL_IC8 (3u << 16)
#define RCC_CCIPR6_XSPI2SEL (3u << 4) /* 0: HCLK5 */
#define RCC_CCIPR8_SDMMC2SEL (3u << 4) /* 0: HCLK */
#define RCC_APB2_USART1 (1u << 4)
#define RCC_APB4_2_BSEC (1u << 1)
#define RCC_BUS_ALL 0xFFFFFFFFu
#define RCC_BUS_ACLKN_AND_NC 3u
#define RCC_RSR_RMVF (1u << 16)
#define RCC_RSR_BOR (1u << 21)
#define RCC_RSR_PIN (1u << 22)
#define RCC_RSR_POR (1u << 23)
#define RCC_RSR_SOFTWARE (1u << 24)
#define RCC_RSR_IWDG (1u << 26)
#define RCC_RSR_WWDG (1u << 28)

/* RIFSC: who the NPU and SDMMC2 are to the chip's memory, as masters; and who may write a block's registers. */
#define RIFSC(offset) NJ_REGISTER(0x54024000u + (offset))
#define RIFSC_RISC_SECCFGR1 RIFSC(0x014)
#define RIFSC_RISC_PRIVCFGR1 RIFSC(0x034)
#define RIFSC_RISC_SECCFGR3 RIFSC(0x01C)
#define RIFSC_RISC_PRIVCFGR3 RIFSC(0x03C)
#define RIFSC_RIMC_ATTR_NPU RIFSC(0xC14)
#define RIFSC_RIMC_ATTR_SDMMC2 RIFSC(0xC1C)
#define RIFSC_RISC1_SDMMC2 (1u << 22)
#define RIFSC_RISC3_NPU (1u << 10)
#define RIFSC_RIMC_AS_THE_CORE 0x310u /* privileged, secure, compartment 1 */

/* PWR, power control. */
#define PWR(offset) NJ_REGISTER(0x56024800u + (offset))
#define PWR_CR1 PWR(0x000)
#define PWR_VOSCR PWR(0x020)
#define PWR_SVMCR1 PWR(0x034)
#define PWR_SVMCR2 PWR(0x038)
#define PWR_SVMCR3 PWR(0x03C)
#define PWR_CR1_SDEN (1u << 2) /* the chip's own step-down converter */
#define PWR_VOSCR_VOS (1u << 0) /* 1: the higher voltage */
#define PWR_VOSCR_VOSRDY (1u << 1)
#define PWR_VOSCR_ACTVOSRDY (1u << 17)
#define PWR_SVMCR1_VDDIO4SV (1u << 8)
#define PWR_SVMCR2_VDDIO5SV (1u << 8)
#define PWR_SVMCR3_VDDIO2SV (1u << 8)
#define PWR_SVMCR3_VDDIO3SV (1u << 9)
#define PWR_SVMCR3_ASV (1u << 12)
#define PWR_SVMCR3_VDDIO3VRSEL (1u << 26) /* 1.8 V */

/* RAMCFG: one control register for each memory. */
#define RAMCFG_CR(axisram) NJ_REGISTER(0x52023000u + 0x80u * ((axisram) - 1u))
#define RAMCFG_CR_SRAMSD (1u << 20) /* shut down */

/* GPIO port C. */
#define GPIOC(offset) NJ_REGISTER(0x56020800u + (offset))
#define GPIOC_MODER GPIOC(0x00)
#define GPIOC_OTYPER GPIOC(0x04)
#define GPIOC_OSPEEDR GPIOC(0x08)
#define GPIOC_PUPDR GPIOC(0x0C)
#define GPIOC_AFRL GPIOC(0x20)

/* GPIO port E. */
#define GPIOE(offset) NJ_REGISTER(0x56021000u + (offset))
#define GPIOE_MODER GPIOE(0x00)
#define GPIOE_OTYPER GPIOE(0x04)
#define GPIOE_OSPEEDR GPIOE(0x08)
#define GPIOE_PUPDR GPIOE(0x0C)
#define GPIOE_AFRL GPIOE(0x20)
#define GPIOE_AFRH GPIOE(0x24)

/* GPIO port F: pin 4 of the STM32N6570-DK asks its converter for the core's higher voltage. */
#define GPIOF(offset) NJ_REGISTER(0x56021400u + (offset))
#define GPIOF_MODER GPIOF(0x00)
#define GPIOF_OTYPER GPIOF(0x04)
#define GPIOF_BSRR GPIOF(0x18)

/* GPIO port N. */
#define GPION(offset) NJ_REGISTER(0x56023400u + (offset))
#define GPION_MODER GPION(0x00)
#define GPION_OTYPER GPION(0x04)
#define GPION_OSPEEDR GPION(0x08)
#define GPION_PUPDR GPION(0x0C)
#define GPION_AFRL GPION(0x20)
#define GPION_AFRH GPION(0x24)

/* XSPI2. An instruction starts when its last part is written: itself, the address, or the data. */
#define XSPI2(offset) NJ_REGISTER(0x5802A000u + (offset))
#define XSPI2_CR XSPI2(0x000)
#define XSPI2_DCR1 XSPI2(0x008)
#define XSPI2_DCR2 XSPI2(0x00C)
#define XSPI2_SR XSPI2(0x020)
#define XSPI2_FCR XSPI2(0x024)
#define XSPI2_DLR XSPI2(0x040)
#define XSPI2_AR XSPI2(0x048)
#define XSPI2_DR_BYTE (*(volatile uint8_t *)(uintptr_t)0x5802A050u)
#define XSPI2_CCR XSPI2(0x100)
#define XSPI2_TCR XSPI2(0x108)
#define XSPI2_IR XSPI2(0x110)
#define XSPI_CR_EN (1u << 0)
#define XSPI_CR_ABORT (1u << 1)
#define XSPI_CR_MODE (3u << 28) /* FMODE */
#define XSPI_CR_WRITE (0u << 28)
#define XSPI_CR_READ (1u << 28)
#define XSPI_CR_MAPPED (3u << 28)
#define XSPI_DCR1_MACRONIX (1u << 24) /* MTYP */
#define XSPI_DCR1_SIZE(log2) (((uint32_t)(log2) - 1u) << 16) /* DEVSIZE */
#define XSPI_DCR1_CSHT(cycles) (((uint32_t)(cycles) - 1u) << 8)
#define XSPI_DCR2_PRESCALER(divider) ((uint32_t)(divider) - 1u)
#define XSPI_SR_TCF (1u << 1) /* complete; CTCF in FCR */
#define XSPI_SR_FTF (1u << 2) /* a byte may be written, or is there */
#define XSPI_SR_BUSY (1u << 5)
#define XSPI_ONE_LINE 1u /* IMODE, ADMODE and DMODE */
#define XSPI_EIGHT_LINES 4u
#define XSPI_CCR_INSTRUCTION(lines) ((uint32_t)(lines))
#define XSPI_CCR_TWO_EDGES (1u << 3) /* IDTR */
#define XSPI_CCR_TWO_BYTES (1u << 4) /* ISIZE */
#define XSPI_CCR_ADDRESS(lines) ((uint32_t)(lines) << 8 | 3u << 12) /* of four bytes */
#define XSPI_CCR_DATA(lines) ((uint32_t)(lines) << 24)
#define XSPI_TCR_HOLD (1u << 28) /* DHQC: hold what is sent for a quarter of a cycle, as two edges need */
#define XSPI_TCR_SHIFT (1u << 30) /* SSHIFT: sample half a cycle later */

/* MDF1: its clocks, and filter 0. */
#define MDF1(offset) NJ_REGISTER(0x52025000u + (offset))
#define MDF1_GCR MDF1(0x00)
#define MDF1_CKGCR MDF1(0x04)
#define MDF1_SITF0CR MDF1(0x80)
#define MDF1_BSMX0CR MDF1(0x84)
#define MDF1_DFLT0CR MDF1(0x88)
#define MDF1_DFLT0CICR MDF1(0x8C)
#define MDF1_DFLT0RSFR MDF1(0x90)
#define MDF1_DFLT0INTR MDF1(0x94)
#define MDF1_DLY0CR MDF1(0xA4)
#define MDF1_DFLT0ISR MDF1(0xB0)
#define MDF1_OEC0CR MDF1(0xB4)
#define NJ_MDF1_DFLT0DR_UPPER 0x520250F2u /* the upper 16 of the 24 bits of a sample */
#define MDF_CKGCR_CKDEN (1u << 0)
#define MDF_CKGCR_CCK0 (1u << 1 | 1u << 5) /* the microphone's clock: on, and an output */
#define MDF_CKGCR_PROCDIV(divider) (((uint32_t)(divider) - 1u) << 24)
#define MDF_CKGCR_CCKDIV(divider) (((uint32_t)(divider) - 1u) << 16)
#define MDF_SITFCR_SITFEN (1u << 0)
#define MDF_SITFCR_SPI (1u << 4)
#define MDF_SITFCR_THRESHOLD(clocks) ((uint32_t)(clocks) << 8)
#define MDF_BSMXCR_FALLING 1u /* of SDI0: the bits at its clock's falling edge */
#define MDF_DFLTCR_DFLTEN (1u << 0)
#define MDF_DFLTCR_DMAEN (1u << 1)
#define MDF_DFLTCR_DFLTACTIVE (1u << 31)
#define MDF_DFLTCICR_SINC4 (4u << 4)
#define MDF_DFLTCICR_DECIMATION(ratio) (((uint32_t)(ratio) - 1u) << 8)
#define MDF_DFLTCICR_SCALE(steps) ((uint32_t)(steps) << 20) /* of 3 dB */
#define MDF_DFLTISR_DOVRF (1u << 1) /* a sample was lost: nobody took the one before */
#define MDF_DFLTISR_RFOVRF (1u << 11) /* the filter's clock is too slow for its rate */

/* GPDMA1, channel 6. */
#define GPDMA1(offset) NJ_REGISTER(0x50021000u + (offset))
#define GPDMA1_SECCFGR GPDMA1(0x000)
#define GPDMA1_PRIVCFGR GPDMA1(0x004)
#define GPDMA1_C6LBAR GPDMA1(0x350)
#define GPDMA1_C6FCR GPDMA1(0x35C)
#define GPDMA1_C6SR GPDMA1(0x360)
#define GPDMA1_C6CR GPDMA1(0x364)
#define GPDMA1_C6BR1 GPDMA1(0x398)
#define GPDMA1_C6LLR GPDMA1(0x3CC)
#define GPDMA_CHANNEL6 (1u << 6)
#define GPDMA_IDLEF (1u << 0)
#define GPDMA_SUSPF (1u << 13)
#define GPDMA_TC (1u << 8) /* in C6SR, C6FCR and, as an interrupt, in C6CR: a round is over */
#define GPDMA_HT (1u << 9) /* half of one is */
#define GPDMA_ERRORS (7u << 10) /* of data, of a linked-list item, of the channel's settings */
#define GPDMA_CR_EN (1u << 0)
#define GPDMA_CR_RESET (1u << 1)
#define GPDMA_CR_SUSP (1u << 2)
#define GPDMA_TR1_HALF_WORDS (1u << 16 | 1u << 0)
#define GPDMA_TR1_DINC (1u << 19) /* the destination moves on */
#define GPDMA_TR1_SECURE (1u << 31 | 1u << 15)
#define GPDMA_TR2_MDF1_FLT0 132u /* REQSEL */
#define GPDMA_LLR_ALL (7u << 29 | 3u << 27 | 1u << 16) /* TR1, TR2, BR1, SAR, DAR and LLR itself */
#define NJ_IRQ_GPDMA1_6 90u

/* SDMMC2. A command starts when it is written; what it has in STA stays until ICR clears it. */
#define SDMMC2(offset) NJ_REGISTER(0x58026800u + (offset))
#define SDMMC2_POWER SDMMC2(0x00)
#define SDMMC2_CLKCR SDMMC2(0x04)
#define SDMMC2_ARG SDMMC2(0x08)
#define SDMMC2_CMD SDMMC2(0x0C)
#define SDMMC2_RESPCMD SDMMC2(0x10)
#define SDMMC2_RESP(i) SDMMC2(0x14 + 4u * (i))
#define SDMMC2_DTIMER SDMMC2(0x24)
#define SDMMC2_DLEN SDMMC2(0x28)
#define SDMMC2_DCTRL SDMMC2(0x2C)
#define SDMMC2_STA SDMMC2(0x34)
#define SDMMC2_ICR SDMMC2(0x38)
#define SDMMC2_IDMACTRL SDMMC2(0x50)
#define SDMMC2_IDMABASER SDMMC2(0x58)
#define SDMMC_POWER_ON 3u
#define SDMMC_CLKCR_CLKDIV(half) ((uint32_t)(half))
#define SDMMC_CLKCR_FOUR_LINES (1u << 14) /* WIDBUS */
#define SDMMC_CLKCR_HWFC (1u << 17) /* the bus's clock waits where memory is late */
#define SDMMC_CMD_INDEX(index) ((uint32_t)(index))
#define SDMMC_CMD_CMDTRANS (1u << 6) /* data follow */
#define SDMMC_CMD_CMDSTOP (1u << 7) /* data end */
#define SDMMC_CMD_WAITRESP(kind) ((uint32_t)(kind) << 8) /* 1: with CRC, 2: without, 3: long */
#define SDMMC_CMD_CPSMEN (1u << 12)
#define SDMMC_DCTRL_FROM_CARD (1u << 1) /* DTDIR */
#define SDMMC_DCTRL_BLOCKS_OF_512 (9u << 4)
#define SDMMC_DCTRL_FIFORST (1u << 13)
#define SDMMC_STA_CCRCFAIL (1u << 0)
#define SDMMC_STA_DCRCFAIL (1u << 1)
#define SDMMC_STA_CTIMEOUT (1u << 2)
#define SDMMC_STA_DTIMEOUT (1u << 3)
#define SDMMC_STA_TXUNDERR (1u << 4)
#define SDMMC_STA_RXOVERR (1u << 5)
#define SDMMC_STA_CMDREND (1u << 6)
#define SDMMC_STA_CMDSENT (1u << 7)
#define SDMMC_STA_DATAEND (1u << 8)
#define SDMMC_STA_DABORT (1u << 11)
#define SDMMC_STA_DPSMACT (1u << 12)
#define SDMMC_STA_CPSMACT (1u << 13)
#define SDMMC_STA_IDMATE (1u << 27)
#define SDMMC_ICR_ALL 0x1FE00FFFu
#define SDMMC_IDMACTRL_ON 1u /* one buffer */

/* USART1. */
#define USART1(offset) NJ_REGISTER(0x52001000u + (offset))
#define USART1_CR1 USART1(0x00)
#define USART1_CR2 USART1(0x04)
#define USART1_CR3 USART1(0x08)
#define USART1_BRR USART1(0x0C)
#define USART1_ISR USART1(0x1C)
#define USART1_ICR USART1(0x20)
#define USART1_RDR USART1(0x24)
#define USART1_TDR USART1(0x28)
#define USART1_PRESC USART1(0x2C)
#define USART_CR1_UE (1u << 0)
#define USART_CR1_RE (1u << 2)
#define USART_CR1_TE (1u << 3)
#define USART_CR1_RXFNEIE (1u << 5)
#define USART_CR1_FIFOEN (1u << 29)
#define USART_ISR_FE (1u << 1)
#define USART_ISR_NE (1u << 2)
#define USART_ISR_ORE (1u << 3)
#define USART_ISR_RXFNE (1u << 5)
#define USART_ISR_TC (1u << 6)
#define USART_ISR_TXFNF (1u << 7)
#define USART_ISR_TEACK (1u << 21)
#define USART_ISR_REACK (1u << 22)
#define NJ_IRQ_NPU0 53u
#define NJ_IRQ_USART1 159u
#define NJ_INTERRUPTS 195u

/* BSEC: the 96 bits of the unique id, words 5 to 7 of the fuses' shadow, to be read only. */
#define NJ_UNIQUE_ID 0x56009014u
/* Who may debug, until the next reset: the port itself; secure and non-secure code, from the level that a first stage has. */
#define NJ_BSEC_DBGCR 0x56009E8Cu
#define NJ_BSEC_DBGCR_OPEN 0xB451B400u
#define NJ_BSEC_AP_UNLOCK 0x56009E90u
#define NJ_BSEC_AP_UNLOCK_OPEN 0xB4u

/* The core. */
#define NVIC_ENABLE(irq) NJ_REGISTER(0xE000E100u + 4u * ((irq) / 32u))
#define NVIC_DISABLE(irq) NJ_REGISTER(0xE000E180u + 4u * ((irq) / 32u))
#define NVIC_NONSECURE(irq) NJ_REGISTER(0xE000E380u + 4u * ((irq) / 32u))
#define NVIC_UNPEND(irq) NJ_REGISTER(0xE000E280u + 4u * ((irq) / 32u))
#define NVIC_PENDING(irq) NJ_REGISTER(0xE000E200u + 4u * ((irq) / 32u))
#define NVIC_BIT(irq) (1u << ((irq) % 32u))
#define SYST_CSR NJ_REGISTER(0xE000E010)
#define SYST_CSR_ENABLE 1u
#define SYST_CSR_TICKINT (1u << 1)
#define SYST_CSR_CLKSOURCE (1u << 2) /* the core's clock */
#define SYST_CSR_COUNTFLAG (1u << 16) /* a round has ended since the last look */
#define SYST_RVR NJ_REGISTER(0xE000E014)
#define SYST_CVR NJ_REGISTER(0xE000E018)
#define SCB_ICSR NJ_REGISTER(0xE000ED04)
#define SCB_ICSR_PENDSTCLR (1u << 25)
#define SCB_VTOR NJ_REGISTER(0xE000ED08)
#define SCB_AIRCR NJ_REGISTER(0xE000ED0C)
#define SCB_CCR NJ_REGISTER(0xE000ED14)
#define SCB_SHCSR NJ_REGISTER(0xE000ED24)
#define SCB_CFSR NJ_REGISTER(0xE000ED28)
#define SCB_CCSIDR NJ_REGISTER(0xE000ED80)
#define SCB_CSSELR NJ_REGISTER(0xE000ED84)
#define SCB_ICIALLU NJ_REGISTER(0xE000EF50)
#define SCB_DCIMVAC NJ_REGISTER(0xE000EF5C)
#define SCB_DCISW NJ_REGISTER(0xE000EF60)
#define SCB_DCCMVAC NJ_REGISTER(0xE000EF68)
#define SCB_DCCSW NJ_REGISTER(0xE000EF6C)
#define SCB_DCCIMVAC NJ_REGISTER(0xE000EF70)
#define SCB_DCCISW NJ_REGISTER(0xE000EF74)
#define FPU_FPCCR NJ_REGISTER(0xE000EF34)
#define FPU_FPDSCR NJ_REGISTER(0xE000EF3C)
#define MPU_TYPE NJ_REGISTER(0xE000ED90)
#define MPU_CTRL NJ_REGISTER(0xE000ED94)
#define MPU_RNR NJ_REGISTER(0xE000ED98)
#define MPU_RBAR NJ_REGISTER(0xE000ED9C)
#define MPU_RLAR NJ_REGISTER(0xE000EDA0)
#define MPU_MAIR0 NJ_REGISTER(0xE000EDC0)
#define MEMSYSCTL_MSCR NJ_REGISTER(0xE001E000)
#define MEMSYSCTL_MSCR_ICACTIVE (1u << 12)
#define MEMSYSCTL_MSCR_DCACTIVE (1u << 13)
#define DCB_DEMCR NJ_REGISTER(0xE000EDFC)
#define DCB_DEMCR_TRCENA (1u << 24)
#define PMU_CCNTR NJ_REGISTER(0xE000307C)
#define PMU_CNTENSET NJ_REGISTER(0xE0003C00)
#define PMU_OVSCLR NJ_REGISTER(0xE0003C80)
#define PMU_CTRL NJ_REGISTER(0xE0003E04)
#define PMU_CYCLES (1u << 31)
#define PMU_CTRL_E (1u << 0)
#define PMU_CTRL_C (1u << 2) /* the cycle counter begins at 0 */

#endif
