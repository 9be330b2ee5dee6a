/* tune/run_priv.h - the state that the parts of a tuning run share: run.c searches, finish.c
 * refits, publish.c writes. Threads: fields below `lock` are guarded by it; the rest is set before
 * the workers start. */
#ifndef AGLM_TUNE_RUN_PRIV_H
#define AGLM_TUNE_RUN_PRIV_H

#include <pthread.h>

#include "lm/hidden.h"
#include "lm/runtime_pool.h"
#include "search/study.h"
#include "tune/finalist.h"
#include "tune/plan.h"
#include "tune/run.h"

#define AGLM_MEMBERS_MAX 3 /* of a blend */

typedef struct aglm_run {
    const aglm_tune_options *o;
    aglm_tune_result *result;
    aglm_input input;
    aglm_metric metric;
    bool maximize;
    unsigned threads;
    aglm_data_shape shape;
    aglm_plan plan;
    aglm_stage_plan stages;
    aglm_lm_pool *language_models; /* NULL: none is asked */
    aglm_store *store;
    aglm_study *study;
    aglm_hidden *hidden;       /* where a learner reads hidden states; else NULL */
    uint64_t start_ns, end_ns; /* end 0: no budget */
    uint64_t trial_memory;     /* bytes one trial may take, 0: no limit */
    aglm_cancel stop;          /* the whole run: the caller's token and the budget's end */
    aglm_cancel search;        /* the search alone: ends early enough for the refit */

    pthread_mutex_t lock;
    aglm_finalists finalists; /* feasible */
    aglm_finalists spare;     /* the least bad infeasible one, ranked by violation */
    aglm_finalists partial;   /* the best one that the clock cut off */
    int64_t asked;            /* trials of the study that count against --trials */
    size_t failed_in_a_row;
    double slowness; /* wall time over CPU time of the last trial, 1..10 */
    aglm_rc rc;      /* the first failure that ends the run */
    aglm_error error;
} aglm_run;

/* Hands the event to the caller with time and best filled in; takes the lock. */
void aglm_run_emit(aglm_run *r, aglm_tune_event *e);
void aglm_run_phase(aglm_run *r, const char *text);
double aglm_run_overhead_s(const aglm_run *r);
/* How long the last stages' fits of a blend may have taken for a refit within the budget; 0: any.
 */
double aglm_run_refit_limit_s(const aglm_run *r);
aglm_measure aglm_run_measure(const aglm_run *r, const aglm_cancel *cancel);

/* Blend, refit, score, leaders: result->bundle and the rest. */
aglm_rc aglm_run_finish(aglm_run *r, aglm_error *err);
/* Writes result->bundle with card, report and study to o->out. */
aglm_rc aglm_run_publish(aglm_run *r, aglm_error *err);
/* The active parameters of a point as a JSON object; NULL when out of memory. */
char *aglm_run_params(const aglm_run *r, const double *x);

#endif
