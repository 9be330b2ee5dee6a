/* cli/opening.h - the options of AGLM_OPTIONS_STUDY: a store, a space, and a study opened by them.
 * Threads: confined. */
#ifndef AGLM_CLI_OPENING_H
#define AGLM_CLI_OPENING_H

#include "cli/command.h"
#include "search/study.h"

#define AGLM_DEFAULT_STORAGE "sqlite:///autoglm.db"

#define AGLM_OPTIONS_STUDY                                                                         \
    {"space",                                                                                      \
     0,                                                                                            \
     AGLM_OPTION_TEXT,                                                                             \
     "TEXT",                                                                                       \
     "parameters, as 'lr=loguniform(1e-5,1e-1)'; also JSON, or @FILE; may stand several times; "   \
     "default: the stored study's",                                                                \
     NULL,                                                                                         \
     0,                                                                                            \
     0},                                                                                           \
        {"forbid",                                                                                 \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "TEXT",                                                                                   \
         "a combination never tried, as 'batch=64 & lr>0.01'; may stand several times",            \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"direction",                                                                              \
         0,                                                                                        \
         AGLM_OPTION_WORD,                                                                         \
         "D",                                                                                      \
         "minimize or maximize, once for each objective; default minimize",                        \
         "minimize|maximize",                                                                      \
         0,                                                                                        \
         0},                                                                                       \
        {"sampler",                                                                                \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "S",                                                                                      \
         "who proposes points: auto, gp, tpe, cmaes, random, grid, qmc, halton, "                  \
         "portfolio:A,B,..., or your own: FILE.so, 'cmd:PROGRAM ARGS'; default auto",              \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"sampler-timeout",                                                                        \
         0,                                                                                        \
         AGLM_OPTION_DURATION,                                                                     \
         "TIME",                                                                                   \
         "for one answer of a strategy of your own; default 30s",                                  \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"pruner",                                                                                 \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "P",                                                                                      \
         "what stops bad trials early: none, asha, successive-halving, hyperband, median, "        \
         "percentile, threshold, patient or wilcoxon; default none",                               \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"percentile",                                                                             \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "P",                                                                                      \
         "of --pruner percentile: the best P percent at a step go on; default 25",                 \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"lower",                                                                                  \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "X",                                                                                      \
         "of --pruner threshold: a trial stops when it reports less",                              \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"upper",                                                                                  \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "X",                                                                                      \
         "of --pruner threshold: a trial stops when it reports more",                              \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"patience",                                                                               \
         0,                                                                                        \
         AGLM_OPTION_INT,                                                                          \
         "N",                                                                                      \
         "of --pruner patient: steps without a new best; default 10",                              \
         NULL,                                                                                     \
         0,                                                                                        \
         1000000000},                                                                              \
        {"min-steps", 0, AGLM_OPTION_INT, "N", "steps before a trial may be pruned; default 1",    \
         NULL,        1, INT64_MAX},                                                               \
        {"max-steps", 0, AGLM_OPTION_INT, "N", "steps of a whole trial; default: unknown",         \
         NULL,        1, INT64_MAX},                                                               \
        {"study",                                                                                  \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "NAME",                                                                                   \
         "name of the study; default: a hash of space and command",                                \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"storage",                                                                                \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "URL",                                                                                    \
         "sqlite:///FILE, memory, ...; default sqlite:///autoglm.db",                              \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
    {                                                                                              \
        "seed", 's', AGLM_OPTION_INT, "N", "the same seed gives the same points; default 0", NULL, \
            0, INT64_MAX                                                                           \
    }

typedef struct aglm_opened {
    aglm_store *store;
    aglm_space *space;
    aglm_study *study;
    aglm_study_options options;
    aglm_sampler_outside outside;
    const char *storage;
    char name[AGLM_STORE_MAX_NAME + 1];
} aglm_opened;

/* detached: as aglm_study_options. Errors name the option. Clear it in any case. */
aglm_rc aglm_opening_open(aglm_opened *out, const aglm_args *a, bool detached, aglm_error *err);
void aglm_opened_clear(aglm_opened *o);

/* The --space options alone; *out stays NULL (as it must be before) when none is given. */
aglm_rc aglm_opening_space(aglm_space **out, const aglm_args *a, aglm_error *err);

/* Looking must not make a database out of a mistyped name: AGLM_NOTFOUND when the URL is a file
 * that is not there. */
aglm_rc aglm_storage_must_exist(const char *url, aglm_error *err);

#endif
