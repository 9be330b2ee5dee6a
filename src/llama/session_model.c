/* The model: opening it, what it is, its tokens. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "llama/session.h"

#define MAX_META 4096
#define MAX_KEY 256

/* ggml's parts for this processor lie beside its library. */
static void load_backends(void)
{
    Dl_info info;
    const char *slash;

    if (ggml_backend_reg_count() > 0 ||
        !dladdr((void *)(uintptr_t)ggml_backend_load_all_from_path, &info) ||
        !(slash = strrchr(info.dli_fname, '/')))
        return;
    char *folder = strndup(info.dli_fname, (size_t)(slash - info.dli_fname));
    if (folder)
        ggml_backend_load_all_from_path(folder);
    free(folder);
}

void aglm_llama_context_clear(aglm_llama_context *c)
{
    if (c->ctx) {
        llama_batch_free(c->batch);
        llama_free(c->ctx);
    }
    free(c->prefix.at);
    *c = (aglm_llama_context){0};
}

void aglm_session_clear(aglm_session *s)
{
    aglm_llama_context_clear(&s->text);
    aglm_llama_context_clear(&s->many);
    aglm_llama_context_clear(&s->embed);
    aglm_states_free(s->states);
    s->states = NULL;
    if (s->model)
        llama_model_free(s->model);
    s->model = NULL;
}

static void put_token(const struct llama_vocab *vocab, const char *name, llama_token token,
                      aglm_json_writer *w)
{
    aglm_str text;

    if (token == LLAMA_TOKEN_NULL)
        return;
    aglm_str_init(&text, 1 << 16);
    aglm_llama_piece(vocab, token, true, &text);
    aglm_json_key(w, name);
    aglm_json_put_string(w, text.data ? text.data : "", text.len);
    aglm_str_clear(&text);
}

/* Short values alone: vocabularies and templates have their own place. */
static void put_meta(const struct llama_model *m, aglm_json_writer *w)
{
    char key[MAX_KEY], value[MAX_META];

    aglm_json_key(w, "meta");
    aglm_json_open_object(w);
    for (int32_t i = 0; i < llama_model_meta_count(m); i++) {
        int32_t k = llama_model_meta_key_by_index(m, i, key, sizeof key);
        int32_t n = llama_model_meta_val_str_by_index(m, i, value, sizeof value);
        if (k <= 0 || (size_t)k >= sizeof key || n < 0 || (size_t)n >= sizeof value ||
            strncmp(key, "tokenizer.chat_template", 23) == 0)
            continue;
        aglm_json_member_text(w, key, value);
    }
    aglm_json_close_object(w);
}

static void put_model(const aglm_session *s, aglm_json_writer *w)
{
    char text[128];
    const struct llama_model *m = s->model;
    const char *template = llama_model_chat_template(m, NULL);

    llama_model_desc(m, text, sizeof text);
    aglm_json_member_text(w, "description", text);
    aglm_json_member_int(w, "parameters", (int64_t)llama_model_n_params(m));
    aglm_json_member_int(w, "bytes", (int64_t)llama_model_size(m));
    aglm_json_member_int(w, "vocabulary", llama_vocab_n_tokens(s->vocab));
    aglm_json_member_int(w, "context", llama_model_n_ctx_train(m));
    aglm_json_member_int(w, "layers", llama_model_n_layer(m));
    aglm_json_member_int(w, "dimension", llama_model_n_embd(m));
    aglm_json_member_text(w, "template", template);
    put_token(s->vocab, "bos", llama_vocab_bos(s->vocab), w);
    put_token(s->vocab, "eos", llama_vocab_eos(s->vocab), w);
    put_token(s->vocab, "eot", llama_vocab_eot(s->vocab), w);
    aglm_json_member_bool(w, "add_bos", llama_vocab_get_add_bos(s->vocab));
    put_meta(m, w);
}

aglm_rc aglm_session_open(aglm_session *s, const aglm_json *request, aglm_json_writer *answer,
                          aglm_error *err)
{
    const char *path;
    int64_t threads;
    struct llama_model_params params = llama_model_default_params();

    aglm_rc rc = aglm_json_need_string(request, "model", &path, err);
    if (rc == AGLM_OK)
        rc = aglm_json_need_int(request, "threads", 1, 1024, &threads, err);
    if (rc != AGLM_OK)
        return rc;
    aglm_session_clear(s);
    load_backends();
    params.n_gpu_layers = 0;
    s->threads = (unsigned)threads;
    s->model = llama_model_load_from_file(path, params);
    if (!s->model)
        return aglm_error_set(err, AGLM_FORMAT, "%s: llama.cpp does not take this model", path);
    s->vocab = llama_model_get_vocab(s->model);
    put_model(s, answer);
    return AGLM_OK;
}

aglm_rc aglm_llama_tokenize(const struct llama_vocab *vocab, const char *text, size_t len,
                            bool first, aglm_tokens *out, aglm_error *err)
{
    size_t room = len + 16;

    out->n = 0;
    out->at = NULL;
    if (len > INT32_MAX / 2)
        return aglm_error_set(err, AGLM_LIMIT, "a text of %zu bytes is too long", len);
    out->at = calloc(room, sizeof *out->at);
    if (!out->at)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu tokens", room);
    int32_t n = llama_tokenize(vocab, text, (int32_t)len, out->at, (int32_t)room, first, true);
    if (n < 0) {
        free(out->at);
        out->at = NULL;
        return aglm_error_set(err, AGLM_LIMIT, "a text of %zu bytes has %d tokens", len, -n);
    }
    out->n = (size_t)n;
    return AGLM_OK;
}

void aglm_llama_piece(const struct llama_vocab *vocab, llama_token token, bool markers,
                      aglm_str *out)
{
    char small[256];
    int32_t n = llama_token_to_piece(vocab, token, small, sizeof small, 0, markers);

    if (n > 0) {
        aglm_str_append(out, small, (size_t)n);
    } else if (n < 0) {
        char *large = malloc((size_t)-n);
        n = large ? llama_token_to_piece(vocab, token, large, -n, 0, markers) : 0;
        aglm_str_append(out, large, n > 0 ? (size_t)n : 0);
        free(large);
    }
}

aglm_rc aglm_session_tokenize(aglm_session *s, const aglm_json *request, aglm_json_writer *answer,
                              aglm_error *err)
{
    size_t len = 0;
    const char *text = aglm_json_string(aglm_json_get(request, "text"), &len);
    aglm_tokens tokens;

    if (!text)
        return aglm_error_set(err, AGLM_INVALID, "tokenize: text is missing");
    aglm_rc rc = aglm_llama_tokenize(
        s->vocab, text, len, aglm_json_bool(aglm_json_get(request, "first"), false), &tokens, err);
    if (rc != AGLM_OK)
        return rc;
    aglm_json_key(answer, "tokens");
    aglm_json_open_array(answer);
    for (size_t i = 0; i < tokens.n; i++)
        aglm_json_put_int(answer, tokens.at[i]);
    aglm_json_close_array(answer);
    free(tokens.at);
    return AGLM_OK;
}
