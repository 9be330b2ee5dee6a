/* The GLM tuner over a tiny model of the GLM family, and the example that uses it. Without
 * autoglm-llama (AGLM_LLAMA) only what is refused before a model is opened can be tested. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "autoglm/automodel.h"
#include "autoglm/tuner.h"
#include "base/file.h"
#include "glm_model.h"
#include "job/child.h"
#include "tune/run.h"
#include "tune/tuner_priv.h"
#include "tune_data.h"

extern char **environ;

#define SPACE "lr=loguniform(1e-4,1e-2) batch_size=choice(8,16) epochs=logint(5,60)"

enum { DOCS = 60, TRIALS = 5 };

static char folder[] = "/tmp/aglm_tuner_XXXXXX";
static char model[256];

static int make_model(void **state)
{
    aglm_str s;

    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(model, sizeof model, "%s/tiny.gguf", folder);
    aglm_str_init(&s, (size_t)64 << 20);
    glm_model_make(GLM_GLM4, 7, NULL, &s);
    aglm_rc rc = aglm_file_write(model, s.data, s.len, NULL);
    aglm_str_clear(&s);
    return rc == AGLM_OK ? 0 : -1;
}

static int remove_model(void **state)
{
    (void)state;
    return aglm_dir_remove(folder, NULL) == AGLM_OK ? 0 : -1;
}

static aglm_tuner *new_tuner(const char *space, const char *strategy)
{
    aglm_tuner *t = NULL;
    aglm_error err = {0};

    if (aglm_tuner_new(&t, model, space, strategy, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return t;
}

/* Texts and labels of a made-up corpus, borrowed from the dataset. */
struct corpus {
    aglm_dataset *d;
    const char *texts[DOCS], *labels[DOCS];
    aglm_tuner_data data;
};

static void open_corpus(struct corpus *c)
{
    c->d = tune_documents(DOCS, 3, false);
    for (size_t i = 0; i < DOCS; i++) {
        aglm_doc doc = aglm_dataset_doc(c->d, i);
        c->texts[i] = doc.text;
        c->labels[i] = aglm_dataset_label(c->d, doc.labels[0]);
    }
    c->data = (aglm_tuner_data){.texts = c->texts, .labels = c->labels, .n = DOCS};
}

static void fit(aglm_tuner *t, const aglm_tuner_data *data, uint64_t seed, aglm_tuner_result *best)
{
    const aglm_tuner_options o = {.trials = TRIALS, .seed = seed};
    aglm_error err = {0};

    if (aglm_tuner_fit(t, data, &o, &err) != AGLM_OK || aglm_tuner_best(t, best, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

/* ---- what is refused ---- */

static void wrong_words_are_named(void **state)
{
    static const struct {
        const char *space, *strategy, *says;
    } CASES[] = {
        {"rate=uniform(0,1)", NULL, "no parameter \"rate\"; it has depth, pooling"},
        {"batch_size=choice(16,17)", NULL, "batch_size: 17 is none of 8, 16, 32"},
        {"batch_size=int(8,64)", NULL, "batch_size: a range is none of"},
        {"depth=choice(\"1/3\")", NULL, "depth: 1/3 is none of 1/4, 1/2"},
        {"lr=choice(fast,slow)", NULL, "lr: expected numbers, found \"fast\""},
        {"lr=loguniform(", NULL, "lr"},
        {"", NULL, "space: character 1"},
        {NULL, "psychic", "strategy: psychic"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        aglm_tuner *t = NULL;
        aglm_error err = {0};
        assert_int_equal(aglm_tuner_new(&t, model, CASES[i].space, CASES[i].strategy, &err),
                         AGLM_INVALID);
        assert_null(t);
        if (!strstr(err.msg, CASES[i].says))
            fail_msg("case %zu: %s", i, err.msg);
    }
}

static void no_model(void **state)
{
    aglm_tuner *t = NULL;
    aglm_error err = {0};

    (void)state;
    assert_int_equal(aglm_tuner_new(&t, "/nowhere.gguf", NULL, NULL, &err), AGLM_NOTFOUND);
    assert_non_null(strstr(err.msg, "/nowhere.gguf"));
    aglm_tuner_free(NULL);
}

static void values_come_from_space_and_defaults(void **state)
{
    aglm_tuner_plan p;
    double x[3], values[AGLM_HPARAM_MAX];
    aglm_error err = {0};

    (void)state;
    assert_int_equal(
        aglm_tuner_plan_init(
            &p, "batch_size=choice(16,64) lr=choice(0.002,2e-5) depth=choice('1',\"1/2\")", &err),
        AGLM_OK);
    x[0] = 1;
    x[1] = 1;
    x[2] = 0;
    aglm_tuner_plan_values(&p, x, values);
    for (size_t i = 0; i < p.n; i++) {
        const char *name = p.params[i].name;
        double wanted = strcmp(name, "batch_size") == 0 ? 3
                        : strcmp(name, "lr") == 0       ? 2e-5
                        : strcmp(name, "depth") == 0    ? 5
                                                        : p.params[i].start;
        assert_true(values[i] == wanted);
    }
    aglm_tuner_plan_start(&p, x);
    assert_true(x[0] == 0 && x[1] == 0 && x[2] == 0);
    aglm_tuner_plan_clear(&p);
    assert_int_equal(aglm_tuner_plan_init(&p, aglm_tuner_default_space(), &err), AGLM_OK);
    for (size_t i = 0; i < p.n; i++)
        assert_true(p.at[i] >= 0);
    aglm_tuner_plan_clear(&p);
}

/* ---- fits ---- */

static void finds_the_same_again(void **state)
{
    struct corpus c;
    aglm_tuner_result a, b, other;
    aglm_tuner *t = new_tuner(SPACE, "bayesian"), *again = new_tuner(SPACE, NULL);

    (void)state;
    open_corpus(&c);
    fit(t, &c.data, 1, &a);
    fit(again, &c.data, 1, &b);
    assert_true(a.value == b.value && a.trial == b.trial && a.trials == TRIALS);
    assert_string_equal(a.params, b.params);
    assert_true(a.value == a.accuracy && a.accuracy > 0.6 && a.macro_f1 > 0.5);
    assert_non_null(strstr(a.params, "\"depth\":\"3/4\""));
    /* the second fit of a tuner reads nothing again */
    fit(t, &c.data, 1, &other);
    assert_true(other.value == b.value && other.trial == b.trial);
    aglm_tuner_free(t);
    aglm_tuner_free(again);
    aglm_dataset_free(c.d);
}

static void files_and_lists_are_one(void **state)
{
    struct corpus c;
    aglm_tuner_result listed, filed;
    aglm_tuner *t = new_tuner(SPACE, "random");
    char path[300];

    (void)state;
    open_corpus(&c);
    tune_file(tune_path(path, sizeof path, folder, "rows.tsv"), DOCS, 3, false);
    fit(t, &c.data, 2, &listed);
    double value = listed.value;
    fit(t, &(aglm_tuner_data){.file = path}, 2, &filed);
    assert_true(value == filed.value);
    aglm_tuner_free(t);
    aglm_dataset_free(c.d);
}

static void what_is_saved_predicts_the_same(void **state)
{
    static const char TEXT[] = "the compiler and the kernel patch";
    struct corpus c;
    aglm_tuner_result best;
    aglm_tuner *t = new_tuner(SPACE, "tpe");
    aglm_automodel *m = NULL;
    const float *probs, *saved;
    float first[3];
    char path[300];
    aglm_error err = {0};

    (void)state;
    open_corpus(&c);
    assert_int_equal(aglm_tuner_predict(t, TEXT, strlen(TEXT), &probs, &err), AGLM_NOTFOUND);
    assert_int_equal(aglm_tuner_save(t, folder, &err), AGLM_NOTFOUND);
    assert_int_equal(aglm_tuner_n_labels(t), 0);
    fit(t, &c.data, 3, &best);
    assert_int_equal(aglm_tuner_n_labels(t), 3);
    assert_string_equal(aglm_tuner_label(t, 1), "food");
    assert_null(aglm_tuner_label(t, 3));
    assert_int_equal(aglm_tuner_predict(t, TEXT, strlen(TEXT), &probs, &err), AGLM_OK);
    memcpy(first, probs, sizeof first);
    assert_float_equal(first[0] + first[1] + first[2], 1, 1e-5);
    tune_path(path, sizeof path, folder, "bundle");
    if (aglm_tuner_save(t, path, &err) != AGLM_OK ||
        aglm_automodel_open(&m, path, NULL, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(aglm_automodel_predict(m, TEXT, strlen(TEXT), &saved, &err), AGLM_OK);
    assert_memory_equal(first, saved, sizeof first);
    aglm_automodel_close(m);
    /* a folder that is no bundle stays */
    assert_int_equal(aglm_tuner_save(t, folder, &err), AGLM_INVALID);
    aglm_tuner_free(t);
    aglm_dataset_free(c.d);
}

static void bad_data_and_options(void **state)
{
    struct corpus c;
    aglm_tuner *t = new_tuner(SPACE, NULL);
    aglm_error err = {0};
    aglm_tuner_options o = {.trials = 2, .metric = "charm"};

    (void)state;
    open_corpus(&c);
    assert_int_equal(aglm_tuner_fit(t, &c.data, &o, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "charm"));
    o.metric = NULL;
    o.folds = 1;
    assert_int_equal(aglm_tuner_fit(t, &c.data, &o, &err), AGLM_INVALID);
    o.folds = 3;
    o.trials = -1;
    assert_int_equal(aglm_tuner_fit(t, &c.data, &o, &err), AGLM_INVALID);
    o.trials = 2;
    o.max_tokens = 1000;
    assert_int_equal(aglm_tuner_fit(t, &c.data, &o, &err), AGLM_INVALID);
    o.max_tokens = 0;
    assert_int_equal(aglm_tuner_fit(t, &(aglm_tuner_data){.n = 3}, &o, &err), AGLM_INVALID);
    c.labels[4] = NULL;
    assert_int_equal(aglm_tuner_fit(t, &c.data, &o, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "document 4"));
    c.labels[4] = "food";
    o.budget_s = 1e-6;
    assert_int_equal(aglm_tuner_fit(t, &c.data, &o, &err), AGLM_CANCELLED);
    assert_non_null(strstr(err.msg, "budget"));
    o.budget_s = 0;
    assert_int_equal(aglm_tuner_fit(t, &c.data, &o, &err), AGLM_OK);
    aglm_tuner_free(t);
    aglm_dataset_free(c.d);
}

/* The head among the learners of `autoglm tune --model`. */
static void takes_part_in_tune(void **state)
{
    aglm_tune_options o;
    aglm_tune_result r;
    char path[300];
    aglm_error err = {0};

    (void)state;
    tune_file(tune_path(path, sizeof path, folder, "rows.tsv"), DOCS, 3, false);
    aglm_tune_options_init(&o);
    o.input.file = path;
    o.learners = "linear,head";
    o.language_model = model;
    o.trials = 12;
    o.threads = 2;
    o.seed = 1;
    if (aglm_tune_run(&r, &o, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    size_t heads = 0;
    for (size_t i = 0; i < r.n_leaders; i++)
        heads += strcmp(r.leaders[i].name, "head") == 0;
    assert_true(heads > 0);
    assert_int_equal(r.trials_failed, 0);
    aglm_tune_result_clear(&r);
}

static bool keep_line(void *arg, const char *line, size_t n, bool is_error)
{
    (void)is_error;
    aglm_str_append(arg, line, n);
    aglm_str_putc(arg, '\n');
    return false;
}

static void the_example_runs(void **state)
{
    const char *example = getenv("AGLM_EXAMPLE_TUNER");
    const char *argv[] = {example, "tiny.gguf", "rows.tsv", "goal of the team", NULL};
    aglm_child_end end;
    aglm_error err = {0};
    aglm_str out;
    char path[300];

    (void)state;
    if (!example)
        skip();
    tune_file(tune_path(path, sizeof path, folder, "rows.tsv"), DOCS, 3, false);
    aglm_str_init(&out, 1 << 20);
    const aglm_child_options o = {
        .argv = argv, .envp = (const char *const *)environ, .on_line = keep_line, .arg = &out};
    assert_int_equal(chdir(folder), 0);
    if (aglm_child_run(&o, &end, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    if (end.kind != AGLM_CHILD_EXITED || end.number != 0 || !strstr(out.data, "best: ") ||
        !strstr(out.data, "\nsport "))
        fail_msg("%s", out.data);
    assert_true(aglm_path_exists("tuner.bundle/manifest.json"));
    aglm_str_clear(&out);
}

int main(void)
{
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(wrong_words_are_named),
        cmocka_unit_test(no_model),
        cmocka_unit_test(values_come_from_space_and_defaults),
    };
    const struct CMUnitTest fits[] = {
        cmocka_unit_test(finds_the_same_again),
        cmocka_unit_test(files_and_lists_are_one),
        cmocka_unit_test(what_is_saved_predicts_the_same),
        cmocka_unit_test(bad_data_and_options),
        cmocka_unit_test(takes_part_in_tune),
        cmocka_unit_test(the_example_runs),
    };
    int failed = 0;

    if (make_model(NULL) != 0)
        return 1;
    failed += cmocka_run_group_tests(alone, NULL, NULL);
    if (getenv("AGLM_LLAMA"))
        failed += cmocka_run_group_tests(fits, NULL, NULL);
    return failed + (remove_model(NULL) != 0);
}
