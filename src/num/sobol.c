#include "num/sobol.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/rng.h"
#include "num/sobol_table.h"

#define BITS 32 /* of the index */

_Static_assert(sizeof aglm_sobol_rows / sizeof *aglm_sobol_rows == AGLM_SOBOL_MAX_DIMS,
               "one row a dimension");

struct aglm_sobol {
    size_t n_dims;
    uint64_t *shift;          /* [n_dims] digits from the top bit on, as all that follows */
    uint64_t (*column)[BITS]; /* [n_dims] what bit k of the index adds */
};

/* Bratley and Fox 1988, section 2: v_k from the recurrence that the polynomial gives. */
static void fill_directions(const struct aglm_sobol_row *row, uint32_t v[BITS])
{
    unsigned degree = 0;

    while (row->polynomial >> (degree + 1))
        degree++;
    if (degree == 0) {
        for (unsigned k = 0; k < BITS; k++)
            v[k] = UINT32_C(1) << (BITS - 1 - k);
        return;
    }
    for (unsigned k = 0; k < BITS; k++) {
        if (k < degree) {
            v[k] = (uint32_t)row->m[k] << (BITS - 1 - k);
            continue;
        }
        v[k] = v[k - degree] ^ v[k - degree] >> degree;
        for (unsigned j = 1; j < degree; j++) {
            if (row->polynomial >> (degree - j) & 1)
                v[k] ^= v[k - j];
        }
    }
}

/* Multiplies by a random lower triangular matrix with ones on its diagonal: each digit stays and
 * adds random ones to those behind it. */
static void scramble(const uint32_t v[BITS], aglm_rng *rng, uint64_t column[BITS])
{
    uint64_t digit[BITS];

    for (unsigned j = 0; j < BITS; j++) {
        uint64_t one = UINT64_C(1) << (63 - j);
        digit[j] = one | (aglm_rng_next(rng) & (one - 1));
    }
    for (unsigned k = 0; k < BITS; k++) {
        column[k] = 0;
        for (unsigned j = 0; j < BITS; j++) {
            if (v[k] >> (BITS - 1 - j) & 1)
                column[k] ^= digit[j];
        }
    }
}

aglm_rc aglm_sobol_new(aglm_sobol **out, size_t n_dims, uint64_t seed, aglm_error *err)
{
    *out = NULL;
    if (n_dims > AGLM_SOBOL_MAX_DIMS)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "Sobol's sequence is tabled up to %d dimensions, not %zu",
                              AGLM_SOBOL_MAX_DIMS, n_dims);
    aglm_sobol *s = calloc(1, sizeof *s);
    if (s) {
        s->n_dims = n_dims;
        s->shift = aglm_calloc(n_dims, sizeof *s->shift);
        s->column = aglm_calloc(n_dims, sizeof *s->column);
    }
    if (!s || !s->shift || !s->column) {
        aglm_sobol_free(s);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sequence");
    }
    for (size_t d = 0; d < n_dims; d++) {
        uint32_t v[BITS];
        aglm_rng rng;
        aglm_rng_init_stream(&rng, seed, d);
        s->shift[d] = aglm_rng_next(&rng);
        fill_directions(&aglm_sobol_rows[d], v);
        scramble(v, &rng, s->column[d]);
    }
    *out = s;
    return AGLM_OK;
}

void aglm_sobol_free(aglm_sobol *s)
{
    if (!s)
        return;
    free(s->shift);
    free(s->column);
    free(s);
}

void aglm_sobol_point(const aglm_sobol *s, uint32_t i, double *x)
{
    for (size_t d = 0; d < s->n_dims; d++) {
        uint64_t digits = s->shift[d];
        for (uint32_t rest = i, k = 0; rest; rest >>= 1, k++) {
            if (rest & 1)
                digits ^= s->column[d][k];
        }
        x[d] = (double)(digits >> 11) * 0x1p-53;
    }
}
