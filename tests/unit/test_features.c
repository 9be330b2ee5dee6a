#include "data/features.h"

#include "base/rng.h"
#include "base/str.h"

#include "unit.h"

typedef struct run {
    aglm_extractor *x;
    aglm_feature_list list;
} run;

static run run_on(aglm_feature_options opt, const char *text)
{
    run r = {0};
    aglm_error err = {0};

    assert_int_equal(aglm_extractor_new(&r.x, &opt, true, &err), AGLM_OK);
    assert_int_equal(aglm_extractor_run(r.x, text, strlen(text), &r.list, &err), AGLM_OK);
    return r;
}

/* The spans of one group, each behind a '|'. */
static void assert_spans(aglm_feature_options opt, aglm_feature_group g, const char *text,
                         const char *want)
{
    run r = run_on(opt, text);
    aglm_str s;

    aglm_str_init(&s, 1 << 20);
    for (size_t i = g ? r.list.group_end[g - 1] : 0; i < r.list.group_end[g]; i++) {
        aglm_str_putc(&s, '|');
        aglm_str_append(&s, text + r.list.begin[i], r.list.end[i] - r.list.begin[i]);
    }
    assert_string_equal(s.data, want);
    aglm_str_clear(&s);
    aglm_extractor_free(r.x);
}

static bool same_hashes(aglm_feature_options opt, const char *a, const char *b)
{
    run ra = run_on(opt, a);
    run rb = run_on(opt, b);
    bool same = ra.list.n == rb.list.n &&
                memcmp(ra.list.hash, rb.list.hash, ra.list.n * sizeof *ra.list.hash) == 0;

    aglm_extractor_free(ra.x);
    aglm_extractor_free(rb.x);
    return same;
}

static const aglm_feature_options WORDS = {.word_n = 1, .lower = true, .punct = true};

static void words_and_marks(void **state)
{
    aglm_feature_options opt = WORDS;

    (void)state;
    assert_spans(opt, AGLM_FEATURES_WORD, "", "");
    assert_spans(opt, AGLM_FEATURES_WORD, " \t\r\n ", "");
    assert_spans(opt, AGLM_FEATURES_WORD, "Don't stop, 3 'me'!", "|Don't|stop|,|3|'|me|'|!");
    assert_spans(opt, AGLM_FEATURES_WORD, "na\xc3\xafve \xf0\x9f\x98\x80\xf0\x9f\x98\x80",
                 "|na\xc3\xafve|\xf0\x9f\x98\x80|\xf0\x9f\x98\x80");
    opt.punct = false;
    assert_spans(opt, AGLM_FEATURES_WORD, "a,b -- c_d", "|a|b|c|d");
    opt.word_n = 2;
    assert_spans(opt, AGLM_FEATURES_WORD, "a,b  c", "|a|a,b|b|b  c|c");
}

static void cjk_code_points_are_words(void **state)
{
    aglm_feature_options opt = WORDS;

    (void)state;
    assert_spans(opt, AGLM_FEATURES_WORD, "买iPhone手机。", "|买|iPhone|手|机|。");
    opt.cjk_n = 2;
    opt.word_n = 2;
    assert_spans(opt, AGLM_FEATURES_WORD, "new iPhone手机 x", "|new|new iPhone|iPhone|x");
    assert_spans(opt, AGLM_FEATURES_CJK, "手 机A。", "|手|手 | | 机|机|机A|A|A。|。");
    assert_spans(opt, AGLM_FEATURES_CJK, "plain", "");
    opt.word_n = 0;
    assert_spans(opt, AGLM_FEATURES_CJK, "ab", "|a|ab|b");
    opt.edges = true;
    assert_spans(opt, AGLM_FEATURES_CJK, "手机", "|手|手|手机|机|机");
}

static void edges_take_part_in_ngrams(void **state)
{
    aglm_feature_options opt = WORDS;

    (void)state;
    opt.word_n = 2;
    opt.edges = true;
    assert_spans(opt, AGLM_FEATURES_WORD, " a b ", "|a|a|a b|b|b");
    assert_spans(opt, AGLM_FEATURES_WORD, "", "");
    assert_false(same_hashes(opt, "a", "a a"));
}

static void characters_inside_words(void **state)
{
    aglm_feature_options opt = {.char_min = 2, .char_max = 3};

    (void)state;
    assert_spans(opt, AGLM_FEATURES_CHAR, "abc d", "|a|ab|ab|abc|bc|bc|c|d|d|d");
    opt.char_min = opt.char_max = 5;
    assert_spans(opt, AGLM_FEATURES_CHAR, "a abc abcd", "|a|abc|abcd|abcd");
}

static void characters_across_words(void **state)
{
    aglm_feature_options opt = {.char_min = 1, .char_max = 2, .char_across = true};

    (void)state;
    assert_spans(opt, AGLM_FEATURES_CHAR, " a  b", "|a|a|a  |  |  b|b|b");
    assert_spans(opt, AGLM_FEATURES_CHAR, "", "");
}

static void prefixes_and_shape(void **state)
{
    aglm_feature_options opt = WORDS;

    (void)state;
    opt.prefix_n = 2;
    assert_spans(opt, AGLM_FEATURES_PREFIX, "How many are", "|How|How many");
    assert_spans(opt, AGLM_FEATURES_PREFIX, "How", "|How");
    opt.suffix_n = 2;
    assert_spans(opt, AGLM_FEATURES_PREFIX, "How many are ", "|How|How many|are|many are");
    opt.suffix_n = 0;
    opt.edges = true;
    opt.cjk_n = 2;
    assert_spans(opt, AGLM_FEATURES_PREFIX, "手机", "|手|手机");
    opt = WORDS;
    opt.shape = true;
    assert_spans(opt, AGLM_FEATURES_SHAPE, "a b", "|a b|a b|a b|a b|a b");
    assert_spans(opt, AGLM_FEATURES_SHAPE, "", "|||||");
    opt.lower = true;
    opt.word_n = 1;
    assert_true(same_hashes(opt, "ab", "AB") == false);
    assert_true(same_hashes(WORDS, "ab", "AB"));
}

static void forms_are_folded(void **state)
{
    aglm_feature_options opt = WORDS;

    (void)state;
    assert_true(same_hashes(opt, "abc 12", "\xef\xbb\xbfＡＢＣ　１２ "));
    assert_true(same_hashes(opt, "don't", "DON\xe2\x80\x99T"));
    assert_true(same_hashes(opt, "\xc3\xa9t\xc3\xa9", "\xc3\x89T\xc3\x89"));
    opt.lower = false;
    assert_false(same_hashes(opt, "abc", "Abc"));
}

static void one_group_never_meets_another(void **state)
{
    run r = run_on(
        (aglm_feature_options){
            .word_n = 1, .char_min = 1, .char_max = 1, .cjk_n = 1, .prefix_n = 1, .punct = true},
        "手");

    (void)state;
    for (size_t i = 0; i < r.list.n; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(r.list.hash[i] != r.list.hash[k]);
    aglm_extractor_free(r.x);
}

/* Hashes are part of the bundle format: a change here breaks every saved model. */
static void hashes_are_for_ever(void **state)
{
    static const uint64_t want[] = {
        0x283d66fc3059ccd3, 0x8711522719538969, 0xad2146a36b4066d2, 0x37a9be7209bd0fb6,
        0x6d234e39beda73cb, 0x1e2826790cf5c590, 0xb4962019b6eec4b0, 0x5805aee5cb4ac894,
        0x9e941698f4f648c0, 0xa778a73200d042c7, 0x4a51012d86bf9254, 0x838ca8728d05744f,
        0xee3244ea284a709a, 0x72f8945dbc7b44c9,
    };
    run r = run_on((aglm_feature_options){.word_n = 2,
                                          .char_min = 3,
                                          .char_max = 3,
                                          .cjk_n = 1,
                                          .prefix_n = 1,
                                          .lower = true,
                                          .edges = true,
                                          .shape = true},
                   "Ab 手");

    (void)state;
    assert_int_equal(r.list.n, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < r.list.n; i++)
        assert_true(r.list.hash[i] == want[i]);
    aglm_extractor_free(r.x);
}

static void options_are_checked(void **state)
{
    static const struct {
        aglm_feature_options opt;
        const char *says;
    } cases[] = {
        {{.word_n = 6}, "word_n"},
        {{.cjk_n = 6}, "cjk_n"},
        {{.prefix_n = 6}, "prefix_n"},
        {{.suffix_n = 6}, "suffix_n"},
        {{.char_min = 1, .char_max = 9}, "char_max"},
        {{.char_min = 3, .char_max = 2}, "char_min"},
        {{.char_max = 2}, "char_min"},
        {{.lower = true}, "no features"},
    };
    aglm_extractor *x;
    aglm_error err;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(aglm_extractor_new(&x, &cases[i].opt, false, &err), AGLM_INVALID);
        assert_non_null(strstr(err.msg, cases[i].says));
        assert_null(x);
    }
    aglm_extractor_free(NULL);
}

static void long_texts_are_cut(void **state)
{
    const size_t n = (size_t)5 << 20;
    char *text = malloc(n);
    aglm_feature_options opt = {.char_min = 1, .char_max = 8, .char_across = true};
    aglm_feature_list list;
    aglm_extractor *x;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', n);
    assert_int_equal(aglm_extractor_new(&x, &opt, false, NULL), AGLM_OK);
    assert_int_equal(aglm_extractor_run(x, text, n, &list, NULL), AGLM_OK);
    assert_true(list.n <= (size_t)4 << 20);
    assert_true(list.n > (size_t)3 << 20);
    aglm_extractor_free(x);
    free(text);
}

static aglm_feature_options random_options(aglm_rng *r)
{
    aglm_feature_options o = {.word_n = (uint8_t)aglm_rng_below(r, 6),
                              .char_min = (uint8_t)(1 + aglm_rng_below(r, 8)),
                              .cjk_n = (uint8_t)aglm_rng_below(r, 6),
                              .prefix_n = (uint8_t)aglm_rng_below(r, 6),
                              .suffix_n = (uint8_t)aglm_rng_below(r, 6)};

    if (aglm_rng_below(r, 3))
        o.char_max = (uint8_t)(o.char_min + aglm_rng_below(r, 9U - o.char_min));
    if (!o.word_n && !o.char_max)
        o.word_n = 1;
    o.char_across = aglm_rng_below(r, 2);
    o.lower = aglm_rng_below(r, 2);
    o.punct = aglm_rng_below(r, 2);
    o.edges = aglm_rng_below(r, 2);
    o.shape = aglm_rng_below(r, 2);
    return o;
}

static size_t random_text(aglm_rng *r, char *text, size_t max)
{
    static const char *const pieces[] = {"a",        "B",  "don't", " ",           "  ", "手",
                                         "机。",     "é",  "'",     "\t",          "!",  "\xff",
                                         "\xe4\xb8", "１", "😀",    "\xef\xbb\xbf"};
    size_t n = 0;

    for (size_t k = aglm_rng_below(r, 30); k > 0; k--) {
        const char *p = pieces[aglm_rng_below(r, sizeof pieces / sizeof pieces[0])];
        size_t len = strlen(p);
        if (n + len > max)
            break;
        memcpy(text + n, p, len);
        n += len;
    }
    return n;
}

/* For any text and options: spans lie in the text, groups are in order, spans change no hash, and a
 * text with white space around it has the same features. */
static void properties_hold(void **state)
{
    char text[512] = "  ";
    aglm_rng rng;

    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        aglm_feature_list a, b, c;
        aglm_extractor *x, *y, *z;
        aglm_rng_init(&rng, seed);
        aglm_feature_options opt = random_options(&rng);
        size_t n = random_text(&rng, text + 2, sizeof text - 3);
        opt.shape = false;
        assert_int_equal(aglm_extractor_new(&x, &opt, true, NULL), AGLM_OK);
        assert_int_equal(aglm_extractor_new(&y, &opt, false, NULL), AGLM_OK);
        assert_int_equal(aglm_extractor_new(&z, &opt, false, NULL), AGLM_OK);
        assert_int_equal(aglm_extractor_run(x, text + 2, n, &a, NULL), AGLM_OK);
        assert_int_equal(aglm_extractor_run(y, text + 2, n, &b, NULL), AGLM_OK);
        assert_int_equal(aglm_extractor_run(z, text, n + 2, &c, NULL), AGLM_OK);
        bool good = a.n == b.n && a.n == c.n && a.group_end[AGLM_FEATURES_GROUPS - 1] == a.n;
        for (size_t i = 0; good && i < a.n; i++)
            good = a.begin[i] <= a.end[i] && a.end[i] <= n && a.hash[i] == b.hash[i] &&
                   a.hash[i] == c.hash[i];
        for (size_t g = 1; good && g < AGLM_FEATURES_GROUPS; g++)
            good = a.group_end[g - 1] <= a.group_end[g];
        if (!good)
            fail_msg("seed %llu", (unsigned long long)seed);
        aglm_extractor_free(x);
        aglm_extractor_free(y);
        aglm_extractor_free(z);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_marks),
        cmocka_unit_test(cjk_code_points_are_words),
        cmocka_unit_test(edges_take_part_in_ngrams),
        cmocka_unit_test(characters_inside_words),
        cmocka_unit_test(characters_across_words),
        cmocka_unit_test(prefixes_and_shape),
        cmocka_unit_test(forms_are_folded),
        cmocka_unit_test(one_group_never_meets_another),
        cmocka_unit_test(hashes_are_for_ever),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(properties_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
