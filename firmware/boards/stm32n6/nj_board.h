/* An STM32N6's parts: memory and the pieces of the port.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_BOARD_H
#define NJ_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "nj_layout.h"
#include "nj_port.h"
#include "nj_registers.h"

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
extern const uint8_t nj_weights_begin[], nj_weights_end[]; /* only where they lie in the NOR: NJ_WEIGHTS_IN_NOR */

/* Say that the board's supplies are there, and let the core voltage settle: raised where NJ_CPU_MHZ is 800. */
void nj_supply_start(void);

/* PLL1 from the HSI, the CPU at NJ_CPU_MHZ (600 or 800), the buses at 400, AHB and APB at 100; nothing runs from PLL1 meanwhile. */
void nj_clock_start(void);

/* As the registers say now, in Hz: the core, the bus, its peripherals (AHB), the UART (APB). Nothing on the chip that does not
 * come from the same PLL counts against them: they are computed, not measured. */
#define NJ_CLOCKS 4u
void nj_clock_read(uint32_t clocks[NJ_CLOCKS]);
uint32_t nj_clock_apb_hz(void);

/* Power and clock AXISRAM3 to 6, and keep the clocks of what is used on while the core sleeps. */
void nj_memory_start(void);

/* Arm the memory protection: nothing at address 0, code and constants read-only, data not executable. Then the caches, which
 * nj_cache_stop has found in any state and left off and empty. */
void nj_mpu_start(void);
void nj_cache_stop(void);
void nj_cache_start(void);
void nj_cache_clean(void); /* what the core has written goes to memory */
void nj_cache_drop(void); /* that too, and it has nothing any more */
uint32_t nj_cache_state(void); /* bit 0: instructions, bit 1: data */

/* USART1 on PE5 and PE6, 921600 8N1. Once it is started, bytes are taken by the interrupt, into a ring;
 * only opened, it sends. */
void nj_usart_open(void);
void nj_usart_start(void);
uint32_t nj_usart_read(uint8_t *data, uint32_t capacity);
/* For who waits with interrupts masked: take what has come, or it is lost. */
void nj_usart_drain(void);
bool nj_usart_waiting(void);
void nj_usart_write(const uint8_t *data, uint32_t length);
void nj_usart_finish(void); /* until the last byte has left: no clock may change before */
uint32_t nj_usart_overruns(void); /* times that bytes were lost since the start */
void nj_usart_interrupt(void);

/* Cycles between begin and end, by the performance monitor's cycle counter. */
void nj_cost_start(void);
void nj_cost_begin(void *context);
uint64_t nj_cost_end(void *context);
void nj_cost_interruptible(void *context);

/* Start the firmware again, and remember why. */
void nj_board_reset(enum nj_reset_cause cause) __attribute__((noreturn));

/* In main's place, after memory is set up. */
void nj_main(void) __attribute__((noreturn));

/* What the fault handler hands to thread mode. */
void nj_main_fault(const struct nj_fault *fault) __attribute__((noreturn));

#endif
