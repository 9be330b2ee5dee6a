/* gguf_data.h - the smallest file that passes for a language model.
 * Threads: pure functions. */
#ifndef AGLM_TESTS_GGUF_DATA_H
#define AGLM_TESTS_GGUF_DATA_H

#include "glm_model.h"

/* Four tokens, width 4; its last byte is a weight's. */
static inline void gguf_small(gguf_writer *w)
{
    static const char *const TOKENS[] = {"a", "b", "", "<end>"};
    static const int32_t KINDS[] = {1, 1, 1, 3};
    static const float SCORES[] = {0, -1, -2, -3};
    static const float WEIGHTS[16] = {1, 0, 0, 0, 0, 1};

    gguf_writer_init(w);
    gguf_put_text(w, "general.architecture", "llama");
    gguf_put_text(w, "general.name", "Small");
    gguf_put_f32(w, "general.sampling.temp", 0.75F);
    gguf_put_u32(w, "llama.block_count", 1);
    gguf_put_u32(w, "llama.embedding_length", 4);
    gguf_put_u32(w, "llama.context_length", 64);
    gguf_put_u32(w, "llama.attention.head_count", 2);
    gguf_put_bool(w, "tokenizer.ggml.add_bos_token", 1);
    gguf_put_texts(w, "tokenizer.ggml.tokens", TOKENS, 4);
    gguf_put_i32s(w, "tokenizer.ggml.token_type", KINDS, 4);
    gguf_put_f32s(w, "tokenizer.ggml.scores", SCORES, 4);
    gguf_put_tensor(w, "output_norm.weight", (uint64_t[]){4, 0}, WEIGHTS);
    gguf_put_tensor(w, "token_embd.weight", (uint64_t[]){4, 4, 0}, WEIGHTS);
}

static inline void gguf_small_file(aglm_str *out)
{
    gguf_writer w;

    gguf_small(&w);
    gguf_writer_finish(&w, out);
    gguf_writer_clear(&w);
}

#endif
