/* cli/interrupt.h - Ctrl-C and SIGTERM: the first asks to stop, the second ends at once.
 * Threads: the handler only sets the token; install once, from main. */
#ifndef AGLM_CLI_INTERRUPT_H
#define AGLM_CLI_INTERRUPT_H

#include "base/clock.h"

/* The token is stopped by the first SIGINT or SIGTERM; a second one exits with 130. */
void aglm_interrupt_install(aglm_cancel *token);

#endif
