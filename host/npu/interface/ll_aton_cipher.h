/* Enciphered weights, as generated code of 4.0 declares them. Only "off" is defined.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_LL_ATON_CIPHER_H
#define NJ_NPU_LL_ATON_CIPHER_H

#include <stdint.h>

typedef struct {
    unsigned int enable;
    uint64_t encryption_id;
    unsigned int rounds;
    unsigned int key_sel;
    unsigned int increment;
} LL_Streng_EncryptionTypedef;

int LL_Streng_EncryptionInit(int id, const LL_Streng_EncryptionTypedef *settings);

#endif
