#include "glm_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/utf8.h"

#define MAX_FILE ((size_t)64 << 20)
#define ALIGNMENT 32

/* ---- writer ---- */

enum { U32 = 4, I32 = 5, F32 = 6, BOOL = 7, TEXT = 8, ARRAY = 9 };

static void put_u32(aglm_str *s, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        aglm_str_putc(s, (char)(v >> (8 * i)));
}

static void put_u64(aglm_str *s, uint64_t v)
{
    put_u32(s, (uint32_t)v);
    put_u32(s, (uint32_t)(v >> 32));
}

static void put_text(aglm_str *s, const char *text)
{
    put_u64(s, strlen(text));
    aglm_str_puts(s, text);
}

static void put_float(aglm_str *s, float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    put_u32(s, bits);
}

static aglm_str *begin(gguf_writer *w, const char *key, uint32_t kind)
{
    w->n_pairs++;
    put_text(&w->pairs, key);
    put_u32(&w->pairs, kind);
    return &w->pairs;
}

static aglm_str *begin_array(gguf_writer *w, const char *key, uint32_t kind, size_t n)
{
    aglm_str *s = begin(w, key, ARRAY);

    put_u32(s, kind);
    put_u64(s, n);
    return s;
}

void gguf_writer_init(gguf_writer *w)
{
    *w = (gguf_writer){0};
    aglm_str_init(&w->pairs, MAX_FILE);
    aglm_str_init(&w->infos, MAX_FILE);
    aglm_str_init(&w->data, MAX_FILE);
}

void gguf_writer_clear(gguf_writer *w)
{
    aglm_str_clear(&w->pairs);
    aglm_str_clear(&w->infos);
    aglm_str_clear(&w->data);
}

void gguf_put_text(gguf_writer *w, const char *key, const char *text)
{
    put_text(begin(w, key, TEXT), text);
}

void gguf_put_u32(gguf_writer *w, const char *key, uint32_t v)
{
    put_u32(begin(w, key, U32), v);
}

void gguf_put_f32(gguf_writer *w, const char *key, float v)
{
    put_float(begin(w, key, F32), v);
}

void gguf_put_bool(gguf_writer *w, const char *key, int v)
{
    aglm_str_putc(begin(w, key, BOOL), (char)(v != 0));
}

void gguf_put_texts(gguf_writer *w, const char *key, const char *const *texts, size_t n)
{
    aglm_str *s = begin_array(w, key, TEXT, n);

    for (size_t i = 0; i < n; i++)
        put_text(s, texts[i]);
}

void gguf_put_i32s(gguf_writer *w, const char *key, const int32_t *v, size_t n)
{
    aglm_str *s = begin_array(w, key, I32, n);

    for (size_t i = 0; i < n; i++)
        put_u32(s, (uint32_t)v[i]);
}

void gguf_put_f32s(gguf_writer *w, const char *key, const float *v, size_t n)
{
    aglm_str *s = begin_array(w, key, F32, n);

    for (size_t i = 0; i < n; i++)
        put_float(s, v[i]);
}

static void pad(aglm_str *s, size_t before)
{
    while ((before + s->len) % ALIGNMENT != 0 && s->rc == AGLM_OK)
        aglm_str_putc(s, 0);
}

void gguf_put_tensor(gguf_writer *w, const char *name, const uint64_t *dims, const float *v)
{
    uint32_t n_dims = 0;
    size_t n = 1;

    while (n_dims < 4 && dims[n_dims])
        n *= dims[n_dims++];
    w->n_tensors++;
    put_text(&w->infos, name);
    put_u32(&w->infos, n_dims);
    for (uint32_t i = 0; i < n_dims; i++)
        put_u64(&w->infos, dims[i]);
    put_u32(&w->infos, 0);
    put_u64(&w->infos, w->data.len);
    for (size_t i = 0; i < n; i++)
        put_float(&w->data, v[i]);
    pad(&w->data, 0);
}

void gguf_writer_finish(gguf_writer *w, aglm_str *out)
{
    aglm_str_append(out, "GGUF", 4);
    put_u32(out, 3);
    put_u64(out, w->n_tensors);
    put_u64(out, w->n_pairs);
    aglm_str_append(out, w->pairs.data, w->pairs.len);
    aglm_str_append(out, w->infos.data, w->infos.len);
    if (w->n_tensors)
        pad(out, 0);
    aglm_str_append(out, w->data.data, w->data.len);
}

/* ---- vocabulary ---- */

#define MAX_TOKENS 512
#define MAX_MERGES 256
#define MAX_SYMBOL 64

typedef struct vocabulary {
    char token[MAX_TOKENS][MAX_SYMBOL];
    int32_t kind[MAX_TOKENS]; /* 1 ordinary, 3 control */
    char merge[MAX_MERGES][2 * MAX_SYMBOL];
    size_t n, n_merges;
} vocabulary;

static const char *const SPECIAL[] = {"<|endoftext|>", "[MASK]",         "[gMASK]",
                                      "<sop>",         "<|system|>",     "<|user|>",
                                      "<|assistant|>", "<|observation|>"};

/* GPT-2's visible characters for bytes: printable Latin-1 stands for itself, the others follow from
 * U+0100 on. */
static void byte_symbol(unsigned byte, char out[5])
{
    uint32_t cp = byte, next = 256;

    for (unsigned b = 0; b <= byte; b++) {
        int shown = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
        if (b == byte)
            cp = shown ? b : next;
        next += !shown;
    }
    out[aglm_utf8_encode(cp, out)] = '\0';
}

static size_t token_of(const vocabulary *v, const char *text)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->token[i], text) == 0)
            return i;
    return SIZE_MAX;
}

static void add_token(vocabulary *v, const char *text, int32_t kind)
{
    snprintf(v->token[v->n], MAX_SYMBOL, "%.*s", MAX_SYMBOL - 1, text);
    v->kind[v->n++] = kind;
}

/* The merges that make a word of its bytes, from the left. */
static void add_word(vocabulary *v, const char *word)
{
    char left[MAX_SYMBOL], right[5], whole[2 * MAX_SYMBOL];

    byte_symbol((unsigned char)word[0], left);
    for (size_t i = 1; word[i]; i++) {
        byte_symbol((unsigned char)word[i], right);
        snprintf(whole, sizeof whole, "%s%s", left, right);
        if (token_of(v, whole) == SIZE_MAX) {
            snprintf(v->merge[v->n_merges++], sizeof *v->merge, "%s %s", left, right);
            add_token(v, whole, 1);
        }
        snprintf(left, sizeof left, "%.*s", MAX_SYMBOL - 1, whole);
    }
}

static void make_vocabulary(vocabulary *v, int doubled)
{
    static const char *const WORDS[] = {" the", "the", " good", "good", " bad",  "film",
                                        "人",   "工",  "智",    "能",   " great"};
    char symbol[5];

    for (unsigned b = 0; b < 256; b++) {
        byte_symbol(b, symbol);
        add_token(v, symbol, 1);
    }
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        add_word(v, WORDS[i]);
    if (doubled)
        add_token(v, "a", 1);
    for (size_t i = 0; i < sizeof SPECIAL / sizeof *SPECIAL; i++)
        add_token(v, SPECIAL[i], 3);
}

static void put_vocabulary(gguf_writer *w, const vocabulary *v, const char *pre)
{
    const char *tokens[MAX_TOKENS], *merges[MAX_MERGES];

    for (size_t i = 0; i < v->n; i++)
        tokens[i] = v->token[i];
    for (size_t i = 0; i < v->n_merges; i++)
        merges[i] = v->merge[i];
    gguf_put_text(w, "tokenizer.ggml.model", "gpt2");
    gguf_put_text(w, "tokenizer.ggml.pre", pre);
    gguf_put_texts(w, "tokenizer.ggml.tokens", tokens, v->n);
    gguf_put_i32s(w, "tokenizer.ggml.token_type", v->kind, v->n);
    gguf_put_texts(w, "tokenizer.ggml.merges", merges, v->n_merges);
    gguf_put_u32(w, "tokenizer.ggml.bos_token_id", (uint32_t)token_of(v, "<|endoftext|>"));
    gguf_put_u32(w, "tokenizer.ggml.eos_token_id", (uint32_t)token_of(v, "<|endoftext|>"));
    gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", (uint32_t)token_of(v, "<|endoftext|>"));
    gguf_put_u32(w, "tokenizer.ggml.eot_token_id", (uint32_t)token_of(v, "<|user|>"));
    gguf_put_bool(w, "tokenizer.ggml.add_bos_token", 0);
    gguf_put_text(w, "tokenizer.chat_template",
                  "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}"
                  "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}");
}

/* ---- weights ---- */

#define D GLM_DIM
#define LAYERS 2
#define HEAD 16
#define HEADS 4
#define KV_HEADS 2
#define FF 96
#define EXPERTS 4
#define EXPERT_FF 32
#define SMALL 0.03
#define OWN                                                                                        \
    4.0F /* a letter of GLM_SAYS has a dimension of its own: 1, 2, ...; 0 is all tokens'           \
          */

typedef struct making {
    gguf_writer w;
    vocabulary v;
    aglm_rng rng;
    const char *arch, *drop;
    int layer;
} making;

static void put_weights(making *m, const char *name, const uint64_t *dims, const float *v)
{
    if (!m->drop || strcmp(m->drop, name) != 0)
        gguf_put_tensor(&m->w, name, dims, v);
}

/* A tensor of the layer in hand: normal of that deviation around a mean. */
static void random_tensor(making *m, const char *part, const uint64_t *dims, double mean,
                          double deviation)
{
    char name[64];
    size_t n = 1;

    for (size_t i = 0; i < 4 && dims[i]; i++)
        n *= dims[i];
    float *v = malloc(n * sizeof *v);
    for (size_t i = 0; v && i < n; i++)
        v[i] = (float)(mean + deviation * aglm_rng_normal(&m->rng));
    if (m->layer < 0)
        snprintf(name, sizeof name, "%s", part);
    else
        snprintf(name, sizeof name, "blk.%d.%s", m->layer, part);
    if (v)
        put_weights(m, name, dims, v);
    free(v);
}

static void matrix(making *m, const char *part, uint64_t in, uint64_t out)
{
    random_tensor(m, part, (uint64_t[]){in, out, 0}, 0, SMALL);
}

static void cube(making *m, const char *part, uint64_t in, uint64_t out)
{
    random_tensor(m, part, (uint64_t[]){in, out, EXPERTS, 0}, 0, SMALL);
}

static void bias(making *m, const char *part, uint64_t n)
{
    random_tensor(m, part, (uint64_t[]){n, 0}, 0, SMALL);
}

static void norm(making *m, const char *part, double scale)
{
    random_tensor(m, part, (uint64_t[]){D, 0}, scale, 0.1 * scale);
}

static void put_attention(making *m)
{
    static const struct {
        const char *weight, *bias;
        uint64_t rows;
    } PARTS[] = {{"attn_q.weight", "attn_q.bias", HEADS * HEAD},
                 {"attn_k.weight", "attn_k.bias", KV_HEADS * HEAD},
                 {"attn_v.weight", "attn_v.bias", KV_HEADS * HEAD}};

    norm(m, "attn_norm.weight", 1);
    for (size_t i = 0; i < 3; i++) {
        matrix(m, PARTS[i].weight, D, PARTS[i].rows);
        bias(m, PARTS[i].bias, PARTS[i].rows);
    }
    matrix(m, "attn_output.weight", HEADS * HEAD, D);
}

static void put_chatglm_layer(making *m)
{
    norm(m, "attn_norm.weight", 1);
    matrix(m, "attn_qkv.weight", D, (HEADS + 2 * KV_HEADS) * HEAD);
    bias(m, "attn_qkv.bias", (HEADS + 2 * KV_HEADS) * HEAD);
    matrix(m, "attn_output.weight", HEADS * HEAD, D);
    norm(m, "ffn_norm.weight", 1);
    matrix(m, "ffn_up.weight", D, (uint64_t)2 * FF);
    matrix(m, "ffn_down.weight", FF, D);
}

/* What stands behind a norm gets its size from the norm. */
static void put_glm4_layer(making *m)
{
    put_attention(m);
    norm(m, "post_attention_norm.weight", SMALL);
    norm(m, "ffn_norm.weight", 1);
    matrix(m, "ffn_up.weight", D, (uint64_t)2 * FF);
    matrix(m, "ffn_down.weight", FF, D);
    norm(m, "post_ffw_norm.weight", SMALL);
}

static void put_glm4moe_layer(making *m)
{
    put_attention(m);
    norm(m, "post_attention_norm.weight", 1);
    if (m->layer == 0) {
        matrix(m, "ffn_gate.weight", D, FF);
        matrix(m, "ffn_up.weight", D, FF);
        matrix(m, "ffn_down.weight", FF, D);
        return;
    }
    matrix(m, "ffn_gate_inp.weight", D, EXPERTS);
    bias(m, "exp_probs_b.bias", EXPERTS);
    cube(m, "ffn_gate_exps.weight", D, EXPERT_FF);
    cube(m, "ffn_up_exps.weight", D, EXPERT_FF);
    cube(m, "ffn_down_exps.weight", EXPERT_FF, D);
    matrix(m, "ffn_gate_shexp.weight", D, EXPERT_FF);
    matrix(m, "ffn_up_shexp.weight", D, EXPERT_FF);
    matrix(m, "ffn_down_shexp.weight", EXPERT_FF, D);
}

/* The output of the letter after t looks at t's own dimension, that of the first letter at the one
 * that all tokens share. */
static void put_ends(making *m)
{
    const uint64_t dims[] = {D, m->v.n, 0};
    float *in = calloc(m->v.n * D, sizeof *in), *out = calloc(m->v.n * D, sizeof *out);
    char symbol[2] = "";

    for (size_t i = 0; in && out && i < m->v.n * D; i++) {
        if (i % D > strlen(GLM_SAYS))
            in[i] = (float)aglm_rng_normal(&m->rng) * 0.3F;
        out[i] = (float)aglm_rng_normal(&m->rng) * 0.05F;
        in[i - i % D] = 1;
    }
    for (size_t k = 0; in && out && k <= strlen(GLM_SAYS); k++) {
        symbol[0] = GLM_SAYS[k];
        size_t t = token_of(&m->v, symbol[0] ? symbol : "<|user|>");
        if (symbol[0])
            in[t * D + k + 1] = OWN;
        out[t * D + k] = OWN / 2;
    }
    if (in && out) {
        put_weights(m, "token_embd.weight", dims, in);
        put_weights(m, "output.weight", dims, out);
    }
    m->layer = -1;
    norm(m, "output_norm.weight", 1);
    free(in);
    free(out);
}

/* ---- the file ---- */

const char *const glm_arch_names[] = {"chatglm", "glm4", "glm4moe"};

static void put_whole(making *m, const glm_fault *fault, const char *rest, uint32_t v)
{
    char key[128];

    snprintf(key, sizeof key, "%s.%s", m->arch, rest);
    if (m->drop && strcmp(m->drop, rest) == 0)
        return;
    gguf_put_u32(&m->w, key,
                 fault && fault->key && strcmp(fault->key, rest) == 0 ? fault->value : v);
}

static void put_shape(making *m, glm_arch arch, const glm_fault *fault)
{
    static const struct {
        const char *key;
        uint32_t v;
        int moe;
    } KEYS[] = {
        {"context_length", GLM_CONTEXT, 0},
        {"embedding_length", D, 0},
        {"block_count", LAYERS, 0},
        {"feed_forward_length", FF, 0},
        {"attention.head_count", HEADS, 0},
        {"attention.head_count_kv", KV_HEADS, 0},
        {"attention.key_length", HEAD, 0},
        {"attention.value_length", HEAD, 0},
        {"rope.dimension_count", HEAD / 2, 0},
        {"expert_count", EXPERTS, 1},
        {"expert_used_count", 2, 1},
        {"expert_shared_count", 1, 1},
        {"expert_feed_forward_length", EXPERT_FF, 1},
        {"leading_dense_block_count", 1, 1},
        {"expert_gating_func", 2, 1}, /* sigmoid */
    };
    char key[128];

    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++)
        if (!KEYS[i].moe || arch == GLM_GLM4MOE)
            put_whole(m, fault, KEYS[i].key, KEYS[i].v);
    snprintf(key, sizeof key, "%s.attention.layer_norm_rms_epsilon", m->arch);
    gguf_put_f32(&m->w, key, 1e-5F);
    snprintf(key, sizeof key, "%s.rope.freq_base", m->arch);
    gguf_put_f32(&m->w, key, 10000);
}

static void put_general(making *m)
{
    char name[64];

    gguf_put_text(&m->w, "general.architecture", m->arch);
    gguf_put_text(&m->w, "general.type", "model");
    snprintf(name, sizeof name, "Tiny %s", m->arch);
    gguf_put_text(&m->w, "general.name", name);
    gguf_put_text(&m->w, "general.license", "mit");
    gguf_put_f32(&m->w, "general.sampling.temp", 0.75F);
    gguf_put_f32(&m->w, "general.sampling.top_p", 0.5F);
}

void glm_model_make(glm_arch arch, uint64_t seed, const glm_fault *fault, aglm_str *out)
{
    static void (*const LAYER[])(making *) = {put_chatglm_layer, put_glm4_layer, put_glm4moe_layer};
    making *m = calloc(1, sizeof *m);

    if (!m)
        return;
    m->arch = glm_arch_names[arch];
    m->drop = fault ? fault->drop : NULL;
    aglm_rng_init(&m->rng, seed);
    gguf_writer_init(&m->w);
    make_vocabulary(&m->v, fault && fault->doubled);
    put_general(m);
    put_shape(m, arch, fault);
    put_vocabulary(&m->w, &m->v, arch == GLM_CHATGLM ? "chatglm-bpe" : "glm4");
    put_ends(m);
    for (m->layer = 0; m->layer < LAYERS; m->layer++)
        LAYER[arch](m);
    gguf_writer_finish(&m->w, out);
    gguf_writer_clear(&m->w);
    free(m);
}
