#include "base/hash.h"

#include <math.h>
#include <stdbool.h>

#include "base/memory.h"
#include "base/rng.h"
#include "unit.h"

#define AVALANCHE_KEYS 2048

/* Flips every bit of keys of one length; each output bit should turn in half of the cases. Returns
 * the largest distance from one half over all pairs of an input and an output bit. */
static double worst_avalanche(size_t len, bool of_seed, aglm_rng *r)
{
    static uint32_t turned[64 * 8][64];
    size_t bits = of_seed ? 64 : len * 8;
    double worst = 0;

    memset(turned, 0, sizeof turned);
    for (int k = 0; k < AVALANCHE_KEYS; k++) {
        unsigned char key[64];
        uint64_t seed = aglm_rng_next(r);
        for (size_t i = 0; i < len; i++)
            key[i] = (unsigned char)aglm_rng_next(r);
        uint64_t h = aglm_hash64(key, len, seed);
        for (size_t b = 0; b < bits; b++) {
            uint64_t g;
            key[b / 8 % 64] ^= of_seed ? 0 : (unsigned char)(1 << b % 8);
            g = aglm_hash64(key, len, of_seed ? seed ^ 1ULL << b : seed);
            key[b / 8 % 64] ^= of_seed ? 0 : (unsigned char)(1 << b % 8);
            for (int o = 0; o < 64; o++)
                turned[b][o] += (h ^ g) >> o & 1;
        }
    }
    for (size_t at = 0; at < bits * 64; at++) {
        size_t b = at / 64;
        worst = fmax(worst, fabs(turned[b][at % 64] / (double)AVALANCHE_KEYS - 0.5));
    }
    return worst;
}

/* With 2048 keys the standard deviation of a share is 0.011; the largest of 32,768 lies below 0.06.
 */
static void every_input_bit_moves_every_output_bit(void **state)
{
    aglm_rng r;

    (void)state;
    aglm_rng_init(&r, 11);
    for (size_t len = 1; len <= 64; len += len < 36 ? 1 : 7) {
        double worst = worst_avalanche(len, false, &r);
        if (worst > 0.06)
            fail_msg("keys of %zu bytes: %.3f", len, worst);
    }
    for (size_t len = 0; len <= 40; len += 8) {
        double worst = worst_avalanche(len, true, &r);
        if (worst > 0.06)
            fail_msg("seed, keys of %zu bytes: %.3f", len, worst);
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* No two equal hashes; and the low bits, of which tables are made, spread as chance would. */
static void check_spread(uint64_t *h, size_t n, const char *name)
{
    enum { BUCKETS = 1 << 12 };
    static uint32_t low[BUCKETS];
    static uint32_t high[BUCKETS];
    double chi_low = 0;
    double chi_high = 0;
    double each = (double)n / BUCKETS;

    memset(low, 0, sizeof low);
    memset(high, 0, sizeof high);
    for (size_t i = 0; i < n; i++) {
        low[h[i] % BUCKETS]++;
        high[h[i] >> 52]++;
    }
    for (int b = 0; b < BUCKETS; b++) {
        chi_low += (low[b] - each) * (low[b] - each) / each;
        chi_high += (high[b] - each) * (high[b] - each) / each;
    }
    double limit = 5 * sqrt(2.0 * BUCKETS);
    if (fabs(chi_low - BUCKETS) > limit || fabs(chi_high - BUCKETS) > limit)
        fail_msg("%s: chi square %.0f (low bits), %.0f (high bits) of %d", name, chi_low, chi_high,
                 BUCKETS);
    qsort(h, n, sizeof *h, compare);
    for (size_t i = 1; i < n; i++)
        if (h[i] == h[i - 1])
            fail_msg("%s: two equal hashes among %zu", name, n);
}

static void numbers_spread(void **state)
{
    enum { N = 1000000 };
    uint64_t *h = aglm_calloc(N, sizeof *h);
    char text[24];

    (void)state;
    for (uint64_t i = 0; i < N; i++)
        h[i] = aglm_hash64(&i, 8, 0);
    check_spread(h, N, "counting words");
    for (uint64_t i = 0; i < N; i++) {
        uint64_t x = i << 44;
        h[i] = aglm_hash64(&x, 8, 0);
    }
    check_spread(h, N, "counting high bits");
    for (uint64_t i = 0; i < N; i++)
        h[i] = aglm_hash64(text, (size_t)snprintf(text, sizeof text, "%u", (unsigned)i), 0);
    check_spread(h, N, "decimal texts");
    for (uint64_t i = 0; i < N; i++)
        h[i] = aglm_hash64("seed", 4, i);
    check_spread(h, N, "counting seeds");
    free(h);
}

static void sparse_keys_spread(void **state)
{
    enum { BITS = 96 * 8, N = BITS * (BITS - 1) / 2 };
    uint64_t *h = aglm_calloc(N, sizeof *h);
    unsigned char key[96] = {0};
    size_t n = 0;

    (void)state;
    for (int a = 0; a < BITS; a++) {
        for (int b = a + 1; b < BITS; b++) {
            key[a / 8] ^= (unsigned char)(1 << a % 8);
            key[b / 8] ^= (unsigned char)(1 << b % 8);
            h[n++] = aglm_hash64(key, sizeof key, 0);
            key[a / 8] ^= (unsigned char)(1 << a % 8);
            key[b / 8] ^= (unsigned char)(1 << b % 8);
        }
    }
    check_spread(h, n, "two bits set in 96 bytes");
    n = 0;
    unsigned char zeros[1024] = {0};
    for (size_t len = 0; len < 1024; len++)
        h[n++] = aglm_hash64(zeros, len, 0);
    qsort(h, n, sizeof *h, compare);
    for (size_t i = 1; i < n; i++)
        assert_true(h[i] != h[i - 1]);
    free(h);
}

/* Words that hit a constant of the hash must not swallow the others. */
static void no_key_blinds_the_hash(void **state)
{
    enum { N = 20000 };
    static const uint64_t constants[] = {0x6a09e667f3bcc909ULL,
                                         0xbb67ae8584caa73bULL,
                                         0x3c6ef372fe94f82bULL,
                                         0xa54ff53a5f1d36f1ULL,
                                         0x6a09e667f3bcc909ULL ^ 0xa54ff53a5f1d36f1ULL,
                                         0};
    uint64_t *h = aglm_calloc(N, sizeof *h);

    (void)state;
    for (size_t c = 0; c < sizeof constants / sizeof constants[0]; c++) {
        for (int place = 0; place < 6; place++) {
            for (uint64_t i = 0; i < N; i++) {
                uint64_t key[6] = {i, i, i, i, i, i};
                key[place] = constants[c];
                h[i] = aglm_hash64(key, place < 2 ? 16 : sizeof key, 0);
            }
            qsort(h, N, sizeof *h, compare);
            for (size_t i = 1; i < N; i++)
                assert_true(h[i] != h[i - 1]);
        }
    }
    free(h);
}

/* The values are part of the bundle format: a change here breaks every stored model. */
static void values_never_change(void **state)
{
    unsigned char key[256];

    (void)state;
    for (int i = 0; i < 256; i++)
        key[i] = (unsigned char)i;
    uint64_t all = 0;
    for (size_t n = 0; n <= 256; n++)
        all = aglm_mix64(all ^ aglm_hash64(key, n, n));
    if (aglm_hash64("autoglm", 7, 0) != 0x4989ab731bf71a7fULL || all != 0xe1bc4a796f194fe4ULL)
        fail_msg("0x%016llxULL 0x%016llxULL", (unsigned long long)aglm_hash64("autoglm", 7, 0),
                 (unsigned long long)all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_input_bit_moves_every_output_bit),
        cmocka_unit_test(numbers_spread),
        cmocka_unit_test(sparse_keys_spread),
        cmocka_unit_test(no_key_blinds_the_hash),
        cmocka_unit_test(values_never_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
