/* prompt: what a bundle asks its language model, and prompt templates with their variables filled.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "autoglm/prompt.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "lm/prompt_view.h"
#include "tune/bundle.h"

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

typedef struct prompted {
    aglm_bundle *bundle;
    const aglm_member *member;
    size_t number;
    aglm_prompt_view view;
} prompted;

/* ---- a bundle ---- */

static void list_learners(const aglm_bundle *b, aglm_str *out)
{
    for (size_t i = 0; i < b->n_members; i++)
        aglm_str_printf(out, "%s%s", i ? ", " : "", b->members[i].model->ops->name);
}

static aglm_rc no_prompt(const prompted *p, const char *dir, int64_t wanted, aglm_error *err)
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

static aglm_rc open_prompted(prompted *p, const aglm_args *a, aglm_error *err)
{
    aglm_prompt_view view;
    int64_t wanted = aglm_args_number(a, "member", -1);
    aglm_rc rc = aglm_bundle_load(&p->bundle, a->operands[1], err);

    for (size_t i = 0; rc == AGLM_OK && i < p->bundle->n_members; i++) {
        const aglm_member *m = &p->bundle->members[i];
        bool heavier = !p->member || m->weight > p->member->weight;
        if (!(wanted < 0 ? heavier : wanted == (int64_t)i) || !aglm_prompt_view_of(m->model, &view))
            continue;
        p->member = m;
        p->number = i;
        p->view = view;
    }
    if (rc == AGLM_OK && !p->member)
        rc = no_prompt(p, a->operands[1], wanted, err);
    return rc;
}

static aglm_rc print(const aglm_str *s, aglm_error *err)
{
    if (s->rc != AGLM_OK)
        return aglm_error_set(err, s->rc, "the output: %s", aglm_rc_text(s->rc));
    fwrite(s->data, 1, s->len, stdout);
    putchar('\n');
    return AGLM_OK;
}

/* ---- show ---- */

static void put_words(const prompted *p, aglm_json_writer *w)
{
    aglm_json_key(w, "labels");
    aglm_json_open_array(w);
    for (size_t i = 0; i < p->view.n_labels; i++) {
        aglm_json_open_object(w);
        aglm_json_member_text(w, "label", p->bundle->labels[i]);
        aglm_json_member_text(w, "words", p->view.words[i]);
        aglm_json_member_double(w, "bias", p->view.bias[i]);
        aglm_json_close_object(w);
    }
    aglm_json_close_array(w);
}

static aglm_rc show_json(const prompted *p, aglm_error *err)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, MAX_OUTPUT);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_member_int(&w, "member", (int64_t)p->number);
    aglm_json_member_double(&w, "weight", p->member->weight);
    aglm_json_member_int(&w, "trial", p->member->trial);
    aglm_json_member_text(&w, "model", p->view.file);
    aglm_json_member_int(&w, "model_bytes", (int64_t)p->view.file_bytes);
    aglm_json_key(&w, "parameters");
    aglm_json_put_parsed(&w, p->member->params_json, strlen(p->member->params_json));
    aglm_json_member_text(&w, "prefix", p->view.prefix);
    aglm_json_member_text(&w, "before", p->view.before);
    aglm_json_member_text(&w, "after", p->view.after);
    aglm_json_member_int(&w, "max_chars", (int64_t)p->view.max_chars);
    aglm_json_member_text(&w, "score", p->view.mean ? "mean" : "sum");
    put_words(p, &w);
    aglm_json_close_object(&w);
    aglm_rc rc = print(&s, err);
    aglm_str_clear(&s);
    return rc;
}

/* Line ends stay; other control characters are shown, so that a prompt cannot speak to the
 * terminal. */
static void say_lines(const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        aglm_terminal_text(stdout, text, n);
        text += n;
        if (*text) {
            putchar('\n');
            text++;
        }
    }
}

static void say_parameters(const char *json)
{
    aglm_json_doc *doc = NULL;
    const char *name;

    printf("parameters   ");
    if (aglm_json_parse(&doc, json, strlen(json), NULL, NULL) == AGLM_OK) {
        aglm_json_iter it = aglm_json_iterate(aglm_json_root(doc));
        for (const aglm_json *v; (v = aglm_json_next(&it, &name));) {
            const char *text = aglm_json_string(v, NULL);
            if (text)
                printf("%s=%s ", name, text);
            else
                printf("%s=%g ", name, aglm_json_double(v, (double)NAN));
        }
    }
    putchar('\n');
    aglm_json_free(doc);
}

static void say(const prompted *p)
{
    const aglm_prompt_view *v = &p->view;

    printf("model        ");
    aglm_terminal_text(stdout, v->file, strlen(v->file));
    printf(" (%.1f MB)\nmember       %zu of %zu, weight %.3f, trial %lld\n",
           1e-6 * (double)v->file_bytes, p->number, p->bundle->n_members, p->member->weight,
           (long long)p->member->trial);
    say_parameters(p->member->params_json);
    printf("answer       the label whose words are likeliest after the prompt, by the %s of their\n"
           "             tokens' log-probabilities plus the label's bias\n",
           v->mean ? "mean" : "sum");
    for (size_t i = 0; i < v->n_labels; i++) {
        fputs(i ? "             " : "words        ", stdout);
        aglm_terminal_cell(stdout, p->bundle->labels[i], 20, false);
        fputs(" \"", stdout);
        aglm_terminal_text(stdout, v->words[i], strlen(v->words[i]));
        printf("\" %+.3f\n", v->bias[i]);
    }
    printf("text         on one line, its first %llu characters\n\n",
           (unsigned long long)v->max_chars);
    say_lines(v->prefix);
    say_lines(v->before);
    fputs("{text}", stdout);
    say_lines(v->after);
    putchar('\n');
}

static aglm_rc show(const aglm_args *a, aglm_error *err)
{
    prompted p = {0};
    aglm_rc rc = a->n_operands == 2
                     ? open_prompted(&p, a, err)
                     : aglm_error_set(err, AGLM_INVALID, "usage: autoglm prompt show BUNDLE");

    if (rc == AGLM_OK && aglm_args_flag(a, "json"))
        rc = show_json(&p, err);
    else if (rc == AGLM_OK)
        say(&p);
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

static aglm_rc render_json(const prompted *p, const aglm_str *item, aglm_error *err)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, MAX_OUTPUT);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "prefix", p->view.prefix);
    aglm_json_key(&w, "prompt");
    aglm_json_put_string(&w, item->data, item->len);
    aglm_json_key(&w, "answers");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < p->view.n_labels; i++)
        aglm_json_put_text(&w, p->view.words[i]);
    aglm_json_close_array(&w);
    aglm_json_close_object(&w);
    aglm_rc rc = print(&s, err);
    aglm_str_clear(&s);
    return rc;
}

static aglm_rc render_bundle(const aglm_args *a, aglm_error *err)
{
    prompted p = {0};
    char *text = NULL;
    size_t n = 0;
    aglm_str item;
    bool json = aglm_args_flag(a, "json");
    aglm_rc rc = open_prompted(&p, a, err);

    aglm_str_init(&item, MAX_OUTPUT);
    if (rc == AGLM_OK)
        rc = read_text(a, &text, &n, err);
    if (rc == AGLM_OK && !json)
        aglm_str_puts(&item, p.view.prefix);
    if (rc == AGLM_OK) {
        aglm_prompt_view_item(p.member->model, text, n, &item);
        rc = json ? render_json(&p, &item, err) : print(&item, err);
    }
    aglm_str_clear(&item);
    free(text);
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
    if (a->n_operands != 2)
        return aglm_error_set(err, AGLM_INVALID,
                              "usage: autoglm prompt render BUNDLE [--text TEXT], or render "
                              "--template FILE NAME=VALUE...");
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
    .operands = "show|render [BUNDLE | NAME=VALUE...]",
    .operands_min = 1,
    .operands_max = AGLM_OPERANDS_MAX,
    .summary = "show what a bundle asks its language model",
    .about =
        "show BUNDLE prints the prompt of a bundle that tune --model made: instruction, examples, the words of the\n"
        "labels, and how they are scored. render BUNDLE prints what exactly the language model gets for one text.\n"
        "render --template FILE NAME=VALUE... fills a template of your own: text with {name}, or Jinja2.",
    .options = OPTIONS,
    .n_options = sizeof OPTIONS / sizeof *OPTIONS,
    .examples = "  autoglm prompt show reviews.bundle\n"
                "  autoglm prompt render reviews.bundle --text 'the room was clean'\n"
                "  autoglm prompt render --template ask.txt question='Why is the sky blue?'",
    .run = run,
};
