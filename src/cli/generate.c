#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "lm/runtime.h"

#define MAX_PROMPT ((size_t)16 << 20)

static const aglm_option OPTIONS[] = {
    {"model", 'm', AGLM_OPTION_FILE, "FILE", "the model: a GGUF file (needed)", NULL, 0, 0},
    {"max-tokens", 'n', AGLM_OPTION_INT, "N", "the longest answer (256)", NULL, 0, 1 << 20},
    {"temperature", 0, AGLM_OPTION_TEXT, "T", "0 is the likeliest token always (0)", NULL, 0, 0},
    {"top-k", 0, AGLM_OPTION_INT, "K", "draw from the K likeliest tokens (0: all)", NULL, 0,
     1000000},
    {"top-p", 0, AGLM_OPTION_TEXT, "P", "draw from the likeliest that make up P (1)", NULL, 0, 0},
    {"min-p", 0, AGLM_OPTION_TEXT, "P",
     "draw from those at least P times as likely as the likeliest (0)", NULL, 0, 0},
    {"repetition-penalty", 0, AGLM_OPTION_TEXT, "R", "1 is none (1)", NULL, 0, 0},
    {"stop", 0, AGLM_OPTION_TEXT, "TEXT", "the answer ends before it; may be given several times",
     NULL, 0, 0},
    {"seed", 0, AGLM_OPTION_INT, "N", "of the draws (0)", NULL, 0, INT32_MAX},
    {"threads", 't', AGLM_OPTION_INT, "N", "for computing (1)", NULL, 1, 1024},
    {"limit", 0, AGLM_OPTION_DURATION, "TIME", "give what there is after this time", NULL, 0, 0},
    {"json", 0, AGLM_OPTION_FLAG, NULL,
     "print one JSON object with the text, why it ended, tokens and times", NULL, 0, 0},
};

#define MAX_STOPS 16

struct request {
    aglm_decoding decoding;
    const char *stop[MAX_STOPS];
    aglm_lm_request r;
};

static aglm_rc read_real(const aglm_args *a, const char *name, double *out, aglm_error *err)
{
    const char *text = aglm_args_text(a, name, NULL);

    if (!text || (aglm_double_parse(text, strlen(text), out) && isfinite(*out)))
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID, "--%s: %s is no number", name, text);
}

static aglm_rc read_request(const aglm_args *a, struct request *q, aglm_error *err)
{
    aglm_decoding *d = &q->decoding;

    aglm_decoding_init(d);
    d->top_k = aglm_args_number(a, "top-k", 0);
    d->max_tokens = aglm_args_number(a, "max-tokens", d->max_tokens);
    d->seed = (uint64_t)aglm_args_number(a, "seed", 0);
    aglm_rc rc = read_real(a, "temperature", &d->temperature, err);
    if (rc == AGLM_OK)
        rc = read_real(a, "top-p", &d->top_p, err);
    if (rc == AGLM_OK)
        rc = read_real(a, "min-p", &d->min_p, err);
    if (rc == AGLM_OK)
        rc = read_real(a, "repetition-penalty", &d->repetition_penalty, err);
    q->r = (aglm_lm_request){
        .decoding = d, .stop = q->stop, .limit_s = 1e-9 * (double)aglm_args_number(a, "limit", 0)};
    while (rc == AGLM_OK && aglm_args_each(a, "stop", q->r.n_stop)) {
        if (q->r.n_stop == MAX_STOPS)
            return aglm_error_set(err, AGLM_INVALID, "--stop: at most %d", MAX_STOPS);
        q->stop[q->r.n_stop] = aglm_args_each(a, "stop", q->r.n_stop);
        q->r.n_stop++;
    }
    return rc;
}

static aglm_rc read_prompt(const aglm_args *a, char **out, aglm_error *err)
{
    size_t n;

    if (a->n_operands == 1 && strcmp(a->operands[0], "-") != 0) {
        *out = strdup(a->operands[0]);
        return *out ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "no memory for the prompt");
    }
    if (a->n_operands == 0 && isatty(STDIN_FILENO))
        return aglm_error_set(err, AGLM_INVALID, "give a prompt, or write it to standard input");
    return aglm_file_read("/dev/stdin", MAX_PROMPT, out, &n, err);
}

static bool on_piece(void *arg, const char *piece, size_t n)
{
    return fwrite(piece, 1, n, stdout) == n && fflush(stdout) == 0;
}

static const char *const REASONS[] = {
    [AGLM_LM_STOP] = "stop", [AGLM_LM_LENGTH] = "length", [AGLM_LM_TIME] = "time"};

static aglm_rc put_json(const aglm_lm_answer *answer)
{
    aglm_str s;
    aglm_json_writer w;

    aglm_str_init(&s, MAX_PROMPT * 8);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "text", answer->text.data);
    aglm_json_member_text(&w, "reason", REASONS[answer->reason]);
    aglm_json_member_int(&w, "prompt_tokens", answer->prompt_tokens);
    aglm_json_member_int(&w, "tokens", answer->tokens);
    aglm_json_member_double(&w, "prompt_seconds", answer->prompt_s);
    aglm_json_member_double(&w, "generate_seconds", answer->generate_s);
    aglm_json_close_object(&w);
    if (s.rc == AGLM_OK)
        puts(s.data);
    aglm_rc rc = s.rc;
    aglm_str_clear(&s);
    return rc;
}

static aglm_rc generate(const aglm_args *a, struct request *q, aglm_error *err)
{
    aglm_lm *lm = NULL;
    aglm_lm_answer answer;
    bool json = aglm_args_flag(a, "json");

    aglm_lm_answer_init(&answer);
    q->r.on_piece = json ? NULL : on_piece;
    aglm_rc rc = aglm_lm_open_file(&lm, aglm_args_text(a, "model", ""),
                                   (unsigned)aglm_args_number(a, "threads", 1), err);
    if (rc == AGLM_OK)
        rc = aglm_lm_generate(lm, &q->r, &answer, err);
    if (rc == AGLM_OK && json)
        rc = put_json(&answer);
    else if (rc == AGLM_OK)
        putchar('\n');
    aglm_lm_answer_clear(&answer);
    aglm_lm_close(lm);
    return rc;
}

static int run(const aglm_args *a)
{
    struct request q = {0};
    char *prompt = NULL;
    aglm_error err = {0};
    aglm_rc rc = aglm_args_given(a, "model")
                     ? read_request(a, &q, &err)
                     : aglm_error_set(&err, AGLM_INVALID, "--model FILE is missing");

    if (rc == AGLM_OK)
        rc = read_prompt(a, &prompt, &err);
    q.r.prompt = prompt;
    if (rc == AGLM_OK)
        rc = generate(a, &q, &err);
    free(prompt);
    return rc == AGLM_OK ? AGLM_EXIT_OK : aglm_cli_fail(a, rc, &err);
}

const aglm_command aglm_command_generate = {
    .name = "generate",
    .operands = "[PROMPT|-]",
    .operands_min = 0,
    .operands_max = 1,
    .summary = "let a local language model go on from a prompt",
    .about =
        "Runs a GGUF file with llama.cpp and prints the text as it comes. The prompt is taken as it stands, or from\n"
        "standard input.",
    .options = OPTIONS,
    .n_options = sizeof OPTIONS / sizeof *OPTIONS,
    .examples = "  autoglm generate --model smol.gguf -n 40 'The capital of France is'",
    .run = run,
};
