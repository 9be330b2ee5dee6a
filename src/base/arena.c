#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16
#define FIRST_BLOCK 1024
#define LARGEST_BLOCK ((size_t)1 << 20)

struct aglm_arena_block {
    aglm_arena_block *next;
    size_t cap;
    size_t used;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

void aglm_arena_init(aglm_arena *a, size_t max_bytes)
{
    *a = (aglm_arena){.max_bytes = max_bytes};
}

void aglm_arena_clear(aglm_arena *a)
{
    while (a->blocks) {
        aglm_arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->used_bytes = 0;
}

/* Blocks double up to a limit, so that small arenas stay small and large ones ask seldom. */
static aglm_arena_block *block_add(aglm_arena *a, size_t n)
{
    size_t cap = a->blocks ? a->blocks->cap * 2 : FIRST_BLOCK;

    if (cap > LARGEST_BLOCK)
        cap = LARGEST_BLOCK;
    if (cap < n)
        cap = n;
    aglm_arena_block *b = calloc(1, sizeof *b + cap);
    if (!b)
        return NULL;
    b->cap = cap;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void *aglm_arena_alloc(aglm_arena *a, size_t n)
{
    aglm_arena_block *b = a->blocks;

    if (n > PTRDIFF_MAX - 4096)
        return NULL;
    n = n ? (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    if (n > a->max_bytes - a->used_bytes)
        return NULL;
    if (!b || n > b->cap - b->used) {
        b = block_add(a, n);
        if (!b)
            return NULL;
    }
    void *p = b->bytes + b->used;
    b->used += n;
    a->used_bytes += n;
    return p;
}

void *aglm_arena_array(aglm_arena *a, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    return aglm_arena_alloc(a, bytes);
}

char *aglm_arena_strndup(aglm_arena *a, const char *s, size_t n)
{
    if (n == SIZE_MAX)
        return NULL;
    char *copy = aglm_arena_alloc(a, n + 1);
    if (copy && n)
        memcpy(copy, s, n);
    return copy;
}

char *aglm_arena_strdup(aglm_arena *a, const char *s)
{
    return aglm_arena_strndup(a, s, strlen(s));
}

char *aglm_arena_printf(aglm_arena *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return NULL;
    char *text = aglm_arena_alloc(a, (size_t)n + 1);
    if (!text)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return text;
}
