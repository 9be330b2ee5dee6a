#include "tune/input.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The second file must have the columns of the first under the same names, or at the same places
 * where there is no header. */
static aglm_rc same_columns(const aglm_input *in, aglm_task_guess *guess, aglm_error *err)
{
    const aglm_table *a = in->table, *b = in->valid_table;
    bool named = aglm_table_report(a)->has_header && aglm_table_report(b)->has_header;
    int *cols[1 + AGLM_TASK_MAX_TEXT_COLS + AGLM_TASK_MAX_FEATURES];
    size_t n = 0;

    cols[n++] = &guess->label_col;
    for (size_t i = 0; i < guess->n_text_cols; i++)
        cols[n++] = &guess->text_cols[i];
    for (size_t i = 0; i < guess->n_features; i++)
        cols[n++] = &guess->features[i];
    for (size_t i = 0; i < n; i++) {
        const char *name = aglm_table_col_name(a, (size_t)*cols[i]);
        int found = named ? aglm_table_find_col(b, name) : *cols[i];
        if (found < 0 || (size_t)found >= aglm_table_cols(b))
            return aglm_error_set(err, AGLM_INVALID, "%s: has no column \"%.100s\" as %s has",
                                  aglm_table_report(b)->name, name, aglm_table_report(a)->name);
        *cols[i] = found;
    }
    return AGLM_OK;
}

static aglm_rc read_valid(aglm_input *in, const aglm_input_options *o, aglm_dataset *train,
                          aglm_error *err)
{
    aglm_dataset_options options = {.skip_bad_rows = o->read.skip_bad_rows};
    aglm_read_options read = o->read; /* a second file is written like the first */
    aglm_task_guess guess = in->guess;
    aglm_dataset *valid = NULL;
    const char **labels = NULL;
    aglm_rc rc;

    if (read.header == AGLM_HEADER_AUTO)
        read.header = aglm_table_report(in->table)->has_header ? AGLM_HEADER_YES : AGLM_HEADER_NO;
    if ((rc = aglm_table_read(&in->valid_table, o->valid, &read, err)) != AGLM_OK)
        return rc;
    if ((rc = same_columns(in, &guess, err)) != AGLM_OK)
        return rc;
    options.n_labels = aglm_dataset_n_labels(train);
    labels = aglm_calloc(options.n_labels, sizeof *labels);
    if (!labels)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for the labels");
    for (size_t i = 0; i < options.n_labels; i++)
        labels[i] = aglm_dataset_label(train, i);
    options.labels = labels;
    options.schema = aglm_dataset_schema(train);
    if ((rc = aglm_dataset_from_table(&valid, in->valid_table, &guess, &options, err)) != AGLM_OK)
        goto done;
    in->n_valid = aglm_dataset_size(valid);
    if ((rc = aglm_profile_make(&in->profile, train, valid, err)) != AGLM_OK)
        goto done;
    rc = aglm_dataset_concat(&in->data, train, valid, err);
done:
    aglm_dataset_free(valid);
    free(labels);
    return rc;
}

aglm_rc aglm_input_open(aglm_input *in, const aglm_input_options *o, aglm_error *err)
{
    aglm_dataset_options options = {.skip_bad_rows = o->read.skip_bad_rows};
    aglm_dataset *train = NULL;
    aglm_rc rc;

    memset(in, 0, sizeof *in);
    if ((rc = aglm_table_read(&in->table, o->file, &o->read, err)) != AGLM_OK)
        return rc;
    if ((rc = aglm_task_detect(&in->guess, in->table, &o->task, err)) != AGLM_OK)
        return rc;
    if ((rc = aglm_dataset_from_table(&train, in->table, &in->guess, &options, err)) != AGLM_OK)
        return rc;
    if (aglm_dataset_schema(train))
        aglm_schema_tell(aglm_dataset_schema(train), &in->guess.evidence);
    if (o->valid) {
        rc = read_valid(in, o, train, err);
        aglm_dataset_free(train);
        return rc;
    }
    in->data = train;
    return aglm_profile_make(&in->profile, train, NULL, err);
}

void aglm_input_clear(aglm_input *in)
{
    aglm_dataset_free(in->data);
    aglm_table_free(in->table);
    aglm_table_free(in->valid_table);
    aglm_str_clear(&in->guess.evidence);
    memset(in, 0, sizeof *in);
}
