/* The command line of the program: src/cli/option.c is compiled in, as it is not in the library. */
#include "cli/command.h"

#include "unit.h"

static const aglm_option OPTIONS[] = {
    {"count", 'n', AGLM_OPTION_INT, "N", "a number", NULL, 1, 10},
    {"wait", 'w', AGLM_OPTION_DURATION, "TIME", "a time", NULL, 0, 0},
    {"room", 0, AGLM_OPTION_SIZE, "SIZE", "a size", NULL, 0, 0},
    {"mode", 'm', AGLM_OPTION_WORD, "M", "a word", "fast|slow", 0, 0},
    {"name", 0, AGLM_OPTION_TEXT, "TEXT", "a text", NULL, 0, 0},
    {"loud", 'l', AGLM_OPTION_FLAG, NULL, "a flag", NULL, 0, 0},
};

static const aglm_command COMMAND = {
    .name = "test",
    .operands = "FILE [MORE]",
    .operands_min = 1,
    .operands_max = 2,
    .options = OPTIONS,
    .n_options = sizeof OPTIONS / sizeof *OPTIONS,
};

#define ARGV_MAX 80

/* Takes the words up to a NULL. */
static aglm_rc parse(aglm_args *out, bool *help, aglm_error *err, ...)
{
    char *argv[ARGV_MAX + 1];
    int n = 0;
    va_list ap;

    va_start(ap, err);
    while (n < ARGV_MAX && (argv[n] = va_arg(ap, char *)))
        n++;
    va_end(ap);
    memset(err, 0, sizeof *err);
    return aglm_args_parse(out, &COMMAND, n, argv, help, err);
}

#define END ((char *)NULL)

static void options_may_stand_anywhere(void **state)
{
    aglm_args a;
    aglm_error err;
    bool help;

    (void)state;
    assert_int_equal(parse(&a, &help, &err, "-n", "3", "in", "--wait=5ms", "-mslow", "out",
                           "--room", "2kB", "-l", "--name", "", END),
                     AGLM_OK);
    assert_false(help);
    assert_int_equal(a.n_operands, 2);
    assert_string_equal(a.operands[1], "out");
    assert_int_equal(aglm_args_number(&a, "count", 0), 3);
    assert_int_equal(aglm_args_number(&a, "wait", 0), 5000000);
    assert_int_equal(aglm_args_number(&a, "room", 0), 2000);
    assert_string_equal(aglm_args_text(&a, "mode", NULL), "slow");
    assert_string_equal(aglm_args_text(&a, "name", "x"), "");
    assert_true(aglm_args_flag(&a, "loud"));
    assert_false(aglm_args_flag(&a, "quiet"));
    assert_false(aglm_args_given(&a, "verbose"));
}

static void what_is_not_given_has_its_default(void **state)
{
    aglm_args a;
    aglm_error err;
    bool help;

    (void)state;
    assert_int_equal(parse(&a, &help, &err, "-", END), AGLM_OK);
    assert_string_equal(a.operands[0], "-");
    assert_int_equal(aglm_args_number(&a, "count", 77), 77);
    assert_null(aglm_args_text(&a, "name", NULL));
    assert_int_equal(parse(&a, &help, &err, "--", "--wait", "-l", END), AGLM_OK);
    assert_string_equal(a.operands[0], "--wait");
    assert_false(aglm_args_flag(&a, "loud"));
    assert_int_equal(parse(&a, &help, &err, "x", "-n1", "-n", "2", END), AGLM_OK);
    assert_int_equal(aglm_args_number(&a, "count", 0), 2); /* the last one counts */
}

static void help_needs_no_operands(void **state)
{
    aglm_args a;
    aglm_error err;
    bool help;

    (void)state;
    assert_int_equal(parse(&a, &help, &err, "-h", END), AGLM_OK);
    assert_true(help);
    assert_int_equal(parse(&a, &help, &err, "--help", "1", "2", "3", END), AGLM_OK);
    assert_true(help);
}

static void errors_name_the_argument(void **state)
{
    static const struct {
        const char *first, *second, *word;
    } CASES[] = {
        {"--colour", "red", "--colour: no such option"},
        {"--wai", "5s", "--wai: no such option"},
        {"--waits=5s", "x", "--waits=5s: no such option"},
        {"-z", "x", "-z: no such option"},
        {"--=x", "x", "no such option"},
        {"-\xc3\xa9", "x", "no such option"},
        {"--loud=yes", "x", "--loud takes no value"},
        {"-lx", "x", "--loud takes no value"},
        {"x", "--wait", "--wait: TIME is missing"},
        {"x", "-n", "--count: N is missing"},
        {"x", "--count=0", "from 1 to 10"},
        {"x", "--count=11", "from 1 to 10"},
        {"x", "--count=1.5", "whole number"},
        {"x", "--count=", "whole number"},
        {"x", "--count=99999999999999999999", "whole number"},
        {"x", "-n-1", "whole number"},
        {"x", "--wait=-5s", "time above zero"},
        {"x", "--wait=0s", "time above zero"},
        {"x", "--wait=soon", "time above zero"},
        {"x", "--wait=1e300h", "time above zero"},
        {"x", "--wait=nan", "time above zero"},
        {"x", "--room=0", "size above zero"},
        {"x", "--room=9999999999999GB", "size above zero"},
        {"x", "--room=-1MB", "size above zero"},
        {"x", "--mode=f", "expected one of fast|slow"},
        {"x", "--mode=fast|slow", "expected one of fast|slow"},
        {"x", "--mode=", "expected one of fast|slow"},
    };
    aglm_args a;
    aglm_error err;
    bool help;

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        aglm_rc rc = parse(&a, &help, &err, CASES[i].first, CASES[i].second, END);
        if (rc != AGLM_INVALID || !strstr(err.msg, CASES[i].word))
            fail_msg("%s %s: %d \"%s\"", CASES[i].first, CASES[i].second, rc, err.msg);
    }
}

static void too_few_and_too_many(void **state)
{
    char *argv[AGLM_OPERANDS_MAX + 5];
    char x[] = "x";
    aglm_args a;
    aglm_error err;
    bool help;

    (void)state;
    assert_int_equal(parse(&a, &help, &err, END), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "autoglm test FILE"));
    assert_int_equal(parse(&a, &help, &err, "a", "b", "c", END), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "\"c\" is one argument too many"));
    for (size_t i = 0; i < sizeof argv / sizeof *argv; i++)
        argv[i] = x;
    assert_int_equal(
        aglm_args_parse(&a, &COMMAND, (int)(sizeof argv / sizeof *argv), argv, &help, &err),
        AGLM_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(help_needs_no_operands),
        cmocka_unit_test(errors_name_the_argument),
        cmocka_unit_test(too_few_and_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
