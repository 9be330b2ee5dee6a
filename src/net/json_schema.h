/* net/json_schema.h - does a JSON value keep to a JSON Schema (draft 2020-12)? References within
 * the document only; `format` and `content*` say nothing, as the draft has it by default. Threads:
 * a schema is immutable and may be shared. */
#ifndef AGLM_NET_JSON_SCHEMA_H
#define AGLM_NET_JSON_SCHEMA_H

#include <stdbool.h>

#include "base/json.h"

#define AGLM_JSON_SCHEMA_MAX_ERRORS 8

typedef struct aglm_json_schema aglm_json_schema;

/* Reads a schema from JSON text. AGLM_FORMAT names the keyword of the wrong kind, the pattern or
 * the reference that leads nowhere; AGLM_UNSUPPORTED a reference to another document, an inner $id
 * and $dynamicRef; AGLM_LIMIT a schema of too many parts. */
aglm_rc aglm_json_schema_new(aglm_json_schema **out, const char *text, size_t len, aglm_error *err);
void aglm_json_schema_free(aglm_json_schema *s);
/* The schema's own JSON, borrowed. */
const aglm_json *aglm_json_schema_root(const aglm_json_schema *s);
/* Where a subschema's "$ref" leads, borrowed; NULL when it has none. */
const aglm_json *aglm_json_schema_target(const aglm_json_schema *s, const aglm_json *ref);

/* *valid tells; `why` (may be NULL) gets a line for each of the first errors: the JSON pointer of
 * the value at fault, a colon, what is wrong. AGLM_LIMIT when the schema demands more work or
 * deeper references than allowed: the value is then neither valid nor invalid. */
aglm_rc aglm_json_schema_check(const aglm_json_schema *s, const aglm_json *value, bool *valid,
                               aglm_str *why, aglm_error *err);
/* The same for a part of the schema instead of the whole, without reasons. */
aglm_rc aglm_json_schema_check_part(const aglm_json_schema *s, const aglm_json *part,
                                    const aglm_json *value, bool *valid);

#endif
