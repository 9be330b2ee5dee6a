/* lm/jinja.h - a sandboxed subset of Jinja2 for chat templates and prompts, with the settings of
 * Hugging Face: trim_blocks, lstrip_blocks, break and continue, {% generation %}, raise_exception,
 * strftime_now, tojson without HTML escapes, no autoescape.
 * Threads: a parsed template is immutable and may be rendered by several threads at once. */
#ifndef AGLM_LM_JINJA_H
#define AGLM_LM_JINJA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

#define AGLM_JINJA_MAX_TEMPLATE ((size_t)1 << 20) /* bytes */

typedef struct aglm_jinja aglm_jinja;

/* Parses the template. AGLM_FORMAT names line and column and the mend; AGLM_UNSUPPORTED: a part of
 * Jinja2 that is left out (import, include, extends, some filters). Free with aglm_jinja_free. */
aglm_rc aglm_jinja_new(aglm_jinja **out, const char *text, size_t len, aglm_error *err);
void aglm_jinja_free(aglm_jinja *j);

/* 0 in a member: the default in brackets. */
typedef struct aglm_jinja_options {
    uint64_t max_steps;      /* evaluated nodes, loop turns and bytes / 64 handled [10 million] */
    size_t max_memory_bytes; /* values of one rendering [64 MiB] */
    unsigned max_depth;      /* nested evaluations: expressions, bodies, macros [1500] */
    int64_t now_s;       /* what strftime_now tells: seconds since 1970, the zone's offset added */
    bool mutable_values; /* allow list.append, dict.update, ... (Jinja2's SandboxedEnvironment);
                          * else they are refused as by ImmutableSandboxedEnvironment, which Hugging
                          * Face uses */
    bool strict;         /* a variable that nobody gave is an error where it is printed, too */
} aglm_jinja_options;

/* Appends the text to out, whose max is the limit of output and of any string on the way. vars: an
 * object whose members are the variables (NULL: none). options may be NULL. AGLM_INVALID: what
 * Jinja2 raises, raise_exception included, with line and column; AGLM_LIMIT; AGLM_NOMEM. On failure
 * out is as it was. */
aglm_rc aglm_jinja_render(const aglm_jinja *j, const aglm_json *vars,
                          const aglm_jinja_options *options, aglm_str *out, aglm_error *err);

/* The variables that the template reads and does not set everywhere itself, in the order of their
 * first use: calls visit for each (with line and column from 1) until it fails. Names of built-in
 * functions are left out. */
typedef aglm_rc (*aglm_jinja_visit)(void *arg, const char *name, unsigned line, unsigned column,
                                    aglm_error *err);
aglm_rc aglm_jinja_variables(const aglm_jinja *j, aglm_jinja_visit visit, void *arg,
                             aglm_error *err);

#endif
