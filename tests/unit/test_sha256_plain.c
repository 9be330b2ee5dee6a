/* The tests of test_sha256.c over the plain path, which a processor with SHA rounds never takes. */
#define AGLM_SHA256_PLAIN 1
#include "base/sha256.c"

#include "test_sha256.c"
