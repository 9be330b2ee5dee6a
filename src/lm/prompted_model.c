/* A prompt that was found, as JSON: so a person can read it in the bundle. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "lm/prompted.h"
#include "lm/prompted_priv.h"

#define VERSION 1
#define MAX_LABELS 1024

void aglm_prompted_free(aglm_model *model)
{
    aglm_prompted_model *m = (aglm_prompted_model *)model;

    for (size_t i = 0; m->words && i < m->base.n_labels; i++)
        free(m->words[i]);
    free(m->words);
    free(m->bias);
    free(m->file);
    aglm_lm_pool_unref(m->pool);
    free(m->prefix);
    free(m->before);
    free(m->after);
    free(m);
}

aglm_rc aglm_prompted_save(const aglm_model *model, aglm_str *out, aglm_error *err)
{
    const aglm_prompted_model *m = (const aglm_prompted_model *)model;
    aglm_json_writer w;

    aglm_json_writer_init(&w, out);
    w.pretty = true;
    aglm_json_open_object(&w);
    aglm_json_member_int(&w, "version", VERSION);
    aglm_json_member_text(&w, "model", m->file);
    aglm_json_member_int(&w, "model_bytes", (int64_t)m->file_bytes);
    aglm_json_member_int(&w, "max_chars", (int64_t)m->max_chars);
    aglm_json_member_bool(&w, "mean", m->mean);
    aglm_json_member_text(&w, "prefix", m->prefix);
    aglm_json_member_text(&w, "before", m->before);
    aglm_json_member_text(&w, "after", m->after);
    aglm_json_key(&w, "answers");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < m->base.n_labels; i++)
        aglm_json_put_text(&w, m->words[i]);
    aglm_json_close_array(&w);
    aglm_json_key(&w, "bias");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < m->base.n_labels; i++)
        aglm_json_put_double(&w, m->bias[i]);
    aglm_json_close_array(&w);
    aglm_json_close_object(&w);
    return out->rc == AGLM_OK
               ? AGLM_OK
               : aglm_error_set(err, out->rc, "the prompt: %s", aglm_rc_text(out->rc));
}

static aglm_rc copy_text(const aglm_json *obj, const char *key, char **out, aglm_error *err)
{
    const char *text;
    aglm_rc rc = aglm_json_need_string(obj, key, &text, err);

    if (rc == AGLM_OK && !(*out = strdup(text)))
        rc = aglm_error_set(err, AGLM_NOMEM, "no memory for a prompt");
    return rc;
}

static aglm_rc read_labels(aglm_prompted_model *m, const aglm_json *root, aglm_error *err)
{
    const aglm_json *words = aglm_json_get(root, "answers"), *bias = aglm_json_get(root, "bias");
    aglm_json_iter w = aglm_json_iterate(words), b = aglm_json_iterate(bias);
    size_t n = aglm_json_size(words);

    if (n < 1 || n > MAX_LABELS || aglm_json_size(bias) != n)
        return aglm_error_set(err, AGLM_FORMAT,
                              "answers and bias: expected lists of the same length, 1 to %d",
                              MAX_LABELS);
    m->words = aglm_calloc(n, sizeof *m->words);
    m->bias = aglm_calloc(n, sizeof *m->bias);
    if (!m->words || !m->bias)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu labels", n);
    m->base.n_labels = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        const char *word = aglm_json_string(aglm_json_next(&w, NULL), NULL);
        m->bias[i] = aglm_json_double(aglm_json_next(&b, NULL), NAN);
        if (!word || !*word || !isfinite(m->bias[i]))
            return aglm_error_set(err, AGLM_FORMAT, "answer %zu: expected a text and a finite bias",
                                  i);
        if (!(m->words[i] = strdup(word)))
            return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu labels", n);
    }
    return AGLM_OK;
}

static aglm_rc read_model(aglm_prompted_model *m, const aglm_json *root, aglm_error *err)
{
    int64_t version, bytes, chars;
    aglm_rc rc;

    if ((rc = aglm_json_need_int(root, "version", 1, VERSION, &version, err)) != AGLM_OK ||
        (rc = aglm_json_need_int(root, "model_bytes", 0, INT64_MAX, &bytes, err)) != AGLM_OK ||
        (rc = aglm_json_need_int(root, "max_chars", 1, INT32_MAX, &chars, err)) != AGLM_OK ||
        (rc = copy_text(root, "model", &m->file, err)) != AGLM_OK ||
        (rc = copy_text(root, "prefix", &m->prefix, err)) != AGLM_OK ||
        (rc = copy_text(root, "before", &m->before, err)) != AGLM_OK ||
        (rc = copy_text(root, "after", &m->after, err)) != AGLM_OK)
        return rc;
    m->file_bytes = (uint64_t)bytes;
    m->max_chars = (uint64_t)chars;
    m->mean = aglm_json_bool(aglm_json_get(root, "mean"), false);
    return read_labels(m, root, err);
}

aglm_rc aglm_prompted_load(aglm_model **out, const void *bytes, size_t n, aglm_error *err)
{
    aglm_prompted_model *m = aglm_calloc(1, sizeof *m);
    aglm_json_doc *doc = NULL;

    *out = NULL;
    if (!m)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a prompt");
    m->base.ops = &aglm_learner_prompted;
    aglm_rc rc = aglm_json_parse(&doc, bytes, n, NULL, err);
    if (rc == AGLM_OK)
        rc = read_model(m, aglm_json_root(doc), err);
    aglm_json_free(doc);
    if (rc != AGLM_OK) {
        aglm_prompted_free(&m->base);
        return rc;
    }
    *out = &m->base;
    return rc;
}
