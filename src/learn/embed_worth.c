#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "learn/embed_net.h"

/* Steps of a worth: TF-IDF's reaches 15 (a million documents), the supervised one 7. */
#define IDF_STEPS 16
#define SUPERVISED_STEPS 32
#define FLOOR 0.01 /* of the divergence: a feature spread like the labels still says a little */

static uint8_t whole(double steps)
{
    return steps < 1 ? 1 : steps > 255 ? 255 : (uint8_t)floor(steps + 0.5);
}

static double idf(size_t docs, size_t df)
{
    return 1 + aglm_log((double)(1 + docs) / (double)(1 + df));
}

/* Per feature while labels go by. A document counts once for each of its labels. */
typedef struct tally {
    uint32_t *with;     /* documents with the present label */
    uint32_t *pairs;    /* (document, label) in all */
    double *divergence; /* sum over labels so far of f ln(f / p) */
    double *share;      /* of the labels so far that the feature has, the sum of p */
    uint32_t *touched;  /* features with the present label, n_touched */
    size_t n_touched;
    double *prior;
} tally;

static void count_pairs(tally *t, const aglm_embed_task *task)
{
    const aglm_matrix *m = task->matrix;
    double sum = 0;
    size_t labels = aglm_dataset_n_labels(task->data);

    for (size_t i = 0; i < task->n; i++) {
        aglm_doc d = aglm_dataset_doc(task->data, task->docs[i]);
        for (uint32_t k = aglm_matrix_begin(m, task->docs[i], 0);
             k < aglm_matrix_begin(m, task->docs[i] + 1, 0); k++)
            t->pairs[m->feature[k]] += d.n_labels;
        for (size_t l = 0; l < d.n_labels; l++)
            t->prior[d.labels[l]]++;
        sum += d.n_labels;
    }
    for (size_t l = 0; l < labels; l++)
        t->prior[l] /= sum > 0 ? sum : 1;
}

static void count_with(tally *t, const aglm_matrix *m, size_t doc)
{
    for (uint32_t k = aglm_matrix_begin(m, doc, 0); k < aglm_matrix_begin(m, doc + 1, 0); k++) {
        uint32_t f = m->feature[k];
        if (t->with[f]++ == 0)
            t->touched[t->n_touched++] = f;
    }
}

/* f = (with + p) / (pairs + 1): the label's share among the feature's documents, one common
 * document added. */
static void end_label(tally *t, double p)
{
    for (size_t i = 0; i < t->n_touched; i++) {
        uint32_t f = t->touched[i];
        double share = (t->with[f] + p) / (t->pairs[f] + 1.0);
        t->divergence[f] += share * aglm_log(share / p);
        t->share[f] += p;
        t->with[f] = 0;
    }
    t->n_touched = 0;
}

/* The task's documents by label: order[start[l]..start[l + 1]). */
static aglm_rc order_by_label(const aglm_embed_task *task, size_t **start, uint32_t **order)
{
    size_t labels = aglm_dataset_n_labels(task->data), n = 0;
    size_t *at = *start = aglm_calloc(labels + 2, sizeof *at);

    for (size_t i = 0; at && i < task->n; i++) {
        aglm_doc d = aglm_dataset_doc(task->data, task->docs[i]);
        for (size_t l = 0; l < d.n_labels; l++, n++)
            at[d.labels[l] + 2]++;
    }
    *order = aglm_calloc(n, sizeof **order);
    if (!at || !*order)
        return AGLM_NOMEM;
    for (size_t l = 2; l < labels + 2; l++)
        at[l] += at[l - 1];
    for (size_t i = 0; i < task->n; i++) {
        aglm_doc d = aglm_dataset_doc(task->data, task->docs[i]);
        for (size_t l = 0; l < d.n_labels; l++)
            (*order)[at[d.labels[l] + 1]++] = task->docs[i];
    }
    return AGLM_OK;
}

static aglm_rc walk_labels(tally *t, const aglm_embed_task *task)
{
    size_t *start = NULL;
    uint32_t *order = NULL;
    aglm_rc rc = order_by_label(task, &start, &order);

    for (size_t l = 0; !rc && l < aglm_dataset_n_labels(task->data); l++) {
        for (size_t i = start[l]; i < start[l + 1]; i++)
            count_with(t, task->matrix, order[i]);
        end_label(t, t->prior[l]);
        if (aglm_cancelled(task->cancel))
            rc = AGLM_CANCELLED;
    }
    free(start);
    free(order);
    return rc;
}

/* Labels that a feature never has: each gives f ln(f / p) with f = p / (pairs + 1). */
static double divergence(const tally *t, size_t f)
{
    double pairs = t->pairs[f] + 1.0;
    double kl = t->divergence[f] - (1 - t->share[f]) / pairs * aglm_log(pairs);

    return kl > 0 ? kl : 0;
}

static aglm_rc supervised_worth(uint8_t *worth, const aglm_embed_task *task, const uint32_t *df)
{
    size_t features = task->matrix->n_features;
    tally t = {.with = aglm_calloc(features, sizeof *t.with),
               .pairs = aglm_calloc(features, sizeof *t.pairs),
               .divergence = aglm_calloc(features, sizeof *t.divergence),
               .share = aglm_calloc(features, sizeof *t.share),
               .touched = aglm_calloc(features, sizeof *t.touched),
               .prior = aglm_calloc(aglm_dataset_n_labels(task->data), sizeof *t.prior)};
    aglm_rc rc = AGLM_NOMEM;

    if (t.with && t.pairs && t.divergence && t.share && t.touched && t.prior) {
        count_pairs(&t, task);
        rc = walk_labels(&t, task);
    }
    for (size_t f = 0; !rc && f < features; f++)
        if (df[f])
            worth[f] = whole(SUPERVISED_STEPS *
                             sqrt(idf(task->n, df[f]) * (divergence(&t, f) + FLOOR)));
    free(t.with);
    free(t.pairs);
    free(t.divergence);
    free(t.share);
    free(t.touched);
    free(t.prior);
    return rc;
}

aglm_rc aglm_embed_worth(uint8_t *worth, const aglm_embed_task *task, const uint32_t *df,
                         bool supervised)
{
    if (supervised)
        return supervised_worth(worth, task, df);
    for (size_t f = 0; f < task->matrix->n_features; f++)
        if (df[f])
            worth[f] = whole(IDF_STEPS * idf(task->n, df[f]));
    return AGLM_OK;
}
