#include "job/dialogue.h"

#include <unistd.h>

#include "base/clock.h"
#include "unit.h"

static aglm_dialogue *start(const char *script)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    aglm_dialogue *d;
    aglm_error err = {0};

    if (aglm_dialogue_open(&d, argv, (const char *const *)environ, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return d;
}

static uint64_t after_ms(unsigned ms)
{
    return aglm_clock_ns() + UINT64_C(1000000) * ms;
}

static aglm_rc hear(aglm_dialogue *d, unsigned ms, char *text, size_t size, aglm_error *err)
{
    const char *line = "";
    size_t n = 0;
    aglm_rc rc = aglm_dialogue_hear(d, &line, &n, after_ms(ms), err);

    snprintf(text, size, "%.*s", (int)n, line);
    return rc;
}

static void lines_are_answered_by_lines(void **state)
{
    aglm_dialogue *d = start("while read -r line; do echo \"got $line\"; echo more; done");
    char text[64];

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(aglm_dialogue_say(d, "hello\n", 6, after_ms(5000), NULL), AGLM_OK);
        assert_int_equal(hear(d, 5000, text, sizeof text, NULL), AGLM_OK);
        assert_string_equal(text, "got hello");
        assert_int_equal(hear(d, 5000, text, sizeof text, NULL), AGLM_OK);
        assert_string_equal(text, "more");
    }
    aglm_dialogue_close(d);
}

struct failure {
    const char *script;
    aglm_rc rc;
    const char *says;
};

static void every_end_is_named(void **state)
{
    static const struct failure failures[] = {
        {"exit 3", AGLM_IO, "it ended with exit code 3"},
        {"echo oops >&2; echo 'last words' >&2; exit 1", AGLM_IO, "exit code 1: last words"},
        {"kill -SEGV $$", AGLM_IO, "it was ended by signal 11"},
        {"./absent-program", AGLM_NOTFOUND, "exit code 127"},
        {"exec >&-; sleep 31", AGLM_IO, "it closed its output"},
        {"echo hm >&2; sleep 31", AGLM_CANCELLED, "it did not answer in time: hm"},
        {"yes | tr -d '\\n'", AGLM_LIMIT, "its answer"},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        aglm_dialogue *d = start(failures[i].script);
        aglm_error err = {0};
        aglm_rc rc = hear(d, failures[i].rc == AGLM_CANCELLED ? 200 : 10000, text, sizeof text,
                          &err);
        if (rc != failures[i].rc || !strstr(err.msg, failures[i].says))
            fail_msg("%s: %d, %s", failures[i].script, rc, err.msg);
        aglm_dialogue_close(d);
    }
}

/* Neither a full pipe nor a broken one holds us up or ends us. */
static void one_that_does_not_read_is_noticed(void **state)
{
    static char bytes[1 << 20];
    aglm_error err = {0};

    (void)state;
    memset(bytes, '\n', sizeof bytes);
    aglm_dialogue *d = start("sleep 31");
    assert_int_equal(aglm_dialogue_say(d, bytes, sizeof bytes, after_ms(100), &err),
                     AGLM_CANCELLED);
    aglm_dialogue_close(d);
    d = start("exec <&-; echo gone >&2; exit 4");
    assert_int_equal(aglm_dialogue_say(d, bytes, sizeof bytes, after_ms(5000), &err), AGLM_IO);
    assert_non_null(strstr(err.msg, "exit code 4: gone"));
    assert_string_equal(aglm_dialogue_errors(d), "gone\n");
    aglm_dialogue_close(d);
}

static void a_program_that_is_not_there_is_an_error(void **state)
{
    const char *argv[] = {"./absent-program", NULL};
    aglm_dialogue *d;
    aglm_error err = {0};

    (void)state;
    assert_int_equal(aglm_dialogue_open(&d, argv, (const char *const *)environ, &err),
                     AGLM_NOTFOUND);
    assert_null(d);
    assert_non_null(strstr(err.msg, "./absent-program"));
    aglm_dialogue_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_answered_by_lines),
        cmocka_unit_test(every_end_is_named),
        cmocka_unit_test(one_that_does_not_read_is_noticed),
        cmocka_unit_test(a_program_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
