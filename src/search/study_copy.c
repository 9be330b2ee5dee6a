#include "search/study_copy.h"

#include "search/stored.h"

#define ARENA_MAX ((size_t)1 << 32)

static aglm_rc copy_attrs(const aglm_study_place *from, int64_t old, const aglm_study_place *to,
                          int64_t made, aglm_error *err)
{
    aglm_arena arena;
    aglm_attr_row *attrs;
    size_t n = 0;

    aglm_arena_init(&arena, ARENA_MAX);
    aglm_rc rc = aglm_store_study_attrs(from->store, old, &arena, &attrs, &n, err);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        rc = aglm_store_study_set_attr(to->store, made, &attrs[i], err);
    aglm_arena_clear(&arena);
    return rc;
}

static aglm_rc copy_trial(aglm_store *to, int64_t made, const aglm_trial_row *row, aglm_error *err)
{
    aglm_trial_row copy = *row;

    copy.id = copy.number = 0;
    if (copy.state == AGLM_TRIAL_RUNNING) {
        copy.state = AGLM_TRIAL_FAIL;
        copy.completed = copy.started;
        copy.n_values = 0;
    }
    return aglm_store_trial_new(to, made, &copy, 0, err);
}

static aglm_rc copy_trials(const aglm_study_place *from, int64_t old, const aglm_study_place *to,
                           int64_t made, size_t *n, aglm_error *err)
{
    aglm_arena arena;
    aglm_trial_row *rows;

    aglm_arena_init(&arena, ARENA_MAX);
    aglm_rc rc = aglm_store_trials(from->store, old, 0, &arena, &rows, n, err);
    for (size_t i = 0; rc == AGLM_OK && i < *n; i++)
        rc = copy_trial(to->store, made, &rows[i], err);
    aglm_arena_clear(&arena);
    return rc;
}

aglm_rc aglm_study_copy(const aglm_study_place *from, const aglm_study_place *to, size_t *n,
                        aglm_error *err)
{
    aglm_study_row study;
    size_t copied = 0;
    int64_t made;
    aglm_rc rc = aglm_stored_study(from->store, from->name, &study, err);

    if (rc == AGLM_OK)
        rc = aglm_store_study_new(to->store, to->name, study.directions, study.n_directions, &made,
                                  err);
    if (rc != AGLM_OK)
        return rc;
    rc = copy_attrs(from, study.id, to, made, err);
    if (rc == AGLM_OK)
        rc = copy_trials(from, study.id, to, made, &copied, err);
    if (rc != AGLM_OK)
        aglm_store_study_delete(to->store, made, NULL);
    if (n)
        *n = copied;
    return rc;
}
