/* search/importance.h - how much each parameter matters to the loss of a study's trials.
 * Threads: pure functions. */
#ifndef AGLM_SEARCH_IMPORTANCE_H
#define AGLM_SEARCH_IMPORTANCE_H

#include "search/history.h"

typedef struct aglm_importance {
    const char *name; /* the space's */
    size_t param;     /* its index there */
    double share;     /* shares of all parameters add up to 1 */
} aglm_importance;

typedef struct aglm_importance_source {
    const aglm_space *space;
    const aglm_trial *trials;
    size_t n;
    const double *loss; /* [n] smaller is better, NaN: left out; NULL: the trials' own */
} aglm_importance_source;

/* What evaluators read: the COMPLETE trials with a finite loss, two at least. */
typedef struct aglm_importance_rows {
    const aglm_space *space;
    const double *const *x; /* [n] points */
    const double *loss;     /* [n] */
    size_t n;
} aglm_importance_rows;

typedef struct aglm_importance_ops {
    const char *name;
    /* weight: [space->n], zeroed before; what is left is 0 or more and finite. */
    aglm_rc (*weigh)(const aglm_importance_rows *rows, double *weight, aglm_error *err);
} aglm_importance_ops;

/* PED-ANOVA (Watanabe, Bansal and Hutter 2023, eq. 11) as Optuna 5 evaluates it by default: the
 * Pearson divergence of each parameter's density among the best tenth of the trials from its
 * density among all where it is active, times alpha^2 / beta, the squared share of the best that
 * have the parameter over the share of all that do (Kaito and others 2026, theorem 4.2). Densities
 * are Parzen estimates on a grid of at most 50 cells with Scott's bandwidth. A parameter whose
 * bounds changed during the study is taken over the widest. */
extern const aglm_importance_ops aglm_importance_ped_anova;
/* fANOVA (Hutter, Hoos and Leyton-Brown 2014): the share of a random forest's variance over the
 * space that each parameter explains alone, exact by the leaves' boxes, mean of 64 trees. Numbers
 * are measured in the distribution's own scale (log where log is set), choices weigh alike, those
 * past the 63rd as one. Parameters that are active in the same trials are judged by a forest of
 * their own over these, and weigh by the share of the variance that lies there. */
extern const aglm_importance_ops aglm_importance_fanova;

/* "ped-anova" or "fanova"; NULL when there is none of that name. */
const aglm_importance_ops *aglm_importance_find(const char *name);

/* Fills out ([space->n]) with the parameters that these trials have, largest share first; *n_out
 * gets their number, 0 when fewer than two trials have a finite loss. Where nothing tells the
 * parameters apart, shares are equal. */
aglm_rc aglm_importance_rank(const aglm_importance_ops *ops, const aglm_importance_source *source,
                             aglm_importance *out, size_t *n_out, aglm_error *err);

#endif
