#include "tune/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define WIDTH 860.0
#define HEIGHT 280.0
#define MARGIN 56.0
#define CONFUSION_SHOWN 40
#define IMPORTANCE_SHOWN 16

static void put_escaped(aglm_str *out, const char *text)
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
        else
            aglm_str_putc(out, *text);
    }
}

static const char STYLE[] =
    "body{font:15px/1.5 system-ui,sans-serif;color:#1c2733;max-width:920px;margin:32px auto;padding:0 20px}"
    "h1{font-size:24px}h2{font-size:18px;margin-top:36px}table{border-collapse:collapse;width:100%}"
    "td,th{padding:4px 10px;border-bottom:1px solid #e3e8ee;text-align:left}td.n,th.n{text-align:right;"
    "font-variant-numeric:tabular-nums}tr.won{background:#eaf5ee;font-weight:600}code{font-size:12px;color:#52616f;"
    "word-break:break-all}svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:#52616f}"
    ".big{font-size:34px;font-weight:600}.muted{color:#52616f}"
    "@media(prefers-color-scheme:dark){body{background:#12171d;color:#dde4ea}td,th{border-color:#2a333d}"
    "tr.won{background:#173324}code,.muted{color:#95a3b1}svg text{fill:#95a3b1}}";

static void put_metrics(const aglm_score *q, aglm_str *out)
{
    if (q->task == AGLM_TASK_REGRESSION)
        aglm_str_printf(out, "RMSE %.4g (95 %% interval %.4g to %.4g), MAE %.4g, R2 %.4f",
                        q->value[AGLM_METRIC_RMSE], q->rmse_95.low, q->rmse_95.high,
                        q->value[AGLM_METRIC_MAE], q->value[AGLM_METRIC_R2]);
    else
        aglm_str_printf(out, "accuracy %.4f (95 %% interval %.4f to %.4f), macro F1 %.4f",
                        q->value[AGLM_METRIC_ACCURACY], q->accuracy_95.low, q->accuracy_95.high,
                        q->value[AGLM_METRIC_MACRO_F1]);
}

static void put_head(const aglm_report_source *s, aglm_str *out)
{
    const aglm_score *q = &s->result->score;

    aglm_str_puts(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width\"><title>autoglm tune: ");
    put_escaped(out, aglm_table_report(s->input->table)->name);
    aglm_str_printf(out, "</title><style>%s</style></head><body><h1>", STYLE);
    put_escaped(out, aglm_table_report(s->input->table)->name);
    aglm_str_printf(
        out,
        "</h1><p><span class=\"big\">%s %.4f</span><br><span class=\"muted\">on %zu documents held out; ",
        aglm_metric_name(s->result->metric), q->value[s->result->metric], q->docs);
    put_metrics(q, out);
    aglm_str_printf(
        out, "; %s, %zu labels; %zu trials complete, %zu stopped early; seed %llu</span></p>",
        aglm_task_name(s->result->bundle.task), q->labels, s->result->trials_complete,
        s->result->trials_pruned, (unsigned long long)s->seed);
}

static void put_leaders(const aglm_report_source *s, aglm_str *out)
{
    aglm_str_printf(
        out,
        "<h2>Leaderboard</h2><table><tr><th>model</th><th class=\"n\">%s</th><th class=\"n\">kB</th>"
        "<th>parameters</th></tr>",
        aglm_metric_name(s->result->metric));
    for (size_t i = 0; i < s->result->n_leaders; i++) {
        const aglm_leader *l = &s->result->leaders[i];
        char params[1024];
        aglm_report_params(l->params, params, sizeof params);
        aglm_str_printf(out, "<tr%s><td>%s", l->chosen ? " class=\"won\"" : "", l->name);
        if (l->members > 1)
            aglm_str_printf(out, " of %zu", l->members);
        else
            aglm_str_printf(out, " (trial %lld)", (long long)l->number);
        aglm_str_printf(out, "</td><td class=\"n\">%.4f</td><td class=\"n\">%llu</td><td><code>",
                        l->value, (unsigned long long)(l->bytes + 500) / 1000);
        put_escaped(out, params);
        aglm_str_puts(out, "</code></td></tr>");
    }
    aglm_str_puts(out, "</table>");
}

/* ---- history ---- */

struct axes {
    double low, high; /* of the value */
    size_t n;
};

static bool has_value(const aglm_trial *t)
{
    return (t->state == AGLM_TRIAL_COMPLETE || t->state == AGLM_TRIAL_PRUNED) && t->n_values &&
           isfinite(t->values[0]);
}

static double x_of(const struct axes *a, size_t i)
{
    return MARGIN + (a->n > 1 ? (double)i / (double)(a->n - 1) : 0.5) * (WIDTH - 2 * MARGIN);
}

static double y_of(const struct axes *a, double v)
{
    return HEIGHT - MARGIN / 2 - (v - a->low) / (a->high - a->low) * (HEIGHT - MARGIN);
}

static struct axes axes_of(const aglm_report_source *s)
{
    struct axes a = {INFINITY, -INFINITY, s->n_trials};

    for (size_t i = 0; i < s->n_trials; i++) {
        if (!has_value(&s->trials[i]))
            continue;
        a.low = fmin(a.low, s->trials[i].values[0]);
        a.high = fmax(a.high, s->trials[i].values[0]);
    }
    if (!(a.high > a.low)) {
        double mid = isfinite(a.low) ? a.low : 0;
        a.low = mid - 0.5;
        a.high = mid + 0.5;
    }
    return a;
}

static void put_grid(const struct axes *a, aglm_str *out)
{
    for (int k = 0; k <= 4; k++) {
        double v = a->low + (a->high - a->low) * k / 4;
        aglm_str_printf(out,
                        "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#8884\"/>"
                        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>",
                        MARGIN, WIDTH - MARGIN, y_of(a, v), y_of(a, v), MARGIN - 6, y_of(a, v) + 4,
                        v);
    }
    aglm_str_printf(
        out,
        "<text x=\"%.1f\" y=\"%.1f\">trial 0</text><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%zu</text>",
        MARGIN, HEIGHT - 4, WIDTH - MARGIN, HEIGHT - 4, a->n ? a->n - 1 : 0);
}

static void put_best_line(const aglm_report_source *s, const struct axes *a, aglm_str *out)
{
    bool maximize = aglm_metric_maximize(s->result->metric);
    double best = NAN;

    aglm_str_puts(out, "<polyline fill=\"none\" stroke=\"#1b7f4b\" stroke-width=\"2\" points=\"");
    for (size_t i = 0; i < s->n_trials; i++) {
        const aglm_trial *t = &s->trials[i];
        if (t->state == AGLM_TRIAL_COMPLETE && has_value(t) &&
            (isnan(best) || (maximize ? t->values[0] > best : t->values[0] < best)))
            best = t->values[0];
        if (!isnan(best))
            aglm_str_printf(out, "%.1f,%.1f ", x_of(a, i), y_of(a, best));
    }
    aglm_str_puts(out, "\"/>");
}

static const char *dot_color(const aglm_trial *t)
{
    static const char *const COLORS[] = {"#2463b4", "#c2571a", "#7a3fb0", "#0f8a8a"};

    return COLORS[(size_t)(t->x[0] >= 0 ? t->x[0] : 0) % 4];
}

static void put_history(const aglm_report_source *s, aglm_str *out)
{
    struct axes a = axes_of(s);

    aglm_str_printf(
        out,
        "<h2>History</h2><p class=\"muted\">A dot is a trial (hollow: stopped early), the line the best so far; "
        "colours are learners.</p><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\">",
        WIDTH, HEIGHT);
    put_grid(&a, out);
    put_best_line(s, &a, out);
    for (size_t i = 0; i < s->n_trials; i++) {
        const aglm_trial *t = &s->trials[i];
        if (!has_value(t))
            continue;
        bool pruned = t->state == AGLM_TRIAL_PRUNED;
        aglm_str_printf(
            out,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\" stroke=\"%s\"><title>trial %lld: %.4f</title>"
            "</circle>",
            x_of(&a, i), y_of(&a, t->values[0]), pruned ? "none" : dot_color(t), dot_color(t),
            (long long)t->number, t->values[0]);
    }
    aglm_str_puts(out, "</svg>");
}

/* ---- importance ---- */

static void put_importance(const aglm_report_source *s, aglm_str *out)
{
    aglm_importance_source source = {.space = s->space, .trials = s->trials, .n = s->n_trials};
    aglm_importance *items = aglm_calloc(s->space->n, sizeof *items);
    size_t n = 0;

    if (!items || aglm_importance_rank(&aglm_importance_ped_anova, &source, items, &n, NULL) < 0)
        out->rc = AGLM_NOMEM;
    if (n > 0)
        aglm_str_printf(
            out,
            "<h2>Importance of parameters</h2><p class=\"muted\">How differently the best tenth of the trials "
            "sets each parameter (PED-ANOVA), shares of the sum.</p><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\">",
            WIDTH, 22.0 * (double)(n < IMPORTANCE_SHOWN ? n : IMPORTANCE_SHOWN) + 8);
    for (size_t i = 0; i < n && i < IMPORTANCE_SHOWN; i++) {
        double y = 22.0 * (double)i + 4;
        aglm_str_printf(out, "<text x=\"200\" y=\"%.1f\" text-anchor=\"end\">", y + 13);
        put_escaped(out, items[i].name);
        aglm_str_printf(
            out,
            "</text><rect x=\"208\" y=\"%.1f\" width=\"%.1f\" height=\"16\" fill=\"#2463b4\"/>"
            "<text x=\"%.1f\" y=\"%.1f\">%.3f</text>",
            y, items[i].share * 560, 214 + items[i].share * 560, y + 13, items[i].share);
    }
    if (n > 0)
        aglm_str_puts(out, "</svg>");
    free(items);
}

/* ---- confusion ---- */

static void put_cells(const aglm_report_source *s, size_t n, double cell, aglm_str *out)
{
    const aglm_score *q = &s->result->score;

    for (size_t g = 0; g < n; g++) {
        for (size_t p = 0; p < n; p++) {
            uint32_t count = q->confusion[g * q->labels + p];
            double share = q->classes[g].support ? (double)count / (double)q->classes[g].support
                                                 : 0;
            if (count == 0)
                continue;
            aglm_str_printf(
                out,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\" fill-opacity=\"%.3f\">"
                "<title>",
                170 + cell * (double)p, 20 + cell * (double)g, cell - 1, cell - 1,
                g == p ? "#1b7f4b" : "#c2341a", 0.08 + 0.92 * share);
            put_escaped(out, aglm_dataset_label(s->input->data, g));
            aglm_str_puts(out, " taken for ");
            put_escaped(out, aglm_dataset_label(s->input->data, p));
            aglm_str_printf(out, ": %u (%.1f %%)</title></rect>", count, 100 * share);
            if (cell >= 30)
                aglm_str_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%u</text>",
                                170 + cell * ((double)p + 0.5), 24 + cell * ((double)g + 0.5),
                                count);
        }
    }
}

static void put_confusion(const aglm_report_source *s, aglm_str *out)
{
    const aglm_score *q = &s->result->score;
    size_t n = q->labels < CONFUSION_SHOWN ? q->labels : CONFUSION_SHOWN;

    if (!q->confusion)
        return;
    double cell = fmin(60, 660.0 / (double)n);
    aglm_str_puts(
        out,
        "<h2>Confusion</h2><p class=\"muted\">Rows are true labels, columns predicted ones; strength is the share of "
        "the row.");
    if (n < q->labels)
        aglm_str_printf(out, " The first %zu of %zu labels.", n, q->labels);
    aglm_str_printf(out, "</p><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\">", WIDTH,
                    30 + cell * (double)n);
    for (size_t g = 0; g < n; g++) {
        aglm_str_printf(out, "<text x=\"164\" y=\"%.1f\" text-anchor=\"end\">",
                        24 + cell * ((double)g + 0.5));
        put_escaped(out, aglm_dataset_label(s->input->data, g));
        aglm_str_puts(out, "</text>");
    }
    put_cells(s, n, cell, out);
    aglm_str_puts(out, "</svg>");
}

static void put_classes(const aglm_report_source *s, aglm_str *out)
{
    const aglm_score *q = &s->result->score;

    if (!q->classes)
        return;
    aglm_str_puts(
        out,
        "<h2>Classes</h2><table><tr><th>label</th><th class=\"n\">precision</th><th class=\"n\">recall</th>"
        "<th class=\"n\">F1</th><th class=\"n\">documents</th></tr>");
    for (size_t k = 0; k < q->labels; k++) {
        aglm_str_puts(out, "<tr><td>");
        put_escaped(out, aglm_dataset_label(s->input->data, k));
        aglm_str_printf(
            out,
            "</td><td class=\"n\">%.3f</td><td class=\"n\">%.3f</td><td class=\"n\">%.3f</td>"
            "<td class=\"n\">%llu</td></tr>",
            q->classes[k].precision, q->classes[k].recall, q->classes[k].f1,
            (unsigned long long)q->classes[k].support);
    }
    aglm_str_puts(out, "</table>");
}

void aglm_report_html(const aglm_report_source *s, aglm_str *out)
{
    put_head(s, out);
    put_leaders(s, out);
    put_history(s, out);
    put_importance(s, out);
    put_confusion(s, out);
    put_classes(s, out);
    aglm_str_printf(out, "<p class=\"muted\">autoglm %s</p></body></html>\n", AGLM_VERSION);
}
