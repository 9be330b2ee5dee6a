#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "llama/session.h"

#define MAX_REQUEST ((size_t)256 << 20)
#define MAX_ANSWER ((size_t)256 << 20)

static const struct {
    const char *name;
    aglm_session_op *run;
} OPS[] = {
    {"open", aglm_session_open},         {"tokenize", aglm_session_tokenize},
    {"generate", aglm_session_generate}, {"score", aglm_session_score},
    {"embed", aglm_session_embed},       {"states", aglm_session_states},
    {"quantize", aglm_session_quantize},
};

aglm_rc aglm_session_send(aglm_session *s, const aglm_str *line)
{
    size_t sent = 0;

    while (sent < line->len) {
        ssize_t n = write(s->out, line->data + sent, line->len - sent);
        if (n <= 0)
            return AGLM_IO;
        sent += (size_t)n;
    }
    return AGLM_OK;
}

static aglm_rc dispatch(aglm_session *s, const aglm_json *request, aglm_json_writer *answer,
                        aglm_error *err)
{
    const char *op;
    aglm_rc rc = aglm_json_need_string(request, "op", &op, err);
    if (rc != AGLM_OK)
        return rc;
    double limit = aglm_json_double(aglm_json_get(request, "limit_s"), 0);
    s->deadline_ns = limit > 0 ? aglm_clock_ns() + (uint64_t)(1e9 * limit) : 0;
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++) {
        if (strcmp(OPS[i].name, op) != 0)
            continue;
        if (!s->model && OPS[i].run != aglm_session_open && OPS[i].run != aglm_session_quantize)
            return aglm_error_set(err, AGLM_INVALID, "%s: no model is open", op);
        return OPS[i].run(s, request, answer, err);
    }
    return aglm_error_set(err, AGLM_INVALID, "no such op: %s", op);
}

static aglm_rc answer_failure(aglm_str *line, aglm_rc rc, const aglm_error *err)
{
    aglm_json_writer w;

    aglm_str_reset(line);
    aglm_json_writer_init(&w, line);
    aglm_json_open_object(&w);
    aglm_json_member_bool(&w, "ok", false);
    aglm_json_member_int(&w, "rc", rc);
    aglm_json_member_text(&w, "error", err->msg);
    aglm_json_close_object(&w);
    return line->rc;
}

static aglm_rc answer(aglm_session *s, const char *text, size_t len, aglm_str *line)
{
    aglm_error err = {0};
    aglm_json_writer w;
    aglm_json_doc *doc = NULL;

    aglm_str_reset(line);
    aglm_json_writer_init(&w, line);
    aglm_json_open_object(&w);
    aglm_json_member_bool(&w, "ok", true);
    aglm_rc rc = aglm_json_parse(&doc, text, len, NULL, &err);
    if (rc == AGLM_OK)
        rc = dispatch(s, aglm_json_root(doc), &w, &err);
    aglm_json_free(doc);
    aglm_json_close_object(&w);
    if (rc == AGLM_OK && line->rc != AGLM_OK)
        rc = aglm_error_set(&err, line->rc, "the answer: %s", aglm_rc_text(line->rc));
    if (rc != AGLM_OK)
        rc = answer_failure(line, rc, &err);
    aglm_str_putc(line, '\n');
    return line->rc == AGLM_OK ? aglm_session_send(s, line) : line->rc;
}

/* What llama.cpp says is of use only when it fails: its last line is then shown by who asked. */
static void on_log(enum ggml_log_level level, const char *text, void *arg)
{
    if (level == GGML_LOG_LEVEL_ERROR)
        fputs(text, stderr);
}

int main(void)
{
    aglm_session s = {.threads = 1};
    aglm_str line;
    char *text = NULL;
    size_t size = 0;
    ssize_t n;

    s.out = dup(STDOUT_FILENO); /* whatever the library prints goes to standard error */
    if (s.out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return EXIT_FAILURE;
    llama_log_set(on_log, NULL);
    aglm_str_init(&line, MAX_ANSWER);
    while ((n = getline(&text, &size, stdin)) > 0 && (size_t)n <= MAX_REQUEST)
        if (answer(&s, text, (size_t)n, &line) != AGLM_OK)
            break;
    free(text);
    aglm_str_clear(&line);
    aglm_session_clear(&s);
    return EXIT_SUCCESS;
}
