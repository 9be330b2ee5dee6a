/* fuzz.h - the entry point that every target defines; libFuzzer or replay.c calls it.
 * Returns 0; a fault is a sanitizer's report or a failed FUZZ_CHECK. */
#ifndef AGLM_TESTS_FUZZ_H
#define AGLM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold for every input. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

#endif
