/* job/spawn.h - a program started in a process group of its own.
 * Threads: all functions may be called from any thread. */
#ifndef AGLM_JOB_SPAWN_H
#define AGLM_JOB_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "autoglm/error.h"

typedef struct aglm_spawn_options {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    const char *const *envp; /* NULL-terminated */
    int in;                  /* its standard input, -1: empty */
    int out, err;            /* its standard output and standard error */
} aglm_spawn_options;

/* Signals have their default actions in it, whatever they have here. AGLM_NOTFOUND, AGLM_IO: it
 * could not be started, with the reason. */
aglm_rc aglm_spawn(const aglm_spawn_options *o, pid_t *pid, aglm_error *err);
/* Has it ended? It stays unreaped, so that its id cannot become somebody else's. */
bool aglm_spawn_ended(pid_t pid);

#endif
