#include "base/hash.h"

#include <string.h>

/* Odd 64-bit constants with 32 bits set each, from the binary expansion of sqrt(2), sqrt(3),
 * sqrt(5), sqrt(7). */
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

/* Both halves of the 128-bit product. The factors are added back in, so that a factor of zero does
 * not swallow the other one. */
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
