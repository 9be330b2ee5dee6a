#include "autoglm/automodel.h"

#include <math.h>

#include "tune_data.h"
#include "unit.h"

struct fixture {
    char *folder;
    char file[4200], out[4200];
};

static int set_up(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);

    assert_non_null(x);
    x->folder = tune_folder();
    tune_file(tune_path(x->file, sizeof x->file, x->folder, "train.tsv"), 120, 1, false);
    tune_path(x->out, sizeof x->out, x->folder, "out.bundle");
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;

    tune_folder_remove(x->folder);
    free(x);
    return 0;
}

struct seen {
    size_t trials;
    double best;
};

static void on_trial(void *arg, int64_t number, double value, double best)
{
    struct seen *s = arg;

    s->trials++;
    if (!isnan(value))
        assert_true(isnan(s->best) || best >= s->best);
    s->best = best;
    (void)number;
}

static void tunes_opens_and_predicts(void **state)
{
    static const char text[] = "the goal of the match";
    struct fixture *x = *state;
    struct seen seen = {0, NAN};
    aglm_tune_config c;
    aglm_tune_summary s;
    aglm_automodel *m = NULL;
    aglm_answer a;
    aglm_error err = {0};
    const float *p = NULL;

    aglm_tune_config_init(&c);
    assert_true(c.budget_s == 60);
    c.file = x->file;
    c.out = x->out;
    c.budget_s = 0;
    c.trials = 4;
    c.threads = 2;
    c.label_column = "1";
    c.text_column = "2";
    c.metric = "macro_f1";
    c.on_trial = on_trial;
    c.arg = &seen;
    if (aglm_tune(&c, &s, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(seen.trials, 4);
    assert_int_equal(s.trials, 4);
    assert_true(s.macro_f1 > 0.8 && s.macro_f1 <= 1 && s.accuracy > 0.8 && s.bytes > 0);
    assert_true(s.value == s.macro_f1);

    if (aglm_automodel_open(&m, x->out, NULL, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(aglm_automodel_n_labels(m), 3);
    assert_string_equal(aglm_automodel_label(m, 0), "code");
    assert_string_equal(aglm_automodel_label(m, 2), "sport");
    assert_null(aglm_automodel_label(m, 3));
    assert_int_equal(aglm_automodel_predict(m, text, sizeof text - 1, &p, &err), AGLM_OK);
    assert_true(p[2] > p[0] && p[2] > p[1]);
    assert_true(fabsf(p[0] + p[1] + p[2] - 1) < 1e-3F);
    assert_int_equal(aglm_automodel_predict(m, "", 0, &p, &err), AGLM_OK);
    assert_true(fabsf(p[0] + p[1] + p[2] - 1) < 1e-3F);
    aglm_answer_init(&a);
    assert_int_equal(aglm_automodel_generate(m, text, NULL, &a, &err), AGLM_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "aglm_automodel_predict"));
    aglm_answer_clear(&a);
    aglm_automodel_close(m);
    aglm_automodel_close(NULL);
}

static void refuses_by_name(void **state)
{
    struct fixture *x = *state;
    aglm_automodel *m = NULL;
    aglm_tune_config c;
    aglm_error err = {0};

    aglm_tune_config_init(&c);
    assert_int_equal(aglm_tune(&c, NULL, &err), AGLM_INVALID);
    c.file = x->file;
    c.out = x->out;
    c.budget_s = 0;
    assert_int_equal(aglm_tune(&c, NULL, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "budget_s"));
    c.budget_s = NAN;
    assert_int_equal(aglm_tune(&c, NULL, &err), AGLM_INVALID);
    c.budget_s = -1;
    assert_int_equal(aglm_tune(&c, NULL, &err), AGLM_INVALID);
    c.budget_s = 0;
    c.trials = -3;
    assert_int_equal(aglm_tune(&c, NULL, &err), AGLM_INVALID);
    c.trials = 1;
    c.metric = "beauty";
    assert_int_equal(aglm_tune(&c, NULL, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "beauty"));
    c.metric = NULL;
    c.text_column = "9";
    assert_int_equal(aglm_tune(&c, NULL, NULL), AGLM_INVALID);
    assert_int_equal(aglm_automodel_open(&m, x->out, NULL, &err), AGLM_NOTFOUND);
    assert_non_null(strstr(err.msg, "out.bundle"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(tunes_opens_and_predicts),
        CASE(refuses_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
