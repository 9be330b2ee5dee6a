#include "eval/text_metric_priv.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

#define DIGITS_MAX 64
#define TOLERANCE 1e-6

/* A cursor over ASCII: full-width forms are folded, other characters are NUL. */
struct cursor {
    const char *text;
    size_t len;
    size_t at;
};

static char peek(const struct cursor *c, size_t *step)
{
    uint32_t cp;

    *step = 0;
    if (c->at >= c->len)
        return '\0';
    *step = aglm_utf8_decode(c->text + c->at, c->len - c->at, &cp);
    cp = aglm_cp_fold_width(cp);
    if (cp == 0x2212) /* minus sign */
        return '-';
    return cp < 0x80 ? (char)cp : '\0';
}

static bool take(struct cursor *c, char wanted)
{
    size_t step;

    if (peek(c, &step) != wanted || step == 0)
        return false;
    c->at += step;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(struct cursor *c, char *out, size_t *n, size_t most)
{
    size_t step, taken = 0;

    for (char d; taken < most && is_digit(d = peek(c, &step)); taken++) {
        if (*n < DIGITS_MAX)
            out[(*n)++] = d;
        c->at += step;
    }
    return taken;
}

/* ",ddd" groups behind one to three digits. */
static void groups(struct cursor *c, char *out, size_t *n)
{
    for (;;) {
        struct cursor ahead = *c;
        char group[4];
        size_t in_group = 0, step;
        if (!take(&ahead, ',') || digits(&ahead, group, &in_group, 3) != 3 ||
            is_digit(peek(&ahead, &step)) || *n + 3 > DIGITS_MAX)
            return;
        memcpy(out + *n, group, 3);
        *n += 3;
        *c = ahead;
    }
}

/* 12, 1,234, 3.5, .5; leaves the cursor behind it. */
static bool decimal(struct cursor *c, double *value)
{
    char out[DIGITS_MAX + 8];
    size_t n = 0;
    struct cursor ahead;
    size_t whole = digits(c, out, &n, DIGITS_MAX);

    if (whole > 0 && whole <= 3)
        groups(c, out, &n);
    ahead = *c;
    if (n + 1 < DIGITS_MAX && take(&ahead, '.')) {
        size_t before = n;
        out[n++] = '.';
        if (digits(&ahead, out, &n, DIGITS_MAX) > 0)
            *c = ahead;
        else
            n = before;
    }
    return n > 0 && aglm_double_parse(out, n, value);
}

/* Behind a first number: "/ b", or a blank and "a/b". */
static void fraction(struct cursor *c, double *value)
{
    struct cursor ahead = *c;
    double a = 0, b = 0;

    if (take(&ahead, '/') && decimal(&ahead, &b) && b > 0) {
        *value /= b;
        *c = ahead;
        return;
    }
    ahead = *c;
    if (*value == floor(*value) && take(&ahead, ' ') && decimal(&ahead, &a) && take(&ahead, '/') &&
        decimal(&ahead, &b) && b > 0) {
        *value += a / b;
        *c = ahead;
    }
}

/* A minus belongs to the number unless a letter, a digit or a closing bracket stands before it. */
static bool negative(const char *text, size_t sign_at)
{
    char before = sign_at > 0 ? text[sign_at - 1] : ' ';

    return !is_digit(before) && !(before >= 'a' && before <= 'z') &&
           !(before >= 'A' && before <= 'Z') && before != ')' && before != ']';
}

/* A number at the cursor, which goes behind it and its percent sign. */
static bool number_here(struct cursor *c, size_t sign_at, double *value, bool *percent)
{
    struct cursor ahead = *c;

    if (!decimal(&ahead, value))
        return false;
    fraction(&ahead, value);
    if (sign_at != SIZE_MAX && negative(c->text, sign_at))
        *value = -*value;
    *c = ahead;
    *percent = take(c, '%');
    return true;
}

/* The next number from the cursor on, with its sign; false at the end of the text. */
static bool next_number(struct cursor *c, double *value, bool *percent)
{
    size_t sign_at = SIZE_MAX, step;

    for (char ch; c->at < c->len; c->at += step) {
        ch = peek(c, &step);
        if ((is_digit(ch) || ch == '.') && number_here(c, sign_at, value, percent))
            return true;
        if (ch == '-')
            sign_at = c->at;
        else if (ch != '$' && ch != ' ') /* "-$5" */
            sign_at = SIZE_MAX;
    }
    return false;
}

/* What stands behind the last "####" of a GSM8K answer, or all. */
static struct cursor where_to_look(const char *text, size_t len)
{
    for (size_t i = len; i >= 4; i--)
        if (memcmp(text + i - 4, "####", 4) == 0)
            return (struct cursor){text, len, i};
    return (struct cursor){text, len, 0};
}

bool aglm_text_number(const char *text, size_t len, double *value, bool *percent)
{
    struct cursor c = where_to_look(text, len);
    bool marked = c.at > 0, found = false, sign;
    double v;

    while (next_number(&c, &v, &sign)) {
        *value = v;
        if (percent)
            *percent = sign;
        found = true;
        if (marked)
            break;
    }
    return found;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= TOLERANCE * fmax(1, fmax(fabs(a), fabs(b)));
}

aglm_rc aglm_count_numeric(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    double said = 0, wanted = 0;
    bool said_percent = false, wanted_percent = false, right = false;
    bool found = aglm_text_number(a->text, a->len, &said, &said_percent);

    for (size_t r = 0; r < a->n_refs; r++) {
        if (!aglm_text_number(a->refs[r], strlen(a->refs[r]), &wanted, &wanted_percent))
            return aglm_error_set(err, AGLM_FORMAT,
                                  "numeric: the reference \"%.60s\" has no number", a->refs[r]);
        right = right || near(said, wanted) ||
                (said_percent != wanted_percent &&
                 near(said_percent ? said / 100 : said, wanted_percent ? wanted / 100 : wanted));
    }
    return aglm_count_score(out, found && right);
}
