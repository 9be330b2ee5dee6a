#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

#define MOST_THREADS 256
#define MOST_QUEUED ((size_t)1 << 20)
#define SHARES_PER_THREAD 16

struct job {
    void (*run)(void *arg);
    void *arg;
};

struct aglm_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;  /* a job came, or the end */
    pthread_cond_t room;  /* the queue is no longer full */
    pthread_cond_t quiet; /* nothing queued, nothing running */
    struct job *queue;    /* a ring */
    size_t cap;
    size_t head;
    size_t queued;
    unsigned running;
    bool closing;
    unsigned threads;
    pthread_t thread[MOST_THREADS];
};

static void *worker(void *arg)
{
    aglm_pool *p = arg;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->queued == 0 && !p->closing)
            pthread_cond_wait(&p->work, &p->lock);
        if (p->queued == 0)
            break;
        struct job job = p->queue[p->head];
        p->head = (p->head + 1) % p->cap;
        p->queued--;
        p->running++;
        pthread_cond_signal(&p->room);
        pthread_mutex_unlock(&p->lock);
        job.run(job.arg);
        pthread_mutex_lock(&p->lock);
        p->running--;
        if (p->queued == 0 && p->running == 0)
            pthread_cond_broadcast(&p->quiet);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Ends the threads that were started and releases all. */
static void dismantle(aglm_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->threads; i++)
        pthread_join(p->thread[i], NULL);
    pthread_cond_destroy(&p->quiet);
    pthread_cond_destroy(&p->room);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p->queue);
    free(p);
}

aglm_rc aglm_pool_new(aglm_pool **out, unsigned threads, size_t max_queued, aglm_error *err)
{
    *out = NULL;
    if (threads < 1 || threads > MOST_THREADS)
        return aglm_error_set(err, AGLM_INVALID, "threads: %u is not within 1..%d", threads,
                              MOST_THREADS);
    if (max_queued < 1 || max_queued > MOST_QUEUED)
        return aglm_error_set(err, AGLM_INVALID, "max_queued: %zu is not within 1..%zu", max_queued,
                              MOST_QUEUED);
    aglm_pool *p = aglm_calloc(1, sizeof *p);
    if (!p)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a thread pool");
    p->queue = aglm_calloc(max_queued, sizeof *p->queue);
    if (!p->queue) {
        free(p);
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a queue of %zu jobs", max_queued);
    }
    p->cap = max_queued;
    /* With default attributes these cannot fail on Linux. */
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->room, NULL);
    pthread_cond_init(&p->quiet, NULL);
    while (p->threads < threads) {
        int e = pthread_create(&p->thread[p->threads], NULL, worker, p);
        if (e) {
            dismantle(p);
            return aglm_error_set(err, AGLM_NOMEM, "cannot start %u threads: %s", threads,
                                  strerror(e));
        }
        p->threads++;
    }
    *out = p;
    return AGLM_OK;
}

void aglm_pool_free(aglm_pool *p)
{
    if (p)
        dismantle(p);
}

aglm_rc aglm_pool_submit(aglm_pool *p, void (*job)(void *arg), void *arg, aglm_error *err)
{
    (void)err; /* waiting for room is the only obstacle today */
    pthread_mutex_lock(&p->lock);
    while (p->queued == p->cap)
        pthread_cond_wait(&p->room, &p->lock);
    p->queue[(p->head + p->queued) % p->cap] = (struct job){job, arg};
    p->queued++;
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
    return AGLM_OK;
}

void aglm_pool_wait(aglm_pool *p)
{
    pthread_mutex_lock(&p->lock);
    while (p->queued || p->running)
        pthread_cond_wait(&p->quiet, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

struct loop {
    void (*body)(void *arg, size_t i);
    void *arg;
    size_t n;
    size_t share;
    atomic_size_t next;
    pthread_mutex_t lock;
    pthread_cond_t done;
    unsigned left;
};

static void loop_run(void *arg)
{
    struct loop *l = arg;

    for (;;) {
        size_t from = atomic_fetch_add_explicit(&l->next, l->share, memory_order_relaxed);
        if (from >= l->n)
            break;
        size_t to = l->n - from < l->share ? l->n : from + l->share;
        for (size_t i = from; i < to; i++)
            l->body(l->arg, i);
    }
    pthread_mutex_lock(&l->lock);
    if (--l->left == 0)
        pthread_cond_signal(&l->done);
    pthread_mutex_unlock(&l->lock);
}

aglm_rc aglm_pool_for(aglm_pool *p, size_t n, void (*body)(void *arg, size_t i), void *arg,
                      aglm_error *err)
{
    unsigned hands = n < p->threads ? (unsigned)n : p->threads;
    size_t share = n / ((size_t)p->threads * SHARES_PER_THREAD);
    struct loop l = {.body = body, .arg = arg, .n = n, .share = share ? share : 1, .left = hands};

    if (n == 0)
        return AGLM_OK;
    if (n > SIZE_MAX / 2)
        return aglm_error_set(err, AGLM_LIMIT, "a loop of %zu rounds", n);
    atomic_init(&l.next, 0);
    pthread_mutex_init(&l.lock, NULL);
    pthread_cond_init(&l.done, NULL);
    for (unsigned i = 0; i < hands; i++)
        aglm_pool_submit(p, loop_run, &l, err);
    pthread_mutex_lock(&l.lock);
    while (l.left)
        pthread_cond_wait(&l.done, &l.lock);
    pthread_mutex_unlock(&l.lock);
    pthread_cond_destroy(&l.done);
    pthread_mutex_destroy(&l.lock);
    return AGLM_OK;
}

unsigned aglm_cpu_count(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        int n = CPU_COUNT(&set);
        return n > 0 ? (unsigned)n : 1;
    }
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}
