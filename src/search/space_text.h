/* search/space_text.h - the text form of spaces and of forbidden combinations, as people write it.
 * Threads: pure functions; the space that is filled is confined.
 *
 *   space   = item { [","] item }          blanks, line ends and ";" also stand between items
 *   item    = name "=" domain
 *           | "hp." word "(" 'name' "," ...     Hyperopt's own order; the label is the name
 *   domain  = word "(" number { "," number } ")"
 *           | "choice" "(" option { "," option } ")"       [ ] around the options may stand
 *   option  = literal [ "(" space ")" ]    parameters that exist only under this option
 *   literal = number | true | false | null | 'text' | "text" | any other word, as text
 *   clause  = term { "&" term }            forbidden when all terms hold
 *   term    = name ("=" | "!=" | "<" | "<=" | ">" | ">=") (literal | name)
 *
 * Words take bounds, both included:
 *   uniform(low,high)      loguniform(low,high)      int(low,high[,step])  logint(low,high)
 *   quniform(low,high,q)   low, low + q, ...         qloguniform(low,high,q)  the same values,
 * drawn evenly in the logarithm normal(mu,sigma)       qnormal(mu,sigma,q)       lognormal,
 * qlognormal: mu and sigma of the log A normal parameter is a float within mu +- 4 sigma: random
 * draws follow the bell, models see the interval. Its q rounds to multiples of q.
 *
 * With "hp." the words mean what they mean in Hyperopt: loguniform(a,b) is exp of a uniform draw
 * from a to b, quniform(a,b,q) is round(draw / q) * q, randint(n) is 0..n-1, randint(a,n) leaves n
 * out, uniformint(a,b) rounds to whole numbers. */
#ifndef AGLM_SEARCH_SPACE_TEXT_H
#define AGLM_SEARCH_SPACE_TEXT_H

#include "search/space.h"

/* Adds the parameters of a text; names are shared by all branches, and one that stands with the
 * same domain under several options of one choice is one parameter. AGLM_INVALID names parameter,
 * character (from 1) and mend; the space may then hold some of them: free it. */
aglm_rc aglm_space_parse(aglm_space *s, const char *text, size_t len, aglm_error *err);
/* Adds one forbidden combination of parameters that are there. */
aglm_rc aglm_space_parse_forbidden(aglm_space *s, const char *text, size_t len, aglm_error *err);

#endif
