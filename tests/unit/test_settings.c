/* Settings and their rewards: the pool's file, the bandit's choices, presets. */
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lm/bandit.h"
#include "lm/preset.h"
#include "store/settings.h"
#include "unit.h"

static const aglm_setting_key CHAT = {"m", "chat"}, CODE = {"m", "code"};
static const aglm_bandit_options OPTIONS = {.floor = 0.2, .prior_weight = 1};

static size_t find(const aglm_setting *arms, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(arms[i].name, name) == 0)
            return i;
    fail_msg("no arm %s", name);
    return 0;
}

static void rewards_have_their_mean_and_spread(void **state)
{
    const double rewards[] = {0.2, 0.9, 0.4, 1, 0};
    const aglm_setting arm = {.name = "a", .params = "{}", .source = "preset"};
    aglm_settings *p;
    aglm_setting *arms;
    aglm_arena arena;
    aglm_error err = {0};
    size_t n;

    (void)state;
    aglm_arena_init(&arena, 1 << 20);
    assert_int_equal(aglm_settings_open(&p, ":memory:", &err), AGLM_OK);
    assert_int_equal(aglm_settings_offer(p, &CHAT, &arm, &err), AGLM_OK);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(aglm_settings_learn(p, &CHAT, "a", rewards[i], (double)i, &err), AGLM_OK);
    assert_int_equal(aglm_settings_offer(p, &CHAT, &arm, &err),
                     AGLM_OK); /* known: nothing is lost */
    assert_int_equal(aglm_settings_list(p, &CHAT, &arena, &arms, &n, &err), AGLM_OK);
    assert_int_equal(n, 1);
    assert_int_equal(arms[0].n, 5);
    assert_true(fabs(arms[0].mean - 0.5) < 1e-12);
    assert_true(fabs(arms[0].m2 - 0.76) < 1e-12); /* .09 + .16 + .01 + .25 + .25 */
    assert_true(fabs(arms[0].seconds - 2) < 1e-12);
    assert_int_equal(aglm_settings_learn(p, &CHAT, "b", 1, 0, &err), AGLM_NOTFOUND);
    assert_int_equal(aglm_settings_learn(p, &CHAT, "a", 1.5, 0, &err), AGLM_INVALID);
    assert_int_equal(aglm_settings_learn(p, &CHAT, "a", NAN, 0, &err), AGLM_INVALID);
    assert_int_equal(aglm_settings_list(p, &CODE, &arena, &arms, &n, &err), AGLM_OK);
    assert_int_equal(n, 0);
    aglm_settings_close(p);
    aglm_arena_clear(&arena);
}

static void other_parameters_start_anew(void **state)
{
    aglm_setting arm = {.name = "a", .params = "{}", .source = "preset"};
    aglm_settings *p;
    aglm_setting *arms;
    aglm_arena arena;
    aglm_error err = {0};
    size_t n;

    (void)state;
    aglm_arena_init(&arena, 1 << 20);
    assert_int_equal(aglm_settings_open(&p, ":memory:", &err), AGLM_OK);
    assert_int_equal(aglm_settings_offer(p, &CHAT, &arm, &err), AGLM_OK);
    assert_int_equal(aglm_settings_learn(p, &CHAT, "a", 1, 1, &err), AGLM_OK);
    arm.params = "{\"top_k\":1}";
    assert_int_equal(aglm_settings_offer(p, &CHAT, &arm, &err), AGLM_OK);
    assert_int_equal(aglm_settings_list(p, &CHAT, &arena, &arms, &n, &err), AGLM_OK);
    assert_int_equal(arms[find(arms, n, "a")].n, 0);
    arm.name = "";
    assert_int_equal(aglm_settings_offer(p, &CHAT, &arm, &err), AGLM_INVALID);
    aglm_settings_close(p);
    aglm_arena_clear(&arena);
}

/* Four processes learn at once, on one file: no reward is lost. */
static void many_processes_lose_nothing(void **state)
{
    char path[] = "/tmp/aglm-settings-XXXXXX";
    const aglm_setting arm = {.name = "a", .params = "{}", .source = "preset"};
    aglm_settings *p;
    aglm_setting *arms;
    aglm_arena arena;
    aglm_error err = {0};
    size_t n;
    int status;

    (void)state;
    close(mkstemp(path));
    assert_int_equal(aglm_settings_open(&p, path, &err), AGLM_OK);
    assert_int_equal(aglm_settings_offer(p, &CHAT, &arm, &err), AGLM_OK);
    aglm_settings_close(p);
    for (int i = 0; i < 4; i++) {
        if (fork() != 0)
            continue;
        int failed = aglm_settings_open(&p, path, &err) != AGLM_OK;
        for (int k = 0; !failed && k < 50; k++)
            failed = aglm_settings_learn(p, &CHAT, "a", k % 2, 1, &err) != AGLM_OK;
        _exit(failed);
    }
    for (int i = 0; i < 4; i++)
        assert_true(wait(&status) > 0 && status == 0);
    aglm_arena_init(&arena, 1 << 20);
    assert_int_equal(aglm_settings_open(&p, path, &err), AGLM_OK);
    assert_int_equal(aglm_settings_list(p, &CHAT, &arena, &arms, &n, &err), AGLM_OK);
    assert_int_equal(arms[0].n, 200);
    assert_true(fabs(arms[0].mean - 0.5) < 1e-9);
    aglm_settings_close(p);
    aglm_arena_clear(&arena);
    unlink(path);
}

static void garbage_is_no_database(void **state)
{
    char path[] = "/tmp/aglm-settings-XXXXXX";
    int fd = mkstemp(path);
    aglm_settings *p;
    aglm_error err = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(write(fd, "this is no database at all\n", 27), 27);
    close(fd);
    assert_int_equal(aglm_settings_open(&p, path, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "move it away"));
    unlink(path);
}

/* Three arms with known rewards: the best one gets nearly all choices, and regret stays small. */
static void the_bandit_finds_the_best_arm(void **state)
{
    const double truth[] = {0.5, 0.7, 0.6};
    aglm_bandit_arm arms[3] = {{.prior = 0.8}, {.prior = 0.5}, {.prior = 0.6}};
    size_t chosen[3] = {0};
    aglm_rng rng;

    (void)state;
    aglm_rng_init(&rng, 5);
    for (int t = 0; t < 600; t++) {
        size_t i = aglm_bandit_choose(arms, 3, &OPTIONS, &rng);
        double reward = fmin(fmax(truth[i] + 0.15 * aglm_rng_normal(&rng), 0), 1),
               gap = reward - arms[i].mean;
        chosen[i]++;
        arms[i].n++;
        arms[i].mean += gap / arms[i].n;
        arms[i].m2 += gap * (reward - arms[i].mean);
    }
    assert_true(chosen[1] > 450);
    assert_true(chosen[0] >= 1 && chosen[0] < 80);
}

static void what_is_known_to_be_bad_is_left_out(void **state)
{
    aglm_bandit_arm arms[2] = {{.n = 5, .mean = 0.2, .m2 = 1, .prior = 0.5},
                               {.n = 5, .mean = 0.9, .m2 = 0.01, .prior = 0.5}};
    aglm_rng rng;

    (void)state;
    aglm_rng_init(&rng, 1);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(aglm_bandit_choose(arms, 2, &OPTIONS, &rng), 1);
    assert_true(arms[0].left_out && !arms[1].left_out);
}

static void the_same_seed_chooses_the_same(void **state)
{
    aglm_bandit_arm a[3] = {{.prior = 0.5}, {.prior = 0.5}, {.prior = 0.5}};
    aglm_rng one, two;

    (void)state;
    aglm_rng_init(&one, 9);
    aglm_rng_init(&two, 9);
    for (int i = 0; i < 100; i++)
        assert_int_equal(aglm_bandit_choose(a, 3, &OPTIONS, &one),
                         aglm_bandit_choose(a, 3, &OPTIONS, &two));
}

static void presets_are_in_range_and_go_there_and_back(void **state)
{
    const aglm_lm_info info = {
        .temperature = 0.6, .top_k = NAN, .top_p = 0.95, .min_p = NAN, .repetition_penalty = NAN};
    aglm_preset p[AGLM_PRESETS_MAX];
    aglm_error err = {0};

    (void)state;
    for (int task = 0; task < AGLM_PROMPT_TASKS; task++) {
        size_t n = aglm_presets((aglm_prompt_task)task, &info, p);
        assert_string_equal(p[n - 1].name, "model");
        for (size_t i = 0; i < n; i++) {
            aglm_decoding back;
            aglm_json_writer w;
            aglm_json_doc *doc;
            aglm_str s;
            aglm_str_init(&s, 1 << 16);
            aglm_json_writer_init(&w, &s);
            aglm_decoding_put(&p[i].decoding, &w);
            aglm_decoding_init(&back);
            assert_true(p[i].prior > 0 && p[i].prior < 1);
            assert_int_equal(aglm_json_parse(&doc, s.data, s.len, NULL, &err), AGLM_OK);
            assert_int_equal(aglm_decoding_get(aglm_json_root(doc), &back, &err), AGLM_OK);
            assert_memory_equal(&back, &p[i].decoding, sizeof back);
            aglm_json_free(doc);
            aglm_str_clear(&s);
        }
    }
}

static void bad_settings_are_named(void **state)
{
    static const char *const BAD[][2] = {{"{\"heat\":1}", "heat"},
                                         {"{\"top_p\":2}", "top_p"},
                                         {"{\"top_k\":\"x\"}", "top_k"},
                                         {"[]", "object"},
                                         {"{\"top_k\":1.5}", "top_k"}};

    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        aglm_decoding d;
        aglm_json_doc *doc;
        aglm_error err = {0};
        aglm_decoding_init(&d);
        assert_int_equal(aglm_json_parse(&doc, BAD[i][0], strlen(BAD[i][0]), NULL, &err), AGLM_OK);
        assert_true(aglm_decoding_get(aglm_json_root(doc), &d, &err) < 0);
        assert_non_null(strstr(err.msg, BAD[i][1]));
        aglm_json_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rewards_have_their_mean_and_spread),
        cmocka_unit_test(other_parameters_start_anew),
        cmocka_unit_test(many_processes_lose_nothing),
        cmocka_unit_test(garbage_is_no_database),
        cmocka_unit_test(the_bandit_finds_the_best_arm),
        cmocka_unit_test(what_is_known_to_be_bad_is_left_out),
        cmocka_unit_test(the_same_seed_chooses_the_same),
        cmocka_unit_test(presets_are_in_range_and_go_there_and_back),
        cmocka_unit_test(bad_settings_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
