/* A stored model of trees whose labels and columns are the input's (two bytes and the schema's
 * JSON), around trees that are XGBoost's own: what loads answers any row, is saved and loads again.
 * Nothing is tried where XGBoost is not installed. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "data/dataset.h"
#include "learn/learner.h"

#define L (&aglm_learner_trees)
#define HEADER 40
#define LABELS_AT 12
#define REGRESSION_AT 16
#define SCHEMA_AT 20
#define CHECKSUM_AT 32
#define VERSION 1
enum { ROWS = 24, TREES = 4 };

/* "height,colour,target": the smallest table that holds both sorts of columns. */
static aglm_dataset *make_table(void)
{
    static const char *const COLOURS[] = {"red", "green", "blue"};
    aglm_read_options read = {.format = AGLM_FORMAT_CSV};
    aglm_task_guess guess = {0};
    aglm_dataset *d = NULL;
    aglm_table *t = NULL;
    aglm_str csv;

    aglm_str_init(&csv, 4096);
    aglm_str_puts(&csv, "height,colour,target\n");
    for (int i = 0; i < ROWS; i++)
        aglm_str_printf(&csv, "%d.5,%s,%s\n", i, COLOURS[i % 3], i % 4 < 2 ? "yes" : "no");
    FUZZ_CHECK(aglm_table_parse(&t, "t.csv", csv.data, csv.len, &read, NULL) == AGLM_OK);
    FUZZ_CHECK(aglm_task_detect(&guess, t, NULL, NULL) == AGLM_OK);
    FUZZ_CHECK(aglm_dataset_from_table(&d, t, &guess, NULL, NULL) == AGLM_OK);
    aglm_str_clear(&guess.evidence);
    aglm_table_free(t);
    aglm_str_clear(&csv);
    return d;
}

static aglm_model *grow(const aglm_dataset *d)
{
    const aglm_data_shape shape = {.docs = ROWS, .labels = 2, .tabular = true};
    const aglm_fit_context context = {.seed = 1};
    aglm_hparam space[AGLM_HPARAM_MAX];
    double values[AGLM_HPARAM_MAX];
    size_t n = L->space(&shape, space);
    uint32_t rows[ROWS];
    aglm_model *m = NULL;
    void *self = NULL;

    for (size_t i = 0; i < n; i++)
        values[i] = strcmp(space[i].name, "n_estimators") == 0 ? TREES : space[i].start;
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = i;
    FUZZ_CHECK(L->open(&self, d, values, &context, NULL) == AGLM_OK);
    FUZZ_CHECK(L->fit(self, rows, ROWS, &context, &m, NULL) == AGLM_OK);
    L->close(self);
    return m;
}

/* The stored model of the table above, made once; empty where there is no XGBoost. */
static const aglm_str *stored(void)
{
    static aglm_str s;
    static bool made;

    if (made)
        return &s;
    made = true;
    aglm_str_init(&s, (size_t)1 << 24);
    if (L->ready(NULL) != AGLM_OK)
        return &s;
    aglm_dataset *d = make_table();
    aglm_model *m = grow(d);
    FUZZ_CHECK(L->save(m, &s, NULL) == AGLM_OK);
    aglm_model_free(m);
    aglm_dataset_free(d);
    return &s;
}

static void put_u32(char *at, uint32_t v)
{
    memcpy(at, &v, sizeof v);
}

/* The stored trees with the input's labels and schema; checksum and sizes are right. */
static char *make_image(const aglm_str *s, const uint8_t *data, size_t size, size_t *n)
{
    uint32_t known;

    memcpy(&known, s->data + SCHEMA_AT, sizeof known);
    size_t trees = s->len - HEADER - known;
    *n = HEADER + size - 2 + trees;
    char *image = malloc(*n);
    if (!image)
        return NULL;
    memcpy(image, s->data, HEADER);
    memcpy(image + HEADER, data + 2, size - 2);
    memcpy(image + HEADER + size - 2, s->data + HEADER + known, trees);
    put_u32(image + LABELS_AT, data[0]);
    put_u32(image + REGRESSION_AT, data[1]);
    put_u32(image + SCHEMA_AT, (uint32_t)(size - 2));
    uint64_t sum = aglm_hash64(image + HEADER, *n - HEADER, VERSION);
    memcpy(image + CHECKSUM_AT, &sum, sizeof sum);
    return image;
}

static void use(const aglm_model *m)
{
    static const char *const rows[] = {"",   "1.5,red", "nan,blue", "-1e400,\"red\"",
                                       "7,", "1,2,3\n4"};
    float *z = calloc(m->n_labels, sizeof *z);
    aglm_predictor *p = NULL;
    aglm_explained spans[3];
    aglm_error err = {0};

    FUZZ_CHECK(z && L->predictor(&p, m, &err) == AGLM_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = strlen(rows[i]), n = 0;
        aglm_rc rc = L->predict(p, rows[i], len, z, &err);
        FUZZ_CHECK(rc == AGLM_OK || rc == AGLM_INVALID);
        FUZZ_CHECK(L->explain(p, rows[i], len, m->n_labels - 1, spans, 3, &n, &err) == rc);
        for (size_t k = 0; k < n; k++)
            FUZZ_CHECK(spans[k].begin <= spans[k].end && spans[k].end <= len);
    }
    L->free_predictor(p);
    free(z);
}

static void load(const char *image, size_t n)
{
    aglm_model *m = NULL;
    aglm_error err = {0};
    aglm_str again;

    aglm_str_init(&again, (size_t)1 << 26);
    if (L->load(&m, image, n, &err) == AGLM_OK) {
        use(m);
        FUZZ_CHECK(L->save(m, &again, &err) == AGLM_OK);
        aglm_model_free(m);
        FUZZ_CHECK(L->load(&m, again.data, again.len, &err) == AGLM_OK);
    } else {
        FUZZ_CHECK(!m && err.msg[0] != '\0');
    }
    aglm_model_free(m);
    aglm_str_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const aglm_str *s = stored();
    aglm_model *m = NULL;
    size_t n;

    if (s->len == 0 || size < 2 || size > 65536)
        return 0;
    FUZZ_CHECK(L->load(&m, data, size, NULL) != AGLM_OK && !m);
    char *image = make_image(s, data, size, &n);
    if (image)
        load(image, n);
    free(image);
    return 0;
}
