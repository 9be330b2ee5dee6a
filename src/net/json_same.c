#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "net/json_schema_priv.h"

static bool same_number(const aglm_json *a, const aglm_json *b)
{
    int64_t x = aglm_json_int(a, 0), y = aglm_json_int(b, 0);

    if (x == aglm_json_int(a, 1) && y == aglm_json_int(b, 1)) /* both are whole */
        return x == y;
    return aglm_json_double(a, 0) == aglm_json_double(b, 0);
}

static bool same_string(const aglm_json *a, const aglm_json *b)
{
    size_t n, m;
    const char *s = aglm_json_string(a, &n), *t = aglm_json_string(b, &m);

    return n == m && memcmp(s, t, n) == 0;
}

static bool same_elements(const aglm_json *a, const aglm_json *b, int64_t *work)
{
    aglm_json_iter i = aglm_json_iterate(a), j = aglm_json_iterate(b);
    const aglm_json *x, *y;

    while ((x = aglm_json_next(&i, NULL)) && (y = aglm_json_next(&j, NULL)))
        if (!aglm_json_same(x, y, work))
            return false;
    return true;
}

static bool same_members(const aglm_json *a, const aglm_json *b, int64_t *work)
{
    aglm_json_iter i = aglm_json_iterate(a);
    const char *key;
    const aglm_json *x, *y;

    while ((x = aglm_json_next(&i, &key))) {
        *work -= (int64_t)aglm_json_size(b);
        if (!(y = aglm_json_get(b, key)) || !aglm_json_same(x, y, work))
            return false;
    }
    return true;
}

bool aglm_json_same(const aglm_json *a, const aglm_json *b, int64_t *work)
{
    aglm_json_kind kind = aglm_json_kind_of(a);

    if (--*work < 0 || kind != aglm_json_kind_of(b) || aglm_json_size(a) != aglm_json_size(b))
        return false;
    switch (kind) {
    case AGLM_JSON_NULL:
        return true;
    case AGLM_JSON_BOOL:
        return aglm_json_bool(a, false) == aglm_json_bool(b, false);
    case AGLM_JSON_NUMBER:
        return same_number(a, b);
    case AGLM_JSON_STRING:
        return same_string(a, b);
    case AGLM_JSON_ARRAY:
        return same_elements(a, b, work);
    case AGLM_JSON_OBJECT:
        break;
    }
    return same_members(a, b, work);
}

static uint64_t hash_children(const aglm_json *v, bool ordered)
{
    aglm_json_iter it = aglm_json_iterate(v);
    uint64_t sum = aglm_json_size(v);
    const char *key = "";
    const aglm_json *child;

    while ((child = aglm_json_next(&it, &key))) {
        uint64_t h = aglm_json_hash(child);
        sum = ordered ? aglm_mix64(sum * 31 + h)
                      : sum + aglm_mix64(aglm_hash64(key, strlen(key), h));
    }
    return sum;
}

uint64_t aglm_json_hash(const aglm_json *v)
{
    aglm_json_kind kind = aglm_json_kind_of(v);
    uint64_t seed = (uint64_t)kind + 1;
    double number;
    size_t len;

    if (kind == AGLM_JSON_STRING) {
        const char *s = aglm_json_string(v, &len);
        return aglm_hash64(s, len, seed);
    }
    if (kind == AGLM_JSON_NUMBER) {
        number = aglm_json_double(v, 0) + 0.0; /* -0 and 0 are the same */
        return aglm_hash64(&number, sizeof number, seed);
    }
    if (kind == AGLM_JSON_BOOL)
        return aglm_mix64(seed * 2 + aglm_json_bool(v, false));
    return aglm_mix64(seed ^ hash_children(v, kind == AGLM_JSON_ARRAY) << 3);
}
