#include "search/front.h"

#include <stdlib.h>

#include "base/memory.h"
#include "num/pareto.h"

static bool is_feasible(const aglm_trial *t)
{
    return !(t->violation > 0.0);
}

bool aglm_trial_feasible(const aglm_trial *t, size_t m)
{
    return t->state == AGLM_TRIAL_COMPLETE && t->n_values == m && is_feasible(t);
}

void aglm_trial_losses(const aglm_trial *t, const double *signs, size_t m, double *losses)
{
    for (size_t i = 0; i < m; i++)
        losses[i] = signs[i] * t->values[i];
}

/* The losses of the feasible ones, row after row. */
static size_t feasible_losses(const aglm_trial *const *trials, size_t n, const double *signs,
                              size_t m, double *losses)
{
    size_t feasible = 0;

    for (size_t i = 0; i < n; i++) {
        if (aglm_trial_feasible(trials[i], m))
            aglm_trial_losses(trials[i], signs, m, losses + feasible++ * m);
    }
    return feasible;
}

static aglm_rc no_memory(aglm_error *err, size_t n)
{
    return aglm_error_set(err, AGLM_NOMEM, "out of memory for the front of %zu trials", n);
}

/* rank: [n] of the feasible ones, in their order; */
static aglm_rc rank_feasible(const aglm_trial *const *trials, size_t n, const double *signs,
                             size_t m, size_t fronts, uint32_t *rank)
{
    double *losses = aglm_calloc(n, m * sizeof *losses);

    if (!losses)
        return AGLM_NOMEM;
    size_t feasible = feasible_losses(trials, n, signs, m, losses);
    aglm_rc rc = aglm_pareto_ranks(losses, feasible, m, fronts, rank);
    free(losses);
    return rc;
}

aglm_rc aglm_front_find(const aglm_trial *const *trials, size_t n, const double *signs, size_t m,
                        bool *on, aglm_error *err)
{
    uint32_t *rank = aglm_calloc(n, sizeof *rank);
    size_t at = 0;

    if (!rank || rank_feasible(trials, n, signs, m, 1, rank) != AGLM_OK) {
        free(rank);
        return no_memory(err, n);
    }
    for (size_t i = 0; i < n; i++)
        on[i] = aglm_trial_feasible(trials[i], m) && rank[at++] == 0;
    free(rank);
    return AGLM_OK;
}

aglm_rc aglm_front_ranks(const aglm_trial *const *trials, size_t n, const double *signs, size_t m,
                         uint32_t *rank, aglm_error *err)
{
    uint32_t *part = aglm_calloc(n, sizeof *part);
    double *violation = aglm_calloc(n, sizeof *violation);
    uint32_t first = 0;
    size_t feasible = 0;
    size_t others = 0;
    aglm_rc rc = part && violation ? AGLM_OK : AGLM_NOMEM;

    if (rc == AGLM_OK)
        rc = rank_feasible(trials, n, signs, m, SIZE_MAX, part);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        if (!is_feasible(trials[i])) {
            violation[others++] = trials[i]->violation;
            continue;
        }
        rank[i] = part[feasible++];
        first = rank[i] >= first ? rank[i] + 1 : first;
    }
    if (rc == AGLM_OK)
        rc = aglm_pareto_ranks(violation, others, 1, SIZE_MAX, part);
    for (size_t i = 0, at = 0; rc == AGLM_OK && i < n; i++) {
        if (!is_feasible(trials[i]))
            rank[i] = first + part[at++];
    }
    free(part);
    free(violation);
    return rc == AGLM_OK ? rc : no_memory(err, n);
}
