#include "base/encoding.h"

#include <iconv.h>

#include "base/rng.h"
#include "base/utf8.h"
#include "unit.h"

/* Single lines as Python's codecs write them. */
static const char *const gbk_lines[] = {
    "\xc4\xe3\xba\xc3",                                 /* 你好 */
    "\xbd\xf1\xcc\xec\xcc\xec\xc6\xf8\xb2\xbb\xb4\xed", /* 今天天气不错 */
    /* 这家酒店的服务很差,再也不来了! */
    "\xd5\xe2\xbc\xd2\xbe\xc6\xb5\xea\xb5\xc4\xb7\xfe\xce\xf1\xba\xdc\xb2\xee\x2c\xd4\xd9\xd2\xb2\xb2\xbb\xc0\xb4\xc1\xcb\x21",
    /* 手机屏幕很清晰,电池也耐用。 */
    "\xca\xd6\xbb\xfa\xc6\xc1\xc4\xbb\xba\xdc\xc7\xe5\xce\xfa\x2c\xb5\xe7\xb3\xd8\xd2\xb2\xc4\xcd\xd3\xc3\xa1\xa3",
    "\xd6\xd0\xb9\xfa",         /* 中国 */
    "\x61\x62\x63\x2c\xba\xc3", /* abc,好 */
    "\xb1\xea\xc7\xa9\x09\xce\xc4\xb1\xbe\x0a\xd5\xfd\xc3\xe6\x09\xba\xdc\xba\xc3\xb3\xd4", /* 标签\t文本\n正面\t很好吃
                                                                                             */
    "\xf7\xd2\xf7\xd1\xca\xa2\xd1\xe7", /* 饕餮盛宴 */
    "\xce\xd2",                         /* 我 */
};
static const char *const latin_lines[] = {
    "\x63\x61\x66\xe9", /* café */
    /* C'est l'été à Paris, où j'ai déjà mangé */
    "\x43\x27\x65\x73\x74\x20\x6c\x27\xe9\x74\xe9\x20\xe0\x20\x50\x61\x72\x69\x73\x2c\x20\x6f\xf9\x20\x6a\x27\x61\x69\x20\x64\xe9\x6a\xe0\x20\x6d\x61\x6e\x67\xe9",
    /* Müller größer schön Übung Straße */
    "\x4d\xfc\x6c\x6c\x65\x72\x20\x67\x72\xf6\xdf\x65\x72\x20\x73\x63\x68\xf6\x6e\x20\xdc\x62\x75\x6e\x67\x20\x53\x74\x72\x61\xdf\x65",
    "\x6e\x61\xef\x76\x65\x20\x66\x61\xe7\x61\x64\x65", /* naïve façade */
    "\xe9\x6c\xe8\x76\x65",                             /* élève */
    "\xc4\xd6\xdc\x20\xe4\xf6\xfc\x20\xdf",             /* ÄÖÜ äöü ß */
    "\xa1\x48\x6f\x6c\x61\x21\x20\xbf\x51\x75\xe9\x20\x74\x61\x6c\x3f\x20\x41\xf1\x6f", /* ¡Hola!
                                                                                           ¿Qué tal?
                                                                                           Año */
    "\xab\xc0\x20\x64\x65\x6d\x61\x69\x6e\xbb\x2c\x20\x64\x69\x74\x2d\x69\x6c", /* «À demain»,
                                                                                   dit-il */
    "\xc6\x62\x6c\x65\x20\x70\xe5\x20\xf8",                                     /* Æble på ø */
    "\xc9",                                                                     /* É */
    "\x41\xc7\xc3\x4f",                                                         /* AÇÃO */
    "\x47\x52\xd6\xdf\x45",                                                     /* GRÖßE */
    "\x70\x72\x69\x78\x3a\x20\x35\x20\xa3\x20\xe0\x20\x44\xfc\x73\x73\x65\x6c\x64\x6f\x72\x66", /* prix:
                                                                                                   5 £ à Düsseldorf */
};

static aglm_encoding guess(const char *data, size_t n, bool complete)
{
    size_t bom;
    const char *why = NULL;
    aglm_encoding e = aglm_encoding_guess(data, n, complete, &bom, &why);

    assert_non_null(why);
    assert_true(bom <= n);
    return e;
}

static void names_go_both_ways(void **state)
{
    aglm_encoding e;

    (void)state;
    for (int i = AGLM_ENC_AUTO; i <= AGLM_ENC_LATIN1; i++) {
        assert_true(aglm_encoding_from_name(aglm_encoding_name((aglm_encoding)i), &e));
        assert_int_equal(e, i);
    }
    assert_true(aglm_encoding_from_name("GBK", &e) && e == AGLM_ENC_GB18030);
    assert_true(aglm_encoding_from_name("ISO-8859-1", &e) && e == AGLM_ENC_LATIN1);
    assert_false(aglm_encoding_from_name("ebcdic", &e));
    assert_false(aglm_encoding_from_name("", &e));
}

static void guesses_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof gbk_lines / sizeof gbk_lines[0]; i++)
        if (guess(gbk_lines[i], strlen(gbk_lines[i]), true) != AGLM_ENC_GB18030)
            fail_msg("Chinese line %zu", i);
    for (size_t i = 0; i < sizeof latin_lines / sizeof latin_lines[0]; i++)
        if (guess(latin_lines[i], strlen(latin_lines[i]), true) != AGLM_ENC_LATIN1)
            fail_msg("Latin line %zu", i);
    assert_int_equal(guess("", 0, true), AGLM_ENC_UTF8);
    assert_int_equal(guess("plain", 5, true), AGLM_ENC_UTF8);
    assert_int_equal(guess("\xe4\xbd\xa0\xe5\xa5\xbd", 6, true), AGLM_ENC_UTF8);
    assert_int_equal(guess("\xff\xff", 2, true), AGLM_ENC_LATIN1);
}

static void marks_decide(void **state)
{
    static const struct {
        const char *data;
        size_t n;
        aglm_encoding encoding;
        size_t bom;
    } cases[] = {
        {"\xef\xbb\xbf\xff", 4, AGLM_ENC_UTF8, 3},
        {"\xff\xfe\x61", 3, AGLM_ENC_UTF16LE, 2},
        {"\xfe\xff\x61", 3, AGLM_ENC_UTF16BE, 2},
        {"\x84\x31\x95\x33\x61", 5, AGLM_ENC_GB18030, 4},
        {"\xef\xbb", 2, AGLM_ENC_LATIN1, 0},
        {"a\0b\0c\0d\0e\0f\0g\0h\0", 16, AGLM_ENC_UTF16LE, 0},
        {"\0a\0b\0c\0d\0e\0f\0g\0h", 16, AGLM_ENC_UTF16BE, 0},
        {"a\0b", 3, AGLM_ENC_UTF8, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t bom;
        const char *why;
        assert_int_equal(aglm_encoding_guess(cases[i].data, cases[i].n, true, &bom, &why),
                         cases[i].encoding);
        assert_int_equal(bom, cases[i].bom);
    }
}

/* The start of a file may end anywhere inside a character. */
static void cut_input_is_still_known(void **state)
{
    const char *utf8 = "\xe4\xbd\xa0\xe5\xa5\xbd\xf0\x9f\x98\x80\xc3\xa9";
    const char *gbk = gbk_lines[2];

    (void)state;
    for (size_t n = 1; n <= strlen(utf8); n++)
        assert_int_equal(guess(utf8, n, false), AGLM_ENC_UTF8);
    assert_int_equal(guess("abc\xe4\xbd", 5, true), AGLM_ENC_LATIN1);
    assert_int_equal(guess("abc\xe4\xbd", 5, false), AGLM_ENC_UTF8);
    assert_int_equal(guess("abc\xe4z\xbd", 6, false), AGLM_ENC_LATIN1);
    for (size_t n = 4; n <= strlen(gbk); n++)
        assert_int_equal(guess(gbk, n, false), AGLM_ENC_GB18030);
}

static void converts(aglm_encoding from, const char *data, size_t n, const char *want)
{
    aglm_str s;

    aglm_str_init(&s, SIZE_MAX);
    aglm_str_puts(&s, "<");
    assert_int_equal(aglm_encoding_to_utf8(from, data, n, &s, NULL), AGLM_OK);
    assert_string_equal(s.data + 1, want);
    aglm_str_clear(&s);
}

static void refuses(aglm_encoding from, const char *data, size_t n, size_t at)
{
    aglm_str s;
    aglm_error err = {0};
    char want[32];

    aglm_str_init(&s, SIZE_MAX);
    assert_int_equal(aglm_encoding_to_utf8(from, data, n, &s, &err), AGLM_FORMAT);
    snprintf(want, sizeof want, "byte %zu ", at);
    if (strncmp(err.msg, want, strlen(want)) != 0)
        fail_msg("\"%s\" instead of %s", err.msg, want);
    aglm_str_clear(&s);
}

static void converts_and_refuses(void **state)
{
    (void)state;
    converts(AGLM_ENC_UTF8, "a\xc3\xa9", 3, "a\xc3\xa9");
    converts(AGLM_ENC_LATIN1, "a\xe9\xff", 3, "a\xc3\xa9\xc3\xbf");
    converts(AGLM_ENC_GB18030, "\xc4\xe3\xba\xc3", 4, "\xe4\xbd\xa0\xe5\xa5\xbd");
    converts(AGLM_ENC_GB18030, "\x94\x39\xfc\x36", 4, "\xf0\x9f\x98\x80");
    converts(AGLM_ENC_UTF16LE, "a\0\x60\x4f\x3d\xd8\x00\xde", 8, "a\xe4\xbd\xa0\xf0\x9f\x98\x80");
    converts(AGLM_ENC_UTF16BE, "\0a\x4f\x60\xd8\x3d\xde\x00", 8, "a\xe4\xbd\xa0\xf0\x9f\x98\x80");
    converts(AGLM_ENC_AUTO, "\xef\xbb\xbfz", 4, "z");
    converts(AGLM_ENC_AUTO, "\xff\xfez\0", 4, "z");
    converts(AGLM_ENC_AUTO, "caf\xe9", 4, "caf\xc3\xa9");
    converts(AGLM_ENC_GB18030, "", 0, "");
    refuses(AGLM_ENC_UTF8, "ab\xc3", 3, 2);
    refuses(AGLM_ENC_GB18030, "ab\xc4", 3, 2);
    refuses(AGLM_ENC_GB18030, "ab\xff\xff", 4, 2);
    refuses(AGLM_ENC_GB18030, "\xc4\xe3\x94\x39\xfc", 5, 2);
    refuses(AGLM_ENC_UTF16LE, "a\0b", 3, 2);
    refuses(AGLM_ENC_UTF16LE, "a\0\x00\xdc", 4, 2);
    refuses(AGLM_ENC_UTF16LE, "a\0\x3d\xd8", 4, 2);
    refuses(AGLM_ENC_UTF16BE, "\0a\xd8\x3d\0a", 6, 2);
}

static const char hello[4] = {'\xc4', '\xe3', '\xba', '\xc3'}; /* two characters in GBK */
static const char face[4] = {'\x94', '\x39', '\xfc', '\x36'};  /* one in GB 18030 */

/* Characters that straddle the ends of the conversion's inner buffers. */
static void large_inputs_are_whole(void **state)
{
    char *data = malloc(400004);
    aglm_str s;

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(data, 'x', shift);
        for (size_t i = 0; i < 100000; i++)
            memcpy(data + shift + 4 * i, i % 3 ? hello : face, 4);
        aglm_str_init(&s, SIZE_MAX);
        assert_int_equal(aglm_encoding_to_utf8(AGLM_ENC_GB18030, data, shift + 400000, &s, NULL),
                         AGLM_OK);
        assert_int_equal(s.len, shift + 66666 * 6 + 33334 * 4);
        assert_int_equal(aglm_utf8_check(s.data, s.len), s.len);
        aglm_str_clear(&s);
        aglm_str_init(&s, 5000);
        assert_int_equal(aglm_encoding_to_utf8(AGLM_ENC_GB18030, data, shift + 400000, &s, NULL),
                         AGLM_LIMIT);
        aglm_str_clear(&s);
    }
    data[300000] = (char)0xFF;
    refuses(AGLM_ENC_GB18030, data + 3, 399997, 299996);
    free(data);
}

/* Every code point that GB 18030 writes comes back; so does all UTF-16. */
static void round_trip(const char *codec, aglm_encoding from)
{
    iconv_t cd = iconv_open(codec, "UTF-8");
    aglm_rng r;

    assert_true(cd != (iconv_t)-1);
    aglm_rng_init(&r, 17);
    for (int k = 0; k < 2000; k++) {
        char text[400];
        char coded[800];
        size_t n = 0;
        while (n < 390) {
            uint32_t cp = (uint32_t)aglm_rng_below(&r, k % 2 ? 0x110000 : 0xA000);
            if ((cp < 0xD800 || cp > 0xF8FF) && cp < 0xF0000)
                n += aglm_utf8_encode(cp, text + n);
        }
        char *in = text;
        char *out = coded;
        size_t left = n;
        size_t room = sizeof coded;
        if (iconv(cd, &in, &left, &out, &room) == (size_t)-1)
            fail_msg("%s cannot write what was drawn", codec);
        text[n] = '\0';
        aglm_str s;
        aglm_str_init(&s, SIZE_MAX);
        assert_int_equal(aglm_encoding_to_utf8(from, coded, sizeof coded - room, &s, NULL),
                         AGLM_OK);
        assert_int_equal(s.len, n);
        assert_memory_equal(s.data, text, n);
        aglm_str_clear(&s);
    }
    iconv_close(cd);
}

static void every_character_comes_back(void **state)
{
    (void)state;
    round_trip("GB18030", AGLM_ENC_GB18030);
    round_trip("UTF-16LE", AGLM_ENC_UTF16LE);
    round_trip("UTF-16BE", AGLM_ENC_UTF16BE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(guesses_lines),
        cmocka_unit_test(marks_decide),
        cmocka_unit_test(cut_input_is_still_known),
        cmocka_unit_test(converts_and_refuses),
        cmocka_unit_test(large_inputs_are_whole),
        cmocka_unit_test(every_character_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
