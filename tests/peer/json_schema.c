/* json_schema - is each value as its schema wants? For comparison with another program's answers.
 * usage: json_schema FILE.jsonl; a line: {"schema": ..., "values": [...]}; answers a line of one
 * letter a value: y, n, or ? where the schema is not supported, ! after an error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "net/json_schema.h"

#define FILE_MAX_BYTES ((size_t)1 << 30)

static char letter(const aglm_json_schema *s, const aglm_json *value)
{
    aglm_error err = {0};
    bool valid;

    if (aglm_json_schema_check(s, value, &valid, NULL, &err) != AGLM_OK) {
        fprintf(stderr, "json_schema: %s\n", err.msg);
        return '!';
    }
    return valid ? 'y' : 'n';
}

static void answer(const aglm_json *line)
{
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(line, "values"));
    aglm_json_schema *s = NULL;
    aglm_json_writer w;
    aglm_error err = {0};
    const aglm_json *v;
    aglm_str text;

    aglm_str_init(&text, FILE_MAX_BYTES);
    aglm_json_writer_init(&w, &text);
    aglm_json_put_value(&w, aglm_json_get(line, "schema"));
    aglm_rc rc = aglm_json_schema_new(&s, text.data, text.len, &err);
    if (rc != AGLM_OK)
        fprintf(stderr, "json_schema: %s\n", err.msg);
    while ((v = aglm_json_next(&it, NULL)))
        putchar(s ? letter(s, v) : rc == AGLM_UNSUPPORTED ? '?' : '!');
    putchar('\n');
    aglm_json_schema_free(s);
    aglm_str_clear(&text);
}

int main(int argc, char **argv)
{
    aglm_error err = {0};
    char *text = NULL;
    size_t len = 0;
    aglm_rc rc = argc == 2 ? aglm_file_read(argv[1], FILE_MAX_BYTES, &text, &len, &err) : AGLM_IO;

    for (size_t i = 0; rc == AGLM_OK && i < len;) {
        const char *end = memchr(text + i, '\n', len - i);
        size_t n = end ? (size_t)(end - text) - i : len - i;
        aglm_json_doc *doc = NULL;
        rc = aglm_json_parse(&doc, text + i, n, NULL, &err);
        if (rc == AGLM_OK)
            answer(aglm_json_root(doc));
        aglm_json_free(doc);
        i += n + 1;
    }
    free(text);
    if (rc != AGLM_OK)
        fprintf(stderr, "json_schema: %s\n", argc == 2 ? err.msg : "usage: json_schema FILE.jsonl");
    return rc == AGLM_OK ? 0 : 1;
}
