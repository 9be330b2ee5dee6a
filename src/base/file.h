/* base/file.h - whole files: bounded reads, writes that are there entirely or not at all.
 * Threads: pure functions on the file system. */
#ifndef AGLM_BASE_FILE_H
#define AGLM_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

/* The file's bytes with a NUL behind them, for free(). AGLM_NOTFOUND, AGLM_IO, AGLM_LIMIT (over max
 * bytes), each with the path. */
aglm_rc aglm_file_read(const char *path, size_t max, char **data, size_t *n, aglm_error *err);
/* Maps a regular file read-only; unmap with aglm_file_unmap. */
aglm_rc aglm_file_map(const char *path, size_t max, const void **data, size_t *n, aglm_error *err);
void aglm_file_unmap(const void *data, size_t n);
/* Writes beside path, fsyncs, renames over it, fsyncs the folder. On failure path is as it was and
 * nothing is left; where only the last fsync fails, the new file stands and AGLM_IO warns that a
 * power cut may bring the old one back. */
aglm_rc aglm_file_write(const char *path, const void *data, size_t n, aglm_error *err);
/* Makes the folder and its missing parents (mode 0755); fine when it is there. */
aglm_rc aglm_dir_make(const char *path, aglm_error *err);
/* Renames the finished folder `from` to `to` (which must not exist or be replaced when replace is
 * set: the old one is moved away first and removed after) and fsyncs their parent. */
aglm_rc aglm_dir_publish(const char *from, const char *to, bool replace, aglm_error *err);
/* Removes a folder with all below it; no links are followed. Fine when it is absent. */
aglm_rc aglm_dir_remove(const char *path, aglm_error *err);
/* Total bytes of the regular files directly in the folder. */
aglm_rc aglm_dir_size(const char *path, uint64_t *bytes, aglm_error *err);
bool aglm_path_exists(const char *path);
/* The peak resident memory of this process, and what it holds now, in bytes (0 where the system
 * does not tell). */
uint64_t aglm_memory_peak(void);
uint64_t aglm_memory_now(void);
/* "20MB", "2GiB", "512k", "1000" in bytes (k, M, G: powers of 1000; Ki, Mi, Gi: of 1024); false
 * when it is none. */
bool aglm_size_parse(const char *text, uint64_t *bytes);

#endif
