#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "plot/canvas.h"

#define LINES_ALONE 17 /* lines of text that a panel is high */
#define LINES_BESIDE 12
#define LINES_FRAME 3 /* of them for the title above, ticks and title below */
#define COLUMNS_MAX 4
#define LABEL_COLUMNS 18
#define LEGEND_MAX 12

static double text_width(const aglm_canvas *c, const char *text)
{
    return (double)aglm_text_width(text, strlen(text)) * c->char_w;
}

/* Where a text stands, and how wide it may be. */
struct place {
    double x, y; /* y: the middle of the line */
    aglm_align align;
    double room;
};

/* What is too wide is cut, with two dots at its end. */
static void put_text(const aglm_canvas *c, aglm_ink ink, struct place at, const char *text)
{
    char cut[256];
    size_t columns = at.room > c->char_w ? (size_t)(at.room / c->char_w + 1e-6) : 1;

    if (!text || !*text)
        return;
    if (aglm_text_width(text, strlen(text)) > columns || strlen(text) > sizeof cut - 3) {
        size_t n = aglm_text_fit(text, strlen(text), columns - 1);
        n = n > sizeof cut - 3 ? aglm_text_fit(text, sizeof cut - 3, columns - 1) : n;
        memcpy(cut, text, n);
        memcpy(cut + n, "..", 3);
        if (columns < 3)
            cut[n + 1] = '\0';
        text = cut;
    }
    c->ops->text(c->self, ink, at.x, at.y, at.align, text);
}

static const char *tick_text(const aglm_tick *t)
{
    return t->name ? t->name : t->label;
}

/* ---- the grid of panels ---- */

static size_t grid_columns(const aglm_figure *f, const aglm_canvas *c)
{
    size_t fit = (size_t)fmax(1, c->width / c->panel_w);

    fit = fit < COLUMNS_MAX ? fit : COLUMNS_MAX;
    return f->n_panels < fit ? (f->n_panels ? f->n_panels : 1) : fit;
}

static double panel_lines(const aglm_figure *f)
{
    const aglm_scale *y = &f->panels[0].y.scale;

    if (f->n_panels > 1)
        return LINES_BESIDE;
    return y->kind == AGLM_SCALE_NAMES ? (double)y->n_names + LINES_FRAME : LINES_ALONE;
}

struct legend {
    const aglm_mark *marks[LEGEND_MAX];
    size_t n;
};

static void collect_legend(const aglm_figure *f, struct legend *l)
{
    l->n = 0;
    for (size_t p = 0; p < f->n_panels; p++) {
        for (size_t m = 0; m < f->panels[p].n_marks; m++) {
            const aglm_mark *mark = &f->panels[p].marks[m];
            bool known = !mark->label || mark->n == 0;
            for (size_t k = 0; !known && k < l->n; k++)
                known = strcmp(l->marks[k]->label, mark->label) == 0;
            if (!known && l->n < LEGEND_MAX)
                l->marks[l->n++] = mark;
        }
    }
}

static double legend_lines(const aglm_figure *f)
{
    struct legend l;

    collect_legend(f, &l);
    return l.n > 0 || f->ramp_low ? 1 : 0;
}

double aglm_figure_height(const aglm_figure *f, const aglm_canvas *c)
{
    if (f->n_panels == 0)
        return 0;
    size_t columns = grid_columns(f, c);
    size_t rows = (f->n_panels + columns - 1) / columns;
    return c->char_h * (legend_lines(f) + (double)rows * panel_lines(f));
}

/* ---- legend ---- */

static void put_sample(const aglm_canvas *c, const aglm_mark *mark, double x, double y)
{
    double xs[2] = {x, x + 2 * c->char_w};
    double ys[2] = {y, y};
    double lower[2] = {y + c->char_h / 4, 0};
    aglm_points p = {.ink = mark->ink, .x = xs, .y = ys, .x2 = xs + 1, .y2 = lower, .n = 1};
    double middle = x + c->char_w;

    if (mark->kind == AGLM_MARK_LINE)
        p.n = 2;
    else if (mark->kind == AGLM_MARK_BOXES)
        ys[0] = y - c->char_h / 4;
    else
        p.x = &middle;
    c->ops->mark(c->self, mark->kind, &p);
}

static double put_ramp(const aglm_figure *f, const aglm_canvas *c, double x, double y)
{
    double cell = 2 * c->char_w;
    double low = text_width(c, f->ramp_low);

    put_text(c, AGLM_INK_MUTED, (struct place){x, y, AGLM_ALIGN_LEFT, low}, f->ramp_low);
    x += low + c->char_w;
    for (int i = 0; i < AGLM_RAMP_LEVELS; i++, x += cell) {
        double x2 = x + cell;
        double top = y - c->char_h / 4;
        double bottom = y + c->char_h / 4;
        aglm_points p = {AGLM_INK_RAMP + i, &x, &top, &x2, &bottom, NULL, 1};
        c->ops->mark(c->self, AGLM_MARK_BOXES, &p);
    }
    put_text(c, AGLM_INK_MUTED,
             (struct place){x + c->char_w, y, AGLM_ALIGN_LEFT, text_width(c, f->ramp_high)},
             f->ramp_high);
    return x + text_width(c, f->ramp_high) + 3 * c->char_w;
}

static void put_legend(const aglm_figure *f, const aglm_canvas *c)
{
    struct legend l;
    double x = c->char_w;
    double y = c->char_h / 2;

    collect_legend(f, &l);
    if (f->ramp_low)
        x = put_ramp(f, c, x, y);
    for (size_t i = 0; i < l.n; i++) {
        double width = text_width(c, l.marks[i]->label);
        if (x + width + 4 * c->char_w > c->width)
            break;
        put_sample(c, l.marks[i], x, y);
        put_text(c, AGLM_INK_MUTED, (struct place){x + 3 * c->char_w, y, AGLM_ALIGN_LEFT, width},
                 l.marks[i]->label);
        x += width + 6 * c->char_w;
    }
}

/* ---- axes ---- */

struct pen {
    const aglm_canvas *c;
    const aglm_panel *panel;
    aglm_frame cell;  /* with all labels */
    aglm_frame frame; /* of the marks */
    aglm_tick ticks[AGLM_TICKS_MAX];
};

static double at_x(const struct pen *p, double v)
{
    return p->frame.left +
           aglm_scale_unit(&p->panel->x.scale, v) * (p->frame.right - p->frame.left);
}

static double at_y(const struct pen *p, double v)
{
    return p->frame.bottom -
           aglm_scale_unit(&p->panel->y.scale, v) * (p->frame.bottom - p->frame.top);
}

static void put_line(const struct pen *p, aglm_ink ink, double x, double y, double x2, double y2)
{
    double xs[2] = {x, x2};
    double ys[2] = {y, y2};
    aglm_points points = {.ink = ink, .x = xs, .y = ys, .n = 2};

    p->c->ops->mark(p->c->self, AGLM_MARK_LINE, &points);
}

static size_t y_ticks(struct pen *p)
{
    double lines = (p->frame.bottom - p->frame.top) / p->c->char_h;
    size_t most = (size_t)fmax(2, p->panel->y.scale.kind == AGLM_SCALE_NAMES ? lines + 0.5
                                                                             : lines / 1.6);

    return p->panel->spines ? 0 : aglm_scale_ticks(&p->panel->y.scale, most, p->ticks);
}

/* Sets the frame: the y labels say how much room they take. */
static void place_frame(struct pen *p)
{
    double h = p->c->char_h;
    double label = 0;

    p->frame.top = p->cell.top + h;
    p->frame.bottom = p->cell.bottom - 2 * h - 1; /* the axis itself is above its labels */
    size_t n = y_ticks(p);
    for (size_t i = 0; i < n; i++)
        label = fmax(label, text_width(p->c, tick_text(&p->ticks[i])));
    label = fmin(label, fmin(LABEL_COLUMNS * p->c->char_w, (p->cell.right - p->cell.left) / 3));
    p->frame.left = p->cell.left + label + 1.5 * p->c->char_w;
    p->frame.right = p->cell.right - (p->panel->spines ? 5 : 2) * p->c->char_w;
    if (p->panel->spines)
        p->frame.left = p->cell.left + 5 * p->c->char_w;
}

static void put_y_axis(struct pen *p)
{
    size_t n = y_ticks(p);
    double room = p->frame.left - p->cell.left - p->c->char_w / 2;

    put_text(p->c, AGLM_INK_MUTED,
             (struct place){p->cell.left + p->c->char_w / 2, p->cell.top + p->c->char_h / 2,
                            AGLM_ALIGN_LEFT, p->cell.right - p->cell.left},
             p->panel->y.title);
    for (size_t i = 0; i < n; i++) {
        double y = at_y(p, p->ticks[i].at);
        if (p->panel->y.scale.kind != AGLM_SCALE_NAMES)
            put_line(p, AGLM_INK_GRID, p->frame.left, y, p->frame.right, y);
        put_text(p->c, AGLM_INK_MUTED,
                 (struct place){p->frame.left - p->c->char_w / 2, y, AGLM_ALIGN_RIGHT, room},
                 tick_text(&p->ticks[i]));
    }
    if (!p->panel->spines)
        put_line(p, AGLM_INK_MUTED, p->frame.left, p->frame.top, p->frame.left, p->frame.bottom);
}

/* As many labels as stand side by side. */
static size_t x_ticks(struct pen *p, double *room)
{
    double width = p->frame.right - p->frame.left;
    size_t most = (size_t)fmax(2, width / (6 * p->c->char_w));
    size_t n = aglm_scale_ticks(&p->panel->x.scale, most, p->ticks);

    if (p->panel->x.scale.kind == AGLM_SCALE_NAMES) {
        *room = width / (double)(n ? n : 1) - p->c->char_w;
        return n;
    }
    *room = width;
    for (; most > 2; most--) {
        double widest = 0;
        n = aglm_scale_ticks(&p->panel->x.scale, most, p->ticks);
        for (size_t i = 0; i < n; i++)
            widest = fmax(widest, text_width(p->c, tick_text(&p->ticks[i])));
        if ((widest + 2 * p->c->char_w) * (double)n <= width)
            break;
    }
    return n;
}

static void put_x_axis(struct pen *p)
{
    double room;
    size_t n = x_ticks(p, &room);
    double h = p->c->char_h;

    for (size_t i = 0; i < n; i++) {
        double x = at_x(p, p->ticks[i].at);
        if (p->panel->x.scale.kind != AGLM_SCALE_NAMES)
            put_line(p, AGLM_INK_GRID, x, p->frame.top, x, p->frame.bottom);
        put_text(p->c, AGLM_INK_MUTED,
                 (struct place){x, p->frame.bottom + (p->panel->spines ? 1.5 : 0.5) * h,
                                AGLM_ALIGN_MIDDLE, room},
                 tick_text(&p->ticks[i]));
    }
    if (!p->panel->spines)
        put_line(p, AGLM_INK_MUTED, p->frame.left, p->frame.bottom, p->frame.right,
                 p->frame.bottom);
    put_text(p->c, AGLM_INK_TEXT,
             (struct place){(p->frame.left + p->frame.right) / 2, p->frame.bottom + 1.5 * h,
                            AGLM_ALIGN_MIDDLE, p->frame.right - p->frame.left},
             p->panel->x.title);
}

/* Numbers have their ends above and below a spine, names stand beside it. */
static void put_spine(struct pen *p, size_t i)
{
    const aglm_scale *s = &p->panel->spines[i];
    double x = at_x(p, (double)i);
    double room = (p->frame.right - p->frame.left) / (double)p->panel->x.scale.n_names -
                  p->c->char_w;
    char label[AGLM_TICK_BYTES];

    put_line(p, AGLM_INK_MUTED, x, p->frame.top, x, p->frame.bottom);
    if (s->kind != AGLM_SCALE_NAMES) {
        aglm_scale_label(label, s->high, 4);
        put_text(p->c, AGLM_INK_MUTED,
                 (struct place){x, p->frame.top - p->c->char_h / 2, AGLM_ALIGN_MIDDLE, room},
                 label);
        aglm_scale_label(label, s->low, 4);
        put_text(p->c, AGLM_INK_MUTED,
                 (struct place){x, p->frame.bottom + p->c->char_h / 2, AGLM_ALIGN_MIDDLE, room},
                 label);
        return;
    }
    size_t n = aglm_scale_ticks(s, 8, p->ticks);
    for (size_t k = 0; k < n; k++) {
        double y = p->frame.bottom -
                   aglm_scale_unit(s, p->ticks[k].at) * (p->frame.bottom - p->frame.top);
        put_text(p->c, AGLM_INK_MUTED,
                 (struct place){x + p->c->char_w / 2, y, AGLM_ALIGN_LEFT, room / 2},
                 tick_text(&p->ticks[k]));
    }
}

/* ---- marks ---- */

struct plotted {
    double *x, *y, *x2, *y2;
    uint32_t *trial;
    size_t n;
};

static bool inside(const aglm_frame *f, double x, double y)
{
    return x >= f->left - 0.5 && x <= f->right + 0.5 && y >= f->top - 0.5 && y <= f->bottom + 0.5;
}

static double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

static void add_box(const struct pen *p, const aglm_mark *m, size_t i, struct plotted *out)
{
    double left = clamp(at_x(p, m->x[i]), p->frame.left, p->frame.right);
    double right = clamp(at_x(p, m->x2[i]), p->frame.left, p->frame.right);
    double top = clamp(at_y(p, m->y[i]), p->frame.top, p->frame.bottom);
    double bottom = clamp(at_y(p, m->y2[i]), p->frame.top, p->frame.bottom);

    if (isnan(left) || isnan(right) || isnan(top) || isnan(bottom))
        return;
    out->x[out->n] = fmin(left, right);
    out->x2[out->n] = fmax(left, right);
    out->y[out->n] = fmin(top, bottom);
    out->y2[out->n] = fmax(top, bottom);
    out->trial[out->n++] = m->trial ? m->trial[i] : 0;
}

static void add_point(const struct pen *p, const aglm_mark *m, size_t i, struct plotted *out)
{
    double x = at_x(p, m->x[i]);
    double y = at_y(p, m->y[i]);

    if (m->kind == AGLM_MARK_BOXES) {
        add_box(p, m, i, out);
        return;
    }
    bool gap = !isfinite(x) || !isfinite(y);
    if (m->kind != AGLM_MARK_LINE && (gap || !inside(&p->frame, x, y)))
        return;
    out->x[out->n] = gap ? NAN : clamp(x, p->frame.left, p->frame.right);
    out->y[out->n] = gap ? NAN : clamp(y, p->frame.top, p->frame.bottom);
    out->trial[out->n++] = m->trial ? m->trial[i] : 0;
}

static int level_of(double shade)
{
    double level = floor(shade * AGLM_RAMP_LEVELS);

    return isnan(shade) ? 0 : (int)clamp(level, 0, AGLM_RAMP_LEVELS - 1);
}

/* The points of one level, or all of them when level is below 0. */
static void plot_level(const struct pen *p, const aglm_mark *m, int level, struct plotted *out)
{
    bool starts = true;
    int piece = 0;

    out->n = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (starts || m->kind != AGLM_MARK_LINE)
            piece = m->shade ? level_of(m->shade[i]) : 0;
        starts = isnan(m->y[i]);
        if (level < 0 || piece == level)
            add_point(p, m, i, out);
    }
    aglm_points points = {level < 0 ? m->ink : (aglm_ink)(AGLM_INK_RAMP + level),
                          out->x,
                          out->y,
                          out->x2,
                          out->y2,
                          m->trial ? out->trial : NULL,
                          out->n};
    if (out->n > 0)
        p->c->ops->mark(p->c->self, m->kind, &points);
}

static aglm_rc plot_mark(const struct pen *p, const aglm_mark *m, aglm_arena *a, aglm_error *err)
{
    struct plotted out = {0};
    bool ok = (out.x = aglm_arena_array(a, m->n, sizeof *out.x)) &&
              (out.y = aglm_arena_array(a, m->n, sizeof *out.y)) &&
              (out.x2 = aglm_arena_array(a, m->n, sizeof *out.x2)) &&
              (out.y2 = aglm_arena_array(a, m->n, sizeof *out.y2)) &&
              (out.trial = aglm_arena_array(a, m->n, sizeof *out.trial));

    if (!ok)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory to draw %zu points", m->n);
    if (!m->shade)
        plot_level(p, m, -1, &out);
    for (int level = 0; m->shade && level < AGLM_RAMP_LEVELS; level++)
        plot_level(p, m, level, &out);
    return AGLM_OK;
}

static aglm_rc draw_panel(const aglm_panel *panel, const aglm_canvas *c, const aglm_frame *cell,
                          aglm_arena *a, aglm_error *err)
{
    struct pen p = {.c = c, .panel = panel, .cell = *cell};
    aglm_rc rc = AGLM_OK;

    place_frame(&p);
    c->ops->frame(c->self, NULL);
    put_x_axis(&p);
    put_y_axis(&p);
    c->ops->frame(c->self, &p.frame);
    for (size_t i = 0; rc == AGLM_OK && i < panel->n_marks; i++)
        rc = plot_mark(&p, &panel->marks[i], a, err);
    c->ops->frame(c->self, NULL);
    for (size_t i = 0; panel->spines && i < panel->x.scale.n_names; i++)
        put_spine(&p, i);
    return rc;
}

aglm_rc aglm_figure_draw(const aglm_figure *f, const aglm_canvas *c, aglm_arena *a, aglm_error *err)
{
    size_t columns = grid_columns(f, c);
    double top = legend_lines(f) * c->char_h;
    double width = c->width / (double)columns;
    aglm_rc rc = AGLM_OK;

    put_legend(f, c);
    for (size_t i = 0; rc == AGLM_OK && i < f->n_panels; i++) {
        size_t row = i / columns;
        double x = (double)(i % columns) * width;
        double height = panel_lines(f) * c->char_h;
        double y = top + (double)row * height;
        aglm_frame cell = {x, y, x + width, y + height};
        rc = draw_panel(&f->panels[i], c, &cell, a, err);
    }
    return rc;
}
