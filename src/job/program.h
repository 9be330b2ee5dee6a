/* job/program.h - a command as the objective of a study: run once a trial in a process group of its
 * own, its output read as job/output.h says.
 * Threads: immutable after init; the objective may run on many threads.
 *
 * The child finds its parameters in the words of the command (job/template.h) and in its
 * environment: AUTOGLM_TRIAL (number), AUTOGLM_PARAMS (JSON), AUTOGLM_STUDY (name). */
#ifndef AGLM_JOB_PROGRAM_H
#define AGLM_JOB_PROGRAM_H

#include "job/optimize.h"
#include "job/template.h"

typedef struct aglm_program {
    aglm_template command;
    const char *study;       /* name */
    const char *const *env;  /* NULL-terminated "KEY=VALUE", what the child inherits */
    uint64_t trial_limit_ns; /* 0: none */
    uint64_t grace_ns;       /* from SIGTERM to SIGKILL */
} aglm_program;

/* An aglm_objective; arg: the aglm_program. Exit code 0 and a result: COMPLETE. Stopped by the
 * pruner: PRUNED. Everything else FAIL with its reason. A program that cannot be started ends the
 * run. */
aglm_rc aglm_program_objective(void *arg, const aglm_attempt *a, aglm_verdict *out,
                               aglm_error *err);

#endif
