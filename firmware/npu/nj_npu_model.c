/* What the core asks of a model that the NPU runs: an instance for each inference, steps, and a look at what was written.
 * SPDX-License-Identifier: MIT
 */
#include "nj_npu_model.h"

#include <string.h>

#include "nj_npu_port.h"
#include "nj_npu_runtime.h"
#include "nj_npu_stop.h"
#include "nj_log.h"

/* What lies in a tensor's place before a tapped run: where all of it is still there, no epoch has written it. */
#define CANARY 0x55
#define CANARY_LEAST 8u /* bytes that are not all of one value by chance */
/* FPSCR in an epoch: as IEEE 754 has it, subnormal numbers included; LTPSIZE 4: vectors without a tail. */
#define IEEE_754 (4u << 16)

#define CLOCKS_CTRL 0x0000u
#define CLOCKS_ENABLED 1u /* 0 behind a reset */

static bool started;

static void check_reset(void) {
    if ((NJ_NPU(CLOCKS_CTRL) & CLOCKS_ENABLED) != 0) {
        struct nj_npu_text text = {.length = 0};
        nj_npu_put(&text, "the NPU has not been reset (RCC_AHB5RSTR): CLKCTRL is ");
        nj_npu_put_hex(&text, NJ_NPU(CLOCKS_CTRL));
        nj_npu_put(&text, ", and what ran there before would go on");
        nj_npu_stop(&text);
    }
}

static void start(void) {
    nj_npu_power();
    check_reset();
    for (uint32_t i = 0; i < nj_npu_image_count; ++i) {
        const struct nj_npu_image *const image = &nj_npu_images[i];
        memcpy(image->to, image->from, image->bytes);
        nj_npu_clean(image->to, image->bytes);
    }
    nj_npu_runtime_start();
    started = true;
}

/* Constants that were copied, as memory holds them now. */
static void check_constants(void) {
    for (uint32_t i = 0; i < nj_npu_image_count; ++i) {
        const struct nj_npu_image *const image = &nj_npu_images[i];
        const uint8_t *const there = image->to;
        const uint8_t *const wanted = image->from;
        nj_npu_drop(image->to, image->bytes);
        uint32_t same = 0;
        while (same < image->bytes && there[same] == wanted[same]) {
            ++same;
        }
        if (same < image->bytes) {
            struct nj_npu_text text = {.length = 0};
            nj_npu_put(&text, "the network's constants are not in the NPU's RAM: at ");
            nj_npu_put_hex(&text, (uint32_t)(uintptr_t)&there[same]);
            nj_npu_put(&text, " is ");
            nj_npu_put_number(&text, there[same]);
            nj_npu_put(&text, " and not ");
            nj_npu_put_number(&text, wanted[same]);
            nj_npu_put(&text, "; they were not copied, that RAM is shut down or has no clock, or they were overwritten");
            nj_npu_stop(&text);
        }
    }
}

static void see(const struct nj_place *place) {
    nj_npu_drop(place->data, place->bytes);
}

static void begin(bool tapped) {
    if (!started) {
        start();
    }
    nj_npu_runtime_begin();
    /* The NPU may have written there since: what is staged goes on top of that. */
    for (uint32_t i = 0; i < nj_model.inputs; ++i) {
        see(&nj_model.input[i]);
    }
    if (tapped) {
        check_constants();
        for (uint32_t i = 0; i < nj_model.taps; ++i) {
            const struct nj_place *const place = &nj_model.tap[i].place;
            memset(place->data, CANARY, place->bytes);
            nj_npu_drop(place->data, place->bytes);
        }
    }
}

static void check(uint32_t tap) {
    const struct nj_place *const place = &nj_model.tap[tap].place;
    const uint8_t *const bytes = place->data;
    uint32_t same = 0;
    while (same < place->bytes && bytes[same] == CANARY) {
        ++same;
    }
    if (same == place->bytes && same >= CANARY_LEAST) {
        struct nj_npu_text text = {.length = 0};
        nj_npu_put(&text, "no epoch has written the tensor of slot ");
        nj_npu_put_number(&text, tap);
        nj_npu_put(&text, ", which step ");
        nj_npu_put_number(&text, nj_model.tap[tap].step);
        nj_npu_put(&text, " should have finished: its place holds what was there before the run");
        nj_log(text.text);
    }
}

const struct nj_accelerator nj_npu_accelerator = {.begin = begin, .see = see, .check = check};

static uint32_t exchange_fpscr(uint32_t to) {
    uint32_t before;
    __asm__ volatile("vmrs %0, fpscr" : "=r"(before));
    __asm__ volatile("vmsr fpscr, %0" : : "r"(to));
    return before;
}

static void check_next(uint32_t wanted) {
    const uint32_t next = nj_npu_runtime_next();
    if (next != wanted) {
        struct nj_npu_text text = {.length = 0};
        nj_npu_put(&text, "the network's instance has not been reset: epoch block ");
        nj_npu_put_number(&text, wanted);
        nj_npu_put(&text, " is to run, and ");
        nj_npu_put_number(&text, next);
        nj_npu_put(&text, " is next, of ");
        nj_npu_put_number(&text, nj_model.steps);
        nj_npu_stop(&text);
    }
}

/* The NPU's interrupt is looked at and never taken: it is enabled where nj_npu_sleep has masked all, and nowhere else. */
void nj_npu_step(uint32_t number) {
    const uint32_t fpscr = exchange_fpscr(IEEE_754);
    if (number == 0) {
        for (uint32_t i = 0; i < nj_model.inputs; ++i) {
            nj_npu_clean(nj_model.input[i].data, nj_model.input[i].bytes);
        }
    }
    check_next(number);
    nj_npu_runtime_run();
    (void)exchange_fpscr(fpscr);
}
