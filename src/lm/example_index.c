#include "lm/example_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/features.h"
#include "num/sparse.h"

#define BITS 18 /* of a feature's hash */
#define COLUMNS ((size_t)1 << BITS)
#define FEATURES_MAX ((size_t)1 << 30)

static const aglm_feature_options OPTIONS = {
    .word_n = 1, .char_min = 3, .char_max = 4, .cjk_n = 2, .lower = true};

struct aglm_example_index {
    aglm_extractor *extractor;
    aglm_csr rows;    /* unit vectors */
    float *idf;       /* [COLUMNS] */
    float *dense;     /* [COLUMNS], zero between searches */
    double *likeness; /* [rows] */
};

/* Hashes of all texts, one after another. */
struct words {
    uint32_t *col;
    size_t n, cap;
    size_t *end; /* [texts] */
};

void aglm_example_index_free(aglm_example_index *x)
{
    if (!x)
        return;
    aglm_extractor_free(x->extractor);
    aglm_csr_clear(&x->rows);
    free(x->idf);
    free(x->dense);
    free(x->likeness);
    free(x);
}

static aglm_rc read_texts(aglm_example_index *x, struct words *w, const char *const *texts,
                          size_t n, aglm_error *err)
{
    aglm_feature_list f;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        rc = aglm_extractor_run(x->extractor, texts[i], strlen(texts[i]), &f, err);
        if (rc == AGLM_OK)
            rc = aglm_grow(&w->col, &w->cap, w->n + f.n + 1, sizeof *w->col, FEATURES_MAX);
        for (size_t k = 0; rc == AGLM_OK && k < f.n; k++)
            w->col[w->n++] = (uint32_t)(f.hash[k] >> (64 - BITS));
        w->end[i] = w->n;
    }
    return rc;
}

/* Adds the counts of col[n] to dense; the columns that were zero move to its front, their number is
 * returned. */
static size_t count(float *dense, uint32_t *col, size_t n)
{
    size_t different = 0;

    for (size_t k = 0; k < n; k++) {
        if (dense[col[k]] == 0)
            col[different++] = col[k];
        dense[col[k]] += 1;
    }
    return different;
}

/* Turns counts into a unit vector val over col and wipes dense. */
static void weigh(const aglm_example_index *x, const uint32_t *col, size_t n, float *val)
{
    double norm = 0;

    for (size_t k = 0; k < n; k++) {
        val[k] = (1 + logf(x->dense[col[k]])) * x->idf[col[k]];
        norm += (double)val[k] * (double)val[k];
        x->dense[col[k]] = 0;
    }
    for (size_t k = 0; k < n && norm > 0; k++)
        val[k] = (float)((double)val[k] / sqrt(norm));
}

/* Each text's own columns once, in place; the rows of the matrix get their places. */
static void settle(aglm_example_index *x, struct words *w, size_t n)
{
    size_t from = 0;

    for (size_t i = 0; i < n; i++) {
        size_t different = count(x->dense, w->col + from, w->end[i] - from);
        for (size_t k = 0; k < different; k++)
            x->idf[w->col[from + k]] += 1;
        for (size_t k = 0; k < different; k++)
            x->rows.col[x->rows.start[i] + k] = w->col[from + k];
        x->rows.start[i + 1] = x->rows.start[i] + (uint32_t)different;
        for (size_t k = 0; k < different; k++) {
            x->rows.val[x->rows.start[i] + k] = x->dense[w->col[from + k]];
            x->dense[w->col[from + k]] = 0;
        }
        from = w->end[i];
    }
    for (size_t c = 0; c < COLUMNS; c++) /* a word that no text has says nothing */
        x->idf[c] = x->idf[c] > 0 ? logf((1 + (float)n) / (1 + x->idf[c])) + 1 : 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = x->rows.start[i], len = x->rows.start[i + 1] - at;
        for (size_t k = 0; k < len; k++)
            x->dense[x->rows.col[at + k]] = x->rows.val[at + k];
        weigh(x, x->rows.col + at, len, x->rows.val + at);
    }
}

static aglm_rc fill(aglm_example_index *x, const char *const *texts, size_t n, aglm_error *err)
{
    struct words w = {.end = aglm_calloc(n + 1, sizeof *w.end)};
    aglm_rc rc = w.end ? read_texts(x, &w, texts, n, err) : AGLM_NOMEM;

    if (rc == AGLM_OK)
        rc = aglm_csr_init(&x->rows, n, COLUMNS, w.n);
    if (rc == AGLM_OK)
        settle(x, &w, n);
    free(w.col);
    free(w.end);
    return rc;
}

aglm_rc aglm_example_index_new(aglm_example_index **out, const char *const *texts, size_t n,
                               aglm_error *err)
{
    aglm_example_index *x = aglm_calloc(1, sizeof *x);
    aglm_rc rc = AGLM_NOMEM;

    *out = NULL;
    if (x) {
        x->idf = aglm_calloc(COLUMNS, sizeof *x->idf);
        x->dense = aglm_calloc(COLUMNS, sizeof *x->dense);
        x->likeness = aglm_calloc(n + 1, sizeof *x->likeness);
    }
    if (x && x->idf && x->dense && x->likeness)
        rc = aglm_extractor_new(&x->extractor, &OPTIONS, false, err);
    if (rc == AGLM_OK)
        rc = fill(x, texts, n, err);
    if (rc != AGLM_OK) {
        aglm_example_index_free(x);
        return aglm_error_set(err, rc, "an index of %zu examples: %s", n, aglm_rc_text(rc));
    }
    *out = x;
    return rc;
}

static void measure(aglm_example_index *x, uint32_t *col, size_t n, float *val)
{
    size_t different = count(x->dense, col, n);

    weigh(x, col, different, val);
    for (size_t k = 0; k < different; k++)
        x->dense[col[k]] = val[k];
    for (size_t i = 0; i < x->rows.n_rows; i++) {
        size_t at = x->rows.start[i];
        x->likeness[i] = (double)aglm_sparse_dot(x->rows.col + at, x->rows.val + at,
                                                 x->rows.start[i + 1] - at, x->dense);
    }
    for (size_t k = 0; k < different; k++)
        x->dense[col[k]] = 0;
}

static size_t choose(aglm_example_index *x, size_t k, uint32_t *found)
{
    size_t n = 0;

    for (; n < k && n < x->rows.n_rows; n++) {
        size_t best = 0;
        for (size_t i = 1; i < x->rows.n_rows; i++)
            if (x->likeness[i] > x->likeness[best])
                best = i;
        x->likeness[best] = -1;
        found[n] = (uint32_t)best;
    }
    return n;
}

aglm_rc aglm_example_index_find(aglm_example_index *x, const char *text, size_t k, uint32_t *found,
                                size_t *n, aglm_error *err)
{
    aglm_feature_list f;
    aglm_rc rc = aglm_extractor_run(x->extractor, text, strlen(text), &f, err);

    *n = 0;
    if (rc != AGLM_OK)
        return rc;
    uint32_t *col = aglm_calloc(f.n + 1, sizeof *col);
    float *val = aglm_calloc(f.n + 1, sizeof *val);
    if (col && val) {
        for (size_t i = 0; i < f.n; i++)
            col[i] = (uint32_t)(f.hash[i] >> (64 - BITS));
        measure(x, col, f.n, val);
        *n = choose(x, k, found);
    } else {
        rc = aglm_error_set(err, AGLM_NOMEM, "no memory to look for examples");
    }
    free(col);
    free(val);
    return rc;
}
