/* cli/schema.h - answers in JSON by --schema: drawn with a grammar where the model takes one, and
 * checked in any case.
 * Threads: confined. */
#ifndef AGLM_CLI_SCHEMA_H
#define AGLM_CLI_SCHEMA_H

#include "lm/runtime.h"
#include "net/json_schema.h"

/* Zero: no schema is asked for. */
typedef struct aglm_answer_schema {
    aglm_json_schema *schema;
    aglm_str grammar; /* "": answers can only be checked, for the reason in `without` */
    aglm_error without;
} aglm_answer_schema;

/* path: a JSON Schema, NULL: none. A schema that no value can meet is refused. Cleared by the
 * caller whatever comes back. */
aglm_rc aglm_answer_schema_read(aglm_answer_schema *s, const char *path, aglm_error *err);
void aglm_answer_schema_clear(aglm_answer_schema *s);

/* aglm_lm_generate under the grammar; without it where the model takes none. */
aglm_rc aglm_answer_schema_generate(aglm_answer_schema *s, aglm_lm *lm, aglm_lm_request *r,
                                    aglm_lm_answer *out, aglm_error *err);
/* why->msg is "" when the answer keeps to the schema or none is asked for, else the first fault. */
aglm_rc aglm_answer_schema_check(const aglm_answer_schema *s, const aglm_lm_answer *answer,
                                 aglm_error *why, aglm_error *err);

#endif
