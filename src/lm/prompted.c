#include "lm/prompted.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "lm/prompted_priv.h"

/* Part of the rows is kept for the bias; the examples come from the others. */
struct self {
    const aglm_dataset *data;
    aglm_prompted_params params;
    uint64_t file_bytes;
    aglm_lm_pool *pool; /* what asks borrows from it, so that fits may go on side by side */
    const aglm_cancel *cancel;
};

struct aglm_predictor {
    const aglm_prompted_model *m;
    aglm_lm_pool *pool;
    aglm_lm *lm;
};

static aglm_rc file_size(const char *path, uint64_t *bytes, aglm_error *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return aglm_error_set(err, AGLM_NOTFOUND, "%s: the language model is not there", path);
    *bytes = (uint64_t)st.st_size;
    return AGLM_OK;
}

static void prompted_close(void *self)
{
    struct self *s = self;

    aglm_lm_pool_unref(s->pool);
    free(s);
}

static aglm_rc prompted_open(void **out, const aglm_dataset *data, const double *values,
                             const aglm_fit_context *ctx, aglm_error *err)
{
    struct self *s = aglm_calloc(1, sizeof *s);
    aglm_rc rc = AGLM_OK;

    *out = NULL;
    if (!s)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a prompted model");
    s->data = data;
    s->params = aglm_prompted_read(values);
    s->cancel = ctx->cancel;
    if (ctx->language_models)
        s->pool = aglm_lm_pool_ref(ctx->language_models);
    else
        rc = ctx->language_model ? aglm_lm_pool_new(&s->pool, ctx->language_model, 1, err)
                                 : aglm_error_set(err, AGLM_INVALID, "no language model was given");
    if (rc == AGLM_OK)
        rc = file_size(aglm_lm_pool_path(s->pool), &s->file_bytes, err);
    if (rc != AGLM_OK) {
        prompted_close(s);
        return rc;
    }
    *out = s;
    return rc;
}

static aglm_prompted_model *model_new(const struct self *s)
{
    aglm_prompted_model *m = aglm_calloc(1, sizeof *m);
    size_t labels = aglm_dataset_n_labels(s->data);

    if (!m)
        return NULL;
    m->base = (aglm_model){&aglm_learner_prompted, (uint32_t)labels, false};
    m->file_bytes = s->file_bytes;
    m->file = strdup(aglm_lm_pool_path(s->pool));
    m->pool = aglm_lm_pool_ref(s->pool);
    m->words = aglm_calloc(labels, sizeof *m->words);
    m->bias = aglm_calloc(labels, sizeof *m->bias);
    if (m->file && m->words && m->bias)
        return m;
    aglm_prompted_free(&m->base);
    return NULL;
}

/* The rows that are no example, in the learner's order: the first of them teach the bias. */
static aglm_rc learn_bias(const struct self *s, aglm_prompted_model *m,
                          const aglm_prompted_rows *rows, const uint8_t *used, aglm_error *err)
{
    uint32_t *mine = aglm_calloc(rows->n + 1, sizeof *mine);
    aglm_prompted_rows unused = {rows->data, mine, 0, rows->cancel};

    if (!mine)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu rows", rows->n);
    for (size_t i = 0; i < rows->n && unused.n < s->params.bias_docs; i++)
        if (!used[i])
            mine[unused.n++] = rows->at[i];
    aglm_lm *lm = NULL;
    aglm_rc rc = unused.n ? aglm_lm_pool_lend(s->pool, m->prefix, &lm, err) : AGLM_OK;
    if (lm)
        rc = aglm_prompted_fit_bias(lm, m, &unused, err);
    aglm_lm_pool_give_back(s->pool, lm, m->prefix);
    free(mine);
    return rc;
}

static aglm_rc prompted_fit(const void *self, const uint32_t *rows, size_t n,
                            const aglm_fit_context *ctx, aglm_model **out, aglm_error *err)
{
    const struct self *s = self;
    aglm_prompted_model *m = model_new(s);
    uint8_t *used = aglm_calloc(n + 1, 1);
    const aglm_prompted_rows all = {s->data, rows, n, ctx->cancel};

    *out = NULL;
    aglm_rc rc = m && used ? aglm_prompted_compose(m, &s->params, &all, used, err)
                           : aglm_error_set(err, AGLM_NOMEM, "no memory for a prompted model");
    if (rc == AGLM_OK && s->params.bias_docs > 0)
        rc = learn_bias(s, m, &all, used, err);
    free(used);
    if (rc != AGLM_OK && m)
        aglm_prompted_free(&m->base);
    if (rc == AGLM_OK)
        *out = &m->base;
    return rc;
}

static aglm_rc prompted_score(const void *self, const aglm_model *model, const uint32_t *rows,
                              size_t n, float *logits, aglm_error *err)
{
    const struct self *s = self;
    const aglm_prompted_model *m = (const aglm_prompted_model *)model;
    const aglm_prompted_rows all = {s->data, rows, n, s->cancel};
    aglm_lm *lm;

    aglm_rc rc = aglm_lm_pool_lend(s->pool, m->prefix, &lm, err);
    if (rc != AGLM_OK)
        return rc;
    rc = aglm_prompted_score(lm, m, &all, logits, err);
    aglm_lm_pool_give_back(s->pool, lm, m->prefix);
    return rc;
}

static void prompted_free_predictor(aglm_predictor *p)
{
    if (p->pool)
        aglm_lm_pool_give_back(p->pool, p->lm, p->m->prefix);
    aglm_lm_pool_unref(p->pool);
    free(p);
}

/* Another file under the old name would answer otherwise than what was measured. */
static aglm_rc check_file(const aglm_prompted_model *m, aglm_error *err)
{
    uint64_t bytes;
    aglm_rc rc = file_size(m->file, &bytes, err);

    if (rc == AGLM_OK && bytes != m->file_bytes)
        return aglm_error_set(
            err, AGLM_FORMAT, "%s has %llu bytes; the prompt was found for a model of %llu",
            m->file, (unsigned long long)bytes, (unsigned long long)m->file_bytes);
    return rc;
}

/* The prefix is read now, not with the first text. */
static aglm_rc warm_up(aglm_predictor *p, aglm_error *err)
{
    float *logits = aglm_calloc(p->m->base.n_labels, sizeof *logits);
    aglm_rc rc = logits ? aglm_prompted_score_text(p->lm, p->m, "-", 1, logits, err)
                        : aglm_error_set(err, AGLM_NOMEM, "no memory for a predictor");

    free(logits);
    return rc;
}

static aglm_rc prompted_predictor(aglm_predictor **out, const aglm_model *model, aglm_error *err)
{
    aglm_predictor *p = aglm_calloc(1, sizeof *p);

    *out = NULL;
    if (!p)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a predictor");
    p->m = (const aglm_prompted_model *)model;
    aglm_rc rc = check_file(p->m, err);
    if (rc == AGLM_OK && p->m->pool)
        p->pool = aglm_lm_pool_ref(p->m->pool);
    else if (rc == AGLM_OK)
        rc = aglm_lm_pool_new(&p->pool, p->m->file, 1, err);
    if (rc == AGLM_OK)
        rc = aglm_lm_pool_lend(p->pool, p->m->prefix, &p->lm, err);
    if (rc == AGLM_OK)
        rc = warm_up(p, err);
    if (rc != AGLM_OK) {
        prompted_free_predictor(p);
        return rc;
    }
    *out = p;
    return rc;
}

static aglm_rc prompted_predict(aglm_predictor *p, const char *text, size_t len, float *logits,
                                aglm_error *err)
{
    return aglm_prompted_score_text(p->lm, p->m, text, len, logits, err);
}

const aglm_learner_ops aglm_learner_prompted = {
    .name = "prompted",
    .space = aglm_prompted_space,
    .open = prompted_open,
    .fit = prompted_fit,
    .score = prompted_score,
    .close = prompted_close,
    .save = aglm_prompted_save,
    .load = aglm_prompted_load,
    .free_model = aglm_prompted_free,
    .predictor = prompted_predictor,
    .predict = prompted_predict,
    .free_predictor = prompted_free_predictor,
};
