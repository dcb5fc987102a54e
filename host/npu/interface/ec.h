/* The words of epoch controller programs and of the containers that they come in: names only.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_EC_H
#define NJ_NPU_EC_H

#include <stdint.h>

typedef uint32_t ECInstr;
typedef uint32_t ECAddr;
typedef uint32_t ECFileEntry;

#endif
