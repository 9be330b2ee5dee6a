/* Methods of str but those that split and search. */
#include "base/utf8.h"
#include "lm/jinja_method.h"

aglm_rc aglm_jrun_need_text(aglm_jrun *r, const aglm_jval *v, const char *what)
{
    if (v->kind == AGLM_J_STRING)
        return AGLM_OK;
    if (v->kind == AGLM_J_UNDEFINED)
        return aglm_jrun_fail_undefined(r, v);
    return aglm_jrun_fail(r, AGLM_INVALID, "%s wants a string, not '%s'", what, aglm_jval_type(v));
}

aglm_rc aglm_jrun_need_whole(aglm_jrun *r, const aglm_jval *v, int64_t otherwise, int64_t *out)
{
    *out = otherwise;
    if (v->kind == AGLM_J_MISSING || aglm_jval_whole(v, out))
        return AGLM_OK;
    return aglm_jrun_fail_type(r, "a whole number is wanted", v);
}

aglm_rc aglm_jrun_append_case(aglm_jrun *r, aglm_jspan text, aglm_jcase how)
{
    aglm_rc rc = AGLM_OK;

    for (size_t at = 0; at < text.n && !rc;) {
        uint32_t cp;
        char bytes[4];
        size_t n = aglm_utf8_decode(text.s + at, text.n - at, &cp);
        uint32_t lower = aglm_cp_lower(cp);
        uint32_t upper = how == AGLM_JCASE_LOWER ? cp : aglm_cp_upper(cp);
        if (how == AGLM_JCASE_SWAP)
            upper = lower != cp ? lower : upper;
        if (cp == 0xDF && how != AGLM_JCASE_LOWER)
            rc = aglm_jrun_append(r, "SS", 2);
        else
            rc = aglm_jrun_append(r, bytes,
                                  aglm_utf8_encode(how == AGLM_JCASE_LOWER ? lower : upper, bytes));
        at += n;
    }
    return rc;
}

static aglm_rc take_as(aglm_jrun *r, size_t from, uint8_t flag, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_take(r, from, out);

    if (!rc)
        out->flag = flag;
    return rc;
}

aglm_rc aglm_jrun_case(aglm_jrun *r, const aglm_jval *text, aglm_jcase how, aglm_jval *out)
{
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = aglm_jrun_append_case(r, aglm_jspan_of(text), how);

    return rc ? rc : take_as(r, from, text->flag, out);
}

aglm_rc aglm_jrun_capitalize(aglm_jrun *r, const aglm_jval *text, aglm_jval *out)
{
    size_t from = aglm_jrun_begin(r);
    size_t first = aglm_jtext_offset(text->s, text->len, 1);
    aglm_rc rc = aglm_jrun_append_case(r, (aglm_jspan){text->s, first}, AGLM_JCASE_UPPER);

    if (!rc)
        rc = aglm_jrun_append_case(r, (aglm_jspan){text->s + first, text->len - first},
                                   AGLM_JCASE_LOWER);
    return rc ? rc : take_as(r, from, text->flag, out);
}

/* Before each character, and at the end, where there is nothing to look for. */
static aglm_rc interleave(aglm_jrun *r, const aglm_jval *text, const aglm_jval *to, int64_t count)
{
    aglm_rc rc = AGLM_OK;

    for (size_t at = 0; at <= text->len && !rc; count--) {
        if (count == 0)
            return aglm_jrun_append(r, text->s + at, text->len - at);
        size_t n = at < text->len ? aglm_jtext_offset(text->s + at, text->len - at, 1) : 0;
        rc = aglm_jrun_append(r, to->s, to->len);
        if (!rc)
            rc = aglm_jrun_append(r, text->s + at, n);
        at += n ? n : 1;
    }
    return rc;
}

static aglm_rc append_replaced(aglm_jrun *r, const aglm_jval *text, const aglm_jval *from,
                               const aglm_jval *to, int64_t count)
{
    size_t at = 0;
    aglm_rc rc = AGLM_OK;

    for (; count != 0 && !rc; count--) {
        size_t found = aglm_jtext_find(aglm_jspan_of(text), aglm_jspan_of(from), at);
        if (found == SIZE_MAX)
            break;
        rc = aglm_jrun_append(r, text->s + at, found - at);
        if (!rc)
            rc = aglm_jrun_append(r, to->s, to->len);
        at = found + from->len;
    }
    return rc ? rc : aglm_jrun_append(r, text->s + at, text->len - at);
}

aglm_rc aglm_jrun_replace(aglm_jrun *r, const aglm_jval *text, const aglm_jval *from,
                          const aglm_jval *to, int64_t count, aglm_jval *out)
{
    size_t start = aglm_jrun_begin(r);
    aglm_rc rc = from->len ? append_replaced(r, text, from, to, count)
                           : interleave(r, text, to, count);

    return rc ? rc : take_as(r, start, text->flag, out);
}

struct padding {
    int64_t width;
    aglm_jspan fill;
    int side; /* 0: text at the left, 1: in the middle, 2: at the right */
};

static aglm_rc pad_text(aglm_jrun *r, const aglm_jval *text, const struct padding *p,
                        aglm_jval *out)
{
    int64_t n = (int64_t)aglm_jtext_count(text->s, text->len);
    int64_t pad = p->width > n ? p->width - n : 0;
    /* CPython puts the odd one to the left when the width is odd. */
    int64_t middle = pad / 2 + (pad & p->width & 1);
    int64_t before = p->side == 0 ? 0 : p->side == 1 ? middle : pad;
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = AGLM_OK;

    for (int64_t i = 0; i < pad && !rc; i++) {
        if (i == before)
            rc = aglm_jrun_append(r, text->s, text->len);
        if (!rc)
            rc = aglm_jrun_append(r, p->fill.s, p->fill.n);
    }
    if (!rc && before == pad)
        rc = aglm_jrun_append(r, text->s, text->len);
    return rc ? rc : take_as(r, from, text->flag, out);
}

aglm_rc aglm_jrun_center(aglm_jrun *r, const aglm_jval *text, int64_t width, aglm_jval *out)
{
    const struct padding p = {.width = width, .fill = {" ", 1}, .side = 1};

    return pad_text(r, text, &p, out);
}

static aglm_rc justify(aglm_jrun *r, aglm_jcall *c, int side, aglm_jval *out)
{
    struct padding p = {.fill = {" ", 1}, .side = side};
    aglm_rc rc = aglm_jrun_need_whole(r, &c->arg[0], 0, &p.width);

    if (!rc && c->arg[1].kind) {
        rc = aglm_jrun_need_text(r, &c->arg[1], c->name);
        if (!rc && aglm_jtext_count(c->arg[1].s, c->arg[1].len) != 1)
            return aglm_jrun_fail(r, AGLM_INVALID, "%s: the fill is one character", c->name);
        p.fill = aglm_jspan_of(&c->arg[1]);
    }
    return rc ? rc : pad_text(r, &c->self, &p, out);
}

static aglm_rc str_center(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return justify(r, c, 1, out);
}

static aglm_rc str_ljust(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return justify(r, c, 0, out);
}

static aglm_rc str_rjust(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return justify(r, c, 2, out);
}

static aglm_rc str_zfill(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    struct padding p = {.fill = {"0", 1}, .side = 2};
    size_t sign = c->self.len && (c->self.s[0] == '-' || c->self.s[0] == '+');
    aglm_jval digits = aglm_jval_text(c->self.s + sign, c->self.len - sign);
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = aglm_jrun_need_whole(r, &c->arg[0], 0, &p.width);

    p.width -= sign && p.width > 0;
    if (!rc)
        rc = aglm_jrun_append(r, c->self.s, sign);
    if (!rc)
        rc = pad_text(r, &digits, &p, out);
    if (!rc)
        rc = aglm_jrun_append(r, out->s, out->len);
    return rc ? rc : aglm_jrun_take(r, from, out);
}

static aglm_rc str_lower(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return aglm_jrun_case(r, &c->self, AGLM_JCASE_LOWER, out);
}

static aglm_rc str_upper(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return aglm_jrun_case(r, &c->self, AGLM_JCASE_UPPER, out);
}

static aglm_rc str_swapcase(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return aglm_jrun_case(r, &c->self, AGLM_JCASE_SWAP, out);
}

static aglm_rc str_capitalize(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return aglm_jrun_capitalize(r, &c->self, out);
}

static bool is_letter(uint32_t cp)
{
    if (cp < 0x80)
        return (cp | 0x20) >= 'a' && (cp | 0x20) <= 'z';
    return aglm_cp_is_cjk(cp) || aglm_cp_lower(cp) != cp || aglm_cp_upper(cp) != cp ||
           !(aglm_jtext_space(cp) || aglm_cp_is_punct(cp) || aglm_cp_is_digit(cp) || cp < 0xC0);
}

static bool is_cased(uint32_t cp)
{
    return aglm_cp_lower(cp) != cp || aglm_cp_upper(cp) != cp || cp == 0xDF;
}

/* Upper case after what has no case, lower case else. */
static aglm_rc str_title(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    size_t from = aglm_jrun_begin(r);
    bool inside = false;
    aglm_rc rc = AGLM_OK;

    for (size_t at = 0; at < c->self.len && !rc;) {
        uint32_t cp;
        size_t n = aglm_utf8_decode(c->self.s + at, c->self.len - at, &cp);
        rc = aglm_jrun_append_case(r, (aglm_jspan){c->self.s + at, n},
                                   inside ? AGLM_JCASE_LOWER : AGLM_JCASE_UPPER);
        inside = is_cased(cp);
        at += n;
    }
    return rc ? rc : take_as(r, from, c->self.flag, out);
}

static aglm_rc strip(aglm_jrun *r, aglm_jcall *c, bool left, bool right, aglm_jval *out)
{
    aglm_jspan chars = {NULL, 0};

    if (aglm_jval_given(&c->arg[0])) {
        aglm_rc rc = aglm_jrun_need_text(r, &c->arg[0], c->name);
        if (rc)
            return rc;
        chars = aglm_jspan_of(&c->arg[0]);
        rc = aglm_jrun_step(r, (c->self.len / 64 + 1) * (chars.n / 64 + 1));
        if (rc)
            return rc;
    }
    aglm_jspan rest = aglm_jtext_strip(aglm_jspan_of(&c->self), chars, left, right);
    *out = aglm_jval_text(rest.s, rest.n);
    out->flag = c->self.flag;
    return aglm_jrun_step(r, (c->self.len - rest.n) / 64);
}

static aglm_rc str_strip(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return strip(r, c, true, true, out);
}

static aglm_rc str_lstrip(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return strip(r, c, true, false, out);
}

static aglm_rc str_rstrip(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return strip(r, c, false, true, out);
}

static aglm_rc str_replace(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    int64_t count;
    aglm_rc rc = aglm_jrun_need_text(r, &c->arg[0], c->name);

    if (!rc)
        rc = aglm_jrun_need_text(r, &c->arg[1], c->name);
    if (!rc)
        rc = aglm_jrun_need_whole(r, &c->arg[2], -1, &count);
    return rc ? rc : aglm_jrun_replace(r, &c->self, &c->arg[0], &c->arg[1], count, out);
}

static aglm_rc str_join(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    size_t from = aglm_jrun_begin(r);
    aglm_jlist items;
    aglm_rc rc = aglm_jrun_iterate(r, &c->arg[0], &items);

    for (size_t i = 0; i < items.n && !rc; i++) {
        rc = aglm_jrun_need_text(r, &items.items[i], "join");
        if (!rc && i)
            rc = aglm_jrun_append(r, c->self.s, c->self.len);
        if (!rc)
            rc = aglm_jrun_append(r, items.items[i].s, items.items[i].len);
    }
    return rc ? rc : take_as(r, from, c->self.flag, out);
}

static aglm_rc str_format(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return aglm_jrun_format(r, &c->self, c->raw, out);
}

static bool is_number(uint32_t cp)
{
    return aglm_cp_is_digit(cp);
}

static bool is_alnum(uint32_t cp)
{
    return is_letter(cp) || is_number(cp);
}

static bool is_ascii(uint32_t cp)
{
    return cp < 0x80;
}

/* All characters are such; of no characters that is true for ASCII only. */
static aglm_rc all_are(aglm_jcall *c, bool (*is)(uint32_t), bool of_none, aglm_jval *out)
{
    bool all = c->self.len > 0 || of_none;

    for (size_t at = 0; at < c->self.len && all;) {
        uint32_t cp;
        at += aglm_utf8_decode(c->self.s + at, c->self.len - at, &cp);
        all = is(cp);
    }
    *out = aglm_jval_bool(all);
    return AGLM_OK;
}

#define CLASS(name, is, of_none)                                                                   \
    static aglm_rc name(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)                               \
    {                                                                                              \
        (void)r;                                                                                   \
        return all_are(c, is, of_none, out);                                                       \
    }

CLASS(str_isalnum, is_alnum, false)
CLASS(str_isalpha, is_letter, false)
CLASS(str_isascii, is_ascii, true)
CLASS(str_isdigit, is_number, false)
CLASS(str_isspace, aglm_jtext_space, false)

static aglm_rc cased(aglm_jrun *r, aglm_jcall *c, const char *test, aglm_jval *out)
{
    const aglm_jval name = aglm_jval_text(test, 5);
    aglm_jcall of = {.name = test, .self = c->self};

    return aglm_jtest_find(&name)->call(r, &of, out);
}

static aglm_rc str_islower(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return cased(r, c, "lower", out);
}

static aglm_rc str_isupper(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return cased(r, c, "upper", out);
}

const aglm_jbuiltin *aglm_jmethod_find_text(const aglm_jval *name)
{
    static const aglm_jbuiltin methods[] = {
        {"capitalize", str_capitalize, "", false},
        {"casefold", str_lower, "", false},
        {"center", str_center, "width fillchar?", false},
        {"format", str_format, NULL, false},
        {"isalnum", str_isalnum, "", false},
        {"isalpha", str_isalpha, "", false},
        {"isascii", str_isascii, "", false},
        {"isdecimal", str_isdigit, "", false},
        {"isdigit", str_isdigit, "", false},
        {"islower", str_islower, "", false},
        {"isnumeric", str_isdigit, "", false},
        {"isspace", str_isspace, "", false},
        {"isupper", str_isupper, "", false},
        {"join", str_join, "iterable", false},
        {"ljust", str_ljust, "width fillchar?", false},
        {"lower", str_lower, "", false},
        {"lstrip", str_lstrip, "chars?", false},
        {"replace", str_replace, "old new count?", false},
        {"rjust", str_rjust, "width fillchar?", false},
        {"rstrip", str_rstrip, "chars?", false},
        {"strip", str_strip, "chars?", false},
        {"swapcase", str_swapcase, "", false},
        {"title", str_title, "", false},
        {"upper", str_upper, "", false},
        {"zfill", str_zfill, "width", false},
    };

    return aglm_jbuiltin_find(methods, sizeof methods / sizeof *methods, name);
}
