#include "cli/schema.h"

#include <stdlib.h>

#include "base/file.h"
#include "lm/check.h"
#include "lm/grammar.h"

#define MAX_SCHEMA ((size_t)16 << 20)
#define MAX_GRAMMAR ((size_t)1 << 20)

/* What a grammar has no words for is left to the check. */
static aglm_rc make_grammar(aglm_answer_schema *s, aglm_error *err)
{
    aglm_rc rc = aglm_grammar_from_schema(&s->grammar, s->schema, &s->without);

    if (rc == AGLM_OK)
        return rc;
    aglm_str_reset(&s->grammar);
    if (rc == AGLM_UNSUPPORTED || rc == AGLM_LIMIT)
        return AGLM_OK;
    return aglm_error_set(err, rc, "%s", s->without.msg);
}

aglm_rc aglm_answer_schema_read(aglm_answer_schema *s, const char *path, aglm_error *err)
{
    char *text = NULL;
    size_t n;

    *s = (aglm_answer_schema){0};
    aglm_str_init(&s->grammar, MAX_GRAMMAR);
    if (!path)
        return AGLM_OK;
    aglm_rc rc = aglm_file_read(path, MAX_SCHEMA, &text, &n, err);
    if (rc != AGLM_OK)
        return rc;
    rc = aglm_json_schema_new(&s->schema, text, n, err);
    if (rc == AGLM_OK)
        rc = make_grammar(s, err);
    free(text);
    if (rc != AGLM_OK)
        aglm_error_prefix(err, "%s", path);
    return rc;
}

void aglm_answer_schema_clear(aglm_answer_schema *s)
{
    aglm_json_schema_free(s->schema);
    aglm_str_clear(&s->grammar);
}

aglm_rc aglm_answer_schema_generate(aglm_answer_schema *s, aglm_lm *lm, aglm_lm_request *r,
                                    aglm_lm_answer *out, aglm_error *err)
{
    aglm_rc rc;

    r->grammar = s->grammar.len > 0 ? s->grammar.data : NULL;
    rc = aglm_lm_generate(lm, r, out, err);
    if (rc != AGLM_UNSUPPORTED || !r->grammar)
        return rc;
    if (err)
        s->without = *err;
    r->grammar = NULL;
    return aglm_lm_generate(lm, r, out, err);
}

aglm_rc aglm_answer_schema_check(const aglm_answer_schema *s, const aglm_lm_answer *answer,
                                 aglm_error *why, aglm_error *err)
{
    const aglm_check_options o = {.schema = s->schema};
    aglm_check_report report;

    *why = (aglm_error){0};
    if (!s->schema)
        return AGLM_OK;
    aglm_rc rc = aglm_check_run(&report, answer->text.data, answer->text.len, &o, err);
    if (rc == AGLM_OK && report.result[AGLM_CHECK_FORMAT].failed)
        aglm_error_set(why, AGLM_FORMAT, "%s%s", report.result[AGLM_CHECK_FORMAT].reason,
                       answer->reason == AGLM_LM_LENGTH ? "; it was cut: give more --max-tokens"
                       : answer->reason == AGLM_LM_TIME ? "; it was cut by --limit"
                                                        : "");
    return rc;
}
