#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/book.h"
#include "cli/opening.h"
#include "cli/study_csv.h"
#include "search/study_copy.h"
#include "search/study_exchange.h"

#define ARENA_MAX ((size_t)1 << 34)
#define FILE_MAX ((size_t)4 << 30)
#define HEAD_BYTES 64

typedef struct import {
    aglm_book *book;
    const aglm_args *args;
    const char *source;
    const char *name;            /* of the study that is imported into */
    const aglm_study_row *there; /* NULL: it is new */
    aglm_space *space;           /* of the parameters, NULL: unknown */
    aglm_store *other;
    char *text;
    aglm_arena arena;
    aglm_study_whole whole;
} import;

enum source { SOURCE_STORE, SOURCE_JSON, SOURCE_CSV };

/* By its first bytes: a database, JSON, or else a table. */
static aglm_rc source_of(const char *source, enum source *out, aglm_error *err)
{
    static const char sqlite[] = "SQLite format 3";
    char head[HEAD_BYTES + 1] = "";

    *out = SOURCE_STORE;
    if (strstr(source, "://"))
        return AGLM_OK;
    FILE *f = fopen(source, "rb");
    if (!f)
        return aglm_error_set(err, AGLM_NOTFOUND, "import: %.200s: there is no such file", source);
    head[fread(head, 1, HEAD_BYTES, f)] = '\0';
    fclose(f);
    if (strncmp(head, sqlite, sizeof sqlite - 1) == 0)
        return AGLM_OK;
    *out = head[strspn(head, " \t\r\n\xef\xbb\xbf")] == '{' ? SOURCE_JSON : SOURCE_CSV;
    return AGLM_OK;
}

/* The only study there, or the one of --from-study. */
static aglm_rc choose_source(import *i, const char **out, aglm_error *err)
{
    aglm_study_row *rows;
    size_t n;
    aglm_rc rc = AGLM_OK;

    *out = aglm_args_text(i->args, "from-study", NULL);
    if (*out)
        return AGLM_OK;
    rc = aglm_store_study_list(i->other, &i->arena, &rows, &n, err);
    if (rc == AGLM_OK && n != 1)
        rc = aglm_error_set(err, AGLM_INVALID,
                            "import: %.200s has %zu studies; say which with --from-study NAME",
                            i->source, n);
    if (rc == AGLM_OK)
        *out = rows[0].name;
    return rc;
}

static aglm_rc read_store(import *i, aglm_error *err)
{
    aglm_study_place from = {NULL, NULL};
    aglm_rc rc = aglm_storage_must_exist(i->source, err);

    if (rc == AGLM_OK)
        rc = aglm_store_open(&i->other, i->source, err);
    if (rc == AGLM_OK)
        rc = choose_source(i, &from.name, err);
    from.store = i->other;
    return rc == AGLM_OK ? aglm_study_whole_read(&i->whole, &from, &i->arena, err) : rc;
}

static aglm_rc read_json(import *i, aglm_error *err)
{
    size_t n = 0;
    aglm_rc rc = aglm_file_read(i->source, FILE_MAX, &i->text, &n, err);

    if (rc != AGLM_OK)
        return rc;
    const aglm_exchange_text from = {i->source, i->text, n};
    return aglm_study_whole_parse(&i->whole, &from, i->space, &i->arena, err);
}

/* Those of the study that is there, else of --direction. */
static void set_directions(import *i)
{
    const char *word;
    size_t n = 0;

    if (i->there) {
        i->whole.n_directions = i->there->n_directions;
        memcpy(i->whole.directions, i->there->directions, sizeof i->there->directions);
        return;
    }
    while (n < AGLM_STORE_MAX_OBJECTIVES && (word = aglm_args_each(i->args, "direction", n)))
        i->whole.directions[n++] = strcmp(word, "maximize") == 0 ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
    i->whole.n_directions = n ? n : 1;
}

static aglm_rc read_csv(import *i, aglm_error *err)
{
    set_directions(i);
    return aglm_study_csv_read(&i->whole, i->source, i->space, &i->arena, err);
}

/* --space, else what the study's trials have had so far. */
static aglm_rc read_space(import *i, aglm_error *err)
{
    aglm_rc rc = aglm_opening_space(&i->space, i->args, err);

    if (rc == AGLM_OK && !i->space && i->there)
        rc = aglm_study_stored_space(i->book->store, i->there->id, &i->space, err);
    return rc;
}

static aglm_rc read_source(import *i, aglm_error *err)
{
    enum source source;
    aglm_rc rc = source_of(i->source, &source, err);

    if (rc == AGLM_OK)
        rc = read_space(i, err);
    if (rc != AGLM_OK)
        return rc;
    switch (source) {
    case SOURCE_STORE:
        return read_store(i, err);
    case SOURCE_JSON:
        return read_json(i, err);
    default:
        return read_csv(i, err);
    }
}

static aglm_rc name_study(import *i, aglm_error *err)
{
    const aglm_book *b = i->book;

    i->name = aglm_args_text(i->args, "study", NULL);
    if (!i->name)
        return aglm_error_set(err, AGLM_INVALID,
                              "import: say into which study with --study NAME; it is made when it "
                              "is not there");
    for (size_t k = 0; k < b->n_studies; k++) {
        if (strcmp(b->studies[k].name, i->name) == 0)
            i->there = &b->studies[k];
    }
    return AGLM_OK;
}

aglm_rc aglm_study_do_import(aglm_book *b, const aglm_args *a, aglm_error *err)
{
import i = {.book = b, .args = a };
    aglm_rc rc = AGLM_OK;

    aglm_arena_init(&i.arena, ARENA_MAX);
    i.source = a->n_operands > 1 ? a->operands[1] : NULL;
    if (!i.source)
        rc = aglm_error_set(err, AGLM_INVALID,
                            "import: name what to read: a file of study export, a CSV, or a "
                            "storage");
    if (rc == AGLM_OK)
        rc = name_study(&i, err);
    if (rc == AGLM_OK)
        rc = read_source(&i, err);
    i.whole.name = i.name;
    if (rc == AGLM_OK)
        rc = aglm_store_study_add(b->store, &i.whole, true, err);
    if (rc == AGLM_OK)
        fprintf(stderr, "%zu trials imported into study \"%s\"\n", i.whole.n_trials, i.name);
    aglm_store_close(i.other);
    aglm_space_free(i.space);
    aglm_arena_clear(&i.arena);
    free(i.text);
    return rc;
}
