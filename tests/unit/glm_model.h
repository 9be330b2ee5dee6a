/* glm_model.h - tiny random models of the GLM family as GGUF files, written by hand: a vocabulary
 * of bytes with a few merges, two layers, and an output that makes greedy decoding say a known
 * text. Threads: pure functions. */
#ifndef AGLM_TESTS_GLM_MODEL_H
#define AGLM_TESTS_GLM_MODEL_H

#include <stdint.h>

#include "base/str.h"

/* ---- a writer of GGUF, version 3 ---- */

typedef struct gguf_writer {
    aglm_str pairs, infos, data;
    uint64_t n_pairs, n_tensors;
} gguf_writer;

void gguf_writer_init(gguf_writer *w);
void gguf_writer_clear(gguf_writer *w);
void gguf_put_text(gguf_writer *w, const char *key, const char *text);
void gguf_put_u32(gguf_writer *w, const char *key, uint32_t v);
void gguf_put_f32(gguf_writer *w, const char *key, float v);
void gguf_put_bool(gguf_writer *w, const char *key, int v);
void gguf_put_texts(gguf_writer *w, const char *key, const char *const *texts, size_t n);
void gguf_put_i32s(gguf_writer *w, const char *key, const int32_t *v, size_t n);
void gguf_put_f32s(gguf_writer *w, const char *key, const float *v, size_t n);
/* An F32 tensor; dims end with a 0. */
void gguf_put_tensor(gguf_writer *w, const char *name, const uint64_t *dims, const float *v);
/* The whole file. */
void gguf_writer_finish(gguf_writer *w, aglm_str *out);

/* ---- the models ---- */

typedef enum glm_arch { GLM_CHATGLM, GLM_GLM4, GLM_GLM4MOE } glm_arch;

extern const char *const glm_arch_names[]; /* three */

/* Greedy decoding answers any prompt that does not end in one of these letters with them, and then
 * its stop token <|user|>. */
#define GLM_SAYS "XYZQJKVW"
#define GLM_CONTEXT 512
#define GLM_DIM 64

/* What is wrong with it on purpose; all 0: nothing. */
typedef struct glm_fault {
    const char *key; /* of an integer, without the architecture */
    uint32_t value;
    const char *drop; /* a key or tensor that is left out */
    int doubled;      /* a token stands twice */
} glm_fault;

/* The bytes of a model file; fault may be NULL. out initialised by the caller. */
void glm_model_make(glm_arch arch, uint64_t seed, const glm_fault *fault, aglm_str *out);

#endif
