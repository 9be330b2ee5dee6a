#include "search/gp_axes.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "num/dense.h"
#include "search/normal.h"

#define INACTIVE_NUMBER 0.5
#define INACTIVE_CHOICE (-1.0)

static aglm_gp_axis axis_of(const aglm_dist *d, size_t param)
{
    aglm_gp_axis a = {
        .param = param, .is_choice = d->kind == AGLM_DIST_CHOICE, .count = aglm_dist_count(d)};
    double half = d->step / 2.0;
    double low = d->low - half;
    double high = d->high + half;

    a.low = d->log ? aglm_log(low) : low;
    a.width = (d->log ? aglm_log(high) : high) - a.low;
    return a;
}

aglm_rc aglm_gp_axes_init(aglm_gp_axes *a, const aglm_space *space, aglm_error *err)
{
    *a = (aglm_gp_axes){.space = space, .axis = aglm_calloc(space->n, sizeof *a->axis)};
    if (!a->axis)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu coordinates", space->n);
    for (size_t i = 0; i < space->n; i++) {
        const aglm_dist *d = &space->params[i].dist;
        if (d->low != d->high)
            a->axis[a->n++] = axis_of(d, i);
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
    double v = a->space->params[at->param].dist.log ? aglm_log(value) : value;
    double u = (v - at->low) / at->width;
    return u < 0.0 ? 0.0 : u > 1.0 ? 1.0 : u;
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
    double v = at->low + u * at->width;
    return aglm_dist_snap(d, d->log ? aglm_exp(v) : v);
}

double aglm_gp_axes_edge(const aglm_gp_axes *a, size_t axis)
{
    const aglm_gp_axis *at = &a->axis[axis];
    const aglm_dist *d = &a->space->params[at->param].dist;

    return at->count == 0 || d->log ? 0.0 : 0.5 / (double)at->count;
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
