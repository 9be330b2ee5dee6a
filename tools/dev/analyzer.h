/* analyzer.h - put before every file that clang-tidy reads: the analyzer sees one file at a time
 * and must be told that aglm_error_set returns the code it is given. */
#ifndef AGLM_DEV_ANALYZER_H
#define AGLM_DEV_ANALYZER_H

#include "autoglm/error.h"

#define aglm_error_set(err, rc, ...) (aglm_error_set(err, rc, __VA_ARGS__), (rc))

#endif
