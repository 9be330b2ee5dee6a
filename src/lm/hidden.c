#include "lm/hidden.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"
#include "lm/hidden_file.h"

#define MAX_TOKENS 128
#define MAX_BYTES (1ULL << 30)
#define MAX_TEXTS ((size_t)1 << 24)

const char *const aglm_hidden_depths[AGLM_HIDDEN_DEPTHS] = {"1/4", "1/2", "5/8", "3/4", "7/8", "1"};
static const double PARTS[AGLM_HIDDEN_DEPTHS] = {0.25, 0.5, 0.625, 0.75, 0.875, 1};

struct aglm_hidden {
    char *model;
    aglm_lm *lm;
    size_t dim, max_tokens;
    int32_t layers[AGLM_HIDDEN_DEPTHS]; /* ascending, each once */
    size_t n_layers;

    pthread_mutex_t lock; /* of all below, and of lm */
    unsigned refs;
    aglm_map *names;
    float **states; /* [map size] n_layers x AGLM_LM_POOLINGS x dim */
    size_t states_cap;
    uint64_t bytes, max_bytes;
    float *fresh;           /* a block that is being read */
    aglm_hidden_file *file; /* NULL: states live no longer than this */
};

static size_t block(const aglm_hidden *h)
{
    return h->n_layers * AGLM_LM_POOLINGS * h->dim;
}

static int32_t layer_at(int64_t layers, size_t depth)
{
    int64_t layer = (int64_t)floor(PARTS[depth] * (double)layers + 0.5);

    return (int32_t)(layer < 1 ? 1 : layer);
}

static void list_layers(aglm_hidden *h)
{
    for (size_t d = 0; d < AGLM_HIDDEN_DEPTHS; d++) {
        int32_t layer = layer_at(h->lm->info.layers, d);
        if (h->n_layers == 0 || layer > h->layers[h->n_layers - 1])
            h->layers[h->n_layers++] = layer;
    }
}

static void hidden_free(aglm_hidden *h)
{
    for (size_t i = 0; h->names && i < aglm_map_size(h->names) && i < h->states_cap; i++)
        free(h->states[i]);
    aglm_lm_close(h->lm);
    aglm_hidden_file_close(h->file);
    aglm_map_free(h->names);
    pthread_mutex_destroy(&h->lock);
    free(h->states);
    free(h->fresh);
    free(h->model);
    free(h);
}

/* Keeps a block under its name; false where there is no room, which costs reading it again. */
static bool keep(aglm_hidden *h, const aglm_hidden_name *key, const float *states)
{
    uint64_t size = block(h) * sizeof(float);
    uint32_t number = 0;

    if (h->bytes + size > h->max_bytes ||
        aglm_grow(&h->states, &h->states_cap, aglm_map_size(h->names) + 1, sizeof *h->states,
                  MAX_TEXTS) != AGLM_OK)
        return false;
    float *copy = aglm_calloc(block(h), sizeof *copy);
    if (!copy ||
        aglm_map_intern(h->names, (const char *)key, sizeof *key, &number, NULL) != AGLM_OK) {
        free(copy);
        return false;
    }
    memcpy(copy, states, size);
    h->states[number] = copy;
    h->bytes += size;
    return true;
}

static bool keep_filed(void *arg, aglm_hidden_name key, const float *states)
{
    aglm_hidden *h = arg;
    uint32_t number;

    return aglm_map_find(h->names, (const char *)&key, sizeof key, &number) ||
           keep(h, &key, states);
}

static aglm_rc open_file(aglm_hidden *h, const char *path, aglm_error *err)
{
    const aglm_hidden_origin origin = {
        h->model, aglm_hash64(h->layers, h->n_layers * sizeof *h->layers, h->max_tokens), block(h)};

    return path ? aglm_hidden_file_open(&h->file, path, &origin, keep_filed, h, err) : AGLM_OK;
}

static aglm_rc prepare(aglm_hidden *h, const aglm_hidden_options *o, aglm_error *err)
{
    h->max_tokens = o->max_tokens ? o->max_tokens : MAX_TOKENS;
    h->max_bytes = o->max_bytes ? o->max_bytes : MAX_BYTES;
    if (h->max_tokens > AGLM_LM_READ_MAX)
        return aglm_error_set(err, AGLM_INVALID, "max_tokens %zu: at most %d", h->max_tokens,
                              AGLM_LM_READ_MAX);
    if (!h->model || !h->names)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for hidden states");
    aglm_rc rc = aglm_lm_open_file(&h->lm, h->model, o->threads, err);
    if (rc != AGLM_OK)
        return rc;
    h->dim = (size_t)h->lm->info.dimension;
    list_layers(h);
    h->fresh = aglm_calloc(block(h), sizeof *h->fresh);
    return h->fresh ? open_file(h, o->cache, err)
                    : aglm_error_set(err, AGLM_NOMEM, "no memory for hidden states");
}

aglm_rc aglm_hidden_open(aglm_hidden **out, const aglm_hidden_options *options, aglm_error *err)
{
    aglm_hidden *h = aglm_calloc(1, sizeof *h);

    *out = NULL;
    if (!h)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for hidden states");
    pthread_mutex_init(&h->lock, NULL);
    h->refs = 1;
    h->model = aglm_strndup(options->model, strlen(options->model));
    h->names = aglm_map_new(MAX_TEXTS, MAX_TEXTS * sizeof(aglm_hidden_name));
    aglm_rc rc = prepare(h, options, err);
    if (rc != AGLM_OK)
        hidden_free(h);
    else
        *out = h;
    return rc;
}

aglm_hidden *aglm_hidden_ref(aglm_hidden *h)
{
    pthread_mutex_lock(&h->lock);
    h->refs++;
    pthread_mutex_unlock(&h->lock);
    return h;
}

void aglm_hidden_unref(aglm_hidden *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    bool last = --h->refs == 0;
    pthread_mutex_unlock(&h->lock);
    if (last)
        hidden_free(h);
}

const char *aglm_hidden_model(const aglm_hidden *h)
{
    return h->model;
}

uint64_t aglm_hidden_model_bytes(const aglm_hidden *h)
{
    return (uint64_t)h->lm->info.bytes;
}

size_t aglm_hidden_max_tokens(const aglm_hidden *h)
{
    return h->max_tokens;
}

int32_t aglm_hidden_layer(const aglm_hidden *h, size_t depth)
{
    return layer_at(h->lm->info.layers, depth);
}

size_t aglm_hidden_size(const aglm_hidden *h, aglm_pooling pooling)
{
    return pooling == AGLM_POOLING_BOTH ? 2 * h->dim : h->dim;
}

/* ---- reading ---- */

/* Until the first deadline of the chain; 0: none. */
static double left_s(const aglm_cancel *c)
{
    uint64_t first = 0, now = aglm_clock_ns();

    for (; c; c = c->parent) {
        uint64_t end = atomic_load(&c->deadline_ns);
        first = end && (!first || end < first) ? end : first;
    }
    return !first ? 0 : first > now ? (double)(first - now) / 1e9 : 1e-3;
}

static aglm_rc ask(aglm_hidden *h, const aglm_hidden_text *t, const int32_t *layers, size_t n,
                   aglm_error *err)
{
    const aglm_lm_reading r = {.text = t->text,
                               .len = t->len,
                               .layers = layers,
                               .n_layers = n,
                               .max_tokens = h->max_tokens,
                               .limit_s = left_s(t->cancel)};

    if (aglm_cancelled(t->cancel))
        return aglm_error_set(err, AGLM_CANCELLED, "out of time");
    return aglm_lm_states(h->lm, &r, h->fresh, err);
}

static void copy_out(const aglm_hidden *h, const float *states, aglm_pooling pooling, float *out)
{
    memcpy(out, states + (pooling == AGLM_POOLING_LAST ? h->dim : 0),
           aglm_hidden_size(h, pooling) * sizeof *out);
}

static aglm_hidden_name name_of(const aglm_hidden_text *t)
{
    return (aglm_hidden_name){{aglm_hash64(t->text, t->len, 1), aglm_hash64(t->text, t->len, 2)}};
}

/* The states of all depths, borrowed until the lock is left. */
static aglm_rc find(aglm_hidden *h, const aglm_hidden_text *t, const float **out, aglm_error *err)
{
    aglm_hidden_name key = name_of(t);
    uint32_t number;

    if (aglm_map_find(h->names, (const char *)&key, sizeof key, &number)) {
        *out = h->states[number];
        return AGLM_OK;
    }
    aglm_rc rc = ask(h, t, h->layers, h->n_layers, err);
    *out = h->fresh;
    if (rc == AGLM_OK && keep(h, &key, h->fresh) && h->file)
        rc = aglm_hidden_file_append(h->file, key, h->fresh, err);
    return rc;
}

aglm_rc aglm_hidden_get(aglm_hidden *h, const aglm_hidden_text *t, float *out, aglm_error *err)
{
    const float *states;
    size_t at = 0;

    while (at + 1 < h->n_layers && h->layers[at] != t->layer)
        at++;
    pthread_mutex_lock(&h->lock);
    aglm_rc rc = find(h, t, &states, err);
    if (rc == AGLM_OK)
        copy_out(h, states + at * AGLM_LM_POOLINGS * h->dim, t->pooling, out);
    pthread_mutex_unlock(&h->lock);
    return rc;
}

aglm_rc aglm_hidden_read(aglm_hidden *h, const aglm_hidden_text *t, float *out, aglm_error *err)
{
    pthread_mutex_lock(&h->lock);
    aglm_rc rc = ask(h, t, &t->layer, 1, err);
    if (rc == AGLM_OK)
        copy_out(h, h->fresh, t->pooling, out);
    pthread_mutex_unlock(&h->lock);
    return rc;
}
