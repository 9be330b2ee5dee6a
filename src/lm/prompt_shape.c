#include "lm/prompt_shape.h"

#include <string.h>

#include "base/utf8.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The next byte that is no blank, from `at` on by `step`; NUL at either end. */
static char beside(const aglm_prompt_reading *r, size_t at, int step)
{
    for (size_t i = at + (size_t)step; i < r->n; i += (size_t)step)
        if (r->text[i] != ' ')
            return r->text[i];
    return '\0';
}

/* Bytes of the operator at `at`, 0 for none. A plain '-' or '/' may join a date and a range. */
static size_t operator_at(const aglm_prompt_reading *r, size_t at)
{
    static const char *const plain[] = {"+", "*", "=", "^", "×", "÷", "<", ">"};
    const char *s = r->text + at;

    for (size_t i = 0; i < COUNT(plain); i++)
        if (*s == *plain[i] && strncmp(s, plain[i], strlen(plain[i])) == 0)
            return strlen(plain[i]);
    return (*s == '-' || *s == '/') && at && r->text[at - 1] == ' ' && s[1] == ' ';
}

static void count_numbers(const aglm_prompt_reading *r, aglm_prompt_shape *out)
{
    for (size_t i = 0; i < r->n; i++) {
        bool inside = i && (is_digit(r->text[i - 1]) || r->text[i - 1] == '.');
        out->numbers += is_digit(r->text[i]) && !inside;
        size_t n = operator_at(r, i);
        if (n == 0)
            continue;
        char left = beside(r, i, -1);
        char right = beside(r, i + n - 1, 1);
        out->sums += (is_digit(left) || left == ')' || left == 'x') &&
                     (is_digit(right) || right == '(' || right == '?' || right == 'x' || !right);
    }
    out->equals_end = r->n > 1 &&
                      (r->text[r->n - 1] == '=' || strcmp(r->text + r->n - 2, "=?") == 0);
}

static void count_code(const aglm_prompt_reading *r, aglm_prompt_shape *out)
{
    static const char *const signs[] = {
        "```",
        "\ndef ",
        "def ",
        "return ",
        "#include",
        "import ",
        "();",
        "=>",
        "==",
        "):",
        "{ ",
        " }",
        "};",
        "</",
        "print(",
        "int main",
        "console.",
        "public ",
        "select * from",
        "\nselect ",
        "for (",
        "for i in",
        "const ",
        "[i]",
        ";\n",
        "+= ",
        "++)",
        "\nclass ",
        "$ ",
        "*p",
        "traceback (",
        "error:",
        "function(",
        "function (",
        "malloc(",
        "[]",
        "): ",
        "println",
        " = [",
        "printf",
        "&&",
    };

    for (size_t i = 0; i < COUNT(signs); i++)
        out->code_signs += strstr(r->text, signs[i]) != NULL;
}

static void count_letters(const aglm_prompt_reading *r, aglm_prompt_shape *out)
{
    uint32_t cp;

    for (size_t i = 0, n; i < r->n; i += n) {
        n = aglm_utf8_decode(r->text + i, r->n - i, &cp);
        bool latin = (cp >= 'a' && cp <= 'z') || (cp >= 0xC0 && cp < 0x250);
        bool han = (cp >= 0x3400 && cp <= 0x9FFF) || cp >= 0x20000;
        bool foreign = cp >= 0x370 && !han && !aglm_cp_is_punct(cp) && !aglm_cp_is_space(cp) &&
                       (cp < 0x2000 || aglm_cp_is_cjk(cp));
        out->latin += latin * (size_t)r->weight[i];
        out->han += han * (size_t)r->weight[i];
        out->other += foreign * (size_t)r->weight[i];
        out->foreign += foreign;
        out->letters += han ? 2 : latin || foreign;
    }
}

static bool ends_with(const aglm_prompt_reading *r, const char *end)
{
    size_t n = strlen(end);

    return r->n >= n && memcmp(r->text + r->n - n, end, n) == 0;
}

/* Words behind which more must come. */
static bool dangles(const aglm_prompt_reading *r)
{
    static const char *const words[] = {
        " is",   " are", " was", " were", " the", " a",    " an",   " of",      " to",
        " and",  " but", " in",  " on",   " at",  " with", " that", " who",     " by",
        " from", " as",  " for", " his",  " her", " my",   " than", " because", " there stood",
        "是",    "在于", "有",   "为",    "和",   "的",    "着",    "说",       "想",
        "把",    "被",   "但",   "但是",  "因为", "于是",  "、",
    };

    for (size_t i = 0; i < COUNT(words); i++)
        if (ends_with(r, words[i]))
            return true;
    return false;
}

static void look_at_end(const aglm_prompt_reading *r, aglm_prompt_shape *out)
{
    static const char *const ends[] = {".",  "?", "!", "\"", "”", "…",
                                       "」", ")", "~", "`",  "}", "》"};

    for (size_t i = 0; i < COUNT(ends); i++)
        out->ended |= ends_with(r, ends[i]);
    out->dangling = ends_with(r, ",") || dangles(r);
    for (size_t i = 0; i < r->n; i++)
        out->question |= r->text[i] == '?' && r->weight[i] >= 50;
}

void aglm_prompt_shape_look(const aglm_prompt_reading *r, aglm_prompt_shape *out)
{
    *out = (aglm_prompt_shape){0};
    count_numbers(r, out);
    count_code(r, out);
    count_letters(r, out);
    look_at_end(r, out);
}
