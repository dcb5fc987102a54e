/* SPDX-License-Identifier: MIT */
#include "nj_model.h"

#include <stddef.h>
#include <string.h>

#include "nj_listening.h"
#include "nj_log.h"
#include "nj_tiny.h"

#define COUNT 16

static uint8_t place_a[COUNT]; /* first, then third */
static uint8_t place_b[COUNT]; /* input 0, then second */
static uint8_t place_c[5]; /* input 1 */
static float features[8];
static _Alignas(16) uint8_t staging[64];
static uint8_t drift = 16; /* in .data: a reset must bring it back */
static uint8_t kept[20]; /* two variables: byte 0, and bytes 16 to 19 */
static uint8_t kept_before[20];
static const uint32_t read_only = 0x600DF00D;

static void step_0(void) {
    for (int i = 0; i < COUNT; ++i) {
        place_a[i] = (uint8_t)(place_b[i] + 1 + place_c[i % 5]);
    }
}

/* Addresses the compiler cannot see through. */
static void *volatile address;
static volatile int zero;

__attribute__((noinline)) static uint32_t overflow(uint32_t depth) {
    volatile uint32_t here[16];
    here[depth % 16] = depth;
    return overflow(depth + 1) + here[(depth + 1) % 16];
}

__attribute__((noinline)) static uint32_t creep(uint32_t depth) {
    return depth + creep(depth + 1);
}

__attribute__((noinline)) static void loop(uint32_t turns) {
#if defined(__arm__)
    __asm__ volatile("1: subs %0, #1\n bne 1b" : "+r"(turns) : : "cc");
#else
    for (volatile uint32_t i = 0; i < turns; ++i) {
    }
#endif
}

static void misbehave(uint8_t how, uint32_t number) {
    switch (how) {
    case NJ_TINY_NULL_READ:
        address = NULL;
        zero = *(volatile int *)address;
        break;
    case NJ_TINY_NULL_WRITE:
        address = (uint8_t *)NULL + 8;
        *(volatile int *)address = 1;
        break;
    case NJ_TINY_WRITE_CODE:
        address = (void *)((uintptr_t)step_0 & ~(uintptr_t)3);
        *(volatile int *)address = 1;
        break;
    case NJ_TINY_STACK_OVERFLOW: zero = (int)overflow(0); break;
    case NJ_TINY_STACK_CREEP: zero = (int)creep(0); break;
    case NJ_TINY_UNDEFINED:
#if defined(__arm__)
        __asm__ volatile("udf #7");
#else
        __builtin_trap();
#endif
        break;
    case NJ_TINY_DIVIDE_BY_ZERO:
        zero = 0;
        zero = 7 / zero;
        break;
    case NJ_TINY_RUN_DATA: {
        void (*code)(void);
        address = (void *)((uintptr_t)place_a | 1u);
        memcpy(&code, (const void *)&address, sizeof code);
        code();
        break;
    }
    case NJ_TINY_WRITE_FLASH:
        address = (void *)(uintptr_t)&read_only;
        *(volatile uint32_t *)address = 1;
        break;
    case NJ_TINY_HANG:
        while (zero == 0) {
        }
        break;
    case NJ_TINY_LOOP: loop(number); break;
    case NJ_TINY_PRINT: nj_log("tiny says hello"); break;
    case NJ_TINY_DRIFT:
        for (int i = 0; i < 4; ++i) { /* bit 1 of first shows in third; its even bits do not */
            place_a[i] ^= (uint8_t)(((drift >> i) & 1) << 1);
        }
        drift++;
        break;
    case NJ_TINY_KEEP:
        place_a[0] = (uint8_t)(place_a[0] + kept[0]);
        place_a[1] = (uint8_t)(place_a[1] + kept[17]);
        kept[0] = (uint8_t)(kept[0] + number);
        break;
    default: break;
    }
}

static void step_1(void) {
    if (place_b[0] == NJ_TINY_COMMAND) {
        uint32_t number;
        memcpy(&number, place_b + 4, sizeof number);
        misbehave(place_b[1], number);
    }
    for (int i = 0; i < COUNT; ++i) {
        place_b[i] = place_a[i] ^ 0x55;
    }
}

static void step_2(void) {
    for (int i = 0; i < COUNT; ++i) {
        place_a[i] = (uint8_t)(place_a[i] + place_b[i]);
    }
}

static const struct nj_place input[] = {{place_b, COUNT}, {place_c, sizeof place_c}};
static const struct nj_place output[] = {{place_a, 4}};
static const struct nj_tap tap[] = {
    {{place_a, COUNT}, 0, 1},
    {{place_b, COUNT}, 1, 2},
    {{place_a, COUNT}, 2, 2},
};
static void (*const step[])(void) = {step_0, step_1, step_2};

static const uint8_t sevens[4] = {7, 8, 7, 7};
static const struct nj_variable variable[] = {{0, 1, NULL, 3}, {16, 4, sevens, 0}};
static const struct nj_state state = {kept, kept_before, sizeof kept, 2, variable};

const struct nj_model nj_model = {
    .input = input,
    .output = output,
    .tap = tap,
    .step = step,
    .inputs = 2,
    .outputs = 1,
    .taps = 3,
    .steps = 3,
    .model_sha256 = {0x11, 0x22, 0x33},
    .contract_sha256 = {0x44, 0x55, 0x66},
    .backend = "tiny",
    .rounding = "ADD=single",
    .state = &state,
};

static int32_t sum(int at) {
    const int16_t *const chunk = (const int16_t *)staging;
    return chunk[at] + chunk[at + 1] + chunk[at + 2] + chunk[at + 3];
}

static bool streamed; /* the features */

static void run(void) {
    for (int i = 0; i < 8; ++i) {
        features[i] = (float)sum(4 * i) / 32768.0f;
    }
    streamed = false;
}

static void quantize(void) {
    for (int i = 0; i < 8; ++i) {
        place_b[i] = place_b[i + 8] = (uint8_t)(int32_t)(features[i] * 32768.0f);
    }
    memset(place_c, 0, sizeof place_c);
    if (!streamed) {
        memset(features, 0xEE, sizeof features); /* as a generator may that puts input and features in one place */
    }
}

static uint32_t stride;
static uint32_t there; /* samples of the present chunk, in the staging area */
static uint32_t skip; /* samples before it */

static void start(uint32_t samples) {
    stride = samples;
    there = skip = 0;
}

static uint32_t push(const int16_t *samples, uint32_t count) {
    uint32_t taken = 0;
    for (; taken < count && there < 32u; ++taken) {
        if (skip != 0) {
            skip--;
        } else {
            memcpy(staging + 2u * there++, &samples[taken], sizeof *samples);
        }
    }
    return taken;
}

static void take(void) {
    const uint32_t kept = stride < 32u ? 32u - stride : 0u;
    run();
    streamed = true;
    memmove(staging, staging + 2u * (32u - kept), 2u * kept);
    there = kept;
    skip = stride > 32u ? stride - 32u : 0u;
}

static const struct nj_stream_stage stream = {.hop = 4, .start = start, .push = push, .take = take};

/* A level is 257 times the step + 128. */
#define LEVEL(i) 257u * (i)
#define LEVELS_4(i) LEVEL(i), LEVEL((i) + 1u), LEVEL((i) + 2u), LEVEL((i) + 3u)
#define LEVELS_16(i) LEVELS_4(i), LEVELS_4((i) + 4u), LEVELS_4((i) + 8u), LEVELS_4((i) + 12u)
#define LEVELS_64(i) LEVELS_16(i), LEVELS_16((i) + 16u), LEVELS_16((i) + 32u), LEVELS_16((i) + 48u)
static const uint32_t levels[256] = {LEVELS_64(0u), LEVELS_64(64u), LEVELS_64(128u), LEVELS_64(192u)};

static const struct nj_label_rule labels[4] = {
    {40000u, 30000u, 30000u}, {45000u, 45000u, 20000u}, {50000u, 20000u, 20000u}, {65535u, 1u, 1u}};
static struct nj_label_state states[4];
static uint16_t pooled[2 * 4];
static int16_t queue[16u + NJ_BLOCK_SAMPLES];

static const struct nj_detector detector = {
    .pool = NJ_POOL_AVERAGE,
    .labels = 4,
    .chunks = 2,
    .chunk_samples = 32,
    .stride = 16,
    .least = 1,
    .most = 5,
    .table = levels,
    .label = labels,
    .state = states,
    .level = pooled,
};

static const struct nj_listening_stage listening = {
    .run = &nj_listening,
    .detector = &detector,
    .rate_hz = 8000,
    .queue = queue,
    .queue_samples = sizeof queue / sizeof queue[0],
};

const struct nj_frontend_stage nj_frontend_stage = {
    .present = true,
    .chunk_samples = 32,
    .features = {features, sizeof features},
    .run = run,
    .quantize = quantize,
    .stream = &stream,
    .listening = &listening,
};

const struct nj_place nj_staging = {staging, sizeof staging};
