#include "search/parzen_kernel.h"

#include <string.h>

#include "num/dense.h"
#include "search/normal.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors never cross a call that is not inlined */
#endif

typedef double vec __attribute__((vector_size(32)));
typedef int64_t ivec __attribute__((vector_size(32)));

typedef float fvec __attribute__((vector_size(32)));
typedef int32_t fmask __attribute__((vector_size(32)));

/* Loops of constant length must become straight code, or their arrays live on the stack. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define LANES 4
#define VECS (AGLM_PARZEN_BLOCK / LANES)
#define NEAR_LANES 8
#define NEAR_VECS (AGLM_PARZEN_BLOCK / NEAR_LANES)
#define INLINE static inline __attribute__((always_inline))

/* Kernels this far (in e-folds) below the largest so far do not count: 1e6 of them make 2e-10 of
 * the sum. */
#define NEGLIGIBLE 36.0
#define LOWEST (-1e300)
#define CHUNK 256 /* kernels looked at before the near ones are added up */
#define FEW 128   /* kernels that are not worth looking at first */

/* Kernels k, k + 1, ... of a block, or those listed. */
struct block {
    size_t k;
    const uint32_t *at; /* NULL: all from k on */
};

INLINE void load(vec *out, const double *from, const struct block *b, size_t v)
{
    if (b->at) {
        const uint32_t *at = b->at + v * LANES;
        const double lane[LANES] = {from[at[0]], from[at[1]], from[at[2]], from[at[3]]};
        memcpy(out, lane, sizeof *out);
    } else {
        memcpy(out, __builtin_assume_aligned(from + b->k + v * LANES, 32), sizeof *out);
    }
}

/* x <= 0. As aglm_exp, without its branches: what is below -700 gives some 1e-304. */
INLINE void exp_all(vec *x)
{
    const vec low = {-700.0, -700.0, -700.0, -700.0};
    ivec keep = *x > low;
    vec v = (vec)(((ivec)*x & keep) | ((ivec)low & ~keep));
    vec shifted = v * 0x1.71547652b82fep+0 + 0x1.8p52;
    vec k = shifted - 0x1.8p52;
    vec r = (v - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
    vec p = r * (1.0 / 6227020800.0) + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    *x = (vec)((ivec)p + ((ivec)shifted << 52));
}

INLINE void add_square(vec *acc, const aglm_parzen_term *t, const struct block *b)
{
    UNROLL
    for (size_t v = 0; v < VECS; v++) {
        vec mu;
        vec inv;
        load(&mu, t->mu, b, v);
        load(&inv, t->inv, b, v);
        vec z = (t->x - mu) * inv;
        acc[v] -= z * z;
    }
}

/* inv = 1 / (sigma sqrt 2), so that m^2 = 2 z^2 and h^2 = 2 w^2. */
INLINE void add_cell(vec *acc, const aglm_parzen_term *t, const struct block *b)
{
    UNROLL
    for (size_t v = 0; v < VECS; v++) {
        vec mu;
        vec inv;
        vec scale;
        load(&mu, t->mu, b, v);
        load(&inv, t->inv, b, v);
        load(&scale, t->scale, b, v);
        vec z = (t->x - mu) * inv;
        vec w = t->width * inv;
        vec mm = 2.0 * (z * z);
        vec hh = 2.0 * (w * w);
        vec y = 0.25 * mm * hh;
        acc[v] += (scale + t->log_width) - 0.5 * mm +
                  y * (1.0 / 6 - y * (1.0 / 180 - y * (1.0 / 2835))) - hh * (1.0 / 24) +
                  hh * hh * (1.0 / 1440 - mm * (1.0 / 720));
    }
}

INLINE void add_table(vec *acc, const aglm_parzen_term *t, const struct block *b)
{
    UNROLL
    for (size_t v = 0; v < VECS; v++) {
        uint32_t row[LANES];
        for (size_t i = 0; i < LANES; i++)
            row[i] = t->row[b->at ? b->at[v * LANES + i] : b->k + v * LANES + i];
        vec add = {t->table[row[0]], t->table[row[1]], t->table[row[2]], t->table[row[3]]};
        acc[v] += add;
    }
}

INLINE void add_match(vec *acc, const aglm_parzen_term *t, const struct block *b)
{
    const vec miss = {t->miss, t->miss, t->miss, t->miss};

    UNROLL
    for (size_t v = 0; v < VECS; v++) {
        vec mu;
        load(&mu, t->mu, b, v);
        acc[v] += (vec)((ivec)miss & (ivec)(mu != t->x));
    }
}

INLINE double largest(const vec *acc)
{
    double most = LOWEST; /* not a kernel's: it may be NaN where a range is as wide as a double's */

    UNROLL
    for (size_t v = 0; v < VECS; v++) {
        UNROLL
        for (size_t i = 0; i < LANES; i++)
            most = acc[v][i] > most ? acc[v][i] : most;
    }
    return most;
}

/* The exponents of a block. */
INLINE void add_terms(vec *acc, const aglm_parzen_term *terms, size_t n_terms,
                      const struct block *b)
{
    for (size_t i = 0; i < n_terms; i++) {
        switch (terms[i].kind) {
        case AGLM_PARZEN_SQUARE:
            add_square(acc, &terms[i], b);
            break;
        case AGLM_PARZEN_CELL:
            add_cell(acc, &terms[i], b);
            break;
        case AGLM_PARZEN_TABLE:
            add_table(acc, &terms[i], b);
            break;
        case AGLM_PARZEN_MATCH:
            add_match(acc, &terms[i], b);
            break;
        }
    }
}

/* sum of weight exp(exponent - most); most grows as larger exponents come. */
struct sum {
    vec v;
    double most;
};

/* count: kernels of the block; the lanes behind repeat one and weigh nothing. */
INLINE void add_block(struct sum *s, const aglm_parzen_term *terms, size_t n_terms,
                      const aglm_parzen_kernels *kernels, const struct block *b, size_t count)
{
    vec acc[VECS];

    UNROLL
    for (size_t v = 0; v < VECS; v++)
        load(&acc[v], kernels->base, b, v);
    add_terms(acc, terms, n_terms, b);
    double top = largest(acc);
    if (top <= s->most - NEGLIGIBLE)
        return;
    if (top > s->most) {
        s->v *= aglm_exp(s->most - top);
        s->most = top;
    }
    UNROLL
    for (size_t v = 0; v < VECS; v++) {
        vec w;
        vec e = acc[v] - s->most;
        load(&w, kernels->weight, b, v);
        UNROLL
        for (size_t i = 0; i < LANES; i++)
            w[i] = v * LANES + i < count ? w[i] : 0.0;
        exp_all(&e);
        s->v += w * e;
    }
}

INLINE void load_near(fvec *out, const float *from, size_t k)
{
    memcpy(out, __builtin_assume_aligned(from + k, 32), sizeof *out);
}

/* An upper bound of what one dimension adds: a cell's mass is below exp(-z^2) for its near edge. */
INLINE void add_near(fvec *acc, const aglm_parzen_term *t, size_t k)
{
    const float m = (float)t->miss;
    const fvec miss = {m, m, m, m, m, m, m, m};

    UNROLL
    for (size_t v = 0; v < NEAR_VECS; v++) {
        fvec mu;
        fvec inv;
        load_near(&mu, t->near_mu, k + v * NEAR_LANES);
        if (t->kind == AGLM_PARZEN_MATCH) {
            acc[v] += (fvec)((fmask)miss & (fmask)(mu != t->near_x));
            continue;
        }
        load_near(&inv, t->near_inv, k + v * NEAR_LANES);
        fvec z = t->near_x - mu;
        if (t->kind != AGLM_PARZEN_SQUARE) {
            z = (fvec)((fmask)z & INT32_MAX) - t->near_half;
            z = (fvec)((fmask)z & ~(fmask)(z < 0.0f));
        }
        z *= inv;
        acc[v] -= z * z;
    }
}

/* A bit for each lane above the limit, or NaN. */
INLINE unsigned near_bits(const fvec *acc, float limit)
{
    const fmask bit = {1, 2, 4, 8, 16, 32, 64, 128};
    uint64_t part[4];
    unsigned bits = 0;

    UNROLL
    for (size_t v = NEAR_VECS; v-- > 0;) {
        fmask m = bit & ~(fmask)(acc[v] <= limit);
        memcpy(part, &m, sizeof m);
        uint64_t any = (part[0] | part[1]) | (part[2] | part[3]);
        bits = bits << NEAR_LANES | (unsigned)(any | any >> 32);
    }
    return bits & ((1u << AGLM_PARZEN_BLOCK) - 1);
}

/* The kernels from..to that may reach the limit are wanted. */
struct search {
    size_t from, to;
    float limit;
};

INLINE size_t list_near(const aglm_parzen_term *terms, size_t n_terms,
                        const aglm_parzen_kernels *kernels, struct search in, uint32_t *near)
{
    size_t n = 0;

    for (size_t k = in.from; k < in.to; k += AGLM_PARZEN_BLOCK) {
        fvec acc[NEAR_VECS];
        UNROLL
        for (size_t v = 0; v < NEAR_VECS; v++)
            load_near(&acc[v], kernels->near_base, k + v * NEAR_LANES);
        for (size_t i = 0; i < n_terms; i++)
            add_near(acc, &terms[i], k);
        for (unsigned bits = near_bits(acc, in.limit); bits; bits &= bits - 1)
            near[n++] = (uint32_t)k + (uint32_t)__builtin_ctz(bits);
    }
    return n;
}

/* The prior kernel's exponent: the sum is at least that. */
INLINE double first_exponent(const aglm_parzen_term *terms, size_t n_terms,
                             const aglm_parzen_kernels *kernels)
{
    vec acc[VECS];
    const struct block first = {0};

    UNROLL
    for (size_t v = 0; v < VECS; v++)
        load(&acc[v], kernels->base, &first, v);
    add_terms(acc, terms, n_terms, &first);
    return acc[0][0];
}

INLINE void add_near_kernels(struct sum *s, const aglm_parzen_term *terms, size_t n_terms,
                             const aglm_parzen_kernels *kernels)
{
    uint32_t near[CHUNK + AGLM_PARZEN_BLOCK];

    for (size_t from = 0; from < kernels->n; from += CHUNK) {
        size_t to = kernels->n - from < CHUNK ? kernels->n : from + CHUNK;
        double limit = s->most - NEGLIGIBLE - kernels->base[0];
        limit -= 1.0 + 1e-4 * (limit < 0.0 ? -limit : limit); /* single precision's errors */
        const struct search in = {from, to, (float)limit};
        size_t n = list_near(terms, n_terms, kernels, in, near);
        for (size_t i = n; i < n + AGLM_PARZEN_BLOCK; i++)
            near[i] = 0;
        for (size_t i = 0; i < n; i += AGLM_PARZEN_BLOCK) {
            const struct block b = {0, near + i};
            add_block(s, terms, n_terms, kernels, &b,
                      n - i < AGLM_PARZEN_BLOCK ? n - i : AGLM_PARZEN_BLOCK);
        }
    }
}

INLINE double log_sum(const aglm_parzen_term *terms, size_t n_terms,
                      const aglm_parzen_kernels *kernels)
{
    struct sum s = {{0.0, 0.0, 0.0, 0.0}, LOWEST};

    if (kernels->n <= FEW) {
        for (size_t k = 0; k < kernels->n; k += AGLM_PARZEN_BLOCK) {
            const struct block b = {k, NULL};
            add_block(&s, terms, n_terms, kernels, &b, AGLM_PARZEN_BLOCK);
        }
    } else {
        double first = first_exponent(terms, n_terms, kernels);
        s.most = first > LOWEST ? first : LOWEST;
        add_near_kernels(&s, terms, n_terms, kernels);
    }
    return s.most + aglm_log((s.v[0] + s.v[1]) + (s.v[2] + s.v[3]));
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static double log_sum_avx2(const aglm_parzen_term *terms,
                                                           size_t n_terms,
                                                           const aglm_parzen_kernels *kernels)
{
    return log_sum(terms, n_terms, kernels);
}
#endif

double aglm_parzen_log_sum(const aglm_parzen_term *terms, size_t n_terms,
                           const aglm_parzen_kernels *kernels)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        return log_sum_avx2(terms, n_terms, kernels);
#endif
    return log_sum(terms, n_terms, kernels);
}
