#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

#define FIRST_SLOTS 16
#define CHUNK_BYTES ((size_t)32 << 10)
#define SMALLEST_CHUNK ((size_t)256)

struct entry {
    const char *key;
    size_t len;
};

/* number is one more than the key's; 0 marks a free slot. */
struct slot {
    uint32_t hash;
    uint32_t number;
};

struct aglm_map {
    struct slot *slots;
    size_t mask; /* slots - 1, a power of two */
    struct entry *entries;
    size_t n;
    size_t cap;
    size_t max_keys;
    size_t max_bytes;
    size_t key_bytes;
    aglm_arena keys; /* keys stay where they are: callers borrow them */
    char *chunk;
    size_t chunk_left;
    size_t chunk_next;
};

aglm_map *aglm_map_new(size_t max_keys, size_t max_bytes)
{
    aglm_map *m = aglm_calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->slots = aglm_calloc(FIRST_SLOTS, sizeof *m->slots);
    if (!m->slots) {
        free(m);
        return NULL;
    }
    m->mask = FIRST_SLOTS - 1;
    m->max_keys = max_keys < UINT32_MAX - 1 ? max_keys : UINT32_MAX - 1;
    m->max_bytes = max_bytes;
    m->chunk_next = SMALLEST_CHUNK;
    aglm_arena_init(&m->keys, SIZE_MAX);
    return m;
}

void aglm_map_free(aglm_map *m)
{
    if (!m)
        return;
    aglm_arena_clear(&m->keys);
    free(m->entries);
    free(m->slots);
    free(m);
}

/* The slot of the key, or the free slot where it belongs. The table is never full. */
static struct slot *probe(const aglm_map *m, const char *key, size_t len, uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);

    for (size_t at = hash & m->mask;; at = (at + 1) & m->mask) {
        struct slot *s = &m->slots[at];
        if (s->number == 0)
            return s;
        if (s->hash != tag)
            continue;
        const struct entry *e = &m->entries[s->number - 1];
        if (e->len == len && (len == 0 || memcmp(e->key, key, len) == 0))
            return s;
    }
}

static aglm_rc rehash(aglm_map *m)
{
    size_t count = (m->mask + 1) * 2;
    struct slot *old = m->slots;
    struct slot *fresh = aglm_calloc(count, sizeof *fresh);

    if (!fresh)
        return AGLM_NOMEM;
    m->slots = fresh;
    m->mask = count - 1;
    for (size_t i = 0; i < m->n; i++) {
        uint64_t hash = aglm_hash64(m->entries[i].key, m->entries[i].len, 0);
        size_t at = hash & m->mask;
        while (fresh[at].number)
            at = (at + 1) & m->mask;
        fresh[at] = (struct slot){(uint32_t)(hash >> 32), (uint32_t)i + 1};
    }
    free(old);
    return AGLM_OK;
}

/* Small keys are packed into chunks; an arena allocation each would round every word up to 16
 * bytes. */
static const char *store_key(aglm_map *m, const char *key, size_t len)
{
    if (len >= CHUNK_BYTES / 8)
        return aglm_arena_strndup(&m->keys, key, len);
    if (len + 1 > m->chunk_left) {
        size_t bytes = m->chunk_next > len + 1 ? m->chunk_next : CHUNK_BYTES;
        char *chunk = aglm_arena_alloc(&m->keys, bytes);
        if (!chunk)
            return NULL;
        m->chunk = chunk;
        m->chunk_left = bytes;
        if (m->chunk_next < CHUNK_BYTES)
            m->chunk_next *= 2;
    }
    char *copy = m->chunk;
    if (len)
        memcpy(copy, key, len);
    copy[len] = '\0';
    m->chunk += len + 1;
    m->chunk_left -= len + 1;
    return copy;
}

static aglm_rc add(aglm_map *m, struct slot *slot, const char *key, size_t len, uint64_t hash)
{
    aglm_rc rc = aglm_grow(&m->entries, &m->cap, m->n + 1, sizeof *m->entries, m->max_keys);

    if (rc)
        return rc;
    const char *copy = store_key(m, key, len);
    if (!copy)
        return AGLM_NOMEM;
    *slot = (struct slot){(uint32_t)(hash >> 32), (uint32_t)m->n + 1};
    m->entries[m->n++] = (struct entry){copy, len};
    m->key_bytes += len;
    return AGLM_OK;
}

aglm_rc aglm_map_intern(aglm_map *m, const char *key, size_t len, uint32_t *number, aglm_error *err)
{
    uint64_t hash = aglm_hash64(key, len, 0);
    struct slot *slot = probe(m, key, len, hash);

    if (slot->number) {
        *number = slot->number - 1;
        return AGLM_OK;
    }
    if (m->n >= m->max_keys)
        return aglm_error_set(err, AGLM_LIMIT, "more than %zu different keys", m->max_keys);
    if (len > m->max_bytes - m->key_bytes)
        return aglm_error_set(err, AGLM_LIMIT, "the keys take more than %zu bytes", m->max_bytes);
    if ((m->n + 1) * 2 > m->mask + 1) {
        if (rehash(m))
            return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu keys", m->n + 1);
        slot = probe(m, key, len, hash);
    }
    if (add(m, slot, key, len, hash))
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu keys", m->n + 1);
    *number = (uint32_t)m->n - 1;
    return AGLM_OK;
}

bool aglm_map_find(const aglm_map *m, const char *key, size_t len, uint32_t *number)
{
    const struct slot *slot = probe(m, key, len, aglm_hash64(key, len, 0));

    if (!slot->number)
        return false;
    *number = slot->number - 1;
    return true;
}

size_t aglm_map_size(const aglm_map *m)
{
    return m->n;
}

const char *aglm_map_key(const aglm_map *m, uint32_t number, size_t *len)
{
    if (len)
        *len = m->entries[number].len;
    return m->entries[number].key;
}
