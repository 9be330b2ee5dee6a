/* autoglm/strategy.h - what a shared object offers to take part in a search: `--sampler FILE.so`,
 * alone or in a portfolio.
 * Threads: a strategy is called from one thread, one call at a time, in a process of its own: a
 * crash or an endless loop there costs a trial, not the study.
 *
 * The header stands alone: a strategy calls nothing of the library.
 *     cc -O2 -shared -fPIC -o mine.so mine.c
 *     autoglm optimize --sampler ./mine.so ...
 * It exports one object, `aglm_strategy_plugin`. A study that goes on later opens the strategy anew
 * and tells it all trials again, so what it proposes should follow from the trials told, the seed
 * and the trial's number alone. */
#ifndef AUTOGLM_STRATEGY_H
#define AUTOGLM_STRATEGY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when a struct below does; a strategy that was built for a smaller one goes on working. */
#define AGLM_STRATEGY_ABI 2
#define AGLM_STRATEGY_WHY 256 /* bytes of a reason, its NUL included */

enum { AGLM_STRATEGY_FLOAT = 0, AGLM_STRATEGY_INT = 1, AGLM_STRATEGY_CHOICE = 2 };

/* A value is one double: a number as it is, a choice as its index. */
typedef struct aglm_strategy_param {
    const char *name;
    int32_t kind;               /* AGLM_STRATEGY_FLOAT, ... */
    int32_t log;                /* 1: ratios count; low is above 0 */
    double low, high;           /* both included; of a choice 0 and n_choices - 1 */
    double step;                /* values are low + k * step; 0: any in between */
    int32_t parent;             /* index of an earlier choice; -1: always active */
    uint32_t n_choices;         /* 0 of numbers */
    uint64_t when;              /* bit c: active while the parent is active and has choice c */
    const char *const *choices; /* JSON texts: "\"relu\"", "32", "true" */
} aglm_strategy_param;

typedef struct aglm_strategy_space {
    const aglm_strategy_param *params;
    size_t n;
    size_t n_objectives; /* since ABI 2 */
} aglm_strategy_space;

enum { AGLM_STRATEGY_COMPLETE = 0, AGLM_STRATEGY_PRUNED = 1, AGLM_STRATEGY_FAILED = 2 };

/* A finished trial, whoever proposed it. */
typedef struct aglm_strategy_trial {
    int64_t number;
    int32_t state;        /* AGLM_STRATEGY_COMPLETE, ... */
    const double *x;      /* [n] NaN: inactive */
    double loss;          /* smaller is better whatever the study's direction; NaN: there is none */
    const double *losses; /* since ABI 2: one of each objective, the first being `loss` */
} aglm_strategy_trial;

enum { AGLM_STRATEGY_POINT = 0, AGLM_STRATEGY_NOTHING_LEFT = 1, AGLM_STRATEGY_ERROR = -1 };

typedef struct aglm_strategy {
    uint32_t abi;     /* AGLM_STRATEGY_ABI */
    const char *name; /* for messages */
    /* The space is borrowed until close. 0, or AGLM_STRATEGY_ERROR with why: the study ends with
     * this reason. */
    int (*open)(void **self, const aglm_strategy_space *space, uint64_t seed, char *why);
    /* x: [n], what is inactive may stay as it is. AGLM_STRATEGY_POINT, _NOTHING_LEFT (the study
     * ends), or _ERROR with why. A point that is outside of the space, or that a trial has already,
     * becomes a random one, with the reason in the trial's attributes. */
    int (*ask)(void *self, int64_t number, double *x, char *why);
    /* The trial and its arrays are good during the call; NULL: does not learn. */
    void (*tell)(void *self, const aglm_strategy_trial *trial);
    void (*close)(void *self);
} aglm_strategy;

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
extern const aglm_strategy aglm_strategy_plugin;

#ifdef __cplusplus
}
#endif
#endif
