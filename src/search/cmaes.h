/* search/cmaes.h - the normal distribution that CMA-ES moves: drawing from it and learning from a
 * ranked generation.
 * Threads: confined.  Rules and constants: N. Hansen, "The CMA Evolution Strategy: A Tutorial"
 * (arXiv 1604.00772), with active covariance update; margins of discrete axes: Hamano, Saito,
 * Nomura and Shirakawa, "CMA-ES with Margin" (2022); over AGLM_CMAES_MAX_FULL axes only variances
 * are learned (Ros and Hansen 2008). Basic operations only, so the same bits everywhere. */
#ifndef AGLM_SEARCH_CMAES_H
#define AGLM_SEARCH_CMAES_H

#include <stdbool.h>
#include <stddef.h>

#include "autoglm/error.h"
#include "base/rng.h"

#define AGLM_CMAES_MAX_FULL 64

typedef struct aglm_cmaes aglm_cmaes;

typedef struct aglm_cmaes_start {
    size_t n;           /* axes, >= 1 */
    size_t population;  /* >= 4; see aglm_cmaes_population */
    double sigma;       /* standard deviation on every axis */
    const double *mean; /* [n] */
    const double *part; /* [n] of sigma, above 0, that an axis has; NULL: all of it */
} aglm_cmaes_start;

/* 4 + floor(ln n). The tutorial has 3 ln n; at the few hundred evaluations that a search has,
 * smaller generations end lower on nearly every problem, and restarts make up for the rest. */
size_t aglm_cmaes_population(size_t n);

aglm_rc aglm_cmaes_new(aglm_cmaes **out, const aglm_cmaes_start *start, aglm_error *err);
void aglm_cmaes_free(aglm_cmaes *m); /* NULL is fine */

/* One draw, its distance from the mean multiplied by `reach`. v: [n] */
void aglm_cmaes_draw(const aglm_cmaes *m, aglm_rng *rng, double reach, double *v);
/* A draw of one axis alone, cut to low..high (infinite: open). */
double aglm_cmaes_draw_within(const aglm_cmaes *m, aglm_rng *rng, size_t axis, double low,
                              double high);
double aglm_cmaes_mean(const aglm_cmaes *m, size_t axis);
/* Standard deviation of one axis. */
double aglm_cmaes_spread(const aglm_cmaes *m, size_t axis);
/* Shortens the step to a point that was not drawn from the distribution as it is now, so that it
 * cannot tear it apart (Hansen, "Injecting external solutions into CMA-ES", 2011). */
void aglm_cmaes_inject(const aglm_cmaes *m, double *v);

/* One generation: v [population][n], the best first. */
void aglm_cmaes_learn(aglm_cmaes *m, const double *const *v);
/* The mean of a discrete axis lies in the cell low..high; -INFINITY or INFINITY at the ends of the
 * axis. Keeps at least the margin's probability outside of that cell. */
void aglm_cmaes_keep_margin(aglm_cmaes *m, size_t axis, double low, double high);
/* Is the distribution so narrow, or so oblong, that doubles end? */
bool aglm_cmaes_is_spent(const aglm_cmaes *m);

#endif
