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

/* All of a stored study, in the arena. A trial that is running goes on in the stored study only:
 * here it is FAIL. AGLM_NOTFOUND. */
aglm_rc aglm_study_whole_read(aglm_study_whole *out, const aglm_study_place *from, aglm_arena *a,
                              aglm_error *err);

/* That under another name or in another store, in one transaction (aglm_store_study_add); the new
 * study's trials have the same numbers. With `append` its trials go behind those of a study that is
 * there. *n (may be NULL) gets the number of trials. AGLM_NOTFOUND; AGLM_INVALID: the new name is
 * taken. */
aglm_rc aglm_study_copy(const aglm_study_place *from, const aglm_study_place *to, bool append,
                        size_t *n, aglm_error *err);

#endif
