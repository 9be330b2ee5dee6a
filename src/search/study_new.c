#include <math.h>
#include <string.h>

#include "search/space_text.h"
#include "search/study_priv.h"

void aglm_study_config_init(aglm_study_config *c)
{
    *c = (aglm_study_config){.direction = AGLM_MINIMIZE};
}

static aglm_rc read_space(aglm_space **out, const aglm_study_config *c, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    if (!c->space)
        return aglm_error_set(err, AGLM_INVALID, "a study needs a space");
    if (c->space[strspn(c->space, " \t\r\n")] == '{') {
        rc = aglm_space_read(out, c->space, strlen(c->space), err);
    } else {
        rc = aglm_space_new(out, err);
        if (rc == AGLM_OK)
            rc = aglm_space_parse(*out, c->space, strlen(c->space), err);
    }
    for (size_t i = 0; rc == AGLM_OK && i < c->n_forbid; i++)
        rc = aglm_space_parse_forbidden(*out, c->forbid[i], strlen(c->forbid[i]), err);
    return rc;
}

aglm_rc aglm_study_config_options(aglm_study_options *o, const aglm_study_config *c,
                                  const aglm_sampler_outside *outside, aglm_error *err)
{
    aglm_study_options_init(o);
    o->sampler_options.outside = outside;
    o->directions[0] = c->direction;
    if (c->n_directions > AGLM_STORE_MAX_OBJECTIVES)
        return aglm_error_set(err, AGLM_INVALID, "%zu objectives, not 1 to %d", c->n_directions,
                              AGLM_STORE_MAX_OBJECTIVES);
    if (c->n_directions > 0) {
        memcpy(o->directions, c->directions, c->n_directions * sizeof *c->directions);
        o->n_directions = c->n_directions;
    }
    o->seed = c->seed;
    if (c->pruner)
        o->pruner = aglm_pruner_find(c->pruner);
    if (!o->pruner)
        return aglm_error_set(err, AGLM_INVALID, "there is no pruner \"%.60s\"", c->pruner);
    aglm_rc rc = aglm_sampler_parse(c->sampler ? c->sampler : "auto", &o->sampler,
                                    &o->sampler_options, err);
    if (rc != AGLM_OK)
        aglm_error_prefix(err, "sampler");
    return rc;
}

aglm_rc aglm_study_new_with(aglm_study **out, const aglm_study_config *c,
                            const aglm_sampler_outside *outside, aglm_error *err)
{
    aglm_space *space = NULL;
    aglm_store *store = NULL;
    aglm_study_options options;

    *out = NULL;
    aglm_rc rc = aglm_study_config_options(&options, c, outside, err);
    if (rc == AGLM_OK)
        rc = read_space(&space, c, err);
    if (rc == AGLM_OK)
        rc = aglm_store_open(&store, c->storage ? c->storage : "memory", err);
    if (rc == AGLM_OK)
        rc = aglm_study_open(out, store, c->name ? c->name : "study", space, &options, err);
    if (rc != AGLM_OK) {
        aglm_space_free(space);
        aglm_store_close(store);
        return rc;
    }
    (*out)->own_space = space;
    (*out)->own_store = store;
    return AGLM_OK;
}

void aglm_study_free(aglm_study *s)
{
    if (!s)
        return;
    aglm_space *space = s->own_space;
    aglm_store *store = s->own_store;
    aglm_study_close(s);
    aglm_space_free(space);
    aglm_store_close(store);
}

const aglm_space *aglm_study_space(const aglm_study *s)
{
    return s->space;
}

aglm_direction aglm_study_direction(const aglm_study *s)
{
    return s->options.directions[0];
}

size_t aglm_study_n_params(const aglm_study *s)
{
    return s->space->n;
}

const char *aglm_study_param(const aglm_study *s, size_t i)
{
    return i < s->space->n ? s->space->params[i].name : NULL;
}

/* NULL when the parameter has no choice at x. */
static const aglm_choice *choice_at(const aglm_study *s, const double *x, int at)
{
    const aglm_dist *d = &s->space->params[at].dist;

    if (d->kind != AGLM_DIST_CHOICE || !(x[at] >= 0.0 && x[at] < (double)d->n_choices))
        return NULL;
    return &d->choices[(size_t)x[at]];
}

double aglm_study_number(const aglm_study *s, const double *x, const char *name)
{
    int at = aglm_space_find(s->space, name);

    if (at < 0)
        return NAN;
    if (s->space->params[at].dist.kind != AGLM_DIST_CHOICE)
        return x[at];
    const aglm_choice *c = choice_at(s, x, at);
    return c && c->kind != AGLM_CHOICE_TEXT && c->kind != AGLM_CHOICE_NULL ? c->number : NAN;
}

const char *aglm_study_text(const aglm_study *s, const double *x, const char *name)
{
    int at = aglm_space_find(s->space, name);
    const aglm_choice *c = at < 0 ? NULL : choice_at(s, x, at);

    return c && c->kind == AGLM_CHOICE_TEXT ? c->text : NULL;
}

aglm_rc aglm_study_point(const aglm_study *s, const char *json, double *x, aglm_error *err)
{
    aglm_json_doc *doc = NULL;
    aglm_json_options options = {.origin = "a point"};
    aglm_rc rc = aglm_json_parse(&doc, json, strlen(json), &options, err);

    if (rc == AGLM_OK)
        rc = aglm_point_read(s->space, aglm_json_root(doc), x, err);
    aglm_json_free(doc);
    return rc;
}

aglm_rc aglm_study_best(aglm_study *s, int64_t *number, double *value, double *x, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    pthread_mutex_lock(&s->lock);
    const aglm_trial *best = aglm_history_best(s->history);
    if (s->options.n_directions > 1)
        rc = aglm_error_set(err, AGLM_INVALID,
                            "study \"%s\" has %zu objectives: see aglm_study_front_numbers",
                            s->name, s->options.n_directions);
    else if (!best)
        rc = aglm_error_set(err, AGLM_NOTFOUND, "study \"%s\" has no finished trial yet", s->name);
    if (best && number)
        *number = best->number;
    if (best && value)
        *value = best->values[0];
    if (best && x)
        memcpy(x, best->x, s->space->n * sizeof *x);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
