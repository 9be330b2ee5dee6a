/* An answerer as JSON, so that a person can read the prompt in the bundle; and where a long field
 * is cut. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "lm/answerer_priv.h"

#define VERSION 1
#define MAX_POOL 1000000
#define SEEN_BITS 12

/* ---- cutting ---- */

/* Bytes of at most max code points. */
static size_t fit(const char *text, size_t n, size_t max)
{
    size_t at = 0;
    uint32_t cp;

    for (size_t i = 0; i < max && at < n; i++)
        at += aglm_utf8_decode(text + at, n - at, &cp);
    return at;
}

static bool is_letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

/* A hash, not 0, of the word or the two CJK characters that begin at byte i; 0 where none does. */
static uint32_t word_at(const char *text, size_t n, size_t i)
{
    uint32_t cp;
    size_t to = i + aglm_utf8_decode(text + i, n - i, &cp);

    if (aglm_cp_is_cjk(cp))
        to += to < n ? aglm_utf8_decode(text + to, n - to, &cp) : 0;
    else if (i > 0 && is_letter(text[i - 1]))
        return 0;
    else
        while (to < n && is_letter(text[to]))
            to++;
    return to - i < 4 ? 0 : (uint32_t)(aglm_hash64(text + i, to - i, 0) >> (64 - SEEN_BITS)) | 1;
}

static size_t next(const char *text, size_t n, size_t at)
{
    uint32_t cp;

    return at + aglm_utf8_decode(text + at, n - at, &cp);
}

/* Where the window of max code points begins that has most words of the query: in the middle of
 * those that have as many, so that what is asked for stands around them. */
static size_t best_window(const char *text, size_t n, size_t max, const char *query)
{
    uint8_t asked[1 << SEEN_BITS] = {0};
    size_t first = 0, last = 0, from = 0, chars = 0, found = 0, most = 0;

    for (size_t i = 0, len = strlen(query); i < len; i = next(query, len, i))
        asked[word_at(query, len, i)] = 1;
    asked[0] = 0;
    for (size_t to = 0; to < n; to = next(text, n, to)) {
        found += asked[word_at(text, n, to)];
        if (++chars > max) {
            found -= asked[word_at(text, n, from)];
            from = next(text, n, from);
        }
        if (found > most)
            first = from;
        if (found >= most)
            last = from;
        most = found > most ? found : most;
    }
    size_t middle = first + (last - first) / 2;
    while (middle < n && ((unsigned char)text[middle] & 0xC0) == 0x80)
        middle++;
    return most > 0 ? middle : 0;
}

void aglm_answer_cut(aglm_str *out, const char *text, size_t max, bool near, const char *query)
{
    size_t n = strlen(text), len = fit(text, n, max);
    size_t at = len < n && near ? best_window(text, n, max, query) : 0;

    aglm_str_append(out, text + at, fit(text + at, n - at, max));
}

/* ---- a bundle's model ---- */

void aglm_answerer_free(aglm_answerer *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n_pool; i++) {
        for (size_t f = 0; f < a->n_fields; f++)
            free(a->pool[i].field[f]);
        free(a->pool[i].answer);
    }
    for (size_t f = 0; f < a->n_fields; f++) {
        free(a->name[f]);
        free(a->label[f]);
    }
    for (size_t i = 0; i < a->n_stops; i++)
        free(a->stop[i]);
    free(a->pool);
    free(a->file);
    free(a->head);
    free(a->before);
    free(a->after);
    free(a->gap);
    free(a->end);
    free(a->last);
    free(a);
}

static void free_model(aglm_model *m)
{
    aglm_answerer_free((aglm_answerer *)m);
}

static void put_texts(aglm_json_writer *w, const char *key, char *const *texts, size_t n)
{
    if (key)
        aglm_json_key(w, key);
    aglm_json_open_array(w);
    for (size_t i = 0; i < n; i++)
        aglm_json_put_text(w, texts[i]);
    aglm_json_close_array(w);
}

/* Members that are one text, in the order of the file. */
#define TEXTS(X) X(head) X(before) X(after) X(gap) X(end) X(last)

aglm_rc aglm_answerer_save(const aglm_model *model, aglm_str *out, aglm_error *err)
{
    const aglm_answerer *a = (const aglm_answerer *)model;
    aglm_json_writer w;

    aglm_json_writer_init(&w, out);
    w.pretty = true;
    aglm_json_open_object(&w);
    aglm_json_member_int(&w, "version", VERSION);
    aglm_json_member_text(&w, "model", a->file);
    aglm_json_member_int(&w, "model_bytes", (int64_t)a->file_bytes);
    put_texts(&w, "fields", a->name, a->n_fields);
    put_texts(&w, "labels", a->label, a->n_fields);
#define PUT(member) aglm_json_member_text(&w, #member, a->member);
    TEXTS(PUT)
#undef PUT
    aglm_json_member_int(&w, "max_chars", (int64_t)a->max_chars);
    aglm_json_member_bool(&w, "near", a->near);
    aglm_json_member_int(&w, "max_tokens", (int64_t)a->max_tokens);
    put_texts(&w, "stop", a->stop, a->n_stops);
    aglm_json_member_bool(&w, "alike", a->alike);
    aglm_json_member_int(&w, "shots", (int64_t)a->shots);
    aglm_json_key(&w, "examples");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < a->n_pool; i++) {
        aglm_json_open_object(&w);
        put_texts(&w, "fields", a->pool[i].field, a->n_fields);
        aglm_json_member_text(&w, "answer", a->pool[i].answer);
        aglm_json_close_object(&w);
    }
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

/* Where a list of least to most texts goes; n counts those that are there, also when it fails. */
struct list {
    char **at;
    size_t n, least, most;
};

static aglm_rc copy_texts(const aglm_json *obj, const char *key, struct list *out, aglm_error *err)
{
    const aglm_json *list = aglm_json_get(obj, key);
    aglm_json_iter it = aglm_json_iterate(list);
    size_t size = aglm_json_size(list);

    if (!list || aglm_json_kind_of(list) != AGLM_JSON_ARRAY || size < out->least ||
        size > out->most)
        return aglm_error_set(err, AGLM_FORMAT, "%s: expected a list of %zu to %zu texts", key,
                              out->least, out->most);
    for (const aglm_json *v; (v = aglm_json_next(&it, NULL));) {
        const char *text = aglm_json_string(v, NULL);
        if (!text)
            return aglm_error_set(err, AGLM_FORMAT, "%s: expected texts, found %s", key,
                                  aglm_json_kind_name(v));
        if (!(out->at[out->n] = strdup(text)))
            return aglm_error_set(err, AGLM_NOMEM, "no memory for a prompt");
        out->n++;
    }
    return AGLM_OK;
}

static aglm_rc read_example(aglm_answerer *a, const aglm_json *v, aglm_error *err)
{
    aglm_answer_example *e = &a->pool[a->n_pool++];
    struct list fields = {e->field, 0, a->n_fields, a->n_fields};
    aglm_rc rc = copy_texts(v, "fields", &fields, err);

    return rc == AGLM_OK ? copy_text(v, "answer", &e->answer, err) : rc;
}

static aglm_rc read_pool(aglm_answerer *a, const aglm_json *root, aglm_error *err)
{
    const aglm_json *list = aglm_json_get(root, "examples");
    aglm_json_iter it = aglm_json_iterate(list);
    size_t n = aglm_json_size(list);
    aglm_rc rc = AGLM_OK;

    if (!list || aglm_json_kind_of(list) != AGLM_JSON_ARRAY || n > MAX_POOL)
        return aglm_error_set(err, AGLM_FORMAT, "examples: expected a list of at most %d",
                              MAX_POOL);
    if (!(a->pool = aglm_calloc(n + 1, sizeof *a->pool)))
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu examples", n);
    for (const aglm_json *v; rc == AGLM_OK && (v = aglm_json_next(&it, NULL));)
        if ((rc = read_example(a, v, err)) != AGLM_OK)
            aglm_error_prefix(err, "examples[%zu]", a->n_pool - 1);
    return rc;
}

static aglm_rc read_number(const aglm_json *root, const char *key, int64_t low, int64_t high,
                           uint64_t *out, aglm_error *err)
{
    int64_t v = 0;
    aglm_rc rc = aglm_json_need_int(root, key, low, high, &v, err);

    *out = (uint64_t)v;
    return rc;
}

static aglm_rc read_texts(aglm_answerer *a, const aglm_json *root, aglm_error *err)
{
    struct list names = {a->name, 0, 1, AGLM_EXAMPLE_FIELDS};
    struct list stops = {a->stop, 0, 0, AGLM_ANSWERER_STOPS};
    aglm_rc rc = copy_text(root, "model", &a->file, err);

    if (rc == AGLM_OK)
        rc = copy_texts(root, "fields", &names, err);
    a->n_fields = names.n;
    struct list labels = {a->label, 0, names.n, names.n};
    if (rc == AGLM_OK)
        rc = copy_texts(root, "labels", &labels, err);
#define READ(member)                                                                               \
    if (rc == AGLM_OK)                                                                             \
        rc = copy_text(root, #member, &a->member, err);
    TEXTS(READ)
#undef READ
    if (rc == AGLM_OK)
        rc = copy_texts(root, "stop", &stops, err);
    a->n_stops = stops.n;
    return rc;
}

static aglm_rc read_model(aglm_answerer *a, const aglm_json *root, aglm_error *err)
{
    uint64_t version;
    aglm_rc rc;

    if ((rc = read_number(root, "version", 1, VERSION, &version, err)) != AGLM_OK ||
        (rc = read_number(root, "model_bytes", 0, INT64_MAX, &a->file_bytes, err)) != AGLM_OK ||
        (rc = read_number(root, "max_chars", 1, INT32_MAX, &a->max_chars, err)) != AGLM_OK ||
        (rc = read_number(root, "max_tokens", 1, 1 << 20, &a->max_tokens, err)) != AGLM_OK ||
        (rc = read_number(root, "shots", 0, 1000, &a->shots, err)) != AGLM_OK ||
        (rc = read_texts(a, root, err)) != AGLM_OK)
        return rc;
    a->near = aglm_json_bool(aglm_json_get(root, "near"), false);
    a->alike = aglm_json_bool(aglm_json_get(root, "alike"), false);
    return read_pool(a, root, err);
}

aglm_rc aglm_answerer_load(aglm_model **out, const void *bytes, size_t n, aglm_error *err)
{
    aglm_answerer *a = aglm_calloc(1, sizeof *a);
    aglm_json_doc *doc = NULL;

    *out = NULL;
    if (!a)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a prompt");
    a->base.ops = &aglm_learner_answerer;
    aglm_rc rc = aglm_json_parse(&doc, bytes, n, NULL, err);
    if (rc == AGLM_OK)
        rc = read_model(a, aglm_json_root(doc), err);
    aglm_json_free(doc);
    if (rc == AGLM_OK)
        *out = &a->base;
    else
        aglm_answerer_free(a);
    return rc;
}

/* Found by tune/answer_run.h: it has no logits, and no space beside those that have. */
const aglm_learner_ops aglm_learner_answerer = {
    .name = "answerer",
    .save = aglm_answerer_save,
    .load = aglm_answerer_load,
    .free_model = free_model,
};
