#include "data/schema.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "data/task_priv.h"

#define MAX_NAME_BYTES ((size_t)64 << 20) /* of one column's categories */
#define TOLD_COLUMNS 8

struct column {
    char *name;
    aglm_map *categories; /* numbered by code; NULL for numbers */
};

struct aglm_schema {
    atomic_uint refs;
    struct column *columns;
    size_t n;
};

aglm_schema *aglm_schema_ref(const aglm_schema *s)
{
    aglm_schema *shared = (aglm_schema *)(uintptr_t)s; /* the count alone changes */

    atomic_fetch_add(&shared->refs, 1);
    return shared;
}

void aglm_schema_unref(aglm_schema *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    for (size_t i = 0; i < s->n; i++) {
        free(s->columns[i].name);
        aglm_map_free(s->columns[i].categories);
    }
    free(s->columns);
    free(s);
}

size_t aglm_schema_size(const aglm_schema *s)
{
    return s->n;
}

const char *aglm_schema_name(const aglm_schema *s, size_t col)
{
    return s->columns[col].name;
}

size_t aglm_schema_categories(const aglm_schema *s, size_t col)
{
    return s->columns[col].categories ? aglm_map_size(s->columns[col].categories) : 0;
}

const char *aglm_schema_category(const aglm_schema *s, size_t col, size_t code)
{
    return aglm_map_key(s->columns[col].categories, (uint32_t)code, NULL);
}

static aglm_rc nomem(aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "columns: out of memory");
}

static aglm_rc schema_new(aglm_schema **out, size_t n, aglm_error *err)
{
    aglm_schema *s;

    *out = NULL;
    if (n > AGLM_SCHEMA_MAX_COLUMNS)
        return aglm_error_set(err, AGLM_INVALID, "%zu columns; at most %d can be learned from", n,
                              AGLM_SCHEMA_MAX_COLUMNS);
    s = aglm_calloc(1, sizeof *s);
    if (!s)
        return nomem(err);
    atomic_init(&s->refs, 1);
    s->columns = aglm_calloc(n, sizeof *s->columns);
    if (!s->columns) {
        free(s);
        return nomem(err);
    }
    s->n = n;
    *out = s;
    return AGLM_OK;
}

bool aglm_cell_missing(const char *s, size_t len)
{
    static const char *const words[] = {"na", "n/a", "nan", "null", "none", "?", "-"};
    char lower[8];

    aglm_text_trim(&s, &len);
    if (len == 0)
        return true;
    if (len >= sizeof lower)
        return false;
    for (size_t i = 0; i < len; i++)
        lower[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
    lower[len] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(lower, words[i]) == 0)
            return true;
    return false;
}

bool aglm_numbers_prevail(size_t numbers, size_t others)
{
    return numbers > 0 && others * 100 <= numbers + others;
}

/* --- from a table --- */

static bool is_number_column(const aglm_table *t, size_t col)
{
    size_t numbers = 0, others = 0;
    double value;

    for (size_t row = 0; row < aglm_table_rows(t); row++) {
        aglm_cell c = aglm_table_cell(t, row, col);
        const char *s = c.text;
        size_t len = c.len;
        if (c.kind == AGLM_CELL_MISSING || aglm_cell_missing(s, len))
            continue;
        aglm_text_trim(&s, &len);
        bool number = aglm_double_parse(s, len, &value);
        numbers += number;
        others += !number;
    }
    return others == 0 || aglm_numbers_prevail(numbers, others);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of `seen` in byte order. */
static aglm_rc sort_categories(aglm_map *to, const aglm_map *seen, aglm_error *err)
{
    size_t n = aglm_map_size(seen);
    const char **names = aglm_calloc(n, sizeof *names);
    aglm_rc rc = names ? AGLM_OK : nomem(err);
    uint32_t code;

    for (size_t i = 0; !rc && i < n; i++)
        names[i] = aglm_map_key(seen, (uint32_t)i, NULL);
    if (!rc && n)
        qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; !rc && i < n; i++)
        rc = aglm_map_intern(to, names[i], strlen(names[i]), &code, err);
    free(names);
    return rc;
}

static aglm_rc see_categories(aglm_map *seen, const aglm_table *t, size_t col, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;
    uint32_t code;

    for (size_t row = 0; !rc && row < aglm_table_rows(t); row++) {
        aglm_cell c = aglm_table_cell(t, row, col);
        const char *s = c.text;
        size_t len = c.len;
        if (c.kind == AGLM_CELL_MISSING || aglm_cell_missing(s, len))
            continue;
        aglm_text_trim(&s, &len);
        if (aglm_map_size(seen) < AGLM_SCHEMA_MAX_CATEGORIES)
            rc = aglm_map_intern(seen, s, len, &code, err);
    }
    return rc;
}

static aglm_rc find_categories(struct column *c, const aglm_table *t, size_t col, aglm_error *err)
{
    aglm_map *seen = aglm_map_new(AGLM_SCHEMA_MAX_CATEGORIES, MAX_NAME_BYTES);
    aglm_rc rc;

    c->categories = aglm_map_new(AGLM_SCHEMA_MAX_CATEGORIES, MAX_NAME_BYTES);
    rc = seen && c->categories ? see_categories(seen, t, col, err) : nomem(err);
    if (!rc)
        rc = sort_categories(c->categories, seen, err);
    aglm_map_free(seen);
    return rc;
}

aglm_rc aglm_schema_from_table(aglm_schema **out, const aglm_table *t, const int *cols, size_t n,
                               aglm_error *err)
{
    aglm_schema *s = NULL;
    aglm_rc rc = schema_new(&s, n, err);

    *out = NULL;
    for (size_t i = 0; !rc && i < n; i++) {
        struct column *c = &s->columns[i];
        const char *name = aglm_table_col_name(t, (size_t)cols[i]);
        c->name = aglm_strndup(name, strlen(name));
        if (!c->name)
            rc = nomem(err);
        else if (!is_number_column(t, (size_t)cols[i]))
            rc = find_categories(c, t, (size_t)cols[i], err);
    }
    if (rc)
        aglm_schema_unref(s);
    else
        *out = s;
    return rc;
}

/* --- rows --- */

char aglm_row_separator(const char *row, size_t len)
{
    return len && memchr(row, AGLM_ROW_SEPARATOR, len) ? AGLM_ROW_SEPARATOR : '\t';
}

bool aglm_row_next(const char **rest, const char *end, char separator, const char **cell,
                   size_t *len)
{
    const char *s = *rest;

    if (!s)
        return false;
    const char *stop = s < end ? memchr(s, separator, (size_t)(end - s)) : NULL;
    *cell = s;
    *len = (size_t)((stop ? stop : end) - s);
    *rest = stop ? stop + 1 : NULL;
    return true;
}

static float encode_cell(const struct column *c, const char *s, size_t len)
{
    double value;
    uint32_t code;

    if (aglm_cell_missing(s, len))
        return NAN;
    aglm_text_trim(&s, &len);
    if (c->categories)
        return aglm_map_find(c->categories, s, len, &code) ? (float)code : NAN;
    if (!aglm_double_parse(s, len, &value))
        return NAN;
    return (float)fmax(-(double)FLT_MAX, fmin((double)FLT_MAX, value));
}

size_t aglm_schema_encode(const aglm_schema *s, const char *row, size_t len, float *out)
{
    const char *rest = row, *end = row + len, *cell;
    char separator = aglm_row_separator(row, len);
    size_t n = 0, size;

    for (; aglm_row_next(&rest, end, separator, &cell, &size); n++)
        if (n < s->n)
            out[n] = encode_cell(&s->columns[n], cell, size);
    for (size_t i = n; i < s->n; i++)
        out[i] = NAN;
    return n;
}

/* --- for a person --- */

static void tell_names(const aglm_schema *s, bool categories, aglm_str *out)
{
    size_t told = 0;

    for (size_t i = 0; i < s->n; i++) {
        if ((s->columns[i].categories != NULL) != categories)
            continue;
        if (told++ == TOLD_COLUMNS) {
            aglm_str_puts(out, ", ...");
            break;
        }
        aglm_str_printf(out, "%s\"%.40s\"", told > 1 ? ", " : " ", s->columns[i].name);
        if (categories)
            aglm_str_printf(out, " (%zu)", aglm_schema_categories(s, i));
    }
}

void aglm_schema_tell(const aglm_schema *s, aglm_str *out)
{
    size_t categories = 0;

    for (size_t i = 0; i < s->n; i++)
        categories += s->columns[i].categories != NULL;
    if (categories < s->n) {
        aglm_str_printf(out, "numbers: %zu column%s:", s->n - categories,
                        s->n - categories == 1 ? "" : "s");
        tell_names(s, false, out);
        aglm_str_puts(out, " (--features overrides)\n");
    }
    if (categories) {
        aglm_str_printf(out, "categories: %zu column%s:", categories, categories == 1 ? "" : "s");
        tell_names(s, true, out);
        aglm_str_puts(out, " (--features overrides)\n");
    }
}

/* --- in the model file --- */

static void write_column(aglm_json_writer *w, const aglm_schema *s, size_t i)
{
    aglm_json_open_object(w);
    aglm_json_member_text(w, "name", s->columns[i].name);
    if (s->columns[i].categories) {
        aglm_json_key(w, "categories");
        aglm_json_open_array(w);
        for (size_t k = 0; k < aglm_schema_categories(s, i); k++)
            aglm_json_put_text(w, aglm_schema_category(s, i, k));
        aglm_json_close_array(w);
    }
    aglm_json_close_object(w);
}

aglm_rc aglm_schema_write(const aglm_schema *s, aglm_str *out)
{
    aglm_json_writer w;

    aglm_json_writer_init(&w, out);
    aglm_json_open_array(&w);
    for (size_t i = 0; i < s->n; i++)
        write_column(&w, s, i);
    aglm_json_close_array(&w);
    return out->rc;
}

static aglm_rc parse_categories(struct column *c, const aglm_json *list, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(list);
    const aglm_json *v;
    uint32_t code;
    size_t len;

    if (aglm_json_kind_of(list) != AGLM_JSON_ARRAY ||
        aglm_json_size(list) > AGLM_SCHEMA_MAX_CATEGORIES)
        return aglm_error_set(err, AGLM_FORMAT, "categories: expected a list of at most %d names",
                              AGLM_SCHEMA_MAX_CATEGORIES);
    c->categories = aglm_map_new(AGLM_SCHEMA_MAX_CATEGORIES, MAX_NAME_BYTES);
    if (!c->categories)
        return nomem(err);
    for (size_t i = 0; (v = aglm_json_next(&it, NULL)); i++) {
        const char *name = aglm_json_string(v, &len);
        if (!name)
            return aglm_error_set(err, AGLM_FORMAT, "categories: expected strings, found %s",
                                  aglm_json_kind_name(v));
        aglm_rc rc = aglm_map_intern(c->categories, name, len, &code, err);
        if (rc)
            return rc;
        if (code != i)
            return aglm_error_set(err, AGLM_FORMAT, "categories: \"%.60s\" stands twice", name);
    }
    return AGLM_OK;
}

static aglm_rc parse_columns(aglm_schema *s, const aglm_json *list, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(list);
    const aglm_json *v;

    for (size_t i = 0; (v = aglm_json_next(&it, NULL)); i++) {
        const aglm_json *categories = aglm_json_get(v, "categories");
        const char *name = NULL;
        aglm_rc rc = aglm_json_need_string(v, "name", &name, err);
        if (!rc && !(s->columns[i].name = aglm_strndup(name, strlen(name))))
            rc = nomem(err);
        if (!rc && categories)
            rc = parse_categories(&s->columns[i], categories, err);
        if (rc) {
            aglm_error_prefix(err, "column %zu", i + 1);
            return rc;
        }
    }
    return AGLM_OK;
}

aglm_rc aglm_schema_parse(aglm_schema **out, const char *text, size_t n, aglm_error *err)
{
    aglm_json_doc *doc = NULL;
    aglm_schema *s = NULL;
    aglm_rc rc = aglm_json_parse(&doc, text, n, NULL, err);

    *out = NULL;
    if (rc)
        return rc;
    const aglm_json *list = aglm_json_root(doc);
    size_t size = aglm_json_size(list);
    if (aglm_json_kind_of(list) != AGLM_JSON_ARRAY || size == 0 || size > AGLM_SCHEMA_MAX_COLUMNS)
        rc = aglm_error_set(err, AGLM_FORMAT, "columns: expected a list of 1 to %d",
                            AGLM_SCHEMA_MAX_COLUMNS);
    if (!rc)
        rc = schema_new(&s, size, err);
    if (!rc)
        rc = parse_columns(s, list, err);
    aglm_json_free(doc);
    if (rc)
        aglm_schema_unref(s);
    else
        *out = s;
    return rc;
}
