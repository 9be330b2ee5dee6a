#include "lm/hidden_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"

#define MAGIC "AGLMHID1"
#define HEAD 64
#define PROBE ((size_t)1 << 20)
#define MAX_MODEL ((size_t)1 << 46)
#define MAX_FILE ((size_t)1 << 40)

enum { AT_MODEL = 8, AT_READING = 16, AT_N = 24 };
enum { AT_NAME = 0, AT_SUM = 16, AT_STATES = 24 }; /* of a record */

struct aglm_hidden_file {
    int fd;
    char *path;
    size_t n;        /* floats of a record */
    size_t size;     /* bytes of a record */
    uint8_t *record; /* one that is being written */
};

static aglm_rc failed(const aglm_hidden_file *f, aglm_error *err)
{
    return aglm_error_set(err, AGLM_IO, "%s: %s", f->path, strerror(errno));
}

/* A re-quantised or retrained model differs in one of these. */
static aglm_rc hash_model(const char *path, uint64_t *hash, aglm_error *err)
{
    const void *data;
    size_t n;
    aglm_rc rc = aglm_file_map(path, MAX_MODEL, &data, &n, err);

    if (rc != AGLM_OK)
        return rc;
    size_t part = n < PROBE ? n : PROBE;
    *hash = aglm_hash64((const char *)data + (n - part), part, aglm_hash64(data, part, n));
    aglm_file_unmap(data, n);
    return AGLM_OK;
}

static aglm_rc make_head(uint8_t head[HEAD], const aglm_hidden_origin *o, aglm_error *err)
{
    uint64_t model, n = o->n;
    aglm_rc rc = hash_model(o->model, &model, err);

    memset(head, 0, HEAD);
    if (rc != AGLM_OK)
        return rc;
    memcpy(head, MAGIC, 8);
    memcpy(head + AT_MODEL, &model, sizeof model);
    memcpy(head + AT_READING, &o->reading, sizeof o->reading);
    memcpy(head + AT_N, &n, sizeof n);
    return rc;
}

static aglm_rc write_all(aglm_hidden_file *f, const uint8_t *bytes, size_t n, aglm_error *err)
{
    while (n > 0) {
        ssize_t done = write(f->fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return failed(f, err);
        bytes += done;
        n -= (size_t)done;
    }
    return AGLM_OK;
}

static uint64_t check_sum(const aglm_hidden_file *f, const uint8_t *record)
{
    return aglm_hash64(record + AT_STATES, f->n * sizeof(float), aglm_hash64(record, AT_SUM, 0));
}

/* Hands over whole records; returns where they end. */
static size_t read_records(aglm_hidden_file *f, const uint8_t *bytes, size_t n,
                           bool (*each)(void *arg, aglm_hidden_name name, const float *states),
                           void *arg)
{
    float *states = (float *)(void *)(f->record + AT_STATES);
    bool wanted = true;
    size_t at = HEAD;

    for (; n - at >= f->size; at += f->size) {
        aglm_hidden_name name;
        uint64_t sum;
        memcpy(f->record, bytes + at, f->size);
        memcpy(&name, f->record + AT_NAME, sizeof name);
        memcpy(&sum, f->record + AT_SUM, sizeof sum);
        if (sum != check_sum(f, f->record))
            break;
        wanted = wanted && each(arg, name, states);
    }
    return at;
}

static aglm_rc read_file(aglm_hidden_file *f, const uint8_t head[HEAD],
                         bool (*each)(void *arg, aglm_hidden_name name, const float *states),
                         void *arg, aglm_error *err)
{
    const void *data;
    size_t n, end;
    aglm_rc rc = aglm_file_map(f->path, MAX_FILE, &data, &n, err);

    if (rc != AGLM_OK)
        return rc;
    if (n < HEAD || memcmp(data, MAGIC, 8) != 0)
        rc = aglm_error_set(err, AGLM_FORMAT, "%s: is no file of hidden states; name another one",
                            f->path);
    else if (memcmp(data, head, HEAD) != 0)
        rc = aglm_error_set(err, AGLM_INVALID,
                            "%s: holds states of another model, or of texts read otherwise; name "
                            "another file, or remove it",
                            f->path);
    end = rc == AGLM_OK ? read_records(f, data, n, each, arg) : n;
    aglm_file_unmap(data, n);
    if (end < n && ftruncate(f->fd, (off_t)end) != 0)
        rc = failed(f, err);
    return rc;
}

static aglm_rc open_file(aglm_hidden_file *f, aglm_error *err)
{
    f->fd = open(f->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (f->fd < 0)
        return failed(f, err);
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? aglm_error_set(err, AGLM_BUSY, "%s: is in use by another process", f->path)
                   : failed(f, err);
    return AGLM_OK;
}

static aglm_hidden_file *file_new(const char *path, size_t n)
{
    aglm_hidden_file *f = aglm_calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->fd = -1;
    f->n = n;
    f->size = AT_STATES + n * sizeof(float);
    f->path = aglm_strndup(path, strlen(path));
    f->record = aglm_calloc(f->size, 1);
    if (f->path && f->record)
        return f;
    aglm_hidden_file_close(f);
    return NULL;
}

aglm_rc aglm_hidden_file_open(aglm_hidden_file **out, const char *path,
                              const aglm_hidden_origin *origin,
                              bool (*each)(void *arg, aglm_hidden_name name, const float *states),
                              void *arg, aglm_error *err)
{
    aglm_hidden_file *f = file_new(path, origin->n);
    uint8_t head[HEAD];

    *out = NULL;
    if (!f)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %s", path);
    aglm_rc rc = make_head(head, origin, err);
    if (rc == AGLM_OK)
        rc = open_file(f, err);
    if (rc == AGLM_OK && lseek(f->fd, 0, SEEK_END) == 0)
        rc = write_all(f, head, HEAD, err);
    else if (rc == AGLM_OK)
        rc = read_file(f, head, each, arg, err);
    if (rc != AGLM_OK)
        aglm_hidden_file_close(f);
    else
        *out = f;
    return rc;
}

aglm_rc aglm_hidden_file_append(aglm_hidden_file *f, aglm_hidden_name name, const float *states,
                                aglm_error *err)
{
    memcpy(f->record + AT_NAME, &name, sizeof name);
    memcpy(f->record + AT_STATES, states, f->n * sizeof *states);
    uint64_t sum = check_sum(f, f->record);
    memcpy(f->record + AT_SUM, &sum, sizeof sum);
    return write_all(f, f->record, f->size, err);
}

void aglm_hidden_file_close(aglm_hidden_file *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    free(f->record);
    free(f);
}
