/* job/sampler_program.h - a strategy of the user's own as a sampler: any program that speaks JSON
 * lines on its standard input and output, or a shared object (autoglm/strategy.h) whose host does.
 * Threads: as search/sampler.h.
 *
 * It reads, a line each,
 *   {"autoglm": 1, "space": {...}, "direction": "minimize", "seed": 0}    first; the space as
 *                                                                         aglm_space_write has it;
 *                                 of several objectives "directions", a list, as well
 *   {"tell": {"number": 3, "state": "COMPLETE", "params": {"lr": 0.1}, "value": 0.5}}
 *                                 every finished trial, whoever proposed it; state COMPLETE, PRUNED
 *                                 or FAIL; value as told, null when there is none, Infinity as
 *                                 Python writes it; of several objectives "values" as well
 *   {"ask": 4}                    the number of the trial to be
 * and to "ask" alone it answers one line:
 *   {"params": {"lr": 0.01}}      a point, by name; what is inactive may be left out
 *   {"done": true}                nothing is left to try
 *   {"error": "..."}              a reason
 * The tells come before the next ask. At the end its standard input is closed.
 *
 * A study goes on whatever comes of it. When the answer is an error, no point of the space, or one
 * that a trial has already, the trial gets a random point and AGLM_ATTR_STRATEGY_ERROR the reason.
 * An answer that is no JSON object, a second one to the same ask, or none within the limit, or the
 * end of the program, does the same and has the program started anew for the next trial (all trials
 * are told again); after three of these in a row it is left alone. But a program that could not
 * even be started (its shell or host says exit code 126 or 127 before the first answer) is
 * AGLM_NOTFOUND. */
#ifndef AGLM_JOB_SAMPLER_PROGRAM_H
#define AGLM_JOB_SAMPLER_PROGRAM_H

#include "search/sampler.h"

#define AGLM_STRATEGY_LIMIT_NS UINT64_C(30000000000) /* for one answer, where nobody says */

/* For aglm_sampler_outside.ops. "cmd:TEXT" is run by /bin/sh. */
extern const aglm_sampler_ops aglm_sampler_program;

#endif
