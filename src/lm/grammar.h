/* lm/grammar.h - a JSON Schema as a grammar in llama.cpp's GBNF, for decoding that can only give
 * JSON of that form. Threads: pure functions. */
#ifndef AGLM_LM_GRAMMAR_H
#define AGLM_LM_GRAMMAR_H

#include "net/json_schema.h"

/* Appends rules, the first of them "root". Members come in the order of `properties`, without
 * blanks; members that the schema does not name are not written when it names some; numbers with a
 * bound have at most 15 digits. Lengths over 1,000, uniqueItems, doubled keys where any key may
 * stand, and that of oneOf no second one holds, are left to aglm_json_schema_check. AGLM_INVALID
 * for a schema that no value can meet, AGLM_UNSUPPORTED for a keyword with no counterpart (pattern,
 * allOf, not, if, ...), AGLM_LIMIT for a least length over 1,000: all name it. */
aglm_rc aglm_grammar_from_schema(aglm_str *out, const aglm_json_schema *schema, aglm_error *err);

#endif
