/* job/dialogue.h - a child process that answers lines with lines: its standard input and output are
 * ours to write and read, with a time limit for each; the last of its standard error is kept.
 * Threads: confined. */
#ifndef AGLM_JOB_DIALOGUE_H
#define AGLM_JOB_DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

#define AGLM_DIALOGUE_MAX_LINE (1u << 24) /* bytes of an answer */

typedef struct aglm_dialogue aglm_dialogue;

/* Starts it. argv, envp: NULL-terminated, argv[0] is looked up in PATH. AGLM_NOTFOUND, AGLM_IO. */
aglm_rc aglm_dialogue_open(aglm_dialogue **out, const char *const *argv, const char *const *envp,
                           aglm_error *err);
/* Ends it: its standard input is closed, a moment later its whole group is killed. NULL is fine. */
void aglm_dialogue_close(aglm_dialogue *d);

/* Both wait until deadline_ns on the monotonic clock. Failures, after which only close makes sense:
 * AGLM_CANCELLED, the time is over; AGLM_IO, it ended or closed its output (AGLM_NOTFOUND with exit
 * code 126 or 127: it could not be started by its shell or host), and the message says how, with
 * its last line of standard error; AGLM_LIMIT, an answer over the size. */

/* Writes whole bytes, line ends included. */
aglm_rc aglm_dialogue_say(aglm_dialogue *d, const char *bytes, size_t n, uint64_t deadline_ns,
                          aglm_error *err);
/* The next line without its end, good until the next call. */
aglm_rc aglm_dialogue_hear(aglm_dialogue *d, const char **line, size_t *n, uint64_t deadline_ns,
                           aglm_error *err);

/* Did it say more than was heard, as far as can be read without waiting? */
bool aglm_dialogue_pending(aglm_dialogue *d);

/* The last lines of its standard error, "" when there are none. */
const char *aglm_dialogue_errors(const aglm_dialogue *d);

#endif
