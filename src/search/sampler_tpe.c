#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/parzen.h"
#include "search/sampler.h"

#define MAX_TRIALS (1u << 24)
#define GOOD_MAX 25 /* gamma(n) = min(ceil(n / 10), 25) */
#define ATTEMPTS 4  /* whole points drawn before a random fresh one is taken */

enum side { SIDE_NONE, SIDE_GOOD, SIDE_BAD };

/* Parameters that are active under the same condition, hence always together: one joint model. */
struct group {
    size_t *param; /* indices in the space */
    size_t n;
    aglm_parzen *good;
    aglm_parzen *bad;
};

struct tpe {
    const aglm_history *history;
    const aglm_space *space;
    aglm_sampler_options options;
    uint64_t seed;
    struct group *groups;
    size_t n_groups;
    size_t *indices;  /* memory of all groups' param arrays */
    uint32_t *ranked; /* finished trials that count, best first */
    size_t n_ranked;
    size_t ranked_cap;
    uint8_t *side; /* [trial] where its kernels are */
    size_t side_cap;
    uint32_t *changed; /* trials told since the models were brought up to date */
    size_t n_changed;
    size_t changed_cap;
    uint32_t good[GOOD_MAX]; /* those on the good side */
    size_t n_good;
    double *drawn; /* [candidates][params of a group] */
    double *good_score;
    double *bad_score;
    uint32_t *order; /* candidates, the most promising first */
};

static size_t good_count(size_t finished)
{
    size_t n = (finished + 9) / 10;

    return n < GOOD_MAX ? n : GOOD_MAX;
}

static bool counts(const aglm_trial *t)
{
    return t->state == AGLM_TRIAL_COMPLETE || t->state == AGLM_TRIAL_PRUNED;
}

/* Complete before pruned before infeasible. */
static int rank_class(const aglm_trial *t)
{
    if (t->violation > 0.0)
        return 2;
    return t->state == AGLM_TRIAL_PRUNED;
}

/* Pruned trials rank by their last step, later ones first, then by what was reported there; those
 * without a report last. */
static void pruned_key(const struct tpe *s, const aglm_trial *t, double key[2])
{
    if (t->n_steps == 0) {
        key[0] = 1.0;
        key[1] = 0.0;
        return;
    }
    const aglm_step_row *last = &t->steps[t->n_steps - 1];
    double loss = aglm_history_sign(s->history) * last->value;
    key[0] = -(double)last->step;
    key[1] = isnan(loss) ? INFINITY : loss;
}

static bool ranks_before(const struct tpe *s, const aglm_trial *a, const aglm_trial *b)
{
    int class_a = rank_class(a);
    int class_b = rank_class(b);
    double key_a[2] = {a->loss, 0.0};
    double key_b[2] = {b->loss, 0.0};

    if (class_a != class_b)
        return class_a < class_b;
    if (class_a == 1) {
        pruned_key(s, a, key_a);
        pruned_key(s, b, key_b);
    } else if (class_a == 2) {
        key_a[0] = a->violation;
        key_b[0] = b->violation;
    }
    if (key_a[0] != key_b[0])
        return key_a[0] < key_b[0];
    if (key_a[1] != key_b[1])
        return key_a[1] < key_b[1];
    return a->number < b->number;
}

static bool same_condition(const aglm_space_param *a, const aglm_space_param *b)
{
    return a->parent == b->parent && a->when == b->when;
}

static aglm_rc group_open(struct tpe *s, struct group *g, aglm_error *err)
{
    aglm_dist *dists = aglm_calloc(g->n, sizeof *dists);

    if (!dists)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    for (size_t i = 0; i < g->n; i++)
        dists[i] = s->space->params[g->param[i]].dist;
    aglm_rc rc = aglm_parzen_new(&g->good, dists, g->n, err);
    if (rc == AGLM_OK)
        rc = aglm_parzen_new(&g->bad, dists, g->n, err);
    free(dists);
    return rc;
}

/* Parameters of a single value need no model. */
static bool is_modelled(const aglm_space_param *p)
{
    return p->dist.low != p->dist.high;
}

static aglm_rc make_groups(struct tpe *s, aglm_error *err)
{
    size_t n = s->space->n;
    size_t used = 0;

    s->groups = aglm_calloc(n, sizeof *s->groups);
    s->indices = aglm_calloc(n, sizeof *s->indices);
    if (!s->groups || !s->indices)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    for (size_t i = 0; i < n; i++) {
        const aglm_space_param *p = &s->space->params[i];
        bool first = is_modelled(p);
        for (size_t j = 0; first && j < i; j++)
            first = !is_modelled(&s->space->params[j]) || !same_condition(p, &s->space->params[j]);
        if (!first)
            continue;
        struct group *g = &s->groups[s->n_groups++];
        g->param = s->indices + used;
        for (size_t j = i; j < n; j++) {
            if (is_modelled(&s->space->params[j]) && same_condition(p, &s->space->params[j]))
                g->param[g->n++] = j;
        }
        used += g->n;
        aglm_rc rc = group_open(s, g, err);
        if (rc != AGLM_OK)
            return rc;
    }
    return AGLM_OK;
}

static void tpe_close(void *self)
{
    struct tpe *s = self;

    for (size_t i = 0; i < s->n_groups; i++) {
        aglm_parzen_free(s->groups[i].good);
        aglm_parzen_free(s->groups[i].bad);
    }
    free(s->groups);
    free(s->indices);
    free(s->ranked);
    free(s->side);
    free(s->changed);
    free(s->drawn);
    free(s->good_score);
    free(s->bad_score);
    free(s->order);
    free(s);
}

static aglm_rc tpe_tell(void *self, const aglm_trial *t, aglm_error *err);

static aglm_rc load(struct tpe *s, aglm_error *err)
{
    size_t n = aglm_history_size(s->history);
    aglm_rc rc = make_groups(s, err);

    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
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
    s->drawn = aglm_calloc(n * (s->space->n + 1), sizeof *s->drawn);
    s->good_score = aglm_calloc(n, sizeof *s->good_score);
    s->bad_score = aglm_calloc(n, sizeof *s->bad_score);
    s->order = aglm_calloc(n, sizeof *s->order);
    aglm_rc rc = s->drawn && s->good_score && s->bad_score && s->order
                     ? load(s, err)
                     : aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    if (rc != AGLM_OK) {
        tpe_close(s);
        return rc;
    }
    *self = s;
    return AGLM_OK;
}

static void insert_ranked(struct tpe *s, const aglm_trial *t)
{
    size_t low = 0;
    size_t high = s->n_ranked;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ranks_before(s, aglm_history_trial(s->history, s->ranked[mid]), t))
            low = mid + 1;
        else
            high = mid;
    }
    memmove(s->ranked + low + 1, s->ranked + low, (s->n_ranked - low) * sizeof *s->ranked);
    s->ranked[low] = (uint32_t)t->number;
    s->n_ranked++;
}

static aglm_rc tpe_tell(void *self, const aglm_trial *t, aglm_error *err)
{
    struct tpe *s = self;
    size_t known = s->side_cap;
    size_t number = (size_t)t->number;
    aglm_rc rc = aglm_grow(&s->changed, &s->changed_cap, s->n_changed + 1, sizeof *s->changed,
                           MAX_TRIALS);

    if (rc == AGLM_OK)
        rc = aglm_grow(&s->side, &s->side_cap, number + 1, sizeof *s->side, MAX_TRIALS);
    if (rc == AGLM_OK && counts(t))
        rc = aglm_grow(&s->ranked, &s->ranked_cap, s->n_ranked + 1, sizeof *s->ranked, MAX_TRIALS);
    if (s->side_cap > known)
        memset(s->side + known, SIDE_NONE, s->side_cap - known);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "tpe, trial %zu: %s", number, aglm_rc_text(rc));
    s->changed[s->n_changed++] = (uint32_t)number;
    if (counts(t))
        insert_ranked(s, t);
    return AGLM_OK;
}

static aglm_parzen *model(const struct group *g, enum side side)
{
    return side == SIDE_GOOD ? g->good : g->bad;
}

/* Moves a trial's kernels to another side, in every group whose parameters it has. */
static aglm_rc move(struct tpe *s, size_t number, enum side to, aglm_error *err)
{
    const double *x = aglm_history_trial(s->history, number)->x;
    enum side from = (enum side)s->side[number];
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < s->n_groups; i++) {
        const struct group *g = &s->groups[i];
        bool whole = true;
        for (size_t j = 0; j < g->n; j++) {
            s->drawn[j] = x[g->param[j]];
            whole = whole && !isnan(s->drawn[j]);
        }
        if (!whole)
            continue;
        if (from != SIDE_NONE)
            aglm_parzen_remove(model(g, from), (int64_t)number);
        if (to != SIDE_NONE)
            rc = aglm_parzen_insert(model(g, to), (int64_t)number, s->drawn, err);
        if (rc != AGLM_OK)
            return rc;
    }
    s->side[number] = (uint8_t)to;
    return AGLM_OK;
}

/* Running trials are taken for bad ones, so that workers keep apart (constant liar). */
static enum side side_of(const aglm_trial *t)
{
    return counts(t) || t->state == AGLM_TRIAL_RUNNING ? SIDE_BAD : SIDE_NONE;
}

static bool is_good(const struct tpe *s, size_t n_good, uint32_t number)
{
    for (size_t i = 0; i < n_good; i++) {
        if (s->ranked[i] == number)
            return true;
    }
    return false;
}

/* Brings the models up to date: first those told, then who is no longer good, then who has become
 * so. */
static aglm_rc sync(struct tpe *s, aglm_error *err)
{
    size_t n_good = good_count(s->n_ranked);
    aglm_rc rc = AGLM_OK;

    for (; rc == AGLM_OK && s->n_changed > 0; s->n_changed -= rc == AGLM_OK) {
        uint32_t number = s->changed[s->n_changed - 1];
        enum side want = side_of(aglm_history_trial(s->history, number));
        if (s->side[number] != (uint8_t)want)
            rc = move(s, number, want, err);
    }
    for (; rc == AGLM_OK && s->n_good > 0; s->n_good -= rc == AGLM_OK) {
        uint32_t number = s->good[s->n_good - 1];
        if (s->side[number] == SIDE_GOOD && !is_good(s, n_good, number))
            rc = move(s, number, SIDE_BAD, err);
    }
    for (size_t i = 0; rc == AGLM_OK && i < n_good; i++) {
        if (s->side[s->ranked[i]] != SIDE_GOOD)
            rc = move(s, s->ranked[i], SIDE_GOOD, err);
        s->good[i] = s->ranked[i];
        s->n_good = i + 1;
    }
    return rc;
}

/* Draws a group's candidates from the good model and orders them by log l - log g, ties by draw. */
static aglm_rc rank_candidates(struct tpe *s, const struct group *g, aglm_rng *rng, aglm_error *err)
{
    size_t n = s->options.n_candidates;

    for (size_t i = 0; i < n; i++)
        aglm_parzen_sample(g->good, rng, s->drawn + i * g->n);
    aglm_rc rc = aglm_parzen_score(g->good, s->drawn, n, s->good_score, err);
    if (rc == AGLM_OK)
        rc = aglm_parzen_score(g->bad, s->drawn, n, s->bad_score, err);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        double gain = s->good_score[i] - s->bad_score[i];
        size_t at = i;
        for (; at > 0 && s->good_score[s->order[at - 1]] < gain; at--)
            s->order[at] = s->order[at - 1];
        s->order[at] = (uint32_t)i;
        s->good_score[i] = gain;
    }
    return rc;
}

static void take(const struct tpe *s, const struct group *g, size_t candidate, double *x)
{
    for (size_t j = 0; j < g->n; j++)
        x[g->param[j]] = s->drawn[candidate * g->n + j];
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
static aglm_rc draw_point(struct tpe *s, aglm_rng *rng, double *x, bool *fresh, aglm_error *err)
{
    const struct group *last = NULL;

    for (size_t i = 0; i < s->space->n; i++)
        x[i] = NAN;
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct group *g = &s->groups[i];
        (void)complete(s, x); /* one-valued parents open their branches */
        if (!aglm_space_active(s->space, x, g->param[0]))
            continue;
        aglm_rc rc = rank_candidates(s, g, rng, err);
        if (rc != AGLM_OK)
            return rc;
        take(s, g, s->order[0], x);
        last = g;
    }
    *fresh = complete(s, x) && !aglm_history_seen(s->history, x);
    for (size_t i = 1; last && !*fresh && i < s->options.n_candidates; i++) {
        take(s, last, s->order[i], x);
        *fresh = complete(s, x) && !aglm_history_seen(s->history, x);
    }
    return AGLM_OK;
}

static aglm_rc tpe_ask(void *self, int64_t number, double *x, aglm_error *err)
{
    struct tpe *s = self;
    aglm_rng rng;
    bool fresh = false;

    aglm_rng_init_stream(&rng, s->seed, (uint64_t)number);
    if (s->n_ranked < s->options.n_startup || s->n_groups == 0)
        return aglm_history_fresh(s->history, &rng, x);
    aglm_rc rc = sync(s, err);
    for (int i = 0; rc == AGLM_OK && !fresh && i < ATTEMPTS; i++)
        rc = draw_point(s, &rng, x, &fresh, err);
    if (rc != AGLM_OK || fresh)
        return rc;
    return aglm_history_fresh(s->history, &rng, x);
}

const aglm_sampler_ops aglm_sampler_tpe = {
    .name = "tpe",
    .open = tpe_open,
    .ask = tpe_ask,
    .tell = tpe_tell,
    .close = tpe_close,
};
