/* The microphone by its interrupt, and the card; what goes wrong with the card is told to who watches the link.
 * SPDX-License-Identifier: MIT
 */
#include "nj_sources.h"

#include "nj_board.h"
#include "nj_log.h"
#include "nj_mdf.h"
#include "nj_sd.h"

_Static_assert(NJ_MDF_RING / 48u > NJ_MICROPHONE_HOLDS_MS, "at 48 kHz, the fastest");

static struct nj_mdf mdf; /* in AXISRAM, as all that is no stack: the DMA reaches no TCM */
static struct nj_sd sd;
static bool hears;

void nj_sources_interrupt(void) {
    nj_mdf_interrupt(&mdf);
    __asm__ volatile("dsb" : : : "memory"); /* or it comes again, for events that were just taken */
}

static void stop(void *context) {
    (void)context;
    NVIC_DISABLE(NJ_IRQ_GPDMA1_6) = NVIC_BIT(NJ_IRQ_GPDMA1_6);
    nj_mdf_stop(&mdf);
    NVIC_UNPEND(NJ_IRQ_GPDMA1_6) = NVIC_BIT(NJ_IRQ_GPDMA1_6);
    hears = false;
}

void nj_sources_stop(void) {
    if (hears) {
        stop(0);
    }
}

static bool start(void *context, uint32_t rate_hz) {
    stop(context);
    if (!nj_mdf_start(&mdf, rate_hz)) {
        return false;
    }
    hears = true;
    NVIC_ENABLE(NJ_IRQ_GPDMA1_6) = NVIC_BIT(NJ_IRQ_GPDMA1_6);
    return true;
}

static uint32_t heard(void *context, int16_t *samples, uint32_t capacity) {
    (void)context;
    return nj_mdf_read(&mdf, samples, capacity);
}

static uint32_t dropped(void *context) {
    (void)context;
    return nj_mdf_dropped(&mdf);
}

const struct nj_microphone nj_sources_microphone = {
    .start = start,
    .read = heard,
    .dropped = dropped,
    .stop = stop,
};

static bool told(bool worked) {
    if (!worked) {
        static const char begin[] = "card: ";
        char text[sizeof begin - 1u + NJ_SD_FAILURE_BYTES];
        for (uint32_t i = 0; i < sizeof begin - 1u; ++i) {
            text[i] = begin[i];
        }
        nj_sd_failure(&sd, &text[sizeof begin - 1u]);
        nj_log(text);
    }
    return worked;
}

static uint32_t find(void *context) {
    (void)context;
    (void)told(nj_sd_start(&sd) != 0);
    return sd.blocks;
}

static bool read_blocks(void *context, uint32_t block, void *data, uint32_t blocks) {
    (void)context;
    return told(nj_sd_read(&sd, block, data, blocks));
}

static bool write_blocks(void *context, uint32_t block, const void *data, uint32_t blocks) {
    (void)context;
    return told(nj_sd_write(&sd, block, data, blocks));
}

const struct nj_card nj_sources_card = {
    .start = find,
    .read = read_blocks,
    .write = write_blocks,
};
