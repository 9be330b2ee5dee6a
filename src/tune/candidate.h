/* tune/candidate.h - one learner with its parameters: measured stage by stage, then learned on
 * everything. Threads: a candidate run is confined to its thread; what it reads (dataset, plan) is
 * shared and immutable. */
#ifndef AGLM_TUNE_CANDIDATE_H
#define AGLM_TUNE_CANDIDATE_H

#include "eval/score.h"
#include "learn/calibration.h"
#include "learn/learner.h"
#include "tune/stage.h"

typedef struct aglm_candidate {
    const aglm_learner_ops *learner;
    double values[AGLM_HPARAM_MAX]; /* in the order of its space; inactive ones NaN */
    uint64_t seed;
    uint64_t kind; /* equal for candidates of one learner that agree in what tells models apart */
} aglm_candidate;

/* Out-of-fold logits of a measured candidate and what was learned about its cost. */
typedef struct aglm_outcome {
    unsigned stages_done;
    double value; /* of the metric over all documents scored so far */
    /* the plan's measured documents (borrowed); the tables below have a row each */
    const uint32_t *docs;
    size_t n_docs;
    float *logits;   /* [n_docs x labels]; only those with scored[] set mean something */
    uint8_t *scored; /* [n_docs] */
    aglm_calibration calibration;
    uint64_t bytes;        /* of the saved model of the last stage */
    uint64_t reading;      /* aglm_model_reading of it */
    double latency_p95_us; /* a document; 0 when not probed */
    /* wall time of the last stage's fit with its share of opening: what a refit costs */
    double fit_s;
    aglm_model *model; /* of the last stage: kept for when there is no time for a refit */
} aglm_outcome;

typedef struct aglm_measure {
    const aglm_dataset *data;
    const aglm_stage_plan *plan;
    aglm_metric metric;
    const aglm_cancel *cancel;
    uint64_t max_memory_bytes;  /* for this trial alone; 0: none */
    const char *language_model; /* a file; NULL: none */
    struct aglm_hidden *hidden; /* its hidden states (lm/hidden.h); NULL: each trial's own */
    struct aglm_lm_pool *language_models;
    bool probe_latency;
    /* After each stage but the last: return true to stop there (AGLM_PRUNED). */
    bool (*pruned)(void *arg, unsigned stage, double value);
    void *arg;
} aglm_measure;

/* Measures c; *out is zeroed first and must be cleared by the caller in any case. AGLM_OK all
 * stages, AGLM_PRUNED fewer, AGLM_CANCELLED by the token (what is done so far stays in *out), or a
 * failure. */
aglm_rc aglm_candidate_measure(aglm_outcome *out, const aglm_candidate *c, const aglm_measure *m,
                               aglm_error *err);
void aglm_outcome_clear(aglm_outcome *o);

/* Learns c from all documents of m->data. */
aglm_rc aglm_candidate_refit(aglm_model **out, const aglm_candidate *c, const aglm_measure *m,
                             aglm_error *err);

/* Probabilities [n x labels] of the scored documents, with their row numbers; n <= n_docs. */
size_t aglm_outcome_probs(const aglm_outcome *o, const aglm_dataset *d, uint32_t *rows,
                          float *probs);

#endif
