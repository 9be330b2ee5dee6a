/* autoglm/tuner.h - the GLM tuner: a small head trained over a frozen local language model, its
 * parameters found by a search.
 * Threads: a tuner is confined to one thread at a time; the language model runs in a child process.
 *
 *     aglm_tuner_new(&tuner, "model.gguf", "lr=loguniform(1e-5,1e-3) batch_size=choice(16,32,64)",
 *                    "bayesian", &err);
 *     aglm_tuner_fit(tuner, &(aglm_tuner_data){.file = "train.tsv"}, NULL, &err);
 *     aglm_tuner_predict(tuner, text, strlen(text), &probs, &err);
 *     aglm_tuner_save(tuner, "my.bundle", &err);
 *
 * A text is read by the language model once; a trial then costs the head's training, 5 folds of it.
 * What is saved is a bundle like any other: aglm_automodel_open and `autoglm predict` take it. */
#ifndef AUTOGLM_TUNER_H
#define AUTOGLM_TUNER_H

#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aglm_tuner aglm_tuner;

/* The space that stands for NULL. Its parameters, which a space of one's own may name any of (the
 * others have their usual values):
 *   depth         after which part of the blocks states are taken: "1/4", "1/2", "5/8", "3/4",
 *                 "7/8", "1"
 *   pooling       of the tokens' states: mean, last, both
 *   hidden        units of the head's hidden layer: 0 (logistic), 32, 128
 *   dropout       0 to 0.9, of what the output layer sees
 *   lr            AdamW's learning rate, above 0 to 1, falling to 0 in a straight line
 *   batch_size    8, 16, 32, 64, 128
 *   epochs        1 to 10000
 *   weight_decay  0 to 100, apart from the gradient */
AGLM_API const char *aglm_tuner_default_space(void);

/* model: a GGUF file. space: as aglm_study_config.space; NULL: the default. strategy: "bayesian"
 * (NULL), which is the sampler "auto", or any sampler that aglm_study_config.sampler takes:
 * "random", "grid", "tpe", "gp", ... Strings are copied. AGLM_INVALID names the parameter, value or
 * strategy that is none; AGLM_NOTFOUND: no such model. Free with aglm_tuner_free. */
AGLM_API aglm_rc aglm_tuner_new(aglm_tuner **out, const char *model, const char *space,
                                const char *strategy, aglm_error *err);
AGLM_API void aglm_tuner_free(aglm_tuner *t); /* NULL is fine */

/* Labelled documents: a file as `autoglm tune` reads it, or n texts with a label each (UTF-8). */
typedef struct aglm_tuner_data {
    const char *file;
    const char *label_column; /* of the file, by name or number; NULL: found */
    const char *const *texts;
    const char *const *labels;
    size_t n;
} aglm_tuner_data;

/* All zero or NULL: 30 trials of 5 folds, no time limit. */
typedef struct aglm_tuner_options {
    int64_t trials;  /* 0: 30 */
    double budget_s; /* of wall time, reading included: no trial begins after it; 0: none */
    unsigned folds;  /* 2 to 20; 0: 5 */
    uint64_t seed;
    const char *metric;  /* "accuracy", "macro_f1", ...; NULL: the task's */
    const char *storage; /* of the study: "sqlite:///FILE"; NULL: memory */
    const char *cache;   /* a file that keeps hidden states from one run to the next; NULL: none */
    size_t max_tokens;   /* of a text, from its beginning, 1 to 512; 0: 128 */
    /* After each trial; params: a JSON object, value NaN where the trial failed. */
    void (*on_trial)(void *arg, int64_t number, double value, const char *params);
    void *arg;
} aglm_tuner_options;

/* Reads the texts, searches, and trains the best head on all of them. options NULL: the defaults.
 * A second fit forgets the first, but not the states of texts that it has read. The same seed gives
 * the same answer. AGLM_INVALID, AGLM_FORMAT: the data or an option, by name; AGLM_CANCELLED: the
 * budget ended before the first trial did. */
AGLM_API aglm_rc aglm_tuner_fit(aglm_tuner *t, const aglm_tuner_data *data,
                                const aglm_tuner_options *options, aglm_error *err);

typedef struct aglm_tuner_result {
    double value; /* of the metric, on documents the scored heads had not learned from */
    double accuracy, macro_f1; /* 0..1, likewise */
    int64_t trial;             /* the best one's number */
    size_t trials;             /* complete */
    const char *params;        /* JSON object of what was searched; borrowed until the next fit */
    double read_s, search_s, train_s; /* wall time of the three parts */
} aglm_tuner_result;

/* AGLM_NOTFOUND before a fit. */
AGLM_API aglm_rc aglm_tuner_best(const aglm_tuner *t, aglm_tuner_result *out, aglm_error *err);

AGLM_API size_t aglm_tuner_n_labels(const aglm_tuner *t); /* 0 before a fit */
/* UTF-8, borrowed until the next fit; NULL past the last. */
AGLM_API const char *aglm_tuner_label(const aglm_tuner *t, size_t label);

/* Probabilities [n_labels] of one text, borrowed until the next call on t. AGLM_NOTFOUND before a
 * fit. */
AGLM_API aglm_rc aglm_tuner_predict(aglm_tuner *t, const char *text, size_t len,
                                    const float **probs, aglm_error *err);

/* Writes the bundle: folder is the new one or what it was, never half of one, and must not exist
 * but as a bundle. It names the language model's file, which must be there to predict. */
AGLM_API aglm_rc aglm_tuner_save(const aglm_tuner *t, const char *folder, aglm_error *err);

#ifdef __cplusplus
}
#endif
#endif
