/* autoglm/study.h - find the best parameters of anything that can be scored: ask and tell, or a
 * callback.
 * Threads: a study is shared; every call takes its lock. The objective runs on threads of the
 * library, several at a time when jobs > 1.
 *
 * A point is an array of aglm_study_n_params doubles: a number as it is, a choice as its index, NaN
 * for a parameter that its condition leaves out. Read it by name with aglm_study_number and
 * aglm_study_text. */
#ifndef AUTOGLM_STUDY_H
#define AUTOGLM_STUDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum aglm_trial_state {
    AGLM_TRIAL_RUNNING,
    AGLM_TRIAL_COMPLETE,
    AGLM_TRIAL_PRUNED,
    AGLM_TRIAL_FAIL,
    AGLM_TRIAL_WAITING
} aglm_trial_state;

typedef enum aglm_direction { AGLM_MINIMIZE, AGLM_MAXIMIZE } aglm_direction;

typedef struct aglm_study aglm_study;

/* Strings are borrowed during the call. */
typedef struct aglm_study_config {
    /* "lr=loguniform(1e-5,1e-1) batch=choice(16,32,64) net=choice(mlp(layers=int(1,4)),linear)":
     * uniform, loguniform (low,high), quniform, qloguniform (low,high,q), int (low,high[,step]),
     * logint (low,high), normal, lognormal (mu,sigma), choice, and hp.WORD as Hyperopt means it.
     * Needed. */
    const char *space;
    const char *const *forbid; /* combinations never tried: "batch=64 & lr>0.01" */
    size_t n_forbid;
    aglm_direction direction;
    const aglm_direction *directions; /* of several objectives (at most 16), instead of direction */
    size_t n_directions;              /* 0: one objective */
    const char *name;                 /* NULL: "study" */
    const char *storage;              /* NULL: memory; "sqlite:///FILE": kept, and gone on with */
    /* NULL: "auto"; "tpe", "gp", "cmaes", "random", ...; a strategy of your own: "FILE.so"
     * (autoglm/strategy.h) or "cmd:PROGRAM ARGS", which speaks JSON lines (see
     * examples/strategy.py), each in a process of its own */
    const char *sampler;
    const char *pruner; /* NULL: none; "asha", ... */
    uint64_t seed;
    double strategy_timeout_s; /* for one answer of a strategy of your own; 0: 30 */
    const char *strategy_host; /* the autoglm program that runs a FILE.so; NULL: that of PATH */
} aglm_study_config;

/* All zero or NULL: minimise, in memory. */
AGLM_API void aglm_study_config_init(aglm_study_config *c);
/* Makes the study, or opens the stored one. AGLM_INVALID names the parameter and character of the
 * space, or what differs from the stored study. */
AGLM_API aglm_rc aglm_study_new(aglm_study **out, const aglm_study_config *c, aglm_error *err);
/* Trials of this process that were not told become FAIL. NULL is fine. */
AGLM_API void aglm_study_free(aglm_study *s);

AGLM_API size_t aglm_study_n_params(const aglm_study *s);
/* NULL past the last. */
AGLM_API const char *aglm_study_param(const aglm_study *s, size_t i);
/* The value of a numeric parameter or numeric choice, a boolean choice as 0 or 1; NaN when there is
 * no such parameter, or it has no number at x. */
AGLM_API double aglm_study_number(const aglm_study *s, const double *x, const char *name);
/* The text of a choice, borrowed; NULL when there is none at x. */
AGLM_API const char *aglm_study_text(const aglm_study *s, const double *x, const char *name);
/* A point from JSON by name: {"lr": 0.01, "batch": 32}. */
AGLM_API aglm_rc aglm_study_point(const aglm_study *s, const char *json, double *x,
                                  aglm_error *err);

/* The next trial: the oldest enqueued point, else the sampler's. x: [n_params]. AGLM_DONE: no point
 * is left. */
AGLM_API aglm_rc aglm_study_ask(aglm_study *s, int64_t *number, double *x, aglm_error *err);
/* An intermediate value in the (first) objective's direction (NaN and infinities allowed); the step
 * must not have been told before. *prune (may be NULL) gets the pruner's decision. Written to the
 * store with tell. */
AGLM_API aglm_rc aglm_study_report(aglm_study *s, int64_t number, int64_t step, double value,
                                   bool *prune, aglm_error *err);
/* The decision after the trial's last report; false for a trial without one. */
AGLM_API bool aglm_study_should_prune(aglm_study *s, int64_t number);
/* Ends a RUNNING trial as COMPLETE (n == number of directions, not NaN), PRUNED (n may be 0: the
 * last report stands in where there is one objective) or FAIL (n == 0). A NaN value makes it FAIL.
 * AGLM_INVALID when it is not running. One transaction. */
AGLM_API aglm_rc aglm_study_tell(aglm_study *s, int64_t number, aglm_trial_state state,
                                 const double *values, size_t n, aglm_error *err);
/* A point that is tried next, after those enqueued earlier; it is settled and checked first.
 * *number may be NULL. AGLM_DONE when a trial has that very point already (nothing is enqueued). */
AGLM_API aglm_rc aglm_study_enqueue(aglm_study *s, const double *x, int64_t *number,
                                    aglm_error *err);
/* The best COMPLETE trial: its number, value and point [n_params], each of which may be NULL.
 * AGLM_NOTFOUND while there is none; AGLM_INVALID: several objectives have no best trial. */
AGLM_API aglm_rc aglm_study_best(aglm_study *s, int64_t *number, double *value, double *x,
                                 aglm_error *err);
/* The Pareto front: the COMPLETE trials that no other is better than in one objective and as good
 * as in all, by number; with one objective those of the best value. *n gets how many there are, the
 * first `cap` of which are written to numbers. */
AGLM_API aglm_rc aglm_study_front_numbers(aglm_study *s, int64_t *numbers, size_t cap, size_t *n,
                                          aglm_error *err);
/* The values [n_directions] and the point [n_params] of a COMPLETE trial, each of which may be
 * NULL. AGLM_NOTFOUND: no such trial, or not complete. */
AGLM_API aglm_rc aglm_study_result(aglm_study *s, int64_t number, double *values, double *x,
                                   aglm_error *err);
/* How much better than the best trial a point may still be, at 90 % confidence under a Gaussian
 * process of the better half of the trials (Makarova et al. 2022), in the objective's unit;
 * INFINITY below 20 complete trials. *error (may be NULL) gets the standard error of the best
 * trial's value by its scores; NaN when it has none. AGLM_INVALID: several objectives. */
AGLM_API aglm_rc aglm_study_regret_bound(aglm_study *s, double *bound, double *error,
                                         aglm_error *err);
/* The scores (2 to 4096, one a fold) that a running trial's value is the mean of. */
AGLM_API aglm_rc aglm_study_set_scores(aglm_study *s, int64_t number, const double *scores,
                                       size_t n, aglm_error *err);
AGLM_API size_t aglm_study_count(aglm_study *s, aglm_trial_state state);

/* Scores one point: AGLM_OK with *value (of several objectives value[0], value[1], ...),
 * AGLM_PRUNED when it obeyed the pruner, a negative code when the trial failed. */
typedef aglm_rc (*aglm_study_objective)(void *arg, aglm_study *s, int64_t number, const double *x,
                                        double *value);

#define AGLM_REGRET_ERROR (-1.0)

typedef struct aglm_study_limits {
    int64_t trials;    /* of the study in all; 0: none */
    double timeout_s;  /* no trial begins after it; 0: none */
    size_t stagnation; /* stop after so many trials without a better one; 0: never */
    unsigned jobs;     /* trials at a time; 0 means 1 */
    unsigned retries;  /* of a failed point */
    /* stop when aglm_study_regret_bound is below it; AGLM_REGRET_ERROR: below the standard error by
     * the best trial's scores; 0: never */
    double regret;
} aglm_study_limits;

/* Asks, scores and tells until a limit is reached or no point is left. limits NULL: 100 trials, one
 * at a time. AGLM_OK also when every trial failed. */
AGLM_API aglm_rc aglm_study_optimize(aglm_study *s, aglm_study_objective objective, void *arg,
                                     const aglm_study_limits *limits, aglm_error *err);

/* A trial whose objective names its parameters while it runs (define by run). */
typedef struct aglm_trial_run aglm_trial_run;

/* The parameter's value in this trial; asked again it is the same. A name first seen is drawn at
 * random here and belongs to the space of the trials that follow; one that a trial does not ask for
 * keeps the value that was proposed. Bounds are included. A call that fails (bounds that are none,
 * a name with another domain than before) answers the low bound, or 0, and makes the trial FAIL
 * with the first failure as its reason, whatever the objective returns. */
AGLM_API double aglm_trial_suggest_float(aglm_trial_run *t, const char *name, double low,
                                         double high, bool log);
AGLM_API int64_t aglm_trial_suggest_int(aglm_trial_run *t, const char *name, int64_t low,
                                        int64_t high, bool log);
/* The index of one of n texts. */
AGLM_API size_t aglm_trial_suggest_choice(aglm_trial_run *t, const char *name,
                                          const char *const *choices, size_t n);
/* An intermediate value; true: the pruner says stop (return AGLM_PRUNED). */
AGLM_API bool aglm_trial_report(aglm_trial_run *t, int64_t step, double value);
AGLM_API int64_t aglm_trial_number(const aglm_trial_run *t);
/* The first failure of these calls; AGLM_OK: none. err may be NULL. */
AGLM_API aglm_rc aglm_trial_failure(const aglm_trial_run *t, aglm_error *err);

/* As aglm_study_objective, of such a trial. */
typedef aglm_rc (*aglm_define_objective)(void *arg, aglm_trial_run *t, double *value);

/* As aglm_study_new and aglm_study_optimize in one, for an objective that names its parameters:
 * c->space is NULL, and one trial runs at a time. A stored study goes on. *out (free it) holds the
 * trials. AGLM_INVALID: the objective named no parameter. */
AGLM_API aglm_rc aglm_study_define(aglm_study **out, const aglm_study_config *c,
                                   aglm_define_objective objective, void *arg,
                                   const aglm_study_limits *limits, aglm_error *err);

#ifdef __cplusplus
}
#endif
#endif
