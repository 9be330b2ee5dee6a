#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "lm/jinja_node.h"

#define MAX_BRACKETS 256

struct lexer {
    aglm_arena *arena;
    const char *s;
    size_t n;
    size_t at;
    uint32_t line;
    uint32_t column;
    bool line_starting; /* what was read last ended with a newline */
    char brackets[MAX_BRACKETS];
    size_t n_brackets;
    aglm_jtoken *tokens;
    size_t n_tokens;
    size_t cap;
    aglm_error *err;
};

static aglm_rc fail(struct lexer *x, const char *what)
{
    return aglm_error_set(x->err, AGLM_FORMAT, "template line %u, column %u: %s", x->line,
                          x->column, what);
}

static aglm_rc no_memory(struct lexer *x)
{
    return aglm_error_set(x->err, AGLM_NOMEM, "no memory to parse a template of %zu bytes", x->n);
}

static void advance(struct lexer *x, size_t to)
{
    for (; x->at < to; x->at++) {
        unsigned char c = (unsigned char)x->s[x->at];
        if (c == '\n') {
            x->line++;
            x->column = 1;
        } else if ((c & 0xC0) != 0x80) {
            x->column++;
        }
    }
}

static aglm_rc emit(struct lexer *x, aglm_jtoken_kind kind, char op, aglm_jval value)
{
    if (aglm_grow(&x->tokens, &x->cap, x->n_tokens + 1, sizeof *x->tokens, UINT32_MAX))
        return no_memory(x);
    x->tokens[x->n_tokens++] = (aglm_jtoken){
        .kind = (uint8_t)kind, .op = op, .line = x->line, .column = x->column, .value = value};
    return AGLM_OK;
}

static aglm_rc emit_plain(struct lexer *x, aglm_jtoken_kind kind)
{
    return emit(x, kind, 0, aglm_jval_none());
}

static aglm_rc emit_data(struct lexer *x, size_t from, size_t to)
{
    return to > from ? emit(x, AGLM_JT_DATA, 0, aglm_jval_text(x->s + from, to - from)) : AGLM_OK;
}

static bool looking_at(const struct lexer *x, size_t at, const char *text)
{
    size_t n = strlen(text);

    return n <= x->n - at && memcmp(x->s + at, text, n) == 0;
}

static size_t skip_space(const struct lexer *x, size_t at)
{
    while (at < x->n) {
        uint32_t cp;
        size_t n = aglm_utf8_decode(x->s + at, x->n - at, &cp);
        if (!aglm_jtext_space(cp))
            break;
        at += n;
    }
    return at;
}

/* The end of "+%}", "-%}" with the white space behind it, or "%}" with one newline; 0: none here.
 * `close` is the two characters; a variable's end takes neither plus nor newline. */
static size_t tag_end(const struct lexer *x, size_t at, const char *close)
{
    bool variable = close[0] == '}';

    if (at < x->n && x->s[at] == '-' && looking_at(x, at + 1, close))
        return skip_space(x, at + 3);
    if (!variable && at < x->n && x->s[at] == '+' && looking_at(x, at + 1, close))
        return at + 3;
    if (!looking_at(x, at, close))
        return 0;
    return at + 2 + (!variable && at + 2 < x->n && x->s[at + 2] == '\n');
}

/* Where the data before a tag ends: "-" cuts its white space, lstrip_blocks the blanks of a line
 * that holds nothing else. */
static size_t data_end(const struct lexer *x, size_t tag, char sign, bool variable)
{
    aglm_jspan text = {x->s + x->at, tag - x->at};

    if (sign == '-')
        return x->at + aglm_jtext_strip(text, (aglm_jspan){NULL, 0}, false, true).n;
    if (sign == '+' || variable)
        return tag;
    size_t line = tag;
    while (line > x->at && x->s[line - 1] != '\n')
        line--;
    if (line == x->at && !x->line_starting)
        return tag;
    return skip_space(x, line) >= tag ? line : tag;
}

static char sign_at(const struct lexer *x, size_t at)
{
    return at < x->n && (x->s[at] == '-' || x->s[at] == '+') ? x->s[at] : 0;
}

/* The end of `{% word %}` whose "{%" is at `tag`; 0 when it is another. The newline behind it
 * belongs to the end of endraw only. */
static size_t word_tag(const struct lexer *x, size_t tag, const char *word, bool newline)
{
    size_t at = tag + 2 + (sign_at(x, tag + 2) != 0);

    at = skip_space(x, at);
    if (!looking_at(x, at, word))
        return 0;
    at = skip_space(x, at + strlen(word));
    if (newline)
        return tag_end(x, at, "%}");
    if (looking_at(x, at, "-%}"))
        return skip_space(x, at + 3);
    return looking_at(x, at, "%}") ? at + 2 : 0;
}

static void finish_tag(struct lexer *x, size_t end)
{
    x->line_starting = x->s[end - 1] == '\n';
    advance(x, end);
}

static aglm_rc lex_raw(struct lexer *x)
{
    for (size_t tag = x->at; tag + 1 < x->n; tag++) {
        size_t end = x->s[tag] == '{' && x->s[tag + 1] == '%' ? word_tag(x, tag, "endraw", true)
                                                              : 0;
        if (!end)
            continue;
        aglm_rc rc = emit_data(x, x->at, data_end(x, tag, sign_at(x, tag + 2), false));
        finish_tag(x, end);
        return rc;
    }
    return fail(x, "this {% raw %} has no {% endraw %}");
}

static aglm_rc lex_comment(struct lexer *x)
{
    size_t begin = x->at;

    for (size_t at = begin; at + 1 < x->n; at++) {
        size_t end = tag_end(x, at, "#}");
        if (!end)
            continue;
        finish_tag(x, end);
        return AGLM_OK;
    }
    return fail(x, "this comment has no #}");
}

static size_t digits_end(const struct lexer *x, size_t at, const char *set)
{
    size_t end = at;

    while (end < x->n && x->s[end] && (x->s[end] == '_' || strchr(set, x->s[end])))
        end++;
    while (end > at && x->s[end - 1] == '_')
        end--;
    return end;
}

static bool is_digit(const struct lexer *x, size_t at)
{
    return at < x->n && x->s[at] >= '0' && x->s[at] <= '9';
}

#define DECIMAL "0123456789"

/* The end of a float's text, or `whole` when it is none: a fraction, an exponent or both. */
static size_t float_end(const struct lexer *x, size_t whole)
{
    size_t end = whole;

    if (end < x->n && x->s[end] == '.' && is_digit(x, end + 1))
        end = digits_end(x, end + 1, DECIMAL);
    if (end < x->n && (x->s[end] | 0x20) == 'e') {
        size_t at = end + 1 + (sign_at(x, end + 1) != 0);
        if (is_digit(x, at))
            end = digits_end(x, at, DECIMAL);
    }
    return end;
}

static aglm_rc lex_float(struct lexer *x, size_t end)
{
    char text[64];
    size_t n = 0;
    double f;

    for (size_t i = x->at; i < end; i++) {
        if (n + 1 >= sizeof text)
            return fail(x, "a number of more than 60 digits");
        if (x->s[i] != '_')
            text[n++] = x->s[i];
    }
    if (!aglm_double_parse(text, n, &f))
        return fail(x, "no number");
    aglm_rc rc = emit(x, AGLM_JT_FLOAT, 0, aglm_jval_float(f));
    advance(x, end);
    return rc;
}

static int digit_value(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static aglm_rc lex_int(struct lexer *x, size_t from, size_t end, int base)
{
    int64_t value = 0;

    for (size_t i = from; i < end; i++) {
        if (x->s[i] == '_')
            continue;
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, digit_value(x->s[i]), &value))
            return fail(x, "a whole number over 64 bits");
    }
    aglm_rc rc = emit(x, AGLM_JT_INT, 0, aglm_jval_int(value));
    advance(x, end);
    return rc;
}

static aglm_rc lex_number(struct lexer *x)
{
    static const struct {
        char letter;
        int base;
        const char *digits;
    } bases[] = {{'x', 16, "0123456789abcdefABCDEF"}, {'o', 8, "01234567"}, {'b', 2, "01"}};
    size_t whole = digits_end(x, x->at, DECIMAL);
    size_t end = x->at > 0 && x->s[x->at - 1] == '.' ? whole : float_end(x, whole);

    if (end > whole)
        return lex_float(x, end);
    for (size_t i = 0; i < 3 && x->s[x->at] == '0' && x->at + 2 < x->n; i++) {
        if ((x->s[x->at + 1] | 0x20) != bases[i].letter)
            continue;
        end = digits_end(x, x->at + 2, bases[i].digits);
        if (end > x->at + 2)
            return lex_int(x, x->at + 2, end, bases[i].base);
    }
    if (x->s[x->at] == '0')
        whole = digits_end(x, x->at, "0");
    return lex_int(x, x->at, whole, 10);
}

/* n hexadecimal digits at s as a code point; false when they are none. */
static bool hex(const char *s, size_t left, size_t n, uint32_t *cp)
{
    *cp = 0;
    if (left < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!s[i] || !strchr("0123456789abcdefABCDEF", s[i]))
            return false;
        *cp = *cp * 16 + (uint32_t)digit_value(s[i]);
    }
    return true;
}

/* \ooo: up to three octal digits. */
static size_t octal(const char *s, size_t left, uint32_t *cp)
{
    size_t n = 0;

    for (*cp = 0; n < 3 && n < left && s[n] >= '0' && s[n] <= '7'; n++)
        *cp = *cp * 8 + (uint32_t)(s[n] - '0');
    return n;
}

/* Writes what the escape behind a backslash stands for; returns the bytes read, 0 for a bad one. */
static size_t unescape(const char *s, size_t left, char **to)
{
    static const char names[] = "\\'\"abfnrtv";
    static const char stand[] = "\\'\"\a\b\f\n\r\t\v";
    const char *simple = s[0] ? strchr(names, s[0]) : NULL;
    size_t digits = s[0] == 'x' ? 2 : s[0] == 'u' ? 4 : s[0] == 'U' ? 8 : 0;
    uint32_t cp;
    size_t n = octal(s, left, &cp);

    if (s[0] == '\n')
        return 1;
    if (simple) {
        *(*to)++ = stand[simple - names];
        return 1;
    }
    if (digits) {
        if (!hex(s + 1, left - 1, digits, &cp) || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
            return 0;
        n = 1 + digits;
    }
    if (!n) {
        *(*to)++ = '\\';
        return s[0] == 'N' ? 0 : SIZE_MAX;
    }
    *to += aglm_utf8_encode(cp, *to);
    return n;
}

static aglm_rc lex_string(struct lexer *x)
{
    char quote = x->s[x->at];
    size_t end = x->at + 1;

    while (end < x->n && x->s[end] != quote)
        end += x->s[end] == '\\' ? 2 : 1;
    if (end >= x->n)
        return fail(x, "this string has no closing quote");
    const char *s = x->s + x->at + 1;
    size_t n = end - x->at - 1;
    /* No escape is shorter than what it stands for. */
    char *text = aglm_arena_alloc(x->arena, n + 1);
    char *to = text;
    if (!text)
        return no_memory(x);
    for (size_t i = 0; i < n;) {
        if (s[i] != '\\') {
            *to++ = s[i++];
            continue;
        }
        size_t took = unescape(s + i + 1, n - i - 1, &to);
        if (!took)
            return fail(
                x, "bad escape in a string: write \\xhh, \\uhhhh or \\Uhhhhhhhh, no surrogates");
        i += 1 + (took == SIZE_MAX ? 0 : took);
    }
    aglm_rc rc = emit(x, AGLM_JT_STRING, 0, aglm_jval_text(text, (size_t)(to - text)));
    advance(x, end + 1);
    return rc;
}

static bool name_char(const struct lexer *x, size_t at, size_t *n)
{
    uint32_t cp;
    char c = x->s[at];

    *n = 1;
    if ((unsigned char)c < 0x80)
        return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    *n = aglm_utf8_decode(x->s + at, x->n - at, &cp);
    return !aglm_jtext_space(cp) && !aglm_cp_is_punct(cp);
}

static aglm_rc lex_name(struct lexer *x)
{
    size_t end = x->at;
    size_t n;

    while (end < x->n && name_char(x, end, &n))
        end += n;
    aglm_rc rc = emit(x, AGLM_JT_NAME, 0, aglm_jval_text(x->s + x->at, end - x->at));
    advance(x, end);
    return rc;
}

static aglm_rc balance(struct lexer *x, char c)
{
    static const char open[] = "([{";
    static const char close[] = ")]}";
    const char *o = strchr(open, c);

    if (o) {
        if (x->n_brackets == MAX_BRACKETS)
            return aglm_error_set(x->err, AGLM_LIMIT,
                                  "template line %u, column %u: more than %d open brackets",
                                  x->line, x->column, MAX_BRACKETS);
        x->brackets[x->n_brackets++] = close[o - open];
        return AGLM_OK;
    }
    if (!strchr(close, c))
        return AGLM_OK;
    if (x->n_brackets == 0 || x->brackets[--x->n_brackets] != c)
        return fail(x, "this closing bracket does not belong to the last opening one");
    return AGLM_OK;
}

static aglm_rc lex_operator(struct lexer *x)
{
    static const struct {
        char text[3];
        char op;
    } doubles[] = {{"**", AGLM_JOP_POWER}, {"//", AGLM_JOP_FLOOR}, {"==", AGLM_JOP_EQ},
                   {"!=", AGLM_JOP_NE},    {">=", AGLM_JOP_GE},    {"<=", AGLM_JOP_LE}};
    char c = x->s[x->at];
    char what[40];

    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        if (!looking_at(x, x->at, doubles[i].text))
            continue;
        aglm_rc rc = emit(x, AGLM_JT_OPERATOR, doubles[i].op, aglm_jval_none());
        advance(x, x->at + 2);
        return rc;
    }
    if (!c || !strchr("+-*/%~[](){}.:|,;=<>", c)) {
        snprintf(what, sizeof what, "unexpected character 0x%02X", (unsigned char)c);
        return fail(x, what);
    }
    aglm_rc rc = balance(x, c);
    if (!rc)
        rc = emit(x, AGLM_JT_OPERATOR, c, aglm_jval_none());
    advance(x, x->at + 1);
    return rc;
}

static aglm_rc lex_one(struct lexer *x)
{
    size_t n;
    char c = x->s[x->at];

    if (is_digit(x, x->at))
        return lex_number(x);
    if (c == '"' || c == '\'')
        return lex_string(x);
    return name_char(x, x->at, &n) ? lex_name(x) : lex_operator(x);
}

/* The inside of {% %} or {{ }}, up to and with its end. */
static aglm_rc lex_tag(struct lexer *x, bool variable)
{
    const char *close = variable ? "}}" : "%}";
    aglm_rc rc = AGLM_OK;

    x->n_brackets = 0;
    while (!rc) {
        size_t end = x->n_brackets ? 0 : tag_end(x, x->at, close);
        if (end) {
            rc = emit_plain(x, variable ? AGLM_JT_VARIABLE_END : AGLM_JT_BLOCK_END);
            finish_tag(x, end);
            return rc;
        }
        advance(x, skip_space(x, x->at));
        if (x->at >= x->n)
            return fail(x, variable ? "the template ends inside {{ }}"
                                    : "the template ends inside {% %}");
        if (x->n_brackets || !tag_end(x, x->at, close))
            rc = lex_one(x);
    }
    return rc;
}

/* Data up to the next tag, then the tag. */
static aglm_rc lex_next(struct lexer *x)
{
    size_t tag = x->at;

    while (tag + 1 < x->n && !(x->s[tag] == '{' && memchr("%{#", x->s[tag + 1], 3)))
        tag++;
    if (tag + 1 >= x->n) {
        aglm_rc rc = emit_data(x, x->at, x->n);
        advance(x, x->n);
        return rc;
    }
    char type = x->s[tag + 1];
    char sign = sign_at(x, tag + 2);
    aglm_rc rc = emit_data(x, x->at, data_end(x, tag, sign, type == '{'));
    if (rc)
        return rc;
    size_t raw = type == '%' ? word_tag(x, tag, "raw", false) : 0;
    if (raw) {
        finish_tag(x, raw);
        return lex_raw(x);
    }
    advance(x, tag);
    if (type != '#')
        rc = emit_plain(x, type == '{' ? AGLM_JT_VARIABLE_BEGIN : AGLM_JT_BLOCK_BEGIN);
    finish_tag(x, tag + 2 + (sign != 0));
    if (rc)
        return rc;
    return type == '#' ? lex_comment(x) : lex_tag(x, type == '{');
}

/* Newlines as \n, without the last one. */
static const char *normalise(aglm_arena *arena, const char *text, size_t *len)
{
    char *s = aglm_arena_alloc(arena, *len + 1);
    size_t n = 0;

    if (!s)
        return NULL;
    for (size_t i = 0; i < *len; i++) {
        if (text[i] != '\r')
            s[n++] = text[i];
        else if (i + 1 >= *len || text[i + 1] != '\n')
            s[n++] = '\n';
    }
    if (n && s[n - 1] == '\n')
        n--;
    *len = n;
    return s;
}

aglm_rc aglm_jinja_lex(aglm_arena *arena, const char *text, size_t len, aglm_jtoken **out,
                       size_t *n_out, aglm_error *err)
{
    struct lexer x = {
        .arena = arena, .n = len, .line = 1, .column = 1, .line_starting = true, .err = err};

    x.s = normalise(arena, text, &x.n);
    aglm_rc rc = x.s ? AGLM_OK : no_memory(&x);
    while (!rc && x.at < x.n)
        rc = lex_next(&x);
    if (!rc)
        rc = emit_plain(&x, AGLM_JT_END);
    if (rc) {
        free(x.tokens);
        return rc;
    }
    *out = x.tokens;
    *n_out = x.n_tokens;
    return AGLM_OK;
}
