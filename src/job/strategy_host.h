/* job/strategy_host.h - speaks for a strategy in a shared object (autoglm/strategy.h) in the JSON
 * lines of job/sampler_program.h, so that its crashes and endless loops are those of a child.
 * Threads: one call at a time in a process: a shared object may have globals. */
#ifndef AGLM_JOB_STRATEGY_HOST_H
#define AGLM_JOB_STRATEGY_HOST_H

#include "autoglm/error.h"

/* Reads lines from `in` and answers on `out` until `in` ends. AGLM_NOTFOUND, AGLM_UNSUPPORTED (no
 * strategy in the file, or of another ABI), AGLM_INVALID (it refuses the space) and AGLM_FORMAT (a
 * line that is none of the protocol's) name the file and the reason. */
aglm_rc aglm_strategy_serve(const char *file, int in, int out, aglm_error *err);

#endif
