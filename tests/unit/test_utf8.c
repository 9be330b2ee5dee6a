#include "base/utf8.h"

#include "base/rng.h"
#include "unit.h"

static void every_code_point_comes_back(void **state)
{
    char bytes[4];
    uint32_t cp;

    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        size_t n = aglm_utf8_encode(c, bytes);
        bool surrogate = c >= 0xD800 && c < 0xE000;
        assert_int_equal(aglm_utf8_decode(bytes, n, &cp), n);
        assert_int_equal(cp, surrogate ? AGLM_UTF8_BAD : c);
        assert_int_equal(aglm_utf8_check(bytes, n), n);
        for (size_t cut = 1; cut < n; cut++) {
            assert_int_equal(aglm_utf8_decode(bytes, cut, &cp), 1);
            assert_int_equal(cp, AGLM_UTF8_BAD);
            assert_int_equal(aglm_utf8_check(bytes, cut), 0);
        }
    }
    assert_int_equal(aglm_utf8_encode(0x110000, bytes), 3);
    assert_memory_equal(bytes, "\xef\xbf\xbd", 3);
}

/* All sequences of up to three bytes, and four with the last one fixed, against the rule in
 * Unicode's table 3-7. */
static bool well_formed(const unsigned char *p, size_t n)
{
    if (n == 1)
        return p[0] < 0x80;
    for (size_t i = 1; i < n; i++)
        if (p[i] < 0x80 || p[i] > 0xBF)
            return false;
    if (n == 2)
        return p[0] >= 0xC2 && p[0] <= 0xDF;
    if (n == 3)
        return p[0] >= 0xE0 && p[0] <= 0xEF && (p[0] != 0xE0 || p[1] >= 0xA0) &&
               (p[0] != 0xED || p[1] <= 0x9F);
    return p[0] >= 0xF0 && p[0] <= 0xF4 && (p[0] != 0xF0 || p[1] >= 0x90) &&
           (p[0] != 0xF4 || p[1] <= 0x8F);
}

static void refuses_ill_formed(void **state)
{
    (void)state;
    for (uint32_t x = 0; x < 1u << 24; x++) {
        unsigned char p[4] = {(unsigned char)(x >> 16), (unsigned char)(x >> 8), (unsigned char)x,
                              0x80};
        uint32_t cp;
        size_t n = aglm_utf8_decode((const char *)p, 4, &cp);
        size_t want = 0;
        for (size_t k = 1; k <= 4 && !want; k++)
            want = well_formed(p, k) ? k : 0;
        if (n != (want ? want : 1) || (!want && cp != AGLM_UTF8_BAD))
            fail_msg("%06x: %zu bytes, expected %zu", x, n, want);
    }
}

static void check_finds_the_place(void **state)
{
    char text[64];

    (void)state;
    for (size_t at = 0; at < sizeof text; at++) {
        memset(text, 'a', sizeof text);
        text[at] = (char)0xFF;
        assert_int_equal(aglm_utf8_check(text, sizeof text), at);
    }
    assert_int_equal(aglm_utf8_check(NULL, 0), 0);
}

/* The figures come from tools/make_unicode_tables.py --digest, straight from Python's unicodedata.
 */
static void tables_agree_with_unicode(void **state)
{
    uint64_t widths = 0xcbf29ce484222325ULL;
    uint64_t cases = widths;

    (void)state;
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        if (cp >= 0xD800 && cp < 0xE000)
            continue;
        widths = (widths ^ (uint64_t)aglm_cp_width(cp)) * 0x100000001b3ULL;
        cases = (cases ^ aglm_cp_lower(cp)) * 0x100000001b3ULL;
    }
    assert_true(widths == 0x1055309b48eab86cULL);
    assert_true(cases == 0xdbd85778f0b9885fULL);
}

static void measures_text(void **state)
{
    const char *s = "a\xe4\xbd\xa0"
                    "e\xcc\x81\xf0\x9f\x98\x80"; /* a, you, e with a combining acute, a face */

    (void)state;
    assert_int_equal(aglm_text_width(s, strlen(s)), 6);
    assert_int_equal(aglm_text_fit(s, strlen(s), 0), 0);
    assert_int_equal(aglm_text_fit(s, strlen(s), 1), 1);
    assert_int_equal(aglm_text_fit(s, strlen(s), 2), 1);
    assert_int_equal(aglm_text_fit(s, strlen(s), 3), 4);
    assert_int_equal(aglm_text_fit(s, strlen(s), 4), 7);
    assert_int_equal(aglm_text_fit(s, strlen(s), 5), 7);
    assert_int_equal(aglm_text_fit(s, strlen(s), 6), 11);
    assert_int_equal(aglm_text_fit(s, strlen(s), 100), 11);
}

static void sorts_code_points(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 128; c++) {
        assert_int_equal(aglm_cp_is_punct(c), c > 32 && c < 127 &&
                                                  !((c | 32) >= 'a' && (c | 32) <= 'z') &&
                                                  !(c >= '0' && c <= '9'));
        assert_int_equal(aglm_cp_is_space(c), c == ' ' || (c >= 9 && c <= 13));
        assert_int_equal(aglm_cp_is_digit(c), c >= '0' && c <= '9');
        assert_false(aglm_cp_is_cjk(c));
        assert_int_equal(aglm_cp_fold_width(c), c);
    }
    for (uint32_t c = 0xFF01; c <= 0xFF5E; c++) {
        assert_int_equal(aglm_cp_fold_width(c), c - 0xFEE0);
        assert_int_equal(aglm_cp_is_punct(c), aglm_cp_is_punct(c - 0xFEE0));
        assert_int_equal(aglm_cp_is_digit(c), aglm_cp_is_digit(c - 0xFEE0));
    }
    assert_int_equal(aglm_cp_fold_width(0x3000), ' ');
    static const uint32_t cjk[] = {0x4E00, 0x9FFF, 0x3400, 0x20000, 0x3FFFF, 0xF900,
                                   0x3042, 0x30AB, 0xAC00, 0xD7A3,  0x3105,  0x3005};
    static const uint32_t punct[] = {0x3001, 0x3002, 0x300A, 0x2014, 0x2018, 0x201D,
                                     0x2026, 0xFF0C, 0xFF1F, 0x30FB, 0xB7,   0xFE30};
    static const uint32_t space[] = {0x85,   0xA0,   0x1680, 0x2000, 0x200A, 0x2028,
                                     0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF};
    for (size_t i = 0; i < sizeof cjk / sizeof cjk[0]; i++)
        assert_true(aglm_cp_is_cjk(cjk[i]) && !aglm_cp_is_punct(cjk[i]) &&
                    !aglm_cp_is_space(cjk[i]));
    for (size_t i = 0; i < sizeof punct / sizeof punct[0]; i++)
        assert_true(aglm_cp_is_punct(punct[i]) && !aglm_cp_is_cjk(punct[i]) &&
                    !aglm_cp_is_space(punct[i]));
    for (size_t i = 0; i < sizeof space / sizeof space[0]; i++)
        assert_true(aglm_cp_is_space(space[i]) && !aglm_cp_is_cjk(space[i]) &&
                    !aglm_cp_is_punct(space[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_comes_back),
        cmocka_unit_test(refuses_ill_formed),
        cmocka_unit_test(check_finds_the_place),
        cmocka_unit_test(tables_agree_with_unicode),
        cmocka_unit_test(measures_text),
        cmocka_unit_test(sorts_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
