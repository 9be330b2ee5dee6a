/* Tests: value is name(args). */
#include <math.h>

#include "base/utf8.h"
#include "lm/jinja_run.h"

#define TEST(name, condition)                                                                      \
    static aglm_rc name(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)                               \
    {                                                                                              \
        const aglm_jval *v = &c->self;                                                             \
                                                                                                   \
        (void)r;                                                                                   \
        *out = aglm_jval_bool(condition);                                                          \
        return AGLM_OK;                                                                            \
    }

TEST(is_defined, v->kind != AGLM_J_UNDEFINED)
TEST(is_undefined, v->kind == AGLM_J_UNDEFINED)
TEST(is_none, v->kind == AGLM_J_NONE)
TEST(is_boolean, v->kind == AGLM_J_BOOL)
TEST(is_true, v->kind == AGLM_J_BOOL && v->b)
TEST(is_false, v->kind == AGLM_J_BOOL && !v->b)
TEST(is_integer, v->kind == AGLM_J_INT)
TEST(is_float, v->kind == AGLM_J_FLOAT)
TEST(is_number, v->kind == AGLM_J_INT || v->kind == AGLM_J_FLOAT || v->kind == AGLM_J_BOOL)
TEST(is_string, v->kind == AGLM_J_STRING)
TEST(is_mapping, v->kind == AGLM_J_DICT)
TEST(is_iterable, aglm_jval_iterable(v))
TEST(is_escaped, v->kind == AGLM_J_STRING && v->flag)
TEST(is_sequence, v->kind == AGLM_J_STRING || v->kind == AGLM_J_LIST || v->kind == AGLM_J_TUPLE ||
                      v->kind == AGLM_J_DICT || v->kind == AGLM_J_RANGE ||
                      v->kind == AGLM_J_UNDEFINED)
TEST(is_callable, v->kind == AGLM_J_MACRO || v->kind == AGLM_J_METHOD ||
                      v->kind == AGLM_J_FUNCTION || v->kind == AGLM_J_JOINER ||
                      v->kind == AGLM_J_LOOP || v->kind == AGLM_J_UNDEFINED)

/* Whether all cased characters are of one case, and there is one. */
static aglm_rc one_case(aglm_jrun *r, const aglm_jval *v, bool lower, aglm_jval *out)
{
    aglm_jval text;
    bool cased = false;
    bool all = true;
    aglm_rc rc = aglm_jrun_str(r, v, &text);

    for (size_t at = 0; !rc && at < text.len;) {
        uint32_t cp;
        at += aglm_utf8_decode(text.s + at, text.len - at, &cp);
        bool is_upper = aglm_cp_lower(cp) != cp;
        bool is_lower = aglm_cp_upper(cp) != cp;
        cased |= is_upper || is_lower;
        all &= !(lower ? is_upper : is_lower);
    }
    *out = aglm_jval_bool(cased && all);
    return rc;
}

static aglm_rc is_lower(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return one_case(r, &c->self, true, out);
}

static aglm_rc is_upper(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return one_case(r, &c->self, false, out);
}

static aglm_rc compare(aglm_jrun *r, aglm_jcall *c, char op, aglm_jval *out)
{
    bool holds = false;
    aglm_rc rc = aglm_jrun_compare(r, op, &c->self, &c->arg[0], &holds);

    *out = aglm_jval_bool(holds);
    return rc;
}

#define COMPARISON(name, op)                                                                       \
    static aglm_rc name(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)                               \
    {                                                                                              \
        return compare(r, c, op, out);                                                             \
    }

COMPARISON(is_eq, AGLM_JOP_EQ)
COMPARISON(is_ne, AGLM_JOP_NE)
COMPARISON(is_lt, '<')
COMPARISON(is_gt, '>')
COMPARISON(is_le, AGLM_JOP_LE)
COMPARISON(is_ge, AGLM_JOP_GE)
COMPARISON(is_in, AGLM_JOP_IN)

static aglm_rc is_sameas(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    const aglm_jval *a = &c->self;
    const aglm_jval *b = &c->arg[0];
    bool same = a->kind == b->kind;

    (void)r;
    if (same && a->kind == AGLM_J_BOOL)
        same = a->b == b->b;
    else if (same && a->kind > AGLM_J_BOOL)
        same = a->i == b->i;
    *out = aglm_jval_bool(same);
    return AGLM_OK;
}

/* The remainder is zero. */
static aglm_rc divides(aglm_jrun *r, const aglm_jval *v, const aglm_jval *by, bool *out)
{
    aglm_jval rest;
    double f;
    aglm_rc rc = aglm_jrun_binary(r, '%', v, by, &rest);

    *out = !rc && aglm_jval_number(&rest, &f) && f == 0;
    return rc;
}

static aglm_rc is_divisibleby(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    bool holds;
    aglm_rc rc = divides(r, &c->self, &c->arg[0], &holds);

    *out = aglm_jval_bool(holds);
    return rc;
}

static aglm_rc is_even(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    const aglm_jval two = aglm_jval_int(2);
    bool holds;
    aglm_rc rc = divides(r, &c->self, &two, &holds);

    *out = aglm_jval_bool(holds);
    return rc;
}

static aglm_rc is_odd(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    const aglm_jval two = aglm_jval_int(2);
    const aglm_jval one = aglm_jval_int(1);
    aglm_jval rest;
    bool holds = false;
    aglm_rc rc = aglm_jrun_binary(r, '%', &c->self, &two, &rest);

    if (!rc)
        rc = aglm_jrun_equal(r, &rest, &one, &holds);
    *out = aglm_jval_bool(holds);
    return rc;
}

TEST(is_filter, v->kind == AGLM_J_STRING && aglm_jfilter_find(v))
TEST(is_test, v->kind == AGLM_J_STRING && aglm_jtest_find(v))

const aglm_jbuiltin *aglm_jtest_find(const aglm_jval *name)
{
    static const aglm_jbuiltin tests[] = {
        {"!=", is_ne, "other", false},
        {"<", is_lt, "other", false},
        {"<=", is_le, "other", false},
        {"==", is_eq, "other", false},
        {">", is_gt, "other", false},
        {">=", is_ge, "other", false},
        {"boolean", is_boolean, "", false},
        {"callable", is_callable, "", false},
        {"defined", is_defined, "", false},
        {"divisibleby", is_divisibleby, "num", false},
        {"eq", is_eq, "other", false},
        {"equalto", is_eq, "other", false},
        {"escaped", is_escaped, "", false},
        {"even", is_even, "", false},
        {"false", is_false, "", false},
        {"filter", is_filter, "", false},
        {"float", is_float, "", false},
        {"ge", is_ge, "other", false},
        {"greaterthan", is_gt, "other", false},
        {"gt", is_gt, "other", false},
        {"in", is_in, "seq", false},
        {"integer", is_integer, "", false},
        {"iterable", is_iterable, "", false},
        {"le", is_le, "other", false},
        {"lessthan", is_lt, "other", false},
        {"lower", is_lower, "", false},
        {"lt", is_lt, "other", false},
        {"mapping", is_mapping, "", false},
        {"ne", is_ne, "other", false},
        {"none", is_none, "", false},
        {"number", is_number, "", false},
        {"odd", is_odd, "", false},
        {"sameas", is_sameas, "other", false},
        {"sequence", is_sequence, "", false},
        {"string", is_string, "", false},
        {"test", is_test, "", false},
        {"true", is_true, "", false},
        {"undefined", is_undefined, "", false},
        {"upper", is_upper, "", false},
    };

    return aglm_jbuiltin_find(tests, sizeof tests / sizeof *tests, name);
}
