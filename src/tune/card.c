#include "tune/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *aglm_report_state(aglm_trial_state state)
{
    switch (state) {
    case AGLM_TRIAL_RUNNING:
        return "RUNNING";
    case AGLM_TRIAL_COMPLETE:
        return "COMPLETE";
    case AGLM_TRIAL_PRUNED:
        return "PRUNED";
    case AGLM_TRIAL_FAIL:
        return "FAIL";
    case AGLM_TRIAL_WAITING:
        return "WAITING";
    }
    return "UNKNOWN";
}

static void put_param(aglm_str *s, const char *name, const aglm_json *v)
{
    aglm_str_printf(s, "%s%s=", s->len ? " " : "", name);
    switch (aglm_json_kind_of(v)) {
    case AGLM_JSON_STRING:
        aglm_str_puts(s, aglm_json_string(v, NULL));
        break;
    case AGLM_JSON_NUMBER:
        aglm_str_printf(s, "%.4g", aglm_json_double(v, NAN));
        break;
    case AGLM_JSON_BOOL:
        aglm_str_puts(s, aglm_json_bool(v, false) ? "true" : "false");
        break;
    default:
        aglm_str_puts(s, "null");
    }
}

/* "linear.c" of the learner "linear" is "c"; other names with a dot stay as they are. */
static const char *bare_name(const char *key, const char *learner)
{
    size_t n = learner ? strlen(learner) : 0;

    return n && strncmp(key, learner, n) == 0 && key[n] == '.' ? key + n + 1 : key;
}

void aglm_report_params(const char *json, char *buf, size_t size)
{
    aglm_json_doc *doc = NULL;
    const aglm_json *v;
    const char *key;
    aglm_str s;

    buf[0] = '\0';
    if (!json || aglm_json_parse(&doc, json, strlen(json), NULL, NULL) != AGLM_OK)
        return;
    const char *learner = aglm_json_string(aglm_json_get(aglm_json_root(doc), "learner"), NULL);
    aglm_str_init(&s, 1 << 16);
    aglm_json_iter it = aglm_json_iterate(aglm_json_root(doc));
    while ((v = aglm_json_next(&it, &key)))
        if (strcmp(key, "learner") != 0)
            put_param(&s, bare_name(key, learner), v);
    snprintf(buf, size, "%s", s.data);
    aglm_str_clear(&s);
    aglm_json_free(doc);
}

/* A label inside a Markdown table: what would end the cell or start markup is escaped. */
static void put_cell(aglm_str *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|\\`*_<>[]#", *text))
            aglm_str_putc(out, '\\');
        aglm_str_putc(out, *text == '\n' || *text == '\r' ? ' ' : *text);
    }
}

static void put_columns(const aglm_report_source *s, aglm_str *out)
{
    const aglm_schema *schema = aglm_dataset_schema(s->input->data);

    aglm_str_printf(out, "- %zu rows, %zu columns:", s->stages->docs, aglm_schema_size(schema));
    for (size_t i = 0; i < aglm_schema_size(schema); i++) {
        size_t categories = aglm_schema_categories(schema, i);
        aglm_str_puts(out, i ? ", " : " ");
        put_cell(out, aglm_schema_name(schema, i));
        if (categories)
            aglm_str_printf(out, " (%zu categories)", categories);
    }
    aglm_str_putc(out, '\n');
}

static void put_data(const aglm_report_source *s, aglm_str *out)
{
    const aglm_read_report *rep = aglm_table_report(s->input->table);
    const aglm_profile *p = &s->input->profile;
    char language[64];

    aglm_profile_language(p, language, sizeof language);
    aglm_str_puts(out, "\n## Data\n\n");
    aglm_str_printf(out, "- File `%s`, SHA-256 `%s`\n", rep->name, rep->sha256);
    if (s->input->valid_table)
        aglm_str_printf(out, "- Validation file `%s`, SHA-256 `%s`\n",
                        aglm_table_report(s->input->valid_table)->name,
                        aglm_table_report(s->input->valid_table)->sha256);
    if (s->input->guess.tabular) {
        put_columns(s, out);
    } else {
        aglm_str_printf(out, "- %zu documents, %zu labels, %s\n", s->stages->docs, p->labels,
                        language);
        aglm_str_printf(out, "- Characters a document: median %u, 95th percentile %u, longest %u\n",
                        p->chars_p50, p->chars_p95, p->chars_max);
    }
    if (s->result->bundle.task != AGLM_TASK_REGRESSION)
        aglm_str_printf(out, "- Smallest class %zu, largest class %zu documents\n", p->class_min,
                        p->class_max);
    aglm_str_printf(out, "- %zu repeated texts, %zu of them with other labels\n", p->duplicates,
                    p->conflicts);
}

static void put_quality(const aglm_report_source *s, aglm_str *out)
{
    const aglm_score *q = &s->result->score;

    aglm_str_printf(
        out,
        "\n## Quality\n\nMeasured on %zu documents that the scored models had not learned from (%s, seed %llu).\n\n",
        q->docs, s->stages->folds > 1 ? "cross-validation" : "one held-out part",
        (unsigned long long)s->seed);
    aglm_str_puts(out, "| metric | value | 95 % interval |\n|---|---|---|\n");
    for (int m = 0; m < AGLM_METRICS; m++) {
        const aglm_interval *i = aglm_score_interval(q, (aglm_metric)m);
        if (!aglm_metric_fits((aglm_metric)m, q->task))
            continue;
        aglm_str_printf(out, "| %s%s | %.4f |", aglm_metric_name((aglm_metric)m),
                        (aglm_metric)m == s->result->metric ? " (chosen by)" : "", q->value[m]);
        if (i)
            aglm_str_printf(out, " %.4f to %.4f |\n", i->low, i->high);
        else
            aglm_str_puts(out, " |\n");
    }
}

static void put_classes(const aglm_report_source *s, aglm_str *out)
{
    const aglm_score *q = &s->result->score;

    if (!q->classes)
        return;
    aglm_str_puts(
        out,
        "\n## Classes\n\n| label | precision | recall | F1 | documents |\n|---|---|---|---|---|\n");
    for (size_t k = 0; k < q->labels; k++) {
        aglm_str_puts(out, "| ");
        put_cell(out, aglm_dataset_label(s->input->data, k));
        aglm_str_printf(out, " | %.3f | %.3f | %.3f | %llu |\n", q->classes[k].precision,
                        q->classes[k].recall, q->classes[k].f1,
                        (unsigned long long)q->classes[k].support);
    }
}

static void put_members(const aglm_report_source *s, aglm_str *out)
{
    const aglm_bundle *b = &s->result->bundle;

    aglm_str_puts(out, "\n## Model\n\n");
    for (size_t i = 0; i < b->n_members; i++)
        aglm_str_printf(out, "- `model-%zu.bin`: %s, weight %.3f, trial %lld\n  `%s`\n", i,
                        b->members[i].model->ops->name, b->members[i].weight,
                        (long long)b->members[i].trial, b->members[i].params_json);
    aglm_str_printf(out, "- %llu bytes of weights\n", (unsigned long long)s->result->bundle_bytes);
    aglm_str_printf(out, "- Learned from %s\n",
                    s->result->refitted
                        ? "all documents"
                        : "the documents of the last fold (no time was left for all)");
}

void aglm_report_card(const aglm_report_source *s, aglm_str *out)
{
    bool tabular = s->input->guess.tabular;

    aglm_str_printf(out, "# %s made by autoglm %s\n\nTask: %s. ",
                    tabular ? "Model of a table" : "Text classifier", AGLM_VERSION,
                    aglm_task_name(s->result->bundle.task));
    aglm_str_printf(
        out,
        "Predict with `autoglm predict THIS_FOLDER FILE`; the command that made it stands in `manifest.json`.\n");
    put_quality(s, out);
    put_members(s, out);
    put_data(s, out);
    put_classes(s, out);
    aglm_str_puts(out, "\n## Limits\n\nThe figures hold for ");
    aglm_str_printf(out,
                    "%s like those it learned from. Times of the machine that made it "
                    "are in `times.json`, all trials in `study.json`, pictures in `report.html`.\n",
                    tabular ? "rows" : "texts");
}
