/* tune/run.h - the tuning loop: data to profile, task, study, leaderboard, refit and bundle, inside
 * a budget. Threads: a run belongs to one caller; events come from worker threads, one at a time.
 */
#ifndef AGLM_TUNE_RUN_H
#define AGLM_TUNE_RUN_H

#include "eval/metric.h"
#include "eval/score.h"
#include "store/store.h"
#include "tune/bundle.h"
#include "tune/input.h"

typedef enum aglm_tune_event_kind {
    AGLM_TUNE_START, /* data read, study open */
    AGLM_TUNE_TRIAL_START,
    AGLM_TUNE_TRIAL_REPORT, /* a stage of a trial is scored */
    AGLM_TUNE_TRIAL_END,
    AGLM_TUNE_BEST,  /* follows the TRIAL_END of a new best */
    AGLM_TUNE_PHASE, /* text: "refit", "bundle" */
    AGLM_TUNE_DONE
} aglm_tune_event_kind;

/* Pointers are good during the call only. */
typedef struct aglm_tune_event {
    aglm_tune_event_kind kind;
    double elapsed_s;
    double left_s;  /* until the budget's end; NaN without one */
    int64_t number; /* of the trial; -1 when the event is about none */
    aglm_trial_state state;
    unsigned step, steps;
    double value;         /* of the metric; NaN when there is none */
    const double *values; /* of several objectives, else NULL */
    size_t n_values;
    double best_value;
    int64_t best_number; /* -1 while there is none */
    size_t finished;     /* trials so far */
    const char *learner;
    const char *params; /* JSON object of the active parameters */
    double duration_s;
    double latency_us;
    uint64_t bytes;
    const char *text;        /* evidence, a reason of failure, a phase */
    const aglm_input *input; /* with AGLM_TUNE_START */
} aglm_tune_event;

/* What the winner may be made of. */
typedef enum aglm_blend_kind {
    AGLM_BLEND_AUTO, /* short texts: FAST; long ones, or with a language model: ANY */
    AGLM_BLEND_FAST, /* models that read texts the same way: hardly slower than one */
    AGLM_BLEND_NONE, /* the best single model */
    AGLM_BLEND_ANY   /* any of the best: some points better at times, and slower by a model each */
} aglm_blend_kind;

typedef struct aglm_tune_options {
    aglm_input_options input;
    int metric; /* an aglm_metric, or -1 for the task's default */
    /* 0: by the size of the data; 1: one held-out part (the --valid file when there is one) */
    unsigned folds;
    const char *learners;       /* names separated by commas; NULL: all */
    const char *language_model; /* a GGUF file that prompts are found for; NULL: none */
    const char *sampler;        /* NULL: tpe */
    uint64_t budget_ns;         /* of wall time, 0: none */
    int64_t trials;             /* of the study in all, 0: no limit */
    unsigned threads;           /* 0: as many as processors */
    uint64_t seed;
    double max_latency_us;     /* p95 a document; 0: none */
    uint64_t max_bytes;        /* of the weights; 0: none */
    uint64_t max_memory_bytes; /* of the process; 0: none */
    aglm_blend_kind blend;
    const char *study;          /* NULL: named by a hash of data, task, metric and seed */
    const char *storage;        /* NULL: memory */
    const char *out;            /* NULL: no bundle is written */
    const char *const *command; /* as typed, for the manifest */
    size_t n_command;
    void (*on_event)(void *arg, const aglm_tune_event *event);
    void *arg;
    const aglm_cancel *cancel;
} aglm_tune_options;

/* budget 60 s when neither budget nor trials is set is the caller's choice; here zeros mean no
 * limit. */
void aglm_tune_options_init(aglm_tune_options *o);

typedef struct aglm_leader {
    char name[32];  /* a learner, or "blend" */
    int64_t number; /* -1 for a blend */
    double value;
    double latency_us;
    uint64_t bytes;
    double fit_s;
    char *params;   /* JSON */
    size_t members; /* 1, or of the blend */
    bool chosen;
} aglm_leader;

#define AGLM_LEADERS_MAX 16

typedef struct aglm_tune_result {
    aglm_metric metric;
    aglm_leader leaders[AGLM_LEADERS_MAX]; /* best first */
    size_t n_leaders;
    aglm_score score;   /* of the chosen model, out of fold, with intervals */
    aglm_bundle bundle; /* the winner, learned on all documents */
    uint64_t bundle_bytes;
    double latency_p50_us, latency_p95_us, latency_p99_us, docs_per_s;
    size_t trials_complete, trials_pruned, trials_failed;
    double search_s, refit_s, total_s;
    bool refitted;    /* false: no time was left; the last fold's model stands in */
    bool interrupted; /* the caller's cancel token was set */
    bool infeasible;  /* no trial met the limits */
    char study[AGLM_STORE_MAX_NAME + 1];
} aglm_tune_result;

/* *out is zeroed first; clear it in any case. AGLM_CANCELLED: interrupted before any trial was
 * finished. With a limit that no trial met the least bad one is bundled and `infeasible` set. */
aglm_rc aglm_tune_run(aglm_tune_result *out, const aglm_tune_options *options, aglm_error *err);
void aglm_tune_result_clear(aglm_tune_result *r);

#endif
