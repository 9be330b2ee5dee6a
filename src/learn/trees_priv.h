/* learn/trees_priv.h - what the parts of the trees learner share: trees.c fits, trees_model.c keeps
 * and predicts. Threads: as learn/learner.h. */
#ifndef AGLM_LEARN_TREES_PRIV_H
#define AGLM_LEARN_TREES_PRIV_H

#include "data/schema.h"
#include "learn/learner.h"
#include "learn/xgboost.h"

typedef struct aglm_trees_model {
    aglm_model base;
    aglm_xgboost xgboost;
    aglm_schema *schema;
    void *booster;
    bool regression;
} aglm_trees_model;

/* A model without trees; takes a reference to the schema. */
aglm_rc aglm_trees_model_new(aglm_trees_model **out, const aglm_xgboost *x,
                             const aglm_schema *schema, uint32_t n_labels, bool regression,
                             aglm_error *err);
void aglm_trees_free(aglm_model *m);

/* How many numbers XGBoost gives a row: one for two labels and for a regression. */
uint32_t aglm_trees_outputs(uint32_t n_labels);

/* Logits [n x labels] of rows of numbers [n x columns]; regression: the predicted numbers. */
aglm_rc aglm_trees_run(const aglm_trees_model *m, const float *rows, size_t n, float *logits,
                       aglm_error *err);

/* NumPy's array interface (version 3), as XGBoost takes arrays, of floats [n x columns]. */
#define AGLM_TREES_ARRAY_BYTES 160
void aglm_trees_array(char buf[AGLM_TREES_ARRAY_BYTES], const float *v, size_t n, size_t columns);
/* Marks the columns of categories in a matrix. */
aglm_rc aglm_trees_mark_categories(const aglm_xgboost *x, void *matrix, const aglm_schema *schema,
                                   aglm_error *err);

aglm_rc aglm_trees_save(const aglm_model *m, aglm_str *out, aglm_error *err);
aglm_rc aglm_trees_load(aglm_model **out, const void *bytes, size_t n, aglm_error *err);
aglm_rc aglm_trees_predictor_new(aglm_predictor **out, const aglm_model *m, aglm_error *err);
aglm_rc aglm_trees_predict(aglm_predictor *p, const char *text, size_t len, float *logits,
                           aglm_error *err);
uint64_t aglm_trees_reading(const aglm_model *m);
aglm_rc aglm_trees_predict_after(aglm_predictor *p, const aglm_predictor *first, float *logits,
                                 aglm_error *err);
aglm_rc aglm_trees_explain(aglm_predictor *p, const char *text, size_t len, uint32_t label,
                           aglm_explained *out, size_t cap, size_t *n, aglm_error *err);
void aglm_trees_predictor_free(aglm_predictor *p);

#endif
