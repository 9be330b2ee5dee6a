#include "plot/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plot/canvas.h"

#define WIDTH 880 /* pixels */
#define ARENA_MAX ((size_t)4 << 30)

void aglm_html_escape(aglm_str *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            aglm_str_puts(out, "&amp;");
        else if (*text == '<')
            aglm_str_puts(out, "&lt;");
        else if (*text == '>')
            aglm_str_puts(out, "&gt;");
        else if (*text == '"')
            aglm_str_puts(out, "&quot;");
        else if ((unsigned char)*text >= 0x20 || *text == '\t' || *text == '\n')
            aglm_str_putc(out, *text);
    }
}

static const char *const STATES[] = {
    [AGLM_TRIAL_RUNNING] = "running", [AGLM_TRIAL_COMPLETE] = "complete",
    [AGLM_TRIAL_PRUNED] = "pruned",   [AGLM_TRIAL_FAIL] = "failed",
    [AGLM_TRIAL_WAITING] = "waiting",
};
#define N_STATES (sizeof STATES / sizeof *STATES)

/* ---- heading ---- */

static const aglm_trial *best_of(const aglm_plot_study *s)
{
    const aglm_trial *best = NULL;

    for (size_t i = 0; s->n_directions == 1 && i < s->n; i++)
        if (s->trials[i].state == AGLM_TRIAL_COMPLETE &&
            (!best || aglm_trial_better(&s->trials[i], best)))
            best = &s->trials[i];
    return best;
}

static void put_params(const aglm_plot_study *s, const aglm_trial *t, aglm_str *out)
{
    char value[128];

    for (size_t i = 0; i < s->space->n; i++) {
        if (isnan(t->x[i]))
            continue;
        aglm_dist_format(&s->space->params[i].dist, t->x[i], value, sizeof value);
        aglm_html_escape(out, s->space->params[i].name);
        aglm_str_putc(out, '=');
        aglm_html_escape(out, value);
        aglm_str_putc(out, ' ');
    }
}

static void put_best(const aglm_plot_study *s, aglm_str *out)
{
    const aglm_trial *best = best_of(s);

    if (!best)
        return;
    aglm_str_printf(out, "<p>best: <b>%.8g</b>, trial %lld <code>", best->values[0],
                    (long long)best->number);
    put_params(s, best, out);
    aglm_str_puts(out, "</code></p>");
}

static void put_heading(const aglm_plot_study *s, aglm_str *out)
{
    size_t count[N_STATES] = {0};
    const char *comma = "";

    for (size_t i = 0; i < s->n; i++)
        count[s->trials[i].state]++;
    aglm_str_puts(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
                       "name=\"viewport\" content=\"width=device-width\"><title>");
    aglm_html_escape(out, s->name);
    aglm_str_printf(
        out,
        "</title><style>%s%s</style><script>document.documentElement.className = \"js\"</script></head><body><h1>",
        aglm_page_style, aglm_svg_style);
    aglm_html_escape(out, s->name);
    aglm_str_puts(out, "</h1><p class=\"muted\">");
    for (size_t k = 0; k < s->n_directions; k++)
        aglm_str_puts(out, s->directions[k] == AGLM_MAXIMIZE ? "maximize, " : "minimize, ");
    aglm_str_printf(out, "%zu trial%s: ", s->n, s->n == 1 ? "" : "s");
    for (size_t k = 0; k < N_STATES; k++) {
        if (count[k] == 0)
            continue;
        aglm_str_printf(out, "%s%zu %s", comma, count[k], STATES[k]);
        comma = ", ";
    }
    aglm_str_puts(out, "</p>");
    put_best(s, out);
}

static void put_menu(aglm_str *out)
{
    size_t n;
    const aglm_plot_kind *kinds = aglm_plot_kinds(&n);

    aglm_str_puts(out, "<nav>");
    for (size_t i = 0; i < n; i++)
        aglm_str_printf(out, "<a href=\"#%s\">%s</a> ", kinds[i].name, kinds[i].title);
    aglm_str_puts(out, "</nav>");
}

/* ---- figures ---- */

/* Within <noscript>: a browser that runs scripts takes it as one piece of text, a tenth of the
 * work, and page.js makes a figure of it when it comes near to what is seen. Without scripts it is
 * shown as it stands. */
static aglm_rc put_figure(const aglm_plot_study *s, const aglm_plot_kind *kind, aglm_str *out,
                          aglm_error *err)
{
    aglm_figure figure;
    aglm_arena arena;

    aglm_arena_init(&arena, ARENA_MAX);
    aglm_rc rc = aglm_plot_make(kind, s, &arena, &figure, err);
    if (rc == AGLM_OK) {
        const char *note = figure.empty ? figure.empty : figure.note ? figure.note : "";
        aglm_str_printf(out, "<section id=\"%s\"><h2>%s</h2><p class=\"muted\">", kind->name,
                        kind->title);
        aglm_html_escape(out, note);
        aglm_str_puts(out, "</p>");
        if (!figure.empty) {
            aglm_str_puts(out, "<figure><noscript>");
            rc = aglm_svg_put(&figure, WIDTH, &arena, out, err);
            aglm_str_puts(out, "</noscript></figure>");
        }
        aglm_str_puts(out, "</section>\n");
    }
    aglm_arena_clear(&arena);
    return rc;
}

/* ---- data ---- */

static void put_number(aglm_str *out, double v)
{
    if (isfinite(v))
        aglm_str_printf(out, "%.6g", v);
    else
        aglm_str_puts(out, isnan(v) ? "\"nan\"" : v > 0 ? "\"inf\"" : "\"-inf\"");
}

static void put_value(aglm_str *out, const aglm_dist *d, double v)
{
    aglm_json_writer w;

    if (isnan(v)) {
        aglm_str_puts(out, "null");
    } else if (d->kind != AGLM_DIST_CHOICE) {
        put_number(out, v);
    } else {
        aglm_json_writer_init(&w, out);
        aglm_dist_put(d, v, &w);
    }
}

static void put_row(const aglm_plot_study *s, const aglm_trial *t, aglm_str *out)
{
    aglm_str_printf(out, "[%lld,%d,[", (long long)t->number, (int)t->state);
    for (size_t k = 0; k < t->n_values; k++) {
        aglm_str_puts(out, k ? "," : "");
        put_number(out, t->values[k]);
    }
    aglm_str_puts(out, "],[");
    for (size_t i = 0; i < s->space->n; i++) {
        aglm_str_puts(out, i ? "," : "");
        put_value(out, &s->space->params[i].dist, t->x[i]);
    }
    aglm_str_puts(out, "]]");
}

static void put_table(const aglm_plot_study *s, aglm_str *out)
{
    aglm_json_writer w;

    aglm_json_writer_init(&w, out);
    aglm_json_open_object(&w);
    aglm_json_key(&w, "names");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < s->space->n; i++)
        aglm_json_put_text(&w, s->space->params[i].name);
    aglm_json_close_array(&w);
    aglm_json_key(&w, "states");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < N_STATES; i++)
        aglm_json_put_text(&w, STATES[i]);
    aglm_json_close_array(&w);
    aglm_json_close_object(&w);
    if (out->rc != AGLM_OK)
        return;
    out->data[--out->len] = '\0'; /* the object goes on */
    aglm_str_puts(out, ",\"rows\":[");
    for (size_t i = 0; i < s->n; i++) {
        aglm_str_puts(out, i ? ",\n" : "");
        put_row(s, &s->trials[i], out);
    }
    aglm_str_puts(out, "]}");
}

/* JSON within <script>: "</script>" in a name must not end it. */
static aglm_rc put_data(const aglm_plot_study *s, aglm_str *out)
{
    aglm_str json;

    aglm_str_init(&json, out->max);
    put_table(s, &json);
    aglm_str_puts(out, "<script type=\"application/json\" id=\"trials\">");
    for (size_t i = 0, end; i < json.len; i = end) {
        end = i + strcspn(json.data + i, "<");
        aglm_str_append(out, json.data + i, end - i);
        if (end < json.len) {
            aglm_str_puts(out, "\\u003c");
            end++;
        }
    }
    aglm_rc rc = json.rc;
    aglm_str_clear(&json);
    aglm_str_puts(out, "</script>");
    return rc;
}

aglm_rc aglm_page_put(const aglm_plot_study *study, const aglm_plot_kind *only, aglm_str *out,
                      aglm_error *err)
{
    size_t n;
    const aglm_plot_kind *kinds = aglm_plot_kinds(&n);
    aglm_rc rc = AGLM_OK;

    put_heading(study, out);
    if (!only)
        put_menu(out);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        if (!only || only == &kinds[i])
            rc = put_figure(study, &kinds[i], out, err);
    if (rc != AGLM_OK)
        return rc;
    rc = put_data(study, out);
    aglm_str_printf(out,
                    "<div id=\"tip\" hidden></div><div id=\"chosen\" hidden></div>"
                    "<p class=\"muted\">autoglm %s</p><script>%s</script></body></html>\n",
                    AGLM_VERSION, aglm_page_script);
    rc = rc == AGLM_OK ? out->rc : rc;
    return rc == AGLM_OK ? rc : aglm_error_set(err, rc, "the page: %s", aglm_rc_text(rc));
}
