/* num/sobol.h - sequences that fill the unit cube evenly: Sobol's in base 2, Halton's in the
 * primes. Threads: immutable once made; then shared freely. The same seed gives the same points on
 * every machine.
 *
 * Both are scrambled by the seed, which keeps their balance and makes every point uniform in
 * [0, 1)^n: averages are unbiased, and different seeds give independent sequences. */
#ifndef AGLM_NUM_SOBOL_H
#define AGLM_NUM_SOBOL_H

#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

#define AGLM_SOBOL_MAX_DIMS 128
#define AGLM_HALTON_MAX_DIMS 1024

typedef struct aglm_sobol aglm_sobol;

/* Sobol's sequence with the direction numbers of Joe and Kuo (2008), under a random linear matrix
 * scramble and a random digital shift (Matousek 1998). Any 2^m points from a multiple of 2^m on
 * have one in each of the 2^m equal slices of every axis. AGLM_UNSUPPORTED beyond
 * AGLM_SOBOL_MAX_DIMS, n_dims >= 1. */
aglm_rc aglm_sobol_new(aglm_sobol **out, size_t n_dims, uint64_t seed, aglm_error *err);
void aglm_sobol_free(aglm_sobol *s); /* NULL is fine */
/* Point i, in any order of calls; x: [n_dims]. */
void aglm_sobol_point(const aglm_sobol *s, uint32_t i, double *x);

typedef struct aglm_halton aglm_halton;

/* Halton's sequence, each digit in base b passed through d -> (a d + c) mod b with a and c of its
 * own (random linear scrambling, Matousek 1998). Its balance in many dimensions is poorer than
 * Sobol's; n_dims >= 1, AGLM_UNSUPPORTED beyond AGLM_HALTON_MAX_DIMS. */
aglm_rc aglm_halton_new(aglm_halton **out, size_t n_dims, uint64_t seed, aglm_error *err);
void aglm_halton_free(aglm_halton *h); /* NULL is fine */
void aglm_halton_point(const aglm_halton *h, uint32_t i, double *x);

#endif
