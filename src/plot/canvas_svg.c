#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot/canvas.h"
#include "plot/page.h"

#define UNITS 2.0 /* a pixel: coordinates are whole numbers of halves, which keeps files small */
#define CHAR_W (6.6 * UNITS)
#define CHAR_H (16 * UNITS)
#define MANY 2000 /* more points are drawn smaller */
#define PANEL_W (270 * UNITS)

/* A light and a dark set; the states differ in shape, too. Okabe and Ito's hues (2008), which
 * people tell apart who do not see red from green. */
const char aglm_svg_style[] =
    ".plot{width:100%;height:auto;display:block;--t:#1c2733;--m:#5b6875;--g:#e4e8ec;--s:#fff;"
    "--c:#2b6cb0;--b:#00795a;--p:#b8720a;--f:#c0392b;--r:#8a4fa3;--c2:#c2571a;--c3:#0f8a8a;"
    "--k0:#d3e0f0;--k1:#b5cde8;--k2:#93b8df;--k3:#6f9fd2;--k4:#4d86c3;--k5:#336cae;--k6:#215391;"
    "--k7:#123a6e}"
    "@media(prefers-color-scheme:dark){.plot{--t:#dde4ea;--m:#95a3b1;--g:#252e37;--s:#12171d;"
    "--c:#6fb1f0;--b:#3fd19b;--p:#f0ac3e;--f:#ff7b6b;--r:#cf9be6;--c2:#f29058;--c3:#4fd0d0;"
    "--k0:#1e3350;--k1:#254369;--k2:#2d5686;--k3:#376ba5;--k4:#4a84c2;--k5:#6aa2da;--k6:#93c1ec;"
    "--k7:#c3e0fb}}"
    ".plot text{font:22px system-ui,sans-serif;fill:var(--m);dominant-baseline:central;"
    "font-variant-numeric:tabular-nums}.plot text.t{fill:var(--t)}"
    ".plot path{fill:none;stroke-linejoin:round}"
    ".plot .d{stroke-width:9;stroke-linecap:round;stroke-opacity:.85}"
    ".plot .o{stroke-width:10;stroke-linecap:round}"
    ".plot .h{stroke-width:5;stroke-linecap:round;stroke:var(--s)}"
    ".plot .d.s{stroke-width:6}.plot .q{shape-rendering:crispEdges}"
    ".plot .x{stroke-width:3}.plot .l{stroke-width:3.5}.plot .a{stroke-width:2}"
    ".plot .t{stroke:var(--t)}.plot .m{stroke:var(--m)}.plot .g{stroke:var(--g)}"
    ".plot .c{stroke:var(--c)}.plot .b{stroke:var(--b)}.plot .p{stroke:var(--p)}"
    ".plot .f{stroke:var(--f)}.plot .r{stroke:var(--r)}.plot .c2{stroke:var(--c2)}"
    ".plot .c3{stroke:var(--c3)}.plot .k0{stroke:var(--k0)}.plot .k1{stroke:var(--k1)}"
    ".plot .k2{stroke:var(--k2)}.plot .k3{stroke:var(--k3)}.plot .k4{stroke:var(--k4)}"
    ".plot .k5{stroke:var(--k5)}.plot .k6{stroke:var(--k6)}.plot .k7{stroke:var(--k7)}"
    ".plot text.t,.plot text.m{stroke:none}"
    ".plot .q{stroke:none}.plot .q.c{fill:var(--c)}.plot .q.b{fill:var(--b)}"
    ".plot .q.p{fill:var(--p)}.plot .q.f{fill:var(--f)}.plot .q.r{fill:var(--r)}"
    ".plot .q.k0{fill:var(--k0)}.plot .q.k1{fill:var(--k1)}.plot .q.k2{fill:var(--k2)}"
    ".plot .q.k3{fill:var(--k3)}.plot .q.k4{fill:var(--k4)}.plot .q.k5{fill:var(--k5)}"
    ".plot .q.k6{fill:var(--k6)}.plot .q.k7{fill:var(--k7)}";

struct svg {
    aglm_str *out;
    bool in_frame;
};

static const char *const INK[AGLM_INK_COUNT] = {
    [AGLM_INK_TEXT] = "t",      [AGLM_INK_MUTED] = "m",     [AGLM_INK_GRID] = "g",
    [AGLM_INK_COMPLETE] = "c",  [AGLM_INK_BEST] = "b",      [AGLM_INK_PRUNED] = "p",
    [AGLM_INK_FAIL] = "f",      [AGLM_INK_RUNNING] = "r",   [AGLM_INK_SECOND] = "c2",
    [AGLM_INK_THIRD] = "c3",    [AGLM_INK_RAMP] = "k0",     [AGLM_INK_RAMP + 1] = "k1",
    [AGLM_INK_RAMP + 2] = "k2", [AGLM_INK_RAMP + 3] = "k3", [AGLM_INK_RAMP + 4] = "k4",
    [AGLM_INK_RAMP + 5] = "k5", [AGLM_INK_RAMP + 6] = "k6", [AGLM_INK_RAMP + 7] = "k7",
};

static int whole(double v)
{
    return (int)lrint(fmax(-1e6, fmin(1e6, v)));
}

/* ---- numbers, a hundred thousand of them in a figure: printf would take longer than all else ----
 */

static void put_int(aglm_str *out, int v)
{
    char buf[12];
    size_t at = sizeof buf;
    unsigned left = v < 0 ? 0u - (unsigned)v : (unsigned)v;

    do
        buf[--at] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (v < 0)
        buf[--at] = '-';
    aglm_str_append(out, buf + at, sizeof buf - at);
}

static void put_move(aglm_str *out, char command, double x, double y)
{
    aglm_str_putc(out, command);
    put_int(out, whole(x));
    aglm_str_putc(out, ' ');
    put_int(out, whole(y));
}

static void put_path(struct svg *s, aglm_mark_kind kind, const aglm_points *p)
{
    bool gap = true;

    for (size_t i = 0; i < p->n; i++) {
        bool ok = isfinite(p->x[i]) && isfinite(p->y[i]);
        if (ok)
            put_move(s->out, kind == AGLM_MARK_LINE && !gap ? 'L' : 'M', p->x[i], p->y[i]);
        gap = !ok;
        if (!ok || kind == AGLM_MARK_LINE)
            continue;
        if (kind == AGLM_MARK_CROSSES) {
            aglm_str_puts(s->out, "m-4-4l8 8m-8 0l8-8");
            continue;
        }
        aglm_str_puts(s->out, "h");
        put_int(s->out,
                kind == AGLM_MARK_BOXES ? whole(fmax(p->x2[i], p->x[i] + 1)) - whole(p->x[i]) : 0);
        if (kind != AGLM_MARK_BOXES)
            continue;
        aglm_str_putc(s->out, 'V');
        put_int(s->out, whole(fmax(p->y2[i], p->y[i] + 1)));
        aglm_str_putc(s->out, 'H');
        put_int(s->out, whole(p->x[i]));
        aglm_str_putc(s->out, 'z');
    }
}

/* The numbers of the trials as differences from one to the next. */
static void put_trials(struct svg *s, const aglm_points *p)
{
    uint32_t last = 0;

    aglm_str_puts(s->out, " data-n=\"");
    for (size_t i = 0; i < p->n; i++) {
        if (i > 0)
            aglm_str_putc(s->out, ' ');
        put_int(s->out, (int)(p->trial[i] - last));
        last = p->trial[i];
    }
    aglm_str_putc(s->out, '"');
}

static void open_path(struct svg *s, const char *shape, const aglm_points *p)
{
    aglm_str_printf(s->out, "<path class=\"%s %s%s\"", shape, INK[p->ink], p->n > MANY ? " s" : "");
}

static void svg_mark(void *self, aglm_mark_kind kind, const aglm_points *p)
{
    static const char *const SHAPE[] = {
        [AGLM_MARK_DOTS] = "d", [AGLM_MARK_RINGS] = "o", [AGLM_MARK_CROSSES] = "x",
        [AGLM_MARK_LINE] = "l", [AGLM_MARK_BOXES] = "q",
    };
    struct svg *s = self;
    bool axis = p->ink == AGLM_INK_GRID || p->ink == AGLM_INK_MUTED;

    open_path(s, axis && kind == AGLM_MARK_LINE ? "a" : SHAPE[kind], p);
    if (p->trial && s->in_frame && kind != AGLM_MARK_LINE)
        put_trials(s, p);
    aglm_str_puts(s->out, " d=\"");
    put_path(s, kind, p);
    aglm_str_puts(s->out, "\"/>");
    if (kind != AGLM_MARK_RINGS)
        return;
    aglm_str_puts(s->out, "<path class=\"h\" d=\"");
    put_path(s, kind, p);
    aglm_str_puts(s->out, "\"/>");
}

static void svg_text(void *self, aglm_ink ink, double x, double y, aglm_align align,
                     const char *text)
{
    static const char *const ANCHOR[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    struct svg *s = self;

    if (!isfinite(x) || !isfinite(y))
        return;
    aglm_str_printf(s->out, "<text x=\"%d\" y=\"%d\"%s%s>", whole(x), whole(y), ANCHOR[align],
                    ink == AGLM_INK_TEXT ? " class=\"t\"" : "");
    aglm_html_escape(s->out, text);
    aglm_str_puts(s->out, "</text>");
}

/* data-f lets the page's script find the points under the pointer. */
static void svg_frame(void *self, const aglm_frame *f)
{
    struct svg *s = self;

    if (s->in_frame)
        aglm_str_puts(s->out, "</g>");
    s->in_frame = f != NULL;
    if (f)
        aglm_str_printf(s->out, "<g data-f=\"%d %d %d %d\">", whole(f->left), whole(f->top),
                        whole(f->right), whole(f->bottom));
}

static const aglm_canvas_ops svg_ops = {
    .name = "svg", .frame = svg_frame, .mark = svg_mark, .text = svg_text};

static aglm_canvas svg_canvas(double width, double height)
{
    return (aglm_canvas){.ops = &svg_ops,
                         .width = width * UNITS,
                         .height = height * UNITS,
                         .char_w = CHAR_W,
                         .char_h = CHAR_H,
                         .panel_w = PANEL_W};
}

aglm_rc aglm_svg_open(aglm_canvas *c, double width, double height, aglm_str *out, aglm_error *err)
{
    struct svg *s = calloc(1, sizeof *s);

    *c = svg_canvas(width, height);
    if (!s)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a drawing");
    s->out = out;
    c->self = s;
    aglm_str_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\">",
        whole(c->width), whole(c->height));
    return AGLM_OK;
}

aglm_rc aglm_svg_close(aglm_canvas *c)
{
    struct svg *s = c->self;

    svg_frame(s, NULL);
    aglm_str_puts(s->out, "</svg>");
    aglm_rc rc = s->out->rc;
    free(s);
    c->self = NULL;
    return rc;
}

aglm_rc aglm_svg_put(const aglm_figure *f, double width, aglm_arena *a, aglm_str *out,
                     aglm_error *err)
{
    aglm_canvas c = svg_canvas(width, 0);
    double height = aglm_figure_height(f, &c) / UNITS;
    aglm_rc rc = aglm_svg_open(&c, width, height, out, err);

    if (rc != AGLM_OK)
        return rc;
    rc = aglm_figure_draw(f, &c, a, err);
    aglm_rc closed = aglm_svg_close(&c);
    if (rc == AGLM_OK && closed != AGLM_OK)
        rc = aglm_error_set(err, closed, "the drawing: %s", aglm_rc_text(closed));
    return rc;
}

aglm_rc aglm_svg_file(const aglm_figure *f, double width, aglm_arena *a, aglm_str *out,
                      aglm_error *err)
{
    aglm_str body;

    aglm_str_init(&body, out->max);
    aglm_rc rc = aglm_svg_put(f, width, a, &body, err);
    size_t tag = rc == AGLM_OK ? strcspn(body.data, ">") + 1 : 0;
    aglm_str_append(out, body.data, tag);
    aglm_str_printf(out, "<style>%s</style>", aglm_svg_style);
    aglm_str_append(out, body.data + tag, body.len - tag);
    aglm_str_clear(&body);
    return rc == AGLM_OK ? out->rc : rc;
}
