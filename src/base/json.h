/* base/json.h - reading and writing JSON behind one small interface (yyjson does the parsing).
 * Threads: a document is immutable once parsed and may be shared; a writer is confined. */
#ifndef AGLM_BASE_JSON_H
#define AGLM_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct aglm_json_doc aglm_json_doc;
typedef struct aglm_json aglm_json; /* a value inside a document; borrowed, dies with it */

typedef enum aglm_json_kind {
    AGLM_JSON_NULL,
    AGLM_JSON_BOOL,
    AGLM_JSON_NUMBER,
    AGLM_JSON_STRING,
    AGLM_JSON_ARRAY,
    AGLM_JSON_OBJECT
} aglm_json_kind;

#define AGLM_JSON_MAX_DEPTH 64

/* Parses strict RFC 8259 JSON. AGLM_FORMAT names line, column and what was expected; nesting over
 * AGLM_JSON_MAX_DEPTH, a doubled key or invalid UTF-8 is refused too. allow_nonfinite also takes
 * NaN, Infinity and -Infinity (as Python writes them). `origin` stands before the message
 * ("file.jsonl:17"); may be NULL. */
typedef struct aglm_json_options {
    const char *origin;
    bool allow_nonfinite;
} aglm_json_options;
aglm_rc aglm_json_parse(aglm_json_doc **out, const char *text, size_t len,
                        const aglm_json_options *options, aglm_error *err);
void aglm_json_free(aglm_json_doc *doc);
const aglm_json *aglm_json_root(const aglm_json_doc *doc);

aglm_json_kind aglm_json_kind_of(const aglm_json *v);
/* "a string", "an object", ... for messages. */
const char *aglm_json_kind_name(const aglm_json *v);
/* Member of an object, NULL when absent or v is no object. */
const aglm_json *aglm_json_get(const aglm_json *v, const char *key);
/* Number of elements of an array or members of an object, 0 otherwise. */
size_t aglm_json_size(const aglm_json *v);
/* Element i of an array, value i of an object (key_out gets its key). Linear in i: walk with
 * aglm_json_iter. */
typedef struct aglm_json_iter {
    const aglm_json *next;
    size_t left;
    bool object;
} aglm_json_iter;
aglm_json_iter aglm_json_iterate(const aglm_json *v);
/* The next element or NULL; key (may be NULL) gets the member's key for objects. */
const aglm_json *aglm_json_next(aglm_json_iter *it, const char **key);

/* Getters with a fallback for a value of another kind (v may be NULL). */
bool aglm_json_bool(const aglm_json *v, bool otherwise);
double aglm_json_double(const aglm_json *v, double otherwise);
/* Exact for whole numbers within int64; fallback for fractions and those outside. */
int64_t aglm_json_int(const aglm_json *v, int64_t otherwise);
/* Whether it was written as a whole number (1, not 1.0) and lies within int64. */
bool aglm_json_is_integer(const aglm_json *v);
/* Borrowed; len may be NULL. NULL when v is no string. A string may hold NUL characters: compare
 * len. */
const char *aglm_json_string(const aglm_json *v, size_t *len);

/* Required members: AGLM_FORMAT "key: expected a number, found a string" (options.origin is the
 * caller's to prefix). */
aglm_rc aglm_json_need_string(const aglm_json *obj, const char *key, const char **out,
                              aglm_error *err);
aglm_rc aglm_json_need_double(const aglm_json *obj, const char *key, double *out, aglm_error *err);
aglm_rc aglm_json_need_int(const aglm_json *obj, const char *key, int64_t low, int64_t high,
                           int64_t *out, aglm_error *err);

/* A writer that appends to a string and places commas and colons itself. pretty indents by two
 * spaces. Failures are the string's own sticky rc. Numbers are the shortest text that reads back
 * the same; non-finite ones become null, or NaN / Infinity / -Infinity when nonfinite is set. */
typedef struct aglm_json_writer {
    aglm_str *out;
    bool pretty;
    bool nonfinite;
    bool python; /* ", " and ": " as json.dumps writes them */
    uint8_t depth;
    bool comma[AGLM_JSON_MAX_DEPTH];
    bool after_key;
} aglm_json_writer;

void aglm_json_writer_init(aglm_json_writer *w, aglm_str *out);
void aglm_json_open_object(aglm_json_writer *w);
void aglm_json_close_object(aglm_json_writer *w);
void aglm_json_open_array(aglm_json_writer *w);
void aglm_json_close_array(aglm_json_writer *w);
void aglm_json_key(aglm_json_writer *w, const char *key);
void aglm_json_put_string(aglm_json_writer *w, const char *s, size_t len);
void aglm_json_put_text(aglm_json_writer *w, const char *s); /* NULL becomes null */
void aglm_json_put_double(aglm_json_writer *w, double v);
void aglm_json_put_int(aglm_json_writer *w, int64_t v);
void aglm_json_put_bool(aglm_json_writer *w, bool v);
void aglm_json_put_null(aglm_json_writer *w);
/* A value of a parsed document, written again. */
void aglm_json_put_value(aglm_json_writer *w, const aglm_json *v);
/* JSON text, parsed and written again; what does not parse, or lacks memory, fails the string. */
void aglm_json_put_parsed(aglm_json_writer *w, const char *text, size_t len);
/* Key and value in one call. */
void aglm_json_member_text(aglm_json_writer *w, const char *key, const char *s);
void aglm_json_member_double(aglm_json_writer *w, const char *key, double v);
void aglm_json_member_int(aglm_json_writer *w, const char *key, int64_t v);
void aglm_json_member_bool(aglm_json_writer *w, const char *key, bool v);

/* Shortest decimal text that reads back as v, always with a '.', 'e' or inf/nan so that Python
 * reads a float; buf holds at least 32 bytes. Locale-free. */
void aglm_double_format(char *buf, double v);
/* The whole of s[0..len) as a number, in C notation, locale-free; false when it is none. Also takes
 * inf and nan. */
bool aglm_double_parse(const char *s, size_t len, double *out);

#endif
