/* lm/jinja_value.h - the values of a template under evaluation: Python's, as far as templates see
 * them. Threads: confined to a rendering; all memory is the rendering's arena. */
#ifndef AGLM_LM_JINJA_VALUE_H
#define AGLM_LM_JINJA_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

typedef enum aglm_jkind {
    AGLM_J_MISSING, /* an argument not given, a name not set: never seen by a template */
    AGLM_J_UNDEFINED,
    AGLM_J_NONE,
    AGLM_J_BOOL,
    AGLM_J_INT,
    AGLM_J_FLOAT,
    AGLM_J_STRING,
    AGLM_J_LIST,
    AGLM_J_TUPLE,
    AGLM_J_DICT,
    AGLM_J_NAMESPACE,
    AGLM_J_RANGE,
    AGLM_J_ITER, /* what generators give: true, without length, gone through once */
    AGLM_J_VIEW, /* dict.keys(), values(), items() */
    AGLM_J_MACRO,
    AGLM_J_METHOD,
    AGLM_J_FUNCTION,
    AGLM_J_CYCLER,
    AGLM_J_JOINER,
    AGLM_J_LOOP
} aglm_jkind;

#define AGLM_J_UNSAFE 0x80

typedef struct aglm_jval aglm_jval;

typedef struct aglm_jlist {
    aglm_jval *items;
    size_t n;
    size_t cap;
    size_t at; /* ITER, CYCLER: the next element */
} aglm_jlist;

typedef struct aglm_jpair aglm_jpair;

/* In insertion order, as Python's. */
typedef struct aglm_jdict {
    aglm_jpair *pairs;
    size_t n;
    size_t cap;
    uint32_t *index; /* pair number + 1 by hash; NULL while there are few */
    size_t mask;
} aglm_jdict;

typedef struct aglm_jrange {
    int64_t start;
    int64_t step;
    int64_t n;
} aglm_jrange;

typedef enum aglm_jview_of { AGLM_JVIEW_KEYS, AGLM_JVIEW_VALUES, AGLM_JVIEW_ITEMS } aglm_jview_of;

struct aglm_jval {
    uint8_t kind; /* aglm_jkind */
    uint8_t flag; /* STRING: 1 when markup (|safe); VIEW: aglm_jview_of; UNDEFINED: the owner's
                   * kind, with AGLM_J_UNSAFE where a method is refused */
    uint32_t len; /* STRING, UNDEFINED: bytes of s */
    union {
        bool b;
        int64_t i;
        double f;
        const char *s; /* UNDEFINED: the name that was looked for, NULL: none */
        aglm_jlist *list;
        aglm_jdict *dict; /* DICT, NAMESPACE, VIEW */
        const aglm_jrange *range;
        const struct aglm_jmacro *macro;
        const struct aglm_jmethod *method;
        const struct aglm_jbuiltin *function;
        struct aglm_jloop *loop;
    };
};

struct aglm_jpair {
    aglm_jval key;
    aglm_jval value;
    uint64_t hash;
};

static inline aglm_jval aglm_jval_none(void)
{
    return (aglm_jval){.kind = AGLM_J_NONE};
}

static inline aglm_jval aglm_jval_bool(bool b)
{
    return (aglm_jval){.kind = AGLM_J_BOOL, .b = b};
}

static inline aglm_jval aglm_jval_int(int64_t i)
{
    return (aglm_jval){.kind = AGLM_J_INT, .i = i};
}

static inline aglm_jval aglm_jval_float(double f)
{
    return (aglm_jval){.kind = AGLM_J_FLOAT, .f = f};
}

static inline aglm_jval aglm_jval_text(const char *s, size_t len)
{
    return (aglm_jval){.kind = AGLM_J_STRING, .len = (uint32_t)len, .s = s};
}

/* Undefined variable (owner AGLM_J_MISSING), or attribute of an owner of that kind. */
static inline aglm_jval aglm_jval_undefined(aglm_jkind owner, const char *name, size_t len)
{
    return (aglm_jval){
        .kind = AGLM_J_UNDEFINED, .flag = (uint8_t)owner, .len = (uint32_t)len, .s = name};
}

static inline bool aglm_jval_is(const aglm_jval *v, const char *text)
{
    return v->kind == AGLM_J_STRING && strlen(text) == v->len && memcmp(v->s, text, v->len) == 0;
}

static inline bool aglm_jval_given(const aglm_jval *v)
{
    return v->kind != AGLM_J_MISSING && v->kind != AGLM_J_NONE;
}

/* Python's type name: "str", "dict", ... */
const char *aglm_jval_type(const aglm_jval *v);
bool aglm_jval_true(const aglm_jval *v);
/* A bool, int or float as double; false for others. */
bool aglm_jval_number(const aglm_jval *v, double *out);
/* A bool or int; false for others. */
bool aglm_jval_whole(const aglm_jval *v, int64_t *out);
/* Python's ==. Takes one from *left for each comparison; false with *left at 0 where that or the
 * depth of nesting does not suffice. */
bool aglm_jval_equal(const aglm_jval *a, const aglm_jval *b, unsigned depth, uint64_t *left);
/* Whether Python would iterate over it. */
bool aglm_jval_iterable(const aglm_jval *v);
/* Code points of UTF-8 text, and the byte offset of the i-th. */
size_t aglm_jtext_count(const char *s, size_t n);
size_t aglm_jtext_offset(const char *s, size_t n, size_t i);
/* str.isspace of Python for a code point. */
bool aglm_jtext_space(uint32_t cp);
/* Cuts white space (chars.n == 0) or the code points of chars from the ends. */
typedef struct aglm_jspan {
    const char *s;
    size_t n;
} aglm_jspan;
aglm_jspan aglm_jtext_strip(aglm_jspan text, aglm_jspan chars, bool left, bool right);
/* The first occurrence at or after from, SIZE_MAX when there is none. */
size_t aglm_jtext_find(aglm_jspan text, aglm_jspan what, size_t from);
/* Upper case where lower case is known to base/utf8.h (one code point to one). */
uint32_t aglm_cp_upper(uint32_t cp);
static inline aglm_jspan aglm_jspan_of(const aglm_jval *text)
{
    return (aglm_jspan){text->s, text->len};
}

/* False: out of memory. */
bool aglm_jlist_push(aglm_arena *a, aglm_jlist *l, aglm_jval v);
/* NULL when absent; keys must be hashable. */
const aglm_jval *aglm_jdict_get(const aglm_jdict *d, const aglm_jval *key);
const aglm_jval *aglm_jdict_get_text(const aglm_jdict *d, const char *key, size_t len);
bool aglm_jdict_set(aglm_arena *a, aglm_jdict *d, aglm_jval key, aglm_jval value);
/* False when it was absent. */
bool aglm_jdict_remove(aglm_jdict *d, const aglm_jval *key);
bool aglm_jval_hashable(const aglm_jval *v);

#endif
