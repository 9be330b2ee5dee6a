#include <math.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "base/json.h"

/* Longer numerals are refused: no writer makes them. */
#define LONGEST_NUMERAL 800

/* yyjson finds the shortest digits (Adams 2018, Raffaello Giulietti's Schubfach); v is finite. */
static size_t shortest(char *out, size_t size, double v)
{
    alignas(16) char scratch[1024];
    yyjson_alc alc;
    yyjson_val val = {0};
    size_t n = 0;

    yyjson_alc_pool_init(&alc, scratch, sizeof scratch);
    unsafe_yyjson_set_real(&val, v);
    char *text = yyjson_val_write_opts(&val, YYJSON_WRITE_NOFLAG, &alc, &n, NULL);
    if (!text || n >= size)
        n = (size_t)snprintf(out, size, "%.17g", v);
    else
        memcpy(out, text, n + 1);
    return n;
}

struct decimal {
    bool negative;
    char digits[32]; /* no zero at either end, "0" for zero */
    int n;
    int point; /* the value is 0.d1d2d3... times 10^point */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int read_exponent(const char *s)
{
    bool negative = *s == '-';
    int e = 0;

    if (*s == '-' || *s == '+')
        s++;
    while (is_digit(*s) && e < 10000)
        e = e * 10 + (*s++ - '0');
    return negative ? -e : e;
}

/* A digit before the point moves it to the right, a zero before the first digit behind it to the
 * left. */
static void take_digit(struct decimal *d, char digit, bool after_point)
{
    bool leading = d->n == 0 && digit == '0';

    if (!leading && d->n < (int)sizeof d->digits)
        d->digits[d->n++] = digit;
    if (after_point && leading)
        d->point--;
    if (!after_point && !leading)
        d->point++;
}

static void take_apart(struct decimal *d, const char *s)
{
    bool after_point = false;

    *d = (struct decimal){.negative = *s == '-'};
    if (d->negative)
        s++;
    for (; is_digit(*s) || *s == '.'; s++) {
        if (*s == '.')
            after_point = true;
        else
            take_digit(d, *s, after_point);
    }
    if (*s == 'e' || *s == 'E')
        d->point += read_exponent(s + 1);
    while (d->n > 0 && d->digits[d->n - 1] == '0')
        d->n--;
    if (d->n == 0) {
        d->digits[d->n++] = '0';
        d->point = 1;
    }
}

static char *copy(char *out, const char *digits, int n)
{
    memcpy(out, digits, (size_t)n);
    return out + n;
}

static char *zeros(char *out, int n)
{
    memset(out, '0', (size_t)n);
    return out + n;
}

static void put_exponent(char *out, int e)
{
    int size = e < 0 ? -e : e;

    *out++ = 'e';
    *out++ = e < 0 ? '-' : '+';
    if (size >= 100)
        *out++ = (char)('0' + size / 100);
    *out++ = (char)('0' + size / 10 % 10);
    *out++ = (char)('0' + size % 10);
    *out = '\0';
}

/* As Python's repr: plain for 1e-4 <= |v| < 1e16, else with an exponent of two digits or more. */
static void put_together(char *out, const struct decimal *d)
{
    int e = d->point - 1;

    if (d->negative)
        *out++ = '-';
    if (e < -4 || e >= 16) {
        *out++ = d->digits[0];
        if (d->n > 1) {
            *out++ = '.';
            out = copy(out, d->digits + 1, d->n - 1);
        }
        put_exponent(out, e);
        return;
    }
    if (d->point <= 0) {
        out = copy(out, "0.", 2);
        out = zeros(out, -d->point);
        out = copy(out, d->digits, d->n);
    } else if (d->n <= d->point) {
        out = copy(out, d->digits, d->n);
        out = zeros(out, d->point - d->n);
        out = copy(out, ".0", 2);
    } else {
        out = copy(out, d->digits, d->point);
        *out++ = '.';
        out = copy(out, d->digits + d->point, d->n - d->point);
    }
    *out = '\0';
}

void aglm_double_format(char *buf, double v)
{
    char text[64];
    struct decimal d;

    if (isnan(v)) {
        snprintf(buf, 4, "nan");
    } else if (isinf(v)) {
        snprintf(buf, 5, "%s", v < 0 ? "-inf" : "inf");
    } else {
        shortest(text, sizeof text, v);
        take_apart(&d, text);
        put_together(buf, &d);
    }
}

static bool same_word(const char *s, size_t len, const char *word)
{
    if (strlen(word) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((s[i] | 0x20) != word[i])
            return false;
    return true;
}

static bool parse_word(const char *s, size_t len, double *out)
{
    bool negative = len && s[0] == '-';

    if (len && (s[0] == '-' || s[0] == '+')) {
        s++;
        len--;
    }
    if (same_word(s, len, "nan"))
        *out = NAN;
    else if (same_word(s, len, "inf") || same_word(s, len, "infinity"))
        *out = negative ? -INFINITY : INFINITY;
    else
        return false;
    return true;
}

/* Rewrites C notation (+1, .5, 1., 007) in JSON's grammar; false when it is no number. */
static bool normalise(const char *s, size_t len, char *out)
{
    size_t i = 0;
    size_t digits = 0;

    if (i < len && (s[i] == '-' || s[i] == '+')) {
        if (s[i++] == '-')
            *out++ = '-';
    }
    for (; i + 1 < len && s[i] == '0' && is_digit(s[i + 1]); i++)
        continue;
    for (; i < len && is_digit(s[i]); digits++)
        *out++ = s[i++];
    if (digits == 0)
        *out++ = '0';
    if (i < len && s[i] == '.') {
        *out++ = s[i++];
        size_t before = digits;
        for (; i < len && is_digit(s[i]); digits++)
            *out++ = s[i++];
        if (digits == before)
            *out++ = '0';
    }
    if (digits == 0)
        return false;
    for (; i < len && s[i] && strchr("eE+-0123456789", s[i]); i++)
        *out++ = s[i];
    *out = '\0';
    return i == len;
}

bool aglm_double_parse(const char *s, size_t len, double *out)
{
    char text[LONGEST_NUMERAL + 8];
    yyjson_val val;

    if (len == 0 || len > LONGEST_NUMERAL)
        return false;
    if (parse_word(s, len, out))
        return true;
    if (!normalise(s, len, text))
        return false;
    const char *end = yyjson_read_number(text, &val, YYJSON_READ_ALLOW_INF_AND_NAN, NULL, NULL);
    if (!end || *end)
        return false;
    *out = yyjson_get_num(&val);
    if (*out == 0 && text[0] == '-')
        *out = -0.0;
    return true;
}
