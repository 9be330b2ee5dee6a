/* autoglm/automodel.h - tune a model for a labelled file, open the bundle, predict.
 * Threads: aglm_tune blocks its caller and uses threads of its own; an aglm_automodel is confined
 * to one thread at a time (open one a thread: the weights are read again, some milliseconds). */
#ifndef AUTOGLM_AUTOMODEL_H
#define AUTOGLM_AUTOMODEL_H

#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Strings are borrowed during the call; NULL means what the command line's default means (autoglm
 * tune --help). */
typedef struct aglm_tune_config {
    const char *file;         /* labelled documents, or a table; needed */
    const char *valid;        /* more of them */
    const char *label_column; /* by name or number */
    const char *text_column;
    const char *metric; /* "accuracy", "macro_f1", ... */
    double budget_s;    /* wall time in all; 0: none (then trials must be set) */
    int64_t trials;     /* 0: no limit */
    unsigned threads;   /* 0: all processors */
    uint64_t seed;
    const char *storage; /* "memory" (NULL), "sqlite:///FILE" */
    const char *out;     /* folder of the bundle; needed */
    /* After each finished trial, from a worker thread, one call at a time; value and best are NaN
     * where there is none. */
    void (*on_trial)(void *arg, int64_t number, double value, double best);
    void *arg;
} aglm_tune_config;

typedef struct aglm_tune_summary {
    double value;    /* of the metric, on documents the scored models had not learned from */
    double accuracy; /* 0..1; NaN for regression, as the next */
    double macro_f1;
    uint64_t bytes; /* of the weights */
    double latency_p95_us;
    size_t trials; /* complete or stopped early */
} aglm_tune_summary;

/* Budget 60 s, everything else zero or NULL. */
AGLM_API void aglm_tune_config_init(aglm_tune_config *c);

/* summary may be NULL. AGLM_INVALID, AGLM_FORMAT: the file or an option, by name; AGLM_CANCELLED:
 * the budget was too short for one model; AGLM_IO: the bundle could not be written (an older one
 * stays as it was). */
AGLM_API aglm_rc aglm_tune(const aglm_tune_config *c, aglm_tune_summary *summary, aglm_error *err);

typedef struct aglm_automodel aglm_automodel;

/* AGLM_NOTFOUND, AGLM_FORMAT (damaged, or of a newer version), AGLM_NOMEM. */
AGLM_API aglm_rc aglm_automodel_open(aglm_automodel **out, const char *bundle, aglm_error *err);
AGLM_API void aglm_automodel_close(aglm_automodel *m); /* NULL is fine */

AGLM_API size_t aglm_automodel_n_labels(const aglm_automodel *m);
/* UTF-8, borrowed; NULL past the last. */
AGLM_API const char *aglm_automodel_label(const aglm_automodel *m, size_t label);

/* Probabilities [n_labels] of one UTF-8 text, borrowed until the next call on m. A model of a table
 * takes a row: its cells in the order of the learned columns, TAB between them; one of a regression
 * gives the number in the place of its one label's probability. */
AGLM_API aglm_rc aglm_automodel_predict(aglm_automodel *m, const char *text, size_t len,
                                        const float **probs, aglm_error *err);

#ifdef __cplusplus
}
#endif
#endif
