#include "cli/help.h"

#include <string.h>

void aglm_help_all(FILE *out)
{
    size_t n = 0;
    const aglm_command *const *commands = aglm_commands(&n);

    fprintf(
        out,
        "autoglm %s: tunes language-model tasks automatically\n\nusage: autoglm COMMAND [ARGUMENTS]\n\n",
        AGLM_VERSION);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(
        out,
        "\nautoglm COMMAND --help tells more. Data goes to standard output, all else to standard error.\n"
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 ran but a bar was not met, 130 interrupted.\n");
}

void aglm_help_command(FILE *out, const aglm_command *c)
{
    const aglm_option *o;
    char left[64];

    fprintf(out, "usage: autoglm %s %s [OPTIONS]\n\n%s\n\noptions:\n", c->name, c->operands,
            c->about);
    for (size_t i = 0; (o = aglm_option_at(c, i)); i++) {
        char letter[8] = "    ";
        if (o->letter)
            snprintf(letter, sizeof letter, "-%c, ", o->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        fprintf(out, "  %-28s %s\n", left, o->help);
    }
    if (c->examples)
        fprintf(out, "\nexamples:\n%s\n", c->examples);
}

/* A minus sign and a leading dot or quote mean something to troff. */
static void put_troff(FILE *out, const char *text)
{
    for (const char *s = text; *s; s++) {
        if ((s == text || s[-1] == '\n') && (*s == '.' || *s == '\''))
            fputs("\\&", out);
        if (*s == '-')
            fputs("\\-", out);
        else if (*s == '\\')
            fputs("\\e", out);
        else
            fputc(*s, out);
    }
}

static void man_options(FILE *out, const aglm_command *c)
{
    const aglm_option *o;

    for (size_t i = 0; (o = aglm_option_at(c, i)); i++) {
        fputs(".TP\n\\fB", out);
        if (o->letter)
            fprintf(out, "\\-%c\\fR, \\fB", o->letter);
        fputs("\\-\\-", out);
        put_troff(out, o->name);
        fputs("\\fR", out);
        if (o->value)
            fprintf(out, " \\fI%s\\fR", o->value);
        fputc('\n', out);
        put_troff(out, o->help);
        fputc('\n', out);
    }
}

static void man_command(FILE *out, const aglm_command *c)
{
    fprintf(out, ".SS autoglm %s %s\n", c->name, c->operands);
    put_troff(out, c->about);
    fputc('\n', out);
    man_options(out, c);
    if (c->examples) {
        fputs(".PP\nExamples:\n.nf\n", out);
        put_troff(out, c->examples);
        fputs("\n.fi\n", out);
    }
}

void aglm_help_man(FILE *out)
{
    size_t n = 0;
    const aglm_command *const *commands = aglm_commands(&n);

    fprintf(
        out,
        ".TH AUTOGLM 1 \"\" \"autoglm %s\" \"User Commands\"\n.SH NAME\nautoglm \\- tune language-model tasks "
        "automatically\n.SH SYNOPSIS\n.B autoglm\n\\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n.SH COMMANDS\n",
        AGLM_VERSION);
    for (size_t i = 0; i < n; i++)
        man_command(out, commands[i]);
    fputs(
        ".SH EXIT STATUS\n.TP\n0\ndone\n.TP\n1\nfailed\n.TP\n2\nwrong usage\n.TP\n3\nran, but the wanted bar was not met\n"
        ".TP\n130\ninterrupted, with everything saved\n.SH ENVIRONMENT\n.TP\nNO_COLOR\nno colours when set and not empty\n",
        out);
}

/* ---- completions ---- */

static void bash_command(FILE *out, const aglm_command *c)
{
    const aglm_option *o;

    fprintf(out, "    %s) words=\"", c->name);
    for (size_t i = 0; (o = aglm_option_at(c, i)); i++)
        fprintf(out, "%s--%s", i ? " " : "", o->name);
    fputs("\" ;;\n", out);
}

static void bash(FILE *out)
{
    size_t n = 0;
    const aglm_command *const *commands = aglm_commands(&n);

    fputs(
        "_autoglm() {\n  local current=${COMP_WORDS[COMP_CWORD]} words=\n  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    words=\"",
        out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%s", i ? " " : "", commands[i]->name);
    fputs("\"\n  else\n    case ${COMP_WORDS[1]} in\n", out);
    for (size_t i = 0; i < n; i++)
        bash_command(out, commands[i]);
    fputs(
        "    esac\n  fi\n  case $current in\n    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$current\")) ;;\n"
        "    *) if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
        "       else COMPREPLY=($(compgen -f -- \"$current\")); fi ;;\n  esac\n}\ncomplete -o filenames -F _autoglm autoglm\n",
        out);
}

/* In single quotes for a shell, with [ ] and : escaped for zsh's own syntax. */
static void put_quoted(FILE *out, const char *text, bool zsh)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (zsh && strchr("[]:", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

static void zsh(FILE *out)
{
    size_t n = 0;
    const aglm_command *const *commands = aglm_commands(&n);
    const aglm_option *o;

    fputs("#compdef autoglm\nlocal -a commands\ncommands=(\n", out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "  '%s:", commands[i]->name);
        put_quoted(out, commands[i]->summary, true);
        fputs("'\n", out);
    }
    fputs(
        ")\nif (( CURRENT == 2 )); then\n  _describe command commands\n  return\nfi\ncase $words[2] in\n",
        out);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "  %s) _arguments", commands[i]->name);
        for (size_t k = 0; (o = aglm_option_at(commands[i], k)); k++) {
            fprintf(out, " '--%s[", o->name);
            put_quoted(out, o->help, true);
            fprintf(out, "]%s%s%s'", o->value ? ":" : "", o->value ? o->value : "",
                    o->kind == AGLM_OPTION_FILE ? ":_files" : "");
        }
        fputs(" '*:file:_files' ;;\n", out);
    }
    fputs("esac\n", out);
}

static void fish(FILE *out)
{
    size_t n = 0;
    const aglm_command *const *commands = aglm_commands(&n);
    const aglm_option *o;

    for (size_t i = 0; i < n; i++) {
        fprintf(out, "complete -c autoglm -n __fish_use_subcommand -a %s -d '", commands[i]->name);
        put_quoted(out, commands[i]->summary, false);
        fputs("'\n", out);
        for (size_t k = 0; (o = aglm_option_at(commands[i], k)); k++) {
            fprintf(out, "complete -c autoglm -n '__fish_seen_subcommand_from %s' -l %s%s -d '",
                    commands[i]->name, o->name, o->value ? " -r" : "");
            put_quoted(out, o->help, false);
            fputs("'\n", out);
        }
    }
}

bool aglm_help_completion(FILE *out, const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        bash(out);
    else if (strcmp(shell, "zsh") == 0)
        zsh(out);
    else if (strcmp(shell, "fish") == 0)
        fish(out);
    else
        return false;
    return true;
}
