/* base/rng.h - explicit random streams: xoshiro256** seeded by splitmix64 (Blackman and Vigna
 * 2018).
 * Threads: a stream is confined. The same seed gives the same numbers on every machine. */
#ifndef AGLM_BASE_RNG_H
#define AGLM_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct aglm_rng {
    uint64_t s[4];
} aglm_rng;

void aglm_rng_init(aglm_rng *r, uint64_t seed);
/* An independent stream named by (seed, stream): trial 7's stream does not depend on how many
 * trials ran before. */
void aglm_rng_init_stream(aglm_rng *r, uint64_t seed, uint64_t stream);
uint64_t aglm_rng_next(aglm_rng *r);
double aglm_rng_uniform(aglm_rng *r);             /* [0, 1), 53 bits */
uint64_t aglm_rng_below(aglm_rng *r, uint64_t n); /* 0..n-1 without bias (Lemire 2019); n > 0 */
double aglm_rng_normal(aglm_rng *r);              /* Marsaglia's polar method */
void aglm_rng_shuffle(aglm_rng *r, uint32_t *v, size_t n); /* Fisher-Yates */

#endif
