#include "lm/grammar.h"

#include <math.h>

#include "base/regex.h"
#include "lm/grammar_number.h"
#include "unit.h"

static aglm_rc make(aglm_str *out, const char *schema, aglm_error *err)
{
    aglm_json_schema *s = NULL;

    aglm_str_init(out, 1 << 20);
    if (aglm_json_schema_new(&s, schema, strlen(schema), err) != AGLM_OK)
        fail_msg("%s", err->msg);
    aglm_rc rc = aglm_grammar_from_schema(out, s, err);
    aglm_json_schema_free(s);
    return rc;
}

static void assert_begins(const char *schema, const char *rules)
{
    aglm_error err = {0};
    aglm_str out;

    if (make(&out, schema, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    if (strncmp(out.data, rules, strlen(rules)) != 0)
        fail_msg("%.400s", out.data);
    assert_non_null(strstr(out.data, "\nvalue ::= "));
    aglm_str_clear(&out);
}

static void rules_of_schemas(void **state)
{
    assert_begins("{\"enum\":[\"a\",\"b\\\"c\",1]}",
                  "root ::= r0\nr0 ::= \"\\\"a\\\"\" | \"\\\"b\\\\\\\"c\\\"\" | \"1\"\n");
    assert_begins("{\"type\":\"string\",\"minLength\":1,\"maxLength\":9}",
                  "root ::= r0\nr0 ::= \"\\\"\" char{1,9} \"\\\"\"\n");
    assert_begins(
        "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":3},"
        "\"maxItems\":4}",
        "root ::= r0\nr0 ::= \"[\" (r1 (\",\" r1){0,3})? \"]\"\n"
        "r1 ::=  [1-3]\n");
    assert_begins("{\"$ref\":\"#/$defs/x\",\"$defs\":{\"x\":{\"anyOf\":[{\"type\":\"null\"},false,"
                  "{\"items\":{\"$ref\":\"#\"},\"type\":\"array\"}]}}}",
                  "root ::= r0\nr0 ::= r1\nr1 ::= r2 | r4\nr2 ::= \"null\"\n"
                  "r4 ::= \"[\" (r5 (\",\" r5){0,})? \"]\"\nr5 ::= r0\n");
}

static void members_required_and_not(void **state)
{
    assert_begins("{\"type\":\"object\",\"properties\":{\"a\":true,\"b\":{\"type\":\"boolean\"}},"
                  "\"required\":[\"b\"]}",
                  "root ::= r0\nr0 ::= \"{\" r0-0 \"}\"\n"
                  "r0-0 ::= \"\\\"a\\\"\" \":\" r1 r0-1-c | r0-1\n"
                  "r0-0-c ::= \",\" \"\\\"a\\\"\" \":\" r1 r0-1-c | r0-1-c\n"
                  "r0-1 ::= \"\\\"b\\\"\" \":\" r2 r0-2-c\n"
                  "r0-1-c ::= \",\" \"\\\"b\\\"\" \":\" r2 r0-2-c\n"
                  "r0-2 ::= \"\"\nr0-2-c ::= \"\"\nr1 ::= value\nr2 ::= \"true\" | \"false\"\n");
}

struct refused {
    const char *schema;
    aglm_rc rc;
    const char *word;
};

static void what_cannot_be_is_named(void **state)
{
    static const struct refused cases[] = {
        {"false", AGLM_INVALID, "no value"},
        {"{\"enum\":[]}", AGLM_INVALID, "enum"},
        {"{\"type\":\"string\",\"minLength\":4,\"maxLength\":3}", AGLM_INVALID, "minLength"},
        {"{\"type\":\"integer\",\"minimum\":4,\"maximum\":3}", AGLM_INVALID, "minimum"},
        {"{\"type\":\"object\",\"required\":[\"a\"]}", AGLM_INVALID, "\"a\" is required"},
        {"{\"multipleOf\":2}", AGLM_UNSUPPORTED, "multipleOf"},
        {"{\"type\":\"string\",\"enum\":[1,2]}", AGLM_INVALID, "enum"},
        {"{\"const\":3,\"maximum\":2}", AGLM_INVALID, "const"},
        {"{\"type\":\"number\",\"exclusiveMinimum\":3,\"maximum\":3}", AGLM_INVALID, "minimum"},
        {"{\"type\":\"array\",\"items\":false,\"minItems\":1}", AGLM_INVALID, "schema false"},
        {"{\"anyOf\":[false,{\"enum\":[]}]}", AGLM_INVALID, "enum"},
        {"{\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}", AGLM_INVALID,
         "without end"},
        {"{\"$ref\":\"#\"}", AGLM_INVALID, "itself"},
        {"{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#\"}]}", AGLM_INVALID, "itself"},
        {"{\"anyOf\":[true],\"minimum\":1}", AGLM_UNSUPPORTED, "minimum beside anyOf"},
        {"{\"anyOf\":[true],\"oneOf\":[true]}", AGLM_UNSUPPORTED, "oneOf beside anyOf"},
        {"{\"type\":\"string\",\"minLength\":1001}", AGLM_LIMIT, "minLength"},
        {"{\"type\":\"array\",\"minItems\":1002}", AGLM_LIMIT, "minItems"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aglm_error err = {0};
        aglm_str out;
        assert_int_equal(make(&out, cases[i].schema, &err), cases[i].rc);
        if (!strstr(err.msg, cases[i].word))
            fail_msg("%s: %s", cases[i].schema, err.msg);
        aglm_str_clear(&out);
    }
}

/* ---- ranges of numbers ---- */

/* Alternatives of digits as a regular expression: blanks and quotes go, the point is a point. */
static aglm_regex *regex_of(const aglm_number_range *r, bool integer)
{
    aglm_str rules, text;
    aglm_regex *regex = NULL;
    aglm_error err = {0};

    aglm_str_init(&rules, 1 << 20);
    aglm_str_init(&text, 1 << 20);
    aglm_number_range_put(r, integer, &rules);
    aglm_str_puts(&text, "^(?:");
    for (const char *p = rules.data; *p; p++) {
        if (*p == '.')
            aglm_str_putc(&text, '\\');
        if (*p != ' ' && *p != '"')
            aglm_str_putc(&text, *p);
    }
    aglm_str_puts(&text, ")$");
    if (aglm_regex_new(&regex, text.data, text.len, NULL, &err) != AGLM_OK)
        fail_msg("%s: %s", rules.data, err.msg);
    aglm_str_clear(&rules);
    aglm_str_clear(&text);
    return regex;
}

static bool matches(const aglm_regex *regex, const char *text)
{
    bool found;

    assert_int_equal(aglm_regex_match(regex, text, strlen(text), &found, NULL), AGLM_OK);
    return found;
}

static bool lies_in(const aglm_number_range *r, double v)
{
    return (r->low_open ? v > r->low : v >= r->low) && (r->high_open ? v < r->high : v <= r->high);
}

/* Every number of up to three decimals from -1200 to 1200 is there just when it lies within. */
static void assert_range(const char *schema, bool integer)
{
    aglm_json_doc *doc;
    char text[32];

    assert_int_equal(aglm_json_parse(&doc, schema, strlen(schema), NULL, NULL), AGLM_OK);
    aglm_number_range r = aglm_number_range_of(aglm_json_root(doc), integer);
    assert_int_equal(r.decimals, 0);
    aglm_regex *regex = regex_of(&r, integer);
    for (int n = -1200; n <= 1200; n++) {
        snprintf(text, sizeof text, "%d", n);
        if (matches(regex, text) != lies_in(&r, n))
            fail_msg("%s: %s", schema, text);
    }
    for (int n = -1200000; n <= 1200000; n += 37) {
        snprintf(text, sizeof text, "%.3f", n / 1e3);
        if (strcmp(text, "-0.000") != 0 &&
            matches(regex, text) != (!integer && lies_in(&r, n / 1e3)))
            fail_msg("%s: %s", schema, text);
    }
    aglm_regex_free(regex);
    aglm_json_free(doc);
}

static void ranges_of_numbers(void **state)
{
    static const char *const SCHEMAS[] = {
        "{\"minimum\":1,\"maximum\":3}",
        "{\"minimum\":-17,\"maximum\":1003}",
        "{\"minimum\":0}",
        "{\"exclusiveMinimum\":-5}",
        "{\"maximum\":-99}",
        "{\"exclusiveMaximum\":100,\"minimum\":99}",
        "{\"minimum\":-0.5,\"maximum\":0.5}",
        "{\"minimum\":10,\"exclusiveMinimum\":9,\"maximum\":999.5}",
        "{\"minimum\":-1000,\"exclusiveMinimum\":-1000,\"maximum\":-7.125}",
    };
    static const struct {
        const char *schema;
        int decimals;
    } NARROW[] = {{"{\"minimum\":0.25,\"maximum\":0.75}", 1},
                  {"{\"minimum\":0.001,\"maximum\":0.0012}", 3},
                  {"{\"exclusiveMinimum\":1,\"maximum\":1.0000000001}", 10},
                  {"{\"exclusiveMinimum\":1,\"maximum\":1}", -1}};

#ifndef AGLM_HAVE_PCRE2
    skip();
#endif
    for (size_t i = 0; i < sizeof SCHEMAS / sizeof *SCHEMAS; i++) {
        assert_range(SCHEMAS[i], true);
        assert_range(SCHEMAS[i], false);
    }
    for (size_t i = 0; i < sizeof NARROW / sizeof *NARROW; i++) {
        aglm_json_doc *doc;
        const char *s = NARROW[i].schema;
        assert_int_equal(aglm_json_parse(&doc, s, strlen(s), NULL, NULL), AGLM_OK);
        aglm_number_range r = aglm_number_range_of(aglm_json_root(doc), false);
        assert_int_equal(r.decimals, NARROW[i].decimals);
        aglm_json_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_of_schemas),
        cmocka_unit_test(members_required_and_not),
        cmocka_unit_test(what_cannot_be_is_named),
        cmocka_unit_test(ranges_of_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
