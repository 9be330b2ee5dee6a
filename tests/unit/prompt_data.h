/* prompt_data.h - labelled prompts (columns task, language, prompt) and scores on them.
 * Half of prompts.tsv, by the hash of the prompt, is for development; whoever changes the cues
 * looks at wrong answers of that half alone. */
#ifndef AGLM_TESTS_PROMPT_DATA_H
#define AGLM_TESTS_PROMPT_DATA_H

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "data/table.h"
#include "lm/prompt_task.h"

typedef struct prompt_row {
    char *text;
    size_t len;
    aglm_prompt_task task;
    aglm_prompt_language language;
    bool dev;
} prompt_row;

typedef struct prompt_rows {
    prompt_row *row;
    size_t n;
} prompt_rows;

static inline void prompt_rows_clear(prompt_rows *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->row[i].text);
    free(p->row);
}

/* A heap copy in which "\n" is a line break. */
static inline char *prompt_unescape(const char *s, size_t n, size_t *len)
{
    char *out = malloc(n + 1);

    *len = 0;
    for (size_t i = 0; out && i < n; i++) {
        bool escape = s[i] == '\\' && i + 1 < n && s[i + 1] == 'n';
        out[(*len)++] = escape ? '\n' : s[i];
        i += escape;
    }
    if (out)
        out[*len] = '\0';
    return out;
}

static inline bool prompt_row_read(prompt_row *p, const aglm_table *t, size_t row)
{
    aglm_cell cell = aglm_table_cell(t, row, 2);

    p->dev = aglm_hash64(cell.text, cell.len, 0) & 1;
    p->language = strcmp(aglm_table_cell(t, row, 1).text, "zh") == 0 ? AGLM_PROMPT_CHINESE
                                                                     : AGLM_PROMPT_ENGLISH;
    p->text = prompt_unescape(cell.text, cell.len, &p->len);
    return p->text && aglm_prompt_task_from_name(aglm_table_cell(t, row, 0).text, &p->task);
}

static inline bool prompt_rows_read(prompt_rows *out, const char *path, aglm_error *err)
{
    const aglm_read_options options = {.format = AGLM_FORMAT_TSV, .header = AGLM_HEADER_YES};
    aglm_table *t = NULL;
    bool good = true;

    *out = (prompt_rows){0};
    if (aglm_table_read(&t, path, &options, err) != AGLM_OK)
        return false;
    out->row = calloc(aglm_table_rows(t), sizeof *out->row);
    for (size_t i = 0; i < aglm_table_rows(t) && good; i++)
        good = out->row && prompt_row_read(&out->row[out->n++], t, i);
    if (!good)
        aglm_error_set(err, AGLM_FORMAT, "%s: row %zu: no task", path, out->n);
    aglm_table_free(t);
    return good;
}

/* Rows of the true task, columns of the answer. */
typedef struct prompt_confusion {
    size_t n[AGLM_PROMPT_TASKS][AGLM_PROMPT_TASKS];
} prompt_confusion;

static inline double prompt_f1(const prompt_confusion *c, size_t task)
{
    size_t truly = 0;
    size_t said = 0;

    for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++) {
        truly += c->n[task][i];
        said += c->n[i][task];
    }
    return truly + said ? 2.0 * (double)c->n[task][task] / (double)(truly + said) : 0;
}

/* Over the tasks that occur. */
static inline double prompt_macro_f1(const prompt_confusion *c)
{
    double sum = 0;
    size_t tasks = 0;

    for (size_t t = 0; t < AGLM_PROMPT_TASKS; t++) {
        size_t truly = 0;
        for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++)
            truly += c->n[t][i];
        tasks += truly > 0;
        sum += truly ? prompt_f1(c, t) : 0;
    }
    return tasks ? sum / (double)tasks : 0;
}

#endif
