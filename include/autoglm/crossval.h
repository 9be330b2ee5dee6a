/* autoglm/crossval.h - how good a learner with given parameters is on a labelled file, measured by
 * cross-validation: what a search of one's own (autoglm/study.h) asks for each trial.
 * Threads: immutable once opened; several threads may score on it at once. */
#ifndef AUTOGLM_CROSSVAL_H
#define AUTOGLM_CROSSVAL_H

#include <stdint.h>

#include "autoglm/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aglm_crossval aglm_crossval;

/* Strings are borrowed during the call; NULL and 0 mean the defaults. */
typedef struct aglm_crossval_config {
    const char *file;         /* texts or a table, as `autoglm tune` reads them; needed */
    const char *label_column; /* by name or number */
    const char *metric;       /* "accuracy", "rmse", ...; NULL: the task's */
    unsigned folds;           /* 2..20; 0: 5 */
    uint64_t seed;            /* of the folds and the fits */
} aglm_crossval_config;

/* AGLM_INVALID, AGLM_FORMAT: the file or an option, by name. */
AGLM_API aglm_rc aglm_crossval_open(aglm_crossval **out, const aglm_crossval_config *config,
                                    aglm_error *err);
AGLM_API void aglm_crossval_close(aglm_crossval *c); /* NULL is fine */

/* The metric over all documents, each scored by a model that had not learned from it. settings: a
 * JSON object like {"learner": "trees", "kind": "forest", "max_depth": 6}; what it leaves out has
 * the learner's own default. AGLM_INVALID names the parameter. */
AGLM_API aglm_rc aglm_crossval_score(const aglm_crossval *c, const char *settings, double *value,
                                     aglm_error *err);

#ifdef __cplusplus
}
#endif
#endif
