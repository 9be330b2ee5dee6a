#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/rng.h"
#include "eval/score_priv.h"

/* Sums over some documents, each drawn any number of times. Targets are taken from their first one,
 * so that large numbers close together keep their digits. */
struct sums {
    double n, squared, absolute; /* of the errors */
    double target, target_squared;
};

static double target_of(const aglm_predicted *p, size_t i)
{
    return aglm_dataset_target(p->data, p->rows ? p->rows[i] : i);
}

static void add(struct sums *s, const aglm_predicted *p, size_t i, double origin)
{
    double y = target_of(p, i), error = (double)p->probs[i] - y;

    s->n += 1;
    s->squared += error * error;
    s->absolute += fabs(error);
    s->target += y - origin;
    s->target_squared += (y - origin) * (y - origin);
}

static double r2(const struct sums *s)
{
    double spread = s->target_squared - s->target * s->target / s->n;

    if (spread <= 1e-12 * s->target_squared)
        return s->squared == 0 ? 1 : 0;
    return 1 - s->squared / spread;
}

static double value_of(aglm_metric metric, const struct sums *s)
{
    if (s->n == 0)
        return NAN;
    if (metric == AGLM_METRIC_RMSE)
        return sqrt(s->squared / s->n);
    if (metric == AGLM_METRIC_MAE)
        return s->absolute / s->n;
    return metric == AGLM_METRIC_R2 ? r2(s) : NAN;
}

double aglm_regression_value(aglm_metric metric, const aglm_predicted *p)
{
    struct sums s = {0};

    for (size_t i = 0; i < p->n; i++)
        add(&s, p, i, target_of(p, 0));
    return value_of(metric, &s);
}

aglm_rc aglm_regression_bootstrap(aglm_score *out, const aglm_predicted *p, unsigned rounds,
                                  uint64_t seed, aglm_error *err)
{
    static const aglm_metric metrics[] = {AGLM_METRIC_RMSE, AGLM_METRIC_MAE, AGLM_METRIC_R2};
    aglm_interval *intervals[] = {&out->rmse_95, &out->mae_95, &out->r2_95};
    double *v = aglm_calloc(3 * (size_t)rounds, sizeof *v);
    aglm_rng rng;

    if (!v)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %u resamples", rounds);
    aglm_rng_init(&rng, seed);
    for (unsigned r = 0; r < rounds; r++) {
        struct sums s = {0};
        for (size_t i = 0; i < p->n; i++)
            add(&s, p, aglm_rng_below(&rng, p->n), target_of(p, 0));
        for (size_t k = 0; k < 3; k++)
            v[k * rounds + r] = value_of(metrics[k], &s);
    }
    for (size_t k = 0; k < 3; k++)
        *intervals[k] = aglm_score_percentiles(v + k * rounds, rounds);
    free(v);
    return AGLM_OK;
}
