#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/sampler.h"
#include "search/tpe_group.h"

#define ATTEMPTS 4 /* whole points drawn before a random fresh one is taken */

struct tpe {
    const aglm_history *history;
    const aglm_space *space;
    aglm_sampler_options options;
    uint64_t seed;
    aglm_tpe_group **groups;
    size_t *first; /* [groups] the first parameter of each: active when the group is */
    size_t n_groups;
};

/* Parameters of a single value need no model. */
static bool is_modelled(const aglm_space_param *p)
{
    return p->dist.low != p->dist.high;
}

static bool same_group(const aglm_space_param *a, const aglm_space_param *b)
{
    return is_modelled(a) && is_modelled(b) && a->parent == b->parent && a->when == b->when;
}

/* Is there an earlier parameter of the same group? */
static bool is_follower(const aglm_space *space, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (same_group(&space->params[i], &space->params[j]))
            return true;
    }
    return false;
}

/* One group for each condition, in the order of their first parameters: a parent comes before what
 * hangs on it. */
static aglm_rc make_groups(struct tpe *s, size_t *members, aglm_error *err)
{
    for (size_t i = 0; i < s->space->n; i++) {
        size_t n = 0;
        if (!is_modelled(&s->space->params[i]) || is_follower(s->space, i))
            continue;
        for (size_t j = i; j < s->space->n; j++) {
            if (same_group(&s->space->params[i], &s->space->params[j]))
                members[n++] = j;
        }
        aglm_rc rc = aglm_tpe_group_new(&s->groups[s->n_groups], s->history, members, n,
                                        s->options.n_candidates, err);
        if (rc != AGLM_OK)
            return rc;
        s->first[s->n_groups++] = i;
    }
    return AGLM_OK;
}

static void tpe_close(void *self)
{
    struct tpe *s = self;

    for (size_t i = 0; i < s->n_groups; i++)
        aglm_tpe_group_free(s->groups[i]);
    free(s->groups);
    free(s->first);
    free(s);
}

static aglm_rc tpe_tell(void *self, const aglm_trial *t, aglm_error *err)
{
    struct tpe *s = self;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < s->n_groups; i++)
        rc = aglm_tpe_group_tell(s->groups[i], t, err);
    return rc;
}

static aglm_rc load(struct tpe *s, aglm_error *err)
{
    size_t n = s->space->n;
    size_t *members = aglm_calloc(n, sizeof *members);

    s->groups = aglm_calloc(n, sizeof *s->groups);
    s->first = aglm_calloc(n, sizeof *s->first);
    if (!members || !s->groups || !s->first) {
        free(members);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    }
    aglm_rc rc = make_groups(s, members, err);
    free(members);
    for (size_t i = 0; rc == AGLM_OK && i < aglm_history_size(s->history); i++)
        rc = tpe_tell(s, aglm_history_trial(s->history, i), err);
    return rc;
}

static aglm_rc tpe_open(void **self, const aglm_history *history,
                        const aglm_sampler_options *options, uint64_t seed, aglm_error *err)
{
    size_t n = options->n_candidates;

    *self = NULL;
    if (n == 0 || n > AGLM_SAMPLER_MAX_CANDIDATES)
        return aglm_error_set(err, AGLM_INVALID, "tpe: n_candidates %zu must be in 1..%d", n,
                              AGLM_SAMPLER_MAX_CANDIDATES);
    struct tpe *s = calloc(1, sizeof *s);
    if (!s)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    s->history = history;
    s->space = aglm_history_space(history);
    s->options = *options;
    s->seed = seed;
    aglm_rc rc = load(s, err);
    if (rc != AGLM_OK) {
        tpe_close(s);
        return rc;
    }
    *self = s;
    return AGLM_OK;
}

/* Parameters of one value get it where they are active. False when an active one that is modelled
 * has none. */
static bool complete(const struct tpe *s, double *x)
{
    for (size_t i = 0; i < s->space->n; i++) {
        bool active = aglm_space_active(s->space, x, i);
        if (!is_modelled(&s->space->params[i]))
            x[i] = active ? s->space->params[i].dist.low : NAN;
        else if (active && isnan(x[i]))
            return false;
    }
    return true;
}

/* One whole point, groups in their order so that conditions are known; the last active group gives
 * the first of its candidates that makes the point a fresh one. *fresh: did it? */
static aglm_rc draw_point(const struct tpe *s, aglm_rng *rng, double *x, bool *fresh,
                          aglm_error *err)
{
    const aglm_tpe_group *last = NULL;

    for (size_t i = 0; i < s->space->n; i++)
        x[i] = NAN;
    for (size_t i = 0; i < s->n_groups; i++) {
        (void)complete(s, x); /* one-valued parents open their branches */
        if (!aglm_space_active(s->space, x, s->first[i]))
            continue;
        aglm_rc rc = aglm_tpe_group_draw(s->groups[i], rng, err);
        if (rc != AGLM_OK)
            return rc;
        aglm_tpe_group_take(s->groups[i], 0, x);
        last = s->groups[i];
    }
    *fresh = complete(s, x) && !aglm_history_seen(s->history, x);
    for (size_t i = 1; last && !*fresh && i < s->options.n_candidates; i++) {
        aglm_tpe_group_take(last, i, x);
        *fresh = complete(s, x) && !aglm_history_seen(s->history, x);
    }
    return AGLM_OK;
}

static bool is_started(const struct tpe *s)
{
    size_t finished = aglm_history_count(s->history, AGLM_TRIAL_COMPLETE) +
                      aglm_history_count(s->history, AGLM_TRIAL_PRUNED);

    return finished >= s->options.n_startup && s->n_groups > 0;
}

static aglm_rc tpe_ask(void *self, int64_t number, double *x, aglm_error *err)
{
    const struct tpe *s = self;
    aglm_rng rng;
    bool fresh = false;
    aglm_rc rc = AGLM_OK;

    aglm_rng_init_stream(&rng, s->seed, (uint64_t)number);
    for (int i = 0; is_started(s) && rc == AGLM_OK && !fresh && i < ATTEMPTS; i++)
        rc = draw_point(s, &rng, x, &fresh, err);
    if (rc != AGLM_OK || fresh)
        return rc;
    return aglm_history_fresh(s->history, &rng, x);
}

const aglm_sampler_ops aglm_sampler_tpe = {
    .name = "tpe",
    .several = true,
    .open = tpe_open,
    .ask = tpe_ask,
    .tell = tpe_tell,
    .close = tpe_close,
};
