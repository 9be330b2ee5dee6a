#include "data/schema.h"
#include "data/task_priv.h"

#define TEXT_BYTES 16      /* values that are mostly different and longer than this are texts */
#define LONG_TEXT_BYTES 40 /* beside many numbers only these are: shorter ones are names */
#define MANY_NUMBERS 3

static size_t present(const aglm_column_facts *f)
{
    return f->rows - f->missing;
}

bool aglm_column_numeric(const aglm_column_facts *f)
{
    size_t numbers = f->numbers < present(f) ? f->numbers : present(f);

    return aglm_numbers_prevail(numbers, present(f) - numbers);
}

static bool mostly_differs(const aglm_column_facts *f)
{
    return f->distinct * 2 > f->rows;
}

static bool holds_texts(const aglm_table *t, const aglm_column_facts *facts, size_t col,
                        size_t numeric)
{
    const aglm_column_facts *f = &facts[col];
    int named = aglm_column_text_name(aglm_table_col_name(t, col));

    if (present(f) == 0 || aglm_column_numeric(f) || f->lists == f->rows)
        return false;
    if (named == 2 || (named && mostly_differs(f)))
        return true;
    if (!mostly_differs(f))
        return false;
    if (numeric >= MANY_NUMBERS)
        return f->mean_bytes >= LONG_TEXT_BYTES;
    return f->mean_bytes >= TEXT_BYTES || f->blanks * 2 > f->rows;
}

bool aglm_columns_are_table(const aglm_table *t, const aglm_column_facts *facts, int label_col)
{
    aglm_format format = aglm_table_report(t)->format;
    size_t numeric = 0;

    if (format != AGLM_FORMAT_CSV && format != AGLM_FORMAT_TSV && format != AGLM_FORMAT_JSONL &&
        format != AGLM_FORMAT_JSON)
        return false;
    for (size_t i = 0; i < aglm_table_cols(t); i++) {
        const char *name = aglm_table_col_name(t, i);
        bool label = label_col < 0 ? aglm_column_label_name(name) > 0 : (int)i == label_col;
        numeric += !label && !aglm_column_id_name(name) && aglm_column_numeric(&facts[i]);
    }
    if (numeric == 0)
        return false;
    for (size_t i = 0; i < aglm_table_cols(t); i++)
        if ((int)i != label_col && holds_texts(t, facts, i, numeric))
            return false;
    return true;
}

/* Why a column cannot be learned from; NULL when it can. */
static const char *unfit(const aglm_table *t, const aglm_column_facts *f, size_t col)
{
    if (aglm_column_id_name(aglm_table_col_name(t, col)))
        return "it numbers the rows";
    if (f->lists)
        return "its values are lists";
    if (present(f) == 0)
        return "it has no values";
    if (f->distinct < 2)
        return "all its values are the same";
    if (!aglm_column_numeric(f) && (mostly_differs(f) || f->distinct > AGLM_SCHEMA_MAX_CATEGORIES))
        return "its values are names, mostly different";
    return NULL;
}

aglm_rc aglm_features_choose(const aglm_table *t, const aglm_column_facts *facts,
                             aglm_task_guess *g, aglm_error *err)
{
    for (size_t i = 0; i < aglm_table_cols(t); i++) {
        const char *why = unfit(t, &facts[i], i);
        if ((int)i == g->label_col)
            continue;
        if (why) {
            aglm_str_printf(&g->evidence, "left out: column \"%.60s\", %s (--features overrides)\n",
                            aglm_table_col_name(t, i), why);
            continue;
        }
        if (g->n_features == AGLM_TASK_MAX_FEATURES)
            return aglm_error_set(err, AGLM_INVALID, "%s: over %d columns; name some by --features",
                                  aglm_table_report(t)->name, AGLM_TASK_MAX_FEATURES);
        g->features[g->n_features++] = (int)i;
    }
    return g->n_features ? AGLM_OK
                         : aglm_error_set(err, AGLM_INVALID,
                                          "%s: no column to learn from beside the label "
                                          "(--features A,B)",
                                          aglm_table_report(t)->name);
}
