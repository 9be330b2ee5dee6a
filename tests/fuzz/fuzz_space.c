/* Spaces and distributions as they stand in a study file: what is read writes itself so that it is
 * read again as equal, its samples lie in it, and a model of it takes them. */
#include "fuzz.h"

#include "search/parzen.h"
#include "search/space.h"

static void check_dist(const char *text, size_t len)
{
    aglm_arena arena;
    aglm_dist d;
    aglm_dist back;
    aglm_str out;
    aglm_error err = {0};

    aglm_arena_init(&arena, 1 << 22);
    aglm_str_init(&out, 1 << 22);
    if (aglm_dist_read(&d, text, len, &arena, &err) == AGLM_OK) {
        aglm_dist_write(&d, &out);
        FUZZ_CHECK(out.rc != AGLM_OK ||
                   (aglm_dist_read(&back, out.data, out.len, &arena, &err) == AGLM_OK &&
                    aglm_dist_equal(&d, &back)));
    } else {
        FUZZ_CHECK(err.msg[0] != '\0');
    }
    aglm_str_clear(&out);
    aglm_arena_clear(&arena);
}

static void check_points(const aglm_space *s)
{
    double x[64];
    double y[64];
    aglm_rng rng;

    if (s->n == 0 || s->n > 64)
        return;
    aglm_rng_init(&rng, s->n);
    for (int i = 0; i < 4; i++) {
        aglm_space_sample(s, &rng, x);
        FUZZ_CHECK((aglm_space_check(s, x, NULL) == AGLM_OK) == aglm_space_allowed(s, x));
    }
    uint64_t size = aglm_space_size(s);
    if (size > 0) {
        aglm_space_at(s, size - 1, x);
        FUZZ_CHECK((aglm_space_check(s, x, NULL) == AGLM_OK) == aglm_space_allowed(s, x));
        aglm_space_at(s, 0, y);
        FUZZ_CHECK(aglm_space_same(s, x, y) == (size == 1));
    }
}

static void check_model(const aglm_dist *d)
{
    aglm_parzen *p;
    aglm_rng rng;
    double x;
    double density;

    if (d->low == d->high || aglm_parzen_new(&p, d, 1, NULL) != AGLM_OK)
        return;
    aglm_rng_init(&rng, 1);
    for (int i = 0; i < 4; i++) {
        aglm_parzen_sample(p, &rng, &x);
        FUZZ_CHECK(aglm_dist_contains(d, x));
        FUZZ_CHECK(aglm_parzen_insert(p, i, &x, NULL) == AGLM_OK);
        aglm_parzen_score(p, &x, 1, &density);
        FUZZ_CHECK(density == density);
    }
    aglm_parzen_free(p);
}

static void check_space(const char *text, size_t len)
{
    aglm_space *s;
    aglm_space *back;
    aglm_str out;
    aglm_error err = {0};

    if (aglm_space_read(&s, text, len, &err) != AGLM_OK) {
        FUZZ_CHECK(err.msg[0] != '\0');
        return;
    }
    aglm_str_init(&out, 1 << 22);
    aglm_space_write(s, &out);
    if (out.rc == AGLM_OK) {
        FUZZ_CHECK(aglm_space_read(&back, out.data, out.len, &err) == AGLM_OK);
        FUZZ_CHECK(aglm_space_equal(s, back, &err));
        aglm_space_free(back);
    }
    check_points(s);
    for (size_t i = 0; i < s->n && i < 8; i++)
        check_model(&s->params[i].dist);
    aglm_str_clear(&out);
    aglm_space_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 14)
        return 0;
    check_dist((const char *)data, size);
    check_space((const char *)data, size);
    return 0;
}
