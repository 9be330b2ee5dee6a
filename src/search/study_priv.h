/* search/study_priv.h - a study's fields, shared by study.c (ask and tell) and study_open.c (make,
 * resume, close).
 * Threads: the lock guards everything but what is set at open and constant from then on. */
#ifndef AGLM_SEARCH_STUDY_PRIV_H
#define AGLM_SEARCH_STUDY_PRIV_H

#include <pthread.h>

#include "search/study.h"

#define AGLM_STUDY_MINE 1u  /* asked by this process and not told */
#define AGLM_STUDY_PRUNE 2u /* the pruner's last word */

struct aglm_study {
    pthread_mutex_t lock;
    aglm_store *store;
    const aglm_space *space;
    aglm_study_options options;
    char *name;
    int64_t id;
    int64_t owner;                           /* this process */
    double signs[AGLM_STORE_MAX_OBJECTIVES]; /* 1 minimise, -1 maximise */
    aglm_arena texts;                        /* dist_json */
    const char **dist_json;                  /* [space->n] */
    aglm_param_row *params;                  /* [space->n] scratch of ask */
    aglm_history *history;
    void *sampler;
    bool asking; /* the sampler is asked; while it waits the lock is not held */
    pthread_cond_t asked;
    void *pruner;
    uint8_t *flags; /* [trial] */
    size_t flags_cap;
    size_t *open; /* numbers of the trials that are not finished, and some that are by now */
    size_t n_open;
    size_t open_cap;
    size_t listed;          /* trials before this one were looked at for it */
    aglm_trial_mark *marks; /* scratch, [open_cap] */
    size_t marks_cap;
    uint64_t reaped_ns; /* when the dead were looked for last, and how long that took */
    uint64_t reap_cost_ns;
    uint64_t beat_ns; /* the last sign of life */
    bool beating;     /* the thread below runs */
    bool beat_stop;
    pthread_t beat_thread;
    pthread_mutex_t beat_lock;
    pthread_cond_t beat_wake;
    size_t counted; /* trials looked at by aglm_study_points */
    size_t points;
    aglm_space *own_space; /* of aglm_study_new; NULL when they are the caller's */
    aglm_store *own_store;
};

/* All of these under the lock. */

/* What a config says but for its space. */
aglm_rc aglm_study_config_options(aglm_study_options *o, const aglm_study_config *c,
                                  const aglm_sampler_outside *outside, aglm_error *err);
/* Flags for n trials. */
aglm_rc aglm_study_reserve_flags(aglm_study *s, size_t n, aglm_error *err);
/* Takes in the stored trials that follow on the history's, with a number below `until`. */
aglm_rc aglm_study_catch_up(aglm_study *s, int64_t until, aglm_error *err);
/* enqueue without its checks; retry_of < 0: none. */
aglm_rc aglm_study_enqueue_as(aglm_study *s, const double *x, int64_t retry_of, int64_t *number,
                              aglm_error *err);

/* A trial's attribute as it is, written with its end. Not under the lock. */
aglm_rc aglm_study_set_system_attr(aglm_study *s, int64_t number, const aglm_attr_row *attr,
                                   aglm_error *err);

/* Lists the open trials of this process, or of all others, in s->marks. AGLM_NOMEM */
aglm_rc aglm_study_mark_open(aglm_study *s, bool mine, size_t *n, aglm_error *err);
/* Takes in the ends of trials of other processes. */
aglm_rc aglm_study_refresh(aglm_study *s, aglm_error *err);
/* A trial of this process that cannot be told: AGLM_DONE when another has ended it, and its end is
 * taken in. */
aglm_rc aglm_study_take_end(aglm_study *s, int64_t number, aglm_error *err);
size_t aglm_study_count_points(aglm_study *s);
aglm_rc aglm_study_retry_point(aglm_study *s, int64_t number, unsigned most, aglm_error *err);

/* Fails the trials of the dead; *ids (free it) get those that this call failed. */
aglm_rc aglm_study_reap(aglm_study *s, int64_t **ids, size_t *n, aglm_error *err);
/* Enqueues their points once more, as the options say, after they were taken in. */
aglm_rc aglm_study_retry_dead(aglm_study *s, const int64_t *ids, size_t n, aglm_error *err);
/* Is it time to look for the dead again? */
bool aglm_study_reap_due(const aglm_study *s);
/* The thread that gives signs of life. Not under the lock. */
aglm_rc aglm_study_beat_start(aglm_study *s, aglm_error *err);
void aglm_study_beat_stop(aglm_study *s);

#endif
