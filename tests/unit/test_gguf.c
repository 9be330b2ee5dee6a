/* The reader of GGUF files: what it says of whole ones, and that broken ones are refused with a
 * word. */
#include <unistd.h>

#include "base/file.h"
#include "gguf_data.h"
#include "lm/gguf.h"
#include "unit.h"

#define MAX_FILE ((size_t)64 << 20)

static aglm_rc look(const void *bytes, size_t n, aglm_error *err)
{
    aglm_gguf *g = NULL;
    aglm_rc rc = aglm_gguf_read(&g, bytes, n, "it", err);

    if (rc == AGLM_OK)
        rc = aglm_gguf_check(g, err);
    aglm_gguf_close(g);
    return rc;
}

static void a_whole_file(void **state)
{
    aglm_str s;
    aglm_gguf *g = NULL;
    aglm_error err = {0};
    size_t n, counts[AGLM_GGUF_TYPES];
    uint64_t len, bytes[AGLM_GGUF_TYPES];

    aglm_str_init(&s, MAX_FILE);
    gguf_small_file(&s);
    assert_int_equal(aglm_gguf_read(&g, s.data, s.len, "it", &err), AGLM_OK);
    assert_int_equal(aglm_gguf_check(g, &err), AGLM_OK);
    assert_int_equal(aglm_gguf_version(g), 3);
    assert_int_equal(aglm_gguf_size(g), s.len);
    assert_string_equal(aglm_gguf_text(g, "general.name"), "Small");
    assert_null(aglm_gguf_text(g, "general.sampling.temp"));
    assert_null(aglm_gguf_text(g, "absent"));
    assert_float_equal(aglm_gguf_number(g, "general.sampling.temp", -1), 0.75, 0);
    assert_float_equal(aglm_gguf_number(g, "tokenizer.ggml.add_bos_token", -1), 1, 0);
    assert_float_equal(aglm_gguf_number(g, "general.name", -1), -1, 0);
    assert_float_equal(aglm_gguf_pair_number(aglm_gguf_find_arch(g, "context_length"), 0), 64, 0);
    assert_null(aglm_gguf_find_arch(g, "absent"));
    const aglm_gguf_pair *scores = aglm_gguf_find(g, "tokenizer.ggml.scores");
    assert_float_equal(aglm_gguf_pair_number(scores, 3), -3, 0);
    const aglm_gguf_pair *tokens = aglm_gguf_find(g, "tokenizer.ggml.tokens");
    const uint8_t *at = tokens->bytes;
    assert_int_equal(tokens->n, 4);
    for (int i = 0; i < 3; i++)
        aglm_gguf_next_text(&at, &len);
    const char *last = aglm_gguf_next_text(&at, &len);
    assert_int_equal(len, 5);
    assert_memory_equal(last, "<end>", 5);
    aglm_gguf_pairs(g, &n);
    assert_int_equal(n, 11);
    const aglm_gguf_tensor *t = aglm_gguf_tensor_find(g, "token_embd.weight");
    assert_int_equal(t->bytes, 64);
    assert_int_equal(t->at, s.len - 64);
    assert_null(aglm_gguf_tensor_find(g, "absent"));
    assert_int_equal(aglm_gguf_parameters(g), 20);
    aglm_gguf_types(g, counts, bytes);
    assert_int_equal(counts[0], 2);
    assert_int_equal(bytes[0], 80);
    assert_string_equal(aglm_gguf_type_name(2), "Q4_0");
    assert_null(aglm_gguf_type_name(4));
    assert_null(aglm_gguf_type_name(1000));
    aglm_gguf_close(g);
    aglm_str_clear(&s);
}

static void cut_at_every_byte(void **state)
{
    aglm_str s;

    aglm_str_init(&s, MAX_FILE);
    gguf_small_file(&s);
    for (size_t n = 0; n < s.len; n++) {
        char *cut = malloc(n ? n : 1);
        aglm_error err = {0};
        memcpy(cut, s.data, n);
        if (look(cut, n, &err) == AGLM_OK)
            fail_msg("taken when cut at byte %zu of %zu", n, s.len);
        assert_int_equal(strncmp(err.msg, "it: ", 4), 0);
        free(cut);
    }
    aglm_str_clear(&s);
}

/* Every byte is set to values that hurt: nothing crashes, and whatever is refused says why. */
static void every_byte_changed(void **state)
{
    static const unsigned char VALUES[] = {0, 1, 8, 9, 0x7f, 0x80, 0xff};
    aglm_str s;
    size_t refused = 0;

    aglm_str_init(&s, MAX_FILE);
    gguf_small_file(&s);
    for (size_t i = 0; i < s.len * sizeof VALUES; i++) {
        size_t at = i / sizeof VALUES;
        char was = s.data[at];
        aglm_error err = {0};
        s.data[at] = (char)VALUES[i % sizeof VALUES];
        if (look(s.data, s.len, &err) != AGLM_OK) {
            refused++;
            assert_int_not_equal(err.msg[0], 0);
        }
        s.data[at] = was;
    }
    assert_in_range(refused, s.len, s.len * sizeof VALUES);
    aglm_str_clear(&s);
}

static void put_u64(aglm_str *s, uint64_t v)
{
    aglm_str_append(s, (const char *)&v, 8);
}

static void put_u32(aglm_str *s, uint32_t v)
{
    aglm_str_append(s, (const char *)&v, 4);
}

static void begin(aglm_str *s, uint64_t n_tensors, uint64_t n_pairs)
{
    aglm_str_reset(s);
    aglm_str_append(s, "GGUF", 4);
    put_u32(s, 3);
    put_u64(s, n_tensors);
    put_u64(s, n_pairs);
}

static void put_key(aglm_str *s, const char *key, uint32_t kind)
{
    put_u64(s, strlen(key));
    aglm_str_puts(s, key);
    put_u32(s, kind);
}

static void refused(const aglm_str *s, const char *word)
{
    aglm_error err = {0};
    aglm_rc rc = look(s->data, s->len, &err);

    assert_true(rc == AGLM_FORMAT || rc == AGLM_LIMIT);
    if (!strstr(err.msg, word))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, word);
}

static void hostile_counts(void **state)
{
    aglm_str s;

    aglm_str_init(&s, MAX_FILE);
    begin(&s, UINT64_MAX, 0);
    refused(&s, "byte 8 of 24: expected a number of tensors");
    begin(&s, 0, UINT64_MAX / 13);
    refused(&s, "byte 16 of 24: expected a number of keys");
    begin(&s, 0, 1);
    put_key(&s, "k", 9);
    put_u32(&s, 4);
    put_u64(&s, UINT64_MAX / 4 + 1);
    refused(&s, "expected an array's length");
    begin(&s, 0, 1);
    put_key(&s, "k", 9);
    put_u32(&s, 9);
    put_u64(&s, 1);
    put_u64(&s, 0);
    refused(&s, "the type of an array's elements");
    begin(&s, 0, 1);
    put_key(&s, "k", 8);
    put_u64(&s, UINT64_MAX);
    refused(&s, "a text's length");
    begin(&s, 0, 1);
    put_key(&s, "k", 13);
    put_u64(&s, 0);
    refused(&s, "a value's type");
    begin(&s, 0, 2);
    for (int i = 0; i < 2; i++) {
        put_key(&s, "k", 4);
        put_u32(&s, 1);
    }
    refused(&s, "does not stand twice");
    begin(&s, 0, 1);
    put_key(&s, "general.alignment", 4);
    put_u32(&s, 48);
    refused(&s, "a power of two");
    aglm_str_clear(&s);
}

/* One tensor after the head. */
static void put_tensor(aglm_str *s, uint64_t d0, uint64_t d1, uint32_t type, uint64_t offset)
{
    begin(s, 1, 0);
    put_u64(s, 1);
    aglm_str_puts(s, "t");
    put_u32(s, 2);
    put_u64(s, d0);
    put_u64(s, d1);
    put_u32(s, type);
    put_u64(s, offset);
    for (int i = 0; i < 200; i++)
        aglm_str_putc(s, 0);
}

static void hostile_tensors(void **state)
{
    aglm_str s;

    aglm_str_init(&s, MAX_FILE);
    put_tensor(&s, 0, 1, 0, 0);
    refused(&s, "above 0");
    put_tensor(&s, (uint64_t)1 << 40, (uint64_t)1 << 40, 0, 0);
    refused(&s, "of a size that can be");
    put_tensor(&s, (uint64_t)1 << 31, (uint64_t)1 << 31, 0, 0);
    refused(&s, "blocks fit");
    put_tensor(&s, 4, 4, 4, 0);
    refused(&s, "a weight type");
    put_tensor(&s, 4, 4, 2, 0);
    refused(&s, "blocks fit");
    put_tensor(&s, 4, 4, 0, 64);
    refused(&s, "expected 0");
    put_tensor(&s, 1 << 20, 4, 0, 0);
    refused(&s, "ends behind the file's");
    put_tensor(&s, 4, 4, 0, 0);
    s.len = 60;
    refused(&s, "expected");
    aglm_str_clear(&s);
}

static void not_a_language_model(void **state)
{
    static const struct {
        glm_arch arch;
        glm_fault fault;
        const char *word;
    } CASES[] = {
        {GLM_GLM4, {.key = "block_count", .value = 0}, "block_count is 0"},
        {GLM_GLM4, {.key = "block_count", .value = 100000}, "from 1 to 512"},
        {GLM_GLM4, {.key = "embedding_length", .value = UINT32_MAX}, "embedding_length"},
        {GLM_GLM4, {.key = "attention.head_count", .value = 0}, "at least one head"},
        {GLM_GLM4, {.key = "attention.head_count_kv", .value = 0}, "head_count_kv"},
        {GLM_GLM4, {.key = "attention.head_count_kv", .value = 3}, "divisor"},
        {GLM_GLM4, {.key = "rope.dimension_count", .value = 0}, "from 2 to"}, /* llama.cpp hangs */
        {GLM_GLM4, {.key = "rope.dimension_count", .value = 7}, "even"},
        {GLM_GLM4, {.key = "rope.dimension_count", .value = 4096}, "at most"},
        {GLM_GLM4, {.drop = "context_length"}, "glm4.context_length is missing"},
        {GLM_GLM4, {.drop = "token_embd.weight"}, "token_embd.weight is missing"},
        {GLM_GLM4, {.doubled = 1}, "stands twice"},
        {GLM_GLM4MOE, {.key = "expert_count", .value = 2000}, "expert_count"},
        {GLM_GLM4MOE, {.key = "expert_used_count", .value = 5}, "expert_used_count"},
        {GLM_GLM4MOE, {.key = "expert_used_count", .value = 0}, "expert_used_count"},
        {GLM_GLM4MOE, {.key = "expert_gating_func", .value = 5}, "from 0 to 4"},
        {GLM_GLM4, {.key = "embedding_length", .value = 128}, "token_embd.weight is 64 x"},
    };
    aglm_str s;

    aglm_str_init(&s, MAX_FILE);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        aglm_str_reset(&s);
        glm_model_make(CASES[i].arch, 1, &CASES[i].fault, &s);
        refused(&s, CASES[i].word);
    }
    for (glm_arch arch = GLM_CHATGLM; arch <= GLM_GLM4MOE; arch++) {
        aglm_error err = {0};
        aglm_str_reset(&s);
        glm_model_make(arch, 1, NULL, &s);
        if (look(s.data, s.len, &err) != AGLM_OK)
            fail_msg("%s", err.msg);
    }
    aglm_str_clear(&s);
}

static void other_sorts(void **state)
{
    gguf_writer w;
    aglm_str s;
    aglm_error err = {0};

    aglm_str_init(&s, MAX_FILE);
    gguf_small(&w);
    gguf_put_text(&w, "general.type", "adapter");
    gguf_writer_finish(&w, &s);
    assert_int_equal(look(s.data, s.len, &err), AGLM_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "an adapter, no language model"));
    gguf_writer_clear(&w);
    aglm_str_reset(&s);
    gguf_small(&w);
    gguf_put_u32(&w, "split.count", 3);
    gguf_writer_finish(&w, &s);
    assert_int_equal(look(s.data, s.len, &err), AGLM_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "one of 3 parts"));
    gguf_writer_clear(&w);
    aglm_str_clear(&s);
}

static void from_a_file(void **state)
{
    char path[] = "/tmp/aglm_gguf_XXXXXX";
    aglm_gguf *g = NULL;
    aglm_error err = {0};
    aglm_str s;

    aglm_str_init(&s, MAX_FILE);
    gguf_small_file(&s);
    close(mkstemp(path));
    assert_int_equal(aglm_gguf_open(&g, path, &err), AGLM_FORMAT);
    assert_int_equal(aglm_file_write(path, s.data, s.len, &err), AGLM_OK);
    assert_int_equal(aglm_gguf_open(&g, path, &err), AGLM_OK);
    assert_string_equal(aglm_gguf_origin(g), path);
    aglm_gguf_close(g);
    unlink(path);
    assert_int_equal(aglm_gguf_open(&g, path, &err), AGLM_NOTFOUND);
    assert_null(g);
    assert_int_equal(aglm_gguf_open(&g, "/tmp", &err), AGLM_INVALID);
    aglm_str_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file),       cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(every_byte_changed), cmocka_unit_test(hostile_counts),
        cmocka_unit_test(hostile_tensors),    cmocka_unit_test(not_a_language_model),
        cmocka_unit_test(other_sorts),        cmocka_unit_test(from_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
