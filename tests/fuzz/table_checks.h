/* table_checks.h - what must hold for every table, whatever it was read from.
 * Threads: pure functions. */
#ifndef AGLM_TESTS_TABLE_CHECKS_H
#define AGLM_TESTS_TABLE_CHECKS_H

#include <string.h>

#include "base/utf8.h"
#include "data/dataset.h"
#include "data/split.h"

static void check_cells(const aglm_table *t)
{
    for (size_t r = 0; r < aglm_table_rows(t); r++) {
        for (size_t c = 0; c < aglm_table_cols(t); c++) {
            aglm_cell cell = aglm_table_cell(t, r, c);
            FUZZ_CHECK(strlen(cell.text) == cell.len);
            FUZZ_CHECK(aglm_utf8_check(cell.text, cell.len) == cell.len);
            FUZZ_CHECK(cell.kind != AGLM_CELL_MISSING || cell.len == 0);
        }
        FUZZ_CHECK(r == 0 || aglm_table_line(t, r) >= aglm_table_line(t, r - 1));
    }
    for (size_t c = 0; c < aglm_table_cols(t); c++)
        FUZZ_CHECK(aglm_table_col_name(t, c) &&
                   aglm_table_find_col(t, aglm_table_col_name(t, c)) >= 0);
}

static void check_dataset(const aglm_table *t, const aglm_task_guess *guess)
{
    const aglm_dataset_options options = {.skip_bad_rows = true};
    aglm_dataset *d = NULL;
    aglm_error err = {0};
    static uint8_t fold[1 << 16];

    if (aglm_dataset_from_table(&d, t, guess, &options, &err)) {
        FUZZ_CHECK(!d && err.msg[0]);
        return;
    }
    FUZZ_CHECK(aglm_dataset_size(d) + aglm_dataset_skipped(d) == aglm_table_rows(t));
    for (size_t i = 0; i < aglm_dataset_size(d); i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        FUZZ_CHECK(doc.text[doc.len] == '\0');
        for (uint32_t k = 0; k < doc.n_labels; k++)
            FUZZ_CHECK(doc.labels[k] < aglm_dataset_n_labels(d) &&
                       (!k || doc.labels[k - 1] < doc.labels[k]));
    }
    if (aglm_dataset_size(d) <= sizeof fold)
        FUZZ_CHECK(aglm_split_folds(d, 3, 1, fold, &err) == AGLM_OK);
    aglm_dataset_free(d);
}

/* Reads the bytes and follows them as far as they lead. */
static void check_table(const char *name, const char *data, size_t n,
                        const aglm_read_options *options)
{
    aglm_table *t = NULL;
    aglm_task_guess guess;
    aglm_error err = {0};

    if (aglm_table_parse(&t, name, data, n, options, &err)) {
        FUZZ_CHECK(!t && err.msg[0]);
        return;
    }
    check_cells(t);
    if (aglm_task_detect(&guess, t, NULL, &err) == AGLM_OK)
        check_dataset(t, &guess);
    else
        FUZZ_CHECK(err.msg[0]);
    aglm_str_clear(&guess.evidence);
    aglm_table_free(t);
}

#endif
