/* base/unicode_table.h - sorted tables behind base/utf8.h, made by tools/make_unicode_tables.py.
 * Threads: constant data. */
#ifndef AGLM_BASE_UNICODE_TABLE_H
#define AGLM_BASE_UNICODE_TABLE_H

#include <stddef.h>
#include <stdint.h>

typedef struct aglm_cp_range {
    uint32_t first;
    uint32_t last;
} aglm_cp_range;

/* Every step-th code point from first to last becomes lower-case by adding delta. */
typedef struct aglm_case_run {
    uint32_t first;
    uint32_t last;
    int32_t step;
    int32_t delta;
} aglm_case_run;

extern const aglm_cp_range aglm_wide_ranges[];
extern const size_t aglm_wide_count;
extern const aglm_cp_range aglm_zero_ranges[];
extern const size_t aglm_zero_count;
extern const aglm_case_run aglm_lower_runs[];
extern const size_t aglm_lower_count;

#endif
