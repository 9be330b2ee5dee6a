#include "base/regex.h"

#include "unit.h"

static aglm_rc search(const char *pattern, const aglm_regex_options *o, const char *text, bool *hit,
                      aglm_error *err)
{
    aglm_regex *r = NULL;
    aglm_rc rc = aglm_regex_new(&r, pattern, strlen(pattern), o, err);

    if (rc == AGLM_OK)
        rc = aglm_regex_match(r, text, strlen(text), hit, err);
    aglm_regex_free(r);
    return rc;
}

static bool hits(const char *pattern, const aglm_regex_options *o, const char *text)
{
    bool hit = false;
    aglm_error err = {0};

    if (search(pattern, o, text, &hit, &err) != AGLM_OK)
        fail_msg("%s: %s", pattern, err.msg);
    return hit;
}

static void a_part_or_the_whole(void **state)
{
    aglm_regex_options whole = {.whole = true};

    assert_true(hits("b+", NULL, "abbc"));
    assert_false(hits("b+", &whole, "abbc"));
    assert_true(hits("b+", &whole, "bb"));
    assert_true(hits("b|bb", &whole, "bb"));
    assert_true(hits("^.$", NULL, "中"));
    assert_true(hits("ÀB", &(aglm_regex_options){.fold_case = true}, "àb"));
}

static void javascript_reads_the_end_as_the_end(void **state)
{
    aglm_regex_options ecma = {.ecma = true};

    assert_true(hits("a$", NULL, "a\n"));
    assert_false(hits("a$", &ecma, "a\n"));
    assert_true(hits("^\\u4e2d$", &ecma, "中"));
}

static void a_bad_pattern_is_named(void **state)
{
    bool hit;
    aglm_error err = {0};

    assert_int_equal(search("ab(c", NULL, "", &hit, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "byte 5"));
    assert_int_equal(search("\xff", NULL, "", &hit, &err), AGLM_FORMAT);
    assert_int_equal(search("a", NULL, "\xff", &hit, &err), AGLM_FORMAT);
}

static void endless_work_is_stopped(void **state)
{
    char text[4001];
    bool hit = true;
    aglm_error err = {0};

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(search("^(a|a)*$b", NULL, text, &hit, &err), AGLM_OK);
    assert_int_equal(search("^(?:a+)+[bc]$", NULL, text, &hit, &err), AGLM_LIMIT);
    assert_false(hit);
    assert_non_null(strstr(err.msg, "steps"));
}

static int has_pcre(void **state)
{
    aglm_regex *r = NULL;
    aglm_rc rc = aglm_regex_new(&r, "a", 1, NULL, NULL);

    aglm_regex_free(r);
    return rc == AGLM_UNSUPPORTED ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_or_the_whole),
        cmocka_unit_test(javascript_reads_the_end_as_the_end),
        cmocka_unit_test(a_bad_pattern_is_named),
        cmocka_unit_test(endless_work_is_stopped),
    };
    if (has_pcre(NULL) != 0) {
        puts("skipped: built without PCRE2");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
