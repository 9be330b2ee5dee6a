/* Expressions, with the precedence of Jinja2's parser. */
#include <string.h>

#include "lm/jinja_node.h"
#include "lm/jinja_run.h"

static aglm_jnode *parse_or(aglm_jparser *p);
static aglm_jnode *parse_unary(aglm_jparser *p, bool with_filter);

static aglm_jnode *wrap(aglm_jparser *p, aglm_jnode_kind kind, char op, aglm_jnode *a,
                        aglm_jnode *b)
{
    aglm_jnode *n = a && b ? aglm_jparser_node(p, kind) : NULL;

    if (!n)
        return NULL;
    n->op = op;
    n->a = a;
    n->b = b;
    n->line = a->line;
    n->column = a->column;
    return n;
}

static bool at_value_of(const aglm_jparser *p, const char *const *words)
{
    for (; *words; words++)
        if (aglm_jparser_is_name(p, *words))
            return true;
    return false;
}

static aglm_jnode *constant(aglm_jparser *p, aglm_jval v)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_CONST);

    if (n)
        n->value = v;
    p->token++;
    return n;
}

static aglm_jnode *parse_name(aglm_jparser *p)
{
    if (aglm_jparser_is_name(p, "true") || aglm_jparser_is_name(p, "True"))
        return constant(p, aglm_jval_bool(true));
    if (aglm_jparser_is_name(p, "false") || aglm_jparser_is_name(p, "False"))
        return constant(p, aglm_jval_bool(false));
    if (aglm_jparser_is_name(p, "none") || aglm_jparser_is_name(p, "None"))
        return constant(p, aglm_jval_none());
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_NAME);
    if (n) {
        n->value = p->token->value;
        n->sym = aglm_jparser_sym(p, &n->value);
    }
    p->token++;
    return n;
}

/* "a" "b" is one string. */
static aglm_jnode *parse_string(aglm_jparser *p)
{
    aglm_jnode *n = constant(p, p->token->value);

    while (n && p->token->kind == AGLM_JT_STRING) {
        size_t len = (size_t)n->value.len + p->token->value.len;
        char *s = aglm_arena_alloc(&p->j->arena, len + 1);
        if (!s)
            return aglm_jparser_fail(p, AGLM_NOMEM, "no memory to parse the template");
        memcpy(s, n->value.s, n->value.len);
        memcpy(s + n->value.len, p->token->value.s, p->token->value.len);
        n->value = aglm_jval_text(s, len);
        p->token++;
    }
    return n;
}

static aglm_jnode *parse_pair(aglm_jparser *p)
{
    aglm_jnode *key = aglm_jparser_expression(p);

    if (!key || !aglm_jparser_need_op(p, ':'))
        return NULL;
    return wrap(p, AGLM_JN_PAIR, 0, key, aglm_jparser_expression(p));
}

/* What stands between brackets, a comma at the end allowed. */
static aglm_jnode *parse_display(aglm_jparser *p, aglm_jnode_kind kind, char close)
{
    aglm_jnode *n = aglm_jparser_node(p, kind);
    aglm_jnode **tail = n ? &n->body : NULL;

    p->token++;
    while (n && !aglm_jparser_skip_op(p, close)) {
        if (n->body && !aglm_jparser_need_op(p, ','))
            return NULL;
        if (aglm_jparser_skip_op(p, close))
            break;
        aglm_jnode *item = kind == AGLM_JN_DICT ? parse_pair(p) : aglm_jparser_expression(p);
        if (!item)
            return NULL;
        tail = aglm_jnode_append(tail, item);
    }
    return n;
}

static aglm_jnode *parse_parentheses(aglm_jparser *p)
{
    const aglm_jtuple_rule rule = {.may_empty = true};

    p->token++;
    aglm_jnode *n = aglm_jparser_tuple(p, &rule);
    return n && aglm_jparser_need_op(p, ')') ? n : NULL;
}

static aglm_jnode *parse_primary(aglm_jparser *p)
{
    switch (p->token->kind) {
    case AGLM_JT_NAME:
        return parse_name(p);
    case AGLM_JT_STRING:
        return parse_string(p);
    case AGLM_JT_INT:
    case AGLM_JT_FLOAT:
        return constant(p, p->token->value);
    default:
        break;
    }
    if (aglm_jparser_is_op(p, '('))
        return parse_parentheses(p);
    if (aglm_jparser_is_op(p, '['))
        return parse_display(p, AGLM_JN_LIST, ']');
    if (aglm_jparser_is_op(p, '{'))
        return parse_display(p, AGLM_JN_DICT, '}');
    return aglm_jparser_expected(p, "a value");
}

static aglm_jnode *parse_attribute(aglm_jparser *p, aglm_jnode *a)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_ATTR);

    p->token++;
    if (!n)
        return NULL;
    n->a = a;
    n->value = p->token->value;
    if (p->token->kind == AGLM_JT_INT) {
        n->kind = AGLM_JN_ITEM;
        n->b = constant(p, p->token->value);
        return n->b ? n : NULL;
    }
    if (p->token->kind != AGLM_JT_NAME)
        return aglm_jparser_expected(p, "a name or number after the dot");
    p->token++;
    return n;
}

static bool slice_part(aglm_jparser *p, aglm_jnode **out)
{
    if (aglm_jparser_is_op(p, ':') || aglm_jparser_is_op(p, ']') || aglm_jparser_is_op(p, ','))
        return true;
    *out = aglm_jparser_expression(p);
    return *out != NULL;
}

/* An index, or start:stop:step with each part optional. */
static aglm_jnode *parse_subscribed(aglm_jparser *p)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_SLICE);

    if (!n || !slice_part(p, &n->a))
        return NULL;
    if (!aglm_jparser_skip_op(p, ':'))
        return n->a ? n->a : aglm_jparser_expected(p, "an index");
    if (!slice_part(p, &n->b))
        return NULL;
    if (aglm_jparser_skip_op(p, ':') && !slice_part(p, &n->c))
        return NULL;
    return n;
}

static aglm_jnode *parse_item(aglm_jparser *p, aglm_jnode *a)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_ITEM);
    aglm_jnode *tuple = aglm_jparser_node(p, AGLM_JN_TUPLE);

    p->token++;
    if (!n || !tuple)
        return NULL;
    n->a = a;
    aglm_jnode **tail = &tuple->body;
    do {
        aglm_jnode *index = parse_subscribed(p);
        if (!index)
            return NULL;
        tail = aglm_jnode_append(tail, index);
    } while (aglm_jparser_skip_op(p, ','));
    n->b = tuple->body->next ? tuple : tuple->body;
    return aglm_jparser_need_op(p, ']') ? n : NULL;
}

static aglm_jnode *parse_arg(aglm_jparser *p)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_ARG);

    if (!n)
        return NULL;
    if (aglm_jparser_skip_op(p, '*')) {
        n->op = '*';
    } else if (aglm_jparser_skip_op(p, AGLM_JOP_POWER)) {
        n->op = AGLM_JOP_POWER;
    } else if (p->token->kind == AGLM_JT_NAME && p->token[1].kind == AGLM_JT_OPERATOR &&
               p->token[1].op == '=') {
        n->value = p->token->value;
        p->token += 2;
    }
    n->a = aglm_jparser_expression(p);
    return n->a ? n : NULL;
}

/* 0: by position, 1: by keyword, 2: *list, 3: **dict; never one behind a later one, but that *list
 * may follow keywords. */
static int arg_rank(const aglm_jnode *arg)
{
    if (arg->op)
        return arg->op == '*' ? 2 : 3;
    return arg->value.kind == AGLM_J_STRING;
}

static bool parse_args(aglm_jparser *p, aglm_jnode **tail)
{
    bool first = true;
    int rank = 0;

    p->token++;
    while (!aglm_jparser_skip_op(p, ')')) {
        if (!first && !aglm_jparser_need_op(p, ','))
            return false;
        if (!first && aglm_jparser_skip_op(p, ')'))
            break;
        aglm_jnode *arg = parse_arg(p);
        if (!arg)
            return false;
        int here = arg_rank(arg);
        if (here < rank && !(here == 1 && rank == 2))
            return aglm_jparser_fail(p, AGLM_FORMAT,
                                     "an argument by position stands behind a named one") != NULL;
        rank = here > rank ? here : rank;
        tail = aglm_jnode_append(tail, arg);
        first = false;
    }
    return true;
}

static aglm_jnode *parse_call(aglm_jparser *p, aglm_jnode *a)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_CALL);

    if (!n || !parse_args(p, &n->params))
        return NULL;
    n->a = a;
    return n;
}

static aglm_jnode *parse_postfix(aglm_jparser *p, aglm_jnode *n)
{
    for (;;) {
        if (!n)
            return NULL;
        if (aglm_jparser_is_op(p, '.'))
            n = parse_attribute(p, n);
        else if (aglm_jparser_is_op(p, '['))
            n = parse_item(p, n);
        else if (aglm_jparser_is_op(p, '('))
            n = parse_call(p, n);
        else
            return n;
    }
}

static aglm_jnode *parse_filter(aglm_jparser *p, aglm_jnode *a)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_FILTER);

    if (p->token->kind != AGLM_JT_NAME)
        return aglm_jparser_expected(p, "the name of a filter");
    if (!n)
        return NULL;
    n->value = p->token->value;
    n->a = a;
    n->builtin = aglm_jfilter_find(&n->value);
    p->token++;
    if (aglm_jparser_is_op(p, '(') && !parse_args(p, &n->params))
        return NULL;
    return n;
}

aglm_jnode *aglm_jparser_filters(aglm_jparser *p, aglm_jnode *a, bool inline_first)
{
    if (inline_first)
        a = parse_filter(p, a);
    while (a && aglm_jparser_skip_op(p, '|'))
        a = parse_filter(p, a);
    return a;
}

/* One argument may stand behind a test without parentheses. */
static bool parse_bare_arg(aglm_jparser *p, aglm_jnode *test)
{
    static const char *const others[] = {"else", "or", "and", NULL};
    bool value = p->token->kind >= AGLM_JT_NAME && p->token->kind <= AGLM_JT_FLOAT;

    if (at_value_of(p, others) ||
        !(value || aglm_jparser_is_op(p, '[') || aglm_jparser_is_op(p, '{')))
        return true;
    if (aglm_jparser_is_name(p, "is"))
        return aglm_jparser_fail(p, AGLM_FORMAT, "tests with \"is\" cannot be chained") != NULL;
    aglm_jnode *arg = aglm_jparser_node(p, AGLM_JN_ARG);
    if (arg)
        arg->a = parse_postfix(p, parse_primary(p));
    test->params = arg;
    return arg && arg->a;
}

static aglm_jnode *parse_test(aglm_jparser *p, aglm_jnode *a)
{
    p->token++;
    bool negated = aglm_jparser_skip_name(p, "not");
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_TEST);
    if (p->token->kind != AGLM_JT_NAME)
        return aglm_jparser_expected(p, "the name of a test");
    if (!n)
        return NULL;
    n->a = a;
    n->value = p->token->value;
    n->builtin = aglm_jtest_find(&n->value);
    p->token++;
    bool ok = aglm_jparser_is_op(p, '(') ? parse_args(p, &n->params) : parse_bare_arg(p, n);
    if (!ok || !negated)
        return ok ? n : NULL;
    aglm_jnode *not_it = aglm_jparser_node(p, AGLM_JN_NOT);
    if (not_it)
        not_it->a = n;
    return not_it;
}

static aglm_jnode *parse_filter_expression(aglm_jparser *p, aglm_jnode *n)
{
    for (;;) {
        if (!n)
            return NULL;
        if (aglm_jparser_is_op(p, '|'))
            n = aglm_jparser_filters(p, n, false);
        else if (aglm_jparser_is_name(p, "is"))
            n = parse_test(p, n);
        else if (aglm_jparser_is_op(p, '('))
            n = parse_call(p, n);
        else
            return n;
    }
}

static aglm_jnode *parse_sign(aglm_jparser *p)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_UNARY);

    if (!n || !aglm_jparser_enter(p))
        return NULL;
    n->op = p->token->op;
    p->token++;
    n->a = parse_unary(p, false);
    p->depth--;
    return n->a ? n : NULL;
}

static aglm_jnode *parse_unary(aglm_jparser *p, bool with_filter)
{
    bool sign = aglm_jparser_is_op(p, '-') || aglm_jparser_is_op(p, '+');
    aglm_jnode *n = parse_postfix(p, sign ? parse_sign(p) : parse_primary(p));

    return with_filter ? parse_filter_expression(p, n) : n;
}

static aglm_jnode *parse_binary(aglm_jparser *p, int level);

/* a ~ b ~ c is one node. */
static aglm_jnode *parse_concat(aglm_jparser *p)
{
    aglm_jnode *first = parse_binary(p, 2);

    if (!first || !aglm_jparser_is_op(p, '~'))
        return first;
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_CONCAT);
    if (!n)
        return NULL;
    aglm_jnode **tail = aglm_jnode_append(&n->body, first);
    while (aglm_jparser_skip_op(p, '~')) {
        aglm_jnode *more = parse_binary(p, 2);
        if (!more)
            return NULL;
        tail = aglm_jnode_append(tail, more);
    }
    return n;
}

/* Sums, concatenations, products, powers; all from the left, as Jinja2 has it. */
static aglm_jnode *parse_binary(aglm_jparser *p, int level)
{
    static const char operators[][5] = {
        "+-", "~", {'*', '/', AGLM_JOP_FLOOR, '%', 0}, {AGLM_JOP_POWER, 0}};
    bool last = level == 3;

    if (level == 1)
        return parse_concat(p);
    aglm_jnode *n = last ? parse_unary(p, true) : parse_binary(p, level + 1);
    while (n && p->token->kind == AGLM_JT_OPERATOR && p->token->op &&
           strchr(operators[level], p->token->op)) {
        const aglm_jtoken *at = p->token++;
        aglm_jnode *right = last ? parse_unary(p, true) : parse_binary(p, level + 1);
        n = wrap(p, AGLM_JN_BINARY, at->op, n, right);
        if (n) {
            n->line = at->line;
            n->column = at->column;
        }
    }
    return n;
}

/* The comparison that stands here, stepped over; 0: none. */
static char comparison(aglm_jparser *p)
{
    static const char operators[] = {
        AGLM_JOP_EQ, AGLM_JOP_NE, AGLM_JOP_GE, AGLM_JOP_LE, '<', '>', 0};

    if (p->token->kind == AGLM_JT_OPERATOR && p->token->op && strchr(operators, p->token->op))
        return (p->token++)->op;
    if (aglm_jparser_skip_name(p, "in"))
        return AGLM_JOP_IN;
    if (!aglm_jparser_is_name(p, "not"))
        return 0;
    p->token++;
    if (aglm_jparser_skip_name(p, "in"))
        return AGLM_JOP_NOT_IN;
    p->token--;
    return 0;
}

static aglm_jnode *parse_compare(aglm_jparser *p)
{
    aglm_jnode *first = parse_binary(p, 0);
    aglm_jnode *n = NULL;
    aglm_jnode **tail = NULL;

    while (first) {
        aglm_jnode *operand = aglm_jparser_node(p, AGLM_JN_OPERAND);
        char op = comparison(p);
        if (!op)
            break;
        if (!n) {
            n = wrap(p, AGLM_JN_COMPARE, 0, first, first);
            tail = n ? &n->body : NULL;
        }
        if (!n || !operand)
            return NULL;
        n->b = NULL;
        operand->op = op;
        operand->a = parse_binary(p, 0);
        if (!operand->a)
            return NULL;
        tail = aglm_jnode_append(tail, operand);
    }
    return n ? n : first;
}

static aglm_jnode *parse_not(aglm_jparser *p)
{
    if (!aglm_jparser_is_name(p, "not"))
        return parse_compare(p);
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_NOT);
    if (!n || !aglm_jparser_enter(p))
        return NULL;
    p->token++;
    n->a = parse_not(p);
    p->depth--;
    return n->a ? n : NULL;
}

static aglm_jnode *parse_and(aglm_jparser *p)
{
    aglm_jnode *n = parse_not(p);

    while (n && aglm_jparser_skip_name(p, "and"))
        n = wrap(p, AGLM_JN_AND, 0, n, parse_not(p));
    return n;
}

static aglm_jnode *parse_or(aglm_jparser *p)
{
    aglm_jnode *n = parse_and(p);

    while (n && aglm_jparser_skip_name(p, "or"))
        n = wrap(p, AGLM_JN_OR, 0, n, parse_and(p));
    return n;
}

static aglm_jnode *parse_choice(aglm_jparser *p, bool choice)
{
    if (!aglm_jparser_enter(p))
        return NULL;
    aglm_jnode *n = parse_or(p);
    while (choice && n && aglm_jparser_skip_name(p, "if")) {
        n = wrap(p, AGLM_JN_CHOICE, 0, parse_or(p), n);
        if (n && aglm_jparser_skip_name(p, "else")) {
            n->c = parse_choice(p, true);
            if (!n->c)
                return NULL;
        }
    }
    p->depth--;
    return n;
}

aglm_jnode *aglm_jparser_expression(aglm_jparser *p)
{
    return parse_choice(p, true);
}

static bool tuple_ends(const aglm_jparser *p, const aglm_jtuple_rule *rule)
{
    return p->token->kind == AGLM_JT_VARIABLE_END || p->token->kind == AGLM_JT_BLOCK_END ||
           aglm_jparser_is_op(p, ')') || (rule->end && aglm_jparser_is_name(p, rule->end));
}

aglm_jnode *aglm_jparser_tuple(aglm_jparser *p, const aglm_jtuple_rule *rule)
{
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_TUPLE);
    aglm_jnode **tail = n ? &n->body : NULL;
    bool comma = false;

    while (n && !tuple_ends(p, rule)) {
        aglm_jnode *item = parse_choice(p, !rule->no_choice);
        if (!item)
            return NULL;
        tail = aglm_jnode_append(tail, item);
        if (!aglm_jparser_skip_op(p, ','))
            break;
        comma = true;
    }
    if (!n || comma)
        return n;
    if (n->body)
        return n->body;
    return rule->may_empty ? n : aglm_jparser_expected(p, "an expression");
}

static aglm_jnode *parse_one_target(aglm_jparser *p, bool member)
{
    static const char *const constants[] = {"true", "false", "none", "True", "False", "None", NULL};

    if (aglm_jparser_skip_op(p, '(')) {
        aglm_jnode *inner = aglm_jparser_enter(p) ? aglm_jparser_target(p, member) : NULL;
        p->depth--;
        return inner && aglm_jparser_need_op(p, ')') ? inner : NULL;
    }
    if (p->token->kind != AGLM_JT_NAME || at_value_of(p, constants))
        return aglm_jparser_expected(p, "the name of a variable to set");
    aglm_jnode *n = parse_name(p);
    if (!n || !member || !aglm_jparser_skip_op(p, '.'))
        return n;
    if (p->token->kind != AGLM_JT_NAME)
        return aglm_jparser_expected(p, "the name of a member to set");
    n->kind = AGLM_JN_MEMBER;
    n->value = p->token->value;
    p->token++;
    return n;
}

aglm_jnode *aglm_jparser_target(aglm_jparser *p, bool member)
{
    aglm_jnode *first = parse_one_target(p, member);

    if (!first || !aglm_jparser_is_op(p, ','))
        return first;
    aglm_jnode *n = aglm_jparser_node(p, AGLM_JN_TUPLE);
    if (!n)
        return NULL;
    aglm_jnode **tail = aglm_jnode_append(&n->body, first);
    while (aglm_jparser_skip_op(p, ',')) {
        if (p->token->kind != AGLM_JT_NAME && !aglm_jparser_is_op(p, '('))
            break;
        if (aglm_jparser_is_name(p, "in"))
            break;
        aglm_jnode *more = parse_one_target(p, member);
        if (!more)
            return NULL;
        tail = aglm_jnode_append(tail, more);
    }
    return n;
}
