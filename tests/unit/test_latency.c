#include "eval/latency.h"

#include "base/clock.h"
#include "documents.h"
#include "unit.h"

struct probe {
    char seen[64];
    size_t calls;
    uint64_t spin_ns; /* how long a call takes at least */
    size_t fail_at;   /* this call fails; 0: none */
};

static aglm_rc note_call(void *arg, const char *text, size_t len, aglm_error *err)
{
    struct probe *p = arg;
    uint64_t start = aglm_clock_ns();

    assert_int_equal(len, strlen(text));
    if (p->calls < sizeof p->seen)
        p->seen[p->calls] = text[0];
    if (++p->calls == p->fail_at)
        return aglm_error_set(err, AGLM_INVALID, "call %zu", p->calls);
    while (aglm_clock_ns() - start < p->spin_ns)
        continue;
    return AGLM_OK;
}

static aglm_dataset *four(void)
{
    return documents_new("a\tu\nb\tvv\na\twww\nb\tx\n", AGLM_TASK_BINARY, NULL, 0);
}

static void documents_are_taken_in_turn(void **state)
{
    aglm_dataset *d = four();
    static const uint32_t rows[] = {3, 1};
    struct probe all = {.spin_ns = 0}, some = {.spin_ns = 0};
    aglm_latency l;

    (void)state;
    assert_int_equal(
        aglm_latency_probe(&l, &(aglm_latency_plan){d, NULL, 4, note_call, &all, 10, UINT64_MAX},
                           NULL),
        AGLM_OK);
    assert_int_equal(l.calls, 10);
    assert_int_equal(all.calls, 11); /* one to warm up */
    assert_memory_equal(all.seen, "uvwxuvwxuvw", 11);
    assert_int_equal(
        aglm_latency_probe(&l, &(aglm_latency_plan){d, rows, 2, note_call, &some, 5, UINT64_MAX},
                           NULL),
        AGLM_OK);
    assert_memory_equal(some.seen, "xvxvx", 5);
    aglm_dataset_free(d);
}

static void times_are_in_microseconds_and_in_order(void **state)
{
    aglm_dataset *d = four();
    struct probe p = {.spin_ns = 200000};
    aglm_latency l;

    (void)state;
    assert_int_equal(aglm_latency_probe(
                         &l, &(aglm_latency_plan){d, NULL, 4, note_call, &p, 40, UINT64_MAX}, NULL),
                     AGLM_OK);
    assert_true(l.p50_us >= 200);
    assert_true(l.p50_us <= l.p95_us && l.p95_us <= l.p99_us);
    assert_true(l.mean_us >= 200);
    assert_true(l.docs_per_s > 0 && l.docs_per_s <= 5000);
    assert_true(l.docs_per_s * l.mean_us / 1e6 > 0.999 && l.docs_per_s * l.mean_us / 1e6 < 1.001);
    aglm_dataset_free(d);
}

static void time_out_keeps_at_least_one_call(void **state)
{
    aglm_dataset *d = four();
    struct probe none = {.spin_ns = 1000}, few = {.spin_ns = 1000000};
    aglm_latency l;

    (void)state;
    assert_int_equal(
        aglm_latency_probe(&l, &(aglm_latency_plan){d, NULL, 4, note_call, &none, 1000, 0}, NULL),
        AGLM_OK);
    assert_int_equal(none.calls, 1);
    assert_int_equal(l.calls, 1);
    assert_int_equal(
        aglm_latency_probe(&l, &(aglm_latency_plan){d, NULL, 4, note_call, &few, 10000, 5000000},
                           NULL),
        AGLM_OK);
    assert_in_range(few.calls, 1, 5);
    assert_in_range(l.calls, 1, 5);
    aglm_dataset_free(d);
}

static void a_failed_call_ends_the_probe(void **state)
{
    aglm_dataset *d = four();
    struct probe p = {.fail_at = 3};
    aglm_latency l;
    aglm_error err;

    (void)state;
    assert_int_equal(aglm_latency_probe(
                         &l, &(aglm_latency_plan){d, NULL, 4, note_call, &p, 10, UINT64_MAX}, &err),
                     AGLM_INVALID);
    assert_string_equal(err.msg, "call 3");
    assert_int_equal(p.calls, 3);
    assert_int_equal(
        aglm_latency_probe(&l, &(aglm_latency_plan){d, NULL, 0, note_call, &p, 10, 0}, &err),
        AGLM_INVALID);
    assert_int_equal(
        aglm_latency_probe(&l, &(aglm_latency_plan){d, NULL, 4, note_call, &p, 0, 0}, &err),
        AGLM_INVALID);
    aglm_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_taken_in_turn),
        cmocka_unit_test(times_are_in_microseconds_and_in_order),
        cmocka_unit_test(time_out_keeps_at_least_one_call),
        cmocka_unit_test(a_failed_call_ends_the_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
