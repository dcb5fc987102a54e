/* The loader of programs whose addresses are set at run time, as generated code calls it.
 *
 * A container is words: a magic, then offsets in bytes, 0 for what is not there:
 *   0xECBF0020 (2.1)            relocations, debug, program
 *   0xECBF0030, 0050 (from 2.2) relocations, patches, debug, program
 * The relocations: how many, for each the offset of its name, how many words it has and the offset
 * of their list, offsets in bytes from here; the list has indices behind the program's head.
 * Versions differ in the order of arguments; a program, a container and a table begin differently,
 * so that the functions that take two of them find out which is which.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_ECLOADER_H
#define NJ_NPU_ECLOADER_H

#include <stdbool.h>

#include "ec.h"

bool ec_copy_program(const uint8_t *container, ECInstr *program, unsigned int *words);
bool ec_copy_blob(ECInstr *program, const uint8_t *container, unsigned int *words);
const uint64_t *ec_get_blob_ptr(const uint8_t *container);
bool ec_copy_reloc_table(const void *container_or_table, const void *table_or_container,
                         unsigned int *words);
const ECFileEntry *ec_get_reloc_table_ptr(const uint8_t *container);
unsigned int ec_get_num_relocs(const ECFileEntry *table);
const char *ec_get_reloc_id(const ECFileEntry *table, unsigned int index);
bool ec_reloc(const void *table_or_program, const void *program_or_table, unsigned int index,
              ECAddr base, ECAddr *before);
bool ec_reloc_by_id(const void *table_or_program, const void *program_or_table, const char *name,
                    ECAddr base, ECAddr *before);

#endif
