/* Filters of single values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "lm/jinja_filter.h"

static aglm_rc do_abs(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    int64_t i;

    if (c->self.kind == AGLM_J_FLOAT) {
        *out = aglm_jval_float(fabs(c->self.f));
        return AGLM_OK;
    }
    if (!aglm_jval_whole(&c->self, &i))
        return aglm_jrun_fail_type(r, "abs wants a number", &c->self);
    if (i == INT64_MIN)
        return aglm_jrun_fail(r, AGLM_LIMIT, "a whole number over 64 bits");
    *out = aglm_jval_int(i < 0 ? -i : i);
    return AGLM_OK;
}

static aglm_rc do_attr(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_need_text(r, &c->arg[0], "attr");

    if (rc)
        return rc;
    if (c->self.kind == AGLM_J_DICT && !aglm_jmethod_find(&c->self, &c->arg[0])) {
        *out = aglm_jval_undefined(AGLM_J_DICT, c->arg[0].s, c->arg[0].len);
        return AGLM_OK;
    }
    return aglm_jrun_attribute(r, &c->self, &c->arg[0], out);
}

static aglm_rc do_default(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    bool use = c->self.kind == AGLM_J_UNDEFINED ||
               (aglm_jval_true(&c->arg[1]) && !aglm_jval_true(&c->self));

    (void)r;
    *out = c->self;
    if (use)
        *out = c->arg[0].kind ? c->arg[0] : aglm_jval_text("", 0);
    return AGLM_OK;
}

static aglm_rc do_escape(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = aglm_jrun_append_escaped(r, &c->self);

    if (!rc)
        rc = aglm_jrun_take(r, from, out);
    if (!rc)
        out->flag = 1;
    return rc;
}

static aglm_rc do_forceescape(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    c->self.flag = c->self.kind == AGLM_J_STRING ? 0 : c->self.flag;
    return do_escape(r, c, out);
}

static aglm_rc do_safe(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_str(r, &c->self, out);

    out->flag = 1;
    return rc;
}

static aglm_rc do_string(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return aglm_jrun_str(r, &c->self, out);
}

/* The text as Python's int() and float() read it: white space around, _ between digits. */
static aglm_jspan number_text(const aglm_jval *v, char *buf, size_t size)
{
    aglm_jspan s = aglm_jtext_strip(aglm_jspan_of(v), (aglm_jspan){NULL, 0}, true, true);
    size_t n = 0;

    for (size_t i = 0; i < s.n && n + 1 < size; i++) {
        bool joins = s.s[i] == '_' && i && i + 1 < s.n && s.s[i - 1] != '_';
        if (!joins)
            buf[n++] = s.s[i];
    }
    buf[n] = '\0';
    return (aglm_jspan){buf, n};
}

static bool parse_float(const aglm_jval *v, double *out)
{
    char buf[512];

    if (aglm_jval_number(v, out))
        return true;
    if (v->kind != AGLM_J_STRING)
        return false;
    aglm_jspan s = number_text(v, buf, sizeof buf);
    return aglm_double_parse(s.s, s.n, out);
}

/* A string of digits in the base; false also where it does not fit into 64 bits. */
static bool parse_int(const aglm_jval *v, int64_t base, int64_t *out)
{
    char buf[128];
    char *end;
    aglm_jspan s = number_text(v, buf, sizeof buf);
    size_t sign = s.n && (buf[0] == '-' || buf[0] == '+');
    const char *digits = buf + sign;
    bool prefixed = digits[0] == '0' && digits[1] && strchr("xXoObB", digits[1]);

    if (s.n == sign || (prefixed && base == 10) || base < 2 || base > 36)
        return false;
    if (prefixed &&
        ((base == 16 && (digits[1] | 0x20) == 'x') || (base == 8 && (digits[1] | 0x20) == 'o') ||
         (base == 2 && (digits[1] | 0x20) == 'b')))
        digits += 2;
    if (!((*digits >= '0' && *digits <= '9') ||
          ((*digits | 0x20) >= 'a' && (*digits | 0x20) <= 'z')))
        return false;
    unsigned long long value = strtoull(digits, &end, (int)base);
    if (*end || value > INT64_MAX)
        return false;
    *out = buf[0] == '-' ? -(int64_t)value : (int64_t)value;
    return true;
}

static aglm_rc do_int(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    double f;
    int64_t i;
    int64_t base;
    aglm_rc rc = aglm_jrun_need_whole(r, &c->arg[1], 10, &base);

    *out = c->arg[0].kind ? c->arg[0] : aglm_jval_int(0);
    if (rc || c->self.kind == AGLM_J_UNDEFINED)
        return rc ? rc : aglm_jrun_fail_undefined(r, &c->self);
    if (aglm_jval_whole(&c->self, &i) ||
        (c->self.kind == AGLM_J_STRING && parse_int(&c->self, base, &i))) {
        *out = aglm_jval_int(i);
        return AGLM_OK;
    }
    if (!parse_float(&c->self, &f) || isnan(f) || isinf(f))
        return AGLM_OK;
    if (!(f > -0x1p63 && f < 0x1p63))
        return aglm_jrun_fail(r, AGLM_LIMIT, "a whole number over 64 bits");
    *out = aglm_jval_int((int64_t)f);
    return AGLM_OK;
}

static aglm_rc do_float(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    double f;

    if (c->self.kind == AGLM_J_UNDEFINED)
        return aglm_jrun_fail_undefined(r, &c->self);
    if (parse_float(&c->self, &f))
        *out = aglm_jval_float(f);
    else
        *out = c->arg[0].kind ? c->arg[0] : aglm_jval_float(0);
    return AGLM_OK;
}

/* To so many decimal places, halves to the even digit of the exact value. */
static double round_common(double f, int precision)
{
    char buf[400];
    double rounded = f;

    if (precision < 0) {
        double unit = pow(10, -precision);
        return nearbyint(f / unit) * unit;
    }
    int n = snprintf(buf, sizeof buf, "%.*f", precision, f);
    if (n > 0 && (size_t)n < sizeof buf)
        aglm_double_parse(buf, (size_t)n, &rounded);
    return rounded;
}

static aglm_rc do_round(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    double f;
    int64_t precision;
    aglm_rc rc = aglm_jrun_need_whole(r, &c->arg[0], 0, &precision);
    bool common = !c->arg[1].kind || aglm_jval_is(&c->arg[1], "common");
    bool up = aglm_jval_is(&c->arg[1], "ceil");

    if (rc)
        return rc;
    if (!common && !up && !aglm_jval_is(&c->arg[1], "floor"))
        return aglm_jrun_fail(r, AGLM_INVALID, "round: the method is common, ceil or floor");
    if (!aglm_jval_number(&c->self, &f))
        return aglm_jrun_fail_type(r, "round wants a number", &c->self);
    if (precision < -300 || precision > 300)
        return aglm_jrun_fail(r, AGLM_LIMIT, "round: more than 300 places");
    if (common && c->self.kind != AGLM_J_FLOAT && precision >= 0) {
        *out = aglm_jval_int(c->self.kind == AGLM_J_BOOL ? c->self.b : c->self.i);
        return AGLM_OK;
    }
    double unit = pow(10, (double)precision);
    if (common)
        f = isfinite(f) ? round_common(f, (int)precision) : f;
    else
        f = (up ? ceil(f * unit) : floor(f * unit)) / unit;
    *out = common && c->self.kind != AGLM_J_FLOAT ? aglm_jval_int((int64_t)f) : aglm_jval_float(f);
    return AGLM_OK;
}

static aglm_rc json_separators(aglm_jrun *r, const aglm_jval *v, aglm_jdump *how)
{
    aglm_jlist pair;

    if (!aglm_jval_given(v))
        return AGLM_OK;
    aglm_rc rc = aglm_jrun_iterate(r, v, &pair);
    if (!rc &&
        (pair.n != 2 || pair.items[0].kind != AGLM_J_STRING || pair.items[1].kind != AGLM_J_STRING))
        return aglm_jrun_fail(r, AGLM_INVALID, "tojson: separators are two strings");
    if (!rc) {
        how->item = aglm_jspan_of(&pair.items[0]);
        how->key = aglm_jspan_of(&pair.items[1]);
    }
    return rc;
}

static aglm_rc json_indent(aglm_jrun *r, const aglm_jval *v, aglm_jdump *how)
{
    int64_t width;

    if (!aglm_jval_given(v))
        return AGLM_OK;
    how->pretty = true;
    how->item.n = 1;
    if (v->kind == AGLM_J_STRING) {
        how->indent = aglm_jspan_of(v);
        return AGLM_OK;
    }
    aglm_rc rc = aglm_jrun_need_whole(r, v, 0, &width);
    if (rc)
        return rc;
    if (width > 1000)
        return aglm_jrun_fail(r, AGLM_LIMIT, "tojson: an indent over 1000");
    char *blanks = aglm_arena_alloc(&r->arena, 1001);
    if (!blanks)
        return aglm_jrun_full(r);
    memset(blanks, ' ', 1000);
    how->indent = (aglm_jspan){blanks, width > 0 ? (size_t)width : 0};
    return AGLM_OK;
}

/* As Hugging Face has it: json.dumps, by default with ensure_ascii=False, no HTML escapes. */
static aglm_rc do_tojson(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jdump how = {.ascii = aglm_jval_true(&c->arg[0]),
                      .sorted = aglm_jval_true(&c->arg[3]),
                      .item = {", ", 2},
                      .key = {": ", 2}};
    aglm_rc rc = json_indent(r, &c->arg[1], &how);
    size_t from = aglm_jrun_begin(r);

    if (!rc)
        rc = json_separators(r, &c->arg[2], &how);
    if (!rc)
        rc = aglm_jrun_append_json(r, &c->self, &how, 0);
    return rc ? rc : aglm_jrun_take(r, from, out);
}

static aglm_rc do_filesizeformat(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    static const char prefixes[] = "kMGTPEZY";
    bool binary = aglm_jval_true(&c->arg[0]);
    double bytes;
    double base = binary ? 1024 : 1000;
    char text[64];
    size_t i = 0;
    size_t from = aglm_jrun_begin(r);

    if (!parse_float(&c->self, &bytes))
        return aglm_jrun_fail_type(r, "filesizeformat wants a number", &c->self);
    double unit = base * base;
    while (i < 7 && bytes >= unit) {
        unit *= base;
        i++;
    }
    if (bytes == 1)
        snprintf(text, sizeof text, "1 Byte");
    else if (bytes < base)
        snprintf(text, sizeof text, "%.0f Bytes", trunc(bytes));
    else
        snprintf(text, sizeof text, "%.1f %c%s", base * bytes / unit,
                 binary && i == 0 ? 'K' : prefixes[i], binary ? "iB" : "B");
    aglm_rc rc = aglm_jrun_append(r, text, strlen(text));
    return rc ? rc : aglm_jrun_take(r, from, out);
}

const aglm_jbuiltin *aglm_jfilter_find(const aglm_jval *name)
{
    static const aglm_jbuiltin filters[] = {
        {"abs", do_abs, "", false},
        {"attr", do_attr, "name", false},
        {"d", do_default, "default_value? boolean?", false},
        {"default", do_default, "default_value? boolean?", false},
        {"e", do_escape, "", false},
        {"escape", do_escape, "", false},
        {"filesizeformat", do_filesizeformat, "binary?", false},
        {"float", do_float, "default?", false},
        {"forceescape", do_forceescape, "", false},
        {"int", do_int, "default? base?", false},
        {"round", do_round, "precision? method?", false},
        {"safe", do_safe, "", false},
        {"string", do_string, "", false},
        {"tojson", do_tojson, "ensure_ascii? indent? separators? sort_keys?", false},
    };
    const aglm_jbuiltin *b = aglm_jbuiltin_find(filters, sizeof filters / sizeof *filters, name);

    if (!b)
        b = aglm_jfilter_find_text(name);
    if (!b)
        b = aglm_jfilter_find_list(name);
    return b ? b : aglm_jfilter_find_choice(name);
}
