/* lm/grammar_number.h - ranges of numbers as rules of a grammar.
 * Threads: pure functions. */
#ifndef AGLM_LM_GRAMMAR_NUMBER_H
#define AGLM_LM_GRAMMAR_NUMBER_H

#include "base/json.h"

/* Numbers of a few digits behind the point within the bounds of a schema, in units of
 * 10^-decimals. */
typedef struct aglm_number_range {
    double low, high; /* -INFINITY, INFINITY: none */
    bool low_open, high_open;
    int decimals; /* the fewest with which there is such a number; -1: there is none */
} aglm_number_range;

/* By minimum, maximum, exclusiveMinimum and exclusiveMaximum. */
aglm_number_range aglm_number_range_of(const aglm_json *schema, bool integer);

/* Appends alternatives for the numbers of such a range: whole ones and, unless integer, some digits
 * behind the point; at most 15 digits where a side has no bound. */
void aglm_number_range_put(const aglm_number_range *r, bool integer, aglm_str *out);

#endif
