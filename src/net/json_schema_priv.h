/* net/json_schema_priv.h - what reading and applying a JSON Schema share.
 * Threads: as net/json_schema.h. */
#ifndef AGLM_NET_JSON_SCHEMA_PRIV_H
#define AGLM_NET_JSON_SCHEMA_PRIV_H

#include "base/map.h"
#include "base/regex.h"
#include "net/json_schema.h"

/* What was made of a place in the schema: a pattern, or the target of a reference. */
struct schema_part {
    aglm_regex *pattern;
    const aglm_json *target;
};

struct aglm_json_schema {
    aglm_json_doc *doc;
    aglm_map *places; /* addresses of values and keys, numbered */
    struct schema_part *parts;
    size_t n_parts;
    size_t cap_parts;
    bool unevaluated; /* a keyword unevaluated* is somewhere */
};

/* NULL when nothing was made of it. */
const struct schema_part *aglm_schema_part(const aglm_json_schema *s, const void *place);

/* Equality of JSON values: 1 and 1.0 are the same, members in any order. *work goes down by the
 * comparisons; nothing is the same once it is below 0. */
bool aglm_json_same(const aglm_json *a, const aglm_json *b, int64_t *work);
/* Equal for values that are the same. */
uint64_t aglm_json_hash(const aglm_json *v);

#endif
