#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "cli/schema.h"
#include "cli/terminal.h"
#include "tune/generator.h"

#define MAX_PROMPT ((size_t)16 << 20)

static const aglm_option OPTIONS[] = {
    {"model", 'm', AGLM_OPTION_FILE, "FILE",
     "the model: a GGUF file, or its name at --url (needed)", NULL, 0, 0},
    {"url", 0, AGLM_OPTION_TEXT, "URL", "ask an OpenAI-compatible service instead of a file", NULL,
     0, 0},
    {"key-env", 0, AGLM_OPTION_TEXT, "VAR",
     "the environment variable that holds its key (AGLM_API_KEY)", NULL, 0, 0},
    {"service", 0, AGLM_OPTION_WORD, "KIND",
     "what answers there: glm, openai, vllm, llama or any (told from the URL)",
     "glm|openai|vllm|llama|any", 0, 0},
    {"thinking", 0, AGLM_OPTION_WORD, "WORD", "GLM's own: enabled or disabled (as the model does)",
     "enabled|disabled", 0, 0},
    {"price-prompt", 0, AGLM_OPTION_TEXT, "MONEY",
     "for a million tokens of prompts: the cost is counted", NULL, 0, 0},
    {"price-answer", 0, AGLM_OPTION_TEXT, "MONEY", "for a million tokens of answers", NULL, 0, 0},
    {"requests-per-minute", 0, AGLM_OPTION_TEXT, "N",
     "wait so as not to ask more often (0: no limit)", NULL, 0, 0},
    {"tokens-per-minute", 0, AGLM_OPTION_TEXT, "N", "wait so as not to use more (0: no limit)",
     NULL, 0, 0},
    {"retries", 0, AGLM_OPTION_INT, "N", "ask again after 429, 5xx and broken connections (3)",
     NULL, 0, 100},
    {"timeout", 0, AGLM_OPTION_DURATION, "TIME", "give up on a service after this time (10m)", NULL,
     0, 0},
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
    {"schema", 0, AGLM_OPTION_FILE, "FILE",
     "the answer is JSON that meets this JSON Schema; exit code 3 when it is not", NULL, 0, 0},
    {"seed", 0, AGLM_OPTION_INT, "N", "of the draws (0)", NULL, 0, INT32_MAX},
    {"threads", 't', AGLM_OPTION_INT, "N", "for computing (1)", NULL, 1, 1024},
    {"limit", 0, AGLM_OPTION_DURATION, "TIME", "give what there is after this time", NULL, 0, 0},
    {"auto", 0, AGLM_OPTION_FLAG, NULL,
     "find out the task, take the settings that did best for it, check the answer, learn from it",
     NULL, 0, 0},
    {"task", 0, AGLM_OPTION_TEXT, "NAME",
     "with --auto: the task, as text-generation; default: found out", NULL, 0, 0},
    {"settings", 0, AGLM_OPTION_FILE, "FILE",
     "where --auto remembers (~/.local/share/autoglm/settings.db)", NULL, 0, 0},
    {"presets", 0, AGLM_OPTION_FILE, "FILE",
     "settings of your own that take part: JSON, {\"name\": {\"temperature\": 0.4}}", NULL, 0, 0},
    {"chat", 0, AGLM_OPTION_FLAG, NULL,
     "put the model's own chat template around the prompt, as --auto and services do", NULL, 0, 0},
    {"raw", 0, AGLM_OPTION_FLAG, NULL,
     "with --auto: the prompt as it stands, without the model's chat template", NULL, 0, 0},
    {"explain", 0, AGLM_OPTION_FLAG, NULL,
     "tell on standard error what --auto decided, and why, and what a service counted", NULL, 0, 0},
    {"json", 0, AGLM_OPTION_FLAG, NULL,
     "print one JSON object with the text, why it ended, tokens and times", NULL, 0, 0},
};

#define MAX_STOPS 16

struct request {
    aglm_decoding decoding;
    const char *stop[MAX_STOPS];
    aglm_lm_request r;
    aglm_answer_schema schema;
    bool missed; /* the answer does not keep to the schema */
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

static aglm_rc put_json(const aglm_args *a, const aglm_lm *lm, const aglm_lm_answer *answer)
{
    aglm_str s;
    aglm_json_writer w;

    aglm_str_init(&s, MAX_PROMPT * 8);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "text", answer->text.data);
    aglm_json_member_text(&w, "reason", aglm_lm_reason_name(answer->reason));
    aglm_json_member_int(&w, "prompt_tokens", answer->prompt_tokens);
    aglm_json_member_int(&w, "tokens", answer->tokens);
    aglm_json_member_double(&w, "prompt_seconds", answer->prompt_s);
    aglm_json_member_double(&w, "generate_seconds", answer->generate_s);
    aglm_cli_usage_put(a, lm, &w);
    aglm_json_close_object(&w);
    if (s.rc == AGLM_OK)
        puts(s.data);
    aglm_rc rc = s.rc;
    aglm_str_clear(&s);
    return rc;
}

/* $XDG_DATA_HOME/autoglm, or ~/.local/share/autoglm. */
static aglm_rc settings_path(const aglm_args *a, char *out, size_t size, aglm_error *err)
{
    const char *given = aglm_args_text(a, "settings", NULL), *data = getenv("XDG_DATA_HOME"),
               *home = getenv("HOME");
    int n;

    if (given)
        n = snprintf(out, size, "%s", given);
    else if (data && *data == '/')
        n = snprintf(out, size, "%s/autoglm/settings.db", data);
    else if (home && *home == '/')
        n = snprintf(out, size, "%s/.local/share/autoglm/settings.db", home);
    else
        return aglm_error_set(err, AGLM_INVALID,
                              "no home folder to remember settings in: give --settings FILE");
    return n < (int)size ? AGLM_OK
                         : aglm_error_set(err, AGLM_INVALID, "--settings: the path is too long");
}

static void explain(const aglm_generated *g)
{
    aglm_str s;

    aglm_str_init(&s, 1 << 20);
    aglm_generated_tell(g, &s);
    fputs(s.data, stderr);
    aglm_str_clear(&s);
}

static aglm_rc put_generated(const aglm_args *a, const aglm_lm *lm, const aglm_generated *g)
{
    if (aglm_args_flag(a, "explain"))
        explain(g);
    if (aglm_args_flag(a, "json"))
        return put_json(a, lm, &g->answer);
    return printf("%s\n", g->answer.text.data) < 0 ? AGLM_IO : AGLM_OK;
}

/* --auto */
static aglm_rc choose_and_generate(const aglm_args *a, aglm_lm *lm, const struct request *q,
                                   aglm_error *err)
{
    char path[4096];
    const char *task = aglm_args_text(a, "task", NULL),
               *presets = aglm_args_text(a, "presets", NULL);
    aglm_prompt_task wanted = AGLM_PROMPT_TEXT_GENERATION;
    aglm_generator_options o;
    aglm_generator *g = NULL;
    aglm_generated out;

    aglm_generator_options_init(&o);
    aglm_generated_init(&out);
    o.seed = q->decoding.seed;
    o.raw = aglm_args_flag(a, "raw");
    o.settings = path;
    aglm_rc rc = settings_path(a, path, sizeof path, err);
    if (rc == AGLM_OK && task && !aglm_prompt_task_from_name(task, &wanted))
        rc = aglm_error_set(err, AGLM_INVALID, "--task: there is no task %s; there are %s", task,
                            aglm_prompt_task_names());
    if (rc == AGLM_OK)
        rc = aglm_generator_new(&g, lm, &o, err);
    if (rc == AGLM_OK && presets)
        rc = aglm_generator_presets(g, presets, err);
    const aglm_generator_request r = {.prompt = q->r.prompt,
                                      .task = task ? &wanted : NULL,
                                      .limit_s = q->r.limit_s,
                                      .max_tokens = aglm_args_number(a, "max-tokens", 0)};
    if (rc == AGLM_OK)
        rc = aglm_generator_run(g, &r, &out, err);
    if (rc == AGLM_OK)
        rc = put_generated(a, lm, &out);
    aglm_generated_clear(&out);
    aglm_generator_free(g);
    return rc;
}

static aglm_rc check_schema(const aglm_args *a, struct request *q, const aglm_lm_answer *answer,
                            aglm_error *err)
{
    aglm_error why;
    aglm_rc rc = aglm_answer_schema_check(&q->schema, answer, &why, err);

    if (aglm_args_flag(a, "explain") && q->schema.without.msg[0])
        fprintf(stderr, "schema: checked, but not drawn by: %s\n", q->schema.without.msg);
    q->missed = rc == AGLM_OK && why.msg[0];
    if (q->missed)
        fprintf(stderr, "autoglm generate: the answer does not keep to the schema: %s\n", why.msg);
    return rc;
}

/* The settings that were given, and no others. */
static aglm_rc say(const aglm_args *a, aglm_lm *lm, struct request *q, aglm_error *err)
{
    aglm_generator_options o;
    aglm_generator *g = NULL;
    aglm_lm_answer answer;
    aglm_str prompt;
    bool json = aglm_args_flag(a, "json");

    aglm_lm_answer_init(&answer);
    aglm_str_init(&prompt, 2 * MAX_PROMPT);
    aglm_generator_options_init(&o);
    o.raw = !aglm_args_flag(a, "chat");
    aglm_rc rc = aglm_generator_new(&g, lm, &o, err);
    if (rc == AGLM_OK)
        rc = aglm_generator_prompt(g, q->r.prompt, &prompt, err);
    q->r.prompt = prompt.data;
    q->r.on_piece = json ? NULL : on_piece;
    if (rc == AGLM_OK)
        rc = aglm_answer_schema_generate(&q->schema, lm, &q->r, &answer, err);
    if (rc == AGLM_OK && json)
        rc = put_json(a, lm, &answer);
    else if (rc == AGLM_OK)
        putchar('\n');
    if (rc == AGLM_OK)
        rc = check_schema(a, q, &answer, err);
    aglm_generator_free(g);
    aglm_str_clear(&prompt);
    aglm_lm_answer_clear(&answer);
    return rc;
}

static aglm_rc generate(const aglm_args *a, struct request *q, aglm_error *err)
{
    aglm_lm *lm = NULL;
    aglm_rc rc = aglm_cli_model_open(a, &lm, err);

    if (rc == AGLM_OK && aglm_args_flag(a, "auto"))
        rc = choose_and_generate(a, lm, q, err);
    else if (rc == AGLM_OK)
        rc = say(a, lm, q, err);
    if (lm && aglm_args_flag(a, "explain"))
        aglm_cli_usage_tell(a, lm);
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
                     : aglm_error_set(&err, AGLM_INVALID,
                                      "--model is missing: a GGUF file, or a name at --url");

    if (rc == AGLM_OK && aglm_args_given(a, "schema") && aglm_args_flag(a, "auto"))
        rc = aglm_error_set(&err, AGLM_INVALID, "--schema does not go with --auto");
    if (rc == AGLM_OK)
        rc = aglm_answer_schema_read(&q.schema, aglm_args_text(a, "schema", NULL), &err);
    if (rc == AGLM_OK)
        rc = read_prompt(a, &prompt, &err);
    q.r.prompt = prompt;
    if (rc == AGLM_OK)
        rc = generate(a, &q, &err);
    free(prompt);
    aglm_answer_schema_clear(&q.schema);
    if (rc != AGLM_OK)
        return aglm_cli_fail(a, rc, &err);
    return q.missed ? AGLM_EXIT_BAR : AGLM_EXIT_OK;
}

const aglm_command aglm_command_generate = {
    .name = "generate",
    .operands = "[PROMPT|-]",
    .operands_min = 0,
    .operands_max = 1,
    .summary = "let a language model go on from a prompt",
    .about =
        "Runs a GGUF file with llama.cpp and prints the text as it comes. The prompt is taken as it stands (--chat: in the\n"
        "model's chat template), or from standard input. With --url an OpenAI-compatible service (GLM, OpenAI, vLLM, llama-server) is asked\n"
        "instead, the prompt being one message of the user; its key is read from the environment.",
    .options = OPTIONS,
    .n_options = sizeof OPTIONS / sizeof *OPTIONS,
    .examples =
        "  autoglm generate --model smol.gguf --auto --explain 'Write a haiku about rain.'\n"
        "  autoglm generate --model smol.gguf -n 40 'The capital of France is'\n"
        "  autoglm generate --model smol.gguf --chat --schema city.json 'A city, as JSON.'\n"
        "  autoglm generate --url http://localhost:8000/v1 --model glm-4-9b 'Tell a joke.'\n"
        "  autoglm generate --url https://open.bigmodel.cn --model glm-4-flash --explain \\\n"
        "      --price-prompt 0.1 --price-answer 0.1 --requests-per-minute 30 'Tell a joke.'",
    .run = run,
};
