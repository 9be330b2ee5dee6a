#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "plot/canvas.h"

#define DOTS_X 2 /* of a character's cell: braille has two by four */
#define DOTS_Y 4
#define COLUMNS_MIN 20
#define COLUMNS_MAX 400
#define ROWS_MAX 4000
#define PANEL_COLUMNS 36

struct cell {
    uint8_t dots;  /* bit y * 2 + x */
    uint8_t ink;   /* of the strongest mark here, or of the text */
    bool wide;     /* the second half of a wide character */
    uint32_t text; /* code point, 0: dots */
};

struct screen {
    struct cell *cells;
    size_t columns, rows;
    aglm_text_options options;
};

/* ---- dots ---- */

/* Marks of the best, the failed and the pruned are seen above the many. */
static int strength(uint8_t ink)
{
    switch (ink) {
    case AGLM_INK_BEST:
        return 5;
    case AGLM_INK_FAIL:
        return 4;
    case AGLM_INK_PRUNED:
    case AGLM_INK_RUNNING:
        return 3;
    case AGLM_INK_GRID:
    case AGLM_INK_MUTED:
    case AGLM_INK_TEXT:
        return 1;
    default:
        return 2;
    }
}

static void put_dot(struct screen *s, aglm_ink ink, double x, double y)
{
    if (!(x >= 0 && x < (double)(s->columns * DOTS_X) && y >= 0 && y < (double)(s->rows * DOTS_Y)))
        return;
    size_t column = (size_t)x / DOTS_X;
    size_t row = (size_t)y / DOTS_Y;
    struct cell *c = &s->cells[row * s->columns + column];
    if (c->dots == 0 || strength((uint8_t)ink) >= strength(c->ink))
        c->ink = (uint8_t)ink;
    c->dots |= (uint8_t)(1 << ((size_t)y % DOTS_Y * DOTS_X + (size_t)x % DOTS_X));
}

static void put_segment(struct screen *s, aglm_ink ink, const double a[2], const double b[2])
{
    double reach = fmin(fmax(fabs(b[0] - a[0]), fabs(b[1] - a[1])), 1e5);
    int steps = (int)ceil(reach);

    for (int i = 0; i <= steps; i++) {
        double t = steps > 0 ? (double)i / steps : 0;
        put_dot(s, ink, a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]));
    }
}

static void put_lines(struct screen *s, const aglm_points *p)
{
    for (size_t i = 0; i + 1 < p->n; i++) {
        double a[2] = {p->x[i], p->y[i]};
        double b[2] = {p->x[i + 1], p->y[i + 1]};
        if (isfinite(a[0]) && isfinite(a[1]) && isfinite(b[0]) && isfinite(b[1]))
            put_segment(s, p->ink, a, b);
    }
}

/* The order in which the dots of a cell fill up (a Bayer matrix), for shades without colours. */
static bool is_filled(const struct screen *s, aglm_ink ink, size_t x, size_t y)
{
    static const uint8_t ORDER[DOTS_Y][DOTS_X] = {{0, 4}, {6, 2}, {1, 5}, {7, 3}};

    if (ink < AGLM_INK_RAMP || s->options.colour)
        return true;
    return ORDER[y % DOTS_Y][x % DOTS_X] <= (uint8_t)(ink - AGLM_INK_RAMP);
}

static void put_box(struct screen *s, aglm_ink ink, const double box[4])
{
    double width = (double)(s->columns * DOTS_X);
    double height = (double)(s->rows * DOTS_Y);

    if (!(box[2] >= 0 && box[3] >= 0 && box[0] < width && box[1] < height))
        return;
    size_t left = (size_t)fmax(floor(box[0] + 0.5), 0);
    size_t top = (size_t)fmax(floor(box[1] + 0.5), 0);
    size_t right = (size_t)fmin(fmax(floor(box[2] + 0.5), (double)left + 1), width);
    size_t bottom = (size_t)fmin(fmax(floor(box[3] + 0.5), (double)top + 1), height);
    for (size_t y = top; y < bottom; y++)
        for (size_t x = left; x < right; x++)
            if (is_filled(s, ink, x, y))
                put_dot(s, ink, (double)x, (double)y);
}

static void text_mark(void *self, aglm_mark_kind kind, const aglm_points *p)
{
    struct screen *s = self;

    if (p->ink == AGLM_INK_GRID) /* would drown the dots */
        return;
    if (kind == AGLM_MARK_LINE) {
        put_lines(s, p);
        return;
    }
    for (size_t i = 0; i < p->n; i++) {
        if (kind != AGLM_MARK_BOXES) {
            put_dot(s, p->ink, p->x[i], p->y[i]);
            continue;
        }
        double box[4] = {p->x[i], p->y[i], p->x2[i], p->y2[i]};
        put_box(s, p->ink, box);
    }
}

static void text_frame(void *self, const aglm_frame *frame)
{
    (void)self;
    (void)frame;
}

/* ---- text ---- */

/* Without UTF-8 what is no ASCII is shown as a question mark; controls are never written. */
static uint32_t shown(const struct screen *s, uint32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
        return '?';
    return cp > 0x7e && !s->options.utf8 ? '?' : cp;
}

static void text_text(void *self, aglm_ink ink, double x, double y, aglm_align align,
                      const char *text)
{
    struct screen *s = self;
    size_t n = strlen(text);
    double width = (double)aglm_text_width(text, n);

    if (!isfinite(x) || !(y >= 0 && y < (double)(s->rows * DOTS_Y)))
        return;
    double at = x / DOTS_X - (align == AGLM_ALIGN_MIDDLE  ? width / 2
                              : align == AGLM_ALIGN_RIGHT ? width
                                                          : 0);
    double column = fmax(floor(fmin(at, (double)s->columns - width) + 0.5), 0);
    struct cell *row = &s->cells[(size_t)(y / DOTS_Y) * s->columns];
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        i += aglm_utf8_decode(text + i, n - i, &cp);
        int w = aglm_cp_width(cp);
        cp = shown(s, cp);
        w = cp == '?' ? 1 : w;
        if (w == 0 || column + w > (double)s->columns)
            continue;
        struct cell *c = &row[(size_t)column];
        *c = (struct cell){.ink = (uint8_t)ink, .text = cp};
        if (w == 2)
            c[1] = (struct cell){.ink = (uint8_t)ink, .wide = true, .text = cp};
        column += w;
    }
}

/* ---- output ---- */

/* SGR parameters: of the 16 colours that every theme has, and of the 256 for the ramp. */
static const char *const SGR[AGLM_INK_COUNT] = {
    [AGLM_INK_TEXT] = "",
    [AGLM_INK_MUTED] = "2",
    [AGLM_INK_GRID] = "2",
    [AGLM_INK_COMPLETE] = "34",
    [AGLM_INK_BEST] = "32",
    [AGLM_INK_PRUNED] = "33",
    [AGLM_INK_FAIL] = "31",
    [AGLM_INK_RUNNING] = "35",
    [AGLM_INK_SECOND] = "36",
    [AGLM_INK_THIRD] = "35",
    [AGLM_INK_RAMP] = "38;5;60",
    [AGLM_INK_RAMP + 1] = "38;5;61",
    [AGLM_INK_RAMP + 2] = "38;5;67",
    [AGLM_INK_RAMP + 3] = "38;5;30",
    [AGLM_INK_RAMP + 4] = "38;5;36",
    [AGLM_INK_RAMP + 5] = "38;5;71",
    [AGLM_INK_RAMP + 6] = "38;5;148",
    [AGLM_INK_RAMP + 7] = "38;5;220",
};

static uint32_t glyph(const struct screen *s, const struct cell *c)
{
    /* bits y * 2 + x to the braille block's numbering of dots */
    static const uint8_t BRAILLE[8] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    static const char DENSITY[] = " ..:-=+*#";
    uint32_t pattern = 0;
    size_t count = 0;

    if (c->text)
        return c->text;
    for (unsigned bit = 0; bit < 8; bit++) {
        if (!(c->dots >> bit & 1))
            continue;
        pattern |= BRAILLE[bit];
        count++;
    }
    if (!s->options.utf8)
        return (unsigned char)DENSITY[count];
    return pattern ? 0x2800 + pattern : ' ';
}

static void put_row(const struct screen *s, const struct cell *row, aglm_str *out)
{
    size_t n = s->columns;
    const char *now = "";
    char bytes[4];

    while (n > 0 && !row[n - 1].text && !row[n - 1].dots)
        n--;
    for (size_t i = 0; i < n; i++) {
        if (row[i].wide)
            continue;
        bool blank = !row[i].text && !row[i].dots;
        const char *wanted = s->options.colour && !blank ? SGR[row[i].ink] : "";
        if (strcmp(wanted, now) != 0)
            aglm_str_printf(out, "\x1b[0%s%sm", *wanted ? ";" : "", wanted);
        now = wanted;
        aglm_str_append(out, bytes, aglm_utf8_encode(glyph(s, &row[i]), bytes));
    }
    if (*now)
        aglm_str_puts(out, "\x1b[0m");
    aglm_str_putc(out, '\n');
}

static const aglm_canvas_ops text_ops = {
    .name = "text", .frame = text_frame, .mark = text_mark, .text = text_text};

static aglm_canvas text_canvas(const aglm_text_options *o, size_t rows)
{
    size_t columns = o->columns < COLUMNS_MIN   ? COLUMNS_MIN
                     : o->columns > COLUMNS_MAX ? COLUMNS_MAX
                                                : o->columns;

    return (aglm_canvas){.ops = &text_ops,
                         .width = (double)(columns * DOTS_X),
                         .height = (double)(rows * DOTS_Y),
                         .char_w = DOTS_X,
                         .char_h = DOTS_Y,
                         .panel_w = PANEL_COLUMNS * DOTS_X};
}

aglm_rc aglm_text_open(aglm_canvas *c, const aglm_text_options *o, size_t rows, aglm_error *err)
{
    struct screen *s = calloc(1, sizeof *s);

    rows = rows < ROWS_MAX ? rows : ROWS_MAX;
    *c = text_canvas(o, rows);
    if (s) {
        s->columns = (size_t)c->width / DOTS_X;
        s->rows = rows;
        s->options = *o;
        s->cells = aglm_calloc(s->columns * rows, sizeof *s->cells);
    }
    if (!s || !s->cells) {
        free(s);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a drawing");
    }
    c->self = s;
    return AGLM_OK;
}

aglm_rc aglm_text_close(aglm_canvas *c, aglm_str *out)
{
    struct screen *s = c->self;

    for (size_t row = 0; row < s->rows; row++)
        put_row(s, s->cells + row * s->columns, out);
    free(s->cells);
    free(s);
    c->self = NULL;
    return out->rc;
}

aglm_rc aglm_text_put(const aglm_figure *f, const aglm_text_options *o, aglm_arena *a,
                      aglm_str *out, aglm_error *err)
{
    aglm_canvas c = text_canvas(o, 0);
    double rows = aglm_figure_height(f, &c) / DOTS_Y;
    aglm_rc rc = aglm_text_open(&c, o, (size_t)rows, err);

    if (rc != AGLM_OK)
        return rc;
    rc = aglm_figure_draw(f, &c, a, err);
    aglm_rc closed = aglm_text_close(&c, out);
    if (rc == AGLM_OK && closed != AGLM_OK)
        rc = aglm_error_set(err, closed, "the drawing: %s", aglm_rc_text(closed));
    return rc;
}
