#include "search/parzen_priv.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "num/dense.h"

#define NARROW_CELL 0.125 /* of the smallest bandwidth: see aglm_normal_log_cell */
#define MEMO_SLOTS 4096
#define EVEN_VALUES 256

/* Masses of cells of large and log lattices come again and again: a direct-mapped memory of them.
 */
struct cell_mass {
    double a, b;
    double log_mass;
};

static double cell_log_mass(struct aglm_parzen_dim *d, double a, double b)
{
    uint64_t key[2];

    memcpy(&key[0], &a, sizeof a);
    memcpy(&key[1], &b, sizeof b);
    uint64_t mixed = (key[0] ^ (key[1] << 1 | key[1] >> 63)) * 0x9E3779B97F4A7C15ULL;
    struct cell_mass *slot = &d->memo[mixed >> 52];
    if (slot->a != a || slot->b != b) { /* a == b == 0, as calloc leaves it, is no cell */
        slot->a = a;
        slot->b = b;
        slot->log_mass = aglm_normal_log_mass(a, b);
    }
    return slot->log_mass;
}

bool aglm_parzen_lattice_init(struct aglm_parzen_dim *d)
{
    uint64_t values = aglm_dist_count(&d->dist);

    bool small = values > 0 && values <= EVEN_VALUES && isfinite(d->high - d->low);

    if (small && !d->dist.log) {
        d->values = (size_t)values;
        d->masses = aglm_calloc(AGLM_PARZEN_SHAPES * (2 * d->values - 1), sizeof *d->masses);
        return d->masses;
    }
    d->memo = aglm_calloc(MEMO_SLOTS, sizeof *d->memo);
    return d->memo;
}

/* Classes of kernels that give every cell the same mass: equal ones are neighbours when sorted. */
static void set_rows(struct aglm_parzen_dim *d, size_t n)
{
    size_t rows = 1;

    d->row[0] = 0;
    d->kernel[0] = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = d->sorted[i];
        size_t last = d->kernel[rows - 1];
        if (i == 0 || d->mu[k] != d->mu[last] || d->inv[k] != d->inv[last])
            d->kernel[rows++] = (uint32_t)k;
        d->row[k] = (uint32_t)(rows - 1);
    }
    d->n_rows = rows;
}

static size_t value_of(const struct aglm_parzen_dim *d, double x)
{
    return (size_t)((x - d->dist.low) / d->dist.step + 0.5);
}

static void add_shape(struct aglm_parzen_dim *d, double inv)
{
    double *middle = d->masses + d->n_shapes * (2 * d->values - 1) + d->values - 1;
    double h = d->dist.step * inv * AGLM_SQRT_2;

    for (size_t i = 0; i < d->values; i++) {
        double at = (double)i;
        middle[i] = *(middle - i) = aglm_normal_log_mass((at - 0.5) * h, (at + 0.5) * h);
    }
    d->shape_inv[d->n_shapes++] = inv;
}

/* As if the kernel were at value 0. */
static void add_prior_shape(struct aglm_parzen_dim *d)
{
    double half = 0.5 * d->dist.step;
    double inv = d->inv[0] * AGLM_SQRT_2;

    for (size_t i = 0; i < d->values; i++) {
        double off = aglm_dist_at(&d->dist, i) - d->mu[0];
        d->masses[d->values - 1 - i] = aglm_normal_log_mass((off - half) * inv, (off + half) * inv);
    }
    d->shape_inv[0] = NAN; /* no other kernel's */
    d->n_shapes = 1;
    d->row[0] = 0;
}

/* AGLM_PARZEN_SHAPES: there is no room for another one. */
static size_t find_shape(struct aglm_parzen_dim *d, double inv)
{
    for (size_t i = d->n_shapes; i-- > 0;) {
        if (d->shape_inv[i] == inv)
            return i;
    }
    if (d->n_shapes == AGLM_PARZEN_SHAPES)
        return AGLM_PARZEN_SHAPES;
    add_shape(d, inv);
    return d->n_shapes - 1;
}

/* The rows of kernels that came or changed. false: there are too many shapes. */
static bool set_new_rows(struct aglm_parzen_dim *d, size_t kernels)
{
    for (size_t k = 1; k < kernels; k++) {
        if (d->row[k] != AGLM_PARZEN_NO_ROW)
            continue;
        size_t shape = find_shape(d, d->inv[k]);
        if (shape == AGLM_PARZEN_SHAPES)
            return false;
        d->row[k] = (uint32_t)(shape * (2 * d->values - 1) + value_of(d, d->mu[k]));
    }
    return true;
}

static void set_even_rows(struct aglm_parzen_dim *d, size_t kernels)
{
    if (d->n_shapes == 0)
        add_prior_shape(d);
    if (!set_new_rows(d, kernels)) {
        /* most of them are no kernel's any more */
        d->n_shapes = 1;
        for (size_t k = 1; k < kernels; k++)
            d->row[k] = AGLM_PARZEN_NO_ROW;
        bool fits = set_new_rows(d, kernels);
        assert(fits);
        (void)fits;
    }
    for (size_t k = kernels; k % AGLM_PARZEN_BLOCK != 0; k++)
        d->row[k] = 0; /* read, and weighs nothing */
}

/* Are all cells of this width narrow ones? */
static bool is_narrow(const struct aglm_parzen_dim *d, size_t n, double width)
{
    return width <= NARROW_CELL * smallest_sigma(d, n);
}

void aglm_parzen_lattice_rows(struct aglm_parzen_dim *d, size_t n)
{
    if (d->memo)
        set_rows(d, n);
    else if (!is_narrow(d, n, d->dist.step))
        set_even_rows(d, n + 1);
}

static void fill_table(struct aglm_parzen_dim *d, double left, double right)
{
    for (size_t r = 0; r < d->n_rows; r++) {
        size_t k = d->kernel[r];
        double inv = d->inv[k] * AGLM_SQRT_2;
        d->table[r] = cell_log_mass(d, (left - d->mu[k]) * inv, (right - d->mu[k]) * inv);
    }
}

/* Points of another program may lie off the lattice. */
static double to_lattice(const struct aglm_parzen_dim *d, double x)
{
    return is_even(d) ? aglm_dist_snap(&d->dist, x) : x;
}

/* A lattice's term: the masses of x's cell under each class of kernels, or their narrow form. */
void aglm_parzen_lattice_term(struct aglm_parzen_dim *d, size_t n, double x, aglm_parzen_term *t)
{
    x = to_lattice(d, x);
    double half = d->dist.step / 2.0;
    double left = d->dist.log ? aglm_log(x - half) : x - half;
    double right = d->dist.log ? aglm_log(x + half) : x + half;
    double middle = 0.5 * (left + right);

    t->near_x = near_place(d, middle);
    t->near_half = (float)(0.5 * (right - left) / (d->high - d->low));
    if (is_narrow(d, n, is_even(d) ? d->dist.step : right - left)) {
        t->kind = AGLM_PARZEN_CELL;
        t->x = middle;
        t->width = right - left;
        t->log_width = aglm_log(t->width);
        return;
    }
    t->kind = AGLM_PARZEN_TABLE;
    if (is_even(d)) {
        t->table = d->masses + (d->values - 1 - value_of(d, x));
    } else {
        fill_table(d, left, right);
        t->table = d->table;
    }
}
