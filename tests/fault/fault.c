#include "fault.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "unit.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
int __real_posix_memalign(void **out, size_t align, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_posix_memalign(void **out, size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);

#define LIVE_BITS 20
#define LIVE_SIZE ((size_t)1 << LIVE_BITS)
#define LIVE_GONE ((void *)1)

/* The blocks handed out while armed. Blocks that libraries got behind our back are not in it, so
 * that freeing them (getline's buffer, say) does not upset the count. */
static struct {
    pthread_mutex_t lock;
    void *block[LIVE_SIZE];
    size_t count;
    size_t slots_used;
    bool full;
} live = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_bool armed;
static atomic_size_t calls;
static atomic_size_t fail_at;
static atomic_bool failed;

static size_t slot_of(const void *p)
{
    return (size_t)(((uint64_t)(uintptr_t)p * 0x9E3779B97F4A7C15u) >> (64 - LIVE_BITS));
}

static void live_add(void *p)
{
    pthread_mutex_lock(&live.lock);
    if (live.slots_used > LIVE_SIZE / 4 * 3)
        live.full = true;
    for (size_t at = slot_of(p); !live.full; at = (at + 1) % LIVE_SIZE) {
        if (live.block[at] && live.block[at] != LIVE_GONE)
            continue;
        live.slots_used += live.block[at] == NULL;
        live.block[at] = p;
        live.count++;
        break;
    }
    pthread_mutex_unlock(&live.lock);
}

static void live_drop(const void *p)
{
    pthread_mutex_lock(&live.lock);
    for (size_t at = slot_of(p); live.block[at]; at = (at + 1) % LIVE_SIZE) {
        if (live.block[at] != p)
            continue;
        live.block[at] = LIVE_GONE;
        live.count--;
        break;
    }
    pthread_mutex_unlock(&live.lock);
}

static void live_forget(void)
{
    pthread_mutex_lock(&live.lock);
    memset(live.block, 0, sizeof live.block);
    live.count = 0;
    live.slots_used = 0;
    live.full = false;
    pthread_mutex_unlock(&live.lock);
}

static bool must_fail(void)
{
    if (!atomic_load(&armed) || atomic_fetch_add(&calls, 1) + 1 != atomic_load(&fail_at))
        return false;
    atomic_store(&failed, true);
    return true;
}

static void *note(void *p)
{
    if (p && atomic_load(&armed))
        live_add(p);
    return p;
}

void *__wrap_malloc(size_t n)
{
    return must_fail() ? NULL : note(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : note(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t n)
{
    if (must_fail())
        return NULL;
    /* Dropped first: once moved, the old address may be given to another thread. */
    if (p)
        live_drop(p);
    void *moved = __real_realloc(p, n);
    if (!moved && n > 0)
        note(p);
    return note(moved);
}

void __wrap_free(void *p)
{
    if (p)
        live_drop(p);
    __real_free(p);
}

char *__wrap_strndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = __wrap_malloc(len + 1);

    if (!copy)
        return NULL;
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *__wrap_strdup(const char *s)
{
    return __wrap_strndup(s, SIZE_MAX - 1);
}

int __wrap_posix_memalign(void **out, size_t align, size_t n)
{
    if (must_fail())
        return 12; /* ENOMEM */
    int rc = __real_posix_memalign(out, align, n);
    if (rc == 0)
        note(*out);
    return rc;
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return must_fail() ? NULL : note(__real_aligned_alloc(align, n));
}

static aglm_rc run_once(fault_work work, void *arg, size_t nth, aglm_error *err)
{
    live_forget();
    *err = (aglm_error){0};
    atomic_store(&calls, 0);
    atomic_store(&failed, false);
    atomic_store(&fail_at, nth);
    atomic_store(&armed, true);
    aglm_rc rc = work(arg, err);
    atomic_store(&armed, false);
    return rc;
}

static void judge(aglm_rc rc, size_t nth, const aglm_error *err)
{
    bool met = atomic_load(&failed);

    if (live.full)
        fail_msg("allocation %zu: more live blocks than the harness can follow", nth);
    if (live.count != 0)
        fail_msg("allocation %zu failed: %zu blocks are left", nth, live.count);
    if (met && rc != AGLM_NOMEM && rc < 0)
        fail_msg("allocation %zu failed: answered %d (%s: %s), not AGLM_NOMEM", nth, (int)rc,
                 aglm_rc_text(rc), err->msg);
    if (!met && rc < 0)
        fail_msg("no allocation failed, yet: %s: %s", aglm_rc_text(rc), err->msg);
}

size_t fault_each_allocation(fault_work work, void *arg, const fault_plan *plan)
{
    static const fault_plan every = {0};
    const fault_plan *p = plan ? plan : &every;
    size_t step = p->step ? p->step : 1;
    size_t nth = p->first ? p->first : 1;
    size_t runs = 0;

    for (;;) {
        aglm_error err;
        aglm_rc rc = run_once(work, arg, nth, &err);

        runs++;
        judge(rc, nth, &err);
        if (!atomic_load(&failed))
            return runs;
        if (p->max_runs && runs >= p->max_runs) {
            nth = SIZE_MAX;
            continue;
        }
        nth += runs < p->dense ? 1 : step;
    }
}
