#include "base/memory.h"

#include "unit.h"

static void zeroed_aligned_checked(void **state)
{
    (void)state;
    for (size_t n = 0; n < 300; n += 7) {
        unsigned char *p = aglm_calloc(n, 3);
        unsigned char *q = aglm_calloc_aligned(n, 3);
        assert_non_null(p);
        assert_non_null(q);
        assert_int_equal((uintptr_t)q % 64, 0);
        for (size_t i = 0; i < n * 3; i++)
            assert_true(p[i] == 0 && q[i] == 0);
        free(p);
        free(q);
    }
    assert_null(aglm_calloc(SIZE_MAX / 2, 3));
    assert_null(aglm_calloc(SIZE_MAX / 2 + 1, 1));
    assert_null(aglm_calloc_aligned(SIZE_MAX / 2, 3));
    assert_null(aglm_calloc_aligned(PTRDIFF_MAX, 1));
}

static void grow_keeps_and_bounds(void **state)
{
    int *v = NULL;
    size_t cap = 0;

    (void)state;
    for (size_t n = 0; n < 1000; n++) {
        assert_int_equal(aglm_grow(&v, &cap, n + 1, sizeof *v, 1000), AGLM_OK);
        v[n] = (int)n;
    }
    assert_true(cap <= 1000);
    int *before = v;
    assert_int_equal(aglm_grow(&v, &cap, 1001, sizeof *v, 1000), AGLM_LIMIT);
    assert_int_equal(aglm_grow(&v, &cap, SIZE_MAX / 2, sizeof *v, SIZE_MAX), AGLM_NOMEM);
    assert_ptr_equal(v, before);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(v[i], i);
    free(v);
}

static void strndup_copies(void **state)
{
    char *s = aglm_strndup("abc\0def", 7);

    (void)state;
    assert_memory_equal(s, "abc\0def\0", 8);
    free(s);
    s = aglm_strndup(NULL, 0);
    assert_string_equal(s, "");
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_aligned_checked),
        cmocka_unit_test(grow_keeps_and_bounds),
        cmocka_unit_test(strndup_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
