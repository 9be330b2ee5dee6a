#include "learn/calibration.h"

#include <math.h>
#include <string.h>

/* The log-loss as a function of (scale, shift) with its first and second derivatives. */
struct curve {
    double loss;
    double g[2];
    double h[2][2];
};

struct evidence {
    const aglm_dataset *d;
    const uint32_t *rows;
    size_t n;
    const float *logits;
    size_t n_labels;
};

/* -log p of the right label; the derivatives by scale are the mean and the variance of z under p
 * (Guo et al. 2017). */
static void add_softmax(const struct evidence *e, size_t i, double scale, struct curve *c)
{
    const float *z = e->logits + i * e->n_labels;
    uint32_t right = aglm_dataset_doc(e->d, e->rows[i]).labels[0];
    double top = z[0], sum = 0, mean = 0, square = 0;

    for (size_t k = 1; k < e->n_labels; k++)
        top = z[k] > top ? z[k] : top;
    for (size_t k = 0; k < e->n_labels; k++) {
        double p = exp(scale * (z[k] - top));
        sum += p;
        mean += p * (z[k] - top);
        square += p * (z[k] - top) * (z[k] - top);
    }
    mean /= sum;
    c->loss += log(sum) - scale * (z[right] - top);
    c->g[0] += mean - (z[right] - top);
    c->h[0][0] += square / sum - mean * mean;
}

static double log1p_exp(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* Each label on its own: logistic regression of "has the label" on its logit (Platt 1999). */
static void add_sigmoid(const struct evidence *e, size_t i, const aglm_calibration *at,
                        struct curve *c)
{
    const float *z = e->logits + i * e->n_labels;
    aglm_doc doc = aglm_dataset_doc(e->d, e->rows[i]);
    uint32_t l = 0;

    for (size_t k = 0; k < e->n_labels; k++) {
        bool has = l < doc.n_labels && doc.labels[l] == k;
        double s = at->scale * z[k] + at->shift;
        double p = s >= 0 ? 1 / (1 + exp(-s)) : exp(s) / (1 + exp(s));
        l += has;
        c->loss += log1p_exp(has ? -s : s);
        c->g[0] += (p - has) * z[k];
        c->g[1] += p - has;
        c->h[0][0] += p * (1 - p) * z[k] * z[k];
        c->h[0][1] += p * (1 - p) * z[k];
        c->h[1][1] += p * (1 - p);
    }
}

static struct curve measure(const struct evidence *e, bool multi_label, const aglm_calibration *at)
{
    struct curve c = {0};

    for (size_t i = 0; i < e->n; i++) {
        if (multi_label)
            add_sigmoid(e, i, at, &c);
        else
            add_softmax(e, i, at->scale, &c);
    }
    return c;
}

/* The Newton step; false when the curvature has died away. */
static bool newton_step(const struct curve *c, bool multi_label, double step[2])
{
    double a = c->h[0][0], b = c->h[0][1], d = c->h[1][1];

    step[0] = step[1] = 0;
    if (!multi_label) {
        step[0] = a > 0 ? -c->g[0] / a : 0;
        return a > 0 && isfinite(step[0]);
    }
    double det = a * d - b * b;
    if (!(det > 1e-14 * a * d))
        return false;
    step[0] = -(d * c->g[0] - b * c->g[1]) / det;
    step[1] = -(a * c->g[1] - b * c->g[0]) / det;
    return isfinite(step[0]) && isfinite(step[1]);
}

#define SCALE_MIN 1e-4
#define SCALE_MAX 1e4

static bool is_inside(const aglm_calibration *c)
{
    return c->scale >= SCALE_MIN && c->scale <= SCALE_MAX && fabs(c->shift) <= SCALE_MAX;
}

/* Goes along the step, or a half, a quarter, ... of it, so that the loss does not rise. False: no
 * such part. */
static bool descend(const struct evidence *e, bool multi_label, double step[2],
                    aglm_calibration *at, struct curve *c)
{
    for (int halving = 0; halving < 20; halving++) {
        aglm_calibration next = {at->scale + step[0], at->shift + step[1]};
        struct curve there = {.loss = INFINITY};
        if (is_inside(&next))
            there = measure(e, multi_label, &next);
        if (there.loss <= c->loss) {
            *at = next;
            *c = there;
            return true;
        }
        step[0] /= 2;
        step[1] /= 2;
    }
    return false;
}

/* Log-loss is convex in (scale, shift). False: no minimum inside the bounds. */
static bool minimise(const struct evidence *e, bool multi_label, aglm_calibration *out)
{
    struct curve c = measure(e, multi_label, out);

    for (int round = 0; round < 100; round++) {
        double step[2];
        if (!newton_step(&c, multi_label, step))
            return false;
        if (fabs(step[0]) <= 1e-9 * out->scale && fabs(step[1]) <= 1e-9)
            return true;
        aglm_calibration goal = {out->scale + step[0], out->shift + step[1]};
        if (!descend(e, multi_label, step, out, &c))
            return is_inside(&goal); /* flat to the last digit, or at the border */
    }
    return false; /* still falling: the data set no bound */
}

aglm_rc aglm_calibration_fit(aglm_calibration *out, const aglm_dataset *d, const uint32_t *rows,
                             size_t n, const float *logits, aglm_error *err)
{
    struct evidence e = {d, rows, n, logits, aglm_dataset_n_labels(d)};
    bool multi_label = aglm_dataset_task(d) == AGLM_TASK_MULTILABEL;
    aglm_calibration found = {1, 0};

    *out = found;
    for (size_t i = 0; i < n * e.n_labels; i++) {
        if (!isfinite(logits[i]))
            return aglm_error_set(err, AGLM_INVALID, "logit %zu is no finite number", i);
    }
    if (n && aglm_dataset_task(d) != AGLM_TASK_REGRESSION && minimise(&e, multi_label, &found))
        *out = found;
    return AGLM_OK;
}

static void apply_softmax(double scale, const float *logits, size_t labels, float *probs)
{
    double top = logits[0], sum = 0;

    for (size_t k = 1; k < labels; k++)
        top = logits[k] > top ? logits[k] : top;
    for (size_t k = 0; k < labels; k++)
        sum += exp(scale * (logits[k] - top));
    for (size_t k = 0; k < labels; k++)
        probs[k] = (float)(exp(scale * (logits[k] - top)) / sum);
}

void aglm_calibration_apply(const aglm_calibration *c, aglm_task task, const float *logits,
                            size_t labels, float *probs)
{
    if (task == AGLM_TASK_REGRESSION) {
        memmove(probs, logits, labels * sizeof *probs);
        return;
    }
    if (task != AGLM_TASK_MULTILABEL) {
        apply_softmax(c->scale, logits, labels, probs);
        return;
    }
    for (size_t k = 0; k < labels; k++)
        probs[k] = (float)(1 / (1 + exp(-(c->scale * logits[k] + c->shift))));
}
