/* job/child.h - one child process in a process group of its own: its lines, its deadline, its end.
 * Threads: a call belongs to one thread; many may run children at the same time. */
#ifndef AGLM_JOB_CHILD_H
#define AGLM_JOB_CHILD_H

#include "autoglm/error.h"
#include "base/clock.h"

#define AGLM_CHILD_MAX_LINE (1u << 16) /* bytes; the rest of a longer line is dropped */

typedef enum aglm_child_end_kind {
    AGLM_CHILD_EXITED,   /* number: its exit code */
    AGLM_CHILD_SIGNALED, /* number: the signal, sent by somebody else */
    AGLM_CHILD_TIMEOUT,  /* ended by us: its own deadline */
    AGLM_CHILD_CANCELLED,
    AGLM_CHILD_STOPPED /* on_line asked for it */
} aglm_child_end_kind;

typedef struct aglm_child_end {
    aglm_child_end_kind kind;
    int number;
} aglm_child_end;

typedef struct aglm_child_options {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    const char *const *envp; /* NULL-terminated */
    uint64_t deadline_ns;    /* on the monotonic clock, 0: none */
    uint64_t grace_ns;       /* from SIGTERM to SIGKILL */
    const aglm_cancel *cancel;
    /* A line of standard output (or of standard error), without its end; true: end the child. */
    bool (*on_line)(void *arg, const char *line, size_t n, bool is_error);
    void *arg;
} aglm_child_options;

/* Runs the program to its end, standard input empty. Whatever its group still holds then is killed;
 * only processes that left the group (setsid) go on. AGLM_NOTFOUND, AGLM_IO: it could not be
 * started, with the reason. */
aglm_rc aglm_child_run(const aglm_child_options *o, aglm_child_end *end, aglm_error *err);

#endif
