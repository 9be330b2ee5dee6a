#include <stdlib.h>

#include "base/memory.h"
#include "base/rng.h"
#include "num/sobol.h"

#define MAX_DIGITS 53 /* a double's */

struct digit_rule {
    uint16_t factor, offset;
};

struct axis {
    uint32_t base;
    uint32_t n_digits; /* base^n_digits >= 2^53 */
    struct digit_rule rule[MAX_DIGITS];
};

struct aglm_halton {
    size_t n_dims;
    struct axis *axes;
};

static uint32_t prime_after(uint32_t p)
{
    for (uint32_t q = p + 1;; q++) {
        uint32_t d = 2;
        while (d * d <= q && q % d != 0)
            d++;
        if (d * d > q)
            return q;
    }
}

static void fill_axis(struct axis *a, uint32_t base, aglm_rng *rng)
{
    a->base = base;
    for (double reach = 1.0; reach < 0x1p53; reach *= base) {
        struct digit_rule *r = &a->rule[a->n_digits++];
        r->factor = (uint16_t)(1 + aglm_rng_below(rng, base - 1));
        r->offset = (uint16_t)aglm_rng_below(rng, base);
    }
}

aglm_rc aglm_halton_new(aglm_halton **out, size_t n_dims, uint64_t seed, aglm_error *err)
{
    uint32_t base = 1;

    *out = NULL;
    if (n_dims > AGLM_HALTON_MAX_DIMS)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "Halton's sequence goes up to %d dimensions, not %zu",
                              AGLM_HALTON_MAX_DIMS, n_dims);
    aglm_halton *h = calloc(1, sizeof *h);
    if (h) {
        h->n_dims = n_dims;
        h->axes = aglm_calloc(n_dims, sizeof *h->axes);
    }
    if (!h || !h->axes) {
        aglm_halton_free(h);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sequence");
    }
    for (size_t d = 0; d < n_dims; d++) {
        aglm_rng rng;
        aglm_rng_init_stream(&rng, seed, d);
        base = prime_after(base);
        fill_axis(&h->axes[d], base, &rng);
    }
    *out = h;
    return AGLM_OK;
}

void aglm_halton_free(aglm_halton *h)
{
    if (!h)
        return;
    free(h->axes);
    free(h);
}

/* The radical inverse of i, zeros behind its last digit being scrambled too. */
static double inverse(const struct axis *a, uint32_t i)
{
    double x = 0.0;
    double unit = 1.0;

    for (uint32_t k = 0; k < a->n_digits; k++) {
        const struct digit_rule *r = &a->rule[k];
        uint32_t digit = (i % a->base * r->factor + r->offset) % a->base;
        unit /= a->base;
        x += digit * unit;
        i /= a->base;
    }
    return x < 1.0 ? x : 0x1.fffffffffffffp-1;
}

void aglm_halton_point(const aglm_halton *h, uint32_t i, double *x)
{
    for (size_t d = 0; d < h->n_dims; d++)
        x[d] = inverse(&h->axes[d], i);
}
