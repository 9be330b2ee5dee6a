#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "learn/linear_priv.h"

enum {
    P_WORD_N,
    P_CHARS,
    P_ACROSS,
    P_CJK_N,
    P_PREFIX_N,
    P_SUFFIX_N,
    P_SHAPE,
    P_CASE,
    P_PUNCT,
    P_EDGES,
    P_WEIGHT,
    P_MIN_DF,
    P_LOSS,
    P_C,
    P_BALANCE,
    P_CHAR_SCALE,
    P_SIDE_SCALE,
    P_N
};

static const struct char_orders {
    uint8_t min, max;
} char_orders[] = {{0, 0}, {1, 6}, {2, 5}, {2, 4}, {3, 6}, {2, 3}};

static const char *const chars_choices[] = {"none", "1-6", "2-5", "2-4", "3-6", "2-3"};
static const char *const across_choices[] = {"inside", "across"};
static const char *const shape_choices[] = {"no", "yes"};
static const char *const case_choices[] = {"fold", "keep"};
static const char *const punct_choices[] = {"drop", "keep"};
static const char *const edges_choices[] = {"no", "yes"};
static const char *const weight_choices[] = {"tfidf", "gain", "gain-idf", "ratio", "binary-idf"};
static const char *const loss_choices[] = {"hinge", "logistic"};
static const char *const balance_choices[] = {"none", "balanced"};

/* From here on features seen once, but for n-grams of Chinese characters, are mostly size. */
#define SOME_DOCS 2000
#define MANY_DOCS 20000

#define CHOICES(names) (names), sizeof(names) / sizeof *(names)

static aglm_hparam choice(const char *name, const char *const *choices, size_t n, double start)
{
    return (aglm_hparam){.name = name,
                         .kind = AGLM_HPARAM_CHOICE,
                         .choices = choices,
                         .n_choices = n,
                         .start = start};
}

static aglm_hparam integer(const char *name, double low, double high, double start)
{
    return (aglm_hparam){
        .name = name, .kind = AGLM_HPARAM_INT, .low = low, .high = high, .step = 1, .start = start};
}

static aglm_hparam real(const char *name, double low, double high, double start)
{
    return (aglm_hparam){.name = name,
                         .kind = AGLM_HPARAM_FLOAT,
                         .low = low,
                         .high = high,
                         .log = true,
                         .start = start};
}

/* The same parameters in the same order for all data; only ranges follow it, so that open needs no
 * shape. */
static size_t linear_space(const aglm_data_shape *shape, aglm_hparam *out)
{
    bool cjk = shape->share_cjk > 0.2;

    if (shape->tabular)
        return 0;
    out[P_WORD_N] = integer("word_n", 1, 3, 2);
    out[P_CHARS] = choice("chars", CHOICES(chars_choices), cjk ? 5 : 1);
    out[P_ACROSS] = choice("char_span", CHOICES(across_choices), 1);
    out[P_CJK_N] = integer("cjk_n", 1, cjk ? 4 : 1, cjk ? 3 : 1);
    out[P_PREFIX_N] = integer("prefix_n", 0, 3, 3);
    out[P_SUFFIX_N] = integer("suffix_n", 0, 3, cjk ? 3 : 0);
    out[P_SHAPE] = choice("shape", CHOICES(shape_choices), 1);
    out[P_CASE] = choice("case", CHOICES(case_choices), 0);
    out[P_PUNCT] = choice("punct", CHOICES(punct_choices), 1);
    out[P_EDGES] = choice("edges", CHOICES(edges_choices), 0);
    out[P_WEIGHT] = choice("weight", CHOICES(weight_choices), 1);
    out[P_MIN_DF] = integer("min_df", 1, 3, shape->docs > (cjk ? MANY_DOCS : SOME_DOCS) ? 2 : 1);
    out[P_LOSS] = choice("loss", CHOICES(loss_choices), 0);
    out[P_C] = real("c", 0.01, 100, 1);
    out[P_BALANCE] = choice("balance", CHOICES(balance_choices), 0);
    out[P_CHAR_SCALE] = real("char_scale", 0.25, 4, cjk && shape->mean_chars > 60 ? 2 : 1);
    out[P_SIDE_SCALE] = real("side_scale", 0.1, 1, 0.3);
    out[P_WEIGHT].tells_apart = true;
    out[P_LOSS].tells_apart = true;
    return P_N;
}

static bool is_real(int param)
{
    return param == P_C || param == P_CHAR_SCALE || param == P_SIDE_SCALE;
}

static aglm_rc read_params(const double *v, aglm_linear_params *p, aglm_error *err)
{
    static const double most[P_N] = {[P_WORD_N] = 5,
                                     [P_CHARS] = 5,
                                     [P_ACROSS] = 1,
                                     [P_CJK_N] = 5,
                                     [P_PREFIX_N] = 5,
                                     [P_SUFFIX_N] = 5,
                                     [P_SHAPE] = 1,
                                     [P_CASE] = 1,
                                     [P_PUNCT] = 1,
                                     [P_EDGES] = 1,
                                     [P_WEIGHT] = AGLM_WEIGHTINGS - 1,
                                     [P_MIN_DF] = 1000,
                                     [P_LOSS] = 1,
                                     [P_BALANCE] = 1};

    for (int i = 0; i < P_N; i++) {
        double low = i == P_MIN_DF ? 1 : is_real(i) ? 1e-6 : 0;
        double high = is_real(i) ? 1e6 : most[i];
        if (!(v[i] >= low && v[i] <= high) || (!is_real(i) && floor(v[i]) != v[i]))
            return aglm_error_set(err, AGLM_INVALID,
                                  "linear: parameter %d is %g, expected %s of %g to %g", i, v[i],
                                  is_real(i) ? "a number" : "a whole number", low, high);
    }
    struct char_orders chars = char_orders[(size_t)v[P_CHARS]];
    *p = (aglm_linear_params){
        .features = {.word_n = (uint8_t)v[P_WORD_N],
                     .char_min = chars.min,
                     .char_max = chars.max,
                     .cjk_n = (uint8_t)v[P_CJK_N],
                     .prefix_n = (uint8_t)v[P_PREFIX_N],
                     .suffix_n = (uint8_t)v[P_SUFFIX_N],
                     .char_across = v[P_ACROSS] == 1,
                     .shape = v[P_SHAPE] == 1,
                     .lower = v[P_CASE] == 0,
                     .punct = v[P_PUNCT] == 1,
                     .edges = v[P_EDGES] == 1},
        .weighting = (aglm_weighting)v[P_WEIGHT],
        .min_df = (unsigned)v[P_MIN_DF],
        .group_scale = {[AGLM_FEATURES_WORD] = 1,
                        [AGLM_FEATURES_CJK] = 1,
                        [AGLM_FEATURES_CHAR] = (float)v[P_CHAR_SCALE],
                        [AGLM_FEATURES_PREFIX] = (float)v[P_SIDE_SCALE],
                        [AGLM_FEATURES_SHAPE] = (float)v[P_SIDE_SCALE]},
        .loss = v[P_LOSS] == 0 ? AGLM_LOSS_SQUARED_HINGE : AGLM_LOSS_LOGISTIC,
        .c = v[P_C],
        .balanced = v[P_BALANCE] == 1,
    };
    return AGLM_OK;
}

struct linear {
    const aglm_dataset *data;
    aglm_linear_params params;
    aglm_matrix *matrix;
};

static void linear_close(void *self)
{
    struct linear *l = self;

    if (!l)
        return;
    aglm_matrix_free(l->matrix);
    free(l);
}

static aglm_rc linear_open(void **self, const aglm_dataset *data, const double *values,
                           const aglm_fit_context *ctx, aglm_error *err)
{
    aglm_matrix_limits limits = {ctx->cancel, ctx->max_memory_bytes};
    aglm_linear_params params;
    aglm_rc rc = read_params(values, &params, err);

    *self = NULL;
    if (rc)
        return rc;
    struct linear *l = aglm_calloc(1, sizeof *l);
    if (!l)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for the linear learner");
    l->data = data;
    l->params = params;
    rc = aglm_matrix_new(&l->matrix, data, &params.features, &limits, err);
    if (rc)
        linear_close(l);
    else
        *self = l;
    return rc;
}

/* Scratch of the fits of one model's vectors. */
struct vectors {
    const aglm_design *design;
    const aglm_linear_params *params;
    const aglm_fit_context *ctx;
    float *row_cost; /* C of each row */
    int8_t *y;
    float *metric; /* only for ratio weights, as the next */
    uint32_t *count;
};

static void vectors_clear(struct vectors *v)
{
    free(v->row_cost);
    free(v->y);
    free(v->metric);
    free(v->count);
}

static aglm_rc vectors_init(struct vectors *v)
{
    const aglm_design *x = v->design;

    v->row_cost = aglm_calloc(x->n_rows, sizeof *v->row_cost);
    v->y = aglm_calloc(x->n_rows * AGLM_LANES_MAX, sizeof *v->y);
    if (!v->row_cost || !v->y)
        return AGLM_NOMEM;
    if (v->params->weighting != AGLM_WEIGHT_RATIO)
        return AGLM_OK;
    v->metric = aglm_calloc((x->n_features + 1) * AGLM_LANES_MAX, sizeof *v->metric);
    v->count = aglm_calloc(x->n_features, sizeof *v->count);
    return v->metric && v->count ? AGLM_OK : AGLM_NOMEM;
}

/* A balanced row costs C * n / (labels * rows of its label), as scikit-learn's class_weight; of
 * several labels the rarest counts. */
static void set_costs(struct vectors *v)
{
    const aglm_design *x = v->design;

    for (size_t i = 0; i < x->n_rows; i++)
        v->row_cost[i] = v->params->balanced ? 0 : (float)v->params->c;
    if (!v->params->balanced)
        return;
    for (size_t k = 0; k < x->n_labels; k++) {
        double n_k = x->label_start[k + 1] - x->label_start[k];
        float cost = (float)(v->params->c * (double)x->n_rows / ((double)x->n_labels * n_k));
        for (uint32_t r = x->label_start[k]; r < x->label_start[k + 1]; r++) {
            float *row = &v->row_cost[x->label_rows[r]];
            *row = cost > *row ? cost : *row;
        }
    }
    for (size_t i = 0; i < x->n_rows; i++) {
        if (v->row_cost[i] == 0)
            v->row_cost[i] = (float)v->params->c;
    }
}

/* The vectors of labels first .. first + vectors - 1 into w [columns x lanes]. */
static aglm_rc solve_block(struct vectors *v, uint32_t first, unsigned vectors, unsigned lanes,
                           float *w)
{
    const aglm_design *x = v->design;
    aglm_linear_problem problem = {.x = &x->x,
                                   .cost = v->row_cost,
                                   .lanes = lanes,
                                   .vectors = vectors,
                                   .y = v->y,
                                   .metric = v->metric,
                                   .loss = v->params->loss,
                                   .eps = 0.1,
                                   .max_passes = 200,
                                   .seed = v->ctx->seed + first,
                                   .cancel = v->ctx->cancel};

    memset(v->y, -1, x->n_rows * lanes);
    for (unsigned l = 0; l < vectors; l++) {
        for (uint32_t r = x->label_start[first + l]; r < x->label_start[first + l + 1]; r++)
            v->y[(size_t)x->label_rows[r] * lanes + l] = 1;
        if (v->metric)
            aglm_design_ratio(x, first + l, v->count, v->metric + l, lanes);
    }
    return aglm_linear_solve(&problem, w, NULL);
}

static aglm_rc solve_labels(const aglm_design *x, const aglm_linear_params *params,
                            const aglm_fit_context *ctx, float *w)
{
    struct vectors v = {.design = x, .params = params, .ctx = ctx};
    uint32_t first = x->n_vectors == x->n_labels ? 0 : 1; /* of two labels, the second's */
    aglm_rc rc = vectors_init(&v);

    if (!rc)
        set_costs(&v);
    for (size_t k = 0; !rc && k < x->n_vectors; k += AGLM_LANES_MAX) {
        size_t left = x->n_vectors - k;
        unsigned lanes = aglm_linear_lanes(left);
        unsigned vectors = left < lanes ? (unsigned)left : lanes;
        rc = solve_block(&v, (uint32_t)k + first, vectors, lanes, w + k * x->x.n_cols);
    }
    vectors_clear(&v);
    return rc;
}

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static aglm_rc fit_rows(const struct linear *l, const uint32_t *rows, size_t n,
                        const aglm_fit_context *ctx, aglm_linear_model **out, aglm_error *err)
{
    const aglm_training training = {l->matrix, l->data, rows, n};
    aglm_design x;
    aglm_rc rc = aglm_design_init(&x, &training, &l->params, ctx, err);

    if (rc)
        return rc;
    float *w = aglm_calloc_aligned(x.x.n_cols * aglm_linear_total_lanes(x.n_vectors), sizeof *w);
    rc = w ? solve_labels(&x, &l->params, ctx, w) : AGLM_NOMEM;
    if (rc)
        aglm_error_set(err, rc, "linear model of %zu documents: %s", n, aglm_rc_text(rc));
    else
        rc = aglm_linear_pack(out, &x, &l->params, w, err);
    free(w);
    aglm_design_clear(&x);
    return rc;
}

static aglm_rc linear_fit(const void *self, const uint32_t *rows, size_t n,
                          const aglm_fit_context *ctx, aglm_model **out, aglm_error *err)
{
    aglm_linear_model *m = NULL;
    uint32_t *sorted;
    aglm_rc rc;

    *out = NULL;
    if (n == 0)
        return aglm_error_set(err, AGLM_INVALID, "a linear model needs at least one document");
    sorted = aglm_calloc(n, sizeof *sorted);
    if (!sorted)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu rows", n);
    memcpy(sorted, rows, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_rows);
    rc = fit_rows(self, sorted, n, ctx, &m, err);
    if (!rc)
        *out = &m->base;
    free(sorted);
    return rc;
}

/* Known features of a row of the matrix; row_of remembers look-ups (AGLM_NO_ROW - 1: not asked
 * yet). */
#define NOT_ASKED (AGLM_NO_ROW - 1)

static void matrix_entries(const aglm_matrix *x, const aglm_linear_model *m, uint32_t row,
                           uint32_t *row_of, aglm_linear_entries *out)
{
    size_t n = 0;

    for (unsigned g = 0; g < AGLM_FEATURES_GROUPS; g++) {
        for (uint32_t e = aglm_matrix_begin(x, row, g); e < aglm_matrix_end(x, row, g); e++) {
            uint32_t *known = &row_of[x->feature[e]];
            if (*known == NOT_ASKED)
                *known = aglm_linear_find(m, x->hash[x->feature[e]]);
            if (*known == AGLM_NO_ROW)
                continue;
            out->row[n] = *known;
            out->count[n++] = x->count[e];
        }
        out->group_end[g] = n;
    }
}

static size_t longest_row(const aglm_matrix *x, const uint32_t *rows, size_t n)
{
    size_t most = 0;

    for (size_t i = 0; i < n; i++) {
        size_t len = aglm_matrix_end(x, rows[i], AGLM_FEATURES_GROUPS - 1) -
                     aglm_matrix_begin(x, rows[i], 0);
        most = len > most ? len : most;
    }
    return most;
}

static aglm_rc linear_score(const void *self, const aglm_model *model, const uint32_t *rows,
                            size_t n, float *logits, aglm_error *err)
{
    const struct linear *l = self;
    const aglm_linear_model *m = (const aglm_linear_model *)model;
    size_t longest = longest_row(l->matrix, rows, n);
    aglm_linear_entries e = {.row = aglm_calloc(longest, sizeof *e.row),
                             .count = aglm_calloc(longest, sizeof *e.count),
                             .value = aglm_calloc(longest, sizeof *e.value)};
    uint32_t *row_of = aglm_calloc(l->matrix->n_features, sizeof *row_of);
    float *sum = aglm_calloc(aglm_linear_sum_size(m), sizeof *sum);
    aglm_rc rc = e.row && e.count && e.value && row_of && sum ? AGLM_OK : AGLM_NOMEM;

    for (size_t f = 0; !rc && f < l->matrix->n_features; f++)
        row_of[f] = NOT_ASKED;
    for (size_t i = 0; !rc && i < n; i++) {
        matrix_entries(l->matrix, m, rows[i], row_of, &e);
        aglm_linear_logits(m, &e, sum, logits + i * model->n_labels);
    }
    free(e.row);
    free(e.count);
    free(e.value);
    free(row_of);
    free(sum);
    return rc ? aglm_error_set(err, rc, "out of memory to score %zu documents", n) : AGLM_OK;
}

static aglm_rc linear_save(const aglm_model *model, aglm_str *out, aglm_error *err)
{
    const aglm_linear_model *m = (const aglm_linear_model *)model;
    aglm_rc rc = aglm_str_append(out, (const char *)m->bytes, m->n_bytes);

    return rc ? aglm_error_set(err, rc, "no room for a model of %zu bytes: %s", m->n_bytes,
                               aglm_rc_text(rc))
              : AGLM_OK;
}

const aglm_learner_ops aglm_learner_linear = {
    .name = "linear",
    .space = linear_space,
    .open = linear_open,
    .fit = linear_fit,
    .score = linear_score,
    .close = linear_close,
    .save = linear_save,
    .load = aglm_linear_load,
    .free_model = aglm_linear_free,
    .predictor = aglm_linear_predictor_new,
    .predict = aglm_linear_predict,
    .reading = aglm_linear_reading,
    .predict_after = aglm_linear_predict_after,
    .explain = aglm_linear_explain,
    .free_predictor = aglm_linear_predictor_free,
};
