/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "nj_signals.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/* The bits of the Cortex-M's CFSR that mean the same. */
#define CFSR_DACCVIOL (1u << 1)
#define CFSR_MMARVALID (1u << 7)
#define CFSR_PRECISERR (1u << 9)
#define CFSR_BFARVALID (1u << 15)
#define CFSR_UNDEFINSTR (1u << 16)
#define CFSR_DIVBYZERO (1u << 25)

#define STACK_BYTES 65536u

static const struct nj_port *reports_to;
static const int caught[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};

static void on_fault(int number, siginfo_t *information, void *context) {
    static struct nj_fault fault;
    const ucontext_t *const at = context;
    const uint32_t address = (uint32_t)(uintptr_t)information->si_addr;
    fault = (struct nj_fault){.pc = 0};
#if defined(__x86_64__)
    fault.pc = (uint32_t)at->uc_mcontext.gregs[REG_RIP];
    fault.sp = (uint32_t)at->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    fault.pc = (uint32_t)at->uc_mcontext.pc;
    fault.lr = (uint32_t)at->uc_mcontext.regs[30];
    fault.sp = (uint32_t)at->uc_mcontext.sp;
#endif
    if (number == SIGSEGV) {
        fault.cfsr = CFSR_DACCVIOL | CFSR_MMARVALID;
        fault.mmfar = address;
    } else if (number == SIGBUS) {
        fault.cfsr = CFSR_PRECISERR | CFSR_BFARVALID;
        fault.bfar = address;
    } else {
        fault.cfsr = number == SIGILL ? CFSR_UNDEFINSTR : CFSR_DIVBYZERO;
    }
    nj_application_fault(reports_to, &fault);
}

static void set_float_environment(void) {
#if defined(__x86_64__)
    _mm_setcsr(0x1F80u | 0x8040u); /* exceptions masked, nearest; flush to zero, denormals are zero */
#elif defined(__aarch64__)
    const uint64_t fpcr = 3u << 24; /* FZ and DN, nearest */
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
#endif
}

void nj_signals_start(const struct nj_port *port) {
    static uint8_t stack[STACK_BYTES];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    reports_to = port;
    sigemptyset(&action.sa_mask);
    sigaltstack(&alternate, NULL);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; ++i) {
        sigaction(caught[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    set_float_environment();
}

void nj_signals_unblock(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}
