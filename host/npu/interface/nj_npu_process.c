/* A generated network as a process of this computer: told on standard input, tells on standard
 * output. What the network itself prints goes to standard error.
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nj_npu_place.h"

/* Much room that costs nothing until it is used. */
enum { SCRATCH_BYTES = 1 << 30 };

static struct nj_npu_place place;

/* Until a run has ended, or nobody waits for it any more: then it is ended. */
static int wait_for(pid_t child, int alive)
{
    struct pollfd ends[2] = {{.fd = alive}, {.fd = STDIN_FILENO}};
    while (poll(ends, 2, -1) < 0 && errno == EINTR) {
    }
    if (!(ends[0].revents & POLLHUP)) {
        kill(child, SIGKILL);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child) {
        _exit(EXIT_FAILURE);
    }
    return status;
}

/* Runs in a process of its own: memory stays as it is for the next run, whatever becomes of this
 * one. It holds one end of a pipe, so that its end is seen, and does not outlive this process. */
static void run_apart(void (*run)(uint32_t tie), uint32_t tie)
{
    int alive[2];
    fflush(place.out);
    pid_t self = getpid();
    if (pipe(alive) != 0) {
        _exit(EXIT_FAILURE);
    }
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != self) {
            _exit(EXIT_FAILURE);
        }
        close(alive[0]);
        run(tie);
        fflush(place.out);
        _exit(EXIT_SUCCESS);
    }
    close(alive[1]);
    if (child < 0) {
        _exit(EXIT_FAILURE);
    }
    int status = wait_for(child, alive[0]);
    close(alive[0]);
    if (WIFSIGNALED(status)) {
        nj_npu_tell_crash((uint32_t)WTERMSIG(status));
    }
}

static bool listen_in(void *bytes, size_t length)
{
    return fread(bytes, 1, length, stdin) == length;
}

static void *map(size_t size)
{
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

uint8_t *nj_npu_zeros(uint32_t address, uint32_t size)
{
    (void)address; /* it lies elsewhere */
    return map(size);
}

int nj_npu_main(const struct nj_npu_network *network)
{
    place = (struct nj_npu_place){
        .out = fdopen(dup(STDOUT_FILENO), "wb"),
        .scratch = map(SCRATCH_BYTES),
        .scratch_bytes = SCRATCH_BYTES,
        .listen = listen_in,
        .run = run_apart,
    };
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (place.out == NULL || place.scratch == NULL) {
        return EXIT_FAILURE;
    }
    return nj_npu_serve(network, &place);
}
