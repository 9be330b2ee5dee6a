#include "autoglm/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lm/jinja.h"

#define MAX_PROMPT ((size_t)1 << 26)
#define MAX_VARIABLES 1000
#define MAX_LISTED 200

struct aglm_prompt_template {
    aglm_jinja *jinja;
    char **names;
    size_t n;
};

/* The names for a message: "a, b, c", cut where there are many. */
static void list_names(const aglm_prompt_template *t, char out[MAX_LISTED])
{
    size_t len = 0;

    snprintf(out, MAX_LISTED, "%s", t->n ? t->names[0] : "none");
    for (size_t i = 1; i < t->n; i++) {
        len = strlen(out);
        snprintf(out + len, MAX_LISTED - len, ", %s", t->names[i]);
    }
}

static size_t find_name(const aglm_prompt_template *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->names[i], name) == 0)
            return i;
    return SIZE_MAX;
}

static aglm_rc check_variable(void *arg, const char *name, unsigned line, unsigned column,
                              aglm_error *err)
{
    const aglm_prompt_template *t = arg;
    char names[MAX_LISTED];

    if (find_name(t, name) != SIZE_MAX)
        return AGLM_OK;
    list_names(t, names);
    return aglm_error_set(err, AGLM_INVALID,
                          "template line %u, column %u: unknown variable '%.100s'; the input "
                          "variables are: %s",
                          line, column, name, names);
}

static bool name_byte(char c, bool first)
{
    return c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c & 0x80) ||
           (!first && c >= '0' && c <= '9');
}

/* The length of the name in "{name}" at s, 0 when it is another brace. */
static size_t braced_name(const char *s)
{
    size_t n = 1;

    if (s[0] != '{' || !name_byte(s[1], true))
        return 0;
    while (name_byte(s[n], false))
        n++;
    return s[n] == '}' ? n - 1 : 0;
}

/* {variable} as {{variable}}. Nothing else of it can be a tag, and a last newline, which Jinja2
 * drops, is doubled. */
static aglm_rc translate(const char *text, aglm_str *out)
{
    size_t len = strlen(text);

    for (size_t at = 0; at < len;) {
        size_t n = braced_name(text + at);
        if (n) {
            aglm_str_puts(out, "{{");
            aglm_str_append(out, text + at + 1, n);
            aglm_str_puts(out, "}}");
            at += n + 2;
        } else {
            aglm_str_putc(out, text[at++]);
        }
    }
    if (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        aglm_str_putc(out, '\n');
    return out->rc;
}

static bool is_jinja(const char *text)
{
    return strstr(text, "{{") || strstr(text, "{%") || strstr(text, "{#");
}

static aglm_rc no_memory(aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "no memory for a prompt template");
}

static aglm_rc copy_names(aglm_prompt_template *t, const char *const *names, size_t n,
                          aglm_error *err)
{
    if (n > MAX_VARIABLES)
        return aglm_error_set(err, AGLM_LIMIT, "%zu input variables; at most %d are taken", n,
                              MAX_VARIABLES);
    t->names = aglm_calloc(n, sizeof *t->names);
    for (size_t i = 0; t->names && i < n; i++) {
        t->names[i] = aglm_strndup(names[i], strlen(names[i]));
        if (!t->names[i])
            return no_memory(err);
        t->n++;
    }
    return t->names ? AGLM_OK : no_memory(err);
}

static aglm_rc parse(aglm_prompt_template *t, const char *text, aglm_error *err)
{
    aglm_str jinja;
    aglm_rc rc = AGLM_OK;

    if (is_jinja(text))
        return aglm_jinja_new(&t->jinja, text, strlen(text), err);
    aglm_str_init(&jinja, MAX_PROMPT);
    rc = translate(text, &jinja);
    if (rc)
        aglm_error_set(err, rc, "a prompt template too long, or no memory");
    else
        rc = aglm_jinja_new(&t->jinja, jinja.data, jinja.len, err);
    aglm_str_clear(&jinja);
    return rc;
}

/* Before the translation, so that the place is the user's own. */
static aglm_rc check_simple(const aglm_prompt_template *t, const char *text, aglm_error *err)
{
    unsigned line = 1;
    unsigned column = 1;

    for (const char *at = text; *at; at++) {
        size_t n = braced_name(at);
        char *name = n ? aglm_strndup(at + 1, n) : NULL;
        if (n && !name)
            return no_memory(err);
        aglm_rc rc = n ? check_variable((void *)(uintptr_t)t, name, line, column, err) : AGLM_OK;
        free(name);
        if (rc)
            return rc;
        line += *at == '\n';
        column = *at == '\n' ? 1 : column + ((*at & 0xC0) != 0x80);
    }
    return AGLM_OK;
}

aglm_rc aglm_prompt_template_new(aglm_prompt_template **out, const char *text,
                                 const char *const *input_variables, size_t n, aglm_error *err)
{
    aglm_prompt_template *t = aglm_calloc(1, sizeof *t);

    *out = NULL;
    if (!t)
        return no_memory(err);
    aglm_rc rc = copy_names(t, input_variables, n, err);
    if (!rc && !is_jinja(text))
        rc = check_simple(t, text, err);
    if (!rc)
        rc = parse(t, text, err);
    if (!rc)
        rc = aglm_jinja_variables(t->jinja, check_variable, t, err);
    if (rc)
        aglm_prompt_template_free(t);
    else
        *out = t;
    return rc;
}

void aglm_prompt_template_free(aglm_prompt_template *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        free(t->names[i]);
    free(t->names);
    aglm_jinja_free(t->jinja);
    free(t);
}

static const char *value_of(const aglm_prompt_value *values, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(values[i].name, name) == 0)
            return values[i].value;
    return NULL;
}

static aglm_rc put_values(const aglm_prompt_template *t, const aglm_prompt_value *values, size_t n,
                          aglm_str *to, aglm_error *err)
{
    aglm_json_writer w;
    char names[MAX_LISTED];

    list_names(t, names);
    for (size_t i = 0; i < n; i++)
        if (find_name(t, values[i].name) == SIZE_MAX)
            return aglm_error_set(err, AGLM_INVALID,
                                  "a value for '%.100s', which is no input variable; they are: %s",
                                  values[i].name, names);
    aglm_json_writer_init(&w, to);
    aglm_json_open_object(&w);
    for (size_t i = 0; i < t->n; i++) {
        const char *value = value_of(values, n, t->names[i]);
        if (!value)
            return aglm_error_set(err, AGLM_INVALID, "no value for the input variable '%.100s'",
                                  t->names[i]);
        aglm_json_member_text(&w, t->names[i], value);
    }
    aglm_json_close_object(&w);
    return to->rc ? aglm_error_set(err, to->rc, "the values of a prompt are too long, or no memory")
                  : AGLM_OK;
}

static aglm_rc render(const aglm_prompt_template *t, const aglm_str *vars, char **out,
                      aglm_error *err)
{
    const aglm_jinja_options options = {.strict = true};
    aglm_json_doc *doc = NULL;
    aglm_str text;
    aglm_rc rc = aglm_json_parse(&doc, vars->data, vars->len,
                                 &(aglm_json_options){.origin = "prompt values"}, err);

    aglm_str_init(&text, MAX_PROMPT);
    if (!rc)
        rc = aglm_jinja_render(t->jinja, aglm_json_root(doc), &options, &text, err);
    if (!rc)
        *out = text.len ? aglm_str_take(&text) : aglm_strndup("", 0);
    if (!rc && !*out)
        rc = no_memory(err);
    aglm_json_free(doc);
    aglm_str_clear(&text);
    return rc;
}

aglm_rc aglm_prompt_template_execute(const aglm_prompt_template *t, const aglm_prompt_value *values,
                                     size_t n, char **out, aglm_error *err)
{
    aglm_str vars;

    *out = NULL;
    aglm_str_init(&vars, MAX_PROMPT);
    aglm_rc rc = put_values(t, values, n, &vars, err);
    if (!rc)
        rc = render(t, &vars, out, err);
    aglm_str_clear(&vars);
    return rc;
}
