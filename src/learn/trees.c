#include "learn/trees_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

enum {
    P_KIND,
    P_TREES,
    P_DEPTH,
    P_RATE,
    P_ROWS,
    P_COLUMNS,
    P_CHILD,
    P_LAMBDA,
    P_ALPHA,
    P_BINS,
    P_N
};
enum { KIND_BOOST, KIND_FOREST };

/* Names and their meaning are XGBoost's; "colsample" is a tree's share of the columns, of a forest
 * a node's (Breiman 2001). */
static const char *const kinds[] = {"boost", "forest"};
static const aglm_hparam params[P_N] = {
    [P_KIND] = {"kind", AGLM_HPARAM_CHOICE, .choices = kinds, .n_choices = 2, .tells_apart = true},
    [P_TREES] = {"n_estimators", AGLM_HPARAM_INT, .log = true, .low = 10, .high = 400,
                 .start = 100},
    [P_DEPTH] = {"max_depth", AGLM_HPARAM_INT, .low = 2, .high = 10, .start = 4},
    [P_RATE] = {"learning_rate", AGLM_HPARAM_FLOAT, .log = true, .low = 0.01, .high = 0.5,
                .start = 0.1, .when = "kind", .when_choices = 1u << KIND_BOOST},
    [P_ROWS] = {"subsample", AGLM_HPARAM_FLOAT, .low = 0.4, .high = 1, .start = 0.8},
    [P_COLUMNS] = {"colsample", AGLM_HPARAM_FLOAT, .low = 0.1, .high = 1, .start = 0.8},
    [P_CHILD] = {"min_child_weight", AGLM_HPARAM_FLOAT, .log = true, .low = 0.01, .high = 20,
                 .start = 1},
    [P_LAMBDA] = {"lambda", AGLM_HPARAM_FLOAT, .log = true, .low = 1e-5, .high = 30, .start = 1},
    [P_ALPHA] = {"alpha", AGLM_HPARAM_FLOAT, .log = true, .low = 1e-5, .high = 10, .start = 1e-5},
    [P_BINS] = {"max_bin", AGLM_HPARAM_INT, .log = true, .low = 32, .high = 1024, .start = 256},
};

static size_t trees_space(const aglm_data_shape *shape, aglm_hparam *out)
{
    if (!shape->tabular || shape->multi_label)
        return 0;
    memcpy(out, params, sizeof params);
    return P_N;
}

static aglm_rc trees_ready(aglm_error *err)
{
    aglm_xgboost x;

    return aglm_xgboost_load(&x, err);
}

struct trees {
    const aglm_dataset *data;
    aglm_xgboost xgboost;
    double values[P_N];
};

/* What XGBoost takes, wider than what is searched. */
static const struct bounds {
    double low, high;
} bounds[P_N] = {
    [P_KIND] = {0, 1},      [P_TREES] = {1, 100000}, [P_DEPTH] = {1, 30},
    [P_RATE] = {0, 1},      [P_ROWS] = {0, 1},       [P_COLUMNS] = {0, 1},
    [P_CHILD] = {0, 65536}, [P_LAMBDA] = {0, 65536}, [P_ALPHA] = {0, 65536},
    [P_BINS] = {2, 65536},
};

static bool is_fit(int param, double v)
{
    bool whole = params[param].kind != AGLM_HPARAM_FLOAT;

    return v >= bounds[param].low && v <= bounds[param].high && (!whole || floor(v) == v);
}

static aglm_rc check_values(const double *v, aglm_error *err)
{
    for (int i = 0; i < P_N; i++) {
        bool inactive = i == P_RATE && v[P_KIND] == KIND_FOREST;
        if (!inactive && !is_fit(i, v[i]))
            return aglm_error_set(err, AGLM_INVALID, "trees: %s is %g, expected %g to %g",
                                  params[i].name, v[i], bounds[i].low, bounds[i].high);
    }
    return AGLM_OK;
}

/* Our block of numbers, XGBoost's copy with a column number beside each, and its bins. */
static aglm_rc check_memory(size_t rows, size_t columns, const aglm_fit_context *ctx,
                            aglm_error *err)
{
    double bytes = (double)rows * ((double)columns * (4 + 8 + 4) + 32);

    if (ctx->max_memory_bytes && bytes > (double)ctx->max_memory_bytes)
        return aglm_error_set(
            err, AGLM_LIMIT,
            "trees of %zu rows x %zu columns need %.0f bytes, over what a trial may "
            "take (--max-memory)",
            rows, columns, bytes);
    return AGLM_OK;
}

static void trees_close(void *self)
{
    free(self);
}

static aglm_rc trees_open(void **self, const aglm_dataset *data, const double *values,
                          const aglm_fit_context *ctx, aglm_error *err)
{
    const aglm_schema *schema = aglm_dataset_schema(data);
    aglm_xgboost x;
    aglm_rc rc;

    *self = NULL;
    if (!schema)
        return aglm_error_set(err, AGLM_INVALID, "trees learn from tables, not from texts");
    if ((rc = check_values(values, err)) != AGLM_OK ||
        (rc = check_memory(aglm_dataset_size(data), aglm_schema_size(schema), ctx, err)) !=
            AGLM_OK ||
        (rc = aglm_xgboost_load(&x, err)) != AGLM_OK)
        return rc;
    struct trees *t = aglm_calloc(1, sizeof *t);
    if (!t)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for trees");
    t->data = data;
    t->xgboost = x;
    memcpy(t->values, values, sizeof t->values);
    *self = t;
    return AGLM_OK;
}

/* --- one fit --- */

struct fit {
    const struct trees *t;
    const aglm_fit_context *ctx;
    const uint32_t *rows; /* ascending, so that their order does not matter */
    size_t n, columns;
    aglm_trees_model *model;
    float *values, *label;
    float *gradient, *hessian; /* of a forest, [n x outputs] */
    void *matrix;
};

static float *gather(const struct trees *t, const uint32_t *rows, size_t n)
{
    size_t columns = aglm_schema_size(aglm_dataset_schema(t->data));
    float *v = aglm_calloc(n * columns, sizeof *v);

    for (size_t i = 0; v && i < n; i++)
        memcpy(v + i * columns, aglm_dataset_row(t->data, rows[i]), columns * sizeof *v);
    return v;
}

static float label_of(const struct fit *f, size_t i)
{
    if (f->model->regression)
        return (float)aglm_dataset_target(f->t->data, f->rows[i]);
    return (float)aglm_dataset_doc(f->t->data, f->rows[i]).labels[0];
}

static aglm_rc make_matrix(struct fit *f, aglm_error *err)
{
    const aglm_xgboost *x = &f->t->xgboost;
    char array[AGLM_TREES_ARRAY_BYTES];
    aglm_rc rc;

    f->values = gather(f->t, f->rows, f->n);
    f->label = aglm_calloc(f->n, sizeof *f->label);
    if (!f->values || !f->label)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu rows", f->n);
    for (size_t i = 0; i < f->n; i++)
        f->label[i] = label_of(f, i);
    aglm_trees_array(array, f->values, f->n, f->columns);
    int answer = x->XGDMatrixCreateFromDense(array, "{\"missing\": NaN, \"nthread\": 1}",
                                             &f->matrix);
    if ((rc = aglm_xgboost_check(x, answer, "take the rows", err)) != AGLM_OK)
        return rc;
    answer = x->XGDMatrixSetFloatInfo(f->matrix, "label", f->label, f->n);
    if ((rc = aglm_xgboost_check(x, answer, "take the labels", err)) != AGLM_OK)
        return rc;
    return aglm_trees_mark_categories(x, f->matrix, f->model->schema, err);
}

/* XGBoost starts a regression at the mean only since its version 2. */
static double base_score(const struct fit *f)
{
    double sum = 0;

    for (size_t i = 0; f->model->regression && i < f->n; i++)
        sum += (double)f->label[i];
    return f->model->regression ? sum / (double)f->n : 0.5;
}

struct setter {
    struct fit *f;
    aglm_error *err;
    aglm_rc rc;
};

static void set_text(struct setter *s, const char *name, const char *value)
{
    const aglm_xgboost *x = &s->f->t->xgboost;

    if (s->rc != AGLM_OK)
        return;
    s->rc = aglm_xgboost_check(x, x->XGBoosterSetParam(s->f->model->booster, name, value),
                               "set a parameter", s->err);
}

static void set_real(struct setter *s, const char *name, double value)
{
    char text[32];

    aglm_double_format(text, value);
    set_text(s, name, text);
}

static void set_whole(struct setter *s, const char *name, double value)
{
    char text[32];

    snprintf(text, sizeof text, "%.0f", value);
    set_text(s, name, text);
}

static void set_kind(struct setter *s, const double *v)
{
    bool forest = v[P_KIND] == KIND_FOREST;

    set_real(s, "learning_rate", forest ? 1 / v[P_TREES] : v[P_RATE]);
    set_real(s, forest ? "colsample_bynode" : "colsample_bytree", v[P_COLUMNS]);
}

static void set_objective(struct setter *s)
{
    const aglm_trees_model *m = s->f->model;

    set_text(s, "objective",
             m->regression           ? "reg:squarederror"
             : m->base.n_labels == 2 ? "binary:logistic"
                                     : "multi:softprob");
    if (aglm_trees_outputs(m->base.n_labels) > 1)
        set_whole(s, "num_class", m->base.n_labels);
    set_real(s, "base_score", base_score(s->f));
}

static aglm_rc set_params(struct fit *f, aglm_error *err)
{
    const double *v = f->t->values;
    struct setter s = {.f = f, .err = err};

    set_text(&s, "verbosity", "0");
    set_text(&s, "nthread", "1");
    set_text(&s, "tree_method", "hist");
    set_text(&s, "disable_default_eval_metric", "1");
    set_whole(&s, "seed", (double)(f->ctx->seed & INT32_MAX));
    set_objective(&s);
    set_kind(&s, v);
    set_whole(&s, "max_depth", v[P_DEPTH]);
    set_whole(&s, "max_bin", v[P_BINS]);
    set_real(&s, "subsample", v[P_ROWS]);
    set_real(&s, "min_child_weight", v[P_CHILD]);
    set_real(&s, "reg_lambda", v[P_LAMBDA]);
    set_real(&s, "reg_alpha", v[P_ALPHA]);
    return s.rc;
}

/* The first two derivatives of a row's loss before any tree, as XGBoost's objectives take them:
 * half the squared error, the log-loss, and twice the diagonal of softmax's. */
static void derive(const struct fit *f, size_t i, double base)
{
    uint32_t k = aglm_trees_outputs(f->model->base.n_labels);
    float *g = f->gradient + i * k, *h = f->hessian + i * k;
    float p = 1.0f / (float)f->model->base.n_labels;

    for (uint32_t l = 0; l < k; l++) {
        bool right = k > 1 ? f->label[i] == (float)l : f->label[i] > 0;
        g[l] = f->model->regression ? (float)base - f->label[i] : p - (float)right;
        h[l] = f->model->regression ? 1 : (k > 1 ? 2 : 1) * p * (1 - p);
    }
}

/* All trees of a forest are grown on the derivatives at its start, each worth its share: what
 * XGBoost's num_parallel_tree does in one call is done in many, so that the clock is heard. */
static aglm_rc open_forest(struct fit *f, aglm_error *err)
{
    size_t cells = f->n * aglm_trees_outputs(f->model->base.n_labels);
    double base = base_score(f);

    f->gradient = aglm_calloc(cells, sizeof *f->gradient);
    f->hessian = aglm_calloc(cells, sizeof *f->hessian);
    if (!f->gradient || !f->hessian)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu rows", f->n);
    for (size_t i = 0; i < f->n; i++)
        derive(f, i, base);
    return AGLM_OK;
}

static int grow_in_forest(struct fit *f, int round)
{
    const aglm_xgboost *x = &f->t->xgboost;
    size_t outputs = aglm_trees_outputs(f->model->base.n_labels);
    char gradient[AGLM_TREES_ARRAY_BYTES], hessian[AGLM_TREES_ARRAY_BYTES];

    if (!x->XGBoosterTrainOneIter)
        return x->XGBoosterBoostOneIter(f->model->booster, f->matrix, f->gradient, f->hessian,
                                        f->n * outputs);
    aglm_trees_array(gradient, f->gradient, f->n, outputs);
    aglm_trees_array(hessian, f->hessian, f->n, outputs);
    return x->XGBoosterTrainOneIter(f->model->booster, f->matrix, round, gradient, hessian);
}

static aglm_rc grow(struct fit *f, aglm_error *err)
{
    const aglm_xgboost *x = &f->t->xgboost;
    bool forest = f->t->values[P_KIND] == KIND_FOREST;
    aglm_rc rc = forest ? open_forest(f, err) : AGLM_OK;

    for (int i = 0; rc == AGLM_OK && i < (int)f->t->values[P_TREES]; i++) {
        if (aglm_cancelled(f->ctx->cancel))
            return aglm_error_set(err, AGLM_CANCELLED, "out of time");
        int answer = forest ? grow_in_forest(f, i)
                            : x->XGBoosterUpdateOneIter(f->model->booster, i, f->matrix);
        rc = aglm_xgboost_check(x, answer, "grow a tree", err);
    }
    return rc;
}

static aglm_rc fit_rows(struct fit *f, aglm_error *err)
{
    const aglm_dataset *d = f->t->data;
    const aglm_xgboost *x = &f->t->xgboost;
    bool regression = aglm_dataset_task(d) == AGLM_TASK_REGRESSION;
    aglm_rc rc;

    rc = aglm_trees_model_new(&f->model, x, aglm_dataset_schema(d),
                              (uint32_t)aglm_dataset_n_labels(d), regression, err);
    if (rc != AGLM_OK || (rc = make_matrix(f, err)) != AGLM_OK)
        return rc;
    rc = aglm_xgboost_check(x, x->XGBoosterCreate(&f->matrix, 1, &f->model->booster),
                            "make a booster", err);
    if (rc != AGLM_OK || (rc = set_params(f, err)) != AGLM_OK)
        return rc;
    return grow(f, err);
}

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static aglm_rc trees_fit(const void *self, const uint32_t *rows, size_t n,
                         const aglm_fit_context *ctx, aglm_model **out, aglm_error *err)
{
    const struct trees *t = self;
    struct fit f = {
        .t = t, .ctx = ctx, .n = n, .columns = aglm_schema_size(aglm_dataset_schema(t->data))};

    *out = NULL;
    if (n == 0)
        return aglm_error_set(err, AGLM_INVALID, "trees need at least one row");
    uint32_t *sorted = aglm_calloc(n, sizeof *sorted);
    if (!sorted)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu rows", n);
    memcpy(sorted, rows, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_rows);
    f.rows = sorted;
    aglm_rc rc = fit_rows(&f, err);
    if (f.matrix)
        t->xgboost.XGDMatrixFree(f.matrix);
    free(f.values);
    free(f.label);
    free(f.gradient);
    free(f.hessian);
    free(sorted);
    if (rc != AGLM_OK && f.model)
        aglm_trees_free(&f.model->base);
    else if (rc == AGLM_OK)
        *out = &f.model->base;
    return rc;
}

static aglm_rc trees_score(const void *self, const aglm_model *model, const uint32_t *rows,
                           size_t n, float *logits, aglm_error *err)
{
    const struct trees *t = self;

    if (n == 0)
        return AGLM_OK;
    float *values = gather(t, rows, n);
    if (!values)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory to score %zu rows", n);
    aglm_rc rc = aglm_trees_run((const aglm_trees_model *)model, values, n, logits, err);
    free(values);
    return rc;
}

const aglm_learner_ops aglm_learner_trees = {
    .name = "trees",
    .ready = trees_ready,
    .space = trees_space,
    .open = trees_open,
    .fit = trees_fit,
    .score = trees_score,
    .close = trees_close,
    .save = aglm_trees_save,
    .load = aglm_trees_load,
    .free_model = aglm_trees_free,
    .predictor = aglm_trees_predictor_new,
    .predict = aglm_trees_predict,
    .reading = aglm_trees_reading,
    .predict_after = aglm_trees_predict_after,
    .explain = aglm_trees_explain,
    .free_predictor = aglm_trees_predictor_free,
};
