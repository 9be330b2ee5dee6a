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
    void *pruner;
    uint8_t *flags; /* [trial] */
    size_t flags_cap;
    size_t open_from; /* trials before this one are finished */
    size_t counted;   /* trials looked at by aglm_study_points */
    size_t points;
    aglm_space *own_space; /* of aglm_study_new; NULL when they are the caller's */
    aglm_store *own_store;
};

/* Flags for n trials. */
aglm_rc aglm_study_reserve_flags(aglm_study *s, size_t n, aglm_error *err);
/* Takes in the stored trials that follow on the history's, with a number below `until`. */
aglm_rc aglm_study_catch_up(aglm_study *s, int64_t until, aglm_error *err);
/* enqueue without its checks; retry_of < 0: none. */
aglm_rc aglm_study_enqueue_as(aglm_study *s, const double *x, int64_t retry_of, int64_t *number,
                              aglm_error *err);

#endif
