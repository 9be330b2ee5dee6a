/* base/arena.h - memory that dies together: one arena per trial, request or parse.
 * Threads: confined. */
#ifndef AGLM_BASE_ARENA_H
#define AGLM_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "autoglm/error.h"

typedef struct aglm_arena_block aglm_arena_block;

typedef struct aglm_arena {
    aglm_arena_block *blocks;
    size_t used_bytes; /* handed out in all blocks */
    size_t max_bytes;
} aglm_arena;

/* An empty arena that will not hand out more than max_bytes; cannot fail. */
void aglm_arena_init(aglm_arena *a, size_t max_bytes);
/* Frees all; the arena may be used again. */
void aglm_arena_clear(aglm_arena *a);

/* n zeroed bytes, 16-byte aligned, or NULL when the cap is reached or memory is out. n == 0 gives a
 * valid pointer. */
void *aglm_arena_alloc(aglm_arena *a, size_t n);
/* n * size with the overflow check. */
void *aglm_arena_array(aglm_arena *a, size_t n, size_t size);
/* A copy of n bytes of s with a NUL behind it. */
char *aglm_arena_strndup(aglm_arena *a, const char *s, size_t n);
char *aglm_arena_strdup(aglm_arena *a, const char *s);
char *aglm_arena_printf(aglm_arena *a, const char *fmt, ...) AGLM_PRINTF(2, 3);

#endif
