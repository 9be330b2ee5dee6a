/* autoglm/error.h - result codes and the caller-owned error message.
 * Threads: an aglm_error is confined to its owner; there is no thread-local last error. */
#ifndef AUTOGLM_ERROR_H
#define AUTOGLM_ERROR_H

#include <stddef.h>

#if defined(__GNUC__)
#define AGLM_API __attribute__((visibility("default")))
#define AGLM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define AGLM_API
#define AGLM_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, text): 0 is success, above 0 success with news, below 0 failure. */
#define AGLM_RC_LIST(X)                                                                            \
    X(OK, 0, "ok")                                                                                 \
    X(DONE, 1, "nothing left")                                                                     \
    X(PRUNED, 2, "stopped early by the pruner")                                                    \
    X(NOMEM, -1, "out of memory")                                                                  \
    X(INVALID, -2, "invalid argument")                                                             \
    X(IO, -3, "input or output failed")                                                            \
    X(FORMAT, -4, "malformed input")                                                               \
    X(LIMIT, -5, "over a limit")                                                                   \
    X(NOTFOUND, -6, "not found")                                                                   \
    X(UNSUPPORTED, -7, "not supported")                                                            \
    X(CANCELLED, -8, "cancelled or out of time")                                                   \
    X(BUSY, -9, "busy: held by another process")

typedef enum aglm_rc {
#define AGLM_RC_ENUM(name, value, text) AGLM_##name = (value),
    AGLM_RC_LIST(AGLM_RC_ENUM)
#undef AGLM_RC_ENUM
} aglm_rc;

#define AGLM_ERROR_MAX 512

/* What went wrong, for a person: names the file, line, column, key or byte, and the mend. */
typedef struct aglm_error {
    aglm_rc rc;
    char msg[AGLM_ERROR_MAX];
} aglm_error;

/* The fixed text of a code; "unknown code" for a number that is none. Never NULL. */
AGLM_API const char *aglm_rc_text(aglm_rc rc);

/* Fills *err (which may be NULL) and returns rc, so that a failing path is one line:
 * `return aglm_error_set(err, AGLM_IO, "%s: %s", path, strerror(errno));`
 * Text past AGLM_ERROR_MAX - 1 bytes is cut at a UTF-8 boundary. */
AGLM_API aglm_rc aglm_error_set(aglm_error *err, aglm_rc rc, const char *fmt, ...)
    AGLM_PRINTF(3, 4);

/* Puts "prefix: " before the message that is there; for callers that know the file or trial. */
AGLM_API void aglm_error_prefix(aglm_error *err, const char *fmt, ...) AGLM_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
