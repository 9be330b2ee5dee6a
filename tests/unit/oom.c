#include "oom.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
int __real_posix_memalign(void **out, size_t alignment, size_t n);
void __real_free(void *p);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);
int __wrap_posix_memalign(void **out, size_t alignment, size_t n);
void __wrap_free(void *p);
char *__wrap_strdup(const char *s);

/* Where the program lies: addresses minus this are what addr2line takes. */
extern const char __executable_start[];

/* A live allocation of the running scenario. */
struct block {
    void *p;
    size_t bytes;
    unsigned long number;
    uintptr_t caller;
};

static struct {
    atomic_flag lock;
    atomic_bool watching;
    unsigned long number;  /* allocations so far */
    unsigned long fail_at; /* 0: none */
    bool lasting;
    bool failed;
    uintptr_t failed_caller;
    struct block *blocks; /* open addressing by address */
    size_t cap;
    size_t live;
} watch = {.lock = ATOMIC_FLAG_INIT};

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&watch.lock, memory_order_acquire))
        continue;
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&watch.lock, memory_order_release);
}

static size_t home(const void *p)
{
    return (size_t)(((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15ULL >> 32) & (watch.cap - 1);
}

static void insert(struct block b)
{
    size_t at = home(b.p);

    while (watch.blocks[at].p)
        at = (at + 1) & (watch.cap - 1);
    watch.blocks[at] = b;
}

static void grow(void)
{
    struct block *old = watch.blocks;
    size_t n = watch.cap;

    watch.cap = n ? n * 2 : 1024;
    watch.blocks = __real_calloc(watch.cap, sizeof *watch.blocks);
    if (!watch.blocks)
        abort();
    for (size_t i = 0; i < n; i++)
        if (old[i].p)
            insert(old[i]);
    __real_free(old);
}

/* Takes the entry out and moves those behind it up, so that searches need no tombstones. */
static void forget(const void *p)
{
    if (!p || !watch.cap)
        return;
    size_t at = home(p);
    while (watch.blocks[at].p && watch.blocks[at].p != p)
        at = (at + 1) & (watch.cap - 1);
    if (!watch.blocks[at].p)
        return; /* from before the scenario, or from inside libc */
    watch.live--;
    for (;;) {
        watch.blocks[at].p = NULL;
        size_t next = (at + 1) & (watch.cap - 1);
        while (watch.blocks[next].p && ((next - home(watch.blocks[next].p)) & (watch.cap - 1)) <
                                           ((next - at) & (watch.cap - 1)))
            next = (next + 1) & (watch.cap - 1);
        if (!watch.blocks[next].p)
            return;
        watch.blocks[at] = watch.blocks[next];
        at = next;
    }
}

static uintptr_t offset_of(void *caller)
{
    return (uintptr_t)caller - (uintptr_t)__executable_start;
}

/* Counts an allocation; true when it is to fail. */
static bool must_fail(void *caller, unsigned long *number)
{
    *number = 0;
    if (!atomic_load(&watch.watching))
        return false;
    lock();
    *number = ++watch.number;
    bool fail = watch.fail_at &&
                (watch.lasting ? *number >= watch.fail_at : *number == watch.fail_at);
    if (fail && !watch.failed) {
        watch.failed = true;
        watch.failed_caller = offset_of(caller);
    }
    unlock();
    if (fail)
        errno = ENOMEM;
    return fail;
}

static void remember(void *p, size_t bytes, unsigned long number, void *caller)
{
    if (!p || !number)
        return;
    lock();
    if ((watch.live + 1) * 2 > watch.cap)
        grow();
    watch.live++;
    insert((struct block){p, bytes, number, offset_of(caller)});
    unlock();
}

void *__wrap_malloc(size_t n)
{
    unsigned long number;

    if (must_fail(__builtin_return_address(0), &number))
        return NULL;
    void *p = __real_malloc(n);
    remember(p, n, number, __builtin_return_address(0));
    return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
    unsigned long number;

    if (must_fail(__builtin_return_address(0), &number))
        return NULL;
    void *p = __real_calloc(n, size);
    remember(p, n * size, number, __builtin_return_address(0));
    return p;
}

void *__wrap_realloc(void *p, size_t n)
{
    unsigned long number;

    if (must_fail(__builtin_return_address(0), &number))
        return NULL;
    /* Forgotten first: once it is freed another thread may get the same address. */
    lock();
    forget(p);
    unlock();
    void *q = __real_realloc(p, n);
    remember(q, n, number, __builtin_return_address(0));
    return q;
}

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    unsigned long number;

    if (must_fail(__builtin_return_address(0), &number))
        return NULL;
    void *p = __real_aligned_alloc(alignment, n);
    remember(p, n, number, __builtin_return_address(0));
    return p;
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t n)
{
    unsigned long number;

    if (must_fail(__builtin_return_address(0), &number))
        return ENOMEM;
    int rc = __real_posix_memalign(out, alignment, n);
    if (rc == 0)
        remember(*out, n, number, __builtin_return_address(0));
    return rc;
}

char *__wrap_strdup(const char *s)
{
    unsigned long number;
    size_t n = strlen(s) + 1;

    if (must_fail(__builtin_return_address(0), &number))
        return NULL;
    char *p = __real_malloc(n);
    remember(p, n, number, __builtin_return_address(0));
    return p ? memcpy(p, s, n) : NULL;
}

void __wrap_free(void *p)
{
    lock();
    forget(p);
    unlock();
    __real_free(p);
}

static void start(unsigned long fail_at, bool lasting)
{
    lock();
    if (watch.blocks)
        memset(watch.blocks, 0, watch.cap * sizeof *watch.blocks);
    watch.live = 0;
    watch.number = 0;
    watch.fail_at = fail_at;
    watch.lasting = lasting;
    watch.failed = false;
    unlock();
    atomic_store(&watch.watching, true);
}

static aglm_rc run_once(oom_scenario scenario, void *arg, unsigned long fail_at, bool lasting,
                        aglm_error *err)
{
    memset(err, 0, sizeof *err);
    start(fail_at, lasting);
    aglm_rc rc = scenario(arg, err);
    atomic_store(&watch.watching, false);
    return rc;
}

static const struct block *first_leak(void)
{
    const struct block *first = NULL;

    for (size_t i = 0; i < watch.cap; i++)
        if (watch.blocks[i].p && (!first || watch.blocks[i].number < first->number))
            first = &watch.blocks[i];
    return first;
}

/* Fills the message when the run was not as it should be. */
static bool judge(aglm_rc rc, const aglm_error *err, unsigned long n, oom_result *r)
{
    const struct block *leak = first_leak();
    char when[160] = "with all memory";

    if (n)
        snprintf(when, sizeof when, "when allocation %lu fails (addr2line 0x%lx)", n,
                 (unsigned long)watch.failed_caller);
    if (rc < 0 && (rc != AGLM_NOMEM || n == 0))
        snprintf(r->message, sizeof r->message, "%s: answers \"%s\": %.200s", when,
                 aglm_rc_text(rc), err->msg);
    else if (rc == AGLM_NOMEM && !err->msg[0])
        snprintf(r->message, sizeof r->message, "%s: no message", when);
    else if (leak)
        snprintf(r->message, sizeof r->message,
                 "%s: %zu blocks leak, first number %lu of %zu bytes (addr2line 0x%lx)", when,
                 watch.live, leak->number, leak->bytes, (unsigned long)leak->caller);
    return r->message[0] == '\0';
}

bool oom_run(oom_scenario scenario, void *arg, const oom_options *options, oom_result *result)
{
    const oom_options none = {0};
    const oom_options *o = options ? options : &none;
    unsigned long step = o->stride ? o->stride : 1;
    aglm_error err;

    *result = (oom_result){0};
    aglm_rc rc = run_once(scenario, arg, 0, false, &err);
    result->allocations = watch.number;
    if (!judge(rc, &err, 0, result))
        return false;
    for (unsigned long n = o->offset + 1;; n += step) {
        rc = run_once(scenario, arg, n, o->lasting, &err);
        if (!watch.failed)
            return judge(rc, &err, 0, result);
        result->runs++;
        result->refused += rc == AGLM_NOMEM;
        if (!judge(rc, &err, n, result))
            return false;
    }
}

unsigned long oom_count(oom_scenario scenario, void *arg)
{
    aglm_error err;

    run_once(scenario, arg, 0, false, &err);
    return watch.number;
}
