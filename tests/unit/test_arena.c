#include "base/arena.h"

#include "base/rng.h"
#include "unit.h"

static void hands_out_zeroed_aligned(void **state)
{
    aglm_arena a;
    aglm_rng r;
    unsigned char *p[500];
    size_t n[500];

    (void)state;
    aglm_rng_init(&r, 3);
    aglm_arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < 500; i++) {
        n[i] = aglm_rng_below(&r, i % 50 ? 100 : 100000);
        p[i] = aglm_arena_alloc(&a, n[i]);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % 16, 0);
        for (size_t k = 0; k < n[i]; k++)
            assert_int_equal(p[i][k], 0);
        memset(p[i], (int)i, n[i]);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t k = 0; k < n[i]; k++)
            assert_int_equal(p[i][k], (unsigned char)i);
    aglm_arena_clear(&a);
    assert_int_equal(a.used_bytes, 0);
    assert_non_null(aglm_arena_alloc(&a, 0));
    aglm_arena_clear(&a);
}

static void obeys_the_cap(void **state)
{
    aglm_arena a;

    (void)state;
    aglm_arena_init(&a, 64);
    assert_null(aglm_arena_alloc(&a, 65));
    assert_non_null(aglm_arena_alloc(&a, 33));
    assert_int_equal(a.used_bytes, 48);
    assert_null(aglm_arena_alloc(&a, 17));
    assert_non_null(aglm_arena_alloc(&a, 16));
    assert_null(aglm_arena_alloc(&a, 0));
    assert_null(aglm_arena_array(&a, SIZE_MAX / 4, 8));
    assert_null(aglm_arena_alloc(&a, SIZE_MAX));
    assert_null(aglm_arena_strndup(&a, "", SIZE_MAX));
    assert_null(aglm_arena_strdup(&a, "x"));
    assert_null(aglm_arena_printf(&a, "x"));
    aglm_arena_clear(&a);
}

static void makes_strings(void **state)
{
    aglm_arena a;

    (void)state;
    aglm_arena_init(&a, 1 << 20);
    assert_string_equal(aglm_arena_strndup(&a, "hello", 4), "hell");
    assert_string_equal(aglm_arena_strdup(&a, "hello"), "hello");
    assert_string_equal(aglm_arena_printf(&a, "%d-%s", 7, "x"), "7-x");
    int *v = aglm_arena_array(&a, 10, sizeof *v);
    assert_int_equal(v[9], 0);
    aglm_arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_zeroed_aligned),
        cmocka_unit_test(obeys_the_cap),
        cmocka_unit_test(makes_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
