/* search/sampler.h - a strategy that proposes the next point of a study.
 * Threads: a sampler is confined; the study that owns it locks. */
#ifndef AGLM_SEARCH_SAMPLER_H
#define AGLM_SEARCH_SAMPLER_H

#include "search/history.h"

typedef struct aglm_sampler_options {
    /* finished trials (enqueued ones count) before a model is used; default 10 */
    unsigned n_startup;
    /* drawn from the good model, the best kept: 1..AGLM_SAMPLER_MAX_CANDIDATES; default 24 */
    unsigned n_candidates;
    unsigned grid_levels; /* of a domain with more values than this, or continuous; default 10 */
} aglm_sampler_options;

#define AGLM_SAMPLER_MAX_CANDIDATES 4096
#define AGLM_SAMPLER_DEFAULTS {.n_startup = 10, .n_candidates = 24, .grid_levels = 10}

/* One static const struct per strategy, in a file of its own. Trial n draws from the stream (seed,
 * n) alone, so a point depends on the history and n, not on who asked before. */
typedef struct aglm_sampler_ops {
    const char *name; /* unique, stored with the study: never rename */
    /* The history (with its space) is borrowed until close and may hold trials already.
     * AGLM_INVALID: options or space unfit. */
    aglm_rc (*open)(void **self, const aglm_history *history, const aglm_sampler_options *options,
                    uint64_t seed, aglm_error *err);
    /* x: [space->n], a point of the space that no trial has. AGLM_DONE: none is left. */
    aglm_rc (*ask)(void *self, int64_t number, double *x, aglm_error *err);
    /* The trial in the history began or ended; NULL: does not learn. */
    aglm_rc (*tell)(void *self, const aglm_trial *t, aglm_error *err);
    void (*close)(void *self);
} aglm_sampler_ops;

extern const aglm_sampler_ops aglm_sampler_random;
/* Every combination once, slowest first; continuous domains at grid_levels even values (in log
 * where log is set). */
extern const aglm_sampler_ops aglm_sampler_grid;
/* Scrambled Sobol points (num/sobol.h): trial n takes point n, one axis for each parameter of more
 * than one value, and a random fresh point where that one was taken. Spaces of over
 * AGLM_SOBOL_MAX_DIMS such parameters get Halton's sequence. */
extern const aglm_sampler_ops aglm_sampler_qmc;
extern const aglm_sampler_ops aglm_sampler_halton;
/* Tree-structured Parzen estimator: Bergstra et al. 2011, multivariate as in Falkner et al. 2018,
 * with the rules of Optuna 5; running trials count as bad ones (constant liar). Parameters that
 * share a condition have a joint model, and the trials that have them are split into good and bad
 * among themselves (Optuna's group option splits all trials at once, so that a branch not among
 * the best ones is searched blindly; without conditions there is no difference). */
extern const aglm_sampler_ops aglm_sampler_tpe;
/* CMA-ES (search/cmaes.h) on the numbers, each axis the unit interval of its law, discrete ones
 * with margin; choices by chances of their own that follow the better half, as in CatCMA (Hamano et
 * al. 2024); restarts with growing population (BIPOP, Hansen 2009). Inactive parameters are drawn
 * all the same and left out of the point. The state follows from the finished trials in the order
 * of their numbers, whatever order they end in, so it needs no record of its own; trials of another
 * sampler or of an earlier state are taken in as injections (Hansen 2011). */
extern const aglm_sampler_ops aglm_sampler_cmaes;

/* Gaussian process: Matern 5/2 with one length for each parameter, losses warped, the logarithm of
 * the expected improvement (Jones et al. 1998; Ament et al. 2023); running trials count by their
 * mean. The first point is the middle of the space, at most four random ones follow. Beyond 300
 * trials the model holds the newest 150 and the best of the others. */
extern const aglm_sampler_ops aglm_sampler_gp;
/* The default of `optimize`. Up to 400 complete trials, unless the space has more than 48 parameters
 * of more than one value: the Gaussian process; but from 30 trials on, while the best trial is more
 * than 8 old, every second trial is CMA-ES's (TPE's where there are conditions), whose view of a
 * rugged function is another one - not in spaces of at most 1024 points, which the process looks
 * through whole. Beyond that CMA-ES where all parameters are numbers without conditions, else TPE.
 * The choice depends on space and history alone. */
extern const aglm_sampler_ops aglm_sampler_auto;

/* "random", "grid", "qmc", "halton", "tpe", "cmaes", "gp", "auto"; NULL: no such name. */
const aglm_sampler_ops *aglm_sampler_find(const char *name);
const aglm_sampler_ops *const *aglm_samplers(size_t *n);

#endif
