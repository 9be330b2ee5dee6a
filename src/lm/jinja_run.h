/* lm/jinja_run.h - a template under evaluation, and what built-in filters, tests, methods and
 * functions need of it. All functions but the finders return AGLM_OK or record the failure with its
 * place. Threads: confined to one rendering. */
#ifndef AGLM_LM_JINJA_RUN_H
#define AGLM_LM_JINJA_RUN_H

#include "base/str.h"
#include "lm/jinja.h"
#include "lm/jinja_node.h"

typedef struct aglm_jvar {
    uint32_t sym;
    aglm_jval value;
} aglm_jvar;

/* Variables of a loop's turn, a macro's call, a block; the outermost ones are in aglm_jrun.root. */
typedef struct aglm_jscope aglm_jscope;
struct aglm_jscope {
    aglm_jscope *parent;
    aglm_jvar *vars;
    size_t n;
    size_t cap;
};

typedef enum aglm_jflow { AGLM_JFLOW_ON, AGLM_JFLOW_BREAK, AGLM_JFLOW_CONTINUE } aglm_jflow;

typedef struct aglm_jrun {
    const aglm_jinja *j;
    aglm_jinja_options options;
    aglm_arena arena;
    aglm_str *out; /* also where strings are put together: begin and take */
    aglm_error *err;
    const aglm_jnode *at; /* what failures are reported for */
    aglm_jval *root;      /* by sym; MISSING: not set */
    aglm_jscope *scope;   /* NULL: the outermost */
    aglm_jval captured;   /* what AGLM_JN_CAPTURED stands for */
    uint64_t steps;
    unsigned depth;
    aglm_jflow flow;
} aglm_jrun;

typedef struct aglm_jargs {
    aglm_jlist list;
    aglm_jdict named;
} aglm_jargs;

#define AGLM_JARGS_MAX 8

/* self: what a filter or test is applied to, a method's object. arg: bound to params. */
typedef struct aglm_jcall {
    const char *name;
    aglm_jval self;
    aglm_jval arg[AGLM_JARGS_MAX];
    const aglm_jargs *raw;
} aglm_jcall;

typedef struct aglm_jbuiltin {
    const char *name;
    aglm_rc (*call)(aglm_jrun *r, aglm_jcall *c, aglm_jval *out);
    const char *params; /* "a b? c?": names, ? optional; NULL: takes raw */
    bool mutates;       /* a method that changes its object */
} aglm_jbuiltin;

struct aglm_jmethod {
    const aglm_jbuiltin *builtin;
    aglm_jval self;
};

struct aglm_jmacro {
    const aglm_jnode *node;
    aglm_jscope *scope; /* where it was defined */
};

typedef struct aglm_jloop {
    const aglm_jnode *node;
    aglm_jscope *outer; /* around the loop */
    const aglm_jlist *items;
    size_t at;
    unsigned depth0;
    aglm_jval changed; /* arguments of the last loop.changed() */
} aglm_jloop;

/* NULL when there is none of that name. */
const aglm_jbuiltin *aglm_jfilter_find(const aglm_jval *name);
const aglm_jbuiltin *aglm_jtest_find(const aglm_jval *name);
const aglm_jbuiltin *aglm_jfunction_find(const aglm_jval *name);
/* A method that is refused or lacking is told by the run: *out undefined or the failure. */
const aglm_jbuiltin *aglm_jmethod_find(const aglm_jval *self, const aglm_jval *name);
/* The builtins of that name in a table of n. */
const aglm_jbuiltin *aglm_jbuiltin_find(const aglm_jbuiltin *table, size_t n,
                                        const aglm_jval *name);

aglm_rc aglm_jrun_fail(aglm_jrun *r, aglm_rc rc, const char *fmt, ...) AGLM_PRINTF(3, 4);
/* The use of an undefined value, named. */
aglm_rc aglm_jrun_fail_undefined(aglm_jrun *r, const aglm_jval *v);
/* Python's TypeError "can only ..., not 'int'": what must be put after it. */
aglm_rc aglm_jrun_fail_type(aglm_jrun *r, const char *what, const aglm_jval *v);
/* Counts steps. */
aglm_rc aglm_jrun_step(aglm_jrun *r, size_t n);
/* Memory that the arena did not give: LIMIT or NOMEM. */
aglm_rc aglm_jrun_full(aglm_jrun *r);

aglm_rc aglm_jrun_new_list(aglm_jrun *r, aglm_jkind kind, aglm_jval *out);
aglm_rc aglm_jrun_push(aglm_jrun *r, const aglm_jval *list, aglm_jval v);
aglm_rc aglm_jrun_new_dict(aglm_jrun *r, aglm_jkind kind, aglm_jval *out);
aglm_rc aglm_jrun_put(aglm_jrun *r, const aglm_jval *dict, aglm_jval key, aglm_jval v);
/* (a, b) */
aglm_rc aglm_jrun_pair(aglm_jrun *r, aglm_jval a, aglm_jval b, aglm_jval *out);
/* The elements that Python would iterate over; uses an ITER up. */
aglm_rc aglm_jrun_iterate(aglm_jrun *r, const aglm_jval *v, aglm_jlist *out);

/* Strings are appended to r->out from where begin says, and cut off it by take. */
size_t aglm_jrun_begin(const aglm_jrun *r);
aglm_rc aglm_jrun_take(aglm_jrun *r, size_t from, aglm_jval *out);
aglm_rc aglm_jrun_append(aglm_jrun *r, const char *s, size_t n);
aglm_rc aglm_jrun_append_str(aglm_jrun *r, const aglm_jval *v);     /* str(v) */
aglm_rc aglm_jrun_append_repr(aglm_jrun *r, const aglm_jval *v);    /* repr(v) */
aglm_rc aglm_jrun_append_escaped(aglm_jrun *r, const aglm_jval *v); /* for HTML, but markup */
/* v itself when it is a string, else str(v). */
aglm_rc aglm_jrun_str(aglm_jrun *r, const aglm_jval *v, aglm_jval *out);
typedef struct aglm_jdump {
    bool ascii;
    bool sorted;
    bool pretty;
    aglm_jspan indent; /* of one level, when pretty */
    aglm_jspan item;   /* between items and behind keys */
    aglm_jspan key;
} aglm_jdump;
aglm_rc aglm_jrun_append_json(aglm_jrun *r, const aglm_jval *v, const aglm_jdump *how,
                              unsigned depth);
/* text.format(*args) and text % args. */
aglm_rc aglm_jrun_format(aglm_jrun *r, const aglm_jval *text, const aglm_jargs *args,
                         aglm_jval *out);
aglm_rc aglm_jrun_percent(aglm_jrun *r, const aglm_jval *text, const aglm_jval *args,
                          aglm_jval *out);

aglm_rc aglm_jrun_binary(aglm_jrun *r, char op, const aglm_jval *a, const aglm_jval *b,
                         aglm_jval *out);
/* a < b where op is '<', and so on; also AGLM_JOP_IN. */
aglm_rc aglm_jrun_compare(aglm_jrun *r, char op, const aglm_jval *a, const aglm_jval *b, bool *out);
aglm_rc aglm_jrun_equal(aglm_jrun *r, const aglm_jval *a, const aglm_jval *b, bool *out);
/* Sorts pairs of key and value by key, stable. */
aglm_rc aglm_jrun_sort(aglm_jrun *r, aglm_jpair *pairs, size_t n, bool reverse);

aglm_rc aglm_jrun_attribute(aglm_jrun *r, const aglm_jval *v, const aglm_jval *name,
                            aglm_jval *out);
aglm_rc aglm_jrun_item(aglm_jrun *r, const aglm_jval *v, const aglm_jval *key, aglm_jval *out);
/* v[part[0]:part[1]:part[2]], each may be none. */
aglm_rc aglm_jrun_slice(aglm_jrun *r, const aglm_jval *v, const aglm_jval part[3], aglm_jval *out);
/* The i-th character. */
aglm_jval aglm_jtext_at(const aglm_jval *text, size_t i);

/* Calls a builtin with arguments bound to its params. */
aglm_rc aglm_jrun_builtin(aglm_jrun *r, const aglm_jbuiltin *b, const aglm_jval *self,
                          const aglm_jargs *args, aglm_jval *out);
aglm_rc aglm_jrun_call(aglm_jrun *r, const aglm_jval *callee, const aglm_jargs *args,
                       aglm_jval *out);
/* Evaluates ARG nodes. */
aglm_rc aglm_jrun_args(aglm_jrun *r, const aglm_jnode *nodes, aglm_jargs *out);
/* The variable, MISSING when nobody set it. */
aglm_jval aglm_jrun_get(const aglm_jrun *r, uint32_t sym);
aglm_rc aglm_jrun_set(aglm_jrun *r, uint32_t sym, aglm_jval v);
/* Nesting: enter fails at the limit. */
aglm_rc aglm_jrun_enter(aglm_jrun *r);
aglm_rc aglm_jrun_new_scope(aglm_jrun *r, aglm_jscope *parent, aglm_jscope **out);

aglm_rc aglm_jrun_evaluate(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out);
/* A list of statements, in the current scope; the caller looks at r->flow. */
aglm_rc aglm_jrun_execute(aglm_jrun *r, const aglm_jnode *list);
/* The for statement over other items: loop(...). */
aglm_rc aglm_jrun_loop(aglm_jrun *r, const aglm_jnode *n, const aglm_jval *items, unsigned depth0);

#endif
