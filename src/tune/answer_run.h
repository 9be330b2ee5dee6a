/* tune/answer_run.h - the search for a prompt where answers are texts: layout, instruction,
 * examples, length, measured on a part of the examples and tested on another.
 * Threads: a run belongs to one caller; events come from worker threads, one at a time. */
#ifndef AGLM_TUNE_ANSWER_RUN_H
#define AGLM_TUNE_ANSWER_RUN_H

#include "tune/answer_sheet.h"
#include "tune/run.h"

typedef struct aglm_answer_options {
    /* of it: file, how it is read, columns, language_model, budget (of the search), trials,
     * threads, seed, sampler, max_latency, study, storage, out, command, events, cancel */
    aglm_tune_options tune;
    int task;                /* an aglm_prompt_task, or -1: found out */
    int metric;              /* an aglm_text_metric, or -1: by the task */
    const char *instruction; /* the user's, one more to choose from; NULL: none */
    bool plain;              /* no search: a plain question, to compare with */
    bool dry;                /* only `expected` is filled */
} aglm_answer_options;

/* One prompt on the part for the test. */
typedef struct aglm_answer_figures {
    double value;
    aglm_interval value_95;
    double tokens_read, tokens_written, mean_s; /* an answer */
} aglm_answer_figures;

/* What a search would take, by a few answers to the plain question: trials stop early as often as
 * successive halving lets them. */
typedef struct aglm_answer_expected {
    double answers, tokens_read, tokens_written, seconds; /* of one thread */
} aglm_answer_expected;

typedef struct aglm_answer_result {
    aglm_prompt_task task;
    aglm_text_metric metric;
    size_t pool, valid, test, skipped; /* examples; rows */
    int64_t number;                    /* of the trial that won */
    char *params;                      /* JSON */
    double value;                      /* of the winner on the validation part */
    aglm_answer_figures tuned, plain;  /* on the part for the test; plain: without examples */
    size_t trials_complete, trials_pruned, trials_failed;
    double search_s, total_s;
    bool interrupted, infeasible; /* as aglm_tune_result */
    char study[AGLM_STORE_MAX_NAME + 1];
    aglm_answer_expected expected;
    aglm_bundle bundle;
    aglm_str evidence;
} aglm_answer_result;

/* Do the examples of the file want texts as answers, rather than one of few labels? False also
 * where that cannot be told. */
bool aglm_answer_wanted(const aglm_input_options *in);

/* *out is zeroed first; clear it in any case. AGLM_INVALID: too few examples, a metric that the
 * answers do not fit (names the line). AGLM_CANCELLED: no prompt was measured in time. */
aglm_rc aglm_answer_tune(aglm_answer_result *out, const aglm_answer_options *options,
                         aglm_error *err);
void aglm_answer_result_clear(aglm_answer_result *r);

/* Asks and scores the examples rows[n] of the set; *out is initialised, clear it in any case. */
typedef struct aglm_answer_part {
    const aglm_example_set *set;
    const uint32_t *rows;
    size_t n;
} aglm_answer_part;
aglm_rc aglm_answer_measure(aglm_answer_sheet *out, aglm_text_metric metric, aglm_asker *k,
                            const aglm_answer_part *part, const aglm_cancel *cancel,
                            aglm_error *err);
/* AGLM_INVALID with the line of an example whose answers the metric cannot take. */
aglm_rc aglm_answer_check(aglm_text_metric metric, const aglm_example_set *set, const char *file,
                          aglm_error *err);

#endif
