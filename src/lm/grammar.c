#include "lm/grammar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"

#define RULES_MAX 10000
#define RANGE_MAX 1000
#define REPEAT_MAX 1000 /* llama.cpp: 2,000 rules for a repetition, of which an item takes two */

static const char BASE[] =
    "value ::= object | array | string | number | \"true\" | \"false\" | \"null\"\n"
    "object ::= \"{\" (string \":\" value (\",\" string \":\" value)*)? \"}\"\n"
    "array ::= \"[\" (value (\",\" value)*)? \"]\"\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "char ::= [ -!#-\\[\\]-~\\u0080-\\uD7FF\\uE000-\\U0010FFFF] | [\\\\] ([\"\\\\bfnrt] | \"u\" unit)\n"
    "unit ::= [0-9a-cA-Ce-fE-F] hex hex hex | [dD] [0-7] hex hex |"
    " [dD] [89abAB] hex hex \"\\\\u\" [dD] [c-fC-F] hex hex\n"
    "hex ::= [0-9a-fA-F]\n"
    "whole ::= \"-\"? (\"0\" | [1-9] [0-9]{0,15})\n"
    "number ::= whole (\".\" [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?\n";

/* Schemas that have a rule, in the order of their numbers; those from `done` on are to be written.
 */
struct maker {
    const aglm_json_schema *schema;
    aglm_map *numbers;
    const aglm_json **nodes;
    size_t n_nodes;
    size_t cap_nodes;
    aglm_str *out;
    aglm_error *err;
};

static aglm_rc never(struct maker *m, const char *keyword)
{
    return aglm_error_set(m->err, AGLM_INVALID, "JSON Schema: no value can meet %s", keyword);
}

static aglm_rc put_rule_name(struct maker *m, const aglm_json *schema)
{
    uint32_t number;
    aglm_rc rc = aglm_map_intern(m->numbers, (const char *)&schema, sizeof schema, &number, NULL);

    if (rc == AGLM_OK && number == m->n_nodes)
        rc = aglm_grow(&m->nodes, &m->cap_nodes, m->n_nodes + 1, sizeof *m->nodes, RULES_MAX);
    if (rc != AGLM_OK)
        return aglm_error_set(m->err, rc, "grammar of a JSON Schema: %s", aglm_rc_text(rc));
    if (number == m->n_nodes)
        m->nodes[m->n_nodes++] = schema;
    return aglm_str_printf(m->out, "r%u", (unsigned)number);
}

/* Bytes as a quoted literal. */
static void put_quoted(struct maker *m, const char *text, size_t len)
{
    aglm_str_putc(m->out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            aglm_str_putc(m->out, '\\');
        aglm_str_putc(m->out, text[i]);
    }
    aglm_str_putc(m->out, '"');
}

static aglm_rc put_json(struct maker *m, const aglm_json *v, const char *key)
{
    aglm_json_writer w;
    aglm_str text;
    aglm_rc rc;

    aglm_str_init(&text, (size_t)1 << 20);
    aglm_json_writer_init(&w, &text);
    if (v)
        aglm_json_put_value(&w, v);
    else
        aglm_json_put_text(&w, key);
    rc = text.rc;
    if (rc == AGLM_OK)
        put_quoted(m, text.data, text.len);
    aglm_str_clear(&text);
    return rc == AGLM_OK ? rc : aglm_error_set(m->err, rc, "grammar: %s", aglm_rc_text(rc));
}

static aglm_rc put_choice(struct maker *m, const aglm_json *list, bool literal, const char *keyword)
{
    aglm_json_iter it = aglm_json_iterate(list);
    const aglm_json *one;
    aglm_rc rc = AGLM_OK;

    if (aglm_json_size(list) == 0)
        return never(m, keyword);
    for (bool first = true; rc == AGLM_OK && (one = aglm_json_next(&it, NULL)); first = false) {
        if (!first)
            aglm_str_puts(m->out, " | ");
        rc = literal ? put_json(m, one, NULL) : put_rule_name(m, one);
    }
    return rc;
}

/* The bounds of a repetition; *most is -1 where there is none, or none that llama.cpp takes. */
static aglm_rc bounds_of(struct maker *m, const aglm_json *s, const char *low, const char *high,
                         long *least, long *most)
{
    double a = aglm_json_double(aglm_json_get(s, low), 0);
    double b = aglm_json_double(aglm_json_get(s, high), -1);

    if (b >= 0 && a > b)
        return never(m, low);
    if (a > REPEAT_MAX)
        return aglm_error_set(m->err, AGLM_LIMIT, "grammar: %s is over %d", low, REPEAT_MAX);
    *least = (long)a;
    *most = b > REPEAT_MAX ? -1 : (long)b;
    return AGLM_OK;
}

static void put_repeat(struct maker *m, long least, long most)
{
    if (most < 0)
        aglm_str_printf(m->out, "{%ld,}", least);
    else
        aglm_str_printf(m->out, "{%ld,%ld}", least, most);
}

static aglm_rc put_string(struct maker *m, const aglm_json *s)
{
    long least, most;
    aglm_rc rc = bounds_of(m, s, "minLength", "maxLength", &least, &most);

    if (rc != AGLM_OK)
        return rc;
    aglm_str_puts(m->out, "\"\\\"\" char");
    put_repeat(m, least, most);
    return aglm_str_puts(m->out, " \"\\\"\"");
}

static aglm_rc put_integer(struct maker *m, const aglm_json *s)
{
    const aglm_json *low = aglm_json_get(s, "minimum"), *high = aglm_json_get(s, "maximum");
    double a = ceil(aglm_json_double(low, 0)), b = floor(aglm_json_double(high, 0));

    if (low && high && a > b)
        return never(m, "minimum");
    if (!low || !high || b - a >= RANGE_MAX || fabs(a) > 1e15)
        return aglm_str_puts(m->out, "whole");
    for (double v = a; v <= b; v++)
        aglm_str_printf(m->out, v > a ? " | \"%.0f\"" : "\"%.0f\"", v + 0.0);
    return m->out->rc;
}

static aglm_rc put_array(struct maker *m, const aglm_json *s)
{
    const aglm_json *items = aglm_json_get(s, "items");
    long least, most;
    aglm_rc rc = bounds_of(m, s, "minItems", "maxItems", &least, &most);

    if (rc != AGLM_OK)
        return rc;
    if (most == 0)
        return aglm_str_puts(m->out, "\"[\" \"]\"");
    aglm_str_puts(m->out, least > 0 ? "\"[\" " : "\"[\" (");
    for (int part = 0; part < 2 && rc == AGLM_OK; part++) {
        aglm_str_puts(m->out, part ? " (\",\" " : "");
        rc = items ? put_rule_name(m, items) : aglm_str_puts(m->out, "value");
    }
    aglm_str_putc(m->out, ')');
    put_repeat(m, least > 0 ? least - 1 : 0, most < 0 ? -1 : most - 1);
    return rc == AGLM_OK ? aglm_str_puts(m->out, least > 0 ? " \"]\"" : ")? \"]\"") : rc;
}

static bool is_required(const aglm_json *s, const char *key)
{
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(s, "required"));
    const aglm_json *name;

    while ((name = aglm_json_next(&it, NULL)))
        if (strcmp(aglm_json_string(name, NULL), key) == 0)
            return true;
    return false;
}

static aglm_rc put_member(struct maker *m, const char *key, const aglm_json *v, bool comma)
{
    aglm_rc rc;

    aglm_str_puts(m->out, comma ? "\",\" " : "");
    rc = put_json(m, NULL, key);
    aglm_str_puts(m->out, " \":\" ");
    return rc == AGLM_OK ? put_rule_name(m, v) : rc;
}

/* Rules rN-I and rN-I-c: members from I on, the latter behind another one. */
static aglm_rc put_members(struct maker *m, const aglm_json *s, size_t node)
{
    const aglm_json *properties = aglm_json_get(s, "properties"), *v;
    aglm_json_iter it = aglm_json_iterate(properties);
    const char *key;
    aglm_rc rc = AGLM_OK;
    size_t i = 0;

    for (; rc == AGLM_OK && (v = aglm_json_next(&it, &key)); i++) {
        for (int comma = 0; comma < 2 && rc == AGLM_OK; comma++) {
            const char *behind = comma ? "-c" : "";
            aglm_str_printf(m->out, "r%zu-%zu%s ::= ", node, i, behind);
            rc = put_member(m, key, v, comma);
            aglm_str_printf(m->out, " r%zu-%zu-c", node, i + 1);
            if (!is_required(s, key))
                aglm_str_printf(m->out, " | r%zu-%zu%s", node, i + 1, behind);
            aglm_str_putc(m->out, '\n');
        }
    }
    aglm_str_printf(m->out, "r%zu-%zu ::= \"\"\nr%zu-%zu-c ::= \"\"\n", node, i, node, i);
    return rc;
}

static aglm_rc check_named(struct maker *m, const aglm_json *s)
{
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(s, "required"));
    const aglm_json *name;

    while ((name = aglm_json_next(&it, NULL)))
        if (!aglm_json_get(aglm_json_get(s, "properties"), aglm_json_string(name, NULL)))
            return aglm_error_set(m->err, AGLM_INVALID,
                                  "grammar: \"%.60s\" is required and not among the properties",
                                  aglm_json_string(name, NULL));
    return AGLM_OK;
}

static aglm_rc put_type(struct maker *m, const aglm_json *s, const char *type, size_t node)
{
    if (strcmp(type, "object") == 0) {
        if (!aglm_json_get(s, "properties") && !aglm_json_get(s, "required"))
            return aglm_str_puts(m->out, "object");
        return aglm_str_printf(m->out, "\"{\" r%zu-0 \"}\"", node);
    }
    if (strcmp(type, "array") == 0)
        return put_array(m, s);
    if (strcmp(type, "string") == 0)
        return put_string(m, s);
    if (strcmp(type, "integer") == 0)
        return put_integer(m, s);
    if (strcmp(type, "boolean") == 0)
        return aglm_str_puts(m->out, "\"true\" | \"false\"");
    return aglm_str_puts(m->out, strcmp(type, "null") == 0 ? "\"null\"" : "number");
}

static aglm_rc put_types(struct maker *m, const aglm_json *s, size_t node)
{
    const aglm_json *type = aglm_json_get(s, "type"), *one;
    const char *name = aglm_json_string(type, NULL);
    aglm_json_iter it = aglm_json_iterate(type);
    aglm_rc rc = AGLM_OK;

    if (!type && aglm_json_get(s, "properties"))
        name = "object";
    if (name || !type)
        return name ? put_type(m, s, name, node) : aglm_str_puts(m->out, "value");
    for (bool first = true; rc == AGLM_OK && (one = aglm_json_next(&it, NULL)); first = false) {
        aglm_str_puts(m->out, first ? "" : " | ");
        rc = put_type(m, s, aglm_json_string(one, NULL), node);
    }
    return rc;
}

static aglm_rc refuse_others(struct maker *m, const aglm_json *s)
{
    static const char *const others[] = {"allOf",
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
                                         "multipleOf"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (aglm_json_get(s, others[i]))
            return aglm_error_set(m->err, AGLM_UNSUPPORTED,
                                  "grammar: %s has no counterpart; leave it to the check of the "
                                  "output",
                                  others[i]);
    return AGLM_OK;
}

static aglm_rc put_body(struct maker *m, const aglm_json *s, size_t node)
{
    const aglm_json *v;
    aglm_rc rc;

    if (aglm_json_kind_of(s) == AGLM_JSON_BOOL)
        return aglm_json_bool(s, false) ? aglm_str_puts(m->out, "value") : never(m, "false");
    if ((rc = refuse_others(m, s)) != AGLM_OK)
        return rc;
    if ((v = aglm_json_schema_target(m->schema, aglm_json_get(s, "$ref"))))
        return put_rule_name(m, v);
    if ((v = aglm_json_get(s, "const")))
        return put_json(m, v, NULL);
    if ((v = aglm_json_get(s, "enum")))
        return put_choice(m, v, true, "enum");
    if ((v = aglm_json_get(s, "anyOf")) || (v = aglm_json_get(s, "oneOf")))
        return put_choice(m, v, false, "anyOf");
    return put_types(m, s, node);
}

static aglm_rc put_rules(struct maker *m)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < m->n_nodes && rc == AGLM_OK; i++) {
        const aglm_json *s = m->nodes[i];
        aglm_str_printf(m->out, "r%zu ::= ", i);
        rc = put_body(m, s, i);
        aglm_str_putc(m->out, '\n');
        if (rc == AGLM_OK && (aglm_json_get(s, "properties") || aglm_json_get(s, "required"))) {
            rc = check_named(m, s);
            if (rc == AGLM_OK)
                rc = put_members(m, s, i);
        }
    }
    return rc;
}

aglm_rc aglm_grammar_from_schema(aglm_str *out, const aglm_json_schema *schema, aglm_error *err)
{
    struct maker m = {.schema = schema, .out = out, .err = err};
    aglm_rc rc;

    m.numbers = aglm_map_new(RULES_MAX, RULES_MAX * sizeof(void *));
    if (!m.numbers)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    aglm_str_puts(out, "root ::= ");
    rc = put_rule_name(&m, aglm_json_schema_root(schema));
    aglm_str_putc(out, '\n');
    if (rc == AGLM_OK)
        rc = put_rules(&m);
    aglm_str_puts(out, BASE);
    free(m.nodes);
    aglm_map_free(m.numbers);
    if (rc == AGLM_OK && out->rc != AGLM_OK)
        return aglm_error_set(err, out->rc, "grammar: %s", aglm_rc_text(out->rc));
    return rc;
}
