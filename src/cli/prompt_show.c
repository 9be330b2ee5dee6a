/* prompt show: a prompt for a person, or as JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/prompt.h"
#include "cli/terminal.h"
#include "lm/answerer.h"

#define MAX_OUTPUT ((size_t)64 << 20)

aglm_rc aglm_cli_prompt_print(const aglm_str *s, aglm_error *err)
{
    if (s->rc != AGLM_OK)
        return aglm_error_set(err, s->rc, "the output: %s", aglm_rc_text(s->rc));
    fwrite(s->data, 1, s->len, stdout);
    putchar('\n');
    return AGLM_OK;
}

static void put_words(const aglm_cli_prompt *p, aglm_json_writer *w)
{
    aglm_json_key(w, "labels");
    aglm_json_open_array(w);
    for (size_t i = 0; i < p->labels.n_labels; i++) {
        aglm_json_open_object(w);
        aglm_json_member_text(w, "label", p->bundle->labels[i]);
        aglm_json_member_text(w, "words", p->labels.words[i]);
        aglm_json_member_double(w, "bias", p->labels.bias[i]);
        aglm_json_close_object(w);
    }
    aglm_json_close_array(w);
}

static void put_labels(const aglm_cli_prompt *p, aglm_json_writer *w)
{
    aglm_json_member_text(w, "model", p->labels.file);
    aglm_json_member_int(w, "model_bytes", (int64_t)p->labels.file_bytes);
    aglm_json_member_text(w, "prefix", p->labels.prefix);
    aglm_json_member_text(w, "before", p->labels.before);
    aglm_json_member_text(w, "after", p->labels.after);
    aglm_json_member_int(w, "max_chars", (int64_t)p->labels.max_chars);
    aglm_json_member_text(w, "score", p->labels.mean ? "mean" : "sum");
    put_words(p, w);
}

static void put_answers(const aglm_cli_prompt *p, const aglm_str *prefix, const aglm_str *question,
                        aglm_json_writer *w)
{
    const aglm_answer_view *v = &p->answers;

    aglm_json_member_text(w, "model", v->file);
    aglm_json_member_int(w, "model_bytes", (int64_t)v->file_bytes);
    aglm_json_member_text(w, "prefix", prefix->data);
    aglm_json_member_text(w, "question", question->data);
    aglm_json_member_int(w, "shots", (int64_t)v->shots);
    aglm_json_member_bool(w, "alike", v->alike);
    aglm_json_member_int(w, "max_chars", (int64_t)v->max_chars);
    aglm_json_member_int(w, "max_tokens", (int64_t)v->max_tokens);
    aglm_json_key(w, "stop");
    aglm_json_open_array(w);
    for (size_t i = 0; i < v->n_stop; i++)
        aglm_json_put_text(w, v->stop[i]);
    aglm_json_close_array(w);
}

static aglm_rc show_json(const aglm_cli_prompt *p, const aglm_str *prefix, const aglm_str *question,
                         aglm_error *err)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, MAX_OUTPUT);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_member_int(&w, "member", (int64_t)p->number);
    aglm_json_member_double(&w, "weight", p->member->weight);
    aglm_json_member_int(&w, "trial", p->member->trial);
    aglm_json_key(&w, "parameters");
    aglm_json_put_parsed(&w, p->member->params_json, strlen(p->member->params_json));
    if (p->texts)
        put_answers(p, prefix, question, &w);
    else
        put_labels(p, &w);
    aglm_json_close_object(&w);
    aglm_rc rc = aglm_cli_prompt_print(&s, err);
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

static void say_member(const aglm_cli_prompt *p, const char *file, uint64_t bytes)
{
    printf("model        ");
    aglm_terminal_text(stdout, file, strlen(file));
    printf(" (%.1f MB)\nmember       %zu of %zu, weight %.3f, trial %lld\n", 1e-6 * (double)bytes,
           p->number, p->bundle->n_members, p->member->weight, (long long)p->member->trial);
    say_parameters(p->member->params_json);
}

static void say_labels(const aglm_cli_prompt *p)
{
    const aglm_prompt_view *v = &p->labels;

    say_member(p, v->file, v->file_bytes);
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

static void say_answers(const aglm_cli_prompt *p, const aglm_str *prefix, const aglm_str *question)
{
    const aglm_answer_view *v = &p->answers;

    say_member(p, v->file, v->file_bytes);
    printf("answer       the likeliest tokens, at most %llu", (unsigned long long)v->max_tokens);
    for (size_t i = 0; i < v->n_stop; i++) {
        fputs(i ? ", \"" : ", until \"", stdout);
        aglm_terminal_text(stdout, v->stop[i], strlen(v->stop[i]));
        putchar('"');
    }
    printf("\nfields       %llu characters of each\n\n", (unsigned long long)v->max_chars);
    say_lines(prefix->data);
    if (v->alike)
        printf("[here the %llu of %zu examples that are most like what is asked]\n",
               (unsigned long long)v->shots, v->n_pool);
    say_lines(question->data);
    putchar('\n');
}

/* Where they are the same for every question the examples too. */
static aglm_rc put_prefix(const aglm_cli_prompt *p, aglm_str *out, aglm_error *err)
{
    const aglm_answerer *a = aglm_answerer_of(p->member->model);
    const char *fields[AGLM_EXAMPLE_FIELDS];
    aglm_asker *k = NULL;
    aglm_str question;

    if (p->answers.alike)
        return aglm_str_puts(out, p->answers.head);
    for (size_t i = 0; i < AGLM_EXAMPLE_FIELDS; i++)
        fields[i] = "";
    aglm_str_init(&question, MAX_OUTPUT);
    aglm_rc rc = aglm_asker_new(&k, a, NULL, err); /* nothing is asked */
    if (rc == AGLM_OK)
        rc = aglm_asker_prompt(k, fields, out, &question, err);
    aglm_asker_free(k);
    aglm_str_clear(&question);
    return rc;
}

aglm_rc aglm_cli_prompt_show(const aglm_cli_prompt *p, bool json, aglm_error *err)
{
    aglm_str prefix, question;
    aglm_rc rc = AGLM_OK;

    aglm_str_init(&prefix, MAX_OUTPUT);
    aglm_str_init(&question, MAX_OUTPUT);
    if (p->texts) {
        rc = put_prefix(p, &prefix, err);
        aglm_answer_view_question(p->member->model, &question);
    }
    if (rc == AGLM_OK && json)
        rc = show_json(p, &prefix, &question, err);
    else if (rc == AGLM_OK && p->texts)
        say_answers(p, &prefix, &question);
    else if (rc == AGLM_OK)
        say_labels(p);
    aglm_str_clear(&prefix);
    aglm_str_clear(&question);
    return rc;
}
