/* search/importance.h - which parameters the good trials set differently from the rest.
 * Threads: pure functions. */
#ifndef AGLM_SEARCH_IMPORTANCE_H
#define AGLM_SEARCH_IMPORTANCE_H

#include "search/history.h"

#define AGLM_IMPORTANCE_MAX 16

typedef struct aglm_importance {
    const char *name; /* the space's */
    double share;     /* shares of all parameters add up to 1 */
} aglm_importance;

/* PED-ANOVA (Watanabe, Bansal and Hutter 2023, eq. 11): the Pearson divergence of each parameter's
 * density among the better half of the COMPLETE trials from its density among all of them where it
 * is active. Densities are histograms with add-one smoothing (numbers: ten cells of the domain, in
 * log where log is set; choices: themselves). Fills the largest AGLM_IMPORTANCE_MAX, descending;
 * returns their number, 0 with fewer than four trials. */
size_t aglm_importance_top(const aglm_space *space, const aglm_trial *trials, size_t n,
                           aglm_importance out[AGLM_IMPORTANCE_MAX]);

#endif
