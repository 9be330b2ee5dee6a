#include "lm/prompt_reading.h"

#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"

enum {
    ASKING = 100,
    BEHIND = 70,   /* a further sentence of an asking line */
    LABELLED = 60, /* behind a label that says nothing of it */
    INNER = 40,    /* a line between the first and the last */
    MATERIAL = 25,
    QUOTED = 12,
    FENCED = 0
};
#define LONGEST_QUOTE 2000
#define LONGEST_LABEL 24

/* --- folding --- */

/* Characters of the cues that are written otherwise in traditional Chinese, in
 * pairs, sorted. */
static const uint32_t traditional[][2] = {
    {0x500B, 0x4E2A}, {0x5225, 0x522B}, {0x5275, 0x521B}, {0x5283, 0x5212}, {0x554F, 0x95EE},
    {0x55AE, 0x5355}, {0x55CE, 0x5417}, {0x5BE6, 0x5B9E}, {0x5BEB, 0x5199}, {0x5C0D, 0x5BF9},
    {0x5C0E, 0x5BFC}, {0x5C6C, 0x5C5E}, {0x5E6B, 0x5E2E}, {0x5E7E, 0x51E0}, {0x5F9E, 0x4ECE},
    {0x64EC, 0x62DF}, {0x6578, 0x6570}, {0x65B7, 0x65AD}, {0x69CB, 0x6784}, {0x6A19, 0x6807},
    {0x6A23, 0x6837}, {0x6F64, 0x6DA6}, {0x70BA, 0x4E3A}, {0x73FE, 0x73B0}, {0x767C, 0x53D1},
    {0x78BC, 0x7801}, {0x7C21, 0x7B80}, {0x7C64, 0x7B7E}, {0x7D30, 0x7EC6}, {0x7D50, 0x7ED3},
    {0x7E3D, 0x603B}, {0x8173, 0x811A}, {0x842C, 0x4E07}, {0x88CF, 0x91CC}, {0x88E1, 0x91CC},
    {0x898F, 0x89C4}, {0x8A08, 0x8BA1}, {0x8A31, 0x8BB8}, {0x8A5E, 0x8BCD}, {0x8A71, 0x8BDD},
    {0x8A73, 0x8BE6}, {0x8A9E, 0x8BED}, {0x8AAA, 0x8BF4}, {0x8AB0, 0x8C01}, {0x8ACB, 0x8BF7},
    {0x8B1B, 0x8BB2}, {0x8B6F, 0x8BD1}, {0x9019, 0x8FD9}, {0x9084, 0x8FD8}, {0x932F, 0x9519},
    {0x9375, 0x952E}, {0x958B, 0x5F00}, {0x95DC, 0x5173}, {0x96FB, 0x7535}, {0x984C, 0x9898},
    {0x985E, 0x7C7B}, {0x9EBC, 0x4E48}, {0x9EDE, 0x70B9},
};

static uint32_t simplify(uint32_t cp)
{
    size_t low = 0;
    size_t high = sizeof traditional / sizeof traditional[0];

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (traditional[mid][0] == cp)
            return traditional[mid][1];
        if (traditional[mid][0] < cp)
            low = mid + 1;
        else
            high = mid;
    }
    return cp;
}

static uint32_t fold(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'A' && cp <= 'Z' ? cp + ('a' - 'A') : cp;
    if (cp == 0x2018 || cp == 0x2019)
        return '\'';
    if (cp == 0x3002 || cp == 0xFF61)
        return '.';
    if (cp >= 0x2010 && cp <= 0x2015)
        return '-';
    return cp >= 0x4E00 && cp < 0xA000 ? simplify(cp) : aglm_cp_lower(aglm_cp_fold_width(cp));
}

static void put(aglm_prompt_reading *r, uint32_t cp)
{
    char last = r->n ? r->text[r->n - 1] : '\n';

    if (r->n + 4 >= AGLM_PROMPT_FOLDED)
        return;
    if (cp == '\n' || cp == '\r') {
        if (last == ' ')
            r->n--;
        if (r->n && r->text[r->n - 1] != '\n')
            r->text[r->n++] = '\n';
    } else if (aglm_cp_is_space(cp) || cp < ' ') {
        if (last != ' ' && last != '\n')
            r->text[r->n++] = ' ';
    } else {
        r->n += aglm_utf8_encode(cp, r->text + r->n);
    }
}

static void fold_text(aglm_prompt_reading *r, const char *s, size_t n)
{
    uint32_t cp;

    for (size_t i = 0; i < n;) {
        i += aglm_utf8_decode(s + i, n - i, &cp);
        put(r, fold(cp));
    }
}

static void trim(aglm_prompt_reading *r)
{
    while (r->n && strchr(" \n", r->text[r->n - 1]))
        r->n--;
    r->text[r->n] = '\0';
}

/* --- clauses --- */

/* What may stand before the verb that asks. */
static const char *const courtesies[] = {
    "please ",
    "pls ",
    "plz ",
    "kindly ",
    "can you ",
    "could you ",
    "can u ",
    "would you ",
    "will you ",
    "i need ",
    "i need you to ",
    "i want you to ",
    "i'd like you to ",
    "i would like you to ",
    "help me ",
    "you to ",
    "your task is to ",
    "now ",
    "then ",
    "and ",
    "just ",
    "next, ",
    "- ",
    "* ",
    "# ",
    "\"",
    "let's ",
    "hi, ",
    "hello, ",
    "hey, ",
    "also ",
    "first ",
    "to ",
    "try to ",
    "you are to ",
    "you need to ",
    "请",
    "请你",
    "请您",
    "请帮我",
    "请帮忙",
    "帮我",
    "帮忙",
    "帮",
    "麻烦",
    "麻烦你",
    "麻烦您",
    "给我",
    "我想",
    "我要",
    "我需要",
    "我想让你",
    "我要你",
    "你能",
    "能",
    "能否",
    "能不能",
    "可以",
    "可否",
    "你可以",
    "现在",
    "然后",
    "并",
    "再",
    "直接",
    "需要",
    "你需要",
    "你的任务是",
    "试着",
    "先",
    "为我",
    "一下",
};
#define N_COURTESIES (sizeof courtesies / sizeof courtesies[0])

static size_t courtesy_at(const aglm_prompt_reading *r, size_t at)
{
    size_t best = 0;

    for (size_t i = 0; i < N_COURTESIES; i++) {
        if (courtesies[i][0] != r->text[at])
            continue;
        size_t n = strlen(courtesies[i]);
        if (n > best && n <= r->n - at && memcmp(r->text + at, courtesies[i], n) == 0)
            best = n;
    }
    return best;
}

static bool is_digit_at(const aglm_prompt_reading *r, size_t at)
{
    return at < r->n && r->text[at] >= '0' && r->text[at] <= '9';
}

/* "1. " and "2) " */
static size_t item_number_at(const aglm_prompt_reading *r, size_t at)
{
    size_t i = at;

    while (is_digit_at(r, i) && i < at + 3)
        i++;
    return i > at && i + 1 < r->n && strchr(".)", r->text[i]) && r->text[i + 1] == ' ' ? i + 2 - at
                                                                                       : 0;
}

static void mark_beginning(aglm_prompt_reading *r, size_t at)
{
    for (size_t n = 1; n && at < r->n; at += n) {
        if (r->text[at] == ' ')
            continue;
        r->begins[at] = true;
        n = courtesy_at(r, at);
        if (!n)
            n = item_number_at(r, at);
    }
}

static bool ends_sentence(const aglm_prompt_reading *r, size_t at)
{
    char c = r->text[at];

    if (c == '\n' || c == '?' || c == '!')
        return true;
    return c == '.' && !is_digit_at(r, at + 1) && (at + 1 >= r->n || r->text[at + 1] < 'a');
}

static bool is_colon(const aglm_prompt_reading *r, size_t at)
{
    return r->text[at] == ':' && !is_digit_at(r, at + 1) && strncmp(r->text + at, "://", 3) != 0;
}

/* In the midst of a clause "please" is one, and 请; the short Chinese ones may be parts of words.
 */
static bool may_be_courtesy(const aglm_prompt_reading *r, size_t at)
{
    if (r->text[at] & 0x80)
        return strncmp(r->text + at, "请", strlen("请")) == 0;
    return at && r->text[at - 1] == ' ';
}

static void mark_clauses(aglm_prompt_reading *r)
{
    mark_beginning(r, 0);
    for (size_t i = 0; i + 1 < r->n; i++) {
        char c = r->text[i];
        if (ends_sentence(r, i) || is_colon(r, i) || c == ',' || c == ';')
            mark_beginning(r, i + 1);
        else if (may_be_courtesy(r, i) && courtesy_at(r, i))
            mark_beginning(r, i);
    }
}

/* --- weights --- */

static const char *const asking_labels[] = {
    "question", "q",  "task", "instruction", "instructions", "request", "homework", "prompt",
    "问题",     "问", "题目", "任务",        "指令",         "要求",    "作业题",   "请问",
};
static const char *const material_labels[] = {
    "text",      "passage",    "context",   "article",  "review",     "sentence",  "input",
    "paragraph", "comment",    "tweet",     "email",    "document",   "a",         "answer",
    "premise",   "hypothesis", "content",   "abstract", "message",    "post",      "文本",
    "文章",      "材料",       "评论",      "句子",     "输入",       "内容",      "原文",
    "段落",      "背景",       "新闻",      "前提",     "假设",       "答",        "答案",
    "短文",      "翻译",       "中译英",    "英译中",   "汉译英",     "英译汉",    "总结",
    "改写",      "润色",       "translate", "rewrite",  "paraphrase", "summarize", "正文",
    "帖子",
};

static bool is_label(const char *s, size_t n, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i]) == n && memcmp(s, list[i], n) == 0)
            return true;
    return false;
}
#define IS_LABEL(s, n, list) is_label(s, n, list, sizeof(list) / sizeof(list)[0])

/* One or two words, or a few characters. */
static bool is_short(const char *s, size_t n)
{
    size_t blanks = 0;

    for (size_t i = 0; i < n; i++)
        blanks += s[i] == ' ';
    return n <= LONGEST_LABEL && blanks < 2;
}

/* How much asks behind the colon of a sentence. */
static int behind_colon(const char *s, size_t n, bool at_line_start)
{
    if (IS_LABEL(s, n, asking_labels))
        return ASKING;
    if (IS_LABEL(s, n, material_labels) || !is_short(s, n))
        return MATERIAL;
    return at_line_start ? LABELLED : MATERIAL;
}

/* One line: its first sentence asks, and what is behind a colon is what it asks about. */
static void weigh_line(aglm_prompt_reading *r, size_t at, size_t end, int percent)
{
    size_t start = at;
    bool first = true;
    int level = ASKING;

    for (size_t i = at; i < end; i++) {
        bool sentence = ends_sentence(r, i);
        r->weight[i] = (uint8_t)(level * percent / 100);
        if (is_colon(r, i) && i > start) {
            level = behind_colon(r->text + start, i - start, first);
            start = i + 1;
        } else if (sentence && level >= BEHIND) {
            level = BEHIND;
        }
        if (sentence || is_colon(r, i)) {
            for (start = i + 1; start < end && r->text[start] == ' '; start++)
                continue;
            first = false;
        }
    }
}

static size_t line_end(const aglm_prompt_reading *r, size_t at)
{
    const char *stop = memchr(r->text + at, '\n', r->n - at);

    return stop ? (size_t)(stop - r->text) : r->n;
}

static void weigh_lines(aglm_prompt_reading *r)
{
    for (size_t at = 0; at < r->n;) {
        size_t end = line_end(r, at);
        bool last = end == r->n;
        weigh_line(r, at, end, at == 0 ? ASKING : last ? ASKING - 10 : INNER);
        at = end + 1;
    }
}

/* The last sentence of a line that is not all material asks, too. */
static void weigh_last_sentence(aglm_prompt_reading *r)
{
    size_t at = r->n;

    if (r->n < 2 || r->weight[r->n - 1] < INNER)
        return;
    for (at = r->n - 1; at && !ends_sentence(r, at - 1); at--)
        continue;
    for (; at < r->n; at++)
        if (r->weight[at] < ASKING - 10)
            r->weight[at] = ASKING - 10;
}

static void set_weight(aglm_prompt_reading *r, size_t from, size_t to, int percent)
{
    for (size_t i = from; i < to; i++)
        if (r->weight[i] > percent)
            r->weight[i] = (uint8_t)percent;
}

/* Offset behind the closing mark, or `at` when there is none. */
static size_t close_of(const aglm_prompt_reading *r, size_t at, const char *close)
{
    size_t room = r->n - at < LONGEST_QUOTE ? r->n - at : LONGEST_QUOTE;
    const char *stop = memmem(r->text + at, room, close, strlen(close));

    return stop ? (size_t)(stop - r->text) : at;
}

static void weigh_quotes(aglm_prompt_reading *r)
{
    static const struct {
        const char *open, *close;
        int percent;
    } marks[] = {{"```", "```", FENCED}, {"\"", "\"", QUOTED}, {"“", "”", QUOTED},
                 {"「", "」", QUOTED},   {"«", "»", QUOTED},   {" '", "'", QUOTED}};

    for (size_t i = 0; i < r->n; i++) {
        for (size_t k = 0; k < sizeof marks / sizeof marks[0]; k++) {
            if (marks[k].open[0] != r->text[i])
                continue;
            size_t n = strlen(marks[k].open);
            if (n > r->n - i || memcmp(r->text + i, marks[k].open, n) != 0)
                continue;
            size_t end = close_of(r, i + n, marks[k].close);
            set_weight(r, i + n, end, marks[k].percent);
            i = end > i + n ? end + strlen(marks[k].close) - 1 : i;
            break;
        }
    }
}

/* --- runs of bytes --- */

static size_t gram_of(const char *s, size_t n)
{
    uint64_t x = 0;

    memcpy(&x, s, n);
    return (size_t)(aglm_mix64(x + n) % AGLM_PROMPT_GRAMS);
}

static void note_grams(aglm_prompt_reading *r)
{
    for (size_t i = 0; i + 3 <= r->n; i++) {
        size_t three = gram_of(r->text + i, 3);
        r->grams[three / 64] |= (uint64_t)1 << (three % 64);
        size_t six = gram_of(r->text + i, i + 6 <= r->n ? 6 : 3);
        r->grams[six / 64] |= (uint64_t)1 << (six % 64);
    }
}

bool aglm_prompt_may_hold(const aglm_prompt_reading *r, const char *s, size_t n)
{
    if (n < 3)
        return true;
    size_t h = gram_of(s, n < 6 ? 3 : 6);
    return r->grams[h / 64] >> (h % 64) & 1;
}

/* --- names of languages --- */

static const char *const languages[] = {
    "english",
    "french",
    "german",
    "spanish",
    "italian",
    "portuguese",
    "russian",
    "japanese",
    "korean",
    "chinese",
    "mandarin",
    "arabic",
    "hindi",
    "dutch",
    "turkish",
    "swedish",
    "greek",
    "latin",
    "polish",
    "danish",
    "norwegian",
    "finnish",
    "czech",
    "hungarian",
    "thai",
    "vietnamese",
    "hebrew",
    "indonesian",
    "ukrainian",
    "cantonese",
    "persian",
    "romanian",
    "formal german",
    "simplified chinese",
    "traditional chinese",
    "polite japanese",
    "英语",
    "英文",
    "中文",
    "汉语",
    "日语",
    "日文",
    "法语",
    "法文",
    "德语",
    "德文",
    "俄语",
    "俄文",
    "韩语",
    "韩文",
    "西班牙语",
    "西班牙文",
    "葡萄牙语",
    "意大利语",
    "阿拉伯语",
    "泰语",
    "越南语",
    "粤语",
    "文言文",
    "现代汉语",
    "拉丁语",
    "土耳其语",
    "荷兰语",
    "英文单词",
    "古文",
    "白话文",
};
#define N_LANGUAGES (sizeof languages / sizeof languages[0])

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static void mark_languages(aglm_prompt_reading *r)
{
    for (size_t i = 0; i < N_LANGUAGES; i++) {
        size_t n = strlen(languages[i]);
        const char *end = r->text + r->n;
        if (!aglm_prompt_may_hold(r, languages[i], n))
            continue;
        for (const char *s = r->text; (s = memmem(s, (size_t)(end - s), languages[i], n)); s++) {
            size_t at = (size_t)(s - r->text);
            bool whole = !is_letter(*s) || ((at == 0 || !is_letter(s[-1])) && !is_letter(s[n]));
            if (whole && r->language[at] < n)
                r->language[at] = (uint8_t)n;
        }
    }
}

void aglm_prompt_read(aglm_prompt_reading *out, const char *text, size_t len)
{
    memset(out, 0, sizeof *out);
    if (len <= 2 * AGLM_PROMPT_END) {
        fold_text(out, text, len);
    } else {
        fold_text(out, text, AGLM_PROMPT_END);
        put(out, '\n');
        fold_text(out, text + len - AGLM_PROMPT_END, AGLM_PROMPT_END);
    }
    trim(out);
    out->first = line_end(out, 0);
    note_grams(out);
    mark_clauses(out);
    mark_languages(out);
    weigh_lines(out);
    weigh_last_sentence(out);
    weigh_quotes(out);
}
