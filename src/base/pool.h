/* base/pool.h - a fixed set of worker threads and a queue of jobs.
 * Threads: submit and wait may be called from any thread that is not a worker of this pool. */
#ifndef AGLM_BASE_POOL_H
#define AGLM_BASE_POOL_H

#include <stddef.h>

#include "autoglm/error.h"

typedef struct aglm_pool aglm_pool;

/* 1..256 threads; the queue holds max_queued jobs, submit waits while it is full. */
aglm_rc aglm_pool_new(aglm_pool **out, unsigned threads, size_t max_queued, aglm_error *err);
/* Waits for queued jobs, then ends the threads. NULL is fine. */
void aglm_pool_free(aglm_pool *p);
aglm_rc aglm_pool_submit(aglm_pool *p, void (*job)(void *arg), void *arg, aglm_error *err);
/* Until no job is queued or running. */
void aglm_pool_wait(aglm_pool *p);
/* Calls body(arg, i) for i in 0..n-1 spread over the threads and waits. */
aglm_rc aglm_pool_for(aglm_pool *p, size_t n, void (*body)(void *arg, size_t i), void *arg,
                      aglm_error *err);
/* Processors this process may run on (sched affinity), at least 1. */
unsigned aglm_cpu_count(void);

#endif
