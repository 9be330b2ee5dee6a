/* Language models through the installed API: a file on real llama.cpp (skipped without
 * autoglm-llama), a service, and the example. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "autoglm/automodel.h"
#include "base/file.h"
#include "base/str.h"
#include "glm_model.h"
#include "http_server.h"
#include "job/child.h"
#include "unit.h"

extern char **environ;

#define PROMPT "人工智能的未来发展方向是"

static char folder[] = "/tmp/aglm_automodel_XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_model(void **state)
{
    aglm_str s;

    (void)state;
    if (!mkdtemp(folder))
        return -1;
    aglm_str_init(&s, (size_t)64 << 20);
    glm_model_make(GLM_GLM4, 7, NULL, &s);
    aglm_rc rc = aglm_file_write(path_of("glm.gguf"), s.data, s.len, NULL);
    aglm_str_clear(&s);
    return rc == AGLM_OK ? 0 : -1;
}

static int remove_model(void **state)
{
    (void)state;
    return aglm_dir_remove(folder, NULL) == AGLM_OK ? 0 : -1;
}

static aglm_automodel *open_file(const aglm_automodel_options *o)
{
    aglm_automodel *m = NULL;
    aglm_error err = {0};

    if (!getenv("AGLM_LLAMA"))
        skip();
    if (aglm_automodel_open(&m, path_of("glm.gguf"), o, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return m;
}

static bool hear(void *arg, unsigned attempt, const char *piece, size_t n)
{
    aglm_str_printf(arg, "%u:", attempt);
    return aglm_str_append(arg, piece, n) == AGLM_OK;
}

static void a_file_writes_and_tells_why(void **state)
{
    aglm_str heard;
    const aglm_generate_options o = {
        .max_latency_s = 60, .max_tokens = 20, .on_piece = hear, .arg = &heard};
    aglm_automodel *m;
    const float *probs;
    aglm_answer a;
    aglm_error err = {0};

    (void)state;
    aglm_str_init(&heard, 1 << 20);
    m = open_file(NULL);
    aglm_answer_init(&a);
    for (int i = 0; i < 2; i++)
        if (aglm_automodel_generate(m, PROMPT, &o, &a, &err) != AGLM_OK)
            fail_msg("%s", err.msg);
    assert_int_equal(strlen(a.text), a.len);
    assert_string_equal(a.task, "text-generation");
    assert_true(a.settings[0] && a.score >= 0 && a.score <= 1);
    assert_non_null(strstr(a.reasons, "task: text-generation"));
    assert_non_null(strstr(a.reasons, "expected 0."));
    assert_non_null(strstr(a.reasons, "check empty"));
    assert_true(a.tries >= 1 && a.tries <= 3 && a.attempt >= 1 && a.attempt <= a.tries);
    assert_true(a.tokens > 0 && a.tokens <= 20 && a.prompt_tokens > 0 && a.seconds > 0);
    assert_int_equal(strncmp(heard.data, "1:", 2), 0);
    aglm_str_clear(&heard);
    aglm_answer_clear(&a);
    assert_null(a.text);

    assert_int_equal(aglm_automodel_n_labels(m), 0);
    assert_null(aglm_automodel_label(m, 0));
    assert_int_equal(aglm_automodel_predict(m, "a", 1, &probs, &err), AGLM_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "aglm_automodel_generate"));
    aglm_automodel_close(m);
}

static void without_auto_the_likeliest_tokens_come(void **state)
{
    aglm_automodel_options o;
    aglm_automodel *m;
    aglm_answer a;
    aglm_error err = {0};

    (void)state;
    aglm_automodel_options_init(&o);
    assert_true(o.auto_optimize && o.retries == 2);
    o.auto_optimize = false;
    m = open_file(&o);
    aglm_answer_init(&a);
    assert_int_equal(aglm_automodel_generate(m, PROMPT, NULL, &a, &err), AGLM_OK);
    assert_string_equal(a.text, GLM_SAYS);
    assert_string_equal(a.end, "stop");
    assert_null(a.task);
    assert_true(isnan(a.score) && a.tries == 1);
    assert_string_equal(a.reasons, "");
    assert_int_equal(
        aglm_automodel_generate(m, PROMPT, &(aglm_generate_options){.max_tokens = 3}, &a, &err),
        AGLM_OK);
    assert_string_equal(a.text, "XYZ");
    assert_string_equal(a.end, "length");
    aglm_answer_clear(&a);
    aglm_automodel_close(m);
}

static void settings_stay_in_their_file(void **state)
{
    aglm_automodel_options o;
    char path[256];
    aglm_answer a;
    aglm_error err = {0};

    (void)state;
    snprintf(path, sizeof path, "%s", path_of("settings.db"));
    aglm_automodel_options_init(&o);
    o.settings = path;
    o.task_type = "summarisation";
    o.retries = 0;
    aglm_answer_init(&a);
    for (int i = 0; i < 3; i++) {
        aglm_automodel *m = open_file(&o);
        if (aglm_automodel_generate(m, PROMPT, NULL, &a, &err) != AGLM_OK)
            fail_msg("%s", err.msg);
        assert_string_equal(a.task, "summarization");
        assert_true(i == 0 || strstr(a.reasons, "after 1 answers") ||
                    strstr(a.reasons, "after 2 answers"));
        aglm_automodel_close(m);
    }
    aglm_answer_clear(&a);
}

/* A bundle of two fields, as tune writes it for answers that are texts, over the tiny model. */
static void write_bundle(const char *dir)
{
    char path[300], *model = NULL;
    aglm_str s;
    size_t n;

    aglm_str_init(&s, 1 << 20);
    assert_int_equal(aglm_file_read(path_of("glm.gguf"), 64 << 20, &model, &n, NULL), AGLM_OK);
    free(model);
    aglm_str_printf(
        &s,
        "{\"version\":1,\"model\":\"%s\",\"model_bytes\":%zu,\"fields\":[\"context\","
        "\"question\"],\"labels\":[\"Context: \",\" Question: \"],\"head\":\"\",\"before\":\"\","
        "\"after\":\" Answer:\",\"gap\":\" \",\"end\":\".\",\"last\":\" Answer:\",\"max_chars\":50,"
        "\"near\":false,\"max_tokens\":6,\"stop\":[\"VW\"],\"alike\":false,\"shots\":0,"
        "\"examples\":[]}",
        path_of("glm.gguf"), n);
    assert_int_equal(aglm_dir_make(dir, NULL), AGLM_OK);
    snprintf(path, sizeof path, "%s/model-0.bin", dir);
    assert_int_equal(aglm_file_write(path, s.data, s.len, NULL), AGLM_OK);
    n = s.len;
    aglm_str_reset(&s);
    aglm_str_printf(
        &s,
        "{\"format\":\"autoglm-bundle\",\"version\":1,\"task\":\"generation\",\"labels\":[],"
        "\"answers\":\"question-answering\",\"members\":[{\"learner\":\"answerer\",\"bytes\":%zu,"
        "\"weight\":1,\"scale\":1,\"shift\":0}]}",
        n);
    snprintf(path, sizeof path, "%s/manifest.json", dir);
    assert_int_equal(aglm_file_write(path, s.data, s.len, NULL), AGLM_OK);
    aglm_str_clear(&s);
}

static void a_bundle_whose_answers_are_texts_writes(void **state)
{
    char dir[256];
    aglm_automodel *m = NULL;
    const float *probs;
    aglm_str heard;
    aglm_answer a;
    aglm_error err = {0};

    (void)state;
    if (!getenv("AGLM_LLAMA"))
        skip();
    snprintf(dir, sizeof dir, "%s", path_of("qa.bundle"));
    write_bundle(dir);
    if (aglm_automodel_open(&m, dir, NULL, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    aglm_str_init(&heard, 1 << 20);
    aglm_answer_init(&a);
    const aglm_generate_options o = {.on_piece = hear, .arg = &heard};
    if (aglm_automodel_generate(m, "a river\twhere?", &o, &a, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(a.text, "XYZQJK");
    assert_string_equal(a.end, "length");
    assert_string_equal(a.task, "question-answering");
    assert_true(isnan(a.score) && a.tokens == 6 && a.tries == 1);
    assert_int_equal(strncmp(heard.data, "1:X", 3), 0);
    assert_int_equal(
        aglm_automodel_generate(m, "a\tb", &(aglm_generate_options){.max_tokens = 2}, &a, &err),
        AGLM_OK);
    assert_string_equal(a.text, "XY");
    assert_int_equal(aglm_automodel_generate(m, "no tab", NULL, &a, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "2 fields"));
    assert_null(a.text);
    assert_int_equal(aglm_automodel_n_labels(m), 0);
    assert_int_equal(aglm_automodel_predict(m, "a", 1, &probs, &err), AGLM_UNSUPPORTED);
    aglm_str_clear(&heard);
    aglm_automodel_close(m);
}

static void what_cannot_be_is_refused_by_name(void **state)
{
    static const struct {
        const char *model;
        aglm_automodel_options o;
        aglm_rc rc;
        const char *says;
    } CASES[] = {
        {"absent.gguf", {.retries = 1}, AGLM_NOTFOUND, "absent.gguf"},
        {"text.gguf", {.retries = 1}, AGLM_FORMAT, "text.gguf"},
        {"glm.gguf", {.task_type = "juggling"}, AGLM_INVALID, "juggling"},
        {"m", {.url = "ftp://h"}, AGLM_INVALID, "http://"},
        {"m", {.url = "http://h", .key_env = "AGLM_ABSENT"}, AGLM_NOTFOUND, "AGLM_ABSENT"},
    };

    (void)state;
    aglm_file_write(path_of("text.gguf"), "no model", 8, NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        aglm_automodel *m = NULL;
        aglm_error err = {0};
        const char *model = CASES[i].o.url ? CASES[i].model : path_of(CASES[i].model);
        aglm_rc rc = aglm_automodel_open(&m, model, &CASES[i].o, &err);
        if (rc == AGLM_UNSUPPORTED && CASES[i].o.url)
            continue; /* built without libcurl */
        if (rc != CASES[i].rc || !strstr(err.msg, CASES[i].says) || m)
            fail_msg("case %zu: %d, %s", i, rc, err.msg);
    }
}

static void bad_limits_are_refused(void **state)
{
    aglm_automodel *m;
    aglm_answer a;
    aglm_error err = {0};

    (void)state;
    m = open_file(NULL);
    aglm_answer_init(&a);
    assert_int_equal(aglm_automodel_generate(
                         m, PROMPT, &(aglm_generate_options){.max_latency_s = NAN}, &a, &err),
                     AGLM_INVALID);
    assert_int_equal(
        aglm_automodel_generate(m, PROMPT, &(aglm_generate_options){.max_tokens = -1}, &a, &err),
        AGLM_INVALID);
    aglm_automodel_close(m);
}

static void a_service_writes(void **state)
{
    static const http_step STEPS[] = {
        {.status = "200 OK",
         .text = "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
                 "\"未来的人工智能会更加可靠，也更加节能。\"},\"finish_reason\":\"stop\"}],"
                 "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":14}}"}};
    http_server *server = http_server_start(STEPS, 1);
    aglm_automodel_options o;
    aglm_automodel *m = NULL;
    aglm_answer a;
    aglm_error err = {0};

    (void)state;
    setenv("AGLM_TEST_KEY", "id.secret", 1);
    aglm_automodel_options_init(&o);
    o.url = http_server_url(server, "/api/paas/v4");
    o.key_env = "AGLM_TEST_KEY";
    aglm_rc rc = aglm_automodel_open(&m, "glm-4-flash", &o, &err);
    if (rc == AGLM_UNSUPPORTED) {
        http_server_stop(server);
        skip();
    }
    aglm_answer_init(&a);
    assert_int_equal(aglm_automodel_generate(m, PROMPT, NULL, &a, &err), AGLM_OK);
    assert_string_equal(a.text, "未来的人工智能会更加可靠，也更加节能。");
    assert_int_equal(a.tokens, 14);
    assert_true(a.score > 0.8);
    assert_non_null(strstr(http_server_head(server, 0), "Bearer id.secret"));
    assert_non_null(strstr(http_server_body(server, 0), "\"model\":\"glm-4-flash\""));
    assert_non_null(strstr(http_server_body(server, 0), PROMPT));
    aglm_answer_clear(&a);
    aglm_automodel_close(m);
    http_server_stop(server);
}

static bool keep_line(void *arg, const char *line, size_t n, bool is_error)
{
    (void)is_error;
    aglm_str_append(arg, line, n);
    aglm_str_putc(arg, '\n');
    return false;
}

/* examples/generate.c, linked with the shared library alone. */
static void the_example_runs(void **state)
{
    const char *example = getenv("AGLM_EXAMPLE_GENERATE");
    const char *argv[] = {example, "glm.gguf", "hello the film", NULL};
    aglm_child_end end;
    aglm_error err = {0};
    aglm_str out;

    (void)state;
    if (!getenv("AGLM_LLAMA") || !example)
        skip();
    aglm_str_init(&out, 1 << 20);
    const aglm_child_options o = {
        .argv = argv, .envp = (const char *const *)environ, .on_line = keep_line, .arg = &out};
    assert_int_equal(chdir(folder), 0);
    if (aglm_child_run(&o, &end, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    if (end.kind != AGLM_CHILD_EXITED || end.number != 0 || !strstr(out.data, "[1] ") ||
        !strstr(out.data, "score ") || !strstr(out.data, "task: "))
        fail_msg("%s", out.data);
    assert_true(aglm_path_exists(path_of("generate.settings.db")));
    aglm_str_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_writes_and_tells_why),
        cmocka_unit_test(without_auto_the_likeliest_tokens_come),
        cmocka_unit_test(settings_stay_in_their_file),
        cmocka_unit_test(a_bundle_whose_answers_are_texts_writes),
        cmocka_unit_test(what_cannot_be_is_refused_by_name),
        cmocka_unit_test(bad_limits_are_refused),
        cmocka_unit_test(a_service_writes),
        cmocka_unit_test(the_example_runs),
    };

    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
