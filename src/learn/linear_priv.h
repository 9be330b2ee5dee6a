/* learn/linear_priv.h - the parts of the sparse linear learner: parameters, weighted training
 * rows, the packed model.
 * Threads: parameters and models are immutable; a design is confined to its fit. */
#ifndef AGLM_LEARN_LINEAR_PRIV_H
#define AGLM_LEARN_LINEAR_PRIV_H

#include "learn/learner.h"
#include "learn/linear_solver.h"
#include "learn/matrix.h"
#include "learn/tag.h"

/* How strong a feature is before learning. */
typedef enum aglm_weighting {
    AGLM_WEIGHT_TFIDF, /* (1 + ln count) * idf; idf = 1 + ln((1 + n) / (1 + df)), as scikit-learn */
    AGLM_WEIGHT_GAIN,  /* (1 + ln count) * sqrt(idf * information gain about the label) */
    AGLM_WEIGHT_GAIN_IDF, /* (1 + ln count) * idf * sqrt(information gain) */
    AGLM_WEIGHT_RATIO,    /* presence * log-count ratio (Wang and Manning 2012, NBSVM) */
    AGLM_WEIGHT_BINARY,   /* presence * idf */
    AGLM_WEIGHTINGS
} aglm_weighting;

typedef struct aglm_linear_params {
    aglm_feature_options features;
    aglm_weighting weighting;
    unsigned min_df;
    float group_scale[AGLM_FEATURES_GROUPS];
    aglm_linear_loss loss;
    double c;
    bool balanced;
} aglm_linear_params;

/* How often a feature stands in a text, as a factor. Prefixes and shapes are there or not, whatever
 * the weighting. */
float aglm_linear_tf(aglm_weighting weighting, unsigned group, unsigned count);

/* Strengths are kept as 16-bit floats (a sign, 5 bits of exponent from 2^-16, 10 of mantissa; 0
 * stands for the least magnitude), so that training and a stored model use the very same numbers,
 * whatever the last bits of a machine's log. */
uint16_t aglm_half_pack(double value);
static inline float aglm_half_unpack(uint16_t packed)
{
    union {
        uint32_t bits;
        float value;
    } u = {((packed & 0x7fffu) << 13) + (111u << 23) + ((packed & 0x8000u) << 16)};

    return u.value;
}

/* What a model learns from: some rows, ascending, of an opened dataset. */
typedef struct aglm_training {
    const aglm_matrix *matrix;
    const aglm_dataset *data;
    const uint32_t *rows;
    size_t n_rows;
} aglm_training;

/* Training rows: the features kept, their strengths, and the weighted, normalised matrix with the
 * bias as its last column. */
typedef struct aglm_design {
    const aglm_matrix *matrix;
    const uint32_t *rows; /* ascending; owned by the fit */
    size_t n_rows;
    size_t n_features;    /* kept */
    uint32_t *column_of;  /* by feature number; AGLM_NO_COLUMN when left out */
    uint32_t *feature_of; /* by column, most frequent first */
    uint32_t *df;         /* by column */
    uint16_t *scale;      /* by column */
    aglm_csr x;           /* n_features + 1 columns */
    size_t n_labels;
    size_t n_vectors; /* 1 for two labels, else one a label */
    bool multi_label;
    uint32_t *label_start; /* rows (as indices into `rows`) of label k: label_rows[label_start[k] ..
                              label_start[k + 1]) */
    uint32_t *label_rows;
} aglm_design;

#define AGLM_NO_COLUMN UINT32_MAX

aglm_rc aglm_design_init(aglm_design *out, const aglm_training *training,
                         const aglm_linear_params *params, const aglm_fit_context *ctx,
                         aglm_error *err);
void aglm_design_clear(aglm_design *x);
/* The squared log-count ratio of each column for a label: how much likelier one of its documents
 * holds the feature than another document. Written every stride floats; count is scratch of
 * n_features. */
void aglm_design_ratio(const aglm_design *x, uint32_t label, uint32_t *count, float *ratio2,
                       size_t stride);

/* A known feature. */
typedef struct aglm_linear_row {
    uint32_t tag; /* the 32 bits of its hash below those that choose the bucket; ascending there */
    uint16_t scale;  /* its strength */
    uint16_t weight; /* in units of the model: the weight of a single vector, else what an integer
                        weight of this row counts for */
} aglm_linear_row;

/* A model is one block of bytes, the same in memory as in a bundle; sections are found by offsets.
 */
typedef struct aglm_linear_model {
    aglm_model base;
    aglm_linear_params params; /* of them: features, weighting, group_scale */
    uint32_t n_vectors;        /* 1 for two labels, else one a label */
    uint32_t weight_bytes; /* of an integer weight: 1 or 2; 0: one vector, weights in the rows */
    uint32_t bucket_bits;
    uint32_t n_features;
    float unit;
    const uint32_t *bucket; /* 2^bucket_bits + 1: first row with these top bits of the hash */
    const aglm_linear_row *row;
    const float *bias;   /* n_vectors */
    const void *weights; /* n_features rows of n_vectors */
    uint8_t *bytes;
    size_t n_bytes;
    bool plain; /* keep to the instructions that every machine has (tests) */
} aglm_linear_model;

/* Weights being learned lie in blocks of AGLM_LANES_MAX vectors, a block as [columns x lanes]. */
size_t aglm_linear_total_lanes(size_t n_vectors);
/* w: such blocks, the bias in the design's last column. Where a model of all features would be too
 * large, column_of of those that matter least is taken away. */
aglm_rc aglm_linear_pack(aglm_linear_model **out, aglm_design *x, const aglm_linear_params *params,
                         const float *w, aglm_error *err);
aglm_rc aglm_linear_load(aglm_model **out, const void *bytes, size_t n, aglm_error *err);
void aglm_linear_free(aglm_model *model);

#define AGLM_NO_ROW UINT32_MAX
static inline uint32_t aglm_linear_bucket(const aglm_linear_model *m, uint64_t hash)
{
    return (uint32_t)(hash >> 1 >> (63 - m->bucket_bits));
}
/* The row of a feature, or AGLM_NO_ROW. */
static inline uint32_t aglm_linear_find(const aglm_linear_model *m, uint64_t hash)
{
    uint32_t b = aglm_linear_bucket(m, hash), first = m->bucket[b];
    uint32_t tag = (uint32_t)(hash << m->bucket_bits >> 32);
    uint32_t at = aglm_tag_find(&m->row[first].tag, sizeof *m->row / sizeof tag,
                                m->bucket[b + 1] - first, tag);

    return at == AGLM_NO_TAG ? AGLM_NO_ROW : first + at;
}

/* Known features of one document in the order of their first appearance; value is filled from the
 * counts by aglm_linear_weigh. */
typedef struct aglm_linear_entries {
    uint32_t *row;
    uint16_t *count;
    float *value;
    size_t group_end[AGLM_FEATURES_GROUPS];
} aglm_linear_entries;

/* Values of the features, each group at its length. */
void aglm_linear_weigh(const aglm_linear_model *m, const aglm_linear_entries *e);
/* Weighs, then logits: [labels]. sum: scratch of aglm_linear_sum_size(m) floats. */
void aglm_linear_logits(const aglm_linear_model *m, const aglm_linear_entries *e, float *sum,
                        float *logits);
size_t aglm_linear_sum_size(const aglm_linear_model *m);
/* Kernels and look-ups may read so many bytes behind the model. */
#define AGLM_LINEAR_SLACK 64
/* Weight of a row for a label's logit (bias: row n_features). */
float aglm_linear_weight(const aglm_linear_model *m, uint32_t row, uint32_t label);

/* What predict and explain need; see learner.h. */
aglm_rc aglm_linear_predictor_new(aglm_predictor **out, const aglm_model *m, aglm_error *err);
aglm_rc aglm_linear_predict(aglm_predictor *self, const char *text, size_t len, float *logits,
                            aglm_error *err);
uint64_t aglm_linear_reading(const aglm_model *m);
aglm_rc aglm_linear_predict_after(aglm_predictor *self, const aglm_predictor *first, float *logits,
                                  aglm_error *err);
aglm_rc aglm_linear_explain(aglm_predictor *self, const char *text, size_t len, uint32_t label,
                            aglm_explained *out, size_t cap, size_t *n, aglm_error *err);
void aglm_linear_predictor_free(aglm_predictor *self);

#endif
