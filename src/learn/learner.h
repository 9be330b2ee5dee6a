/* learn/learner.h - the contract of everything that can be trained: space, fit, score, save, load,
 * predict.
 * Threads: a learner's self may be shared by several fits at once (it is read only after open); a
 * model is immutable once fitted and may be shared; a predictor is confined. */
#ifndef AGLM_LEARN_LEARNER_H
#define AGLM_LEARN_LEARNER_H

#include "base/clock.h"
#include "base/str.h"
#include "data/dataset.h"

/* One tunable parameter. learn knows nothing of search: tune turns these into distributions. */
typedef enum aglm_hparam_kind {
    AGLM_HPARAM_FLOAT,
    AGLM_HPARAM_INT,
    AGLM_HPARAM_CHOICE
} aglm_hparam_kind;

typedef struct aglm_hparam {
    const char *name;
    aglm_hparam_kind kind;
    bool log;
    double low, high;
    double step; /* 0: none */
    const char *const *choices;
    size_t n_choices;
    double start;          /* the value of the first trial; a choice as its index */
    const char *when;      /* active only while this earlier parameter ... NULL: always */
    uint32_t when_choices; /* ... has one of these choices (bit mask) */
    /* Models that differ in this choice err on different documents: worth asking side by side. */
    bool tells_apart;
} aglm_hparam;

#define AGLM_HPARAM_MAX 32

/* What a space may depend on: only the data, never the clock or the machine. */
typedef struct aglm_data_shape {
    size_t docs;
    size_t labels;
    bool multi_label;
    double mean_chars;
    double share_cjk; /* of letters */
    uint64_t chars;
    bool tabular; /* rows of numbers (aglm_dataset_schema) rather than texts */
    bool regression;
    bool language_model; /* there is one to ask */
} aglm_data_shape;

typedef struct aglm_model aglm_model;
typedef struct aglm_predictor aglm_predictor;

struct aglm_hidden; /* lm/hidden.h */

typedef struct aglm_fit_context {
    uint64_t seed;
    const aglm_cancel *cancel;  /* asked at least every few milliseconds; AGLM_CANCELLED */
    uint64_t max_memory_bytes;  /* 0: none; AGLM_LIMIT before allocating more */
    const char *language_model; /* a file; NULL: none */
    /* What that model made of texts so far, kept for all fits; NULL: each opens its own. */
    struct aglm_hidden *hidden;
    /* Runtimes of it that outlive a trial (lm/runtime_pool.h). NULL: a learner opens its own. */
    struct aglm_lm_pool *language_models;
    /* Called after each step (epoch) of a learner that has steps, with the model so far (borrowed);
     * a return of AGLM_PRUNED or a failure ends the fit with that code. NULL: not called. */
    aglm_rc (*on_step)(void *arg, const aglm_model *so_far, unsigned step, unsigned steps);
    void *arg;
} aglm_fit_context;

typedef struct aglm_explained {
    uint32_t begin, end; /* bytes in the text */
    float weight;        /* its part of the logit of the label asked for */
} aglm_explained;

/* One static const struct per learner, in a file of its own. Values come in the order of space(),
 * choices as their index, inactive ones NaN. Scores are logits, row-major [n x labels], larger is
 * likelier; of a regression, the one label's logit is the predicted number. */
typedef struct aglm_learner_ops {
    const char *name; /* stored in bundles: never rename */

    /* AGLM_UNSUPPORTED, with the mend, where a part that it needs is not installed. NULL: needs
     * none. */
    aglm_rc (*ready)(aglm_error *err);

    /* Fills at most AGLM_HPARAM_MAX parameters, returns their number; 0: it cannot learn from such
     * data. Strings are static. */
    size_t (*space)(const aglm_data_shape *shape, aglm_hparam *out);

    /* Work shared by the fits of one trial on parts of one dataset (features). data is borrowed
     * until close. */
    aglm_rc (*open)(void **self, const aglm_dataset *data, const double *values,
                    const aglm_fit_context *ctx, aglm_error *err);
    /* Learns from the rows given (in any order; the learner shuffles by ctx->seed). */
    aglm_rc (*fit)(const void *self, const uint32_t *rows, size_t n, const aglm_fit_context *ctx,
                   aglm_model **out, aglm_error *err);
    /* Logits of documents of the opened dataset. */
    aglm_rc (*score)(const void *self, const aglm_model *m, const uint32_t *rows, size_t n,
                     float *logits, aglm_error *err);
    void (*close)(void *self);

    /* A model stands alone: it outlives self. save appends bytes whose meaning is fixed by a
     * version inside them; load checks every size against n and a checksum, and answers AGLM_FORMAT
     * with the byte offset. */
    aglm_rc (*save)(const aglm_model *m, aglm_str *out, aglm_error *err);
    aglm_rc (*load)(aglm_model **out, const void *bytes, size_t n, aglm_error *err);
    void (*free_model)(aglm_model *m);

    /* Logits of one text (a row of a table: data/schema.h) outside any dataset: predictors hold the
     * scratch memory. logits: [labels]. */
    aglm_rc (*predictor)(aglm_predictor **out, const aglm_model *m, aglm_error *err);
    aglm_rc (*predict)(aglm_predictor *p, const char *text, size_t len, float *logits,
                       aglm_error *err);
    /* A number that is equal for models that read texts the same way (features and vocabulary).
     * Then predict_after gives a model's logits of the text that `first` predicted last without
     * reading it again: members of a blend that differ only in weights cost little more than one.
     * NULL: no two do. */
    uint64_t (*reading)(const aglm_model *m);
    aglm_rc (*predict_after)(aglm_predictor *p, const aglm_predictor *first, float *logits,
                             aglm_error *err);
    /* The spans that speak most for `label`, largest first; fills at most cap, *n gets how many.
     * NULL: cannot. */
    aglm_rc (*explain)(aglm_predictor *p, const char *text, size_t len, uint32_t label,
                       aglm_explained *out, size_t cap, size_t *n, aglm_error *err);
    void (*free_predictor)(aglm_predictor *p);
} aglm_learner_ops;

/* Every model begins with this, so that wrappers find its learner. */
struct aglm_model {
    const aglm_learner_ops *ops;
    uint32_t n_labels;
    bool multi_label;
};

extern const aglm_learner_ops aglm_learner_linear;
extern const aglm_learner_ops aglm_learner_embed;
extern const aglm_learner_ops aglm_learner_trees;

/* Thin wrappers. */
/* 0: reads as no other model does. */
uint64_t aglm_model_reading(const aglm_model *m);
void aglm_model_free(aglm_model *m); /* NULL is fine */
/* Bytes save would write (the size constraint is about these). */
aglm_rc aglm_model_size(const aglm_model *m, uint64_t *bytes, aglm_error *err);

#endif
