#include "tune/finalist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define ROUNDS_MAX 12
#define PAIR_CELLS 2e8 /* document-label cells looked at to find the best pair */

/* Dense probabilities of every finalist over the documents that all of them scored. */
struct table {
    const aglm_finalists *f;
    const aglm_blend_limits *limits;
    const aglm_dataset *d;
    aglm_metric metric;
    uint32_t *rows;
    size_t n, labels, n_models;
    float *probs; /* [models x n x labels] */
    float *sum;   /* [n x labels] of the votes so far */
    float *mean;  /* [n x labels] */
};

/* Places in the finalists' tables. */
static size_t common_rows(const aglm_finalists *f, uint32_t *rows)
{
    size_t n = 0;

    for (size_t i = 0; i < f->items[0].outcome.n_docs; i++) {
        bool all = true;
        for (size_t k = 0; k < f->n; k++)
            all = all && f->items[k].outcome.scored[i];
        if (all)
            rows[n++] = (uint32_t)i;
    }
    return n;
}

static void fill(const struct table *t, const aglm_outcome *o, float *probs)
{
    aglm_task task = aglm_dataset_task(t->d);

    for (size_t i = 0; i < t->n; i++)
        aglm_calibration_apply(&o->calibration, task, o->logits + t->rows[i] * t->labels, t->labels,
                               probs + i * t->labels);
}

static void table_clear(struct table *t)
{
    free(t->rows);
    free(t->probs);
    free(t->sum);
    free(t->mean);
}

static aglm_rc table_init(struct table *t, const aglm_finalists *f, const aglm_dataset *d,
                          aglm_metric metric, aglm_error *err)
{
    const aglm_outcome *first = &f->items[0].outcome;

    *t = (struct table){
        .f = f, .d = d, .metric = metric, .labels = aglm_dataset_n_labels(d), .n_models = f->n};
    t->rows = aglm_calloc(first->n_docs, sizeof *t->rows);
    if (!t->rows)
        goto nomem;
    t->n = common_rows(f, t->rows);
    t->probs = aglm_calloc(f->n * t->n * t->labels, sizeof *t->probs);
    t->sum = aglm_calloc(t->n * t->labels, sizeof *t->sum);
    t->mean = aglm_calloc(t->n * t->labels, sizeof *t->mean);
    if (!t->probs || !t->sum || !t->mean)
        goto nomem;
    for (size_t k = 0; k < f->n; k++)
        fill(t, &f->items[k].outcome, t->probs + k * t->n * t->labels);
    for (size_t i = 0; i < t->n; i++)
        t->rows[i] = first->docs[t->rows[i]];
    return AGLM_OK;
nomem:
    table_clear(t);
    return aglm_error_set(err, AGLM_NOMEM, "out of memory to blend %zu models", f->n);
}

static void add_votes(const struct table *t, size_t model, unsigned votes)
{
    size_t cells = t->n * t->labels;
    const float *p = t->probs + model * cells;

    for (size_t i = 0; i < cells; i++)
        t->sum[i] += (float)votes * p[i];
}

/* The metric of the votes so far, and one more for `extra` (or none: n_models). */
static aglm_rc value_with(const struct table *t, unsigned votes, size_t extra, double *value,
                          aglm_error *err)
{
    size_t cells = t->n * t->labels;
    bool more = extra < t->n_models;
    const float *p = more ? t->probs + extra * cells : t->sum;
    float scale = 1.0f / (float)(votes + more), take = more ? 1.0f : 0.0f;

    for (size_t i = 0; i < cells; i++)
        t->mean[i] = (t->sum[i] + take * p[i]) * scale;
    return aglm_score_metric(value, t->metric, &(aglm_predicted){t->d, t->rows, t->n, t->mean},
                             err);
}

static void drop_votes(const struct table *t)
{
    memset(t->sum, 0, t->n * t->labels * sizeof *t->sum);
}

static unsigned total_of(const unsigned *votes, size_t n)
{
    unsigned total = 0;

    for (size_t k = 0; k < n; k++)
        total += votes[k];
    return total;
}

static bool fits(const struct table *t, const unsigned *votes)
{
    const aglm_finalists *f = t->f;
    const aglm_blend_limits *limits = t->limits;
    uint64_t bytes = 0;
    double latency = 0, fit_s = 0, longest = 0;
    size_t members = 0;
    uint64_t reading = 0;

    for (size_t k = 0; k < f->n; k++) {
        uint64_t own = f->items[k].outcome.reading;
        if (!votes[k])
            continue;
        if (limits->one_reading && members && (own != reading || !own))
            return false;
        reading = own;
        members++;
        bytes += f->items[k].outcome.bytes;
        latency += f->items[k].outcome.latency_p95_us;
        fit_s += f->items[k].outcome.fit_s / (limits->threads ? limits->threads : 1);
        longest = fmax(longest, f->items[k].outcome.fit_s);
    }
    return members <= limits->max_members && (!limits->max_bytes || bytes <= limits->max_bytes) &&
           (limits->max_latency_us <= 0 || latency <= limits->max_latency_us) &&
           (limits->max_fit_s <= 0 || fmax(fit_s, longest) <= limits->max_fit_s);
}

/* What a change must gain to count: a tenth of the metric's standard error, which for shares is
 * about sqrt(p (1 - p) / n), for errors that are normal RMSE / sqrt(2 n). */
static double worth(const struct table *t, double value)
{
    if (t->metric == AGLM_METRIC_RMSE || t->metric == AGLM_METRIC_MAE)
        return 0.1 * value / sqrt(2 * (double)t->n);
    double spread = value > 0 && value < 1 ? sqrt(value * (1 - value) / (double)t->n) : 0;

    return 0.1 * spread;
}

static void take(const struct table *t, unsigned *votes, size_t model)
{
    votes[model]++;
    add_votes(t, model, 1);
}

/* The best one-vote addition; AGLM_DONE when none gains enough. */
static aglm_rc grow(const struct table *t, unsigned *votes, double *value, aglm_error *err)
{
    const aglm_finalists *f = t->f;
    double best = *value;
    size_t pick = f->n;

    unsigned total = total_of(votes, f->n);

    for (size_t k = 0; k < f->n; k++) {
        double v = 0;
        votes[k]++;
        bool fit = fits(t, votes);
        votes[k]--;
        if (!fit)
            continue;
        aglm_rc rc = value_with(t, total, k, &v, err);
        if (rc != AGLM_OK)
            return rc;
        if (f->maximize ? v > best : v < best) {
            best = v;
            pick = k;
        }
    }
    if (pick == f->n || fabs(best - *value) < worth(t, *value))
        return AGLM_DONE;
    take(t, votes, pick);
    *value = best;
    return AGLM_OK;
}

/* How many of the best finalists are tried in pairs. */
static size_t paired(const struct table *t, size_t n)
{
    double cells = (double)(t->n * t->labels);
    size_t k = 2;

    while (k < n && cells * 0.5 * (double)((k + 1) * k) <= PAIR_CELLS)
        k++;
    return k < n ? k : n;
}

struct pair {
    size_t first, second;
    double value;
};

/* The best partner of `first` among the `most` best finalists, if it beats what *best has. */
static aglm_rc find_partner(const struct table *t, size_t first, size_t most, struct pair *best,
                            aglm_error *err)
{
    unsigned votes[AGLM_FINALISTS_MAX] = {0};
    aglm_rc rc = AGLM_OK;

    take(t, votes, first);
    for (size_t k = first + 1; rc == AGLM_OK && k < most; k++) {
        double v = 0;
        votes[k] = 1;
        bool fit = fits(t, votes);
        votes[k] = 0;
        if (fit)
            rc = value_with(t, 1, k, &v, err);
        if (fit && rc == AGLM_OK && (t->f->maximize ? v > best->value : v < best->value))
            *best = (struct pair){first, k, v};
    }
    drop_votes(t);
    return rc;
}

/* Where to start: two that err differently may be worth more together than anything that grows
 * from the best one. */
static aglm_rc begin(const struct table *t, unsigned *votes, double *value, aglm_error *err)
{
    bool up = t->f->maximize;
    size_t n = t->f->n, most = paired(t, n);
    aglm_rc rc;

    take(t, votes, 0);
    if ((rc = value_with(t, 1, n, value, err)) != AGLM_OK)
        return rc;
    double gain = worth(t, *value);
    struct pair best = {0, 0, up ? *value + gain : *value - gain};
    drop_votes(t);
    for (size_t i = 0; rc == AGLM_OK && i < most; i++)
        rc = find_partner(t, i, most, &best, err);
    votes[0] = 0;
    take(t, votes, best.first);
    if (best.second) {
        take(t, votes, best.second);
        *value = best.value;
    }
    return rc;
}

static void settle(aglm_blend *out, const unsigned *votes, size_t n_models, double value)
{
    memset(out, 0, sizeof *out);
    out->value = value;
    out->total = total_of(votes, n_models);
    for (size_t k = 0; k < n_models; k++) {
        if (!votes[k])
            continue;
        out->member[out->n] = k;
        out->votes[out->n++] = votes[k];
    }
}

aglm_rc aglm_blend_choose(aglm_blend *out, const aglm_finalists *f, const aglm_dataset *d,
                          aglm_metric metric, const aglm_blend_limits *limits, aglm_error *err)
{
    unsigned votes[AGLM_FINALISTS_MAX] = {0};
    struct table t;
    double value = 0;
    aglm_rc rc = table_init(&t, f, d, metric, err);

    if (rc != AGLM_OK)
        return rc;
    t.limits = limits;
    rc = begin(&t, votes, &value, err);
    for (int round = 0; rc == AGLM_OK && f->n > 1 && round < ROUNDS_MAX; round++)
        rc = grow(&t, votes, &value, err);
    if (rc == AGLM_DONE)
        rc = AGLM_OK;
    if (rc == AGLM_OK)
        settle(out, votes, f->n, value);
    table_clear(&t);
    return rc;
}

aglm_rc aglm_blend_probs(const aglm_blend *b, const aglm_finalists *f, const aglm_dataset *d,
                         uint32_t *rows, float *probs, size_t *n, aglm_error *err)
{
    struct table t;
    double value = 0;
    aglm_rc rc = table_init(&t, f, d, AGLM_METRIC_ACCURACY, err);

    if (rc != AGLM_OK)
        return rc;
    for (size_t i = 0; i < b->n; i++)
        add_votes(&t, b->member[i], b->votes[i]);
    if ((rc = value_with(&t, b->total, f->n, &value, err)) == AGLM_OK) {
        memcpy(rows, t.rows, t.n * sizeof *rows);
        memcpy(probs, t.mean, t.n * t.labels * sizeof *probs);
        *n = t.n;
    }
    table_clear(&t);
    return rc;
}
