/* postgres.h - a private PostgreSQL server for a test, through postgres_server.sh.
 * Threads: confined. */
#ifndef AGLM_TESTS_POSTGRES_H
#define AGLM_TESTS_POSTGRES_H

#include <stdbool.h>

typedef struct postgres_server {
    char folder[64];
    char url[160];
} postgres_server;

/* False, with the reason on stderr, where none is installed or libpq is not built in. */
bool postgres_start(postgres_server *p);
/* "clear" (an empty database), "restart", "crash" (and start), "stop". */
bool postgres_do(const postgres_server *p, const char *verb);

/* Statements of another program. */
bool postgres_sql(const postgres_server *p, const char *text);

#endif
