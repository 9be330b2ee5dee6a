#include "job/template.h"

#include <math.h>
#include <string.h>

#define MAX_WORD (1u << 20)

/* ---- placeholders ---- */

static bool is_name(char c)
{
    return (unsigned char)c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' || c == '/';
}

/* Length of the name in "{name}" at s, 0 when that stands not there. */
static size_t name_at(const char *s)
{
    size_t n = 0;

    if (*s != '{')
        return 0;
    while (is_name(s[1 + n]))
        n++;
    return s[1 + n] == '}' ? n : 0;
}

static int find_param(const aglm_space *space, const char *name, size_t n)
{
    for (size_t i = 0; i < space->n; i++) {
        if (strlen(space->params[i].name) == n && strncmp(space->params[i].name, name, n) == 0)
            return (int)i;
    }
    return -1;
}

static bool is_escaped(const char *s)
{
    return s[0] == '{' && name_at(s + 1) > 0 && s[name_at(s + 1) + 3] == '}';
}

static aglm_rc check_word(const aglm_space *space, const char *word, bool *used, aglm_error *err)
{
    for (const char *s = word; *s; s++) {
        if (is_escaped(s)) {
            s += name_at(s + 1) + 3;
            continue;
        }
        size_t n = name_at(s);
        int at = n ? find_param(space, s + 1, n) : -1;
        if (n && at < 0)
            return aglm_error_set(err, AGLM_INVALID,
                                  "{%.*s} in the command is no parameter of the space; write "
                                  "{{%.*s}} for the text itself",
                                  (int)(n > 60 ? 60 : n), s + 1, (int)(n > 60 ? 60 : n), s + 1);
        if (n)
            used[at] = true;
        s += n ? n + 1 : 0;
    }
    return AGLM_OK;
}

aglm_rc aglm_template_check(const aglm_space *space, const aglm_template *t, const char **unused,
                            aglm_error *err)
{
    bool used[AGLM_SPACE_MAX] = {false};
    bool any = false;
    const char *first = NULL;

    for (size_t i = 0; i < t->n; i++) {
        aglm_rc rc = check_word(space, t->words[i], used, err);
        if (rc != AGLM_OK)
            return rc;
    }
    for (size_t i = space->n; i-- > 0;) {
        any = any || used[i];
        if (!used[i])
            first = space->params[i].name;
    }
    if (unused)
        *unused = any ? first : NULL;
    return AGLM_OK;
}

/* ---- values ---- */

static aglm_rc put_number(double v, aglm_str *out)
{
    char text[40];

    if (v == floor(v) && fabs(v) < 1e15)
        return aglm_str_printf(out, "%.0f", v + 0.0);
    aglm_double_format(text, v);
    return aglm_str_puts(out, text);
}

aglm_rc aglm_template_value(const aglm_dist *d, double value, aglm_str *out)
{
    if (d->kind != AGLM_DIST_CHOICE)
        return put_number(value, out);
    const aglm_choice *c = &d->choices[(size_t)value];
    switch (c->kind) {
    case AGLM_CHOICE_NULL:
        return aglm_str_puts(out, "null");
    case AGLM_CHOICE_BOOL:
        return aglm_str_puts(out, c->number != 0.0 ? "true" : "false");
    case AGLM_CHOICE_INT:
    case AGLM_CHOICE_FLOAT:
        return put_number(c->number, out);
    case AGLM_CHOICE_TEXT:
        return aglm_str_puts(out, c->text);
    }
    return AGLM_OK;
}

struct filled {
    bool inactive; /* a parameter of the word has no value */
    bool whole;    /* the word is one placeholder and nothing else */
};

static aglm_rc fill_word(const aglm_space *space, const double *x, const char *word, aglm_str *out,
                         struct filled *f)
{
    size_t first = name_at(word);

    *f = (struct filled){.whole = first > 0 && word[first + 2] == '\0'};
    aglm_str_reset(out);
    for (const char *s = word; *s; s++) {
        if (is_escaped(s)) {
            size_t n = name_at(s + 1) + 2;
            aglm_str_append(out, s + 1, n);
            s += n + 1;
            continue;
        }
        size_t n = name_at(s);
        int at = n ? find_param(space, s + 1, n) : -1;
        if (at < 0) {
            aglm_str_putc(out, *s);
            continue;
        }
        if (isnan(x[at]))
            f->inactive = true;
        else
            aglm_template_value(&space->params[at].dist, x[at], out);
        s += n + 1;
    }
    return out->rc;
}

aglm_rc aglm_template_fill(const aglm_space *space, const double *x, const aglm_template *t,
                           aglm_arena *a, char ***argv, aglm_error *err)
{
    struct filled f;
    aglm_str text;
    size_t used = 0;
    aglm_rc rc = AGLM_OK;

    aglm_str_init(&text, MAX_WORD);
    *argv = aglm_arena_array(a, t->n + 1, sizeof **argv);
    if (!*argv)
        rc = AGLM_NOMEM;
    for (size_t i = 0; rc == AGLM_OK && i < t->n; i++) {
        rc = fill_word(space, x, t->words[i], &text, &f);
        if (rc == AGLM_OK && f.inactive) {
            bool option = f.whole && i > 0 && used > 0 && t->words[i - 1][0] == '-';
            used -= option ? 1 : 0;
            continue;
        }
        if (rc == AGLM_OK && !((*argv)[used++] = aglm_arena_strndup(a, text.data, text.len)))
            rc = AGLM_NOMEM;
    }
    aglm_str_clear(&text);
    if (rc == AGLM_OK && used == 0)
        return aglm_error_set(err, AGLM_INVALID, "the command is empty for this point");
    return rc == AGLM_OK ? rc : aglm_error_set(err, rc, "a command: %s", aglm_rc_text(rc));
}
