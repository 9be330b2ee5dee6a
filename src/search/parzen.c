#include "search/parzen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/dense.h"
#include "search/normal.h"
#include "search/parzen_priv.h"

#define MAX_KERNELS (1u << 24)
#define FULL_WEIGHT 25  /* the youngest observations weigh 1 */
#define CLIP_KERNELS 99 /* from here on the smallest bandwidth is range / 100 */

struct aglm_parzen {
    struct aglm_parzen_dim *dims;
    size_t n_dims;
    size_t n; /* observations */
    size_t cap;
    int64_t *number;
    double *base;
    float *near_base;
    double *weight;
    double total_weight;
    bool stale;              /* base, weights and classes are to be made anew */
    bool all_sigma;          /* every bandwidth too */
    bool even;               /* weights do not fade */
    aglm_parzen_term *terms; /* cheap kinds first: far kernels are dropped before the others */
    size_t *order;           /* [dims] the dimension of each term */
};

static void dim_init(struct aglm_parzen_dim *d, const aglm_dist *dist)
{
    double half = is_choice(d) ? 0.0 : dist->step / 2.0;

    d->low = dist->low - half;
    d->high = dist->high + half;
    if (dist->log) {
        d->low = aglm_log(d->low);
        d->high = aglm_log(d->high);
    }
}

static bool grow_array(void *array, size_t old, size_t cap, size_t size)
{
    void *from;
    void *to = aglm_calloc_aligned(cap, size);

    if (!to)
        return false;
    memcpy(&from, array, sizeof from);
    if (from)
        memcpy(to, from, old * size);
    free(from);
    memcpy(array, &to, sizeof to);
    return true;
}

static bool dim_reserve(struct aglm_parzen_dim *d, size_t old, size_t cap)
{
    if (!grow_array(&d->mu, old, cap, sizeof *d->mu) ||
        !grow_array(&d->near_mu, old, cap, sizeof *d->near_mu))
        return false;
    if (is_choice(d))
        return true;
    return grow_array(&d->inv, old, cap, sizeof *d->inv) &&
           grow_array(&d->norm, old, cap, sizeof *d->norm) &&
           grow_array(&d->near_inv, old, cap, sizeof *d->near_inv) &&
           (!d->range || grow_array(&d->range, old, cap, sizeof *d->range)) &&
           grow_array(&d->sorted, old, cap, sizeof *d->sorted) &&
           (!is_lattice(d) || (grow_array(&d->row, old, cap, sizeof *d->row) &&
                               grow_array(&d->scale, old, cap, sizeof *d->scale))) &&
           (!d->memo || (grow_array(&d->kernel, old, cap, sizeof *d->kernel) &&
                         grow_array(&d->table, old, cap, sizeof *d->table)));
}

/* Room for `kernels`, the prior included, in whole blocks. Arrays that grew before a failure just
 * stay larger. */
static aglm_rc reserve(aglm_parzen *p, size_t kernels)
{
    size_t cap = p->cap ? p->cap : 2 * AGLM_PARZEN_BLOCK;

    if (kernels > MAX_KERNELS)
        return AGLM_LIMIT;
    while (cap < kernels)
        cap += (cap / 16 + AGLM_PARZEN_BLOCK - 1) / AGLM_PARZEN_BLOCK * AGLM_PARZEN_BLOCK;
    if (cap == p->cap)
        return AGLM_OK;
    bool ok = grow_array(&p->number, p->cap, cap, sizeof *p->number) &&
              grow_array(&p->base, p->cap, cap, sizeof *p->base) &&
              grow_array(&p->near_base, p->cap, cap, sizeof *p->near_base) &&
              grow_array(&p->weight, p->cap, cap, sizeof *p->weight);
    for (size_t i = 0; ok && i < p->n_dims; i++)
        ok = dim_reserve(&p->dims[i], p->cap, cap);
    if (!ok)
        return AGLM_NOMEM;
    p->cap = cap;
    return AGLM_OK;
}

static void set_norm(struct aglm_parzen_dim *d, size_t k)
{
    double per_sigma = d->inv[k] * AGLM_SQRT_2;
    double inside = aglm_normal_log_mass((d->low - d->mu[k]) * per_sigma,
                                         (d->high - d->mu[k]) * per_sigma);

    if (d->inv[k] != d->last_inv) {
        d->last_inv = d->inv[k];
        d->last_log = aglm_log(per_sigma);
    }
    d->near_inv[k] = (float)(d->inv[k] * (d->high - d->low));
    double scale = d->last_log - AGLM_LOG_SQRT_2PI;
    d->norm[k] = is_lattice(d) ? -inside : scale - inside;
    if (d->scale)
        d->scale[k] = scale;
    if (d->range)
        d->range[k].below = NAN;
    if (is_even(d))
        d->row[k] = AGLM_PARZEN_NO_ROW;
}

static void set_mu(struct aglm_parzen_dim *d, size_t k, double mu)
{
    d->mu[k] = mu;
    d->near_mu[k] = near_place(d, mu);
}

static void set_prior(struct aglm_parzen_dim *d)
{
    if (is_choice(d)) {
        set_mu(d, 0, -1.0); /* matches no choice */
        return;
    }
    set_mu(d, 0, 0.5 * (d->low + d->high));
    d->inv[0] = 1.0 / (AGLM_SQRT_2 * (d->high - d->low));
    set_norm(d, 0);
}

static void set_order(aglm_parzen *p)
{
    size_t n = 0;

    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < p->n_dims; i++) {
            int cost = is_choice(&p->dims[i]) ? 2 : is_lattice(&p->dims[i]) ? 1 : 0;
            if (cost == pass)
                p->order[n++] = i;
        }
    }
}

aglm_rc aglm_parzen_new(aglm_parzen **out, const aglm_dist *dists, size_t n_dims, aglm_error *err)
{
    aglm_parzen *p = calloc(1, sizeof *p);
    aglm_rc rc = AGLM_NOMEM;

    *out = NULL;
    if (!p)
        goto out;
    p->stale = p->all_sigma = true;
    p->dims = aglm_calloc(n_dims, sizeof *p->dims);
    p->terms = aglm_calloc(n_dims, sizeof *p->terms);
    p->order = aglm_calloc(n_dims, sizeof *p->order);
    if (!p->dims || !p->terms || !p->order)
        goto out;
    p->n_dims = n_dims;
    for (size_t i = 0; i < n_dims; i++) {
        struct aglm_parzen_dim *d = &p->dims[i];
        d->dist = dists[i];
        dim_init(d, &dists[i]);
        if (is_lattice(d) && !aglm_parzen_lattice_init(d))
            goto out;
    }
    set_order(p);
    rc = reserve(p, 1);
    for (size_t i = 0; rc == AGLM_OK && i < n_dims; i++)
        set_prior(&p->dims[i]);
out:
    if (rc != AGLM_OK) {
        aglm_parzen_free(p);
        return aglm_error_set(err, rc, "out of memory for a density of %zu parameters", n_dims);
    }
    *out = p;
    return AGLM_OK;
}

void aglm_parzen_free(aglm_parzen *p)
{
    if (!p)
        return;
    for (size_t i = 0; p->dims && i < p->n_dims; i++) {
        struct aglm_parzen_dim *d = &p->dims[i];
        free(d->mu);
        free(d->inv);
        free(d->scale);
        free(d->norm);
        free(d->near_mu);
        free(d->near_inv);
        free(d->range);
        free(d->sorted);
        free(d->row);
        free(d->kernel);
        free(d->table);
        free(d->memo);
        free(d->masses);
    }
    free(p->dims);
    free(p->terms);
    free(p->order);
    free(p->number);
    free(p->base);
    free(p->near_base);
    free(p->weight);
    free(p);
}

void aglm_parzen_weigh_evenly(aglm_parzen *p)
{
    p->even = p->stale = true;
}

size_t aglm_parzen_size(const aglm_parzen *p)
{
    return p->n;
}

/* Observations older than `number`. */
static size_t find_number(const aglm_parzen *p, int64_t number)
{
    size_t low = 0;
    size_t high = p->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (p->number[mid] < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Place in d->sorted of a kernel, or where a new one with this (mu, age) belongs. */
static size_t find_sorted(const struct aglm_parzen_dim *d, size_t n, double mu, size_t kernel)
{
    size_t low = 0;
    size_t high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        size_t k = d->sorted[mid];
        if (d->mu[k] < mu || (d->mu[k] == mu && k < kernel))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The larger gap to the neighbours, the ends counting only the inner one (unless there is but one
 * observation). */
static void set_sigma(struct aglm_parzen_dim *d, size_t n, size_t place)
{
    size_t k = d->sorted[place];
    double mu = d->mu[k];
    double left = place > 0 ? mu - d->mu[d->sorted[place - 1]] : mu - d->low;
    double right = place + 1 < n ? d->mu[d->sorted[place + 1]] - mu : d->high - mu;
    double sigma = left > right ? left : right;

    if (n > 1 && place == 0)
        sigma = right;
    if (n > 1 && place + 1 == n)
        sigma = left;
    if (is_even(d)) /* free of rounding, so that equal gaps are equal bandwidths */
        sigma = floor(sigma / d->dist.step * 2.0 + 0.5) * 0.5 * d->dist.step;
    double least = smallest_sigma(d, n);
    double most = d->high - d->low;
    sigma = sigma < least ? least : sigma > most ? most : sigma;
    double inv = 1.0 / (AGLM_SQRT_2 * sigma);
    if (inv == d->inv[k])
        return;
    d->inv[k] = inv;
    set_norm(d, k);
}

/* Bandwidths around a place where a kernel came or went. While the smallest one depends on n, all
 * are set by refresh. */
static void touch(aglm_parzen *p, struct aglm_parzen_dim *d, size_t place, size_t n)
{
    if (p->all_sigma || is_choice(d))
        return;
    for (size_t i = place > 0 ? place - 1 : 0; i <= place + 1 && i < n; i++)
        set_sigma(d, n, i);
}

/* Kernels from `kernel` on move up by one (they carry larger indices then) or down. */
static void renumber(struct aglm_parzen_dim *d, size_t n, size_t kernel, bool up)
{
    for (size_t i = 0; i < n; i++) {
        if (d->sorted[i] >= kernel)
            d->sorted[i] += up ? 1u : UINT32_MAX;
    }
}

static void shift(void *v, size_t size, size_t kernel, size_t n_after, bool up)
{
    char *from = (char *)v + (kernel + (up ? 0 : 1)) * size;

    memmove(up ? from + size : from - size, from, n_after * size);
}

static void shift_kernels(struct aglm_parzen_dim *d, size_t kernel, size_t n_after, bool up)
{
    void *const arrays[] = {d->mu, d->inv, d->scale, d->norm};

    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        if (arrays[i])
            shift(arrays[i], sizeof(double), kernel, n_after, up);
    }
    shift(d->near_mu, sizeof *d->near_mu, kernel, n_after, up);
    if (d->near_inv)
        shift(d->near_inv, sizeof *d->near_inv, kernel, n_after, up);
    if (d->range)
        shift(d->range, sizeof *d->range, kernel, n_after, up);
    if (d->row)
        shift(d->row, sizeof *d->row, kernel, n_after, up);
}

static double to_domain(const struct aglm_parzen_dim *d, double x)
{
    if (is_choice(d))
        return x;
    if (is_even(d))
        return aglm_dist_snap(&d->dist, x);
    x = x < d->dist.low ? d->dist.low : x > d->dist.high ? d->dist.high : x;
    return d->dist.log ? aglm_log(x) : x;
}

static void dim_insert(aglm_parzen *p, struct aglm_parzen_dim *d, size_t kernel, double x)
{
    size_t n = p->n; /* without the new one */

    if (kernel <= n) {
        if (!is_choice(d))
            renumber(d, n, kernel, true);
        shift_kernels(d, kernel, n + 1 - kernel, true);
    }
    set_mu(d, kernel, to_domain(d, x));
    if (is_choice(d))
        return;
    d->inv[kernel] = 0.0;
    size_t place = find_sorted(d, n, d->mu[kernel], kernel);
    memmove(d->sorted + place + 1, d->sorted + place, (n - place) * sizeof *d->sorted);
    d->sorted[place] = (uint32_t)kernel;
    touch(p, d, place, n + 1);
}

aglm_rc aglm_parzen_insert(aglm_parzen *p, int64_t number, const double *x, aglm_error *err)
{
    aglm_rc rc = reserve(p, p->n + 2);

    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "a density of %zu trials: %s", p->n + 1, aglm_rc_text(rc));
    size_t at = find_number(p, number);
    if (at < p->n && p->number[at] == number)
        return AGLM_OK;
    p->stale = true;
    p->all_sigma = p->all_sigma || p->n + 1 < CLIP_KERNELS;
    memmove(p->number + at + 1, p->number + at, (p->n - at) * sizeof *p->number);
    p->number[at] = number;
    for (size_t i = 0; i < p->n_dims; i++)
        dim_insert(p, &p->dims[i], at + 1, x[i]);
    p->n++;
    return AGLM_OK;
}

static void dim_remove(aglm_parzen *p, struct aglm_parzen_dim *d, size_t kernel)
{
    size_t n = p->n; /* with the one that goes */

    if (!is_choice(d)) {
        size_t place = find_sorted(d, n, d->mu[kernel], kernel);
        for (size_t i = place; i + 1 < n; i++)
            d->sorted[i] = d->sorted[i + 1];
        renumber(d, n - 1, kernel, false);
        shift_kernels(d, kernel, n - kernel, false);
        touch(p, d, place, n - 1);
    } else {
        shift_kernels(d, kernel, n - kernel, false);
    }
}

void aglm_parzen_remove(aglm_parzen *p, int64_t number)
{
    size_t at = find_number(p, number);

    if (at == p->n || p->number[at] != number)
        return;
    p->stale = true;
    p->all_sigma = p->all_sigma || p->n < CLIP_KERNELS + 1;
    memmove(p->number + at, p->number + at + 1, (p->n - at - 1) * sizeof *p->number);
    for (size_t i = 0; i < p->n_dims; i++)
        dim_remove(p, &p->dims[i], at + 1);
    p->n--;
}

/* 1 for the youngest 25, then falling in even steps to 1 / n for the oldest; the prior weighs 1. */
static void set_weights(aglm_parzen *p)
{
    size_t n = p->n;
    double total = 1.0;
    size_t ramp = n > FULL_WEIGHT && !p->even ? n - FULL_WEIGHT : 0;
    double low = n > 0 ? 1.0 / (double)n : 1.0;
    double step = ramp > 1 ? (1.0 - low) / (double)(ramp - 1) : 0.0;

    p->weight[0] = 1.0;
    for (size_t i = 0; i < n; i++) {
        p->weight[i + 1] = i < ramp ? low + (double)i * step : 1.0;
        total += p->weight[i + 1];
    }
    p->total_weight = total;
}

/* Log weights of the choice observed and of another one, n kernels being there besides the prior.
 */
static void choice_weights(const struct aglm_parzen_dim *d, size_t n, double *hit, double *miss)
{
    double share = 1.0 / (double)(n + 1);
    double all = aglm_log(1.0 + (double)d->dist.n_choices * share);

    *hit = aglm_log(1.0 + share) - all;
    *miss = aglm_log(share) - all;
}

static void add_choice_base(aglm_parzen *p, const struct aglm_parzen_dim *d)
{
    double hit;
    double miss;

    choice_weights(d, p->n, &hit, &miss);
    /* Terms are what a miss costs; the prior misses everywhere, and is the same everywhere. */
    p->base[0] += -aglm_log((double)d->dist.n_choices) - (miss - hit);
    for (size_t k = 1; k <= p->n; k++)
        p->base[k] += hit;
}

static void set_base(aglm_parzen *p, struct aglm_parzen_dim *d)
{
    for (size_t j = 0; p->all_sigma && j < p->n; j++)
        set_sigma(d, p->n, j);
    for (size_t k = 0; k <= p->n; k++)
        p->base[k] += d->norm[k];
    if (is_lattice(d))
        aglm_parzen_lattice_rows(d, p->n);
}

static void refresh(aglm_parzen *p)
{
    size_t kernels = p->n + 1;

    if (!p->stale)
        return;
    set_weights(p);
    for (size_t k = 0; k < kernels; k++)
        p->base[k] = 0.0;
    for (size_t k = kernels; k < p->cap && k % AGLM_PARZEN_BLOCK != 0; k++) {
        p->base[k] = -1e290;
        p->weight[k] = 0.0;
    }
    for (size_t i = 0; i < p->n_dims; i++) {
        if (is_choice(&p->dims[i]))
            add_choice_base(p, &p->dims[i]);
        else
            set_base(p, &p->dims[i]);
    }
    for (size_t k = 0; k < p->cap && k < kernels + AGLM_PARZEN_BLOCK; k++)
        p->near_base[k] = (float)(p->base[k] - p->base[0]);
    p->stale = p->all_sigma = false;
}

static double sample_number(struct aglm_parzen_dim *d, size_t k, aglm_rng *rng)
{
    aglm_normal_range one = {.below = NAN};
    aglm_normal_range *range = d->range ? &d->range[k] : &one;
    double inv = d->inv[k] * AGLM_SQRT_2;

    if (isnan(range->below))
        *range = aglm_normal_range_of((d->low - d->mu[k]) * inv, (d->high - d->mu[k]) * inv);
    double x = d->mu[k] + aglm_normal_inner_quantile(aglm_rng_uniform(rng), range) / inv;

    return aglm_dist_snap(&d->dist, d->dist.log ? aglm_exp(x) : x);
}

/* The observed choice with the weight that it has beyond the even share of all. */
static double sample_choice(const struct aglm_parzen_dim *d, size_t k, size_t n, aglm_rng *rng)
{
    double even = (double)d->dist.n_choices / (double)(n + 1);
    double u = aglm_rng_uniform(rng);
    uint64_t other = aglm_rng_below(rng, d->dist.n_choices);

    return k > 0 && u * (1.0 + even) < 1.0 ? d->mu[k] : (double)other;
}

/* Ranges are remembered where draws are made; without memory they are made anew each time. */
static void want_ranges(aglm_parzen *p)
{
    for (size_t i = 0; i < p->n_dims; i++) {
        struct aglm_parzen_dim *d = &p->dims[i];
        if (is_choice(d) || d->range || !grow_array(&d->range, 0, p->cap, sizeof *d->range))
            continue;
        for (size_t k = 0; k < p->cap; k++)
            d->range[k].below = NAN;
    }
}

void aglm_parzen_sample(aglm_parzen *p, aglm_rng *rng, double *x)
{
    refresh(p);
    want_ranges(p);
    double left = aglm_rng_uniform(rng) * p->total_weight;
    size_t k = p->n;
    while (k > 0 && left >= p->weight[k])
        left -= p->weight[k--];
    for (size_t i = 0; i < p->n_dims; i++) {
        struct aglm_parzen_dim *d = &p->dims[i];
        x[i] = is_choice(d) ? sample_choice(d, k, p->n, rng) : sample_number(d, k, rng);
    }
}

/* What the terms of all points have in common. */
static void prepare_terms(aglm_parzen *p)
{
    double hit;
    double miss;

    for (size_t j = 0; j < p->n_dims; j++) {
        const struct aglm_parzen_dim *d = &p->dims[p->order[j]];
        aglm_parzen_term *t = &p->terms[j];
        *t = (aglm_parzen_term){.kind = AGLM_PARZEN_SQUARE,
                                .mu = d->mu,
                                .inv = d->inv,
                                .scale = d->scale,
                                .row = d->row,
                                .near_mu = d->near_mu,
                                .near_inv = d->near_inv};
        if (!is_choice(d))
            continue;
        choice_weights(d, p->n, &hit, &miss);
        t->kind = AGLM_PARZEN_MATCH;
        t->miss = miss - hit;
    }
}

static void set_terms(aglm_parzen *p, const double *x)
{
    for (size_t j = 0; j < p->n_dims; j++) {
        size_t i = p->order[j];
        struct aglm_parzen_dim *d = &p->dims[i];
        aglm_parzen_term *t = &p->terms[j];
        if (is_lattice(d)) {
            aglm_parzen_lattice_term(d, p->n, x[i], t);
        } else {
            t->x = to_domain(d, x[i]);
            t->near_x = near_place(d, t->x);
        }
    }
}

void aglm_parzen_score(aglm_parzen *p, const double *x, size_t n, double *out)
{
    refresh(p);
    size_t blocks = (p->n + AGLM_PARZEN_BLOCK) / AGLM_PARZEN_BLOCK;
    double log_total = aglm_log(p->total_weight);
    const aglm_parzen_kernels kernels = {p->base, p->near_base, p->weight,
                                         blocks * AGLM_PARZEN_BLOCK};
    prepare_terms(p);
    for (size_t i = 0; i < n; i++) {
        set_terms(p, x + i * p->n_dims);
        out[i] = aglm_parzen_log_sum(p->terms, p->n_dims, &kernels) - log_total;
    }
}
