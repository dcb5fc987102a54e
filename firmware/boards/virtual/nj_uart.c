/* CMSDK APB UART 0 (register names from Arm's data sheet), polled.
 * SPDX-License-Identifier: MIT
 */
#include "nj_board.h"

#define UART(offset) NJ_REGISTER(0x59303000u + (offset))
#define DATA UART(0x00)
#define STATE UART(0x04)
#define CTRL UART(0x08)
#define INT_STATUS UART(0x0C)
#define BAUD_DIVIDER UART(0x10)

#define TX_FULL 1u
#define RX_FULL 2u
#define TX_ENABLE 1u
#define RX_ENABLE 2u
#define RX_INTERRUPT (1u << 3)
#define RX_INTERRUPT_CLEAR 2u

/* Polls for room before a byte is given up: nobody reads the other end. */
#define PATIENCE 1000000u

void nj_uart_start(void) {
    BAUD_DIVIDER = 16; /* the smallest: QEMU sends at once whatever it says */
    CTRL = TX_ENABLE | RX_ENABLE | RX_INTERRUPT;
}

bool nj_uart_waiting(void) {
    INT_STATUS = RX_INTERRUPT_CLEAR; /* first: a byte that comes after the look below must raise it anew */
    return (STATE & RX_FULL) != 0;
}

uint32_t nj_uart_read(uint8_t *data, uint32_t capacity) {
    uint32_t count = 0;
    while (count < capacity && (STATE & RX_FULL) != 0) {
        data[count++] = (uint8_t)DATA;
    }
    return count;
}

void nj_uart_write(const uint8_t *data, uint32_t length) {
    for (uint32_t i = 0; i < length; ++i) {
        uint32_t patience = PATIENCE;
        while ((STATE & TX_FULL) != 0) {
            if (--patience == 0) {
                return;
            }
        }
        DATA = data[i];
    }
}
