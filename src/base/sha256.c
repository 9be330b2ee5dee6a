/* SHA-256 (FIPS 180-4): plain C, and the processor's own rounds where an x86 has them. */
#include <string.h>

#include "base/hash.h"

/* A test compiles this file once more with AGLM_SHA256_PLAIN, to try both paths on one machine. */
#if defined(__x86_64__) && !defined(AGLM_SHA256_PLAIN)
#define HAS_SHA_PATH 1
#include <immintrin.h>
#else
#define HAS_SHA_PATH 0
#endif

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

/* Word i >= 16 of the message schedule, in a window of the last 16. */
static inline uint32_t next_word(uint32_t w[16], int i)
{
    uint32_t a = w[(i + 1) & 15];
    uint32_t b = w[(i + 14) & 15];
    uint32_t s0 = rotr(a, 7) ^ rotr(a, 18) ^ a >> 3;
    uint32_t s1 = rotr(b, 17) ^ rotr(b, 19) ^ b >> 10;

    return w[i & 15] += s0 + w[(i + 9) & 15] + s1;
}

/* Section 6.2.2. The working variables a..h stand in v[(0 - i) & 7] and on: they turn by index, not
 * by moving. */
static inline void round_at(uint32_t v[8], int i, uint32_t kw)
{
#define V(k) v[((k) - i) & 7]
    uint32_t e = V(4);
    uint32_t a = V(0);
    uint32_t s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
    uint32_t s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
    uint32_t t1 = V(7) + s1 + ((e & V(5)) ^ (~e & V(6))) + kw;

    V(3) += t1;
    V(7) = t1 + s0 + ((a & V(1)) ^ (a & V(2)) ^ (V(1) & V(2)));
#undef V
}

static void absorb_plain(uint32_t h[8], const uint8_t *p, size_t blocks)
{
    for (; blocks > 0; blocks--, p += 64) {
        uint32_t w[16];
        uint32_t v[8];
        memcpy(v, h, sizeof v);
        for (int i = 0; i < 16; i++)
            w[i] = big32(p + 4 * i);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
            round_at(v, i, sha_k[i] + w[i]);
        for (int from = 16; from < 64; from += 16) {
#pragma GCC unroll 16
            for (int i = 0; i < 16; i++)
                round_at(v, i, sha_k[from + i] + next_word(w, i));
        }
        for (int i = 0; i < 8; i++)
            h[i] += v[i];
    }
}

#if HAS_SHA_PATH
#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

/* Four rounds; m[0] holds their words, and is made into those of sixteen rounds later when more is
 * set. */
SHA_TARGET static inline void four_rounds(__m128i state[2], __m128i m[4], const uint32_t *k,
                                          int more)
{
    __m128i kw = _mm_add_epi32(m[0], _mm_loadu_si128((const __m128i *)k));
    __m128i first = m[0];

    state[1] = _mm_sha256rnds2_epu32(state[1], state[0], kw);
    state[0] = _mm_sha256rnds2_epu32(state[0], state[1], _mm_shuffle_epi32(kw, 0x0E));
    if (more) {
        __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(m[0], m[1]),
                                    _mm_alignr_epi8(m[3], m[2], 4));
        first = _mm_sha256msg2_epu32(sum, m[3]);
    }
    m[0] = m[1];
    m[1] = m[2];
    m[2] = m[3];
    m[3] = first;
}

/* The instructions want the state as (a b e f) and (c d g h), highest word first. */
SHA_TARGET static void absorb_sha(uint32_t h[8], const uint8_t *p, size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i state[2] = {_mm_set_epi32((int)h[0], (int)h[1], (int)h[4], (int)h[5]),
                        _mm_set_epi32((int)h[2], (int)h[3], (int)h[6], (int)h[7])};
    uint32_t out[8];

    for (; blocks > 0; blocks--, p += 64) {
        __m128i m[4];
        __m128i abef = state[0];
        __m128i cdgh = state[1];
        for (int i = 0; i < 4; i++)
            m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(p + 16 * i)), swap);
#pragma GCC unroll 16
        for (int i = 0; i < 64; i += 4)
            four_rounds(state, m, sha_k + i, i < 48);
        state[0] = _mm_add_epi32(state[0], abef);
        state[1] = _mm_add_epi32(state[1], cdgh);
    }
    _mm_storeu_si128((__m128i *)out, state[0]);
    _mm_storeu_si128((__m128i *)(out + 4), state[1]);
    const uint32_t back[8] = {out[3], out[2], out[7], out[6], out[1], out[0], out[5], out[4]};
    memcpy(h, back, sizeof back);
}
#endif

static void absorb(uint32_t h[8], const uint8_t *p, size_t blocks)
{
#if HAS_SHA_PATH
    if (__builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1")) {
        absorb_sha(h, p, blocks);
        return;
    }
#endif
    absorb_plain(h, p, blocks);
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
        absorb(s->h, s->block, 1);
        p += take;
        n -= take;
    }
    if (n >= 64)
        absorb(s->h, p, n / 64);
    if (n % 64)
        memcpy(s->block, p + n / 64 * 64, n % 64);
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
