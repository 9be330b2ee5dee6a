#include "base/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

#define CHUNK 8192

const char *aglm_encoding_name(aglm_encoding e)
{
    switch (e) {
    case AGLM_ENC_AUTO:
        return "auto";
    case AGLM_ENC_UTF8:
        return "utf-8";
    case AGLM_ENC_GB18030:
        return "gb18030";
    case AGLM_ENC_UTF16LE:
        return "utf-16le";
    case AGLM_ENC_UTF16BE:
        return "utf-16be";
    case AGLM_ENC_LATIN1:
        return "latin1";
    }
    return "unknown";
}

bool aglm_encoding_from_name(const char *name, aglm_encoding *out)
{
    static const struct {
        const char *name;
        aglm_encoding encoding;
    } names[] = {
        {"auto", AGLM_ENC_AUTO},        {"utf8", AGLM_ENC_UTF8},
        {"utf-8", AGLM_ENC_UTF8},       {"utf-8-sig", AGLM_ENC_UTF8},
        {"ascii", AGLM_ENC_UTF8},       {"us-ascii", AGLM_ENC_UTF8},
        {"gbk", AGLM_ENC_GB18030},      {"gb2312", AGLM_ENC_GB18030},
        {"gb18030", AGLM_ENC_GB18030},  {"cp936", AGLM_ENC_GB18030},
        {"euc-cn", AGLM_ENC_GB18030},   {"utf-16", AGLM_ENC_UTF16LE},
        {"utf16", AGLM_ENC_UTF16LE},    {"utf-16le", AGLM_ENC_UTF16LE},
        {"utf16le", AGLM_ENC_UTF16LE},  {"utf-16be", AGLM_ENC_UTF16BE},
        {"utf16be", AGLM_ENC_UTF16BE},  {"latin1", AGLM_ENC_LATIN1},
        {"latin-1", AGLM_ENC_LATIN1},   {"iso-8859-1", AGLM_ENC_LATIN1},
        {"iso8859-1", AGLM_ENC_LATIN1},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(name, names[i].name) == 0) {
            *out = names[i].encoding;
            return true;
        }
    }
    return false;
}

static bool starts_with(const char *data, size_t n, const char *mark, size_t len)
{
    return n >= len && memcmp(data, mark, len) == 0;
}

/* Text in UTF-16 without a mark: most units have a zero half, always the same one. */
static bool looks_utf16(const unsigned char *p, size_t n, bool *little)
{
    size_t zeros[2] = {0, 0};

    if (n < 16)
        return false;
    for (size_t i = 0; i < n; i++)
        zeros[i % 2] += p[i] == 0;
    *little = zeros[0] == 0;
    return (zeros[0] == 0) != (zeros[1] == 0) && (zeros[0] + zeros[1]) * 4 > n;
}

struct pairs {
    size_t all;
    size_t common;
    size_t hanzi; /* in the part of GB 2312 that holds characters, rare ones included */
    bool valid;
};

/* Common: the 3755 characters of GB 2312 level 1 (rows 16 to 55) and its punctuation (rows 1 to 3).
 */
static bool is_common_pair(unsigned char lead, unsigned char trail)
{
    return trail >= 0xA1 && ((lead >= 0xB0 && lead <= 0xD7) || (lead >= 0xA1 && lead <= 0xA3));
}

static bool is_gb2312_pair(unsigned char lead, unsigned char trail)
{
    return trail >= 0xA1 && trail <= 0xFE &&
           ((lead >= 0xB0 && lead <= 0xF7) || (lead >= 0xA1 && lead <= 0xA3));
}

/* Most pairs common, or a line of rare characters: Latin-1 letters stand alone or form pairs
 * outside GB 2312, and lower-case Cyrillic in one byte a letter has no common pair. */
static bool is_chinese(const struct pairs *c)
{
    return c->valid && c->all > 0 &&
           (c->common * 10 >= c->all * 6 || (c->hanzi == c->all && c->common * 10 >= c->all * 3));
}

/* Bytes of the sequence at p by GB 18030's structure; 0: none; n + 1: cut off by the end. */
static size_t gb_sequence(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] == 0x80 || p[0] == 0xFF)
        return 0;
    if (n < 2)
        return n + 1;
    if (p[1] >= 0x40 && p[1] != 0x7F && p[1] != 0xFF)
        return 2;
    if (p[1] < 0x30 || p[1] > 0x39)
        return 0;
    if (n < 4)
        return n + 1;
    return p[2] >= 0x81 && p[2] <= 0xFE && p[3] >= 0x30 && p[3] <= 0x39 ? 4 : 0;
}

static bool is_letter(unsigned char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Two accented letters within a word (as in Portuguese -CAO) rather than a Chinese character. */
static bool is_inside_word(const unsigned char *p, size_t n, size_t at)
{
    return at > 0 && at + 2 < n && is_letter(p[at - 1]) && is_letter(p[at + 2]);
}

static struct pairs count_pairs(const unsigned char *p, size_t n, bool complete)
{
    struct pairs c = {.valid = true};

    for (size_t i = 0; i < n;) {
        size_t step = gb_sequence(p + i, n - i);
        if (step == 0 || (step > n - i && complete)) {
            c.valid = false;
            break;
        }
        if (step > n - i)
            break;
        if (step == 2) {
            c.all++;
            c.common += is_common_pair(p[i], p[i + 1]) && !is_inside_word(p, n, i);
            c.hanzi += is_gb2312_pair(p[i], p[i + 1]);
        }
        i += step;
    }
    return c;
}

/* A start of an input may end inside a sequence of up to four bytes. */
static bool is_utf8(const char *data, size_t n, bool complete)
{
    size_t bad = aglm_utf8_check(data, n);

    if (bad == n)
        return true;
    if (complete || n - bad > 3)
        return false;
    unsigned char lead = (unsigned char)data[bad];
    size_t want = lead >= 0xF0 && lead < 0xF5   ? 4
                  : lead >= 0xE0 && lead < 0xF0 ? 3
                  : lead >= 0xC2 && lead < 0xE0 ? 2
                                                : 0;
    if (n - bad >= want)
        return false;
    for (size_t i = bad + 1; i < n; i++)
        if (((unsigned char)data[i] & 0xC0) != 0x80)
            return false;
    return true;
}

static aglm_encoding guess_by_mark(const char *data, size_t n, size_t *bom_bytes, const char **why)
{
    if (starts_with(data, n, "\xEF\xBB\xBF", 3)) {
        *bom_bytes = 3;
        *why = "a UTF-8 byte-order mark";
        return AGLM_ENC_UTF8;
    }
    if (starts_with(data, n, "\xFF\xFE", 2)) {
        *bom_bytes = 2;
        *why = "a little-endian UTF-16 byte-order mark";
        return AGLM_ENC_UTF16LE;
    }
    if (starts_with(data, n, "\xFE\xFF", 2)) {
        *bom_bytes = 2;
        *why = "a big-endian UTF-16 byte-order mark";
        return AGLM_ENC_UTF16BE;
    }
    if (starts_with(data, n, "\x84\x31\x95\x33", 4)) {
        *bom_bytes = 4;
        *why = "a GB 18030 byte-order mark";
        return AGLM_ENC_GB18030;
    }
    return AGLM_ENC_AUTO;
}

aglm_encoding aglm_encoding_guess(const char *data, size_t n, bool complete, size_t *bom_bytes,
                                  const char **why)
{
    bool little;

    *bom_bytes = 0;
    aglm_encoding marked = guess_by_mark(data, n, bom_bytes, why);
    if (marked != AGLM_ENC_AUTO)
        return marked;
    if (looks_utf16((const unsigned char *)data, n, &little)) {
        *why = "every other byte is mostly zero";
        return little ? AGLM_ENC_UTF16LE : AGLM_ENC_UTF16BE;
    }
    if (is_utf8(data, n, complete)) {
        *why = "all bytes are valid UTF-8";
        return AGLM_ENC_UTF8;
    }
    struct pairs c = count_pairs((const unsigned char *)data, n, complete);
    if (is_chinese(&c)) {
        *why = "not UTF-8; decodes as GB 18030 and most pairs are common Chinese characters";
        return AGLM_ENC_GB18030;
    }
    *why = "not UTF-8 and not GB 18030 text: each byte taken for a Latin-1 character";
    return AGLM_ENC_LATIN1;
}

static aglm_rc no_memory(const aglm_str *out, aglm_error *err)
{
    return aglm_error_set(err, out->rc, "%s while text was decoded", aglm_rc_text(out->rc));
}

static aglm_rc undecodable(aglm_encoding from, size_t at, aglm_error *err)
{
    return aglm_error_set(err, AGLM_FORMAT,
                          "byte %zu is not valid %s (give the encoding of the input)", at,
                          aglm_encoding_name(from));
}

static aglm_rc from_utf8(const char *data, size_t n, aglm_str *out, aglm_error *err)
{
    size_t bad = aglm_utf8_check(data, n);

    if (bad < n)
        return undecodable(AGLM_ENC_UTF8, bad, err);
    return aglm_str_append(out, data, n) ? no_memory(out, err) : AGLM_OK;
}

static aglm_rc from_latin1(const char *data, size_t n, aglm_str *out, aglm_error *err)
{
    for (size_t i = 0; i < n && !out->rc;) {
        size_t from = i;
        while (i < n && (unsigned char)data[i] < 0x80)
            i++;
        aglm_str_append(out, data + from, i - from);
        if (i < n) {
            char bytes[4];
            aglm_str_append(out, bytes, aglm_utf8_encode((unsigned char)data[i++], bytes));
        }
    }
    return out->rc ? no_memory(out, err) : AGLM_OK;
}

static uint32_t utf16_unit(const unsigned char *p, bool little)
{
    return little ? p[0] | (uint32_t)p[1] << 8 : p[1] | (uint32_t)p[0] << 8;
}

static aglm_rc from_utf16(aglm_encoding from, const char *data, size_t n, aglm_str *out,
                          aglm_error *err)
{
    const unsigned char *p = (const unsigned char *)data;
    bool little = from == AGLM_ENC_UTF16LE;

    for (size_t i = 0; i < n && !out->rc;) {
        char bytes[4];
        if (n - i < 2)
            return undecodable(from, i, err);
        uint32_t cp = utf16_unit(p + i, little);
        size_t step = 2;
        if (cp >= 0xD800 && cp < 0xE000) {
            uint32_t low = n - i >= 4 ? utf16_unit(p + i + 2, little) : 0;
            if (cp >= 0xDC00 || low < 0xDC00 || low > 0xDFFF)
                return undecodable(from, i, err);
            cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
            step = 4;
        }
        i += step;
        aglm_str_append(out, bytes, aglm_utf8_encode(cp, bytes));
    }
    return out->rc ? no_memory(out, err) : AGLM_OK;
}

static aglm_rc from_gb18030(const char *data, size_t n, aglm_str *out, aglm_error *err)
{
    char chunk[CHUNK];
    char *in = (char *)(uintptr_t)data; /* iconv's prototype; it only reads */
    size_t left = n;
    aglm_rc rc = AGLM_OK;
    iconv_t cd = iconv_open("UTF-8", "GB18030");

    if (cd == (iconv_t)-1)
        return aglm_error_set(err, errno == ENOMEM ? AGLM_NOMEM : AGLM_UNSUPPORTED,
                              "this system's C library cannot decode GB18030: %s", strerror(errno));
    while (left > 0 && !rc) {
        char *to = chunk;
        size_t room = sizeof chunk;
        size_t got = iconv(cd, &in, &left, &to, &room);
        int e = errno;
        if (aglm_str_append(out, chunk, sizeof chunk - room))
            rc = no_memory(out, err);
        else if (got == (size_t)-1 && e != E2BIG)
            rc = undecodable(AGLM_ENC_GB18030, n - left, err);
    }
    iconv_close(cd);
    return rc;
}

aglm_rc aglm_encoding_to_utf8(aglm_encoding from, const char *data, size_t n, aglm_str *out,
                              aglm_error *err)
{
    size_t bom = 0;
    const char *why;

    if (from == AGLM_ENC_AUTO) {
        from = aglm_encoding_guess(data, n, true, &bom, &why);
        data += bom;
        n -= bom;
    }
    switch (from) {
    case AGLM_ENC_GB18030:
        return from_gb18030(data, n, out, err);
    case AGLM_ENC_UTF16LE:
    case AGLM_ENC_UTF16BE:
        return from_utf16(from, data, n, out, err);
    case AGLM_ENC_LATIN1:
        return from_latin1(data, n, out, err);
    default:
        return from_utf8(data, n, out, err);
    }
}
