/* search/forest.h - regression trees over numbers and choices, each grown on its bootstrap sample
 * to pure leaves (Breiman 2001).
 * Threads: confined. */
#ifndef AGLM_SEARCH_FOREST_H
#define AGLM_SEARCH_FOREST_H

#include "base/arena.h"
#include "base/rng.h"

#define AGLM_FOREST_CHOICES 64

typedef struct aglm_forest_data {
    const double *x;           /* [p][n] a column a feature; choices by their index */
    const unsigned *n_choices; /* [p] 0: a number; else at most AGLM_FOREST_CHOICES */
    const double *y;           /* [n] finite, best within -1..1 */
    size_t n, p;
} aglm_forest_data;

typedef struct aglm_tree_node {
    int feature;     /* -1: a leaf */
    uint32_t parent; /* the root's is 0; a parent stands before its children */
    uint32_t left;   /* the right child is left + 1 */
    double cut;      /* a number goes left up to and with it */
    uint64_t set;    /* a choice goes left when its bit is set */
    double value;    /* of a leaf: the mean of y */
} aglm_tree_node;

typedef struct aglm_forest aglm_forest;

/* The data is borrowed as long as the forest is used, which lives in the arena. n below 2^30. */
aglm_rc aglm_forest_new(aglm_forest **out, const aglm_forest_data *data, aglm_arena *arena,
                        aglm_error *err);
/* Grows a tree in place of the one before and returns the number of its nodes, at most 2 n - 1;
 * node 0 is the root. Equal splits are settled by the stream. */
size_t aglm_forest_grow(aglm_forest *f, aglm_rng *rng, const aglm_tree_node **nodes);

#endif
