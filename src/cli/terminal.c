#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/utf8.h"

#define CELL_BYTES 2048 /* no terminal is wider */

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

bool aglm_terminal_utf8(void)
{
    const char *name = env_set("LC_ALL")     ? getenv("LC_ALL")
                       : env_set("LC_CTYPE") ? getenv("LC_CTYPE")
                                             : getenv("LANG");

    return name && (strcasestr(name, "utf-8") || strcasestr(name, "utf8"));
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

/* The next byte, or a control character (C0, DEL, and C1 as UTF-8) in a form that is visible;
 * returns how many bytes of s it stands for. */
static size_t visible_piece(const char *s, size_t left, char piece[8])
{
    static const char NAMED[] = "\t\n\r", NAMES[] = "tnr";
    unsigned char c = (unsigned char)s[0], next = left > 1 ? (unsigned char)s[1] : 0;
    const char *named = c ? strchr(NAMED, c) : NULL;

    if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
        snprintf(piece, 8, "\\u%04x", next);
        return 2;
    }
    if (named)
        snprintf(piece, 8, "\\%c", NAMES[named - NAMED]);
    else if (c < 0x20 || c == 0x7f)
        snprintf(piece, 8, "\\x%02x", c);
    else
        snprintf(piece, 8, "%c", c);
    return 1;
}

void aglm_terminal_text(FILE *out, const char *text, size_t n)
{
    char piece[8];

    for (size_t i = 0; i < n;) {
        i += visible_piece(text + i, n - i, piece);
        fputs(piece, out);
    }
}

static void put_cell(FILE *out, const char *text, size_t columns, bool right)
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

void aglm_terminal_cell(FILE *out, const char *text, size_t columns, bool right)
{
    char shown[CELL_BYTES], piece[8];
    size_t n = strlen(text), at = 0;

    for (size_t i = 0; i < n && at + sizeof piece + 4 < sizeof shown;) {
        i += visible_piece(text + i, n - i, piece);
        at += (size_t)snprintf(shown + at, sizeof piece, "%s", piece);
        while (i < n && at + 1 < sizeof shown && ((unsigned char)text[i] & 0xc0) == 0x80)
            shown[at++] = text[i++]; /* the rest of a character stays with it */
    }
    shown[at] = '\0';
    put_cell(out, shown, columns, right);
}
