#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "net/json_schema_priv.h"

#define WORK_MAX ((int64_t)20000000)
#define DEPTH_MAX 200

struct run {
    const aglm_json_schema *schema;
    int64_t work; /* steps left */
    int depth;
    int quiet; /* above 0: within a keyword that reports for its parts */
    unsigned faults;
    aglm_str *why;
    aglm_rc rc;
    aglm_error *err;
};

/* The way from the root to a value. */
struct place {
    const struct place *up;
    const char *key; /* NULL: element `index` */
    size_t index;
};

/* A schema at a value. `marks`, where kept, has a byte for each element or member: was it
 * evaluated? */
struct here {
    struct run *run;
    const aglm_json *schema;
    const aglm_json *value;
    const struct place *at;
    unsigned char *marks;
    aglm_json_kind kind;
    size_t n;
};

static bool evaluate(struct run *r, const aglm_json *schema, const aglm_json *value,
                     const struct place *at, unsigned char *marks);

static void put_pointer(aglm_str *s, const struct place *at)
{
    if (!at)
        return;
    put_pointer(s, at->up);
    aglm_str_putc(s, '/');
    if (!at->key) {
        aglm_str_printf(s, "%zu", at->index);
        return;
    }
    for (const char *c = at->key; *c; c++) {
        if (*c == '~' || *c == '/')
            aglm_str_puts(s, *c == '~' ? "~0" : "~1");
        else
            aglm_str_putc(s, *c);
    }
}

AGLM_PRINTF(2, 3) static bool fault(const struct here *h, const char *fmt, ...)
{
    struct run *r = h->run;
    char text[256];
    va_list args;

    if (!r->why || r->quiet > 0 || r->faults >= AGLM_JSON_SCHEMA_MAX_ERRORS)
        return false;
    r->faults++;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put_pointer(r->why, h->at);
    aglm_str_printf(r->why, "%s: %s\n", h->at ? "" : "/", text);
    return false;
}

static void stop(struct run *r, aglm_rc rc, const char *text)
{
    if (r->rc == AGLM_OK)
        r->rc = aglm_error_set(r->err, rc, "%s", text);
}

static bool spend(struct run *r, size_t steps)
{
    r->work -= (int64_t)steps + 1;
    if (r->work < 0)
        stop(r, AGLM_LIMIT, "JSON Schema: more work than allowed for one value");
    return r->rc == AGLM_OK;
}

static bool is_whole(const aglm_json *v)
{
    double d = aglm_json_double(v, 0);

    return aglm_json_kind_of(v) == AGLM_JSON_NUMBER && d == floor(d) && isfinite(d);
}

static bool is_of(const struct here *h, const char *type)
{
    static const char *const names[] = {
        [AGLM_JSON_NULL] = "null",     [AGLM_JSON_BOOL] = "boolean", [AGLM_JSON_NUMBER] = "number",
        [AGLM_JSON_STRING] = "string", [AGLM_JSON_ARRAY] = "array",  [AGLM_JSON_OBJECT] = "object"};

    if (strcmp(type, "integer") == 0)
        return is_whole(h->value);
    return strcmp(type, names[h->kind]) == 0;
}

static bool check_type(const struct here *h)
{
    const aglm_json *type = aglm_json_get(h->schema, "type");
    aglm_json_iter it = aglm_json_iterate(type);
    const char *name = aglm_json_string(type, NULL);
    const aglm_json *one;

    if (!type)
        return true;
    if (name)
        return is_of(h, name) ||
               fault(h, "expected %s, found %s", name, aglm_json_kind_name(h->value));
    while ((one = aglm_json_next(&it, NULL)))
        if (is_of(h, aglm_json_string(one, NULL)))
            return true;
    return fault(h, "%s is none of the allowed types", aglm_json_kind_name(h->value));
}

static bool same(const struct here *h, const aglm_json *a, const aglm_json *b)
{
    bool is = aglm_json_same(a, b, &h->run->work);

    return spend(h->run, 0) && is;
}

static bool check_values(const struct here *h)
{
    const aglm_json *wanted = aglm_json_get(h->schema, "const");
    const aglm_json *list = aglm_json_get(h->schema, "enum");
    aglm_json_iter it = aglm_json_iterate(list);
    const aglm_json *one;

    if (wanted && !same(h, wanted, h->value))
        return fault(h, "not the one allowed value");
    if (!list)
        return true;
    while ((one = aglm_json_next(&it, NULL)))
        if (same(h, one, h->value))
            return true;
    return fault(h, "none of the %zu allowed values", aglm_json_size(list));
}

static bool is_multiple(const aglm_json *v, const aglm_json *step)
{
    double a = aglm_json_double(v, 0), b = aglm_json_double(step, 1), times = a / b;
    int64_t x = aglm_json_int(v, 0), y = aglm_json_int(step, 0);

    if (x == aglm_json_int(v, 1) && y > 0)
        return x % y == 0;
    if (!isfinite(times))
        return fmod(a, b) == 0;
    return fabs(times - nearbyint(times)) <= 1e-9 * fmax(1, fabs(times) * 1e-3);
}

static bool check_number(const struct here *h)
{
    const aglm_json *low = aglm_json_get(h->schema, "minimum");
    const aglm_json *high = aglm_json_get(h->schema, "maximum");
    const aglm_json *above = aglm_json_get(h->schema, "exclusiveMinimum");
    const aglm_json *below = aglm_json_get(h->schema, "exclusiveMaximum");
    const aglm_json *step = aglm_json_get(h->schema, "multipleOf");
    double v = aglm_json_double(h->value, 0);

    if (h->kind != AGLM_JSON_NUMBER)
        return true;
    if (low && v < aglm_json_double(low, v))
        return fault(h, "%g is less than %g", v, aglm_json_double(low, 0));
    if (high && v > aglm_json_double(high, v))
        return fault(h, "%g is more than %g", v, aglm_json_double(high, 0));
    if (above && v <= aglm_json_double(above, v))
        return fault(h, "%g is not above %g", v, aglm_json_double(above, 0));
    if (below && v >= aglm_json_double(below, v))
        return fault(h, "%g is not below %g", v, aglm_json_double(below, 0));
    if (step && !is_multiple(h->value, step))
        return fault(h, "%g is no multiple of %g", v, aglm_json_double(step, 0));
    return true;
}

/* Between the keywords `least` and `most`. */
static bool check_size(const struct here *h, size_t size, const char *least, const char *most)
{
    const aglm_json *low = aglm_json_get(h->schema, least);
    const aglm_json *high = aglm_json_get(h->schema, most);

    if (low && (double)size < aglm_json_double(low, 0))
        return fault(h, "%zu, but %s is %g", size, least, aglm_json_double(low, 0));
    if (high && (double)size > aglm_json_double(high, 0))
        return fault(h, "%zu, but %s is %g", size, most, aglm_json_double(high, 0));
    return true;
}

static bool matches(struct run *r, const void *place, const char *text, size_t len)
{
    const struct schema_part *part = aglm_schema_part(r->schema, place);
    bool found = false;

    if (!spend(r, len))
        return false;
    if (aglm_regex_match(part->pattern, text, len, &found, r->rc == AGLM_OK ? r->err : NULL))
        r->rc = AGLM_LIMIT;
    return found;
}

static bool check_string(const struct here *h)
{
    const aglm_json *pattern = aglm_json_get(h->schema, "pattern");
    const char *text;
    size_t len, n = 0;

    if (h->kind != AGLM_JSON_STRING)
        return true;
    text = aglm_json_string(h->value, &len);
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    if (!spend(h->run, len / 16) || !check_size(h, n, "minLength", "maxLength"))
        return false;
    if (pattern && !matches(h->run, pattern, text, len))
        return fault(h, "does not match %.100s", aglm_json_string(pattern, NULL));
    return true;
}

static bool child(const struct here *h, const aglm_json *schema, const aglm_json *v,
                  struct place at)
{
    at.up = h->at;
    return evaluate(h->run, schema, v, &at, NULL);
}

static void mark(const struct here *h, size_t i)
{
    if (h->marks)
        h->marks[i] = 1;
}

struct hashed {
    uint64_t hash;
    const aglm_json *v;
};

static int by_hash(const void *a, const void *b)
{
    uint64_t x = ((const struct hashed *)a)->hash, y = ((const struct hashed *)b)->hash;

    return (x > y) - (x < y);
}

static bool all_differ(const struct here *h, struct hashed *list)
{
    aglm_json_iter it = aglm_json_iterate(h->value);

    for (size_t i = 0; i < h->n; i++) {
        list[i].v = aglm_json_next(&it, NULL);
        list[i].hash = aglm_json_hash(list[i].v);
    }
    qsort(list, h->n, sizeof *list, by_hash);
    for (size_t i = 0; i < h->n; i++)
        for (size_t j = i + 1; j < h->n && list[j].hash == list[i].hash; j++)
            if (same(h, list[i].v, list[j].v))
                return fault(h, "two elements are the same");
    return true;
}

static bool check_unique(const struct here *h)
{
    struct hashed *list;
    bool ok;

    if (!aglm_json_bool(aglm_json_get(h->schema, "uniqueItems"), false) || h->n < 2)
        return true;
    list = aglm_calloc(h->n, sizeof *list);
    if (!list) {
        stop(h->run, AGLM_NOMEM, "out of memory");
        return false;
    }
    ok = spend(h->run, h->n) && all_differ(h, list);
    free(list);
    return ok;
}

static bool check_elements(const struct here *h)
{
    const aglm_json *rest = aglm_json_get(h->schema, "items"), *v, *own;
    aglm_json_iter it = aglm_json_iterate(h->value);
    aglm_json_iter prefix = aglm_json_iterate(aglm_json_get(h->schema, "prefixItems"));
    bool ok = true;

    for (size_t i = 0; (v = aglm_json_next(&it, NULL)); i++) {
        if (!(own = aglm_json_next(&prefix, NULL)))
            own = rest;
        if (!own || !spend(h->run, 0))
            break;
        mark(h, i);
        ok = child(h, own, v, (struct place){.index = i}) && ok;
    }
    return ok;
}

static bool check_contains(const struct here *h)
{
    const aglm_json *wanted = aglm_json_get(h->schema, "contains"), *v;
    const aglm_json *least = aglm_json_get(h->schema, "minContains");
    const aglm_json *most = aglm_json_get(h->schema, "maxContains");
    aglm_json_iter it = aglm_json_iterate(h->value);
    double n = 0;

    if (!wanted)
        return true;
    h->run->quiet++;
    for (size_t i = 0; (v = aglm_json_next(&it, NULL)); i++) {
        if (child(h, wanted, v, (struct place){.index = i})) {
            mark(h, i);
            n++;
        }
    }
    h->run->quiet--;
    if (n < aglm_json_double(least, 1) || n > aglm_json_double(most, INFINITY))
        return fault(h, "%g elements are as `contains` wants", n);
    return true;
}

static bool check_array(const struct here *h)
{
    if (h->kind != AGLM_JSON_ARRAY)
        return true;
    return check_size(h, h->n, "minItems", "maxItems") && check_unique(h) && check_elements(h) &&
           check_contains(h);
}

static bool check_required(const struct here *h, const aglm_json *names)
{
    aglm_json_iter it = aglm_json_iterate(names);
    const aglm_json *name;

    while ((name = aglm_json_next(&it, NULL)))
        if (!spend(h->run, h->n) || !aglm_json_get(h->value, aglm_json_string(name, NULL)))
            return fault(h, "\"%.80s\" is missing", aglm_json_string(name, NULL));
    return true;
}

static bool check_dependent(const struct here *h)
{
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(h->schema, "dependentRequired"));
    const aglm_json *names;
    const char *key;

    while ((names = aglm_json_next(&it, &key)))
        if (spend(h->run, h->n) && aglm_json_get(h->value, key) && !check_required(h, names))
            return false;
    return true;
}

/* The schemas of one member: by name, by pattern, or those for the rest. */
static bool check_member(const struct here *h, const char *key, const aglm_json *v, size_t i)
{
    const aglm_json *properties = aglm_json_get(h->schema, "properties");
    const aglm_json *rest = aglm_json_get(h->schema, "additionalProperties");
    const aglm_json *own = aglm_json_get(properties, key);
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(h->schema, "patternProperties"));
    struct place at = {.key = key};
    const char *pattern;
    const aglm_json *one;
    bool ok = spend(h->run, aglm_json_size(properties)), known = own;

    if (own)
        ok = child(h, own, v, at) && ok;
    while ((one = aglm_json_next(&it, &pattern))) {
        if (matches(h->run, pattern, key, strlen(key))) {
            known = true;
            ok = child(h, one, v, at) && ok;
        }
    }
    if (!known && rest && aglm_json_kind_of(rest) == AGLM_JSON_BOOL && !aglm_json_bool(rest, true))
        return fault(h, "\"%.80s\" is not among the properties", key);
    if (!known && rest)
        ok = child(h, rest, v, at) && ok;
    if (known || rest)
        mark(h, i);
    return ok;
}

static bool check_name(const struct here *h, const aglm_json *schema, const char *key)
{
    aglm_str text;
    aglm_json_writer w;
    aglm_json_doc *doc = NULL;
    bool ok = false;

    aglm_str_init(&text, (size_t)64 << 20);
    aglm_json_writer_init(&w, &text);
    aglm_json_put_text(&w, key);
    aglm_rc rc = text.rc;
    if (rc == AGLM_OK)
        rc = aglm_json_parse(&doc, text.data, text.len, NULL, NULL);
    if (rc == AGLM_OK) {
        h->run->quiet++;
        ok = evaluate(h->run, schema, aglm_json_root(doc), h->at, NULL);
        h->run->quiet--;
    } else {
        stop(h->run, rc, aglm_rc_text(rc));
    }
    aglm_json_free(doc);
    aglm_str_clear(&text);
    return ok || fault(h, "\"%.80s\" is no allowed name", key);
}

static bool check_object(const struct here *h)
{
    const aglm_json *names = aglm_json_get(h->schema, "propertyNames"), *v;
    aglm_json_iter it = aglm_json_iterate(h->value);
    const char *key;
    bool ok;

    if (h->kind != AGLM_JSON_OBJECT)
        return true;
    ok = check_size(h, h->n, "minProperties", "maxProperties") &&
         check_required(h, aglm_json_get(h->schema, "required")) && check_dependent(h);
    for (size_t i = 0; (v = aglm_json_next(&it, &key)) && h->run->rc == AGLM_OK; i++) {
        ok = check_member(h, key, v, i) && ok;
        if (names)
            ok = check_name(h, names, key) && ok;
    }
    return ok;
}

/* A schema for the same value; what it evaluated counts here when it holds. */
static bool inside(const struct here *h, const aglm_json *schema, bool quiet)
{
    bool ok;

    h->run->quiet += quiet;
    ok = evaluate(h->run, schema, h->value, h->at, h->marks);
    h->run->quiet -= quiet;
    return ok;
}

static size_t count_inside(const struct here *h, const aglm_json *list)
{
    aglm_json_iter it = aglm_json_iterate(list);
    const aglm_json *one;
    size_t n = 0;

    while ((one = aglm_json_next(&it, NULL)))
        n += inside(h, one, true);
    return n;
}

static bool check_lists(const struct here *h)
{
    const aglm_json *any = aglm_json_get(h->schema, "anyOf");
    const aglm_json *one = aglm_json_get(h->schema, "oneOf"), *each;
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(h->schema, "allOf"));
    bool ok = true;

    while ((each = aglm_json_next(&it, NULL)))
        ok = inside(h, each, false) && ok;
    if (any && count_inside(h, any) == 0)
        ok = fault(h, "none of the %zu schemas of anyOf holds", aglm_json_size(any));
    if (one) {
        size_t n = count_inside(h, one);
        if (n != 1)
            ok = fault(h, "%zu of the %zu schemas of oneOf hold, not one", n, aglm_json_size(one));
    }
    return ok;
}

static bool check_negation(const struct here *h)
{
    const aglm_json *not = aglm_json_get(h->schema, "not");
    struct here apart = *h;

    apart.marks = NULL;
    if (not&&inside(&apart, not, true))
        return fault(h, "the schema of `not` holds");
    return true;
}

static bool check_condition(const struct here *h)
{
    const aglm_json *condition = aglm_json_get(h->schema, "if");

    if (!condition)
        return true;
    const aglm_json *then = aglm_json_get(h->schema, inside(h, condition, true) ? "then" : "else");
    return !then || inside(h, then, false);
}

static bool check_references(const struct here *h)
{
    const aglm_json *target = aglm_json_schema_target(h->run->schema,
                                                      aglm_json_get(h->schema, "$ref"));
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(h->schema, "dependentSchemas"));
    const aglm_json *one;
    const char *key;
    bool ok = !target || inside(h, target, false);

    while (h->kind == AGLM_JSON_OBJECT && (one = aglm_json_next(&it, &key)))
        if (spend(h->run, h->n) && aglm_json_get(h->value, key))
            ok = inside(h, one, false) && ok;
    return ok;
}

static bool check_rest(const struct here *h)
{
    bool object = h->kind == AGLM_JSON_OBJECT;
    const aglm_json *rest = aglm_json_get(h->schema,
                                          object ? "unevaluatedProperties" : "unevaluatedItems");
    aglm_json_iter it = aglm_json_iterate(h->value);
    const char *key = NULL;
    const aglm_json *v;
    bool ok = true;

    if (!rest || !h->marks)
        return true;
    for (size_t i = 0; (v = aglm_json_next(&it, &key)); i++) {
        if (h->marks[i])
            continue;
        mark(h, i);
        ok = child(h, rest, v, (struct place){.key = object ? key : NULL, .index = i}) && ok;
    }
    return ok;
}

static bool check_all(const struct here *h)
{
    static bool (*const checks[])(const struct here *) = {
        check_type,       check_values, check_number,   check_string,    check_array, check_object,
        check_references, check_lists,  check_negation, check_condition, check_rest};
    bool ok = true;

    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        ok = checks[i](h) && ok;
        if (!ok && (h->run->quiet > 0 || !h->run->why))
            break;
    }
    return ok && h->run->rc == AGLM_OK;
}

static bool evaluate_object(struct here *h, unsigned char *marks)
{
    bool ok;

    if (h->run->schema->unevaluated && h->n > 0) {
        h->marks = aglm_calloc(h->n, 1);
        if (!h->marks) {
            stop(h->run, AGLM_NOMEM, "out of memory");
            return false;
        }
    }
    ok = spend(h->run, h->marks ? h->n : 0) && check_all(h);
    for (size_t i = 0; ok && marks && h->marks && i < h->n; i++)
        marks[i] |= h->marks[i];
    free(h->marks);
    return ok;
}

static bool evaluate(struct run *r, const aglm_json *schema, const aglm_json *value,
                     const struct place *at, unsigned char *marks)
{
    struct here h = {r, schema, value, at, NULL, aglm_json_kind_of(value), aglm_json_size(value)};
    bool ok;

    if (!spend(r, 0))
        return false;
    if (aglm_json_kind_of(schema) == AGLM_JSON_BOOL)
        return aglm_json_bool(schema, false) || fault(&h, "nothing is allowed here");
    if (++r->depth > DEPTH_MAX)
        stop(r, AGLM_LIMIT, "JSON Schema: references without end, or deeper than 200");
    ok = r->rc == AGLM_OK && evaluate_object(&h, marks);
    r->depth--;
    return ok;
}

aglm_rc aglm_json_schema_check(const aglm_json_schema *s, const aglm_json *value, bool *valid,
                               aglm_str *why, aglm_error *err)
{
    struct run r = {.schema = s, .work = WORK_MAX, .why = why, .err = err};

    *valid = evaluate(&r, aglm_json_root(s->doc), value, NULL, NULL);
    if (r.rc == AGLM_OK && why && why->rc != AGLM_OK)
        r.rc = aglm_error_set(err, why->rc, "faults of a JSON value: %s", aglm_rc_text(why->rc));
    if (r.rc != AGLM_OK)
        *valid = false;
    return r.rc;
}

aglm_rc aglm_json_schema_check_part(const aglm_json_schema *s, const aglm_json *part,
                                    const aglm_json *value, bool *valid)
{
    struct run r = {.schema = s, .work = WORK_MAX};

    *valid = evaluate(&r, part, value, NULL, NULL) && r.rc == AGLM_OK;
    return r.rc;
}
