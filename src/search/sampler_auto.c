#include <stdlib.h>

#include "search/sampler.h"

#define GP_TRIALS 400  /* complete ones, up to which the Gaussian process is asked */
#define GP_PARAMS 48   /* more coordinates than a few hundred trials can weigh */
#define STALE 8        /* trials since the best one, after which another view is asked in turn */
#define STALE_FROM 30  /* complete trials */
#define STEEP_ALONE 30 /* trials of a steep objective that are CMA-ES's */
#define LISTED 1024    /* points of a space that the Gaussian process looks at whole */
/* Complete trials of several objectives from which NSGA-II is asked in turn with TPE, and alone. */
#define FRONT_FROM 30
#define FRONT_ALONE 400
#define MEMBERS 4

enum { GP, TPE, CMAES, NSGA2 };

struct chooser {
    const aglm_history *history;
    aglm_sampler_options options;
    uint64_t seed;
    size_t n_params; /* of more than one value */
    bool conditional, has_choices, listed;
    void *self[MEMBERS]; /* opened when first asked */
};

static const aglm_sampler_ops *const members[MEMBERS] = {[GP] = &aglm_sampler_gp,
                                                         [TPE] = &aglm_sampler_tpe,
                                                         [CMAES] = &aglm_sampler_cmaes,
                                                         [NSGA2] = &aglm_sampler_nsga2};

static void auto_close(void *self)
{
    struct chooser *c = self;

    for (int i = 0; i < MEMBERS; i++) {
        if (c->self[i])
            members[i]->close(c->self[i]);
    }
    free(c);
}

static aglm_rc auto_open(void **self, const aglm_history *history,
                         const aglm_sampler_options *options, uint64_t seed, aglm_error *err)
{
    const aglm_space *space = aglm_history_space(history);
    struct chooser *c = calloc(1, sizeof *c);

    *self = c;
    if (!c)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    *c = (struct chooser){.history = history, .options = *options, .seed = seed};
    uint64_t size = aglm_space_size(space);
    c->listed = size > 0 && size <= LISTED;
    for (size_t i = 0; i < space->n; i++) {
        const aglm_space_param *p = &space->params[i];
        c->n_params += p->dist.low != p->dist.high;
        c->conditional = c->conditional || p->parent >= 0;
        c->has_choices = c->has_choices || p->dist.kind == AGLM_DIST_CHOICE;
    }
    return AGLM_OK;
}

/* Has nothing better come for a while? */
static bool is_stale(const struct chooser *c)
{
    const aglm_trial *best = aglm_history_best(c->history);

    return best && aglm_history_size(c->history) - (size_t)best->number > STALE &&
           aglm_history_count(c->history, AGLM_TRIAL_COMPLETE) >= STALE_FROM;
}

/* TPE is the better one at first, NSGA-II in the end, and both in turn are better than either in
 * between. */
static int choose_several(size_t complete, bool in_turn)
{
    if (complete >= FRONT_ALONE)
        return NSGA2;
    return complete >= FRONT_FROM && in_turn ? NSGA2 : TPE;
}

static int choose(const struct chooser *c)
{
    size_t complete = aglm_history_count(c->history, AGLM_TRIAL_COMPLETE);
    bool in_turn = aglm_history_size(c->history) % 2 == 0;

    if (aglm_history_objectives(c->history) > 1)
        return choose_several(complete, in_turn);
    if (complete < GP_TRIALS && c->n_params <= GP_PARAMS) {
        if (complete < STEEP_ALONE && !c->conditional && !c->has_choices &&
            aglm_history_is_steep(c->history))
            return CMAES;
        if (c->listed || !in_turn || !is_stale(c))
            return GP;
        return c->conditional ? TPE : CMAES;
    }
    return c->conditional || c->has_choices || c->n_params < 2 ? TPE : CMAES;
}

static aglm_rc auto_ask(void *self, int64_t number, double *x, aglm_error *err)
{
    struct chooser *c = self;
    int i = choose(c);
    aglm_rc rc = AGLM_OK;

    if (!c->self[i])
        rc = members[i]->open(&c->self[i], c->history, &c->options, c->seed, err);
    return rc == AGLM_OK ? members[i]->ask(c->self[i], number, x, err) : rc;
}

static aglm_rc auto_tell(void *self, const aglm_trial *t, aglm_error *err)
{
    struct chooser *c = self;
    aglm_rc rc = AGLM_OK;

    for (int i = 0; rc == AGLM_OK && i < MEMBERS; i++) {
        if (c->self[i] && members[i]->tell)
            rc = members[i]->tell(c->self[i], t, err);
    }
    return rc;
}

const aglm_sampler_ops aglm_sampler_auto = {
    .name = "auto",
    .several = true,
    .open = auto_open,
    .ask = auto_ask,
    .tell = auto_tell,
    .close = auto_close,
};
