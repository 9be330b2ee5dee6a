#include "cli/reading.h"

#include <stdio.h>
#include <string.h>

#include "data/schema.h"

aglm_rc aglm_reading_options(const aglm_args *a, aglm_read_options *read, aglm_task_options *task,
                             aglm_error *err)
{
    const char *format = aglm_args_text(a, "format", NULL);
    const char *encoding = aglm_args_text(a, "encoding", NULL);
    const char *header = aglm_args_text(a, "header", NULL);

    memset(read, 0, sizeof *read);
    memset(task, 0, sizeof *task);
    if (format && !aglm_format_from_name(format, &read->format))
        return aglm_error_set(err, AGLM_INVALID, "--format %.60s: there is no such format", format);
    if (encoding && !aglm_encoding_from_name(encoding, &read->encoding))
        return aglm_error_set(err, AGLM_INVALID,
                              "--encoding %.60s: use utf-8, gb18030, utf-16le, utf-16be or latin1",
                              encoding);
    if (header)
        read->header = strcmp(header, "yes") == 0 ? AGLM_HEADER_YES : AGLM_HEADER_NO;
    read->skip_bad_rows = aglm_args_flag(a, "skip-bad-rows");
    task->label = aglm_args_text(a, "label", NULL);
    task->text = aglm_args_text(a, "text", NULL);
    task->features = aglm_args_text(a, "features", NULL);
    if (task->text && task->features)
        return aglm_error_set(err, AGLM_INVALID,
                              "--text and --features: a file is one of texts or a table");
    return AGLM_OK;
}

/* Names of the bundle's columns with `between` them; false when the table, if given, lacks one. */
static bool join_names(const aglm_json *columns, const aglm_table *t, char between, char *names)
{
    aglm_json_iter it = aglm_json_iterate(columns);
    const aglm_json *v;
    size_t used = 0;

    while ((v = aglm_json_next(&it, NULL))) {
        const char *name = aglm_json_string(v, NULL);
        if (!name || (t && aglm_table_find_col(t, name) < 0))
            return false;
        int n = snprintf(names + used, AGLM_READING_NAMES - used, "%.*s%s", used > 0, &between,
                         name);
        if (n < 0 || (size_t)n >= AGLM_READING_NAMES - used)
            return false;
        used += (size_t)n;
    }
    return used > 0;
}

static const aglm_json *data_member(const aglm_bundle *b, const char *key)
{
    return aglm_json_get(aglm_json_get(aglm_json_root(b->manifest), "data"), key);
}

static const aglm_json *feature_columns(const aglm_bundle *b)
{
    return data_member(b, "feature_columns");
}

void aglm_reading_header(const aglm_bundle *b, aglm_read_options *read)
{
    if (read->header == AGLM_HEADER_AUTO && aglm_reading_is_table(b))
        read->header = aglm_json_bool(data_member(b, "header"), true) ? AGLM_HEADER_YES
                                                                      : AGLM_HEADER_NO;
}

bool aglm_reading_is_table(const aglm_bundle *b)
{
    return aglm_json_size(feature_columns(b)) > 0;
}

const char *aglm_reading_feature(const aglm_bundle *b, size_t i)
{
    aglm_json_iter it = aglm_json_iterate(feature_columns(b));
    const aglm_json *v = aglm_json_next(&it, NULL);

    for (; v && i > 0; i--)
        v = aglm_json_next(&it, NULL);
    const char *name = v ? aglm_json_string(v, NULL) : NULL;
    return name ? name : "";
}

void aglm_reading_columns(const aglm_bundle *b, const aglm_table *t, aglm_task_options *task,
                          char names[AGLM_READING_NAMES])
{
    const aglm_json *data = aglm_json_get(aglm_json_root(b->manifest), "data");
    const char *label = aglm_json_string(aglm_json_get(data, "label_column"), NULL);

    task->known = true;
    if (!task->label && label && aglm_table_find_col(t, label) >= 0)
        task->label = label;
    if (aglm_reading_is_table(b)) {
        task->text = NULL;
        if (!task->features && join_names(feature_columns(b), NULL, AGLM_ROW_SEPARATOR, names))
            task->features = names;
        return;
    }
    if (!task->text && aglm_table_cols(t) == 1)
        task->text = aglm_table_col_name(t, 0);
    if (!task->text && join_names(aglm_json_get(data, "text_columns"), t, ',', names))
        task->text = names;
}
