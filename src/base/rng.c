#include "base/rng.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"

#define GOLDEN 0x9e3779b97f4a7c15ULL

__extension__ typedef unsigned __int128 wide;

void aglm_rng_init(aglm_rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += GOLDEN;
        r->s[i] = aglm_mix64(seed);
    }
}

void aglm_rng_init_stream(aglm_rng *r, uint64_t seed, uint64_t stream)
{
    uint64_t named = aglm_mix64(seed + GOLDEN);

    named = aglm_mix64(named ^ (stream + 1) * 0xd1342543de82ef95ULL);
    aglm_rng_init(r, named);
}

static inline uint64_t rotl(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

uint64_t aglm_rng_next(aglm_rng *r)
{
    uint64_t *s = r->s;
    uint64_t out = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return out;
}

double aglm_rng_uniform(aglm_rng *r)
{
    return (double)(aglm_rng_next(r) >> 11) * 0x1p-53;
}

uint64_t aglm_rng_below(aglm_rng *r, uint64_t n)
{
    assert(n > 0);
    wide product = (wide)aglm_rng_next(r) * n;
    if ((uint64_t)product < n) {
        uint64_t unfair = -n % n;
        while ((uint64_t)product < unfair)
            product = (wide)aglm_rng_next(r) * n;
    }
    return (uint64_t)(product >> 64);
}

/* ln x for 0 < x < 1 from exactly rounded operations only: libm's last bit differs between
 * machines, and streams must not. x = m 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 atanh((m - 1)
 * / (m + 1)). */
static double portable_log(double x)
{
    int e;
    double m = frexp(x, &e);

    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    double f = (m - 1) / (m + 1);
    double f2 = f * f;
    double sum = 0;
    for (int k = 23; k >= 1; k -= 2)
        sum = sum * f2 + 1.0 / k;
    return 2 * f * sum + e * 0.69314718055994531;
}

double aglm_rng_normal(aglm_rng *r)
{
    double u;
    double s;

    do {
        u = 2 * aglm_rng_uniform(r) - 1;
        double v = 2 * aglm_rng_uniform(r) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * portable_log(s) / s);
}

void aglm_rng_shuffle(aglm_rng *r, uint32_t *v, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = aglm_rng_below(r, i);
        uint32_t t = v[i - 1];
        v[i - 1] = v[j];
        v[j] = t;
    }
}
