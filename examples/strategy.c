/* strategy.c - a search strategy of your own in a shared object: a hill climber.
 *
 *     cc -O2 -shared -fPIC -o climber.so strategy.c -lm
 *     autoglm optimize --sampler ./climber.so --space 'x=uniform(-5,5)' -- ./score.sh {x}
 *     autoglm optimize --sampler portfolio:auto,./climber.so ...     (beside the built-in ones)
 *
 * It moves the best point a little, in steps that shrink while nothing better comes. Trial n draws
 * from (seed, n) alone, so that a study that is taken up again goes on as if it had not stopped. */
#include <autoglm/strategy.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_TRIALS 8 /* before there is a best point to start from */

struct climber {
    const aglm_strategy_space *space;
    uint64_t seed;
    double *best; /* [n] */
    double best_loss;
    int64_t best_number; /* -1: none yet */
};

/* ---- random numbers: splitmix64 ---- */

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15ULL;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return (double)(next(state) >> 11) * 0x1p-53;
}

/* ---- one parameter, as a number between 0 and 1 ---- */

static double to_unit(const aglm_strategy_param *p, double v)
{
    if (p->high == p->low)
        return 0.5;
    return p->log ? log(v / p->low) / log(p->high / p->low) : (v - p->low) / (p->high - p->low);
}

static double from_unit(const aglm_strategy_param *p, double u)
{
    double v = p->log ? p->low * pow(p->high / p->low, u) : p->low + u * (p->high - p->low);

    if (p->step > 0)
        v = p->low + p->step * round((v - p->low) / p->step);
    return fmin(fmax(v, p->low), p->high);
}

static double move(const aglm_strategy_param *p, double from, double width, uint64_t *state)
{
    double step = width * (uniform(state) + uniform(state) + uniform(state) - 1.5);

    if (isnan(from) || (p->kind == AGLM_STRATEGY_CHOICE && uniform(state) < 0.3))
        return from_unit(p, uniform(state));
    if (p->kind == AGLM_STRATEGY_CHOICE)
        return from;
    return from_unit(p, fmin(fmax(to_unit(p, from) + step, 0), 1));
}

/* ---- the strategy ---- */

static int climber_open(void **self, const aglm_strategy_space *space, uint64_t seed, char *why)
{
    struct climber *c = calloc(1, sizeof *c);

    *self = c;
    if (c && !(c->best = calloc(space->n, sizeof *c->best))) {
        free(c);
        c = NULL;
    }
    if (!c) {
        snprintf(why, AGLM_STRATEGY_WHY, "out of memory");
        return AGLM_STRATEGY_ERROR;
    }
    c->space = space;
    c->seed = seed;
    c->best_number = -1;
    return 0;
}

static int is_active(const aglm_strategy_param *p, const double *x)
{
    return p->parent < 0 || (!isnan(x[p->parent]) && (p->when >> (unsigned)x[p->parent] & 1));
}

static int climber_ask(void *self, int64_t number, double *x, char *why)
{
    const struct climber *c = self;
    uint64_t state = c->seed ^ ((uint64_t)number * 0xD1342543DE82EF95ULL);
    int fresh = c->best_number < 0 || number < RANDOM_TRIALS;
    double width = fresh ? 0 : fmax(0.5 * pow(0.9, (double)(number - c->best_number)), 1e-3);

    why[0] = '\0'; /* it always has a point */
    next(&state);
    for (size_t i = 0; i < c->space->n; i++) { /* parents come before their children */
        const aglm_strategy_param *p = &c->space->params[i];
        x[i] = is_active(p, x) ? move(p, fresh ? NAN : c->best[i], width, &state) : NAN;
    }
    return AGLM_STRATEGY_POINT;
}

static void climber_tell(void *self, const aglm_strategy_trial *t)
{
    struct climber *c = self;

    if (t->state != AGLM_STRATEGY_COMPLETE || isnan(t->loss))
        return;
    if (c->best_number >= 0 &&
        (t->loss > c->best_loss || (t->loss == c->best_loss && t->number > c->best_number)))
        return;
    memcpy(c->best, t->x, c->space->n * sizeof *c->best);
    c->best_loss = t->loss;
    c->best_number = t->number;
}

static void climber_close(void *self)
{
    struct climber *c = self;

    free(c->best);
    free(c);
}

const aglm_strategy aglm_strategy_plugin = {
    .abi = AGLM_STRATEGY_ABI,
    .name = "climber",
    .open = climber_open,
    .ask = climber_ask,
    .tell = climber_tell,
    .close = climber_close,
};
