/* search/study.h - a study over a store: the trials of one search, resumed where it stopped. Ask,
 * report, tell, enqueue and best are in the installed header.
 * Threads: shared; every call takes the study's lock, so several workers may ask and tell one
 * study.
 *
 * For one worker the points depend only on (space, sampler, seed) and the values told; trial n
 * draws from aglm_rng_init_stream(seed, n). A study reopened with the same seed goes on as if it
 * had not stopped. */
#ifndef AGLM_SEARCH_STUDY_H
#define AGLM_SEARCH_STUDY_H

#include "autoglm/study.h"
#include "search/pruner.h"
#include "search/sampler.h"
#include "search/stored.h"

typedef struct aglm_study_options {
    aglm_direction directions[AGLM_STORE_MAX_OBJECTIVES];
    size_t n_directions; /* over one: the sampler must have `several`, the pruner must be none */
    const aglm_sampler_ops *sampler;
    aglm_sampler_options sampler_options;
    const aglm_pruner_ops *pruner;
    aglm_pruner_options pruner_options;
    uint64_t seed;
    bool must_be_new; /* AGLM_INVALID when the name is taken; otherwise the study is resumed */
    /* Trials that are asked belong to no process: they stay RUNNING after close and may be told by
     * another (ask and tell from a shell). */
    bool detached;
    /* The stored space may be the first part of this one (objectives that name parameters). */
    bool grows;
    /* Signs of life of the trials that this process runs, so many seconds apart, by a thread of the
     * study; 0: none. A trial of any process that was silent for grace_s (0: twice heartbeat_s) is
     * taken over: it becomes FAIL, and its point is tried again up to `retake` times. All workers
     * of a study should have the same. */
    double heartbeat_s;
    double grace_s;
    unsigned retake;
} aglm_study_options;

/* One objective to minimise, TPE, no pruner, seed 0; no heartbeat, points of the dead tried once
 * more. */
void aglm_study_options_init(aglm_study_options *o);

/* Makes the study or resumes it. RUNNING trials whose process is gone become FAIL, and their points
 * are tried again once. The store and the space are borrowed until close. AGLM_INVALID when the
 * stored study has another direction or space (names the first difference and the mend);
 * AGLM_UNSUPPORTED: several objectives with a sampler or pruner for one (names those that do). */
aglm_rc aglm_study_open(aglm_study **out, aglm_store *store, const char *name,
                        const aglm_space *space, const aglm_study_options *options,
                        aglm_error *err);
/* RUNNING trials of this process that were not told become FAIL. NULL is fine. */
void aglm_study_close(aglm_study *s);

/* As aglm_study_new; strategies of the user's own may be named where `outside` is given. It is
 * borrowed during the call, what it points to until aglm_study_free. */
aglm_rc aglm_study_new_with(aglm_study **out, const aglm_study_config *c,
                            const aglm_sampler_outside *outside, aglm_error *err);

typedef struct aglm_define_call {
    aglm_define_objective objective;
    void *arg;
    const aglm_study_limits *limits;
    const aglm_sampler_outside *outside;
} aglm_define_call;

/* As aglm_study_define, likewise. */
aglm_rc aglm_study_define_with(aglm_study **out, const aglm_study_config *c,
                               const aglm_define_call *call, aglm_error *err);

/* Total violation of the caller's constraints, before tell: > 0 makes the trial rank after all
 * feasible ones, by its size. Stored as the system attribute "constraints": [v]. */
aglm_rc aglm_study_set_violation(aglm_study *s, int64_t number, double violation, aglm_error *err);

/* Enqueue with a user attribute for the trial; note NULL: none. */
aglm_rc aglm_study_enqueue_noted(aglm_study *s, const double *x, const aglm_attr_row *note,
                                 int64_t *number, aglm_error *err);

/* Ask, but AGLM_DONE when the study has `most` points already (see aglm_study_points), all workers'
 * together. */
aglm_rc aglm_study_ask_within(aglm_study *s, size_t most, int64_t *number, double *x,
                              aglm_error *err);
/* Takes in what other processes did since: new trials, and the ends of those that were running.
 * About once a second it looks for the dead, too. */
aglm_rc aglm_study_sync(aglm_study *s, aglm_error *err);
/* Fails the trials whose process is gone or silent, and enqueues their points again. */
aglm_rc aglm_study_take_over(aglm_study *s, aglm_error *err);
/* Enqueues the point of a failed trial once more. AGLM_DONE: it has been tried again `most` times
 * already. */
aglm_rc aglm_study_retry(aglm_study *s, int64_t number, unsigned most, aglm_error *err);
/* Trials but for those that try a point again: what a limit on trials counts. */
size_t aglm_study_points(aglm_study *s);

/* A user attribute; json is any JSON text (checked). Of a trial: before tell, written with it. */
aglm_rc aglm_study_set_attr(aglm_study *s, const char *key, const char *json, aglm_error *err);
aglm_rc aglm_study_set_trial_attr(aglm_study *s, int64_t number, const char *key, const char *json,
                                  aglm_error *err);
/* The study's attributes, the system's too, in the arena. */
aglm_rc aglm_study_attrs(aglm_study *s, aglm_arena *a, aglm_attr_row **out, size_t *n,
                         aglm_error *err);

/* Does the search stop by aglm_study_limits.regret? The bound is looked at after every trial, of
 * many trials after every twentieth part of them. */
aglm_rc aglm_study_regret_below(aglm_study *s, double limit, bool *below, aglm_error *err);

size_t aglm_study_objectives(const aglm_study *s);
/* A copy in the arena of the best COMPLETE trial (feasible ones first: see violation);
 * AGLM_NOTFOUND while there is none, AGLM_INVALID where there are several objectives. */
aglm_rc aglm_study_best_trial(aglm_study *s, aglm_arena *a, aglm_trial *out, aglm_error *err);
/* The Pareto front by number, copied into the arena: the feasible COMPLETE trials that no other
 * dominates, those of equal values together (as Optuna's best_trials); *n is 0 while there is none.
 * One objective: the trials of the best value. */
aglm_rc aglm_study_front(aglm_study *s, aglm_arena *a, aglm_trial **out, size_t *n,
                         aglm_error *err);
/* Is the trial feasible, and no other one as good in every objective? O(trials). */
bool aglm_study_extends_front(aglm_study *s, int64_t number);
/* Copies of all trials by number, running ones with their reports so far. */
aglm_rc aglm_study_trials(aglm_study *s, aglm_arena *a, aglm_trial **out, size_t *n,
                          aglm_error *err);
aglm_rc aglm_study_trial(aglm_study *s, int64_t number, aglm_arena *a, aglm_trial *out,
                         aglm_error *err);
size_t aglm_study_size(aglm_study *s);
const aglm_space *aglm_study_space(const aglm_study *s);
/* Of the first objective. */
aglm_direction aglm_study_direction(const aglm_study *s);

/* One stored row as a trial of that space, in the arena (see search/stored.h for a stored study's
 * space). */
aglm_rc aglm_study_row_trial(const aglm_space *space, aglm_direction direction,
                             const aglm_trial_row *row, aglm_arena *a, aglm_trial *out,
                             aglm_error *err);

#endif
