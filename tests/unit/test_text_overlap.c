#include "data/text_overlap.h"

#include "base/rng.h"
#include "unit.h"

static aglm_symbols read(const char *text)
{
    aglm_symbols s = {0};

    assert_int_equal(aglm_symbols_read(&s, text, strlen(text), true, NULL), AGLM_OK);
    return s;
}

static void clipped_counts(void **state)
{
    aglm_symbols said = read("aaab"), refs[2] = {read("aab"), read("bb")};
    size_t n;

    assert_int_equal(aglm_overlap_ngrams(&n, &said, refs, 2, 1), AGLM_OK);
    assert_int_equal(n, 3);
    assert_int_equal(aglm_overlap_ngrams(&n, &said, refs, 2, 2), AGLM_OK);
    assert_int_equal(n, 2);
    assert_int_equal(aglm_overlap_ngrams(&n, &said, refs, 2, 5), AGLM_OK);
    assert_int_equal(n, 0);
    aglm_symbols_clear(&said);
    aglm_symbols_clear(&refs[0]);
    aglm_symbols_clear(&refs[1]);
}

static size_t longest_run(const aglm_symbols *a, const aglm_symbols *b)
{
    size_t best = 0;

    for (size_t i = 0; i < a->n; i++)
        for (size_t j = 0; j < b->n; j++) {
            size_t k = 0;
            while (i + k < a->n && j + k < b->n && a->at[i + k] == b->at[j + k])
                k++;
            best = k > best ? k : best;
        }
    return best;
}

static void runs_as_by_trying_all(void **state)
{
    aglm_rng rng;

    aglm_rng_init(&rng, 7);
    for (int round = 0; round < 300; round++) {
        aglm_symbols a = {0}, b = {0};
        size_t n, kinds = 1 + aglm_rng_below(&rng, 4);
        for (size_t i = aglm_rng_below(&rng, 40); i > 0; i--)
            aglm_symbols_push(&a, (uint32_t)aglm_rng_below(&rng, kinds));
        for (size_t i = aglm_rng_below(&rng, 40); i > 0; i--)
            aglm_symbols_push(&b, (uint32_t)aglm_rng_below(&rng, kinds));
        assert_int_equal(aglm_overlap_run(&n, &a, &b), AGLM_OK);
        assert_int_equal(n, longest_run(&a, &b));
        aglm_symbols_clear(&a);
        aglm_symbols_clear(&b);
    }
}

static void subsequences(void **state)
{
    aglm_symbols a = read("abcbdab"), b = read("bdcaba");
    size_t n;

    assert_int_equal(aglm_overlap_subsequence(&n, &a, &b), AGLM_OK);
    assert_int_equal(n, 4);
    aglm_symbols_clear(&a);
    aglm_symbols_clear(&b);
}

static void chrf_of_the_same_is_one(void **state)
{
    aglm_symbols a = read("人工智能"), b = read("x");
    aglm_chrf c;

    assert_int_equal(aglm_chrf_count(&c, &a, &a), AGLM_OK);
    assert_float_equal(aglm_chrf_score(&c), 1, 1e-12);
    assert_int_equal(aglm_chrf_count(&c, &a, &b), AGLM_OK);
    assert_float_equal(aglm_chrf_score(&c), 0, 1e-12);
    aglm_symbols_clear(&a);
    aglm_symbols_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clipped_counts),
        cmocka_unit_test(runs_as_by_trying_all),
        cmocka_unit_test(subsequences),
        cmocka_unit_test(chrf_of_the_same_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
