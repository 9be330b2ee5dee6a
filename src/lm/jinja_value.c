#include "lm/jinja_value.h"

#include <math.h>

#include "base/hash.h"
#include "base/unicode_table.h"
#include "base/utf8.h"

#define FEW_PAIRS 8
#define MAX_KEY_COMPARISONS 100000

const char *aglm_jval_type(const aglm_jval *v)
{
    static const char *const names[] = {
        "missing", "Undefined", "NoneType", "bool",      "int",    "float",      "str",
        "list",    "tuple",     "dict",     "Namespace", "range",  "generator",  "dict_view",
        "Macro",   "method",    "function", "Cycler",    "Joiner", "LoopContext"};

    return names[v->kind];
}

bool aglm_jval_true(const aglm_jval *v)
{
    switch (v->kind) {
    case AGLM_J_MISSING:
    case AGLM_J_UNDEFINED:
    case AGLM_J_NONE:
        return false;
    case AGLM_J_BOOL:
        return v->b;
    case AGLM_J_INT:
        return v->i != 0;
    case AGLM_J_FLOAT:
        return v->f != 0;
    case AGLM_J_STRING:
        return v->len > 0;
    case AGLM_J_LIST:
    case AGLM_J_TUPLE:
        return v->list->n > 0;
    case AGLM_J_DICT:
    case AGLM_J_VIEW:
        return v->dict->n > 0;
    case AGLM_J_RANGE:
        return v->range->n > 0;
    default:
        return true;
    }
}

bool aglm_jval_number(const aglm_jval *v, double *out)
{
    int64_t i;

    if (v->kind == AGLM_J_FLOAT)
        *out = v->f;
    else if (aglm_jval_whole(v, &i))
        *out = (double)i;
    else
        return false;
    return true;
}

bool aglm_jval_whole(const aglm_jval *v, int64_t *out)
{
    if (v->kind == AGLM_J_INT)
        *out = v->i;
    else if (v->kind == AGLM_J_BOOL)
        *out = v->b;
    else
        return false;
    return true;
}

static bool lists_equal(const aglm_jlist *a, const aglm_jlist *b, unsigned depth, uint64_t *left)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!aglm_jval_equal(&a->items[i], &b->items[i], depth - 1, left))
            return false;
    return true;
}

static bool dicts_equal(const aglm_jdict *a, const aglm_jdict *b, unsigned depth, uint64_t *left)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const aglm_jval *other = aglm_jdict_get(b, &a->pairs[i].key);
        if (!other || !aglm_jval_equal(&a->pairs[i].value, other, depth - 1, left))
            return false;
    }
    return true;
}

static bool numbers_equal(const aglm_jval *a, const aglm_jval *b)
{
    int64_t i;
    int64_t k;
    double x;
    double y;

    if (aglm_jval_whole(a, &i) && aglm_jval_whole(b, &k))
        return i == k;
    return aglm_jval_number(a, &x) && aglm_jval_number(b, &y) && x == y;
}

static bool ranges_equal(const aglm_jrange *a, const aglm_jrange *b)
{
    return a->n == b->n &&
           (a->n == 0 || (a->start == b->start && (a->n == 1 || a->step == b->step)));
}

bool aglm_jval_equal(const aglm_jval *a, const aglm_jval *b, unsigned depth, uint64_t *left)
{
    if (depth == 0)
        *left = 0;
    if (*left == 0)
        return false;
    --*left;
    if (a->kind != b->kind)
        return numbers_equal(a, b);
    switch (a->kind) {
    case AGLM_J_BOOL:
    case AGLM_J_INT:
    case AGLM_J_FLOAT:
        return numbers_equal(a, b);
    case AGLM_J_UNDEFINED:
    case AGLM_J_NONE:
    case AGLM_J_MISSING:
        return true;
    case AGLM_J_STRING:
        return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
    case AGLM_J_LIST:
    case AGLM_J_TUPLE:
        return a->list == b->list || lists_equal(a->list, b->list, depth, left);
    case AGLM_J_DICT:
        return a->dict == b->dict || dicts_equal(a->dict, b->dict, depth, left);
    case AGLM_J_RANGE:
        return ranges_equal(a->range, b->range);
    default:
        return a->s == b->s;
    }
}

bool aglm_jval_iterable(const aglm_jval *v)
{
    switch (v->kind) {
    case AGLM_J_UNDEFINED:
    case AGLM_J_STRING:
    case AGLM_J_LIST:
    case AGLM_J_TUPLE:
    case AGLM_J_DICT:
    case AGLM_J_RANGE:
    case AGLM_J_ITER:
    case AGLM_J_VIEW:
    case AGLM_J_LOOP:
        return true;
    default:
        return false;
    }
}

size_t aglm_jtext_count(const char *s, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)s[i] & 0xC0) != 0x80;
    return count;
}

size_t aglm_jtext_offset(const char *s, size_t n, size_t i)
{
    size_t at = 0;

    while (at < n && i > 0) {
        at++;
        while (at < n && ((unsigned char)s[at] & 0xC0) == 0x80)
            at++;
        i--;
    }
    return at;
}

bool aglm_jtext_space(uint32_t cp)
{
    return (cp >= 9 && cp <= 13) || (cp >= 0x1C && cp <= 0x20) || cp == 0x85 || cp == 0xA0 ||
           cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 ||
           cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

/* Whether the character at s is one of chars, or white space where there are none. */
static bool strippable(const char *s, size_t n, aglm_jspan chars)
{
    uint32_t cp;

    if (chars.s)
        return aglm_jtext_find(chars, (aglm_jspan){s, n}, 0) != SIZE_MAX;
    aglm_utf8_decode(s, n, &cp);
    return aglm_jtext_space(cp);
}

aglm_jspan aglm_jtext_strip(aglm_jspan text, aglm_jspan chars, bool left, bool right)
{
    size_t from = 0;
    size_t to = text.n;

    while (left && from < to) {
        size_t n = aglm_jtext_offset(text.s + from, to - from, 1);
        if (!strippable(text.s + from, n, chars))
            break;
        from += n;
    }
    while (right && to > from) {
        size_t n = 1;
        while (n < to - from && ((unsigned char)text.s[to - n] & 0xC0) == 0x80)
            n++;
        if (!strippable(text.s + to - n, n, chars))
            break;
        to -= n;
    }
    return (aglm_jspan){text.s + from, to - from};
}

size_t aglm_jtext_find(aglm_jspan text, aglm_jspan what, size_t from)
{
    if (from > text.n)
        return SIZE_MAX;
    if (what.n == 0)
        return from;
    const char *at = memmem(text.s + from, text.n - from, what.s, what.n);
    return at ? (size_t)(at - text.s) : SIZE_MAX;
}

uint32_t aglm_cp_upper(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'a' && cp <= 'z' ? cp - 32 : cp;
    for (size_t i = 0; i < aglm_lower_count; i++) {
        const aglm_case_run *run = &aglm_lower_runs[i];
        int64_t upper = (int64_t)cp - run->delta;
        if (upper >= run->first && upper <= run->last && (upper - run->first) % run->step == 0)
            return (uint32_t)upper;
    }
    return cp;
}

/* Room for one more; the old array stays in the arena. */
static void *grown(aglm_arena *a, const void *data, size_t n, size_t *cap, size_t size)
{
    size_t more = *cap ? *cap * 2 : 4;
    void *p = aglm_arena_array(a, more, size);

    if (p && n)
        memcpy(p, data, n * size);
    if (p)
        *cap = more;
    return p;
}

bool aglm_jlist_push(aglm_arena *a, aglm_jlist *l, aglm_jval v)
{
    if (l->n == l->cap) {
        void *items = grown(a, l->items, l->n, &l->cap, sizeof *l->items);
        if (!items)
            return false;
        l->items = items;
    }
    l->items[l->n++] = v;
    return true;
}

bool aglm_jval_hashable(const aglm_jval *v)
{
    if (v->kind == AGLM_J_LIST || v->kind == AGLM_J_DICT)
        return false;
    for (size_t i = 0; v->kind == AGLM_J_TUPLE && i < v->list->n; i++)
        if (v->list->items[i].kind >= AGLM_J_LIST)
            return v->list->items[i].kind != AGLM_J_LIST && v->list->items[i].kind != AGLM_J_DICT;
    return true;
}

/* Equal keys have equal hashes: 1, 1.0 and true are one key. */
static uint64_t hash_of(const aglm_jval *v)
{
    double f;

    if (v->kind == AGLM_J_STRING)
        return aglm_hash64(v->s, v->len, 1);
    if (!aglm_jval_number(v, &f))
        return v->kind == AGLM_J_TUPLE ? v->list->n : v->kind;
    f = f == 0 ? 0 : f;
    return aglm_hash64(&f, sizeof f, 2);
}

static size_t find_pair(const aglm_jdict *d, const aglm_jval *key, uint64_t hash)
{
    uint64_t left = MAX_KEY_COMPARISONS;

    if (!d->index) {
        for (size_t i = 0; i < d->n; i++)
            if (d->pairs[i].hash == hash && aglm_jval_equal(&d->pairs[i].key, key, 8, &left))
                return i;
        return SIZE_MAX;
    }
    for (size_t at = hash & d->mask; d->index[at]; at = (at + 1) & d->mask) {
        size_t i = d->index[at] - 1;
        if (d->pairs[i].hash == hash && aglm_jval_equal(&d->pairs[i].key, key, 8, &left))
            return i;
    }
    return SIZE_MAX;
}

const aglm_jval *aglm_jdict_get(const aglm_jdict *d, const aglm_jval *key)
{
    size_t i = d->n ? find_pair(d, key, hash_of(key)) : SIZE_MAX;

    return i == SIZE_MAX ? NULL : &d->pairs[i].value;
}

const aglm_jval *aglm_jdict_get_text(const aglm_jdict *d, const char *key, size_t len)
{
    aglm_jval v = aglm_jval_text(key, len);

    return aglm_jdict_get(d, &v);
}

static void index_pair(aglm_jdict *d, size_t i)
{
    size_t at = d->pairs[i].hash & d->mask;

    while (d->index[at])
        at = (at + 1) & d->mask;
    d->index[at] = (uint32_t)i + 1;
}

static void index_all(aglm_jdict *d)
{
    memset(d->index, 0, (d->mask + 1) * sizeof *d->index);
    for (size_t i = 0; i < d->n; i++)
        index_pair(d, i);
}

/* A table at most half full for the pairs there is room for. */
static bool make_index(aglm_arena *a, aglm_jdict *d)
{
    size_t size = 32;

    while (size < d->cap * 2)
        size *= 2;
    uint32_t *index = aglm_arena_array(a, size, sizeof *index);
    if (!index)
        return false;
    d->index = index;
    d->mask = size - 1;
    index_all(d);
    return true;
}

bool aglm_jdict_set(aglm_arena *a, aglm_jdict *d, aglm_jval key, aglm_jval value)
{
    uint64_t hash = hash_of(&key);
    size_t i = find_pair(d, &key, hash);

    if (i != SIZE_MAX) {
        d->pairs[i].value = value;
        return true;
    }
    if (d->n == d->cap) {
        void *pairs = grown(a, d->pairs, d->n, &d->cap, sizeof *d->pairs);
        if (!pairs)
            return false;
        d->pairs = pairs;
        if (d->cap > FEW_PAIRS && !make_index(a, d))
            return false;
    }
    d->pairs[d->n] = (aglm_jpair){key, value, hash};
    if (d->index)
        index_pair(d, d->n);
    d->n++;
    return true;
}

bool aglm_jdict_remove(aglm_jdict *d, const aglm_jval *key)
{
    size_t i = find_pair(d, key, hash_of(key));

    if (i == SIZE_MAX)
        return false;
    d->n--;
    memmove(d->pairs + i, d->pairs + i + 1, (d->n - i) * sizeof *d->pairs);
    if (d->index)
        index_all(d);
    return true;
}
