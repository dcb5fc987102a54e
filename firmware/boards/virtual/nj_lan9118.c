/* SMSC LAN9118 (register names from its data sheet), polled.
 *
 * A packet is destination (broadcast), source, ethertype 0x88B5 (local experiments) and the bytes of one link frame.
 * Short packets are padded with zeros, which are link delimiters and so say nothing.
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "nj_board.h"

#define LAN(offset) NJ_REGISTER(0x51400000u + (offset))
#define RX_DATA LAN(0x00)
#define TX_DATA LAN(0x20)
#define RX_STATUS LAN(0x40)
#define TX_STATUS LAN(0x48)
#define IRQ_CFG LAN(0x54)
#define INT_STS LAN(0x58)
#define INT_EN LAN(0x5C)
#define FIFO_INT LAN(0x68)
#define TX_CFG LAN(0x70)
#define RX_FIFO_INF LAN(0x7C)
#define TX_FIFO_INF LAN(0x80)
#define MAC_CSR_CMD LAN(0xA4)
#define MAC_CSR_DATA LAN(0xA8)

#define MAC_CR 1u
#define MAC_CR_PROMISCUOUS (1u << 18)
#define MAC_CR_TX (1u << 3)
#define MAC_CR_RX (1u << 2)
#define MAC_BUSY (1u << 31)
#define RX_LEVEL_INTERRUPT (1u << 3) /* RSFL: the RX status FIFO holds more than FIFO_INT says */
#define RX_ERROR (1u << 15)

#define HEADER_BYTES 14u
#define PACKET_BYTES 1536u

static uint32_t packet[PACKET_BYTES / 4u];

static void mac_write(uint32_t index, uint32_t value) {
    MAC_CSR_DATA = value;
    MAC_CSR_CMD = MAC_BUSY | index;
    while ((MAC_CSR_CMD & MAC_BUSY) != 0) {
    }
}

void nj_lan9118_start(void) {
    INT_EN = 0;
    mac_write(MAC_CR, MAC_CR_PROMISCUOUS | MAC_CR_TX | MAC_CR_RX);
    TX_CFG = 1u << 1; /* transmitter on */
    FIFO_INT = 0; /* RSFL at more than 0 statuses */
    INT_STS = 0xFFFFFFFFu;
    INT_EN = RX_LEVEL_INTERRUPT;
    IRQ_CFG = (1u << 8) | (1u << 4) | 1u; /* IRQ_EN, active high, push-pull */
}

bool nj_lan9118_waiting(void) {
    INT_STS = RX_LEVEL_INTERRUPT; /* first: a packet that comes after the look below must raise it anew */
    return ((RX_FIFO_INF >> 16) & 0xFFu) != 0;
}

uint32_t nj_lan9118_read(uint8_t *data, uint32_t capacity) {
    if (((RX_FIFO_INF >> 16) & 0xFFu) == 0) {
        return 0;
    }
    const uint32_t status = RX_STATUS;
    const uint32_t bytes = (status >> 16) & 0x3FFFu; /* with the 4 of the Ethernet CRC */
    const uint32_t words = (bytes + 3u) / 4u;
    for (uint32_t i = 0; i < words; ++i) {
        const uint32_t word = RX_DATA;
        if (i < PACKET_BYTES / 4u) {
            packet[i] = word;
        }
    }
    const uint8_t *const at = (const uint8_t *)packet;
    if ((status & RX_ERROR) != 0 || bytes > PACKET_BYTES || bytes < HEADER_BYTES + 4u || at[12] != 0x88 || at[13] != 0xB5) {
        return 0;
    }
    uint32_t payload = bytes - HEADER_BYTES - 4u;
    if (payload > capacity) {
        payload = capacity;
    }
    memcpy(data, at + HEADER_BYTES, payload);
    return payload;
}

void nj_lan9118_write(const uint8_t *data, uint32_t length) {
    static const uint8_t header[HEADER_BYTES] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02, 'n', 'j', 0, 0, 2, 0x88, 0xB5};
    uint8_t *const at = (uint8_t *)packet;
    uint32_t bytes = HEADER_BYTES + length;
    if (bytes > PACKET_BYTES) {
        return;
    }
    memcpy(at, header, HEADER_BYTES);
    memcpy(at + HEADER_BYTES, data, length);
    while (bytes < 60u) { /* the shortest Ethernet packet */
        at[bytes++] = 0;
    }
    const uint32_t words = (bytes + 3u) / 4u;
    while ((TX_FIFO_INF & 0xFFFFu) < words * 4u + 8u) {
    }
    TX_DATA = (1u << 13) | (1u << 12) | bytes; /* command A: first and last segment, its bytes */
    TX_DATA = bytes; /* command B: the packet's bytes */
    for (uint32_t i = 0; i < words; ++i) {
        TX_DATA = packet[i];
    }
    while (((TX_FIFO_INF >> 16) & 0xFFu) != 0) {
        (void)TX_STATUS; /* an unread status fills its FIFO */
    }
}
