/* The virtual board's port.
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>

#include "nj_board.h"
#include "nj_image.h"

#define AIRCR NJ_REGISTER(0xE000ED0C)
#define NVIC_ENABLE(irq) NJ_REGISTER(0xE000E100u + 4u * ((irq) / 32u))
#define NVIC_DISABLE(irq) NJ_REGISTER(0xE000E180u + 4u * ((irq) / 32u))
#define NVIC_UNPEND(irq) NJ_REGISTER(0xE000E280u + 4u * ((irq) / 32u))
#define BIT(irq) (1u << ((irq) % 32u))

#define STACK_PAINT 0xA5A5A5A5u
#define CAUSE_MAGIC 0x4E4A0000u

/* Not zeroed at a start: why the last one happened, and how many there were. */
__attribute__((section(".noinit"))) static uint32_t kept_cause;
__attribute__((section(".noinit"))) static uint32_t kept_boot;

static enum nj_reset_cause cause;

/* Answers go where the last bytes came from; to everybody before the first. */
static enum { EVERYBODY, NETWORK, SERIAL } talking;

static uint32_t port_read(void *context, uint8_t *data, uint32_t capacity) {
    (void)context;
    /* One byte is kept for a delimiter: half a frame of one channel must not run into the other's. */
    uint32_t count = nj_lan9118_read(data + 1, capacity - 1);
    uint32_t from = NETWORK;
    if (count == 0) {
        count = nj_uart_read(data + 1, capacity - 1);
        from = SERIAL;
    }
    if (count == 0) {
        return 0;
    }
    const bool other = talking != from;
    talking = from == NETWORK ? NETWORK : SERIAL;
    data[0] = 0;
    if (other) {
        return count + 1;
    }
    for (uint32_t i = 0; i < count; ++i) {
        data[i] = data[i + 1];
    }
    return count;
}

static void port_write(void *context, const uint8_t *data, uint32_t length) {
    (void)context;
    if (talking != SERIAL) {
        nj_lan9118_write(data, length);
    }
    if (talking != NETWORK) {
        nj_uart_write(data, length);
    }
}

void nj_board_reset(enum nj_reset_cause why) {
    kept_cause = CAUSE_MAGIC | (uint32_t)why;
    __asm__ volatile("dsb" : : : "memory");
    AIRCR = 0x05FA0004u; /* SYSRESETREQ */
    for (;;) {
    }
}

static void port_reset(void *context) {
    (void)context;
    nj_board_reset(NJ_RESET_REQUESTED);
}

static enum nj_reset_cause port_reset_cause(void *context) {
    (void)context;
    return cause;
}

static uint32_t port_stack_used(void *context) {
    (void)context;
    const uint32_t *at = nj_stack_begin;
    while (at < nj_stack_end && *at == STACK_PAINT) {
        ++at;
    }
    return (uint32_t)((const uint8_t *)nj_stack_end - (const uint8_t *)at);
}

static void clear_pending(void) {
    NVIC_UNPEND(NJ_IRQ_ETHERNET) = BIT(NJ_IRQ_ETHERNET);
    NVIC_UNPEND(NJ_IRQ_UART0_RX) = BIT(NJ_IRQ_UART0_RX);
}

/* Sleep until a byte or packet is there. The interrupts are masked, and enabled only here: pending, they wake the core;
 * they are never taken. */
static void port_idle(void *context) {
    (void)context;
    __asm__ volatile("cpsid i" : : : "memory");
    clear_pending();
    NVIC_ENABLE(NJ_IRQ_ETHERNET) = BIT(NJ_IRQ_ETHERNET);
    NVIC_ENABLE(NJ_IRQ_UART0_RX) = BIT(NJ_IRQ_UART0_RX);
    const bool network = nj_lan9118_waiting();
    const bool serial = nj_uart_waiting();
    if (!network && !serial) {
        __asm__ volatile("dsb\n wfi\n isb" : : : "memory");
    }
    NVIC_DISABLE(NJ_IRQ_ETHERNET) = BIT(NJ_IRQ_ETHERNET);
    NVIC_DISABLE(NJ_IRQ_UART0_RX) = BIT(NJ_IRQ_UART0_RX);
    clear_pending();
    __asm__ volatile("cpsie i" : : : "memory");
}

static struct nj_port port = {
    .board = "virtual",
    .cost_unit = "instructions",
    .read = port_read,
    .write = port_write,
    .cost_begin = nj_cost_begin,
    .cost_end = nj_cost_end,
    .reset = port_reset,
    .reset_cause = port_reset_cause,
    .stack_used = port_stack_used,
    .idle = port_idle,
};

static void add_segment(const uint8_t *begin, const uint8_t *end) {
    const uint32_t address = (uint32_t)(uintptr_t)begin;
    port.image = nj_image_add(port.image, address, begin, (uint32_t)(uintptr_t)end - address);
}

void nj_main(void) {
    if ((kept_cause & 0xFFFF0000u) == CAUSE_MAGIC) {
        cause = (enum nj_reset_cause)(kept_cause & 3u);
    }
    kept_cause = 0;
    port.boot = ++kept_boot;
    /* Note: name's bytes, content's bytes, type, name "GNU", content. */
    const uint32_t *const note = (const uint32_t *)(const void *)nj_build_id_note;
    port.build_id_bytes = note[1];
    port.build_id = nj_build_id_note + 16;
    nj_mpu_start();
    nj_cost_start();
    nj_lan9118_start();
    nj_uart_start();
    /* By rising address, and last: packets wait meanwhile. */
    add_segment(nj_code_begin, nj_code_end);
    add_segment(nj_constants_begin, nj_constants_end);
    add_segment(nj_data_image_begin, nj_data_image_end);
    nj_application(&port);
    nj_board_reset(NJ_RESET_UNKNOWN);
}

void nj_main_fault(const struct nj_fault *fault) {
    nj_application_fault(&port, fault);
    nj_board_reset(NJ_RESET_FAULT);
}
