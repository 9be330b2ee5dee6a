#include "search/warm_start.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/front.h"
#include "search/study_priv.h"

#define MAX_STUDY_BYTES ((size_t)1 << 34)
#define MAX_NOTE_BYTES 4096

/* The other study, read. */
struct source {
    const char *name;
    aglm_arena arena;
    aglm_space *space;
    aglm_trial *trials; /* complete ones, the best first */
    size_t n;
};

static int by_worth(const void *a, const void *b)
{
    return aglm_trial_better(a, b) ? -1 : 1;
}

/* With several objectives the front is best, then the front of the rest, and so on. */
static aglm_rc rank_trials(struct source *o, const aglm_study *s, aglm_error *err)
{
    const aglm_trial **list = aglm_arena_array(&o->arena, o->n, sizeof *list);
    uint32_t *rank = aglm_arena_array(&o->arena, o->n, sizeof *rank);

    if (!list || !rank)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu trials", o->n);
    for (size_t i = 0; i < o->n; i++)
        list[i] = &o->trials[i];
    aglm_rc rc = aglm_front_ranks(list, o->n, s->signs, s->options.n_directions, rank, err);
    for (size_t i = 0; rc == AGLM_OK && i < o->n; i++)
        o->trials[i].loss = rank[i];
    return rc;
}

static aglm_rc read_trials(struct source *o, const aglm_study *s, aglm_store *store, int64_t id,
                           aglm_error *err)
{
    aglm_stored_reader r = {.space = o->space,
                            .sign = s->signs[0],
                            .arena = &o->arena,
                            .objectives = s->options.n_directions};
    aglm_trial_row *rows;
    size_t n;
    aglm_rc rc = aglm_store_trials(store, id, 0, &o->arena, &rows, &n, err);

    if (rc != AGLM_OK)
        return rc;
    o->trials = aglm_arena_array(&o->arena, n, sizeof *o->trials);
    if (!o->trials)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu trials", n);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        if (rows[i].state == AGLM_TRIAL_COMPLETE)
            rc = aglm_stored_trial(&r, &rows[i], &o->trials[o->n++], err);
    }
    if (rc == AGLM_OK && s->options.n_directions > 1)
        rc = rank_trials(o, s, err);
    if (rc == AGLM_OK && o->n > 1)
        qsort(o->trials, o->n, sizeof *o->trials, by_worth);
    return rc;
}

static aglm_rc read_source(struct source *o, const aglm_study *s, aglm_store *store,
                           aglm_error *err)
{
    aglm_study_row row;
    size_t shared = 0;
    aglm_rc rc = aglm_stored_study(store, o->name, &row, err);

    if (rc == AGLM_OK && row.n_directions != s->options.n_directions)
        rc = aglm_error_set(err, AGLM_INVALID, "study \"%.128s\" has %zu objectives, this one %zu",
                            o->name, row.n_directions, s->options.n_directions);
    for (size_t i = 0; rc == AGLM_OK && i < row.n_directions; i++) {
        if (row.directions[i] != s->options.directions[i])
            rc = aglm_error_set(err, AGLM_INVALID,
                                "study \"%.128s\" optimises in the other direction", o->name);
    }
    if (rc == AGLM_OK)
        rc = aglm_study_stored_space(store, row.id, &o->space, err);
    if (rc == AGLM_OK)
        rc = read_trials(o, s, store, row.id, err);
    if (rc != AGLM_OK)
        return rc;
    for (size_t i = 0; i < s->space->n; i++)
        shared += aglm_space_find(o->space, s->space->params[i].name) >= 0;
    if (o->n == 0 || shared == 0)
        return aglm_error_set(err, AGLM_INVALID, "study \"%.128s\" has no %s", o->name,
                              o->n == 0 ? "complete trial" : "parameter of this space");
    return AGLM_OK;
}

/* NaN when it is no value of d. */
static double convert(const aglm_dist *from, double value, const aglm_dist *d)
{
    if (isnan(value) || (from->kind == AGLM_DIST_CHOICE) != (d->kind == AGLM_DIST_CHOICE))
        return NAN;
    if (d->kind != AGLM_DIST_CHOICE)
        return aglm_dist_snap(d, value);
    for (size_t c = 0; c < d->n_choices; c++) {
        if (aglm_choice_equal(&from->choices[(size_t)value], &d->choices[c]))
            return (double)c;
    }
    return NAN;
}

static void carry_over(const struct source *o, const aglm_trial *t, const aglm_space *space,
                       aglm_rng *rng, double *x)
{
    for (size_t i = 0; i < space->n; i++) {
        const aglm_space_param *p = &space->params[i];
        int at = aglm_space_find(o->space, p->name);
        x[i] = NAN;
        if (!aglm_space_active(space, x, i))
            continue;
        if (at >= 0)
            x[i] = convert(&o->space->params[at].dist, t->x[at], &p->dist);
        if (isnan(x[i]))
            x[i] = aglm_space_draw(space, i, rng);
    }
}

static aglm_rc write_note(const struct source *o, const aglm_trial *t, aglm_str *note,
                          aglm_error *err)
{
    aglm_json_writer w;

    aglm_str_reset(note);
    aglm_json_writer_init(&w, note);
    w.python = true;
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "study", o->name);
    aglm_json_member_int(&w, "trial", t->number);
    aglm_json_close_object(&w);
    return note->rc == AGLM_OK
               ? AGLM_OK
               : aglm_error_set(err, note->rc, "a warm start: %s", aglm_rc_text(note->rc));
}

static aglm_rc enqueue_best(aglm_study *s, struct source *o, size_t most, size_t *taken,
                            aglm_error *err)
{
    double *x = aglm_arena_array(&o->arena, s->space->n, sizeof *x);
    aglm_attr_row attr = {.key = AGLM_ATTR_WARM_START};
    aglm_rc rc = AGLM_OK;
    aglm_str note;
    aglm_rng rng;

    if (!x)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a point");
    aglm_str_init(&note, MAX_NOTE_BYTES);
    for (size_t i = 0; rc >= AGLM_OK && i < o->n && *taken < most; i++) {
        aglm_rng_init_stream(&rng, s->options.seed, (uint64_t)o->trials[i].number);
        carry_over(o, &o->trials[i], s->space, &rng, x);
        if (!aglm_space_allowed(s->space, x))
            continue;
        rc = write_note(o, &o->trials[i], &note, err);
        attr.json = note.data;
        if (rc == AGLM_OK)
            rc = aglm_study_enqueue_noted(s, x, &attr, NULL, err);
        *taken += rc == AGLM_OK;
    }
    aglm_str_clear(&note);
    return rc == AGLM_DONE ? AGLM_OK : rc;
}

aglm_rc aglm_warm_start(aglm_study *s, aglm_store *from, const char *name, size_t most,
                        size_t *taken, aglm_error *err)
{
    struct source o = {.name = name};
    size_t n = 0;

    aglm_arena_init(&o.arena, MAX_STUDY_BYTES);
    aglm_rc rc = read_source(&o, s, from, err);
    if (rc == AGLM_OK)
        rc = enqueue_best(s, &o, most, &n, err);
    if (taken)
        *taken = n;
    aglm_space_free(o.space);
    aglm_arena_clear(&o.arena);
    return rc;
}
