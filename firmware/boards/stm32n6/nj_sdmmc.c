/* SDMMC2 from HCLK: bounded by its own timers, and by a count of looks where these stand still.
 *
 * The order is that of ST's drivers (stm32n6xx_hal_sd.c and stm32n6xx_ll_sdmmc.c of stm32n6xx-hal-driver 1.1.0); pins, supply and
 * the master's entry in RIF are those of ST's example for the board (STM32CubeN6 1.0.0).
 * SPDX-License-Identifier: MIT
 */
#include "nj_sdmmc.h"

#include "nj_board.h"
#include "nj_cache_lines.h"

#define FUNCTION_SDMMC2 11u
#define SLOW_HZ 400000u
#define FAST_HZ 25000000u /* of default speed, which every card has */
#define DATA_MS 500u /* a card reads a block within 100 ms and writes one within 250, 500 where it is of the largest kind */
/* Looks at a flag, of more than 30 ns each: the controller is in a domain of a sixth of the core's clock. 128 clocks of 400 kHz
 * are 320 us, DATA_MS are 500,000; a block takes less than 100 us more than its own. */
#define COMMAND_LOOKS 100000u
#define DATA_LOOKS 20000000u
#define BLOCK_LOOKS 3500u
#define POWER_TURNS 1600000u /* of a loop, of a cycle each at least: 2 ms at 800 MHz */
#define ERRORS                                                                                                                \
    (SDMMC_STA_CCRCFAIL | SDMMC_STA_DCRCFAIL | SDMMC_STA_CTIMEOUT | SDMMC_STA_DTIMEOUT | SDMMC_STA_TXUNDERR |                  \
     SDMMC_STA_RXOVERR | SDMMC_STA_DABORT | SDMMC_STA_IDMATE)

/* PC0 command, PC2 and PC3 data 2 and 3, PC4 clock, PC5 data 0; PE4 data 1. */
static void take_pins(void) {
    static const uint32_t pins[] = {0, 2, 3, 4, 5};
    RCC_AHB4ENSR = RCC_AHB4_GPIOC | RCC_AHB4_GPIOE | RCC_AHB4_PWR;
    (void)RCC_AHB4ENR; /* the enable has arrived when it can be read */
    PWR_SVMCR2 = PWR_SVMCR2 | PWR_SVMCR2_VDDIO5SV;
    for (uint32_t i = 0; i < sizeof pins / sizeof pins[0]; ++i) {
        const uint32_t two = 2u * pins[i];
        const uint32_t four = 4u * pins[i];
        GPIOC_OSPEEDR = GPIOC_OSPEEDR | 3u << two;
        GPIOC_OTYPER = GPIOC_OTYPER & ~(1u << pins[i]);
        GPIOC_PUPDR = (GPIOC_PUPDR & ~(3u << two)) | 1u << two; /* a line that nobody drives is high */
        GPIOC_AFRL = (GPIOC_AFRL & ~(15u << four)) | FUNCTION_SDMMC2 << four;
        GPIOC_MODER = (GPIOC_MODER & ~(3u << two)) | 2u << two;
    }
    GPIOE_OSPEEDR = GPIOE_OSPEEDR | 3u << 8;
    GPIOE_OTYPER = GPIOE_OTYPER & ~(1u << 4);
    GPIOE_PUPDR = (GPIOE_PUPDR & ~(3u << 8)) | 1u << 8;
    GPIOE_AFRL = (GPIOE_AFRL & ~(15u << 16)) | FUNCTION_SDMMC2 << 16;
    GPIOE_MODER = (GPIOE_MODER & ~(3u << 8)) | 2u << 8;
}

/* Its DMA sees memory only as the core does: secure, privileged, of compartment 1. */
static void take_rights(void) {
    RCC_AHB3ENSR = RCC_AHB3_RIFSC;
    (void)RCC_AHB3ENR;
    RIFSC_RIMC_ATTR_SDMMC2 = RIFSC_RIMC_AS_THE_CORE;
    RIFSC_RISC_SECCFGR1 = RIFSC_RISC_SECCFGR1 | RIFSC_RISC1_SDMMC2;
    RIFSC_RISC_PRIVCFGR1 = RIFSC_RISC_PRIVCFGR1 | RIFSC_RISC1_SDMMC2;
}

/* CLKDIV: the bus runs at HCLK / (2 x CLKDIV). */
static uint32_t divider(uint32_t most_hz) {
    uint32_t clocks[NJ_CLOCKS];
    nj_clock_read(clocks);
    const uint32_t twice = 2u * most_hz;
    return (clocks[2] + twice - 1u) / twice;
}

void nj_sdmmc_start(void) {
    take_pins();
    take_rights();
    RCC_CCIPR8 = RCC_CCIPR8 & ~RCC_CCIPR8_SDMMC2SEL;
    RCC_AHB5ENSR = RCC_AHB5_SDMMC2;
    (void)RCC_AHB5ENR;
    RCC_AHB5RSTSR = RCC_AHB5_SDMMC2;
    (void)RCC_AHB5RSTR;
    RCC_AHB5RSTCR = RCC_AHB5_SDMMC2;
    (void)RCC_AHB5RSTR;
    RCC_AHB5LPENSR = RCC_AHB5_SDMMC2; /* a core that sleeps takes away every clock that is not named */
    SDMMC2_CLKCR = SDMMC_CLKCR_CLKDIV(divider(SLOW_HZ));
    SDMMC2_POWER = SDMMC_POWER_ON;
    for (uint32_t turn = 0; turn < POWER_TURNS; ++turn) { /* a card hears nothing for a millisecond and 74 clocks */
        __asm__ volatile("nop");
    }
}

void nj_sdmmc_go_wide(void) {
    SDMMC2_CLKCR = SDMMC_CLKCR_CLKDIV(divider(FAST_HZ)) | SDMMC_CLKCR_FOUR_LINES | SDMMC_CLKCR_HWFC;
}

/* Clear all flags and send; with `more` beside what every command has. */
static bool send(uint32_t index, uint32_t argument, enum nj_sdmmc_answer answer, uint32_t more, struct nj_sdmmc_end *end) {
    SDMMC2_ICR = SDMMC_ICR_ALL;
    SDMMC2_ARG = argument;
    SDMMC2_CMD = SDMMC_CMD_INDEX(index) | SDMMC_CMD_WAITRESP(answer) | SDMMC_CMD_CPSMEN | more;
    const uint32_t sent = answer == NJ_SDMMC_NONE ? SDMMC_STA_CMDSENT : SDMMC_STA_CMDREND;
    uint32_t status = 0;
    for (uint32_t look = 0; look < COMMAND_LOOKS; ++look) {
        status = SDMMC2_STA;
        if ((status & SDMMC_STA_CPSMACT) == 0 && (status & (sent | SDMMC_STA_CTIMEOUT | SDMMC_STA_CCRCFAIL)) != 0) {
            break;
        }
    }
    end->command = index;
    end->status = status;
    for (uint32_t i = 0; i < 4; ++i) {
        end->answer[i] = SDMMC2_RESP(i);
    }
    /* What answered must have understood which command it was; R2 and R3 do not say. */
    return (status & sent) != 0 && (answer != NJ_SDMMC_R1 || SDMMC2_RESPCMD == index);
}

bool nj_sdmmc_command(uint32_t index, uint32_t argument, enum nj_sdmmc_answer answer, struct nj_sdmmc_end *end) {
    const uint32_t stop = index == 12u ? SDMMC_CMD_CMDSTOP : 0;
    return send(index, argument, answer, stop, end);
}

/* The data path for what follows the next command. */
static void prepare(uint32_t direction, uint32_t address, uint32_t blocks) {
    uint32_t clocks[NJ_CLOCKS];
    nj_clock_read(clocks);
    const uint32_t bus = clocks[2] / (2u * (SDMMC2_CLKCR & 0x3FFu));
    SDMMC2_DCTRL = SDMMC_DCTRL_FIFORST;
    SDMMC2_DTIMER = bus / 1000u * DATA_MS;
    SDMMC2_DLEN = blocks * NJ_SDMMC_BLOCK;
    SDMMC2_DCTRL = SDMMC_DCTRL_BLOCKS_OF_512 | direction;
    SDMMC2_IDMABASER = address;
    SDMMC2_IDMACTRL = SDMMC_IDMACTRL_ON;
}

static bool transfer(uint32_t index, uint32_t argument, uint32_t blocks, struct nj_sdmmc_end *end) {
    bool moved = send(index, argument, NJ_SDMMC_R1, SDMMC_CMD_CMDTRANS, end);
    if (moved) {
        uint32_t status = 0;
        for (uint32_t look = 0; look < DATA_LOOKS + BLOCK_LOOKS * blocks; ++look) {
            status = SDMMC2_STA;
            if ((status & (ERRORS | SDMMC_STA_DATAEND)) != 0 && (status & SDMMC_STA_DPSMACT) == 0) {
                break;
            }
        }
        end->status = status;
        moved = (status & (ERRORS | SDMMC_STA_DATAEND)) == SDMMC_STA_DATAEND;
    }
    if ((SDMMC2_STA & SDMMC_STA_DPSMACT) == 0) { /* else the stop that the caller sends ends it, and the next start */
        SDMMC2_IDMACTRL = 0;
        SDMMC2_DCTRL = 0;
    }
    return moved;
}

bool nj_sdmmc_read(uint32_t index, uint32_t argument, void *data, uint32_t blocks, struct nj_sdmmc_end *end) {
    const uint32_t bytes = blocks * NJ_SDMMC_BLOCK;
    nj_cache_lines_hand_over(data, bytes);
    prepare(SDMMC_DCTRL_FROM_CARD, (uint32_t)(uintptr_t)data, blocks);
    const bool moved = transfer(index, argument, blocks, end);
    nj_cache_lines_drop(data, bytes);
    return moved;
}

bool nj_sdmmc_write(uint32_t index, uint32_t argument, const void *data, uint32_t blocks, struct nj_sdmmc_end *end) {
    nj_cache_lines_write_back(data, blocks * NJ_SDMMC_BLOCK);
    prepare(0, (uint32_t)(uintptr_t)data, blocks);
    return transfer(index, argument, blocks, end);
}
