#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "data/table_priv.h"

static bool is_text_list(const aglm_json *v)
{
    aglm_json_iter it = aglm_json_iterate(v);
    const aglm_json *e;

    while ((e = aglm_json_next(&it, NULL))) {
        aglm_json_kind k = aglm_json_kind_of(e);
        if (k != AGLM_JSON_STRING && k != AGLM_JSON_NUMBER)
            return false;
    }
    return true;
}

/* Numbers as people write them: 5, not 5.0. */
static void append_number(aglm_str *out, const aglm_json *v)
{
    char buf[32];
    int64_t whole = aglm_json_int(v, INT64_MIN);

    if (whole != INT64_MIN) {
        aglm_str_printf(out, "%lld", (long long)whole);
        return;
    }
    aglm_double_format(buf, aglm_json_double(v, 0));
    aglm_str_puts(out, buf);
}

static void append_scalar(aglm_str *out, const aglm_json *v)
{
    size_t len;
    const char *s = aglm_json_string(v, &len);

    if (s)
        aglm_str_append(out, s, len);
    else if (aglm_json_kind_of(v) == AGLM_JSON_NUMBER)
        append_number(out, v);
    else if (aglm_json_kind_of(v) == AGLM_JSON_BOOL)
        aglm_str_puts(out, aglm_json_bool(v, false) ? "true" : "false");
}

static void append_list(aglm_str *out, const aglm_json *v)
{
    aglm_json_iter it = aglm_json_iterate(v);
    const aglm_json *e = aglm_json_next(&it, NULL);

    while (e) {
        append_scalar(out, e);
        e = aglm_json_next(&it, NULL);
        if (e)
            aglm_str_putc(out, AGLM_LIST_SEPARATOR);
    }
}

static aglm_cell_kind append_value(aglm_str *out, const aglm_json *v)
{
    aglm_json_writer w;

    switch (aglm_json_kind_of(v)) {
    case AGLM_JSON_NULL:
        return AGLM_CELL_MISSING;
    case AGLM_JSON_NUMBER:
        append_number(out, v);
        return AGLM_CELL_NUMBER;
    case AGLM_JSON_ARRAY:
        if (is_text_list(v)) {
            append_list(out, v);
            return AGLM_CELL_LIST;
        }
        break;
    case AGLM_JSON_OBJECT:
        break;
    default:
        append_scalar(out, v);
        return AGLM_CELL_TEXT;
    }
    aglm_json_writer_init(&w, out);
    aglm_json_put_value(&w, v);
    return AGLM_CELL_TEXT;
}

static aglm_rc put_member(aglm_table_builder *b, const char *key, const aglm_json *v,
                          aglm_str *scratch)
{
    size_t col, offset;

    aglm_str_reset(scratch);
    aglm_cell_kind kind = append_value(scratch, v);
    if (scratch->rc)
        return aglm_error_set(b->err, scratch->rc, "%s: \"%s\": %s", b->name, key,
                              aglm_rc_text(scratch->rc));
    aglm_rc rc = aglm_builder_col(b, key, strlen(key), &col);
    if (rc || kind == AGLM_CELL_MISSING)
        return rc;
    rc = aglm_builder_text(b, scratch->data, scratch->len, &offset);
    return rc ? rc : aglm_builder_put(b, col, kind, offset, scratch->len);
}

/* The key of a member whose value holds a NUL character; NULL when there is none. */
static const char *find_nul(const aglm_json *object)
{
    aglm_json_iter it = aglm_json_iterate(object);
    const aglm_json *v;
    const char *key, *s;
    size_t len;

    while ((v = aglm_json_next(&it, &key)))
        if ((s = aglm_json_string(v, &len)) && memchr(s, '\0', len))
            return key;
    return NULL;
}

static aglm_rc put_object(aglm_table_builder *b, size_t line, const aglm_json *v, aglm_str *scratch)
{
    aglm_json_iter it = aglm_json_iterate(v);
    const char *key;
    const aglm_json *member;

    if (aglm_json_kind_of(v) != AGLM_JSON_OBJECT)
        return aglm_builder_bad(
            b, line, 1, "expected an object such as {\"text\": ..., \"label\": ...}, found %s",
            aglm_json_kind_name(v));
    if ((key = find_nul(v)))
        return aglm_builder_bad(b, line, 0, "a NUL character in \"%s\"; remove it", key);
    aglm_rc rc = AGLM_OK;
    while (!rc && (member = aglm_json_next(&it, &key)))
        rc = put_member(b, key, member, scratch);
    return rc ? rc : aglm_builder_end_row(b, line);
}

static aglm_rc read_line(aglm_table_builder *b, size_t line, const char *s, size_t n,
                         aglm_str *scratch)
{
    aglm_json_doc *doc;
    aglm_error err = {0};
    aglm_json_options options = {.allow_nonfinite = true};

    aglm_rc rc = aglm_json_parse(&doc, s, n, &options, &err);
    if (rc == AGLM_NOMEM)
        return aglm_builder_nomem(b);
    if (rc)
        return aglm_builder_bad(b, line, 0, "%s", err.msg);
    rc = put_object(b, line, aglm_json_root(doc), scratch);
    aglm_json_free(doc);
    return rc;
}

aglm_rc aglm_table_read_jsonl(aglm_table_builder *b)
{
    aglm_lines lines;
    aglm_str scratch;
    char *s;
    size_t n;
    aglm_rc rc = AGLM_OK;

    aglm_str_init(&scratch, b->opt.max_row_bytes * 2);
    aglm_lines_init(&lines, b->text, b->len);
    while (!rc && !(rc = aglm_lines_row(&lines, b, &s, &n)) && s)
        if (!aglm_line_blank(s, n))
            rc = read_line(b, lines.number, s, n, &scratch);
    aglm_str_clear(&scratch);
    return rc;
}

/* An array of objects, or an object whose only list is one, as {"data": [...]}. */
static const aglm_json *find_rows(const aglm_json *root)
{
    aglm_json_iter it = aglm_json_iterate(root);
    const aglm_json *found = NULL;
    const aglm_json *v;

    if (aglm_json_kind_of(root) == AGLM_JSON_ARRAY)
        return root;
    if (aglm_json_kind_of(root) != AGLM_JSON_OBJECT)
        return NULL;
    while ((v = aglm_json_next(&it, NULL))) {
        if (aglm_json_kind_of(v) != AGLM_JSON_ARRAY)
            continue;
        if (found)
            return NULL;
        found = v;
    }
    return found;
}

static aglm_rc put_rows(aglm_table_builder *b, const aglm_json *rows)
{
    aglm_json_iter it = aglm_json_iterate(rows);
    aglm_str scratch;
    const aglm_json *v;
    aglm_rc rc = AGLM_OK;

    aglm_str_init(&scratch, b->opt.max_row_bytes * 2);
    for (size_t i = 1; !rc && (v = aglm_json_next(&it, NULL)); i++)
        rc = put_object(b, i, v, &scratch);
    aglm_str_clear(&scratch);
    return rc;
}

aglm_rc aglm_table_read_json(aglm_table_builder *b)
{
    aglm_json_doc *doc;
    aglm_json_options options = {.origin = b->name, .allow_nonfinite = true};

    aglm_rc rc = aglm_json_parse(&doc, b->text, b->len, &options, b->err);
    if (rc)
        return rc;
    const aglm_json *rows = find_rows(aglm_json_root(doc));
    rc = rows ? put_rows(b, rows)
              : aglm_builder_fail(
                    b, 1, 1, "expected an array of objects, found %s; or write one object a line",
                    aglm_json_kind_name(aglm_json_root(doc)));
    aglm_json_free(doc);
    return rc;
}
