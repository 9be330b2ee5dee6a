#include <string.h>
#include <strings.h>

#include "data/table_priv.h"

#define SNIFF_LINES 1000
#define SNIFF_BYTES ((size_t)1 << 20)

static bool ends_with(const char *name, size_t n, const char *ending)
{
    size_t k = strlen(ending);

    return n >= k && strncasecmp(name + n - k, ending, k) == 0;
}

/* AUTO where the ending says nothing. */
static aglm_format by_name(const char *name)
{
    static const struct {
        const char *ending;
        aglm_format format;
    } endings[] = {
        {".csv", AGLM_FORMAT_CSV},      {".tsv", AGLM_FORMAT_TSV},
        {".tab", AGLM_FORMAT_TSV},      {".jsonl", AGLM_FORMAT_JSONL},
        {".ndjson", AGLM_FORMAT_JSONL}, {".conll", AGLM_FORMAT_CONLL},
        {".bio", AGLM_FORMAT_CONLL},    {".iob2", AGLM_FORMAT_CONLL},
        {".json", AGLM_FORMAT_JSON},
    };
    size_t n = strlen(name);

    if (ends_with(name, n, ".gz"))
        n -= 3;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (ends_with(name, n, endings[i].ending))
            return endings[i].format;
    return AGLM_FORMAT_AUTO;
}

/* What the first lines look like. */
typedef struct traits {
    size_t lines;    /* that are not blank */
    size_t blank;    /* between them */
    size_t fasttext; /* begin with __label__ */
    size_t tabs;
    size_t tagged; /* token, blank or tab, tag */
    size_t inside; /* of those, with a tag other than O */
} traits;

static bool is_tag(const char *s, size_t n)
{
    if (n == 1)
        return *s == 'O';
    return n > 2 && strchr("BIESLUM", *s) && (s[1] == '-' || s[1] == '_');
}

static void look_at_line(traits *t, const char *s, size_t n)
{
    const char *tag = s + n;

    while (tag > s && tag[-1] != '\t' && tag[-1] != ' ')
        tag--;
    t->lines++;
    t->fasttext += n > 9 && memcmp(s, "__label__", 9) == 0;
    t->tabs += memchr(s, '\t', n) != NULL;
    if (tag > s && is_tag(tag, (size_t)(s + n - tag))) {
        t->tagged++;
        t->inside += *tag != 'O';
    }
}

static traits look(char *text, size_t len)
{
    traits t = {0};
    aglm_lines lines;
    char *s;
    size_t n;

    aglm_lines_init(&lines, text, len);
    while (t.lines < SNIFF_LINES && aglm_lines_next(&lines, &s, &n)) {
        if (n == 0)
            t.blank++;
        else
            look_at_line(&t, s, n < 65536 ? n : 65536);
    }
    return t;
}

static aglm_format by_lines(const char *text, size_t len, const traits *t)
{
    if (t->fasttext * 10 >= t->lines * 9)
        return AGLM_FORMAT_FASTTEXT;
    if (t->tagged * 10 >= t->lines * 9 && t->inside && t->blank)
        return AGLM_FORMAT_CONLL;
    if (t->tabs * 20 >= t->lines * 19)
        return AGLM_FORMAT_TSV;
    return aglm_delimiter_guess(text, len < SNIFF_BYTES ? len : SNIFF_BYTES) ? AGLM_FORMAT_CSV
                                                                             : AGLM_FORMAT_LINES;
}

/* '{' on the first line and another on the next: one object a line. */
static aglm_format by_bracket(const char *text, size_t len, char first)
{
    const char *end = memchr(text, '\n', len);
    size_t n = end ? (size_t)(end - text) : len;

    if (first == '[')
        return AGLM_FORMAT_JSON;
    while (n && strchr(" \t\r", text[n - 1]))
        n--;
    return n && text[n - 1] == '}' ? AGLM_FORMAT_JSONL : AGLM_FORMAT_JSON;
}

/* "[" begins an array when a value or its end follows. */
static bool begins_json(const char *s, size_t n)
{
    size_t i = 1;

    if (n < 2)
        return false;
    while (i < n && strchr(" \t\r\n", s[i]))
        i++;
    if (i == n)
        return false;
    return *s == '{' ? s[i] == '"' || s[i] == '}'
                     : *s == '[' && (s[i] == '{' || s[i] == ']' || s[i] == '[');
}

aglm_format aglm_format_sniff(const char *name, char *text, size_t len)
{
    const aglm_format named = by_name(name);
    size_t i = 0;

    while (i < len && strchr(" \t\r\n", text[i]))
        i++;
    if (begins_json(text + i, len - i))
        return by_bracket(text + i, len - i, text[i]);
    if (named != AGLM_FORMAT_AUTO)
        return named;
    traits t = look(text, len);
    return by_lines(text, len, &t);
}
