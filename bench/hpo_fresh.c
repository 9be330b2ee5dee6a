#include <math.h>

#include "hpo_problem.h"

#define PI 3.14159265358979323846

static double trid(const double *x, size_t d)
{
    double n = (double)d;
    double f = n * (n + 4.0) * (n - 1.0) / 6.0;

    for (size_t i = 0; i < d; i++)
        f += pow(x[i] - 1.0, 2) - (i > 0 ? x[i] * x[i - 1] : 0.0);
    return f;
}

static double alpine(const double *x, size_t d)
{
    double f = 0.0;

    for (size_t i = 0; i < d; i++) {
        double z = x[i] - hpo_shifted(i, 10.0);
        f += fabs(z * sin(z) + 0.1 * z);
    }
    return f;
}

static double salomon(const double *x, size_t d)
{
    double square = 0.0;

    for (size_t i = 0; i < d; i++)
        square += pow(x[i] - hpo_shifted(i + 3, 20.0), 2);
    return 1.0 - cos(2.0 * PI * sqrt(square)) + 0.1 * sqrt(square);
}

static double happy_cat(const double *x, size_t d)
{
    double square = 0.0;
    double sum = 0.0;

    for (size_t i = 0; i < d; i++) {
        square += x[i] * x[i];
        sum += x[i];
    }
    return pow(fabs(square - (double)d), 0.25) + (0.5 * square + sum) / (double)d + 0.5;
}

static double powers(const double *x, size_t d)
{
    double z[HPO_MAX_DIMS];
    double f = 0.0;

    hpo_turn(x, d, z);
    for (size_t i = 0; i < d; i++)
        f += pow(fabs(z[i]), 2.0 + 4.0 * (double)i / (double)(d - 1));
    return f;
}

static double goldstein(const double *x, size_t d)
{
    double a = x[0];
    double b = x[1];

    (void)d;
    return (1 + pow(a + b + 1, 2) * (19 - 14 * a + 3 * a * a - 14 * b + 6 * a * b + 3 * b * b)) *
               (30 + pow(2 * a - 3 * b, 2) *
                         (18 - 32 * a + 12 * a * a + 48 * b - 36 * a * b + 27 * b * b)) -
           3.0;
}

static double shekel(const double *x, size_t d)
{
    static const double at[10][4] = {{4, 4, 4, 4}, {1, 1, 1, 1},    {8, 8, 8, 8}, {6, 6, 6, 6},
                                     {3, 7, 3, 7}, {2, 9, 2, 9},    {5, 5, 3, 3}, {8, 1, 8, 1},
                                     {6, 2, 6, 2}, {7, 3.6, 7, 3.6}};
    static const double flat[10] = {.1, .2, .2, .4, .4, .6, .3, .7, .5, .5};
    double f = 10.536443153483528;

    for (int i = 0; i < 10; i++) {
        double r = flat[i];
        for (size_t j = 0; j < d; j++)
            r += pow(x[j] - at[i][j], 2);
        f -= 1.0 / r;
    }
    return f;
}

/* Features of text: how many, how long, how they are weighed, and a learner's two rates. */
static double pipeline(const double *x, size_t d)
{
    enum { RATE, COUNT, LENGTH, PART, KIND, BIAS };
    static const double length[] = {2.0, 5.0, 3.0};
    static const double offset[] = {0.15, 0.05, 0.0};
    int k = (int)x[KIND];
    double f = offset[k] + 0.3 * pow(log10(x[RATE]) + 1.7 + 0.05 * x[COUNT], 2);

    (void)d;
    f += 0.004 * pow(x[COUNT] - 23.0, 2) + 0.06 * pow(x[LENGTH] - length[k], 2);
    return f + 0.8 * pow(x[PART] - 0.6, 2) + 0.1 * pow(x[BIAS] - 1.2 + x[PART], 2);
}

#define PIPELINE_SPACE                                                                             \
    "rate=loguniform(1e-5,1) count=int(1,40) length=int(1,12) part=quniform(0,1,0.1) "             \
    "kind=choice(word,letter,both) bias=uniform(-3,3)"

/* Two ways, the better of which begins worse. */
static double ways(const double *x, size_t d)
{
    enum { WAY, SPEED, STEPS, WIDTH, SHIFT, DECAY };
    double f = 0.2 * pow(log10(x[DECAY]) + 4.2, 2);

    (void)d;
    if (x[WAY] == 0.0)
        return f + 0.2 + 0.3 * pow(x[SPEED] - 0.4, 2) + 0.002 * pow(x[STEPS] - 14.0, 2);
    return f + 1.0 - exp(-3.0 * pow(log2(x[WIDTH]) - 5.0, 2) / 9.0 - 2.0 * pow(x[SHIFT] - 0.7, 2));
}

#define WAYS_SPACE                                                                                  \
    "way=choice(a(speed=uniform(0,1) steps=int(1,30)),b(width=logint(2,512) shift=uniform(-1,2))) " \
    "decay=loguniform(1e-7,1e-1)"

static const hpo_problem fresh[] = {
    {"trid6", trid, 6, -36, 36, NULL, 0},       {"alpine5", alpine, 5, -10, 10, NULL, 0},
    {"salomon4", salomon, 4, -20, 20, NULL, 0}, {"happy_cat6", happy_cat, 6, -2, 2, NULL, 0},
    {"rot_powers8", powers, 8, -5, 5, NULL, 0}, {"goldstein", goldstein, 2, -2, 2, NULL, 0},
    {"shekel4", shekel, 4, 0, 10, NULL, 0},     {"pipeline", pipeline, 0, 0, 0, PIPELINE_SPACE, 0},
    {"ways", ways, 0, 0, 0, WAYS_SPACE, 0},     {"noisy_alpine5", alpine, 5, -10, 10, NULL, 0.5},
};

const hpo_problem *hpo_fresh(size_t *n)
{
    *n = sizeof fresh / sizeof *fresh;
    return fresh;
}
