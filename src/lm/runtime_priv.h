/* lm/runtime_priv.h - what runtimes share.
 * Threads: none of its own. */
#ifndef AGLM_LM_RUNTIME_PRIV_H
#define AGLM_LM_RUNTIME_PRIV_H

#include "lm/runtime.h"

#define AGLM_LM_MAX_TEXT ((size_t)64 << 20) /* bytes of a prompt or an answer */

#endif
