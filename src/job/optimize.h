/* job/optimize.h - the loop of a study: ask, run the objective, tell, until a limit is reached.
 * Threads: aglm_optimize blocks its caller and runs the objective on threads of its own; events
 * come from them, one at a time. */
#ifndef AGLM_JOB_OPTIMIZE_H
#define AGLM_JOB_OPTIMIZE_H

#include "base/clock.h"
#include "search/study.h"

/* One trial as its objective sees it. */
typedef struct aglm_attempt {
    aglm_study *study;
    const aglm_space *space;
    int64_t number;
    const double *x;
    const aglm_cancel *cancel;        /* of the whole run */
    struct aglm_optimizer *optimizer; /* for aglm_attempt_report */
} aglm_attempt;

#define AGLM_REASON_MAX 512
#define AGLM_VERDICT_OUTPUT 4096
#define AGLM_VERDICT_SCORES 256

typedef struct aglm_verdict {
    aglm_trial_state state; /* COMPLETE, PRUNED or FAIL */
    double values[AGLM_STORE_MAX_OBJECTIVES];
    size_t n_values;                    /* of COMPLETE */
    double scores[AGLM_VERDICT_SCORES]; /* see aglm_study_set_scores */
    size_t n_scores;
    double violation;             /* of the constraints, see aglm_study_set_violation; else NaN */
    bool interrupted;             /* FAIL for no fault of the point: it is tried again later */
    char reason[AGLM_REASON_MAX]; /* of FAIL; kept as the user attribute "error" */
    char output[AGLM_VERDICT_OUTPUT]; /* its last lines; of FAIL kept as "output" */
} aglm_verdict;

/* Runs one trial. A negative code ends the whole run: what would fail for every point. */
typedef aglm_rc (*aglm_objective)(void *arg, const aglm_attempt *a, aglm_verdict *out,
                                  aglm_error *err);

/* An intermediate value of the trial, with its event; true: the pruner says stop. A step that is
 * not past the last one is left out. */
bool aglm_attempt_report(const aglm_attempt *a, int64_t step, double value);

typedef enum aglm_optimize_event_kind {
    AGLM_OPTIMIZE_TRIAL_START,
    AGLM_OPTIMIZE_TRIAL_REPORT,
    AGLM_OPTIMIZE_TRIAL_END,
    AGLM_OPTIMIZE_BEST /* follows the TRIAL_END of a new best, or of one that extends the front */
} aglm_optimize_event_kind;

/* Pointers are good during the call only. */
typedef struct aglm_optimize_event {
    aglm_optimize_event_kind kind;
    double elapsed_s;
    int64_t number;
    aglm_trial_state state;
    int64_t step;
    double value;         /* of several the first */
    const double *values; /* of a COMPLETE trial, else NULL */
    size_t n_values;
    double duration_s;
    const char *params;  /* JSON object */
    const char *reason;  /* of a failure, else NULL */
    size_t finished;     /* complete and pruned trials of the study */
    int64_t best_number; /* -1 while there is none, and with several objectives */
    double best_value;
} aglm_optimize_event;

typedef struct aglm_optimize_options {
    aglm_study *study;
    const aglm_space *space;
    aglm_objective objective;
    void *arg;
    bool maximize;        /* as the study is */
    int64_t trials;       /* of the study in all, tries of failed points not counted; 0: no limit */
    unsigned jobs;        /* at a time, at least 1 */
    unsigned retries;     /* of a failed point */
    size_t stagnation;    /* stop after so many finished trials without a better one (with several
                             objectives: one that extends the front); 0: never */
    double regret;        /* as of aglm_study_limits; of one objective only */
    double target;        /* stop when the best is as good; NaN: none; of one objective only */
    uint64_t deadline_ns; /* on the monotonic clock, 0: none; what runs then is interrupted */
    const aglm_cancel *cancel;
    void (*on_event)(void *arg, const aglm_optimize_event *e);
    void *event_arg;
} aglm_optimize_options;

typedef enum aglm_optimize_stop {
    AGLM_STOP_TRIALS,
    AGLM_STOP_TIME,
    AGLM_STOP_STAGNATION,
    AGLM_STOP_TARGET,
    AGLM_STOP_EXHAUSTED, /* no point is left */
    AGLM_STOP_CANCELLED,
    AGLM_STOP_REGRET,
    AGLM_STOP_WORKERS /* those of a cluster have ended, for a reason of their own */
} aglm_optimize_stop;

typedef struct aglm_optimize_result {
    aglm_optimize_stop stop;
    size_t complete, pruned, failed; /* in this run */
    char last_reason[AGLM_REASON_MAX];
} aglm_optimize_result;

/* Other processes may work on the same study; a limit on trials holds for all of them together.
 * Failures: of the store, or of the objective for good. */
aglm_rc aglm_optimize(const aglm_optimize_options *o, aglm_optimize_result *out, aglm_error *err);

#endif
