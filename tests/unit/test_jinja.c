/* Templates: what they print, what they refuse and where, and that limits hold. */
#include "lm/jinja.h"
#include "unit.h"

static const char VARS[] =
    "{\"n\":3,\"f\":2.5,\"s\":\"Hello\",\"u\":\"\\u4f60\\u597d\",\"l\":[3,1,2],\"none\":null,"
    "\"d\":{\"k\":1,\"list\":[\"x\"]},\"m\":[{\"role\":\"user\",\"content\":\"hi\"}]}";

static aglm_rc render(const char *text, const aglm_jinja_options *o, aglm_str *out, aglm_error *err)
{
    aglm_jinja *j = NULL;
    aglm_json_doc *vars = NULL;
    aglm_rc rc = aglm_json_parse(&vars, VARS, sizeof VARS - 1, NULL, err);

    assert_int_equal(rc, AGLM_OK);
    rc = aglm_jinja_new(&j, text, strlen(text), err);
    if (!rc)
        rc = aglm_jinja_render(j, aglm_json_root(vars), o, out, err);
    aglm_jinja_free(j);
    aglm_json_free(vars);
    return rc;
}

static void prints(const char *text, const char *expected)
{
    aglm_str out;
    aglm_error err = {0};

    aglm_str_init(&out, 1 << 20);
    if (render(text, NULL, &out, &err))
        fail_msg("%s: %s", text, err.msg);
    assert_string_equal(out.data, expected);
    aglm_str_clear(&out);
}

static void refuses_with(const char *text, const aglm_jinja_options *o, aglm_rc rc, const char *why)
{
    aglm_str out;
    aglm_error err = {0};

    aglm_str_init(&out, 1 << 16);
    aglm_str_puts(&out, "kept");
    assert_int_equal(render(text, o, &out, &err), rc);
    if (!strstr(err.msg, why))
        fail_msg("%s: %s", text, err.msg);
    assert_string_equal(out.data, "kept");
    assert_int_equal(out.rc, AGLM_OK);
    aglm_str_clear(&out);
}

static void refuses(const char *text, const char *why)
{
    refuses_with(text, NULL, AGLM_INVALID, why);
}

static void expressions(void **state)
{
    prints("{{ 7 // 2 }} {{ -7 % 3 }} {{ 2 ** 3 }} {{ 1 / 4 }} {{ 1e16 }}", "3 2 8 0.25 1e+16");
    prints("{{ [1, 'a', none, true, 1.0] }}", "[1, 'a', None, True, 1.0]");
    prints("{{ {'a': [1]} | tojson }}", "{\"a\": [1]}");
    prints("{{ u | length }}{{ u[1] }}{{ u | tojson(ensure_ascii=true) }}",
           "2\xe5\xa5\xbd\"\\u4f60\\u597d\"");
    prints("{{ l[::-1] }} {{ s[1:3] }} {{ l | sort | join('-') }}", "[2, 1, 3] el 1-2-3");
    prints("{{ missing }}|{{ d.nope }}|{{ missing | default('x') }}", "||x");
    prints("{{ 1 < 2 < 3 }} {{ 'a' in 'cat' }} {{ n is odd }} {{ s if f > 2 else 'no' }}",
           "True True True Hello");
    prints("{{ '{:>5}|{}'.format(n, s) }} {{ '%03d' % n }}", "    3|Hello 003");
}

static void statements(void **state)
{
    prints("{% for x in l %}{{ loop.index }}{{ x }}{{ ',' if not loop.last }}{% endfor %}",
           "13,21,32");
    prints("{% set ns = namespace(t=0) %}{% for x in l %}{% set ns.t = ns.t + x %}{% endfor %}"
           "{{ ns.t }}",
           "6");
    prints("{% macro f(a, b=2) %}<{{ a }}{{ b }}>{% endmacro %}{{ f(1) }}{{ f(b=3, a=4) }}",
           "<12><43>");
    prints(
        "{% for x in range(9) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 3 %}{% break %}"
        "{% endif %}{{ x }}{% endfor %}",
        "02");
    prints("{% macro w() %}[{{ caller() }}]{% endmacro %}{% call w() %}in{% endcall %}", "[in]");
    prints("{% set x %}a{{ n }}{% endset %}{{ x }}{% generation %}g{% endgeneration %}", "a3g");
    prints("{% raw %}{{ x }}{% endraw %}{# gone #}.", "{{ x }}.");
}

static void white_space(void **state)
{
    prints("a\n  {% if true %}\nb\n  {% endif %}\nc\n", "a\nb\nc");
    prints("a  {%- if true -%}  b  {%- endif -%}  c", "abc");
    prints("a\n  {%+ if true %}b{% endif +%}\nc", "a\n  b\nc");
    prints("a\r\n{{ n }}\r\n", "a\n3");
}

static void failures_tell_where(void **state)
{
    refuses("\n {{ missing.x }}", "line 2, column 12: 'missing' is undefined");
    refuses("{{ d.nope.x }}", "'dict' object has no attribute 'nope'");
    refuses("{{ 'a' + 1 }}", "'str' and 'int'");
    refuses("{{ raise_exception('not ' ~ n) }}", "not 3");
    refuses("{{ 1 // 0 }}", "division by zero");
    refuses("{% for x in n %}{% endfor %}", "'int' object is not iterable");
    refuses("{{ l.append(1) }}", "'append' changes its object");
    refuses("{% set d.k = 2 %}", "non-namespace");
    refuses_with("a\n{{ s | nofilter }}", NULL, AGLM_FORMAT, "line 2, column 8: unknown filter");
    refuses_with("{{ s is notest }}", NULL, AGLM_FORMAT, "unknown test 'notest'");
    refuses_with("{% if a %}", NULL, AGLM_FORMAT, "endif");
    refuses_with("{{ (1 }}", NULL, AGLM_FORMAT, "line 1");
    refuses_with("{{ 'abc }}", NULL, AGLM_FORMAT, "no closing quote");
    refuses_with("{% include 'x' %}", NULL, AGLM_UNSUPPORTED, "include");
    refuses_with("{% break %}", NULL, AGLM_FORMAT, "outside of a loop");
    refuses_with("\xff", NULL, AGLM_FORMAT, "not UTF-8");
}

static void limits(void **state)
{
    const aglm_jinja_options few = {.max_steps = 1000};
    const aglm_jinja_options small = {.max_memory_bytes = 1 << 16};

    refuses_with("{% for a in range(99999) %}{% endfor %}", &few, AGLM_LIMIT, "1000 steps");
    refuses_with("{% set ns = namespace(l=[1]) %}{% for a in range(99) %}"
                 "{% set ns.l = ns.l + ns.l %}{% endfor %}",
                 &small, AGLM_LIMIT, "65536 bytes");
    refuses_with("{{ 'x' * 100000 }}", NULL, AGLM_LIMIT, "text over the limit of 65536");
    refuses_with("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", NULL, AGLM_LIMIT,
                 "nested deeper than 1500");
    refuses_with("{{ range(1000000) }}", NULL, AGLM_LIMIT, "100000");
    refuses_with("{{ 9223372036854775807 + 1 }}", NULL, AGLM_LIMIT, "64 bits");
    refuses_with(
        "{% set ns = namespace(a=[], b=[]) %}{% for i in range(90) %}{% set ns.a = [ns.a, ns.a] %}"
        "{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
        NULL, AGLM_LIMIT, "steps");
}

static size_t put(char *text, size_t at, const char *what)
{
    memcpy(text + at, what, strlen(what) + 1);
    return at + strlen(what);
}

static void long_chains_do_not_overflow_the_stack(void **state)
{
    char *text = malloc(200100);
    size_t n = 0;
    static const struct {
        const char *begin;
        const char *link;
        const char *end;
    } chains[] = {{"{{ n", "+n", " }}"}, {"{{ ", "(", " }}"},  {"{{ ", "not ", "n }}"},
                  {"{{ n", ".a", " }}"}, {"{{ ", "-", "n }}"}, {"{% set ", "(", "%}"}};

    assert_non_null(text);
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        aglm_jinja *j = NULL;
        aglm_error err = {0};
        n = put(text, 0, chains[i].begin);
        while (n < 100000)
            n = put(text, n, chains[i].link);
        n = put(text, n, chains[i].end);
        assert_int_equal(aglm_jinja_new(&j, text, n, &err), AGLM_LIMIT);
        assert_null(j);
    }
    free(text);
}

static aglm_rc collect(void *arg, const char *name, unsigned line, unsigned column, aglm_error *err)
{
    return aglm_str_printf(arg, "%s:%u:%u ", name, line, column);
}

static void variables_wanted(void **state)
{
    static const char text[] =
        "{% set a = b %}{{ a }}{% for c in d if e %}{{ c }}{{ loop.index }}"
        "{% endfor %}\n{% macro f(g, h=i) %}{{ g }}{{ varargs }}{% endmacro %}"
        "{{ f(b) }}{{ range(3) }}{{ c }}";
    aglm_jinja *j = NULL;
    aglm_str names;

    aglm_str_init(&names, 1000);
    assert_int_equal(aglm_jinja_new(&j, text, sizeof text - 1, NULL), AGLM_OK);
    assert_int_equal(aglm_jinja_variables(j, collect, &names, NULL), AGLM_OK);
    assert_string_equal(names.data, "b:1:12 d:1:35 e:1:40 i:2:17 c:2:83 ");
    aglm_str_clear(&names);
    aglm_jinja_free(j);
}

static void renders_twice_the_same(void **state)
{
    aglm_jinja *j = NULL;
    aglm_json_doc *vars = NULL;
    aglm_str out;

    aglm_str_init(&out, 100);
    assert_int_equal(aglm_json_parse(&vars, VARS, sizeof VARS - 1, NULL, NULL), AGLM_OK);
    assert_int_equal(aglm_jinja_new(&j, "{{ l.append(n) }}{{ l }}", 24, NULL), AGLM_OK);
    const aglm_jinja_options o = {.mutable_values = true};
    for (int i = 0; i < 2; i++)
        assert_int_equal(aglm_jinja_render(j, aglm_json_root(vars), &o, &out, NULL), AGLM_OK);
    assert_string_equal(out.data, "None[3, 1, 2, 3]None[3, 1, 2, 3]");
    aglm_jinja_free(j);
    aglm_json_free(vars);
    aglm_str_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions),      cmocka_unit_test(statements),
        cmocka_unit_test(white_space),      cmocka_unit_test(failures_tell_where),
        cmocka_unit_test(limits),           cmocka_unit_test(long_chains_do_not_overflow_the_stack),
        cmocka_unit_test(variables_wanted), cmocka_unit_test(renders_twice_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
