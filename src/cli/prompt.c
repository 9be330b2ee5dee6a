/* prompt: what a bundle asks its language model, and prompt templates with their variables filled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "autoglm/prompt.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/prompt.h"
#include "lm/answerer.h"

#define MAX_TEXT ((size_t)16 << 20)
#define MAX_OUTPUT ((size_t)64 << 20)

static const aglm_option OPTIONS[] = {
    {"text", 0, AGLM_OPTION_TEXT, "TEXT",
     "of render: the text that is asked about; default: standard input", NULL, 0, 0},
    {"template", 0, AGLM_OPTION_FILE, "FILE",
     "of render: fill this template instead, with the name=value that follow", NULL, 0, 0},
    {"member", 0, AGLM_OPTION_INT, "N",
     "the model of the bundle; default: the heaviest that has a prompt", NULL, 0,
     AGLM_BUNDLE_MAX_MEMBERS - 1},
    {"json", 0, AGLM_OPTION_FLAG, NULL, "print one JSON object", NULL, 0, 0},
};

/* ---- a bundle ---- */

static void list_learners(const aglm_bundle *b, aglm_str *out)
{
    for (size_t i = 0; i < b->n_members; i++)
        aglm_str_printf(out, "%s%s", i ? ", " : "", b->members[i].model->ops->name);
}

static aglm_rc no_prompt(const aglm_cli_prompt *p, const char *dir, int64_t wanted, aglm_error *err)
{
    aglm_str learners;

    if (wanted >= (int64_t)p->bundle->n_members)
        return aglm_error_set(err, AGLM_NOTFOUND, "%s: it has no model %lld, but 0 to %zu", dir,
                              (long long)wanted, p->bundle->n_members - 1);

    aglm_str_init(&learners, 1000);
    list_learners(p->bundle, &learners);
    aglm_rc rc = aglm_error_set(err, AGLM_NOTFOUND,
                                "%s: no prompt there: its models are: %s (autoglm tune --model "
                                "FILE makes bundles with one)",
                                dir, learners.data);
    aglm_str_clear(&learners);
    return rc;
}

/* What member i asks, if it asks a language model. */
static bool look_at(aglm_cli_prompt *p, size_t i)
{
    const aglm_member *m = &p->bundle->members[i];
    bool labels = aglm_prompt_view_of(m->model, &p->labels),
         texts = !labels && aglm_answer_view_of(m->model, &p->answers);

    if (!labels && !texts)
        return false;
    p->member = m;
    p->number = i;
    p->texts = texts;
    return true;
}

static aglm_rc open_prompt(aglm_cli_prompt *p, const aglm_args *a, aglm_error *err)
{
    int64_t wanted = aglm_args_number(a, "member", -1);
    aglm_rc rc = aglm_bundle_load(&p->bundle, a->operands[1], err);

    for (size_t i = 0; rc == AGLM_OK && i < p->bundle->n_members; i++) {
        bool heavier = !p->member || p->bundle->members[i].weight > p->member->weight;
        if (wanted < 0 ? heavier : wanted == (int64_t)i)
            look_at(p, i);
    }
    if (rc == AGLM_OK && !p->member)
        rc = no_prompt(p, a->operands[1], wanted, err);
    return rc;
}

static aglm_rc show(const aglm_args *a, aglm_error *err)
{
    aglm_cli_prompt p = {0};
    aglm_rc rc = a->n_operands == 2
                     ? open_prompt(&p, a, err)
                     : aglm_error_set(err, AGLM_INVALID, "usage: autoglm prompt show BUNDLE");

    if (rc == AGLM_OK)
        rc = aglm_cli_prompt_show(&p, aglm_args_flag(a, "json"), err);
    aglm_bundle_free(p.bundle);
    return rc;
}

/* ---- render ---- */

/* --text, or standard input without the line end of its last line. */
static aglm_rc read_text(const aglm_args *a, char **out, size_t *n, aglm_error *err)
{
    const char *given = aglm_args_text(a, "text", NULL);

    if (given) {
        *n = strlen(given);
        *out = aglm_strndup(given, *n);
        return *out ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "no memory for the text");
    }
    if (isatty(STDIN_FILENO))
        return aglm_error_set(err, AGLM_INVALID, "give --text, or write it to standard input");
    aglm_rc rc = aglm_file_read("/dev/stdin", MAX_TEXT, out, n, err);
    if (rc == AGLM_OK && *n && (*out)[*n - 1] == '\n')
        *n -= *n > 1 && (*out)[*n - 2] == '\r' ? 2 : 1;
    return rc;
}

static aglm_rc print_prompt(const aglm_cli_prompt *p, const aglm_str *prefix,
                            const aglm_str *prompt, bool json, aglm_error *err)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, MAX_OUTPUT);
    if (!json) {
        aglm_str_append(&s, prefix->data, prefix->len);
        aglm_str_append(&s, prompt->data, prompt->len);
    } else {
        aglm_json_writer_init(&w, &s);
        aglm_json_open_object(&w);
        aglm_json_key(&w, "prefix");
        aglm_json_put_string(&w, prefix->data, prefix->len);
        aglm_json_key(&w, "prompt");
        aglm_json_put_string(&w, prompt->data, prompt->len);
        aglm_json_key(&w, "answers");
        aglm_json_open_array(&w);
        for (size_t i = 0; !p->texts && i < p->labels.n_labels; i++)
            aglm_json_put_text(&w, p->labels.words[i]);
        aglm_json_close_array(&w);
        aglm_json_close_object(&w);
    }
    aglm_rc rc = aglm_cli_prompt_print(&s, err);
    aglm_str_clear(&s);
    return rc;
}

static aglm_rc render_labels(const aglm_cli_prompt *p, const aglm_args *a, aglm_str *prefix,
                             aglm_str *prompt, aglm_error *err)
{
    char *text = NULL;
    size_t n = 0;
    aglm_rc rc = a->n_operands == 2
                     ? read_text(a, &text, &n, err)
                     : aglm_error_set(err, AGLM_INVALID, "the prompt has one text: give --text");

    aglm_str_puts(prefix, p->labels.prefix);
    if (rc == AGLM_OK)
        aglm_prompt_view_item(p->member->model, text, n, prompt);
    free(text);
    return rc;
}

/* The field's value among the operands NAME=VALUE. */
static const char *value_of(const aglm_args *a, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 2; i < a->n_operands; i++)
        if (strncmp(a->operands[i], name, n) == 0 && a->operands[i][n] == '=')
            return a->operands[i] + n + 1;
    return NULL;
}

/* Every field by its name; one alone also as a text. */
static aglm_rc read_fields(const aglm_answerer *r, const aglm_args *a, const char **fields,
                           char **text, aglm_error *err)
{
    size_t n = aglm_answerer_fields(r), len = 0;

    if (n == 1 && a->n_operands == 2) {
        aglm_rc rc = read_text(a, text, &len, err);
        if (rc == AGLM_OK)
            (*text)[len] = '\0';
        fields[0] = *text;
        return rc;
    }
    if (a->n_operands - 2 != n)
        return aglm_error_set(err, AGLM_INVALID, "the prompt has %zu fields: give %s=... and so on",
                              n, aglm_answerer_field(r, 0));
    for (size_t i = 0; i < n; i++)
        if (!(fields[i] = value_of(a, aglm_answerer_field(r, i))))
            return aglm_error_set(err, AGLM_INVALID, "no value for the field: give %s=...",
                                  aglm_answerer_field(r, i));
    return AGLM_OK;
}

static aglm_rc render_answers(const aglm_cli_prompt *p, const aglm_args *a, aglm_str *prefix,
                              aglm_str *prompt, aglm_error *err)
{
    const aglm_answerer *r = aglm_answerer_of(p->member->model);
    const char *fields[AGLM_EXAMPLE_FIELDS];
    char *text = NULL;
    aglm_asker *k = NULL;
    aglm_rc rc = read_fields(r, a, fields, &text, err);

    if (rc == AGLM_OK)
        rc = aglm_asker_new(&k, r, NULL, err); /* nothing is asked */
    if (rc == AGLM_OK)
        rc = aglm_asker_prompt(k, fields, prefix, prompt, err);
    aglm_asker_free(k);
    free(text);
    return rc;
}

static aglm_rc render_bundle(const aglm_args *a, aglm_error *err)
{
    aglm_cli_prompt p = {0};
    aglm_str prefix, prompt;
    aglm_rc rc = open_prompt(&p, a, err);

    aglm_str_init(&prefix, MAX_OUTPUT);
    aglm_str_init(&prompt, MAX_OUTPUT);
    if (rc == AGLM_OK)
        rc = p.texts ? render_answers(&p, a, &prefix, &prompt, err)
                     : render_labels(&p, a, &prefix, &prompt, err);
    if (rc == AGLM_OK)
        rc = print_prompt(&p, &prefix, &prompt, aglm_args_flag(a, "json"), err);
    aglm_str_clear(&prefix);
    aglm_str_clear(&prompt);
    aglm_bundle_free(p.bundle);
    return rc;
}

/* The operands as names, which are to be freed, and values. */
static aglm_rc split(const aglm_args *a, char *names[], aglm_prompt_value *values, aglm_error *err)
{
    for (size_t i = 1; i < a->n_operands; i++) {
        const char *equals = strchr(a->operands[i], '=');
        if (!equals || equals == a->operands[i])
            return aglm_error_set(err, AGLM_INVALID, "%s: expected NAME=VALUE", a->operands[i]);
        names[i - 1] = aglm_strndup(a->operands[i], (size_t)(equals - a->operands[i]));
        if (!names[i - 1])
            return aglm_error_set(err, AGLM_NOMEM, "no memory for the variables");
        values[i - 1] = (aglm_prompt_value){names[i - 1], equals + 1};
    }
    return AGLM_OK;
}

static aglm_rc fill(const char *path, char *const names[], const aglm_prompt_value *values,
                    size_t n, aglm_error *err)
{
    char *text = NULL, *filled = NULL;
    size_t len;
    aglm_prompt_template *t = NULL;
    aglm_rc rc = aglm_file_read(path, MAX_TEXT, &text, &len, err);

    if (rc == AGLM_OK && strlen(text) != len)
        rc = aglm_error_set(err, AGLM_FORMAT, "%s: byte %zu is a NUL: no text", path, strlen(text));
    if (rc == AGLM_OK) {
        rc = aglm_prompt_template_new(&t, text, (const char *const *)names, n, err);
        if (rc == AGLM_OK)
            rc = aglm_prompt_template_execute(t, values, n, &filled, err);
        if (rc != AGLM_OK)
            aglm_error_prefix(err, "%s", path);
    }
    if (rc == AGLM_OK)
        fputs(filled, stdout);
    free(filled);
    aglm_prompt_template_free(t);
    free(text);
    return rc;
}

static aglm_rc render_template(const aglm_args *a, const char *path, aglm_error *err)
{
    size_t n = a->n_operands - 1;
    char **names = aglm_calloc(n + 1, sizeof *names);
    aglm_prompt_value *values = aglm_calloc(n + 1, sizeof *values);
    aglm_rc rc = names && values ? split(a, names, values, err)
                                 : aglm_error_set(err, AGLM_NOMEM, "no memory for the variables");

    if (rc == AGLM_OK)
        rc = fill(path, names, values, n, err);
    for (size_t i = 0; names && i < n; i++)
        free(names[i]);
    free(names);
    free(values);
    return rc;
}

static aglm_rc render(const aglm_args *a, aglm_error *err)
{
    const char *path = aglm_args_text(a, "template", NULL);

    if (path)
        return render_template(a, path, err);
    if (a->n_operands < 2)
        return aglm_error_set(err, AGLM_INVALID,
                              "usage: autoglm prompt render BUNDLE [--text TEXT | NAME=VALUE...], "
                              "or render --template FILE NAME=VALUE...");
    return render_bundle(a, err);
}

static int run(const aglm_args *a)
{
    aglm_error err = {0};
    aglm_rc rc;

    if (strcmp(a->operands[0], "show") == 0)
        rc = show(a, &err);
    else if (strcmp(a->operands[0], "render") == 0)
        rc = render(a, &err);
    else
        rc = aglm_error_set(&err, AGLM_INVALID, "%s: there are show and render", a->operands[0]);
    return rc == AGLM_OK ? AGLM_EXIT_OK : aglm_cli_fail(a, rc, &err);
}

const aglm_command aglm_command_prompt = {
    .name = "prompt",
    .operands = "show|render [BUNDLE] [NAME=VALUE...]",
    .operands_min = 1,
    .operands_max = AGLM_OPERANDS_MAX,
    .summary = "show what a bundle asks its language model",
    .about =
        "show BUNDLE prints the prompt of a bundle that tune --model made: instruction, examples, the words of the\n"
        "labels, and how they are scored; where answers are texts, how long they may be. render BUNDLE prints what exactly\n"
        "the language model gets for one text, or for a field each: render BUNDLE context=... question=...\n"
        "render --template FILE NAME=VALUE... fills a template of your own: text with {name}, or Jinja2.",
    .options = OPTIONS,
    .n_options = sizeof OPTIONS / sizeof *OPTIONS,
    .examples = "  autoglm prompt show reviews.bundle\n"
                "  autoglm prompt render reviews.bundle --text 'the room was clean'\n"
                "  autoglm prompt render --template ask.txt question='Why is the sky blue?'",
    .run = run,
};
