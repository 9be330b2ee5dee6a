#include <string.h>

#include "data/table_priv.h"

#define PREFIX "__label__"
#define PREFIX_LEN (sizeof PREFIX - 1)

/* Moves the labels at the start of s together, with the list separator between; *labels gets their
 * number and the answer is where the text begins. Writes never overtake reads: a prefix is longer
 * than a separator. */
static size_t take_labels(char *s, size_t n, size_t *label_len, size_t *labels)
{
    size_t r = 0;
    size_t w = 0;

    *labels = 0;
    while (n - r > PREFIX_LEN && memcmp(s + r, PREFIX, PREFIX_LEN) == 0) {
        size_t begin = r + PREFIX_LEN;
        size_t len = strcspn(s + begin, " \t");
        if (w)
            s[w++] = AGLM_LIST_SEPARATOR;
        memmove(s + w, s + begin, len);
        w += len;
        r = begin + len;
        r += strspn(s + r, " \t");
        ++*labels;
    }
    *label_len = w;
    return r;
}

static aglm_rc read_line(aglm_table_builder *b, size_t line, char *s, size_t n, const size_t col[2])
{
    size_t label_len, labels;
    size_t text = take_labels(s, n, &label_len, &labels);

    if (labels == 0 && n)
        return aglm_builder_bad(
            b, line, 1, "no " PREFIX " at the start of the line; write one before each label");
    if (labels == 0)
        return AGLM_OK;
    s[label_len] = '\0';
    aglm_rc rc = aglm_builder_put(b, col[0], labels > 1 ? AGLM_CELL_LIST : AGLM_CELL_TEXT,
                                  (size_t)(s - b->t->data), label_len);
    if (!rc)
        rc = aglm_builder_put(b, col[1], AGLM_CELL_TEXT, (size_t)(s + text - b->t->data), n - text);
    return rc ? rc : aglm_builder_end_row(b, line);
}

aglm_rc aglm_table_read_fasttext(aglm_table_builder *b)
{
    aglm_lines lines;
    char *s;
    size_t n, col[2];

    aglm_rc rc = aglm_builder_col(b, "label", 5, &col[0]);
    if (!rc)
        rc = aglm_builder_col(b, "text", 4, &col[1]);
    aglm_lines_init(&lines, b->text, b->len);
    while (!rc && !(rc = aglm_lines_row(&lines, b, &s, &n)) && s)
        rc = read_line(b, lines.number, s, n, col);
    return rc;
}
