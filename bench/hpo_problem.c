#include <math.h>

#include "hpo_problem.h"

#define PI 3.14159265358979323846
#define BRANIN_SPACE "x0=uniform(-5,10) x1=uniform(0,15)"
#define MIXED_SPACE                                                                                \
    "x0=uniform(-5,5) x1=uniform(-5,5) x2=uniform(-5,5) x3=uniform(-5,5) g0=loguniform(1e-5,1) "   \
    "g1=loguniform(1e-5,1) k0=int(0,20) k1=int(0,20) q=quniform(0,1,0.05) c=choice(a,b,c,d)"
#define UNDECLARED_SPACE                                                                           \
    "lr=uniform(1e-4,1) decay=uniform(1e-6,0.1) width=int(1,1000) drop=uniform(0,0.9)"
#define CONDITIONAL_SPACE                                                                               \
    "kind=choice(a(rate=uniform(0,1) depth=int(1,12)),b(width=uniform(0,1) mix=loguniform(1e-6,1)),c) " \
    "lr=loguniform(1e-5,1)"

double hpo_shifted(size_t i, double half)
{
    return 0.5 * half * sin(1.7 * ((double)i + 1.0));
}

double hpo_sphere(const double *x, size_t d)
{
    double f = 0;

    for (size_t i = 0; i < d; i++)
        f += pow(x[i] - hpo_shifted(i, 5.0), 2);
    return f;
}

static double rosenbrock(const double *x, size_t d)
{
    double f = 0;

    for (size_t i = 0; i + 1 < d; i++)
        f += 100.0 * pow(x[i + 1] - x[i] * x[i], 2) + pow(1.0 - x[i], 2);
    return f;
}

static double ackley(const double *x, size_t d)
{
    double squares = 0;
    double waves = 0;

    for (size_t i = 0; i < d; i++) {
        double z = x[i] - hpo_shifted(i, 32.768);
        squares += z * z / (double)d;
        waves += cos(2 * PI * z) / (double)d;
    }
    return -20.0 * exp(-0.2 * sqrt(squares)) - exp(waves) + 20.0 + exp(1.0);
}

double hpo_branin(const double *x, size_t d)
{
    double a = x[0];

    (void)d;
    return pow(x[1] - 5.1 / (4 * PI * PI) * a * a + 5 / PI * a - 6, 2) +
           10 * (1 - 1 / (8 * PI)) * cos(a) + 10 - 0.39788735772973816;
}

double hpo_hartmann6(const double *x, size_t d)
{
    static const double scale[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                                       {.05, 10, 17, .1, 8, 14},
                                       {3, 3.5, 1.7, 10, 17, 8},
                                       {17, 8, .05, 10, .1, 14}};
    static const double centre[4][6] = {{1312, 1696, 5569, 124, 8283, 5886},
                                        {2329, 4135, 8307, 3736, 1004, 9991},
                                        {2348, 1451, 3522, 2883, 3047, 6650},
                                        {4047, 8828, 8732, 5743, 1091, 381}};
    static const double height[4] = {1.0, 1.2, 3.0, 3.2};
    double f = 3.322368011415515;

    for (int i = 0; i < 4; i++) {
        double r = 0;
        for (size_t j = 0; j < d; j++)
            r += scale[i][j] * pow(x[j] - 1e-4 * centre[i][j], 2);
        f -= height[i] * exp(-r);
    }
    return f;
}

void hpo_turn(const double *x, size_t d, double *z)
{
    for (size_t i = 0; i < d; i++)
        z[i] = x[i] - hpo_shifted(i, 5.0);
    for (size_t i = 0; i < d; i++) {
        size_t k = (i + 1) % d;
        double a = 0.8 * z[i] - 0.6 * z[k];
        z[k] = 0.6 * z[i] + 0.8 * z[k];
        z[i] = a;
    }
}

static double ellipsoid(const double *x, size_t d)
{
    double z[HPO_MAX_DIMS];
    double f = 0;

    hpo_turn(x, d, z);
    for (size_t i = 0; i < d; i++)
        f += pow(1000.0, (double)i / (double)(d - 1)) * z[i] * z[i];
    return f;
}

static double rastrigin(const double *x, size_t d)
{
    double f = 0;

    for (size_t i = 0; i < d; i++) {
        double z = x[i] - hpo_shifted(i, 5.0);
        f += z * z - 10.0 * cos(2 * PI * z) + 10.0;
    }
    return f;
}

double hpo_griewank(const double *x, size_t d)
{
    double sum = 0;
    double product = 1;

    for (size_t i = 0; i < d; i++) {
        double z = 20.0 * (x[i] - hpo_shifted(i, 5.0));
        sum += z * z / 4000.0;
        product *= cos(z / sqrt((double)i + 1.0));
    }
    return 1.0 + sum - product;
}

double hpo_levy(const double *x, size_t d)
{
    double w = 1.0 + 0.5 * (x[0] - hpo_shifted(0, 5.0));
    double f = pow(sin(PI * w), 2);

    for (size_t i = 0; i < d; i++) {
        w = 1.0 + 0.5 * (x[i] - hpo_shifted(i, 5.0));
        double wave = i + 1 < d ? 10.0 * pow(sin(PI * w + 1.0), 2) : pow(sin(2 * PI * w), 2);
        f += pow(w - 1.0, 2) * (1.0 + wave);
    }
    return f;
}

static double mixed(const double *x, size_t d)
{
    static const double choice[] = {0.7, 0.0, 0.4, 1.1};
    double f = choice[(int)x[9]];

    (void)d;
    for (size_t i = 0; i < 4; i++)
        f += 0.1 * pow(x[i] - hpo_shifted(i, 5.0), 2);
    f += 0.2 * pow(log10(x[4]) + 3.3, 2) + 0.2 * pow(log10(x[4] * x[5]) + 4.6, 2);
    f += 0.02 * pow(x[6] - 13.0, 2) + 0.02 * pow(x[7] - x[6] + 9.0, 2);
    return f + 2.0 * pow(x[8] - (x[9] == 1.0 ? 0.25 : 0.70), 2);
}

/* kind, rate and depth under the first kind, width and mix under the second, none under the third;
 * then lr. */
static double conditional(const double *x, size_t d)
{
    double f = pow(log10(x[5]) + 3.4, 2);

    (void)d;
    if (x[0] == 0.0)
        return 0.3 + f + 2.0 * pow(x[1] - 0.2, 2) + 0.05 * pow(x[2] - 7.0, 2);
    if (x[0] == 1.0)
        return 0.5 * f + 3.0 * pow(x[3] - 0.6, 2) + 0.1 * pow(log10(x[4]) + 4.1, 2);
    return 0.6 + f;
}

/* A network's error: what matters is the logs of three numbers that are not declared as such. */
static double undeclared(const double *x, size_t d)
{
    (void)d;
    return 0.5 * pow(log10(x[0]) + 2.3, 2) + 0.2 * pow(log10(x[1]) + 3.5, 2) +
           0.3 * pow(log10(x[2]) - 1.8, 2) + 2.0 * pow(x[3] - 0.3, 2);
}

static const hpo_problem known[] = {
    {"sphere5", hpo_sphere, 5, -5, 5, NULL, 0},
    {"sphere10", hpo_sphere, 10, -5, 5, NULL, 0},
    {"rosenbrock5", rosenbrock, 5, -5, 10, NULL, 0},
    {"rosenbrock10", rosenbrock, 10, -5, 10, NULL, 0},
    {"ackley5", ackley, 5, -32.768, 32.768, NULL, 0},
    {"ackley10", ackley, 10, -32.768, 32.768, NULL, 0},
    {"branin", hpo_branin, 0, 0, 0, BRANIN_SPACE, 0},
    {"hartmann6", hpo_hartmann6, 6, 0, 1, NULL, 0},
    {"mix10", mixed, 0, 0, 0, MIXED_SPACE, 0},
    {"ellipsoid5", ellipsoid, 5, -5, 5, NULL, 0},
    {"ellipsoid10", ellipsoid, 10, -5, 5, NULL, 0},
    {"rastrigin5", rastrigin, 5, -5, 5, NULL, 0},
    {"griewank5", hpo_griewank, 5, -5, 5, NULL, 0},
    {"levy5", hpo_levy, 5, -5, 5, NULL, 0},
    {"conditional", conditional, 0, 0, 0, CONDITIONAL_SPACE, 0},
    {"noisy_sphere5", hpo_sphere, 5, -5, 5, NULL, 1.0},
    {"noisy_mix10", mixed, 0, 0, 0, MIXED_SPACE, 0.3},
    {"undeclared", undeclared, 0, 0, 0, UNDECLARED_SPACE, 0},
    {"noisy_undeclared", undeclared, 0, 0, 0, UNDECLARED_SPACE, 0.1},
};

const hpo_problem *hpo_known(size_t *n)
{
    *n = sizeof known / sizeof *known;
    return known;
}
