#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/map.h"
#include "data/schema.h"
#include "data/table_priv.h"
#include "data/task_priv.h"

#define SAMPLE_ROWS ((size_t)20000)
#define MAX_KEYS ((size_t)1 << 20)
#define MAX_KEY_BYTES ((size_t)1 << 30)

static const char *const label_names[] = {"label",      "labels", "class",   "classes",  "category",
                                          "categories", "target", "targets", "y",        "gold",
                                          "标签",       "类别",   "分类",    "__label__"};
static const char *const maybe_label_names[] = {
    "section",  "intent", "sentiment", "topic", "topics",   "tag",  "tags", "genre", "emotion",
    "language", "lang",   "rating",    "stars", "polarity", "type", "v1",   "score", "情感"};
static const char *const text_names[] = {"text", "texts", "sentence", "content",
                                         "文本", "内容",  "正文",     "句子"};
static const char *const maybe_text_names[] = {
    "review",    "comment", "message", "tweet",    "body",     "document", "description",
    "utterance", "query",   "title",   "headline", "question", "article",  "abstract",
    "v2",        "sms",     "email",   "评论",     "标题",     "摘要"};
static const char *const id_names[] = {"id",  "index", "idx",  "no",  "number",
                                       "uid", "uuid",  "编号", "序号"};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static bool is_one_of(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(name, list[i]) == 0)
            return true;
    return false;
}

int aglm_column_label_name(const char *name)
{
    if (is_one_of(name, label_names, COUNT(label_names)))
        return 2;
    return is_one_of(name, maybe_label_names, COUNT(maybe_label_names));
}

int aglm_column_text_name(const char *name)
{
    if (is_one_of(name, text_names, COUNT(text_names)))
        return 2;
    return is_one_of(name, maybe_text_names, COUNT(maybe_text_names));
}

bool aglm_column_id_name(const char *name)
{
    return is_one_of(name, id_names, COUNT(id_names));
}

static aglm_rc nomem(aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "columns: out of memory");
}

void aglm_text_trim(const char **s, size_t *len)
{
    while (*len && strchr(" \t\r\n", **s)) {
        ++*s;
        --*len;
    }
    while (*len && strchr(" \t\r\n", (*s)[*len - 1]))
        --*len;
}

aglm_rc aglm_column_look(const aglm_table *t, size_t col, aglm_column_facts *out, aglm_error *err)
{
    const size_t rows = aglm_table_rows(t);
    const size_t step = rows / SAMPLE_ROWS + 1;
    aglm_map *seen = aglm_map_new(SAMPLE_ROWS + 1, MAX_KEY_BYTES);
    uint32_t number;
    double value;
    uint64_t bytes = 0;
    aglm_rc rc = seen ? AGLM_OK : nomem(err);

    *out = (aglm_column_facts){0};
    for (size_t i = 0; i < rows && !rc; i += step) {
        aglm_cell c = aglm_table_cell(t, i, col);
        if (c.kind == AGLM_CELL_MISSING || c.len == 0)
            continue;
        out->rows++;
        out->lists += c.kind == AGLM_CELL_LIST;
        out->missing += aglm_cell_missing(c.text, c.len);
        out->blanks += memchr(c.text, ' ', c.len) != NULL;
        out->numbers += aglm_double_parse(c.text, c.len, &value);
        bytes += c.len;
        rc = aglm_map_intern(seen, c.text, c.len, &number, err);
    }
    out->distinct = rc ? 0 : aglm_map_size(seen);
    out->mean_bytes = out->rows ? (double)bytes / (double)out->rows : 0;
    aglm_map_free(seen);
    return rc;
}

bool aglm_column_repeats(const aglm_column_facts *f)
{
    return f->lists > 0 || (f->rows && f->distinct * 2 <= f->rows);
}

/* "O O B-PER I-PER": at least two tokens, all of them tags, one of them no O. */
static bool is_tag_sequence(const char *s, size_t len, char separator)
{
    size_t n = 0;
    size_t inside = 0;
    const char *end = s + len;

    while (s < end) {
        const char *stop = memchr(s, separator, (size_t)(end - s));
        size_t k = stop ? (size_t)(stop - s) : (size_t)(end - s);
        bool tag = k > 2 && strchr("BIESLUM", *s) && s[1] == '-';
        if (!tag && !(k == 1 && *s == 'O'))
            return false;
        n++;
        inside += tag;
        s += k + (stop != NULL);
    }
    return n > 1 && inside;
}

/* Counts in maps: every cell, every joined cell, every part. */
typedef struct counts {
    aglm_map *cells, *joined, *parts;
    char separator;
} counts;

static aglm_rc add_parts(counts *m, const char *s, size_t len, aglm_error *err)
{
    const char *end = s + len;
    uint32_t number;
    aglm_rc rc = AGLM_OK;

    for (const char *stop; s <= end && !rc; s = stop + 1) {
        stop = m->separator ? memchr(s, m->separator, (size_t)(end - s)) : NULL;
        if (!stop)
            stop = end;
        const char *part = s;
        size_t n = (size_t)(stop - s);
        aglm_text_trim(&part, &n);
        if (n)
            rc = aglm_map_intern(m->parts, part, n, &number, err);
    }
    return rc;
}

static aglm_rc count_cell(counts *m, aglm_cell c, aglm_label_facts *out, aglm_error *err)
{
    const char *s = c.text;
    size_t n = c.len;
    uint32_t number;
    double value;

    aglm_text_trim(&s, &n);
    if (!n && c.kind != AGLM_CELL_LIST)
        return AGLM_OK;
    out->rows++;
    if (c.kind == AGLM_CELL_LIST) {
        out->lists++;
        out->long_lists += !n || memchr(s, AGLM_LIST_SEPARATOR, n);
    }
    if (aglm_double_parse(s, n, &value)) {
        out->numbers++;
        out->fractions += value != floor(value);
    }
    out->tags += is_tag_sequence(s, n, c.kind == AGLM_CELL_LIST ? AGLM_LIST_SEPARATOR : ' ');
    aglm_rc rc = aglm_map_intern(m->cells, s, n, &number, err);
    if (!rc && m->separator && memchr(s, m->separator, n)) {
        out->joined++;
        rc = aglm_map_intern(m->joined, s, n, &number, err);
    }
    return rc ? rc : add_parts(m, s, n, err);
}

static bool has_part_alone(const counts *m)
{
    size_t n;
    uint32_t number;

    for (uint32_t i = 0; i < aglm_map_size(m->joined); i++) {
        const char *s = aglm_map_key(m->joined, i, &n);
        for (const char *end = s + n, *stop; s <= end; s = stop + 1) {
            stop = memchr(s, m->separator, (size_t)(end - s));
            if (!stop)
                stop = end;
            const char *part = s;
            size_t len = (size_t)(stop - s);
            aglm_text_trim(&part, &len);
            if (aglm_map_find(m->cells, part, len, &number))
                return true;
        }
    }
    return false;
}

aglm_rc aglm_labels_look(const aglm_table *t, size_t col, char separator, aglm_label_facts *out,
                         aglm_error *err)
{
    counts m = {.separator = separator};
    aglm_rc rc = AGLM_OK;

    *out = (aglm_label_facts){0};
    m.cells = aglm_map_new(MAX_KEYS, MAX_KEY_BYTES);
    m.joined = aglm_map_new(MAX_KEYS, MAX_KEY_BYTES);
    m.parts = aglm_map_new(MAX_KEYS, MAX_KEY_BYTES);
    if (!m.cells || !m.joined || !m.parts)
        rc = nomem(err);
    for (size_t i = 0; i < aglm_table_rows(t) && !rc; i++)
        rc = count_cell(&m, aglm_table_cell(t, i, col), out, err);
    if (!rc) {
        out->distinct = aglm_map_size(m.cells);
        out->joined_distinct = aglm_map_size(m.joined);
        out->parts = aglm_map_size(m.parts);
        out->part_alone = has_part_alone(&m);
    }
    aglm_map_free(m.cells);
    aglm_map_free(m.joined);
    aglm_map_free(m.parts);
    return rc;
}

bool aglm_labels_recur(const aglm_label_facts *f)
{
    if (f->joined_distinct == 0)
        return false;
    return f->parts < f->distinct ||
           (f->part_alone && f->parts == f->distinct && f->joined_distinct > 0);
}
