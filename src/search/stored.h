/* search/stored.h - between the store's rows and the trials and spaces that search works with.
 * Threads: pure functions over a store, which is shared. */
#ifndef AGLM_SEARCH_STORED_H
#define AGLM_SEARCH_STORED_H

#include "search/history.h"

/* Keys of attributes of our own on a study. */
#define AGLM_ATTR_SPACE "autoglm:space"
#define AGLM_ATTR_SAMPLER "autoglm:sampler"
/* Optuna's system attributes of a trial. */
#define AGLM_ATTR_FIXED "fixed_params"      /* the point of an enqueued trial, by name */
#define AGLM_ATTR_CONSTRAINTS "constraints" /* [v]; also read: "constraints:<key>" */
#define AGLM_ATTR_FAIL_REASON "fail_reason" /* JSON text */
#define AGLM_ATTR_RETRY_OF                                                                         \
    "failed_trial" /* number of the trial whose point this one tries again                         \
                    */

/* The trial whose point this one tries again, -1: none. */
int64_t aglm_trial_retry_of(const aglm_trial *t);

/* AGLM_NOTFOUND */
aglm_rc aglm_stored_study(aglm_store *store, const char *name, aglm_study_row *out,
                          aglm_error *err);

/* The space of a stored study: ours as it was written, else (Optuna's studies) the union of its
 * trials' distributions without conditions, the widest bounds of each. AGLM_FORMAT names the trial
 * and parameter that do not fit. Free it. */
aglm_rc aglm_study_stored_space(aglm_store *store, int64_t study, aglm_space **out,
                                aglm_error *err);

/* How rows are read: borrowed for the length of the calls. */
typedef struct aglm_stored_reader {
    const aglm_space *space;
    const char *const *dist_json; /* [space->n] the distributions as JSON, which saves parsing equal
                                     ones; or NULL */
    double sign;                  /* 1 minimise, -1 maximise */
    aglm_arena *arena;            /* what the trial points to */
    size_t objectives;            /* that a COMPLETE trial must have values of; 0: any number */
} aglm_stored_reader;

/* One stored row as a trial of that space. Parameters that the space does not have are left out;
 * AGLM_FORMAT names trial and parameter when kind, log or choices differ, or counts the values that
 * are missing. */
aglm_rc aglm_stored_trial(const aglm_stored_reader *r, const aglm_trial_row *row, aglm_trial *out,
                          aglm_error *err);

/* "YYYY-MM-DD HH:MM:SS[.ffffff]", naive UTC, as Unix time in seconds; NaN for NULL or another form.
 */
double aglm_stored_time(const char *text);

/* A deep copy in the arena. */
aglm_rc aglm_trial_copy(aglm_trial *out, const aglm_trial *from, size_t n_params, aglm_arena *a,
                        aglm_error *err);

#endif
