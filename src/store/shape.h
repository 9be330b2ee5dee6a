/* store/shape.h - the parameters of trials in memory: names and distributions once for all trials
 * that have the same ones, values for each.
 * Threads: confined; the store that owns them locks. */
#ifndef AGLM_STORE_SHAPE_H
#define AGLM_STORE_SHAPE_H

#include "base/map.h"
#include "store/store.h"

/* Interned: equal texts are equal pointers. */
typedef struct aglm_shape_param {
    const char *name;
    const char *distribution;
} aglm_shape_param;

typedef struct aglm_shape {
    size_t n;
    aglm_shape_param v[];
} aglm_shape;

typedef struct aglm_shapes {
    aglm_map *texts;
    aglm_shape **v;
    size_t n, cap;
    const aglm_shape *last; /* the one that a trial took last */
} aglm_shapes;

/* All zero: none. */
typedef struct aglm_params {
    const aglm_shape *shape; /* NULL: no parameters */
    double *values;          /* [shape->n] */
} aglm_params;

aglm_rc aglm_shapes_init(aglm_shapes *s);
void aglm_shapes_clear(aglm_shapes *s);
/* The interned text, good until the shapes are cleared; NULL when out of memory. */
const char *aglm_shapes_text(aglm_shapes *s, const char *text);

size_t aglm_params_count(const aglm_params *p);
/* Changes those that are there and adds the others. AGLM_NOMEM leaves them as they were. */
aglm_rc aglm_params_put(aglm_params *p, aglm_shapes *shapes, const aglm_param_row *rows, size_t n);
void aglm_params_clear(aglm_params *p);

#endif
