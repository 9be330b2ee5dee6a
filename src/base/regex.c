#include "base/regex.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"

#ifdef AGLM_HAVE_PCRE2

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* About a tenth of a second; without JIT, so that the count means the same everywhere. */
#define MATCH_STEPS 1000000
#define MATCH_DEPTH 10000
#define MATCH_HEAP_KIB 8192
#define COMPILED_MAX_BYTES ((size_t)4 << 20)
#define NEST_MAX 100

struct aglm_regex {
    pcre2_code *code;
    pcre2_match_context *limits;
};

static uint32_t flags_of(const aglm_regex_options *o)
{
    uint32_t flags = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;

    if (!o)
        return flags;
    if (o->fold_case)
        flags |= PCRE2_CASELESS;
    if (o->whole)
        flags |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    if (o->ecma)
        flags |= PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_MATCH_UNSET_BACKREF;
    return flags;
}

static aglm_rc compile(aglm_regex *r, const char *pattern, size_t len,
                       const aglm_regex_options *options, aglm_error *err)
{
    pcre2_compile_context *bounds = pcre2_compile_context_create(NULL);
    PCRE2_UCHAR why[160];
    PCRE2_SIZE at = 0;
    size_t size = 0;
    int code = 0;

    if (!bounds)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    pcre2_set_parens_nest_limit(bounds, NEST_MAX);
    r->code = pcre2_compile((PCRE2_SPTR)pattern, len, flags_of(options), &code, &at, bounds);
    pcre2_compile_context_free(bounds);
    if (!r->code && code == PCRE2_ERROR_HEAP_FAILED)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    if (!r->code) {
        pcre2_get_error_message(code, why, sizeof why);
        return aglm_error_set(err, AGLM_FORMAT, "regular expression, byte %zu: %s", (size_t)at + 1,
                              (const char *)why);
    }
    pcre2_pattern_info(r->code, PCRE2_INFO_SIZE, &size);
    if (size > COMPILED_MAX_BYTES)
        return aglm_error_set(err, AGLM_LIMIT,
                              "regular expression: %zu bytes once compiled, at most %zu; its "
                              "repetitions are too large",
                              size, COMPILED_MAX_BYTES);
    return AGLM_OK;
}

aglm_rc aglm_regex_new(aglm_regex **out, const char *pattern, size_t len,
                       const aglm_regex_options *options, aglm_error *err)
{
    aglm_regex *r;
    aglm_rc rc;

    *out = NULL;
    if (len > AGLM_REGEX_MAX_BYTES)
        return aglm_error_set(err, AGLM_LIMIT, "regular expression: %zu bytes, at most %d", len,
                              AGLM_REGEX_MAX_BYTES);
    r = aglm_calloc(1, sizeof *r);
    if (!r)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    rc = compile(r, pattern, len, options, err);
    if (rc == AGLM_OK && !(r->limits = pcre2_match_context_create(NULL)))
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory");
    if (rc != AGLM_OK) {
        aglm_regex_free(r);
        return rc;
    }
    pcre2_set_match_limit(r->limits, MATCH_STEPS);
    pcre2_set_depth_limit(r->limits, MATCH_DEPTH);
    pcre2_set_heap_limit(r->limits, MATCH_HEAP_KIB);
    *out = r;
    return AGLM_OK;
}

void aglm_regex_free(aglm_regex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    pcre2_match_context_free(r->limits);
    free(r);
}

aglm_rc aglm_regex_match(const aglm_regex *r, const char *text, size_t len, bool *found,
                         aglm_error *err)
{
    pcre2_match_data *groups = pcre2_match_data_create(1, NULL);
    int code;

    *found = false;
    if (!groups)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    code = pcre2_match(r->code, (PCRE2_SPTR)text, len, 0, 0, groups, r->limits);
    pcre2_match_data_free(groups);
    *found = code >= 0;
    if (code >= 0 || code == PCRE2_ERROR_NOMATCH)
        return AGLM_OK;
    if (code == PCRE2_ERROR_NOMEMORY)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    if (code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_DEPTHLIMIT ||
        code == PCRE2_ERROR_HEAPLIMIT)
        return aglm_error_set(err, AGLM_LIMIT,
                              "regular expression: more than %d steps on a text of %zu bytes; "
                              "write it without nested repetitions",
                              MATCH_STEPS, len);
    return aglm_error_set(err, AGLM_FORMAT, "regular expression: the text is not UTF-8 (%d)", code);
}

#else

aglm_rc aglm_regex_new(aglm_regex **out, const char *pattern, size_t len,
                       const aglm_regex_options *options, aglm_error *err)
{
    *out = NULL;
    return aglm_error_set(err, AGLM_UNSUPPORTED,
                          "regular expressions: built without PCRE2; install libpcre2-dev and "
                          "build again");
}

void aglm_regex_free(aglm_regex *r)
{
    free(r);
}

aglm_rc aglm_regex_match(const aglm_regex *r, const char *text, size_t len, bool *found,
                         aglm_error *err)
{
    *found = false;
    return aglm_error_set(err, AGLM_UNSUPPORTED, "regular expressions: built without PCRE2");
}

#endif
