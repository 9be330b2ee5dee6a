#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "data/table_priv.h"

#define CHUNK ((size_t)1 << 20)

typedef struct buffer {
    char *data;
    size_t n, cap;
} buffer;

static aglm_rc too_large(const char *name, size_t max, aglm_error *err)
{
    return aglm_error_set(err, AGLM_LIMIT, "%s: over the limit of %zu bytes", name, max);
}

/* Room for at least `more` bytes and the NUL behind all. */
static aglm_rc make_room(buffer *b, size_t more, size_t max, const char *name, aglm_error *err)
{
    aglm_rc rc = aglm_grow(&b->data, &b->cap, b->n + more + 1, 1, max + CHUNK + 1);

    if (rc == AGLM_LIMIT)
        return too_large(name, max, err);
    return rc ? aglm_error_set(err, rc, "%s: out of memory after %zu bytes", name, b->n) : AGLM_OK;
}

static aglm_rc read_stdin(buffer *b, const char *name, size_t max, aglm_error *err)
{
    for (;;) {
        aglm_rc rc = make_room(b, CHUNK / 16, max, name, err);
        if (rc)
            return rc;
        ssize_t got = read(STDIN_FILENO, b->data + b->n, b->cap - b->n - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return aglm_error_set(err, AGLM_IO, "%s: %s", name, strerror(errno));
        if (got == 0)
            break;
        b->n += (size_t)got;
        if (b->n > max)
            return too_large(name, max, err);
    }
    b->data[b->n] = '\0';
    return AGLM_OK;
}

static bool is_gzip(const char *data, size_t n)
{
    return n >= 3 && memcmp(data, "\x1f\x8b\x08", 3) == 0;
}

/* One pass of inflate into room for it; *done at the end of the last member. */
static aglm_rc inflate_some(z_stream *z, buffer *out, const char *name, size_t max, bool *done,
                            aglm_error *err)
{
    aglm_rc rc = make_room(out, CHUNK / 4, max, name, err);
    if (rc)
        return rc;
    size_t room = out->cap - out->n - 1;
    z->next_out = (Bytef *)out->data + out->n;
    z->avail_out = room < CHUNK * 64 ? (uInt)room : (uInt)(CHUNK * 64);
    uInt before = z->avail_out;
    int zrc = inflate(z, Z_NO_FLUSH);
    out->n += before - z->avail_out;
    if (out->n > max)
        return too_large(name, max, err);
    if (zrc == Z_STREAM_END) {
        *done = z->avail_in < 18 || inflateReset(z) != Z_OK;
        return AGLM_OK;
    }
    if (zrc == Z_MEM_ERROR)
        return aglm_error_set(err, AGLM_NOMEM, "%s: out of memory while it was unpacked", name);
    if (zrc != Z_OK || (before == z->avail_out && z->avail_in == 0))
        return aglm_error_set(err, AGLM_FORMAT,
                              "%s: broken gzip data after %zu unpacked bytes (%s)", name, out->n,
                              z->msg ? z->msg : "cut off");
    return AGLM_OK;
}

/* z_stream counts in 32 bits. */
static void feed(z_stream *z, const char **at, size_t *left)
{
    if (z->avail_in || !*left)
        return;
    size_t n = *left < CHUNK * 1024 ? *left : CHUNK * 1024;
    memcpy(&z->next_in, at, sizeof z->next_in);
    z->avail_in = (uInt)n;
    *at += n;
    *left -= n;
}

static aglm_rc gunzip(buffer *b, const char *name, size_t max, aglm_error *err)
{
    z_stream z = {0};
    buffer out = {0};
    const char *at = b->data;
    size_t left = b->n;
    bool done = false;

    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return aglm_error_set(err, AGLM_NOMEM, "%s: out of memory while it was unpacked", name);
    aglm_rc rc = AGLM_OK;
    while (!rc && !done) {
        feed(&z, &at, &left);
        rc = inflate_some(&z, &out, name, max, &done, err);
    }
    inflateEnd(&z);
    if (rc) {
        free(out.data);
        return rc;
    }
    free(b->data);
    *b = out;
    b->data[b->n] = '\0';
    return AGLM_OK;
}

static aglm_rc check_magic(const char *name, const buffer *b, aglm_error *err)
{
    static const struct {
        const char *magic;
        const char *what;
    } kinds[] = {
        {"PK\x03\x04", "a zip or Excel file: save it as CSV or unpack it"},
        {"PAR1", "a Parquet file: write it as JSONL or CSV first"},
        {"%PDF", "a PDF file: extract its text first"},
        {"SQLite format 3", "an SQLite database: export the table as CSV first"},
        {"\x28\xb5\x2f\xfd", "zstd data: unpack it first, or use gzip"},
        {"BZh", "bzip2 data: unpack it first, or use gzip"},
        {"\xfd"
         "7zXZ",
         "xz data: unpack it first, or use gzip"},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t n = strlen(kinds[i].magic);
        if (b->n >= n && memcmp(b->data, kinds[i].magic, n) == 0)
            return aglm_error_set(err, AGLM_FORMAT, "%s: this is %s", name, kinds[i].what);
    }
    return AGLM_OK;
}

/* UTF-8 with a few broken bytes among many whole sequences is UTF-8: the broken rows get named. */
static bool mostly_utf8(const char *s, size_t n)
{
    size_t whole = 0;
    size_t broken = 0;
    uint32_t cp;

    for (size_t i = 0; i < n;) {
        if ((unsigned char)s[i] < 0x80) {
            i++;
            continue;
        }
        size_t step = aglm_utf8_decode(s + i, n - i, &cp);
        whole += step > 1;
        broken += step == 1;
        i += step;
    }
    return whole >= 4 && whole > 4 * broken;
}

/* The common case, without looking at all the rarer ones. */
static bool is_plain_utf8(const aglm_source *s)
{
    return !memchr(s->data, '\0', s->len) && aglm_utf8_check(s->data, s->len) == s->len;
}

static aglm_encoding guess_encoding(const aglm_source *s, size_t *bom, const char **why)
{
    if (is_plain_utf8(s)) {
        aglm_encoding_guess(s->data, s->len < 64 ? s->len : 64, false, bom, why);
        if (*bom == 0)
            *why = "all bytes are valid UTF-8";
        return AGLM_ENC_UTF8;
    }
    aglm_encoding e = aglm_encoding_guess(s->data, s->len, true, bom, why);
    if ((e == AGLM_ENC_LATIN1 || e == AGLM_ENC_GB18030) && mostly_utf8(s->data, s->len)) {
        e = AGLM_ENC_UTF8;
        *why = "most sequences are valid UTF-8, some are broken";
    }
    return e;
}

static aglm_encoding choose_encoding(const aglm_source *s, const aglm_read_options *opt,
                                     size_t *bom, aglm_read_report *report)
{
    const char *why = "";
    aglm_encoding e = guess_encoding(s, bom, &why);

    if (opt->encoding != AGLM_ENC_AUTO) {
        if (opt->encoding != e)
            *bom = 0;
        e = opt->encoding;
        why = "as told";
    }
    report->encoding_why = why;
    return report->encoding = e;
}

static aglm_rc to_utf8(aglm_source *s, const char *name, const aglm_read_options *opt,
                       aglm_read_report *report, aglm_error *err)
{
    size_t bom = 0;
    aglm_str out;
    aglm_encoding e = choose_encoding(s, opt, &bom, report);

    s->begin = bom;
    s->len -= bom;
    if (e == AGLM_ENC_UTF8) {
        s->valid_utf8 = aglm_utf8_check(s->data + bom, s->len) == s->len;
        return AGLM_OK;
    }
    aglm_str_init(&out, opt->max_bytes);
    aglm_rc rc = aglm_encoding_to_utf8(e, s->data + bom, s->len, &out, err);
    if (rc) {
        aglm_str_clear(&out);
        aglm_error_prefix(err, "%s", name);
        return rc;
    }
    free(s->data);
    *s = (aglm_source){.len = out.len, .valid_utf8 = true};
    s->data = aglm_str_take(&out);
    return s->data ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "%s: out of memory", name);
}

/* From raw bytes, which become the source's. */
static aglm_rc digest(aglm_source *s, buffer *b, const char *name, const aglm_read_options *opt,
                      aglm_read_report *report, aglm_error *err)
{
    aglm_sha256 sha;

    aglm_sha256_init(&sha);
    aglm_sha256_update(&sha, b->data, b->n);
    aglm_sha256_hex(&sha, report->sha256);
    report->bytes = b->n;
    aglm_rc rc = is_gzip(b->data, b->n) ? gunzip(b, name, opt->max_bytes, err) : AGLM_OK;
    if (!rc)
        rc = check_magic(name, b, err);
    if (!rc) {
        *s = (aglm_source){.data = b->data, .len = b->n};
        b->data = NULL;
        rc = to_utf8(s, name, opt, report, err);
    }
    if (!rc && opt->format != AGLM_FORMAT_LINES && aglm_line_blank(s->data + s->begin, s->len))
        rc = aglm_error_set(err, AGLM_FORMAT, "%s: the file is empty; it should hold rows of text",
                            name);
    if (rc) {
        free(s->data);
        s->data = NULL;
    }
    free(b->data);
    return rc;
}

aglm_rc aglm_source_load(aglm_source *s, const char *path, const aglm_read_options *opt,
                         aglm_read_report *report, aglm_error *err)
{
    buffer b = {0};
    aglm_rc rc;

    if (strcmp(path, "-") == 0) {
        rc = read_stdin(&b, report->name, opt->max_bytes, err);
        if (rc)
            free(b.data);
    } else {
        rc = aglm_file_read(path, opt->max_bytes, &b.data, &b.n, err);
    }
    return rc ? rc : digest(s, &b, report->name, opt, report, err);
}

aglm_rc aglm_source_copy(aglm_source *s, const char *data, size_t n, const aglm_read_options *opt,
                         aglm_read_report *report, aglm_error *err)
{
    buffer b = {.n = n};

    if (n > opt->max_bytes)
        return too_large(report->name, opt->max_bytes, err);
    b.data = aglm_strndup(data, n);
    if (!b.data)
        return aglm_error_set(err, AGLM_NOMEM, "%s: out of memory", report->name);
    return digest(s, &b, report->name, opt, report, err);
}
