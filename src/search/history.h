/* search/history.h - the trials of a study as samplers see them, and the set of points already
 * taken.
 * Threads: confined; the study that owns it locks. */
#ifndef AGLM_SEARCH_HISTORY_H
#define AGLM_SEARCH_HISTORY_H

#include "search/space.h"
#include "store/store.h"

typedef struct aglm_trial {
    int64_t id; /* the store's */
    int64_t number;
    aglm_trial_state state;
    const double *x; /* [space->n], NaN where inactive or not recorded */
    /* as told, in the study's directions; n_values of them, 0 while there are none */
    const double *values;
    size_t n_values;
    /* the first value turned so that smaller is better; NaN while there is none. Of several
     * objectives see search/front.h. */
    double loss;
    double violation;           /* total constraint violation: > 0 infeasible, NaN never told */
    const aglm_step_row *steps; /* ascending step; values as told */
    size_t n_steps;
    const aglm_attr_row *attrs;
    size_t n_attrs;
    double started_s;  /* Unix time, NaN while waiting */
    double duration_s; /* NaN while not finished */
    bool enqueued;     /* its point was given, not sampled */
} aglm_trial;

static inline bool aglm_trial_finished(const aglm_trial *t)
{
    return t->state != AGLM_TRIAL_RUNNING && t->state != AGLM_TRIAL_WAITING;
}
/* a ranks before b: feasible before infeasible, then smaller violation, then smaller loss, then
 * smaller number. Both COMPLETE. */
bool aglm_trial_better(const aglm_trial *a, const aglm_trial *b);
/* The attribute's JSON text, NULL when not set. */
const char *aglm_trial_attr(const aglm_trial *t, const char *key, bool system);

typedef struct aglm_history aglm_history;

/* The space is borrowed. sign: 1 minimises the only value, -1 maximises it. */
aglm_rc aglm_history_new(aglm_history **out, const aglm_space *space, double sign, aglm_error *err);
/* n objectives (1..AGLM_STORE_MAX_OBJECTIVES) with a sign each, before the first trial. */
void aglm_history_set_signs(aglm_history *h, const double *signs, size_t n);
void aglm_history_free(aglm_history *h);

const aglm_space *aglm_history_space(const aglm_history *h);
/* Of the first objective. */
double aglm_history_sign(const aglm_history *h);
const double *aglm_history_signs(const aglm_history *h);
size_t aglm_history_objectives(const aglm_history *h);
/* Trials are numbered 0..size-1; the pointer is good until the trial is next changed. */
size_t aglm_history_size(const aglm_history *h);
const aglm_trial *aglm_history_trial(const aglm_history *h, size_t number);
size_t aglm_history_count(const aglm_history *h, aglm_trial_state state);
/* NULL while no trial is COMPLETE, and where there are several objectives. */
const aglm_trial *aglm_history_best(const aglm_history *h);
/* Does the worst of the first 20 losses stand out as it does not in a sum over the parameters: is
 * it over twice their number of times as far from the least one as the median is? Then the
 * objective is a high power of one direction across the parameters. False under 6 complete trials
 * or 3 parameters. */
bool aglm_history_is_steep(const aglm_history *h);

/* Is x out of question: the point of any trial, whatever its state, or forbidden by the space? */
bool aglm_history_seen(const aglm_history *h, const double *x);
/* Different points among the trials that lie in the space: equal to aglm_space_size when nothing is
 * left. */
uint64_t aglm_history_distinct(const aglm_history *h);
/* A point that no trial has and no clause forbids, drawn by the parameters' priors: AGLM_DONE when
 * none is left; in endless spaces a draw without luck in 1000 tries is AGLM_DONE too. */
aglm_rc aglm_history_fresh(const aglm_history *h, aglm_rng *rng, double *x);

/* Appends a copy; t->number must be the size. */
aglm_rc aglm_history_add(aglm_history *h, const aglm_trial *t, aglm_error *err);
/* Changes of a trial that is not finished. */
aglm_rc aglm_history_report(aglm_history *h, size_t number, int64_t step, double value,
                            aglm_error *err);
aglm_rc aglm_history_set_attr(aglm_history *h, size_t number, const aglm_attr_row *attr,
                              aglm_error *err);
void aglm_history_set_violation(aglm_history *h, size_t number, double violation);
/* A point that was not whole when the trial was added (another program's queue). x: [space->n] */
aglm_rc aglm_history_set_point(aglm_history *h, size_t number, const double *x, aglm_error *err);
void aglm_history_start(aglm_history *h, size_t number, double started_s);
/* AGLM_NOMEM (only with several values) leaves it as it was. */
aglm_rc aglm_history_finish(aglm_history *h, size_t number, aglm_trial_state state,
                            const double *values, size_t n, double duration_s);

#endif
