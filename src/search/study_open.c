#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "search/study_priv.h"

#define MAX_STUDY_BYTES ((size_t)1 << 34)
#define MAX_TEXT_BYTES ((size_t)1 << 26)

static const char *direction_word(aglm_direction d)
{
    return d == AGLM_MAXIMIZE ? "maximize" : "minimize";
}

/* A trial that was read while the study is open: the sampler and the pruner hear of it. When they
 * open they read the whole history themselves. */
static aglm_rc announce(aglm_study *s, const aglm_trial *t, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;
    bool ignored;

    for (size_t i = 0; rc == AGLM_OK && i < t->n_steps; i++)
        rc = s->options.pruner->report(s->pruner, t->number, t->steps[i].step,
                                       s->signs[0] * t->steps[i].value, &ignored, err);
    if (rc == AGLM_OK && s->options.sampler->tell)
        rc = s->options.sampler->tell(s->sampler, t, err);
    return rc;
}

static aglm_rc take_rows(aglm_study *s, aglm_arena *a, const aglm_trial_row *rows, size_t n,
                         int64_t until, aglm_error *err)
{
    aglm_stored_reader r = {s->space, s->dist_json, s->signs[0], a, s->options.n_directions};
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < n && rows[i].number < until; i++) {
        aglm_trial t;
        rc = aglm_stored_trial(&r, &rows[i], &t, err);
        if (rc == AGLM_OK)
            rc = aglm_history_add(s->history, &t, err);
        if (rc == AGLM_OK)
            rc = aglm_study_reserve_flags(s, (size_t)t.number + 1, err);
        if (rc == AGLM_OK && s->sampler)
            rc = announce(s, aglm_history_trial(s->history, (size_t)t.number), err);
    }
    return rc;
}

aglm_rc aglm_study_catch_up(aglm_study *s, int64_t until, aglm_error *err)
{
    aglm_arena arena;
    aglm_trial_row *rows;
    size_t n;

    aglm_arena_init(&arena, MAX_STUDY_BYTES);
    aglm_rc rc = aglm_store_trials(s->store, s->id, (int64_t)aglm_history_size(s->history), &arena,
                                   &rows, &n, err);
    if (rc == AGLM_OK)
        rc = take_rows(s, &arena, rows, n, until, err);
    aglm_arena_clear(&arena);
    return rc;
}

static aglm_rc write_space(aglm_study *s, aglm_error *err)
{
    aglm_str text;
    aglm_attr_row attr = {.key = AGLM_ATTR_SPACE, .system = true};

    aglm_str_init(&text, MAX_TEXT_BYTES);
    aglm_space_write(s->space, &text);
    attr.json = text.data;
    aglm_rc rc = text.rc == AGLM_OK
                     ? aglm_store_study_set_attr(s->store, s->id, &attr, err)
                     : aglm_error_set(err, text.rc, "the space's text: %s", aglm_rc_text(text.rc));
    aglm_str_clear(&text);
    return rc;
}

static aglm_rc write_sampler(aglm_study *s, aglm_error *err)
{
    char json[64];
    aglm_attr_row attr = {.key = AGLM_ATTR_SAMPLER, .json = json, .system = true};

    snprintf(json, sizeof json, "\"%.48s\"", s->options.sampler->name);
    return aglm_store_study_set_attr(s->store, s->id, &attr, err);
}

static aglm_rc check_directions(const aglm_study *s, const aglm_study_row *row, aglm_error *err)
{
    if (row->n_directions != s->options.n_directions)
        return aglm_error_set(err, AGLM_INVALID,
                              "study \"%s\" is stored with %zu objectives, asked for with %zu: "
                              "give another study name",
                              s->name, row->n_directions, s->options.n_directions);
    for (size_t i = 0; i < row->n_directions; i++) {
        if (row->directions[i] != s->options.directions[i])
            return aglm_error_set(err, AGLM_INVALID,
                                  "study \"%s\" is stored to %s objective %zu, asked for to %s: "
                                  "give another study name",
                                  s->name, direction_word(row->directions[i]), i,
                                  direction_word(s->options.directions[i]));
    }
    return AGLM_OK;
}

/* May the study go on with its space though it is not the stored one? */
static bool may_replace(const aglm_study *s, const aglm_space *stored)
{
    aglm_space first = *s->space;

    if (s->options.grows && stored->n < first.n) {
        first.n = stored->n;
        return aglm_space_equal(stored, &first, NULL);
    }
    return aglm_space_grown(stored, s->space, NULL);
}

/* Our own studies carry their space; for those of Optuna the trials are checked one by one as they
 * are read. */
static aglm_rc check_space(aglm_study *s, aglm_error *err)
{
    aglm_arena arena;
    aglm_attr_row *attrs;
    aglm_space *stored = NULL;
    size_t n;
    const char *json = NULL;
    aglm_error why = {0};

    aglm_arena_init(&arena, MAX_TEXT_BYTES);
    aglm_rc rc = aglm_store_study_attrs(s->store, s->id, &arena, &attrs, &n, err);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        if (attrs[i].system && strcmp(attrs[i].key, AGLM_ATTR_SPACE) == 0)
            json = attrs[i].json;
    }
    if (rc == AGLM_OK && json)
        rc = aglm_space_read(&stored, json, strlen(json), err);
    bool same = !stored || aglm_space_equal(stored, s->space, &why);
    if (rc == AGLM_OK && !same && may_replace(s, stored))
        rc = write_space(s, err);
    else if (rc == AGLM_OK && !same)
        rc = aglm_error_set(err, AGLM_INVALID,
                            "study \"%.128s\" is stored with another space: %.300s; give another "
                            "study name",
                            s->name, why.msg);
    aglm_space_free(stored);
    aglm_arena_clear(&arena);
    return rc;
}

static aglm_rc load_trials(aglm_study *s, aglm_error *err)
{
    aglm_arena arena;
    aglm_trial_row *rows;
    int64_t *dead;
    size_t n;
    size_t n_dead;

    aglm_arena_init(&arena, MAX_STUDY_BYTES);
    aglm_rc rc = aglm_study_reap(s, &dead, &n_dead, err);
    if (rc == AGLM_OK)
        rc = aglm_store_trials(s->store, s->id, 0, &arena, &rows, &n, err);
    if (rc == AGLM_OK)
        rc = take_rows(s, &arena, rows, n, INT64_MAX, err);
    if (rc == AGLM_OK)
        rc = aglm_study_retry_dead(s, dead, n_dead, err);
    aglm_arena_clear(&arena);
    free(dead);
    return rc;
}

static aglm_rc make(aglm_study *s, aglm_error *err)
{
    aglm_rc rc = aglm_store_study_new(s->store, s->name, s->options.directions,
                                      s->options.n_directions, &s->id, err);

    if (rc == AGLM_OK)
        rc = write_space(s, err);
    return rc == AGLM_OK ? write_sampler(s, err) : rc;
}

static aglm_rc attach(aglm_study *s, aglm_error *err)
{
    aglm_study_row row;
    aglm_rc rc = aglm_stored_study(s->store, s->name, &row, err);

    if (rc == AGLM_NOTFOUND) {
        aglm_rc made = make(s, err);
        if (made != AGLM_INVALID)
            return made;
        rc = aglm_stored_study(s->store, s->name, &row, err); /* another was quicker */
    }
    if (rc != AGLM_OK)
        return rc;
    if (s->options.must_be_new)
        return aglm_error_set(err, AGLM_INVALID,
                              "study \"%s\" exists already: give another name or resume it",
                              s->name);
    s->id = row.id;
    rc = check_directions(s, &row, err);
    if (rc == AGLM_OK)
        rc = check_space(s, err);
    if (rc == AGLM_OK)
        rc = load_trials(s, err);
    return rc == AGLM_OK ? write_sampler(s, err) : rc;
}

/* The pruner's table holds what trials reached, whatever was decided then. */
static aglm_rc replay_reports(aglm_study *s, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;
    bool ignored;

    for (size_t i = 0; i < aglm_history_size(s->history); i++) {
        const aglm_trial *t = aglm_history_trial(s->history, i);
        for (size_t j = 0; rc == AGLM_OK && j < t->n_steps; j++)
            rc = s->options.pruner->report(s->pruner, t->number, t->steps[j].step,
                                           s->signs[0] * t->steps[j].value, &ignored, err);
    }
    return rc;
}

static aglm_rc write_dists(aglm_study *s, aglm_error *err)
{
    aglm_str text;
    aglm_rc rc = AGLM_OK;

    aglm_arena_init(&s->texts, MAX_TEXT_BYTES);
    s->dist_json = aglm_arena_array(&s->texts, s->space->n, sizeof *s->dist_json);
    s->params = aglm_calloc(s->space->n, sizeof *s->params);
    if (!s->dist_json || !s->params)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a study");
    aglm_str_init(&text, MAX_TEXT_BYTES);
    for (size_t i = 0; rc == AGLM_OK && i < s->space->n; i++) {
        aglm_str_reset(&text);
        aglm_dist_write(&s->space->params[i].dist, &text);
        rc = text.rc;
        s->dist_json[i] = rc == AGLM_OK ? aglm_arena_strdup(&s->texts, text.data) : NULL;
        if (rc == AGLM_OK && !s->dist_json[i])
            rc = AGLM_NOMEM;
    }
    aglm_str_clear(&text);
    return rc == AGLM_OK ? rc : aglm_error_set(err, rc, "a study's space: %s", aglm_rc_text(rc));
}

/* Several objectives want a sampler that knows them, and no pruner. */
static aglm_rc check_several(const char *name, const aglm_study_options *o, aglm_error *err)
{
    const aglm_sampler_ops *const *all;
    char names[256] = "";
    size_t used = 0;
    size_t n;

    if (o->pruner != &aglm_pruner_none)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "study \"%.128s\": pruner %s compares one objective, not %zu: leave "
                              "it out",
                              name, o->pruner->name, o->n_directions);
    if (o->sampler->several)
        return AGLM_OK;
    all = aglm_samplers(&n);
    for (size_t i = 0; i < n; i++) {
        if (all[i]->several && used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                     all[i]->name);
    }
    return aglm_error_set(err, AGLM_UNSUPPORTED,
                          "study \"%.128s\": sampler %s is for one objective, not %zu: take one of "
                          "%s",
                          name, o->sampler->name, o->n_directions, names);
}

static aglm_rc check_options(const char *name, const aglm_space *space, const aglm_study_options *o,
                             aglm_error *err)
{
    size_t len = strlen(name);

    if (len == 0 || len > AGLM_STORE_MAX_NAME)
        return aglm_error_set(err, AGLM_INVALID, "a study's name has 1 to %d bytes, not %zu",
                              AGLM_STORE_MAX_NAME, len);
    if (space->n == 0)
        return aglm_error_set(err, AGLM_INVALID, "study \"%s\": the space has no parameter", name);
    if (o->n_directions == 0 || o->n_directions > AGLM_STORE_MAX_OBJECTIVES)
        return aglm_error_set(err, AGLM_INVALID, "study \"%s\": %zu objectives, not 1 to %d", name,
                              o->n_directions, AGLM_STORE_MAX_OBJECTIVES);
    return o->n_directions > 1 ? check_several(name, o, err) : AGLM_OK;
}

static aglm_rc open_parts(aglm_study *s, aglm_error *err)
{
    aglm_study_options *o = &s->options;
    aglm_rc rc = write_dists(s, err);

    o->pruner_options.study = s->name;
    if (rc == AGLM_OK)
        rc = aglm_history_new(&s->history, s->space, s->signs[0], err);
    if (rc == AGLM_OK) {
        aglm_history_set_signs(s->history, s->signs, o->n_directions);
        rc = attach(s, err);
    }
    if (rc == AGLM_OK)
        rc = o->pruner->open(&s->pruner, s->history, &o->pruner_options, err);
    if (rc != AGLM_OK)
        return rc;
    if (o->pruner->replays)
        rc = replay_reports(s, err);
    if (rc == AGLM_OK)
        rc = o->sampler->open(&s->sampler, s->history, &o->sampler_options, o->seed, err);
    if (rc == AGLM_OK && (rc = aglm_study_beat_start(s, err)) != AGLM_OK)
        o->sampler->close(s->sampler);
    if (rc != AGLM_OK)
        o->pruner->close(s->pruner);
    return rc;
}

static void release(aglm_study *s)
{
    aglm_history_free(s->history);
    aglm_arena_clear(&s->texts);
    pthread_cond_destroy(&s->asked);
    pthread_mutex_destroy(&s->lock);
    free(s->params);
    free(s->open);
    free(s->marks);
    free(s->flags);
    free(s->name);
    free(s);
}

aglm_rc aglm_study_open(aglm_study **out, aglm_store *store, const char *name,
                        const aglm_space *space, const aglm_study_options *options, aglm_error *err)
{
    *out = NULL;
    aglm_rc rc = check_options(name, space, options, err);
    if (rc != AGLM_OK)
        return rc;
    aglm_study *s = calloc(1, sizeof *s);
    char *copy = aglm_strndup(name, strlen(name));
    if (!s || !copy || pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        free(copy);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for study \"%s\"", name);
    }
    pthread_cond_init(&s->asked, NULL); /* cannot fail without attributes on Linux */
    s->store = store;
    s->space = space;
    s->options = *options;
    s->name = copy;
    s->owner = options->detached ? 0 : (int64_t)getpid();
    for (size_t i = 0; i < options->n_directions; i++)
        s->signs[i] = options->directions[i] == AGLM_MAXIMIZE ? -1.0 : 1.0;
    if (options->heartbeat_s > 0 && !options->detached)
        aglm_store_keep_beats(store);
    rc = open_parts(s, err);
    if (rc != AGLM_OK) {
        release(s);
        return rc;
    }
    *out = s;
    return AGLM_OK;
}

void aglm_study_close(aglm_study *s)
{
    if (!s)
        return;
    aglm_study_beat_stop(s);
    for (size_t i = 0; i < aglm_history_size(s->history); i++) {
        if (s->flags[i] & AGLM_STUDY_MINE)
            (void)aglm_study_tell(s, (int64_t)i, AGLM_TRIAL_FAIL, NULL, 0, NULL);
    }
    s->options.sampler->close(s->sampler);
    s->options.pruner->close(s->pruner);
    release(s);
}

aglm_rc aglm_study_row_trial(const aglm_space *space, aglm_direction direction,
                             const aglm_trial_row *row, aglm_arena *a, aglm_trial *out,
                             aglm_error *err)
{
    aglm_stored_reader r = {space, NULL, direction == AGLM_MAXIMIZE ? -1.0 : 1.0, a, 0};

    return aglm_stored_trial(&r, row, out, err);
}
