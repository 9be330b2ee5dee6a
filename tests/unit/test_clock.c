#include "base/clock.h"

#include <signal.h>
#include <time.h>

#include "unit.h"

static void clocks_go_on(void **state)
{
    uint64_t start = aglm_clock_ns();
    uint64_t cpu = aglm_clock_cpu_ns();
    struct timespec nap = {0, 20000000};

    (void)state;
    nanosleep(&nap, NULL);
    double s = aglm_clock_since_s(start);
    assert_true(s >= 0.02 && s < 20);
    assert_true(aglm_clock_cpu_ns() - cpu < 20000000);
    assert_true(aglm_clock_since_s(UINT64_MAX) == 0);
}

static void utc_has_optunas_form(void **state)
{
    static const char form[] = "2ddd-dd-dd dd:dd:dd.dddddd";
    char text[27];

    (void)state;
    aglm_clock_utc(text, sizeof text);
    assert_int_equal(strlen(text), 26);
    for (size_t i = 0; i < 26; i++)
        assert_true(form[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i]);
    assert_true(memcmp(text, "2024", 4) > 0);
    assert_true(memcmp(text + 5, "12", 2) <= 0 && memcmp(text + 11, "23", 2) <= 0);
}

/* libc's calendar says the same of every 13th hour until 2170. */
static void utc_agrees_with_the_calendar(void **state)
{
    char text[27];
    char want[40];
    struct tm tm;

    (void)state;
    for (time_t at = 0; at < (time_t)200 * 366 * 86400; at += 13 * 3600 + 7) {
        aglm_utc_format(text, sizeof text, (int64_t)at * 1000000 + 42);
        strftime(want, sizeof want, "%Y-%m-%d %H:%M:%S.000042", gmtime_r(&at, &tm));
        assert_string_equal(text, want);
    }
    aglm_utc_format(text, sizeof text, -1);
    assert_string_equal(text, "1970-01-01 00:00:00.000000");
    aglm_utc_format(text, 11, 0);
    assert_string_equal(text, "1970-01-01");
}

static void parses_durations(void **state)
{
    static const struct {
        const char *text;
        double s;
    } good[] = {{"90", 90},      {"60s", 60},    {"10m", 600}, {"1h", 3600},
                {"250ms", 0.25}, {"1.5h", 5400}, {".5s", 0.5}, {"20us", 2e-5}};
    static const char *const bad[] = {"",   "s",   "-5",  "0",   "0s",           "5 s",
                                      "5x", "1e3", "inf", "nan", "99999999999h", "1h30",
                                      "+5", "5S"};
    uint64_t ns;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(aglm_duration_parse(good[i].text, &ns));
        assert_true(ns == (uint64_t)(good[i].s * 1e9 + 0.5));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (aglm_duration_parse(bad[i], &ns))
            fail_msg("%s is taken", bad[i]);
}

static void cancels_by_request_clock_and_parent(void **state)
{
    aglm_cancel top;
    aglm_cancel below;

    (void)state;
    assert_false(aglm_cancelled(NULL));
    assert_false(aglm_cancel_requested(NULL));
    aglm_cancel_init(&top, NULL, 0);
    aglm_cancel_init(&below, &top, aglm_clock_ns() + 3600000000000ULL);
    assert_false(aglm_cancelled(&top));
    assert_false(aglm_cancelled(&below));
    atomic_store(&below.deadline_ns, aglm_clock_ns());
    assert_true(aglm_cancelled(&below));
    assert_false(aglm_cancel_requested(&below));
    assert_false(aglm_cancelled(&top));
    atomic_store(&below.deadline_ns, 0);
    atomic_store(&top.deadline_ns, 1);
    assert_true(aglm_cancelled(&below));
    atomic_store(&top.deadline_ns, 0);
    aglm_cancel_stop(&below);
    assert_true(aglm_cancelled(&below));
    assert_false(aglm_cancelled(&top));
    aglm_cancel_init(&below, &top, 0);
    aglm_cancel_stop(&top);
    assert_true(aglm_cancelled(&below));
    assert_true(aglm_cancel_requested(&below));
}

static aglm_cancel from_signal;

static void on_signal(int number)
{
    (void)number;
    aglm_cancel_stop(&from_signal); /* NOLINT(bugprone-signal-handler,cert-*): one atomic store */
}

static void cancels_from_a_signal(void **state)
{
    (void)state;
    aglm_cancel_init(&from_signal, NULL, 0);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    assert_true(aglm_cancelled(&from_signal));
    signal(SIGUSR1, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_go_on),
        cmocka_unit_test(utc_has_optunas_form),
        cmocka_unit_test(utc_agrees_with_the_calendar),
        cmocka_unit_test(parses_durations),
        cmocka_unit_test(cancels_by_request_clock_and_parent),
        cmocka_unit_test(cancels_from_a_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
