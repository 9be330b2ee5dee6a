#include "job/template.h"

#include <math.h>

#include "search/space_text.h"
#include "unit.h"

static aglm_space *space(void)
{
    static const char text[] =
        "lr=loguniform(1e-5,1) layers=quniform(2,6,1) "
        "m=choice(svm(C=uniform(0,1)), 'random forest') flag=choice(true,false)";
    aglm_space *s;

    assert_int_equal(aglm_space_new(&s, NULL), AGLM_OK);
    assert_int_equal(aglm_space_parse(s, text, strlen(text), NULL), AGLM_OK);
    return s;
}

static void filled(const double *x, const char *const *words, size_t n, const char *wanted)
{
    aglm_space *s = space();
    char joined[512] = "";
    size_t used = 0;
    aglm_arena a;
    char **argv;

    aglm_arena_init(&a, 1u << 20);
    assert_int_equal(aglm_template_fill(s, x, &(aglm_template){words, n}, &a, &argv, NULL),
                     AGLM_OK);
    for (size_t i = 0; argv[i]; i++)
        used += (size_t)snprintf(joined + used, sizeof joined - used, "%s|", argv[i]);
    assert_string_equal(joined, wanted);
    aglm_arena_clear(&a);
    aglm_space_free(s);
}

static void values_take_their_places(void **state)
{
    const double svm[] = {0.1, 3, 0, 0.25, 0};
    const double forest[] = {1e-5, 2, 1, NAN, 1};
    const char *words[] = {"./t", "--lr={lr}", "-n", "{layers}", "--C", "{C}", "{m}", "{flag}"};
    const char *braces[] = {"{{lr}}", "{lr}{lr}", "{}", "{print $1}", "a{C}", "{ lr}", "{"};

    (void)state;
    filled(svm, words, 8, "./t|--lr=0.1|-n|3|--C|0.25|svm|true|");
    filled(forest, words, 8, "./t|--lr=1e-05|-n|2|random forest|false|");
    filled(svm, braces, 7, "{lr}|0.10.1|{}|{print $1}|a0.25|{ lr}|{|");
    filled(forest, braces, 7, "{lr}|1e-051e-05|{}|{print $1}|{ lr}|{|");
}

static void names_are_checked(void **state)
{
    aglm_space *s = space();
    const char *unused;
    const char *good[] = {"{lr} {layers}", "{m}{C}", "{{other}}"};
    const char *bad[] = {"x", "--q={rl}"};
    const char *none[] = {"./run"};
    aglm_error err;

    (void)state;
    assert_int_equal(aglm_template_check(s, &(aglm_template){good, 3}, &unused, &err), AGLM_OK);
    assert_string_equal(unused, "flag");
    assert_int_equal(aglm_template_check(s, &(aglm_template){none, 1}, &unused, &err), AGLM_OK);
    assert_null(unused);
    assert_int_equal(aglm_template_check(s, &(aglm_template){bad, 2}, &unused, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "{rl} in the command is no parameter"));
    aglm_space_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_take_their_places),
        cmocka_unit_test(names_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
