/* Statements, and what both halves of the parser share. */
#include <stdarg.h>
#include <stdio.h>

#include "lm/jinja_node.h"
#include "lm/jinja_run.h"

static aglm_jnode *parse_body(aglm_jparser *p, const char *const *ends);

void *aglm_jparser_fail(aglm_jparser *p, aglm_rc rc, const char *fmt, ...)
{
    char text[AGLM_ERROR_MAX];
    va_list ap;

    if (p->rc)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    p->rc = aglm_error_set(p->err, rc, "template line %u, column %u: %s", p->token->line,
                           p->token->column, text);
    return NULL;
}

void *aglm_jparser_expected(aglm_jparser *p, const char *what)
{
    static const char *const names[] = {"the end of the template",
                                        "text",
                                        "{{",
                                        "}}",
                                        "{%",
                                        "%}",
                                        "a name",
                                        "a string",
                                        "a number",
                                        "a number",
                                        "an operator"};
    const aglm_jtoken *t = p->token;
    char text[4] = "";

    switch (t->op) {
    case AGLM_JOP_EQ:
    case AGLM_JOP_NE:
    case AGLM_JOP_GE:
    case AGLM_JOP_LE:
        snprintf(text, sizeof text, "%c=", "=!><"[(size_t)(strchr("engl", t->op) - "engl")]);
        break;
    case AGLM_JOP_POWER:
    case AGLM_JOP_FLOOR:
        snprintf(text, sizeof text, "%s", t->op == AGLM_JOP_POWER ? "**" : "//");
        break;
    default:
        snprintf(text, sizeof text, "%c", t->op);
    }
    if (t->kind == AGLM_JT_NAME)
        return aglm_jparser_fail(p, AGLM_FORMAT, "expected %s, found '%.*s'", what,
                                 (int)(t->value.len < 100 ? t->value.len : 100), t->value.s);
    if (t->kind == AGLM_JT_OPERATOR)
        return aglm_jparser_fail(p, AGLM_FORMAT, "expected %s, found '%s'", what, text);
    return aglm_jparser_fail(p, AGLM_FORMAT, "expected %s, found %s", what, names[t->kind]);
}

aglm_jnode *aglm_jparser_node(aglm_jparser *p, aglm_jnode_kind kind)
{
    aglm_jnode *n = aglm_arena_alloc(&p->j->arena, sizeof *n);

    if (!n)
        return aglm_jparser_fail(p, AGLM_NOMEM, "no memory to parse the template");
    n->kind = (uint8_t)kind;
    n->line = p->token->line;
    n->column = p->token->column;
    return n;
}

bool aglm_jparser_is_op(const aglm_jparser *p, char op)
{
    return p->token->kind == AGLM_JT_OPERATOR && p->token->op == op;
}

bool aglm_jparser_is_name(const aglm_jparser *p, const char *name)
{
    return p->token->kind == AGLM_JT_NAME && aglm_jval_is(&p->token->value, name);
}

bool aglm_jparser_skip_op(aglm_jparser *p, char op)
{
    bool is = aglm_jparser_is_op(p, op);

    p->token += is;
    return is;
}

bool aglm_jparser_skip_name(aglm_jparser *p, const char *name)
{
    bool is = aglm_jparser_is_name(p, name);

    p->token += is;
    return is;
}

bool aglm_jparser_need_op(aglm_jparser *p, char op)
{
    char what[4] = {'\'', op, '\'', 0};

    return aglm_jparser_skip_op(p, op) || aglm_jparser_expected(p, what);
}

bool aglm_jparser_enter(aglm_jparser *p)
{
    if (p->depth >= AGLM_JINJA_MAX_NESTING)
        return aglm_jparser_fail(p, AGLM_LIMIT, "nested deeper than %d levels",
                                 AGLM_JINJA_MAX_NESTING) != NULL;
    p->depth++;
    return true;
}

uint32_t aglm_jparser_sym(aglm_jparser *p, const aglm_jval *name)
{
    uint32_t sym = 0;
    aglm_error err = {0};
    aglm_rc rc = aglm_map_intern(p->j->names, name->s, name->len, &sym, &err);

    if (rc)
        aglm_jparser_fail(p, rc, "%s", err.msg);
    if (!rc && sym <= AGLM_JSYM_KWARGS)
        p->uses |= 1U << sym;
    return sym;
}

aglm_jnode **aglm_jnode_append(aglm_jnode **tail, aglm_jnode *node)
{
    *tail = node;
    return &node->next;
}

static bool need_kind(aglm_jparser *p, aglm_jtoken_kind kind, const char *what)
{
    if (p->token->kind != kind)
        return aglm_jparser_expected(p, what) != NULL;
    p->token++;
    return true;
}

static bool at_one_of(const aglm_jparser *p, const char *const *words)
{
    for (; words && *words; words++)
        if (aglm_jparser_is_name(p, *words))
            return true;
    return false;
}

/* "%}", a body, "{%" and one of the words, at which it stands then. */
static bool parse_block(aglm_jparser *p, const char *const *ends, aglm_jnode **out)
{
    aglm_jparser_skip_op(p, ':');
    if (!need_kind(p, AGLM_JT_BLOCK_END, "%}"))
        return false;
    *out = parse_body(p, ends);
    if (!p->rc && p->token->kind == AGLM_JT_END)
        aglm_jparser_fail(p, AGLM_FORMAT, "the template ends where {%% %s %%} is missing", *ends);
    return !p->rc;
}

/* The body up to its one closing word, stepped over. */
static aglm_jnode *parse_closed(aglm_jparser *p, aglm_jnode *n, const char *end)
{
    const char *const ends[] = {end, NULL};

    if (!n || !parse_block(p, ends, &n->body))
        return NULL;
    p->token++;
    return n;
}

static aglm_jnode *parse_if(aglm_jparser *p)
{
    static const char *const ends[] = {"endif", "elif", "else", NULL};
    static const char *const end[] = {"endif", NULL};
    static const aglm_jtuple_rule rule = {.no_choice = true};
    aglm_jnode *first = aglm_jparser_node(p, AGLM_JN_IF);
    aglm_jnode *n = first;

    while (n) {
        n->a = aglm_jparser_tuple(p, &rule);
        if (!n->a || !parse_block(p, ends, &n->body))
            return NULL;
        if (aglm_jparser_skip_name(p, "elif")) {
            n->other = aglm_jparser_node(p, AGLM_JN_IF);
            n = n->other;
            continue;
        }
        if (aglm_jparser_skip_name(p, "else") && !parse_block(p, end, &n->other))
            return NULL;
        p->token++;
        return first;
    }
    return NULL;
}

static aglm_jnode *parse_for(aglm_jparser *p)
{
    static const char *const ends[] = {"endfor", "else", NULL};
    static const char *const end[] = {"endfor", NULL};
    static const aglm_jtuple_rule rule = {.no_choice = true, .end = "recursive"};
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_FOR);

    if (!n)
        return NULL;
    n->a = aglm_jparser_target(p, false);
    if (!n->a)
        return NULL;
    if (!aglm_jparser_skip_name(p, "in"))
        return aglm_jparser_expected(p, "in");
    n->b = aglm_jparser_tuple(p, &rule);
    if (!n->b)
        return NULL;
    if (aglm_jparser_skip_name(p, "if")) {
        n->c = aglm_jparser_expression(p);
        if (!n->c)
            return NULL;
    }
    n->op = (char)aglm_jparser_skip_name(p, "recursive");
    p->loops++;
    bool ok = parse_block(p, ends, &n->body);
    p->loops--;
    if (ok && aglm_jparser_skip_name(p, "else"))
        ok = parse_block(p, end, &n->other);
    p->token += ok;
    return ok ? n : NULL;
}

static aglm_jnode *parse_set(aglm_jparser *p)
{
    static const aglm_jtuple_rule rule = {0};
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_SET);

    if (!n)
        return NULL;
    n->a = aglm_jparser_target(p, true);
    if (!n->a)
        return NULL;
    if (aglm_jparser_skip_op(p, '=')) {
        n->b = aglm_jparser_tuple(p, &rule);
        return n->b ? n : NULL;
    }
    n->kind = AGLM_JN_SET_BLOCK;
    if (aglm_jparser_is_op(p, '|')) {
        n->b = aglm_jparser_filters(p, aglm_jparser_node(p, AGLM_JN_CAPTURED), false);
        if (!n->b)
            return NULL;
    }
    return parse_closed(p, n, "endset");
}

static aglm_jnode *parse_param(aglm_jparser *p)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_PARAM);

    if (p->token->kind != AGLM_JT_NAME)
        return aglm_jparser_expected(p, "the name of a parameter");
    if (!n)
        return NULL;
    n->value = p->token->value;
    n->sym = aglm_jparser_sym(p, &n->value);
    p->token++;
    if (!aglm_jparser_skip_op(p, '='))
        return n;
    n->a = aglm_jparser_expression(p);
    return n->a ? n : NULL;
}

static bool parse_params(aglm_jparser *p, aglm_jnode *macro)
{
    aglm_jnode **tail = &macro->params;
    bool defaults = false;

    if (!aglm_jparser_need_op(p, '('))
        return false;
    while (!aglm_jparser_skip_op(p, ')')) {
        if (macro->params && !aglm_jparser_need_op(p, ','))
            return false;
        aglm_jnode *param = parse_param(p);
        if (!param)
            return false;
        if (defaults && !param->a)
            return aglm_jparser_fail(p, AGLM_FORMAT,
                                     "a parameter without default follows one with") != NULL;
        defaults = param->a != NULL;
        tail = aglm_jnode_append(tail, param);
    }
    return true;
}

/* The body of a macro: loops outside are not its own, and the special names it uses are noted. */
static aglm_jnode *parse_macro_body(aglm_jparser *p, aglm_jnode *n, const char *end)
{
    unsigned loops = p->loops;
    unsigned uses = p->uses;

    p->loops = 0;
    p->uses = 0;
    aglm_jnode *done = parse_closed(p, n, end);
    if (done)
        n->op = (char)p->uses;
    p->loops = loops;
    p->uses |= uses;
    return done;
}

static aglm_jnode *parse_macro(aglm_jparser *p)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_MACRO);

    if (p->token->kind != AGLM_JT_NAME)
        return aglm_jparser_expected(p, "the name of a macro");
    if (!n)
        return NULL;
    n->value = p->token->value;
    n->sym = aglm_jparser_sym(p, &n->value);
    p->token++;
    return parse_params(p, n) ? parse_macro_body(p, n, "endmacro") : NULL;
}

static aglm_jnode *parse_call_block(aglm_jparser *p)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_CALL_BLOCK);
    aglm_jnode *macro = aglm_jparser_node(p, AGLM_JN_MACRO);

    if (!n || !macro || (aglm_jparser_is_op(p, '(') && !parse_params(p, macro)))
        return NULL;
    n->a = aglm_jparser_expression(p);
    if (n->a && n->a->kind != AGLM_JN_CALL)
        return aglm_jparser_fail(p, AGLM_FORMAT, "{%% call %%} wants the call of a macro");
    macro->value = aglm_jval_text("caller", 6);
    macro->sym = AGLM_JSYM_CALLER;
    n->b = n->a ? parse_macro_body(p, macro, "endcall") : NULL;
    return n->b ? n : NULL;
}

static aglm_jnode *parse_filter_block(aglm_jparser *p)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_FILTER_BLOCK);

    if (!n)
        return NULL;
    n->b = aglm_jparser_filters(p, aglm_jparser_node(p, AGLM_JN_CAPTURED), true);
    return n->b ? parse_closed(p, n, "endfilter") : NULL;
}

static aglm_jnode *parse_generation(aglm_jparser *p)
{
    return parse_closed(p, aglm_jparser_node(p, AGLM_JN_FILTER_BLOCK), "endgeneration");
}

static aglm_jnode *parse_with(aglm_jparser *p)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_WITH);
    aglm_jnode **tail = n ? &n->params : NULL;

    while (n && p->token->kind != AGLM_JT_BLOCK_END) {
        aglm_jnode *set = aglm_jparser_node(p, AGLM_JN_SET);
        if (!set || (n->params && !aglm_jparser_need_op(p, ',')))
            return NULL;
        set->a = aglm_jparser_target(p, false);
        if (!set->a || !aglm_jparser_need_op(p, '='))
            return NULL;
        set->b = aglm_jparser_expression(p);
        if (!set->b)
            return NULL;
        tail = aglm_jnode_append(tail, set);
    }
    return parse_closed(p, n, "endwith");
}

static aglm_jnode *parse_print(aglm_jparser *p)
{
    static const aglm_jtuple_rule rule = {0};
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_PRINT);

    if (n)
        n->a = aglm_jparser_tuple(p, &rule);
    return n && n->a ? n : NULL;
}

/* {% print a, b %} writes one behind the other. */
static aglm_jnode *parse_print_list(aglm_jparser *p)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_PRINT);
    aglm_jnode *list = aglm_jparser_node(p, AGLM_JN_CONCAT);

    if (!n || !list)
        return NULL;
    n->a = list;
    aglm_jnode **tail = &list->body;
    while (p->token->kind != AGLM_JT_BLOCK_END) {
        if (list->body && !aglm_jparser_need_op(p, ','))
            return NULL;
        aglm_jnode *item = aglm_jparser_expression(p);
        if (!item)
            return NULL;
        tail = aglm_jnode_append(tail, item);
    }
    return n;
}

static aglm_jnode *parse_jump(aglm_jparser *p)
{
    p->token--;
    bool leaves = aglm_jparser_is_name(p, "break");
    if (!p->loops)
        return aglm_jparser_fail(p, AGLM_FORMAT, "%s stands outside of a loop",
                                 leaves ? "break" : "continue");
    aglm_jnode *n = aglm_jparser_node(p, leaves ? AGLM_JN_BREAK : AGLM_JN_CONTINUE);
    p->token++;
    return n;
}

static aglm_jnode *parse_unsupported(aglm_jparser *p)
{
    p->token--;
    return aglm_jparser_fail(p, AGLM_UNSUPPORTED,
                             "{%% %.*s %%} is not supported: put all into one template",
                             (int)p->token->value.len, p->token->value.s);
}

static aglm_jnode *parse_statement(aglm_jparser *p)
{
    static const struct {
        const char *word;
        aglm_jnode *(*parse)(aglm_jparser *);
    } statements[] = {
        {"if", parse_if},
        {"for", parse_for},
        {"set", parse_set},
        {"macro", parse_macro},
        {"call", parse_call_block},
        {"filter", parse_filter_block},
        {"generation", parse_generation},
        {"with", parse_with},
        {"print", parse_print_list},
        {"break", parse_jump},
        {"continue", parse_jump},
        {"block", parse_unsupported},
        {"extends", parse_unsupported},
        {"include", parse_unsupported},
        {"import", parse_unsupported},
        {"from", parse_unsupported},
        {"autoescape", parse_unsupported},
    };

    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        if (aglm_jparser_skip_name(p, statements[i].word))
            return statements[i].parse(p);
    if (p->token->kind != AGLM_JT_NAME)
        return aglm_jparser_expected(p, "the name of a statement");
    return aglm_jparser_fail(p, AGLM_FORMAT, "unknown statement '%.*s'",
                             (int)(p->token->value.len < 100 ? p->token->value.len : 100),
                             p->token->value.s);
}

static aglm_jnode *parse_data(aglm_jparser *p)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_TEXT);

    if (n)
        n->value = p->token->value;
    p->token++;
    return n;
}

static aglm_jnode *parse_variable(aglm_jparser *p)
{
    p->token++;
    aglm_jnode *n = parse_print(p);
    return n && need_kind(p, AGLM_JT_VARIABLE_END, "}}") ? n : NULL;
}

static aglm_jnode *parse_one(aglm_jparser *p)
{
    if (p->token->kind == AGLM_JT_DATA)
        return parse_data(p);
    if (p->token->kind == AGLM_JT_VARIABLE_BEGIN)
        return parse_variable(p);
    aglm_jnode *n = parse_statement(p);
    return n && need_kind(p, AGLM_JT_BLOCK_END, "%}") ? n : NULL;
}

/* Up to one of the words, or the template's end; the first statement, NULL also when there is none.
 */
static aglm_jnode *parse_body(aglm_jparser *p, const char *const *ends)
{
    aglm_jnode *first = NULL;
    aglm_jnode **tail = &first;

    if (!aglm_jparser_enter(p))
        return NULL;
    while (p->token->kind != AGLM_JT_END) {
        if (p->token->kind == AGLM_JT_BLOCK_BEGIN) {
            p->token++;
            if (at_one_of(p, ends))
                break;
        }
        aglm_jnode *n = parse_one(p);
        if (!n)
            return NULL;
        tail = aglm_jnode_append(tail, n);
    }
    p->depth--;
    return first;
}

#define MAX_HEIGHT 2000

struct search {
    const aglm_jnode *unknown;
    const aglm_jnode *too_deep;
};

/* Unknown filters and tests fail here, but in conditionals only when they are reached, as in
 * Jinja2: templates ask "if ... is defined" before they use an extension. Chains such as a.b.c...
 * nest without brackets: they are cut off here, too. */
static void search_tree(struct search *s, const aglm_jnode *n, bool soft, unsigned height)
{
    if (n && height >= MAX_HEIGHT)
        s->too_deep = n;
    for (; n && !s->unknown && !s->too_deep; n = n->next) {
        bool applied = n->kind == AGLM_JN_FILTER || n->kind == AGLM_JN_TEST;
        bool branch = soft || n->kind == AGLM_JN_IF || n->kind == AGLM_JN_CHOICE;
        bool scope = n->kind == AGLM_JN_FOR ||
                     (n->kind >= AGLM_JN_SET_BLOCK && n->kind <= AGLM_JN_WITH);
        const aglm_jnode *const children[] = {n->a, n->b, n->c, n->params, n->body, n->other};
        if (applied && !n->builtin && !soft)
            s->unknown = n;
        for (size_t i = 0; i < 6; i++)
            search_tree(s, children[i], branch && (i < 3 || !scope), height + 1);
    }
}

static aglm_rc check_tree(aglm_jparser *p)
{
    struct search s = {0};

    search_tree(&s, p->j->body, false, 0);
    if (s.too_deep)
        return aglm_error_set(
            p->err, AGLM_LIMIT,
            "template line %u, column %u: an expression or a chain of elif of more "
            "than %d links",
            s.too_deep->line, s.too_deep->column, MAX_HEIGHT);
    const aglm_jnode *n = s.unknown;
    if (!n)
        return AGLM_OK;
    return aglm_error_set(p->err, AGLM_FORMAT, "template line %u, column %u: unknown %s '%.*s'",
                          n->line, n->column, n->kind == AGLM_JN_FILTER ? "filter" : "test",
                          (int)(n->value.len < 100 ? n->value.len : 100), n->value.s);
}

aglm_rc aglm_jparser_run(aglm_jparser *p)
{
    p->j->body = parse_body(p, NULL);
    if (!p->rc)
        p->rc = check_tree(p);
    return p->rc;
}
