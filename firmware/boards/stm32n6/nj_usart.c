/* USART1, the virtual COM port of both boards: PE5 sends, PE6 receives, 921600 8N1.
 *
 * Compiled without floating point and vectors (stm32n6.cmake): the interrupt saves no such registers.
 * SPDX-License-Identifier: MIT
 */
#include "nj_board.h"

#define BAUD 921600u
#define MODE_ALTERNATE 2u
#define FUNCTION_USART1 7u
#define PIN_TX 5u
#define PIN_RX 6u
#define OF_TWO(pin, value) ((uint32_t)(value) << (2u * (pin)))
#define OF_FOUR(pin, value) ((uint32_t)(value) << (4u * (pin)))

/* What the host may send unasked: 8 pieces of 1 KiB with their frames, and a request; a power of two. */
#define RING 16384u
_Static_assert(RING >= 8u * (1024u + 64u) && (RING & (RING - 1u)) == 0, "the ring holds the credit window");

static uint8_t ring[RING];
static volatile uint32_t written; /* by the interrupt alone */
static volatile uint32_t taken; /* by the thread alone */
static volatile uint32_t overruns;

void nj_usart_open(void) {
    RCC_AHB4ENSR = RCC_AHB4_GPIOE;
    RCC_APB2ENSR = RCC_APB2_USART1;
    RCC_CCIPR13 = RCC_CCIPR13 & ~7u; /* USART1 from PCLK2 */
    (void)RCC_AHB4ENR;
    (void)RCC_APB2ENR;
    const uint32_t twos = OF_TWO(PIN_TX, 3) | OF_TWO(PIN_RX, 3);
    const uint32_t fours = OF_FOUR(PIN_TX, 15) | OF_FOUR(PIN_RX, 15);
    GPIOE_OSPEEDR = (GPIOE_OSPEEDR & ~twos) | OF_TWO(PIN_TX, 1) | OF_TWO(PIN_RX, 1);
    GPIOE_OTYPER = GPIOE_OTYPER & ~(1u << PIN_TX | 1u << PIN_RX);
    GPIOE_PUPDR = (GPIOE_PUPDR & ~twos) | OF_TWO(PIN_RX, 1); /* an open line reads as idle */
    GPIOE_AFRL = (GPIOE_AFRL & ~fours) | OF_FOUR(PIN_TX, FUNCTION_USART1) | OF_FOUR(PIN_RX, FUNCTION_USART1);
    GPIOE_MODER = (GPIOE_MODER & ~twos) | OF_TWO(PIN_TX, MODE_ALTERNATE) | OF_TWO(PIN_RX, MODE_ALTERNATE);
    USART1_CR1 = 0;
    USART1_CR2 = 0; /* one stop bit */
    USART1_CR3 = 0;
    USART1_PRESC = 0;
    USART1_BRR = (nj_clock_apb_hz() + BAUD / 2u) / BAUD;
    USART1_CR1 = USART_CR1_FIFOEN | USART_CR1_TE | USART_CR1_RE;
    USART1_CR1 = USART_CR1_FIFOEN | USART_CR1_TE | USART_CR1_RE | USART_CR1_UE;
    while ((USART1_ISR & (USART_ISR_TEACK | USART_ISR_REACK)) != (USART_ISR_TEACK | USART_ISR_REACK)) {
    }
}

void nj_usart_start(void) {
    nj_usart_open();
    USART1_ICR = USART_ISR_ORE | USART_ISR_NE | USART_ISR_FE; /* what was lost before belongs to the start before */
    USART1_CR1 = USART_CR1_FIFOEN | USART_CR1_TE | USART_CR1_RE | USART_CR1_UE | USART_CR1_RXFNEIE;
    NVIC_UNPEND(NJ_IRQ_USART1) = NVIC_BIT(NJ_IRQ_USART1);
    NVIC_ENABLE(NJ_IRQ_USART1) = NVIC_BIT(NJ_IRQ_USART1);
}

void nj_usart_interrupt(void) {
    uint32_t state = USART1_ISR;
    if ((state & USART_ISR_ORE) != 0) {
        ++overruns;
    }
    USART1_ICR = state & (USART_ISR_ORE | USART_ISR_NE | USART_ISR_FE);
    while ((state & USART_ISR_RXFNE) != 0) {
        const uint8_t byte = (uint8_t)USART1_RDR;
        if (written - taken < RING) {
            ring[written % RING] = byte;
            ++written;
        } else {
            ++overruns;
        }
        state = USART1_ISR;
    }
}

void nj_usart_drain(void) {
    NVIC_UNPEND(NJ_IRQ_USART1) = NVIC_BIT(NJ_IRQ_USART1); /* what comes from now on pends it again */
    nj_usart_interrupt();
}

bool nj_usart_waiting(void) {
    return written != taken;
}

uint32_t nj_usart_read(uint8_t *data, uint32_t capacity) {
    uint32_t count = 0;
    while (count < capacity && written != taken) {
        data[count++] = ring[taken % RING];
        ++taken;
    }
    return count;
}

uint32_t nj_usart_overruns(void) {
    return overruns;
}

/* Looks at the flag: a full FIFO takes 200 us, and each look more than 10 ns. Without its clock it never stands. */
#define LOOKS 100000u

void nj_usart_finish(void) {
    for (uint32_t look = 0; look < LOOKS && (USART1_ISR & USART_ISR_TC) == 0; ++look) {
    }
}

void nj_usart_write(const uint8_t *data, uint32_t length) {
    for (uint32_t i = 0; i < length; ++i) {
        while ((USART1_ISR & USART_ISR_TXFNF) == 0) {
        }
        USART1_TDR = data[i];
    }
}
