/* lm/jinja_node.h - tokens and syntax tree of a template.
 * Threads: immutable once parsed. */
#ifndef AGLM_LM_JINJA_NODE_H
#define AGLM_LM_JINJA_NODE_H

#include "base/map.h"
#include "lm/jinja.h"
#include "lm/jinja_value.h"

typedef enum aglm_jtoken_kind {
    AGLM_JT_END,
    AGLM_JT_DATA,
    AGLM_JT_VARIABLE_BEGIN,
    AGLM_JT_VARIABLE_END,
    AGLM_JT_BLOCK_BEGIN,
    AGLM_JT_BLOCK_END,
    AGLM_JT_NAME,
    AGLM_JT_STRING,
    AGLM_JT_INT,
    AGLM_JT_FLOAT,
    AGLM_JT_OPERATOR
} aglm_jtoken_kind;

/* Operators of two characters, as one; those of one stand for themselves. */
enum {
    AGLM_JOP_EQ = 'e',
    AGLM_JOP_NE = 'n',
    AGLM_JOP_GE = 'g',
    AGLM_JOP_LE = 'l',
    AGLM_JOP_POWER = 'p',
    AGLM_JOP_FLOOR = 'd',
    AGLM_JOP_IN = 'i',
    AGLM_JOP_NOT_IN = 'o'
};

typedef struct aglm_jtoken {
    uint8_t kind; /* aglm_jtoken_kind */
    char op;
    uint32_t line;
    uint32_t column;
    aglm_jval value; /* DATA, NAME, STRING: text; INT, FLOAT: the number */
} aglm_jtoken;

typedef enum aglm_jnode_kind {
    /* statements */
    AGLM_JN_TEXT,         /* value */
    AGLM_JN_PRINT,        /* a */
    AGLM_JN_IF,           /* a: test, body, other */
    AGLM_JN_FOR,          /* a: target, b: iterated, c: test or NULL, body, other; op: recursive */
    AGLM_JN_SET,          /* a: target, b: value */
    AGLM_JN_SET_BLOCK,    /* a: target, b: filters or NULL, body */
    AGLM_JN_MACRO,        /* sym, value: name, params, body; op: bits of the special names used */
    AGLM_JN_CALL_BLOCK,   /* a: the call, b: MACRO node of the body */
    AGLM_JN_FILTER_BLOCK, /* b: filters or NULL (a mere scope), body */
    AGLM_JN_WITH,         /* params: SET nodes, body */
    AGLM_JN_BREAK,
    AGLM_JN_CONTINUE,
    /* expressions */
    AGLM_JN_CONST,
    AGLM_JN_CAPTURED, /* the text that a block's filters are applied to */
    AGLM_JN_NAME,     /* name, sym */
    AGLM_JN_MEMBER,   /* a target: name.value; sym, value: the attribute */
    AGLM_JN_TUPLE,    /* body */
    AGLM_JN_LIST,     /* body */
    AGLM_JN_DICT,     /* body: PAIR nodes */
    AGLM_JN_PAIR,     /* a, b */
    AGLM_JN_ATTR,     /* a, value: name */
    AGLM_JN_ITEM,     /* a, b */
    AGLM_JN_SLICE,    /* a, b, c, each may be NULL */
    AGLM_JN_CALL,     /* a, params: ARG nodes */
    AGLM_JN_ARG,      /* a; value: keyword (MISSING: by position); op: '*', 'p' or 0 */
    AGLM_JN_PARAM,    /* sym, value: name; a: default or NULL */
    AGLM_JN_FILTER,   /* a, builtin, params */
    AGLM_JN_TEST,     /* a, builtin, params */
    AGLM_JN_NOT,      /* a */
    AGLM_JN_UNARY,    /* op, a */
    AGLM_JN_BINARY,   /* op, a, b */
    AGLM_JN_AND,      /* a, b */
    AGLM_JN_OR,       /* a, b */
    AGLM_JN_COMPARE,  /* a, body: OPERAND nodes */
    AGLM_JN_OPERAND,  /* op, a */
    AGLM_JN_CONCAT,   /* body */
    AGLM_JN_CHOICE    /* a: test, b: then, c: else or NULL */
} aglm_jnode_kind;

typedef struct aglm_jnode aglm_jnode;

struct aglm_jnode {
    uint8_t kind; /* aglm_jnode_kind */
    char op;
    uint32_t line;
    uint32_t column;
    uint32_t sym; /* number of the name */
    aglm_jval value;
    const struct aglm_jbuiltin *builtin; /* NULL: unknown, fails when it is reached */
    aglm_jnode *a;
    aglm_jnode *b;
    aglm_jnode *c;
    aglm_jnode *params;
    aglm_jnode *body;
    aglm_jnode *other;
    aglm_jnode *next; /* of the list it stands in */
};

struct aglm_jinja {
    aglm_arena arena;
    aglm_map *names; /* of variables: sym numbers */
    aglm_jnode *body;
};

/* The tokens of a template of valid UTF-8, the last one AGLM_JT_END; in the arena but for the
 * array itself, which the caller frees. */
aglm_rc aglm_jinja_lex(aglm_arena *arena, const char *text, size_t len, aglm_jtoken **out,
                       size_t *n_out, aglm_error *err);

/* Parser's state, shared by the files that read statements and expressions. */
typedef struct aglm_jparser {
    aglm_jinja *j;
    const aglm_jtoken *token; /* the current one */
    unsigned depth;
    unsigned loops; /* open for statements in this macro */
    unsigned uses;  /* of caller, varargs and kwargs: bits by their sym */
    aglm_rc rc;
    aglm_error *err;
} aglm_jparser;

#define AGLM_JINJA_MAX_NESTING 200

/* Names with fixed numbers. */
enum { AGLM_JSYM_LOOP, AGLM_JSYM_CALLER, AGLM_JSYM_VARARGS, AGLM_JSYM_KWARGS };

/* A new node at the current token; NULL when memory is out. */
aglm_jnode *aglm_jparser_node(aglm_jparser *p, aglm_jnode_kind kind);
/* Records the failure at the current token; returns NULL. */
void *aglm_jparser_fail(aglm_jparser *p, aglm_rc rc, const char *fmt, ...) AGLM_PRINTF(3, 4);
/* "expected ..., found ..." at the current token; returns NULL. */
void *aglm_jparser_expected(aglm_jparser *p, const char *what);
bool aglm_jparser_is_op(const aglm_jparser *p, char op);
bool aglm_jparser_is_name(const aglm_jparser *p, const char *name);
/* Steps over it when it is there. */
bool aglm_jparser_skip_op(aglm_jparser *p, char op);
bool aglm_jparser_skip_name(aglm_jparser *p, const char *name);
bool aglm_jparser_need_op(aglm_jparser *p, char op);
/* Counts a level of nesting; false, with the failure recorded, at the limit. */
bool aglm_jparser_enter(aglm_jparser *p);
uint32_t aglm_jparser_sym(aglm_jparser *p, const aglm_jval *name);
/* Appends to a list; returns where the next one goes. */
aglm_jnode **aglm_jnode_append(aglm_jnode **tail, aglm_jnode *node);

/* NULL with p->rc set on failure. */
aglm_jnode *aglm_jparser_expression(aglm_jparser *p);
typedef struct aglm_jtuple_rule {
    bool no_choice;  /* "a if b" is not read */
    bool may_empty;  /* () */
    const char *end; /* a name that ends it, too; may be NULL */
} aglm_jtuple_rule;
aglm_jnode *aglm_jparser_tuple(aglm_jparser *p, const aglm_jtuple_rule *rule);
/* One name, name.attribute where member is set, or a tuple of such. */
aglm_jnode *aglm_jparser_target(aglm_jparser *p, bool member);
/* name(args)|name(args)... applied to a; the first name without | when inline. */
aglm_jnode *aglm_jparser_filters(aglm_jparser *p, aglm_jnode *a, bool inline_first);

aglm_rc aglm_jparser_run(aglm_jparser *p);

#endif
