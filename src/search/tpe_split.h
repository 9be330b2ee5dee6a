/* search/tpe_split.h - which of the finished trials are the good ones, by the rules of Optuna 5.
 * Threads: confined. */
#ifndef AGLM_SEARCH_TPE_SPLIT_H
#define AGLM_SEARCH_TPE_SPLIT_H

#include "search/history.h"

typedef struct aglm_tpe_split aglm_tpe_split;

/* The history is borrowed. */
aglm_rc aglm_tpe_split_new(aglm_tpe_split **out, const aglm_history *history, aglm_error *err);
void aglm_tpe_split_free(aglm_tpe_split *s);

/* A trial that ended COMPLETE or PRUNED; what is good depends on the set of them alone. */
aglm_rc aglm_tpe_split_add(aglm_tpe_split *s, const aglm_trial *t, aglm_error *err);

/* The numbers of the good ones, until the next call: of N trials the best ceil(N / 10), with one
 * objective at most 25. Feasible COMPLETE ones come first: by their loss, or with several
 * objectives front after front, and of the last one those whose union dominates most
 * (aglm_hypervolume_subset) up to a point a tenth beyond its worst values; then PRUNED ones by
 * their last step, later ones first, and what they reported there; then infeasible ones by their
 * violation. */
aglm_rc aglm_tpe_split_good(aglm_tpe_split *s, const uint32_t **good, size_t *n, aglm_error *err);

#endif
