/* A GGUF file, run by the program autoglm-llama (src/llama/): this side asks and listens. When the
 * program dies, the request in hand fails with its last words and the next one starts it again. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "job/dialogue.h"
#include "lm/gguf.h"
#include "lm/runtime_priv.h"

#define MAX_REQUEST ((size_t)256 << 20)
#define OPEN_S 600 /* a large model on a slow disk */
#define GRACE_S 10 /* what the child may take beyond a request's limit to notice it */
#define FOREVER_S 86400
#define MAX_INFO ((size_t)64 << 20)

extern char **environ;

typedef struct llama {
    aglm_lm lm;
    char *path;
    unsigned threads;
    aglm_dialogue *child; /* NULL: to be started */
    aglm_arena info;      /* the texts of lm.info */
    aglm_str request;
} llama;

/* ---- the program ---- */

/* Beside the file, or where it is installed beside it: a library may lie a folder deeper. */
static bool find_beside(const char *file, char *out, size_t size)
{
    static const char *const PLACES[] = {"autoglm-llama", "../libexec/autoglm/autoglm-llama",
                                         "../../libexec/autoglm/autoglm-llama"};
    const char *slash = strrchr(file, '/');

    for (size_t i = 0; slash && i < sizeof PLACES / sizeof *PLACES; i++) {
        snprintf(out, size, "%.*s/%s", (int)(slash - file), file, PLACES[i]);
        if (access(out, X_OK) == 0)
            return true;
    }
    return false;
}

/* $AGLM_LLAMA, else by where this program lies, else by where the library does, else in PATH. */
static void find_program(char *out, size_t size)
{
    const char *named = getenv("AGLM_LLAMA");
    char self[PATH_MAX] = "";
    Dl_info library = {.dli_fname = NULL};

    if (named && *named) {
        snprintf(out, size, "%s", named);
        return;
    }
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    dladdr((void *)(uintptr_t)find_program, &library);
    if (!find_beside(self, out, size) &&
        !(library.dli_fname && find_beside(library.dli_fname, out, size)))
        snprintf(out, size, "autoglm-llama");
}

static aglm_rc start_program(aglm_dialogue **child, aglm_error *err)
{
    char program[2 * PATH_MAX];
    const char *argv[] = {program, NULL};

    find_program(program, sizeof program);
    aglm_rc rc = aglm_dialogue_open(child, argv, (const char *const *)environ, err);
    if (rc == AGLM_NOTFOUND)
        return aglm_error_set(
            err, rc,
            "local models are run by the program autoglm-llama, which is not installed: build it with ./dev setup and "
            "./dev build, or name it in AGLM_LLAMA");
    return rc;
}

/* ---- asking ---- */

static void begin(aglm_str *request, aglm_json_writer *w, const char *op, double limit_s)
{
    aglm_str_reset(request);
    aglm_json_writer_init(w, request);
    aglm_json_open_object(w);
    aglm_json_member_text(w, "op", op);
    if (limit_s > 0)
        aglm_json_member_double(w, "limit_s", limit_s);
}

static aglm_rc say(aglm_dialogue *child, aglm_str *request, aglm_json_writer *w, uint64_t until,
                   aglm_error *err)
{
    aglm_json_close_object(w);
    aglm_str_putc(request, '\n');
    if (request->rc != AGLM_OK)
        return aglm_error_set(err, request->rc, "the request: %s", aglm_rc_text(request->rc));
    return aglm_dialogue_say(child, request->data, request->len, until, err);
}

static uint64_t end_of(double limit_s)
{
    return aglm_clock_ns() + (uint64_t)(1e9 * (limit_s > 0 ? limit_s + GRACE_S : FOREVER_S));
}

/* The next line, parsed. A refused request gives the child's own error. */
static aglm_rc hear(aglm_dialogue *child, aglm_json_doc **doc, uint64_t until, aglm_error *err)
{
    const char *line;
    size_t n;

    *doc = NULL;
    aglm_rc rc = aglm_dialogue_hear(child, &line, &n, until, err);
    if (rc == AGLM_OK)
        rc = aglm_json_parse(doc, line, n, NULL, err);
    return rc;
}

static aglm_rc refusal(const aglm_json *answer, aglm_error *err)
{
    const aglm_json *ok = aglm_json_get(answer, "ok");
    const char *text = aglm_json_string(aglm_json_get(answer, "error"), NULL);

    if (!ok || aglm_json_bool(ok, false))
        return AGLM_OK;
    return aglm_error_set(err, (aglm_rc)aglm_json_int(aglm_json_get(answer, "rc"), AGLM_IO), "%s",
                          text ? text : "autoglm-llama failed");
}

static void drop(llama *l)
{
    aglm_dialogue_close(l->child);
    l->child = NULL;
}

/* One request, one answer. What the child did not survive, or did not answer in time, ends it. */
static aglm_rc ask(llama *l, aglm_json_writer *w, double limit_s, aglm_json_doc **doc,
                   aglm_error *err)
{
    uint64_t until = end_of(limit_s);
    aglm_rc rc = say(l->child, &l->request, w, until, err);

    *doc = NULL;
    if (rc == AGLM_OK)
        rc = hear(l->child, doc, until, err);
    if (rc != AGLM_OK) {
        drop(l);
        return rc;
    }
    rc = refusal(aglm_json_root(*doc), err);
    if (rc != AGLM_OK) {
        aglm_json_free(*doc);
        *doc = NULL;
    }
    return rc;
}

/* ---- opening ---- */

static const char *keep(llama *l, const aglm_json *v)
{
    size_t n = 0;
    const char *text = aglm_json_string(v, &n);

    return text ? aglm_arena_strndup(&l->info, text, n) : NULL;
}

static double meta_number(const aglm_json *meta, const char *key)
{
    const char *text = aglm_json_string(aglm_json_get(meta, key), NULL);
    double v;

    return text && aglm_double_parse(text, strlen(text), &v) ? v : NAN;
}

static void read_info(llama *l, const aglm_json *a)
{
    const aglm_json *meta = aglm_json_get(a, "meta");
    const aglm_json *name = aglm_json_get(meta, "general.name");

    l->lm.info = (aglm_lm_info){
        .name = keep(l, name),
        .description = keep(l, aglm_json_get(a, "description")),
        .template = keep(l, aglm_json_get(a, "template")),
        .bos = keep(l, aglm_json_get(a, "bos")),
        .eos = keep(l, aglm_json_get(a, "eos")),
        .add_bos = aglm_json_bool(aglm_json_get(a, "add_bos"), false),
        .parameters = aglm_json_int(aglm_json_get(a, "parameters"), 0),
        .bytes = aglm_json_int(aglm_json_get(a, "bytes"), 0),
        .vocabulary = aglm_json_int(aglm_json_get(a, "vocabulary"), 0),
        .context = aglm_json_int(aglm_json_get(a, "context"), 0),
        .layers = aglm_json_int(aglm_json_get(a, "layers"), 0),
        .dimension = aglm_json_int(aglm_json_get(a, "dimension"), 0),
        .temperature = meta_number(meta, "general.sampling.temp"),
        .top_k = meta_number(meta, "general.sampling.top_k"),
        .top_p = meta_number(meta, "general.sampling.top_p"),
        .min_p = meta_number(meta, "general.sampling.min_p"),
        .repetition_penalty = meta_number(meta, "general.sampling.penalty_repeat"),
    };
}

static aglm_rc start(llama *l, aglm_error *err)
{
    aglm_json_writer w;
    aglm_json_doc *doc;

    if (l->child)
        return AGLM_OK;
    aglm_rc rc = start_program(&l->child, err);
    if (rc != AGLM_OK)
        return rc;
    begin(&l->request, &w, "open", 0);
    aglm_json_member_text(&w, "model", l->path);
    aglm_json_member_int(&w, "threads", l->threads);
    rc = ask(l, &w, OPEN_S, &doc, err);
    if (rc != AGLM_OK) {
        drop(l);
        return rc;
    }
    if (!l->lm.info.description)
        read_info(l, aglm_json_root(doc));
    aglm_json_free(doc);
    return rc;
}

static void llama_close(aglm_lm *lm)
{
    llama *l = (llama *)lm;

    aglm_dialogue_close(l->child);
    aglm_arena_clear(&l->info);
    aglm_str_clear(&l->request);
    free(l->path);
    free(l);
}

/* ---- operations ---- */

static aglm_rc llama_tokenize(aglm_lm *lm, const char *text, size_t len, bool first,
                              aglm_lm_tokens *out, aglm_error *err)
{
    llama *l = (llama *)lm;
    aglm_json_writer w;
    aglm_json_doc *doc = NULL;

    aglm_rc rc = start(l, err);
    if (rc != AGLM_OK)
        return rc;
    begin(&l->request, &w, "tokenize", 0);
    aglm_json_key(&w, "text");
    aglm_json_put_string(&w, text, len);
    aglm_json_member_bool(&w, "first", first);
    rc = ask(l, &w, 0, &doc, err);
    if (rc != AGLM_OK)
        return rc;
    const aglm_json *list = aglm_json_get(aglm_json_root(doc), "tokens");
    aglm_json_iter it = aglm_json_iterate(list);
    out->at = calloc(aglm_json_size(list) + 1, sizeof *out->at);
    if (!out->at)
        rc = aglm_error_set(err, AGLM_NOMEM, "no memory for the tokens");
    for (const aglm_json *v; rc == AGLM_OK && (v = aglm_json_next(&it, NULL));)
        out->at[out->n++] = (int32_t)aglm_json_int(v, 0);
    aglm_json_free(doc);
    return rc;
}

static void put_decoding(aglm_json_writer *w, const aglm_decoding *d)
{
    aglm_json_member_double(w, "temperature", d->temperature);
    aglm_json_member_int(w, "top_k", d->top_k);
    aglm_json_member_double(w, "top_p", d->top_p);
    aglm_json_member_double(w, "min_p", d->min_p);
    aglm_json_member_double(w, "typical_p", d->typical_p);
    aglm_json_member_double(w, "repetition_penalty", d->repetition_penalty);
    aglm_json_member_double(w, "presence_penalty", d->presence_penalty);
    aglm_json_member_double(w, "frequency_penalty", d->frequency_penalty);
    aglm_json_member_int(w, "penalty_last_n", d->penalty_last_n);
    aglm_json_member_int(w, "max_tokens", d->max_tokens);
    aglm_json_member_int(w, "seed", (int64_t)(d->seed & UINT32_MAX));
}

static void put_generate(llama *l, aglm_json_writer *w, const aglm_lm_request *r)
{
    begin(&l->request, w, "generate", r->limit_s);
    if (r->prefix)
        aglm_json_member_text(w, "prefix", r->prefix);
    aglm_json_member_text(w, "prompt", r->prompt);
    put_decoding(w, r->decoding);
    aglm_json_key(w, "stop");
    aglm_json_open_array(w);
    for (size_t i = 0; i < r->n_stop; i++)
        aglm_json_put_text(w, r->stop[i]);
    aglm_json_close_array(w);
    if (r->grammar)
        aglm_json_member_text(w, "grammar", r->grammar);
    aglm_json_member_bool(w, "stream", r->on_piece != NULL);
    aglm_json_member_bool(w, "log_prob", r->want_log_prob);
}

static aglm_lm_reason reason_of(const aglm_json *v)
{
    const char *text = aglm_json_string(v, NULL);

    if (text && strcmp(text, "stop") == 0)
        return AGLM_LM_STOP;
    return text && strcmp(text, "time") == 0 ? AGLM_LM_TIME : AGLM_LM_LENGTH;
}

static aglm_rc read_generated(const aglm_json *a, aglm_lm_answer *out, aglm_error *err)
{
    size_t n = 0;
    const char *text = aglm_json_string(aglm_json_get(a, "text"), &n);

    if (!text)
        return aglm_error_set(err, AGLM_IO, "autoglm-llama gave no text");
    out->reason = reason_of(aglm_json_get(a, "reason"));
    out->prompt_tokens = aglm_json_int(aglm_json_get(a, "prompt_tokens"), 0);
    out->prefix_tokens = aglm_json_int(aglm_json_get(a, "prefix_tokens"), 0);
    out->tokens = aglm_json_int(aglm_json_get(a, "tokens"), 0);
    out->warm = aglm_json_bool(aglm_json_get(a, "warm"), false);
    out->log_prob = aglm_json_double(aglm_json_get(a, "log_prob"), NAN);
    out->prompt_s = aglm_json_double(aglm_json_get(a, "prompt_s"), 0);
    out->generate_s = aglm_json_double(aglm_json_get(a, "generate_s"), 0);
    if (aglm_str_append(&out->text, text, n) != AGLM_OK)
        return aglm_error_set(err, out->text.rc, "the answer: %s", aglm_rc_text(out->text.rc));
    return AGLM_OK;
}

/* Listens until the answer has come. A listener that has had enough ends the child: there is no
 * other way to stop it at once. */
static aglm_rc listen_pieces(llama *l, const aglm_lm_request *r, aglm_lm_answer *out,
                             uint64_t until, aglm_error *err)
{
    for (;;) {
        aglm_json_doc *doc;
        size_t n = 0;
        aglm_rc rc = hear(l->child, &doc, until, err);
        const aglm_json *a = rc == AGLM_OK ? aglm_json_root(doc) : NULL;
        const char *piece = aglm_json_string(aglm_json_get(a, "piece"), &n);
        bool enough = piece && r->on_piece && !r->on_piece(r->arg, piece, n);

        if (rc == AGLM_OK && !piece) {
            rc = refusal(a, err);
            if (rc == AGLM_OK)
                rc = read_generated(a, out, err);
            aglm_json_free(doc);
            return rc;
        }
        aglm_json_free(doc);
        if (enough)
            rc = aglm_error_set(err, AGLM_CANCELLED, "stopped by who listens");
        if (rc != AGLM_OK) {
            drop(l);
            return rc;
        }
    }
}

static aglm_rc llama_generate(aglm_lm *lm, const aglm_lm_request *r, aglm_lm_answer *out,
                              aglm_error *err)
{
    llama *l = (llama *)lm;
    aglm_json_writer w;
    uint64_t until;

    aglm_rc rc = start(l, err);
    if (rc != AGLM_OK)
        return rc;
    put_generate(l, &w, r);
    until = end_of(r->limit_s);
    rc = say(l->child, &l->request, &w, until, err);
    if (rc != AGLM_OK) {
        drop(l);
        return rc;
    }
    return listen_pieces(l, r, out, until, err);
}

static void put_texts(aglm_json_writer *w, const char *key, const char *const *texts, size_t n)
{
    if (key)
        aglm_json_key(w, key);
    aglm_json_open_array(w);
    for (size_t i = 0; i < n; i++)
        aglm_json_put_text(w, texts[i]);
    aglm_json_close_array(w);
}

static void put_score(llama *l, aglm_json_writer *w, const aglm_lm_scoring *s)
{
    begin(&l->request, w, "score", s->limit_s);
    if (s->prefix)
        aglm_json_member_text(w, "prefix", s->prefix);
    put_texts(w, "items", s->items, s->n_items);
    if (!s->own_answers) {
        put_texts(w, "answers", s->answers, s->n_answers);
        return;
    }
    aglm_json_key(w, "answers");
    aglm_json_open_array(w);
    for (size_t i = 0; i < s->n_items; i++)
        put_texts(w, NULL, s->answers + i * s->n_answers, s->n_answers);
    aglm_json_close_array(w);
}

/* A list of n lists of m numbers. */
static aglm_rc read_matrix(const aglm_json *rows, size_t n, size_t m, double *numbers,
                           int64_t *whole, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(rows);
    size_t i = 0;

    for (const aglm_json *row;
         (row = aglm_json_next(&it, NULL)) && aglm_json_size(row) == m && i < n; i++) {
        aglm_json_iter in_row = aglm_json_iterate(row);
        for (size_t k = 0; k < m; k++) {
            const aglm_json *v = aglm_json_next(&in_row, NULL);
            if (numbers)
                numbers[i * m + k] = aglm_json_double(v, NAN);
            else if (whole)
                whole[i * m + k] = aglm_json_int(v, 0);
        }
    }
    return i == n ? AGLM_OK
                  : aglm_error_set(err, AGLM_IO, "autoglm-llama answered %zu rows of %zu", i, n);
}

static aglm_rc llama_score(aglm_lm *lm, const aglm_lm_scoring *s, double *scores, int64_t *tokens,
                           aglm_error *err)
{
    llama *l = (llama *)lm;
    aglm_json_writer w;
    aglm_json_doc *doc;

    aglm_rc rc = start(l, err);
    if (rc != AGLM_OK)
        return rc;
    put_score(l, &w, s);
    rc = ask(l, &w, s->limit_s, &doc, err);
    if (rc != AGLM_OK)
        return rc;
    rc = read_matrix(aglm_json_get(aglm_json_root(doc), "scores"), s->n_items, s->n_answers, scores,
                     NULL, err);
    if (rc == AGLM_OK && tokens)
        rc = read_matrix(aglm_json_get(aglm_json_root(doc), "tokens"), s->n_items, s->n_answers,
                         NULL, tokens, err);
    aglm_json_free(doc);
    return rc;
}

static aglm_rc llama_embed(aglm_lm *lm, const char *const *texts, size_t n, float *out,
                           aglm_error *err)
{
    llama *l = (llama *)lm;
    aglm_json_writer w;
    aglm_json_doc *doc;
    size_t dim, i = 0;

    aglm_rc rc = start(l, err);
    if (rc != AGLM_OK)
        return rc;
    dim = (size_t)l->lm.info.dimension;
    begin(&l->request, &w, "embed", 0);
    put_texts(&w, "texts", texts, n);
    rc = ask(l, &w, 0, &doc, err);
    if (rc != AGLM_OK)
        return rc;
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(aglm_json_root(doc), "vectors"));
    for (const aglm_json *row;
         (row = aglm_json_next(&it, NULL)) && aglm_json_size(row) == dim && i < n; i++) {
        aglm_json_iter in_row = aglm_json_iterate(row);
        for (size_t k = 0; k < dim; k++)
            out[i * dim + k] = (float)aglm_json_double(aglm_json_next(&in_row, NULL), 0);
    }
    aglm_json_free(doc);
    return i == n ? rc
                  : aglm_error_set(err, AGLM_IO, "autoglm-llama answered %zu vectors of %zu", i, n);
}

/* Eight hexadecimal digits a number. */
static bool read_bits(const char *hex, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 8; k++) {
            char c = hex[8 * i + k];
            unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                             : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                    : 16;
            if (digit > 15)
                return false;
            bits = bits << 4 | digit;
        }
        memcpy(&out[i], &bits, sizeof bits);
    }
    return true;
}

static aglm_rc llama_states(aglm_lm *lm, const aglm_lm_reading *r, float *out, aglm_error *err)
{
    llama *l = (llama *)lm;
    aglm_json_writer w;
    aglm_json_doc *doc;
    size_t len = 0;

    aglm_rc rc = start(l, err);
    if (rc != AGLM_OK)
        return rc;
    begin(&l->request, &w, "states", r->limit_s);
    aglm_json_key(&w, "text");
    aglm_json_put_string(&w, r->text, r->len);
    aglm_json_key(&w, "layers");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < r->n_layers; i++)
        aglm_json_put_int(&w, r->layers[i]);
    aglm_json_close_array(&w);
    aglm_json_member_int(&w, "max_tokens", (int64_t)r->max_tokens);
    rc = ask(l, &w, r->limit_s, &doc, err);
    if (rc != AGLM_OK)
        return rc;
    size_t n = r->n_layers * AGLM_LM_POOLINGS * (size_t)l->lm.info.dimension;
    const char *hex = aglm_json_string(aglm_json_get(aglm_json_root(doc), "states"), &len);
    if (!hex || len != 8 * n || !read_bits(hex, n, out))
        rc = aglm_error_set(err, AGLM_IO, "autoglm-llama answered no %zu states", n);
    aglm_json_free(doc);
    return rc;
}

static const aglm_lm_ops OPS = {
    .kind = "local",
    .close = llama_close,
    .tokenize = llama_tokenize,
    .generate = llama_generate,
    .score = llama_score,
    .embed = llama_embed,
    .states = llama_states,
};

aglm_rc aglm_lm_open_file(aglm_lm **out, const char *path, unsigned threads, aglm_error *err)
{
    llama *l = calloc(1, sizeof *l);

    *out = NULL;
    if (!l)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a model");
    l->lm.ops = &OPS;
    l->threads = threads ? threads : 1;
    aglm_arena_init(&l->info, MAX_INFO);
    aglm_str_init(&l->request, MAX_REQUEST);
    l->path = strdup(path);
    aglm_rc rc = l->path ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "no memory for a path");
    if (rc == AGLM_OK)
        rc = aglm_gguf_check_file(path, err);
    if (rc == AGLM_OK)
        rc = start(l, err);
    if (rc != AGLM_OK) {
        llama_close(&l->lm);
        return rc;
    }
    *out = &l->lm;
    return AGLM_OK;
}

/* ---- quantizing ---- */

aglm_rc aglm_lm_quantize(const char *in, const char *out, const char *type, unsigned threads,
                         aglm_error *err)
{
    char part[PATH_MAX];
    llama l = {0};
    aglm_json_writer w;
    aglm_json_doc *doc = NULL;

    if (snprintf(part, sizeof part, "%s.part", out) >= (int)sizeof part)
        return aglm_error_set(err, AGLM_INVALID, "%s: the name is too long", out);
    aglm_str_init(&l.request, MAX_REQUEST);
    aglm_rc rc = aglm_gguf_check_file(in, err);
    if (rc == AGLM_OK)
        rc = start_program(&l.child, err);
    if (rc == AGLM_OK) {
        begin(&l.request, &w, "quantize", 0);
        aglm_json_member_text(&w, "model", in);
        aglm_json_member_text(&w, "out", part);
        aglm_json_member_text(&w, "type", type);
        aglm_json_member_int(&w, "threads", threads ? threads : 1);
        rc = ask(&l, &w, 0, &doc, err);
    }
    if (rc == AGLM_OK && rename(part, out) != 0)
        rc = aglm_error_set(err, AGLM_IO, "%s: %s", out, strerror(errno));
    if (rc != AGLM_OK)
        unlink(part);
    aglm_json_free(doc);
    aglm_dialogue_close(l.child);
    aglm_str_clear(&l.request);
    return rc;
}
