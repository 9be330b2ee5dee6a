/* plot/figure.h - a figure as data: panels with axes and marks in the units of what they show, for
 * any canvas to draw.
 * Threads: immutable once made; all that it points to lives in one arena. */
#ifndef AGLM_PLOT_FIGURE_H
#define AGLM_PLOT_FIGURE_H

#include <stdint.h>

#include "base/arena.h"
#include "plot/scale.h"

#define AGLM_RAMP_LEVELS 8

/* What is drawn, not its colour: canvases choose that for light, dark and none. */
typedef enum aglm_ink {
    AGLM_INK_TEXT,
    AGLM_INK_MUTED,
    AGLM_INK_GRID,
    AGLM_INK_COMPLETE,
    AGLM_INK_BEST,
    AGLM_INK_PRUNED,
    AGLM_INK_FAIL,
    AGLM_INK_RUNNING,
    AGLM_INK_SECOND, /* further groups of complete trials */
    AGLM_INK_THIRD,
    AGLM_INK_RAMP, /* and AGLM_RAMP_LEVELS - 1 after it, to the strongest */
    AGLM_INK_COUNT = AGLM_INK_RAMP + AGLM_RAMP_LEVELS
} aglm_ink;

typedef enum aglm_mark_kind {
    AGLM_MARK_DOTS,
    AGLM_MARK_RINGS,
    AGLM_MARK_CROSSES,
    AGLM_MARK_LINE, /* a NaN parts it */
    AGLM_MARK_BOXES /* from x, y to x2, y2 */
} aglm_mark_kind;

typedef struct aglm_mark {
    aglm_mark_kind kind;
    aglm_ink ink;
    const char *label;     /* in the legend; NULL: not there */
    const double *x, *y;   /* [n] what is not finite, or off the panel, is left out */
    const double *x2, *y2; /* [n] boxes */
    const double *shade;   /* [n] 0..1 along the ramp in place of the ink, or NULL; of a line its
                              first point's counts for the piece */
    const uint32_t *trial; /* [n] numbers of the trials that the points stand for, or NULL */
    size_t n;
} aglm_mark;

typedef struct aglm_axis {
    const char *title;
    aglm_scale scale;
} aglm_axis;

typedef struct aglm_panel {
    aglm_axis x, y;
    const aglm_scale *spines; /* [x.scale.n_names] an axis of its own at each name of x, over the
                                 unit height; or NULL */
    const aglm_mark *marks;
    size_t n_marks;
} aglm_panel;

typedef struct aglm_figure {
    const char *title;
    const char *note;                 /* what is shown, and what is left out; may be NULL */
    const char *empty;                /* why there is nothing to show; then there are no panels */
    const char *ramp_low, *ramp_high; /* labels of the ramp's ends, NULL: it is not used */
    const aglm_panel *panels;
    size_t n_panels;
} aglm_figure;

#endif
