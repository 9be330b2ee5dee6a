/* cli/terminal.h - what a stream can show: is it a terminal, how wide, with colours?
 * Threads: confined. */
#ifndef AGLM_CLI_TERMINAL_H
#define AGLM_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct aglm_terminal {
    FILE *out;
    bool live; /* a terminal that can move its cursor */
    /* NO_COLOR (set, not empty) wins, then FORCE_COLOR, then whether it is a terminal */
    bool colour;
} aglm_terminal;

void aglm_terminal_init(aglm_terminal *t, FILE *out);
/* Columns of the terminal now (80 where it does not tell). */
size_t aglm_terminal_columns(const aglm_terminal *t);
/* Does the locale's character set hold more than ASCII (LC_ALL, LC_CTYPE, LANG name UTF-8)? */
bool aglm_terminal_utf8(void);
/* The escape for a colour or "" when colours are off; style: 'b' bold, 'd' dim, 'g' green, 'r' red,
 * 'y' yellow, '0' plain. */
const char *aglm_terminal_style(const aglm_terminal *t, char style);

/* Writes text with its control characters as \n, \t, \xNN: a label cannot break the line that it
 * stands in, nor speak to the terminal. */
void aglm_terminal_text(FILE *out, const char *text, size_t n);
/* Writes text padded or cut (with an ellipsis) to `columns` by display width; right-aligned when
 * asked; control characters as above. */
void aglm_terminal_cell(FILE *out, const char *text, size_t columns, bool right);

#endif
