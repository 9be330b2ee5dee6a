#include "lm/example_set.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"

#define SET_MAX ((size_t)4 << 30)
#define LIST_BETWEEN '\x1f' /* as data/table.h joins lists */
#define NAME_MAX_BYTES 256

/* ---- which columns ---- */

static aglm_rc add_field(aglm_example_form *f, const aglm_table *t, const char *name, size_t len,
                         aglm_error *err)
{
    char word[NAME_MAX_BYTES];

    snprintf(word, sizeof word, "%.*s", (int)(len < sizeof word ? len : sizeof word - 1), name);
    int col = aglm_table_find_col(t, word);
    if (col < 0)
        return aglm_error_set(err, AGLM_INVALID, "%s: no column \"%s\" (--text COL,COL)",
                              aglm_table_report(t)->name, word);
    if (f->n_fields == AGLM_EXAMPLE_FIELDS)
        return aglm_error_set(err, AGLM_INVALID, "--text: at most %d columns", AGLM_EXAMPLE_FIELDS);
    f->fields[f->n_fields++] = col;
    return AGLM_OK;
}

aglm_rc aglm_example_form_make(aglm_example_form *out, const aglm_example_guess *guess,
                               const aglm_table *t, const char *inputs, aglm_error *err)
{
    const aglm_example_columns *c = &guess->columns;
    const int found[] = {c->instruction, c->context, c->input};
    aglm_rc rc = AGLM_OK;

    *out = (aglm_example_form){
        .target = c->output, .bare = c->final, .whole = guess->task == AGLM_PROMPT_EXTRACTION};
    if (c->messages >= 0)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "%s: conversations are not tuned for; give columns of what is asked "
                              "and of its answer (--text COL, --label COL)",
                              aglm_table_report(t)->name);
    for (const char *s = inputs; rc == AGLM_OK && s && *s; s += strcspn(s, ","), s += *s == ',')
        rc = add_field(out, t, s, strcspn(s, ","), err);
    for (size_t i = 0; !inputs && i < sizeof found / sizeof *found; i++)
        if (found[i] >= 0)
            out->fields[out->n_fields++] = found[i];
    for (size_t i = 0; rc == AGLM_OK && i < out->n_fields; i++)
        if (out->fields[i] == out->target)
            rc = aglm_error_set(
                err, AGLM_INVALID, "%s: column \"%s\" cannot be what is asked and its answer both",
                aglm_table_report(t)->name, aglm_table_col_name(t, (size_t)out->target));
    return rc;
}

/* ---- rows ---- */

struct reading {
    aglm_example_set *s;
    const aglm_table *t;
    const aglm_example_form *form;
    size_t cjk, letters;
};

static void trim(const char **text, size_t *n)
{
    for (; *n && strchr(" \t\r\n", **text); --*n)
        ++*text;
    while (*n && strchr(" \t\r\n", (*text)[*n - 1]))
        --*n;
}

/* 51.0 as people write it; other texts as they are. */
static char *plain(aglm_arena *a, const char *text, size_t n)
{
    double v;

    trim(&text, &n);
    if (n > 2 && memcmp(text + n - 2, ".0", 2) == 0 && aglm_double_parse(text, n, &v) &&
        fabs(v) < 1e15)
        return aglm_arena_printf(a, "%.0f", v);
    return aglm_arena_strndup(a, text, n);
}

/* A list as JSON: what a model can be shown. */
static char *as_json(aglm_arena *a, aglm_cell c)
{
    aglm_json_writer w;
    aglm_str s;
    const char *end = c.text + c.len;

    aglm_str_init(&s, (size_t)1 << 24);
    aglm_json_writer_init(&w, &s);
    w.python = true;
    aglm_json_open_array(&w);
    for (const char *at = c.text; at < end;) {
        const char *stop = memchr(at, LIST_BETWEEN, (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);
        aglm_json_put_string(&w, at, n);
        at += n + 1;
    }
    aglm_json_close_array(&w);
    char *out = s.rc == AGLM_OK ? aglm_arena_strndup(a, s.data, s.len) : NULL;
    aglm_str_clear(&s);
    return out;
}

static size_t count_elements(aglm_cell c)
{
    size_t n = 1;

    for (size_t i = 0; c.kind == AGLM_CELL_LIST && i < c.len; i++)
        n += c.text[i] == LIST_BETWEEN;
    return n;
}

/* One right answer, or several: the elements of a list, and a number as people write it. */
static bool read_answers(struct reading *r, aglm_cell c, const char *const **refs, size_t *n_refs)
{
    aglm_arena *a = &r->s->arena;
    size_t most = 2 * count_elements(c);
    const char **list = aglm_arena_array(a, most, sizeof *list);
    const char *at = c.text, *end = c.text + c.len;
    bool ok = list != NULL;

    *refs = list;
    *n_refs = 0;
    if (ok && c.kind == AGLM_CELL_LIST && r->form->whole)
        return (list[(*n_refs)++] = as_json(a, c)) != NULL;
    while (ok && at < end && *n_refs + 1 < most) {
        const char *stop = c.kind == AGLM_CELL_LIST ? memchr(at, LIST_BETWEEN, (size_t)(end - at))
                                                    : NULL;
        const char *text = at;
        size_t n = (size_t)((stop ? stop : end) - at);
        at += n + 1;
        trim(&text, &n);
        char *as_is = aglm_arena_strndup(a, text, n), *people = plain(a, text, n);
        ok = as_is && people;
        if (ok && n)
            list[(*n_refs)++] = people;
        if (ok && strcmp(as_is, people) != 0)
            list[(*n_refs)++] = as_is;
    }
    return ok;
}

static void count_letters(struct reading *r, const char *text)
{
    uint32_t cp;

    for (size_t at = 0, n = strlen(text); at < n && at < 500;) {
        at += aglm_utf8_decode(text + at, n - at, &cp);
        r->cjk += aglm_cp_is_cjk(cp);
        r->letters += !aglm_cp_is_space(cp) && !aglm_cp_is_punct(cp);
    }
}

static bool read_fields(struct reading *r, size_t row, aglm_example *e)
{
    for (size_t f = 0; f < r->form->n_fields; f++) {
        aglm_cell c = aglm_table_cell(r->t, row, (size_t)r->form->fields[f]);
        const char *text = c.text;
        size_t n = c.len;
        trim(&text, &n);
        e->field[f] = aglm_arena_strndup(&r->s->arena, text, n);
        if (!e->field[f])
            return false;
    }
    return true;
}

static bool read_target(struct reading *r, size_t row, aglm_example *e)
{
    const char *const *shown;
    size_t n_shown;
    int bare = r->form->bare >= 0 ? r->form->bare : r->form->target;

    if (!read_answers(r, aglm_table_cell(r->t, row, (size_t)r->form->target), &shown, &n_shown) ||
        !read_answers(r, aglm_table_cell(r->t, row, (size_t)bare), &e->refs, &e->n_refs))
        return false;
    e->bare = e->n_refs ? e->refs[0] : NULL;
    e->answer = n_shown ? shown[0] : e->bare;
    return true;
}

static bool read_row(struct reading *r, size_t row)
{
    aglm_example_set *s = r->s;
    aglm_example e = {.line = aglm_table_line(r->t, row)};

    if (!read_fields(r, row, &e) || (r->form->target >= 0 && !read_target(r, row, &e)))
        return false;
    const char *asked = e.field[r->form->n_fields - 1];
    assert(asked);
    if (r->form->target >= 0 && (!*asked || !e.answer || !*e.answer || e.n_refs == 0)) {
        s->skipped++;
        return true;
    }
    if (e.answer && e.bare) {
        s->derived = s->derived || strcmp(e.answer, e.bare) != 0;
        s->multiline = s->multiline || strchr(e.answer, '\n');
    }
    count_letters(r, asked);
    s->at[s->n++] = e;
    return true;
}

static bool read_names(struct reading *r)
{
    aglm_example_set *s = r->s;
    bool ok = true;

    s->n_fields = r->form->n_fields;
    for (size_t f = 0; ok && f < s->n_fields; f++)
        ok = (s->names[f] = aglm_arena_strdup(
                  &s->arena, aglm_table_col_name(r->t, (size_t)r->form->fields[f]))) != NULL;
    if (ok && r->form->target >= 0) {
        int bare = r->form->bare >= 0 ? r->form->bare : r->form->target;
        s->target_name = aglm_arena_strdup(&s->arena,
                                           aglm_table_col_name(r->t, (size_t)r->form->target));
        s->bare_name = aglm_arena_strdup(&s->arena, aglm_table_col_name(r->t, (size_t)bare));
        ok = s->target_name && s->bare_name;
    }
    return ok;
}

void aglm_example_set_free(aglm_example_set *s)
{
    if (!s)
        return;
    aglm_arena_clear(&s->arena);
    free(s->at);
    free(s);
}

aglm_rc aglm_example_set_new(aglm_example_set **out, const aglm_table *t,
                             const aglm_example_form *form, aglm_error *err)
{
    size_t rows = aglm_table_rows(t);
    aglm_example_set *s = aglm_calloc(1, sizeof *s);
    struct reading r = {.s = s, .t = t, .form = form};
    const char *file = aglm_table_report(t)->name;

    *out = NULL;
    if (!s)
        return aglm_error_set(err, AGLM_NOMEM, "%s: no memory for the examples", file);
    aglm_arena_init(&s->arena, SET_MAX);
    s->at = aglm_calloc(rows + 1, sizeof *s->at);
    bool ok = s->at && read_names(&r);
    for (size_t i = 0; ok && i < rows; i++)
        ok = read_row(&r, i);
    s->chinese = 2 * r.cjk > r.letters;
    if (ok && s->n > 0) {
        *out = s;
        return AGLM_OK;
    }
    aglm_example_set_free(s);
    return ok ? aglm_error_set(err, AGLM_FORMAT, "%s: no row has both a question and its answer",
                               file)
              : aglm_error_set(err, AGLM_NOMEM, "%s: no memory for the examples", file);
}
