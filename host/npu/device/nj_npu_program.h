/* The epoch controller: runs a program of register writes and polls.
 *
 * A program is 32-bit words: magic, the number of words that follow this one, instructions. The low
 * five bits of an instruction are its opcode, the high 16 a register, in words from the NPU's base:
 *    0  write a field of a register     bits 14:10 highest bit, 9:5 lowest; then one data word
 *    1  write one bit of a register     bits 15:13 value, 9:5 bit
 *    2  write words into one register   bits 15:5 how many; then the words
 *    3  write words from a register on  the same
 *    4  poll a field of a register      as 0; then two words: the patience and the expected value
 *   12  end
 *   29  mark                            bits 31:5 the number of an epoch
 * A poll of a RUNNING stream engine runs the epoch. The patience has no meaning without a clock.
 * Whether the data of a field that does not begin at bit 0 are shifted is not known: only a poll
 * for 0 is the same either way, the others are refused.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_NPU_PROGRAM_H
#define NJ_NPU_PROGRAM_H

#include "nj_npu_registers.h"

#define NJ_NPU_PROGRAM_MAGIC 0xCA057A7Au

enum nj_npu_opcode {
    NJ_NPU_WRITE = 0,
    NJ_NPU_BIT = 1,
    NJ_NPU_SAME = 2,
    NJ_NPU_INCREASING = 3,
    NJ_NPU_POLL = 4,
    NJ_NPU_END = 12,
    NJ_NPU_MARK = 29,
};

struct nj_npu_controller {
    struct nj_npu_registers *registers;
    struct nj_npu_epoch *epoch; /* room for the one that is decoded */
    /* Runs an epoch; `number` is the last mark before it, 0 if there was none. What it returns but
     * OK ends the program, with *error as it left it. */
    enum nj_npu_status (*run)(void *context, uint32_t number, const struct nj_npu_epoch *epoch,
                              struct nj_npu_error *error);
    void *context;
    uint32_t word;   /* out: the last instruction that was begun, as an index into the program */
    uint32_t number; /* out: the last mark */
    uint32_t count;  /* out: how many instructions were begun */
};

/* Runs a program. `room` is how many words may be read at `words`; the program's own length must
 * fit. Returns error->status. The registers keep what was written until then. */
enum nj_npu_status nj_npu_program_run(struct nj_npu_controller *controller, const uint32_t *words,
                                      size_t room, struct nj_npu_error *error);

#endif
