/* store/settings.h - settings that language models were run with, and how good they were: for each
 * model and task a list of arms (named parameters, where they come from) with the mean and spread
 * of their rewards. One SQLite file that any number of processes may use at once. Threads:
 * confined; open it once a thread. */
#ifndef AGLM_STORE_SETTINGS_H
#define AGLM_STORE_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"
#include "base/arena.h"

#define AGLM_SETTING_MAX_NAME 64     /* bytes of an arm's name */
#define AGLM_SETTING_MAX_PARAMS 8192 /* bytes of its parameters */
#define AGLM_SETTINGS_MAX 256        /* of one model and task */

typedef struct aglm_settings aglm_settings;

typedef struct aglm_setting_key {
    const char *model; /* what tells models apart */
    const char *task;
} aglm_setting_key;

typedef struct aglm_setting {
    const char *name;
    const char *params; /* a JSON object */
    const char *source; /* "preset", "model", a file's path */
    int64_t n;          /* rewards so far */
    double mean,
        m2; /* of the rewards, 0..1; m2: the sum of squares around the mean (Welford 1962) */
    double seconds; /* mean time of an answer */
} aglm_setting;

/* path: a file, made when absent, its folder too; ":memory:" for tests. AGLM_IO, AGLM_FORMAT (no
 * database, or a newer version's), AGLM_BUSY (locked for over ten seconds). */
aglm_rc aglm_settings_open(aglm_settings **out, const char *path, aglm_error *err);
void aglm_settings_close(aglm_settings *p); /* NULL is fine */

/* Adds an arm, or gives a known one new parameters; other parameters start without rewards.
 * AGLM_LIMIT, AGLM_INVALID: over the sizes above, empty. */
aglm_rc aglm_settings_offer(aglm_settings *p, const aglm_setting_key *key, const aglm_setting *arm,
                            aglm_error *err);
/* The arms in the order of their names; texts in the arena. */
aglm_rc aglm_settings_list(aglm_settings *p, const aglm_setting_key *key, aglm_arena *arena,
                           aglm_setting **arms, size_t *n, aglm_error *err);
/* Takes one reward (0..1) and the time of its answer in. AGLM_NOTFOUND: no such arm. */
aglm_rc aglm_settings_learn(aglm_settings *p, const aglm_setting_key *key, const char *name,
                            double reward, double seconds, aglm_error *err);

#endif
