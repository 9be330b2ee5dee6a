/* lm/grammar_part.h - the parts of a JSON Schema that a grammar has a rule for each of, and whether
 * there is a value that meets them.
 * Threads: confined. */
#ifndef AGLM_LM_GRAMMAR_PART_H
#define AGLM_LM_GRAMMAR_PART_H

#include "base/map.h"
#include "net/json_schema.h"

typedef struct aglm_grammar_part {
    const aglm_json *schema;
    bool possible; /* some value of finite length meets it */
    bool grounded; /* references and choices alone do not lead back to it */
} aglm_grammar_part;

typedef struct aglm_grammar_parts {
    const aglm_json_schema *schema;
    aglm_map *numbers; /* addresses of schemas */
    aglm_grammar_part *at;
    size_t n, cap;
    aglm_rc rc; /* the first failure of aglm_grammar_fits */
} aglm_grammar_parts;

/* Collects them, the whole schema as part 0. AGLM_UNSUPPORTED, AGLM_INVALID as
 * aglm_grammar_from_schema. Cleared by the caller whatever comes back. */
aglm_rc aglm_grammar_parts_init(aglm_grammar_parts *p, const aglm_json_schema *schema,
                                aglm_error *err);
void aglm_grammar_parts_clear(aglm_grammar_parts *p);

/* schema: of a part. */
size_t aglm_grammar_part_number(const aglm_grammar_parts *p, const aglm_json *schema);
bool aglm_grammar_part_possible(const aglm_grammar_parts *p, const aglm_json *schema);

/* The list of "anyOf" or "oneOf", NULL when it has none. */
const aglm_json *aglm_grammar_choices(const aglm_json *schema);
/* The list of "enum", or "const" itself, of which a value must be one; NULL: neither. */
const aglm_json *aglm_grammar_literals(const aglm_json *schema, bool *list);
/* Does the value meet all of the part? A failure goes to p->rc. */
bool aglm_grammar_fits(aglm_grammar_parts *p, const aglm_json *schema, const aglm_json *value);
/* The types a value of the part may have; 0: any value is right. */
size_t aglm_grammar_types(const aglm_json *schema, const char *types[7]);
/* Is there a value of that type? */
bool aglm_grammar_type_possible(const aglm_grammar_parts *p, const aglm_json *schema,
                                const char *type);

/* A length: least <= most, or there is none. */
typedef struct aglm_grammar_length {
    double least, most; /* INFINITY: no bound */
} aglm_grammar_length;
aglm_grammar_length aglm_grammar_length_of(const aglm_json *schema, const char *low,
                                           const char *high);

#endif
