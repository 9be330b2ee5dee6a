#include "search/gp_axes.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "num/dense.h"
#include "search/normal.h"

#define INACTIVE_NUMBER 0.5
#define INACTIVE_CHOICE (-1.0)

/* A normal prior is widened so that what lies in its tails is told apart, too. */
#define PRIOR_WIDENED 2.0

static aglm_gp_axis axis_of(const aglm_space_param *p, size_t param)
{
    const aglm_dist *d = &p->dist;
    double half = d->step / 2.0;
    double low = d->low - half;
    double high = d->high + half;
    aglm_gp_axis a = {.param = param,
                      .is_choice = d->kind == AGLM_DIST_CHOICE,
                      .log = d->log || (p->prior.kind != AGLM_PRIOR_NONE && p->prior.log),
                      .normal = p->prior.kind == AGLM_PRIOR_NORMAL,
                      .count = aglm_dist_count(d)};

    /* Only a lattice around 0 has a log prior and room below 0: that value's cell ends at half. */
    a.least = low > 0.0 ? low : half / 2.0;
    a.log = a.log && a.least > 0.0 && a.least < high;
    a.low = a.log ? aglm_log(a.least) : low;
    a.width = (a.log ? aglm_log(high) : high) - a.low;
    a.normal = a.normal && a.log == p->prior.log;
    a.mean = p->prior.a;
    a.deviation = PRIOR_WIDENED * p->prior.b;
    return a;
}

/* The part of [0, 1] below v, which is a number or its log. */
static double unit_of(const aglm_gp_axis *at, double v)
{
    double t = (v - at->low) / at->width;

    if (at->normal && t > 0.0 && t < 1.0) {
        double from = (at->low - at->mean) / at->deviation;
        double to = (at->low + at->width - at->mean) / at->deviation;
        double above = aglm_normal_tail(from);
        t = (above - aglm_normal_tail((v - at->mean) / at->deviation)) /
            (above - aglm_normal_tail(to));
    }
    return t < 0.0 ? 0.0 : t > 1.0 ? 1.0 : t;
}

static double number_of(const aglm_gp_axis *at, double u)
{
    double from = (at->low - at->mean) / at->deviation;
    double to = (at->low + at->width - at->mean) / at->deviation;

    return at->normal ? at->mean + at->deviation * aglm_normal_cut_quantile(u, from, to)
                      : at->low + u * at->width;
}

aglm_rc aglm_gp_axes_init(aglm_gp_axes *a, const aglm_space *space, aglm_error *err)
{
    *a = (aglm_gp_axes){.space = space, .axis = aglm_calloc(space->n, sizeof *a->axis)};
    if (!a->axis)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu coordinates", space->n);
    for (size_t i = 0; i < space->n; i++) {
        const aglm_dist *d = &space->params[i].dist;
        if (d->low != d->high)
            a->axis[a->n++] = axis_of(&space->params[i], i);
    }
    return AGLM_OK;
}

void aglm_gp_axes_clear(aglm_gp_axes *a)
{
    free(a->axis);
    *a = (aglm_gp_axes){0};
}

double aglm_gp_axes_coordinate(const aglm_gp_axes *a, size_t axis, double value)
{
    const aglm_gp_axis *at = &a->axis[axis];

    if (isnan(value))
        return at->is_choice ? INACTIVE_CHOICE : INACTIVE_NUMBER;
    if (at->is_choice)
        return value;
    return unit_of(at, at->log ? aglm_log(value > at->least ? value : at->least) : value);
}

void aglm_gp_axes_encode(const aglm_gp_axes *a, const double *x, double *u)
{
    for (size_t i = 0; i < a->n; i++)
        u[i] = aglm_gp_axes_coordinate(a, i, x[a->axis[i].param]);
}

double aglm_gp_axes_value(const aglm_gp_axes *a, size_t axis, double u)
{
    const aglm_gp_axis *at = &a->axis[axis];
    const aglm_dist *d = &a->space->params[at->param].dist;

    if (at->is_choice)
        return u;
    double v = number_of(at, u);
    return aglm_dist_snap(d, at->log ? aglm_exp(v) : v);
}

double aglm_gp_axes_cell(const aglm_gp_axes *a, size_t axis)
{
    const aglm_gp_axis *at = &a->axis[axis];

    return at->count == 0 || at->log || at->normal ? 0.0 : 1.0 / (double)at->count;
}

double aglm_gp_axes_edge(const aglm_gp_axes *a, size_t axis)
{
    return 0.5 * aglm_gp_axes_cell(a, axis);
}

void aglm_gp_axes_decode(const aglm_gp_axes *a, const double *u, const double *base, aglm_rng *rng,
                         double *x)
{
    size_t axis = 0;

    for (size_t i = 0; i < a->space->n; i++) {
        const aglm_dist *d = &a->space->params[i].dist;
        bool modelled = axis < a->n && a->axis[axis].param == i;
        if (!aglm_space_active(a->space, x, i))
            x[i] = NAN;
        else if (!modelled)
            x[i] = d->low;
        else
            x[i] = isnan(base[i]) ? aglm_dist_sample(d, rng) : aglm_gp_axes_value(a, axis, u[axis]);
        axis += modelled;
    }
}
