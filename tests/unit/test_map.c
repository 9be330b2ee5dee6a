#include "base/map.h"

#include "base/rng.h"
#include "unit.h"

static void numbers_in_order(void **state)
{
    aglm_map *m = aglm_map_new(1000000, SIZE_MAX);
    char key[32];
    uint32_t n;
    size_t len;

    (void)state;
    for (uint32_t i = 0; i < 50000; i++) {
        int l = snprintf(key, sizeof key, "k%u", i * 7919u);
        assert_int_equal(aglm_map_intern(m, key, (size_t)l, &n, NULL), AGLM_OK);
        assert_int_equal(n, i);
    }
    const char *first = aglm_map_key(m, 0, &len);
    assert_string_equal(first, "k0");
    assert_int_equal(len, 2);
    for (uint32_t i = 0; i < 50000; i++) {
        int l = snprintf(key, sizeof key, "k%u", i * 7919u);
        assert_int_equal(aglm_map_intern(m, key, (size_t)l, &n, NULL), AGLM_OK);
        assert_int_equal(n, i);
        assert_true(aglm_map_find(m, key, (size_t)l, &n));
        assert_int_equal(n, i);
        assert_string_equal(aglm_map_key(m, i, NULL), key);
    }
    assert_int_equal(aglm_map_size(m), 50000);
    assert_false(aglm_map_find(m, "absent", 6, &n));
    assert_ptr_equal(first, aglm_map_key(m, 0, NULL));
    aglm_map_free(m);
    aglm_map_free(NULL);
}

static void keys_are_bytes(void **state)
{
    aglm_map *m = aglm_map_new(100, 1 << 20);
    uint32_t n;
    char *large = calloc(100000, 1);

    (void)state;
    assert_int_equal(aglm_map_intern(m, "", 0, &n, NULL), AGLM_OK);
    assert_int_equal(aglm_map_intern(m, "a\0b", 3, &n, NULL), AGLM_OK);
    assert_int_equal(aglm_map_intern(m, "a\0c", 3, &n, NULL), AGLM_OK);
    assert_int_equal(n, 2);
    for (size_t len = 200; len <= 100000; len += 9980) {
        assert_int_equal(aglm_map_intern(m, large, len, &n, NULL), AGLM_OK);
        assert_memory_equal(aglm_map_key(m, n, NULL), large, len);
    }
    assert_true(aglm_map_find(m, NULL, 0, &n));
    assert_int_equal(n, 0);
    free(large);
    aglm_map_free(m);
}

static void bounds_keys_and_bytes(void **state)
{
    aglm_map *m = aglm_map_new(2, 10);
    aglm_error err = {0};
    uint32_t n;

    (void)state;
    assert_int_equal(aglm_map_intern(m, "12345678901", 11, &n, &err), AGLM_LIMIT);
    assert_int_equal(aglm_map_intern(m, "123456", 6, &n, &err), AGLM_OK);
    assert_int_equal(aglm_map_intern(m, "12345", 5, &n, &err), AGLM_LIMIT);
    assert_int_equal(aglm_map_intern(m, "1", 1, &n, &err), AGLM_OK);
    assert_int_equal(aglm_map_intern(m, "2", 1, &n, &err), AGLM_LIMIT);
    assert_int_equal(aglm_map_intern(m, "1", 1, &n, &err), AGLM_OK);
    aglm_map_free(m);
}

/* Against a list that is searched from end to end. */
static void agrees_with_a_list(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        char keys[300][8];
        size_t lens[300];
        uint32_t n = 0;
        aglm_map *m = aglm_map_new(300, SIZE_MAX);
        aglm_rng r;
        aglm_rng_init(&r, seed);
        for (int i = 0; i < 600; i++) {
            char key[8];
            uint32_t got;
            uint32_t at = 0;
            size_t len = aglm_rng_below(&r, 4);
            for (size_t k = 0; k < len; k++)
                key[k] = (char)aglm_rng_below(&r, 4);
            while (at < n && (lens[at] != len || memcmp(keys[at], key, len) != 0))
                at++;
            assert_int_equal(aglm_map_find(m, key, len, &got), at < n);
            assert_int_equal(aglm_map_intern(m, key, len, &got, NULL), AGLM_OK);
            assert_int_equal(got, at);
            memcpy(keys[at], key, len);
            lens[at] = len;
            n += at == n;
        }
        assert_int_equal(aglm_map_size(m), n);
        aglm_map_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in_order),
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(bounds_keys_and_bytes),
        cmocka_unit_test(agrees_with_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
