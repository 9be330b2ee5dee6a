#include "job/child.h"

#include <signal.h>
#include <unistd.h>

#include "store/process.h"
#include "unit.h"

struct heard {
    char text[1024];
    size_t n;
    size_t lines;
    const char *stop_at;
};

static bool hear(void *arg, const char *line, size_t n, bool is_error)
{
    struct heard *h = arg;

    h->lines++;
    h->n += (size_t)snprintf(h->text + h->n, sizeof h->text - h->n, "%s%.*s|", is_error ? "!" : "",
                             (int)(n > 200 ? 200 : n), line);
    if (h->n >= sizeof h->text)
        h->n = sizeof h->text - 1;
    return h->stop_at && strncmp(line, h->stop_at, n) == 0;
}

static aglm_child_end run(const char *script, uint64_t limit_ms, const aglm_cancel *cancel,
                          struct heard *h)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    const char *envp[] = {"PATH=/usr/bin:/bin", "WORD=value", NULL};
    aglm_child_options o = {
        .argv = argv,
        .envp = envp,
        .deadline_ns = limit_ms ? aglm_clock_ns() + limit_ms * 1000000 : 0,
        .grace_ns = 100000000,
        .cancel = cancel,
        .on_line = hear,
        .arg = h,
    };
    aglm_child_end end;

    assert_int_equal(aglm_child_run(&o, &end, NULL), AGLM_OK);
    return end;
}

static void lines_and_exit_codes_arrive(void **state)
{
    struct heard h = {0};
    aglm_child_end end = run("echo $WORD; printf 'half\\r\\nline'; exit 3", 0, NULL, &h);

    (void)state;
    assert_int_equal(end.kind, AGLM_CHILD_EXITED);
    assert_int_equal(end.number, 3);
    assert_string_equal(h.text, "value|half|line|");
    h = (struct heard){0};
    run("echo oops >&2; cat", 0, NULL, &h); /* its standard input is empty */
    assert_string_equal(h.text, "!oops|");
    h = (struct heard){0};
    run("exec >&- 2>&-; sleep 0.05", 0, NULL, &h);
    assert_int_equal(h.lines, 0);
    run("head -c 300000 /dev/zero | tr '\\0' x; echo; seq 20000", 0, NULL, &h);
    assert_int_equal(h.lines, 20001);
}

static void signals_are_named(void **state)
{
    struct heard h = {0};
    aglm_child_end end = run("kill -ABRT $$", 0, NULL, &h);

    (void)state;
    assert_int_equal(end.kind, AGLM_CHILD_SIGNALED);
    assert_int_equal(end.number, SIGABRT);
}

/* Whole groups: those that ignore SIGTERM, and those in the background. */
static void a_deadline_ends_the_group(void **state)
{
    struct heard h = {0};
    uint64_t start = aglm_clock_ns();
    aglm_child_end end = run("trap '' TERM; sleep 30 & echo $!; while :; do sleep 0.01; done", 200,
                             NULL, &h);

    (void)state;
    assert_int_equal(end.kind, AGLM_CHILD_TIMEOUT);
    assert_true(aglm_clock_since_s(start) < 2.0);
    pid_t left = (pid_t)strtol(h.text, NULL, 10);
    assert_true(left > 1);
    for (int i = 0; i < 100 && aglm_process_start(left) != 0; i++)
        usleep(10000); /* SIGKILL takes its time */
    assert_int_equal(aglm_process_start(left), 0);
    end = run("yes", 200, NULL, &(struct heard){0}); /* writes without end */
    assert_int_equal(end.kind, AGLM_CHILD_TIMEOUT);
}

static void what_is_left_behind_is_killed(void **state)
{
    struct heard h = {0};
    uint64_t start = aglm_clock_ns();
    aglm_child_end end = run("sleep 30 & echo 1", 0, NULL, &h);

    (void)state;
    assert_int_equal(end.kind, AGLM_CHILD_EXITED);
    assert_string_equal(h.text, "1|");
    assert_true(aglm_clock_since_s(start) < 2.0);
}

static void a_line_or_a_token_may_stop_it(void **state)
{
    struct heard h = {.stop_at = "2"};
    aglm_cancel cancel;
    aglm_child_end end = run("seq 3; sleep 30", 0, NULL, &h);

    (void)state;
    assert_int_equal(end.kind, AGLM_CHILD_STOPPED);
    aglm_cancel_init(&cancel, NULL, 0);
    aglm_cancel_stop(&cancel);
    end = run("sleep 30", 0, &cancel, &h);
    assert_int_equal(end.kind, AGLM_CHILD_CANCELLED);
}

static void a_missing_program_is_an_error(void **state)
{
    const char *argv[] = {"/no/such/program", NULL};
    const char *envp[] = {NULL};
    aglm_child_options o = {.argv = argv, .envp = envp};
    aglm_child_end end;
    aglm_error err;

    (void)state;
    assert_int_equal(aglm_child_run(&o, &end, &err), AGLM_NOTFOUND);
    assert_non_null(strstr(err.msg, "/no/such/program"));
    argv[0] = "/etc/passwd";
    assert_int_equal(aglm_child_run(&o, &end, &err), AGLM_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_exit_codes_arrive),
        cmocka_unit_test(signals_are_named),
        cmocka_unit_test(a_deadline_ends_the_group),
        cmocka_unit_test(what_is_left_behind_is_killed),
        cmocka_unit_test(a_line_or_a_token_may_stop_it),
        cmocka_unit_test(a_missing_program_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
