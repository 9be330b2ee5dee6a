/* The generator over a model that says what a test tells it to. */
#include "tune/generator.h"

#include <math.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "http_server.h"
#include "lm/runtime_remote.h"
#include "store/settings.h"
#include "unit.h"

#define PROMPT "Write a short story about a garden in the rain."
#define GOOD "Rain fell on the roof all night. By the morning every flower had opened its eyes."
#define LOOP "la la la la la la la la la la la la la la la la la la la la la la la la la la la la"
#define MAX_ASKED 400

/* ---- the model ---- */

typedef struct fake {
    aglm_lm lm;
    /* What it says to request i (from 0); NULL: it fails. */
    const char *(*say)(size_t i, const aglm_decoding *d);
    aglm_lm_reason reason;
    unsigned answer_ms;
    size_t n;
    aglm_decoding asked[MAX_ASKED];
    double limit_s[MAX_ASKED];
    char prompt[1000]; /* of the last request */
    bool wants_log_prob;
} fake;

static aglm_rc fake_generate(aglm_lm *lm, const aglm_lm_request *r, aglm_lm_answer *out,
                             aglm_error *err)
{
    fake *f = (fake *)lm;
    const char *text = f->say(f->n, r->decoding);

    assert_true(f->n < MAX_ASKED);
    f->asked[f->n] = *r->decoding;
    f->limit_s[f->n++] = r->limit_s;
    f->wants_log_prob = r->want_log_prob;
    snprintf(f->prompt, sizeof f->prompt, "%s", r->prompt);
    usleep(1000 * f->answer_ms);
    if (!text)
        return aglm_error_set(err, AGLM_IO, "the fake broke");
    size_t half = strlen(text) / 2;
    if (r->on_piece &&
        !(r->on_piece(r->arg, text, half) && r->on_piece(r->arg, text + half, strlen(text) - half)))
        return aglm_error_set(err, AGLM_CANCELLED, "stopped by who listens");
    aglm_str_puts(&out->text, text);
    out->reason = f->reason;
    out->tokens = 20;
    out->log_prob = r->want_log_prob ? -30 : (double)NAN;
    out->generate_s = 0.5;
    return AGLM_OK;
}

static const aglm_lm_ops FAKE = {.kind = "fake", .generate = fake_generate};

static void fake_init(fake *f, const char *(*say)(size_t i, const aglm_decoding *d))
{
    *f = (fake){.say = say};
    f->lm.ops = &FAKE;
    f->lm.info = (aglm_lm_info){.name = "fake",
                                .description = "none",
                                .temperature = NAN,
                                .top_k = NAN,
                                .top_p = NAN,
                                .min_p = NAN,
                                .repetition_penalty = NAN};
}

static const char *say_good(size_t i, const aglm_decoding *d)
{
    (void)i;
    (void)d;
    return GOOD;
}

static const char *say_loop(size_t i, const aglm_decoding *d)
{
    (void)i;
    (void)d;
    return LOOP;
}

static const char *say_good_at_second(size_t i, const aglm_decoding *d)
{
    (void)d;
    return i == 0 ? "" : GOOD;
}

static const char *say_loop_then_fail(size_t i, const aglm_decoding *d)
{
    (void)d;
    return i == 0 ? LOOP : NULL;
}

static const char *say_half(size_t i, const aglm_decoding *d)
{
    (void)i;
    (void)d;
    return "Rain fell on the roof all night, and by the";
}

/* What draws widely fails, against what its prior says of this task. */
static const char *say_loop_when_wide(size_t i, const aglm_decoding *d)
{
    (void)i;
    return d->temperature > 0.5 ? LOOP : GOOD;
}

/* ---- running it ---- */

static char folder[] = "/tmp/aglm_generator_XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

typedef struct running {
    fake f;
    aglm_generator *g;
    aglm_generated out;
    aglm_generator_request r;
    aglm_error err;
} running;

static void open_generator(running *x, const aglm_generator_options *o)
{
    x->r = (aglm_generator_request){.prompt = PROMPT};
    aglm_generated_init(&x->out);
    if (aglm_generator_new(&x->g, &x->f.lm, o, &x->err) != AGLM_OK)
        fail_msg("%s", x->err.msg);
}

static void begin(running *x, const char *(*say)(size_t i, const aglm_decoding *d),
                  const char *settings)
{
    aglm_generator_options o;

    memset(x, 0, sizeof *x);
    fake_init(&x->f, say);
    aglm_generator_options_init(&o);
    o.settings = settings;
    open_generator(x, &o);
}

static void end(running *x)
{
    aglm_generated_clear(&x->out);
    aglm_generator_free(x->g);
}

static void run(running *x)
{
    if (aglm_generator_run(x->g, &x->r, &x->out, &x->err) != AGLM_OK)
        fail_msg("%s", x->err.msg);
}

static void says(const running *x, const char *words)
{
    aglm_str s;

    aglm_str_init(&s, 1 << 20);
    aglm_generated_tell(&x->out, &s);
    if (!strstr(s.data, words))
        fail_msg("\"%s\" is not in:\n%s", words, s.data);
    aglm_str_clear(&s);
}

/* The arms of a file for the fake and open writing. */
static size_t arms_of(const char *path, aglm_arena *arena, aglm_setting **arms)
{
    aglm_settings *s;
    size_t n;
    aglm_error err = {0};

    assert_int_equal(aglm_settings_open(&s, path, &err), AGLM_OK);
    assert_int_equal(
        aglm_settings_list(s, &(aglm_setting_key){"fake, none, 0 bytes", "text-generation"}, arena,
                           arms, &n, &err),
        AGLM_OK);
    aglm_settings_close(s);
    return n;
}

/* ---- settings ---- */

static void presets_are_offered_once(void **state)
{
    char path[256];
    aglm_arena arena;
    aglm_setting *arms;
    int64_t answers = 0;
    running x;

    (void)state;
    snprintf(path, sizeof path, "%s", path_of("once.db"));
    for (int i = 0; i < 2; i++) {
        begin(&x, say_good, path);
        run(&x);
        run(&x);
        end(&x);
    }
    aglm_arena_init(&arena, 1 << 20);
    size_t n = arms_of(path, &arena, &arms);
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++) {
        answers += arms[i].n;
        assert_string_equal(arms[i].source, "preset");
    }
    assert_int_equal(answers, 4);
    aglm_arena_clear(&arena);
}

static void what_the_models_file_says_is_one_of_them(void **state)
{
    running x;

    (void)state;
    begin(&x, say_good, NULL);
    x.f.lm.info.temperature = 0.33;
    run(&x);
    says(&x, "from the model's file");
    end(&x);
}

/* How often each of the last `last` of n runs drew widely, and the settings of each run. */
static size_t wide_runs(uint64_t seed, size_t n, size_t last, char *letters)
{
    aglm_generator_options o;
    size_t wide = 0;
    running x = {0};

    fake_init(&x.f, say_loop_when_wide);
    aglm_generator_options_init(&o);
    o.retries = 0;
    o.seed = seed;
    open_generator(&x, &o);
    for (size_t i = 0; i < n; i++) {
        run(&x);
        wide += i + last >= n && x.f.asked[i].temperature > 0.5;
        letters[i] = x.out.setting[0];
    }
    letters[n] = '\0';
    says(&x, "left out: far below the best");
    end(&x);
    return wide;
}

static void what_is_known_to_be_bad_is_left_out(void **state)
{
    char first[MAX_ASKED + 1], again[MAX_ASKED + 1], other[MAX_ASKED + 1];

    (void)state;
    assert_int_equal(wide_runs(1, 200, 100, first), 0);
    assert_true(strpbrk(first, "uw") != NULL); /* it was tried before */
    assert_int_equal(wide_runs(1, 200, 100, again), 0);
    assert_string_equal(first, again);
    assert_int_equal(wide_runs(2, 200, 100, other), 0);
    assert_string_not_equal(first, other);
}

static void settings_of_the_users_take_part(void **state)
{
    static const char OWN[] = "{\"mine\": {\"temperature\": 0.42, \"max_tokens\": 7}}";
    char path[256];
    size_t mine = 0;
    running x;

    (void)state;
    snprintf(path, sizeof path, "%s", path_of("own.json"));
    assert_int_equal(aglm_file_write(path, OWN, strlen(OWN), NULL), AGLM_OK);
    begin(&x, say_good, NULL);
    assert_int_equal(aglm_generator_presets(x.g, path, &x.err), AGLM_OK);
    for (size_t i = 0; i < 60; i++) {
        run(&x);
        if (strcmp(x.out.setting, "mine") != 0)
            continue;
        mine++;
        assert_true(x.f.asked[i].temperature == 0.42 && x.f.asked[i].max_tokens == 7);
        assert_true(x.f.asked[i].repetition_penalty == 1);
    }
    assert_true(mine > 0);
    says(&x, "own.json");
    end(&x);
}

static void a_bad_file_of_settings_is_named(void **state)
{
    static const struct {
        const char *text;
        aglm_rc rc;
        const char *says;
    } CASES[] = {
        {"[1]", AGLM_FORMAT, "expected an object of settings by name"},
        {"{\"mine\": {\"warmth\": 1}}", AGLM_FORMAT, "bad.json: mine: warmth"},
        {"{\"mine\": {\"top_p\": \"x\"}}", AGLM_FORMAT, "bad.json: mine: top_p"},
        {"{\"mine\": {\"top_p\": 3}}", AGLM_INVALID, "top_p"},
        {"{\"mine\": 4}", AGLM_FORMAT, "bad.json: mine"},
        {"{\"mine\":", AGLM_FORMAT, "bad.json"},
    };
    running x;

    (void)state;
    begin(&x, say_good, NULL);
    assert_int_equal(aglm_generator_presets(x.g, path_of("absent.json"), &x.err), AGLM_NOTFOUND);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        aglm_file_write(path_of("bad.json"), CASES[i].text, strlen(CASES[i].text), NULL);
        aglm_rc rc = aglm_generator_presets(x.g, path_of("bad.json"), &x.err);
        if (rc != CASES[i].rc || !strstr(x.err.msg, CASES[i].says))
            fail_msg("case %zu: %d, %s", i, rc, x.err.msg);
    }
    end(&x);
}

/* ---- checks and tries ---- */

static void checks_are_counted_and_learned(void **state)
{
    char path[256];
    aglm_arena arena;
    aglm_setting *arms;
    double sum = 0, ran = 0;
    size_t learned = 0;
    running x;

    (void)state;
    snprintf(path, sizeof path, "%s", path_of("learn.db"));
    begin(&x, say_loop, path);
    run(&x);
    double first = -1;
    assert_true(x.out.report.result[AGLM_CHECK_LOOP].failed);
    for (size_t i = 0; i < AGLM_CHECKS; i++)
        if (x.out.report.result[i].ran) {
            sum += x.out.report.result[i].score;
            ran++;
        }
    assert_true(ran > 4 && x.out.report.n_failed > 0);
    assert_float_equal(x.out.reward, fmax(0, sum / ran - 0.2 * (double)x.out.report.n_failed),
                       1e-12);
    aglm_arena_init(&arena, 1 << 20);
    for (size_t i = arms_of(path, &arena, &arms); i > 0; i--)
        if (arms[i - 1].n > 0) {
            learned++;
            first = arms[i - 1].mean;
            assert_string_equal(arms[i - 1].name, x.out.setting);
            assert_true(arms[i - 1].n == 1 && arms[i - 1].seconds == 0.5);
        }
    assert_int_equal(learned, 1);
    assert_float_equal(first, x.out.reward, 1e-12); /* every try said the same */
    aglm_arena_clear(&arena);
    end(&x);
}

static void another_try_mends(void **state)
{
    running x;

    (void)state;
    begin(&x, say_good_at_second, NULL);
    run(&x);
    assert_string_equal(x.out.answer.text.data, GOOD);
    assert_int_equal(x.out.tries, 2);
    assert_int_equal(x.out.best, 2);
    assert_int_equal(x.out.report.n_failed, 0);
    assert_true(x.out.decoding.temperature > 0 && x.f.asked[1].seed != x.f.asked[0].seed);
    says(&x, "try 1 failed: empty; next: ");
    says(&x, "check empty        1.00");
    says(&x, ", 2 tries, ");
    says(&x, "task: text-generation");
    end(&x);
}

static void another_language_is_named_once(void **state)
{
    aglm_generator_options o;
    running x = {0};

    (void)state;
    fake_init(&x.f, say_good);
    x.f.lm.info.template = "<{{ messages[0].content }}>";
    aglm_generator_options_init(&o);
    open_generator(&x, &o);
    x.r.prompt = "人工智能的未来发展方向是";
    run(&x);
    assert_true(x.out.report.result[AGLM_CHECK_LANGUAGE].failed);
    assert_int_equal(x.out.tries, 2);
    assert_string_equal(x.f.prompt, "<人工智能的未来发展方向是\n\n请用中文回答。>");
    says(&x, "try 1 failed: language; next: name the language");
    end(&x);
}

static void tries_are_bounded(void **state)
{
    aglm_generator_options o;
    running x = {0};

    (void)state;
    fake_init(&x.f, say_loop);
    aglm_generator_options_init(&o);
    o.retries = 3;
    open_generator(&x, &o);
    run(&x);
    assert_int_equal(x.out.tries, 4);
    assert_int_equal(x.f.n, 4);
    assert_true(x.f.asked[3].repetition_penalty > x.f.asked[0].repetition_penalty + 0.25);
    end(&x);
}

static void time_bounds_the_tries(void **state)
{
    running x;

    (void)state;
    begin(&x, say_loop, NULL);
    x.f.answer_ms = 60;
    x.r.limit_s = 0.1; /* another 60 ms do not fit */
    run(&x);
    assert_int_equal(x.out.tries, 1);
    assert_true(x.f.limit_s[0] == 0.1);
    x.r.limit_s = 30;
    run(&x);
    assert_int_equal(x.out.tries, 3);
    assert_true(x.f.limit_s[1] == 30 && x.f.limit_s[2] < 29.95 && x.f.limit_s[2] > 20);
    assert_true(x.out.seconds >= 0.18);
    end(&x);
}

static void a_cut_answer_gets_more_tokens(void **state)
{
    running x;

    (void)state;
    begin(&x, say_half, NULL);
    x.f.reason = AGLM_LM_LENGTH;
    run(&x);
    assert_int_equal(x.out.tries, 3);
    assert_int_equal(x.f.asked[0].max_tokens, 256);
    assert_int_equal(x.f.asked[1].max_tokens, 512);
    assert_int_equal(x.f.asked[2].max_tokens, 1024);
    end(&x);
    begin(&x, say_half, NULL);
    x.f.reason = AGLM_LM_LENGTH;
    x.r.max_tokens = 300;
    run(&x);
    assert_int_equal(x.f.asked[0].max_tokens, 256);
    assert_int_equal(x.f.asked[1].max_tokens, 300);
    end(&x);
}

/* The likeliest tokens with nothing changed would be the same again. */
static void what_would_be_the_same_is_not_asked(void **state)
{
    const aglm_prompt_task task = AGLM_PROMPT_ARITHMETIC;
    running x;

    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        begin(&x, say_half, NULL);
        x.f.reason = AGLM_LM_LENGTH;
        x.r.max_tokens = 20;
        x.r.task = &task;
        for (size_t i = 0; i <= seed; i++)
            run(&x);
        if (x.out.decoding.temperature == 0)
            assert_int_equal(x.out.tries, 1);
        end(&x);
    }
}

static void a_failing_try_keeps_the_one_before(void **state)
{
    running x;

    (void)state;
    begin(&x, say_loop_then_fail, NULL);
    run(&x);
    assert_string_equal(x.out.answer.text.data, LOOP);
    assert_int_equal(x.out.best, 1);
    says(&x, "try 2 was not answered: the fake broke");
    x.f.say = say_loop_then_fail; /* the first try of a run: there is nothing to give */
    assert_int_equal(aglm_generator_run(x.g, &x.r, &x.out, &x.err), AGLM_IO);
    end(&x);
}

typedef struct ear {
    aglm_str text;
    unsigned attempt, stop_at;
} ear;

static bool hear(void *arg, unsigned attempt, const char *piece, size_t n)
{
    ear *e = arg;

    if (attempt != e->attempt)
        aglm_str_reset(&e->text);
    e->attempt = attempt;
    aglm_str_append(&e->text, piece, n);
    return attempt != e->stop_at;
}

static void pieces_say_whose_they_are(void **state)
{
    ear e = {.stop_at = 0};
    running x;

    (void)state;
    aglm_str_init(&e.text, 1 << 20);
    begin(&x, say_good_at_second, NULL);
    x.r.on_piece = hear;
    x.r.arg = &e;
    run(&x);
    assert_int_equal(e.attempt, 2);
    assert_string_equal(e.text.data, GOOD);
    end(&x);

    begin(&x, say_loop, NULL);
    e.attempt = 0;
    e.stop_at = 2;
    x.r.on_piece = hear;
    x.r.arg = &e;
    assert_int_equal(aglm_generator_run(x.g, &x.r, &x.out, &x.err), AGLM_CANCELLED);
    assert_int_equal(x.f.n, 2);
    end(&x);
    aglm_str_clear(&e.text);
}

/* ---- what the model gets ---- */

static void the_models_own_template_is_put_around(void **state)
{
    static const char TEMPLATE[] =
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>";
    aglm_generator_options o;
    running x = {0};
    aglm_str text;

    (void)state;
    aglm_str_init(&text, 1000);
    for (int i = 0; i < 3; i++) {
        fake_init(&x.f, say_good);
        x.f.lm.info.template = i == 1 ? "{% for %}" : TEMPLATE; /* a broken one is left out */
        aglm_generator_options_init(&o);
        o.raw = i == 2;
        open_generator(&x, &o);
        run(&x);
        assert_string_equal(x.f.prompt, i == 0 ? "<user>" PROMPT "<assistant>" : PROMPT);
        assert_int_equal(aglm_generator_prompt(x.g, "hi", &text, &x.err), AGLM_OK);
        assert_string_equal(text.data, i == 0 ? "<user>hi<assistant>" : "hi");
        aglm_str_clear(&text);
        end(&x);
    }
}

static void plain_is_asked_once_and_not_learned(void **state)
{
    char path[256];
    aglm_arena arena;
    aglm_setting *arms;
    running x;

    (void)state;
    snprintf(path, sizeof path, "%s", path_of("plain.db"));
    begin(&x, say_loop, path);
    x.r.max_tokens = 31;
    assert_int_equal(aglm_generator_run_plain(x.g, &x.r, &x.out, &x.err), AGLM_OK);
    assert_int_equal(x.f.n, 1);
    assert_true(x.f.asked[0].temperature == 0 && x.f.asked[0].max_tokens == 31);
    assert_false(x.f.wants_log_prob);
    assert_string_equal(x.out.setting, "plain");
    assert_true(isnan(x.out.reward));
    aglm_arena_init(&arena, 1 << 20);
    assert_int_equal(arms_of(path, &arena, &arms), 0);
    aglm_arena_clear(&arena);
    end(&x);
}

static void a_named_task_is_taken(void **state)
{
    const aglm_prompt_task task = AGLM_PROMPT_ARITHMETIC;
    running x;

    (void)state;
    begin(&x, say_good, NULL);
    x.r.task = &task;
    run(&x);
    assert_int_equal(x.out.task, AGLM_PROMPT_ARITHMETIC);
    assert_int_equal(x.f.asked[0].max_tokens, 96);
    end(&x);
}

/* ---- services ---- */

#define WHOLE(text)                                                                                \
    "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" text "\"},"    \
    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":9}}"

/* Whatever is chosen, the service gets no word that it does not know. */
static void a_service_gets_only_words_it_knows(void **state)
{
    static const http_step STEPS[] = {{.status = "200 OK", .text = WHOLE(GOOD)}};
    static const char *const UNKNOWN[] = {"top_k", "min_p", "repetition_penalty", "presence"};
    aglm_lm_remote_options remote;
    aglm_generator_options o;
    http_server *server = http_server_start(STEPS, 1);
    running x = {0};
    aglm_lm *lm;

    (void)state;
    aglm_lm_remote_options_init(&remote);
    aglm_rc rc = aglm_lm_open_remote(&lm, http_server_url(server, "/api/paas/v4"), "glm-4-flash",
                                     &remote, &x.err);
    if (rc == AGLM_UNSUPPORTED) {
        http_server_stop(server);
        skip();
    }
    aglm_generator_options_init(&o);
    assert_int_equal(aglm_generator_new(&x.g, lm, &o, &x.err), AGLM_OK);
    x.r = (aglm_generator_request){.prompt = PROMPT};
    aglm_generated_init(&x.out);
    for (size_t i = 0; i < HTTP_SERVER_REQUESTS; i++)
        run(&x);
    assert_string_equal(x.out.answer.text.data, GOOD);
    assert_int_equal(http_server_requests(server), HTTP_SERVER_REQUESTS);
    for (size_t i = 0; i < HTTP_SERVER_REQUESTS; i++)
        for (size_t k = 0; k < sizeof UNKNOWN / sizeof *UNKNOWN; k++)
            assert_null(strstr(http_server_body(server, i), UNKNOWN[k]));
    assert_non_null(strstr(http_server_body(server, 0), PROMPT));
    end(&x);
    aglm_lm_close(lm);
    http_server_stop(server);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return aglm_dir_remove(folder, NULL) == AGLM_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_are_offered_once),
        cmocka_unit_test(what_the_models_file_says_is_one_of_them),
        cmocka_unit_test(what_is_known_to_be_bad_is_left_out),
        cmocka_unit_test(settings_of_the_users_take_part),
        cmocka_unit_test(a_bad_file_of_settings_is_named),
        cmocka_unit_test(checks_are_counted_and_learned),
        cmocka_unit_test(another_try_mends),
        cmocka_unit_test(another_language_is_named_once),
        cmocka_unit_test(tries_are_bounded),
        cmocka_unit_test(time_bounds_the_tries),
        cmocka_unit_test(a_cut_answer_gets_more_tokens),
        cmocka_unit_test(what_would_be_the_same_is_not_asked),
        cmocka_unit_test(a_failing_try_keeps_the_one_before),
        cmocka_unit_test(pieces_say_whose_they_are),
        cmocka_unit_test(the_models_own_template_is_put_around),
        cmocka_unit_test(plain_is_asked_once_and_not_learned),
        cmocka_unit_test(a_named_task_is_taken),
        cmocka_unit_test(a_service_gets_only_words_it_knows),
    };

    setenv("no_proxy", "*", 1);
    unsetenv("AGLM_API_KEY");
    unsetenv("ZHIPUAI_API_KEY");
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
