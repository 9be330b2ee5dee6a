#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "net/json_schema_priv.h"

#define PARTS_MAX 100000
#define TEXT_MAX ((size_t)16 << 20)

/* What a keyword's value is: a schema, several, or plain. */
enum shape { SCHEMA, SCHEMA_LIST, SCHEMA_MAP, PATTERN_MAP, NUMBER, COUNT, BOOL, TEXT, NAMES };

struct keyword {
    const char *name;
    enum shape shape;
};

static const struct keyword KEYWORDS[] = {
    {"items", SCHEMA},
    {"contains", SCHEMA},
    {"additionalProperties", SCHEMA},
    {"propertyNames", SCHEMA},
    {"not", SCHEMA},
    {"if", SCHEMA},
    {"then", SCHEMA},
    {"else", SCHEMA},
    {"unevaluatedItems", SCHEMA},
    {"unevaluatedProperties", SCHEMA},
    {"allOf", SCHEMA_LIST},
    {"anyOf", SCHEMA_LIST},
    {"oneOf", SCHEMA_LIST},
    {"prefixItems", SCHEMA_LIST},
    {"properties", SCHEMA_MAP},
    {"dependentSchemas", SCHEMA_MAP},
    {"$defs", SCHEMA_MAP},
    {"patternProperties", PATTERN_MAP},
    {"minimum", NUMBER},
    {"maximum", NUMBER},
    {"exclusiveMinimum", NUMBER},
    {"exclusiveMaximum", NUMBER},
    {"multipleOf", NUMBER},
    {"minLength", COUNT},
    {"maxLength", COUNT},
    {"minItems", COUNT},
    {"maxItems", COUNT},
    {"minContains", COUNT},
    {"maxContains", COUNT},
    {"minProperties", COUNT},
    {"maxProperties", COUNT},
    {"uniqueItems", BOOL},
    {"pattern", TEXT},
    {"$ref", TEXT},
    {"required", NAMES},
};

/* Schemas still to be read; a list instead of recursion, for references may form long chains. */
struct reader {
    aglm_json_schema *schema;
    const aglm_json **left;
    size_t n_left;
    size_t cap_left;
    aglm_error *err;
};

static aglm_rc fail_memory(struct reader *r, aglm_rc rc)
{
    if (rc == AGLM_LIMIT)
        return aglm_error_set(r->err, rc, "JSON Schema: more than %d parts", PARTS_MAX);
    return rc == AGLM_OK ? rc : aglm_error_set(r->err, rc, "out of memory");
}

const struct schema_part *aglm_schema_part(const aglm_json_schema *s, const void *place)
{
    uint32_t number;

    if (!aglm_map_find(s->places, (const char *)&place, sizeof place, &number))
        return NULL;
    return &s->parts[number];
}

/* The part of a place; *is_new when it was not known. */
static aglm_rc part_add(struct reader *r, const void *place, struct schema_part **part,
                        bool *is_new)
{
    aglm_json_schema *s = r->schema;
    uint32_t number;
    aglm_rc rc = aglm_map_intern(s->places, (const char *)&place, sizeof place, &number, NULL);

    *is_new = false;
    if (rc == AGLM_OK)
        rc = aglm_grow(&s->parts, &s->cap_parts, (size_t)number + 1, sizeof *s->parts, PARTS_MAX);
    if (rc != AGLM_OK)
        return fail_memory(r, rc);
    *is_new = number == s->n_parts;
    if (*is_new)
        s->parts[s->n_parts++] = (struct schema_part){0};
    *part = &s->parts[number];
    return AGLM_OK;
}

static aglm_rc later(struct reader *r, const aglm_json *v)
{
    struct schema_part *part;
    bool is_new;
    aglm_rc rc = part_add(r, v, &part, &is_new);

    if (rc != AGLM_OK || !is_new)
        return rc;
    rc = aglm_grow(&r->left, &r->cap_left, r->n_left + 1, sizeof *r->left, PARTS_MAX);
    if (rc != AGLM_OK)
        return fail_memory(r, rc);
    r->left[r->n_left++] = v;
    return AGLM_OK;
}

static aglm_rc wrong_kind(struct reader *r, const char *keyword, const char *expected,
                          const aglm_json *v)
{
    return aglm_error_set(r->err, AGLM_FORMAT, "JSON Schema: %s: expected %s, found %s", keyword,
                          expected, aglm_json_kind_name(v));
}

static aglm_rc read_schemas(struct reader *r, const char *keyword, const aglm_json *v, bool list)
{
    aglm_json_iter it = aglm_json_iterate(v);
    const aglm_json *child;
    aglm_rc rc = AGLM_OK;

    if (aglm_json_kind_of(v) != (list ? AGLM_JSON_ARRAY : AGLM_JSON_OBJECT))
        return wrong_kind(r, keyword, list ? "a list of schemas" : "an object of schemas", v);
    if (list && aglm_json_size(v) == 0)
        return aglm_error_set(r->err, AGLM_FORMAT, "JSON Schema: %s: the list is empty", keyword);
    while (rc == AGLM_OK && (child = aglm_json_next(&it, NULL)))
        rc = later(r, child);
    return rc;
}

static aglm_rc read_pattern(struct reader *r, const void *place, const char *text, size_t len)
{
    static const aglm_regex_options ecma = {.ecma = true};
    struct schema_part *part;
    bool is_new;
    aglm_rc rc = part_add(r, place, &part, &is_new);

    if (rc == AGLM_OK && is_new && (rc = aglm_regex_new(&part->pattern, text, len, &ecma, r->err)))
        aglm_error_prefix(r->err, "JSON Schema: pattern \"%.80s\"", text);
    return rc;
}

static aglm_rc read_patterns(struct reader *r, const aglm_json *v)
{
    aglm_json_iter it = aglm_json_iterate(v);
    const char *key;
    aglm_rc rc = read_schemas(r, "patternProperties", v, false);

    while (rc == AGLM_OK && aglm_json_next(&it, &key))
        rc = read_pattern(r, key, key, strlen(key));
    return rc;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One name of a JSON pointer within a URI fragment: ends at '/' or the end. */
static bool pointer_name(const char **at, aglm_str *name)
{
    const char *p = *at;

    aglm_str_reset(name);
    while (*p && *p != '/') {
        char c = *p++;
        if (c == '%' && hex(p[0]) >= 0 && hex(p[1]) >= 0) {
            c = (char)(hex(p[0]) * 16 + hex(p[1]));
            p += 2;
        }
        if (c == '~') {
            c = *p == '0' ? '~' : '/';
            if (*p != '0' && *p != '1')
                return false;
            p++;
        }
        aglm_str_putc(name, c);
    }
    *at = p;
    return name->rc == AGLM_OK;
}

static const aglm_json *element_at(const aglm_json *list, const char *name)
{
    aglm_json_iter it = aglm_json_iterate(list);
    char *end;
    unsigned long i = strtoul(name, &end, 10);
    const aglm_json *v = NULL;

    if (*end || end == name || *name == '-' || *name == '+' || i >= aglm_json_size(list))
        return NULL;
    do
        v = aglm_json_next(&it, NULL);
    while (i-- > 0);
    return v;
}

/* NULL: it leads nowhere, or memory is out, which *rc tells. */
static const aglm_json *by_pointer(const aglm_json *root, const char *pointer, aglm_rc *rc)
{
    const aglm_json *v = root;
    aglm_str name;

    aglm_str_init(&name, TEXT_MAX);
    while (v && *pointer == '/') {
        pointer++;
        if (!pointer_name(&pointer, &name))
            v = NULL;
        else if (aglm_json_kind_of(v) == AGLM_JSON_ARRAY)
            v = element_at(v, name.data);
        else
            v = aglm_json_get(v, name.data);
    }
    *rc = name.rc;
    aglm_str_clear(&name);
    return v;
}

/* The schema with that $anchor; JSON's depth is bounded, so recursion is. */
static const aglm_json *by_anchor(const aglm_json *v, const char *name)
{
    const char *anchor = aglm_json_string(aglm_json_get(v, "$anchor"), NULL);
    aglm_json_iter it = aglm_json_iterate(v);
    const char *key = "";
    const aglm_json *child, *found = NULL;

    if (!anchor)
        anchor = aglm_json_string(aglm_json_get(v, "$dynamicAnchor"), NULL);
    if (anchor && strcmp(anchor, name) == 0)
        return v;
    while (!found && (child = aglm_json_next(&it, &key)))
        if (strcmp(key, "enum") != 0 && strcmp(key, "const") != 0)
            found = by_anchor(child, name);
    return found;
}

static aglm_rc read_ref(struct reader *r, const aglm_json *ref)
{
    const char *text = aglm_json_string(ref, NULL);
    const aglm_json *root = aglm_json_root(r->schema->doc), *target;
    struct schema_part *part;
    bool is_new;
    aglm_rc rc = AGLM_OK;

    if (text[0] != '#')
        return aglm_error_set(r->err, AGLM_UNSUPPORTED,
                              "JSON Schema: $ref \"%.100s\" leads to another document; copy that "
                              "schema into $defs and write \"#/$defs/...\"",
                              text);
    target = text[1] == '\0' || text[1] == '/' ? by_pointer(root, text + 1, &rc)
                                               : by_anchor(root, text + 1);
    if (rc != AGLM_OK)
        return fail_memory(r, rc);
    if (!target)
        return aglm_error_set(r->err, AGLM_FORMAT, "JSON Schema: $ref \"%.100s\" leads nowhere",
                              text);
    rc = part_add(r, ref, &part, &is_new);
    if (rc != AGLM_OK)
        return rc;
    part->target = target;
    return later(r, target);
}

static aglm_rc read_names(struct reader *r, const char *keyword, const aglm_json *v)
{
    aglm_json_iter it = aglm_json_iterate(v);
    const aglm_json *name;

    if (aglm_json_kind_of(v) != AGLM_JSON_ARRAY)
        return wrong_kind(r, keyword, "a list of names", v);
    while ((name = aglm_json_next(&it, NULL)))
        if (aglm_json_kind_of(name) != AGLM_JSON_STRING)
            return wrong_kind(r, keyword, "a list of names", name);
    return AGLM_OK;
}

static aglm_rc read_number(struct reader *r, const char *keyword, const aglm_json *v, bool count)
{
    if (aglm_json_kind_of(v) != AGLM_JSON_NUMBER)
        return wrong_kind(r, keyword, "a number", v);
    if (count && !(aglm_json_double(v, -1) >= 0))
        return aglm_error_set(r->err, AGLM_FORMAT, "JSON Schema: %s: less than 0", keyword);
    if (strcmp(keyword, "multipleOf") == 0 && !(aglm_json_double(v, 0) > 0))
        return aglm_error_set(r->err, AGLM_FORMAT, "JSON Schema: multipleOf: not above 0");
    return AGLM_OK;
}

static aglm_rc read_text(struct reader *r, const char *keyword, const aglm_json *v)
{
    size_t len;

    if (aglm_json_kind_of(v) != AGLM_JSON_STRING)
        return wrong_kind(r, keyword, "a string", v);
    if (strcmp(keyword, "$ref") == 0)
        return read_ref(r, v);
    const char *text = aglm_json_string(v, &len);
    return read_pattern(r, v, text, len);
}

static aglm_rc read_keyword(struct reader *r, const struct keyword *k, const aglm_json *v)
{
    switch (k->shape) {
    case SCHEMA:
        r->schema->unevaluated |= strncmp(k->name, "unevaluated", 11) == 0;
        return later(r, v);
    case SCHEMA_LIST:
    case SCHEMA_MAP:
        return read_schemas(r, k->name, v, k->shape == SCHEMA_LIST);
    case PATTERN_MAP:
        return read_patterns(r, v);
    case NUMBER:
    case COUNT:
        return read_number(r, k->name, v, k->shape == COUNT);
    case BOOL:
        return aglm_json_kind_of(v) == AGLM_JSON_BOOL ? AGLM_OK
                                                      : wrong_kind(r, k->name, "true or false", v);
    case TEXT:
        return read_text(r, k->name, v);
    case NAMES:
        break;
    }
    return read_names(r, k->name, v);
}

static bool is_type(const char *name)
{
    static const char *const types[] = {"null",   "boolean", "number", "integer",
                                        "string", "array",   "object"};

    for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
        if (strcmp(name, types[i]) == 0)
            return true;
    return false;
}

static aglm_rc read_type(struct reader *r, const aglm_json *v)
{
    aglm_json_iter it = aglm_json_iterate(v);
    const aglm_json *one = aglm_json_kind_of(v) == AGLM_JSON_ARRAY ? aglm_json_next(&it, NULL) : v;

    for (; one; one = aglm_json_next(&it, NULL)) {
        const char *name = aglm_json_string(one, NULL);
        if (!is_type(name))
            return aglm_error_set(r->err, AGLM_FORMAT,
                                  "JSON Schema: type: %.60s is none of null, boolean, number, "
                                  "integer, string, array, object",
                                  name ? name : aglm_json_kind_name(one));
    }
    return AGLM_OK;
}

static aglm_rc read_dependent(struct reader *r, const aglm_json *v)
{
    aglm_json_iter it = aglm_json_iterate(v);
    const aglm_json *names;
    aglm_rc rc = AGLM_OK;

    if (aglm_json_kind_of(v) != AGLM_JSON_OBJECT)
        return wrong_kind(r, "dependentRequired", "an object of lists", v);
    while (rc == AGLM_OK && (names = aglm_json_next(&it, NULL)))
        rc = read_names(r, "dependentRequired", names);
    return rc;
}

static aglm_rc read_other(struct reader *r, const aglm_json *schema)
{
    const aglm_json *v = aglm_json_get(schema, "type");
    aglm_rc rc = v ? read_type(r, v) : AGLM_OK;

    if (rc == AGLM_OK && (v = aglm_json_get(schema, "dependentRequired")))
        rc = read_dependent(r, v);
    if (rc == AGLM_OK && (v = aglm_json_get(schema, "enum")) &&
        aglm_json_kind_of(v) != AGLM_JSON_ARRAY)
        rc = wrong_kind(r, "enum", "a list", v);
    if (rc != AGLM_OK)
        return rc;
    const char *dialect = aglm_json_string(aglm_json_get(schema, "$schema"), NULL);
    if (dialect && !strstr(dialect, "json-schema.org/"))
        return aglm_error_set(r->err, AGLM_UNSUPPORTED,
                              "JSON Schema: $schema \"%.100s\"; only draft 2020-12 is known",
                              dialect);
    if (aglm_json_get(schema, "$dynamicRef"))
        return aglm_error_set(r->err, AGLM_UNSUPPORTED, "JSON Schema: $dynamicRef; use $ref");
    if (aglm_json_get(schema, "$id") && schema != aglm_json_root(r->schema->doc))
        return aglm_error_set(
            r->err, AGLM_UNSUPPORTED,
            "JSON Schema: $id inside of a schema; only the outermost may have one");
    return AGLM_OK;
}

static aglm_rc read_schema(struct reader *r, const aglm_json *schema)
{
    aglm_json_kind kind = aglm_json_kind_of(schema);
    aglm_rc rc;

    if (kind == AGLM_JSON_BOOL)
        return AGLM_OK;
    if (kind != AGLM_JSON_OBJECT)
        return aglm_error_set(
            r->err, AGLM_FORMAT, "JSON Schema: a schema is an object, true or false, not %s%s",
            aglm_json_kind_name(schema),
            kind == AGLM_JSON_ARRAY ? "; for a list of items use prefixItems" : "");
    rc = read_other(r, schema);
    for (size_t i = 0; i < sizeof KEYWORDS / sizeof *KEYWORDS && rc == AGLM_OK; i++) {
        const aglm_json *v = aglm_json_get(schema, KEYWORDS[i].name);
        if (v)
            rc = read_keyword(r, &KEYWORDS[i], v);
    }
    return rc;
}

aglm_rc aglm_json_schema_new(aglm_json_schema **out, const char *text, size_t len, aglm_error *err)
{
    struct reader r = {.schema = aglm_calloc(1, sizeof *r.schema), .err = err};
    const aglm_json_options origin = {.origin = "JSON Schema"};
    aglm_rc rc;

    *out = NULL;
    if (!r.schema)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    rc = aglm_json_parse(&r.schema->doc, text, len, &origin, err);
    if (rc == AGLM_OK && !(r.schema->places = aglm_map_new(PARTS_MAX, PARTS_MAX * sizeof(void *))))
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory");
    if (rc == AGLM_OK)
        rc = later(&r, aglm_json_root(r.schema->doc));
    while (rc == AGLM_OK && r.n_left > 0)
        rc = read_schema(&r, r.left[--r.n_left]);
    free(r.left);
    if (rc != AGLM_OK)
        aglm_json_schema_free(r.schema);
    else
        *out = r.schema;
    return rc;
}

void aglm_json_schema_free(aglm_json_schema *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_parts; i++)
        aglm_regex_free(s->parts[i].pattern);
    free(s->parts);
    aglm_map_free(s->places);
    aglm_json_free(s->doc);
    free(s);
}

const aglm_json *aglm_json_schema_root(const aglm_json_schema *s)
{
    return aglm_json_root(s->doc);
}

const aglm_json *aglm_json_schema_target(const aglm_json_schema *s, const aglm_json *ref)
{
    const struct schema_part *part = ref ? aglm_schema_part(s, ref) : NULL;

    return part ? part->target : NULL;
}
