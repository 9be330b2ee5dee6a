#include "lm/grammar.h"

#include <string.h>

#include "lm/grammar_number.h"
#include "lm/grammar_part.h"

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

struct maker {
    aglm_grammar_parts parts;
    aglm_str *out;
    aglm_error *err;
};

static aglm_rc put_rule_name(struct maker *m, const aglm_json *schema)
{
    return aglm_str_printf(m->out, "r%zu", aglm_grammar_part_number(&m->parts, schema));
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

/* Those that meet the rest of the schema, too. */
static aglm_rc put_literals(struct maker *m, const aglm_json *s)
{
    bool list;
    const aglm_json *v = aglm_grammar_literals(s, &list), *one;
    aglm_json_iter it = aglm_json_iterate(v);
    aglm_rc rc = AGLM_OK;
    const char *between = "";

    if (!list)
        return put_json(m, v, NULL);
    while (rc == AGLM_OK && (one = aglm_json_next(&it, NULL))) {
        if (!aglm_grammar_fits(&m->parts, s, one))
            continue;
        aglm_str_puts(m->out, between);
        between = " | ";
        rc = put_json(m, one, NULL);
    }
    return rc;
}

static aglm_rc put_choices(struct maker *m, const aglm_json *list)
{
    aglm_json_iter it = aglm_json_iterate(list);
    const aglm_json *one;
    const char *between = "";

    while ((one = aglm_json_next(&it, NULL))) {
        if (!aglm_grammar_part_possible(&m->parts, one))
            continue;
        aglm_str_puts(m->out, between);
        between = " | ";
        put_rule_name(m, one);
    }
    return m->out->rc;
}

/* A longer one than llama.cpp takes becomes one without an end. */
static aglm_rc put_repeat(struct maker *m, double least, double most, const char *keyword)
{
    if (least > REPEAT_MAX)
        return aglm_error_set(m->err, AGLM_LIMIT, "grammar: %s is over %d", keyword, REPEAT_MAX);
    if (most > REPEAT_MAX)
        return aglm_str_printf(m->out, "{%.0f,}", least);
    return aglm_str_printf(m->out, "{%.0f,%.0f}", least, most);
}

static aglm_rc put_string(struct maker *m, const aglm_json *s)
{
    aglm_grammar_length n = aglm_grammar_length_of(s, "minLength", "maxLength");

    aglm_str_puts(m->out, "\"\\\"\" char");
    aglm_rc rc = put_repeat(m, n.least, n.most, "minLength");
    return rc == AGLM_OK ? aglm_str_puts(m->out, " \"\\\"\"") : rc;
}

static aglm_rc put_number(struct maker *m, const aglm_json *s, bool integer)
{
    aglm_number_range r = aglm_number_range_of(s, integer);

    if (r.low < -1e300 && r.high > 1e300)
        return aglm_str_puts(m->out, integer ? "whole" : "number");
    aglm_number_range_put(&r, integer, m->out);
    return m->out->rc;
}

static aglm_rc put_array(struct maker *m, const aglm_json *s)
{
    const aglm_json *items = aglm_json_get(s, "items");
    aglm_grammar_length n = aglm_grammar_length_of(s, "minItems", "maxItems");
    bool some = n.least > 0;

    if (n.most == 0 || (items && !aglm_grammar_part_possible(&m->parts, items)))
        return aglm_str_puts(m->out, "\"[\" \"]\"");
    aglm_str_puts(m->out, some ? "\"[\" " : "\"[\" (");
    for (int part = 0; part < 2; part++) {
        aglm_str_puts(m->out, part ? " (\",\" " : "");
        if (items)
            put_rule_name(m, items);
        else
            aglm_str_puts(m->out, "value");
    }
    aglm_str_putc(m->out, ')');
    aglm_rc rc = put_repeat(m, some ? n.least - 1 : 0, n.most - 1, "minItems");
    return rc == AGLM_OK ? aglm_str_puts(m->out, some ? " \"]\"" : ")? \"]\"") : rc;
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
static aglm_rc put_members(struct maker *m, const aglm_json *s, size_t part)
{
    const aglm_json *properties = aglm_json_get(s, "properties"), *v;
    aglm_json_iter it = aglm_json_iterate(properties);
    const char *key;
    aglm_rc rc = AGLM_OK;
    size_t i = 0;

    while (rc == AGLM_OK && (v = aglm_json_next(&it, &key))) {
        if (!aglm_grammar_part_possible(&m->parts, v))
            continue;
        for (int comma = 0; comma < 2 && rc == AGLM_OK; comma++) {
            const char *behind = comma ? "-c" : "";
            aglm_str_printf(m->out, "r%zu-%zu%s ::= ", part, i, behind);
            rc = put_member(m, key, v, comma);
            aglm_str_printf(m->out, " r%zu-%zu-c", part, i + 1);
            if (!is_required(s, key))
                aglm_str_printf(m->out, " | r%zu-%zu%s", part, i + 1, behind);
            aglm_str_putc(m->out, '\n');
        }
        i++;
    }
    aglm_str_printf(m->out, "r%zu-%zu ::= \"\"\nr%zu-%zu-c ::= \"\"\n", part, i, part, i);
    return rc;
}

static aglm_rc put_object(struct maker *m, const aglm_json *s, size_t part)
{
    const aglm_json *values = aglm_json_get(s, "additionalProperties");

    if (aglm_json_get(s, "properties"))
        return aglm_str_printf(m->out, "\"{\" r%zu-0 \"}\"", part);
    if (!values)
        return aglm_str_puts(m->out, "object");
    if (!aglm_grammar_part_possible(&m->parts, values))
        return aglm_str_puts(m->out, "\"{\" \"}\"");
    size_t n = aglm_grammar_part_number(&m->parts, values);
    return aglm_str_printf(m->out, "\"{\" (string \":\" r%zu (\",\" string \":\" r%zu)*)? \"}\"", n,
                           n);
}

static aglm_rc put_type(struct maker *m, const aglm_json *s, const char *type, size_t part)
{
    if (strcmp(type, "object") == 0)
        return put_object(m, s, part);
    if (strcmp(type, "array") == 0)
        return put_array(m, s);
    if (strcmp(type, "string") == 0)
        return put_string(m, s);
    if (strcmp(type, "boolean") == 0)
        return aglm_str_puts(m->out, "\"true\" | \"false\"");
    if (strcmp(type, "null") == 0)
        return aglm_str_puts(m->out, "\"null\"");
    return put_number(m, s, *type == 'i');
}

static aglm_rc put_types(struct maker *m, const aglm_json *s, size_t part)
{
    const char *types[7], *between = "";
    size_t n = aglm_grammar_types(s, types);
    aglm_rc rc = n == 0 ? aglm_str_puts(m->out, "value") : AGLM_OK;

    for (size_t i = 0; i < n && rc == AGLM_OK; i++) {
        if (!aglm_grammar_type_possible(&m->parts, s, types[i]))
            continue;
        aglm_str_puts(m->out, between);
        between = " | ";
        rc = put_type(m, s, types[i], part);
    }
    return rc;
}

static aglm_rc put_body(struct maker *m, const aglm_json *s, size_t part)
{
    const aglm_json *v;
    bool list;

    if (aglm_grammar_literals(s, &list))
        return put_literals(m, s);
    if ((v = aglm_json_schema_target(m->parts.schema, aglm_json_get(s, "$ref"))))
        return put_rule_name(m, v);
    if ((v = aglm_grammar_choices(s)))
        return put_choices(m, v);
    return put_types(m, s, part);
}

/* Parts that nothing can meet have no rule, and none names them. */
static aglm_rc put_rules(struct maker *m)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < m->parts.n && rc == AGLM_OK; i++) {
        const aglm_json *s = m->parts.at[i].schema;
        bool list;
        if (!m->parts.at[i].possible)
            continue;
        aglm_str_printf(m->out, "r%zu ::= ", i);
        rc = put_body(m, s, i);
        aglm_str_putc(m->out, '\n');
        if (rc == AGLM_OK && aglm_json_get(s, "properties") && !aglm_grammar_literals(s, &list))
            rc = put_members(m, s, i);
    }
    return rc;
}

aglm_rc aglm_grammar_from_schema(aglm_str *out, const aglm_json_schema *schema, aglm_error *err)
{
    struct maker m = {.out = out, .err = err};
    aglm_rc rc = aglm_grammar_parts_init(&m.parts, schema, err);

    aglm_str_puts(out, "root ::= r0\n");
    if (rc == AGLM_OK)
        rc = put_rules(&m);
    aglm_str_puts(out, BASE);
    aglm_rc failed = out->rc != AGLM_OK ? out->rc : m.parts.rc;
    aglm_grammar_parts_clear(&m.parts);
    if (failed != AGLM_OK)
        return aglm_error_set(err, failed, "grammar: %s", aglm_rc_text(failed));
    return rc;
}
