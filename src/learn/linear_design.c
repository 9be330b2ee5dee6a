#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "learn/linear_priv.h"

#define ROWS_PER_CHECK 64

static bool is_plain_group(unsigned group)
{
    return group == AGLM_FEATURES_PREFIX || group == AGLM_FEATURES_SHAPE;
}

float aglm_linear_tf(aglm_weighting weighting, unsigned group, unsigned count)
{
    if (count == 1 || weighting == AGLM_WEIGHT_RATIO || weighting == AGLM_WEIGHT_BINARY ||
        is_plain_group(group))
        return 1;
    return (float)(1 + log(count));
}

uint16_t aglm_half_pack(double value)
{
    union {
        float value;
        uint32_t bits;
    } u = {(float)fabs(value)};
    uint32_t sign = value < 0 ? 0x8000 : 0;

    if (!(u.value > 1.0f / 65536))
        return (uint16_t)sign;
    if (u.value >= 65500.0f)
        return (uint16_t)(sign | 0x7fff);
    return (uint16_t)(sign | ((u.bits - (111u << 23) + (1u << 12)) >> 13));
}

/* Memory that a fit holds at its peak, before any of it is allocated. */
static aglm_rc check_memory(const aglm_design *x, bool ratio, uint64_t entries,
                            const aglm_fit_context *ctx, aglm_error *err)
{
    size_t lanes = aglm_linear_total_lanes(x->n_vectors);
    size_t block = lanes < AGLM_LANES_MAX ? lanes : AGLM_LANES_MAX;
    uint64_t need = aglm_csr_bytes(x->n_rows, entries) + x->matrix->n_features * 4 +
                    (uint64_t)x->n_features * (8 * lanes + (ratio ? 4 * block : 0) + 24) +
                    aglm_linear_solve_bytes(x->n_rows, (unsigned)block) + x->n_rows * 32;

    if (!ctx->max_memory_bytes || need <= ctx->max_memory_bytes)
        return AGLM_OK;
    return aglm_error_set(
        err, AGLM_LIMIT,
        "a linear model of %zu features and %zu labels needs %llu MB to learn, %llu MB are allowed; "
        "allow more, raise min_df or use shorter n-grams",
        x->n_features, x->n_labels, (unsigned long long)(need >> 20),
        (unsigned long long)(ctx->max_memory_bytes >> 20));
}

static void count_documents(const aglm_design *x, uint32_t *df)
{
    const aglm_matrix *m = x->matrix;

    for (size_t i = 0; i < x->n_rows; i++) {
        uint32_t end = aglm_matrix_end(m, x->rows[i], AGLM_FEATURES_GROUPS - 1);
        for (uint32_t e = aglm_matrix_begin(m, x->rows[i], 0); e < end; e++)
            df[m->feature[e]]++;
    }
}

/* Columns by falling document frequency, so that the weights of frequent features share cache
 * lines; a counting sort. column_of holds the frequencies when called. */
static aglm_rc choose_columns(aglm_design *x, unsigned min_df)
{
    uint32_t *df = x->column_of;
    size_t n = x->matrix->n_features;

    min_df = min_df > x->n_rows ? (unsigned)x->n_rows : min_df;
    uint32_t *at = aglm_calloc(x->n_rows + 2, sizeof *at);

    if (!at)
        return AGLM_NOMEM;
    for (size_t f = 0; f < n; f++)
        at[x->n_rows - df[f] + 1]++;
    for (size_t d = 1; d < x->n_rows + 2; d++)
        at[d] += at[d - 1];
    x->n_features = at[x->n_rows - min_df + 1];
    x->feature_of = aglm_calloc(x->n_features, sizeof *x->feature_of);
    x->df = aglm_calloc(x->n_features, sizeof *x->df);
    if (!x->feature_of || !x->df) {
        free(at);
        return AGLM_NOMEM;
    }
    for (size_t f = 0; f < n; f++) {
        if (df[f] < min_df) {
            df[f] = AGLM_NO_COLUMN;
            continue;
        }
        uint32_t column = at[x->n_rows - df[f]]++;
        x->feature_of[column] = (uint32_t)f;
        x->df[column] = df[f];
        df[f] = column;
    }
    free(at);
    return AGLM_OK;
}

static double smooth_idf(size_t n, uint32_t df)
{
    return 1 + log((1.0 + (double)n) / (1.0 + df));
}

/* Counts the rows of a label that hold each column. */
static void count_label(const aglm_design *x, uint32_t label, uint32_t *count)
{
    const aglm_matrix *m = x->matrix;

    memset(count, 0, x->n_features * sizeof *count);
    for (uint32_t r = x->label_start[label]; r < x->label_start[label + 1]; r++) {
        uint32_t row = x->rows[x->label_rows[r]];
        uint32_t end = aglm_matrix_end(m, row, AGLM_FEATURES_GROUPS - 1);
        for (uint32_t e = aglm_matrix_begin(m, row, 0); e < end; e++) {
            if (x->column_of[m->feature[e]] != AGLM_NO_COLUMN)
                count[x->column_of[m->feature[e]]]++;
        }
    }
}

/* Kullback-Leibler divergence of the labels of documents with the feature from the labels of all,
 * each feature smoothed by one document of average labels. Only labels seen with the feature are
 * visited: an unseen one adds -p log(df + 1) / (df + 1). */
static aglm_rc information_gain(const aglm_design *x, double *gain, const aglm_cancel *cancel)
{
    uint32_t *count = aglm_calloc(x->n_features, sizeof *count);
    uint32_t n_assigned = x->label_start[x->n_labels];

    if (!count)
        return AGLM_NOMEM;
    for (size_t j = 0; j < x->n_features; j++)
        gain[j] = -log(x->df[j] + 1.0) / (x->df[j] + 1.0);
    for (uint32_t k = 0; k < x->n_labels && !aglm_cancelled(cancel); k++) {
        double p = (double)(x->label_start[k + 1] - x->label_start[k]) / n_assigned;
        count_label(x, k, count);
        for (size_t j = 0; j < x->n_features; j++) {
            if (!count[j])
                continue;
            double share = (count[j] + p) / (x->df[j] + 1.0);
            gain[j] += share * log(share / p) + p * log(x->df[j] + 1.0) / (x->df[j] + 1.0);
        }
    }
    free(count);
    return aglm_cancelled(cancel) ? AGLM_CANCELLED : AGLM_OK;
}

static double scale_of(const aglm_design *x, size_t column, aglm_weighting weighting,
                       const double *gain)
{
    double idf = smooth_idf(x->n_rows, x->df[column]);
    double known = gain ? sqrt((gain[column] > 0 ? gain[column] : 0) + 0.01) : 1;

    if (is_plain_group(x->matrix->group_of[x->feature_of[column]]))
        return 1;
    switch (weighting) {
    case AGLM_WEIGHT_GAIN:
        return sqrt(idf) * known;
    case AGLM_WEIGHT_GAIN_IDF:
        return idf * known;
    case AGLM_WEIGHT_RATIO:
        return 1;
    default:
        return idf;
    }
}

static aglm_rc choose_scales(aglm_design *x, aglm_weighting weighting, const aglm_cancel *cancel)
{
    double *gain = NULL;
    aglm_rc rc = AGLM_OK;

    if (weighting == AGLM_WEIGHT_GAIN || weighting == AGLM_WEIGHT_GAIN_IDF) {
        gain = aglm_calloc(x->n_features, sizeof *gain);
        rc = gain ? information_gain(x, gain, cancel) : AGLM_NOMEM;
    }
    for (size_t j = 0; !rc && j < x->n_features; j++)
        x->scale[j] = aglm_half_pack(scale_of(x, j, weighting, gain));
    free(gain);
    return rc;
}

void aglm_design_ratio(const aglm_design *x, uint32_t label, uint32_t *count, float *ratio2,
                       size_t stride)
{
    double n_in = x->label_start[label + 1] - x->label_start[label];
    double n_out = (double)x->n_rows - n_in;

    count_label(x, label, count);
    for (size_t j = 0; j < x->n_features; j++) {
        double in = (count[j] + 1.0) / (n_in + 2);
        double out = (x->df[j] - count[j] + 1.0) / (n_out + 2);
        double ratio = log(in / out);
        ratio2[j * stride] = (float)(ratio * ratio);
    }
    ratio2[x->n_features * stride] = 1;
}

static aglm_rc index_labels(aglm_design *x, const aglm_dataset *d)
{
    uint32_t n_assigned = 0;

    x->label_start = aglm_calloc(x->n_labels + 2, sizeof *x->label_start);
    if (!x->label_start)
        return AGLM_NOMEM;
    for (size_t i = 0; i < x->n_rows; i++) {
        aglm_doc doc = aglm_dataset_doc(d, x->rows[i]);
        n_assigned += doc.n_labels;
        for (uint32_t l = 0; l < doc.n_labels; l++)
            x->label_start[doc.labels[l] + 2]++;
    }
    x->label_rows = aglm_calloc(n_assigned, sizeof *x->label_rows);
    if (!x->label_rows)
        return AGLM_NOMEM;
    for (size_t k = 2; k < x->n_labels + 2; k++)
        x->label_start[k] += x->label_start[k - 1];
    for (size_t i = 0; i < x->n_rows; i++) {
        aglm_doc doc = aglm_dataset_doc(d, x->rows[i]);
        for (uint32_t l = 0; l < doc.n_labels; l++)
            x->label_rows[x->label_start[doc.labels[l] + 1]++] = (uint32_t)i;
    }
    return AGLM_OK;
}

/* Entries of row i of the matrix that are kept, weighted, each group at length group_scale. */
static void fill_row(aglm_design *x, size_t i, const aglm_linear_params *params, uint32_t *at)
{
    const aglm_matrix *m = x->matrix;

    for (unsigned g = 0; g < AGLM_FEATURES_GROUPS; g++) {
        uint32_t first = *at;
        double norm2 = 0;
        for (uint32_t e = aglm_matrix_begin(m, x->rows[i], g);
             e < aglm_matrix_end(m, x->rows[i], g); e++) {
            uint32_t column = x->column_of[m->feature[e]];
            if (column == AGLM_NO_COLUMN)
                continue;
            float v = aglm_linear_tf(params->weighting, g, m->count[e]) *
                      aglm_half_unpack(x->scale[column]);
            x->x.col[*at] = column;
            x->x.val[(*at)++] = v;
            norm2 += (double)v * v;
        }
        float factor = norm2 > 0 ? (float)(params->group_scale[g] / sqrt(norm2)) : 0;
        for (uint32_t e = first; e < *at; e++)
            x->x.val[e] *= factor;
    }
}

static aglm_rc fill_rows(aglm_design *x, const aglm_linear_params *params,
                         const aglm_cancel *cancel)
{
    uint32_t at = 0;

    for (size_t i = 0; i < x->n_rows; i++) {
        if (i % ROWS_PER_CHECK == 0 && aglm_cancelled(cancel))
            return AGLM_CANCELLED;
        fill_row(x, i, params, &at);
        x->x.col[at] = (uint32_t)x->n_features;
        x->x.val[at++] = 1;
        x->x.start[i + 1] = at;
    }
    return AGLM_OK;
}

static aglm_rc build_design(aglm_design *x, const aglm_dataset *d, const aglm_linear_params *params,
                            const aglm_fit_context *ctx, aglm_error *err)
{
    uint64_t entries = x->n_rows;

    x->column_of = aglm_calloc(x->matrix->n_features, sizeof *x->column_of);
    if (!x->column_of)
        return AGLM_NOMEM;
    count_documents(x, x->column_of);
    aglm_rc rc = choose_columns(x, params->min_df);
    for (size_t j = 0; !rc && j < x->n_features; j++)
        entries += x->df[j];
    if (entries > UINT32_MAX)
        return aglm_error_set(err, AGLM_LIMIT, "over 2^32 feature counts; use shorter n-grams");
    if (!rc)
        rc = check_memory(x, params->weighting == AGLM_WEIGHT_RATIO, entries, ctx, err);
    if (!rc)
        rc = index_labels(x, d);
    if (!rc)
        rc = aglm_csr_init(&x->x, x->n_rows, x->n_features + 1, entries);
    x->scale = rc ? NULL : aglm_calloc(x->n_features, sizeof *x->scale);
    if (!rc)
        rc = x->scale ? choose_scales(x, params->weighting, ctx->cancel) : AGLM_NOMEM;
    if (!rc)
        rc = fill_rows(x, params, ctx->cancel);
    return rc;
}

aglm_rc aglm_design_init(aglm_design *out, const aglm_training *training,
                         const aglm_linear_params *params, const aglm_fit_context *ctx,
                         aglm_error *err)
{
    const aglm_dataset *d = training->data;

    *out = (aglm_design){.matrix = training->matrix,
                         .rows = training->rows,
                         .n_rows = training->n_rows,
                         .n_labels = aglm_dataset_n_labels(d),
                         .multi_label = aglm_dataset_task(d) == AGLM_TASK_MULTILABEL};
    out->n_vectors = out->n_labels == 2 && !out->multi_label ? 1 : out->n_labels;
    aglm_rc rc = build_design(out, d, params, ctx, err);
    if (rc == AGLM_NOMEM || rc == AGLM_CANCELLED)
        aglm_error_set(err, rc, "linear model of %zu documents: %s", out->n_rows, aglm_rc_text(rc));
    if (rc)
        aglm_design_clear(out);
    return rc;
}

void aglm_design_clear(aglm_design *x)
{
    free(x->column_of);
    free(x->feature_of);
    free(x->df);
    free(x->scale);
    free(x->label_start);
    free(x->label_rows);
    aglm_csr_clear(&x->x);
    *x = (aglm_design){0};
}
