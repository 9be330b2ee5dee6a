/* oom.h - makes the nth allocation of a scenario fail, for n = 1, 2, ... until it gets through, and
 * looks after each run whether something leaked. Linked with --wrap (oom_dep in meson.build), so it
 * sees all allocations of code that is linked statically, from every thread; not those inside libc
 * and other shared libraries.
 * Threads: one scenario at a time; what it starts must have ended when it returns. */
#ifndef AGLM_TESTS_OOM_H
#define AGLM_TESTS_OOM_H

#include <stdbool.h>

#include "autoglm/error.h"

typedef struct oom_options {
    unsigned long stride; /* fail every stride-th allocation only; 0 and 1: each */
    unsigned long
        offset;   /* start with allocation offset + 1: several processes can share the work */
    bool lasting; /* all later allocations fail too, as when memory is really out */
} oom_options;

typedef struct oom_result {
    unsigned long allocations; /* of the undisturbed run */
    unsigned long runs;        /* disturbed ones */
    unsigned long refused;     /* of these, answered AGLM_NOMEM; the others got through without */
    char message[512];         /* what is wrong, "" when nothing is */
} oom_result;

/* Makes one pass over the whole job and gives back all it took. Under a failure it must answer
 * AGLM_NOMEM or, where it can do without the memory, succeed. */
typedef aglm_rc (*oom_scenario)(void *arg, aglm_error *err);

/* Runs it once undisturbed (for caches and to count: it must succeed), then disturbed. False, with
 * the reason in result->message, when an answer is another one, a message is missing or memory
 * leaked. options may be NULL. */
bool oom_run(oom_scenario scenario, void *arg, const oom_options *options, oom_result *result);

/* Counts only: the allocations of one undisturbed run. */
unsigned long oom_count(oom_scenario scenario, void *arg);

#endif
