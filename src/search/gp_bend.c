#include "search/gp_bend.h"

#include <string.h>

#include "num/dense.h"
#include "search/normal.h"

#define MARGIN 1e-6 /* of t to 0 and 1, where slopes are infinite */

struct bend {
    double a, b;
};

static bool is_bent(const aglm_gp *gp, size_t j)
{
    return gp->bent && !gp->is_choice[j];
}

static struct bend bend_of(const aglm_gp *gp, size_t j)
{
    const double *log_a = gp->theta + gp->n_dims + 2;

    return (struct bend){.a = aglm_exp(log_a[j]), .b = aglm_exp(log_a[gp->n_dims + j])};
}

/* by: derivatives by log a and log b. */
static double bend_by(struct bend c, double u, double by[2])
{
    double log_t = aglm_log(MARGIN + (1.0 - 2.0 * MARGIN) * u);
    double power = aglm_exp(c.a * log_t);
    double log_rest = aglm_log(1.0 - power);
    double above = aglm_exp(c.b * log_rest);

    by[0] = c.b * above / (1.0 - power) * power * c.a * log_t;
    by[1] = -above * c.b * log_rest;
    return 1.0 - above;
}

double aglm_gp_bend(const aglm_gp *gp, size_t j, double u)
{
    double by[2];

    return is_bent(gp, j) ? bend_by(bend_of(gp, j), u, by) : u;
}

static double inside(double t)
{
    return t < MARGIN ? MARGIN : t > 1.0 - MARGIN ? 1.0 - MARGIN : t;
}

double aglm_gp_unbend(const aglm_gp *gp, size_t j, double v)
{
    if (!is_bent(gp, j))
        return v;
    struct bend c = bend_of(gp, j);
    double above = v < 1.0 ? aglm_exp(aglm_log(1.0 - v) / c.b) : 0.0;
    double t = above < 1.0 ? aglm_exp(aglm_log(1.0 - above) / c.a) : 0.0;
    return (inside(t) - MARGIN) / (1.0 - 2.0 * MARGIN);
}

void aglm_gp_bend_points(aglm_gp *gp, size_t n)
{
    for (size_t j = 0; j < gp->n_dims; j++) {
        size_t at = j * gp->cap;
        if (!is_bent(gp, j)) {
            memcpy(gp->u + at, gp->given + at, n * sizeof *gp->u);
            continue;
        }
        struct bend c = bend_of(gp, j);
        for (size_t i = at; i < at + n; i++) {
            double by[2];
            gp->u[i] = bend_by(c, gp->given[i], by);
            gp->by_bend[0][i] = by[0];
            gp->by_bend[1][i] = by[1];
        }
    }
}
