/* Operators between values, as Python has them. */
#include <math.h>
#include <stdlib.h>

#include "lm/jinja_run.h"

#define MAX_COMPARED_DEPTH 200

static aglm_rc no_operator(aglm_jrun *r, const char *op, const aglm_jval *a, const aglm_jval *b)
{
    if (a->kind == AGLM_J_UNDEFINED)
        return aglm_jrun_fail_undefined(r, a);
    if (b->kind == AGLM_J_UNDEFINED)
        return aglm_jrun_fail_undefined(r, b);
    return aglm_jrun_fail(r, AGLM_INVALID,
                          "'%s' does not work between '%s' and '%s'; convert with |string or |int",
                          op, aglm_jval_type(a), aglm_jval_type(b));
}

static const char *operator_text(char op, char buf[2])
{
    switch (op) {
    case AGLM_JOP_POWER:
        return "**";
    case AGLM_JOP_FLOOR:
        return "//";
    case AGLM_JOP_GE:
        return ">=";
    case AGLM_JOP_LE:
        return "<=";
    default:
        buf[0] = op;
        buf[1] = '\0';
        return buf;
    }
}

static aglm_rc overflow(aglm_jrun *r)
{
    return aglm_jrun_fail(r, AGLM_LIMIT, "a whole number over 64 bits");
}

static aglm_rc divided_by_zero(aglm_jrun *r)
{
    return aglm_jrun_fail(r, AGLM_INVALID, "division by zero");
}

static aglm_rc int_power(aglm_jrun *r, int64_t a, int64_t b, aglm_jval *out)
{
    int64_t result = 1;

    if (b < 0) {
        if (a == 0)
            return divided_by_zero(r);
        *out = aglm_jval_float(pow((double)a, (double)b));
        return AGLM_OK;
    }
    if (a == 1 || a == 0 || a == -1)
        b = b > 1 ? 2 - (b & 1) : b;
    for (int64_t i = 0; i < b; i++)
        if (__builtin_mul_overflow(result, a, &result))
            return overflow(r);
    *out = aglm_jval_int(result);
    return AGLM_OK;
}

/* Rounded down, the remainder with the divisor's sign. */
static void floor_divide(int64_t a, int64_t b, int64_t *quotient, int64_t *remainder)
{
    *quotient = a / b;
    *remainder = a % b;
    if (*remainder && (*remainder < 0) != (b < 0)) {
        *remainder += b;
        --*quotient;
    }
}

static aglm_rc int_divide(aglm_jrun *r, char op, int64_t a, int64_t b, aglm_jval *out)
{
    int64_t quotient;
    int64_t remainder;

    if (b == 0)
        return divided_by_zero(r);
    if (op == '/') {
        *out = aglm_jval_float((double)a / (double)b);
        return AGLM_OK;
    }
    if (a == INT64_MIN && b == -1) {
        *out = aglm_jval_int(0);
        return op == '%' ? AGLM_OK : overflow(r);
    }
    floor_divide(a, b, &quotient, &remainder);
    *out = aglm_jval_int(op == '%' ? remainder : quotient);
    return AGLM_OK;
}

static aglm_rc int_operator(aglm_jrun *r, char op, int64_t a, int64_t b, aglm_jval *out)
{
    int64_t result;
    bool over;

    switch (op) {
    case '+':
        over = __builtin_add_overflow(a, b, &result);
        break;
    case '-':
        over = __builtin_sub_overflow(a, b, &result);
        break;
    case '*':
        over = __builtin_mul_overflow(a, b, &result);
        break;
    case AGLM_JOP_POWER:
        return int_power(r, a, b, out);
    default:
        return int_divide(r, op, a, b, out);
    }
    *out = aglm_jval_int(result);
    return over ? overflow(r) : AGLM_OK;
}

/* CPython's float floor division and remainder. */
static void float_divide(double a, double b, double *quotient, double *remainder)
{
    double m = fmod(a, b);
    double q = (a - m) / b;

    if (m != 0 && (b < 0) != (m < 0)) {
        m += b;
        q -= 1;
    } else if (m == 0) {
        m = copysign(0, b);
    }
    *quotient = q != 0 ? floor(q) + (q - floor(q) > 0.5) : copysign(0, a / b);
    *remainder = m;
}

static aglm_rc float_power(aglm_jrun *r, double a, double b, aglm_jval *out)
{
    if (a == 0 && b < 0)
        return divided_by_zero(r);
    double f = pow(a, b);
    if (isinf(f) && isfinite(a) && isfinite(b))
        return aglm_jrun_fail(r, AGLM_INVALID, "the power is too large for a float");
    if (isnan(f) && !isnan(a) && !isnan(b))
        return aglm_jrun_fail(r, AGLM_UNSUPPORTED, "complex numbers are not supported");
    *out = aglm_jval_float(f);
    return AGLM_OK;
}

static aglm_rc float_operator(aglm_jrun *r, char op, double a, double b, aglm_jval *out)
{
    double quotient;
    double remainder;

    if ((op == '/' || op == '%' || op == AGLM_JOP_FLOOR) && b == 0)
        return divided_by_zero(r);
    switch (op) {
    case '+':
        *out = aglm_jval_float(a + b);
        return AGLM_OK;
    case '-':
        *out = aglm_jval_float(a - b);
        return AGLM_OK;
    case '*':
        *out = aglm_jval_float(a * b);
        return AGLM_OK;
    case '/':
        *out = aglm_jval_float(a / b);
        return AGLM_OK;
    case AGLM_JOP_POWER:
        return float_power(r, a, b, out);
    default:
        float_divide(a, b, &quotient, &remainder);
        *out = aglm_jval_float(op == '%' ? remainder : quotient);
        return AGLM_OK;
    }
}

/* Where one is markup, the other is escaped and the sum is markup. */
static aglm_rc add_text(aglm_jrun *r, const aglm_jval *a, const aglm_jval *b, aglm_jval *out)
{
    bool markup = a->flag || b->flag;
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = markup ? aglm_jrun_append_escaped(r, a) : aglm_jrun_append(r, a->s, a->len);

    if (!rc)
        rc = markup ? aglm_jrun_append_escaped(r, b) : aglm_jrun_append(r, b->s, b->len);
    if (!rc)
        rc = aglm_jrun_take(r, from, out);
    out->flag = markup;
    return rc;
}

static aglm_rc push_list(aglm_jrun *r, const aglm_jlist *l, const aglm_jval *to)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0, n = l->n; i < n && !rc; i++)
        rc = aglm_jrun_push(r, to, l->items[i]);
    return rc;
}

static aglm_rc add_lists(aglm_jrun *r, const aglm_jval *a, const aglm_jval *b, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_new_list(r, (aglm_jkind)a->kind, out);

    if (!rc)
        rc = push_list(r, a->list, out);
    return rc ? rc : push_list(r, b->list, out);
}

static aglm_rc repeat(aglm_jrun *r, const aglm_jval *v, int64_t times, aglm_jval *out)
{
    size_t from = aglm_jrun_begin(r);
    bool text = v->kind == AGLM_J_STRING;
    aglm_rc rc = text ? AGLM_OK : aglm_jrun_new_list(r, (aglm_jkind)v->kind, out);

    if (text ? v->len == 0 : v->list->n == 0)
        times = 0;
    for (int64_t i = 0; i < times && !rc; i++) {
        rc = text ? aglm_jrun_append(r, v->s, v->len) : push_list(r, v->list, out);
        if (!rc)
            rc = aglm_jrun_step(r, 1);
    }
    if (!rc && text)
        rc = aglm_jrun_take(r, from, out);
    if (!rc && text)
        out->flag = v->flag;
    return rc;
}

static bool is_sequence(const aglm_jval *v)
{
    return v->kind == AGLM_J_STRING || v->kind == AGLM_J_LIST || v->kind == AGLM_J_TUPLE;
}

aglm_rc aglm_jrun_binary(aglm_jrun *r, char op, const aglm_jval *a, const aglm_jval *b,
                         aglm_jval *out)
{
    int64_t i;
    int64_t k;
    double x;
    double y;
    char buf[2];

    if (aglm_jval_whole(a, &i) && aglm_jval_whole(b, &k))
        return int_operator(r, op, i, k, out);
    if (aglm_jval_number(a, &x) && aglm_jval_number(b, &y))
        return float_operator(r, op, x, y, out);
    if (op == '+' && a->kind == b->kind && is_sequence(a))
        return a->kind == AGLM_J_STRING ? add_text(r, a, b, out) : add_lists(r, a, b, out);
    if (op == '*' && is_sequence(a) && aglm_jval_whole(b, &k))
        return repeat(r, a, k, out);
    if (op == '*' && is_sequence(b) && aglm_jval_whole(a, &k))
        return repeat(r, b, k, out);
    if (op == '%' && a->kind == AGLM_J_STRING && b->kind != AGLM_J_UNDEFINED)
        return aglm_jrun_percent(r, a, b, out);
    return no_operator(r, operator_text(op, buf), a, b);
}

aglm_rc aglm_jrun_equal(aglm_jrun *r, const aglm_jval *a, const aglm_jval *b, bool *out)
{
    uint64_t left = r->options.max_steps - r->steps;
    uint64_t before = left;

    *out = aglm_jval_equal(a, b, MAX_COMPARED_DEPTH, &left);
    return aglm_jrun_step(r, left ? before - left : before + 1);
}

/* -1, 0, 1; 2: one of them is no number. */
static int order_text(const aglm_jval *a, const aglm_jval *b)
{
    size_t n = a->len < b->len ? a->len : b->len;
    int order = n ? memcmp(a->s, b->s, n) : 0;

    if (order)
        return order < 0 ? -1 : 1;
    return (a->len > b->len) - (a->len < b->len);
}

static aglm_rc order(aglm_jrun *r, char op, const aglm_jval *a, const aglm_jval *b, int *out);

/* The first unequal pair decides, then the length. */
static aglm_rc order_lists(aglm_jrun *r, char op, const aglm_jval *a, const aglm_jval *b, int *out)
{
    size_t n = a->list->n < b->list->n ? a->list->n : b->list->n;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < n && !rc; i++) {
        const aglm_jval *x = &a->list->items[i];
        const aglm_jval *y = &b->list->items[i];
        bool equal = true;
        rc = aglm_jrun_equal(r, x, y, &equal);
        if (!rc && !equal)
            return order(r, op, x, y, out);
    }
    *out = (a->list->n > b->list->n) - (a->list->n < b->list->n);
    return rc;
}

static aglm_rc order(aglm_jrun *r, char op, const aglm_jval *a, const aglm_jval *b, int *out)
{
    int64_t i;
    int64_t k;
    double x;
    double y;
    char buf[2];

    if (aglm_jval_whole(a, &i) && aglm_jval_whole(b, &k)) {
        *out = (i > k) - (i < k);
        return AGLM_OK;
    }
    if (aglm_jval_number(a, &x) && aglm_jval_number(b, &y)) {
        *out = isnan(x) || isnan(y) ? 2 : (x > y) - (x < y);
        return AGLM_OK;
    }
    if (a->kind == AGLM_J_STRING && b->kind == AGLM_J_STRING) {
        *out = order_text(a, b);
        return AGLM_OK;
    }
    if (a->kind == b->kind && (a->kind == AGLM_J_LIST || a->kind == AGLM_J_TUPLE)) {
        aglm_rc rc = aglm_jrun_enter(r);
        if (!rc)
            rc = order_lists(r, op, a, b, out);
        r->depth -= !rc;
        return rc;
    }
    return no_operator(r, operator_text(op, buf), a, b);
}

static aglm_rc contains(aglm_jrun *r, const aglm_jval *item, const aglm_jval *in, bool *out)
{
    aglm_jlist items;

    *out = false;
    if (in->kind == AGLM_J_STRING) {
        if (item->kind != AGLM_J_STRING)
            return aglm_jrun_fail(r, AGLM_INVALID,
                                  "'in <string>' requires string as left operand, not '%s'",
                                  aglm_jval_type(item));
        *out = aglm_jtext_find((aglm_jspan){in->s, in->len}, (aglm_jspan){item->s, item->len}, 0) !=
               SIZE_MAX;
        return aglm_jrun_step(r, in->len / 64);
    }
    if (in->kind == AGLM_J_DICT || (in->kind == AGLM_J_VIEW && in->flag == AGLM_JVIEW_KEYS)) {
        if (!aglm_jval_hashable(item))
            return aglm_jrun_fail(r, AGLM_INVALID, "unhashable type: '%s'", aglm_jval_type(item));
        *out = aglm_jdict_get(in->dict, item) != NULL;
        return AGLM_OK;
    }
    if (!aglm_jval_iterable(in))
        return aglm_jrun_fail(r, AGLM_INVALID, "argument of type '%s' is not iterable",
                              aglm_jval_type(in));
    aglm_rc rc = aglm_jrun_iterate(r, in, &items);
    for (size_t i = 0; i < items.n && !rc && !*out; i++)
        rc = aglm_jrun_equal(r, item, &items.items[i], out);
    return rc;
}

aglm_rc aglm_jrun_compare(aglm_jrun *r, char op, const aglm_jval *a, const aglm_jval *b, bool *out)
{
    int o = 2;
    aglm_rc rc = AGLM_OK;

    switch (op) {
    case AGLM_JOP_EQ:
    case AGLM_JOP_NE:
        rc = aglm_jrun_equal(r, a, b, out);
        *out = *out == (op == AGLM_JOP_EQ);
        return rc;
    case AGLM_JOP_IN:
    case AGLM_JOP_NOT_IN:
        rc = contains(r, a, b, out);
        *out = *out == (op == AGLM_JOP_IN);
        return rc;
    default:
        rc = order(r, op, a, b, &o);
    }
    if (op == '<')
        *out = o == -1;
    else if (op == '>')
        *out = o == 1;
    else if (op == AGLM_JOP_LE)
        *out = o == -1 || o == 0;
    else
        *out = o == 1 || o == 0;
    return rc;
}

static aglm_rc merge(aglm_jrun *r, aglm_jpair *to, const aglm_jpair *from, const size_t bound[3],
                     bool reverse)
{
    size_t i = bound[0];
    size_t k = bound[1];

    for (size_t at = bound[0]; at < bound[2]; at++) {
        bool later = false;
        if (i < bound[1] && k < bound[2]) {
            const aglm_jpair *a = reverse ? &from[i] : &from[k];
            const aglm_jpair *b = reverse ? &from[k] : &from[i];
            aglm_rc rc = aglm_jrun_compare(r, '<', &a->key, &b->key, &later);
            if (!rc)
                rc = aglm_jrun_step(r, 1);
            if (rc)
                return rc;
        }
        bool second = i >= bound[1] || (k < bound[2] && later);
        to[at] = second ? from[k++] : from[i++];
    }
    return AGLM_OK;
}

/* Merge sort from the bottom. */
aglm_rc aglm_jrun_sort(aglm_jrun *r, aglm_jpair *pairs, size_t n, bool reverse)
{
    aglm_jpair *other = aglm_arena_array(&r->arena, n, sizeof *other);
    aglm_jpair *from = pairs;

    if (!other)
        return aglm_jrun_full(r);
    for (size_t width = 1; width < n; width *= 2) {
        aglm_jpair *to = from == pairs ? other : pairs;
        for (size_t at = 0; at < n; at += 2 * width) {
            size_t middle = at + width < n ? at + width : n;
            size_t end = at + 2 * width < n ? at + 2 * width : n;
            const size_t bound[3] = {at, middle, end};
            aglm_rc rc = merge(r, to, from, bound, reverse);
            if (rc)
                return rc;
        }
        from = to;
    }
    if (from != pairs)
        memcpy(pairs, from, n * sizeof *pairs);
    return AGLM_OK;
}
