#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/stats.h"
#include "plot/kind_priv.h"
#include "search/front.h"

#define PANELS_MAX 6
#define EDF_POINTS 1000
#define CURVES_MAX 300

/* How many points are not drawn, and why; NULL when all are. */
static const char *infinite_note(size_t infinite, aglm_arena *a)
{
    if (infinite == 0)
        return NULL;
    return aglm_arena_printf(a, "%zu complete trial%s without a finite value %s not drawn.",
                             infinite, infinite > 1 ? "s" : "", infinite > 1 ? "are" : "is");
}

static aglm_axis number_axis(size_t n)
{
    aglm_axis axis = {"trial", aglm_scale_over(0, n > 0 ? (double)(n - 1) : 0, false)};
    double room = 0.01 * (axis.scale.high - axis.scale.low);

    axis.scale.low -= room;
    axis.scale.high += room;
    axis.scale.whole = true;
    return axis;
}

/* ---- history ---- */

enum { GROUPS = 3, HISTORY_MARKS = GROUPS + 4 };

struct history {
    aglm_pencil group[GROUPS];
    aglm_pencil infeasible, pruned, failed, best;
};

static const char *group_label(const aglm_plot_study *s, size_t g, aglm_arena *a)
{
    char name[96];

    if (s->group < 0)
        return g == 0 ? "complete" : NULL;
    const aglm_dist *d = &s->space->params[s->group].dist;
    if (g >= d->n_choices)
        return NULL;
    aglm_dist_format(d, (double)g, name, sizeof name);
    bool more = g == GROUPS - 1 && d->n_choices > GROUPS;
    return aglm_arena_printf(a, more ? "%s and others" : "%s", name);
}

static aglm_rc history_init(struct history *h, const aglm_plot_study *s, aglm_arena *a)
{
    static const aglm_ink INKS[GROUPS] = {AGLM_INK_COMPLETE, AGLM_INK_SECOND, AGLM_INK_THIRD};
    aglm_rc rc = AGLM_OK;

    for (size_t g = 0; rc == AGLM_OK && g < GROUPS; g++)
        rc = aglm_pencil_init(&h->group[g], AGLM_MARK_DOTS, INKS[g], group_label(s, g, a), s->n, a);
    if (rc == AGLM_OK)
        rc = aglm_pencil_init(&h->infeasible, AGLM_MARK_DOTS, AGLM_INK_MUTED, "infeasible", s->n,
                              a);
    if (rc == AGLM_OK)
        rc = aglm_pencil_init(&h->pruned, AGLM_MARK_RINGS, AGLM_INK_PRUNED, "pruned", s->n, a);
    if (rc == AGLM_OK)
        rc = aglm_pencil_init(&h->failed, AGLM_MARK_CROSSES, AGLM_INK_FAIL, "failed", s->n, a);
    if (rc == AGLM_OK)
        rc = aglm_pencil_init(&h->best, AGLM_MARK_LINE, AGLM_INK_BEST, "best so far", 2 * s->n + 1,
                              a);
    return rc;
}

static size_t group_of(const aglm_plot_study *s, const aglm_trial *t)
{
    double c = s->group < 0 ? 0 : t->x[s->group];

    return c >= 0 && c < GROUPS ? (size_t)c : c >= GROUPS ? GROUPS - 1 : 0;
}

/* A step up or down to the new best. */
static void improve(aglm_pencil *line, double *best, double at, double v, double sign)
{
    if (!isnan(*best) && !(sign * v < sign * *best))
        return;
    if (!isnan(*best))
        aglm_pencil_point(line, at, *best, 0);
    aglm_pencil_point(line, at, v, 0);
    *best = v;
}

static void history_trial(struct history *h, const aglm_plot_study *s, size_t i, size_t k,
                          double *best)
{
    const aglm_trial *t = &s->trials[i];
    double at = (double)t->number;
    double v = aglm_plot_value(t, k);
    uint32_t number = (uint32_t)t->number;

    if (!isfinite(v))
        return;
    if (t->state == AGLM_TRIAL_PRUNED) {
        aglm_pencil_point(&h->pruned, at, v, number);
        return;
    }
    if (!aglm_plot_feasible(t)) {
        aglm_pencil_point(&h->infeasible, at, v, number);
        return;
    }
    aglm_pencil_point(&h->group[group_of(s, t)], at, v, number);
    improve(&h->best, best, at, v, aglm_plot_sign(s, k));
}

static aglm_rc value_scale(const aglm_plot_study *s, size_t k, aglm_scale *out, aglm_arena *a)
{
    double *v = aglm_arena_array(a, s->n, sizeof *v);

    if (!v)
        return AGLM_NOMEM;
    for (size_t i = 0; i < s->n; i++)
        v[i] = aglm_plot_value(&s->trials[i], k);
    *out = aglm_scale_of(v, s->n);
    return AGLM_OK;
}

static aglm_rc history_panel(const aglm_plot_study *s, size_t k, aglm_panel *panel,
                             aglm_mark *marks, aglm_arena *a)
{
    struct history h;
    double best = NAN;
    aglm_rc rc = history_init(&h, s, a);

    if (rc == AGLM_OK)
        rc = value_scale(s, k, &panel->y.scale, a);
    if (rc != AGLM_OK)
        return rc;
    panel->x = number_axis(s->n);
    panel->y.title = aglm_plot_value_title(s, k, a);
    for (size_t i = 0; i < s->n; i++) {
        history_trial(&h, s, i, k, &best);
        if (s->trials[i].state == AGLM_TRIAL_FAIL)
            aglm_pencil_point(&h.failed, (double)s->trials[i].number, panel->y.scale.low,
                              (uint32_t)s->trials[i].number);
    }
    if (!isnan(best) && s->n > 0)
        aglm_pencil_point(&h.best, (double)(s->n - 1), best, 0);
    const aglm_pencil *order[HISTORY_MARKS] = {&h.infeasible, &h.pruned, &h.group[0], &h.group[1],
                                               &h.group[2],   &h.failed, &h.best};
    for (size_t m = 0; m < HISTORY_MARKS; m++)
        marks[m] = aglm_pencil_mark(order[m]);
    return AGLM_OK;
}

aglm_rc aglm_figure_history(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                            aglm_error *err)
{
    size_t n = s->n_directions < PANELS_MAX ? s->n_directions : PANELS_MAX;
    aglm_panel *panels;
    aglm_mark *marks;
    size_t infinite;

    (void)err;
    if (s->n == 0) {
        out->empty = "The study has no trial yet.";
        return AGLM_OK;
    }
    aglm_plot_complete(s, 0, &infinite);
    out->note = infinite_note(infinite, a);
    aglm_rc rc = aglm_figure_room(out, n, HISTORY_MARKS, &panels, &marks, a);
    for (size_t k = 0; rc == AGLM_OK && k < n; k++)
        rc = history_panel(s, k, &panels[k], marks + k * HISTORY_MARKS, a);
    return rc;
}

/* ---- distribution of the values ---- */

static aglm_rc edf_panel(const aglm_plot_study *s, size_t k, aglm_panel *panel, aglm_mark *mark,
                         aglm_arena *a)
{
    double *v = aglm_arena_array(a, s->n, sizeof *v);
    aglm_pencil line;
    size_t n = 0;

    if (!v || aglm_pencil_init(&line, AGLM_MARK_LINE, AGLM_INK_COMPLETE, NULL, 2 * EDF_POINTS + 2,
                               a) != AGLM_OK)
        return AGLM_NOMEM;
    for (size_t i = 0; i < s->n; i++)
        if (s->trials[i].state == AGLM_TRIAL_COMPLETE &&
            isfinite(aglm_plot_value(&s->trials[i], k)))
            v[n++] = aglm_plot_value(&s->trials[i], k);
    aglm_sort_doubles(v, n);
    panel->x = (aglm_axis){aglm_plot_value_title(s, k, a), aglm_scale_of(v, n)};
    panel->y = (aglm_axis){"share of trials at or below", aglm_scale_over(0, 1, false)};
    double stride = fmax(1, (double)n / EDF_POINTS);
    double share = 0;
    for (double at = 0; at < (double)n && line.n < 2 * EDF_POINTS; at += stride) {
        size_t i = (size_t)at;
        aglm_pencil_point(&line, v[i], share, 0);
        share = ((double)i + 1) / (double)n;
        aglm_pencil_point(&line, v[i], share, 0);
    }
    aglm_pencil_point(&line, n > 0 ? v[n - 1] : NAN, 1, 0);
    *mark = aglm_pencil_mark(&line);
    return AGLM_OK;
}

aglm_rc aglm_figure_edf(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out, aglm_error *err)
{
    size_t n = s->n_directions < PANELS_MAX ? s->n_directions : PANELS_MAX;
    aglm_panel *panels;
    aglm_mark *marks;
    size_t infinite;

    (void)err;
    if (aglm_plot_complete(s, 0, &infinite) == 0) {
        out->empty = "The study has no complete trial with a finite value yet.";
        return AGLM_OK;
    }
    out->note = infinite_note(infinite, a);
    aglm_rc rc = aglm_figure_room(out, n, 1, &panels, &marks, a);
    for (size_t k = 0; rc == AGLM_OK && k < n; k++)
        rc = edf_panel(s, k, &panels[k], &marks[k], a);
    return rc;
}

/* ---- Pareto front ---- */

struct front {
    const aglm_plot_study *s;
    bool *member; /* [n] */
    size_t n;
};

static aglm_rc front_panel(const struct front *f, const size_t pair[2], aglm_panel *panel,
                           aglm_mark *marks, aglm_arena *a)
{
    const aglm_plot_study *s = f->s;
    aglm_pencil mark[3];
    aglm_rc rc = aglm_pencil_init(&mark[0], AGLM_MARK_DOTS, AGLM_INK_MUTED, "infeasible", s->n, a);

    if (rc == AGLM_OK)
        rc = aglm_pencil_init(&mark[1], AGLM_MARK_DOTS, AGLM_INK_COMPLETE, "dominated", s->n, a);
    if (rc == AGLM_OK)
        rc = aglm_pencil_init(&mark[2], AGLM_MARK_DOTS, AGLM_INK_BEST, "Pareto front", s->n, a);
    if (rc == AGLM_OK)
        rc = value_scale(s, pair[0], &panel->x.scale, a);
    if (rc == AGLM_OK)
        rc = value_scale(s, pair[1], &panel->y.scale, a);
    if (rc != AGLM_OK)
        return rc;
    panel->x.title = aglm_plot_value_title(s, pair[0], a);
    panel->y.title = aglm_plot_value_title(s, pair[1], a);
    for (size_t i = 0; i < s->n; i++) {
        const aglm_trial *t = &s->trials[i];
        size_t m = !aglm_plot_feasible(t) ? 0 : f->member[i] ? 2 : 1;
        if (t->state == AGLM_TRIAL_COMPLETE && t->n_values == s->n_directions)
            aglm_pencil_point(&mark[m], t->values[pair[0]], t->values[pair[1]],
                              (uint32_t)t->number);
    }
    for (size_t m = 0; m < 3; m++)
        marks[m] = aglm_pencil_mark(&mark[m]);
    return AGLM_OK;
}

static aglm_rc mark_front(struct front *f, aglm_arena *a, aglm_error *err)
{
    const aglm_plot_study *s = f->s;
    const aglm_trial **list = aglm_arena_array(a, s->n, sizeof *list);
    double signs[AGLM_STORE_MAX_OBJECTIVES];

    f->member = aglm_arena_array(a, s->n, sizeof *f->member);
    if (!list || !f->member)
        return AGLM_NOMEM;
    for (size_t k = 0; k < s->n_directions; k++)
        signs[k] = aglm_plot_sign(s, k);
    for (size_t i = 0; i < s->n; i++)
        list[i] = &s->trials[i];
    aglm_rc rc = aglm_front_find(list, s->n, signs, s->n_directions, f->member, err);
    for (size_t i = 0; rc == AGLM_OK && i < s->n; i++)
        f->n += f->member[i];
    return rc;
}

aglm_rc aglm_figure_front(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                          aglm_error *err)
{
    size_t n = s->n_directions * (s->n_directions - 1) / 2;
    struct front f = {.s = s};
    aglm_panel *panels;
    aglm_mark *marks;

    if (s->n_directions < 2) {
        out->empty = "A front takes two objectives or more; this study has one.";
        return AGLM_OK;
    }
    aglm_rc rc = mark_front(&f, a, err);
    if (rc == AGLM_OK && f.n == 0)
        out->empty = "The study has no complete and feasible trial yet.";
    if (rc != AGLM_OK || f.n == 0)
        return rc;
    n = n < PANELS_MAX ? n : PANELS_MAX;
    out->note = aglm_arena_printf(a, "%zu trial%s on the front.", f.n, f.n > 1 ? "s" : "");
    rc = aglm_figure_room(out, n, 3, &panels, &marks, a);
    size_t at = 0;
    for (size_t i = 0; rc == AGLM_OK && i < s->n_directions; i++) {
        for (size_t j = i + 1; rc == AGLM_OK && j < s->n_directions && at < n; j++, at++) {
            const size_t pair[2] = {i, j};
            rc = front_panel(&f, pair, &panels[at], marks + 3 * at, a);
        }
    }
    return rc;
}

/* ---- intermediate values ---- */

enum { CURVE_KINDS = 4 };

static size_t curve_kind(const aglm_trial *t, const aglm_trial *best)
{
    if (t == best)
        return 3;
    return t->state == AGLM_TRIAL_COMPLETE ? 1 : t->state == AGLM_TRIAL_PRUNED ? 0 : 2;
}

static const aglm_trial *best_trial(const aglm_plot_study *s)
{
    const aglm_trial *best = NULL;

    for (size_t i = 0; i < s->n; i++)
        if (s->trials[i].state == AGLM_TRIAL_COMPLETE &&
            (!best || aglm_trial_better(&s->trials[i], best)))
            best = &s->trials[i];
    return best;
}

static void add_curve(aglm_pencil *p, const aglm_trial *t)
{
    for (size_t i = 0; i < t->n_steps; i++)
        aglm_pencil_point(p, (double)t->steps[i].step, t->steps[i].value, (uint32_t)t->number);
    aglm_pencil_point(p, NAN, NAN, 0);
}

struct curves {
    size_t n, points, longest;
};

static struct curves count_curves(const aglm_plot_study *s)
{
    struct curves c = {0};

    for (size_t i = 0; i < s->n; i++) {
        c.n += s->trials[i].n_steps > 0;
        c.points += s->trials[i].n_steps > 0 ? s->trials[i].n_steps + 1 : 0;
    }
    return c;
}

static aglm_rc draw_curves(const aglm_plot_study *s, const struct curves *c, aglm_panel *panel,
                           aglm_mark *marks, aglm_arena *a)
{
    static const aglm_ink INKS[CURVE_KINDS] = {AGLM_INK_PRUNED, AGLM_INK_COMPLETE, AGLM_INK_RUNNING,
                                               AGLM_INK_BEST};
    static const char *const LABELS[CURVE_KINDS] = {"pruned", "complete", "running or failed",
                                                    "best"};
    const aglm_trial *best = best_trial(s);
    double stride = fmax(1, (double)c->n / CURVES_MAX);
    double next = 0;
    aglm_pencil p[CURVE_KINDS];
    size_t seen = 0;

    for (size_t k = 0; k < CURVE_KINDS; k++)
        if (aglm_pencil_init(&p[k], AGLM_MARK_LINE, INKS[k], LABELS[k], c->points, a) != AGLM_OK)
            return AGLM_NOMEM;
    double *all = aglm_arena_array(a, c->points, sizeof *all);
    size_t n = 0;
    for (size_t i = 0; all && i < s->n; i++) {
        const aglm_trial *t = &s->trials[i];
        bool drawn = t->n_steps > 0 && (t == best || (double)seen >= next);
        seen += t->n_steps > 0;
        if (!drawn)
            continue;
        next = t == best ? next : next + stride;
        add_curve(&p[curve_kind(t, best)], t);
        for (size_t k = 0; k < t->n_steps; k++)
            all[n++] = t->steps[k].value;
    }
    if (!all)
        return AGLM_NOMEM;
    panel->y.scale = aglm_scale_of(all, n);
    for (size_t k = 0; k < CURVE_KINDS; k++)
        marks[k] = aglm_pencil_mark(&p[k]);
    return AGLM_OK;
}

static aglm_scale step_scale(const aglm_plot_study *s)
{
    double low = INFINITY;
    double high = -INFINITY;

    for (size_t i = 0; i < s->n; i++) {
        const aglm_trial *t = &s->trials[i];
        if (t->n_steps == 0)
            continue;
        low = fmin(low, (double)t->steps[0].step);
        high = fmax(high, (double)t->steps[t->n_steps - 1].step);
    }
    aglm_scale scale = aglm_scale_over(low, high, false);
    scale.whole = true;
    return scale;
}

aglm_rc aglm_figure_intermediate(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                                 aglm_error *err)
{
    struct curves c = count_curves(s);
    aglm_panel *panel;
    aglm_mark *marks;

    (void)err;
    if (c.n == 0) {
        out->empty = "No trial has reported a value before its end.";
        return AGLM_OK;
    }
    if (c.n > CURVES_MAX)
        out->note = aglm_arena_printf(a, "%d of %zu trials, evenly by number, and the best.",
                                      CURVES_MAX, c.n);
    aglm_rc rc = aglm_figure_room(out, 1, CURVE_KINDS, &panel, &marks, a);
    if (rc != AGLM_OK)
        return rc;
    panel->x = (aglm_axis){"step", step_scale(s)};
    panel->y.title = aglm_plot_value_title(s, 0, a);
    return draw_curves(s, &c, panel, marks, a);
}

/* ---- timeline ---- */

enum { STATES = 4 };

struct clock {
    double first, last; /* Unix seconds */
    double unit;
    const char *title;
};

static struct clock read_clock(const aglm_plot_study *s)
{
    static const struct {
        double unit;
        const char *title;
    } UNITS[] = {{86400, "days since the first start"},
                 {3600, "hours since the first start"},
                 {60, "minutes since the first start"},
                 {1, "seconds since the first start"}};
    struct clock c = {INFINITY, -INFINITY, 1, UNITS[3].title};

    for (size_t i = 0; i < s->n; i++) {
        const aglm_trial *t = &s->trials[i];
        if (!isfinite(t->started_s))
            continue;
        c.first = fmin(c.first, t->started_s);
        c.last = fmax(c.last, t->started_s + (isfinite(t->duration_s) ? t->duration_s : 0));
    }
    for (size_t i = 0; i < 4; i++) {
        if (!(c.last - c.first >= 3 * UNITS[i].unit) && i < 3)
            continue;
        c.unit = UNITS[i].unit;
        c.title = UNITS[i].title;
        break;
    }
    return c;
}

static size_t timeline_kind(aglm_trial_state state)
{
    switch (state) {
    case AGLM_TRIAL_COMPLETE:
        return 0;
    case AGLM_TRIAL_PRUNED:
        return 1;
    case AGLM_TRIAL_FAIL:
        return 2;
    default:
        return 3;
    }
}

aglm_rc aglm_figure_timeline(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                             aglm_error *err)
{
    static const aglm_ink INKS[STATES] = {AGLM_INK_COMPLETE, AGLM_INK_PRUNED, AGLM_INK_FAIL,
                                          AGLM_INK_RUNNING};
    static const char *const LABELS[STATES] = {"complete", "pruned", "failed", "running"};
    struct clock c = read_clock(s);
    aglm_pencil p[STATES];
    aglm_panel *panel;
    aglm_mark *marks;

    (void)err;
    if (!isfinite(c.first)) {
        out->empty = "No trial has started yet.";
        return AGLM_OK;
    }
    aglm_rc rc = aglm_figure_room(out, 1, STATES, &panel, &marks, a);
    for (size_t k = 0; rc == AGLM_OK && k < STATES; k++)
        rc = aglm_pencil_init(&p[k], AGLM_MARK_BOXES, INKS[k], LABELS[k], s->n, a);
    if (rc != AGLM_OK)
        return rc;
    for (size_t i = 0; i < s->n; i++) {
        const aglm_trial *t = &s->trials[i];
        double start = (t->started_s - c.first) / c.unit;
        double end = isfinite(t->duration_s) ? start + t->duration_s / c.unit
                                             : (c.last - c.first) / c.unit;
        double box[4] = {start, (double)t->number - 0.4, end, (double)t->number + 0.4};
        if (isfinite(start))
            aglm_pencil_box(&p[timeline_kind(t->state)], box, (uint32_t)t->number);
    }
    panel->x = (aglm_axis){c.title, aglm_scale_over(0, (c.last - c.first) / c.unit, false)};
    panel->y = number_axis(s->n);
    panel->y.scale.low -= 0.5;
    panel->y.scale.high += 0.5;
    for (size_t k = 0; k < STATES; k++)
        marks[k] = aglm_pencil_mark(&p[k]);
    return AGLM_OK;
}
