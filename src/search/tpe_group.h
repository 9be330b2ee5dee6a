/* search/tpe_group.h - TPE's model of the parameters that share a condition: two densities, of the
 * good trials and the others; with several objectives two for each parameter.
 * Threads: confined. */
#ifndef AGLM_SEARCH_TPE_GROUP_H
#define AGLM_SEARCH_TPE_GROUP_H

#include "search/history.h"

typedef struct aglm_tpe_group aglm_tpe_group;

/* params: indices in the history's space, n >= 1, none of a single value, copied. The history is
 * borrowed. */
aglm_rc aglm_tpe_group_new(aglm_tpe_group **out, const aglm_history *history, const size_t *params,
                           size_t n, size_t n_candidates, aglm_error *err);
void aglm_tpe_group_free(aglm_tpe_group *g);

/* The trial began or ended. Only trials that have all the group's parameters count. */
aglm_rc aglm_tpe_group_tell(aglm_tpe_group *g, const aglm_trial *t, aglm_error *err);
/* Draws the candidates from the density l of the good ones and orders them by log l - log g, best
 * first; where each parameter has densities of its own, each in an order of its own. */
aglm_rc aglm_tpe_group_draw(aglm_tpe_group *g, aglm_rng *rng, aglm_error *err);
/* Writes candidate i of that order into the point. */
void aglm_tpe_group_take(const aglm_tpe_group *g, size_t i, double *x);

#endif
