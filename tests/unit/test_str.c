#include "base/str.h"

#include "unit.h"

static void grows_and_hands_over(void **state)
{
    aglm_str s;

    (void)state;
    aglm_str_init(&s, SIZE_MAX);
    assert_string_equal(s.data, "");
    for (int i = 0; i < 10000; i++)
        assert_int_equal(aglm_str_putc(&s, (char)('a' + i % 26)), AGLM_OK);
    assert_int_equal(s.len, 10000);
    assert_int_equal(strlen(s.data), 10000);
    assert_int_equal(aglm_str_printf(&s, "%d|%s", 42, "x"), AGLM_OK);
    assert_string_equal(s.data + 10000, "42|x");
    char *text = aglm_str_take(&s);
    assert_int_equal(strlen(text), 10004);
    assert_string_equal(s.data, "");
    free(text);
    text = aglm_str_take(&s);
    assert_string_equal(text, "");
    free(text);
    aglm_str_clear(&s);
    aglm_str_clear(&s);
}

static void printf_of_every_length(void **state)
{
    char want[300];
    aglm_str s;

    (void)state;
    memset(want, 'x', sizeof want);
    for (int n = 0; n < 299; n++) {
        aglm_str_init(&s, SIZE_MAX);
        aglm_str_puts(&s, "start");
        assert_int_equal(aglm_str_printf(&s, "%.*s", n, want), AGLM_OK);
        assert_int_equal(s.len, 5 + (size_t)n);
        assert_int_equal(strlen(s.data), s.len);
        aglm_str_clear(&s);
    }
}

static void cap_is_sticky(void **state)
{
    aglm_str s;

    (void)state;
    aglm_str_init(&s, 10);
    assert_int_equal(aglm_str_append(&s, "12345678", 8), AGLM_OK);
    assert_int_equal(aglm_str_puts(&s, "abc"), AGLM_LIMIT);
    assert_string_equal(s.data, "12345678");
    assert_int_equal(aglm_str_putc(&s, 'z'), AGLM_LIMIT);
    assert_int_equal(aglm_str_printf(&s, "z"), AGLM_LIMIT);
    assert_null(aglm_str_take(&s));
    assert_int_equal(s.rc, AGLM_OK);
    assert_int_equal(aglm_str_puts(&s, "1234567890"), AGLM_OK);
    assert_int_equal(aglm_str_printf(&s, "%d", 1), AGLM_LIMIT);
    assert_string_equal(s.data, "1234567890");
    aglm_str_reset(&s);
    assert_int_equal(s.rc, AGLM_OK);
    assert_string_equal(s.data, "");
    assert_int_equal(aglm_str_printf(&s, "%s", "12345678901"), AGLM_LIMIT);
    assert_string_equal(s.data, "");
    aglm_str_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_hands_over),
        cmocka_unit_test(printf_of_every_length),
        cmocka_unit_test(cap_is_sticky),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
