#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/dense.h"
#include "search/cmaes.h"
#include "search/normal.h"
#include "search/sampler.h"

#define ATTEMPTS 32       /* draws before a point is clipped, or a random fresh one taken */
#define NARROW_ATTEMPTS 8 /* of them as the distribution has it; then wider and wider */
#define WIDEN 1.3
#define START_SIGMA (1.0 / 6.0)      /* of a unit axis */
#define ONE_ABOVE 0.8413447460685429 /* of a normal law's mass lies below mean + deviation */
#define LEAST_PART 1e-3              /* of START_SIGMA */
#define CHOICE_RATE 0.4
#define LATENESS 3                                  /* generations */
#define RESTART_STREAM UINT64_C(0x8000000000000000) /* above all trials' */
#define MAX_FLAT 64
#define MAX_POPULATION 4096

/* A trial in the coordinates of the model. */
struct member {
    const aglm_trial *trial;
    double *v;     /* [n_axes] unit coordinates; a discrete axis anywhere in its cell */
    double *point; /* [space->n] which choices it took, also of inactive parameters */
};

struct cmaes {
    const aglm_history *history;
    const aglm_space *space;
    uint64_t seed;
    size_t *axes, n_axes;       /* parameters that are numbers of more than one value */
    size_t *choices, n_choices; /* and those that are choices */
    double **chance;            /* [n_choices][choice] */
    aglm_cmaes *model;          /* NULL without axes */
    double *part;               /* [n_axes] of the first sigma that an axis has, by its prior */
    double *v, *point;          /* scratch */

    /* The state follows from the trials below `next` by number. */
    size_t next;
    size_t finished; /* of those: the others were passed over while they ran */
    bool stale;      /* one of those has ended: start over */
    size_t population, filled, cap;
    struct member *members; /* [cap] */
    const double **ranked;  /* [cap] */
    double best[MAX_FLAT];  /* losses of the last generations, a ring */
    size_t generation;      /* since the restart */

    /* Restarts: BIPOP (Hansen 2009). */
    uint64_t restarts;
    size_t large;                    /* population of the last large run */
    size_t spent_large, spent_small; /* trials */
    bool is_small;
    aglm_arena arena;
};

static void cmaes_close(void *self)
{
    struct cmaes *s = self;

    for (size_t i = 0; i < s->cap; i++) {
        free(s->members[i].v);
        free(s->members[i].point);
    }
    free(s->members);
    free(s->ranked);
    aglm_cmaes_free(s->model);
    aglm_arena_clear(&s->arena);
    free(s);
}

static aglm_rc no_memory(aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
}

/* Where a share u of the parameter's prior lies, on its unit axis. */
static double prior_at(const struct cmaes *s, size_t param, double u)
{
    const aglm_space_param *p = &s->space->params[param];

    return p->prior.kind == AGLM_PRIOR_NONE
               ? u
               : aglm_dist_to_unit(&p->dist, aglm_space_quantile(s->space, param, u));
}

/* A normal prior's deviation, where it is less than that of other axes. */
static double part_of(const struct cmaes *s, size_t param)
{
    double spread = 0.5 * (prior_at(s, param, ONE_ABOVE) - prior_at(s, param, 1.0 - ONE_ABOVE));

    if (s->space->params[param].prior.kind != AGLM_PRIOR_NORMAL)
        return 1.0;
    return fmax(LEAST_PART, fmin(1.0, spread / START_SIGMA));
}

static aglm_rc find_axes(struct cmaes *s, aglm_error *err)
{
    size_t n = s->space->n;

    s->axes = aglm_arena_array(&s->arena, n, sizeof *s->axes);
    s->choices = aglm_arena_array(&s->arena, n, sizeof *s->choices);
    s->chance = aglm_arena_array(&s->arena, n, sizeof *s->chance);
    s->part = aglm_arena_array(&s->arena, n, sizeof *s->part);
    s->v = aglm_arena_array(&s->arena, n, sizeof *s->v);
    s->point = aglm_arena_array(&s->arena, n, sizeof *s->point);
    if (!s->axes || !s->choices || !s->chance || !s->part || !s->v || !s->point)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const aglm_dist *d = &s->space->params[i].dist;
        if (d->low == d->high)
            continue;
        if (d->kind != AGLM_DIST_CHOICE) {
            s->part[s->n_axes] = part_of(s, i);
            s->axes[s->n_axes++] = i;
            continue;
        }
        s->chance[s->n_choices] = aglm_arena_array(&s->arena, d->n_choices, sizeof(double));
        if (!s->chance[s->n_choices])
            return no_memory(err);
        s->choices[s->n_choices++] = i;
    }
    return AGLM_OK;
}

static aglm_rc reserve(struct cmaes *s, size_t population, aglm_error *err)
{
    if (population <= s->cap)
        return AGLM_OK;
    struct member *members = realloc(s->members, population * sizeof *members);
    if (!members)
        return no_memory(err);
    s->members = members;
    const double **ranked = realloc(s->ranked, population * sizeof *ranked);
    if (!ranked)
        return no_memory(err);
    s->ranked = ranked;
    for (; s->cap < population; s->cap++) {
        struct member m = {.v = aglm_calloc(s->n_axes, sizeof(double)),
                           .point = aglm_calloc(s->space->n, sizeof(double))};
        if (!m.v || !m.point) {
            free(m.v);
            free(m.point);
            return no_memory(err);
        }
        members[s->cap] = m;
    }
    return AGLM_OK;
}

/* A new distribution around s->v. */
static aglm_rc begin_run(struct cmaes *s, size_t population, double sigma, aglm_error *err)
{
    aglm_rc rc = reserve(s, population, err);

    if (rc != AGLM_OK)
        return rc;
    s->population = population;
    s->filled = 0;
    s->generation = 0;
    for (size_t c = 0; c < s->n_choices; c++) {
        size_t n = s->space->params[s->choices[c]].dist.n_choices;
        for (size_t k = 0; k < n; k++)
            s->chance[c][k] = 1.0 / (double)n;
    }
    aglm_cmaes_free(s->model);
    s->model = NULL;
    const aglm_cmaes_start start = {s->n_axes, population, sigma, s->v, s->part};
    return s->n_axes > 0 ? aglm_cmaes_new(&s->model, &start, err) : AGLM_OK;
}

static size_t default_population(const struct cmaes *s)
{
    return aglm_cmaes_population(s->n_axes + s->n_choices > 0 ? s->n_axes + s->n_choices : 1);
}

/* The state before any trial. */
static aglm_rc rewind_all(struct cmaes *s, aglm_error *err)
{
    s->next = s->finished = 0;
    s->stale = false;
    s->restarts = 0;
    s->large = default_population(s);
    s->spent_large = s->spent_small = 0;
    s->is_small = false;
    for (size_t i = 0; i < s->n_axes; i++)
        s->v[i] = prior_at(s, s->axes[i], 0.5);
    return begin_run(s, s->large, START_SIGMA, err);
}

static aglm_rc cmaes_open(void **self, const aglm_history *history,
                          const aglm_sampler_options *options, uint64_t seed, aglm_error *err)
{
    struct cmaes *s = calloc(1, sizeof *s);

    (void)options;
    *self = NULL;
    if (!s)
        return no_memory(err);
    s->history = history;
    s->space = aglm_history_space(history);
    s->seed = seed;
    aglm_arena_init(&s->arena, 1u << 26);
    aglm_rc rc = find_axes(s, err);
    if (rc == AGLM_OK)
        rc = rewind_all(s, err);
    if (rc != AGLM_OK) {
        cmaes_close(s);
        return rc;
    }
    *self = s;
    return AGLM_OK;
}

static size_t draw_choice(const double *chance, size_t n, aglm_rng *rng)
{
    double u = aglm_rng_uniform(rng);
    size_t k = 0;

    while (k + 1 < n && u >= chance[k])
        u -= chance[k++];
    return k;
}

/* Attempt i of a trial's draws, each from where the last one left the stream; the last attempt is
 * clipped into the space. False when the draw lies outside. Fills v and the point, inactive
 * parameters too. */
static bool draw(const struct cmaes *s, aglm_rng *rng, int attempt, double *v, double *point)
{
    double reach = 1.0;
    bool inside = true;

    for (int i = NARROW_ATTEMPTS; i < attempt; i++)
        reach *= WIDEN;
    for (size_t i = 0; i < s->space->n; i++)
        point[i] = s->space->params[i].dist.low;
    for (size_t c = 0; c < s->n_choices; c++) {
        size_t n = s->space->params[s->choices[c]].dist.n_choices;
        point[s->choices[c]] = (double)draw_choice(s->chance[c], n, rng);
    }
    if (s->n_axes > 0)
        aglm_cmaes_draw(s->model, rng, reach, v);
    for (size_t i = 0; i < s->n_axes; i++) {
        const aglm_dist *d = &s->space->params[s->axes[i]].dist;
        double u = fmax(0.0, fmin(1.0, v[i]));
        if (u != v[i] && aglm_dist_count(d) == 0) {
            inside = false;
            v[i] = u;
        }
        point[s->axes[i]] = aglm_dist_from_unit(d, u);
    }
    return inside || attempt == ATTEMPTS - 1;
}

static void settle(const struct cmaes *s, const double *point, double *x)
{
    memcpy(x, point, s->space->n * sizeof *x);
    aglm_space_settle(s->space, x);
}

/* Draws the trial's point again, which gives back what its discrete and inactive coordinates hide.
 * False when it came from elsewhere: a queue, or a distribution that has moved since. */
static bool redraw(const struct cmaes *s, struct member *m)
{
    aglm_rng rng;

    aglm_rng_init_stream(&rng, s->seed, (uint64_t)m->trial->number);
    for (int i = 0; i < ATTEMPTS; i++) {
        if (!draw(s, &rng, i, m->v, m->point))
            continue;
        settle(s, m->point, s->point);
        if (aglm_space_same(s->space, s->point, m->trial->x))
            return true;
    }
    return false;
}

/* The part of a discrete axis that gives this value, open at the ends of the axis. */
static void open_cell(const aglm_dist *d, double value, double *low, double *high)
{
    aglm_dist_cell(d, aglm_dist_snap(d, value), low, high);
    if (aglm_dist_count(d) == 0)
        return;
    *low = value <= d->low ? -INFINITY : *low;
    *high = value >= d->high ? INFINITY : *high;
}

/* A point from elsewhere: where only a cell is known, a draw from the distribution inside it. */
static void adopt(const struct cmaes *s, struct member *m)
{
    aglm_rng rng;

    aglm_rng_init_stream(&rng, s->seed, (uint64_t)m->trial->number);
    memcpy(m->point, m->trial->x, s->space->n * sizeof *m->point);
    for (size_t i = 0; i < s->n_axes; i++) {
        double value = m->trial->x[s->axes[i]];
        double low = -INFINITY;
        double high = INFINITY;
        if (!isnan(value))
            open_cell(&s->space->params[s->axes[i]].dist, value, &low, &high);
        m->v[i] = aglm_cmaes_draw_within(s->model, &rng, i, low, high);
    }
    if (s->n_axes > 0)
        aglm_cmaes_inject(s->model, m->v);
}

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;

    return aglm_trial_better(x->trial, y->trial) ? -1 : 1;
}

/* Adds each choice's share of the better half to the chances; members whose choice is not known
 * have no say. */
static void pull(const struct cmaes *s, size_t c, double rate)
{
    double *chance = s->chance[c];
    size_t n = s->space->params[s->choices[c]].dist.n_choices;
    size_t half = s->population / 2;
    double total = 0.0;

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < half; i++) {
            double taken = s->members[i].point[s->choices[c]];
            double weight = aglm_log((double)half + 0.5) - aglm_log((double)i + 1.0);
            if (isnan(taken))
                continue;
            if (round == 0)
                total += weight;
            else
                chance[(size_t)taken] += rate * weight / total;
        }
        for (size_t k = 0; round == 0 && total > 0.0 && k < n; k++)
            chance[k] *= 1.0 - rate;
    }
}

/* Hamano et al. 2024 (CatCMA): the chances follow what the better half took, none below
 * a margin. The rate is constant here. */
static void learn_choice(const struct cmaes *s, size_t c)
{
    double *chance = s->chance[c];
    size_t n = s->space->params[s->choices[c]].dist.n_choices;
    double least = (1.0 - aglm_exp(aglm_log(0.73) / (double)s->n_choices)) / (double)(n - 1);
    double excess = 0.0;

    pull(s, c, CHOICE_RATE);
    for (size_t k = 0; k < n; k++) {
        chance[k] = fmax(chance[k], least);
        excess += chance[k] - least;
    }
    for (size_t k = 0; k < n; k++)
        chance[k] = least + (chance[k] - least) * (1.0 - least * (double)n) / excess;
}

static void learn_axes(struct cmaes *s)
{
    for (size_t i = 0; i < s->population; i++)
        s->ranked[i] = s->members[i].v;
    aglm_cmaes_learn(s->model, s->ranked);
    for (size_t i = 0; i < s->n_axes; i++) {
        const aglm_dist *d = &s->space->params[s->axes[i]].dist;
        double low;
        double high;
        if (aglm_dist_count(d) == 0)
            continue;
        double mean = fmax(0.0, fmin(1.0, aglm_cmaes_mean(s->model, i)));
        open_cell(d, aglm_dist_from_unit(d, mean), &low, &high);
        aglm_cmaes_keep_margin(s->model, i, low, high);
    }
}

/* Have the last generations all ended at the same loss? (TolHistFun of Hansen 2009) */
static bool is_flat(const struct cmaes *s)
{
    size_t term = 10 + 30 * (s->n_axes + s->n_choices) / s->population;
    double low = s->members[0].trial->loss;
    double high = s->members[s->population - 1].trial->loss;

    term = term < MAX_FLAT ? term : MAX_FLAT;
    if (s->generation < term)
        return false;
    for (size_t i = 1; i <= term; i++) {
        double loss = s->best[(s->generation - i) % MAX_FLAT];
        low = fmin(low, loss);
        high = fmax(high, loss);
    }
    return high - low <= 1e-12 * fmax(1e-12, fabs(low));
}

/* The next run of BIPOP (Hansen 2009): twice the last large population, or a small one with a
 * small first step, whichever kind has had fewer trials; from a random point. */
static aglm_rc restart(struct cmaes *s, aglm_error *err)
{
    aglm_rng rng;
    size_t least = default_population(s);
    size_t population;
    double sigma = START_SIGMA;

    aglm_rng_init_stream(&rng, s->seed, RESTART_STREAM + s->restarts);
    if (s->restarts++ > 0)
        *(s->is_small ? &s->spent_small : &s->spent_large) += s->generation * s->population;
    s->is_small = s->spent_small < s->spent_large;
    if (s->is_small) {
        double u = aglm_rng_uniform(&rng);
        double ratio = 0.5 * (double)s->large / (double)least;
        population = (size_t)((double)least * aglm_exp(u * u * aglm_log(ratio)));
        sigma *= aglm_exp(-2.0 * aglm_log(10.0) * aglm_rng_uniform(&rng));
    } else {
        s->large = 2 * s->large < MAX_POPULATION ? 2 * s->large : MAX_POPULATION;
        population = s->large;
    }
    for (size_t i = 0; i < s->n_axes; i++)
        s->v[i] = prior_at(s, s->axes[i], aglm_rng_uniform(&rng));
    return begin_run(s, population > 4 ? population : 4, sigma, err);
}

static aglm_rc end_generation(struct cmaes *s, aglm_error *err)
{
    qsort(s->members, s->population, sizeof *s->members, compare_members);
    for (size_t c = 0; c < s->n_choices; c++)
        learn_choice(s, c);
    if (s->n_axes > 0)
        learn_axes(s);
    s->best[s->generation++ % MAX_FLAT] = s->members[0].trial->loss;
    s->filled = 0;
    if (is_flat(s) || (s->n_axes > 0 && aglm_cmaes_is_spent(s->model)))
        return restart(s, err);
    return AGLM_OK;
}

static size_t count_finished(const struct cmaes *s)
{
    return aglm_history_count(s->history, AGLM_TRIAL_COMPLETE) +
           aglm_history_count(s->history, AGLM_TRIAL_PRUNED) +
           aglm_history_count(s->history, AGLM_TRIAL_FAIL);
}

/* Takes the finished trials in, by number whatever the order they ended in, so that the state
 * follows from the history alone. A running trial holds up those behind it until there are
 * LATENESS generations of them; when it ends after that, all begins anew with it in its place. */
static aglm_rc advance(struct cmaes *s, aglm_error *err)
{
    aglm_rc rc = s->stale ? rewind_all(s, err) : AGLM_OK;

    while (rc == AGLM_OK && s->next < aglm_history_size(s->history)) {
        const aglm_trial *t = aglm_history_trial(s->history, s->next);
        bool finished = aglm_trial_finished(t);
        if (!finished && count_finished(s) - s->finished <= LATENESS * s->population)
            break;
        s->next++;
        s->finished += finished;
        if (!finished || isnan(t->loss))
            continue;
        struct member *m = &s->members[s->filled++];
        m->trial = t;
        if (!redraw(s, m))
            adopt(s, m);
        if (s->filled == s->population)
            rc = end_generation(s, err);
    }
    return rc;
}

static aglm_rc cmaes_ask(void *self, int64_t number, double *x, aglm_error *err)
{
    struct cmaes *s = self;
    aglm_rng rng;
    aglm_rc rc = advance(s, err);

    if (rc != AGLM_OK) {
        s->stale = true; /* half a step: begin anew next time */
        return rc;
    }
    aglm_rng_init_stream(&rng, s->seed, (uint64_t)number);
    for (int i = 0; i < ATTEMPTS; i++) {
        if (!draw(s, &rng, i, s->v, s->point))
            continue;
        settle(s, s->point, x);
        if (!aglm_history_seen(s->history, x))
            return AGLM_OK;
    }
    return aglm_history_fresh(s->history, &rng, x);
}

static aglm_rc cmaes_tell(void *self, const aglm_trial *t, aglm_error *err)
{
    struct cmaes *s = self;

    (void)err;
    if (aglm_trial_finished(t) && (size_t)t->number < s->next)
        s->stale = true;
    return AGLM_OK;
}

const aglm_sampler_ops aglm_sampler_cmaes = {
    .name = "cmaes",
    .open = cmaes_open,
    .ask = cmaes_ask,
    .tell = cmaes_tell,
    .close = cmaes_close,
};
