#include "search/forest.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

/* The samples of one node: a stretch of every feature's order. */
struct span {
    uint32_t first, n;
    uint32_t depth;
    uint32_t weight; /* draws, with their repeats */
    double sum, square;
    bool pure;
};

struct aglm_forest {
    const aglm_forest_data *data;
    size_t n;
    uint32_t *sorted; /* [p][n] samples by value */
    uint32_t *rank;   /* [p][n] of a sample's value among the different ones */
    uint32_t *order;  /* [p][n] drawn samples, node by node, by value within */
    uint32_t *spare;  /* [n] */
    uint8_t *left;    /* [n] */
    uint32_t *count;  /* [n] times drawn */
    double *weighted; /* [n] count * y */
    double *inverse;  /* [n + 1] 1 / k */
    uint32_t *turn;   /* [p] the order in which features are tried */
    struct span *spans;
    aglm_tree_node *nodes;
    size_t n_nodes;
};

struct ranked {
    double x;
    uint32_t at;
};

static int by_value(const void *a, const void *b)
{
    const struct ranked *p = a;
    const struct ranked *q = b;

    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return (p->at > q->at) - (p->at < q->at);
}

static void sort_feature(aglm_forest *f, size_t feature, struct ranked *pairs)
{
    const double *x = f->data->x + feature * f->n;
    uint32_t rank = 0;

    for (size_t i = 0; i < f->n; i++)
        pairs[i] = (struct ranked){x[i], (uint32_t)i};
    qsort(pairs, f->n, sizeof *pairs, by_value);
    for (size_t i = 0; i < f->n; i++) {
        rank += i > 0 && pairs[i].x != pairs[i - 1].x;
        f->sorted[feature * f->n + i] = pairs[i].at;
        f->rank[feature * f->n + pairs[i].at] = rank;
    }
}

aglm_rc aglm_forest_new(aglm_forest **out, const aglm_forest_data *data, aglm_arena *arena,
                        aglm_error *err)
{
    size_t n = data->n;
    size_t p = data->p;
    struct ranked *pairs = aglm_arena_array(arena, n, sizeof *pairs);
    aglm_forest *f = aglm_arena_alloc(arena, sizeof *f);
    bool ok = pairs && f && p <= SIZE_MAX / sizeof(double) / (n + 1) &&
              (f->sorted = aglm_arena_array(arena, p * n, sizeof *f->sorted)) &&
              (f->rank = aglm_arena_array(arena, p * n, sizeof *f->rank)) &&
              (f->order = aglm_arena_array(arena, p * n, sizeof *f->order)) &&
              (f->spare = aglm_arena_array(arena, n, sizeof *f->spare)) &&
              (f->left = aglm_arena_array(arena, n, sizeof *f->left)) &&
              (f->count = aglm_arena_array(arena, n, sizeof *f->count)) &&
              (f->weighted = aglm_arena_array(arena, n, sizeof *f->weighted)) &&
              (f->inverse = aglm_arena_array(arena, n + 1, sizeof *f->inverse)) &&
              (f->turn = aglm_arena_array(arena, p, sizeof *f->turn)) &&
              (f->spans = aglm_arena_array(arena, 2 * n, sizeof *f->spans)) &&
              (f->nodes = aglm_arena_array(arena, 2 * n, sizeof *f->nodes));

    if (!ok)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a forest over %zu trials", n);
    f->data = data;
    f->n = n;
    for (size_t k = 1; k <= n; k++)
        f->inverse[k] = 1 / (double)k;
    for (size_t i = 0; i < p; i++) {
        f->turn[i] = (uint32_t)i;
        sort_feature(f, i, pairs);
    }
    *out = f;
    return AGLM_OK;
}

/* ---- the best split of a node ---- */

struct split {
    double gain; /* sum^2 / weight of both sides, below 0: none found */
    size_t feature;
    uint32_t n_left; /* numbers: samples on the left */
    uint64_t set;    /* choices on the left */
};

static double gain_of(const aglm_forest *f, const struct span *s, double sum, uint32_t weight)
{
    double rest = s->sum - sum;

    return sum * sum * f->inverse[weight] + rest * rest * f->inverse[s->weight - weight];
}

static void try_number(const aglm_forest *f, const struct span *s, size_t feature,
                       struct split *best)
{
    const uint32_t *at = f->order + feature * f->n + s->first;
    const uint32_t *rank = f->rank + feature * f->n;
    double sum = 0;
    uint32_t weight = 0;

    for (uint32_t i = 0; i + 1 < s->n; i++) {
        sum += f->weighted[at[i]];
        weight += f->count[at[i]];
        if (rank[at[i]] == rank[at[i + 1]])
            continue;
        double gain = gain_of(f, s, sum, weight);
        if (gain > best->gain)
            *best = (struct split){gain, feature, i + 1, 0};
    }
}

struct run {
    double sum;
    uint32_t weight;
    unsigned choice;
};

/* The samples of each choice that occurs in the node, by mean: the best division into two sets is
 * then among the cuts of that row (Fisher 1958). */
static size_t collect_runs(const aglm_forest *f, const struct span *s, size_t feature,
                           struct run *runs)
{
    const uint32_t *at = f->order + feature * f->n + s->first;
    const double *x = f->data->x + feature * f->n;
    size_t n = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        unsigned choice = (unsigned)x[at[i]];
        if (n == 0 || runs[n - 1].choice != choice)
            runs[n++] = (struct run){.choice = choice};
        runs[n - 1].sum += f->weighted[at[i]];
        runs[n - 1].weight += f->count[at[i]];
    }
    for (size_t i = 1; i < n; i++) {
        struct run moved = runs[i];
        double mean = moved.sum * f->inverse[moved.weight];
        size_t to = i;
        for (; to > 0 && runs[to - 1].sum * f->inverse[runs[to - 1].weight] > mean; to--)
            runs[to] = runs[to - 1];
        runs[to] = moved;
    }
    return n;
}

static void try_choice(const aglm_forest *f, const struct span *s, size_t feature,
                       struct split *best)
{
    struct run runs[AGLM_FOREST_CHOICES];
    size_t n = collect_runs(f, s, feature, runs);
    uint64_t seen = 0;
    uint64_t set = 0;
    double sum = 0;
    uint32_t weight = 0;

    for (size_t i = 0; i < n; i++)
        seen |= UINT64_C(1) << runs[i].choice;
    for (size_t i = 0; i + 1 < n; i++) {
        set |= UINT64_C(1) << runs[i].choice;
        sum += runs[i].sum;
        weight += runs[i].weight;
        double gain = gain_of(f, s, sum, weight);
        /* what does not occur here goes with the greater part */
        if (gain > best->gain)
            *best = (struct split){gain, feature, 0, weight * 2 > s->weight ? set | ~seen : set};
    }
}

static struct split find_split(const aglm_forest *f, const struct span *s, aglm_rng *rng)
{
    struct split best = {.gain = -1};
    double most = s->square * (1 - 1e-12); /* of a split into two pure sides */
    size_t p = f->data->p;
    size_t start = aglm_rng_below(rng, p);

    for (size_t i = 0; i < p && best.gain < most; i++) {
        size_t feature = f->turn[(start + i) % p];
        if (f->data->n_choices[feature] > 0)
            try_choice(f, s, feature, &best);
        else
            try_number(f, s, feature, &best);
    }
    return best;
}

/* ---- growth ---- */

static struct span span_of(const aglm_forest *f, uint32_t first, uint32_t n, uint32_t depth)
{
    const uint32_t *at = f->order + first;
    struct span s = {.first = first, .n = n, .depth = depth, .pure = true};

    for (uint32_t i = 0; i < n; i++) {
        double y = f->data->y[at[i]];
        s.weight += f->count[at[i]];
        s.sum += f->weighted[at[i]];
        s.square += f->weighted[at[i]] * y;
        s.pure = s.pure && y == f->data->y[at[0]];
    }
    return s;
}

static uint32_t mark_left(aglm_forest *f, const struct span *s, const struct split *split)
{
    const uint32_t *at = f->order + split->feature * f->n + s->first;
    const double *x = f->data->x + split->feature * f->n;
    bool choice = f->data->n_choices[split->feature] > 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        f->left[at[i]] = choice ? split->set >> (unsigned)x[at[i]] & 1 : i < split->n_left;
        n += f->left[at[i]];
    }
    return n;
}

/* Brings the left samples of a stretch before the others, both in their order. */
static void divide(aglm_forest *f, uint32_t *at, uint32_t n)
{
    uint32_t l = 0;
    uint32_t r = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t sample = at[i];
        at[l] = sample;
        f->spare[r] = sample;
        l += f->left[sample];
        r += !f->left[sample];
    }
    memcpy(at + l, f->spare, r * sizeof *at);
}

static void set_cut(const aglm_forest *f, const struct span *s, const struct split *split,
                    aglm_tree_node *node)
{
    const uint32_t *at = f->order + split->feature * f->n + s->first;
    const double *x = f->data->x + split->feature * f->n;

    node->feature = (int)split->feature;
    node->set = split->set;
    if (split->n_left > 0)
        node->cut = (x[at[split->n_left - 1]] + x[at[split->n_left]]) / 2;
}

static void grow_node(aglm_forest *f, uint32_t node, aglm_rng *rng)
{
    struct span s = f->spans[node];
    struct split split = {.gain = -1};

    f->nodes[node].feature = -1;
    f->nodes[node].value = s.sum * f->inverse[s.weight];
    if (s.n > 1 && !s.pure && s.depth < DEPTH_MAX)
        split = find_split(f, &s, rng);
    if (split.gain < 0)
        return;
    set_cut(f, &s, &split, &f->nodes[node]);
    uint32_t n_left = mark_left(f, &s, &split);
    for (size_t p = 0; p < f->data->p; p++)
        divide(f, f->order + p * f->n + s.first, s.n);
    uint32_t child = (uint32_t)f->n_nodes;
    f->nodes[node].left = child;
    f->nodes[child] = f->nodes[child + 1] = (aglm_tree_node){.parent = node};
    f->spans[child] = span_of(f, s.first, n_left, s.depth + 1);
    f->spans[child + 1] = span_of(f, s.first + n_left, s.n - n_left, s.depth + 1);
    f->n_nodes += 2;
}

/* As many draws with replacement as there are samples; returns how many differ. */
static uint32_t draw_sample(aglm_forest *f, aglm_rng *rng)
{
    uint32_t drawn = 0;

    memset(f->count, 0, f->n * sizeof *f->count);
    for (size_t i = 0; i < f->n; i++)
        f->count[aglm_rng_below(rng, f->n)]++;
    for (size_t i = 0; i < f->n; i++) {
        f->weighted[i] = f->count[i] * f->data->y[i];
        drawn += f->count[i] > 0;
    }
    for (size_t p = 0; p < f->data->p; p++) {
        uint32_t *order = f->order + p * f->n;
        const uint32_t *sorted = f->sorted + p * f->n;
        for (size_t i = 0, k = 0; i < f->n && k < drawn; i++) {
            order[k] = sorted[i];
            k += f->count[sorted[i]] > 0;
        }
    }
    return drawn;
}

size_t aglm_forest_grow(aglm_forest *f, aglm_rng *rng, const aglm_tree_node **nodes)
{
    uint32_t drawn = draw_sample(f, rng);

    aglm_rng_shuffle(rng, f->turn, f->data->p);
    f->nodes[0] = (aglm_tree_node){0};
    f->spans[0] = span_of(f, 0, drawn, 0);
    f->n_nodes = 1;
    for (uint32_t i = 0; i < f->n_nodes; i++)
        grow_node(f, i, rng);
    *nodes = f->nodes;
    return f->n_nodes;
}
