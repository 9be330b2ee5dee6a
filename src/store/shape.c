#include "store/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define MAX_TEXTS ((size_t)1 << 28)      /* different names and distributions */
#define MAX_TEXT_BYTES ((size_t)1 << 34) /* all of them together */
#define MAX_SHAPES ((size_t)1 << 30)
#define SHAPES_TRIED 64 /* where more kinds of trials take turns, each trial has its own shape */

aglm_rc aglm_shapes_init(aglm_shapes *s)
{
    *s = (aglm_shapes){.texts = aglm_map_new(MAX_TEXTS, MAX_TEXT_BYTES)};
    return s->texts ? AGLM_OK : AGLM_NOMEM;
}

void aglm_shapes_clear(aglm_shapes *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->v[i]);
    free(s->v);
    aglm_map_free(s->texts);
}

const char *aglm_shapes_text(aglm_shapes *s, const char *text)
{
    uint32_t number;

    if (aglm_map_intern(s->texts, text, strlen(text), &number, NULL))
        return NULL;
    return aglm_map_key(s->texts, number, NULL);
}

size_t aglm_params_count(const aglm_params *p)
{
    return p->shape ? p->shape->n : 0;
}

void aglm_params_clear(aglm_params *p)
{
    free(p->values);
}

static bool is_shape_of(const aglm_shape *s, const aglm_param_row *rows, size_t n)
{
    bool same = s && s->n == n;

    for (size_t i = 0; same && i < n; i++)
        same = strcmp(s->v[i].name, rows[i].name) == 0 &&
               strcmp(s->v[i].distribution, rows[i].distribution) == 0;
    return same;
}

/* The place of a parameter, a new one at the end; *rc says when it has none. */
static size_t place(aglm_shapes *shapes, aglm_shape *s, const aglm_param_row *row, aglm_rc *rc)
{
    const aglm_shape_param p = {aglm_shapes_text(shapes, row->name),
                                aglm_shapes_text(shapes, row->distribution)};
    size_t at = 0;

    if (!p.name || !p.distribution) {
        *rc = AGLM_NOMEM;
        return 0;
    }
    while (at < s->n && s->v[at].name != p.name)
        at++;
    s->n += at == s->n;
    s->v[at] = p;
    return at;
}

/* The shape that is kept of this form; takes s over. */
static const aglm_shape *keep(aglm_shapes *shapes, aglm_shape *s)
{
    for (size_t i = shapes->n; i-- > 0 && shapes->n - i <= SHAPES_TRIED;) {
        aglm_shape *known = shapes->v[i];
        if (known->n == s->n && memcmp(known->v, s->v, s->n * sizeof *s->v) == 0) {
            free(s);
            return known;
        }
    }
    if (aglm_grow(&shapes->v, &shapes->cap, shapes->n + 1, sizeof *shapes->v, MAX_SHAPES)) {
        free(s);
        return NULL;
    }
    shapes->v[shapes->n++] = s;
    return s;
}

/* Values and shape of p with the rows' changed or added; *shape is NULL when out of memory. */
static double *merge(const aglm_params *p, aglm_shapes *shapes, const aglm_param_row *rows,
                     size_t n, const aglm_shape **shape)
{
    size_t old = aglm_params_count(p);
    double *values = aglm_calloc(old + n, sizeof *values);
    aglm_shape *s = aglm_calloc(1, sizeof *s + (old + n) * sizeof *s->v);
    aglm_rc rc = values && s ? AGLM_OK : AGLM_NOMEM;

    for (; rc == AGLM_OK && s->n < old; s->n++) {
        s->v[s->n] = p->shape->v[s->n];
        values[s->n] = p->values[s->n];
    }
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        values[place(shapes, s, &rows[i], &rc)] = rows[i].value;
    if (rc == AGLM_OK)
        *shape = keep(shapes, s);
    else
        free(s);
    return values;
}

aglm_rc aglm_params_put(aglm_params *p, aglm_shapes *shapes, const aglm_param_row *rows, size_t n)
{
    const aglm_shape *shape = NULL;
    double *values;

    if (n == 0)
        return AGLM_OK;
    if (!p->shape && is_shape_of(shapes->last, rows, n)) {
        shape = shapes->last;
        values = aglm_calloc(n, sizeof *values);
        for (size_t i = 0; values && i < n; i++)
            values[i] = rows[i].value;
    } else {
        values = merge(p, shapes, rows, n, &shape);
    }
    if (!values || !shape) {
        free(values);
        return AGLM_NOMEM;
    }
    free(p->values);
    p->values = values;
    p->shape = shapes->last = shape;
    return AGLM_OK;
}
