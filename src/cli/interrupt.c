#include "cli/interrupt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

/* A signal handler has no argument to carry it. */
static aglm_cancel *volatile interrupted;

static void on_signal(int sig)
{
    (void)sig;
    if (aglm_cancel_requested(interrupted))
        _exit(AGLM_EXIT_INTERRUPTED);
    aglm_cancel_stop(interrupted);
}

void aglm_interrupt_install(aglm_cancel *token)
{
    struct sigaction a;

    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    a.sa_flags = SA_RESTART;
    sigemptyset(&a.sa_mask);
    interrupted = token;
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}
