#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"

static const aglm_option COMMON[] = {
    {"help", 'h', AGLM_OPTION_FLAG, NULL, "show this help", NULL, 0, 0},
    {"quiet", 'q', AGLM_OPTION_FLAG, NULL, "print only results and errors", NULL, 0, 0},
    {"verbose", 'v', AGLM_OPTION_FLAG, NULL, "print more about what is done", NULL, 0, 0},
};

const aglm_option *aglm_option_at(const aglm_command *c, size_t i)
{
    size_t common = sizeof COMMON / sizeof *COMMON;

    if (i < c->n_options)
        return &c->options[i];
    return i - c->n_options < common ? &COMMON[i - c->n_options] : NULL;
}

static int find_long(const aglm_command *c, const char *name, size_t len)
{
    const aglm_option *o;

    for (size_t i = 0; (o = aglm_option_at(c, i)); i++)
        if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
            return (int)i;
    return -1;
}

static int find_letter(const aglm_command *c, char letter)
{
    const aglm_option *o;

    for (size_t i = 0; (o = aglm_option_at(c, i)); i++)
        if (o->letter == letter)
            return (int)i;
    return -1;
}

static bool is_word(const char *words, const char *text)
{
    size_t n = strlen(text);

    for (const char *s = words; *s; s += strcspn(s, "|"), s += *s == '|')
        if (strcspn(s, "|") == n && strncmp(s, text, n) == 0)
            return true;
    return false;
}

static aglm_rc read_int(const aglm_option *o, const char *text, int64_t *out, aglm_error *err)
{
    char *end = NULL;

    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno || end == text || *end || v < o->low || v > o->high)
        return aglm_error_set(err, AGLM_INVALID,
                              "--%s %.60s: expected a whole number from %lld to %lld", o->name,
                              text, (long long)o->low, (long long)o->high);
    *out = v;
    return AGLM_OK;
}

static aglm_rc read_value(const aglm_option *o, const char *text, int64_t *out, aglm_error *err)
{
    uint64_t v = 0;

    switch (o->kind) {
    case AGLM_OPTION_INT:
        return read_int(o, text, out, err);
    case AGLM_OPTION_DURATION:
        if (!aglm_duration_parse(text, &v) || v > INT64_MAX)
            return aglm_error_set(err, AGLM_INVALID,
                                  "--%s %.60s: expected a time above zero as 90s, 10m, 1h or 5ms",
                                  o->name, text);
        break;
    case AGLM_OPTION_SIZE:
        if (!aglm_size_parse(text, &v) || v == 0 || v > INT64_MAX)
            return aglm_error_set(err, AGLM_INVALID,
                                  "--%s %.60s: expected a size above zero as 500kB, 20MB or 2GiB",
                                  o->name, text);
        break;
    case AGLM_OPTION_WORD:
        if (!is_word(o->words, text))
            return aglm_error_set(err, AGLM_INVALID, "--%s %.60s: expected one of %s", o->name,
                                  text, o->words);
        break;
    case AGLM_OPTION_FLAG:
    case AGLM_OPTION_TEXT:
    case AGLM_OPTION_FILE:
        break;
    }
    *out = (int64_t)v;
    return AGLM_OK;
}

static aglm_rc set_option(aglm_args *out, int at, const char *text, aglm_error *err)
{
    const aglm_option *o = aglm_option_at(out->command, (size_t)at);

    if (out->n_given == AGLM_GIVEN_MAX)
        return aglm_error_set(err, AGLM_INVALID, "more than %d options", AGLM_GIVEN_MAX);
    out->given[out->n_given].option = (size_t)at;
    out->given[out->n_given++].text = text;
    out->text[at] = text;
    return o->kind == AGLM_OPTION_FLAG ? AGLM_OK : read_value(o, text, &out->number[at], err);
}

/* argv[*i] is an option: takes it with its value, leaving *i at the last argument used. */
static aglm_rc parse_option(aglm_args *out, int argc, char **argv, int *i, aglm_error *err)
{
    const char *arg = argv[*i];
    bool is_long = arg[1] == '-';
    const char *equals = is_long ? strchr(arg, '=') : NULL;
    size_t len = is_long ? (equals ? (size_t)(equals - arg) : strlen(arg)) - 2 : 1;
    int at = is_long ? find_long(out->command, arg + 2, len) : find_letter(out->command, arg[1]);

    if (at < 0)
        return aglm_error_set(err, AGLM_INVALID, "%.80s: no such option; see autoglm %s --help",
                              arg, out->command->name);
    const aglm_option *o = aglm_option_at(out->command, (size_t)at);
    if (o->kind == AGLM_OPTION_FLAG) {
        if (equals || (!is_long && arg[2]))
            return aglm_error_set(err, AGLM_INVALID, "%.80s: --%s takes no value", arg, o->name);
        return set_option(out, at, "", err);
    }
    if (equals)
        return set_option(out, at, equals + 1, err);
    if (!is_long && arg[2])
        return set_option(out, at, arg + 2, err);
    if (*i + 1 >= argc)
        return aglm_error_set(err, AGLM_INVALID, "--%s: %s is missing", o->name, o->value);
    return set_option(out, at, argv[++*i], err);
}

static bool is_negative(const char *arg)
{
    return arg[1] == '.' || (arg[1] >= '0' && arg[1] <= '9');
}

static aglm_rc check_operands(const aglm_args *a, aglm_error *err)
{
    const aglm_command *c = a->command;

    if (a->n_operands < c->operands_min)
        return aglm_error_set(err, AGLM_INVALID, "an argument is missing: autoglm %s %s", c->name,
                              c->operands);
    if (a->n_operands > c->operands_max)
        return aglm_error_set(err, AGLM_INVALID,
                              "\"%.80s\" is one argument too many: autoglm %s %s",
                              a->operands[c->operands_max], c->name, c->operands);
    return AGLM_OK;
}

aglm_rc aglm_args_parse(aglm_args *out, const aglm_command *c, int argc, char **argv, bool *help,
                        aglm_error *err)
{
    bool options = true;

    memset(out, 0, sizeof *out);
    out->command = c;
    *help = false;
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i];
        if (options && strcmp(arg, "--") == 0) {
            options = false;
            continue;
        }
        if (options && arg[0] == '-' && arg[1] && !is_negative(arg)) {
            aglm_rc rc = parse_option(out, argc, argv, &i, err);
            if (rc != AGLM_OK)
                return rc;
            continue;
        }
        if (out->n_operands == AGLM_OPERANDS_MAX)
            return aglm_error_set(err, AGLM_INVALID, "more than %d arguments", AGLM_OPERANDS_MAX);
        out->operands[out->n_operands++] = arg;
    }
    *help = aglm_args_flag(out, "help");
    return *help ? AGLM_OK : check_operands(out, err);
}

static size_t index_of(const aglm_args *a, const char *name)
{
    int at = find_long(a->command, name, strlen(name));

    assert(at >= 0);
    return (size_t)at;
}

bool aglm_args_given(const aglm_args *a, const char *name)
{
    return a->text[index_of(a, name)] != NULL;
}

bool aglm_args_flag(const aglm_args *a, const char *name)
{
    return aglm_args_given(a, name);
}

const char *aglm_args_each(const aglm_args *a, const char *name, size_t i)
{
    size_t at = index_of(a, name);

    for (size_t k = 0; k < a->n_given; k++) {
        if (a->given[k].option == at && i-- == 0)
            return a->given[k].text;
    }
    return NULL;
}

const char *aglm_args_text(const aglm_args *a, const char *name, const char *otherwise)
{
    const char *text = a->text[index_of(a, name)];

    return text ? text : otherwise;
}

int64_t aglm_args_number(const aglm_args *a, const char *name, int64_t otherwise)
{
    size_t at = index_of(a, name);

    return a->text[at] ? a->number[at] : otherwise;
}
