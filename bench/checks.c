/* checks - the checks of generated text, for each line of a file: names of those that fail, or "-".
 * usage: checks FILE.jsonl; a line: {"text":, "prompt":, "language":, "cut":, "words":} */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/json.h"
#include "lm/check.h"

#define FILE_MAX_BYTES ((size_t)1 << 30)

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static aglm_rc check_line(const aglm_json *line, size_t *bytes, double *seconds, aglm_error *err)
{
    aglm_check_options o = {.cut = aglm_json_bool(aglm_json_get(line, "cut"), false),
                            .language = aglm_json_string(aglm_json_get(line, "language"), NULL)};
    aglm_check_report report;
    size_t len, words_len;
    const char *text = aglm_json_string(aglm_json_get(line, "text"), &len);
    const char *words = aglm_json_string(aglm_json_get(line, "words"), &words_len);
    aglm_word_list *list = NULL;
    aglm_rc rc = AGLM_OK;

    o.prompt = aglm_json_string(aglm_json_get(line, "prompt"), &o.prompt_len);
    if (words)
        rc = aglm_word_list_new(&list, words, words_len, err);
    o.words = list;
    double begin = cpu_s();
    if (rc == AGLM_OK)
        rc = aglm_check_run(&report, text, len, &o, err);
    *seconds += cpu_s() - begin;
    *bytes += len;
    for (int c = 0; rc == AGLM_OK && c < AGLM_CHECKS; c++)
        if (report.result[c].failed)
            printf("%s ", aglm_check_name((aglm_check)c));
    puts("-");
    aglm_word_list_free(list);
    return rc;
}

int main(int argc, char **argv)
{
    aglm_error err = {0};
    char *text = NULL;
    size_t len = 0, bytes = 0;
    double seconds = 0;
    aglm_rc rc = argc == 2 ? aglm_file_read(argv[1], FILE_MAX_BYTES, &text, &len, &err) : AGLM_IO;

    for (size_t i = 0; rc == AGLM_OK && i < len;) {
        const char *end = memchr(text + i, '\n', len - i);
        size_t n = end ? (size_t)(end - text) - i : len - i;
        aglm_json_doc *doc = NULL;
        rc = aglm_json_parse(&doc, text + i, n, NULL, &err);
        if (rc == AGLM_OK)
            rc = check_line(aglm_json_root(doc), &bytes, &seconds, &err);
        aglm_json_free(doc);
        i += n + 1;
    }
    free(text);
    if (rc != AGLM_OK)
        fprintf(stderr, "checks: %s\n", argc == 2 ? err.msg : "usage: checks FILE.jsonl");
    else
        fprintf(stderr, "%zu %.6f\n", bytes, seconds);
    return rc == AGLM_OK ? 0 : 1;
}
