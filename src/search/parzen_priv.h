/* search/parzen_priv.h - one dimension of a Parzen estimator, shared by parzen.c and, where it is
 * discrete, parzen_lattice.c.
 * Threads: confined to the estimator's. */
#ifndef AGLM_SEARCH_PARZEN_PRIV_H
#define AGLM_SEARCH_PARZEN_PRIV_H

#include "search/distribution.h"
#include "search/normal.h"
#include "search/parzen_kernel.h"

/* Different gaps between n values of a lattice add up to its length, so there are at most sqrt(2 n)
 * of them: 22 for 256 values, and a few bandwidths more. */
#define AGLM_PARZEN_SHAPES 32
#define AGLM_SQRT_2 1.41421356237309504880
#define AGLM_PARZEN_NO_ROW UINT32_MAX

struct cell_mass;

/* Kernel 0 is the prior; observation i is kernel i + 1. */
struct aglm_parzen_dim {
    aglm_dist dist;
    double low, high; /* of the modelled domain: in log, half a step wider */
    double *mu;
    double *inv;    /* 1 / (sigma sqrt 2) */
    double *scale;  /* log of 1 / (sigma sqrt(2 pi)) */
    double *norm;   /* what the dimension adds to the exponent at every point */
    float *near_mu; /* mu and inv in shares of the domain; a choice as it is */
    float *near_inv;
    aglm_normal_range *range; /* of the domain in bandwidths; below is NaN until first asked for */
    uint32_t *sorted;         /* kernels 1.. by (mu, age) */
    uint32_t *row;            /* lattice: where the kernel's masses are in a term's table */
    /* Lattices that are large or log: rows are classes of equal (mu, inv). */
    uint32_t *kernel; /* one of each class */
    size_t n_rows;
    double *table; /* [rows] masses of the cells of one point */
    struct cell_mass *memo;
    /* Even lattices: masses depend on the distance alone, so a row is (shape, value). */
    size_t values;  /* 0: not even */
    double *masses; /* [AGLM_PARZEN_SHAPES][2 values - 1], by value of kernel - value of point;
                       shape 0 is the prior's, whose middle may lie between two values */
    double shape_inv[AGLM_PARZEN_SHAPES];
    size_t n_shapes;
    double last_inv, last_log; /* many kernels share the smallest bandwidth: log(1 / sigma) */
};

static inline bool is_choice(const struct aglm_parzen_dim *d)
{
    return d->dist.kind == AGLM_DIST_CHOICE;
}

static inline bool is_lattice(const struct aglm_parzen_dim *d)
{
    return !is_choice(d) && d->dist.step > 0.0;
}

static inline bool is_even(const struct aglm_parzen_dim *d)
{
    return d->values > 0;
}

/* The bandwidth that no kernel goes below where n are there besides the prior. */
static inline double smallest_sigma(const struct aglm_parzen_dim *d, size_t n)
{
    double kernels = (double)(n + 1);

    return (d->high - d->low) / (1.0 + kernels < 100.0 ? 1.0 + kernels : 100.0);
}

/* For aglm_parzen_term's near_mu and near_x. */
static inline float near_place(const struct aglm_parzen_dim *d, double mu)
{
    return (float)(is_choice(d) ? mu : (mu - d->low) / (d->high - d->low));
}

/* What lattices have of their own; parzen.c frees it. false: out of memory. */
bool aglm_parzen_lattice_init(struct aglm_parzen_dim *d);
/* Brings the rows of the prior and n kernels up to date with their mu and sigma. */
void aglm_parzen_lattice_rows(struct aglm_parzen_dim *d, size_t n);
/* What x adds to the exponents; good until the rows change. */
void aglm_parzen_lattice_term(struct aglm_parzen_dim *d, size_t n, double x, aglm_parzen_term *t);

#endif
