#include "search/cmaes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/dense.h"
#include "num/eigen.h"
#include "search/normal.h"

#define MAX_CONDITION 1e14
#define MIN_SPREAD 1e-7 /* of a unit axis: finer steps decide nothing in a search */

struct aglm_cmaes {
    size_t n, lambda, mu;
    bool full; /* covariances, not variances alone */
    double sigma;
    double mu_eff, c_sigma, d_sigma, c_c, c_1, c_mu;
    double chi; /* expected length of a standard normal vector */
    double weight_sum;
    double faded;   /* (1 - c_sigma)^(2 generations) */
    double *weight; /* [lambda] */
    double *mean, *path_sigma, *path_c;
    double *margin;  /* [n] the matrix A of CMA-ES with Margin */
    double *scale;   /* [n] roots of the eigenvalues */
    double *c;       /* [n x n]; [n] when not full */
    double *vectors; /* [n x n]; unused when not full */
    double *work;    /* [n x n] */
    double *step;    /* [lambda x n] */
    double *length;  /* [lambda] squares of the whitened steps' lengths */
    double *white;   /* [n] a whitened step */
    double *y;       /* [n] a step */
    double *memory;  /* all of the above */
};

size_t aglm_cmaes_population(size_t n)
{
    return 4 + (size_t)aglm_log((double)n);
}

/* Equations 49 to 53 of the tutorial. */
static void set_weights(aglm_cmaes *m)
{
    double positive = 0.0;
    double negative = 0.0;
    double square = 0.0;
    double negative_square = 0.0;

    for (size_t i = 0; i < m->lambda; i++) {
        double w = aglm_log(0.5 * (double)(m->lambda + 1)) - aglm_log((double)(i + 1));
        m->weight[i] = w;
        *(i < m->mu ? &positive : &negative) += w;
        *(i < m->mu ? &square : &negative_square) += w * w;
    }
    m->mu_eff = positive * positive / square;
    double n = (double)m->n;
    double slow = m->full ? 1.0 : (n + 1.5) / 3.0; /* Ros and Hansen 2008 */
    m->c_1 = fmin(1.0, slow * 2.0 / ((n + 1.3) * (n + 1.3) + m->mu_eff));
    m->c_mu = fmin(1.0 - m->c_1, slow * 2.0 * (0.25 + m->mu_eff + 1.0 / m->mu_eff - 2.0) /
                                     ((n + 2.0) * (n + 2.0) + m->mu_eff));
    double mu_eff_negative = negative_square > 0.0 ? negative * negative / negative_square : 0.0;
    double most = fmin(1.0 + m->c_1 / m->c_mu, 1.0 + 2.0 * mu_eff_negative / (m->mu_eff + 2.0));
    most = fmin(most, (1.0 - m->c_1 - m->c_mu) / (n * m->c_mu));
    m->weight_sum = 0.0;
    for (size_t i = 0; i < m->lambda; i++) {
        m->weight[i] *= i < m->mu ? 1.0 / positive : -most / negative;
        m->weight_sum += m->weight[i];
    }
}

static void set_rates(aglm_cmaes *m)
{
    double n = (double)m->n;

    m->c_sigma = (m->mu_eff + 2.0) / (n + m->mu_eff + 5.0);
    m->d_sigma = 1.0 + 2.0 * fmax(0.0, sqrt((m->mu_eff - 1.0) / (n + 1.0)) - 1.0) + m->c_sigma;
    m->c_c = (4.0 + m->mu_eff / n) / (n + 4.0 + 2.0 * m->mu_eff / n);
    m->chi = sqrt(n) * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
}

static double *take(double **rest, size_t n)
{
    double *at = *rest;

    *rest += n;
    return at;
}

aglm_rc aglm_cmaes_new(aglm_cmaes **out, const aglm_cmaes_start *start, aglm_error *err)
{
    size_t n = start->n;
    size_t square = n <= AGLM_CMAES_MAX_FULL ? n * n : n;
    aglm_cmaes *m = calloc(1, sizeof *m);
    double *rest = m ? aglm_calloc(start->population * (n + 2) + 7 * n + 3 * square, sizeof(double))
                     : NULL;

    *out = NULL;
    if (!rest) {
        free(m);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for CMA-ES");
    }
    m->memory = rest;
    m->n = n;
    m->lambda = start->population;
    m->mu = m->lambda / 2;
    m->full = n <= AGLM_CMAES_MAX_FULL;
    m->sigma = start->sigma;
    m->faded = 1.0;
    m->weight = take(&rest, m->lambda);
    m->step = take(&rest, m->lambda * n);
    m->length = take(&rest, m->lambda);
    m->white = take(&rest, n);
    m->y = take(&rest, n);
    m->mean = take(&rest, n);
    m->path_sigma = take(&rest, n);
    m->path_c = take(&rest, n);
    m->margin = take(&rest, n);
    m->scale = take(&rest, n);
    m->c = take(&rest, square);
    m->vectors = take(&rest, square);
    m->work = take(&rest, square);
    memcpy(m->mean, start->mean, n * sizeof *m->mean);
    for (size_t i = 0; i < n; i++) {
        double part = start->part ? start->part[i] : 1.0;
        m->margin[i] = 1.0;
        m->scale[i] = part;
        m->c[m->full ? i * n + i : i] = part * part;
        if (m->full)
            m->vectors[i * n + i] = 1.0;
    }
    set_weights(m);
    set_rates(m);
    *out = m;
    return AGLM_OK;
}

void aglm_cmaes_free(aglm_cmaes *m)
{
    if (!m)
        return;
    free(m->memory);
    free(m);
}

void aglm_cmaes_draw(const aglm_cmaes *m, aglm_rng *rng, double reach, double *v)
{
    double z[AGLM_CMAES_MAX_FULL];

    if (!m->full) {
        for (size_t i = 0; i < m->n; i++)
            v[i] = m->scale[i] * aglm_rng_normal(rng);
    } else {
        for (size_t i = 0; i < m->n; i++)
            z[i] = m->scale[i] * aglm_rng_normal(rng);
        for (size_t i = 0; i < m->n; i++) {
            v[i] = 0.0;
            for (size_t j = 0; j < m->n; j++)
                v[i] += m->vectors[i * m->n + j] * z[j];
        }
    }
    for (size_t i = 0; i < m->n; i++)
        v[i] = m->mean[i] + reach * m->sigma * m->margin[i] * v[i];
}

static double variance(const aglm_cmaes *m, size_t axis)
{
    return m->c[m->full ? axis * m->n + axis : axis];
}

double aglm_cmaes_spread(const aglm_cmaes *m, size_t axis)
{
    return m->sigma * m->margin[axis] * sqrt(variance(m, axis));
}

double aglm_cmaes_draw_within(const aglm_cmaes *m, aglm_rng *rng, size_t axis, double low,
                              double high)
{
    double spread = aglm_cmaes_spread(m, axis);
    double mean = m->mean[axis];
    double u = aglm_rng_uniform(rng);

    if (low == high)
        return low;
    return mean +
           spread * aglm_normal_cut_quantile(u, (low - mean) / spread, (high - mean) / spread);
}

double aglm_cmaes_mean(const aglm_cmaes *m, size_t axis)
{
    return m->mean[axis];
}

/* out = C^(-1/2) y */
static void whiten(const aglm_cmaes *m, const double *y, double *out)
{
    double z[AGLM_CMAES_MAX_FULL];

    if (!m->full) {
        for (size_t i = 0; i < m->n; i++)
            out[i] = y[i] / m->scale[i];
        return;
    }
    for (size_t j = 0; j < m->n; j++) {
        z[j] = 0.0;
        for (size_t i = 0; i < m->n; i++)
            z[j] += m->vectors[i * m->n + j] * y[i];
        z[j] /= m->scale[j];
    }
    for (size_t i = 0; i < m->n; i++) {
        out[i] = 0.0;
        for (size_t j = 0; j < m->n; j++)
            out[i] += m->vectors[i * m->n + j] * z[j];
    }
}

static double square_length(const double *x, size_t n)
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sum;
}

static void step_of(const aglm_cmaes *m, const double *v, double *y)
{
    for (size_t i = 0; i < m->n; i++)
        y[i] = (v[i] - m->mean[i]) / (m->sigma * m->margin[i]);
}

void aglm_cmaes_inject(const aglm_cmaes *m, double *v)
{
    double n = (double)m->n;
    double longest = sqrt(n) + 2.0 * n / (n + 2.0);

    step_of(m, v, m->y);
    whiten(m, m->y, m->white);
    double length = sqrt(square_length(m->white, m->n));
    for (size_t i = 0; length > longest && i < m->n; i++)
        v[i] = m->mean[i] + (v[i] - m->mean[i]) * longest / length;
}

/* Equations 41 and 42; the step is left in y. */
static void move_mean(aglm_cmaes *m)
{
    for (size_t i = 0; i < m->n; i++) {
        m->y[i] = 0.0;
        for (size_t k = 0; k < m->mu; k++)
            m->y[i] += m->weight[k] * m->step[k * m->n + i];
        m->mean[i] += m->sigma * m->margin[i] * m->y[i];
    }
}

/* Equations 43 to 45: the paths and the step size. Returns h_sigma. */
static bool follow_paths(aglm_cmaes *m)
{
    double fade = 1.0 - m->c_sigma;
    double gain = sqrt(m->c_sigma * (2.0 - m->c_sigma) * m->mu_eff);

    whiten(m, m->y, m->white);
    for (size_t i = 0; i < m->n; i++)
        m->path_sigma[i] = fade * m->path_sigma[i] + gain * m->white[i];
    m->faded *= fade * fade;
    double length = sqrt(square_length(m->path_sigma, m->n));
    double limit = (1.4 + 2.0 / ((double)m->n + 1.0)) * m->chi;
    bool calm = length / sqrt(1.0 - m->faded) < limit;
    gain = calm ? sqrt(m->c_c * (2.0 - m->c_c) * m->mu_eff) : 0.0;
    for (size_t i = 0; i < m->n; i++)
        m->path_c[i] = (1.0 - m->c_c) * m->path_c[i] + gain * m->y[i];
    m->sigma *= aglm_exp(fmin(1.0, m->c_sigma / m->d_sigma * (length / m->chi - 1.0)));
    return calm;
}

/* C += factor y y' */
static void add_outer(aglm_cmaes *m, double factor, const double *y)
{
    for (size_t i = 0; !m->full && i < m->n; i++)
        m->c[i] += factor * y[i] * y[i];
    for (size_t i = 0; m->full && i < m->n; i++) {
        for (size_t j = 0; j < m->n; j++)
            m->c[i * m->n + j] += factor * (y[i] * y[j]);
    }
}

/* Equation 47 with the weights of equation 46, which keep C positive definite. */
static void adapt(aglm_cmaes *m, bool calm)
{
    size_t n_c = m->full ? m->n * m->n : m->n;
    double delayed = calm ? 0.0 : m->c_c * (2.0 - m->c_c);
    double keep = 1.0 + m->c_1 * delayed - m->c_1 - m->c_mu * m->weight_sum;

    for (size_t i = 0; i < n_c; i++)
        m->c[i] *= keep;
    add_outer(m, m->c_1, m->path_c);
    for (size_t k = 0; k < m->lambda; k++) {
        double w = m->weight[k];
        if (w < 0.0)
            w *= (double)m->n / fmax(m->length[k], 1e-300);
        add_outer(m, m->c_mu * w, m->step + k * m->n);
    }
}

static void decompose(aglm_cmaes *m)
{
    size_t n = m->n;

    if (m->full) {
        memcpy(m->work, m->c, n * n * sizeof *m->c);
        aglm_eigen_symmetric(m->work, n, m->scale, m->vectors);
    } else {
        memcpy(m->scale, m->c, n * sizeof *m->c);
    }
    for (size_t i = 0; i < n; i++)
        m->scale[i] = sqrt(fmax(m->scale[i], 1e-20));
}

void aglm_cmaes_learn(aglm_cmaes *m, const double *const *v)
{
    for (size_t k = 0; k < m->lambda; k++) {
        double *y = m->step + k * m->n;
        step_of(m, v[k], y);
        whiten(m, y, m->white);
        m->length[k] = square_length(m->white, m->n);
    }
    move_mean(m);
    adapt(m, follow_paths(m));
    decompose(m);
}

/* Standard deviations z with mass p above. */
static double tail_quantile(double p)
{
    return -aglm_normal_cut_quantile(p, -INFINITY, INFINITY);
}

/* The mean of an axis that ends behind its cell: enough of the mass on the other side of the only
 * threshold. */
static void keep_near(aglm_cmaes *m, size_t axis, double threshold, double alpha)
{
    double farthest = tail_quantile(alpha) * aglm_cmaes_spread(m, axis);
    double gap = m->mean[axis] - threshold;

    m->mean[axis] = threshold + fmax(-farthest, fmin(gap, farthest));
}

void aglm_cmaes_keep_margin(aglm_cmaes *m, size_t axis, double low, double high)
{
    double alpha = 1.0 / (double)(m->n * m->lambda);
    double spread = aglm_cmaes_spread(m, axis);

    if (isinf(low) || isinf(high)) {
        if (!isinf(low) || !isinf(high))
            keep_near(m, axis, isinf(low) ? high : low, alpha);
        return;
    }
    /* At least alpha / 2 on either side, the rest in proportion. */
    double below = aglm_normal_tail((m->mean[axis] - low) / spread);
    double above = aglm_normal_tail((high - m->mean[axis]) / spread);
    double middle = 1.0 - below - above;
    double wanted_below = fmax(0.5 * alpha, below);
    double wanted_above = fmax(0.5 * alpha, above);
    double sum = wanted_below + wanted_above + middle;
    double share = (1.0 - sum) / (sum - 1.5 * alpha);
    wanted_below += share * (wanted_below - 0.5 * alpha);
    wanted_above += share * (wanted_above - 0.5 * alpha);
    if (wanted_below == below && wanted_above == above)
        return;
    double down = tail_quantile(wanted_below);
    double up = tail_quantile(wanted_above);
    if (!(down + up > 0.0))
        return;
    m->mean[axis] = (low * up + high * down) / (down + up);
    m->margin[axis] *= (high - low) / (down + up) / spread;
}

bool aglm_cmaes_is_spent(const aglm_cmaes *m)
{
    double least = INFINITY;
    double most = 0.0;
    double spread = 0.0;

    for (size_t i = 0; i < m->n; i++) {
        least = fmin(least, m->scale[i]);
        most = fmax(most, m->scale[i]);
        spread = fmax(spread, aglm_cmaes_spread(m, i));
    }
    return most * most > MAX_CONDITION * least * least || spread < MIN_SPREAD;
}
