#include "base/json.h"

#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "base/hash.h"
#include "base/memory.h"

#define FEW_MEMBERS 8

/* A document is yyjson's own; the name only keeps its header out of ours. */
static yyjson_doc *doc_of(const aglm_json_doc *doc)
{
    return (yyjson_doc *)(uintptr_t)doc;
}

static yyjson_val *val_of(const aglm_json *v)
{
    return (yyjson_val *)(uintptr_t)v;
}

static const aglm_json *json_of(const yyjson_val *v)
{
    return (const aglm_json *)v;
}

/* One table for all objects of a document, keyed by a hash of the whole text so that no input can
 * be prepared to collide. */
struct checker {
    const char *text;
    size_t len;
    uint64_t seed;
    yyjson_val **slots;
    size_t cap;
    size_t mask;
    const char *doubled;
};

static bool same_key(yyjson_val *a, yyjson_val *b)
{
    size_t n = unsafe_yyjson_get_len(a);

    return n == unsafe_yyjson_get_len(b) &&
           memcmp(unsafe_yyjson_get_str(a), unsafe_yyjson_get_str(b), n) == 0;
}

static aglm_rc check_few_keys(struct checker *c, yyjson_val *obj)
{
    yyjson_val *keys[FEW_MEMBERS];
    size_t n = 0;
    yyjson_obj_iter it = yyjson_obj_iter_with(obj);
    yyjson_val *key;

    while ((key = yyjson_obj_iter_next(&it))) {
        for (size_t i = 0; i < n; i++) {
            if (same_key(keys[i], key)) {
                c->doubled = unsafe_yyjson_get_str(key);
                return AGLM_FORMAT;
            }
        }
        keys[n++] = key;
    }
    return AGLM_OK;
}

/* An empty table with room for the members, at most half full. */
static aglm_rc make_table(struct checker *c, size_t members)
{
    size_t want = 64;

    while (want < members * 2)
        want *= 2;
    if (want > c->cap) {
        free(c->slots);
        c->cap = 0;
        c->slots = aglm_calloc(want, sizeof *c->slots);
        if (!c->slots)
            return AGLM_NOMEM;
        c->cap = want;
    } else {
        memset(c->slots, 0, want * sizeof *c->slots);
    }
    if (!c->seed)
        c->seed = aglm_hash64(c->text, c->len, 0) | 1;
    c->mask = want - 1;
    return AGLM_OK;
}

static aglm_rc check_many_keys(struct checker *c, yyjson_val *obj)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(obj);
    yyjson_val *key;

    if (make_table(c, unsafe_yyjson_get_len(obj)))
        return AGLM_NOMEM;
    while ((key = yyjson_obj_iter_next(&it))) {
        size_t at = aglm_hash64(unsafe_yyjson_get_str(key), unsafe_yyjson_get_len(key), c->seed) &
                    c->mask;
        for (; c->slots[at]; at = (at + 1) & c->mask) {
            if (same_key(c->slots[at], key)) {
                c->doubled = unsafe_yyjson_get_str(key);
                return AGLM_FORMAT;
            }
        }
        c->slots[at] = key;
    }
    return AGLM_OK;
}

static aglm_rc check_value(struct checker *c, yyjson_val *v, int depth)
{
    size_t left = yyjson_is_ctn(v) ? unsafe_yyjson_get_len(v) : 0;

    if (!yyjson_is_ctn(v))
        return AGLM_OK;
    if (depth >= AGLM_JSON_MAX_DEPTH)
        return AGLM_LIMIT;
    if (yyjson_is_obj(v)) {
        aglm_rc rc = left <= FEW_MEMBERS ? check_few_keys(c, v) : check_many_keys(c, v);
        if (rc)
            return rc;
    }
    size_t step = yyjson_is_obj(v) ? 1 : 0;
    yyjson_val *child = unsafe_yyjson_get_first(v);
    for (; left > 0; left--) {
        child += step;
        aglm_rc rc = check_value(c, child, depth + 1);
        if (rc)
            return rc;
        child = unsafe_yyjson_get_next(child);
    }
    return AGLM_OK;
}

/* Line and column (in characters) of a byte, from 1. */
static void locate(const char *text, size_t pos, size_t *line, size_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < pos; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            ++*column;
        }
    }
}

static aglm_rc refuse(const aglm_json_options *o, const char *text, size_t len,
                      const yyjson_read_err *e, aglm_error *err)
{
    size_t line;
    size_t column;

    if (e->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        aglm_error_set(err, AGLM_NOMEM, "no memory to parse %zu bytes of JSON", len);
    } else if (len == 0) {
        aglm_error_set(err, AGLM_FORMAT, "empty where a JSON value was expected");
    } else {
        locate(text, e->pos < len ? e->pos : len, &line, &column);
        aglm_error_set(err, AGLM_FORMAT, "line %zu, column %zu: %s", line, column, e->msg);
    }
    if (o && o->origin)
        aglm_error_prefix(err, "%s", o->origin);
    return e->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? AGLM_NOMEM : AGLM_FORMAT;
}

static aglm_rc check_document(const aglm_json_options *o, yyjson_doc *doc, const char *text,
                              size_t len, aglm_error *err)
{
    struct checker c = {.text = text, .len = len};
    aglm_rc rc = check_value(&c, yyjson_doc_get_root(doc), 0);

    free(c.slots);
    if (rc == AGLM_NOMEM)
        aglm_error_set(err, rc, "no memory to check %zu bytes of JSON", len);
    else if (rc == AGLM_LIMIT)
        rc = aglm_error_set(err, AGLM_FORMAT, "nested deeper than %d levels", AGLM_JSON_MAX_DEPTH);
    else if (rc)
        aglm_error_set(err, rc, "the key \"%.100s\" stands twice in one object", c.doubled);
    if (rc && o && o->origin)
        aglm_error_prefix(err, "%s", o->origin);
    return rc;
}

aglm_rc aglm_json_parse(aglm_json_doc **out, const char *text, size_t len,
                        const aglm_json_options *options, aglm_error *err)
{
    yyjson_read_flag flags = options && options->allow_nonfinite ? YYJSON_READ_ALLOW_INF_AND_NAN
                                                                 : 0;
    yyjson_read_err e = {0};

    *out = NULL;
    if (len == 0)
        return refuse(options, text, len, &e, err);
    /* Without YYJSON_READ_INSITU the text is copied, never written. */
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text, len, flags, NULL, &e);
    if (!doc)
        return refuse(options, text, len, &e, err);
    aglm_rc rc = check_document(options, doc, text, len, err);
    if (rc) {
        yyjson_doc_free(doc);
        return rc;
    }
    *out = (aglm_json_doc *)doc;
    return AGLM_OK;
}

void aglm_json_free(aglm_json_doc *doc)
{
    yyjson_doc_free(doc_of(doc));
}

const aglm_json *aglm_json_root(const aglm_json_doc *doc)
{
    return json_of(yyjson_doc_get_root(doc_of(doc)));
}

aglm_json_kind aglm_json_kind_of(const aglm_json *v)
{
    switch (yyjson_get_type(val_of(v))) {
    case YYJSON_TYPE_BOOL:
        return AGLM_JSON_BOOL;
    case YYJSON_TYPE_NUM:
        return AGLM_JSON_NUMBER;
    case YYJSON_TYPE_STR:
        return AGLM_JSON_STRING;
    case YYJSON_TYPE_ARR:
        return AGLM_JSON_ARRAY;
    case YYJSON_TYPE_OBJ:
        return AGLM_JSON_OBJECT;
    default:
        return AGLM_JSON_NULL;
    }
}

const char *aglm_json_kind_name(const aglm_json *v)
{
    static const char *const names[] = {"null",     "a truth value", "a number",
                                        "a string", "an array",      "an object"};

    return v ? names[aglm_json_kind_of(v)] : "nothing";
}

const aglm_json *aglm_json_get(const aglm_json *v, const char *key)
{
    return json_of(yyjson_obj_get(val_of(v), key));
}

size_t aglm_json_size(const aglm_json *v)
{
    return yyjson_is_ctn(val_of(v)) ? unsafe_yyjson_get_len(val_of(v)) : 0;
}

aglm_json_iter aglm_json_iterate(const aglm_json *v)
{
    size_t n = aglm_json_size(v);

    return (aglm_json_iter){
        .next = n ? json_of(unsafe_yyjson_get_first(val_of(v))) : NULL,
        .left = n,
        .object = yyjson_is_obj(val_of(v)),
    };
}

const aglm_json *aglm_json_next(aglm_json_iter *it, const char **key)
{
    if (it->left == 0)
        return NULL;
    yyjson_val *v = val_of(it->next);
    if (it->object) {
        if (key)
            *key = unsafe_yyjson_get_str(v);
        v++;
    }
    it->left--;
    it->next = it->left ? json_of(unsafe_yyjson_get_next(v)) : NULL;
    return json_of(v);
}

bool aglm_json_bool(const aglm_json *v, bool otherwise)
{
    return yyjson_is_bool(val_of(v)) ? unsafe_yyjson_get_bool(val_of(v)) : otherwise;
}

double aglm_json_double(const aglm_json *v, double otherwise)
{
    return yyjson_is_num(val_of(v)) ? yyjson_get_num(val_of(v)) : otherwise;
}

/* False for fractions, NaN and what lies outside int64. */
static bool whole_number(const aglm_json *v, int64_t *out)
{
    yyjson_val *y = val_of(v);

    if (yyjson_is_sint(y)) {
        *out = unsafe_yyjson_get_sint(y);
        return true;
    }
    if (yyjson_is_uint(y)) {
        uint64_t u = unsafe_yyjson_get_uint(y);
        *out = u <= INT64_MAX ? (int64_t)u : 0;
        return u <= INT64_MAX;
    }
    double d = yyjson_is_real(y) ? unsafe_yyjson_get_real(y) : 0.5;
    if (!(d >= -0x1p63 && d < 0x1p63) || d != (double)(int64_t)d)
        return false;
    *out = (int64_t)d;
    return true;
}

int64_t aglm_json_int(const aglm_json *v, int64_t otherwise)
{
    int64_t i;

    return whole_number(v, &i) ? i : otherwise;
}

bool aglm_json_is_integer(const aglm_json *v)
{
    int64_t i;

    return yyjson_is_int(val_of(v)) && whole_number(v, &i);
}

const char *aglm_json_string(const aglm_json *v, size_t *len)
{
    if (!yyjson_is_str(val_of(v)))
        return NULL;
    if (len)
        *len = unsafe_yyjson_get_len(val_of(v));
    return unsafe_yyjson_get_str(val_of(v));
}

static aglm_rc expected(const char *key, const char *what, const aglm_json *v, aglm_error *err)
{
    return aglm_error_set(err, AGLM_FORMAT, "%s: expected %s, found %s", key, what,
                          aglm_json_kind_name(v));
}

aglm_rc aglm_json_need_string(const aglm_json *obj, const char *key, const char **out,
                              aglm_error *err)
{
    const aglm_json *v = aglm_json_get(obj, key);
    size_t len = 0;
    const char *s = aglm_json_string(v, &len);

    if (!s)
        return expected(key, "a string", v, err);
    if (memchr(s, '\0', len))
        return aglm_error_set(err, AGLM_FORMAT, "%s: holds a NUL character", key);
    *out = s;
    return AGLM_OK;
}

aglm_rc aglm_json_need_double(const aglm_json *obj, const char *key, double *out, aglm_error *err)
{
    const aglm_json *v = aglm_json_get(obj, key);

    if (!yyjson_is_num(val_of(v)))
        return expected(key, "a number", v, err);
    *out = yyjson_get_num(val_of(v));
    return AGLM_OK;
}

aglm_rc aglm_json_need_int(const aglm_json *obj, const char *key, int64_t low, int64_t high,
                           int64_t *out, aglm_error *err)
{
    const aglm_json *v = aglm_json_get(obj, key);
    int64_t i;

    if (!yyjson_is_num(val_of(v)))
        return expected(key, "a whole number", v, err);
    if (!whole_number(v, &i))
        return aglm_error_set(err, AGLM_FORMAT, "%s: %g is no whole number of 64 bits", key,
                              yyjson_get_num(val_of(v)));
    if (i < low || i > high)
        return aglm_error_set(err, AGLM_FORMAT, "%s: %lld is not within %lld..%lld", key,
                              (long long)i, (long long)low, (long long)high);
    *out = i;
    return AGLM_OK;
}
