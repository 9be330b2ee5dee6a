#include "lm/grammar.h"

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
        "r1 ::= \"1\" | \"2\" | \"3\"\n");
    assert_begins("{\"$ref\":\"#/$defs/x\",\"$defs\":{\"x\":{\"anyOf\":[{\"type\":\"null\"},"
                  "{\"$ref\":\"#\"}]}}}",
                  "root ::= r0\nr0 ::= r1\nr1 ::= r2 | r3\nr2 ::= \"null\"\nr3 ::= r0\n");
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
        {"{\"pattern\":\"a\"}", AGLM_UNSUPPORTED, "pattern"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_of_schemas),
        cmocka_unit_test(members_required_and_not),
        cmocka_unit_test(what_cannot_be_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
