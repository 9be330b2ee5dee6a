/* hpo_problem.h - functions whose least value is known, and their spaces, for bench/hpo.c.
 * Threads: immutable; a table of numbers is the caller's.
 *
 * Known ones are those of the peers' protocol and a few beside them, which guided the samplers'
 * rules; held-out ones are of the same kinds and did not until
 * auto's rule for steep objectives, which one of them led to; fresh ones came after all rules. */
#ifndef AGLM_BENCH_HPO_PROBLEM_H
#define AGLM_BENCH_HPO_PROBLEM_H

#include <stddef.h>

#define HPO_MAX_DIMS 32

typedef struct hpo_problem {
    const char *name;
    double (*value)(const double *x, size_t d); /* regret: the least value is 0 */
    size_t d;                                   /* of the cube low..high; 0: space stands */
    double low, high;
    const char *space; /* as aglm_space_parse takes it */
    double noise;      /* standard deviation of what is added to the value that is told */
} hpo_problem;

const hpo_problem *hpo_known(size_t *n);
const hpo_problem *hpo_held_out(size_t *n);
const hpo_problem *hpo_fresh(size_t *n);

/* The optimum of shifted functions: off the middle, different on every axis. */
double hpo_shifted(size_t i, double half);
/* x - shift turned by half an angle in every plane of two neighbours: no axis is left alone. */
void hpo_turn(const double *x, size_t d, double *z);

/* Shared by both sets. */
double hpo_branin(const double *x, size_t d);
double hpo_hartmann6(const double *x, size_t d);
double hpo_griewank(const double *x, size_t d);
double hpo_levy(const double *x, size_t d);
double hpo_sphere(const double *x, size_t d);

#endif
