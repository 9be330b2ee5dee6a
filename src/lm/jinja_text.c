/* Values as text: str, repr, JSON. */
#include <math.h>
#include <stdio.h>

#include "base/utf8.h"
#include "lm/jinja_run.h"

static aglm_rc append(aglm_jrun *r, const char *text)
{
    return aglm_jrun_append(r, text, strlen(text));
}

static aglm_rc append_int(aglm_jrun *r, int64_t i)
{
    char text[24];

    return aglm_jrun_append(r, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)i));
}

static aglm_rc append_float(aglm_jrun *r, double f)
{
    char text[40];

    aglm_double_format(text, f);
    return append(r, text);
}

/* Code points that Python's repr escapes: controls, formats, separators, private use. Those that
 * are merely unassigned are written as they are. */
static bool printable(uint32_t cp)
{
    static const uint32_t hidden[][2] = {
        {0, 0x1F},          {0x7F, 0xA0},     {0xAD, 0xAD},       {0x600, 0x605},
        {0x61C, 0x61C},     {0x6DD, 0x6DD},   {0x70F, 0x70F},     {0x8E2, 0x8E2},
        {0x1680, 0x1680},   {0x180E, 0x180E}, {0x2000, 0x200F},   {0x2028, 0x202F},
        {0x205F, 0x206F},   {0x3000, 0x3000}, {0xD800, 0xF8FF},   {0xFEFF, 0xFEFF},
        {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF}, {0x110BD, 0x110BD}, {0x1D173, 0x1D17A},
        {0xE0000, 0x10FFFF}};

    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (cp >= hidden[i][0] && cp <= hidden[i][1])
            return cp >= 0xE0100 && cp <= 0xE01EF;
    return true;
}

static aglm_rc append_escape(aglm_jrun *r, uint32_t cp)
{
    char text[16];

    switch (cp) {
    case '\n':
        return append(r, "\\n");
    case '\r':
        return append(r, "\\r");
    case '\t':
        return append(r, "\\t");
    default:
        snprintf(text, sizeof text,
                 cp < 0x100     ? "\\x%02x"
                 : cp < 0x10000 ? "\\u%04x"
                                : "\\U%08x",
                 (unsigned)cp);
        return append(r, text);
    }
}

static aglm_rc append_quoted(aglm_jrun *r, const aglm_jval *v)
{
    bool has_single = memchr(v->s, '\'', v->len) != NULL;
    char quote = has_single && !memchr(v->s, '"', v->len) ? '"' : '\'';
    aglm_rc rc = aglm_jrun_append(r, &quote, 1);

    for (size_t at = 0; at < v->len && !rc;) {
        uint32_t cp = (unsigned char)v->s[at];
        size_t n = cp < 0x80 ? 1 : aglm_utf8_decode(v->s + at, v->len - at, &cp);
        if (cp == '\\' || cp == (unsigned char)quote)
            rc = aglm_jrun_append(r, "\\", 1);
        if (!rc)
            rc = printable(cp) ? aglm_jrun_append(r, v->s + at, n) : append_escape(r, cp);
        at += n;
    }
    return rc ? rc : aglm_jrun_append(r, &quote, 1);
}

static aglm_rc repr_text(aglm_jrun *r, const aglm_jval *v)
{
    aglm_rc rc = v->flag ? append(r, "Markup(") : AGLM_OK;

    if (!rc)
        rc = append_quoted(r, v);
    return rc || !v->flag ? rc : append(r, ")");
}

static aglm_rc repr_list(aglm_jrun *r, const aglm_jlist *l, const char *open, const char *close)
{
    aglm_rc rc = append(r, open);

    for (size_t i = 0; i < l->n && !rc; i++) {
        rc = i ? append(r, ", ") : AGLM_OK;
        if (!rc)
            rc = aglm_jrun_append_repr(r, &l->items[i]);
    }
    if (!rc && l->n == 1 && *close == ')')
        rc = append(r, ",");
    return rc ? rc : append(r, close);
}

static aglm_rc repr_dict(aglm_jrun *r, const aglm_jdict *d)
{
    aglm_rc rc = append(r, "{");

    for (size_t i = 0; i < d->n && !rc; i++) {
        rc = i ? append(r, ", ") : AGLM_OK;
        if (!rc)
            rc = aglm_jrun_append_repr(r, &d->pairs[i].key);
        if (!rc)
            rc = append(r, ": ");
        if (!rc)
            rc = aglm_jrun_append_repr(r, &d->pairs[i].value);
    }
    return rc ? rc : append(r, "}");
}

static aglm_rc repr_view(aglm_jrun *r, const aglm_jval *v)
{
    static const char *const names[] = {"dict_keys(", "dict_values(", "dict_items("};
    aglm_jlist items;
    aglm_rc rc = aglm_jrun_iterate(r, v, &items);

    if (!rc)
        rc = append(r, names[v->flag]);
    if (!rc)
        rc = repr_list(r, &items, "[", "]");
    return rc ? rc : append(r, ")");
}

static aglm_rc repr_range(aglm_jrun *r, const aglm_jrange *range)
{
    char text[96];
    long long start = (long long)range->start;
    long long stop = start + (long long)(range->n * range->step);

    if (range->step == 1)
        snprintf(text, sizeof text, "range(%lld, %lld)", start, stop);
    else
        snprintf(text, sizeof text, "range(%lld, %lld, %lld)", start, stop, (long long)range->step);
    return append(r, text);
}

static aglm_rc repr_other(aglm_jrun *r, const aglm_jval *v)
{
    aglm_rc rc = append(r, "<");

    if (!rc)
        rc = append(r, aglm_jval_type(v));
    if (!rc && v->kind == AGLM_J_MACRO)
        rc = append(r, " ");
    if (!rc && v->kind == AGLM_J_MACRO)
        rc = append_quoted(r, &v->macro->node->value);
    if (!rc && v->kind == AGLM_J_NAMESPACE)
        rc = append(r, " ");
    if (!rc && v->kind == AGLM_J_NAMESPACE)
        rc = repr_dict(r, v->dict);
    return rc ? rc : append(r, ">");
}

static aglm_rc append_repr(aglm_jrun *r, const aglm_jval *v)
{
    switch ((aglm_jkind)v->kind) {
    case AGLM_J_MISSING:
    case AGLM_J_UNDEFINED:
        return append(r, "Undefined");
    case AGLM_J_NONE:
        return append(r, "None");
    case AGLM_J_BOOL:
        return append(r, v->b ? "True" : "False");
    case AGLM_J_INT:
        return append_int(r, v->i);
    case AGLM_J_FLOAT:
        return append_float(r, v->f);
    case AGLM_J_STRING:
        return repr_text(r, v);
    case AGLM_J_LIST:
        return repr_list(r, v->list, "[", "]");
    case AGLM_J_TUPLE:
        return repr_list(r, v->list, "(", ")");
    case AGLM_J_DICT:
        return repr_dict(r, v->dict);
    case AGLM_J_VIEW:
        return repr_view(r, v);
    case AGLM_J_RANGE:
        return repr_range(r, v->range);
    default:
        return repr_other(r, v);
    }
}

aglm_rc aglm_jrun_append_repr(aglm_jrun *r, const aglm_jval *v)
{
    aglm_rc rc = aglm_jrun_enter(r);

    if (!rc)
        rc = append_repr(r, v);
    r->depth -= !rc;
    return rc;
}

aglm_rc aglm_jrun_append_str(aglm_jrun *r, const aglm_jval *v)
{
    if (v->kind == AGLM_J_STRING)
        return aglm_jrun_append(r, v->s, v->len);
    if (v->kind == AGLM_J_UNDEFINED)
        return AGLM_OK;
    return aglm_jrun_append_repr(r, v);
}

aglm_rc aglm_jrun_str(aglm_jrun *r, const aglm_jval *v, aglm_jval *out)
{
    if (v->kind == AGLM_J_STRING) {
        *out = *v;
        return AGLM_OK;
    }
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = aglm_jrun_append_str(r, v);
    return rc ? rc : aglm_jrun_take(r, from, out);
}

aglm_rc aglm_jrun_append_escaped(aglm_jrun *r, const aglm_jval *v)
{
    static const char special[] = "&<>'\"";
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    aglm_jval text;
    aglm_rc rc = aglm_jrun_str(r, v, &text);

    if (!rc && text.flag)
        return aglm_jrun_append(r, text.s, text.len);
    for (size_t i = 0; i < text.len && !rc; i++) {
        const char *at = text.s[i] ? strchr(special, text.s[i]) : NULL;
        rc = at ? append(r, entities[at - special]) : aglm_jrun_append(r, text.s + i, 1);
    }
    return rc;
}

static aglm_rc json_unicode(aglm_jrun *r, uint32_t cp)
{
    char text[16];

    if (cp < 0x10000)
        snprintf(text, sizeof text, "\\u%04x", (unsigned)cp);
    else
        snprintf(text, sizeof text, "\\u%04x\\u%04x", (unsigned)(0xD800 + ((cp - 0x10000) >> 10)),
                 (unsigned)(0xDC00 + ((cp - 0x10000) & 0x3FF)));
    return append(r, text);
}

static aglm_rc json_char(aglm_jrun *r, uint32_t cp)
{
    static const char special[] = "\"\\\n\r\t\f\b";
    static const char *const escapes[] = {"\\\"", "\\\\", "\\n", "\\r", "\\t", "\\f", "\\b"};
    const char *at = cp && cp < 0x80 ? strchr(special, (int)cp) : NULL;

    return at ? append(r, escapes[at - special]) : json_unicode(r, cp);
}

static aglm_rc json_string(aglm_jrun *r, const aglm_jval *v, bool ascii)
{
    aglm_rc rc = append(r, "\"");
    size_t plain = 0;

    for (size_t at = 0; at < v->len && !rc;) {
        uint32_t cp = (unsigned char)v->s[at];
        size_t n = cp < 0x80 ? 1 : aglm_utf8_decode(v->s + at, v->len - at, &cp);
        if (cp < 0x20 || cp == '"' || cp == '\\' || (ascii && cp > 0x7F)) {
            rc = aglm_jrun_append(r, v->s + plain, at - plain);
            if (!rc)
                rc = json_char(r, cp);
            plain = at + n;
        }
        at += n;
    }
    if (!rc)
        rc = aglm_jrun_append(r, v->s + plain, v->len - plain);
    return rc ? rc : append(r, "\"");
}

static aglm_rc json_float(aglm_jrun *r, double f)
{
    if (isnan(f))
        return append(r, "NaN");
    if (isinf(f))
        return append(r, f < 0 ? "-Infinity" : "Infinity");
    return append_float(r, f);
}

static aglm_rc json_indent(aglm_jrun *r, const aglm_jdump *how, unsigned depth)
{
    aglm_rc rc = how->pretty ? append(r, "\n") : AGLM_OK;

    for (unsigned i = 0; how->pretty && i < depth && !rc; i++)
        rc = aglm_jrun_append(r, how->indent.s, how->indent.n);
    return rc;
}

static aglm_rc json_list(aglm_jrun *r, const aglm_jlist *l, const aglm_jdump *how, unsigned depth)
{
    aglm_rc rc = append(r, "[");

    for (size_t i = 0; i < l->n && !rc; i++) {
        rc = i ? aglm_jrun_append(r, how->item.s, how->item.n) : AGLM_OK;
        if (!rc)
            rc = json_indent(r, how, depth + 1);
        if (!rc)
            rc = aglm_jrun_append_json(r, &l->items[i], how, depth + 1);
    }
    if (!rc && l->n)
        rc = json_indent(r, how, depth);
    return rc ? rc : append(r, "]");
}

/* Keys that are no strings become such. */
static aglm_rc json_key(aglm_jrun *r, const aglm_jval *key, const aglm_jdump *how)
{
    if (key->kind == AGLM_J_STRING)
        return json_string(r, key, how->ascii);
    if (key->kind < AGLM_J_NONE || key->kind > AGLM_J_FLOAT)
        return aglm_jrun_fail_type(r, "tojson: keys are strings, numbers, truth values or none",
                                   key);
    aglm_rc rc = append(r, "\"");
    if (!rc)
        rc = aglm_jrun_append_json(r, key, how, 0);
    return rc ? rc : append(r, "\"");
}

static aglm_rc json_dict(aglm_jrun *r, const aglm_jdict *d, const aglm_jdump *how, unsigned depth)
{
    aglm_rc rc = append(r, "{");
    aglm_jpair *pairs = d->pairs;

    if (how->sorted && d->n) {
        pairs = aglm_arena_array(&r->arena, d->n, sizeof *pairs);
        if (!pairs)
            return aglm_jrun_full(r);
        memcpy(pairs, d->pairs, d->n * sizeof *pairs);
        rc = rc ? rc : aglm_jrun_sort(r, pairs, d->n, false);
    }
    for (size_t i = 0; i < d->n && !rc; i++) {
        rc = i ? aglm_jrun_append(r, how->item.s, how->item.n) : AGLM_OK;
        if (!rc)
            rc = json_indent(r, how, depth + 1);
        if (!rc)
            rc = json_key(r, &pairs[i].key, how);
        if (!rc)
            rc = aglm_jrun_append(r, how->key.s, how->key.n);
        if (!rc)
            rc = aglm_jrun_append_json(r, &pairs[i].value, how, depth + 1);
    }
    if (!rc && d->n)
        rc = json_indent(r, how, depth);
    return rc ? rc : append(r, "}");
}

static aglm_rc append_json(aglm_jrun *r, const aglm_jval *v, const aglm_jdump *how, unsigned depth)
{
    switch (v->kind) {
    case AGLM_J_NONE:
        return append(r, "null");
    case AGLM_J_BOOL:
        return append(r, v->b ? "true" : "false");
    case AGLM_J_INT:
        return append_int(r, v->i);
    case AGLM_J_FLOAT:
        return json_float(r, v->f);
    case AGLM_J_STRING:
        return json_string(r, v, how->ascii);
    case AGLM_J_LIST:
    case AGLM_J_TUPLE:
        return json_list(r, v->list, how, depth);
    case AGLM_J_DICT:
        return json_dict(r, v->dict, how, depth);
    default:
        return aglm_jrun_fail(r, AGLM_INVALID, "tojson: a value of type %s has no JSON form",
                              aglm_jval_type(v));
    }
}

aglm_rc aglm_jrun_append_json(aglm_jrun *r, const aglm_jval *v, const aglm_jdump *how,
                              unsigned depth)
{
    aglm_rc rc = aglm_jrun_enter(r);

    if (!rc)
        rc = append_json(r, v, how, depth);
    r->depth -= !rc;
    return rc;
}
