/* eval/score.h - how good predicted probabilities are against the labels of a dataset.
 * Threads: a score sheet is confined while filled and immutable after. */
#ifndef AGLM_EVAL_SCORE_H
#define AGLM_EVAL_SCORE_H

#include "data/dataset.h"
#include "eval/metric.h"

/* A multi-label document gets every label with at least this probability. */
#define AGLM_DECISION_THRESHOLD 0.5f

typedef struct aglm_class_score {
    double precision, recall, f1; /* 0 where undefined, as scikit-learn's zero_division=0 */
    uint64_t support, predicted, correct;
} aglm_class_score;

typedef struct aglm_interval {
    double low, high;
} aglm_interval;

typedef struct aglm_score {
    size_t docs, labels;
    aglm_task task;
    bool multi_label;
    double value[AGLM_METRICS]; /* NaN where the metric does not fit the task */
    aglm_class_score *classes;  /* [labels]; NULL for regression */
    /* [gold x predicted], NULL for multi-label or more than AGLM_CONFUSION_MAX labels */
    uint32_t *confusion;
    aglm_interval accuracy_95, macro_f1_95; /* filled by aglm_score_bootstrap */
    aglm_interval rmse_95, mae_95, r2_95;
} aglm_score;

#define AGLM_CONFUSION_MAX 512

/* What is scored: documents `rows` (NULL: 0..n-1) of data with their probabilities [n x labels]; of
 * a regression, predicted numbers [n]. */
typedef struct aglm_predicted {
    const aglm_dataset *data;
    const uint32_t *rows;
    size_t n;
    const float *probs;
} aglm_predicted;

/* As scikit-learn, labels that neither stand in the rows nor are predicted do not count in the
 * macro mean of single-label tasks and count as 0 in that of multi-label ones. Ties go to the lower
 * label. Clear with aglm_score_clear, also after a failure. */
aglm_rc aglm_score_make(aglm_score *out, const aglm_predicted *p, aglm_error *err);
void aglm_score_clear(aglm_score *s);

/* One metric alone: what a search asks for a thousand times. */
aglm_rc aglm_score_metric(double *out, aglm_metric metric, const aglm_predicted *p,
                          aglm_error *err);

/* 95 % percentile intervals of accuracy and macro F1 (regression: RMSE, MAE, R2) over `rounds`
 * resamples of the documents (Efron 1979). */
aglm_rc aglm_score_bootstrap(aglm_score *s, const aglm_predicted *p, unsigned rounds, uint64_t seed,
                             aglm_error *err);

/* The metric's interval; NULL when the bootstrap gives none. */
const aglm_interval *aglm_score_interval(const aglm_score *s, aglm_metric m);

/* The number of the likeliest label. */
uint32_t aglm_argmax(const float *v, size_t n);

/* McNemar's test between two models on the same documents, from b = only the first right and c =
 * only the second right: exact binomial below 25 disagreements, else chi-square with continuity
 * correction. Two-sided p. */
double aglm_mcnemar(uint64_t b, uint64_t c);

#endif
