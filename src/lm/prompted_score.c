/* Asking a language model for the labels of many texts, and the bias that mends its leanings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lm/prompted_priv.h"

#define BATCH 64 /* texts a request: between two the token is asked */
#define MAX_ITEM (1 << 20)
#define BIAS_L2 0.05
#define BIAS_STEPS 200

struct texts {
    char *text[BATCH];
    size_t n;
};

static void clear_texts(struct texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->text[i]);
    t->n = 0;
}

static aglm_rc add_text(struct texts *t, const aglm_prompted_model *m, const char *text, size_t len,
                        aglm_error *err)
{
    aglm_str s;

    aglm_str_init(&s, MAX_ITEM);
    aglm_prompted_item(m, text, len, &s);
    char *item = aglm_str_take(&s);
    if (!item)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a prompt");
    t->text[t->n++] = item;
    return AGLM_OK;
}

static aglm_rc ask(aglm_lm *lm, const aglm_prompted_model *m, const struct texts *t, float *logits,
                   aglm_error *err)
{
    size_t labels = m->base.n_labels;
    aglm_lm_scoring s = {.prefix = *m->prefix ? m->prefix : NULL,
                         .items = (const char *const *)t->text,
                         .n_items = t->n,
                         .answers = (const char *const *)m->words,
                         .n_answers = labels};
    double *scores = aglm_calloc(t->n * labels, sizeof *scores);
    int64_t *tokens = aglm_calloc(t->n * labels, sizeof *tokens);
    aglm_rc rc = scores && tokens
                     ? aglm_lm_score(lm, &s, scores, tokens, err)
                     : aglm_error_set(err, AGLM_NOMEM, "no memory for %zu scores", t->n * labels);

    for (size_t i = 0; rc == AGLM_OK && i < t->n * labels; i++)
        logits[i] = (float)(scores[i] / (m->mean ? (double)tokens[i] : 1) + m->bias[i % labels]);
    free(scores);
    free(tokens);
    return rc;
}

aglm_rc aglm_prompted_score(aglm_lm *lm, const aglm_prompted_model *m,
                            const aglm_prompted_rows *rows, float *logits, aglm_error *err)
{
    size_t n = rows->n;
    struct texts t = {0};
    aglm_rc rc = AGLM_OK;

    for (size_t done = 0; rc == AGLM_OK && done < n; done += t.n) {
        clear_texts(&t);
        if (aglm_cancelled(rows->cancel))
            rc = aglm_error_set(err, AGLM_CANCELLED, "no time for the other texts");
        for (size_t i = done; rc == AGLM_OK && i < n && i < done + BATCH; i++) {
            aglm_doc doc = aglm_dataset_doc(rows->data, rows->at[i]);
            rc = add_text(&t, m, doc.text, doc.len, err);
        }
        if (rc == AGLM_OK)
            rc = ask(lm, m, &t, logits + done * m->base.n_labels, err);
    }
    clear_texts(&t);
    return rc;
}

aglm_rc aglm_prompted_score_text(aglm_lm *lm, const aglm_prompted_model *m, const char *text,
                                 size_t len, float *logits, aglm_error *err)
{
    struct texts t = {0};
    aglm_rc rc = add_text(&t, m, text, len, err);

    if (rc == AGLM_OK)
        rc = ask(lm, m, &t, logits, err);
    clear_texts(&t);
    return rc;
}

/* softmax(z + bias) - one hot, summed over the rows: the gradient of the log-loss. */
struct answers {
    const float *z;        /* [n x labels] */
    const uint32_t *truth; /* [n] */
    size_t n, labels;
};

static void bias_gradient(const struct answers *a, const double *bias, double *p, double *g)
{
    size_t labels = a->labels;

    memset(g, 0, labels * sizeof *g);
    for (size_t i = 0; i < a->n; i++) {
        double top = -INFINITY, sum = 0;
        for (size_t k = 0; k < labels; k++) {
            p[k] = (double)a->z[i * labels + k] + bias[k];
            top = p[k] > top ? p[k] : top;
        }
        for (size_t k = 0; k < labels; k++)
            sum += p[k] = exp(p[k] - top);
        for (size_t k = 0; k < labels; k++)
            g[k] += p[k] / sum;
        g[a->truth[i]] -= 1;
    }
    for (size_t k = 0; k < labels; k++)
        g[k] = g[k] / (double)a->n + BIAS_L2 * bias[k];
}

/* The loss is convex with a curvature of at most 1/2 + BIAS_L2 (Boehning 1992): steps of 1.8 never
 * overshoot. */
static aglm_rc fit_bias(const struct answers *a, double *bias, aglm_error *err)
{
    size_t labels = a->labels;
    double *scratch = aglm_calloc(2 * labels, sizeof *scratch);

    if (!scratch)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu labels", labels);
    for (int step = 0; step < BIAS_STEPS; step++) {
        bias_gradient(a, bias, scratch, scratch + labels);
        for (size_t k = 0; k < labels; k++)
            bias[k] -= 1.8 * scratch[labels + k];
    }
    free(scratch);
    return AGLM_OK;
}

aglm_rc aglm_prompted_fit_bias(aglm_lm *lm, aglm_prompted_model *m, const aglm_prompted_rows *rows,
                               aglm_error *err)
{
    size_t n = rows->n;
    size_t labels = m->base.n_labels;
    float *z = aglm_calloc(n * labels + 1, sizeof *z);
    uint32_t *truth = aglm_calloc(n + 1, sizeof *truth);
    aglm_rc rc = z && truth ? AGLM_OK
                            : aglm_error_set(err, AGLM_NOMEM, "no memory for %zu texts", n);

    memset(m->bias, 0, labels * sizeof *m->bias);
    if (rc == AGLM_OK)
        rc = aglm_prompted_score(lm, m, rows, z, err);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        truth[i] = aglm_dataset_doc(rows->data, rows->at[i]).labels[0];
    if (rc == AGLM_OK && n > 0)
        rc = fit_bias(&(struct answers){z, truth, n, labels}, m->bias, err);
    free(z);
    free(truth);
    return rc;
}
