#include "eval/text_metric_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

#define FACTS_MAX 100000
#define FACT_BYTES_MAX ((size_t)16 << 20)

/* Facts of a JSON value: "path = scalar" for each member, "path[] = element" for each element of a
 * list, as numbers that equal facts share. */
struct facts {
    aglm_map *numbers;
    aglm_symbols *out;
    aglm_str path;
    aglm_rc rc;
};

static void put_canonical(aglm_str *s, const aglm_json *v);

static int by_key(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

/* Members in the order of their keys, so that two objects alike read alike. */
static void put_members(aglm_str *s, const aglm_json *v)
{
    size_t n = aglm_json_size(v), at = 0;
    const char **keys = aglm_calloc(n, sizeof *keys);
    aglm_json_iter it = aglm_json_iterate(v);

    if (!keys) {
        s->rc = AGLM_NOMEM;
        return;
    }
    while (at < n && aglm_json_next(&it, &keys[at]))
        at++;
    qsort(keys, at, sizeof *keys, by_key);
    for (size_t i = 0; i < at; i++) {
        aglm_str_printf(s, "%s\x1f", keys[i]);
        put_canonical(s, aglm_json_get(v, keys[i]));
    }
    free(keys);
}

static void put_elements(aglm_str *s, const aglm_json *v)
{
    aglm_json_iter it = aglm_json_iterate(v);
    const aglm_json *e;

    while ((e = aglm_json_next(&it, NULL)))
        put_canonical(s, e);
}

/* Texts without regard to case, width, and blanks and marks around them. */
static void put_canonical(aglm_str *s, const aglm_json *v)
{
    char number[32];
    aglm_str text;
    size_t len;

    switch (aglm_json_kind_of(v)) {
    case AGLM_JSON_STRING: {
        const char *bytes = aglm_json_string(v, &len);
        aglm_str_init(&text, FACT_BYTES_MAX);
        if (aglm_label_fold(&text, bytes, len) != AGLM_OK)
            s->rc = text.rc;
        else if (text.len == 0)
            aglm_str_append(s, bytes, len);
        aglm_str_append(s, text.data, text.len);
        aglm_str_clear(&text);
        break;
    }
    case AGLM_JSON_NUMBER:
        aglm_double_format(number, aglm_json_double(v, 0) + 0.0);
        aglm_str_printf(s, "#%s", number);
        break;
    case AGLM_JSON_BOOL:
        aglm_str_puts(s, aglm_json_bool(v, false) ? "#true" : "#false");
        break;
    case AGLM_JSON_NULL:
        aglm_str_puts(s, "#null");
        break;
    case AGLM_JSON_OBJECT:
        aglm_str_putc(s, '{');
        put_members(s, v);
        aglm_str_putc(s, '}');
        break;
    case AGLM_JSON_ARRAY:
        aglm_str_putc(s, '[');
        put_elements(s, v);
        aglm_str_putc(s, ']');
        break;
    }
    aglm_str_putc(s, '\x1e');
}

/* An empty text, null and an empty list say nothing. */
static bool says_nothing(const aglm_json *v)
{
    aglm_json_kind kind = aglm_json_kind_of(v);
    size_t len;

    if (kind == AGLM_JSON_STRING)
        return aglm_json_string(v, &len) && len == 0;
    return kind == AGLM_JSON_NULL;
}

static void path_cut(aglm_str *path, size_t len)
{
    if (path->rc == AGLM_OK) {
        path->len = len;
        path->data[len] = '\0';
    }
}

static void fact_add(struct facts *f, const aglm_json *v)
{
    size_t mark = f->path.len;
    uint32_t number;

    aglm_str_putc(&f->path, '=');
    put_canonical(&f->path, v);
    if (f->rc == AGLM_OK)
        f->rc = f->path.rc;
    if (f->rc == AGLM_OK)
        f->rc = aglm_map_intern(f->numbers, f->path.data, f->path.len, &number, NULL);
    if (f->rc == AGLM_OK)
        f->rc = aglm_symbols_push(f->out, number);
    path_cut(&f->path, mark);
}

static void facts_of(struct facts *f, const aglm_json *v)
{
    aglm_json_iter it = aglm_json_iterate(v);
    size_t mark = f->path.len;
    const char *key = NULL;
    const aglm_json *child;

    if (aglm_json_kind_of(v) != AGLM_JSON_OBJECT && aglm_json_kind_of(v) != AGLM_JSON_ARRAY) {
        if (!says_nothing(v))
            fact_add(f, v);
        return;
    }
    bool object = aglm_json_kind_of(v) == AGLM_JSON_OBJECT;
    while ((child = aglm_json_next(&it, &key)) && f->rc == AGLM_OK) {
        aglm_str_printf(&f->path, "/%s", object ? key : "[]");
        if (object)
            facts_of(f, child);
        else if (!says_nothing(child))
            fact_add(f, child);
        path_cut(&f->path, mark);
    }
}

/* False, with nothing added, when the text is not JSON; *rc for memory and limits. */
static bool facts_read(aglm_symbols *out, aglm_map *numbers, const char *text, size_t len,
                       aglm_rc *rc, aglm_error *err)
{
    struct facts f = {.numbers = numbers, .out = out};
    aglm_json_doc *doc = NULL;

    aglm_text_unfence(&text, &len);
    *rc = aglm_json_parse(&doc, text, len, NULL, err);
    if (*rc != AGLM_OK) {
        if (*rc != AGLM_NOMEM)
            *rc = AGLM_OK;
        return false;
    }
    aglm_str_init(&f.path, FACT_BYTES_MAX);
    facts_of(&f, aglm_json_root(doc));
    aglm_str_clear(&f.path);
    aglm_json_free(doc);
    *rc = f.rc;
    if (f.rc != AGLM_OK)
        aglm_error_set(err, f.rc, "facts of a JSON text: %s", aglm_rc_text(f.rc));
    return true;
}

aglm_rc aglm_count_json_valid(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    const char *text = a->text;
    size_t len = a->len;
    aglm_json_doc *doc = NULL;

    aglm_text_unfence(&text, &len);
    aglm_rc rc = aglm_json_parse(&doc, text, len, NULL, err);
    aglm_json_free(doc);
    if (rc == AGLM_NOMEM)
        return rc;
    return aglm_count_score(out, rc == AGLM_OK);
}

/* Right, said, wanted of the best reference, and whether nothing was wanted and nothing said. */
static aglm_rc count_against(aglm_text_counts *out, const aglm_symbols *said, bool valid,
                             const aglm_symbols *wanted)
{
    size_t right;
    aglm_rc rc = aglm_overlap_ngrams(&right, said, wanted, 1, 1);
    double best = aglm_f_measure(out->at[0], out->at[1], out->at[2]);

    if (rc != AGLM_OK)
        return rc;
    if (out->at[1] + out->at[2] > 0 &&
        aglm_f_measure((double)right, (double)said->n, (double)wanted->n) <= best)
        return AGLM_OK;
    *out = (aglm_text_counts){{(double)right, (double)said->n, (double)wanted->n, valid}};
    return AGLM_OK;
}

aglm_rc aglm_count_json_f1(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    aglm_map *numbers = aglm_map_new(FACTS_MAX, FACT_BYTES_MAX);
    aglm_symbols said = {0}, wanted = {0};
    aglm_rc rc = AGLM_OK;

    if (!numbers)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    bool valid = facts_read(&said, numbers, a->text, a->len, &rc, err);
    for (size_t r = 0; r < a->n_refs && rc == AGLM_OK; r++) {
        wanted.n = 0;
        if (!facts_read(&wanted, numbers, a->refs[r], strlen(a->refs[r]), &rc, err)) {
            rc = rc != AGLM_OK ? rc : AGLM_FORMAT;
            aglm_error_prefix(err, "json_f1: the reference");
        } else if (rc == AGLM_OK && (rc = count_against(out, &said, valid, &wanted)) != AGLM_OK) {
            aglm_error_set(err, rc, "out of memory");
        }
    }
    aglm_symbols_clear(&said);
    aglm_symbols_clear(&wanted);
    aglm_map_free(numbers);
    return rc;
}
