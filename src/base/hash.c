#include "base/hash.h"

#include <stdbool.h>
#include <string.h>

/* Odd 64-bit constants with 32 bits set each, from the binary expansion of sqrt(2), sqrt(3), sqrt(5), sqrt(7). */
#define K0 0x6a09e667f3bcc909ULL
#define K1 0xbb67ae8584caa73bULL
#define K2 0x3c6ef372fe94f82bULL
#define K3 0xa54ff53a5f1d36f1ULL

__extension__ typedef unsigned __int128 wide;

static inline uint64_t read64(const unsigned char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

static inline uint64_t read32(const unsigned char *p)
{
    uint32_t x;

    memcpy(&x, p, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap32(x);
#endif
    return x;
}

/* Both halves of the 128-bit product. The factors are added back in, so that a factor of zero does not swallow the
 * other one. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;

    return ((uint64_t)product + a) ^ ((uint64_t)(product >> 64) + b);
}

/* n <= 16: the whole key in two words that may overlap. */
static inline void read_short(const unsigned char *p, size_t n, uint64_t *a, uint64_t *b)
{
    if (n >= 8) {
        *a = read64(p);
        *b = read64(p + n - 8);
    } else if (n >= 4) {
        *a = read32(p);
        *b = read32(p + n - 4);
    } else if (n > 0) {
        *a = (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
        *b = 0;
    } else {
        *a = *b = 0;
    }
}

/* n > 16: two lanes over all but the last 1..32 bytes. */
static const unsigned char *absorb(const unsigned char *p, const unsigned char *last, uint64_t *h)
{
    uint64_t x = *h;
    uint64_t y = *h ^ K2;

    for (; p + 32 < last; p += 32) {
        x = fold(read64(p) ^ K0, read64(p + 8) ^ x);
        y = fold(read64(p + 16) ^ K1, read64(p + 24) ^ y);
    }
    *h = x ^ (y << 29 | y >> 35);
    if (p + 16 < last) {
        *h = fold(read64(p) ^ K2, read64(p + 8) ^ *h);
        p += 16;
    }
    return p;
}

uint64_t aglm_hash64(const void *data, size_t n, uint64_t seed)
{
    const unsigned char *p = data;
    uint64_t h = seed ^ K3;
    uint64_t a;
    uint64_t b;

    if (n <= 16) {
        read_short(p, n, &a, &b);
    } else {
        absorb(p, p + n, &h);
        a = read64(p + n - 16);
        b = read64(p + n - 8);
    }
    h = fold(a ^ K0 ^ h, b ^ K1 ^ (h << 32 | h >> 32));
    return fold(h ^ K2, (uint64_t)n ^ seed ^ K1);
}

static const uint32_t sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static inline uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void sha_schedule(uint32_t w[64], const uint8_t *block)
{
    for (int i = 0; i < 16; i++)
        w[i] = big32(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

/* FIPS 180-4, section 6.2.2. */
static void sha_block(uint32_t h[8], const uint8_t *block)
{
    uint32_t w[64];
    uint32_t v[8];

    sha_schedule(w, block);
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
        uint32_t ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + ch + sha_k[i] + w[i];
        uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
        uint32_t maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + s0 + maj;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

void aglm_sha256_init(aglm_sha256 *s)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    memcpy(s->h, start, sizeof start);
    s->bytes = 0;
}

void aglm_sha256_update(aglm_sha256 *s, const void *data, size_t n)
{
    const uint8_t *p = data;
    size_t held = s->bytes % 64;

    if (n == 0)
        return;
    s->bytes += n;
    if (held) {
        size_t take = 64 - held < n ? 64 - held : n;
        memcpy(s->block + held, p, take);
        if (held + take < 64)
            return;
        sha_block(s->h, s->block);
        p += take;
        n -= take;
    }
    for (; n >= 64; p += 64, n -= 64)
        sha_block(s->h, p);
    if (n)
        memcpy(s->block, p, n);
}

void aglm_sha256_hex(aglm_sha256 *s, char hex[65])
{
    static const char digits[] = "0123456789abcdef";
    static const uint8_t pad[64] = {0x80};
    uint8_t length[8];
    uint64_t bits = s->bytes * 8;
    size_t held = s->bytes % 64;

    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    aglm_sha256_update(s, pad, held < 56 ? 56 - held : 120 - held);
    aglm_sha256_update(s, length, sizeof length);
    for (int i = 0; i < 64; i++)
        hex[i] = digits[s->h[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[64] = '\0';
}
