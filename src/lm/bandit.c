#include "lm/bandit.h"

#include <math.h>

#define PRIOR_SHAPE 2.0  /* of the variance's inverse gamma */
#define PRIOR_SPREAD 0.2 /* standard deviation of one reward */

/* Marsaglia and Tsang 2000, for shape >= 1. */
static double gamma_draw(aglm_rng *rng, double shape)
{
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);

    for (;;) {
        double x = aglm_rng_normal(rng), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(1 - aglm_rng_uniform(rng)) < 0.5 * x * x + d - d * v + d * log(v))
            return d * v;
    }
}

static void judge(aglm_bandit_arm *a, double weight, double *shape, double *scale)
{
    double k = weight + a->n, gap = a->mean - a->prior;

    a->posterior = (weight * a->prior + a->n * a->mean) / k;
    *shape = PRIOR_SHAPE + a->n / 2;
    *scale = PRIOR_SHAPE * PRIOR_SPREAD * PRIOR_SPREAD + a->m2 / 2 +
             weight * a->n * gap * gap / (2 * k);
    a->spread = sqrt(*scale / (*shape * k));
}

size_t aglm_bandit_choose(aglm_bandit_arm *arms, size_t n, const aglm_bandit_options *o,
                          aglm_rng *rng)
{
    double best = -INFINITY, shape, scale;
    size_t chosen = 0;

    for (size_t i = 0; i < n; i++) {
        judge(&arms[i], o->prior_weight, &shape, &scale);
        best = arms[i].posterior > best ? arms[i].posterior : best;
    }
    for (size_t i = 0; i < n; i++) {
        aglm_bandit_arm *a = &arms[i];
        judge(a, o->prior_weight, &shape, &scale);
        double variance = scale / gamma_draw(rng, shape);
        double noise = aglm_rng_normal(rng) * sqrt(variance / (o->prior_weight + a->n));
        a->draw = a->posterior + (o->greedy ? 0 : noise);
        a->left_out = a->n >= AGLM_BANDIT_TRIES && a->posterior < best - o->floor;
        if (!a->left_out && (arms[chosen].left_out || a->draw > arms[chosen].draw))
            chosen = i;
    }
    return chosen;
}
