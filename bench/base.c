/* base.c - what the room base costs, in CPU time of this thread: hashes, SHA-256, JSON, numbers,
 * maps, text. usage: base */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/utf8.h"

#define MEGABYTE (1 << 20)

static volatile uint64_t sink; /* keeps the compiler from leaving work out */

static double since(uint64_t start)
{
    return (double)(aglm_clock_cpu_ns() - start);
}

static void bench_hash(const char *data)
{
    static const size_t lengths[] = {2, 4, 8, 12, 16, 24, 32, 64, 256, 4096};

    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        size_t n = lengths[k];
        size_t rounds = 20000000 / (1 + n / 32);
        uint64_t all = 0;
        uint64_t start = aglm_clock_cpu_ns();
        for (size_t i = 0; i < rounds; i++)
            all ^= aglm_hash64(data + (i & 1023), n, i);
        double ns = since(start) / (double)rounds;
        sink = all;
        printf("hash64, %4zu bytes     %7.2f ns  %6.2f GB/s\n", n, ns, (double)n / ns);
    }
}

static void bench_sha(const char *data)
{
    aglm_sha256 s;
    char hex[65];
    uint64_t start = aglm_clock_cpu_ns();

    aglm_sha256_init(&s);
    for (int i = 0; i < 128; i++)
        aglm_sha256_update(&s, data, MEGABYTE);
    aglm_sha256_hex(&s, hex);
    sink = (uint64_t)hex[0];
    printf("sha256                 %7.0f MB/s\n", 128.0 * MEGABYTE / since(start) * 1e3);
}

static void make_rows(aglm_str *s, int rows)
{
    aglm_json_writer w;
    aglm_rng r;

    aglm_rng_init(&r, 1);
    aglm_json_writer_init(&w, s);
    aglm_json_open_array(&w);
    for (int i = 0; i < rows; i++) {
        aglm_json_open_object(&w);
        aglm_json_member_text(
            &w, "text",
            "The quick brown fox \"jumps\" over the lazy dog; "
            "\xe4\xbb\x8a\xe5\xa4\xa9\xe5\xa4\xa9\xe6\xb0\x94\xe4\xb8\x8d\xe9\x94\x99");
        aglm_json_member_text(&w, "label", "sports");
        aglm_json_member_int(&w, "id", i);
        aglm_json_member_double(&w, "score", aglm_rng_uniform(&r));
        aglm_json_close_object(&w);
    }
    aglm_json_close_array(&w);
}

static void bench_json(void)
{
    static const char line[] = "{\"text\": \"hello there my friend\", \"label\": \"a\"}";
    aglm_str s;
    aglm_json_doc *doc = NULL;

    aglm_str_init(&s, SIZE_MAX);
    uint64_t start = aglm_clock_cpu_ns();
    make_rows(&s, 100000);
    printf("json, write            %7.0f MB/s\n", (double)s.len / since(start) * 1e3);
    start = aglm_clock_cpu_ns();
    if (aglm_json_parse(&doc, s.data, s.len, NULL, NULL))
        abort();
    printf("json, parse            %7.0f MB/s\n", (double)s.len / since(start) * 1e3);
    aglm_json_free(doc);
    aglm_str_clear(&s);
    start = aglm_clock_cpu_ns();
    for (int i = 0; i < 1000000; i++) {
        if (aglm_json_parse(&doc, line, sizeof line - 1, NULL, NULL))
            abort();
        aglm_json_free(doc);
    }
    printf("json, a line of 47     %7.0f ns\n", since(start) / 1e6);
}

static void bench_numbers(void)
{
    aglm_rng r;
    char text[32];
    double v = 0;

    aglm_rng_init(&r, 1);
    uint64_t start = aglm_clock_cpu_ns();
    for (int i = 0; i < 1000000; i++)
        aglm_double_format(text, aglm_rng_uniform(&r));
    printf("double, format         %7.0f ns\n", since(start) / 1e6);
    size_t n = strlen(text);
    start = aglm_clock_cpu_ns();
    for (int i = 0; i < 1000000; i++)
        aglm_double_parse(text, n, &v);
    sink = (uint64_t)v;
    printf("double, parse          %7.0f ns\n", since(start) / 1e6);
}

/* Words as a text has them: few of them make up most of it. */
static void bench_map(void)
{
    enum { WORDS = 1 << 20 };
    static char words[WORDS][12];
    static uint8_t lengths[WORDS];
    aglm_map *m = aglm_map_new(WORDS, SIZE_MAX);
    aglm_rng r;
    uint32_t number = 0;

    aglm_rng_init(&r, 1);
    for (int i = 0; i < WORDS; i++) {
        double u = aglm_rng_uniform(&r);
        lengths[i] = (uint8_t)snprintf(words[i], 12, "w%x", (unsigned)(u * u * u * u * 200000));
    }
    uint64_t start = aglm_clock_cpu_ns();
    for (int i = 0; i < WORDS; i++)
        if (aglm_map_intern(m, words[i], lengths[i], &number, NULL))
            abort();
    sink = number;
    printf("map, intern a word     %7.0f ns  (%zu different)\n", since(start) / WORDS,
           aglm_map_size(m));
    aglm_map_free(m);
}

/* In GBK. */
static const char two_characters[4] = {'\xc4', '\xe3', '\xba', '\xc3'};

static void bench_text(const char *data)
{
    aglm_str s;
    char *gbk = malloc(MEGABYTE);

    if (!gbk)
        abort();
    uint64_t start = aglm_clock_cpu_ns();
    for (int i = 0; i < 100; i++)
        sink = aglm_utf8_check(data, MEGABYTE);
    printf("utf8, check ASCII      %7.0f MB/s\n", 100.0 * MEGABYTE / since(start) * 1e3);
    for (size_t i = 0; i < MEGABYTE; i += 4)
        memcpy(gbk + i, two_characters, 4);
    aglm_str_init(&s, SIZE_MAX);
    start = aglm_clock_cpu_ns();
    for (int i = 0; i < 8; i++)
        aglm_encoding_to_utf8(AGLM_ENC_GB18030, gbk, MEGABYTE, &s, NULL);
    printf("gb18030, to UTF-8      %7.0f MB/s\n", 8.0 * MEGABYTE / since(start) * 1e3);
    start = aglm_clock_cpu_ns();
    sink = aglm_utf8_check(s.data, s.len);
    printf("utf8, check Chinese    %7.0f MB/s\n", (double)s.len / since(start) * 1e3);
    start = aglm_clock_cpu_ns();
    sink = aglm_text_width(s.data, s.len);
    printf("utf8, width of Chinese %7.0f MB/s\n", (double)s.len / since(start) * 1e3);
    aglm_str_clear(&s);
    free(gbk);
}

static void bench_rng(void)
{
    aglm_rng r;
    aglm_cancel c;
    double sum = 0;
    int stopped = 0;

    aglm_rng_init(&r, 1);
    uint64_t start = aglm_clock_cpu_ns();
    for (int i = 0; i < 20000000; i++)
        sum += aglm_rng_uniform(&r);
    printf("rng, uniform           %7.2f ns\n", since(start) / 2e7);
    start = aglm_clock_cpu_ns();
    for (int i = 0; i < 5000000; i++)
        sum += aglm_rng_normal(&r);
    printf("rng, normal            %7.2f ns\n", since(start) / 5e6);
    sink = (uint64_t)sum;
    aglm_cancel_init(&c, NULL, UINT64_MAX - 1);
    start = aglm_clock_cpu_ns();
    for (int i = 0; i < 5000000; i++)
        stopped += aglm_cancelled(&c);
    sink = (uint64_t)stopped;
    printf("cancelled, a deadline  %7.2f ns\n", since(start) / 5e6);
}

int main(void)
{
    static char data[MEGABYTE + 8192];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)('!' + (i * 131 >> 3) % 90);
    bench_hash(data);
    bench_sha(data);
    bench_json();
    bench_numbers();
    bench_map();
    bench_text(data);
    bench_rng();
    return 0;
}
