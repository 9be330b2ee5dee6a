#include "search/tpe_group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/parzen.h"
#include "search/tpe_split.h"

#define MAX_TRIALS (1u << 24)

enum side { SIDE_NONE, SIDE_GOOD, SIDE_BAD };

#define SIDE_MASK 3u
#define WANTED 4u /* a good one that is to stay or become so */

/* The two densities of some of the group's parameters. */
struct pair {
    aglm_parzen *good;
    aglm_parzen *bad;
};

struct aglm_tpe_group {
    const aglm_history *history;
    size_t *params;
    size_t n;
    size_t n_candidates;
    struct pair *pairs; /* one of all parameters; with several objectives one of each */
    size_t n_pairs;
    size_t width; /* parameters of a pair */
    aglm_tpe_split *split;
    uint8_t *side; /* [trial] where its kernel is */
    size_t side_cap;
    uint32_t *changed; /* trials told since the models were brought up to date */
    size_t n_changed;
    size_t changed_cap;
    uint32_t *good; /* trials on the good side */
    size_t n_good;
    size_t good_cap;
    double *drawn; /* [pair][candidate][width] */
    double *gain;
    double *bad_score;
    uint32_t *order; /* [pair][candidate] */
};

static bool counts(const aglm_trial *t)
{
    return t->state == AGLM_TRIAL_COMPLETE || t->state == AGLM_TRIAL_PRUNED;
}

static aglm_rc open_models(aglm_tpe_group *g, bool even, aglm_error *err)
{
    const aglm_space *space = aglm_history_space(g->history);
    aglm_dist *dists = aglm_calloc(g->n, sizeof *dists);
    aglm_rc rc = AGLM_OK;

    if (!dists)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    for (size_t i = 0; i < g->n; i++)
        dists[i] = space->params[g->params[i]].dist;
    for (size_t i = 0; rc == AGLM_OK && i < g->n_pairs; i++) {
        rc = aglm_parzen_new(&g->pairs[i].good, dists + i * g->width, g->width, err);
        if (rc == AGLM_OK && even)
            aglm_parzen_weigh_evenly(g->pairs[i].good);
        if (rc == AGLM_OK)
            rc = aglm_parzen_new(&g->pairs[i].bad, dists + i * g->width, g->width, err);
    }
    free(dists);
    return rc;
}

static bool reserve(aglm_tpe_group *g)
{
    g->params = aglm_calloc(g->n, sizeof *g->params);
    g->pairs = aglm_calloc(g->n_pairs, sizeof *g->pairs);
    g->drawn = aglm_calloc(g->n * g->n_candidates, sizeof *g->drawn);
    g->gain = aglm_calloc(g->n_candidates, sizeof *g->gain);
    g->bad_score = aglm_calloc(g->n_candidates, sizeof *g->bad_score);
    g->order = aglm_calloc(g->n_pairs * g->n_candidates, sizeof *g->order);
    return g->params && g->pairs && g->drawn && g->gain && g->bad_score && g->order;
}

aglm_rc aglm_tpe_group_new(aglm_tpe_group **out, const aglm_history *history, const size_t *params,
                           size_t n, size_t n_candidates, aglm_error *err)
{
    bool several = aglm_history_objectives(history) > 1;
    aglm_tpe_group *g = calloc(1, sizeof *g);

    *out = NULL;
    if (!g)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    g->history = history;
    g->n = n;
    g->n_candidates = n_candidates;
    g->n_pairs = several ? n : 1;
    g->width = n / g->n_pairs;
    aglm_rc rc = reserve(g) ? aglm_tpe_split_new(&g->split, history, err)
                            : aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    if (rc == AGLM_OK) {
        memcpy(g->params, params, n * sizeof *params);
        rc = open_models(g, several, err);
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
    for (size_t i = 0; g->pairs && i < g->n_pairs; i++) {
        aglm_parzen_free(g->pairs[i].good);
        aglm_parzen_free(g->pairs[i].bad);
    }
    aglm_tpe_split_free(g->split);
    free(g->params);
    free(g->pairs);
    free(g->side);
    free(g->changed);
    free(g->good);
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
    if (g->side_cap > known)
        memset(g->side + known, SIDE_NONE, g->side_cap - known);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "tpe, trial %zu: %s", number, aglm_rc_text(rc));
    if (counts(t))
        rc = aglm_tpe_split_add(g->split, t, err);
    if (rc == AGLM_OK)
        g->changed[g->n_changed++] = (uint32_t)number;
    return rc;
}

static aglm_parzen *model(const struct pair *p, enum side side)
{
    return side == SIDE_GOOD ? p->good : p->bad;
}

static void remove_kernels(aglm_tpe_group *g, size_t n_pairs, enum side from, size_t number)
{
    for (size_t i = 0; i < n_pairs; i++)
        aglm_parzen_remove(model(&g->pairs[i], from), (int64_t)number);
}

/* All or none. */
static aglm_rc insert_kernels(aglm_tpe_group *g, enum side to, size_t number, aglm_error *err)
{
    const double *x = aglm_history_trial(g->history, number)->x;

    for (size_t i = 0; i < g->n; i++)
        g->drawn[i] = x[g->params[i]];
    for (size_t i = 0; i < g->n_pairs; i++) {
        aglm_rc rc = aglm_parzen_insert(model(&g->pairs[i], to), (int64_t)number,
                                        g->drawn + i * g->width, err);
        if (rc != AGLM_OK) {
            remove_kernels(g, i, to, number);
            return rc;
        }
    }
    return AGLM_OK;
}

static enum side current_side(const aglm_tpe_group *g, size_t number)
{
    return (enum side)(g->side[number] & SIDE_MASK);
}

static aglm_rc move(aglm_tpe_group *g, size_t number, enum side to, aglm_error *err)
{
    enum side from = current_side(g, number);
    aglm_rc rc = to == SIDE_NONE ? AGLM_OK : insert_kernels(g, to, number, err);

    if (rc != AGLM_OK)
        return rc;
    if (from != SIDE_NONE)
        remove_kernels(g, g->n_pairs, from, number);
    g->side[number] = (uint8_t)((g->side[number] & WANTED) | (unsigned)to);
    return AGLM_OK;
}

/* Running trials are taken for bad ones, so that workers keep apart (constant liar). */
static enum side side_of(const aglm_trial *t)
{
    return counts(t) || t->state == AGLM_TRIAL_RUNNING ? SIDE_BAD : SIDE_NONE;
}

/* Trials told, those that were good left where they are for now. */
static aglm_rc take_changes(aglm_tpe_group *g, aglm_error *err)
{
    while (g->n_changed > 0) {
        uint32_t number = g->changed[g->n_changed - 1];
        enum side want = side_of(aglm_history_trial(g->history, number));
        aglm_rc rc = current_side(g, number) == want ? AGLM_OK : move(g, number, want, err);
        if (rc != AGLM_OK)
            return rc;
        g->n_changed--;
    }
    return AGLM_OK;
}

/* First who is no longer good, then who has become so. */
static aglm_rc change_sides(aglm_tpe_group *g, const uint32_t *good, size_t n, aglm_error *err)
{
    for (; g->n_good > 0; g->n_good--) {
        uint32_t number = g->good[g->n_good - 1];
        if (g->side[number] != SIDE_GOOD) /* it is wanted, or bad already */
            continue;
        aglm_rc rc = move(g, number, SIDE_BAD, err);
        if (rc != AGLM_OK)
            return rc;
    }
    for (size_t i = 0; i < n; i++) {
        if (current_side(g, good[i]) != SIDE_GOOD) {
            aglm_rc rc = move(g, good[i], SIDE_GOOD, err);
            if (rc != AGLM_OK)
                return rc;
        }
        g->good[g->n_good++] = good[i];
    }
    return AGLM_OK;
}

/* Brings the models up to date. */
static aglm_rc sync(aglm_tpe_group *g, aglm_error *err)
{
    const uint32_t *good = NULL;
    size_t n = 0;
    aglm_rc rc = take_changes(g, err);

    if (rc == AGLM_OK)
        rc = aglm_tpe_split_good(g->split, &good, &n, err);
    if (rc == AGLM_OK && aglm_grow(&g->good, &g->good_cap, n, sizeof *g->good, MAX_TRIALS))
        rc = aglm_error_set(err, AGLM_NOMEM, "tpe: out of memory for %zu trials", n);
    if (rc != AGLM_OK)
        return rc;
    for (size_t i = 0; i < n; i++)
        g->side[good[i]] |= WANTED;
    rc = change_sides(g, good, n, err);
    for (size_t i = 0; i < n; i++)
        g->side[good[i]] &= SIDE_MASK;
    return rc;
}

static void draw_pair(aglm_tpe_group *g, size_t at, aglm_rng *rng)
{
    const struct pair *p = &g->pairs[at];
    size_t n = g->n_candidates;
    double *drawn = g->drawn + at * n * g->width;
    uint32_t *order = g->order + at * n;

    for (size_t i = 0; i < n; i++)
        aglm_parzen_sample(p->good, rng, drawn + i * g->width);
    aglm_parzen_score(p->good, drawn, n, g->gain);
    aglm_parzen_score(p->bad, drawn, n, g->bad_score);
    for (size_t i = 0; i < n; i++) {
        g->gain[i] -= g->bad_score[i];
        size_t to = i;
        for (; to > 0 && g->gain[order[to - 1]] < g->gain[i]; to--)
            order[to] = order[to - 1];
        order[to] = (uint32_t)i;
    }
}

aglm_rc aglm_tpe_group_draw(aglm_tpe_group *g, aglm_rng *rng, aglm_error *err)
{
    aglm_rc rc = sync(g, err);

    for (size_t i = 0; rc == AGLM_OK && i < g->n_pairs; i++)
        draw_pair(g, i, rng);
    return rc;
}

void aglm_tpe_group_take(const aglm_tpe_group *g, size_t i, double *x)
{
    for (size_t p = 0; p < g->n_pairs; p++) {
        size_t first = p * g->n_candidates;
        const double *from = g->drawn + (first + g->order[first + i]) * g->width;
        for (size_t j = 0; j < g->width; j++)
            x[g->params[p * g->width + j]] = from[j];
    }
}
