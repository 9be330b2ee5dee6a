/* tune/run_study.h - the study of a tuning run: its store and sampler, the name by which the same
 * command finds it again, the data that it belongs to.
 * Threads: as search/study.h. */
#ifndef AGLM_TUNE_RUN_STUDY_H
#define AGLM_TUNE_RUN_STUDY_H

#include "search/study.h"
#include "tune/run.h"

typedef struct aglm_run_study {
    const aglm_tune_options *o; /* of it: study, storage, sampler, seed, the file's name */
    const char *kind;           /* the head of a name that is not given */
    const char *depends;        /* what the trials' values depend on beside the space */
    const char *sha256;         /* of the file */
    const aglm_space *space;
    bool maximize;
    aglm_pruner_options pruner; /* of asynchronous successive halving */
} aglm_run_study;

/* name gets the study's. *store and *study are the caller's to close, whatever comes back.
 * AGLM_INVALID: the study was made from another file, a name too long, no such sampler. */
aglm_rc aglm_run_study_open(const aglm_run_study *r, char name[AGLM_STORE_MAX_NAME + 1],
                            aglm_store **store, aglm_study **study, aglm_error *err);

#endif
