/* Where the NPU's memory lies on the virtual board. Its RAM is at 0x60000000 to 0xDFFFFFFF, so that
 * external memory lies where it is; internal memory, 0x20000000 to 0x3FFFFFFF, is moved.
 *
 * Included before everything that is compiled for the board. A constant expression for a constant.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_TRANSLATION_H
#define NJ_NPU_TRANSLATION_H

#define NJ_NPU_BOARD_RAM 0x60000000U
#define NJ_NPU_TRANSLATED(address)                                                 \
    (((address) >> 29) == 1 ? ((address) & 0x0FFFFFFFU) | NJ_NPU_BOARD_RAM : (address))

#define ATON_LIB_PHYSICAL_TO_VIRTUAL_ADDR(address) NJ_NPU_TRANSLATED((uintptr_t)(address))

#endif
