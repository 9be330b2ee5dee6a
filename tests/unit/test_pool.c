#include "base/pool.h"

#include <stdatomic.h>
#include <time.h>

#include "unit.h"

static void add_one(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void runs_every_job(void **state)
{
    atomic_int count;

    (void)state;
    for (unsigned threads = 1; threads <= 8; threads *= 2) {
        aglm_pool *p;
        atomic_init(&count, 0);
        assert_int_equal(aglm_pool_new(&p, threads, 3, NULL), AGLM_OK);
        for (int i = 0; i < 1000; i++)
            assert_int_equal(aglm_pool_submit(p, add_one, &count, NULL), AGLM_OK);
        aglm_pool_wait(p);
        assert_int_equal(atomic_load(&count), 1000);
        aglm_pool_wait(p);
        for (int i = 0; i < 100; i++)
            aglm_pool_submit(p, add_one, &count, NULL);
        aglm_pool_free(p);
        assert_int_equal(atomic_load(&count), 1100);
    }
    aglm_pool_free(NULL);
}

static void mark(void *arg, size_t i)
{
    ((int *)arg)[i] += (int)i + 1;
}

static void loops_over_all(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 3, 63, 64, 65, 1000, 10007};
    int *v = malloc(10007 * sizeof *v);

    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        aglm_pool *p;
        assert_int_equal(aglm_pool_new(&p, threads, 1, NULL), AGLM_OK);
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            memset(v, 0, 10007 * sizeof *v);
            assert_int_equal(aglm_pool_for(p, sizes[k], mark, v, NULL), AGLM_OK);
            for (size_t i = 0; i < 10007; i++)
                assert_int_equal(v[i], i < sizes[k] ? (int)i + 1 : 0);
        }
        aglm_pool_free(p);
    }
    free(v);
}

static void nap(void *arg, size_t i)
{
    struct timespec t = {0, 30000000};

    (void)i;
    nanosleep(&t, NULL);
    atomic_fetch_add((atomic_int *)arg, 1);
}

/* Eight naps of 30 ms side by side take far less than one after the other. */
static void works_side_by_side(void **state)
{
    aglm_pool *p;
    atomic_int count;
    struct timespec a;
    struct timespec b;

    (void)state;
    atomic_init(&count, 0);
    assert_int_equal(aglm_pool_new(&p, 8, 8, NULL), AGLM_OK);
    clock_gettime(CLOCK_MONOTONIC, &a);
    aglm_pool_for(p, 8, nap, &count, NULL);
    clock_gettime(CLOCK_MONOTONIC, &b);
    assert_int_equal(atomic_load(&count), 8);
    assert_true((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) * 1e-9 < 0.2);
    aglm_pool_free(p);
}

static void refuses_bad_sizes(void **state)
{
    aglm_pool *p;
    aglm_error err = {0};

    (void)state;
    assert_int_equal(aglm_pool_new(&p, 0, 1, &err), AGLM_INVALID);
    assert_null(p);
    assert_int_equal(aglm_pool_new(&p, 257, 1, &err), AGLM_INVALID);
    assert_int_equal(aglm_pool_new(&p, 1, 0, &err), AGLM_INVALID);
    assert_true(aglm_cpu_count() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_every_job),
        cmocka_unit_test(loops_over_all),
        cmocka_unit_test(works_side_by_side),
        cmocka_unit_test(refuses_bad_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
