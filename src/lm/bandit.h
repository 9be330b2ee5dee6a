/* lm/bandit.h - which of several settings is tried next: Thompson sampling with a floor.
 * Threads: pure functions.
 *
 * The rewards of an arm are taken as normal with unknown mean and variance; its prior is
 * normal-inverse-gamma, so the posterior of the mean is Student's t (Murphy 2007, section 3;
 * Thompson 1933; Agrawal and Goyal 2013). A draw is made from each, and the largest wins. An arm is
 * left out while its posterior mean lies further below the best one than `floor`, once it has been
 * tried AGLM_BANDIT_TRIES times: what is known to be bad is not tried on somebody's request. */
#ifndef AGLM_LM_BANDIT_H
#define AGLM_LM_BANDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

#define AGLM_BANDIT_TRIES 3

typedef struct aglm_bandit_arm {
    double n, mean, m2; /* rewards 0..1 so far: their number, mean, sum of squares around it */
    double prior;       /* expected reward before any */
    /* filled by aglm_bandit_choose */
    double posterior; /* expected reward now */
    double spread;    /* standard deviation of that expectation */
    double draw;
    bool left_out;
} aglm_bandit_arm;

typedef struct aglm_bandit_options {
    double floor;        /* 0..1; 1: none */
    double prior_weight; /* of the prior, in rewards */
    bool greedy;         /* the best posterior mean, no draw */
} aglm_bandit_options;

/* The arm, < n; n > 0. Ties go to the first. */
size_t aglm_bandit_choose(aglm_bandit_arm *arms, size_t n, const aglm_bandit_options *o,
                          aglm_rng *rng);

#endif
