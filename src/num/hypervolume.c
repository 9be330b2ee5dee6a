#include "num/hypervolume.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/pareto.h"

#define STRIDE AGLM_HYPERVOLUME_MAX /* of rows in scratch memory, whatever their length */

struct key {
    double value;
    uint32_t row;
};

struct corner {
    double x, y;
};

/* Scratch memory for n points of m losses. level[m] holds rows of which the first m values count;
 * key and corner serve whoever runs, and nobody keeps anything in them across a call. */
struct scratch {
    const double *reference;
    double *level[STRIDE + 1];
    struct key *key;
    struct corner *corner;
    size_t m;
};

static void scratch_clear(struct scratch *s)
{
    for (size_t i = 0; i <= STRIDE; i++)
        free(s->level[i]);
    free(s->key);
    free(s->corner);
}

/* Clear it in any case. */
static aglm_rc scratch_init(struct scratch *s, size_t n, size_t m, const double *reference)
{
    *s = (struct scratch){.reference = reference, .m = m};
    if (m > STRIDE)
        return AGLM_LIMIT;
    s->key = aglm_calloc(n, sizeof *s->key);
    s->corner = aglm_calloc(n + 2, sizeof *s->corner);
    bool ok = s->key && s->corner;
    for (size_t i = m; ok && (i == m || i >= 3); i--) { /* three losses hand nothing down */
        s->level[i] = aglm_calloc(n, STRIDE * sizeof *s->level[i]);
        ok = s->level[i];
    }
    return ok ? AGLM_OK : AGLM_NOMEM;
}

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a;
    const struct key *y = b;

    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* The rows in ascending order of one loss. */
static void sort_keys(struct scratch *s, const double *rows, size_t n, size_t column)
{
    for (size_t i = 0; i < n; i++)
        s->key[i] = (struct key){rows[i * STRIDE + column], (uint32_t)i};
    if (n > 1)
        qsort(s->key, n, sizeof *s->key, compare_keys);
}

static double box(const double *row, const double *reference, size_t m)
{
    double volume = 1.0;

    for (size_t i = 0; i < m; i++)
        volume *= reference[i] - row[i];
    return volume;
}

static double line(const struct scratch *s, const double *rows, size_t n)
{
    double best = s->reference[0];

    for (size_t i = 0; i < n; i++)
        best = fmin(best, rows[i * STRIDE]);
    return s->reference[0] - best;
}

static double area(struct scratch *s, const double *rows, size_t n)
{
    double y = s->reference[1];
    double sum = 0.0;

    sort_keys(s, rows, n, 0);
    for (size_t i = 0; i < n; i++) {
        const double *row = rows + s->key[i].row * STRIDE;
        if (row[1] >= y)
            continue;
        sum += (s->reference[0] - row[0]) * (y - row[1]);
        y = row[1];
    }
    return sum;
}

/* A front in the plane runs from sentinel to sentinel, x rising and y falling. */
static size_t front_init(struct corner *front, const double *reference)
{
    front[0] = (struct corner){-INFINITY, reference[1]};
    front[1] = (struct corner){reference[0], -INFINITY};
    return 2;
}

/* By how much the front's area grows when c joins; it would take the place of *from..*to. */
static double front_gain(const struct corner *front, size_t n, struct corner c, size_t *from,
                         size_t *to)
{
    size_t low = 1;
    size_t high = n - 1;
    double gain = 0.0;

    while (low < high) { /* the first corner that is not left of c */
        size_t mid = low + (high - low) / 2;
        if (front[mid].x < c.x)
            low = mid + 1;
        else
            high = mid;
    }
    *from = *to = low;
    if (front[low - 1].y <= c.y)
        return 0.0;
    double left = c.x;
    double top = front[low - 1].y;
    for (; front[*to].y >= c.y; ++*to) {
        gain += (front[*to].x - left) * (top - c.y);
        left = front[*to].x;
        top = front[*to].y;
    }
    return gain + (front[*to].x - left) * (top - c.y);
}

/* Returns the new size; what adds nothing does not join. */
static size_t front_join(struct corner *front, size_t n, struct corner c, double *gain)
{
    size_t from;
    size_t to;

    *gain = front_gain(front, n, c, &from, &to);
    if (!(*gain > 0.0))
        return n;
    memmove(front + from + 1, front + to, (n - to) * sizeof *front);
    front[from] = c;
    return n - (to - from) + 1;
}

/* From the lowest third loss up: what the points so far dominate in the plane, times the way to the
 * next. */
static double solid(struct scratch *s, const double *rows, size_t n)
{
    const double *r = s->reference;
    struct corner *front = s->corner;
    size_t size = front_init(front, r);
    double plane = 0.0;
    double sum = 0.0;
    double gain;

    sort_keys(s, rows, n, 2);
    for (size_t i = 0; i < n; i++) {
        const double *row = rows + s->key[i].row * STRIDE;
        double next = i + 1 < n ? s->key[i + 1].value : r[2];
        size = front_join(front, size, (struct corner){row[0], row[1]}, &gain);
        plane += gain;
        sum += plane * (next - row[2]);
    }
    return sum;
}

static bool covers(const double *a, const double *b, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        if (a[i] > b[i])
            return false;
    }
    return true;
}

/* Adds a row to those of which none covers another. */
static size_t keep_row(double *rows, size_t n, const double *row, size_t m)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (covers(rows + i * STRIDE, row, m))
            return n;
    }
    for (size_t i = 0; i < n; i++) {
        if (covers(row, rows + i * STRIDE, m))
            continue;
        if (kept != i)
            memcpy(rows + kept * STRIDE, rows + i * STRIDE, m * sizeof *rows);
        kept++;
    }
    memcpy(rows + kept * STRIDE, row, m * sizeof *rows);
    return kept + 1;
}

/* What `limit` leaves of each row, in m losses; up to three losses volume() does not mind rows that
 * another one covers. */
static size_t limit_rows(const double *rows, size_t n, const double *limit, size_t m, double *out)
{
    double row[STRIDE];
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < m; c++)
            row[c] = fmax(rows[i * STRIDE + c], limit[c]);
        if (m > 3)
            kept = keep_row(out, kept, row, m);
        else
            memcpy(out + kept++ * STRIDE, row, m * sizeof *row);
    }
    return kept;
}

static double volume(struct scratch *s, double *rows, size_t n, size_t m);

/* The rows from the worst last loss down: each adds the part of its box that no later one has, and
 * there all of those have the same last loss, so that the rest is of one loss less. */
static double slices(struct scratch *s, double *rows, size_t n, size_t m)
{
    double *less = s->level[m - 1];
    double sum = 0.0;

    sort_keys(s, rows, n, m - 1);
    for (size_t i = 0; i < n; i++) /* the level below is free as yet */
        memcpy(less + i * STRIDE, rows + s->key[i].row * STRIDE, m * sizeof *rows);
    memcpy(rows, less, n * STRIDE * sizeof *rows);
    for (size_t i = n; i-- > 0;) {
        const double *row = rows + i * STRIDE;
        size_t left = limit_rows(rows, i, row, m - 1, less);
        double own = box(row, s->reference, m - 1) - volume(s, less, left, m - 1);
        sum += own * (s->reference[m - 1] - row[m - 1]);
    }
    return sum;
}

/* Recursion depth: the number of losses. Rows may change. */
static double volume(struct scratch *s, double *rows, size_t n, size_t m)
{
    if (n == 0)
        return 0.0;
    if (m == 1)
        return line(s, rows, n);
    if (m == 2)
        return area(s, rows, n);
    return m == 3 ? solid(s, rows, n) : slices(s, rows, n, m);
}

static bool is_below(const double *row, const double *reference, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        if (!(row[i] < reference[i]))
            return false;
    }
    return true;
}

aglm_rc aglm_hypervolume(const double *losses, size_t n, size_t m, const double *reference,
                         double *out)
{
    struct scratch s;
    size_t kept = 0;
    bool endless = false;

    *out = 0.0;
    aglm_rc rc = scratch_init(&s, n, m, reference);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        const double *row = losses + i * m;
        if (!is_below(row, reference, m))
            continue;
        endless = endless || isinf(box(row, reference, m));
        memcpy(s.level[m] + kept++ * STRIDE, row, m * sizeof *row);
    }
    if (rc == AGLM_OK)
        *out = endless ? INFINITY : volume(&s, s.level[m], kept, m);
    scratch_clear(&s);
    return rc;
}

/* ---- a subset of large volume ---- */

struct choice {
    struct scratch s;
    const double *losses;
    const double *reference;
    size_t m;
    uint32_t *order;
    double *gain;  /* [n] by place in the order: what it adds, or a bound of that; -1 when taken */
    uint32_t *age; /* [n] number of chosen rows for which the gain was found */
    double *taken; /* [k][STRIDE] */
    size_t n_taken;
    size_t n_front; /* of two losses: the size of the front of those taken, in s.corner */
};

static aglm_rc choice_init(struct choice *c, size_t n, size_t k)
{
    aglm_rc rc = scratch_init(&c->s, k, c->m, c->reference);

    if (rc != AGLM_OK)
        return rc;
    c->order = aglm_calloc(n, sizeof *c->order);
    c->gain = aglm_calloc(n, sizeof *c->gain);
    c->age = aglm_calloc(n, sizeof *c->age);
    c->taken = aglm_calloc(k, STRIDE * sizeof *c->taken);
    if (!c->order || !c->gain || !c->age || !c->taken)
        return AGLM_NOMEM;
    if (c->m == 2)
        c->n_front = front_init(c->s.corner, c->reference);
    return aglm_pareto_order(c->losses, n, c->m, c->order);
}

static void choice_clear(struct choice *c)
{
    scratch_clear(&c->s);
    free(c->order);
    free(c->gain);
    free(c->age);
    free(c->taken);
}

static double plane_gain(const struct choice *c, const double *row)
{
    size_t from;
    size_t to;
    double gain = front_gain(c->s.corner, c->n_front, (struct corner){row[0], row[1]}, &from, &to);

    return isnan(gain) ? INFINITY : gain; /* no width times endless height */
}

static double solid_gain(struct choice *c, const double *row)
{
    double own = box(row, c->reference, c->m);
    double *shared = c->s.level[c->m];
    size_t n = limit_rows(c->taken, c->n_taken, row, c->m, shared);

    return isinf(own) ? own : fmax(own - volume(&c->s, shared, n, c->m), 0.0);
}

static void find_gain(struct choice *c, size_t place)
{
    const double *row = c->losses + c->order[place] * c->m;

    c->age[place] = (uint32_t)c->n_taken;
    if (!is_below(row, c->reference, c->m))
        c->gain[place] = 0.0;
    else
        c->gain[place] = c->m == 2 ? plane_gain(c, row) : solid_gain(c, row);
}

/* The largest gain. Gains only shrink while rows are taken, so that a fresh one that tops all
 * bounds is the largest. */
static size_t best_place(struct choice *c, size_t n)
{
    for (;;) {
        size_t best = 0;
        for (size_t i = 1; i < n; i++) {
            if (c->gain[i] > c->gain[best])
                best = i;
        }
        if (c->age[best] == c->n_taken)
            return best;
        find_gain(c, best);
    }
}

static void take(struct choice *c, size_t place)
{
    const double *row = c->losses + c->order[place] * c->m;
    double ignored;

    c->gain[place] = -1.0;
    memcpy(c->taken + c->n_taken++ * STRIDE, row, c->m * sizeof *row);
    if (c->m == 2 && is_below(row, c->reference, c->m))
        c->n_front = front_join(c->s.corner, c->n_front, (struct corner){row[0], row[1]}, &ignored);
}

static void choose(struct choice *c, size_t n, size_t k, uint32_t *chosen)
{
    for (size_t i = 0; i < n; i++)
        find_gain(c, i);
    while (c->n_taken < k) {
        size_t best = best_place(c, n);
        chosen[c->n_taken] = c->order[best];
        take(c, best);
    }
}

aglm_rc aglm_hypervolume_subset(const double *losses, size_t n, size_t m, const double *reference,
                                size_t k, uint32_t *chosen)
{
    struct choice c = {.losses = losses, .reference = reference, .m = m};
    bool finite = true;
    aglm_rc rc = choice_init(&c, n, k);

    for (size_t i = 0; i < m; i++)
        finite = finite && isfinite(reference[i]);
    if (rc == AGLM_OK && finite && k < n)
        choose(&c, n, k, chosen);
    else if (rc == AGLM_OK)
        memcpy(chosen, c.order, k * sizeof *chosen);
    choice_clear(&c);
    return rc;
}
