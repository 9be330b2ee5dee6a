#include "lm/grammar_number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DIGITS 15 /* all that a double keeps */
#define MOST (1e15 - 1)
#define MORE_DECIMALS 3 /* than needed */

/* ---- the range ---- */

static bool within(const aglm_number_range *r, double v)
{
    return (r->low_open ? v > r->low : v >= r->low) && (r->high_open ? v < r->high : v <= r->high);
}

/* The first and last n with n / unit within the range: a quotient of whole numbers is what its
 * decimal text reads back as. False when there is none. */
static bool ends(const aglm_number_range *r, double unit, double *first, double *last)
{
    double a = fmax(ceil(r->low * unit), -MOST), b = fmin(floor(r->high * unit), MOST);

    while (a <= b && !within(r, a / unit))
        a++;
    while (b >= a && !within(r, b / unit))
        b--;
    if (a <= b && a > -MOST && within(r, (a - 1) / unit))
        a--;
    if (a <= b && b < MOST && within(r, (b + 1) / unit))
        b++;
    *first = a;
    *last = b;
    return a <= b;
}

static void narrow(const aglm_json *schema, const char *name, bool open, double sign, double *bound,
                   bool *bound_open)
{
    const aglm_json *v = aglm_json_get(schema, name);
    double x = aglm_json_double(v, 0);

    if (!v || sign * x < sign * *bound)
        return;
    *bound_open = open || (*bound_open && x == *bound);
    *bound = x;
}

aglm_number_range aglm_number_range_of(const aglm_json *schema, bool integer)
{
    aglm_number_range r = {.low = -INFINITY, .high = INFINITY, .decimals = -1};
    double first, last;

    narrow(schema, "minimum", false, 1, &r.low, &r.low_open);
    narrow(schema, "exclusiveMinimum", true, 1, &r.low, &r.low_open);
    narrow(schema, "maximum", false, -1, &r.high, &r.high_open);
    narrow(schema, "exclusiveMaximum", true, -1, &r.high, &r.high_open);
    for (int k = 0; k <= (integer ? 0 : DIGITS) && r.decimals < 0; k++)
        if (ends(&r, pow(10, k), &first, &last))
            r.decimals = k;
    return r;
}

/* ---- its rules ---- */

static void put_digits(aglm_str *out, size_t n)
{
    if (n > 0)
        aglm_str_printf(out, n > 1 ? " [0-9]{%zu}" : " [0-9]", n);
}

/* Any n digits, the point before the last `decimals` of them. */
static void put_any(aglm_str *out, size_t n, size_t decimals)
{
    if (decimals > 0 && n >= decimals) {
        put_digits(out, n - decimals);
        aglm_str_puts(out, " \".\"");
        n = decimals;
    }
    put_digits(out, n);
}

static bool all_are(const char *digits, size_t n, char c)
{
    for (size_t i = 0; i < n; i++)
        if (digits[i] != c)
            return false;
    return true;
}

static void put_between(aglm_str *out, const char *low, const char *high, size_t n,
                        size_t decimals);

/* Below a first digit that differs: what begins with low's, with one between, with high's. */
static void put_split(aglm_str *out, const char *low, const char *high, size_t n, size_t decimals)
{
    static const char ZEROS[] = "000000000000000000", NINES[] = "999999999999999999";
    bool below = !all_are(low + 1, n - 1, '0'), above = !all_are(high + 1, n - 1, '9');
    char from = (char)(*low + below), to = (char)(*high - above);
    bool alone = below + above + (from <= to) == 1;

    aglm_str_puts(out, alone ? " " : " (");
    if (below) {
        aglm_str_printf(out, "\"%c\"", *low);
        put_between(out, low + 1, NINES, n - 1, decimals);
    }
    if (from <= to) {
        aglm_str_printf(out, below ? " | [%c-%c]" : "[%c-%c]", from, to);
        put_any(out, n - 1, decimals);
    }
    if (above) {
        aglm_str_printf(out, below || from <= to ? " | \"%c\"" : "\"%c\"", *high);
        put_between(out, ZEROS, high + 1, n - 1, decimals);
    }
    aglm_str_puts(out, alone ? "" : ")");
}

/* The n digits from low to high, the point before the last `decimals`. Of the two ends of a range
 * one at most is no row of 0 or 9 below the first place where they differ, so this is short. */
static void put_between(aglm_str *out, const char *low, const char *high, size_t n, size_t decimals)
{
    if (n == 0 || (all_are(low, n, '0') && all_are(high, n, '9'))) {
        put_any(out, n, decimals);
        return;
    }
    if (n == decimals)
        aglm_str_puts(out, " \".\"");
    decimals = n == decimals ? 0 : decimals;
    if (*low == *high) {
        aglm_str_printf(out, " \"%c\"", *low);
        put_between(out, low + 1, high + 1, n - 1, decimals);
        return;
    }
    put_split(out, low, high, n, decimals);
}

struct series {
    aglm_str *out;
    const char *sign;
    size_t decimals;
    bool first;
};

static void begin(struct series *s)
{
    aglm_str_puts(s->out, s->first ? s->sign : " | ");
    if (!s->first)
        aglm_str_puts(s->out, s->sign);
    s->first = false;
}

/* Whole numbers of units from low to high, both at least 0: those of one length at a time, leading
 * noughts only before the point. */
static void put_magnitudes(struct series *s, double low, double high)
{
    char a[32], b[32];

    for (size_t n = s->decimals + 1; n <= DIGITS + 1; n++) {
        double least = n == s->decimals + 1 ? 0 : pow(10, (double)n - 1);
        double most = pow(10, (double)n) - 1;
        if (least > high || most < low)
            continue;
        snprintf(a, sizeof a, "%0*.0f", (int)n, fmax(low, least));
        snprintf(b, sizeof b, "%0*.0f", (int)n, fmin(high, most));
        begin(s);
        put_between(s->out, a, b, n, s->decimals);
    }
}

static void put_unit(const aglm_number_range *r, int decimals, bool first, aglm_str *out)
{
    struct series s = {.out = out, .sign = "\"-\"", .decimals = (size_t)decimals, .first = first};
    double low, high;

    if (!ends(r, pow(10, decimals), &low, &high))
        return;
    if (low < 0)
        put_magnitudes(&s, fmax(1, -high), -low);
    s.sign = "";
    if (high >= 0)
        put_magnitudes(&s, fmax(0, low), high);
}

void aglm_number_range_put(const aglm_number_range *r, bool integer, aglm_str *out)
{
    int more = r->decimals + MORE_DECIMALS;

    put_unit(r, r->decimals, true, out);
    if (!integer)
        put_unit(r, more < DIGITS ? more : DIGITS, false, out);
}
