/* plot/canvas.h - what a figure is drawn on: SVG, or the characters of a terminal.
 * Threads: a canvas is confined.
 *
 * Coordinates are the canvas's own units, y downwards; what lies outside is left out, and so is
 * what is not finite. */
#ifndef AGLM_PLOT_CANVAS_H
#define AGLM_PLOT_CANVAS_H

#include "base/str.h"
#include "plot/figure.h"

typedef enum aglm_align { AGLM_ALIGN_LEFT, AGLM_ALIGN_MIDDLE, AGLM_ALIGN_RIGHT } aglm_align;

typedef struct aglm_frame {
    double left, top, right, bottom;
} aglm_frame;

/* Points of one ink; trial as in aglm_mark. */
typedef struct aglm_points {
    aglm_ink ink;
    const double *x, *y, *x2, *y2;
    const uint32_t *trial;
    size_t n;
} aglm_points;

typedef struct aglm_canvas_ops {
    const char *name;
    /* Marks from here on stand in this frame, until the next call; NULL: in none. */
    void (*frame)(void *self, const aglm_frame *frame);
    void (*mark)(void *self, aglm_mark_kind kind, const aglm_points *points);
    /* y is the middle of the line of text; what does not fit is cut off. */
    void (*text)(void *self, aglm_ink ink, double x, double y, aglm_align align, const char *text);
} aglm_canvas_ops;

typedef struct aglm_canvas {
    const aglm_canvas_ops *ops;
    void *self;
    double width, height;
    double char_w, char_h; /* of a letter of text */
    double panel_w;        /* the least width of a panel beside others */
    double dot;            /* half of the room that a mark takes around its place */
} aglm_canvas;

/* The height that a figure needs on a canvas so wide. */
double aglm_figure_height(const aglm_figure *f, const aglm_canvas *c);
/* Draws panels and legend; title, note and the reason of an empty figure are the caller's. Borrows
 * the arena for its arrays. */
aglm_rc aglm_figure_draw(const aglm_figure *f, const aglm_canvas *c, aglm_arena *a,
                         aglm_error *err);

/* ---- the canvases ---- */

/* Appends one <svg> element in classes that aglm_svg_style colours. width in pixels. */
aglm_rc aglm_svg_put(const aglm_figure *f, double width, aglm_arena *a, aglm_str *out,
                     aglm_error *err);
/* A file of its own: the element with its namespace and style. */
aglm_rc aglm_svg_file(const aglm_figure *f, double width, aglm_arena *a, aglm_str *out,
                      aglm_error *err);
/* CSS of those classes, light and dark. */
extern const char aglm_svg_style[];

typedef struct aglm_text_options {
    size_t columns;
    bool utf8;   /* braille dots, else ASCII */
    bool colour; /* SGR escapes */
} aglm_text_options;
/* Appends lines of text. */
aglm_rc aglm_text_put(const aglm_figure *f, const aglm_text_options *o, aglm_arena *a,
                      aglm_str *out, aglm_error *err);

/* Both over one scene, for tests: the canvas of that height, and its text when it is closed. */
aglm_rc aglm_svg_open(aglm_canvas *c, double width, double height, aglm_str *out, aglm_error *err);
aglm_rc aglm_svg_close(aglm_canvas *c);
aglm_rc aglm_text_open(aglm_canvas *c, const aglm_text_options *o, size_t rows, aglm_error *err);
aglm_rc aglm_text_close(aglm_canvas *c, aglm_str *out);

#endif
