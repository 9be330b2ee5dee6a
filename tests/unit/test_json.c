#include "base/json.h"

#include "base/rng.h"
#include "unit.h"

#define ROOT_OK(doc, text)                                                                         \
    assert_int_equal(aglm_json_parse(&(doc), (text), strlen(text), NULL, NULL), AGLM_OK)

static void refuses(const char *text, const char *message)
{
    aglm_json_doc *doc;
    aglm_error err = {0};

    assert_int_equal(aglm_json_parse(&doc, text, strlen(text), NULL, &err), AGLM_FORMAT);
    assert_null(doc);
    if (!strstr(err.msg, message))
        fail_msg("for %s: \"%s\" lacks \"%s\"", text, err.msg, message);
}

static void reads_values(void **state)
{
    aglm_json_doc *doc;
    const char *text =
        "{\"a\": [1, -2.5, true, null, \"x\\u0000y\"], \"b\": {\"c\": 9223372036854775807},"
        " \"d\": -9223372036854775808, \"e\": 18446744073709551615, \"f\": 3.0, \"g\": 1e300}";
    size_t len;

    (void)state;
    ROOT_OK(doc, text);
    const aglm_json *r = aglm_json_root(doc);
    assert_int_equal(aglm_json_kind_of(r), AGLM_JSON_OBJECT);
    assert_int_equal(aglm_json_size(r), 6);
    const aglm_json *a = aglm_json_get(r, "a");
    assert_int_equal(aglm_json_size(a), 5);
    aglm_json_iter it = aglm_json_iterate(a);
    assert_int_equal(aglm_json_int(aglm_json_next(&it, NULL), 7), 1);
    const aglm_json *v = aglm_json_next(&it, NULL);
    assert_int_equal(aglm_json_int(v, 7), 7);
    assert_true(aglm_json_double(v, 0) == -2.5);
    assert_true(aglm_json_bool(aglm_json_next(&it, NULL), false));
    assert_int_equal(aglm_json_kind_of(aglm_json_next(&it, NULL)), AGLM_JSON_NULL);
    v = aglm_json_next(&it, NULL);
    assert_memory_equal(aglm_json_string(v, &len), "x\0y", 3);
    assert_int_equal(len, 3);
    assert_null(aglm_json_next(&it, NULL));
    assert_true(aglm_json_int(aglm_json_get(aglm_json_get(r, "b"), "c"), 0) == INT64_MAX);
    assert_true(aglm_json_int(aglm_json_get(r, "d"), 0) == INT64_MIN);
    assert_true(aglm_json_int(aglm_json_get(r, "e"), -5) == -5);
    assert_true(aglm_json_double(aglm_json_get(r, "e"), 0) == 0x1p64);
    assert_int_equal(aglm_json_int(aglm_json_get(r, "f"), 0), 3);
    assert_int_equal(aglm_json_int(aglm_json_get(r, "g"), -5), -5);
    assert_null(aglm_json_get(r, "absent"));
    assert_null(aglm_json_get(a, "a"));
    assert_null(aglm_json_get(NULL, "a"));
    assert_int_equal(aglm_json_size(NULL), 0);
    assert_int_equal(aglm_json_int(NULL, 4), 4);
    assert_null(aglm_json_string(a, NULL));
    assert_string_equal(aglm_json_kind_name(NULL), "nothing");
    assert_string_equal(aglm_json_kind_name(a), "an array");
    aglm_json_free(doc);
    aglm_json_free(NULL);
}

static void iterates_members_in_order(void **state)
{
    aglm_json_doc *doc;
    const char *key;
    aglm_str seen;

    (void)state;
    aglm_str_init(&seen, 100);
    ROOT_OK(doc, "{\"z\": {\"q\": [1, [2]]}, \"y\": [], \"x\": {}, \"w\": 1}");
    aglm_json_iter it = aglm_json_iterate(aglm_json_root(doc));
    for (const aglm_json *v; (v = aglm_json_next(&it, &key));)
        aglm_str_printf(&seen, "%s %s;", key, aglm_json_kind_name(v));
    assert_string_equal(seen.data, "z an object;y an array;x an object;w a number;");
    aglm_str_clear(&seen);
    it = aglm_json_iterate(NULL);
    assert_null(aglm_json_next(&it, &key));
    aglm_json_free(doc);
}

static void refuses_with_place(void **state)
{
    aglm_json_doc *doc;
    aglm_error err = {0};
    aglm_json_options o = {.origin = "f.jsonl:17"};

    (void)state;
    refuses("", "empty");
    refuses("  ", "line 1");
    refuses("{\"a\": 1,\n  \"b\": }", "line 2, column 8");
    refuses("[\"\xe4\xbd\xa0\", x]", "line 1, column 7");
    refuses("[1, 2", "line 1, column 6");
    refuses("[1] 2", "line 1, column 5");
    refuses("[01]", "line 1");
    refuses("[1,]", "line 1");
    refuses("[NaN]", "line 1");
    refuses("[1e999]", "line 1");
    refuses("[\"\xff\"]", "line 1");
    refuses("[\"\\ud800\"]", "line 1");
    refuses("[\"a\nb\"]", "line 1");
    refuses("{'a': 1}", "line 1, column 2");
    assert_int_equal(aglm_json_parse(&doc, "[", 1, &o, &err), AGLM_FORMAT);
    assert_int_equal(strncmp(err.msg, "f.jsonl:17: line 1", 18), 0);
}

static void takes_nonfinite_when_allowed(void **state)
{
    aglm_json_doc *doc;
    aglm_json_options o = {.allow_nonfinite = true};
    const char *text = "[NaN, Infinity, -Infinity]";

    (void)state;
    assert_int_equal(aglm_json_parse(&doc, text, strlen(text), &o, NULL), AGLM_OK);
    aglm_json_iter it = aglm_json_iterate(aglm_json_root(doc));
    double nan = aglm_json_double(aglm_json_next(&it, NULL), 0);
    assert_true(nan != nan);
    assert_true(aglm_json_double(aglm_json_next(&it, NULL), 0) > 1e308);
    const aglm_json *low = aglm_json_next(&it, NULL);
    assert_true(aglm_json_double(low, 0) < -1e308);
    assert_int_equal(aglm_json_int(low, 3), 3);
    aglm_json_free(doc);
}

static char *nested(int depth)
{
    char *text = calloc((size_t)depth * 2 + 1, 1);

    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    return text;
}

static void bounds_nesting(void **state)
{
    aglm_json_doc *doc;
    char *text = nested(AGLM_JSON_MAX_DEPTH);

    (void)state;
    ROOT_OK(doc, text);
    aglm_json_free(doc);
    free(text);
    text = nested(AGLM_JSON_MAX_DEPTH + 1);
    refuses(text, "nested deeper than 64");
    free(text);
    text = nested(1000000);
    refuses(text, "nested deeper than 64");
    free(text);
}

static void refuses_doubled_keys(void **state)
{
    aglm_str s;
    aglm_json_doc *doc;

    (void)state;
    refuses("{\"a\": 1, \"b\": 2, \"a\": 3}", "\"a\" stands twice");
    refuses("[{}, {\"x\": {\"k\": 1, \"\\u006b\": 2}}]", "\"k\" stands twice");
    aglm_str_init(&s, SIZE_MAX);
    aglm_str_puts(&s, "{");
    for (int i = 0; i < 100000; i++)
        aglm_str_printf(&s, "\"key%d\": %d, ", i, i);
    size_t len = s.len;
    aglm_str_puts(&s, "\"last\": 0}");
    ROOT_OK(doc, s.data);
    aglm_json_free(doc);
    s.len = len;
    aglm_str_puts(&s, "\"key77\": 0}");
    refuses(s.data, "\"key77\" stands twice");
    aglm_str_clear(&s);
}

static void needs_members(void **state)
{
    aglm_json_doc *doc;
    aglm_error err = {0};
    const char *s;
    double d;
    int64_t i;

    (void)state;
    ROOT_OK(doc, "{\"s\": \"x\", \"n\": 5, \"f\": 2.5, \"z\": \"a\\u0000b\"}");
    const aglm_json *r = aglm_json_root(doc);
    assert_int_equal(aglm_json_need_string(r, "s", &s, &err), AGLM_OK);
    assert_string_equal(s, "x");
    assert_int_equal(aglm_json_need_string(r, "n", &s, &err), AGLM_FORMAT);
    assert_string_equal(err.msg, "n: expected a string, found a number");
    assert_int_equal(aglm_json_need_string(r, "q", &s, &err), AGLM_FORMAT);
    assert_string_equal(err.msg, "q: expected a string, found nothing");
    assert_int_equal(aglm_json_need_string(r, "z", &s, &err), AGLM_FORMAT);
    assert_int_equal(aglm_json_need_double(r, "f", &d, &err), AGLM_OK);
    assert_true(d == 2.5);
    assert_int_equal(aglm_json_need_double(r, "s", &d, &err), AGLM_FORMAT);
    assert_int_equal(aglm_json_need_int(r, "n", 1, 5, &i, &err), AGLM_OK);
    assert_int_equal(i, 5);
    assert_int_equal(aglm_json_need_int(r, "n", 1, 4, &i, &err), AGLM_FORMAT);
    assert_string_equal(err.msg, "n: 5 is not within 1..4");
    assert_int_equal(aglm_json_need_int(r, "f", 0, 9, &i, &err), AGLM_FORMAT);
    assert_int_equal(aglm_json_need_int(r, "s", 0, 9, &i, &err), AGLM_FORMAT);
    aglm_json_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values),       cmocka_unit_test(iterates_members_in_order),
        cmocka_unit_test(refuses_with_place), cmocka_unit_test(takes_nonfinite_when_allowed),
        cmocka_unit_test(bounds_nesting),     cmocka_unit_test(refuses_doubled_keys),
        cmocka_unit_test(needs_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
