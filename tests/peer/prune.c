/* prune.c - drives a pruner from outside, over a study in memory. Used by optuna_pruners.py.
 *
 *   prune NAME minimize|maximize [OPTION=VALUE ...] < lines
 *     A                a new trial, numbered from 0
 *     R TRIAL STEP V   a report; answers 0 or 1, the decision
 *     C TRIAL V        COMPLETE    P TRIAL   PRUNED    F TRIAL   FAIL */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/study.h"

static const struct {
    const char *name;
    char kind; /* d double, l int64_t, u unsigned */
    size_t at;
} fields[] = {
    {"min_step", 'l', offsetof(aglm_pruner_options, min_step)},
    {"max_step", 'l', offsetof(aglm_pruner_options, max_step)},
    {"reduction_factor", 'u', offsetof(aglm_pruner_options, reduction_factor)},
    {"early_stopping_rate", 'u', offsetof(aglm_pruner_options, early_stopping_rate)},
    {"bootstrap_count", 'u', offsetof(aglm_pruner_options, bootstrap_count)},
    {"percentile", 'd', offsetof(aglm_pruner_options, percentile)},
    {"n_startup_trials", 'u', offsetof(aglm_pruner_options, n_startup_trials)},
    {"n_min_trials", 'u', offsetof(aglm_pruner_options, n_min_trials)},
    {"n_warmup_steps", 'l', offsetof(aglm_pruner_options, n_warmup_steps)},
    {"interval_steps", 'l', offsetof(aglm_pruner_options, interval_steps)},
    {"lower", 'd', offsetof(aglm_pruner_options, lower)},
    {"upper", 'd', offsetof(aglm_pruner_options, upper)},
    {"patience", 'u', offsetof(aglm_pruner_options, patience)},
    {"min_delta", 'd', offsetof(aglm_pruner_options, min_delta)},
    {"p_threshold", 'd', offsetof(aglm_pruner_options, p_threshold)},
    {"n_startup_steps", 'u', offsetof(aglm_pruner_options, n_startup_steps)},
};

static int set_option(aglm_pruner_options *o, const char *text)
{
    const char *value = strchr(text, '=');
    size_t len = value ? (size_t)(value - text) : 0;

    if (len == 7 && strncmp(text, "wrapped", len) == 0) {
        o->wrapped = aglm_pruner_find(value + 1);
        return o->wrapped != NULL;
    }
    for (size_t i = 0; value && i < sizeof fields / sizeof *fields; i++) {
        char *at = (char *)o + fields[i].at;
        if (strlen(fields[i].name) != len || strncmp(text, fields[i].name, len) != 0)
            continue;
        double d = strtod(value + 1, NULL);
        int64_t l = (int64_t)strtoll(value + 1, NULL, 10);
        unsigned u = (unsigned)l;
        if (fields[i].kind == 'd')
            memcpy(at, &d, sizeof d);
        else if (fields[i].kind == 'l')
            memcpy(at, &l, sizeof l);
        else
            memcpy(at, &u, sizeof u);
        return 1;
    }
    return 0;
}

static aglm_rc obey(aglm_study *s, const char *line, aglm_error *err)
{
    char *rest;
    int64_t number;
    double x;
    bool prune;

    if (line[0] == 'A')
        return aglm_study_ask(s, &number, &x, err);
    number = strtoll(line + 1, &rest, 10);
    if (line[0] == 'R') {
        int64_t step = strtoll(rest, &rest, 10);
        aglm_rc rc = aglm_study_report(s, number, step, strtod(rest, NULL), &prune, err);
        if (rc == AGLM_OK)
            puts(prune ? "1" : "0");
        return rc;
    }
    double value = strtod(rest, NULL);
    if (line[0] == 'C')
        return aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, &value, 1, err);
    return aglm_study_tell(s, number, line[0] == 'P' ? AGLM_TRIAL_PRUNED : AGLM_TRIAL_FAIL, NULL, 0,
                           err);
}

static aglm_rc run(const aglm_study_options *o, aglm_error *err)
{
    char line[256];
    aglm_dist d;
    aglm_space *space = NULL;
    aglm_store *store = NULL;
    aglm_study *study = NULL;
    aglm_rc rc = aglm_space_new(&space, err);

    if (rc == AGLM_OK)
        rc = aglm_dist_float(&d, 0.0, 1.0, 0.0, false, err);
    if (rc == AGLM_OK)
        rc = aglm_space_add(space, "x", &d, NULL, 0, err);
    if (rc == AGLM_OK)
        rc = aglm_store_open(&store, "memory", err);
    if (rc == AGLM_OK)
        rc = aglm_study_open(&study, store, "prune", space, o, err);
    while (rc == AGLM_OK && fgets(line, sizeof line, stdin))
        rc = obey(study, line, err);
    aglm_study_close(study);
    aglm_store_close(store);
    aglm_space_free(space);
    return rc;
}

int main(int argc, char **argv)
{
    aglm_study_options o;
    aglm_error err = {0};

    aglm_study_options_init(&o);
    o.sampler = &aglm_sampler_random;
    o.pruner = argc >= 3 ? aglm_pruner_find(argv[1]) : NULL;
    if (!o.pruner) {
        fputs("usage: prune NAME minimize|maximize [OPTION=VALUE ...]\n", stderr);
        return 2;
    }
    o.directions[0] = strcmp(argv[2], "maximize") == 0 ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
    for (int i = 3; i < argc; i++) {
        if (!set_option(&o.pruner_options, argv[i])) {
            fprintf(stderr, "prune: %s: no such option\n", argv[i]);
            return 2;
        }
    }
    if (run(&o, &err) == AGLM_OK)
        return 0;
    fprintf(stderr, "prune: %s\n", err.msg);
    return 1;
}
