/* Filters of text; what is no string becomes one first. */
#include <stdio.h>

#include "base/utf8.h"
#include "lm/jinja_filter.h"

#define MAX_INDENT 10000

static aglm_rc do_lower(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jval text;
    aglm_rc rc = aglm_jrun_str(r, &c->self, &text);

    return rc ? rc : aglm_jrun_case(r, &text, AGLM_JCASE_LOWER, out);
}

static aglm_rc do_upper(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jval text;
    aglm_rc rc = aglm_jrun_str(r, &c->self, &text);

    return rc ? rc : aglm_jrun_case(r, &text, AGLM_JCASE_UPPER, out);
}

static aglm_rc do_capitalize(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jval text;
    aglm_rc rc = aglm_jrun_str(r, &c->self, &text);

    return rc ? rc : aglm_jrun_capitalize(r, &text, out);
}

/* Upper case behind white space and -({[<, lower case else. */
static aglm_rc do_title(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jval text;
    bool first = true;
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = aglm_jrun_str(r, &c->self, &text);

    for (size_t at = 0; !rc && at < text.len;) {
        uint32_t cp;
        size_t n = aglm_utf8_decode(text.s + at, text.len - at, &cp);
        rc = aglm_jrun_append_case(r, (aglm_jspan){text.s + at, n},
                                   first ? AGLM_JCASE_UPPER : AGLM_JCASE_LOWER);
        first = aglm_jtext_space(cp) || (cp < 0x80 && cp && strchr("-({[<", (int)cp));
        at += n;
    }
    return rc ? rc : aglm_jrun_take(r, from, out);
}

static aglm_rc do_trim(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    static const aglm_jval name = {.kind = AGLM_J_STRING, .len = 5, .s = "strip"};
    aglm_jcall strip = {.name = "trim"};
    aglm_rc rc = aglm_jrun_str(r, &c->self, &strip.self);

    strip.arg[0] = c->arg[0];
    return rc ? rc : aglm_jmethod_find_text(&name)->call(r, &strip, out);
}

static aglm_rc do_replace(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jval text[3] = {c->self, c->arg[0], c->arg[1]};
    int64_t count = -1;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < 3 && !rc; i++) {
        aglm_jval v = text[i];
        rc = aglm_jrun_str(r, &v, &text[i]);
        text[i].flag = 0;
    }
    if (!rc && aglm_jval_given(&c->arg[2]))
        rc = aglm_jrun_need_whole(r, &c->arg[2], -1, &count);
    return rc ? rc : aglm_jrun_replace(r, &text[0], &text[1], &text[2], count, out);
}

static aglm_rc do_center(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jval text;
    int64_t width;
    aglm_rc rc = aglm_jrun_need_whole(r, &c->arg[0], 80, &width);

    if (!rc)
        rc = aglm_jrun_str(r, &c->self, &text);
    return rc ? rc : aglm_jrun_center(r, &text, width, out);
}

static aglm_rc append_blanks(aglm_jrun *r, const aglm_jval *width)
{
    int64_t n;
    aglm_rc rc;

    if (width->kind == AGLM_J_STRING)
        return aglm_jrun_append(r, width->s, width->len);
    rc = aglm_jrun_need_whole(r, width, 4, &n);
    if (!rc && n > MAX_INDENT)
        return aglm_jrun_fail(r, AGLM_LIMIT, "indent over %d", MAX_INDENT);
    for (int64_t i = 0; i < n && !rc; i++)
        rc = aglm_jrun_append(r, " ", 1);
    return rc;
}

/* indent(width=4, first=false, blank=false) */
static aglm_rc do_indent(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jval text = c->self;
    aglm_jval lines;
    bool first = aglm_jval_true(&c->arg[1]);
    bool blank = aglm_jval_true(&c->arg[2]);
    aglm_rc rc = aglm_jrun_need_text(r, &c->self, "indent");
    size_t from = aglm_jrun_begin(r);

    /* Jinja2 adds a newline before it splits, so that a last one is kept. */
    if (!rc)
        rc = aglm_jrun_append(r, text.s, text.len);
    if (!rc)
        rc = aglm_jrun_append(r, "\n", 1);
    if (!rc)
        rc = aglm_jrun_take(r, from, &text);
    if (!rc)
        rc = aglm_jrun_lines(r, &text, false, &lines);
    for (size_t i = 0; !rc && i < lines.list->n; i++) {
        const aglm_jval *line = &lines.list->items[i];
        bool indented = i == 0 ? first : blank || line->len;
        rc = i ? aglm_jrun_append(r, "\n", 1) : AGLM_OK;
        if (!rc && indented)
            rc = append_blanks(r, &c->arg[0]);
        if (!rc)
            rc = aglm_jrun_append(r, line->s, line->len);
    }
    if (!rc)
        rc = aglm_jrun_take(r, from, out);
    if (!rc)
        out->flag = c->self.flag;
    return rc;
}

/* truncate(length=255, killwords=false, end="...", leeway=5) */
static aglm_rc do_truncate(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    int64_t length;
    int64_t leeway;
    aglm_jval end = c->arg[2].kind ? c->arg[2] : aglm_jval_text("...", 3);
    aglm_rc rc = AGLM_OK;

    *out = c->self;
    if (c->self.kind == AGLM_J_UNDEFINED)
        return AGLM_OK;
    rc = aglm_jrun_need_text(r, &c->self, "truncate");
    if (!rc)
        rc = aglm_jrun_need_whole(r, &c->arg[0], 255, &length);
    if (!rc)
        rc = aglm_jrun_need_whole(r, &c->arg[3], 5, &leeway);
    if (!rc)
        rc = aglm_jrun_need_text(r, &end, "truncate");
    if (rc)
        return rc;
    int64_t n_end = (int64_t)aglm_jtext_count(end.s, end.len);
    if (length < n_end || leeway < 0)
        return aglm_jrun_fail(r, AGLM_INVALID, "truncate: length under that of the end");
    if ((int64_t)aglm_jtext_count(c->self.s, c->self.len) <= length + leeway)
        return AGLM_OK;
    size_t n = aglm_jtext_offset(c->self.s, c->self.len, (size_t)(length - n_end));
    const char *blank = aglm_jval_true(&c->arg[1]) || !n ? NULL : memrchr(c->self.s, ' ', n);
    size_t from = aglm_jrun_begin(r);
    rc = aglm_jrun_append(r, c->self.s, blank ? (size_t)(blank - c->self.s) : n);
    if (!rc)
        rc = aglm_jrun_append(r, end.s, end.len);
    return rc ? rc : aglm_jrun_take(r, from, out);
}

/* The values put into a text of the % form. */
static aglm_rc do_format(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    const aglm_jargs *raw = c->raw;
    aglm_jval args;
    aglm_jval text;
    aglm_rc rc = aglm_jrun_str(r, &c->self, &text);

    if (!rc && raw->list.n && raw->named.n)
        return aglm_jrun_fail(r, AGLM_INVALID, "format: positional or named values, not both");
    if (!rc)
        rc = aglm_jrun_new_list(r, AGLM_J_TUPLE, &args);
    for (size_t i = 0; i < raw->list.n && !rc; i++)
        rc = aglm_jrun_push(r, &args, raw->list.items[i]);
    if (!rc && raw->named.n) {
        rc = aglm_jrun_new_dict(r, AGLM_J_DICT, &args);
        if (!rc)
            *args.dict = raw->named;
    }
    return rc ? rc : aglm_jrun_percent(r, &text, &args, out);
}

static bool unreserved(unsigned char b)
{
    return (b >= '0' && b <= '9') || ((b | 0x20) >= 'a' && (b | 0x20) <= 'z') ||
           (b && strchr("_.-~/", b));
}

static aglm_rc do_urlencode(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jval text;
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = aglm_jrun_str(r, &c->self, &text);

    if (!rc && c->self.kind > AGLM_J_STRING)
        return aglm_jrun_fail_type(r, "urlencode wants text", &c->self);
    for (size_t i = 0; !rc && i < text.len; i++) {
        char hex[8];
        unsigned char b = (unsigned char)text.s[i];
        snprintf(hex, sizeof hex, "%%%02X", b);
        rc = unreserved(b) ? aglm_jrun_append(r, text.s + i, 1) : aglm_jrun_append(r, hex, 3);
    }
    return rc ? rc : aglm_jrun_take(r, from, out);
}

static bool word_char(uint32_t cp)
{
    if (cp < 0x80)
        return cp == '_' || (cp >= '0' && cp <= '9') || ((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z');
    return !aglm_jtext_space(cp) && !aglm_cp_is_punct(cp);
}

static aglm_rc do_wordcount(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jval text;
    bool inside = false;
    aglm_rc rc = aglm_jrun_str(r, &c->self, &text);

    *out = aglm_jval_int(0);
    for (size_t at = 0; !rc && at < text.len;) {
        uint32_t cp;
        at += aglm_utf8_decode(text.s + at, text.len - at, &cp);
        bool word = word_char(cp);
        out->i += word && !inside;
        inside = word;
    }
    return rc ? rc : aglm_jrun_step(r, text.len / 64);
}

const aglm_jbuiltin *aglm_jfilter_find_text(const aglm_jval *name)
{
    static const aglm_jbuiltin filters[] = {
        {"capitalize", do_capitalize, "", false},
        {"center", do_center, "width?", false},
        {"format", do_format, NULL, false},
        {"indent", do_indent, "width? first? blank?", false},
        {"lower", do_lower, "", false},
        {"replace", do_replace, "old new count?", false},
        {"title", do_title, "", false},
        {"trim", do_trim, "chars?", false},
        {"truncate", do_truncate, "length? killwords? end? leeway?", false},
        {"upper", do_upper, "", false},
        {"urlencode", do_urlencode, "", false},
        {"wordcount", do_wordcount, "", false},
    };

    return aglm_jbuiltin_find(filters, sizeof filters / sizeof *filters, name);
}
