/* text.format(...) and text % ... */
#include <math.h>
#include <stdio.h>

#include "base/utf8.h"
#include "lm/jinja_run.h"

#define MAX_WIDTH 100000
#define MAX_PRECISION 300

/* [[fill]align][sign][#][0][width][,][.precision][type] */
struct spec {
    char fill[4];
    size_t fill_len;
    char align; /* 0: by the type */
    char sign;  /* '-' (default), '+', ' ' */
    bool alternate;
    char grouping;
    int width;
    int precision; /* -1: not given */
    char type;     /* 0: none */
};

static int read_number(const char *s, size_t n, size_t *at)
{
    int value = 0;

    while (*at < n && s[*at] >= '0' && s[*at] <= '9' && value <= MAX_WIDTH)
        value = value * 10 + (s[(*at)++] - '0');
    return value;
}

static bool is_one_of(const char *s, size_t n, size_t at, const char *set)
{
    return at < n && s[at] && strchr(set, s[at]);
}

static size_t parse_align(const char *s, size_t n, struct spec *spec)
{
    size_t first = n ? aglm_jtext_offset(s, n, 1) : 0;

    if (first && is_one_of(s, n, first, "<>=^")) {
        memcpy(spec->fill, s, first);
        spec->fill_len = first;
        spec->align = s[first];
        return first + 1;
    }
    if (!is_one_of(s, n, 0, "<>=^"))
        return 0;
    spec->align = s[0];
    return 1;
}

static bool parse_spec(const char *s, size_t n, struct spec *spec)
{
    *spec = (struct spec){.fill = " ", .fill_len = 1, .sign = '-', .precision = -1};
    size_t at = parse_align(s, n, spec);

    if (is_one_of(s, n, at, "+- "))
        spec->sign = s[at++];
    if (is_one_of(s, n, at, "#")) {
        spec->alternate = true;
        at++;
    }
    if (is_one_of(s, n, at, "0")) {
        at++;
        if (!spec->align) {
            spec->fill[0] = '0';
            spec->align = '=';
        }
    }
    spec->width = read_number(s, n, &at);
    if (is_one_of(s, n, at, ",_"))
        spec->grouping = s[at++];
    if (is_one_of(s, n, at, ".")) {
        size_t before = ++at;
        spec->precision = read_number(s, n, &at);
        if (at == before)
            return false;
    }
    if (at < n)
        spec->type = s[at++];
    return at == n && spec->width <= MAX_WIDTH;
}

static aglm_rc fill(aglm_jrun *r, const struct spec *spec, size_t n)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < n && !rc; i++)
        rc = aglm_jrun_append(r, spec->fill, spec->fill_len);
    return rc;
}

/* prefix (sign, 0x) and body, filled up to the width; default_align where none was given. */
static aglm_rc put_padded(aglm_jrun *r, const struct spec *spec, aglm_jspan prefix, aglm_jspan body,
                          char default_align)
{
    size_t width = (size_t)spec->width;
    size_t n = prefix.n + aglm_jtext_count(body.s, body.n);
    size_t pad = width > n ? width - n : 0;
    char align = spec->align ? spec->align : default_align;
    size_t before = align == '>' ? pad : align == '^' ? pad / 2 : 0;
    size_t between = align == '=' ? pad : 0;
    aglm_rc rc = fill(r, spec, before);

    if (!rc)
        rc = aglm_jrun_append(r, prefix.s, prefix.n);
    if (!rc)
        rc = fill(r, spec, between);
    if (!rc)
        rc = aglm_jrun_append(r, body.s, body.n);
    return rc ? rc : fill(r, spec, pad - before - between);
}

static aglm_rc bad_spec(aglm_jrun *r, const aglm_jval *v)
{
    return aglm_jrun_fail(r, AGLM_INVALID, "this format does not fit a value of type %s",
                          aglm_jval_type(v));
}

static aglm_rc put_text(aglm_jrun *r, const struct spec *spec, const aglm_jval *v)
{
    aglm_jval text;
    aglm_rc rc = aglm_jrun_str(r, v, &text);

    if (rc)
        return rc;
    if ((spec->type && spec->type != 's') || spec->grouping || spec->align == '=')
        return bad_spec(r, v);
    size_t n = text.len;
    if (spec->precision >= 0)
        n = aglm_jtext_offset(text.s, text.len, (size_t)spec->precision);
    return put_padded(r, spec, (aglm_jspan){"", 0}, (aglm_jspan){text.s, n}, '<');
}

/* Digits of a base, grouped from the right, written to the end of buf. */
static aglm_jspan int_digits(char *buf, size_t size, uint64_t value, unsigned base, bool capital,
                             char grouping)
{
    const char *digits = capital ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t at = size;
    unsigned group = base == 10 ? 3 : 4;

    for (unsigned n = 0; n == 0 || value; n++) {
        if (grouping && n && n % group == 0)
            buf[--at] = grouping;
        buf[--at] = digits[value % base];
        value /= base;
    }
    return (aglm_jspan){buf + at, size - at};
}

static size_t put_sign(char *prefix, bool negative, char sign)
{
    if (!negative && sign == '-')
        return 0;
    prefix[0] = negative ? '-' : sign;
    return 1;
}

static aglm_rc put_int(aglm_jrun *r, const struct spec *spec, int64_t i)
{
    char buf[160];
    char prefix[4];
    size_t n = put_sign(prefix, i < 0, spec->sign);
    char type = spec->type ? spec->type : 'd';
    unsigned base = type == 'b' ? 2 : type == 'o' ? 8 : (type | 0x20) == 'x' ? 16 : 10;

    if (type == 'c') {
        size_t len = i >= 0 && i <= 0x10FFFF ? aglm_utf8_encode((uint32_t)i, buf) : 0;
        return put_padded(r, spec, (aglm_jspan){"", 0}, (aglm_jspan){buf, len}, '<');
    }
    if (spec->alternate && base != 10) {
        prefix[n++] = '0';
        prefix[n++] = type;
    }
    uint64_t size = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    aglm_jspan body = int_digits(buf, sizeof buf, size, base, type == 'X', spec->grouping);
    return put_padded(r, spec, (aglm_jspan){prefix, n}, body, '>');
}

/* Groups the digits before the point by threes. */
static size_t group_digits(char *buf, size_t size, size_t n, char grouping)
{
    size_t whole = strspn(buf, "0123456789");

    for (size_t at = whole; at > 3 && n + 1 < size;) {
        at -= 3;
        memmove(buf + at + 1, buf + at, n - at + 1);
        buf[at] = grouping;
        n++;
    }
    return n;
}

static int print_float(char *buf, size_t size, const struct spec *spec, double f)
{
    int precision = spec->precision < 0 ? 6 : spec->precision;

    switch (spec->type) {
    case 0:
        if (spec->precision < 0) {
            aglm_double_format(buf, f);
            return (int)strlen(buf);
        }
        return snprintf(buf, size, "%.*g", precision, f);
    case 'e':
        return snprintf(buf, size, "%.*e", precision, f);
    case 'E':
        return snprintf(buf, size, "%.*E", precision, f);
    case 'g':
    case 'n':
        return spec->alternate ? snprintf(buf, size, "%#.*g", precision, f)
                               : snprintf(buf, size, "%.*g", precision, f);
    case 'G':
        return snprintf(buf, size, "%.*G", precision, f);
    case '%':
        return snprintf(buf, size, "%.*f%%", precision, f * 100);
    default:
        return snprintf(buf, size, "%.*f", precision, f);
    }
}

static aglm_rc put_float(aglm_jrun *r, const struct spec *spec, double f)
{
    char buf[1024];
    char prefix[2];
    bool negative = signbit(f) && !isnan(f);
    size_t n_prefix = put_sign(prefix, negative, spec->sign);

    if (spec->precision > MAX_PRECISION)
        return aglm_jrun_fail(r, AGLM_LIMIT, "more than %d decimal places", MAX_PRECISION);
    int n = print_float(buf, sizeof buf - 128, spec, fabs(f));
    size_t len = n < 0 ? 0 : (size_t)n;
    if (spec->grouping)
        len = group_digits(buf, sizeof buf, len, spec->grouping);
    return put_padded(r, spec, (aglm_jspan){prefix, n_prefix}, (aglm_jspan){buf, len}, '>');
}

/* format(v, spec) of Python. */
static aglm_rc put_value(aglm_jrun *r, const struct spec *spec, const aglm_jval *v)
{
    static const char float_types[] = "eEfFgGn%";
    int64_t i;
    bool whole = aglm_jval_whole(v, &i);
    bool floats = spec->type && strchr(float_types, spec->type);

    if (v->kind == AGLM_J_FLOAT && (!spec->type || floats))
        return put_float(r, spec, v->f);
    if (whole && floats)
        return put_float(r, spec, (double)i);
    if (whole && (spec->type ? strchr("bcdoxX", spec->type) != NULL : v->kind == AGLM_J_INT))
        return put_int(r, spec, i);
    if (v->kind == AGLM_J_FLOAT || v->kind == AGLM_J_INT)
        return bad_spec(r, v);
    return put_text(r, spec, v);
}

struct formatter {
    aglm_jrun *r;
    aglm_jspan text;
    size_t at;
    const aglm_jargs *args;
    size_t next; /* automatic numbering */
};

static aglm_rc bad_field(struct formatter *f)
{
    return aglm_jrun_fail(f->r, AGLM_INVALID,
                          "format: a field is {}, {0}, {name}, with .attribute, [item], !r, :spec");
}

static size_t name_end(const struct formatter *f, const char *stops)
{
    size_t end = f->at;

    while (end < f->text.n && !is_one_of(f->text.s, f->text.n, end, stops))
        end++;
    return end;
}

static aglm_rc field_argument(struct formatter *f, aglm_jval *out)
{
    size_t end = name_end(f, ".[!:{}");
    const char *name = f->text.s + f->at;
    size_t len = end - f->at;
    size_t digits = f->at;
    bool numbered = len && name[0] >= '0' && name[0] <= '9';
    size_t i = numbered ? (size_t)read_number(f->text.s, end, &digits) : f->next;

    f->next += len == 0;
    f->at = end;
    if (len && !numbered) {
        const aglm_jval *v = aglm_jdict_get_text(&f->args->named, name, len);
        if (!v)
            return aglm_jrun_fail(f->r, AGLM_INVALID, "format: no argument '%.*s'",
                                  (int)(len < 100 ? len : 100), name);
        *out = *v;
        return AGLM_OK;
    }
    if (i >= f->args->list.n)
        return aglm_jrun_fail(f->r, AGLM_INVALID, "format: field %zu has no argument", i);
    *out = f->args->list.items[i];
    return AGLM_OK;
}

/* One ".name" or "[key]" behind the argument. */
static aglm_rc field_step(struct formatter *f, aglm_jval *v)
{
    bool item = f->text.s[f->at] == '[';
    f->at++;
    size_t end = name_end(f, item ? "]" : ".[!:{}");
    aglm_jval name = aglm_jval_text(f->text.s + f->at, end - f->at);
    size_t digits = f->at;
    aglm_jval owner = *v;

    if (name.len == 0 || (item && end >= f->text.n))
        return bad_field(f);
    if (item && name.s[0] >= '0' && name.s[0] <= '9')
        name = aglm_jval_int(read_number(f->text.s, end, &digits));
    f->at = end + item;
    return item ? aglm_jrun_item(f->r, &owner, &name, v)
                : aglm_jrun_attribute(f->r, &owner, &name, v);
}

static aglm_rc field_conversion(struct formatter *f, aglm_jval *v)
{
    char how = f->at + 1 < f->text.n ? f->text.s[f->at + 1] : 0;
    size_t from = aglm_jrun_begin(f->r);

    if (how != 'r' && how != 's')
        return bad_field(f);
    f->at += 2;
    aglm_rc rc = how == 'r' ? aglm_jrun_append_repr(f->r, v) : aglm_jrun_append_str(f->r, v);
    return rc ? rc : aglm_jrun_take(f->r, from, v);
}

static aglm_rc put_field(struct formatter *f)
{
    aglm_jval v;
    struct spec spec;
    aglm_rc rc = field_argument(f, &v);

    while (!rc && is_one_of(f->text.s, f->text.n, f->at, ".["))
        rc = field_step(f, &v);
    if (!rc && is_one_of(f->text.s, f->text.n, f->at, "!"))
        rc = field_conversion(f, &v);
    if (rc)
        return rc;
    size_t from = f->at;
    size_t end = name_end(f, "{}");
    if (end >= f->text.n || f->text.s[end] != '}' || (end > from && f->text.s[from] != ':'))
        return bad_field(f);
    f->at = end + 1;
    from += end > from;
    if (!parse_spec(f->text.s + from, end - from, &spec))
        return bad_spec(f->r, &v);
    return put_value(f->r, &spec, &v);
}

aglm_rc aglm_jrun_format(aglm_jrun *r, const aglm_jval *text, const aglm_jargs *args,
                         aglm_jval *out)
{
    struct formatter f = {.r = r, .text = aglm_jspan_of(text), .args = args};
    size_t start = aglm_jrun_begin(r);
    aglm_rc rc = AGLM_OK;

    while (f.at < f.text.n && !rc) {
        size_t end = name_end(&f, "{}");
        rc = aglm_jrun_append(r, f.text.s + f.at, end - f.at);
        f.at = end;
        if (rc || end >= f.text.n)
            break;
        char c = f.text.s[f.at++];
        if (f.at < f.text.n && f.text.s[f.at] == c) {
            rc = aglm_jrun_append(r, &c, 1);
            f.at++;
        } else {
            rc = c == '{' ? put_field(&f) : bad_field(&f);
        }
    }
    if (!rc)
        rc = aglm_jrun_take(r, start, out);
    if (!rc)
        out->flag = text->flag;
    return rc;
}

/* %[(name)][flags][width][.precision]type */
static aglm_rc percent_argument(struct formatter *f, const aglm_jval *args, aglm_jval *out)
{
    if (is_one_of(f->text.s, f->text.n, f->at, "(")) {
        f->at++;
        size_t end = name_end(f, ")");
        aglm_jval key = aglm_jval_text(f->text.s + f->at, end - f->at);
        f->at = end + (end < f->text.n);
        if (args->kind != AGLM_J_DICT || !aglm_jdict_get(args->dict, &key))
            return aglm_jrun_fail(f->r, AGLM_INVALID, "format: no argument '%.*s'",
                                  (int)(key.len < 100 ? key.len : 100), key.s);
        *out = *aglm_jdict_get(args->dict, &key);
        f->next = 1;
    }
    return AGLM_OK;
}

static void percent_flags(struct formatter *f, struct spec *spec)
{
    *spec = (struct spec){.fill = " ", .fill_len = 1, .sign = '-', .precision = -1, .align = '>'};
    for (; is_one_of(f->text.s, f->text.n, f->at, "+- #0"); f->at++) {
        char c = f->text.s[f->at];
        if (c == '-')
            spec->align = '<';
        else if (c == '0')
            spec->fill[0] = '0';
        else if (c == '#')
            spec->alternate = true;
        else if (c == '+' || spec->sign == '-')
            spec->sign = c;
    }
    spec->width = read_number(f->text.s, f->text.n, &f->at);
    if (is_one_of(f->text.s, f->text.n, f->at, ".")) {
        f->at++;
        spec->precision = read_number(f->text.s, f->text.n, &f->at);
    }
    if (spec->fill[0] == '0' && spec->align == '>')
        spec->align = '=';
    else if (spec->align == '<')
        spec->fill[0] = ' ';
}

static aglm_rc percent_text(aglm_jrun *r, struct spec *spec, const aglm_jval *v)
{
    aglm_jval text = *v;
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = spec->type == 'r' ? aglm_jrun_append_repr(r, v) : aglm_jrun_append_str(r, v);

    if (!rc)
        rc = aglm_jrun_take(r, from, &text);
    spec->type = 's';
    spec->fill[0] = ' ';
    if (spec->align == '=')
        spec->align = '>';
    return rc ? rc : put_text(r, spec, &text);
}

static aglm_rc percent_value(aglm_jrun *r, struct spec *spec, const aglm_jval *v)
{
    double number;
    int64_t i;

    if (spec->type == 's' || spec->type == 'r')
        return percent_text(r, spec, v);
    if (!aglm_jval_number(v, &number))
        return aglm_jrun_fail(r, AGLM_INVALID, "%%%c wants a number, not '%s'", spec->type,
                              aglm_jval_type(v));
    if (strchr("eEfFgG", spec->type))
        return put_float(r, spec, number);
    if (!strchr("diuxXoc", spec->type))
        return bad_spec(r, v);
    if (!aglm_jval_whole(v, &i)) {
        if (!(number > -0x1p63 && number < 0x1p63) || !strchr("diu", spec->type))
            return bad_spec(r, v);
        i = (int64_t)number;
    }
    if (strchr("iu", spec->type))
        spec->type = 'd';
    return put_int(r, spec, i);
}

static aglm_rc percent_field(struct formatter *f, const aglm_jval *args)
{
    bool tuple = args->kind == AGLM_J_TUPLE;
    size_t n = tuple ? args->list->n : 1;
    aglm_jval v = {0};
    struct spec spec;
    aglm_rc rc = percent_argument(f, args, &v);

    if (rc)
        return rc;
    percent_flags(f, &spec);
    spec.type = f->at < f->text.n ? f->text.s[f->at++] : 0;
    if (spec.type == '%')
        return aglm_jrun_append(f->r, "%", 1);
    if (!spec.type || spec.width > MAX_WIDTH)
        return aglm_jrun_fail(f->r, AGLM_INVALID, "incomplete or too wide format");
    if (v.kind == AGLM_J_MISSING && f->next >= n)
        return aglm_jrun_fail(f->r, AGLM_INVALID, "not enough arguments for format string");
    if (v.kind == AGLM_J_MISSING)
        v = tuple ? args->list->items[f->next++] : (f->next++, *args);
    return percent_value(f->r, &spec, &v);
}

aglm_rc aglm_jrun_percent(aglm_jrun *r, const aglm_jval *text, const aglm_jval *args,
                          aglm_jval *out)
{
    struct formatter f = {.r = r, .text = aglm_jspan_of(text)};
    size_t start = aglm_jrun_begin(r);
    size_t n = args->kind == AGLM_J_TUPLE ? args->list->n : args->kind != AGLM_J_DICT;
    aglm_rc rc = AGLM_OK;

    while (f.at < f.text.n && !rc) {
        size_t end = name_end(&f, "%");
        rc = aglm_jrun_append(r, f.text.s + f.at, end - f.at);
        f.at = end + (end < f.text.n);
        if (!rc && end < f.text.n)
            rc = percent_field(&f, args);
    }
    if (!rc && f.next < n && args->kind != AGLM_J_LIST && args->kind != AGLM_J_RANGE)
        return aglm_jrun_fail(r, AGLM_INVALID, "not all arguments converted by the format");
    if (!rc)
        rc = aglm_jrun_take(r, start, out);
    if (!rc)
        out->flag = text->flag;
    return rc;
}
