#include "search/tpe_group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/parzen.h"

#define MAX_TRIALS (1u << 24)
#define GOOD_MAX 25 /* gamma(n) = min(ceil(n / 10), 25) */

enum side { SIDE_NONE, SIDE_GOOD, SIDE_BAD };

struct aglm_tpe_group {
    const aglm_history *history;
    size_t *params;
    size_t n;
    size_t n_candidates;
    aglm_parzen *good_model;
    aglm_parzen *bad_model;
    uint32_t *ranked; /* finished trials, best first */
    size_t n_ranked;
    size_t ranked_cap;
    uint8_t *side; /* [trial] where its kernel is */
    size_t side_cap;
    uint32_t *changed; /* trials told since the models were brought up to date */
    size_t n_changed;
    size_t changed_cap;
    uint32_t good[GOOD_MAX]; /* trials on the good side */
    size_t n_good;
    double *drawn; /* [candidate][n] */
    double *gain;
    double *bad_score;
    uint32_t *order;
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
static void rank_key(const aglm_history *h, const aglm_trial *t, double key[2])
{
    key[0] = t->loss;
    key[1] = 0.0;
    if (t->violation > 0.0) {
        key[0] = t->violation;
    } else if (t->state == AGLM_TRIAL_PRUNED && t->n_steps == 0) {
        key[0] = 1.0;
    } else if (t->state == AGLM_TRIAL_PRUNED) {
        const aglm_step_row *last = &t->steps[t->n_steps - 1];
        double loss = aglm_history_sign(h) * last->value;
        key[0] = -(double)last->step;
        key[1] = isnan(loss) ? INFINITY : loss;
    }
}

static bool ranks_before(const aglm_history *h, const aglm_trial *a, const aglm_trial *b)
{
    int class_a = rank_class(a);
    int class_b = rank_class(b);
    double key_a[2];
    double key_b[2];

    if (class_a != class_b)
        return class_a < class_b;
    rank_key(h, a, key_a);
    rank_key(h, b, key_b);
    if (key_a[0] != key_b[0])
        return key_a[0] < key_b[0];
    if (key_a[1] != key_b[1])
        return key_a[1] < key_b[1];
    return a->number < b->number;
}

static aglm_rc open_models(aglm_tpe_group *g, aglm_error *err)
{
    const aglm_space *space = aglm_history_space(g->history);
    aglm_dist *dists = aglm_calloc(g->n, sizeof *dists);

    if (!dists)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    for (size_t i = 0; i < g->n; i++)
        dists[i] = space->params[g->params[i]].dist;
    aglm_rc rc = aglm_parzen_new(&g->good_model, dists, g->n, err);
    if (rc == AGLM_OK)
        rc = aglm_parzen_new(&g->bad_model, dists, g->n, err);
    free(dists);
    return rc;
}

aglm_rc aglm_tpe_group_new(aglm_tpe_group **out, const aglm_history *history, const size_t *params,
                           size_t n, size_t n_candidates, aglm_error *err)
{
    aglm_tpe_group *g = calloc(1, sizeof *g);
    aglm_rc rc = AGLM_NOMEM;

    *out = NULL;
    if (!g)
        return aglm_error_set(err, rc, "out of memory for a sampler");
    g->history = history;
    g->n = n;
    g->n_candidates = n_candidates;
    g->params = aglm_calloc(n, sizeof *g->params);
    g->drawn = aglm_calloc(n * n_candidates, sizeof *g->drawn);
    g->gain = aglm_calloc(n_candidates, sizeof *g->gain);
    g->bad_score = aglm_calloc(n_candidates, sizeof *g->bad_score);
    g->order = aglm_calloc(n_candidates, sizeof *g->order);
    if (g->params && g->drawn && g->gain && g->bad_score && g->order) {
        memcpy(g->params, params, n * sizeof *params);
        rc = open_models(g, err);
    } else {
        aglm_error_set(err, rc, "out of memory for a sampler");
    }
    if (rc != AGLM_OK) {
        aglm_tpe_group_free(g);
        return rc;
    }
    *out = g;
    return AGLM_OK;
}

void aglm_tpe_group_free(aglm_tpe_group *g)
{
    if (!g)
        return;
    aglm_parzen_free(g->good_model);
    aglm_parzen_free(g->bad_model);
    free(g->params);
    free(g->ranked);
    free(g->side);
    free(g->changed);
    free(g->drawn);
    free(g->gain);
    free(g->bad_score);
    free(g->order);
    free(g);
}

static bool has_all(const aglm_tpe_group *g, const double *x)
{
    for (size_t i = 0; i < g->n; i++) {
        if (isnan(x[g->params[i]]))
            return false;
    }
    return true;
}

static void insert_ranked(aglm_tpe_group *g, const aglm_trial *t)
{
    size_t low = 0;
    size_t high = g->n_ranked;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ranks_before(g->history, aglm_history_trial(g->history, g->ranked[mid]), t))
            low = mid + 1;
        else
            high = mid;
    }
    memmove(g->ranked + low + 1, g->ranked + low, (g->n_ranked - low) * sizeof *g->ranked);
    g->ranked[low] = (uint32_t)t->number;
    g->n_ranked++;
}

aglm_rc aglm_tpe_group_tell(aglm_tpe_group *g, const aglm_trial *t, aglm_error *err)
{
    size_t known = g->side_cap;
    size_t number = (size_t)t->number;

    if (!has_all(g, t->x))
        return AGLM_OK;
    aglm_rc rc = aglm_grow(&g->changed, &g->changed_cap, g->n_changed + 1, sizeof *g->changed,
                           MAX_TRIALS);
    if (rc == AGLM_OK)
        rc = aglm_grow(&g->side, &g->side_cap, number + 1, sizeof *g->side, MAX_TRIALS);
    if (rc == AGLM_OK && counts(t))
        rc = aglm_grow(&g->ranked, &g->ranked_cap, g->n_ranked + 1, sizeof *g->ranked, MAX_TRIALS);
    if (g->side_cap > known)
        memset(g->side + known, SIDE_NONE, g->side_cap - known);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "tpe, trial %zu: %s", number, aglm_rc_text(rc));
    g->changed[g->n_changed++] = (uint32_t)number;
    if (counts(t))
        insert_ranked(g, t);
    return AGLM_OK;
}

static aglm_parzen *model(const aglm_tpe_group *g, enum side side)
{
    return side == SIDE_GOOD ? g->good_model : g->bad_model;
}

static aglm_rc move(aglm_tpe_group *g, size_t number, enum side to, aglm_error *err)
{
    const double *x = aglm_history_trial(g->history, number)->x;
    enum side from = (enum side)g->side[number];
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < g->n; i++)
        g->drawn[i] = x[g->params[i]];
    if (to != SIDE_NONE)
        rc = aglm_parzen_insert(model(g, to), (int64_t)number, g->drawn, err);
    if (rc != AGLM_OK)
        return rc;
    if (from != SIDE_NONE)
        aglm_parzen_remove(model(g, from), (int64_t)number);
    g->side[number] = (uint8_t)to;
    return AGLM_OK;
}

/* Running trials are taken for bad ones, so that workers keep apart (constant liar). */
static enum side side_of(const aglm_trial *t)
{
    return counts(t) || t->state == AGLM_TRIAL_RUNNING ? SIDE_BAD : SIDE_NONE;
}

static bool is_good(const aglm_tpe_group *g, size_t n_good, uint32_t number)
{
    for (size_t i = 0; i < n_good; i++) {
        if (g->ranked[i] == number)
            return true;
    }
    return false;
}

/* Brings the models up to date: first those told, then who is no longer good, then who has become
 * so. */
static aglm_rc sync(aglm_tpe_group *g, aglm_error *err)
{
    size_t n_good = good_count(g->n_ranked);
    aglm_rc rc = AGLM_OK;

    for (; rc == AGLM_OK && g->n_changed > 0; g->n_changed -= rc == AGLM_OK) {
        uint32_t number = g->changed[g->n_changed - 1];
        enum side want = side_of(aglm_history_trial(g->history, number));
        if (g->side[number] != (uint8_t)want)
            rc = move(g, number, want, err);
    }
    for (; rc == AGLM_OK && g->n_good > 0; g->n_good -= rc == AGLM_OK) {
        uint32_t number = g->good[g->n_good - 1];
        if (g->side[number] == SIDE_GOOD && !is_good(g, n_good, number))
            rc = move(g, number, SIDE_BAD, err);
    }
    for (size_t i = 0; rc == AGLM_OK && i < n_good; i++) {
        if (g->side[g->ranked[i]] != SIDE_GOOD)
            rc = move(g, g->ranked[i], SIDE_GOOD, err);
        g->good[i] = g->ranked[i];
        g->n_good = i + 1;
    }
    return rc;
}

aglm_rc aglm_tpe_group_draw(aglm_tpe_group *g, aglm_rng *rng, aglm_error *err)
{
    size_t n = g->n_candidates;
    aglm_rc rc = sync(g, err);

    if (rc != AGLM_OK)
        return rc;
    for (size_t i = 0; i < n; i++)
        aglm_parzen_sample(g->good_model, rng, g->drawn + i * g->n);
    rc = aglm_parzen_score(g->good_model, g->drawn, n, g->gain, err);
    if (rc == AGLM_OK)
        rc = aglm_parzen_score(g->bad_model, g->drawn, n, g->bad_score, err);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        g->gain[i] -= g->bad_score[i];
        size_t at = i;
        for (; at > 0 && g->gain[g->order[at - 1]] < g->gain[i]; at--)
            g->order[at] = g->order[at - 1];
        g->order[at] = (uint32_t)i;
    }
    return rc;
}

void aglm_tpe_group_take(const aglm_tpe_group *g, size_t i, double *x)
{
    const double *from = g->drawn + g->order[i] * g->n;

    for (size_t j = 0; j < g->n; j++)
        x[g->params[j]] = from[j];
}
