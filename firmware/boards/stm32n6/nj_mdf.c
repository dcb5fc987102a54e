/* Clock, pins and filter in the order of ST's example for the board (STM32CubeN6 1.0.0) and of stm32n6xx_hal_mdf.c; PLL3's fraction as
 * in stm32n6xx_hal_rcc.c (stm32n6xx-hal-driver 1.1.0).
 * SPDX-License-Identifier: MIT
 */
#include "nj_mdf.h"

#include "nj_board.h"
#include "nj_cache_lines.h"

#define FUNCTION_MDF1 4u
#define PLL3_LOOKS 1000000u /* of more than 10 ns each */
#define STOP_LOOKS 1000000u
#define LOAD_LOOKS 100u
#define MARGIN 256u /* samples: what comes while as many are copied */

struct rate {
    uint32_t hz;
    uint32_t n;
    uint32_t fraction;
    uint32_t clock;
    uint32_t cic;
    uint32_t gain;
};

#define NJ_RATE(...) {__VA_ARGS__},
static const struct rate rates[] = {
#include "nj_mdf_rates.h"
};
#undef NJ_RATE

/* PE2 the microphone's clock CCK0, PE8 its data SDI0. */
static void take_pins(void) {
    RCC_AHB4ENSR = RCC_AHB4_GPIOE;
    (void)RCC_AHB4ENR; /* the enable has arrived when it can be read */
    GPIOE_OSPEEDR = (GPIOE_OSPEEDR & ~(3u << 4)) | 1u << 4;
    GPIOE_OTYPER = GPIOE_OTYPER & ~(1u << 2);
    GPIOE_PUPDR = GPIOE_PUPDR & ~(3u << 4 | 3u << 16);
    GPIOE_AFRL = (GPIOE_AFRL & ~(15u << 8)) | FUNCTION_MDF1 << 8;
    GPIOE_AFRH = (GPIOE_AFRH & ~15u) | FUNCTION_MDF1;
    GPIOE_MODER = (GPIOE_MODER & ~(3u << 4 | 3u << 16)) | 2u << 4 | 2u << 16;
}

/* PLL3, from which nothing else of the port runs, and IC8. */
static bool start_clock(const struct rate *rate) {
    const uint32_t dividers = RCC_PLL1CFGR3_MODSSDIS | RCC_PLL1CFGR3_PDIV(7, 1);
    RCC_DIVENCR = RCC_DIVEN(8u);
    RCC_CCR = RCC_PLL3;
    for (uint32_t look = 0; look < PLL3_LOOKS && (RCC_SR & RCC_PLL3) != 0; ++look) {
    }
    RCC_PLL3CFGR3 = RCC_PLL1CFGR3_MODSSDIS;
    RCC_PLL3CFGR1 = RCC_PLL1CFGR1_FACTORS(8, rate->n);
    RCC_PLL3CFGR2 = rate->fraction;
    RCC_PLL3CFGR3 = dividers | RCC_PLLCFGR3_MODDSEN | RCC_PLLCFGR3_DACEN;
    RCC_PLL3CFGR3 = dividers | RCC_PLLCFGR3_MODDSEN | RCC_PLLCFGR3_DACEN | RCC_PLL1CFGR3_PDIVEN | RCC_PLL1CFGR3_MODSSRST;
    RCC_CSR = RCC_PLL3;
    for (uint32_t look = 0; (RCC_SR & RCC_PLL3) == 0; ++look) {
        if (look == PLL3_LOOKS) {
            return false;
        }
    }
    RCC_IC8CFGR = RCC_ICCFGR_PLL3 | RCC_ICCFGR(4);
    RCC_DIVENSR = RCC_DIVEN(8u);
    RCC_CCIPR5 = (RCC_CCIPR5 & ~RCC_CCIPR5_MDF1SEL) | RCC_CCIPR5_MDF1SEL_IC8;
    RCC_AHB2ENSR = RCC_AHB2_MDF1;
    (void)RCC_AHB2ENR;
    RCC_AHB2LPENSR = RCC_AHB2_MDF1; /* a core that sleeps takes away every clock that is not named */
    return true;
}

static void start_filter(const struct rate *rate) {
    const uint32_t clocks = MDF_CKGCR_PROCDIV(2) | MDF_CKGCR_CCKDIV(rate->clock) | MDF_CKGCR_CCK0;
    MDF1_GCR = 0;
    MDF1_CKGCR = clocks;
    MDF1_CKGCR = clocks | MDF_CKGCR_CKDEN;
    MDF1_SITF0CR = MDF_SITFCR_THRESHOLD(31) | MDF_SITFCR_SPI; /* from CCK0 */
    MDF1_SITF0CR = MDF_SITFCR_THRESHOLD(31) | MDF_SITFCR_SPI | MDF_SITFCR_SITFEN;
    MDF1_BSMX0CR = MDF_BSMXCR_FALLING;
    MDF1_DFLT0CICR = MDF_DFLTCICR_SINC4 | MDF_DFLTCICR_DECIMATION(rate->cic) | MDF_DFLTCICR_SCALE(rate->gain);
    MDF1_DLY0CR = 0;
    MDF1_OEC0CR = 0;
    MDF1_DFLT0RSFR = 0; /* reshape, a fourth of the samples, and a high pass at 0.000625 of their rate: none is bypassed */
    MDF1_DFLT0INTR = 0;
    MDF1_DFLT0ISR = 0xFFFu;
    MDF1_DFLT0CR = MDF_DFLTCR_DMAEN; /* asynchronous, continuous; a request for every sample */
    MDF1_DFLT0CR = MDF_DFLTCR_DMAEN | MDF_DFLTCR_DFLTEN;
}

bool nj_mdf_start(struct nj_mdf *mdf, uint32_t rate_hz) {
    for (uint32_t i = 0; i < sizeof rates / sizeof rates[0]; ++i) {
        if (rates[i].hz == rate_hz) {
            nj_mdf_stop(mdf); /* while what it runs from is there */
            take_pins();
            if (!start_clock(&rates[i])) {
                return false;
            }
            mdf->rounds = 0;
            mdf->taken_rounds = 0;
            mdf->taken = 0;
            mdf->dropped = 0;
            mdf->gap = false;
            mdf->stopped = false;
            nj_gpdma_start(&mdf->item, GPDMA_TR2_MDF1_FLT0, NJ_MDF1_DFLT0DR_UPPER, mdf->ring, sizeof mdf->ring);
            start_filter(&rates[i]);
            return true;
        }
    }
    return false;
}

/* The events since the last look. The middle and the end of a round are told one by one: both at once mean that nobody looked for half
 * a round at least, and by how many rounds that was longer, nobody knows. */
static void take_events(struct nj_mdf *mdf) {
    const uint32_t events = nj_gpdma_events();
    mdf->rounds += (events & GPDMA_TC) != 0 ? 1u : 0;
    mdf->gap = mdf->gap || ((events & GPDMA_HT) != 0 && (events & GPDMA_TC) != 0);
    if ((events & GPDMA_ERRORS) != 0 && !mdf->stopped) {
        mdf->stopped = true;
        mdf->dropped += NJ_MDF_RING;
    }
    if ((MDF1_DFLT0ISR & (MDF_DFLTISR_DOVRF | MDF_DFLTISR_RFOVRF)) != 0) {
        MDF1_DFLT0ISR = MDF_DFLTISR_DOVRF | MDF_DFLTISR_RFOVRF;
        mdf->gap = true;
        ++mdf->dropped;
    }
}

/* Samples that were written and not taken. More than the ring has are not all there any more. */
static uint32_t unread(struct nj_mdf *mdf) {
    uint32_t masked;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(masked) : : "memory");
    take_events(mdf);
    uint32_t rounds;
    uint32_t left;
    do { /* a round may end between the two looks */
        rounds = mdf->rounds;
        left = nj_gpdma_left();
        for (uint32_t look = 0; left == 0 && !mdf->stopped && look < LOAD_LOOKS; ++look) { /* the item is being loaded */
            left = nj_gpdma_left();
        }
        take_events(mdf);
    } while (mdf->rounds != rounds);
    __asm__ volatile("msr primask, %0" : : "r"(masked) : "memory");
    return (rounds - mdf->taken_rounds) * NJ_MDF_RING + (NJ_MDF_RING - left / 2u) - mdf->taken;
}

static void skip(struct nj_mdf *mdf, uint32_t samples) {
    const uint32_t place = mdf->taken + samples;
    mdf->taken_rounds += place / NJ_MDF_RING;
    mdf->taken = place % NJ_MDF_RING;
}

/* What is there to be read, after what is lost or has a gap in it was dropped. */
static uint32_t waiting(struct nj_mdf *mdf) {
    const uint32_t there = unread(mdf);
    if (mdf->stopped) {
        return 0;
    }
    if (mdf->gap || there > NJ_MDF_RING - MARGIN) {
        mdf->gap = false;
        mdf->dropped += there;
        skip(mdf, there);
        return 0;
    }
    return there;
}

void nj_mdf_interrupt(struct nj_mdf *mdf) {
    take_events(mdf);
}

static void copy(const struct nj_mdf *mdf, int16_t *samples, uint32_t count) {
    for (uint32_t done = 0; done < count;) {
        const uint32_t place = (mdf->taken + done) % NJ_MDF_RING;
        const uint32_t run = count - done < NJ_MDF_RING - place ? count - done : NJ_MDF_RING - place;
        const uint32_t first = place & ~(NJ_CACHE_LINE / 2u - 1u);
        nj_cache_lines_drop(&mdf->ring[first], 2u * (place + run - first));
        for (uint32_t i = 0; i < run; ++i) {
            samples[done + i] = mdf->ring[place + i];
        }
        done += run;
    }
}

uint32_t nj_mdf_read(struct nj_mdf *mdf, int16_t *samples, uint32_t capacity) {
    if (mdf->stopped) {
        return 0;
    }
    const uint32_t there = waiting(mdf);
    const uint32_t count = there < capacity ? there : capacity;
    copy(mdf, samples, count);
    if (unread(mdf) > NJ_MDF_RING || mdf->gap) { /* written anew while it was copied, or a gap was told only now */
        (void)waiting(mdf);
        return 0;
    }
    skip(mdf, count);
    return count;
}

uint32_t nj_mdf_dropped(const struct nj_mdf *mdf) {
    return mdf->dropped;
}

void nj_mdf_stop(struct nj_mdf *mdf) {
    (void)mdf;
    RCC_AHB2ENSR = RCC_AHB2_MDF1;
    (void)RCC_AHB2ENR;
    MDF1_DFLT0CR = 0;
    for (uint32_t look = 0; look < STOP_LOOKS && (MDF1_DFLT0CR & MDF_DFLTCR_DFLTACTIVE) != 0; ++look) {
    }
    MDF1_SITF0CR = 0;
    MDF1_CKGCR = 0;
    nj_gpdma_stop();
}
