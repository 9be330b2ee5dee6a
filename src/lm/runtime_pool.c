#include "lm/runtime_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct idle {
    aglm_lm *lm;
    char *prefix; /* NULL: unknown */
};

struct aglm_lm_pool {
    char *path;
    unsigned threads;
    pthread_mutex_t lock;
    size_t refs;
    struct idle *idle; /* [n] of [room], the last one given back last */
    size_t n, room;
};

aglm_rc aglm_lm_pool_new(aglm_lm_pool **out, const char *path, unsigned threads, aglm_error *err)
{
    aglm_lm_pool *p = aglm_calloc(1, sizeof *p);

    *out = NULL;
    if (!p || !(p->path = strdup(path))) {
        free(p);
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a pool of models");
    }
    pthread_mutex_init(&p->lock, NULL);
    p->threads = threads;
    p->refs = 1;
    *out = p;
    return AGLM_OK;
}

aglm_lm_pool *aglm_lm_pool_ref(aglm_lm_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->refs++;
    pthread_mutex_unlock(&p->lock);
    return p;
}

void aglm_lm_pool_unref(aglm_lm_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    bool last = --p->refs == 0;
    pthread_mutex_unlock(&p->lock);
    if (!last)
        return;
    for (size_t i = 0; i < p->n; i++) {
        aglm_lm_close(p->idle[i].lm);
        free(p->idle[i].prefix);
    }
    pthread_mutex_destroy(&p->lock);
    free(p->idle);
    free(p->path);
    free(p);
}

const char *aglm_lm_pool_path(const aglm_lm_pool *p)
{
    return p->path;
}

/* The one that has read the prefix, else the one given back last. */
static aglm_lm *take_idle(aglm_lm_pool *p, const char *prefix)
{
    size_t at = p->n - 1;

    if (p->n == 0)
        return NULL;
    for (size_t i = 0; prefix && i < p->n; i++)
        if (p->idle[i].prefix && strcmp(p->idle[i].prefix, prefix) == 0)
            at = i;
    aglm_lm *lm = p->idle[at].lm;
    free(p->idle[at].prefix);
    memmove(p->idle + at, p->idle + at + 1, (--p->n - at) * sizeof *p->idle);
    return lm;
}

aglm_rc aglm_lm_pool_lend(aglm_lm_pool *p, const char *prefix, aglm_lm **out, aglm_error *err)
{
    pthread_mutex_lock(&p->lock);
    *out = take_idle(p, prefix);
    pthread_mutex_unlock(&p->lock);
    return *out ? AGLM_OK : aglm_lm_open_file(out, p->path, p->threads, err);
}

static bool make_room(aglm_lm_pool *p)
{
    size_t room = p->room ? 2 * p->room : 4;

    if (p->n < p->room)
        return true;
    struct idle *more = realloc(p->idle, room * sizeof *more);
    if (!more)
        return false;
    p->idle = more;
    p->room = room;
    return true;
}

void aglm_lm_pool_give_back(aglm_lm_pool *p, aglm_lm *lm, const char *prefix)
{
    if (!lm)
        return;
    pthread_mutex_lock(&p->lock);
    bool kept = make_room(p);
    if (kept)
        p->idle[p->n++] = (struct idle){lm, prefix ? strdup(prefix) : NULL};
    pthread_mutex_unlock(&p->lock);
    if (!kept)
        aglm_lm_close(lm);
}
