/* lm/gguf.h - what a GGUF file says: keys, values and where its tensors lie, nothing believed that
 * was not checked against the file's length. llama.cpp sees a file only after aglm_gguf_check.
 * Threads: an opened file is immutable and may be shared.
 *
 * The format: versions 2 and 3, little-endian (ggml/docs/gguf.md of the ggml project). */
#ifndef AGLM_LM_GGUF_H
#define AGLM_LM_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

#define AGLM_GGUF_DIMS 4
#define AGLM_GGUF_TYPES 43 /* numbers of weight types, some of them unused */

typedef enum aglm_gguf_kind {
    AGLM_GGUF_U8,
    AGLM_GGUF_I8,
    AGLM_GGUF_U16,
    AGLM_GGUF_I16,
    AGLM_GGUF_U32,
    AGLM_GGUF_I32,
    AGLM_GGUF_F32,
    AGLM_GGUF_BOOL,
    AGLM_GGUF_TEXT,
    AGLM_GGUF_ARRAY,
    AGLM_GGUF_U64,
    AGLM_GGUF_I64,
    AGLM_GGUF_F64
} aglm_gguf_kind;

/* A key with its value. Of an array, kind is its elements'. */
typedef struct aglm_gguf_pair {
    const char *key;
    aglm_gguf_kind kind;
    bool array;
    uint64_t n;           /* elements; 1 when it is no array */
    const uint8_t *bytes; /* in the file, not aligned; texts are a uint64_t of length and bytes */
    uint64_t at;          /* where in the file the value lies */
    const char *text;     /* of a single text: with a NUL behind it */
} aglm_gguf_pair;

typedef struct aglm_gguf_tensor {
    const char *name;
    unsigned n_dims;
    uint64_t dims[AGLM_GGUF_DIMS]; /* the first is the row's length; 1 past n_dims */
    unsigned type;
    uint64_t at, bytes; /* at: from the file's first byte */
} aglm_gguf_tensor;

typedef struct aglm_gguf aglm_gguf;

/* Maps and reads a file. AGLM_NOTFOUND, AGLM_IO; AGLM_FORMAT names file, byte and what was
 * expected; AGLM_LIMIT: more keys, tensors or text than any model has. */
aglm_rc aglm_gguf_open(aglm_gguf **out, const char *path, aglm_error *err);
/* The same of n bytes that outlive *out; origin stands before messages. */
aglm_rc aglm_gguf_read(aglm_gguf **out, const void *bytes, size_t n, const char *origin,
                       aglm_error *err);
void aglm_gguf_close(aglm_gguf *g); /* NULL is fine */

/* Whether it describes a language model that llama.cpp can be given: it ends its process over
 * tokens that stand twice, layers and experts out of its range, heads that do not divide.
 * AGLM_FORMAT; AGLM_UNSUPPORTED: adapters, projectors, one part of several. */
aglm_rc aglm_gguf_check(const aglm_gguf *g, aglm_error *err);
/* Both for a file that nothing else is asked of. */
aglm_rc aglm_gguf_check_file(const char *path, aglm_error *err);

const char *aglm_gguf_origin(const aglm_gguf *g);
unsigned aglm_gguf_version(const aglm_gguf *g);
uint64_t aglm_gguf_size(const aglm_gguf *g); /* bytes of the file */
const aglm_gguf_pair *aglm_gguf_pairs(const aglm_gguf *g, size_t *n);
const aglm_gguf_tensor *aglm_gguf_tensors(const aglm_gguf *g, size_t *n);
/* NULL when it is not there. */
const aglm_gguf_tensor *aglm_gguf_tensor_find(const aglm_gguf *g, const char *name);
const aglm_gguf_pair *aglm_gguf_find(const aglm_gguf *g, const char *key);
/* The key "ARCHITECTURE.rest" (general.architecture); NULL too when there is no architecture. */
const aglm_gguf_pair *aglm_gguf_find_arch(const aglm_gguf *g, const char *rest);

/* A text, or NULL when the key is not there or is no text. */
const char *aglm_gguf_text(const aglm_gguf *g, const char *key);
/* A single number or truth value, otherwise `otherwise`. */
double aglm_gguf_number(const aglm_gguf *g, const char *key, double otherwise);
/* Element i of p as a number; NAN for texts. i < p->n. */
double aglm_gguf_pair_number(const aglm_gguf_pair *p, uint64_t i);
/* The text at *at, which is moved behind it: begin with p->bytes, p->n times. */
const char *aglm_gguf_next_text(const uint8_t **at, uint64_t *len);

/* Weights of all tensors; saturates. */
uint64_t aglm_gguf_parameters(const aglm_gguf *g);
/* How many tensors of each type there are, and their bytes (may be NULL). */
void aglm_gguf_types(const aglm_gguf *g, size_t counts[AGLM_GGUF_TYPES],
                     uint64_t bytes[AGLM_GGUF_TYPES]);
/* "Q4_0"; NULL for a number that is none. */
const char *aglm_gguf_type_name(unsigned type);

#endif
