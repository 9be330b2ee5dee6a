/* base/regex.h - regular expressions of users and schemas (PCRE2, UTF-8), with a bound on the work
 * of one match.
 * Threads: an expression is immutable and may be shared. */
#ifndef AGLM_BASE_REGEX_H
#define AGLM_BASE_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "autoglm/error.h"

#define AGLM_REGEX_MAX_BYTES 65536

typedef struct aglm_regex aglm_regex;

typedef struct aglm_regex_options {
    bool whole;     /* must match the whole text, not a part of it */
    bool fold_case; /* without regard to case */
    bool ecma;      /* JavaScript's reading, for JSON Schema: \d and \w are ASCII, $ is the end */
} aglm_regex_options;

/* Compiles the pattern. AGLM_FORMAT names the byte at fault, AGLM_LIMIT a pattern too long or too
 * large once compiled, AGLM_UNSUPPORTED a build without PCRE2; options may be NULL. */
aglm_rc aglm_regex_new(aglm_regex **out, const char *pattern, size_t len,
                       const aglm_regex_options *options, aglm_error *err);
void aglm_regex_free(aglm_regex *r);

/* Is there a match? AGLM_LIMIT when the search takes more steps than allowed (a pattern that
 * backtracks without end), AGLM_FORMAT when the text is not UTF-8. */
aglm_rc aglm_regex_match(const aglm_regex *r, const char *text, size_t len, bool *found,
                         aglm_error *err);

#endif
