#include "num/lbfgs.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define PAIRS 8       /* of steps and changes of the gradient that are remembered */
#define ARMIJO 1e-4   /* part of the linear gain that a step must bring */
#define BACKTRACKS 12 /* shorter steps tried before a direction is given up */

struct memory {
    const aglm_lbfgs_problem *p;
    unsigned calls;
    double f;
    double *x, *g;       /* [n] where we are */
    double *to_x, *to_g; /* [n] where a step leads */
    double *d;           /* [n] direction */
    double *s[PAIRS];    /* [n] steps */
    double *y[PAIRS];    /* [n] changes of the gradient */
    double rho[PAIRS];
    size_t n_pairs, next;
};

static double clip(const aglm_lbfgs_problem *p, size_t i, double v)
{
    return v < p->low[i] ? p->low[i] : v > p->high[i] ? p->high[i] : v;
}

static bool is_held(const struct memory *m, size_t i)
{
    return (m->x[i] <= m->p->low[i] && m->g[i] > 0.0) ||
           (m->x[i] >= m->p->high[i] && m->g[i] < 0.0);
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static double steepest(const struct memory *m)
{
    double most = 0.0;

    for (size_t i = 0; i < m->p->n; i++) {
        if (!is_held(m, i) && fabs(m->g[i]) > most)
            most = fabs(m->g[i]);
    }
    return most;
}

/* d = -H g over the free coordinates. */
static void find_direction(struct memory *m)
{
    size_t n = m->p->n;
    double a[PAIRS];

    for (size_t i = 0; i < n; i++)
        m->d[i] = is_held(m, i) ? 0.0 : -m->g[i];
    for (size_t k = 0; k < m->n_pairs; k++) {
        size_t at = (m->next + PAIRS - 1 - k) % PAIRS;
        a[at] = m->rho[at] * dot(m->s[at], m->d, n);
        for (size_t i = 0; i < n; i++)
            m->d[i] -= a[at] * m->y[at][i];
    }
    if (m->n_pairs > 0) {
        size_t last = (m->next + PAIRS - 1) % PAIRS;
        double gamma = 1.0 / (m->rho[last] * dot(m->y[last], m->y[last], n));
        for (size_t i = 0; i < n; i++)
            m->d[i] *= gamma;
    }
    for (size_t k = m->n_pairs; k-- > 0;) {
        size_t at = (m->next + PAIRS - 1 - k) % PAIRS;
        double b = m->rho[at] * dot(m->y[at], m->d, n);
        for (size_t i = 0; i < n; i++)
            m->d[i] += (a[at] - b) * m->s[at][i];
    }
    for (size_t i = 0; i < n; i++)
        m->d[i] = is_held(m, i) ? 0.0 : m->d[i];
}

/* The gain to expect of the step to to_x, to first order: negative. */
static double move(struct memory *m, double t)
{
    double slope = 0.0;

    for (size_t i = 0; i < m->p->n; i++) {
        m->to_x[i] = clip(m->p, i, m->x[i] + t * m->d[i]);
        slope += m->g[i] * (m->to_x[i] - m->x[i]);
    }
    return slope;
}

/* False when no step of this direction brings a gain. */
static bool search_line(struct memory *m, double t, double *value)
{
    for (int i = 0; i < BACKTRACKS && m->calls < m->p->max_calls; i++) {
        double slope = move(m, t);
        if (!(slope < 0.0))
            return false;
        m->calls++;
        *value = m->p->value(m->p->arg, m->to_x, m->to_g);
        if (*value <= m->f + ARMIJO * slope)
            return true;
        /* The minimum of the parabola through value, slope and the new value. */
        double shrink = isfinite(*value) ? -0.5 * slope / (*value - m->f - slope) : 0.1;
        t *= shrink < 0.1 ? 0.1 : shrink > 0.5 ? 0.5 : shrink;
    }
    return false;
}

static void remember(struct memory *m)
{
    size_t n = m->p->n;
    double *s = m->s[m->next];
    double *y = m->y[m->next];

    for (size_t i = 0; i < n; i++) {
        s[i] = m->to_x[i] - m->x[i];
        y[i] = m->to_g[i] - m->g[i];
    }
    double sy = dot(s, y, n);
    if (!(sy > 1e-10 * sqrt(dot(s, s, n) * dot(y, y, n))))
        return;
    m->rho[m->next] = 1.0 / sy;
    m->next = (m->next + 1) % PAIRS;
    m->n_pairs += m->n_pairs < PAIRS;
}

static void descend(struct memory *m)
{
    const aglm_lbfgs_problem *p = m->p;

    while (m->calls < p->max_calls) {
        double value = m->f;
        double slope = steepest(m);
        if (slope <= p->tolerance)
            return;
        find_direction(m);
        bool gained = search_line(m, m->n_pairs ? 1.0 : p->first_step / slope, &value);
        if (!gained && m->n_pairs == 0)
            return;
        if (!gained) { /* once more along the gradient */
            m->n_pairs = 0;
            continue;
        }
        double gain = m->f - value;
        remember(m);
        memcpy(m->x, m->to_x, p->n * sizeof *m->x);
        memcpy(m->g, m->to_g, p->n * sizeof *m->g);
        m->f = value;
        if (gain <= p->tolerance * (1.0 + fabs(value)))
            return;
    }
}

aglm_rc aglm_lbfgs_minimize(const aglm_lbfgs_problem *p, double *x, double *value, aglm_error *err)
{
    size_t n = p->n;
    double *room = aglm_calloc(n, (4 + 2 * PAIRS) * sizeof *room);
    struct memory m = {.p = p, .x = x, .calls = 1};
    aglm_rc rc = AGLM_OK;

    if (!room)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a search in %zu coordinates", n);
    m.g = room;
    m.to_x = room + n;
    m.to_g = room + 2 * n;
    m.d = room + 3 * n;
    for (size_t i = 0; i < PAIRS; i++) {
        m.s[i] = room + (4 + 2 * i) * n;
        m.y[i] = room + (5 + 2 * i) * n;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = clip(p, i, x[i]);
    m.f = p->value(p->arg, x, m.g);
    if (isfinite(m.f))
        descend(&m);
    else
        rc = aglm_error_set(err, AGLM_INVALID, "the value at the start of a descent is not finite");
    *value = m.f;
    free(room);
    return rc;
}
