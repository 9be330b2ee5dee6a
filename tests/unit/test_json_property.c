/* Random documents: what is written reads back the same, in every style of writing. */
#include "base/json.h"

#include "base/rng.h"
#include "base/utf8.h"
#include "unit.h"

#define DOCUMENTS 600

static size_t random_text(aglm_rng *r, char *out, size_t max)
{
    static const uint32_t spans[] = {0x80, 0x100, 0x3000, 0x10000, 0x110000};
    size_t n = 0;
    size_t chars = aglm_rng_below(r, max / 4);

    for (size_t i = 0; i < chars; i++)
        n += aglm_utf8_encode((uint32_t)aglm_rng_below(r, spans[aglm_rng_below(r, 5)]), out + n);
    return n;
}

static double random_double(aglm_rng *r)
{
    uint64_t bits = aglm_rng_next(r);
    double v;

    memcpy(&v, &bits, sizeof v);
    return v - v == 0 ? v : 0.5;
}

static void put_scalar(aglm_json_writer *w, aglm_rng *r)
{
    char text[80];

    switch (aglm_rng_below(r, 6)) {
    case 0:
        aglm_json_put_null(w);
        break;
    case 1:
        aglm_json_put_bool(w, aglm_rng_below(r, 2));
        break;
    case 2:
        aglm_json_put_int(w, (int64_t)(aglm_rng_next(r) >> aglm_rng_below(r, 64)));
        break;
    case 3:
        aglm_json_put_int(w, (int64_t)aglm_rng_next(r));
        break;
    case 4:
        aglm_json_put_double(w, random_double(r));
        break;
    default:
        aglm_json_put_string(w, text, random_text(r, text, sizeof text));
    }
}

static void put_random(aglm_json_writer *w, aglm_rng *r, int depth)
{
    size_t n = aglm_rng_below(r, 12);
    bool object = aglm_rng_below(r, 2);

    if (depth == 0 || aglm_rng_below(r, 4) == 0) {
        put_scalar(w, r);
        return;
    }
    if (object)
        aglm_json_open_object(w);
    else
        aglm_json_open_array(w);
    for (size_t i = 0; i < n; i++) {
        char key[64];
        /* The number keeps keys apart. */
        int at = snprintf(key, sizeof key, "%zu", i);
        key[(size_t)at + random_text(r, key + at, 40)] = '\0';
        if (object)
            aglm_json_key(w, key);
        put_random(w, r, depth - 1);
    }
    if (object)
        aglm_json_close_object(w);
    else
        aglm_json_close_array(w);
}

static void rewrite(const aglm_str *in, aglm_str *out, int style)
{
    aglm_json_doc *doc;
    aglm_json_writer w;
    aglm_error err = {0};

    if (aglm_json_parse(&doc, in->data, in->len, NULL, &err))
        fail_msg("%s in %s", err.msg, in->data);
    aglm_str_reset(out);
    aglm_json_writer_init(&w, out);
    w.pretty = style & 1;
    w.python = style & 2;
    aglm_json_put_value(&w, aglm_json_root(doc));
    aglm_json_free(doc);
    assert_int_equal(out->rc, AGLM_OK);
}

static void assert_is_ascii(const aglm_str *s)
{
    for (size_t i = 0; i < s->len; i++)
        assert_true((unsigned char)s->data[i] < 0x7f);
}

static void every_style_means_the_same(void **state)
{
    aglm_str first;
    aglm_str styled;
    aglm_str again;

    (void)state;
    aglm_str_init(&first, SIZE_MAX);
    aglm_str_init(&styled, SIZE_MAX);
    aglm_str_init(&again, SIZE_MAX);
    for (uint64_t seed = 0; seed < DOCUMENTS; seed++) {
        aglm_json_writer w;
        aglm_rng r;
        aglm_rng_init(&r, seed);
        aglm_str_reset(&first);
        aglm_json_writer_init(&w, &first);
        put_random(&w, &r, 4);
        for (int style = 0; style < 4; style++) {
            rewrite(&first, &styled, style);
            if (style & 2)
                assert_is_ascii(&styled);
            rewrite(&styled, &again, 0);
            if (again.len != first.len || memcmp(again.data, first.data, first.len) != 0)
                fail_msg("seed %llu, style %d", (unsigned long long)seed, style);
        }
    }
    aglm_str_clear(&first);
    aglm_str_clear(&styled);
    aglm_str_clear(&again);
}

/* A document that is cut, or of which one byte is changed, parses or is refused with a place; the
 * sanitizers watch. */
static void damage_is_refused_or_read(void **state)
{
    aglm_str s;

    (void)state;
    aglm_str_init(&s, SIZE_MAX);
    for (uint64_t seed = 0; seed < DOCUMENTS; seed++) {
        aglm_json_writer w;
        aglm_rng r;
        aglm_json_doc *doc;
        aglm_error err = {0};
        aglm_rng_init(&r, seed);
        aglm_str_reset(&s);
        aglm_json_writer_init(&w, &s);
        put_random(&w, &r, 3);
        size_t n = aglm_rng_below(&r, 2) ? aglm_rng_below(&r, s.len + 1) : s.len;
        if (s.len)
            s.data[aglm_rng_below(&r, s.len)] = (char)aglm_rng_next(&r);
        aglm_rc rc = aglm_json_parse(&doc, s.data, n, NULL, &err);
        assert_true(rc == AGLM_OK || (rc == AGLM_FORMAT && err.msg[0] && !doc));
        aglm_json_free(doc);
    }
    aglm_str_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_style_means_the_same),
        cmocka_unit_test(damage_is_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
