/* search/sampler.h - a strategy that proposes the next point of a study.
 * Threads: a sampler is confined; the study that owns it locks. */
#ifndef AGLM_SEARCH_SAMPLER_H
#define AGLM_SEARCH_SAMPLER_H

#include "search/history.h"

struct aglm_sampler_ops;

/* How strategies of the user's own are run. search starts no processes: who does lends it this. */
typedef struct aglm_sampler_outside {
    const struct aglm_sampler_ops *ops; /* options->detail is "cmd:PROGRAM ARGS" or "FILE.so" */
    const char *const *env;             /* NULL-terminated "KEY=VALUE" */
    const char *host;                   /* the program whose `strategy FILE.so` speaks for a file */
    uint64_t limit_ns;                  /* for one answer */
} aglm_sampler_outside;

typedef struct aglm_sampler_options {
    /* finished trials (enqueued ones count) before a model is used; default 10 */
    unsigned n_startup;
    /* drawn from the good model, the best kept: 1..AGLM_SAMPLER_MAX_CANDIDATES; default 24 */
    unsigned n_candidates;
    unsigned grid_levels; /* of a domain with more values than this, or continuous; default 10 */
    unsigned population;  /* parents of nsga2: 2..AGLM_SAMPLER_MAX_POPULATION; default 50 */
    const char *detail;   /* what aglm_sampler_parse found behind the name; NULL: nothing */
    const aglm_sampler_outside *outside; /* borrowed; NULL: strategies of the user's are refused */
} aglm_sampler_options;

#define AGLM_SAMPLER_MAX_CANDIDATES 4096
#define AGLM_SAMPLER_MAX_POPULATION 65536
#define AGLM_SAMPLER_DEFAULTS                                                                      \
    {.n_startup = 10, .n_candidates = 24, .grid_levels = 10, .population = 50}

/* One static const struct per strategy, in a file of its own. Trial n draws from the stream (seed,
 * n) alone, so a point depends on the history and n, not on who asked before. */
typedef struct aglm_sampler_ops {
    const char *name; /* unique, stored with the study: never rename */
    bool several;     /* knows what to do with several objectives; else the study refuses it */
    /* The history (with its space) is borrowed until close and may hold trials already.
     * AGLM_INVALID: options or space unfit. */
    aglm_rc (*open)(void **self, const aglm_history *history, const aglm_sampler_options *options,
                    uint64_t seed, aglm_error *err);
    /* x: [space->n], a point of the space that no trial has. AGLM_DONE: none is left. AGLM_BUSY,
     * only where there is `wait`: the question is put; after wait, ask again with that number. */
    aglm_rc (*ask)(void *self, int64_t number, double *x, aglm_error *err);
    /* Awaits what makes ask go on. The study's lock is not held: trials may be told meanwhile, so
     * it touches nothing that tell does, nor the history. NULL: ask is never AGLM_BUSY. */
    void (*wait)(void *self);
    /* The trial in the history began or ended; NULL: does not learn. */
    aglm_rc (*tell)(void *self, const aglm_trial *t, aglm_error *err);
    /* User attributes for the trial of the point asked last, good until the next call; returns how
     * many (at most AGLM_SAMPLER_MAX_NOTES). NULL: it has none. */
    size_t (*notes)(void *self, const aglm_attr_row **out);
    void (*close)(void *self);
} aglm_sampler_ops;

#define AGLM_SAMPLER_MAX_NOTES 2
#define AGLM_ATTR_STRATEGY                                                                         \
    "autoglm:strategy" /* the member of a portfolio that proposed the point */
#define AGLM_ATTR_STRATEGY_ERROR                                                                   \
    "autoglm:strategy_error" /* why the point is a random one instead */

extern const aglm_sampler_ops aglm_sampler_random;
/* Every combination once, slowest first; continuous domains at grid_levels even values (in log
 * where log is set). */
extern const aglm_sampler_ops aglm_sampler_grid;
/* Scrambled Sobol points (num/sobol.h): trial n takes point n, one axis for each parameter of more
 * than one value, through the quantiles of its prior where it has one, and a random fresh point
 * where that one was taken. Spaces of over AGLM_SOBOL_MAX_DIMS such parameters get Halton's
 * sequence. */
extern const aglm_sampler_ops aglm_sampler_qmc;
extern const aglm_sampler_ops aglm_sampler_halton;
/* Tree-structured Parzen estimator: Bergstra et al. 2011, multivariate as in Falkner et al. 2018,
 * with the rules of Optuna 5; running trials count as bad ones (constant liar). Parameters that
 * share a condition have a joint model, and the trials that have them are split into good and bad
 * among themselves (Optuna's group option splits all trials at once, so that a branch not among
 * the best ones is searched blindly; without conditions there is no difference).
 * Several objectives: Ozaki et al. 2022 with Optuna's rules: each parameter has a model of its own,
 * and a tenth of the trials is good, front after front and of the last one those that together
 * dominate most (search/tpe_split.h). */
extern const aglm_sampler_ops aglm_sampler_tpe;
/* NSGA-II (Deb et al. 2002) for one objective or several, with a new point asked after every trial
 * (Durillo et al. 2009) rather than after a whole generation: parents are the best `population` of
 * the complete trials so far, by constrained domination and crowding. After n_startup of them a
 * point is made of two parents that won a tournament each: by simulated binary crossover (Deb and
 * Agrawal 1995) and polynomial mutation of the numbers, in the unit interval of their laws, and
 * uniform crossover and redraw of the choices; some mutations redraw a number, too. What only one
 * parent has comes from it; what none has is drawn anew. While trials are few only the best fifth
 * of them are parents. The state follows from the complete trials by their numbers, whatever order
 * they end in. */
extern const aglm_sampler_ops aglm_sampler_nsga2;
/* CMA-ES (search/cmaes.h) on the numbers, each axis the unit interval of its law, discrete ones
 * with margin; choices by chances of their own that follow the better half, as in CatCMA (Hamano et
 * al. 2024); restarts with growing population (BIPOP, Hansen 2009). Inactive parameters are drawn
 * all the same and left out of the point. A normal prior gives its axis the first mean and
 * deviation; restarts begin at draws of the priors. The state follows from the finished trials in
 * the order of their numbers, whatever order they end in, so it needs no record of its own; trials
 * of another sampler or of an earlier state are taken in as injections (Hansen 2011). */
extern const aglm_sampler_ops aglm_sampler_cmaes;

/* Gaussian process: Matern 5/2 with one length for each parameter, losses warped, the logarithm of
 * the expected improvement (Jones et al. 1998; Ament et al. 2023); running trials count by their
 * mean. A process of their own stands for the constraints, by the total violation: the chance that
 * they hold is a factor (Gardner et al. 2014). The first point is the middle of the space, at most
 * four random ones follow. Beyond 300 trials the model holds the newest 150 and the best of the
 * others. */
extern const aglm_sampler_ops aglm_sampler_gp;
/* The default of `optimize`. Up to 400 complete trials, unless the space has more than 48
 * parameters of more than one value: the Gaussian process; but a steep objective of numbers
 * (aglm_history_is_steep) is CMA-ES's up to 30, and from 30 trials on, while the best
 * trial is more than 8 old, every second trial is CMA-ES's (TPE's where there are conditions),
 * whose view of a rugged function is another one - not in spaces of at most 1024 points, which the
 * process looks through whole. Beyond that CMA-ES where all parameters are numbers without
 * conditions, else TPE. Several objectives: TPE, from 30 complete trials on in turn with NSGA-II,
 * from 400 on NSGA-II. The choice depends on space and history alone. */
extern const aglm_sampler_ops aglm_sampler_auto;

/* Several strategies in one study, all told of every trial: detail is "A,B,..." with members as
 * aglm_sampler_parse reads them ("cmd:" last, as it may hold commas), NULL for "gp,tpe,cmaes", or
 * "tpe,nsga2" with several objectives (members that know only one are refused then). Who is asked
 * follows from the last 100 trials that members proposed (the AUC credit of Fialho et al. 2010,
 * "Analyzing bandit-based adaptive operator selection mechanisms", eq. 6 and 7, as OpenTuner uses
 * it): with V[i] = 1 when the i-th finished trial of a member was better than all with smaller
 * numbers (of several objectives: adds to the hypervolume that they dominate; while none of them is
 * feasible: violates less), else 0,
 *     credit = 2 / (k (k + 1)) sum of i V[i] over its k finished trials
 *              + 0.01 sqrt(2 log2(H) / h)  for h of H trials in the window, running ones too.
 * The greatest credit is asked, but first a member without trials, and one that has less than 1 in
 * 4 of an even share. The proposer stands in AGLM_ATTR_STRATEGY, so a study goes on as if it had
 * not stopped. A member with nothing left is passed over. */
extern const aglm_sampler_ops aglm_sampler_portfolio;

/* "random", "grid", "qmc", "halton", "tpe", "cmaes", "gp", "nsga2", "auto", "portfolio"; NULL: no
 * such name. */
const aglm_sampler_ops *aglm_sampler_find(const char *name);
const aglm_sampler_ops *const *aglm_samplers(size_t *n);
/* The strategy of a text, which is borrowed until it is open: a name from above, "portfolio:A,B",
 * or one of the user's own ("FILE.so", "cmd:PROGRAM ARGS") where options->outside is given. Sets
 * options->detail. AGLM_INVALID lists what there is; AGLM_UNSUPPORTED: no outside. */
aglm_rc aglm_sampler_parse(const char *text, const aglm_sampler_ops **out,
                           aglm_sampler_options *options, aglm_error *err);

#endif
