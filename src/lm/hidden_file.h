/* lm/hidden_file.h - hidden states in a file, kept from one run to the next.
 * Threads: confined; the store that owns it locks. One process at a time has the file open.
 *
 * Little-endian: a 64-byte head that says whose states these are, then records of name, checksum
 * and states. What a crash left half written at the end is cut off when the file is opened. */
#ifndef AGLM_LM_HIDDEN_FILE_H
#define AGLM_LM_HIDDEN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

typedef struct aglm_hidden_file aglm_hidden_file;

/* 128 bits of hash of a text. */
typedef struct aglm_hidden_name {
    uint64_t h[2];
} aglm_hidden_name;

/* Whose states: all of it must agree with what the file says. */
typedef struct aglm_hidden_origin {
    const char *model; /* known by its size, first and last MiB */
    uint64_t reading;  /* a hash of how texts are read */
    size_t n;          /* floats of a text */
} aglm_hidden_origin;

/* Makes the file or opens it and hands over what it holds, until told to stop (false).
 * AGLM_INVALID: states of another model or reading; AGLM_FORMAT: another kind of file; AGLM_BUSY;
 * AGLM_IO. */
aglm_rc aglm_hidden_file_open(aglm_hidden_file **out, const char *path,
                              const aglm_hidden_origin *origin,
                              bool (*each)(void *arg, aglm_hidden_name name, const float *states),
                              void *arg, aglm_error *err);
aglm_rc aglm_hidden_file_append(aglm_hidden_file *f, aglm_hidden_name name, const float *states,
                                aglm_error *err);
void aglm_hidden_file_close(aglm_hidden_file *f); /* NULL is fine */

#endif
