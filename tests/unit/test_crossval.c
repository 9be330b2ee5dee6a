#include "autoglm/crossval.h"

#include <math.h>

#include "learn/xgboost.h"
#include "table_data.h"
#include "tune_data.h"

static char *write_table(const char *folder, char *path, size_t size)
{
    aglm_str s;

    aglm_str_init(&s, 1 << 20);
    table_rows(&s, 200, 3, TABLE_BINARY);
    tune_path(path, size, folder, "table.csv");
    tune_write(path, s.data);
    aglm_str_clear(&s);
    return path;
}

static void forests_are_measured(void **state)
{
    char *folder = tune_folder(), path[4200];
    aglm_crossval_config config = {.file = write_table(folder, path, sizeof path), .seed = 1};
    aglm_crossval *c = NULL;
    aglm_xgboost x;
    aglm_error err = {0};
    double value = 0, again = 0, stump = 0;

    (void)state;
    assert_int_equal(aglm_crossval_open(&c, &config, &err), AGLM_OK);
    if (aglm_xgboost_load(&x, NULL) == AGLM_OK) {
        const char *forest =
            "{\"learner\":\"trees\",\"kind\":\"forest\",\"n_estimators\":30,\"max_depth\":8}";
        if (aglm_crossval_score(c, forest, &value, &err) != AGLM_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(aglm_crossval_score(c, forest, &again, &err), AGLM_OK);
        assert_true(value == again && value > 0.8 && value <= 1);
        assert_int_equal(
            aglm_crossval_score(c, "{\"learner\":\"trees\",\"max_depth\":1}", &stump, &err),
            AGLM_OK);
        assert_true(stump != value);
    }
    aglm_crossval_close(c);
    tune_folder_remove(folder);
}

static void wrong_settings_are_named(void **state)
{
    static const struct {
        const char *settings, *says;
    } cases[] = {
        {"{", "settings"},
        {"{}", "learner: there is no"},
        {"{\"learner\":\"oracle\"}", "there is no \"oracle\""},
        {"{\"learner\":\"linear\"}", "cannot learn from such data"},
        {"{\"learner\":\"trees\",\"depth\":3}", "trees has no parameter \"depth\""},
        {"{\"learner\":\"trees\",\"max_depth\":\"x\"}", "max_depth: expected a number"},
        {"{\"learner\":\"trees\",\"kind\":\"bush\"}", "\"bush\" is none of its 2 choices"},
        {"{\"learner\":\"trees\",\"max_depth\":-3}", "max_depth is -3"},
    };
    char *folder = tune_folder(), path[4200];
    aglm_crossval_config config = {.file = write_table(folder, path, sizeof path)};
    aglm_crossval *c = NULL;
    aglm_error err = {0};
    double value;

    (void)state;
    assert_int_equal(aglm_crossval_open(&c, &config, &err), AGLM_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(aglm_crossval_score(c, cases[i].settings, &value, &err) < 0);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.msg, cases[i].says);
        assert_true(isnan(value));
    }
    aglm_crossval_close(c);
    config.metric = "rmse";
    assert_int_equal(aglm_crossval_open(&c, &config, &err), AGLM_INVALID);
    config.metric = "bleu";
    assert_int_equal(aglm_crossval_open(&c, &config, &err), AGLM_INVALID);
    config.file = NULL;
    assert_int_equal(aglm_crossval_open(&c, &config, &err), AGLM_INVALID);
    aglm_crossval_close(NULL);
    tune_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forests_are_measured),
        cmocka_unit_test(wrong_settings_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
