#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/utf8.h"

static bool env_set(const char *name)
{
    const char *v = getenv(name);

    return v && *v;
}

void aglm_terminal_init(aglm_terminal *t, FILE *out)
{
    const char *term = getenv("TERM");
    bool tty = isatty(fileno(out)) == 1;

    t->out = out;
    t->live = tty && term && strcmp(term, "dumb") != 0;
    t->colour = !env_set("NO_COLOR") &&
                (env_set("FORCE_COLOR") || env_set("CLICOLOR_FORCE") || t->live);
}

size_t aglm_terminal_columns(const aglm_terminal *t)
{
    struct winsize w;

    if (ioctl(fileno(t->out), TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    return 80;
}

const char *aglm_terminal_style(const aglm_terminal *t, char style)
{
    if (!t->colour)
        return "";
    switch (style) {
    case 'b':
        return "\x1b[1m";
    case 'd':
        return "\x1b[2m";
    case 'g':
        return "\x1b[32m";
    case 'r':
        return "\x1b[31m";
    case 'y':
        return "\x1b[33m";
    default:
        return "\x1b[0m";
    }
}

static void pad(FILE *out, size_t n)
{
    while (n-- > 0)
        fputc(' ', out);
}

void aglm_terminal_cell(FILE *out, const char *text, size_t columns, bool right)
{
    size_t n = strlen(text), width = aglm_text_width(text, n);

    if (width > columns && columns > 0) {
        size_t fit = aglm_text_fit(text, n, columns - 1);
        fprintf(out, "%.*s\xe2\x80\xa6", (int)fit, text);
        pad(out, columns - 1 - aglm_text_width(text, fit));
        return;
    }
    if (right)
        pad(out, columns - width);
    fputs(text, out);
    if (!right)
        pad(out, columns - width);
}
