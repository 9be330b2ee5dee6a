/* lm/runtime_pool.h - runtimes of one model file that stay open between their users: opening one
 * reads all weights, and one that has read a prefix need not read it again.
 * Threads: shared; a pool has its own lock, a lent runtime belongs to who borrowed it. */
#ifndef AGLM_LM_RUNTIME_POOL_H
#define AGLM_LM_RUNTIME_POOL_H

#include "lm/runtime.h"

typedef struct aglm_lm_pool aglm_lm_pool;

/* Opens nothing yet. threads: of each runtime. */
aglm_rc aglm_lm_pool_new(aglm_lm_pool **out, const char *path, unsigned threads, aglm_error *err);
aglm_lm_pool *aglm_lm_pool_ref(aglm_lm_pool *p);
void aglm_lm_pool_unref(aglm_lm_pool *p); /* the last one closes all; NULL is fine */
const char *aglm_lm_pool_path(const aglm_lm_pool *p);

/* A runtime for the caller alone: an idle one, best one that was last asked with this prefix, else
 * a new one (errors as aglm_lm_open_file). There are as many as were ever lent at once. What it
 * answers does not depend on which one it is. */
aglm_rc aglm_lm_pool_lend(aglm_lm_pool *p, const char *prefix, aglm_lm **out, aglm_error *err);
/* prefix: it was last asked with (copied); NULL: unknown. lm NULL is fine. */
void aglm_lm_pool_give_back(aglm_lm_pool *p, aglm_lm *lm, const char *prefix);

#endif
