/* base/log.h - leveled log lines handed to a sink; no texts of users and no secrets go in.
 * Threads: a log may be shared, lines are written whole under its lock. */
#ifndef AGLM_BASE_LOG_H
#define AGLM_BASE_LOG_H

#include "autoglm/error.h"

typedef enum aglm_log_level {
    AGLM_LOG_ERROR,
    AGLM_LOG_WARN,
    AGLM_LOG_INFO,
    AGLM_LOG_DEBUG
} aglm_log_level;

typedef void (*aglm_log_sink)(void *arg, aglm_log_level level, const char *line);

typedef struct aglm_log aglm_log;
/* NULL sink: lines vanish. NULL when out of memory. */
aglm_log *aglm_log_new(aglm_log_level level, aglm_log_sink sink, void *arg);
void aglm_log_free(aglm_log *log);
/* log may be NULL: nothing is written. */
void aglm_log_line(aglm_log *log, aglm_log_level level, const char *fmt, ...) AGLM_PRINTF(3, 4);

#endif
