#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/study_priv.h"

#define MAX_ROW_BYTES ((size_t)1 << 28)

static aglm_rc take_steps(aglm_study *s, const aglm_trial *now, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;
    bool ignored;

    for (size_t i = 0; rc == AGLM_OK && i < now->n_steps; i++) {
        const aglm_step_row *step = &now->steps[i];
        if (aglm_history_report(s->history, (size_t)now->number, step->step, step->value, NULL) !=
            AGLM_OK)
            continue; /* known already */
        rc = s->options.pruner->report(s->pruner, now->number, step->step,
                                       s->signs[0] * step->value, &ignored, err);
    }
    return rc;
}

static aglm_rc take_attrs(aglm_study *s, const aglm_trial *now, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < now->n_attrs; i++)
        rc = aglm_history_set_attr(s->history, (size_t)now->number, &now->attrs[i], err);
    aglm_history_set_violation(s->history, (size_t)now->number, now->violation);
    return rc;
}

/* A trial of another process went on since it was read. */
static aglm_rc take_change(aglm_study *s, const aglm_trial *known, const aglm_trial *now,
                           aglm_error *err)
{
    size_t number = (size_t)now->number;
    aglm_rc rc = AGLM_OK;

    if (known->state == AGLM_TRIAL_WAITING) {
        rc = aglm_history_set_point(s->history, number, now->x, err);
        if (rc != AGLM_OK)
            return rc;
        aglm_history_start(s->history, number, now->started_s);
    }
    if (aglm_trial_finished(now)) {
        rc = take_steps(s, now, err);
        if (rc == AGLM_OK)
            rc = take_attrs(s, now, err);
        if (rc == AGLM_OK)
            rc = aglm_history_finish(s->history, number, now->state, now->values, now->n_values,
                                     now->duration_s);
    }
    if (rc != AGLM_OK || !s->options.sampler->tell)
        return rc;
    return s->options.sampler->tell(s->sampler, aglm_history_trial(s->history, number), err);
}

static aglm_rc refresh(aglm_study *s, const aglm_trial *known, aglm_error *err)
{
    aglm_trial_row row;
    aglm_trial now;
    aglm_arena arena;

    aglm_arena_init(&arena, MAX_ROW_BYTES);
    aglm_rc rc = aglm_store_trial_get(s->store, known->id, &arena, &row, err);
    if (rc == AGLM_OK && row.state != known->state) {
        aglm_stored_reader r = {s->space, s->dist_json, s->signs[0], &arena,
                                s->options.n_directions};
        rc = aglm_stored_trial(&r, &row, &now, err);
        if (rc == AGLM_OK)
            rc = take_change(s, known, &now, err);
    }
    aglm_arena_clear(&arena);
    return rc;
}

static aglm_rc sync_trials(aglm_study *s, aglm_error *err)
{
    size_t known = aglm_history_size(s->history);
    bool all_finished = true;

    for (size_t i = s->open_from; i < known; i++) {
        const aglm_trial *t = aglm_history_trial(s->history, i);
        if (!aglm_trial_finished(t) && !(s->flags[i] & AGLM_STUDY_MINE)) {
            aglm_rc rc = refresh(s, t, err);
            if (rc != AGLM_OK)
                return rc;
        }
        all_finished = all_finished && aglm_trial_finished(aglm_history_trial(s->history, i));
        if (all_finished)
            s->open_from = i + 1;
    }
    return aglm_study_catch_up(s, INT64_MAX, err);
}

aglm_rc aglm_study_sync(aglm_study *s, aglm_error *err)
{
    pthread_mutex_lock(&s->lock);
    aglm_rc rc = sync_trials(s, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* The trial that this one tries again, -1 when it is the first of its point. */
static int64_t first_try(const aglm_trial *t)
{
    const char *json = aglm_trial_attr(t, AGLM_ATTR_RETRY_OF, true);

    return json ? strtoll(json, NULL, 10) : -1;
}

size_t aglm_study_points(aglm_study *s)
{
    pthread_mutex_lock(&s->lock);
    for (; s->counted < aglm_history_size(s->history); s->counted++)
        s->points += first_try(aglm_history_trial(s->history, s->counted)) < 0;
    size_t n = s->points;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static aglm_rc retry(aglm_study *s, int64_t number, unsigned most, aglm_error *err)
{
    bool known = number >= 0 && (size_t)number < aglm_history_size(s->history);
    const aglm_trial *t = known ? aglm_history_trial(s->history, (size_t)number) : NULL;
    unsigned tries = 0;

    if (!t || t->state != AGLM_TRIAL_FAIL)
        return aglm_error_set(err, AGLM_INVALID, "trial %lld of study \"%s\" has not failed",
                              (long long)number, s->name);
    for (const aglm_trial *at = t; at && first_try(at) >= 0 && first_try(at) < at->number; tries++)
        at = aglm_history_trial(s->history, (size_t)first_try(at));
    if (tries >= most)
        return AGLM_DONE;
    return aglm_study_enqueue_as(s, t->x, number, NULL, err);
}

aglm_rc aglm_study_retry(aglm_study *s, int64_t number, unsigned most, aglm_error *err)
{
    pthread_mutex_lock(&s->lock);
    aglm_rc rc = retry(s, number, most, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
