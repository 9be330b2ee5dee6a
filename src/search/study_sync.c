#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/study_priv.h"

#define MAX_ROW_BYTES ((size_t)1 << 30)
#define MAX_OPEN ((size_t)1 << 26)

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

static aglm_rc take_row(aglm_study *s, const aglm_trial_row *row, aglm_arena *a, aglm_error *err)
{
    const aglm_trial *known = row->number < 0 ? NULL
                                              : aglm_history_trial(s->history, (size_t)row->number);
    aglm_stored_reader r = {s->space, s->dist_json, s->signs[0], a, s->options.n_directions};
    aglm_trial now;

    if (!known || aglm_trial_finished(known) || known->state == row->state)
        return AGLM_OK;
    aglm_rc rc = aglm_stored_trial(&r, row, &now, err);
    return rc == AGLM_OK ? take_change(s, known, &now, err) : rc;
}

/* Takes in those of the marked trials that changed; *taken may be NULL. */
static aglm_rc take_marked(aglm_study *s, const aglm_trial_mark *marks, size_t n, size_t *taken,
                           aglm_error *err)
{
    const aglm_trial_marks known = {marks, n};
    aglm_trial_row *rows;
    size_t changed;
    aglm_arena arena;

    aglm_arena_init(&arena, MAX_ROW_BYTES);
    aglm_rc rc = aglm_store_trials_changed(s->store, &known, &arena, &rows, &changed, err);
    for (size_t i = 0; rc == AGLM_OK && i < changed; i++)
        rc = take_row(s, &rows[i], &arena, err);
    aglm_arena_clear(&arena);
    if (taken)
        *taken = changed;
    return rc;
}

/* Trials are looked at once, and leave the list when they are found finished. */
static aglm_rc list_open(aglm_study *s, aglm_error *err)
{
    size_t size = aglm_history_size(s->history);
    size_t kept = 0;

    for (size_t i = 0; i < s->n_open; i++) {
        if (!aglm_trial_finished(aglm_history_trial(s->history, s->open[i])))
            s->open[kept++] = s->open[i];
    }
    s->n_open = kept;
    for (; s->listed < size; s->listed++) {
        if (aglm_trial_finished(aglm_history_trial(s->history, s->listed)))
            continue;
        aglm_rc rc = aglm_grow(&s->open, &s->open_cap, s->n_open + 1, sizeof *s->open, MAX_OPEN);
        if (rc != AGLM_OK)
            return aglm_error_set(err, rc, "study \"%s\": its open trials: %s", s->name,
                                  aglm_rc_text(rc));
        s->open[s->n_open++] = s->listed;
    }
    return AGLM_OK;
}

aglm_rc aglm_study_mark_open(aglm_study *s, bool mine, size_t *n, aglm_error *err)
{
    aglm_rc rc = list_open(s, err);

    *n = 0;
    if (rc != AGLM_OK)
        return rc;
    rc = aglm_grow(&s->marks, &s->marks_cap, s->n_open + 1, sizeof *s->marks, MAX_OPEN);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "study \"%s\": its open trials: %s", s->name,
                              aglm_rc_text(rc));
    for (size_t i = 0; i < s->n_open; i++) {
        const aglm_trial *t = aglm_history_trial(s->history, s->open[i]);
        if (((s->flags[s->open[i]] & AGLM_STUDY_MINE) != 0) == mine)
            s->marks[(*n)++] = (aglm_trial_mark){t->id, t->state};
    }
    return AGLM_OK;
}

aglm_rc aglm_study_refresh(aglm_study *s, aglm_error *err)
{
    size_t n;
    aglm_rc rc = aglm_study_mark_open(s, false, &n, err);

    return rc == AGLM_OK ? take_marked(s, s->marks, n, NULL, err) : rc;
}

aglm_rc aglm_study_take_end(aglm_study *s, int64_t number, aglm_error *err)
{
    const aglm_trial *t = aglm_history_trial(s->history, (size_t)number);
    aglm_trial_mark mark = {t->id, t->state};
    size_t taken = 0;
    aglm_rc rc = take_marked(s, &mark, 1, &taken, err);

    if (rc != AGLM_OK || taken == 0)
        return rc;
    s->flags[number] &= (uint8_t)~AGLM_STUDY_MINE;
    return AGLM_DONE;
}

static aglm_rc sync_trials(aglm_study *s, aglm_error *err)
{
    aglm_rc rc = aglm_study_refresh(s, err);

    return rc == AGLM_OK ? aglm_study_catch_up(s, INT64_MAX, err) : rc;
}

static aglm_rc take_over(aglm_study *s, aglm_error *err)
{
    int64_t *ids = NULL;
    size_t n = 0;
    aglm_rc rc = aglm_study_reap(s, &ids, &n, err);

    if (rc == AGLM_OK && n > 0)
        rc = sync_trials(s, err);
    if (rc == AGLM_OK)
        rc = aglm_study_retry_dead(s, ids, n, err);
    free(ids);
    return rc;
}

aglm_rc aglm_study_take_over(aglm_study *s, aglm_error *err)
{
    pthread_mutex_lock(&s->lock);
    aglm_rc rc = take_over(s, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

aglm_rc aglm_study_sync(aglm_study *s, aglm_error *err)
{
    pthread_mutex_lock(&s->lock);
    aglm_rc rc = sync_trials(s, err);
    if (rc == AGLM_OK && aglm_study_reap_due(s))
        rc = take_over(s, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

size_t aglm_study_count_points(aglm_study *s)
{
    for (; s->counted < aglm_history_size(s->history); s->counted++)
        s->points += aglm_trial_retry_of(aglm_history_trial(s->history, s->counted)) < 0;
    return s->points;
}

size_t aglm_study_points(aglm_study *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = aglm_study_count_points(s);
    pthread_mutex_unlock(&s->lock);
    return n;
}

static int64_t retry_of(const aglm_study *s, int64_t number)
{
    return aglm_trial_retry_of(aglm_history_trial(s->history, (size_t)number));
}

aglm_rc aglm_study_retry_point(aglm_study *s, int64_t number, unsigned most, aglm_error *err)
{
    bool known = number >= 0 && (size_t)number < aglm_history_size(s->history);
    const aglm_trial *t = known ? aglm_history_trial(s->history, (size_t)number) : NULL;
    unsigned tries = 0;

    if (!t || t->state != AGLM_TRIAL_FAIL)
        return aglm_error_set(err, AGLM_INVALID, "trial %lld of study \"%s\" has not failed",
                              (long long)number, s->name);
    /* Another program may have written any number: chains lead back in time or end. */
    for (int64_t at = number, of; (of = retry_of(s, at)) >= 0 && of < at; at = of)
        tries++;
    if (tries >= most)
        return AGLM_DONE;
    return aglm_study_enqueue_as(s, t->x, number, NULL, err);
}

aglm_rc aglm_study_retry(aglm_study *s, int64_t number, unsigned most, aglm_error *err)
{
    pthread_mutex_lock(&s->lock);
    aglm_rc rc = aglm_study_retry_point(s, number, most, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
