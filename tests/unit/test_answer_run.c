/* The search for a prompt, over a tiny model that glm_model.c writes: whatever it is asked it
 * answers GLM_SAYS. Without the program autoglm-llama (AGLM_LLAMA) there is nothing to test. */
#include <math.h>

#include "answer_data.h"
#include "glm_model.h"
#include "tune/answer_run.h"
#include "tune_data.h"

enum { ROWS = 60 };

static char *folder;
static char model[4200], file[4200];

/* Every `every`-th answer is what the model says. */
static void write_rows(const char *path, size_t rows, unsigned every)
{
    aglm_str s;

    aglm_str_init(&s, 1 << 20);
    for (unsigned i = 0; i < rows; i++)
        aglm_str_printf(&s, "{\"question\":\"q%u?\",\"answer\":\"%s\",\"n\":%u}\n", i,
                        i % every ? "another thing" : GLM_SAYS, i);
    tune_write(path, s.data);
    aglm_str_clear(&s);
}

static int set_up(void **state)
{
    aglm_str s;
    aglm_error err = {0};

    (void)state;
    folder = tune_folder();
    tune_path(model, sizeof model, folder, "tiny.gguf");
    tune_path(file, sizeof file, folder, "examples.jsonl");
    write_rows(file, ROWS, 2);
    aglm_str_init(&s, (size_t)64 << 20);
    glm_model_make(GLM_GLM4, 7, NULL, &s);
    aglm_rc rc = aglm_file_write(model, s.data, s.len, &err);
    aglm_str_clear(&s);
    return rc == AGLM_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    tune_folder_remove(folder);
    return 0;
}

static aglm_answer_options options_of(int64_t trials)
{
    aglm_answer_options o = {.task = AGLM_PROMPT_QUESTION_ANSWERING, .metric = AGLM_TEXT_EXACT};

    aglm_tune_options_init(&o.tune);
    o.tune.input.file = file;
    o.tune.input.task.text = "question";
    o.tune.input.task.label = "answer";
    o.tune.language_model = model;
    o.tune.trials = trials;
    o.tune.threads = 1;
    o.tune.seed = 3;
    return o;
}

static void run(aglm_answer_result *r, const aglm_answer_options *o)
{
    aglm_error err = {0};

    if (aglm_answer_tune(r, o, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

static aglm_rc refused(const aglm_answer_options *o, const char *why)
{
    aglm_answer_result r;
    aglm_error err = {0};
    aglm_rc rc = aglm_answer_tune(&r, o, &err);

    if (!strstr(err.msg, why))
        fail_msg("%s", err.msg);
    aglm_answer_result_clear(&r);
    return rc;
}

struct trace {
    size_t starts, trials, ends, bests, done, reports;
    double best;
};

static void note(void *arg, const aglm_tune_event *e)
{
    struct trace *t = arg;

    t->starts += e->kind == AGLM_TUNE_START;
    t->trials += e->kind == AGLM_TUNE_TRIAL_START;
    t->reports += e->kind == AGLM_TUNE_TRIAL_REPORT;
    t->ends += e->kind == AGLM_TUNE_TRIAL_END;
    t->bests += e->kind == AGLM_TUNE_BEST;
    t->done += e->kind == AGLM_TUNE_DONE;
    t->best = e->best_value;
}

static void finds_a_prompt(void **state)
{
    aglm_answer_options o = options_of(8);
    aglm_answer_result r;
    struct trace t = {0};

    (void)state;
    o.tune.on_event = note;
    o.tune.arg = &t;
    run(&r, &o);
    assert_int_equal(r.pool + r.valid + r.test, ROWS);
    assert_int_equal(r.test, 12);
    assert_int_equal(r.valid, 24);
    assert_int_equal(r.trials_complete + r.trials_pruned, 8);
    assert_int_equal(r.trials_failed, 0);
    assert_true(t.starts == 1 && t.trials == 8 && t.ends == 8 && t.done == 1);
    assert_true(t.bests >= 1 && t.reports >= 7);
    assert_true(r.value > 0.2 && r.value < 0.8 && t.best >= r.value);
    assert_true(r.tuned.value_95.low <= r.tuned.value && r.tuned.value <= r.tuned.value_95.high);
    assert_true(r.tuned.tokens_read > 0 && r.tuned.tokens_written > 0);
    /* all prompts that let it speak are as good: the cheapest wins, and it writes no more */
    assert_true(r.tuned.tokens_written <= r.plain.tokens_written);
    assert_int_equal(r.bundle.n_members, 1);
    aglm_answer_result_clear(&r);
}

static void tune_into(const char *name, const aglm_answer_options *options)
{
    aglm_answer_options o = *options;
    char out[4200];
    aglm_answer_result r;

    o.tune.out = tune_path(out, sizeof out, folder, name);
    run(&r, &o);
    aglm_answer_result_clear(&r);
}

static void same(const char *a, const char *b, const char *name)
{
    char path[2][4400], *text[2];
    size_t n[2];
    aglm_error err = {0};

    snprintf(path[0], sizeof path[0], "%s/%s/%s", folder, a, name);
    snprintf(path[1], sizeof path[1], "%s/%s/%s", folder, b, name);
    for (int i = 0; i < 2; i++)
        if (aglm_file_read(path[i], 1 << 24, &text[i], &n[i], &err) != AGLM_OK)
            fail_msg("%s", err.msg);
    assert_string_equal(text[0], text[1]);
    free(text[0]);
    free(text[1]);
}

static void the_same_seed_gives_the_same_bundle(void **state)
{
    aglm_answer_options o = options_of(5), part = options_of(2);
    char db[4300];

    (void)state;
    tune_into("a", &o);
    tune_into("b", &o);
    snprintf(db, sizeof db, "sqlite:///%s/study.db", folder);
    part.tune.storage = db;
    tune_into("part", &part);
    part.tune.trials = 5;
    tune_into("resumed", &part);
    static const char *const files[] = {"manifest.json", "model-0.bin", "study.json", "README.md"};
    for (size_t i = 0; i < 4; i++) {
        same("a", "b", files[i]);
        same("a", "resumed", files[i]);
    }
}

static void a_bundle_answers_as_it_was_measured(void **state)
{
    aglm_answer_options o = options_of(4);
    char dir[4200];
    aglm_bundle *b = NULL;
    aglm_lm *lm = NULL;
    aglm_asker *k = NULL;
    aglm_bundle_predictor *p;
    aglm_lm_answer answer;
    aglm_error err = {0};
    const char *const fields[] = {"what else?"};

    (void)state;
    tune_into("asked", &o);
    if (aglm_bundle_load(&b, tune_path(dir, sizeof dir, folder, "asked"), &err) ||
        aglm_lm_open_file(&lm, aglm_answerer_file(aglm_answerer_of(b->members[0].model)), 1,
                          &err) ||
        aglm_asker_new(&k, aglm_answerer_of(b->members[0].model), lm, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(b->task, AGLM_TASK_GENERATION);
    aglm_lm_answer_init(&answer);
    assert_int_equal(aglm_asker_ask(k, fields, &answer, &err), AGLM_OK);
    assert_string_equal(answer.text.data, GLM_SAYS);
    aglm_lm_answer_clear(&answer);
    assert_int_equal(aglm_bundle_predictor_new(&p, b, &err), AGLM_UNSUPPORTED);
    aglm_asker_free(k);
    aglm_lm_close(lm);
    aglm_bundle_free(b);
}

static void replace(const char *name, const char *from, const char *to)
{
    char path[8600], *text, *at;
    size_t n;
    aglm_str s;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(aglm_file_read(path, 1 << 24, &text, &n, NULL), AGLM_OK);
    assert_non_null(at = strstr(text, from));
    aglm_str_init(&s, 1 << 24);
    aglm_str_append(&s, text, (size_t)(at - text));
    aglm_str_puts(&s, to);
    aglm_str_puts(&s, at + strlen(from));
    tune_write(path, s.data);
    aglm_str_clear(&s);
    free(text);
}

static void damaged(const char *name, const char *from, const char *to, const char *why)
{
    aglm_answer_options o = options_of(1);
    char dir[4200], part[4400];
    aglm_bundle *b = NULL;
    aglm_error err = {0};

    tune_into("damaged", &o);
    snprintf(part, sizeof part, "damaged/%s", name);
    replace(part, from, to);
    assert_true(aglm_bundle_load(&b, tune_path(dir, sizeof dir, folder, "damaged"), &err) < 0);
    if (!strstr(err.msg, why))
        fail_msg("%s", err.msg);
}

static void damaged_bundles_are_refused(void **state)
{
    (void)state;
    damaged("manifest.json", "\"generation\"", "\"regression\"", "labels: expected a list of 1");
    damaged("manifest.json", "\"answerer\"", "\"linear\"", "does not fit the task, generation");
    damaged("manifest.json", "\"answerer\"", "\"oracle\"", "is none this program has");
    damaged("model-0.bin", "\"version\": 1", "\"version\": 12", "the bundle is damaged");
    damaged("model-0.bin", "\"version\": 1", "\"version\": 2", "version");
    damaged("model-0.bin", "\"max_chars\"", "\"mex_chars\"", "max_chars");
}

static void refuses_what_it_cannot_use(void **state)
{
    aglm_answer_options o = options_of(1);
    char path[4200];

    (void)state;
    o.tune.input.task.label = "nowhere";
    assert_int_equal(refused(&o, "no column \"nowhere\""), AGLM_INVALID);
    o = options_of(1);
    o.tune.input.task.text = "n,nowhere";
    assert_int_equal(refused(&o, "no column \"nowhere\""), AGLM_INVALID);
    o = options_of(1);
    o.metric = AGLM_TEXT_NUMERIC;
    assert_int_equal(refused(&o, "examples.jsonl:1: "), AGLM_INVALID);
    o = options_of(1);
    o.tune.input.file = tune_path(path, sizeof path, folder, "few.jsonl");
    write_rows(path, 19, 2);
    assert_int_equal(refused(&o, "19 examples; a prompt is found from 20 or more"), AGLM_INVALID);
    tune_write(path, "");
    assert_true(refused(&o, "few.jsonl") < 0);
    o = options_of(1);
    o.tune.language_model = "/nowhere.gguf";
    assert_int_equal(refused(&o, "nowhere.gguf"), AGLM_NOTFOUND);
    o = options_of(1);
    o.tune.out = folder;
    assert_int_equal(refused(&o, "is no bundle"), AGLM_INVALID);
}

static void tells_texts_from_labels(void **state)
{
    char path[4200];
    aglm_input_options in = {.file = tune_path(path, sizeof path, folder, "wanted.jsonl")};
    aglm_str s;

    (void)state;
    write_rows(path, 60, 2); /* two answers */
    assert_false(aglm_answer_wanted(&in));
    aglm_str_init(&s, 1 << 20);
    for (unsigned i = 0; i < 60; i++)
        aglm_str_printf(&s, "{\"question\":\"What is %u and %u?\",\"answer\":\"%u\"}\n", i, i + 3,
                        2 * i + 3);
    tune_write(path, s.data);
    assert_true(aglm_answer_wanted(&in));
    in.task.task = AGLM_TASK_BINARY;
    assert_false(aglm_answer_wanted(&in));
    in.task.task = AGLM_TASK_AUTO;
    in.file = "/nowhere";
    assert_false(aglm_answer_wanted(&in));
    aglm_str_clear(&s);
}

static void a_sheet_adds_up(void **state)
{
    static const char *const refs[] = {"42"};
    const aglm_example right = {.field = {"q"}, .refs = refs, .n_refs = 1};
    const aglm_example wrong = {.field = {"q"}, .refs = (const char *const[]){"7"}, .n_refs = 1};
    aglm_answer_options o = options_of(1);
    aglm_answer_result r;
    aglm_answer_sheet s;
    aglm_interval i;
    aglm_asker *k;
    said_lm lm;
    aglm_error err = {0};

    (void)state;
    said_init(&lm, NULL);
    run(&r, &o);
    assert_int_equal(aglm_asker_new(&k, aglm_answerer_of(r.bundle.members[0].model), &lm.lm, &err),
                     AGLM_OK);
    assert_int_equal(aglm_answer_sheet_init(&s, AGLM_TEXT_NUMERIC, 8, &err), AGLM_OK);
    for (int n = 0; n < 8; n++)
        assert_int_equal(aglm_answer_sheet_add(&s, k, n % 4 ? &right : &wrong, &err), AGLM_OK);
    assert_true(fabs(aglm_answer_sheet_value(&s) - 0.75) < 1e-12);
    assert_true(fabs(aglm_answer_sheet_error(&s) - sqrt(0.75 * 0.25 / 7)) < 1e-12);
    assert_true(s.tokens_written == 8 && aglm_answer_sheet_cost(&s) >= 4);
    assert_int_equal(aglm_answer_sheet_interval(&s, 0, &i, &err), AGLM_OK);
    assert_true(i.low >= 0.25 && i.low < 0.75 && i.high > 0.75 && i.high <= 1);
    aglm_answer_sheet_clear(&s);
    aglm_asker_free(k);
    aglm_answer_result_clear(&r);
    said_clear(&lm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_prompt),
        cmocka_unit_test(the_same_seed_gives_the_same_bundle),
        cmocka_unit_test(a_bundle_answers_as_it_was_measured),
        cmocka_unit_test(damaged_bundles_are_refused),
        cmocka_unit_test(refuses_what_it_cannot_use),
        cmocka_unit_test(tells_texts_from_labels),
        cmocka_unit_test(a_sheet_adds_up),
    };

    if (!getenv("AGLM_LLAMA")) {
        puts("skipped: autoglm-llama was not built (./dev setup)");
        return 77;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
