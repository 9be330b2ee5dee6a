/* base/map.h - a hash map from byte strings to uint32_t, in insertion order.
 * Threads: confined; many readers may share one that no longer changes. */
#ifndef AGLM_BASE_MAP_H
#define AGLM_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef struct aglm_map aglm_map;

/* max_keys and max_bytes (of all keys) bound what untrusted input can make it hold. NULL when out
 * of memory. */
aglm_map *aglm_map_new(size_t max_keys, size_t max_bytes);
void aglm_map_free(aglm_map *m);

/* The number of the key, the first time a new one (0, 1, 2, ...); AGLM_LIMIT or AGLM_NOMEM
 * otherwise. */
aglm_rc aglm_map_intern(aglm_map *m, const char *key, size_t len, uint32_t *number,
                        aglm_error *err);
/* False when it is not there. */
bool aglm_map_find(const aglm_map *m, const char *key, size_t len, uint32_t *number);
size_t aglm_map_size(const aglm_map *m);
/* The key with that number, NUL-terminated, borrowed; len may be NULL. */
const char *aglm_map_key(const aglm_map *m, uint32_t number, size_t *len);

#endif
