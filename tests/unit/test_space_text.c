#include "search/space_text.h"

#include <math.h>

#include "search/study.h"
#include "unit.h"

static aglm_space *parsed(const char *text)
{
    aglm_space *s;
    aglm_error err = {0};

    assert_int_equal(aglm_space_new(&s, NULL), AGLM_OK);
    if (aglm_space_parse(s, text, strlen(text), &err) != AGLM_OK)
        fail_msg("%s: %s", text, err.msg);
    return s;
}

static void forbid(aglm_space *s, const char *text)
{
    aglm_error err = {0};

    if (aglm_space_parse_forbidden(s, text, strlen(text), &err) != AGLM_OK)
        fail_msg("%s: %s", text, err.msg);
}

static void refused(const char *text, const char *why)
{
    aglm_space *s;
    aglm_error err = {0};

    assert_int_equal(aglm_space_new(&s, NULL), AGLM_OK);
    if (aglm_space_parse(s, text, strlen(text), &err) != AGLM_INVALID || !strstr(err.msg, why))
        fail_msg("%s: expected \"%s\", got \"%s\"", text, why, err.msg);
    aglm_space_free(s);
}

static void forbid_refused(const char *space, const char *text, const char *why)
{
    aglm_space *s = parsed(space);
    aglm_error err = {0};

    if (aglm_space_parse_forbidden(s, text, strlen(text), &err) != AGLM_INVALID ||
        !strstr(err.msg, why))
        fail_msg("%s: expected \"%s\", got \"%s\"", text, why, err.msg);
    aglm_space_free(s);
}

static void described(const char *text, const char *wanted)
{
    aglm_space *s = parsed(text);
    aglm_str out;

    aglm_str_init(&out, 1u << 16);
    aglm_space_describe(s, &out);
    assert_string_equal(out.data, wanted);
    aglm_str_clear(&out);
    aglm_space_free(s);
}

static void words_take_bounds(void **state)
{
    (void)state;
    described("lr=loguniform(1e-5,1e-1)", "lr  float 1e-05..0.1 log\n");
    described("x = uniform( -1 , 2.5 )", "x  float -1..2.5\n");
    described("layers=quniform(2,6,1)", "layers  float 2..6 step 1\n");
    described("n=int(1,10) m=int(1,10,4),k=logint(1,100)\n",
              "n  int 1..10\nm  int 1..9 step 4\nk  int 1..100 log\n");
    described("x=normal(1,0.5)", "x  float -1..3  drawn normal mean 1 deviation 0.5\n");
    described("c=choice(16, 2.5, 'a b', adam, true, null)",
              "c  choice (16, 2.5, a b, adam, true, null)\n");
    described("c=choice([a])", "c  choice (a)\n");
    described("'my lr'=uniform(0,1)", "my lr  float 0..1\n");
    described("\xe5\xad\xa6\xe4\xb9\xa0=uniform(0,1)", "\xe5\xad\xa6\xe4\xb9\xa0  float 0..1\n");
}

static void choices_nest(void **state)
{
    (void)state;
    described("model=choice(svm(C=loguniform(1e-3,1e3)), forest(n=int(10,100)))",
              "model  choice (svm, forest)\n"
              "C  float 0.001..1000 log  when model in (svm)\n"
              "n  int 10..100  when model in (forest)\n");
    described("m=choice(a(k=choice(p(g=uniform(0,1)),q)),b)",
              "m  choice (a, b)\nk  choice (p, q)  when m in (a)\ng  float 0..1  when k in (p)\n");
    /* one parameter of two branches */
    described("m=choice(a(k=int(1,3), j=int(1,2)), b, c(k=int(1,3)))",
              "m  choice (a, b, c)\nk  int 1..3  when m in (a, c)\nj  int 1..2  when m in (a)\n");
}

static void hyperopt_words_mean_what_hyperopt_means(void **state)
{
    aglm_space *s = parsed("hp.loguniform('lr',-5,-1) n=hp.randint(8) m=hp.randint(2,5)");

    (void)state;
    assert_string_equal(s->params[0].name, "lr");
    assert_float_equal(s->params[0].dist.low, exp(-5), 1e-15);
    assert_float_equal(s->params[0].dist.high, exp(-1), 1e-15);
    assert_true(s->params[0].dist.log);
    assert_int_equal(s->params[1].dist.low, 0);
    assert_int_equal(s->params[1].dist.high, 7);
    assert_int_equal(s->params[2].dist.low, 2);
    assert_int_equal(s->params[2].dist.high, 4);
    aglm_space_free(s);
    /* round(0.4 / 1) = 0, round(2.6) = 3: outside the bounds, as in Hyperopt */
    described("q=hp.quniform(0.4,2.6,1)", "q  float 0..3 step 1  drawn from 0.4..2.6, rounded\n");
    described("hp.choice('opt', ['adam', 'sgd'])", "opt  choice (adam, sgd)\n");
    described("o=hp.choice('adam', 'sgd')", "o  choice (adam, sgd)\n");
}

/* Shares of rounded draws at the ends: Hyperopt's cells there are cut. */
static void rounded_draws_have_hyperopts_shares(void **state)
{
    aglm_space *s = parsed("q=hp.quniform(0,4,1)");
    int count[5] = {0};
    aglm_rng rng;
    double x;

    (void)state;
    aglm_rng_init(&rng, 3);
    for (int i = 0; i < 8000; i++) {
        aglm_space_sample(s, &rng, &x);
        count[(int)x]++;
    }
    assert_in_range(count[0], 900, 1100);
    assert_in_range(count[1], 1850, 2150);
    assert_in_range(count[4], 900, 1100);
    aglm_space_free(s);
}

static void normal_draws_have_their_moments(void **state)
{
    aglm_space *s = parsed("x=normal(3,0.5) y=lognormal(1,0.25)");
    double sum[2] = {0};
    double square[2] = {0};
    double x[2];
    aglm_rng rng;
    const int n = 20000;

    (void)state;
    aglm_rng_init(&rng, 4);
    for (int i = 0; i < n; i++) {
        aglm_space_sample(s, &rng, x);
        assert_int_equal(aglm_space_check(s, x, NULL), AGLM_OK);
        x[1] = log(x[1]);
        for (int j = 0; j < 2; j++) {
            sum[j] += x[j];
            square[j] += x[j] * x[j];
        }
    }
    assert_float_equal(sum[0] / n, 3, 0.02);
    assert_float_equal(sqrt(square[0] / n - sum[0] / n * sum[0] / n), 0.5, 0.01);
    assert_float_equal(sum[1] / n, 1, 0.01);
    assert_float_equal(sqrt(square[1] / n - sum[1] / n * sum[1] / n), 0.25, 0.005);
    aglm_space_free(s);
}

static void errors_name_parameter_and_character(void **state)
{
    (void)state;
    refused("lr=uniform(2,1)", "parameter \"lr\", character 12: low 2 is over high 1: swap them");
    refused("lr=loguniform(-1,1)",
            "parameter \"lr\", character 15: low -1 must be over 0 on a log scale");
    refused("lr=loguniform(0,1)", "character 15");
    refused("a=int(1,2) lr=lognuniform(1,2)",
            "parameter \"lr\", character 15: \"lognuniform\" is no distribution: expected uniform");
    refused("lr=hp.foo(1,2)", "expected hp.uniform, ");
    refused("lr=uniform(0)", "uniform takes (low,high): 1 number is given");
    refused("lr=uniform(0,1,2)", "no more than 2");
    refused("lr=uniform(0,x)", "character 14: \"x\" is no number");
    refused("lr=uniform(0,inf)", "\"inf\" is not finite");
    refused("lr=uniform(0,1", "expected \")\" behind the numbers, found the end");
    refused("lr uniform(0,1)", "expected \"=\" behind the name, found \"u\"");
    refused("=uniform(0,1)", "character 1: expected a parameter's name");
    refused("", "expected name=distribution, found nothing");
    refused("\xc3\xa9=uniform(0,1) b=uniform(0,1)\nc=int(1.5,2)",
            "parameter \"c\", character 37: 1.5 must be a whole number");
    refused("n=logint(0,5)", "at least 1");
    refused("n=int(1,9,0)", "step must be over 0");
    refused("n=quniform(1,9,-1)", "q must be over 0");
    refused("n=normal(1,0)", "sigma must be over 0");
    refused("n=hp.loguniform(-5,1000)", "exponents");
    refused("n=hp.randint(0)", "left out");
    refused("hp.uniform(0,1)", "has no name");
    refused("a=hp.uniform('b',0,1)", "another name");
    refused("c=choice()", "expected a value, found \")\"");
    refused("c=choice(a,b,a)", "character 14: the option stands there twice");
    refused("c=choice(1,1.0)", "twice");
    refused("c=choice('a)", "the quote ' is not closed");
    refused("c=choice(a(b=int(1,2))", "expected \")\" behind the options");
    refused("c=choice(a())", "found nothing");
    refused("a=int(1,2) a=int(1,2)", "the name is taken");
    refused("m=choice(a(k=int(1,3)), b(k=int(1,4)))", "parameter \"k\", character 29: the name");
    refused("a=uniform(\xff,1)", "character 11: the text is not UTF-8");
}

static void space_of_two_texts(void **state)
{
    aglm_space *s = parsed("a=int(1,2)");
    aglm_error err = {0};

    (void)state;
    assert_int_equal(aglm_space_parse(s, "b=int(1,3)", 10, &err), AGLM_OK);
    assert_int_equal(aglm_space_size(s), 6);
    assert_int_equal(aglm_space_parse(s, "a=int(1,3)", 10, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "there twice"));
    aglm_space_free(s);
}

static void combinations_are_forbidden(void **state)
{
    aglm_space *s = parsed(
        "batch=choice(16,32,64) lr=loguniform(1e-4,1) m=choice(a(k=int(1,3)),b)");
    double bad[4] = {2, 0.1, 1, NAN};
    double good[4] = {2, 0.001, 1, NAN};
    aglm_error err = {0};

    (void)state;
    forbid(s, "batch=64 & lr>0.01");
    assert_false(aglm_space_allowed(s, bad));
    assert_int_equal(aglm_space_check(s, bad, &err), AGLM_INVALID);
    assert_string_equal(err.msg, "the point is forbidden: batch = 64 & lr > 0.01");
    assert_true(aglm_space_allowed(s, good));
    forbid(s, "batch >= 32 && k != 2"); /* choices by their numbers; k only where it is active */
    assert_true(aglm_space_allowed(s, good));
    good[2] = 0;
    good[3] = 1;
    assert_false(aglm_space_allowed(s, good));
    good[3] = 2;
    assert_true(aglm_space_allowed(s, good));
    forbid(s, "k<lr"); /* two parameters */
    assert_true(aglm_space_allowed(s, good));
    aglm_space_free(s);
    forbid_refused("a=int(1,3)", "b=1", "character 1: there is no parameter \"b\"");
    forbid_refused("a=int(1,3)", "a=7", "7 is not in 1..3");
    forbid_refused("a=int(1,3)", "a ~ 7", "character 3: expected one of");
    forbid_refused("a=int(1,3)", "a=1 | a=2",
                   "character 5: expected \"&\" or the end, found \"|\"");
    forbid_refused("a=int(1,3)", "a<b", "character 3: expected a number or another parameter");
    forbid_refused("a=choice(x,y)", "a<1", "its choices are no numbers");
    forbid_refused("a=choice(x,y)", "a=z", "none of the parameter's choices");
    forbid_refused("a=int(1,3)", "", "expected a parameter's name");
}

static void spaces_differ_by_clause_and_prior(void **state)
{
    aglm_space *a = parsed("x=hp.normal(0,1) y=int(1,3)");
    aglm_space *b = parsed("x=hp.normal(0,1) y=int(1,3)");
    aglm_error why = {0};
    aglm_space *back;
    aglm_str out;

    (void)state;
    assert_true(aglm_space_equal(a, b, &why));
    forbid(b, "y=3 & x<0.5");
    assert_false(aglm_space_equal(a, b, &why));
    assert_string_equal(why.msg, "forbidden: y = 3 & x < 0.5, which is not stored");
    assert_false(aglm_space_equal(b, a, &why));
    aglm_str_init(&out, 1u << 16);
    aglm_space_write(b, &out);
    assert_int_equal(aglm_space_read(&back, out.data, out.len, &why), AGLM_OK);
    assert_true(aglm_space_equal(b, back, &why));
    aglm_space_free(back);
    aglm_str_clear(&out);
    aglm_space_free(a);
    a = parsed("x=uniform(-4,4) y=int(1,3)");
    assert_false(aglm_space_equal(a, b, &why));
    aglm_space_free(a);
    aglm_space_free(b);
}

/* Every sampler, on a countable space until it is exhausted: 5 * 5 points, 10 of them forbidden. */
static void samplers_never_propose_what_is_forbidden(void **state)
{
    size_t n;
    const aglm_sampler_ops *const *all = aglm_samplers(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        aglm_space *space = parsed("a=int(1,5) b=int(1,5)");
        aglm_study_options o;
        aglm_study *s;
        aglm_store *store;
        int64_t number;
        double x[2];
        int asked = 0;
        aglm_error err = {0};

        forbid(space, "a<b");
        aglm_study_options_init(&o);
        o.sampler = all[i];
        assert_int_equal(aglm_store_open(&store, "memory", NULL), AGLM_OK);
        if (aglm_study_open(&s, store, "s", space, &o, &err) != AGLM_OK) {
            aglm_store_close(store); /* a sampler of another kind of space */
            aglm_space_free(space);
            continue;
        }
        assert_int_equal(aglm_study_enqueue(s, (double[]){1, 2}, NULL, &err), AGLM_INVALID);
        assert_non_null(strstr(err.msg, "forbidden: a < b"));
        while (aglm_study_ask(s, &number, x, &err) == AGLM_OK) {
            double v = x[0] + x[1];
            assert_true(x[0] >= x[1]);
            assert_int_equal(aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, &v, 1, &err), AGLM_OK);
            asked++;
        }
        assert_int_equal(asked, 15);
        aglm_study_close(s);
        aglm_store_close(store);
        aglm_space_free(space);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_take_bounds),
        cmocka_unit_test(choices_nest),
        cmocka_unit_test(hyperopt_words_mean_what_hyperopt_means),
        cmocka_unit_test(rounded_draws_have_hyperopts_shares),
        cmocka_unit_test(normal_draws_have_their_moments),
        cmocka_unit_test(errors_name_parameter_and_character),
        cmocka_unit_test(space_of_two_texts),
        cmocka_unit_test(combinations_are_forbidden),
        cmocka_unit_test(spaces_differ_by_clause_and_prior),
        cmocka_unit_test(samplers_never_propose_what_is_forbidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
