/* plot/kind_priv.h - what the makers of figures share: marks that grow point by point, panels, and
 * what can be drawn of a trial.
 * Threads: confined. */
#ifndef AGLM_PLOT_KIND_PRIV_H
#define AGLM_PLOT_KIND_PRIV_H

#include "plot/kind.h"

aglm_rc aglm_figure_history(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                            aglm_error *err);
aglm_rc aglm_figure_edf(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out, aglm_error *err);
aglm_rc aglm_figure_front(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                          aglm_error *err);
aglm_rc aglm_figure_intermediate(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                                 aglm_error *err);
aglm_rc aglm_figure_timeline(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                             aglm_error *err);
aglm_rc aglm_figure_importance(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                               aglm_error *err);
aglm_rc aglm_figure_slice(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                          aglm_error *err);
aglm_rc aglm_figure_contour(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                            aglm_error *err);
aglm_rc aglm_figure_rank(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                         aglm_error *err);
aglm_rc aglm_figure_parallel(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                             aglm_error *err);

/* A mark with room for so many points. */
typedef struct aglm_pencil {
    aglm_mark_kind kind;
    aglm_ink ink;
    const char *label;
    double *x, *y, *x2, *y2, *shade;
    uint32_t *trial;
    size_t n;
    bool shaded, of_trials;
} aglm_pencil;

/* Room for `most` points; AGLM_NOMEM. */
aglm_rc aglm_pencil_init(aglm_pencil *p, aglm_mark_kind kind, aglm_ink ink, const char *label,
                         size_t most, aglm_arena *a);
void aglm_pencil_point(aglm_pencil *p, double x, double y, uint32_t trial);
void aglm_pencil_shaded(aglm_pencil *p, double x, double y, double shade, uint32_t trial);
void aglm_pencil_box(aglm_pencil *p, const double corners[4], uint32_t trial);
aglm_mark aglm_pencil_mark(const aglm_pencil *p);

/* A panel with room for so many marks, one after the other in an array of the figure. */
aglm_rc aglm_figure_room(aglm_figure *f, size_t n_panels, size_t n_marks, aglm_panel **panels,
                         aglm_mark **marks, aglm_arena *a);

/* Value k of a trial that has it and is COMPLETE (or PRUNED, too); else NaN. */
double aglm_plot_value(const aglm_trial *t, size_t k);
bool aglm_plot_feasible(const aglm_trial *t);
/* -1 where larger is better, else 1. */
double aglm_plot_sign(const aglm_plot_study *s, size_t k);
/* "value (minimize)", "value 1 (maximize)" */
const char *aglm_plot_value_title(const aglm_plot_study *s, size_t k, aglm_arena *a);
/* How many COMPLETE trials have a finite value k; *infinite counts those with another. */
size_t aglm_plot_complete(const aglm_plot_study *s, size_t k, size_t *infinite);
/* The axis of a parameter over the values that the trials have of it; choices by their names. */
aglm_rc aglm_plot_axis(const aglm_plot_study *s, size_t param, aglm_axis *out, aglm_arena *a);
/* The same with a little room on both sides. */
aglm_rc aglm_plot_wide_axis(const aglm_plot_study *s, size_t param, aglm_axis *out, aglm_arena *a);
/* The parameters by PED-ANOVA's importance, largest first, those with one value alone left out.
 * *order: [n]. */
aglm_rc aglm_plot_order(const aglm_plot_study *s, size_t **order, double **share, size_t *n,
                        aglm_arena *a, aglm_error *err);
/* Ranks of value 0 of the COMPLETE trials with a finite one: 1 the best, 0 the worst, ties shared;
 * NaN elsewhere. [n] */
aglm_rc aglm_plot_ranks(const aglm_plot_study *s, double **rank, aglm_arena *a, aglm_error *err);

#endif
