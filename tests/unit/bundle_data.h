/* bundle_data.h - a small bundle of one linear and one embedding model, fitted by hand.
 * Threads: as aglm_bundle. */
#ifndef AGLM_TESTS_BUNDLE_DATA_H
#define AGLM_TESTS_BUNDLE_DATA_H

#include "base/memory.h"
#include "tune/bundle.h"
#include "tune_data.h"

static inline aglm_model *bundle_model(const aglm_learner_ops *learner, const aglm_dataset *d)
{
    const aglm_data_shape shape = {.docs = aglm_dataset_size(d),
                                   .labels = aglm_dataset_n_labels(d),
                                   .mean_chars = 50,
                                   .chars = 50 * aglm_dataset_size(d)};
    const aglm_fit_context ctx = {.seed = 1};
    double values[AGLM_HPARAM_MAX];
    uint32_t rows[400];
    aglm_error err = {0};
    aglm_model *m = NULL;
    void *self = NULL;

    assert_in_range(shape.docs, 1, 400);
    for (uint32_t i = 0; i < shape.docs; i++)
        rows[i] = i;
    tune_values(learner, &shape, values);
    if (learner->open(&self, d, values, &ctx, &err) != AGLM_OK ||
        learner->fit(self, rows, shape.docs, &ctx, &m, &err) != AGLM_OK)
        fail_msg("%s: %s", learner->name, err.msg);
    learner->close(self);
    return m;
}

static inline char *bundle_text(const char *s)
{
    char *copy = aglm_strndup(s, strlen(s));

    assert_non_null(copy);
    return copy;
}

/* Clear it with aglm_bundle_clear. */
static inline void bundle_make(aglm_bundle *b, const aglm_dataset *d)
{
    memset(b, 0, sizeof *b);
    b->task = aglm_dataset_task(d);
    b->n_labels = aglm_dataset_n_labels(d);
    b->labels = aglm_calloc(b->n_labels, sizeof *b->labels);
    assert_non_null(b->labels);
    for (size_t i = 0; i < b->n_labels; i++)
        b->labels[i] = bundle_text(aglm_dataset_label(d, i));
    b->members[0] = (aglm_member){.model = bundle_model(&aglm_learner_linear, d),
                                  .calibration = {1.3, 0},
                                  .weight = 0.7,
                                  .trial = 4,
                                  .params_json = bundle_text("{\"learner\": \"linear\"}")};
    b->members[1] = (aglm_member){.model = bundle_model(&aglm_learner_embed, d),
                                  .calibration = {0.8, 0.1},
                                  .weight = 0.3,
                                  .trial = 11,
                                  .params_json = bundle_text("{\"learner\": \"embed\"}")};
    b->n_members = 2;
}

#endif
