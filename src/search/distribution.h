/* search/distribution.h - the values one parameter may take: float, int or choice, and Optuna's
 * JSON form of them.
 * Threads: pure functions; a distribution is immutable once made.
 *
 * A value is held in Optuna's internal representation, one double: a float itself (not its log),
 * an int as float, a choice as its index. */
#ifndef AGLM_SEARCH_DISTRIBUTION_H
#define AGLM_SEARCH_DISTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/rng.h"

typedef enum aglm_dist_kind { AGLM_DIST_FLOAT, AGLM_DIST_INT, AGLM_DIST_CHOICE } aglm_dist_kind;

typedef enum aglm_choice_kind {
    AGLM_CHOICE_NULL,
    AGLM_CHOICE_BOOL,
    AGLM_CHOICE_INT,
    AGLM_CHOICE_FLOAT,
    AGLM_CHOICE_TEXT
} aglm_choice_kind;

typedef struct aglm_choice {
    aglm_choice_kind kind;
    const char *text; /* AGLM_CHOICE_TEXT */
    double number;    /* INT and FLOAT; BOOL as 0 or 1 */
} aglm_choice;

#define AGLM_DIST_MAX_CHOICES 4096
#define AGLM_DIST_MAX_INT 9007199254740992.0 /* 2^53: ints are exact in a double */

typedef struct aglm_dist {
    aglm_dist_kind kind;
    bool log;
    double low, high;           /* both included; high is low + k * step where a step is set */
    double step;                /* float: 0 means none; int: at least 1 */
    const aglm_choice *choices; /* borrowed: lives as long as the distribution is used */
    size_t n_choices;
} aglm_dist;

/* Makers: AGLM_INVALID names the bound at fault (low > high, log of a bound <= 0, log with a step
 * other than 1 (int) or any (float), non-finite, an int beyond 2^53). high is lowered to the last
 * value that the step reaches, as Optuna does. */
aglm_rc aglm_dist_float(aglm_dist *out, double low, double high, double step, bool log,
                        aglm_error *err);
aglm_rc aglm_dist_int(aglm_dist *out, double low, double high, double step, bool log,
                      aglm_error *err);
/* choices are borrowed; no two may be equal by value. */
aglm_rc aglm_dist_choice(aglm_dist *out, const aglm_choice *choices, size_t n, aglm_error *err);
/* Texts as choices, the pointers (not the texts) copied into the arena. */
aglm_rc aglm_dist_texts(aglm_dist *out, const char *const *texts, size_t n, aglm_arena *a,
                        aglm_error *err);

/* A deep copy into the arena. */
aglm_rc aglm_dist_copy(aglm_dist *out, const aglm_dist *from, aglm_arena *a, aglm_error *err);

/* Appends {"name": ..., "attributes": {...}} exactly as Python's json.dumps writes it for Optuna 5.
 */
void aglm_dist_write(const aglm_dist *d, aglm_str *out);
/* Reads that form in any key order, whole-numbered bounds, log and step left out, the old class
 * names (UniformDistribution, LogUniformDistribution, DiscreteUniformDistribution,
 * IntUniformDistribution, IntLogUniformDistribution) and the short form
 * {"type": "int", "low": 0, ...}. AGLM_FORMAT names the key at fault. Choices go into the arena. */
aglm_rc aglm_dist_read(aglm_dist *out, const char *json, size_t len, aglm_arena *a,
                       aglm_error *err);
aglm_rc aglm_dist_read_value(aglm_dist *out, const aglm_json *v, aglm_arena *a, aglm_error *err);

/* Same kind, bounds, step, log and choices in order (by value: 1 and 1.0 are equal, as in Python;
 * true and 1 are not). */
bool aglm_dist_equal(const aglm_dist *a, const aglm_dist *b);
/* May both stand under one name in one Optuna study? Same kind, log and choices; bounds and step
 * are free. */
bool aglm_dist_compatible(const aglm_dist *a, const aglm_dist *b);
/* Is `now` the same, or the same choices with others behind them? */
bool aglm_dist_grown(const aglm_dist *before, const aglm_dist *now);
bool aglm_choice_equal(const aglm_choice *a, const aglm_choice *b);

/* In range, on the step's lattice (within 1e-8 of a step), an index below n_choices. NaN is never
 * contained. */
bool aglm_dist_contains(const aglm_dist *d, double value);
/* The nearest contained value: clipped and rounded to the lattice. */
double aglm_dist_snap(const aglm_dist *d, double value);
/* Uniform in the domain (in log where log is set; every lattice value equally likely without log).
 */
double aglm_dist_sample(const aglm_dist *d, aglm_rng *rng);
/* The value below which a share u of that law lies, 0 <= u <= 1. */
double aglm_dist_from_unit(const aglm_dist *d, double u);
/* The other way: the middle of what gives a contained value. */
double aglm_dist_to_unit(const aglm_dist *d, double value);
/* The part low..high of the unit interval that gives a contained value; one point where the domain
 * is continuous. */
void aglm_dist_cell(const aglm_dist *d, double value, double *low, double *high);
/* Number of different values; 0 when the domain is continuous. */
uint64_t aglm_dist_count(const aglm_dist *d);
/* Value i of 0..count-1 in ascending order; only where count > 0. */
double aglm_dist_at(const aglm_dist *d, uint64_t i);

/* The value as people and JSON see it: a number (ints without a point), or the choice itself. */
void aglm_dist_put(const aglm_dist *d, double value, aglm_json_writer *w);
/* The other way; AGLM_INVALID says what was expected. */
aglm_rc aglm_dist_get(const aglm_dist *d, const aglm_json *v, double *value, aglm_error *err);
/* The same without JSON's quotes, for terminals ("0.001", "relu"); cut to size. */
void aglm_dist_format(const aglm_dist *d, double value, char *buf, size_t size);

#endif
