#include "autoglm/error.h"

#include "unit.h"

static void codes_have_texts(void **state)
{
    (void)state;
#define CHECK(name, value, text) assert_string_equal(aglm_rc_text(AGLM_##name), text);
    AGLM_RC_LIST(CHECK)
#undef CHECK
    assert_string_equal(aglm_rc_text((aglm_rc)77), "unknown code");
}

static void set_fills_and_returns(void **state)
{
    aglm_error err = {0};

    (void)state;
    assert_int_equal(aglm_error_set(&err, AGLM_IO, "%s:%d", "f.csv", 3), AGLM_IO);
    assert_int_equal(err.rc, AGLM_IO);
    assert_string_equal(err.msg, "f.csv:3");
    assert_int_equal(aglm_error_set(NULL, AGLM_LIMIT, "x"), AGLM_LIMIT);
    aglm_error_prefix(&err, "trial %d", 7);
    assert_string_equal(err.msg, "trial 7: f.csv:3");
    aglm_error_prefix(NULL, "nobody");
}

static void long_text_is_cut_at_a_character(void **state)
{
    aglm_error err = {0};
    char text[3 * AGLM_ERROR_MAX + 1];

    (void)state;
    for (size_t i = 0; i < AGLM_ERROR_MAX; i++)
        memcpy(text + 3 * i, "\xe4\xbd\xa0", 3);
    text[3 * AGLM_ERROR_MAX] = '\0';
    for (int shift = 0; shift < 3; shift++) {
        aglm_error_set(&err, AGLM_FORMAT, "%.*s%s", shift, "abc", text);
        size_t n = strlen(err.msg);
        assert_true(n >= AGLM_ERROR_MAX - 4);
        assert_int_equal((n - (size_t)shift) % 3, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_texts),
        cmocka_unit_test(set_fills_and_returns),
        cmocka_unit_test(long_text_is_cut_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
