/* search/space_priv.h - a space's memory, and its clauses as space.c and space_json.c use them.
 * Threads: as search/space.h. */
#ifndef AGLM_SEARCH_SPACE_PRIV_H
#define AGLM_SEARCH_SPACE_PRIV_H

#include "search/space.h"

struct aglm_space_memory {
    aglm_arena arena;
    aglm_space_param *params;
    size_t cap;
    aglm_space_clause *clauses;
    size_t clauses_cap;
};

bool aglm_prior_equal(const aglm_prior *a, const aglm_prior *b);

/* "=", "<=", ... */
const char *aglm_relation_sign(aglm_relation r);
/* False for another text. "==" is "=". */
bool aglm_relation_parse(const char *sign, size_t n, aglm_relation *out);

/* AGLM_INVALID names the clause that forbids x. */
aglm_rc aglm_space_check_clauses(const aglm_space *s, const double *x, aglm_error *err);
/* *why (may be NULL) names the first that differs. */
bool aglm_space_same_clauses(const aglm_space *stored, const aglm_space *asked, aglm_error *why);
/* "batch = 64 & lr > 0.01" */
void aglm_clause_describe(const aglm_space *s, const aglm_space_clause *c, aglm_str *out);

/* , "forbidden": [...]; nothing without clauses. */
void aglm_clauses_write(const aglm_space *s, aglm_str *out);
/* root: the object of the space's JSON form. */
aglm_rc aglm_clauses_read(aglm_space *s, const aglm_json *root, aglm_error *err);

#endif
