#include "search/regret.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/gp_axes.h"
#include "search/gp_model.h"
#include "search/study_priv.h"

#define MOST_OBSERVED 300
#define FIT_CALLS 40
#define SAMPLES 2048
#define ROUNDS 4
#define ROUND_SAMPLES (SAMPLES / ROUNDS)
#define FIRST_REACH 0.1   /* of the unit interval, of the first round around the best sample */
#define REACH_FALLS 0.316 /* from round to round */
#define DELTA 0.1         /* the bound holds with probability 1 - DELTA */
#define MAX_TRIALS_BYTES ((size_t)1 << 34)
#define MAX_SCORES 4096
#define MAX_SCORES_BYTES (1u << 17)

struct bounder {
    aglm_gp_axes axes;
    bool *is_choice; /* [axes.n] */
    double *u;       /* [axes.n] */
    double *best_u;  /* [axes.n] of the least lower bound */
    double *x;       /* [space->n] */
    aglm_gp *gp;
    double width; /* b */
    double least; /* lower bound found */
};

static void clear(struct bounder *b)
{
    aglm_gp_free(b->gp);
    aglm_gp_axes_clear(&b->axes);
    free(b->is_choice);
    free(b->u);
    free(b->best_u);
    free(b->x);
}

static aglm_rc init(struct bounder *b, const aglm_space *space, aglm_error *err)
{
    aglm_rc rc = aglm_gp_axes_init(&b->axes, space, err);

    if (rc != AGLM_OK)
        return rc;
    b->is_choice = aglm_calloc(b->axes.n, sizeof *b->is_choice);
    b->u = aglm_calloc(b->axes.n, sizeof *b->u);
    b->best_u = aglm_calloc(b->axes.n, sizeof *b->best_u);
    b->x = aglm_calloc(space->n, sizeof *b->x);
    if (!b->is_choice || !b->u || !b->best_u || !b->x)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a bound");
    for (size_t i = 0; i < b->axes.n; i++)
        b->is_choice[i] = b->axes.axis[i].is_choice;
    return AGLM_OK;
}

/* ---- the observations ---- */

static int by_loss(const void *a, const void *b)
{
    const aglm_trial *x = *(const aglm_trial *const *)a;
    const aglm_trial *y = *(const aglm_trial *const *)b;

    if (x->loss != y->loss)
        return x->loss < y->loss ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* The better half, by loss; 0 when there are too few. */
static size_t choose(const aglm_space *space, const aglm_trial *trials, size_t n,
                     const aglm_trial **list)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        const aglm_trial *t = &trials[i];
        if (t->state == AGLM_TRIAL_COMPLETE && isfinite(t->loss) && !(t->violation > 0.0) &&
            aglm_space_check(space, t->x, NULL) == AGLM_OK)
            list[used++] = t;
    }
    if (used < AGLM_REGRET_LEAST)
        return 0;
    qsort(list, used, sizeof *list, by_loss);
    used = used / 2 > AGLM_REGRET_LEAST ? used / 2 : AGLM_REGRET_LEAST;
    return used < MOST_OBSERVED ? used : MOST_OBSERVED;
}

/* The model of the standardised losses; *unit gets their deviation. */
static aglm_rc model(struct bounder *b, const aglm_trial *const *list, size_t n, double *unit,
                     aglm_error *err)
{
    double mean = 0.0;
    double square = 0.0;
    aglm_rc rc = aglm_gp_new(&b->gp, b->axes.n, b->is_choice, n, err);

    if (rc != AGLM_OK)
        return rc;
    for (size_t i = 0; i < n; i++)
        mean += list[i]->loss / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (list[i]->loss - mean) * (list[i]->loss - mean) / (double)n;
    *unit = fmax(sqrt(square), 1e-10);
    for (size_t i = 0; i < n; i++) {
        aglm_gp_axes_encode(&b->axes, list[i]->x, b->u);
        b->gp->y[i] = (list[i]->loss - mean) / *unit;
        aglm_gp_add_point(b->gp, b->u);
    }
    b->gp->n = b->gp->n_all;
    aglm_gp_reset(b->gp);
    rc = aglm_gp_fit(b->gp, FIT_CALLS, NULL, err);
    return rc == AGLM_OK ? aglm_gp_condition(b->gp, err) : rc;
}

/* ---- the bounds ---- */

static aglm_gp_belief believe(struct bounder *b, const double *u)
{
    aglm_gp_belief belief = aglm_gp_predict(b->gp, u, NULL, NULL);

    belief.variance = belief.variance > 0.0 ? belief.variance : 0.0;
    return belief;
}

static void look_at(struct bounder *b)
{
    aglm_gp_belief belief = believe(b, b->u);
    double low = belief.mean - b->width * sqrt(belief.variance);

    if (low < b->least) {
        b->least = low;
        memcpy(b->best_u, b->u, b->axes.n * sizeof *b->u);
    }
}

/* The least upper bound of an observation; its lower bounds are looked at, too. */
static double observed_bound(struct bounder *b)
{
    double least = INFINITY;

    for (size_t i = 0; i < b->gp->n; i++) {
        aglm_gp_point(b->gp, i, b->u);
        aglm_gp_belief belief = believe(b, b->u);
        least = fmin(least, belief.mean + b->width * sqrt(belief.variance));
        look_at(b);
    }
    return least;
}

/* A point near the best one; what its conditions leave out, and lattices, are as the space has
 * them. */
static void step_aside(struct bounder *b, double reach, aglm_rng *rng)
{
    memcpy(b->u, b->best_u, b->axes.n * sizeof *b->u);
    for (size_t j = 0; j < b->axes.n; j++) {
        double edge = aglm_gp_axes_edge(&b->axes, j);
        if (!b->is_choice[j])
            b->u[j] = fmin(fmax(b->u[j] + reach * aglm_rng_normal(rng), edge), 1.0 - edge);
    }
    aglm_space_sample(b->axes.space, rng, b->x);
    aglm_gp_axes_decode(&b->axes, b->u, b->x, rng, b->x);
    aglm_gp_axes_encode(&b->axes, b->x, b->u);
}

static void search_space(struct bounder *b, aglm_rng *rng)
{
    double reach = FIRST_REACH;

    for (int i = 0; i < SAMPLES; i++) {
        aglm_space_sample(b->axes.space, rng, b->x);
        aglm_gp_axes_encode(&b->axes, b->x, b->u);
        look_at(b);
    }
    for (int round = 0; round < ROUNDS; round++, reach *= REACH_FALLS) {
        for (int i = 0; i < ROUND_SAMPLES; i++) {
            step_aside(b, reach, rng);
            look_at(b);
        }
    }
}

static aglm_rc bound(struct bounder *b, const aglm_trial *const *list, size_t n, uint64_t seed,
                     double *out, aglm_error *err)
{
    double count = (double)n;
    double unit;
    aglm_rng rng;
    aglm_rc rc = model(b, list, n, &unit, err);

    if (rc != AGLM_OK)
        return rc;
    b->width = sqrt(0.4 * log((double)b->axes.n * count * count * M_PI * M_PI / (6.0 * DELTA)));
    b->least = INFINITY;
    aglm_rng_init(&rng, seed);
    double upper = observed_bound(b);
    search_space(b, &rng);
    *out = fmax(upper - b->least, 0.0) * unit;
    return AGLM_OK;
}

aglm_rc aglm_regret_bound(const aglm_space *space, const aglm_trial *trials, size_t n,
                          uint64_t seed, double *out, aglm_error *err)
{
    const aglm_trial **list = aglm_calloc(n, sizeof *list);
    struct bounder b = {0};

    if (!list)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu trials", n);
    *out = INFINITY;
    size_t used = choose(space, trials, n, list);
    aglm_rc rc = used ? init(&b, space, err) : AGLM_OK;
    if (rc == AGLM_OK && used && b.axes.n == 0)
        *out = 0.0;
    else if (rc == AGLM_OK && used)
        rc = bound(&b, list, used, seed, out, err);
    clear(&b);
    free(list);
    return rc;
}

/* ---- scores ---- */

static double error_of(const aglm_json *list)
{
    aglm_json_iter it = aglm_json_iterate(list);
    size_t k = aglm_json_kind_of(list) == AGLM_JSON_ARRAY ? aglm_json_size(list) : 0;
    double mean = 0.0;
    double square = 0.0;

    if (k < 2)
        return NAN;
    for (size_t i = 0; i < k; i++) { /* Welford's updates */
        double v = aglm_json_double(aglm_json_next(&it, NULL), NAN);
        double off = v - mean;
        mean += off / (double)(i + 1);
        square += off * (v - mean);
    }
    return sqrt((1.0 / (double)k + 1.0 / (double)(k - 1)) * square / (double)k);
}

double aglm_score_error(const aglm_trial *t)
{
    const aglm_json_options options = {.allow_nonfinite = true};
    const char *json = aglm_trial_attr(t, AGLM_ATTR_SCORES, true);
    aglm_json_doc *doc = NULL;
    double error = NAN;

    if (json && aglm_json_parse(&doc, json, strlen(json), &options, NULL) == AGLM_OK)
        error = error_of(aglm_json_root(doc));
    aglm_json_free(doc);
    return error;
}

/* ---- of a study ---- */

static aglm_rc write_scores(const double *scores, size_t n, aglm_str *out, aglm_error *err)
{
    aglm_json_writer w;

    aglm_json_writer_init(&w, out);
    w.python = true;
    aglm_json_open_array(&w);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(scores[i]))
            return aglm_error_set(err, AGLM_INVALID, "score %zu is not a number", i);
        aglm_json_put_double(&w, scores[i]);
    }
    aglm_json_close_array(&w);
    return out->rc == AGLM_OK ? AGLM_OK
                              : aglm_error_set(err, out->rc, "scores: %s", aglm_rc_text(out->rc));
}

aglm_rc aglm_study_set_scores(aglm_study *s, int64_t number, const double *scores, size_t n,
                              aglm_error *err)
{
    aglm_str json;

    if (n < 2 || n > MAX_SCORES)
        return aglm_error_set(err, AGLM_INVALID, "%zu scores, not 2 to %d", n, MAX_SCORES);
    aglm_str_init(&json, MAX_SCORES_BYTES);
    aglm_rc rc = write_scores(scores, n, &json, err);
    if (rc == AGLM_OK) {
        const aglm_attr_row attr = {.key = AGLM_ATTR_SCORES, .json = json.data, .system = true};
        rc = aglm_study_set_system_attr(s, number, &attr, err);
    }
    aglm_str_clear(&json);
    return rc;
}

aglm_rc aglm_study_regret_bound(aglm_study *s, double *bound, double *error, aglm_error *err)
{
    aglm_trial *trials;
    aglm_arena arena;
    size_t n;

    if (aglm_study_objectives(s) > 1)
        return aglm_error_set(err, AGLM_INVALID,
                              "study \"%s\" has %zu objectives: regret is of one", s->name,
                              aglm_study_objectives(s));
    aglm_arena_init(&arena, MAX_TRIALS_BYTES);
    aglm_rc rc = aglm_study_trials(s, &arena, &trials, &n, err);
    if (rc == AGLM_OK)
        rc = aglm_regret_bound(s->space, trials, n, s->options.seed, bound, err);
    const aglm_trial *best = NULL;
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        if (trials[i].state == AGLM_TRIAL_COMPLETE &&
            (!best || aglm_trial_better(&trials[i], best)))
            best = &trials[i];
    }
    if (rc == AGLM_OK && error)
        *error = best ? aglm_score_error(best) : NAN;
    aglm_arena_clear(&arena);
    return rc;
}

aglm_rc aglm_study_regret_below(aglm_study *s, double limit, bool *below, aglm_error *err)
{
    size_t complete = aglm_study_count(s, AGLM_TRIAL_COMPLETE);
    size_t every = complete / AGLM_REGRET_LEAST;
    double bound = INFINITY;
    double error = NAN;

    *below = false;
    if (limit == 0.0 || complete < AGLM_REGRET_LEAST || complete % every != 0)
        return AGLM_OK;
    aglm_rc rc = aglm_study_regret_bound(s, &bound, &error, err);
    *below = rc == AGLM_OK && bound < (limit > 0.0 ? limit : error);
    return rc;
}
