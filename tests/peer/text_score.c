/* text_score - a text metric of each line of a file, then of all, one number a line, for comparison
 * with another program's.
 * usage: text_score METRIC FILE.jsonl; a line: {"text": ..., "refs": [...]} */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "eval/text_metric.h"

#define FILE_MAX_BYTES ((size_t)1 << 30)
#define REFS_MAX 16

static aglm_rc score_line(aglm_text_metric m, const char *line, size_t len, aglm_text_counts *sum,
                          aglm_error *err)
{
    const char *refs[REFS_MAX];
    aglm_text_answer a = {.refs = refs};
    aglm_text_counts one;
    aglm_json_doc *doc = NULL;
    const aglm_json *ref;
    aglm_rc rc = aglm_json_parse(&doc, line, len, NULL, err);

    if (rc != AGLM_OK)
        return rc;
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(aglm_json_root(doc), "refs"));
    while (a.n_refs < REFS_MAX && (ref = aglm_json_next(&it, NULL)))
        refs[a.n_refs++] = aglm_json_string(ref, NULL);
    a.text = aglm_json_string(aglm_json_get(aglm_json_root(doc), "text"), &a.len);
    rc = aglm_text_count(&one, m, &a, err);
    if (rc == AGLM_OK) {
        printf("%.17g\n", aglm_text_value(m, &one, true));
        aglm_text_add(sum, &one);
    }
    aglm_json_free(doc);
    return rc;
}

int main(int argc, char **argv)
{
    aglm_text_counts sum = {0};
    aglm_text_metric m;
    aglm_error err = {0};
    char *text = NULL;
    size_t len = 0;

    if (argc != 3 || !aglm_text_metric_from_name(argv[1], &m)) {
        fprintf(stderr, "usage: text_score METRIC FILE.jsonl\n");
        return 2;
    }
    aglm_rc rc = aglm_file_read(argv[2], FILE_MAX_BYTES, &text, &len, &err);
    for (size_t i = 0; rc == AGLM_OK && i < len;) {
        const char *end = memchr(text + i, '\n', len - i);
        size_t n = end ? (size_t)(end - text) - i : len - i;
        rc = score_line(m, text + i, n, &sum, &err);
        i += n + 1;
    }
    free(text);
    if (rc == AGLM_OK)
        printf("%.17g\n", aglm_text_value(m, &sum, false));
    else
        fprintf(stderr, "text_score: %s\n", err.msg);
    return rc == AGLM_OK ? 0 : 1;
}
