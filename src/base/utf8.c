#include "base/utf8.h"

#include <string.h>

#include "base/unicode_table.h"

static bool is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

size_t aglm_utf8_decode(const char *s, size_t n, uint32_t *cp)
{
    const unsigned char *p = (const unsigned char *)s;
    uint32_t c = p[0];

    *cp = c;
    if (c < 0x80)
        return 1;
    if (c >= 0xC2 && c < 0xE0 && n >= 2 && is_tail(p[1])) {
        *cp = (c & 0x1F) << 6 | (p[1] & 0x3F);
        return 2;
    }
    if (c >= 0xE0 && c < 0xF0 && n >= 3 && is_tail(p[1]) && is_tail(p[2])) {
        *cp = (c & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
        if (*cp >= 0x800 && (*cp < 0xD800 || *cp > 0xDFFF))
            return 3;
    }
    if (c >= 0xF0 && c < 0xF5 && n >= 4 && is_tail(p[1]) && is_tail(p[2]) && is_tail(p[3])) {
        *cp = (c & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 | (uint32_t)(p[2] & 0x3F) << 6 |
              (p[3] & 0x3F);
        if (*cp >= 0x10000 && *cp <= 0x10FFFF)
            return 4;
    }
    *cp = AGLM_UTF8_BAD;
    return 1;
}

size_t aglm_utf8_encode(uint32_t cp, char out[4])
{
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
        cp = AGLM_UTF8_BAD;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

size_t aglm_utf8_check(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n) {
        uint64_t word;
        uint32_t cp;
        if (n - i >= 8) {
            memcpy(&word, s + i, sizeof word);
            if (!(word & 0x8080808080808080ULL)) {
                i += 8;
                continue;
            }
        }
        size_t step = aglm_utf8_decode(s + i, n - i, &cp);
        if (step == 1 && (unsigned char)s[i] >= 0x80)
            return i;
        i += step;
    }
    return n;
}

size_t aglm_utf8_open_tail(const char *s, size_t n)
{
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        unsigned char c = (unsigned char)s[n - back];
        if ((c & 0xC0) == 0x80)
            continue;
        size_t whole = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
        return whole > back ? back : 0;
    }
    return 0;
}

static bool in_ranges(const aglm_cp_range *r, size_t n, uint32_t cp)
{
    size_t low = 0;
    size_t high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (cp > r[mid].last)
            low = mid + 1;
        else if (cp < r[mid].first)
            high = mid;
        else
            return true;
    }
    return false;
}

int aglm_cp_width(uint32_t cp)
{
    if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0))
        return 0;
    if (cp < 0x300)
        return 1;
    if (cp >= 0x4E00 && cp <= 0x9FFF)
        return 2;
    if (in_ranges(aglm_zero_ranges, aglm_zero_count, cp))
        return 0;
    return in_ranges(aglm_wide_ranges, aglm_wide_count, cp) ? 2 : 1;
}

size_t aglm_text_width(const char *s, size_t n)
{
    size_t columns = 0;
    uint32_t cp;

    for (size_t i = 0; i < n;) {
        i += aglm_utf8_decode(s + i, n - i, &cp);
        columns += (size_t)aglm_cp_width(cp);
    }
    return columns;
}

size_t aglm_text_fit(const char *s, size_t n, size_t columns)
{
    size_t used = 0;
    size_t i = 0;
    uint32_t cp;

    while (i < n) {
        size_t step = aglm_utf8_decode(s + i, n - i, &cp);
        used += (size_t)aglm_cp_width(cp);
        if (used > columns)
            break;
        i += step;
    }
    return i;
}

bool aglm_cp_is_cjk(uint32_t cp)
{
    if (cp < 0x1100)
        return false;
    if (cp >= 0x4E00 && cp <= 0x9FFF)
        return true;
    return (cp >= 0x3041 && cp <= 0x30FF && cp != 0x30FB) || /* kana without its middle dot */
           (cp >= 0x3105 && cp <= 0x312F) || (cp >= 0x31A0 && cp <= 0x31BF) || /* bopomofo */
           (cp >= 0x31F0 && cp <= 0x31FF) || (cp >= 0xFF66 && cp <= 0xFF9F) || /* more kana */
           (cp >= 0x1100 && cp <= 0x11FF) || (cp >= 0x3131 && cp <= 0x318E) || /* Hangul letters */
           (cp >= 0xA960 && cp <= 0xA97C) || (cp >= 0xAC00 && cp <= 0xD7FB) || /* Hangul */
           (cp >= 0x3400 && cp <= 0x4DBF) || (cp >= 0xF900 && cp <= 0xFAFF) || /* Han */
           cp == 0x3005 || cp == 0x3007 || (cp >= 0x20000 && cp <= 0x3FFFF);
}

bool aglm_cp_is_space(uint32_t cp)
{
    if (cp < 0x80)
        return cp == ' ' || (cp >= 9 && cp <= 13);
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000 ||
           cp == 0xFEFF;
}

static bool is_ascii_punct(uint32_t cp)
{
    return (cp >= '!' && cp <= '/') || (cp >= ':' && cp <= '@') || (cp >= '[' && cp <= '`') ||
           (cp >= '{' && cp <= '~');
}

bool aglm_cp_is_punct(uint32_t cp)
{
    if (cp < 0x80)
        return is_ascii_punct(cp);
    if (cp < 0x2010)
        return cp == 0xA1 || cp == 0xA7 || cp == 0xAB || cp == 0xB6 || cp == 0xB7 || cp == 0xBB ||
               cp == 0xBF;
    return (cp >= 0x2010 && cp <= 0x2027) || (cp >= 0x2030 && cp <= 0x205E) || /* general */
           (cp >= 0x2E00 && cp <= 0x2E5D) ||                                   /* supplemental */
           (cp >= 0x3001 && cp <= 0x3004) || (cp >= 0x3008 && cp <= 0x3020) || /* CJK */
           cp == 0x3030 || cp == 0x303D || cp == 0x30FB || cp == 0x30A0 ||
           (cp >= 0xFE10 && cp <= 0xFE19) || (cp >= 0xFE30 && cp <= 0xFE6B) || /* vertical, small */
           (cp >= 0xFF01 && cp <= 0xFF5E && is_ascii_punct(cp - 0xFEE0)) ||
           (cp >= 0xFF5F && cp <= 0xFF65);
}

bool aglm_cp_is_digit(uint32_t cp)
{
    return (cp >= '0' && cp <= '9') || (cp >= 0xFF10 && cp <= 0xFF19);
}

uint32_t aglm_cp_fold_width(uint32_t cp)
{
    if (cp >= 0xFF01 && cp <= 0xFF5E)
        return cp - 0xFEE0;
    return cp == 0x3000 ? ' ' : cp;
}

uint32_t aglm_cp_lower(uint32_t cp)
{
    size_t low = 0;
    size_t high = aglm_lower_count;

    if (cp < 0x80)
        return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    if (cp < 0xC0 || (cp >= 0x2C80 && cp < 0xA640) || cp >= 0xA800)
        return cp;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const aglm_case_run *r = &aglm_lower_runs[mid];
        if (cp > r->last)
            low = mid + 1;
        else if (cp < r->first)
            high = mid;
        else
            return (cp - r->first) % (uint32_t)r->step ? cp : (uint32_t)((int32_t)cp + r->delta);
    }
    return cp;
}
