/* plot/scale.h - from values to the unit interval, and round numbers to label it with.
 * Threads: pure functions. */
#ifndef AGLM_PLOT_SCALE_H
#define AGLM_PLOT_SCALE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum aglm_scale_kind {
    AGLM_SCALE_LINEAR,
    AGLM_SCALE_LOG,
    AGLM_SCALE_NAMES
} aglm_scale_kind;

typedef struct aglm_scale {
    aglm_scale_kind kind;
    double low, high;         /* low < high, finite; above 0 on a log scale */
    bool whole;               /* ticks at whole numbers only */
    const char *const *names; /* NAMES: value i is called names[i]; the scale goes from -0.5 */
    size_t n_names;
} aglm_scale;

#define AGLM_TICKS_MAX 64
#define AGLM_TICK_BYTES 24

typedef struct aglm_tick {
    double at;
    char label[AGLM_TICK_BYTES]; /* of numbers */
    const char *name;            /* of names, borrowed from the scale; else NULL */
} aglm_tick;

/* A scale over low..high, whatever these are: swapped, equal, not finite or too near to each other
 * are mended, a log scale without positive bounds becomes linear. */
aglm_scale aglm_scale_over(double low, double high, bool log);
/* Over the finite ones of v with a twentieth to spare on both sides. Without any: 0..1. Becomes
 * logarithmic by itself where all are above 0 and the largest is a thousand times the smallest. */
aglm_scale aglm_scale_of(const double *v, size_t n);
aglm_scale aglm_scale_named(const char *const *names, size_t n);

/* 0 at low, 1 at high, beyond these outside; NaN for what has no place (NaN, log of 0). */
double aglm_scale_unit(const aglm_scale *s, double v);

/* At most `most` (1..AGLM_TICKS_MAX) round values within the scale, ascending: 1, 2 or 5 times a
 * power of ten (Heckbert 1990); powers of ten on log scales, with 2 and 5 where there is room. */
size_t aglm_scale_ticks(const aglm_scale *s, size_t most, aglm_tick out[AGLM_TICKS_MAX]);

/* A number for people: at most so many digits (1..12), "1e-5" without padding. */
void aglm_scale_label(char buf[AGLM_TICK_BYTES], double v, int digits);

#endif
