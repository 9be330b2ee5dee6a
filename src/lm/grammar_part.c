#include "lm/grammar_part.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lm/grammar_number.h"

#define MAX_PARTS 10000

/* ---- looking at a part ---- */

const aglm_json *aglm_grammar_choices(const aglm_json *schema)
{
    const aglm_json *list = aglm_json_get(schema, "anyOf");

    return list ? list : aglm_json_get(schema, "oneOf");
}

const aglm_json *aglm_grammar_literals(const aglm_json *schema, bool *list)
{
    const aglm_json *v = aglm_json_get(schema, "const");

    *list = !v;
    return v ? v : aglm_json_get(schema, "enum");
}

bool aglm_grammar_fits(aglm_grammar_parts *p, const aglm_json *schema, const aglm_json *value)
{
    bool valid;
    aglm_rc rc = aglm_json_schema_check_part(p->schema, schema, value, &valid);

    p->rc = p->rc == AGLM_OK ? rc : p->rc;
    return valid;
}

aglm_grammar_length aglm_grammar_length_of(const aglm_json *schema, const char *low,
                                           const char *high)
{
    return (aglm_grammar_length){ceil(aglm_json_double(aglm_json_get(schema, low), 0)),
                                 floor(aglm_json_double(aglm_json_get(schema, high), INFINITY))};
}

static const char *find_keyword(const aglm_json *schema, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (aglm_json_get(schema, words[i]))
            return words[i];
    return NULL;
}

/* Those that say something about values of some types only. */
static const char *const TYPED[] = {
    "properties", "required",         "additionalProperties", "items",     "minItems", "maxItems",
    "minimum",    "exclusiveMinimum", "exclusiveMaximum",     "minLength", "maximum",  "maxLength"};
#define N_TYPED (sizeof TYPED / sizeof *TYPED)

size_t aglm_grammar_types(const aglm_json *schema, const char *types[7])
{
    static const char *const ALL[] = {"object", "array", "string", "number", "boolean", "null"};
    const aglm_json *type = aglm_json_get(schema, "type"), *one;
    aglm_json_iter it = aglm_json_iterate(type);
    size_t n = 0;

    if (aglm_json_kind_of(type) == AGLM_JSON_ARRAY) {
        while (n < 7 && (one = aglm_json_next(&it, NULL)))
            types[n++] = aglm_json_string(one, NULL);
    } else if (type) {
        types[n++] = aglm_json_string(type, NULL);
    } else if (aglm_json_get(schema, "properties")) {
        types[n++] = "object";
    } else if (find_keyword(schema, TYPED, N_TYPED)) {
        for (; n < sizeof ALL / sizeof *ALL; n++)
            types[n] = ALL[n];
    }
    return n;
}

/* ---- what there is no rule for ---- */

static aglm_rc refuse(aglm_error *err, const char *keyword, const char *beside)
{
    return aglm_error_set(err, AGLM_UNSUPPORTED,
                          "grammar: %s%s%s has no counterpart; leave it to the check of the output",
                          keyword, beside ? " beside " : "", beside ? beside : "");
}

static aglm_rc check_keywords(const aglm_json *s, aglm_error *err)
{
    static const char *const OTHERS[] = {"allOf",
                                         "not",
                                         "if",
                                         "pattern",
                                         "patternProperties",
                                         "prefixItems",
                                         "contains",
                                         "propertyNames",
                                         "dependentSchemas",
                                         "dependentRequired",
                                         "minProperties",
                                         "maxProperties",
                                         "multipleOf",
                                         "unevaluatedItems",
                                         "unevaluatedProperties"};
    static const char *const WHOLE[] = {"$ref", "anyOf", "oneOf"};
    const char *found = find_keyword(s, OTHERS, sizeof OTHERS / sizeof *OTHERS);
    const char *whole = find_keyword(s, WHOLE, 3);

    if (found)
        return refuse(err, found, NULL);
    if (!whole)
        return AGLM_OK;
    found = find_keyword(s, TYPED, N_TYPED);
    if (!found && aglm_json_get(s, "type"))
        found = "type";
    for (size_t i = 1; !found && i < 3; i++)
        if (WHOLE[i] != whole && aglm_json_get(s, WHOLE[i]))
            found = WHOLE[i];
    return found ? refuse(err, found, whole) : AGLM_OK;
}

static aglm_rc check_required(const aglm_json *s, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(s, "required"));
    const aglm_json *name;

    while ((name = aglm_json_next(&it, NULL)))
        if (!aglm_json_get(aglm_json_get(s, "properties"), aglm_json_string(name, NULL)))
            return aglm_error_set(err, AGLM_INVALID,
                                  "grammar: \"%.60s\" is required and not among the properties",
                                  aglm_json_string(name, NULL));
    return AGLM_OK;
}

/* ---- collecting ---- */

static aglm_rc add(aglm_grammar_parts *p, const aglm_json *schema, aglm_error *err)
{
    uint32_t number;

    if (!schema)
        return AGLM_OK;
    aglm_rc rc = aglm_map_intern(p->numbers, (const char *)&schema, sizeof(void *), &number, NULL);
    if (rc == AGLM_OK && number == p->n)
        rc = aglm_grow(&p->at, &p->cap, p->n + 1, sizeof *p->at, MAX_PARTS);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "grammar of a JSON Schema: %s", aglm_rc_text(rc));
    if (number == p->n)
        p->at[p->n++] = (aglm_grammar_part){.schema = schema};
    return AGLM_OK;
}

static aglm_rc add_all(aglm_grammar_parts *p, const aglm_json *list, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(list);
    const aglm_json *one;
    aglm_rc rc = AGLM_OK;

    while (rc == AGLM_OK && (one = aglm_json_next(&it, NULL)))
        rc = add(p, one, err);
    return rc;
}

/* Adds what a part consists of. */
static aglm_rc unfold(aglm_grammar_parts *p, const aglm_json *s, aglm_error *err)
{
    bool list;

    if (aglm_json_kind_of(s) == AGLM_JSON_BOOL || aglm_grammar_literals(s, &list))
        return AGLM_OK;
    aglm_rc rc = check_keywords(s, err);
    if (rc == AGLM_OK)
        rc = check_required(s, err);
    if (rc == AGLM_OK)
        rc = add(p, aglm_json_schema_target(p->schema, aglm_json_get(s, "$ref")), err);
    if (rc == AGLM_OK)
        rc = add_all(p, aglm_grammar_choices(s), err);
    if (rc == AGLM_OK)
        rc = add_all(p, aglm_json_get(s, "properties"), err);
    if (rc == AGLM_OK)
        rc = add(p, aglm_json_get(s, "items"), err);
    if (rc == AGLM_OK && !aglm_json_get(s, "properties"))
        rc = add(p, aglm_json_get(s, "additionalProperties"), err);
    return rc;
}

size_t aglm_grammar_part_number(const aglm_grammar_parts *p, const aglm_json *schema)
{
    uint32_t number = 0;

    aglm_map_find(p->numbers, (const char *)&schema, sizeof(void *), &number);
    return number;
}

bool aglm_grammar_part_possible(const aglm_grammar_parts *p, const aglm_json *schema)
{
    return p->at[aglm_grammar_part_number(p, schema)].possible;
}

/* ---- can it be met? ---- */

static bool has_literal(aglm_grammar_parts *p, const aglm_json *s)
{
    bool list;
    const aglm_json *v = aglm_grammar_literals(s, &list), *one;
    aglm_json_iter it = aglm_json_iterate(v);

    if (!list)
        return aglm_grammar_fits(p, s, v);
    while ((one = aglm_json_next(&it, NULL)))
        if (aglm_grammar_fits(p, s, one))
            return true;
    return false;
}

static bool requires_possible(const aglm_grammar_parts *p, const aglm_json *s)
{
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(s, "required"));
    const aglm_json *properties = aglm_json_get(s, "properties"), *name;

    while ((name = aglm_json_next(&it, NULL)))
        if (!aglm_grammar_part_possible(p, aglm_json_get(properties, aglm_json_string(name, NULL))))
            return false;
    return true;
}

/* Why no value of the type does, whatever the parts within; NULL: nothing against it. */
static const char *refusal(const aglm_json *s, const char *type)
{
    aglm_grammar_length n = {0, 0};

    if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
        return aglm_number_range_of(s, *type == 'i').decimals < 0 ? "minimum and maximum" : NULL;
    if (strcmp(type, "string") == 0)
        n = aglm_grammar_length_of(s, "minLength", "maxLength");
    else if (strcmp(type, "array") == 0)
        n = aglm_grammar_length_of(s, "minItems", "maxItems");
    if (n.least <= n.most)
        return NULL;
    return *type == 's' ? "minLength and maxLength" : "minItems and maxItems";
}

bool aglm_grammar_type_possible(const aglm_grammar_parts *p, const aglm_json *s, const char *type)
{
    const aglm_json *items = aglm_json_get(s, "items");

    if (refusal(s, type))
        return false;
    if (strcmp(type, "object") == 0)
        return requires_possible(p, s);
    if (strcmp(type, "array") == 0 && items)
        return aglm_grammar_length_of(s, "minItems", "maxItems").least == 0 ||
               aglm_grammar_part_possible(p, items);
    return true;
}

static bool is_possible(aglm_grammar_parts *p, const aglm_json *s)
{
    const aglm_json *v, *one;
    const char *types[7];
    bool list;

    if (aglm_json_kind_of(s) == AGLM_JSON_BOOL)
        return aglm_json_bool(s, false);
    if (aglm_grammar_literals(s, &list))
        return has_literal(p, s);
    if ((v = aglm_json_schema_target(p->schema, aglm_json_get(s, "$ref"))))
        return aglm_grammar_part_possible(p, v);
    if ((v = aglm_grammar_choices(s))) {
        aglm_json_iter it = aglm_json_iterate(v);
        while ((one = aglm_json_next(&it, NULL)))
            if (aglm_grammar_part_possible(p, one))
                return true;
        return false;
    }
    size_t n = aglm_grammar_types(s, types), i = 0;
    while (i < n && !aglm_grammar_type_possible(p, s, types[i]))
        i++;
    return n == 0 || i < n;
}

static bool is_grounded(const aglm_grammar_parts *p, const aglm_json *s)
{
    const aglm_json *target, *one;
    bool list;

    if (aglm_grammar_literals(s, &list))
        return true;
    target = aglm_json_schema_target(p->schema, aglm_json_get(s, "$ref"));
    if (target && !p->at[aglm_grammar_part_number(p, target)].grounded)
        return false;
    aglm_json_iter it = aglm_json_iterate(aglm_grammar_choices(s));
    while ((one = aglm_json_next(&it, NULL)))
        if (!p->at[aglm_grammar_part_number(p, one)].grounded)
            return false;
    return true;
}

/* The least set that holds: a part becomes possible by parts that are. What is within a part mostly
 * stands behind it, so from the end few rounds are needed. */
static void settle(aglm_grammar_parts *p)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = p->n; i-- > 0;) {
            aglm_grammar_part *a = &p->at[i];
            bool possible = a->possible || is_possible(p, a->schema);
            bool grounded = a->grounded || is_grounded(p, a->schema);
            more |= possible != a->possible || grounded != a->grounded;
            a->possible = possible;
            a->grounded = grounded;
        }
    }
}

/* The first keyword, from the innermost part on, that rules all values out. */
static const char *reason(const aglm_grammar_parts *p)
{
    const char *types[7];
    bool list;

    for (size_t i = p->n; i-- > 0;) {
        const aglm_json *s = p->at[i].schema;
        size_t n = aglm_grammar_types(s, types);
        if (p->at[i].possible)
            continue;
        if (aglm_json_kind_of(s) == AGLM_JSON_BOOL)
            return "the schema false";
        if (aglm_grammar_literals(s, &list))
            return list ? "enum" : "const";
        for (size_t k = 0; k < n; k++)
            if (refusal(s, types[k]))
                return refusal(s, types[k]);
    }
    return "it: each value demands another one within, without end";
}

aglm_rc aglm_grammar_parts_init(aglm_grammar_parts *p, const aglm_json_schema *schema,
                                aglm_error *err)
{
    *p = (aglm_grammar_parts){.schema = schema};
    p->numbers = aglm_map_new(MAX_PARTS, MAX_PARTS * sizeof(void *));
    if (!p->numbers)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for the grammar of a JSON Schema");
    aglm_rc rc = add(p, aglm_json_schema_root(schema), err);
    for (size_t i = 0; rc == AGLM_OK && i < p->n; i++)
        rc = unfold(p, p->at[i].schema, err);
    if (rc != AGLM_OK)
        return rc;
    settle(p);
    if (p->rc != AGLM_OK)
        return aglm_error_set(err, p->rc, "grammar: values of the JSON Schema: %s",
                              aglm_rc_text(p->rc));
    for (size_t i = 0; i < p->n; i++)
        if (!p->at[i].grounded)
            return aglm_error_set(err, AGLM_INVALID,
                                  "grammar: a $ref leads back to itself with no value between");
    assert(p->n > 0);
    if (!p->at[0].possible)
        return aglm_error_set(err, AGLM_INVALID, "JSON Schema: no value can meet %s", reason(p));
    return AGLM_OK;
}

void aglm_grammar_parts_clear(aglm_grammar_parts *p)
{
    aglm_map_free(p->numbers);
    free(p->at);
}
