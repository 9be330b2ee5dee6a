#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "search/study_priv.h"

#define REAP_EVERY_NS 1000000000u
#define REAP_SHARE 50 /* looking for the dead takes at most this part of the time */

static double grace_s(const aglm_study *s)
{
    return s->options.grace_s > 0 ? s->options.grace_s : 2 * s->options.heartbeat_s;
}

/* The ids of the trials that this process runs; free them. */
static aglm_rc own_trials(aglm_study *s, int64_t **ids, size_t *n, aglm_error *err)
{
    aglm_rc rc = aglm_study_mark_open(s, true, n, err);

    *ids = rc == AGLM_OK ? aglm_calloc(*n + 1, sizeof **ids) : NULL;
    if (rc == AGLM_OK && !*ids)
        rc = aglm_error_set(err, AGLM_NOMEM, "study \"%s\": out of memory", s->name);
    for (size_t i = 0; rc == AGLM_OK && i < *n; i++)
        (*ids)[i] = s->marks[i].id;
    return rc;
}

/* Under the lock. */
static aglm_rc beat(aglm_study *s, aglm_error *err)
{
    int64_t *ids = NULL;
    size_t n = 0;
    aglm_rc rc = own_trials(s, &ids, &n, err);

    if (rc == AGLM_OK)
        rc = aglm_store_beat(s->store, ids, n, err);
    if (rc == AGLM_OK)
        s->beat_ns = aglm_clock_ns();
    free(ids);
    return rc;
}

/* A process that stood still for long must not take its own trials for dead: it gives a sign of
 * life before it looks. */
aglm_rc aglm_study_reap(aglm_study *s, int64_t **ids, size_t *n, aglm_error *err)
{
    uint64_t start = aglm_clock_ns();
    aglm_rc rc = AGLM_OK;

    *ids = NULL;
    *n = 0;
    if (s->beating && aglm_clock_since_s(s->beat_ns) > s->options.heartbeat_s)
        rc = beat(s, err);
    if (rc == AGLM_OK)
        rc = aglm_store_reap(s->store, s->id, grace_s(s), ids, n, err);
    s->reaped_ns = aglm_clock_ns();
    s->reap_cost_ns = s->reaped_ns - start;
    return rc;
}

bool aglm_study_reap_due(const aglm_study *s)
{
    uint64_t wait = REAP_SHARE * s->reap_cost_ns;

    return aglm_clock_ns() - s->reaped_ns > (wait > REAP_EVERY_NS ? wait : REAP_EVERY_NS);
}

static const aglm_trial *find_failed(const aglm_study *s, int64_t id)
{
    for (size_t i = aglm_history_size(s->history); i-- > 0;) {
        const aglm_trial *t = aglm_history_trial(s->history, i);
        if (t->id == id)
            return t->state == AGLM_TRIAL_FAIL ? t : NULL;
    }
    return NULL;
}

/* Not for ever: the point may be what killed the process. */
aglm_rc aglm_study_retry_dead(aglm_study *s, const int64_t *ids, size_t n, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc >= 0 && i < n; i++) {
        const aglm_trial *t = find_failed(s, ids[i]);
        if (t && aglm_space_check(s->space, t->x, NULL) == AGLM_OK)
            rc = aglm_study_retry_point(s, t->number, s->options.retake, err);
    }
    return rc < 0 ? rc : AGLM_OK;
}

/* ---- the thread ---- */

/* False when it is time to go. */
static bool wait_for_beat(aglm_study *s)
{
    struct timespec until;
    uint64_t ns = aglm_clock_ns() + (uint64_t)(s->options.heartbeat_s * 1e9);
    int code = 0;

    until.tv_sec = (time_t)(ns / 1000000000u);
    until.tv_nsec = (long)(ns % 1000000000u);
    pthread_mutex_lock(&s->beat_lock);
    while (!s->beat_stop && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&s->beat_wake, &s->beat_lock, &until);
    bool go_on = !s->beat_stop;
    pthread_mutex_unlock(&s->beat_lock);
    return go_on;
}

/* What fails here shows at the next ask or tell as well. */
static void *beat_thread(void *arg)
{
    aglm_study *s = arg;

    while (wait_for_beat(s)) {
        pthread_mutex_lock(&s->lock);
        (void)beat(s, NULL);
        pthread_mutex_unlock(&s->lock);
        (void)aglm_study_take_over(s, NULL);
    }
    return NULL;
}

static int start_thread(aglm_study *s)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all); /* signals are for the caller's threads */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&s->beat_thread, NULL, beat_thread, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

aglm_rc aglm_study_beat_start(aglm_study *s, aglm_error *err)
{
    pthread_condattr_t monotonic;

    if (s->options.heartbeat_s <= 0 || s->options.detached)
        return AGLM_OK;
    if (pthread_mutex_init(&s->beat_lock, NULL) != 0)
        return aglm_error_set(err, AGLM_NOMEM, "study \"%s\": out of memory", s->name);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    int code = pthread_cond_init(&s->beat_wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (code == 0) {
        s->beat_ns = aglm_clock_ns();
        s->beating = true;
        if ((code = start_thread(s)) == 0)
            return AGLM_OK;
        s->beating = false;
        pthread_cond_destroy(&s->beat_wake);
    }
    pthread_mutex_destroy(&s->beat_lock);
    return aglm_error_set(err, AGLM_NOMEM, "study \"%s\": its heartbeat: %s", s->name,
                          strerror(code));
}

void aglm_study_beat_stop(aglm_study *s)
{
    if (!s->beating)
        return;
    pthread_mutex_lock(&s->beat_lock);
    s->beat_stop = true;
    pthread_cond_signal(&s->beat_wake);
    pthread_mutex_unlock(&s->beat_lock);
    pthread_join(s->beat_thread, NULL);
    s->beating = false;
    pthread_cond_destroy(&s->beat_wake);
    pthread_mutex_destroy(&s->beat_lock);
}
