/* A model small enough to know by heart, which can also be made to misbehave.
 *
 * Inputs: 0: int8 [16], 1: int8 [5]. Chunk: 32 samples; features: float32 [8].
 *   step 0: first[i]  = input0[i] + 1 + input1[i % 5]        tap 0, overwritten by step 2
 *   step 1: second[i] = first[i] ^ 0x55                      tap 1, in the place of input 0; misbehaves on command
 *   step 2: third[i]  = first[i] + second[i]                 tap 2, in the place of tap 0; the output is third[0..4)
 * Sums wrap modulo 256. features[i] = sum of 4 samples / 32768; the quantization sets input0[i] = input0[i + 8] =
 * (int8) of the sum of those samples, and input1 to zeros. It streams, by strides that are multiples of 4 samples.
 * It listens, with chunks 16 samples apart: an average over 2 of them, the output's bytes as int8 steps of 4 labels.
 * Step 1 misbehaves when input0[0] is NJ_TINY_COMMAND: input0[1] says how, input0[4..8) is a little-endian number.
 * SPDX-License-Identifier: MIT
 */
#ifndef NJ_TINY_H
#define NJ_TINY_H

#define NJ_TINY_COMMAND 0x5A

enum nj_tiny_command {
    NJ_TINY_NULL_READ = 1,
    NJ_TINY_NULL_WRITE = 2,
    NJ_TINY_WRITE_CODE = 3,
    NJ_TINY_STACK_OVERFLOW = 4,
    NJ_TINY_UNDEFINED = 5,
    NJ_TINY_DIVIDE_BY_ZERO = 6,
    NJ_TINY_RUN_DATA = 7, /* call into RAM */
    NJ_TINY_WRITE_FLASH = 8, /* write to read-only data */
    NJ_TINY_HANG = 9,
    NJ_TINY_LOOP = 10, /* a loop of `number` turns, two instructions each */
    NJ_TINY_PRINT = 11, /* a LOG frame */
    NJ_TINY_STACK_CREEP = 13, /* an overflow by frames so small that the core finds no room for its own */
    NJ_TINY_KEEP = 14, /* first[0] += kept, first[1] += 8, kept += number; `kept` is the state, 3 at first */
    NJ_TINY_DRIFT = 12, /* first[i] ^= 2 * bit i of how often this command has run since the start, i < 4 */
};

#endif
