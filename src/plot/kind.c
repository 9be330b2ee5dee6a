#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot/kind_priv.h"
#include "search/importance.h"

#define ROOM 0.03 /* of an axis beside its values */

static const aglm_plot_kind KINDS[] = {
    {"history", "History", aglm_figure_history},
    {"importance", "Importance of parameters", aglm_figure_importance},
    {"slice", "Slices", aglm_figure_slice},
    {"contour", "Contours", aglm_figure_contour},
    {"rank", "Ranks", aglm_figure_rank},
    {"parallel", "Parallel coordinates", aglm_figure_parallel},
    {"edf", "Distribution of values", aglm_figure_edf},
    {"front", "Pareto front", aglm_figure_front},
    {"intermediate", "Intermediate values", aglm_figure_intermediate},
    {"timeline", "Timeline", aglm_figure_timeline},
};

const aglm_plot_kind *aglm_plot_kinds(size_t *n)
{
    *n = sizeof KINDS / sizeof *KINDS;
    return KINDS;
}

const aglm_plot_kind *aglm_plot_kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(KINDS[i].name, name) == 0)
            return &KINDS[i];
    return NULL;
}

aglm_rc aglm_plot_make(const aglm_plot_kind *kind, const aglm_plot_study *study, aglm_arena *a,
                       aglm_figure *out, aglm_error *err)
{
    *out = (aglm_figure){0};
    aglm_rc rc = kind->make(study, a, out, err);
    out->title = kind->title;
    if (rc == AGLM_NOMEM && err && !err->msg[0])
        aglm_error_set(err, rc, "out of memory for the plot \"%s\" of %zu trials", kind->name,
                       study->n);
    return rc;
}

/* ---- marks and panels ---- */

aglm_rc aglm_pencil_init(aglm_pencil *p, aglm_mark_kind kind, aglm_ink ink, const char *label,
                         size_t most, aglm_arena *a)
{
    bool boxes = kind == AGLM_MARK_BOXES;

    *p = (aglm_pencil){.kind = kind, .ink = ink, .label = label};
    p->x = aglm_arena_array(a, most, sizeof *p->x);
    p->y = aglm_arena_array(a, most, sizeof *p->y);
    p->x2 = aglm_arena_array(a, boxes ? most : 0, sizeof *p->x2);
    p->y2 = aglm_arena_array(a, boxes ? most : 0, sizeof *p->y2);
    p->shade = aglm_arena_array(a, most, sizeof *p->shade);
    p->trial = aglm_arena_array(a, most, sizeof *p->trial);
    return p->x && p->y && p->x2 && p->y2 && p->shade && p->trial ? AGLM_OK : AGLM_NOMEM;
}

void aglm_pencil_point(aglm_pencil *p, double x, double y, uint32_t trial)
{
    p->of_trials = p->kind != AGLM_MARK_LINE;
    p->x[p->n] = x;
    p->y[p->n] = y;
    p->trial[p->n++] = trial;
}

void aglm_pencil_shaded(aglm_pencil *p, double x, double y, double shade, uint32_t trial)
{
    p->shaded = true;
    p->shade[p->n] = shade;
    aglm_pencil_point(p, x, y, trial);
}

void aglm_pencil_box(aglm_pencil *p, const double corners[4], uint32_t trial)
{
    p->x2[p->n] = corners[2];
    p->y2[p->n] = corners[3];
    aglm_pencil_point(p, corners[0], corners[1], trial);
}

aglm_mark aglm_pencil_mark(const aglm_pencil *p)
{
    return (aglm_mark){.kind = p->kind,
                       .ink = p->ink,
                       .label = p->label,
                       .x = p->x,
                       .y = p->y,
                       .x2 = p->x2,
                       .y2 = p->y2,
                       .shade = p->shaded ? p->shade : NULL,
                       .trial = p->of_trials ? p->trial : NULL,
                       .n = p->n};
}

aglm_rc aglm_figure_room(aglm_figure *f, size_t n_panels, size_t n_marks, aglm_panel **panels,
                         aglm_mark **marks, aglm_arena *a)
{
    *panels = aglm_arena_array(a, n_panels, sizeof **panels);
    *marks = aglm_arena_array(a, n_panels * n_marks, sizeof **marks);
    if (!*panels || !*marks)
        return AGLM_NOMEM;
    for (size_t i = 0; i < n_panels; i++) {
        (*panels)[i].marks = *marks + i * n_marks;
        (*panels)[i].n_marks = n_marks;
    }
    f->panels = *panels;
    f->n_panels = n_panels;
    return AGLM_OK;
}

/* ---- trials ---- */

double aglm_plot_value(const aglm_trial *t, size_t k)
{
    bool has = t->state == AGLM_TRIAL_COMPLETE || t->state == AGLM_TRIAL_PRUNED;

    return has && k < t->n_values ? t->values[k] : NAN;
}

bool aglm_plot_feasible(const aglm_trial *t)
{
    return !(t->violation > 0);
}

double aglm_plot_sign(const aglm_plot_study *s, size_t k)
{
    return s->directions[k] == AGLM_MAXIMIZE ? -1 : 1;
}

const char *aglm_plot_value_title(const aglm_plot_study *s, size_t k, aglm_arena *a)
{
    const char *direction = s->directions[k] == AGLM_MAXIMIZE ? "maximize" : "minimize";

    if (s->n_directions == 1)
        return aglm_arena_printf(a, "value (%s)", direction);
    return aglm_arena_printf(a, "value %zu (%s)", k, direction);
}

size_t aglm_plot_complete(const aglm_plot_study *s, size_t k, size_t *infinite)
{
    size_t n = 0;

    *infinite = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->trials[i].state != AGLM_TRIAL_COMPLETE)
            continue;
        bool finite = isfinite(aglm_plot_value(&s->trials[i], k));
        n += finite;
        *infinite += !finite;
    }
    return n;
}

static aglm_rc named_axis(const aglm_dist *d, aglm_axis *out, aglm_arena *a)
{
    const char **names = aglm_arena_array(a, d->n_choices, sizeof *names);
    char buf[128];

    for (size_t i = 0; names && i < d->n_choices; i++) {
        aglm_dist_format(d, (double)i, buf, sizeof buf);
        if (!(names[i] = aglm_arena_strdup(a, buf)))
            return AGLM_NOMEM;
    }
    out->scale = aglm_scale_named(names, d->n_choices);
    return names ? AGLM_OK : AGLM_NOMEM;
}

aglm_rc aglm_plot_axis(const aglm_plot_study *s, size_t param, aglm_axis *out, aglm_arena *a)
{
    const aglm_dist *d = &s->space->params[param].dist;
    double low = INFINITY;
    double high = -INFINITY;

    out->title = s->space->params[param].name;
    if (d->kind == AGLM_DIST_CHOICE)
        return named_axis(d, out, a);
    for (size_t i = 0; i < s->n; i++) {
        if (!isfinite(s->trials[i].x[param]))
            continue;
        low = fmin(low, s->trials[i].x[param]);
        high = fmax(high, s->trials[i].x[param]);
    }
    if (low > high) {
        low = d->low;
        high = d->high;
    }
    out->scale = aglm_scale_over(low, high, d->log);
    out->scale.whole = d->kind == AGLM_DIST_INT && !d->log;
    return AGLM_OK;
}

aglm_rc aglm_plot_wide_axis(const aglm_plot_study *s, size_t param, aglm_axis *out, aglm_arena *a)
{
    aglm_rc rc = aglm_plot_axis(s, param, out, a);
    aglm_scale *scale = &out->scale;

    if (rc != AGLM_OK || scale->kind == AGLM_SCALE_NAMES)
        return rc;
    if (scale->kind == AGLM_SCALE_LOG) {
        double ratio = exp(ROOM * (log(scale->high) - log(scale->low)));
        scale->low /= ratio;
        scale->high *= ratio;
        return rc;
    }
    double room = ROOM * (scale->high - scale->low);
    scale->low -= room;
    scale->high += room;
    return rc;
}

aglm_rc aglm_plot_order(const aglm_plot_study *s, size_t **order, double **share, size_t *n,
                        aglm_arena *a, aglm_error *err)
{
    aglm_importance_source source = {.space = s->space, .trials = s->trials, .n = s->n};
    aglm_importance *items = aglm_arena_array(a, s->space->n, sizeof *items);
    size_t found = 0;

    *order = aglm_arena_array(a, s->space->n, sizeof **order);
    *share = aglm_arena_array(a, s->space->n, sizeof **share);
    *n = 0;
    if (!items || !*order || !*share)
        return AGLM_NOMEM;
    aglm_rc rc = aglm_importance_rank(&aglm_importance_ped_anova, &source, items, &found, err);
    for (size_t i = 0; rc == AGLM_OK && i < found; i++) {
        if (aglm_dist_count(&s->space->params[items[i].param].dist) == 1)
            continue;
        (*share)[*n] = items[i].share;
        (*order)[(*n)++] = items[i].param;
    }
    return rc;
}

struct ranked {
    double loss;
    size_t at;
};

static int by_loss(const void *a, const void *b)
{
    const struct ranked *p = a;
    const struct ranked *q = b;

    if (p->loss != q->loss)
        return p->loss < q->loss ? -1 : 1;
    return (p->at > q->at) - (p->at < q->at);
}

aglm_rc aglm_plot_ranks(const aglm_plot_study *s, double **rank, aglm_arena *a, aglm_error *err)
{
    struct ranked *rows = aglm_arena_array(a, s->n, sizeof *rows);
    size_t n = 0;

    *rank = aglm_arena_array(a, s->n, sizeof **rank);
    if (!rows || !*rank)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory to rank %zu trials", s->n);
    for (size_t i = 0; i < s->n; i++) {
        double v = aglm_plot_value(&s->trials[i], 0) * aglm_plot_sign(s, 0);
        (*rank)[i] = NAN;
        if (s->trials[i].state == AGLM_TRIAL_COMPLETE && isfinite(v))
            rows[n++] = (struct ranked){v, i};
    }
    qsort(rows, n, sizeof *rows, by_loss);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && rows[end].loss == rows[i].loss;)
            end++;
        double place = n > 1 ? ((double)i + (double)(end - 1)) / 2 / (double)(n - 1) : 0;
        for (size_t k = i; k < end; k++)
            (*rank)[rows[k].at] = 1 - place;
    }
    return AGLM_OK;
}
