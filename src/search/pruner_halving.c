#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "search/pruner.h"
#include "search/rung.h"

#define MAX_BRACKETS 63

struct bracket {
    unsigned skipped; /* rungs left out at its start */
    uint64_t share;   /* of the trials, by the sum of all brackets' */
    aglm_rung rungs[AGLM_RUNG_MAX];
};

struct halving {
    const aglm_history *history;
    aglm_pruner_options options;
    bool is_hyperband;
    int64_t min_step; /* 0 while it is not known */
    unsigned eta;
    struct bracket *brackets;
    unsigned n_brackets; /* 0 while it is not known */
    uint64_t shares;
    uint8_t *reached; /* [trial] rungs it has entered */
    size_t reached_cap;
};

static void halving_close(void *self)
{
    struct halving *h = self;

    for (unsigned b = 0; b < h->n_brackets; b++) {
        for (unsigned k = 0; k < AGLM_RUNG_MAX; k++)
            free(h->brackets[b].rungs[k].losses);
    }
    free(h->brackets);
    free(h->reached);
    free(h);
}

/* Each starts a rung later than the one before. */
static aglm_rc add_brackets(struct halving *h, unsigned n, unsigned skipped, aglm_error *err)
{
    h->brackets = aglm_calloc(n, sizeof *h->brackets);
    if (!h->brackets)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a pruner");
    h->n_brackets = n;
    for (unsigned b = 0; b < n; b++)
        h->brackets[b].skipped = skipped + b;
    return AGLM_OK;
}

/* Li et al. 2018, algorithm 1: bracket b gets ceil(n eta^s / (s + 1)) of the trials, s = n - 1 - b.
 * The logarithms are divided as Optuna does, rounding included: 3^5 gives 5 brackets. */
static aglm_rc add_hyperband(struct halving *h, int64_t max_step, aglm_error *err)
{
    double n = floor(log((double)max_step / (double)h->min_step) / log(h->eta)) + 1.0;
    aglm_rc rc = add_brackets(h, (unsigned)fmax(1.0, fmin(n, MAX_BRACKETS)), 0, err);

    for (unsigned b = 0; rc == AGLM_OK && b < h->n_brackets; b++) {
        double s = (double)(h->n_brackets - 1 - b);
        double share = ceil((double)h->n_brackets * pow(h->eta, s) / (s + 1.0));
        h->brackets[b].share = share < 0x1p50 ? (uint64_t)share : UINT64_C(1) << 50;
        h->shares += h->brackets[b].share;
    }
    return rc;
}

static aglm_rc check(const aglm_pruner_options *o, aglm_error *err)
{
    if (o->min_step < 0)
        return aglm_error_set(err, AGLM_INVALID, "min_step %lld must be at least 1",
                              (long long)o->min_step);
    if (o->reduction_factor == 1)
        return aglm_error_set(err, AGLM_INVALID, "reduction_factor 1 must be at least 2");
    return AGLM_OK;
}

/* NULL: *rc says why. */
static struct halving *new_halving(const aglm_history *history, const aglm_pruner_options *options,
                                   unsigned eta, aglm_rc *rc, aglm_error *err)
{
    struct halving *h = NULL;

    *rc = check(options, err);
    if (*rc != AGLM_OK)
        return NULL;
    h = calloc(1, sizeof *h);
    if (!h) {
        *rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for a pruner");
        return NULL;
    }
    h->history = history;
    h->options = *options;
    h->min_step = options->min_step;
    h->eta = options->reduction_factor > 0 ? options->reduction_factor : eta;
    return h;
}

static aglm_rc halving_open(void **self, const aglm_history *history,
                            const aglm_pruner_options *options, aglm_error *err)
{
    aglm_rc rc;
    struct halving *h = new_halving(history, options, 4, &rc, err);

    *self = NULL;
    if (!h)
        return rc;
    if (options->bootstrap_count > 0 && options->min_step == 0)
        rc = aglm_error_set(err, AGLM_INVALID,
                            "successive-halving: bootstrap_count needs a min_step");
    else
        rc = add_brackets(h, 1, options->early_stopping_rate, err);
    if (rc != AGLM_OK) {
        halving_close(h);
        return rc;
    }
    *self = h;
    return AGLM_OK;
}

static aglm_rc hyperband_open(void **self, const aglm_history *history,
                              const aglm_pruner_options *options, aglm_error *err)
{
    aglm_rc rc;
    struct halving *h = new_halving(history, options, 3, &rc, err);

    *self = NULL;
    if (!h)
        return rc;
    h->is_hyperband = true;
    h->min_step = options->min_step > 0 ? options->min_step : 1;
    if (options->max_step == 0 && options->bootstrap_count > 0)
        rc = aglm_error_set(err, AGLM_INVALID, "hyperband: bootstrap_count needs a max_step");
    else if (options->max_step != 0 && options->max_step < h->min_step)
        rc = aglm_error_set(err, AGLM_INVALID, "hyperband: max_step %lld is below min_step %lld",
                            (long long)options->max_step, (long long)h->min_step);
    else if (options->max_step > 0)
        rc = add_hyperband(h, options->max_step, err);
    if (rc != AGLM_OK) {
        halving_close(h);
        return rc;
    }
    *self = h;
    return AGLM_OK;
}

/* The largest last step of a COMPLETE trial; -1 when none has reports. */
static int64_t longest(const aglm_history *history)
{
    int64_t most = -1;

    for (size_t i = 0; i < aglm_history_size(history); i++) {
        const aglm_trial *t = aglm_history_trial(history, i);
        int64_t last = t->n_steps > 0 ? t->steps[t->n_steps - 1].step : -1;
        if (t->state == AGLM_TRIAL_COMPLETE && last > most)
            most = last;
    }
    return most;
}

/* Finds out from the trials what was not given. Until some are COMPLETE nothing is known. */
static aglm_rc prepare(struct halving *h, bool *known, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    *known = h->min_step > 0 && h->n_brackets > 0;
    if (*known)
        return AGLM_OK;
    int64_t last = longest(h->history);
    if (last < 0)
        return AGLM_OK;
    *known = true;
    if (h->is_hyperband)
        rc = add_hyperband(h, last < INT64_MAX ? last + 1 : last, err);
    else
        h->min_step = last / 100 > 1 ? last / 100 : 1;
    return rc;
}

/* Optuna's choice: crc32 of "<study>_<number>" by the brackets' shares. */
static struct bracket *bracket_of(const struct halving *h, int64_t number)
{
    char text[24];
    const char *study = h->options.study ? h->options.study : "";
    unsigned b = 0;

    if (h->n_brackets == 1)
        return h->brackets;
    snprintf(text, sizeof text, "_%lld", (long long)number);
    uLong crc = crc32(0L, (const Bytef *)study, (uInt)strlen(study));
    uint64_t n = crc32(crc, (const Bytef *)text, (uInt)strlen(text)) % h->shares;
    while (n >= h->brackets[b].share)
        n -= h->brackets[b++].share;
    return &h->brackets[b];
}

/* min_step * eta^rung, INT64_MAX where that is more. */
static int64_t rung_step(const struct halving *h, unsigned rung)
{
    int64_t step = h->min_step;

    for (unsigned k = 0; k < rung && step < INT64_MAX; k++)
        step = step > INT64_MAX / h->eta ? INT64_MAX : step * h->eta;
    return step;
}

static aglm_rc climb(struct halving *h, int64_t number, int64_t step, double loss, bool *prune)
{
    struct bracket *b = bracket_of(h, number);
    uint8_t *k = &h->reached[number];

    while (!*prune && *k < AGLM_RUNG_MAX && step >= rung_step(h, b->skipped + *k)) {
        bool good = false;
        *prune = isnan(loss);
        if (*prune)
            break;
        aglm_rung *r = &b->rungs[*k];
        aglm_rc rc = aglm_rung_enter(r, loss, h->eta, &good);
        if (rc != AGLM_OK)
            return rc;
        ++*k;
        *prune = r->n <= h->options.bootstrap_count || !good;
    }
    return AGLM_OK;
}

static aglm_rc halving_report(void *self, int64_t number, int64_t step, double loss, bool *prune,
                              aglm_error *err)
{
    struct halving *h = self;
    size_t had = h->reached_cap;
    bool known;
    aglm_rc rc = prepare(h, &known, err);

    *prune = false;
    if (rc != AGLM_OK || !known)
        return rc;
    rc = aglm_grow(&h->reached, &h->reached_cap, (size_t)number + 1, sizeof *h->reached,
                   AGLM_RUNG_MAX_TRIALS);
    if (rc == AGLM_OK && h->reached_cap > had)
        memset(h->reached + had, 0, h->reached_cap - had);
    if (rc == AGLM_OK)
        rc = climb(h, number, step, loss, prune);
    return rc == AGLM_OK ? rc
                         : aglm_error_set(err, rc, "a pruner's rungs, trial %lld: %s",
                                          (long long)number, aglm_rc_text(rc));
}

const aglm_pruner_ops aglm_pruner_halving = {
    .name = "successive-halving",
    .replays = true,
    .open = halving_open,
    .report = halving_report,
    .close = halving_close,
};

const aglm_pruner_ops aglm_pruner_hyperband = {
    .name = "hyperband",
    .replays = true,
    .open = hyperband_open,
    .report = halving_report,
    .close = halving_close,
};
