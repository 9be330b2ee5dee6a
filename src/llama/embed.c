/* embed: the mean of the last hidden states of each text. One text at a time: what it gives does
 * not depend on its neighbours. */
#include <math.h>
#include <stdlib.h>

#include "llama/session.h"

static aglm_rc embed(aglm_session *s, const aglm_tokens *t, bool normalise, aglm_json_writer *w,
                     aglm_error *err)
{
    size_t n = (size_t)llama_model_n_embd_out(s->model);
    double sum = 0;

    llama_memory_clear(llama_get_memory(s->embed.ctx), false);
    aglm_rc rc = aglm_llama_decode_run(&s->embed, 0, t, 0, true, err);
    if (rc != AGLM_OK)
        return rc;
    const float *v = llama_get_embeddings_seq(s->embed.ctx, 0);
    if (!v)
        return aglm_error_set(err, AGLM_UNSUPPORTED, "the model gives no embeddings");
    for (size_t i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    double scale = normalise && sum > 0 ? 1 / sqrt(sum) : 1;
    aglm_json_open_array(w);
    for (size_t i = 0; i < n; i++)
        aglm_json_put_double(w, scale * (double)v[i]);
    aglm_json_close_array(w);
    return rc;
}

static aglm_rc embed_text(aglm_session *s, const aglm_json *text, bool normalise,
                          aglm_json_writer *w, aglm_error *err)
{
    size_t len = 0;
    const char *bytes = aglm_json_string(text, &len);
    aglm_tokens t = {0};

    if (!bytes)
        return aglm_error_set(err, AGLM_INVALID, "embed: texts must be texts");
    aglm_rc rc = aglm_llama_tokenize(s->vocab, bytes, len, true, &t, err);
    if (rc == AGLM_OK && t.n == 0)
        rc = aglm_llama_tokenize(s->vocab, " ", 1, true, &t, err);
    /* Pooling sees one decode: a longer text is cut to what the model takes at once. */
    if (rc == AGLM_OK && t.n > AGLM_LLAMA_ROWS)
        t.n = AGLM_LLAMA_ROWS;
    if (rc == AGLM_OK)
        rc = aglm_llama_context_need(s, &s->embed, AGLM_LLAMA_ROWS, 1, true, err);
    if (rc == AGLM_OK)
        rc = embed(s, &t, normalise, w, err);
    free(t.at);
    return rc;
}

aglm_rc aglm_session_embed(aglm_session *s, const aglm_json *request, aglm_json_writer *answer,
                           aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(request, "texts"));
    bool normalise = aglm_json_bool(aglm_json_get(request, "normalise"), true);
    aglm_rc rc = AGLM_OK;

    aglm_json_key(answer, "vectors");
    aglm_json_open_array(answer);
    for (const aglm_json *v; rc == AGLM_OK && (v = aglm_json_next(&it, NULL));)
        rc = embed_text(s, v, normalise, answer, err);
    aglm_json_close_array(answer);
    return rc;
}
