#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "learn/trees_priv.h"

/* The stored form: this header, the schema as JSON, XGBoost's model in UBJSON; in the byte order of
 * x86-64 and aarch64. */
struct header {
    uint64_t magic;
    uint32_t version;
    uint32_t n_labels;
    uint32_t regression;
    uint32_t schema_bytes;
    uint64_t model_bytes;
    uint64_t checksum; /* of all bytes behind this header */
};

#define MAGIC 0x314552544d4c4741ULL /* "AGLMTRE1" */
#define VERSION 1u
#define MAX_LABELS 10000u
#define PREDICT                                                                                    \
    "{\"type\": %d, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, "           \
    "\"missing\": NaN, \"strict_shape\": true, \"cache_id\": 0}"

enum { TYPE_MARGIN = 1, TYPE_CONTRIBUTIONS = 2 };

uint32_t aglm_trees_outputs(uint32_t n_labels)
{
    return n_labels <= 2 ? 1 : n_labels;
}

static const aglm_trees_model *model_of(const aglm_model *m)
{
    return (const aglm_trees_model *)m;
}

void aglm_trees_free(aglm_model *base)
{
    aglm_trees_model *m = (aglm_trees_model *)base;

    if (m->booster)
        m->xgboost.XGBoosterFree(m->booster);
    aglm_schema_unref(m->schema);
    free(m);
}

aglm_rc aglm_trees_model_new(aglm_trees_model **out, const aglm_xgboost *x,
                             const aglm_schema *schema, uint32_t n_labels, bool regression,
                             aglm_error *err)
{
    aglm_trees_model *m = aglm_calloc(1, sizeof *m);

    *out = m;
    if (!m)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for trees");
    m->base = (aglm_model){.ops = &aglm_learner_trees, .n_labels = n_labels};
    m->xgboost = *x;
    m->schema = aglm_schema_ref(schema);
    m->regression = regression;
    return AGLM_OK;
}

void aglm_trees_array(char buf[AGLM_TREES_ARRAY_BYTES], const float *v, size_t n, size_t columns)
{
    snprintf(buf, AGLM_TREES_ARRAY_BYTES,
             "{\"data\": [%zu, true], \"shape\": [%zu, %zu], \"typestr\": \"<f4\", \"version\": 3}",
             (size_t)(uintptr_t)v, n, columns);
}

aglm_rc aglm_trees_mark_categories(const aglm_xgboost *x, void *matrix, const aglm_schema *schema,
                                   aglm_error *err)
{
    size_t n = aglm_schema_size(schema), categories = 0;
    const char **types = aglm_calloc(n, sizeof *types);
    int answer = 0;

    if (!types)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu columns", n);
    for (size_t i = 0; i < n; i++) {
        bool category = aglm_schema_categories(schema, i) > 0;
        types[i] = category ? "c" : "float";
        categories += category;
    }
    if (categories)
        answer = x->XGDMatrixSetStrFeatureInfo(matrix, "feature_type", types, n);
    free(types);
    return aglm_xgboost_check(x, answer, "take the categories", err);
}

/* XGBoost gives a float a row and output: of two labels the log-odds of the second. */
static void spread(const aglm_trees_model *m, const float *given, size_t n, float *logits)
{
    size_t labels = m->base.n_labels;

    if (labels != 2) {
        memcpy(logits, given, n * labels * sizeof *logits);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        logits[2 * i] = 0;
        logits[2 * i + 1] = given[i];
    }
}

static aglm_rc check_shape(const aglm_trees_model *m, const uint64_t *shape, uint64_t dims,
                           size_t n, aglm_error *err)
{
    uint64_t values = 1;

    for (uint64_t i = 0; i < dims; i++)
        values *= shape[i];
    if (values != (uint64_t)n * aglm_trees_outputs(m->base.n_labels))
        return aglm_error_set(err, AGLM_FORMAT,
                              "the trees give %llu numbers for %zu rows of %u labels",
                              (unsigned long long)values, n, m->base.n_labels);
    return AGLM_OK;
}

aglm_rc aglm_trees_run(const aglm_trees_model *m, const float *rows, size_t n, float *logits,
                       aglm_error *err)
{
    char array[AGLM_TREES_ARRAY_BYTES], config[256];
    const uint64_t *shape = NULL;
    const float *given = NULL;
    uint64_t dims = 0;
    aglm_rc rc;

    aglm_trees_array(array, rows, n, aglm_schema_size(m->schema));
    snprintf(config, sizeof config, PREDICT, TYPE_MARGIN);
    int answer = m->xgboost.XGBoosterPredictFromDense(m->booster, array, config, NULL, &shape,
                                                      &dims, &given);
    if ((rc = aglm_xgboost_check(&m->xgboost, answer, "predict", err)) != AGLM_OK ||
        (rc = check_shape(m, shape, dims, n, err)) != AGLM_OK)
        return rc;
    spread(m, given, n, logits);
    return AGLM_OK;
}

/* --- in a bundle --- */

aglm_rc aglm_trees_save(const aglm_model *base, aglm_str *out, aglm_error *err)
{
    const aglm_trees_model *m = model_of(base);
    struct header h = {.magic = MAGIC,
                       .version = VERSION,
                       .n_labels = base->n_labels,
                       .regression = m->regression};
    const char *bytes = NULL;
    size_t at = out->len;
    uint64_t n = 0;
    aglm_rc rc;

    int answer = m->xgboost.XGBoosterSaveModelToBuffer(m->booster, "{\"format\": \"ubj\"}", &n,
                                                       &bytes);
    if ((rc = aglm_xgboost_check(&m->xgboost, answer, "save the trees", err)) != AGLM_OK)
        return rc;
    h.model_bytes = n;
    aglm_str_append(out, (const char *)&h, sizeof h);
    aglm_schema_write(m->schema, out);
    size_t schema_bytes = out->len - at - sizeof h;
    aglm_str_append(out, bytes, n);
    if (out->rc != AGLM_OK || schema_bytes > UINT32_MAX)
        return aglm_error_set(err, out->rc ? out->rc : AGLM_LIMIT, "no room for a model of trees");
    h.schema_bytes = (uint32_t)schema_bytes;
    h.checksum = aglm_hash64(out->data + at + sizeof h, out->len - at - sizeof h, VERSION);
    memcpy(out->data + at, &h, sizeof h);
    return AGLM_OK;
}

static aglm_rc check_header(const struct header *h, const char *bytes, size_t n, aglm_error *err)
{
    if (h->magic != MAGIC)
        return aglm_error_set(err, AGLM_FORMAT,
                              "byte 0: not a model of trees (or of another byte order)");
    if (h->version != VERSION)
        return aglm_error_set(err, AGLM_FORMAT,
                              "byte 8: trees of version %u, this program reads version %u",
                              h->version, VERSION);
    if (h->n_labels < 1 || h->n_labels > MAX_LABELS || h->regression > 1 ||
        (h->n_labels == 1) != h->regression)
        return aglm_error_set(err, AGLM_FORMAT, "byte 12: %u labels, regression %u", h->n_labels,
                              h->regression);
    if (h->model_bytes > n || n - sizeof *h != h->schema_bytes + h->model_bytes)
        return aglm_error_set(err, AGLM_FORMAT, "byte 20: the parts do not add up to %zu bytes", n);
    if (aglm_hash64(bytes + sizeof *h, n - sizeof *h, VERSION) != h->checksum)
        return aglm_error_set(err, AGLM_FORMAT,
                              "byte %zu: the checksum differs: the file is damaged", sizeof *h);
    return AGLM_OK;
}

/* A row without values tells whether the trees fit the header. */
static aglm_rc try_out(const aglm_trees_model *m, aglm_error *err)
{
    size_t columns = aglm_schema_size(m->schema);
    float *row = aglm_calloc(columns + m->base.n_labels, sizeof *row);
    aglm_rc rc;

    if (!row)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for trees");
    for (size_t i = 0; i < columns; i++)
        row[i] = NAN;
    rc = aglm_trees_run(m, row, 1, row + columns, err);
    free(row);
    return rc;
}

static aglm_rc load_booster(aglm_trees_model *m, const char *bytes, uint64_t n, aglm_error *err)
{
    const aglm_xgboost *x = &m->xgboost;
    uint64_t columns = 0;
    aglm_rc rc;

    if ((rc = aglm_xgboost_check(x, x->XGBoosterCreate(NULL, 0, &m->booster), "make a booster",
                                 err)) != AGLM_OK ||
        (rc = aglm_xgboost_check(x, x->XGBoosterLoadModelFromBuffer(m->booster, bytes, n),
                                 "read the trees", err)) != AGLM_OK ||
        (rc = aglm_xgboost_check(x, x->XGBoosterSetParam(m->booster, "nthread", "1"),
                                 "set a parameter", err)) != AGLM_OK ||
        (rc = aglm_xgboost_check(x, x->XGBoosterGetNumFeature(m->booster, &columns),
                                 "count the columns", err)) != AGLM_OK)
        return rc;
    if (columns != aglm_schema_size(m->schema))
        return aglm_error_set(err, AGLM_FORMAT, "trees of %llu columns, but %zu are named",
                              (unsigned long long)columns, aglm_schema_size(m->schema));
    return try_out(m, err);
}

aglm_rc aglm_trees_load(aglm_model **out, const void *data, size_t n, aglm_error *err)
{
    const char *bytes = data;
    aglm_trees_model *m = NULL;
    aglm_schema *schema = NULL;
    aglm_xgboost x;
    struct header h;
    aglm_rc rc;

    *out = NULL;
    if (n < sizeof h)
        return aglm_error_set(err, AGLM_FORMAT, "byte %zu: the model ends inside its header", n);
    memcpy(&h, bytes, sizeof h);
    if ((rc = check_header(&h, bytes, n, err)) != AGLM_OK ||
        (rc = aglm_xgboost_load(&x, err)) != AGLM_OK ||
        (rc = aglm_schema_parse(&schema, bytes + sizeof h, h.schema_bytes, err)) != AGLM_OK)
        return rc;
    rc = aglm_trees_model_new(&m, &x, schema, h.n_labels, h.regression, err);
    aglm_schema_unref(schema);
    if (rc == AGLM_OK)
        rc = load_booster(m, bytes + sizeof h + h.schema_bytes, h.model_bytes, err);
    if (rc == AGLM_OK)
        *out = &m->base;
    else if (m)
        aglm_trees_free(&m->base);
    return rc;
}

/* --- one row at a time --- */

struct aglm_predictor {
    const aglm_trees_model *m;
    float row[]; /* the last one, [columns] */
};

aglm_rc aglm_trees_predictor_new(aglm_predictor **out, const aglm_model *base, aglm_error *err)
{
    const aglm_trees_model *m = model_of(base);
    aglm_predictor *p = aglm_calloc(1, sizeof *p + aglm_schema_size(m->schema) * sizeof *p->row);

    *out = p;
    if (!p)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a predictor");
    p->m = m;
    return AGLM_OK;
}

void aglm_trees_predictor_free(aglm_predictor *p)
{
    free(p);
}

static aglm_rc read_row(aglm_predictor *p, const char *text, size_t len, aglm_error *err)
{
    size_t columns = aglm_schema_size(p->m->schema);
    size_t n = aglm_schema_encode(p->m->schema, text, len, p->row);

    if (n != columns)
        return aglm_error_set(
            err, AGLM_INVALID,
            "a row of %zu cells; the trees learned from %zu columns, \"%.60s\" the "
            "first",
            n, columns, aglm_schema_name(p->m->schema, 0));
    return AGLM_OK;
}

aglm_rc aglm_trees_predict(aglm_predictor *p, const char *text, size_t len, float *logits,
                           aglm_error *err)
{
    aglm_rc rc = read_row(p, text, len, err);

    return rc == AGLM_OK ? aglm_trees_run(p->m, p->row, 1, logits, err) : rc;
}

/* Models of one table read its rows alike. */
uint64_t aglm_trees_reading(const aglm_model *base)
{
    const aglm_schema *s = model_of(base)->schema;
    uint64_t h = MAGIC;

    for (size_t i = 0; i < aglm_schema_size(s); i++) {
        const char *name = aglm_schema_name(s, i);
        h = aglm_hash64(name, strlen(name), h);
        for (size_t k = 0; k < aglm_schema_categories(s, i); k++) {
            name = aglm_schema_category(s, i, k);
            h = aglm_hash64(name, strlen(name), h);
        }
    }
    return h ? h : 1;
}

aglm_rc aglm_trees_predict_after(aglm_predictor *p, const aglm_predictor *first, float *logits,
                                 aglm_error *err)
{
    return aglm_trees_run(p->m, first->row, 1, logits, err);
}

/* --- explaining --- */

/* SHAP values of the row (Lundberg et al. 2020, TreeSHAP), [outputs x (columns + 1)], the last of
 * each output its bias; borrowed from XGBoost. */
static aglm_rc contributions(const aglm_predictor *p, const float **out, aglm_error *err)
{
    const aglm_xgboost *x = &p->m->xgboost;
    size_t columns = aglm_schema_size(p->m->schema);
    char array[AGLM_TREES_ARRAY_BYTES], config[256];
    const uint64_t *shape = NULL;
    uint64_t dims = 0, values = 1;
    void *matrix = NULL;
    aglm_rc rc;

    aglm_trees_array(array, p->row, 1, columns);
    int answer = x->XGDMatrixCreateFromDense(array, "{\"missing\": NaN, \"nthread\": 1}", &matrix);
    if ((rc = aglm_xgboost_check(x, answer, "take the row", err)) != AGLM_OK)
        return rc;
    if ((rc = aglm_trees_mark_categories(x, matrix, p->m->schema, err)) != AGLM_OK)
        goto done;
    snprintf(config, sizeof config, PREDICT, TYPE_CONTRIBUTIONS);
    answer = x->XGBoosterPredictFromDMatrix(p->m->booster, matrix, config, &shape, &dims, out);
    if ((rc = aglm_xgboost_check(x, answer, "explain", err)) != AGLM_OK)
        goto done;
    for (uint64_t i = 0; i < dims; i++)
        values *= shape[i];
    if (values != (uint64_t)aglm_trees_outputs(p->m->base.n_labels) * (columns + 1))
        rc = aglm_error_set(err, AGLM_FORMAT, "the trees explain %llu numbers of %zu columns",
                            (unsigned long long)values, columns);
done:
    x->XGDMatrixFree(matrix);
    return rc;
}

/* Puts e among the largest; of a regression by size, whatever the sign. */
static void rank(const aglm_trees_model *m, const aglm_explained *e, aglm_explained *out,
                 size_t cap, size_t *n)
{
    size_t at = *n;

    if (!(m->regression ? e->weight != 0 : e->weight > 0))
        return;
    while (at > 0 && fabsf(out[at - 1].weight) < fabsf(e->weight))
        at--;
    if (at == cap)
        return;
    if (*n < cap)
        ++*n;
    memmove(out + at + 1, out + at, (*n - at - 1) * sizeof *out);
    out[at] = *e;
}

aglm_rc aglm_trees_explain(aglm_predictor *p, const char *text, size_t len, uint32_t label,
                           aglm_explained *out, size_t cap, size_t *n, aglm_error *err)
{
    size_t columns = aglm_schema_size(p->m->schema);
    const char *rest = text, *end = text + len, *cell;
    const float *given = NULL;
    size_t size;
    aglm_rc rc = read_row(p, text, len, err);

    *n = 0;
    if (rc != AGLM_OK || (rc = contributions(p, &given, err)) != AGLM_OK)
        return rc;
    bool negated = p->m->base.n_labels == 2 && label == 0;
    char separator = aglm_row_separator(text, len);
    given += aglm_trees_outputs(p->m->base.n_labels) > 1 ? label * (columns + 1) : 0;
    for (size_t i = 0; i < columns && aglm_row_next(&rest, end, separator, &cell, &size); i++) {
        uint32_t begin = (uint32_t)(cell - text);
        aglm_explained e = {begin, begin + (uint32_t)size, negated ? -given[i] : given[i]};
        rank(p->m, &e, out, cap, n);
    }
    return AGLM_OK;
}
