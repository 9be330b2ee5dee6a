#include <string.h>

#include "data/table_priv.h"

aglm_rc aglm_table_read_lines(aglm_table_builder *b)
{
    aglm_lines lines;
    char *s;
    size_t n, col;

    aglm_rc rc = aglm_builder_col(b, "text", 4, &col);
    aglm_lines_init(&lines, b->text, b->len);
    while (!rc && !(rc = aglm_lines_row(&lines, b, &s, &n)) && s) {
        rc = aglm_builder_put(b, col, AGLM_CELL_TEXT, (size_t)(s - b->t->data), n);
        if (!rc)
            rc = aglm_builder_end_row(b, lines.number);
    }
    return rc;
}

/* Splits "token ... tag" at its first and last white space; a line of one word has an empty tag. */
static aglm_rc put_token(aglm_table_builder *b, size_t token, size_t tag, char *s, size_t n)
{
    size_t first = strcspn(s, " \t");
    size_t last = n;

    while (last > first && s[last - 1] != ' ' && s[last - 1] != '\t')
        last--;
    s[first] = '\0';
    aglm_rc rc = aglm_builder_put(b, token, AGLM_CELL_TEXT, (size_t)(s - b->t->data), first);
    return rc ? rc
              : aglm_builder_put(b, tag, AGLM_CELL_TEXT, (size_t)(s + last - b->t->data), n - last);
}

aglm_rc aglm_table_read_conll(aglm_table_builder *b)
{
    aglm_lines lines;
    char *s;
    size_t n, token, tag = 0;

    aglm_rc rc = aglm_builder_col(b, "token", 5, &token);
    if (!rc)
        rc = aglm_builder_col(b, "tag", 3, &tag);
    aglm_lines_init(&lines, b->text, b->len);
    while (!rc && !(rc = aglm_lines_row(&lines, b, &s, &n)) && s) {
        if (n == 0)
            continue;
        rc = put_token(b, token, tag, s, n);
        if (!rc)
            rc = aglm_builder_end_row(b, lines.number);
    }
    return rc;
}
