/* search/space.h - named parameters with conditions, and the points in that space.
 * Threads: immutable once built; then shared freely.
 *
 * A point is an array of n doubles in the order of the parameters (internal representations); NaN
 * marks an inactive one. */
#ifndef AGLM_SEARCH_SPACE_H
#define AGLM_SEARCH_SPACE_H

#include "search/distribution.h"

#define AGLM_SPACE_MAX 1024                     /* parameters */
#define AGLM_SPACE_NAME_MAX 512                 /* bytes: VARCHAR(512) of the schema */
#define AGLM_SPACE_MAX_SIZE (UINT64_C(1) << 20) /* spaces with more points count as endless */

/* What a random draw follows where that is not the distribution's own shape: Hyperopt's rounded and
 * normal words; qmc fills it evenly and cmaes begins with it. Other models (TPE, GP) see the
 * distribution alone. */
typedef enum aglm_prior_kind {
    AGLM_PRIOR_NONE,    /* as aglm_dist_sample draws */
    AGLM_PRIOR_UNIFORM, /* from a to b */
    AGLM_PRIOR_NORMAL   /* mean a, standard deviation b, cut off at the distribution's bounds */
} aglm_prior_kind;

typedef struct aglm_prior {
    aglm_prior_kind kind;
    bool log; /* the draw is the logarithm of the value */
    double a, b;
} aglm_prior;

typedef struct aglm_space_param {
    const char *name;
    aglm_dist dist;
    aglm_prior prior;
    int parent;    /* index of an earlier choice parameter, -1: always active */
    uint64_t when; /* bit c set: active while the parent is active and has choice c */
} aglm_space_param;

typedef enum aglm_relation {
    AGLM_EQUAL,
    AGLM_NOT_EQUAL,
    AGLM_LESS,
    AGLM_AT_MOST,
    AGLM_MORE,
    AGLM_AT_LEAST
} aglm_relation;

/* One comparison of a clause: of a parameter with a value, or with another parameter. Choices are
 * ordered by their numbers, where they are numbers; an inactive parameter compares as false. */
typedef struct aglm_space_term {
    size_t param;
    aglm_relation relation;
    int other;    /* index of the parameter on the right side, -1: value stands there */
    double value; /* EQUAL, NOT_EQUAL: internal representation; else a plain number */
} aglm_space_term;

/* A point for which all terms hold is forbidden. */
typedef struct aglm_space_clause {
    const aglm_space_term *terms;
    size_t n;
} aglm_space_clause;

#define AGLM_SPACE_MAX_CLAUSES 1024
#define AGLM_SPACE_MAX_TERMS 64

/* Read the fields freely; only the functions below write them. */
typedef struct aglm_space {
    const aglm_space_param *params;
    size_t n;
    const aglm_space_clause *forbidden;
    size_t n_forbidden;
    struct aglm_space_memory *memory;
} aglm_space;

aglm_rc aglm_space_new(aglm_space **out, aglm_error *err);
void aglm_space_free(aglm_space *s); /* NULL is fine */

/* Adds a parameter (name and distribution are copied). parent NULL: always active; else the name of
 * an earlier choice parameter with at most 64 choices, and `when` the set of its choices (bit mask)
 * that make this one active. AGLM_INVALID names the parameter: doubled or empty name, unknown or
 * unfit parent, empty set. */
aglm_rc aglm_space_add(aglm_space *s, const char *name, const aglm_dist *dist, const char *parent,
                       uint64_t when, aglm_error *err);
/* The prior of parameter i; AGLM_INVALID: not finite, bounds swapped, a deviation not above 0, or a
 * parameter that is a choice. */
aglm_rc aglm_space_set_prior(aglm_space *s, size_t i, const aglm_prior *prior, aglm_error *err);
/* Forbids the points for which all terms (copied) hold. AGLM_INVALID names what does not fit: a
 * value outside its parameter's domain, an order of choices that are no numbers. */
aglm_rc aglm_space_forbid(aglm_space *s, const aglm_space_term *terms, size_t n, aglm_error *err);
/* Does no clause forbid this point? */
bool aglm_space_allowed(const aglm_space *s, const double *x);
/* -1 when there is none. */
int aglm_space_find(const aglm_space *s, const char *name);

/* Is parameter i active at x? Looks only at its ancestors. */
bool aglm_space_active(const aglm_space *s, const double *x, size_t i);
/* Sets what is inactive to NaN, so that equal choices give equal points. */
void aglm_space_settle(const aglm_space *s, double *x);
/* Every active value contained in its distribution, every inactive one NaN, no clause that forbids
 * it; AGLM_INVALID names parameter and value, or the clause. */
aglm_rc aglm_space_check(const aglm_space *s, const double *x, aglm_error *err);
/* A random value of parameter i alone, by its prior. */
double aglm_space_draw(const aglm_space *s, size_t i, aglm_rng *rng);
/* The value below which a share u, 0 <= u <= 1, of that prior's draws lies. */
double aglm_space_quantile(const aglm_space *s, size_t i, double u);
/* A random point; clauses are not looked at (see aglm_history_fresh). */
void aglm_space_sample(const aglm_space *s, aglm_rng *rng, double *x);

/* Equality and hash of points: NaN equals NaN, -0 equals 0. */
bool aglm_space_same(const aglm_space *s, const double *x, const double *y);
uint64_t aglm_space_hash(const aglm_space *s, const double *x);

/* Number of different points, conditions counted in, forbidden ones too; 0 when endless
 * (continuous, or over AGLM_SPACE_MAX_SIZE). */
uint64_t aglm_space_size(const aglm_space *s);
/* Point i of 0..size-1; only where size > 0. The first parameter varies slowest. */
void aglm_space_at(const aglm_space *s, uint64_t i, double *x);

/* Same parameters in the same order with equal distributions, priors and conditions, and the same
 * clauses. On false *why (may be
 * NULL) names the first difference: "lr: stored as float 0.1..1, asked for as float 0.1..2". */
bool aglm_space_equal(const aglm_space *stored, const aglm_space *asked, aglm_error *why);

/* May a study that was stored with one space go on with the other? As aglm_space_equal, but choices
 * may stand behind those that were there, and parameters that exist under such new choices only. */
bool aglm_space_grown(const aglm_space *stored, const aglm_space *asked, aglm_error *why);

/* {"params": [{"name": ..., "distribution": {...}, "prior": {...}, "parent": ..., "when":
 * [choices]}], "forbidden": [[{"param": ..., "is": "<", "value": ...}]]}, keys in this order; what
 * is not there is left out. */
void aglm_space_write(const aglm_space *s, aglm_str *out);
aglm_rc aglm_space_read(aglm_space **out, const char *json, size_t len, aglm_error *err);
/* One line per parameter for people: "lr  float 1e-05..0.1 log  when kind in (adam, sgd)". */
void aglm_space_describe(const aglm_space *s, aglm_str *out);

/* {"lr": 0.01, "kind": "adam"}: active parameters only. */
void aglm_point_write(const aglm_space *s, const double *x, aglm_json_writer *w);
/* The other way: unknown or missing active parameters are AGLM_INVALID by name. x: [n]. */
aglm_rc aglm_point_read(const aglm_space *s, const aglm_json *v, double *x, aglm_error *err);

#endif
