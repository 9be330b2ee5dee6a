/* Renders templates for tests/peer/jinja.py: each line of standard input is a JSON object with
 * template, vars, and maybe now_s, mutable, repeat; the answer is a line with text, or error and
 * rc, and seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lm/jinja.h"

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static aglm_rc render(const aglm_json *job, aglm_str *out, double *seconds, aglm_error *err)
{
    size_t len = 0;
    const char *text = aglm_json_string(aglm_json_get(job, "template"), &len);
    const aglm_jinja_options options = {
        .now_s = aglm_json_int(aglm_json_get(job, "now_s"), 0),
        .mutable_values = aglm_json_bool(aglm_json_get(job, "mutable"), false),
    };
    int64_t repeat = aglm_json_int(aglm_json_get(job, "repeat"), 1);
    aglm_jinja *j = NULL;
    aglm_rc rc = aglm_jinja_new(&j, text ? text : "", len, err);
    double from = cpu_seconds();

    for (int64_t i = 0; i < repeat && !rc; i++) {
        aglm_str_reset(out);
        rc = aglm_jinja_render(j, aglm_json_get(job, "vars"), &options, out, err);
    }
    *seconds = (cpu_seconds() - from) / (double)repeat;
    aglm_jinja_free(j);
    return rc;
}

static void answer(const char *line, size_t n)
{
    aglm_json_doc *job = NULL;
    aglm_error err = {0};
    aglm_str text;
    aglm_str reply;
    aglm_json_writer w;
    double seconds = 0;

    aglm_str_init(&text, (size_t)1 << 26);
    aglm_str_init(&reply, (size_t)1 << 28);
    aglm_rc rc = aglm_json_parse(&job, line, n, &(aglm_json_options){.allow_nonfinite = true},
                                 &err);
    if (!rc)
        rc = render(aglm_json_root(job), &text, &seconds, &err);
    aglm_json_writer_init(&w, &reply);
    aglm_json_open_object(&w);
    if (rc) {
        aglm_json_member_text(&w, "error", err.msg);
        aglm_json_member_int(&w, "rc", rc);
    } else {
        aglm_json_key(&w, "text");
        aglm_json_put_string(&w, text.data, text.len);
        aglm_json_member_double(&w, "seconds", seconds);
    }
    aglm_json_close_object(&w);
    puts(reply.data);
    fflush(stdout);
    aglm_json_free(job);
    aglm_str_clear(&text);
    aglm_str_clear(&reply);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    while ((n = getline(&line, &cap, stdin)) > 0)
        answer(line, (size_t)n);
    free(line);
    return 0;
}
