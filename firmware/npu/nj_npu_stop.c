/* SPDX-License-Identifier: MIT */
#include "nj_npu_stop.h"

#include <stdbool.h>

#include "nj_log.h"
#include "nj_npu_port.h"
#include "nj_npu_runtime.h"

enum { ENGINES = 10, INTERRUPTS_LATCHED = 0x1008 };
#define CONTROLLER_DONE (1u << 28)

void nj_npu_put(struct nj_npu_text *to, const char *text) {
    while (*text != '\0' && to->length < sizeof to->text - 1u) {
        to->text[to->length++] = *text++;
    }
    to->text[to->length] = '\0';
}

void nj_npu_put_number(struct nj_npu_text *to, int64_t value) {
    char digits[21];
    uint32_t at = sizeof digits - 1u;
    uint64_t rest = value < 0 ? 0u - (uint64_t)value : (uint64_t)value;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + rest % 10u);
        rest /= 10u;
    } while (rest != 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    nj_npu_put(to, &digits[at]);
}

void nj_npu_put_hex(struct nj_npu_text *to, uint32_t value) {
    char digits[11] = "0x";
    for (uint32_t i = 0; i < 8; ++i) {
        digits[2 + i] = "0123456789abcdef"[value >> (28u - 4u * i) & 15u];
    }
    digits[10] = '\0';
    nj_npu_put(to, digits);
}

void nj_npu_stop(const struct nj_npu_text *text) {
    nj_log(text->text);
    __builtin_trap();
}

static void put_register(struct nj_npu_text *to, const char *name, uint32_t offset) {
    nj_npu_put(to, name);
    nj_npu_put_hex(to, NJ_NPU(offset));
}

void nj_npu_stop_late(uint32_t block, uint32_t engines) {
    struct nj_npu_text text = {.length = 0};
    nj_npu_put(&text, "the NPU has not ended epoch block ");
    nj_npu_put_number(&text, block);
    nj_npu_put(&text, " after ");
    nj_npu_put_number(&text, NJ_NPU_PATIENCE_MS);
    nj_npu_put(&text, " ms: CLKCTRL ");
    put_register(&text, "", 0x0000u);
    put_register(&text, ", BGATES ", 0x0010u);
    put_register(&text, ", INTREG ", INTERRUPTS_LATCHED);
    for (uint32_t i = 0; i < ENGINES; ++i) {
        if ((engines >> i & 1u) != 0) {
            nj_npu_put(&text, ", STRENG ");
            nj_npu_put_number(&text, i);
            put_register(&text, " CTRL ", 0x5000u + 0x1000u * i);
            put_register(&text, " IRQ ", 0x503Cu + 0x1000u * i);
        }
    }
    if (engines == 0) {
        put_register(&text, ", EPOCHCTRL CTRL ", 0x1E000u);
        put_register(&text, " label ", 0x1E01Cu);
        put_register(&text, " instructions ", 0x1E020u);
    }
    if ((NJ_NPU(INTERRUPTS_LATCHED) & (engines != 0 ? engines : CONTROLLER_DONE)) != 0) {
        nj_npu_put(&text, "; by now it has: the core was not told, or took the NPU's clock away by sleeping (RCC_AHB5LPENR)");
    }
    nj_npu_stop(&text);
}
