#include "learn/linear_solver.h"

#include <math.h>

#include "base/rng.h"
#include "unit.h"

#define ROWS 200
#define COLS 60
#define PER_ROW 8

/* Random rows with a bias column; labels of each lane by a hidden vector with some noise. */
struct made {
    aglm_csr x;
    float cost[ROWS];
    int8_t y[ROWS * AGLM_LANES_MAX];
    float metric[COLS * AGLM_LANES_MAX];
    float w[COLS * AGLM_LANES_MAX];
};

static void make_rows(struct made *m, uint64_t seed)
{
    aglm_rng r;

    aglm_rng_init(&r, seed);
    assert_int_equal(aglm_csr_init(&m->x, ROWS, COLS, ROWS * PER_ROW), AGLM_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        for (uint32_t j = 0; j < PER_ROW; j++) {
            uint32_t at = i * PER_ROW + j;
            bool bias = j == PER_ROW - 1;
            m->x.col[at] = bias ? COLS - 1 : (uint32_t)(j * 8 + aglm_rng_below(&r, 8));
            m->x.val[at] = bias ? 1 : (float)aglm_rng_uniform(&r);
        }
        m->x.start[i + 1] = (i + 1) * PER_ROW;
        m->cost[i] = 0.5f + (float)aglm_rng_uniform(&r);
    }
    for (size_t i = 0; i < COLS * AGLM_LANES_MAX; i++)
        m->metric[i] = (float)aglm_rng_uniform(&r);
}

static void make_labels(struct made *m, unsigned lanes, uint64_t seed)
{
    for (unsigned l = 0; l < lanes; l++) {
        aglm_rng r;
        double hidden[COLS];
        aglm_rng_init_stream(&r, seed, l);
        for (size_t j = 0; j < COLS; j++)
            hidden[j] = aglm_rng_normal(&r);
        for (size_t i = 0; i < ROWS; i++) {
            double dot = 0.5 * aglm_rng_normal(&r);
            for (size_t j = i * PER_ROW; j < (i + 1) * PER_ROW; j++)
                dot += hidden[m->x.col[j]] * (double)m->x.val[j];
            m->y[i * lanes + l] = dot > 0 ? 1 : -1;
        }
    }
}

static aglm_linear_problem problem_of(const struct made *m, unsigned lanes, aglm_linear_loss loss,
                                      bool metric)
{
    return (aglm_linear_problem){.x = &m->x,
                                 .cost = m->cost,
                                 .lanes = lanes,
                                 .vectors = lanes == 1 ? 1 : lanes - 2,
                                 .y = m->y,
                                 .metric = metric ? m->metric : NULL,
                                 .loss = loss,
                                 .eps = 1e-4,
                                 .max_passes = 3000,
                                 .seed = 7};
}

/* Largest partial derivative of a lane's objective at w. */
static double worst_gradient(const aglm_linear_problem *p, const float *w, unsigned lane)
{
    double g[COLS], worst = 0;

    for (size_t j = 0; j < COLS; j++) {
        double metric = p->metric ? p->metric[j * p->lanes + lane] : 1;
        g[j] = (double)w[j * p->lanes + lane] / metric;
    }
    for (size_t i = 0; i < ROWS; i++) {
        double y = p->y[i * p->lanes + lane], margin = 0;
        for (size_t j = i * PER_ROW; j < (i + 1) * PER_ROW; j++)
            margin += y * (double)p->x->val[j] * (double)w[(size_t)p->x->col[j] * p->lanes + lane];
        double slope = p->loss == AGLM_LOSS_LOGISTIC ? -1 / (1 + exp(margin))
                       : margin < 1                  ? -2 * (1 - margin)
                                                     : 0;
        for (size_t j = i * PER_ROW; j < (i + 1) * PER_ROW; j++)
            g[p->x->col[j]] += (double)p->cost[i] * slope * y * (double)p->x->val[j];
    }
    for (size_t j = 0; j < COLS; j++)
        worst = fabs(g[j]) > worst ? fabs(g[j]) : worst;
    return worst;
}

static void gradient_vanishes(void **state)
{
    static struct made m;
    static const unsigned lanes[] = {1, 8, 16};

    (void)state;
    for (uint64_t seed = 0; seed < 12; seed++) {
        unsigned n = lanes[seed % 3];
        aglm_linear_loss loss = seed / 3 % 2 ? AGLM_LOSS_LOGISTIC : AGLM_LOSS_SQUARED_HINGE;
        unsigned passes;
        make_rows(&m, seed);
        make_labels(&m, n, seed);
        aglm_linear_problem p = problem_of(&m, n, loss, seed >= 6);
        assert_int_equal(aglm_linear_solve(&p, m.w, &passes), AGLM_OK);
        assert_true(passes < p.max_passes);
        for (unsigned l = 0; l < p.vectors; l++) {
            double g = worst_gradient(&p, m.w, l);
            if (!(g < 0.02))
                fail_msg("seed %llu lane %u: gradient %g", (unsigned long long)seed, l, g);
        }
        for (unsigned l = p.vectors; l < n; l++)
            assert_true(m.w[l] == 0 && m.w[(COLS - 1) * n + l] == 0);
        aglm_csr_clear(&m.x);
    }
}

static void wide_registers_change_no_bit(void **state)
{
    static struct made m;
    static float plain[COLS * AGLM_LANES_MAX];

    (void)state;
    for (unsigned lanes = 8; lanes <= 16; lanes += 8) {
        make_rows(&m, lanes);
        make_labels(&m, lanes, lanes);
        aglm_linear_problem p = problem_of(&m, lanes, AGLM_LOSS_SQUARED_HINGE, false);
        p.eps = 0.1;
        assert_int_equal(aglm_linear_solve(&p, m.w, NULL), AGLM_OK);
        p.plain = true;
        assert_int_equal(aglm_linear_solve(&p, plain, NULL), AGLM_OK);
        assert_memory_equal(plain, m.w, COLS * lanes * sizeof *plain);
        aglm_csr_clear(&m.x);
    }
}

/* A lane's answer does not depend on its neighbours beyond the stopping rule. */
static void lanes_agree_with_one(void **state)
{
    static struct made m;
    static float one[COLS];
    static int8_t y[ROWS];

    (void)state;
    make_rows(&m, 3);
    make_labels(&m, 16, 3);
    aglm_linear_problem p = problem_of(&m, 16, AGLM_LOSS_SQUARED_HINGE, false);
    assert_int_equal(aglm_linear_solve(&p, m.w, NULL), AGLM_OK);
    for (unsigned l = 0; l < p.vectors; l++) {
        aglm_linear_problem single = problem_of(&m, 1, AGLM_LOSS_SQUARED_HINGE, false);
        for (size_t i = 0; i < ROWS; i++)
            y[i] = m.y[i * 16 + l];
        single.y = y;
        assert_int_equal(aglm_linear_solve(&single, one, NULL), AGLM_OK);
        double together = aglm_linear_objective(&p, m.w, l);
        double alone = aglm_linear_objective(&single, one, 0);
        assert_true(fabs(together - alone) < 1e-4 * alone);
    }
    aglm_csr_clear(&m.x);
}

static void stops_when_told(void **state)
{
    static struct made m;
    aglm_cancel stop;

    (void)state;
    make_rows(&m, 5);
    make_labels(&m, 1, 5);
    aglm_linear_problem p = problem_of(&m, 1, AGLM_LOSS_LOGISTIC, false);
    aglm_cancel_init(&stop, NULL, 0);
    aglm_cancel_stop(&stop);
    p.cancel = &stop;
    assert_int_equal(aglm_linear_solve(&p, m.w, NULL), AGLM_CANCELLED);
    aglm_csr_clear(&m.x);
}

/* A label that no row has, as happens in a small fold, gives a vector that says no. */
static void one_sided_labels_are_fine(void **state)
{
    static struct made m;

    (void)state;
    make_rows(&m, 9);
    memset(m.y, -1, sizeof m.y);
    for (int loss = 0; loss < 2; loss++) {
        aglm_linear_problem p = problem_of(&m, 8, (aglm_linear_loss)loss, false);
        assert_int_equal(aglm_linear_solve(&p, m.w, NULL), AGLM_OK);
        assert_true(m.w[(COLS - 1) * 8] < 0);
        assert_true(isfinite(m.w[(COLS - 1) * 8]));
    }
    aglm_csr_clear(&m.x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_vanishes),         cmocka_unit_test(wide_registers_change_no_bit),
        cmocka_unit_test(lanes_agree_with_one),      cmocka_unit_test(stops_when_told),
        cmocka_unit_test(one_sided_labels_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
