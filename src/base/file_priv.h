/* base/file_priv.h - what file.c and folder.c share.
 * Threads: pure functions on the file system. */
#ifndef AGLM_BASE_FILE_PRIV_H
#define AGLM_BASE_FILE_PRIV_H

#include "autoglm/error.h"

/* "path: cannot <doing>: <errno's text>"; AGLM_NOTFOUND, AGLM_NOMEM or AGLM_IO by errno. */
aglm_rc aglm_path_failed(const char *path, const char *doing, aglm_error *err);
/* fsyncs the folder that holds path, which makes a rename in it durable. */
aglm_rc aglm_path_sync_parent(const char *path, aglm_error *err);

#endif
