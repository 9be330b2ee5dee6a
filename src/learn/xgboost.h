/* learn/xgboost.h - XGBoost's C API, looked up in its shared library when trees are first wanted,
 * so that the program runs, and starts as quickly, without it. Threads: the table is immutable once
 * filled; XGBoost's handles are confined, but for predictions of a fitted booster. */
#ifndef AGLM_LEARN_XGBOOST_H
#define AGLM_LEARN_XGBOOST_H

#include <stdint.h>

#include "autoglm/error.h"

/* X(name, arguments): the calls used, as xgboost/c_api.h declares them since version 1.7; each
 * returns 0, or sets the calling thread's XGBGetLastError. */
#define AGLM_XGBOOST_CALLS(X)                                                                      \
    X(XGDMatrixCreateFromDense, (const char *values, const char *config, void **out))              \
    X(XGDMatrixSetFloatInfo, (void *m, const char *field, const float *v, uint64_t n))             \
    X(XGDMatrixSetStrFeatureInfo,                                                                  \
      (void *m, const char *field, const char **texts, const uint64_t n))                          \
    X(XGDMatrixFree, (void *m))                                                                    \
    X(XGBoosterCreate, (void *const *matrices, uint64_t n, void **out))                            \
    X(XGBoosterFree, (void *b))                                                                    \
    X(XGBoosterSetParam, (void *b, const char *name, const char *value))                           \
    X(XGBoosterUpdateOneIter, (void *b, int round, void *m))                                       \
    X(XGBoosterGetNumFeature, (void *b, uint64_t *n))                                              \
    X(XGBoosterSaveModelToBuffer, (void *b, const char *config, uint64_t *n, const char **bytes))  \
    X(XGBoosterLoadModelFromBuffer, (void *b, const void *bytes, uint64_t n))                      \
    X(XGBoosterPredictFromDense, (void *b, const char *values, const char *config, void *m,        \
                                  const uint64_t **shape, uint64_t *dims, const float **out))      \
    X(XGBoosterPredictFromDMatrix, (void *b, void *m, const char *config, const uint64_t **shape,  \
                                    uint64_t *dims, const float **out))

typedef struct aglm_xgboost {
#define AGLM_XGBOOST_MEMBER(name, arguments) int(*name) arguments;
    AGLM_XGBOOST_CALLS(AGLM_XGBOOST_MEMBER)
#undef AGLM_XGBOOST_MEMBER
    /* A tree by derivatives of the caller's: the first until 2.0, the second since; the other may
     * be NULL. */
    int (*XGBoosterBoostOneIter)(void *b, void *m, float *gradient, float *hessian, uint64_t n);
    int (*XGBoosterTrainOneIter)(void *b, void *m, int round, const char *gradient,
                                 const char *hessian);
    const char *(*XGBGetLastError)(void);
    void (*XGBoostVersion)(int *major, int *minor, int *patch);
} aglm_xgboost;

/* The library named by the environment's AGLM_XGBOOST, else the system's. It stays loaded.
 * AGLM_UNSUPPORTED says how to get it. */
aglm_rc aglm_xgboost_load(aglm_xgboost *out, aglm_error *err);

/* AGLM_OK when a call returned 0, else AGLM_INVALID with `what` and XGBoost's own first line. */
aglm_rc aglm_xgboost_check(const aglm_xgboost *x, int answer, const char *what, aglm_error *err);

#endif
