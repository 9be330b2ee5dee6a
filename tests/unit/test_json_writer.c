#include <math.h>

#include "base/json.h"
#include "unit.h"

static void write_sample(aglm_json_writer *w)
{
    aglm_json_open_object(w);
    aglm_json_member_text(w, "s", "a\"\\\n\x01/\xe4\xbd\xa0\xf0\x9f\x98\x80\x7f");
    aglm_json_member_int(w, "i", -5);
    aglm_json_member_double(w, "d", 1.0);
    aglm_json_member_bool(w, "b", true);
    aglm_json_member_text(w, "n", NULL);
    aglm_json_key(w, "l");
    aglm_json_open_array(w);
    aglm_json_put_double(w, NAN);
    aglm_json_put_null(w);
    aglm_json_open_array(w);
    aglm_json_close_array(w);
    aglm_json_open_object(w);
    aglm_json_close_object(w);
    aglm_json_close_array(w);
    aglm_json_close_object(w);
}

static void writes_compact_pretty_python(void **state)
{
    aglm_str s;
    aglm_json_writer w;

    (void)state;
    aglm_str_init(&s, SIZE_MAX);
    aglm_json_writer_init(&w, &s);
    write_sample(&w);
    assert_string_equal(
        s.data,
        "{\"s\":\"a\\\"\\\\\\n\\u0001/\xe4\xbd\xa0\xf0\x9f\x98\x80\x7f\",\"i\":-5,\"d\":1.0,"
        "\"b\":true,\"n\":null,\"l\":[null,null,[],{}]}");
    aglm_str_reset(&s);
    aglm_json_writer_init(&w, &s);
    w.python = w.nonfinite = true;
    write_sample(&w);
    assert_string_equal(
        s.data,
        "{\"s\": \"a\\\"\\\\\\n\\u0001/\\u4f60\\ud83d\\ude00\\u007f\", \"i\": -5, \"d\": 1.0, "
        "\"b\": true, \"n\": null, \"l\": [NaN, null, [], {}]}");
    aglm_str_reset(&s);
    aglm_json_writer_init(&w, &s);
    w.pretty = true;
    aglm_json_open_object(&w);
    aglm_json_member_int(&w, "a", 1);
    aglm_json_key(&w, "b");
    aglm_json_open_array(&w);
    aglm_json_put_int(&w, 2);
    aglm_json_put_int(&w, 3);
    aglm_json_close_array(&w);
    aglm_json_close_object(&w);
    assert_string_equal(s.data, "{\n  \"a\": 1,\n  \"b\": [\n    2,\n    3\n  ]\n}");
    aglm_str_clear(&s);
}

static void mends_invalid_utf8(void **state)
{
    aglm_str s;
    aglm_json_writer w;

    (void)state;
    aglm_str_init(&s, SIZE_MAX);
    aglm_json_writer_init(&w, &s);
    aglm_json_put_text(&w, "a\xff\xc3z\xed\xa0\x80");
    assert_string_equal(s.data,
                        "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    aglm_str_clear(&s);
}

static void copies_values(void **state)
{
    const char *text =
        "{\"a\":[1,1.0,-3,18446744073709551615,1e+300,true,false,null,\"x\\u0000\",{}],\"k\":{\"l\":[]}}";
    aglm_json_doc *doc;
    aglm_str s;
    aglm_json_writer w;

    (void)state;
    assert_int_equal(aglm_json_parse(&doc, text, strlen(text), NULL, NULL), AGLM_OK);
    aglm_str_init(&s, SIZE_MAX);
    aglm_json_writer_init(&w, &s);
    aglm_json_put_value(&w, aglm_json_root(doc));
    assert_string_equal(s.data, text);
    aglm_str_clear(&s);
    aglm_json_free(doc);
}

static void json_text_is_copied_or_fails(void **state)
{
    static const char good[] = "{\"a\": [1, null]}";
    aglm_str s;
    aglm_json_writer w;

    (void)state;
    aglm_str_init(&s, SIZE_MAX);
    aglm_json_writer_init(&w, &s);
    aglm_json_put_parsed(&w, good, sizeof good - 1);
    assert_string_equal(s.data, "{\"a\":[1,null]}");
    aglm_json_put_parsed(&w, good, sizeof good - 2);
    assert_int_equal(s.rc, AGLM_FORMAT);
    aglm_str_clear(&s);
}

static void too_deep_sticks(void **state)
{
    aglm_str s;
    aglm_json_writer w;

    (void)state;
    aglm_str_init(&s, SIZE_MAX);
    aglm_json_writer_init(&w, &s);
    for (int i = 0; i < AGLM_JSON_MAX_DEPTH; i++)
        aglm_json_open_array(&w);
    assert_int_equal(s.rc, AGLM_OK);
    aglm_json_open_array(&w);
    assert_int_equal(s.rc, AGLM_LIMIT);
    for (int i = 0; i <= AGLM_JSON_MAX_DEPTH; i++)
        aglm_json_close_array(&w);
    assert_int_equal(s.rc, AGLM_LIMIT);
    aglm_str_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_compact_pretty_python),
        cmocka_unit_test(mends_invalid_utf8),
        cmocka_unit_test(copies_values),
        cmocka_unit_test(json_text_is_copied_or_fails),
        cmocka_unit_test(too_deep_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
