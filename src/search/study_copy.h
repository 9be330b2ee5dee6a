/* search/study_copy.h - a stored study under another name, or in another store: as both are in
 * Optuna's schema, this is also how studies go to Optuna and come from it.
 * Threads: pure functions over stores, which are shared. */
#ifndef AGLM_SEARCH_STUDY_COPY_H
#define AGLM_SEARCH_STUDY_COPY_H

#include "store/store.h"

typedef struct aglm_study_place {
    aglm_store *store;
    const char *name;
} aglm_study_place;

/* Directions, attributes and all trials with what belongs to them; the new study's trials have
 * the same numbers. A trial that is running goes on in the old study only: its copy is FAIL. *n
 * (may be NULL) gets the number of trials. AGLM_NOTFOUND; AGLM_INVALID: the new name is taken. What
 * fails half-way leaves no new study behind. */
aglm_rc aglm_study_copy(const aglm_study_place *from, const aglm_study_place *to, size_t *n,
                        aglm_error *err);

#endif
