#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/pareto.h"
#include "search/front.h"
#include "search/study_priv.h"

size_t aglm_study_objectives(const aglm_study *s)
{
    return s->options.n_directions;
}

/* trials: all of them; those on the front move to its beginning, *n of them. */
static aglm_rc find_front(const aglm_study *s, const aglm_trial **trials, size_t size, size_t *n,
                          aglm_error *err)
{
    bool *on = aglm_calloc(size, sizeof *on);

    *n = 0;
    if (!on)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu trials", size);
    for (size_t i = 0; i < size; i++)
        trials[i] = aglm_history_trial(s->history, i);
    aglm_rc rc = aglm_front_find(trials, size, s->signs, s->options.n_directions, on, err);
    for (size_t i = 0; rc == AGLM_OK && i < size; i++) {
        if (on[i])
            trials[(*n)++] = trials[i];
    }
    free(on);
    return rc;
}

static aglm_rc front(aglm_study *s, aglm_arena *a, aglm_trial **out, size_t *n, aglm_error *err)
{
    size_t size = aglm_history_size(s->history);
    const aglm_trial **trials = aglm_calloc(size, sizeof *trials);
    aglm_rc rc = trials ? find_front(s, trials, size, n, err) : AGLM_NOMEM;

    *out = rc == AGLM_OK ? aglm_arena_array(a, *n, sizeof **out) : NULL;
    if (rc == AGLM_NOMEM || (rc == AGLM_OK && !*out))
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for the front of %zu trials", size);
    for (size_t i = 0; rc == AGLM_OK && i < *n; i++)
        rc = aglm_trial_copy(&(*out)[i], trials[i], s->space->n, a, err);
    free(trials);
    return rc;
}

aglm_rc aglm_study_front(aglm_study *s, aglm_arena *a, aglm_trial **out, size_t *n, aglm_error *err)
{
    pthread_mutex_lock(&s->lock);
    aglm_rc rc = front(s, a, out, n, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static bool extends_front(const aglm_study *s, const aglm_trial *t)
{
    size_t m = s->options.n_directions;
    double own[AGLM_STORE_MAX_OBJECTIVES];
    double other[AGLM_STORE_MAX_OBJECTIVES];

    if (!aglm_trial_feasible(t, m))
        return false;
    aglm_trial_losses(t, s->signs, m, own);
    for (size_t i = 0; i < aglm_history_size(s->history); i++) {
        const aglm_trial *rival = aglm_history_trial(s->history, i);
        if (rival == t || !aglm_trial_feasible(rival, m))
            continue;
        aglm_trial_losses(rival, s->signs, m, other);
        if (aglm_pareto_dominates(other, own, m) || memcmp(other, own, m * sizeof *own) == 0)
            return false;
    }
    return true;
}

bool aglm_study_extends_front(aglm_study *s, int64_t number)
{
    pthread_mutex_lock(&s->lock);
    const aglm_trial *t = number < 0 ? NULL : aglm_history_trial(s->history, (size_t)number);
    bool extends = t && extends_front(s, t);
    pthread_mutex_unlock(&s->lock);
    return extends;
}

aglm_rc aglm_study_front_numbers(aglm_study *s, int64_t *numbers, size_t cap, size_t *n,
                                 aglm_error *err)
{
    aglm_rc rc = AGLM_NOMEM;

    pthread_mutex_lock(&s->lock);
    size_t size = aglm_history_size(s->history);
    const aglm_trial **trials = aglm_calloc(size, sizeof *trials);
    *n = 0;
    if (trials)
        rc = find_front(s, trials, size, n, err);
    else
        aglm_error_set(err, rc, "out of memory for the front of %zu trials", size);
    for (size_t i = 0; rc == AGLM_OK && i < *n && i < cap; i++)
        numbers[i] = trials[i]->number;
    free(trials);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

aglm_rc aglm_study_result(aglm_study *s, int64_t number, double *values, double *x, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    pthread_mutex_lock(&s->lock);
    const aglm_trial *t = number < 0 ? NULL : aglm_history_trial(s->history, (size_t)number);
    if (!t || t->state != AGLM_TRIAL_COMPLETE)
        rc = aglm_error_set(err, AGLM_NOTFOUND, "no complete trial %lld in study \"%s\"",
                            (long long)number, s->name);
    if (rc == AGLM_OK && values)
        memcpy(values, t->values, t->n_values * sizeof *values);
    if (rc == AGLM_OK && x)
        memcpy(x, t->x, s->space->n * sizeof *x);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
