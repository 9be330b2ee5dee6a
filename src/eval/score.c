#include "eval/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "eval/score_priv.h"

#define ECE_BINS 15
#define PROB_FLOOR 1e-15

/* Gold labels and probabilities seen as one thing; i counts documents of the evaluation, not of the
 * dataset. */
struct sheet {
    const aglm_dataset *d;
    const uint32_t *rows;
    size_t n, labels;
    const float *probs;
    bool multi;
};

struct counts {
    uint64_t *support, *predicted, *correct; /* [labels] each */
    uint64_t exact;
    uint64_t docs;
};

static aglm_doc sheet_doc(const struct sheet *s, size_t i)
{
    return aglm_dataset_doc(s->d, s->rows ? s->rows[i] : i);
}

static const float *sheet_probs(const struct sheet *s, size_t i)
{
    return s->probs + i * s->labels;
}

static bool has_label(const aglm_doc *doc, uint32_t label)
{
    for (uint32_t k = 0; k < doc->n_labels; k++)
        if (doc->labels[k] == label)
            return true;
    return false;
}

uint32_t aglm_argmax(const float *v, size_t n)
{
    uint32_t best = 0;

    for (size_t k = 1; k < n; k++)
        if (v[k] > v[best])
            best = (uint32_t)k;
    return best;
}

static aglm_rc counts_init(struct counts *c, size_t labels, aglm_error *err)
{
    memset(c, 0, sizeof *c);
    c->support = aglm_calloc(3 * labels, sizeof *c->support);
    if (!c->support)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for the counts of %zu labels",
                              labels);
    c->predicted = c->support + labels;
    c->correct = c->support + 2 * labels;
    return AGLM_OK;
}

static void counts_clear(struct counts *c)
{
    free(c->support);
}

static void count_single(struct counts *c, const struct sheet *s, size_t i)
{
    uint32_t gold = sheet_doc(s, i).labels[0];
    uint32_t pred = aglm_argmax(sheet_probs(s, i), s->labels);

    c->support[gold]++;
    c->predicted[pred]++;
    if (gold == pred) {
        c->correct[gold]++;
        c->exact++;
    }
}

static void count_multi(struct counts *c, const struct sheet *s, size_t i)
{
    aglm_doc doc = sheet_doc(s, i);
    const float *p = sheet_probs(s, i);
    bool exact = true;
    uint32_t at = 0; /* labels ascend, so one pass pairs them */

    for (uint32_t k = 0; k < s->labels; k++) {
        bool gold = at < doc.n_labels && doc.labels[at] == k;
        bool pred = p[k] >= AGLM_DECISION_THRESHOLD;
        at += gold;
        c->support[k] += gold;
        c->predicted[k] += pred;
        c->correct[k] += gold && pred;
        exact = exact && gold == pred;
    }
    c->exact += exact;
}

static void count_doc(struct counts *c, const struct sheet *s, size_t i)
{
    if (s->multi)
        count_multi(c, s, i);
    else
        count_single(c, s, i);
    c->docs++;
}

static double f1_of(uint64_t correct, uint64_t predicted, uint64_t support)
{
    return predicted + support ? 2.0 * (double)correct / (double)(predicted + support) : 0.0;
}

/* Labels that neither stand nor are said in the documents do not count, but as one of several
 * labels they count as 0: scikit-learn's two readings (classes, indicator columns). */
static double macro_f1(const struct counts *c, size_t labels, bool multi)
{
    double sum = 0;
    size_t seen = 0;

    for (size_t k = 0; k < labels; k++) {
        if (!multi && !c->support[k] && !c->predicted[k])
            continue;
        sum += f1_of(c->correct[k], c->predicted[k], c->support[k]);
        seen++;
    }
    return seen ? sum / (double)seen : 0.0;
}

static double weighted_f1(const struct counts *c, size_t labels)
{
    double sum = 0, weight = 0;

    for (size_t k = 0; k < labels; k++) {
        sum += (double)c->support[k] * f1_of(c->correct[k], c->predicted[k], c->support[k]);
        weight += (double)c->support[k];
    }
    return weight > 0 ? sum / weight : 0.0;
}

static double micro_f1(const struct counts *c, size_t labels)
{
    uint64_t correct = 0, predicted = 0, support = 0;

    for (size_t k = 0; k < labels; k++) {
        correct += c->correct[k];
        predicted += c->predicted[k];
        support += c->support[k];
    }
    return f1_of(correct, predicted, support);
}

static double safe_log(double p)
{
    return log(p < PROB_FLOOR ? PROB_FLOOR : p);
}

static double log_loss(const struct sheet *s)
{
    double sum = 0;
    size_t decisions = 0;

    for (size_t i = 0; i < s->n; i++) {
        aglm_doc doc = sheet_doc(s, i);
        const float *p = sheet_probs(s, i);
        if (!s->multi) {
            sum -= safe_log(p[doc.labels[0]]);
            decisions++;
            continue;
        }
        for (uint32_t k = 0; k < s->labels; k++)
            sum -= safe_log(has_label(&doc, k) ? (double)p[k] : 1.0 - (double)p[k]);
        decisions += s->labels;
    }
    return decisions ? sum / (double)decisions : 0.0;
}

struct bins {
    double confidence[ECE_BINS], right[ECE_BINS], n[ECE_BINS];
};

static void bin_add(struct bins *b, double confidence, bool right)
{
    int k = (int)(confidence * ECE_BINS);

    k = k >= ECE_BINS ? ECE_BINS - 1 : k < 0 ? 0 : k;
    b->confidence[k] += confidence;
    b->right[k] += right;
    b->n[k] += 1;
}

static double calibration_error(const struct sheet *s)
{
    struct bins b = {0};
    double sum = 0, n = 0;

    for (size_t i = 0; i < s->n; i++) {
        aglm_doc doc = sheet_doc(s, i);
        const float *p = sheet_probs(s, i);
        if (!s->multi) {
            uint32_t top = aglm_argmax(p, s->labels);
            bin_add(&b, (double)p[top], top == doc.labels[0]);
            continue;
        }
        for (uint32_t k = 0; k < s->labels; k++) {
            bool yes = p[k] >= AGLM_DECISION_THRESHOLD;
            bin_add(&b, yes ? (double)p[k] : 1.0 - (double)p[k], yes == has_label(&doc, k));
        }
    }
    for (int k = 0; k < ECE_BINS; k++) {
        sum += fabs(b.confidence[k] - b.right[k]);
        n += b.n[k];
    }
    return n > 0 ? sum / n : 0.0;
}

struct ranked {
    float score;
    bool positive;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return (x->score > y->score) - (x->score < y->score);
}

/* Mann-Whitney with mid-ranks for ties; NaN when one side is empty. */
static double auc_of(struct ranked *r, size_t n)
{
    double rank_sum = 0, pos = 0;

    qsort(r, n, sizeof *r, by_score);
    for (size_t i = 0; i < n;) {
        size_t j = i;
        double tied = 0;
        for (; j < n && r[j].score == r[i].score; j++)
            tied += r[j].positive;
        rank_sum += tied * ((double)(i + j + 1) / 2.0);
        pos += tied;
        i = j;
    }
    double neg = (double)n - pos;
    return pos > 0 && neg > 0 ? (rank_sum - pos * (pos + 1) / 2.0) / (pos * neg) : NAN;
}

static double auc_label(const struct sheet *s, struct ranked *r, uint32_t label)
{
    for (size_t i = 0; i < s->n; i++) {
        aglm_doc doc = sheet_doc(s, i);
        r[i].score = sheet_probs(s, i)[label];
        r[i].positive = has_label(&doc, label);
    }
    return auc_of(r, s->n);
}

static aglm_rc auc(const struct sheet *s, double *out, aglm_error *err)
{
    struct ranked *r = aglm_calloc(s->n, sizeof *r);
    double sum = 0;
    size_t seen = 0;

    if (!r)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory to rank %zu documents", s->n);
    uint32_t first = s->labels == 2 && !s->multi ? 1 : 0;
    for (uint32_t k = first; k < s->labels; k++) {
        double a = auc_label(s, r, k);
        if (isnan(a))
            continue;
        sum += a;
        seen++;
    }
    *out = seen ? sum / (double)seen : 0.5;
    free(r);
    return AGLM_OK;
}

static void fill_classes(aglm_score *out, const struct counts *c)
{
    for (size_t k = 0; k < out->labels; k++) {
        aglm_class_score *q = &out->classes[k];
        q->support = c->support[k];
        q->predicted = c->predicted[k];
        q->correct = c->correct[k];
        q->precision = q->predicted ? (double)q->correct / (double)q->predicted : 0;
        q->recall = q->support ? (double)q->correct / (double)q->support : 0;
        q->f1 = f1_of(q->correct, q->predicted, q->support);
    }
}

static aglm_rc fill_confusion(aglm_score *out, const struct sheet *s, aglm_error *err)
{
    if (s->multi || s->labels > AGLM_CONFUSION_MAX)
        return AGLM_OK;
    out->confusion = aglm_calloc(s->labels * s->labels, sizeof *out->confusion);
    if (!out->confusion)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a confusion matrix of %zu labels",
                              s->labels);
    for (size_t i = 0; i < s->n; i++)
        out->confusion[sheet_doc(s, i).labels[0] * s->labels +
                       aglm_argmax(sheet_probs(s, i), s->labels)]++;
    return AGLM_OK;
}

static struct sheet sheet_of(const aglm_predicted *p)
{
    return (struct sheet){
        .d = p->data,
        .rows = p->rows,
        .n = p->n,
        .labels = aglm_dataset_n_labels(p->data),
        .probs = p->probs,
        .multi = aglm_dataset_task(p->data) == AGLM_TASK_MULTILABEL,
    };
}

/* All but AUC, which needs memory of its own. */
static double value_of(aglm_metric metric, const struct sheet *s, const struct counts *c)
{
    switch (metric) {
    case AGLM_METRIC_ACCURACY:
        return c->docs ? (double)c->exact / (double)c->docs : 0;
    case AGLM_METRIC_MACRO_F1:
        return macro_f1(c, s->labels, s->multi);
    case AGLM_METRIC_MICRO_F1:
        return micro_f1(c, s->labels);
    case AGLM_METRIC_WEIGHTED_F1:
        return weighted_f1(c, s->labels);
    case AGLM_METRIC_LOG_LOSS:
        return log_loss(s);
    case AGLM_METRIC_ECE:
        return calibration_error(s);
    case AGLM_METRIC_AUC:
    case AGLM_METRIC_RMSE:
    case AGLM_METRIC_MAE:
    case AGLM_METRIC_R2:
    case AGLM_METRICS:
        break;
    }
    return NAN;
}

aglm_rc aglm_score_metric(double *out, aglm_metric metric, const aglm_predicted *p, aglm_error *err)
{
    struct sheet s = sheet_of(p);
    struct counts c;
    aglm_rc rc;

    if (aglm_dataset_task(p->data) == AGLM_TASK_REGRESSION) {
        *out = aglm_regression_value(metric, p);
        return AGLM_OK;
    }
    if (metric == AGLM_METRIC_AUC)
        return auc(&s, out, err);
    if ((rc = counts_init(&c, s.labels, err)) != AGLM_OK)
        return rc;
    for (size_t i = 0; i < s.n; i++)
        count_doc(&c, &s, i);
    *out = value_of(metric, &s, &c);
    counts_clear(&c);
    return AGLM_OK;
}

aglm_rc aglm_score_make(aglm_score *out, const aglm_predicted *p, aglm_error *err)
{
    struct sheet s = sheet_of(p);
    struct counts c;
    aglm_rc rc;

    memset(out, 0, sizeof *out);
    out->docs = s.n;
    out->labels = s.labels;
    out->task = aglm_dataset_task(p->data);
    out->multi_label = s.multi;
    if (out->task == AGLM_TASK_REGRESSION) {
        for (int m = 0; m < AGLM_METRICS; m++)
            out->value[m] = aglm_regression_value((aglm_metric)m, p);
        return AGLM_OK;
    }
    if ((rc = counts_init(&c, s.labels, err)) != AGLM_OK)
        return rc;
    out->classes = aglm_calloc(s.labels, sizeof *out->classes);
    if (!out->classes) {
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for the scores of %zu labels",
                            s.labels);
        goto done;
    }
    for (size_t i = 0; i < s.n; i++)
        count_doc(&c, &s, i);
    fill_classes(out, &c);
    for (int m = 0; m < AGLM_METRICS; m++)
        out->value[m] = value_of((aglm_metric)m, &s, &c);
    if ((rc = fill_confusion(out, &s, err)) == AGLM_OK)
        rc = auc(&s, &out->value[AGLM_METRIC_AUC], err);
done:
    counts_clear(&c);
    return rc;
}

void aglm_score_clear(aglm_score *s)
{
    free(s->classes);
    free(s->confusion);
    memset(s, 0, sizeof *s);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

aglm_interval aglm_score_percentiles(double *v, unsigned n)
{
    qsort(v, n, sizeof *v, by_value);
    unsigned low = (unsigned)(0.025 * n);
    return (aglm_interval){v[low], v[n - 1 - low]};
}

/* The decision about one document, made once and drawn many times. */
struct decided {
    uint32_t gold, pred;
};

static void resample_single(const struct decided *docs, size_t n, struct counts *c, aglm_rng *rng)
{
    for (size_t i = 0; i < n; i++) {
        struct decided d = docs[aglm_rng_below(rng, n)];
        c->support[d.gold]++;
        c->predicted[d.pred]++;
        c->correct[d.gold] += d.gold == d.pred;
        c->exact += d.gold == d.pred;
    }
}

static void resample_multi(const struct sheet *s, struct counts *c, aglm_rng *rng)
{
    for (size_t i = 0; i < s->n; i++)
        count_multi(c, s, aglm_rng_below(rng, s->n));
}

static void decide(const struct sheet *s, struct decided *docs)
{
    for (size_t i = 0; i < s->n && !s->multi; i++)
        docs[i] = (struct decided){sheet_doc(s, i).labels[0],
                                   aglm_argmax(sheet_probs(s, i), s->labels)};
}

aglm_rc aglm_score_bootstrap(aglm_score *out, const aglm_predicted *p, unsigned rounds,
                             uint64_t seed, aglm_error *err)
{
    struct sheet s = sheet_of(p);
    struct counts c;
    aglm_rng rng;
    aglm_rc rc;

    if (rounds == 0 || s.n == 0)
        return aglm_error_set(err, AGLM_INVALID,
                              "a bootstrap needs documents and at least one round");
    if (aglm_dataset_task(p->data) == AGLM_TASK_REGRESSION)
        return aglm_regression_bootstrap(out, p, rounds, seed, err);
    if ((rc = counts_init(&c, s.labels, err)) != AGLM_OK)
        return rc;
    double *v = aglm_calloc(2 * (size_t)rounds, sizeof *v);
    struct decided *docs = aglm_calloc(s.n, sizeof *docs);
    if (!v || !docs) {
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for %u resamples of %zu documents",
                            rounds, s.n);
        goto done;
    }
    decide(&s, docs);
    aglm_rng_init(&rng, seed);
    for (unsigned r = 0; r < rounds; r++) {
        memset(c.support, 0, 3 * s.labels * sizeof *c.support);
        c.exact = 0;
        if (s.multi)
            resample_multi(&s, &c, &rng);
        else
            resample_single(docs, s.n, &c, &rng);
        v[r] = (double)c.exact / (double)s.n;
        v[rounds + r] = macro_f1(&c, s.labels, s.multi);
    }
    out->accuracy_95 = aglm_score_percentiles(v, rounds);
    out->macro_f1_95 = aglm_score_percentiles(v + rounds, rounds);
done:
    free(docs);
    free(v);
    counts_clear(&c);
    return rc;
}

const aglm_interval *aglm_score_interval(const aglm_score *s, aglm_metric m)
{
    switch (m) {
    case AGLM_METRIC_ACCURACY:
        return &s->accuracy_95;
    case AGLM_METRIC_MACRO_F1:
        return &s->macro_f1_95;
    case AGLM_METRIC_RMSE:
        return &s->rmse_95;
    case AGLM_METRIC_MAE:
        return &s->mae_95;
    case AGLM_METRIC_R2:
        return &s->r2_95;
    default:
        return NULL;
    }
}

double aglm_mcnemar(uint64_t b, uint64_t c)
{
    uint64_t n = b + c, low = b < c ? b : c;

    if (n == 0)
        return 1.0;
    if (n >= 25) {
        double d = fabs((double)b - (double)c) - 1.0;
        return d <= 0 ? 1.0 : erfc(sqrt(d * d / (double)n / 2.0));
    }
    double term = pow(0.5, (double)n), sum = 0;
    for (uint64_t k = 0; k <= low; k++) {
        sum += term;
        term *= (double)(n - k) / (double)(k + 1);
    }
    return sum * 2 < 1.0 ? sum * 2 : 1.0;
}
