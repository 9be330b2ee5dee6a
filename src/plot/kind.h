/* plot/kind.h - the figures of a study: history, slice, contour, parallel, rank, edf, front,
 * intermediate, timeline, importance.
 * Threads: pure functions; the figures live in the arena given. */
#ifndef AGLM_PLOT_KIND_H
#define AGLM_PLOT_KIND_H

#include "plot/figure.h"
#include "search/history.h"

typedef struct aglm_plot_study {
    const char *name;
    const aglm_space *space;
    const aglm_trial *trials;
    size_t n;
    const aglm_direction *directions;
    size_t n_directions;
    int group; /* a choice parameter whose first values are told apart in history, or -1 */
} aglm_plot_study;

typedef struct aglm_plot_kind {
    const char *name;  /* "history" */
    const char *title; /* "History" */
    /* A study that such a figure says nothing of gives one with `empty` set, and AGLM_OK. */
    aglm_rc (*make)(const aglm_plot_study *study, aglm_arena *a, aglm_figure *out, aglm_error *err);
} aglm_plot_kind;

const aglm_plot_kind *aglm_plot_kinds(size_t *n);
/* NULL when there is none of that name. */
const aglm_plot_kind *aglm_plot_kind_find(const char *name);
/* The figure with its title set. */
aglm_rc aglm_plot_make(const aglm_plot_kind *kind, const aglm_plot_study *study, aglm_arena *a,
                       aglm_figure *out, aglm_error *err);

#endif
