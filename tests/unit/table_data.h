/* table_data.h - made-up tables of numbers and categories, for tests of rooms that want rows.
 * Threads: as aglm_dataset. */
#ifndef AGLM_TESTS_TABLE_DATA_H
#define AGLM_TESTS_TABLE_DATA_H

#include "base/rng.h"
#include "base/str.h"
#include "data/dataset.h"
#include "unit.h"

typedef enum table_kind { TABLE_BINARY, TABLE_MULTICLASS, TABLE_REGRESSION } table_kind;

static inline void table_target(aglm_str *s, double value, table_kind kind)
{
    if (kind == TABLE_REGRESSION)
        aglm_str_printf(s, "%.4f\n", value);
    else if (kind == TABLE_BINARY)
        aglm_str_puts(s, value > 10 ? "yes\n" : "no\n");
    else
        aglm_str_puts(s, value < 7 ? "low\n" : value < 13 ? "middle\n" : "high\n");
}

/* "height,width,colour,noise,target": the target follows the first three; every ninth cell of
 * height is missing. */
static inline void table_rows(aglm_str *s, unsigned rows, uint64_t seed, table_kind kind)
{
    static const char *const COLOURS[] = {"red", "green", "blue"};
    aglm_rng r;

    aglm_rng_init(&r, seed);
    aglm_str_puts(s, "height,width,colour,noise,target\n");
    for (unsigned i = 0; i < rows; i++) {
        double height = aglm_rng_uniform(&r) * 10, width = aglm_rng_uniform(&r) * 10;
        unsigned colour = (unsigned)aglm_rng_below(&r, 3);
        double value = height + (colour == 1 ? 8 : 0) + (width > 5 ? 3 : 0) +
                       0.3 * aglm_rng_normal(&r);
        if (i % 9 != 8)
            aglm_str_printf(s, "%.3f", height);
        aglm_str_printf(s, ",%.3f,%s,%.3f,", width, COLOURS[colour], aglm_rng_normal(&r));
        table_target(s, value, kind);
    }
}

static inline aglm_dataset *table_dataset(const char *csv)
{
    aglm_read_options read = {.format = AGLM_FORMAT_CSV};
    aglm_task_guess guess = {0};
    aglm_table *t = NULL;
    aglm_dataset *d = NULL;
    aglm_error err = {0};

    if (aglm_table_parse(&t, "table.csv", csv, strlen(csv), &read, &err) != AGLM_OK ||
        aglm_task_detect(&guess, t, NULL, &err) != AGLM_OK ||
        aglm_dataset_from_table(&d, t, &guess, NULL, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_true(guess.tabular);
    aglm_str_clear(&guess.evidence);
    aglm_table_free(t);
    return d;
}

static inline aglm_dataset *table_new(unsigned rows, uint64_t seed, table_kind kind)
{
    aglm_str s;

    aglm_str_init(&s, (size_t)1 << 24);
    table_rows(&s, rows, seed, kind);
    aglm_dataset *d = table_dataset(s.data);
    aglm_str_clear(&s);
    return d;
}

#endif
