/* The virtual board's parts: registers, memory and the pieces of the port.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_BOARD_H
#define NJ_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "nj_port.h"

#define NJ_REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/* Interrupts that only wake the sleeping core; they are never taken. */
#define NJ_IRQ_ETHERNET 49u
#define NJ_IRQ_UART0_RX 33u

/* Symbols of the linker script. */
extern uint32_t nj_stack_begin[];
extern uint32_t nj_stack_end[];
extern uint32_t nj_handler_stack_begin[];
extern uint32_t nj_handler_stack_end[];
extern const uint8_t nj_text_begin[];
extern const uint8_t nj_text_end[];
extern const uint8_t nj_build_id_note[];

/* The loaded segments: code, constants, and the bytes that .data starts with. */
extern const uint8_t nj_code_begin[], nj_code_end[];
extern const uint8_t nj_constants_begin[], nj_constants_end[];
extern const uint8_t nj_data_image_begin[], nj_data_image_end[];

/* Arm the memory protection: nothing at address 0, code and constants read-only, data not executable. */
void nj_mpu_start(void);

/* LAN9118 Ethernet, polled. One link frame a packet, behind a 14-byte Ethernet header. */
void nj_lan9118_start(void);
uint32_t nj_lan9118_read(uint8_t *data, uint32_t capacity); /* the payload of one packet, or 0 */
bool nj_lan9118_waiting(void); /* whether a packet is there; from now on the next one interrupts */
void nj_lan9118_write(const uint8_t *data, uint32_t length);

/* UART0, polled: the slow port of the same protocol. */
void nj_uart_start(void);
uint32_t nj_uart_read(uint8_t *data, uint32_t capacity);
bool nj_uart_waiting(void);
void nj_uart_write(const uint8_t *data, uint32_t length);

/* Instructions between begin and end, exact at QEMU's -icount shift=6. */
void nj_cost_start(void);
void nj_cost_begin(void *context);
uint64_t nj_cost_end(void *context);

/* Start the firmware again, and remember why. */
void nj_board_reset(enum nj_reset_cause cause) __attribute__((noreturn));

/* In main's place, after memory is set up. */
void nj_main(void) __attribute__((noreturn));

/* What the fault handler hands to thread mode. */
void nj_main_fault(const struct nj_fault *fault) __attribute__((noreturn));

#endif
