#include "base/log.h"

#include "base/utf8.h"
#include "unit.h"

struct seen {
    char text[4096];
    int lines;
};

static void keep(void *arg, aglm_log_level level, const char *line)
{
    struct seen *s = arg;

    snprintf(s->text, sizeof s->text, "%d:%s", (int)level, line);
    s->lines++;
}

static void keeps_to_its_level(void **state)
{
    struct seen s = {.lines = 0};
    aglm_log *log = aglm_log_new(AGLM_LOG_WARN, keep, &s);

    (void)state;
    aglm_log_line(log, AGLM_LOG_INFO, "not this");
    assert_int_equal(s.lines, 0);
    aglm_log_line(log, AGLM_LOG_WARN, "row %d", 5);
    assert_string_equal(s.text, "1:row 5");
    aglm_log_line(log, AGLM_LOG_ERROR, "a\nb\x1b[1m\tc");
    assert_string_equal(s.text, "0:a b [1m c");
    aglm_log_line(NULL, AGLM_LOG_ERROR, "nobody");
    aglm_log_free(log);
    aglm_log_free(NULL);
    log = aglm_log_new(AGLM_LOG_DEBUG, NULL, NULL);
    aglm_log_line(log, AGLM_LOG_ERROR, "vanishes");
    aglm_log_free(log);
    assert_int_equal(s.lines, 2);
}

static void cuts_at_a_character(void **state)
{
    struct seen s = {.lines = 0};
    aglm_log *log = aglm_log_new(AGLM_LOG_INFO, keep, &s);
    char text[3001];

    (void)state;
    for (int i = 0; i < 1000; i++)
        memcpy(text + 3 * i, "\xe4\xbd\xa0", 3);
    text[3000] = '\0';
    for (int shift = 0; shift < 3; shift++) {
        aglm_log_line(log, AGLM_LOG_INFO, "%.*s%s", shift, "ab", text);
        assert_int_equal(aglm_utf8_check(s.text, strlen(s.text)), strlen(s.text));
        assert_true(strlen(s.text) > 1000);
    }
    aglm_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_to_its_level),
        cmocka_unit_test(cuts_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
