#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/book.h"
#include "cli/terminal.h"
#include "plot/canvas.h"
#include "plot/page.h"

#define PAGE_MAX ((size_t)1 << 30)
#define SVG_WIDTH 880 /* pixels */

static aglm_rc find_kind(const aglm_args *a, const aglm_plot_kind **out, aglm_error *err)
{
    char names[256] = "";
    size_t used = 0;
    size_t n;

    *out = a->n_operands > 1 ? aglm_plot_kind_find(a->operands[1]) : NULL;
    if (*out || a->n_operands < 2)
        return AGLM_OK;
    const aglm_plot_kind *kinds = aglm_plot_kinds(&n);
    for (size_t i = 0; i < n && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 kinds[i].name);
    return aglm_error_set(err, AGLM_INVALID, "plot %.40s: expected one of %s", a->operands[1],
                          names);
}

static aglm_plot_study study_of(const aglm_book *b)
{
    return (aglm_plot_study){.name = b->study->name,
                             .space = b->space,
                             .trials = b->trials,
                             .n = b->n_trials,
                             .directions = b->study->directions,
                             .n_directions = b->study->n_directions,
                             .group = -1};
}

/* ---- on the terminal ---- */

static aglm_rc print_figure(const aglm_figure *f, aglm_arena *arena, aglm_error *err)
{
    aglm_terminal t;
    aglm_str s;
    aglm_rc rc = AGLM_OK;

    aglm_terminal_init(&t, stdout);
    aglm_text_options o = {aglm_terminal_columns(&t), aglm_terminal_utf8(), t.colour};
    printf("%s%s%s\n", aglm_terminal_style(&t, 'b'), f->title, aglm_terminal_style(&t, '0'));
    aglm_str_init(&s, 1u << 26);
    if (!f->empty)
        rc = aglm_text_put(f, &o, arena, &s, err);
    if (rc == AGLM_OK)
        fputs(s.data, stdout);
    aglm_str_clear(&s);
    const char *note = f->empty ? f->empty : f->note;
    if (rc == AGLM_OK && note)
        printf("%s%s%s\n", aglm_terminal_style(&t, 'd'), note, aglm_terminal_style(&t, '0'));
    return rc;
}

static aglm_rc print_kind(const aglm_plot_study *study, const aglm_plot_kind *kind, aglm_book *b,
                          aglm_error *err)
{
    aglm_figure figure;
    aglm_rc rc = aglm_plot_make(kind, study, &b->arena, &figure, err);

    return rc == AGLM_OK ? print_figure(&figure, &b->arena, err) : rc;
}

/* ---- into a file ---- */

static aglm_rc make_svg(const aglm_plot_study *study, const aglm_plot_kind *kind, aglm_book *b,
                        aglm_str *out, aglm_error *err)
{
    aglm_figure figure;

    if (!kind)
        return aglm_error_set(err, AGLM_INVALID,
                              "--out: an SVG file holds one figure: name its kind, or write .html");
    aglm_rc rc = aglm_plot_make(kind, study, &b->arena, &figure, err);
    if (rc == AGLM_OK && figure.empty)
        return aglm_error_set(err, AGLM_NOTFOUND, "plot %s: %s", kind->name, figure.empty);
    return rc == AGLM_OK ? aglm_svg_file(&figure, SVG_WIDTH, &b->arena, out, err) : rc;
}

static bool ends_in(const char *path, const char *end)
{
    size_t n = strlen(path);
    size_t m = strlen(end);

    return n >= m && strcmp(path + n - m, end) == 0;
}

static aglm_rc write_file(const aglm_plot_study *study, const aglm_plot_kind *kind, aglm_book *b,
                          const char *path, aglm_error *err)
{
    aglm_str s;
    aglm_rc rc;

    aglm_str_init(&s, PAGE_MAX);
    if (ends_in(path, ".svg"))
        rc = make_svg(study, kind, b, &s, err);
    else if (ends_in(path, ".html") || ends_in(path, ".htm"))
        rc = aglm_page_put(study, kind, &s, err);
    else
        rc = aglm_error_set(err, AGLM_INVALID, "--out %.200s: expected a name in .html or .svg",
                            path);
    if (rc == AGLM_OK)
        rc = aglm_file_write(path, s.data, s.len, err);
    aglm_str_clear(&s);
    return rc;
}

aglm_rc aglm_study_print_plot(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    const char *path = aglm_args_text(a, "out", NULL);
    const aglm_plot_kind *kind = NULL;
    aglm_plot_study study = study_of(b);
    aglm_rc rc = find_kind(a, &kind, err);

    if (rc != AGLM_OK)
        return rc;
    if (path)
        return write_file(&study, kind, b, path, err);
    return print_kind(&study, kind ? kind : aglm_plot_kind_find("history"), b, err);
}
