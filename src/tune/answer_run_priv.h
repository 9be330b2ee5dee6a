/* tune/answer_run_priv.h - the state that the parts of a search for a prompt share: answer_data.c
 * reads and divides, answer_run.c searches, answer_publish.c writes.
 * Threads: fields below `lock` are guarded by it; the rest is set before the workers start. */
#ifndef AGLM_TUNE_ANSWER_RUN_PRIV_H
#define AGLM_TUNE_ANSWER_RUN_PRIV_H

#include <pthread.h>

#include "search/study.h"
#include "tune/answer_run.h"

typedef struct aglm_answer_run {
    const aglm_answer_options *o;
    aglm_answer_result *result;
    aglm_table *table;
    aglm_example_set *set;
    uint32_t *rows; /* [set->n]: those examples are taken from, then validation, then test */
    aglm_answer_part pool, valid, test;
    aglm_answer_shape shape;
    aglm_lm *lm; /* of the thread that runs the whole */
    uint64_t lm_bytes;
    aglm_space *space;
    aglm_store *store;
    aglm_study *study;
    uint64_t start_ns;
    unsigned threads;
    double plain_cost; /* of an answer to the plain question */
    aglm_cancel search;

    pthread_mutex_t lock;
    int64_t asked;
    int64_t best_number; /* -1: none */
    double best_value;
    aglm_rc rc; /* the first failure that ends the run */
    aglm_error error;
} aglm_answer_run;

/* Reads the file, finds task and metric, divides the rows. */
aglm_rc aglm_answer_data_open(aglm_answer_run *r, aglm_error *err);
/* The bundle of result->bundle, with the study and a card, to o->tune.out. */
aglm_rc aglm_answer_publish(aglm_answer_run *r, aglm_error *err);

#endif
