#include "data/table.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"

#include "unit.h"

static aglm_table *parse_with(const char *name, const char *data, size_t n,
                              const aglm_read_options *opt)
{
    aglm_table *t = NULL;
    aglm_error err = {0};

    if (aglm_table_parse(&t, name, data, n, opt, &err))
        fail_msg("%s", err.msg);
    return t;
}

static aglm_table *parse(const char *name, const char *data)
{
    return parse_with(name, data, strlen(data), NULL);
}

/* Cells as "a|b/c|d", missing ones as '?', list separators as '+'. */
static void put_cells(const aglm_table *t, aglm_str *s)
{
    for (size_t r = 0; r < aglm_table_rows(t); r++) {
        for (size_t c = 0; c < aglm_table_cols(t); c++) {
            aglm_cell cell = aglm_table_cell(t, r, c);
            assert_int_equal(cell.text[cell.len], '\0');
            aglm_str_puts(s, c ? "|" : r ? "/" : "");
            aglm_str_puts(s, cell.kind == AGLM_CELL_MISSING ? "?" : cell.text);
        }
    }
    for (size_t i = 0; i < s->len; i++)
        if (s->data[i] == '\x1f')
            s->data[i] = '+';
}

static void assert_cells(const aglm_table *t, const char *want)
{
    aglm_str s;

    aglm_str_init(&s, 1 << 20);
    put_cells(t, &s);
    assert_string_equal(s.data, want);
    aglm_str_clear(&s);
}

/* The same for a case made from a seed. */
static void check_seed(const char *name, const aglm_str *file, const aglm_read_options *opt,
                       const aglm_str *want, uint64_t seed)
{
    aglm_table *t = parse_with(name, file->data, file->len, opt);
    aglm_str s;

    aglm_str_init(&s, 1 << 20);
    put_cells(t, &s);
    if (strcmp(s.data, want->data) != 0)
        fail_msg("seed %llu: read \"%s\", written \"%s\"", (unsigned long long)seed, s.data,
                 want->data);
    aglm_str_clear(&s);
    aglm_table_free(t);
}

static void assert_parses(const char *name, const char *data, aglm_format format, bool header,
                          const char *want)
{
    aglm_table *t = parse(name, data);

    assert_int_equal(aglm_table_report(t)->format, format);
    assert_int_equal(aglm_table_report(t)->has_header, header);
    assert_cells(t, want);
    aglm_table_free(t);
}

static void assert_fails_with(const char *name, const char *data, size_t n,
                              const aglm_read_options *opt, aglm_rc rc, const char *says)
{
    aglm_table *t;
    aglm_error err = {0};

    assert_int_equal(aglm_table_parse(&t, name, data, n, opt, &err), rc);
    assert_null(t);
    if (!strstr(err.msg, says))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, says);
}

static void assert_fails(const char *name, const char *data, const char *says)
{
    assert_fails_with(name, data, strlen(data), NULL, AGLM_FORMAT, says);
}

static void csv_follows_rfc_4180(void **state)
{
    (void)state;
    assert_parses("f.csv", "label,text\na,x\nb,\"y, \"\"z\"\"\"\r\nc,\"two\nlines\"\nd,\n",
                  AGLM_FORMAT_CSV, true, "a|x/b|y, \"z\"/c|two\nlines/d|");
    assert_parses("f.csv", "label;text\na;x,y\nb;z\n", AGLM_FORMAT_CSV, true, "a|x,y/b|z");
    assert_parses("f.csv", "label,text\r\na,x\r\n\r\nb,y", AGLM_FORMAT_CSV, true, "a|x/b|y");
    assert_parses("f.csv", "label,text\ra,x\rb,y", AGLM_FORMAT_CSV, true, "a|x/b|y");
    assert_parses("f.csv", "text\nhello there\n\"\"\n", AGLM_FORMAT_CSV, true, "hello there");
    assert_parses("f.csv", "a,say \"hi\" now\nb,x\n", AGLM_FORMAT_CSV, false,
                  "a|say \"hi\" now/b|x");
}

static void lines_and_names_are_known(void **state)
{
    aglm_table *t = parse("f.csv", "label,text\na,\"1\n2\"\n\nb,3\n");

    (void)state;
    assert_int_equal(aglm_table_line(t, 0), 2);
    assert_int_equal(aglm_table_line(t, 1), 5);
    assert_string_equal(aglm_table_col_name(t, 1), "text");
    assert_int_equal(aglm_table_find_col(t, "text"), 1);
    assert_int_equal(aglm_table_find_col(t, "1"), 0);
    assert_int_equal(aglm_table_find_col(t, "3"), -1);
    assert_int_equal(aglm_table_find_col(t, "0"), -1);
    assert_int_equal(aglm_table_find_col(t, "nope"), -1);
    assert_string_equal(aglm_table_report(t)->sha256,
                        "1b8bf51b2746484bf6cf8db8083d5b50068034aabeec02bb3e4b78bf18c61f58");
    aglm_table_free(t);
    t = parse("f.tsv", "a\tx\nb\ty\n");
    assert_string_equal(aglm_table_col_name(t, 1), "column 2");
    aglm_table_free(t);
}

static void tsv_keeps_stray_quotes(void **state)
{
    (void)state;
    assert_parses("f.tsv", "a\t\"hi\" he said\nb\tno \"quote\na\tx\n", AGLM_FORMAT_TSV, false,
                  "a|\"hi\" he said/b|no \"quote/a|x");
    assert_parses("f.tsv", "a\t\"open\nb\tand shut\"\na\tx\n", AGLM_FORMAT_TSV, false,
                  "a|\"open/b|and shut\"/a|x");
    assert_parses("f.tsv", "a\t\"all of it\"\nb\tx\na\ty\n", AGLM_FORMAT_TSV, false,
                  "a|\"all of it\"/b|x/a|y");
    assert_parses("f.txt", " a\tx \nb\ty\n", AGLM_FORMAT_TSV, false, " a|x /b|y");
}

static void tsv_written_with_quotes_is_unquoted(void **state)
{
    (void)state;
    assert_parses("f.tsv", "a\t\"say \"\"hi\"\" now\"\nb\tx\n", AGLM_FORMAT_TSV, false,
                  "a|say \"hi\" now/b|x");
    assert_parses("f.tsv", "\"a\"\t\"x\"\n\"b\"\t\"y\"\n", AGLM_FORMAT_TSV, false, "a|x/b|y");
    assert_parses("f.tsv", "a\t\"one\ntwo\"\nb\ty\n", AGLM_FORMAT_TSV, false, "a|one\ntwo/b|y");
}

static void headers_are_told_from_data(void **state)
{
    (void)state;
    assert_parses("f.tsv", "section\tdescription\nadmin\ta tool\nnet\tb tool\nadmin\tc tool\n",
                  AGLM_FORMAT_TSV, true, "admin|a tool/net|b tool/admin|c tool");
    assert_parses("f.tsv", "spam\tmessage\nham\tother\nspam\tmore\nham\tx\n", AGLM_FORMAT_TSV,
                  false, "spam|message/ham|other/spam|more/ham|x");
    assert_parses("f.csv", "foo,bar\nsome words,1\nother words,2\n", AGLM_FORMAT_CSV, true,
                  "some words|1/other words|2");
    assert_parses("f.tsv",
                  "rare\tOkay\na\tlong text 1\na\tlong text 2\nb\tlong text 3\nb\tlong text 4\n",
                  AGLM_FORMAT_TSV, false,
                  "rare|Okay/a|long text 1/a|long text 2/b|long text 3/b|long text 4");
    assert_parses("f.csv", ",text,label\n0,x,a\n1,y,b\n", AGLM_FORMAT_CSV, true, "0|x|a/1|y|b");
    assert_fails("f.csv", "text,text\na,b\nc,d\n", "column 1 and column 2 are both named \"text\"");
    aglm_read_options opt = {.header = AGLM_HEADER_NO};
    aglm_table *t = parse_with("f.csv", "label,text\na,b\n", 15, &opt);
    assert_cells(t, "label|text/a|b");
    aglm_table_free(t);
}

static void json_rows_have_keys(void **state)
{
    (void)state;
    assert_parses(
        "f",
        "{\"text\": \"a\\u00e9\\n\", \"label\": 1}\n\n{\"label\": 2.5, \"x\": [\"p\", \"q\"]}\n",
        AGLM_FORMAT_JSONL, false, "a\xc3\xa9\n|1|?/?|2.5|p+q");
    assert_parses("f.json", "[{\"a\": true, \"b\": null},\n {\"b\": {\"c\": 1}, \"a\": []}]",
                  AGLM_FORMAT_JSON, false, "true|?/|{\"c\":1}");
    assert_parses("f.json", "{\"version\": 1,\n \"data\": [{\"t\": \"x\"}]}", AGLM_FORMAT_JSON,
                  false, "x");
    assert_fails("f.jsonl", "{\"a\": 1}\n{\"a\": \n", "f.jsonl:2: ");
    assert_fails("f.jsonl", "{\"a\": 1}\n[1]\n", "f.jsonl:2:1: expected an object");
    assert_fails("f.jsonl", "{\"a\": \"x\\u0000y\"}\n", "NUL");
    assert_fails("f.json", "[1, 2]", "expected an object");
    assert_fails("f.json", "{\n\"a\": 1}", "expected an array");
}

static void other_formats_are_recognised(void **state)
{
    (void)state;
    assert_parses("f.txt", "__label__a __label__b some text\n__label__c x\n", AGLM_FORMAT_FASTTEXT,
                  false, "a+b|some text/c|x");
    assert_parses("f.txt", "EU\tB-ORG\nrejects\tO\n\nGerman\tB-MISC\ncall\tO\n", AGLM_FORMAT_CONLL,
                  false, "EU|B-ORG/rejects|O/German|B-MISC/call|O");
    assert_parses("f.txt", "one line, of text\n\nanother\n", AGLM_FORMAT_LINES, false,
                  "one line, of text//another");
    assert_fails(
        "f.ft",
        "__label__a x\n__label__a y\n__label__b z\n__label__a x\n__label__a y\n__label__b z\n"
        "__label__a x\n__label__a y\n__label__b z\nno label\n",
        "f.ft:10:1: no __label__");
}

static void encodings_are_found(void **state)
{
    static const char utf16[] = "\xff\xfe"
                                "a\0\t\0-N\n\0b\0\t\0y\0";
    static const char gbk[] = "a\t\xc4\xe3\xba\xc3\xa3\xac\xd6\xd0\xb9\xfa\nb\t\xb2\xe2\xca\xd4\n";
    aglm_table *t = parse("f.tsv", "\xef\xbb\xbflabel\ttext\na\tx\nb\ty\n");

    (void)state;
    assert_string_equal(aglm_table_col_name(t, 0), "label");
    aglm_table_free(t);
    t = parse_with("f.tsv", utf16, sizeof utf16 - 1, NULL);
    assert_int_equal(aglm_table_report(t)->encoding, AGLM_ENC_UTF16LE);
    assert_cells(t, "a|\xe4\xb8\xad/b|y");
    aglm_table_free(t);
    t = parse("f.tsv", gbk);
    assert_int_equal(aglm_table_report(t)->encoding, AGLM_ENC_GB18030);
    assert_cells(t, "a|你好，中国/b|测试");
    aglm_table_free(t);
}

static void bad_input_names_its_place(void **state)
{
    static const char nul[] = "a\tx\nb\ty\0z\n";
    aglm_read_options small = {.max_row_bytes = 10};
    aglm_read_options tiny = {.max_bytes = 5};
    aglm_read_options utf8 = {.encoding = AGLM_ENC_UTF8};

    (void)state;
    assert_fails("f.csv", "", "f.csv: the file is empty");
    assert_fails("f.csv", "\n \r\n", "f.csv: the file is empty");
    assert_fails_with("f.tsv", nul, sizeof nul - 1, NULL, AGLM_FORMAT, "f.tsv:2:4: a NUL byte");
    assert_fails("f.csv", "label,text\na,b\nc,\"d\ne,f\n",
                 "f.csv:3:3: the quote that opens here is never closed");
    assert_fails("f.csv", "label,text\na,\"b\"x\n", "f.csv:2:6: text behind a closing quote");
    assert_fails("f.csv", "label,text\na,b\na,b,c\n",
                 "f.csv:3: 3 fields where the first row has 2");
    assert_fails("f.tsv", "a\tb\nc\n", "f.tsv:2: 1 fields");
    assert_fails_with("f.tsv", "a\tb\nc\txxxxxxxxxx\n", 17, &small, AGLM_FORMAT, "f.tsv:2: ");
    assert_fails_with("f.txt", "x\nxxxxxxxxxxx\n", 14, &small, AGLM_FORMAT,
                      "f.txt:2: a line of 11 bytes");
    assert_fails_with("f.txt", "abcdefgh", 8, &tiny, AGLM_LIMIT, "limit of 5 bytes");
    assert_fails_with("f.tsv", "a\t\xe4\xbd\xa0 \nb\t\xe4\xbd\xa0\xff\n", 13, &utf8, AGLM_FORMAT,
                      "f.tsv:2:4: byte 0xff is not valid UTF-8");
    assert_fails("f.tsv", "a\t你好，世界\nb\t\xff 中国\n",
                 "f.tsv:2:3: byte 0xff is not valid UTF-8");
    assert_fails("f.csv", "PK\x03\x04xyz", "zip or Excel");
}

static void bad_rows_are_skipped_and_counted(void **state)
{
    aglm_read_options opt = {.skip_bad_rows = true, .encoding = AGLM_ENC_UTF8};
    const char *csv = "label,text\na,b\na,b,c\nd,\"e\"f\ng,\xff\nh,i\n";
    const char *jsonl = "{\"t\":\"a\"}\n{\"t\":\n[1]\n{\"t\":\"b\"}\n";
    aglm_table *t = parse_with("f.csv", csv, strlen(csv), &opt);

    (void)state;
    assert_cells(t, "a|b/h|i");
    assert_int_equal(aglm_table_report(t)->bad_rows, 3);
    assert_non_null(strstr(aglm_table_report(t)->first_bad, "f.csv:3: 3 fields"));
    aglm_table_free(t);
    t = parse_with("f.jsonl", jsonl, strlen(jsonl), &opt);
    assert_cells(t, "a/b");
    assert_int_equal(aglm_table_report(t)->bad_rows, 2);
    aglm_table_free(t);
    assert_fails_with("f.csv", "label,text\na,\"b\n", 16, &opt, AGLM_FORMAT, "never closed");
}

static void write_file(const char *path, const void *data, size_t n)
{
    assert_int_equal(aglm_file_write(path, data, n, NULL), AGLM_OK);
}

static void write_gz(const char *path, const char *text)
{
    gzFile f = gzopen(path, "wb");

    assert_non_null(f);
    gzwrite(f, text, (unsigned)strlen(text));
    gzclose(f);
}

static void files_and_folders_are_read(void **state)
{
    char dir[] = "/tmp/aglm_table_XXXXXX";
    char path[64];
    aglm_table *t;
    aglm_error err = {0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/neg/1.txt", dir);
    assert_int_equal(aglm_table_read(&t, path, NULL, &err), AGLM_NOTFOUND);
    assert_non_null(strstr(err.msg, "neg/1.txt"));
    assert_int_equal(aglm_table_read(&t, dir, NULL, &err), AGLM_FORMAT);
    for (const char *const *c = (const char *const[]){"neg", "pos", NULL}; *c; c++) {
        snprintf(path, sizeof path, "%s/%s", dir, *c);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(path, sizeof path, "%s/%s/1.txt", dir, *c);
        write_file(path, *c, 3);
    }
    snprintf(path, sizeof path, "%s/pos/0.txt", dir);
    write_file(path, "", 0);
    assert_int_equal(aglm_table_read(&t, dir, NULL, &err), AGLM_OK);
    assert_int_equal(aglm_table_report(t)->format, AGLM_FORMAT_FOLDER);
    assert_cells(t, "neg|neg/pos|/pos|pos");
    aglm_table_free(t);
    snprintf(path, sizeof path, "%s/x.tsv.gz", dir);
    write_gz(path, "a\tx\nb\ty\n");
    assert_int_equal(aglm_table_read(&t, path, NULL, &err), AGLM_OK);
    assert_cells(t, "a|x/b|y");
    aglm_table_free(t);
    assert_int_equal(truncate(path, 20), 0);
    assert_int_equal(aglm_table_read(&t, path, NULL, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "broken gzip"));
    aglm_dir_remove(dir, NULL);
}

static void stdin_is_read(void **state)
{
    int pipes[2];
    int saved = dup(STDIN_FILENO);
    aglm_table *t;

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], "a\tx\nb\ty", 7), 7);
    close(pipes[1]);
    dup2(pipes[0], STDIN_FILENO);
    close(pipes[0]);
    assert_int_equal(aglm_table_read(&t, "-", NULL, NULL), AGLM_OK);
    dup2(saved, STDIN_FILENO);
    close(saved);
    assert_string_equal(aglm_table_report(t)->name, "stdin");
    assert_cells(t, "a|x/b|y");
    aglm_table_free(t);
}

static void sparse_keys_cannot_eat_memory(void **state)
{
    aglm_str s;

    (void)state;
    aglm_str_init(&s, 1 << 24);
    for (int i = 0; i < 30000; i++)
        aglm_str_puts(&s, "{}\n");
    aglm_str_putc(&s, '{');
    for (int i = 0; i < 900; i++)
        aglm_str_printf(&s, "%s\"k%d\":1", i ? "," : "", i);
    aglm_str_puts(&s, "}\n");
    assert_fails_with("f.jsonl", s.data, s.len, NULL, AGLM_LIMIT, "too many different columns");
    aglm_str_reset(&s);
    for (int i = 0; i < 2000; i++)
        aglm_str_printf(&s, "{\"k%d\": 1}\n", i);
    assert_fails_with("f.jsonl", s.data, s.len, NULL, AGLM_LIMIT, "columns");
    aglm_str_clear(&s);
}

static void random_cell(aglm_rng *r, aglm_str *s)
{
    static const char *const pieces[] = {"a",    "word", " ", "\"", "\"\"", ",", "\n",
                                         "\r\n", "\t",   "é", "中", ";",    "'", "|"};

    aglm_str_reset(s);
    for (size_t k = aglm_rng_below(r, 8); k > 0; k--)
        aglm_str_puts(s, pieces[aglm_rng_below(r, sizeof pieces / sizeof *pieces)]);
}

/* As RFC 4180 writes it: quoted where it must be, elsewhere now and then. */
static void write_cell(aglm_rng *r, aglm_str *out, const aglm_str *cell, char delimiter)
{
    bool must = cell->len == 0;

    for (size_t i = 0; i < cell->len; i++)
        must |= strchr("\"\r\n", cell->data[i]) || cell->data[i] == delimiter;
    if (!must && aglm_rng_below(r, 3)) {
        aglm_str_append(out, cell->data, cell->len);
        return;
    }
    aglm_str_putc(out, '"');
    for (size_t i = 0; i < cell->len; i++) {
        if (cell->data[i] == '"')
            aglm_str_putc(out, '"');
        aglm_str_putc(out, cell->data[i]);
    }
    aglm_str_putc(out, '"');
}

/* What RFC 4180 says how to write is read as it was, whatever stands in the cells. */
static void csv_round_trips(void **state)
{
    const aglm_read_options opt = {.format = AGLM_FORMAT_CSV, .header = AGLM_HEADER_YES};
    aglm_str out, cell, want;
    aglm_rng r;

    (void)state;
    aglm_str_init(&out, 1 << 20);
    aglm_str_init(&cell, 1 << 20);
    aglm_str_init(&want, 1 << 20);
    for (uint64_t seed = 0; seed < 1000; seed++) {
        aglm_rng_init(&r, seed);
        size_t cols = 2 + aglm_rng_below(&r, 3);
        size_t rows = 1 + aglm_rng_below(&r, 6);
        const char *eol = aglm_rng_below(&r, 2) ? "\n" : "\r\n";
        aglm_str_reset(&out);
        aglm_str_reset(&want);
        for (size_t i = 0; i < cols; i++)
            aglm_str_printf(&out, "%sc%zu", i ? "," : "", i);
        for (size_t i = 0; i < rows * cols; i++) {
            random_cell(&r, &cell);
            aglm_str_puts(&out, i % cols ? "," : eol);
            write_cell(&r, &out, &cell, ',');
            aglm_str_puts(&want, i % cols ? "|" : i ? "/" : "");
            aglm_str_append(&want, cell.data, cell.len);
        }
        check_seed("f.csv", &out, &opt, &want, seed);
    }
    aglm_str_clear(&out);
    aglm_str_clear(&cell);
    aglm_str_clear(&want);
}

/* A stray quote anywhere, and every line is read as line.split('\t', 1). */
static void tsv_is_split_at_tabs(void **state)
{
    static const char *const pieces[] = {"a", "word", " ",  "\"", "\"\"",
                                         ",", "é",    "中", "|",  "\"x\""};
    const aglm_read_options opt = {.header = AGLM_HEADER_NO};
    aglm_str out, want;
    aglm_rng r;

    (void)state;
    aglm_str_init(&out, 1 << 20);
    aglm_str_init(&want, 1 << 20);
    for (uint64_t seed = 0; seed < 1000; seed++) {
        aglm_rng_init(&r, seed);
        aglm_str_reset(&out);
        aglm_str_reset(&want);
        aglm_str_puts(&out, "l\tstray \" here\n");
        aglm_str_puts(&want, "l|stray \" here");
        for (size_t i = 1 + aglm_rng_below(&r, 6); i > 0; i--) {
            aglm_str_printf(&out, "k%zu\t", i);
            aglm_str_printf(&want, "/k%zu|", i);
            for (size_t k = aglm_rng_below(&r, 8); k > 0; k--) {
                const char *p = pieces[aglm_rng_below(&r, sizeof pieces / sizeof *pieces)];
                aglm_str_puts(&out, p);
                aglm_str_puts(&want, p);
            }
            aglm_str_putc(&out, '\n');
        }
        check_seed("f.tsv", &out, &opt, &want, seed);
    }
    aglm_str_clear(&out);
    aglm_str_clear(&want);
}

static void formats_have_names(void **state)
{
    aglm_format f;

    (void)state;
    for (int i = AGLM_FORMAT_AUTO; i <= AGLM_FORMAT_FOLDER; i++) {
        assert_true(aglm_format_from_name(aglm_format_name((aglm_format)i), &f));
        assert_int_equal(f, i);
    }
    assert_false(aglm_format_from_name("xlsx", &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_follows_rfc_4180),
        cmocka_unit_test(lines_and_names_are_known),
        cmocka_unit_test(tsv_keeps_stray_quotes),
        cmocka_unit_test(tsv_written_with_quotes_is_unquoted),
        cmocka_unit_test(headers_are_told_from_data),
        cmocka_unit_test(json_rows_have_keys),
        cmocka_unit_test(other_formats_are_recognised),
        cmocka_unit_test(encodings_are_found),
        cmocka_unit_test(bad_input_names_its_place),
        cmocka_unit_test(bad_rows_are_skipped_and_counted),
        cmocka_unit_test(files_and_folders_are_read),
        cmocka_unit_test(stdin_is_read),
        cmocka_unit_test(sparse_keys_cannot_eat_memory),
        cmocka_unit_test(csv_round_trips),
        cmocka_unit_test(tsv_is_split_at_tabs),
        cmocka_unit_test(formats_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
