#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot/kind_priv.h"

#define BARS_MAX 30
#define SLICES_MAX 8
#define PAIRED_MAX 3 /* parameters whose pairs are drawn */
#define SPINES_MAX 8
#define PATHS_MAX 300
#define GRID_X 48
#define GRID_Y 32
#define NEAR 0.1 /* kernel weight below which a place counts as unvisited */

/* What all these figures begin with: the parameters in order of importance. */
struct params {
    const aglm_plot_study *s;
    aglm_arena *a;
    size_t *order;
    double *share;
    size_t n;
    double *rank; /* of each trial's value, 1 the best, NaN where it has none */
    size_t ranked, infinite;
};

/* AGLM_DONE: out->empty says why there is nothing to draw. */
static aglm_rc params_init(struct params *p, const aglm_plot_study *s, size_t least, aglm_arena *a,
                           aglm_figure *out, aglm_error *err)
{
    *p = (struct params){.s = s, .a = a};
    p->ranked = aglm_plot_complete(s, 0, &p->infinite);
    if (p->ranked == 0) {
        out->empty = "The study has no complete trial with a finite value yet.";
        return AGLM_DONE;
    }
    aglm_rc rc = aglm_plot_order(s, &p->order, &p->share, &p->n, a, err);
    if (rc == AGLM_OK)
        rc = aglm_plot_ranks(s, &p->rank, a, err);
    /* too few trials to tell importance: in the space's own order */
    for (size_t i = 0; rc == AGLM_OK && p->ranked < 2 && i < s->space->n; i++)
        if (aglm_dist_count(&s->space->params[i].dist) != 1)
            p->order[p->n++] = i;
    if (rc != AGLM_OK || p->n >= least)
        return rc;
    out->empty = least > 1 ? "The study has no two parameters that vary."
                           : "The study has no parameter that varies.";
    return AGLM_DONE;
}

static aglm_rc ended(aglm_rc rc)
{
    return rc == AGLM_DONE ? AGLM_OK : rc;
}

/* "The 8 most important of 20 parameters; colours ..." */
static const char *chosen_note(const struct params *p, size_t shown, const char *colours)
{
    if (shown >= p->n)
        return colours;
    return aglm_arena_printf(p->a, "The %zu most important of %zu parameters. %s", shown, p->n,
                             colours);
}

static bool is_drawn(const struct params *p, size_t i)
{
    return !isnan(p->rank[i]);
}

static const aglm_trial *best_trial(const struct params *p)
{
    const aglm_trial *best = NULL;

    for (size_t i = 0; i < p->s->n; i++)
        if (is_drawn(p, i) && (!best || aglm_trial_better(&p->s->trials[i], best)))
            best = &p->s->trials[i];
    return best;
}

/* ---- importance ---- */

static aglm_rc bar_names(const struct params *p, size_t n, aglm_scale *out)
{
    const char **names = aglm_arena_array(p->a, n, sizeof *names);

    for (size_t i = 0; names && i < n; i++) {
        const char *name = p->s->space->params[p->order[i]].name;
        names[n - 1 - i] = aglm_arena_printf(p->a, "%.60s %.3f", name, p->share[i]);
        if (!names[n - 1 - i])
            return AGLM_NOMEM;
    }
    *out = aglm_scale_named(names, n);
    return names ? AGLM_OK : AGLM_NOMEM;
}

aglm_rc aglm_figure_importance(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                               aglm_error *err)
{
    struct params p;
    aglm_panel *panel;
    aglm_mark *mark;
    aglm_pencil bars;
    aglm_rc rc = params_init(&p, s, 1, a, out, err);

    if (rc == AGLM_OK && p.ranked < 2) {
        out->empty = "Importance takes two complete trials with finite values.";
        rc = AGLM_DONE;
    }
    if (rc != AGLM_OK)
        return ended(rc);
    size_t n = p.n < BARS_MAX ? p.n : BARS_MAX;
    rc = aglm_figure_room(out, 1, 1, &panel, &mark, a);
    if (rc == AGLM_OK)
        rc = aglm_pencil_init(&bars, AGLM_MARK_BOXES, AGLM_INK_COMPLETE, NULL, n, a);
    if (rc == AGLM_OK)
        rc = bar_names(&p, n, &panel->y.scale);
    if (rc != AGLM_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        double y = (double)(n - 1 - i);
        double box[4] = {0, y - 0.3, p.share[i], y + 0.3};
        aglm_pencil_box(&bars, box, 0);
    }
    bars.of_trials = false;
    panel->x = (aglm_axis){"share of importance (PED-ANOVA)",
                           aglm_scale_over(0, fmax(p.share[0], 1e-9), false)};
    *mark = aglm_pencil_mark(&bars);
    out->note = chosen_note(&p, n, "How differently the best tenth of the trials sets each.");
    return AGLM_OK;
}

/* ---- slices ---- */

static aglm_rc slice_panel(const struct params *p, size_t param, aglm_panel *panel,
                           aglm_mark *marks)
{
    const aglm_plot_study *s = p->s;
    const aglm_trial *best = best_trial(p);
    double last = s->n > 1 ? (double)(s->n - 1) : 1;
    double *v = aglm_arena_array(p->a, s->n, sizeof *v);
    aglm_pencil dots;
    aglm_pencil top;
    aglm_rc rc = aglm_pencil_init(&dots, AGLM_MARK_DOTS, AGLM_INK_COMPLETE, NULL, s->n, p->a);

    if (rc == AGLM_OK)
        rc = aglm_pencil_init(&top, AGLM_MARK_RINGS, AGLM_INK_BEST, "best", 1, p->a);
    if (rc == AGLM_OK)
        rc = aglm_plot_wide_axis(s, param, &panel->x, p->a);
    if (rc != AGLM_OK || !v)
        return AGLM_NOMEM;
    for (size_t i = 0; i < s->n; i++) {
        const aglm_trial *t = &s->trials[i];
        v[i] = is_drawn(p, i) ? t->values[0] : NAN;
        if (is_drawn(p, i) && !isnan(t->x[param]))
            aglm_pencil_shaded(&dots, t->x[param], v[i], (double)t->number / last,
                               (uint32_t)t->number);
    }
    if (best && !isnan(best->x[param]))
        aglm_pencil_point(&top, best->x[param], best->values[0], (uint32_t)best->number);
    panel->y = (aglm_axis){aglm_plot_value_title(s, 0, p->a), aglm_scale_of(v, s->n)};
    marks[0] = aglm_pencil_mark(&dots);
    marks[1] = aglm_pencil_mark(&top);
    return AGLM_OK;
}

aglm_rc aglm_figure_slice(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                          aglm_error *err)
{
    struct params p;
    aglm_panel *panels;
    aglm_mark *marks;
    aglm_rc rc = params_init(&p, s, 1, a, out, err);

    if (rc != AGLM_OK)
        return ended(rc);
    size_t n = p.n < SLICES_MAX ? p.n : SLICES_MAX;
    out->note = chosen_note(&p, n, "Stronger colours are later trials.");
    out->ramp_low = "first";
    out->ramp_high = "last trial";
    rc = aglm_figure_room(out, n, 2, &panels, &marks, a);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        rc = slice_panel(&p, p.order[i], &panels[i], marks + 2 * i);
    return rc;
}

/* ---- pairs of parameters ---- */

struct pair {
    const struct params *p;
    size_t x, y; /* parameters */
    aglm_panel *panel;
    aglm_mark *marks;
};

typedef aglm_rc (*pair_maker)(const struct pair *pair);

static aglm_rc draw_pairs(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                          pair_maker make, const char *colours, aglm_error *err)
{
    struct params p;
    aglm_panel *panels;
    aglm_mark *marks;
    aglm_rc rc = params_init(&p, s, 2, a, out, err);

    if (rc != AGLM_OK)
        return ended(rc);
    size_t n = p.n < PAIRED_MAX ? p.n : PAIRED_MAX;
    out->note = chosen_note(&p, n, colours);
    out->ramp_low = "worst";
    out->ramp_high = "best";
    rc = aglm_figure_room(out, n * (n - 1) / 2, 2, &panels, &marks, a);
    size_t at = 0;
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        for (size_t j = i + 1; rc == AGLM_OK && j < n; j++, at++) {
            struct pair pair = {&p, p.order[i], p.order[j], &panels[at], marks + 2 * at};
            rc = aglm_plot_wide_axis(s, pair.x, &panels[at].x, a);
            if (rc == AGLM_OK)
                rc = aglm_plot_wide_axis(s, pair.y, &panels[at].y, a);
            if (rc == AGLM_OK)
                rc = make(&pair);
        }
    }
    return rc;
}

static aglm_rc mark_best(const struct pair *pair)
{
    const aglm_trial *best = best_trial(pair->p);
    aglm_pencil top;

    if (aglm_pencil_init(&top, AGLM_MARK_RINGS, AGLM_INK_BEST, "best trial", 1, pair->p->a) !=
        AGLM_OK)
        return AGLM_NOMEM;
    if (best)
        aglm_pencil_point(&top, best->x[pair->x], best->x[pair->y], (uint32_t)best->number);
    pair->marks[1] = aglm_pencil_mark(&top);
    return AGLM_OK;
}

static aglm_rc rank_pair(const struct pair *pair)
{
    const struct params *p = pair->p;
    aglm_pencil dots;

    if (aglm_pencil_init(&dots, AGLM_MARK_DOTS, AGLM_INK_COMPLETE, NULL, p->s->n, p->a) != AGLM_OK)
        return AGLM_NOMEM;
    for (size_t i = 0; i < p->s->n; i++) {
        const aglm_trial *t = &p->s->trials[i];
        if (is_drawn(p, i))
            aglm_pencil_shaded(&dots, t->x[pair->x], t->x[pair->y], p->rank[i],
                               (uint32_t)t->number);
    }
    pair->marks[0] = aglm_pencil_mark(&dots);
    return mark_best(pair);
}

aglm_rc aglm_figure_rank(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out, aglm_error *err)
{
    return draw_pairs(s, a, out, rank_pair, "Colours are ranks of the value.", err);
}

/* ---- contours: ranks smoothed over a grid (Nadaraya 1964, Watson 1964), the trials counted by
 * cell first, so that the cost does not grow with them ---- */

struct grid {
    size_t nx, ny;
    double weight[GRID_Y][GRID_X];
    double sum[GRID_Y][GRID_X];
};

static size_t grid_cells(const aglm_scale *s, size_t most)
{
    return s->kind == AGLM_SCALE_NAMES && s->n_names < most ? s->n_names : most;
}

static void fill_grid(const struct pair *pair, struct grid *g)
{
    const struct params *p = pair->p;

    for (size_t i = 0; i < p->s->n; i++) {
        double x = aglm_scale_unit(&pair->panel->x.scale, p->s->trials[i].x[pair->x]);
        double y = aglm_scale_unit(&pair->panel->y.scale, p->s->trials[i].x[pair->y]);
        if (!is_drawn(p, i) || !(x >= 0 && x < 1 && y >= 0 && y < 1))
            continue;
        size_t cx = (size_t)(x * (double)g->nx);
        size_t cy = (size_t)(y * (double)g->ny);
        g->weight[cy][cx] += 1;
        g->sum[cy][cx] += p->rank[i];
    }
}

/* Scott's rule for two dimensions over the unit interval's deviation, at least one cell; choices
 * are not smoothed. */
static double bandwidth(const aglm_scale *s, double n, size_t cells)
{
    if (s->kind == AGLM_SCALE_NAMES)
        return 0;
    return fmax(0.25 * pow(fmax(n, 1), -1.0 / 6) * (double)cells, 1);
}

/* One row or column of the grid, stride apart, under a Gaussian kernel. */
static void smooth(double *v, size_t n, size_t stride, double width)
{
    double from[GRID_X];

    if (width <= 0)
        return;
    for (size_t i = 0; i < n; i++)
        from[i] = v[i * stride];
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < n; k++) {
            double z = ((double)i - (double)k) / width;
            sum += z * z < 16 ? from[k] * exp(-0.5 * z * z) : 0;
        }
        v[i * stride] = sum;
    }
}

static void smooth_grid(struct grid *g, double width_x, double width_y)
{
    for (size_t y = 0; y < g->ny; y++) {
        smooth(g->weight[y], g->nx, 1, width_x);
        smooth(g->sum[y], g->nx, 1, width_x);
    }
    for (size_t x = 0; x < g->nx; x++) {
        smooth(&g->weight[0][x], g->ny, GRID_X, width_y);
        smooth(&g->sum[0][x], g->ny, GRID_X, width_y);
    }
}

/* Unit interval to the scale's values. */
static double unit_value(const aglm_scale *s, double u)
{
    if (s->kind == AGLM_SCALE_LOG)
        return exp(log(s->low) + u * (log(s->high) - log(s->low)));
    return s->low + u * (s->high - s->low);
}

static int grid_level(const struct grid *g, size_t x, size_t y)
{
    if (x >= g->nx || g->weight[y][x] < NEAR)
        return -1;
    int level = (int)(g->sum[y][x] / g->weight[y][x] * AGLM_RAMP_LEVELS);
    return level < AGLM_RAMP_LEVELS ? level : AGLM_RAMP_LEVELS - 1;
}

/* Cells of one level side by side become one box. */
static void draw_grid(const struct grid *g, const aglm_panel *panel, aglm_pencil *boxes)
{
    for (size_t y = 0; y < g->ny; y++) {
        for (size_t x = 0, end; x < g->nx; x = end) {
            int level = grid_level(g, x, y);
            for (end = x + 1; end < g->nx && grid_level(g, end, y) == level;)
                end++;
            double box[4] = {unit_value(&panel->x.scale, (double)x / (double)g->nx),
                             unit_value(&panel->y.scale, (double)y / (double)g->ny),
                             unit_value(&panel->x.scale, (double)end / (double)g->nx),
                             unit_value(&panel->y.scale, (double)(y + 1) / (double)g->ny)};
            if (level < 0)
                continue;
            boxes->shade[boxes->n] = (level + 0.5) / AGLM_RAMP_LEVELS;
            aglm_pencil_box(boxes, box, 0);
        }
    }
    boxes->shaded = true;
    boxes->of_trials = false;
}

static aglm_rc contour_pair(const struct pair *pair)
{
    const struct params *p = pair->p;
    struct grid *g = aglm_arena_alloc(p->a, sizeof *g);
    aglm_pencil boxes;

    if (!g || aglm_pencil_init(&boxes, AGLM_MARK_BOXES, AGLM_INK_COMPLETE, NULL, GRID_X * GRID_Y,
                               p->a) != AGLM_OK)
        return AGLM_NOMEM;
    g->nx = grid_cells(&pair->panel->x.scale, GRID_X);
    g->ny = grid_cells(&pair->panel->y.scale, GRID_Y);
    fill_grid(pair, g);
    smooth_grid(g, bandwidth(&pair->panel->x.scale, (double)p->ranked, g->nx),
                bandwidth(&pair->panel->y.scale, (double)p->ranked, g->ny));
    draw_grid(g, pair->panel, &boxes);
    pair->marks[0] = aglm_pencil_mark(&boxes);
    return mark_best(pair);
}

aglm_rc aglm_figure_contour(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                            aglm_error *err)
{
    return draw_pairs(s, a, out, contour_pair,
                      "Colours are mean ranks of the value nearby; blank where no trial is near.",
                      err);
}

/* ---- parallel coordinates ---- */

static aglm_rc spine_axes(const struct params *p, size_t n, aglm_panel *panel, aglm_scale *spines)
{
    const char **names = aglm_arena_array(p->a, n + 1, sizeof *names);
    double low = INFINITY;
    double high = -INFINITY;

    if (!names)
        return AGLM_NOMEM;
    for (size_t k = 0; k < n; k++) {
        aglm_axis axis;
        if (aglm_plot_axis(p->s, p->order[k], &axis, p->a) != AGLM_OK)
            return AGLM_NOMEM;
        spines[k] = axis.scale;
        names[k] = axis.title;
    }
    for (size_t i = 0; i < p->s->n; i++) {
        low = is_drawn(p, i) ? fmin(low, p->s->trials[i].values[0]) : low;
        high = is_drawn(p, i) ? fmax(high, p->s->trials[i].values[0]) : high;
    }
    spines[n] = aglm_scale_over(low, high, low > 0 && high / low >= 1000);
    names[n] = aglm_plot_value_title(p->s, 0, p->a);
    panel->spines = spines;
    panel->x = (aglm_axis){NULL, aglm_scale_named(names, n + 1)};
    panel->y = (aglm_axis){NULL, aglm_scale_over(0, 1, false)};
    return AGLM_OK;
}

struct path {
    double rank;
    size_t at;
};

static int by_rank(const void *a, const void *b)
{
    const struct path *p = a;
    const struct path *q = b;

    if (p->rank != q->rank)
        return p->rank < q->rank ? -1 : 1;
    return (p->at > q->at) - (p->at < q->at);
}

static void add_path(const struct params *p, size_t n, const aglm_scale *spines, size_t at,
                     aglm_pencil *lines)
{
    const aglm_trial *t = &p->s->trials[at];

    for (size_t k = 0; k <= n; k++) {
        double v = k < n ? t->x[p->order[k]] : t->values[0];
        aglm_pencil_shaded(lines, (double)k, aglm_scale_unit(&spines[k], v), p->rank[at],
                           (uint32_t)t->number);
    }
    aglm_pencil_shaded(lines, NAN, NAN, p->rank[at], 0);
}

/* The best are drawn last, above the others. */
static aglm_rc draw_paths(const struct params *p, size_t n, const aglm_scale *spines,
                          aglm_pencil *lines)
{
    struct path *paths = aglm_arena_array(p->a, p->ranked, sizeof *paths);
    double stride = fmax(1, (double)p->ranked / PATHS_MAX);
    size_t found = 0;

    if (!paths)
        return AGLM_NOMEM;
    for (size_t i = 0; i < p->s->n && found < p->ranked; i++)
        if (is_drawn(p, i))
            paths[found++] = (struct path){p->rank[i], i};
    qsort(paths, found, sizeof *paths, by_rank);
    for (size_t k = 0; k < PATHS_MAX && (double)k * stride < (double)found; k++)
        add_path(p, n, spines, paths[(size_t)((double)k * stride)].at, lines);
    if (found > PATHS_MAX)
        add_path(p, n, spines, paths[found - 1].at, lines);
    return AGLM_OK;
}

aglm_rc aglm_figure_parallel(const aglm_plot_study *s, aglm_arena *a, aglm_figure *out,
                             aglm_error *err)
{
    struct params p;
    aglm_panel *panel;
    aglm_mark *mark;
    aglm_pencil lines;
    aglm_rc rc = params_init(&p, s, 1, a, out, err);

    if (rc != AGLM_OK)
        return ended(rc);
    size_t n = p.n < SPINES_MAX ? p.n : SPINES_MAX;
    aglm_scale *spines = aglm_arena_array(a, n + 1, sizeof *spines);
    rc = aglm_figure_room(out, 1, 1, &panel, &mark, a);
    if (rc == AGLM_OK)
        rc = aglm_pencil_init(&lines, AGLM_MARK_LINE, AGLM_INK_COMPLETE, NULL,
                              (PATHS_MAX + 1) * (n + 2), a);
    if (rc == AGLM_OK)
        rc = spines ? spine_axes(&p, n, panel, spines) : AGLM_NOMEM;
    if (rc == AGLM_OK)
        rc = draw_paths(&p, n, spines, &lines);
    if (rc != AGLM_OK)
        return rc;
    *mark = aglm_pencil_mark(&lines);
    out->ramp_low = "worst";
    out->ramp_high = "best";
    out->note = chosen_note(
        &p, n,
        p.ranked > PATHS_MAX ? "A selection of the trials, evenly by rank; the colour is the rank."
                             : "A line is a trial, its colour the rank of the value.");
    return AGLM_OK;
}
