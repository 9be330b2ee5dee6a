/* base/hash.h - hashes: a fast one for tables, SHA-256 for what is recorded.
 * Threads: pure functions; a SHA-256 state is confined. */
#ifndef AGLM_BASE_HASH_H
#define AGLM_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The same on every machine and version: part of the bundle format. */
uint64_t aglm_hash64(const void *data, size_t n, uint64_t seed);
/* Mixes one 64-bit word well (the finaliser of splitmix64). */
static inline uint64_t aglm_mix64(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ULL;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/* FIPS 180-4. */
typedef struct aglm_sha256 {
    uint32_t h[8];
    uint64_t bytes;
    uint8_t block[64];
} aglm_sha256;
void aglm_sha256_init(aglm_sha256 *s);
void aglm_sha256_update(aglm_sha256 *s, const void *data, size_t n);
/* Writes 64 hex digits and a NUL. */
void aglm_sha256_hex(aglm_sha256 *s, char hex[65]);

#endif
