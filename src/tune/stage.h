/* tune/stage.h - the steps in which one candidate is measured: folds of the data, or growing parts
 * of it. Threads: a plan is immutable once made and shared by all trials. */
#ifndef AGLM_TUNE_STAGE_H
#define AGLM_TUNE_STAGE_H

#include "data/dataset.h"

#define AGLM_STAGES_MAX 32

typedef struct aglm_stage {
    uint8_t fold;    /* held out and scored */
    double fraction; /* of the other folds' documents that are learned from */
    int64_t step;    /* as reported: folds done, or by how much the first part has grown */
} aglm_stage;

/* How candidates are measured depends on the data alone, never on the clock, so that a longer
 * budget repeats the trials of a shorter one:
 * - k-fold cross-validation where a fit is cheap, a stage a fold;
 * - one held-out fold and three times more data a stage (..., 1/9, 1/3, 1) where it is not, the
 *   first part small enough for a fit of a second or so, and tested on no more documents than the
 *   stage learns from;
 * - the documents of --valid alone held out when asked for. */
typedef struct aglm_stage_plan {
    aglm_stage stages[AGLM_STAGES_MAX];
    unsigned n_stages;
    unsigned folds;   /* 1: one held-out part */
    uint8_t *fold_of; /* [docs] */
    uint32_t *order;  /* [docs] a stratified order: its prefixes are the fractions */
    size_t docs;
    uint32_t *measured; /* [n_measured] documents that any stage tests on, ascending */
    uint32_t *place;    /* [docs] of a measured document among these */
    size_t n_measured;
} aglm_stage_plan;

/* folds: 0 chooses by the size of the data; 1 holds out one part; 2..20 cross-validates. n_valid
 * (the last documents of d; 0: none) with folds == 1 makes these the held-out part. */
aglm_rc aglm_stage_plan_init(aglm_stage_plan *p, const aglm_dataset *d, size_t n_valid,
                             unsigned folds, uint64_t seed, aglm_error *err);
void aglm_stage_plan_clear(aglm_stage_plan *p);

/* Do stages learn from growing parts (each cheaper to read alone than with the whole data)? */
bool aglm_stage_plan_grows(const aglm_stage_plan *p);
/* Rows of a stage in the plan's order; each buffer holds plan->docs numbers. */
size_t aglm_stage_train_rows(const aglm_stage_plan *p, unsigned stage, uint32_t *rows);
size_t aglm_stage_test_rows(const aglm_stage_plan *p, unsigned stage, uint32_t *rows);
/* Learned documents of the last stage divided by all: how much larger the final fit is. */
double aglm_stage_share(const aglm_stage_plan *p);

#endif
