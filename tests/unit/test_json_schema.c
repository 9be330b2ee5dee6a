#include "net/json_schema.h"

#include "unit.h"

static aglm_json_schema *schema_of(const char *text)
{
    aglm_json_schema *s = NULL;
    aglm_error err = {0};

    if (aglm_json_schema_new(&s, text, strlen(text), &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return s;
}

static aglm_rc check(const char *schema, const char *value, bool *valid, aglm_str *why,
                     aglm_error *err)
{
    aglm_json_schema *s = schema_of(schema);
    aglm_json_doc *doc = NULL;

    assert_int_equal(aglm_json_parse(&doc, value, strlen(value), NULL, NULL), AGLM_OK);
    aglm_rc rc = aglm_json_schema_check(s, aglm_json_root(doc), valid, why, err);
    aglm_json_free(doc);
    aglm_json_schema_free(s);
    return rc;
}

static void faults_by_pointer(void **state)
{
    const char *schema = "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{"
                         "\"name\":{},\"age\":{\"type\":\"integer\",\"minimum\":0},"
                         "\"a/b\":{\"items\":{\"enum\":[\"x\",\"y\"]}}},"
                         "\"additionalProperties\":false}";
    bool valid = true;
    aglm_str why;

    aglm_str_init(&why, 4096);
    assert_int_equal(
        check(schema, "{\"age\":-1,\"a/b\":[\"x\",\"z\"],\"c\":1}", &valid, &why, NULL), AGLM_OK);
    assert_false(valid);
    assert_string_equal(why.data, "/: \"name\" is missing\n"
                                  "/age: -1 is less than 0\n"
                                  "/a~1b/1: none of the 2 allowed values\n"
                                  "/: \"c\" is not among the properties\n");
    aglm_str_reset(&why);
    assert_int_equal(check(schema, "{\"name\":1,\"age\":3}", &valid, &why, NULL), AGLM_OK);
    assert_true(valid);
    assert_string_equal(why.data, "");
    aglm_str_clear(&why);
}

struct refused {
    const char *schema;
    aglm_rc rc;
    const char *word;
};

static void bad_schemas_are_refused(void **state)
{
    static const struct refused cases[] = {
        {"{\"type\":\"text\"}", AGLM_FORMAT, "text is none of"},
        {"{\"minLength\":\"3\"}", AGLM_FORMAT, "minLength: expected a number"},
#ifdef AGLM_HAVE_PCRE2
        {"{\"pattern\":\"(\"}", AGLM_FORMAT, "pattern \"(\""},
#else
        {"{\"pattern\":\"(\"}", AGLM_UNSUPPORTED, "install libpcre2-dev"},
#endif
        {"{\"items\":[{}]}", AGLM_FORMAT, "prefixItems"},
        {"{\"$ref\":\"#/$defs/a\"}", AGLM_FORMAT, "leads nowhere"},
        {"{\"$ref\":\"other.json\"}", AGLM_UNSUPPORTED, "$defs"},
        {"{\"anyOf\":[]}", AGLM_FORMAT, "empty"},
        {"{\"multipleOf\":0}", AGLM_FORMAT, "multipleOf"},
        {"{\"required\":[1]}", AGLM_FORMAT, "required"},
        {"{\"properties\":{\"a\":7}}", AGLM_FORMAT, "a schema is an object"},
        {"{", AGLM_FORMAT, "line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aglm_json_schema *s = NULL;
        aglm_error err = {0};
        assert_int_equal(aglm_json_schema_new(&s, cases[i].schema, strlen(cases[i].schema), &err),
                         cases[i].rc);
        assert_null(s);
        if (!strstr(err.msg, cases[i].word))
            fail_msg("%s: %s", cases[i].schema, err.msg);
    }
}

static void hostile_schemas_are_stopped(void **state)
{
    const char *loop = "{\"$ref\":\"#\"}";
    const char *bomb = "{\"$defs\":{\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/b\"},{\"$ref\":\"#/$defs/"
                       "b\"}]},\"b\":{\"anyOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/"
                       "a\"}]}},\"$ref\":\"#/$defs/a\"}";
    bool valid = true;
    aglm_error err = {0};

    assert_int_equal(check(loop, "1", &valid, NULL, &err), AGLM_LIMIT);
    assert_false(valid);
    assert_non_null(strstr(err.msg, "without end"));
    assert_int_equal(check(bomb, "1", &valid, NULL, &err), AGLM_LIMIT);
#ifdef AGLM_HAVE_PCRE2
    assert_int_equal(check("{\"pattern\":\"^(?:a+)+[bc]$\"}",
                           "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
                           &valid, NULL, &err),
                     AGLM_LIMIT);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_by_pointer),
        cmocka_unit_test(bad_schemas_are_refused),
        cmocka_unit_test(hostile_schemas_are_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
