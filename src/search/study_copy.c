#include "search/study_copy.h"

#include <string.h>

#include "search/stored.h"

#define ARENA_MAX ((size_t)1 << 34)

aglm_rc aglm_study_whole_read(aglm_study_whole *out, const aglm_study_place *from, aglm_arena *a,
                              aglm_error *err)
{
    aglm_study_row study;
    aglm_attr_row *attrs = NULL;

    memset(out, 0, sizeof *out);
    aglm_rc rc = aglm_stored_study(from->store, from->name, &study, err);
    if (rc == AGLM_OK)
        rc = aglm_store_study_attrs(from->store, study.id, a, &attrs, &out->n_attrs, err);
    if (rc == AGLM_OK)
        rc = aglm_store_trials(from->store, study.id, 0, a, &out->trials, &out->n_trials, err);
    if (rc != AGLM_OK)
        return rc;
    out->name = from->name;
    out->attrs = attrs;
    out->n_directions = study.n_directions;
    memcpy(out->directions, study.directions, sizeof study.directions);
    for (size_t i = 0; i < out->n_trials; i++) {
        aglm_trial_row *row = &out->trials[i];
        if (row->state != AGLM_TRIAL_RUNNING)
            continue;
        row->state = AGLM_TRIAL_FAIL;
        row->completed = row->started;
        row->n_values = 0;
    }
    return AGLM_OK;
}

aglm_rc aglm_study_copy(const aglm_study_place *from, const aglm_study_place *to, bool append,
                        size_t *n, aglm_error *err)
{
    aglm_study_whole whole;
    aglm_arena arena;

    aglm_arena_init(&arena, ARENA_MAX);
    aglm_rc rc = aglm_study_whole_read(&whole, from, &arena, err);
    whole.name = to->name;
    if (rc == AGLM_OK)
        rc = aglm_store_study_add(to->store, &whole, append, err);
    if (rc == AGLM_OK && n)
        *n = whole.n_trials;
    aglm_arena_clear(&arena);
    return rc;
}
