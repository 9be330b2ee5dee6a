#include <math.h>

#include "hpo_problem.h"

#define PI 3.14159265358979323846

static double styblinski(const double *x, size_t d)
{
    double f = 39.16616570377142 * (double)d;

    for (size_t i = 0; i < d; i++)
        f += 0.5 * (pow(x[i], 4) - 16.0 * x[i] * x[i] + 5.0 * x[i]);
    return f;
}

static double camel(const double *x, size_t d)
{
    double a = x[0] * x[0];
    double b = x[1] * x[1];

    (void)d;
    return (4.0 - 2.1 * a + a * a / 3.0) * a + x[0] * x[1] + (4.0 * b - 4.0) * b +
           1.0316284534898774;
}

static double zakharov(const double *x, size_t d)
{
    double squares = 0.0;
    double ramp = 0.0;

    for (size_t i = 0; i < d; i++) {
        squares += x[i] * x[i];
        ramp += 0.5 * (double)(i + 1) * x[i];
    }
    return squares + ramp * ramp + pow(ramp, 4);
}

static double dixon(const double *x, size_t d)
{
    double f = pow(x[0] - 1.0, 2);

    for (size_t i = 1; i < d; i++)
        f += (double)(i + 1) * pow(2.0 * x[i] * x[i] - x[i - 1], 2);
    return f;
}

static double powell(const double *x, size_t d)
{
    double f = 0.0;

    for (size_t i = 0; i + 3 < d; i += 4) {
        f += pow(x[i] + 10.0 * x[i + 1], 2) + 5.0 * pow(x[i + 2] - x[i + 3], 2);
        f += pow(x[i + 1] - 2.0 * x[i + 2], 4) + 10.0 * pow(x[i] - x[i + 3], 4);
    }
    return f;
}

static double michalewicz(const double *x, size_t d)
{
    double f = d == 5 ? 4.687658179088149 : 9.660151715641344;

    for (size_t i = 0; i < d; i++)
        f -= sin(x[i]) * pow(sin((double)(i + 1) * x[i] * x[i] / PI), 20);
    return f;
}

static double hartmann3(const double *x, size_t d)
{
    static const double scale[4][3] = {{3, 10, 30}, {.1, 10, 35}, {3, 10, 30}, {.1, 10, 35}};
    static const double centre[4][3] = {
        {3689, 1170, 2673}, {4699, 4387, 7470}, {1091, 8732, 5547}, {381, 5743, 8828}};
    static const double height[4] = {1.0, 1.2, 3.0, 3.2};
    double f = 3.862779787332663;

    for (int i = 0; i < 4; i++) {
        double r = 0;
        for (size_t j = 0; j < d; j++)
            r += scale[i][j] * pow(x[j] - 1e-4 * centre[i][j], 2);
        f -= height[i] * exp(-r);
    }
    return f;
}

static double rotated_rastrigin(const double *x, size_t d)
{
    double z[HPO_MAX_DIMS];
    double f = 0.0;

    hpo_turn(x, d, z);
    for (size_t i = 0; i < d; i++)
        f += z[i] * z[i] - 10.0 * cos(2.0 * PI * z[i]) + 10.0;
    return f;
}

static double rotated_rosenbrock(const double *x, size_t d)
{
    double z[HPO_MAX_DIMS];
    double f = 0.0;

    hpo_turn(x, d, z);
    for (size_t i = 0; i < d; i++)
        z[i] += 1.0;
    for (size_t i = 0; i + 1 < d; i++)
        f += 100.0 * pow(z[i + 1] - z[i] * z[i], 2) + pow(1.0 - z[i], 2);
    return f;
}

static double cigar(const double *x, size_t d)
{
    double z[HPO_MAX_DIMS];

    hpo_turn(x, d, z);
    double f = z[0] * z[0];
    for (size_t i = 1; i < d; i++)
        f += 1e6 * z[i] * z[i];
    return f;
}

static double discus(const double *x, size_t d)
{
    double z[HPO_MAX_DIMS];

    hpo_turn(x, d, z);
    double f = 1e6 * z[0] * z[0];
    for (size_t i = 1; i < d; i++)
        f += z[i] * z[i];
    return f;
}

static double schwefel(const double *x, size_t d)
{
    double f = 418.98288727243374 * (double)d;

    for (size_t i = 0; i < d; i++)
        f -= x[i] * sin(sqrt(fabs(x[i])));
    return f;
}

static double eggholder(const double *x, size_t d)
{
    double y = x[1] + 47.0;

    (void)d;
    return 959.640662720851 - y * sin(sqrt(fabs(0.5 * x[0] + y))) -
           x[0] * sin(sqrt(fabs(x[0] - y)));
}

/* A network's error: the best rate depends on optimizer and batch, width and depth stand for each
 * other, dropout is right for one depth; what is far off is equally bad. */
static double network(const double *x, size_t d)
{
    enum { RATE, LAYERS, WIDTH, DROPOUT, ACTIVATION, OPTIMIZER, DECAY, BATCH };
    static const double activation[] = {0.05, 0.15, 0.0};
    static const double optimizer[] = {0.1, 0.0, 0.05};
    static const double rate[] = {-1.3, -2.9, -3.2};
    int o = (int)x[OPTIMIZER];
    double f = activation[(int)x[ACTIVATION]] + optimizer[o];

    (void)d;
    f += 0.4 * pow(log10(x[RATE]) - rate[o] - 0.2 * (x[BATCH] - 2.0), 2);
    f += 0.06 * pow(log2(x[WIDTH]) + 0.5 * x[LAYERS] - 8.5, 2) + 0.03 * pow(x[LAYERS] - 3.0, 2);
    f += 1.5 * pow(x[DROPOUT] - 0.1 * (x[LAYERS] - 1.0), 2) + 0.02 * pow(x[BATCH] - 2.0, 2);
    f += 0.05 * pow(log10(x[DECAY]) + (o == 1 ? 3.0 : 4.5), 2);
    return 1.0 - exp(-f);
}

#define NETWORK_SPACE                                                                              \
    "rate=loguniform(1e-5,1) layers=int(1,6) width=logint(8,512) dropout=quniform(0,0.8,0.05) "    \
    "activation=choice(relu,tanh,gelu) optimizer=choice(sgd,adam,rmsprop) "                        \
    "decay=loguniform(1e-6,0.1) batch=choice(16,32,64,128,256)"

/* Whole numbers that pull at each other, towards what two choices say. */
static double lattice(const double *x, size_t d)
{
    static const double to[3][6] = {
        {4, 22, 9, 17, 26, 12}, {20, 8, 15, 3, 11, 27}, {13, 13, 28, 24, 5, 6}};
    static const double offset[3] = {0.6, 0.0, 0.3};
    const double *t = to[(int)x[6]];
    double f = offset[(int)x[6]] + 0.2 * fabs(x[7] - 2.0);

    (void)d;
    for (size_t i = 0; i < 6; i++)
        f += 0.004 * pow(x[i] - t[i], 2);
    for (size_t i = 0; i < 5; i++)
        f += 0.006 * pow((x[i] - t[i]) - (x[i + 1] - t[i + 1]), 2);
    return f;
}

#define LATTICE_SPACE                                                                              \
    "k0=int(0,30) k1=int(0,30) k2=int(0,30) k3=int(0,30) k4=int(0,30) k5=int(0,30) "               \
    "kind=choice(a,b,c) side=choice(a,b,c,d)"

/* Waves over numbers, steps and a choice that shifts them. */
static double waves(const double *x, size_t d)
{
    static const double at[4] = {0.31, 0.62, 0.18, 0.83};
    int c = (int)x[6];
    double f = 0.4 * (double)(c != 2);

    (void)d;
    for (size_t i = 0; i < 3; i++) {
        double z = x[i] - at[(c + (int)i) % 4];
        f += 4.0 * z * z + 0.15 * (1.0 - cos(8.0 * PI * z));
    }
    for (size_t i = 3; i < 5; i++) {
        double z = 0.1 * (x[i] - (i == 3 ? 7.0 : 16.0));
        f += z * z + 0.15 * (1.0 - cos(4.0 * PI * z));
    }
    return f + 0.3 * pow(log10(x[5]) + 2.2, 2);
}

#define WAVES_SPACE                                                                                \
    "x0=uniform(0,1) x1=uniform(0,1) x2=uniform(0,1) k0=int(0,20) k1=int(0,20) "                   \
    "g=loguniform(1e-4,10) c=choice(a,b,c,d)"

/* A machine's error by kernel: a ridge of C and gamma under the one that is best. */
static double kernels(const double *x, size_t d)
{
    enum { C, SCALER, KERNEL, GAMMA, DEGREE, COEF };
    static const double scaler[] = {0.06, 0.0, 0.02};
    double c = log10(x[C]);
    double f = scaler[(int)x[SCALER]];

    (void)d;
    if (x[KERNEL] == 0.0)
        f += 0.10 + 0.01 * pow(c + 0.5, 2);
    else if (x[KERNEL] == 1.0)
        f += 0.02 * pow(c + log10(x[GAMMA]) + 1.0, 2) + 0.008 * pow(c - 1.4, 2);
    else
        f += 0.04 + 0.015 * pow(x[DEGREE] - 3.0, 2) + 0.02 * pow(x[COEF] - 0.4, 2) +
             0.01 * pow(c - 0.3 * x[DEGREE], 2);
    return 1.0 - exp(-4.0 * f);
}

#define KERNELS_SPACE                                                                              \
    "C=loguniform(1e-3,1e4) scaler=choice(none,standard,range) "                                   \
    "kernel=choice(linear,rbf(gamma=loguniform(1e-5,10)),poly(degree=int(1,6) "                    \
    "coef=uniform(-1,2)))"

/* Which learner, and its parameters; one of them has a choice of its own beneath it. */
static double learners(const double *x, size_t d)
{
    enum { KIND, RATE, DEPTH, ROUNDS, LEAF, FEATURES, WIDTH, OPT, LR_SGD, MOMENTUM, LR_ADAM };
    double f;

    (void)d;
    if (x[KIND] == 0.0) {
        f = 0.15 * pow(log10(x[RATE] * x[ROUNDS]) - 1.2, 2) + 0.02 * pow(x[DEPTH] - 5.0, 2) +
            0.05 * pow(log10(x[RATE]) + 1.3, 2);
    } else if (x[KIND] == 1.0) {
        f = 0.08 + 0.05 * pow(log2(x[LEAF]) - 1.0, 2) + 0.3 * pow(x[FEATURES] - 0.45, 2);
    } else {
        f = 0.04 + 0.04 * pow(log2(x[WIDTH]) - 7.0, 2);
        f += x[OPT] == 0.0
                 ? 0.03 + 0.1 * pow(log10(x[LR_SGD]) + 1.4, 2) + 0.4 * pow(x[MOMENTUM] - 0.85, 2)
                 : 0.1 * pow(log10(x[LR_ADAM]) + 2.8, 2);
    }
    return f;
}

#define LEARNERS_SPACE                                                                             \
    "kind=choice(boost(rate=loguniform(1e-3,1) depth=int(1,12) rounds=logint(10,1000)),"           \
    "forest(leaf=logint(1,64) features=uniform(0.05,1)),"                                          \
    "net(width=logint(8,1024) opt=choice(sgd(lr_sgd=loguniform(1e-5,1) momentum=uniform(0,1)),"    \
    "adam(lr_adam=loguniform(1e-5,1)))))"

static const hpo_problem held_out[] = {
    {"styblinski5", styblinski, 5, -5, 5, NULL, 0},
    {"camel", camel, 0, 0, 0, "x0=uniform(-3,3) x1=uniform(-2,2)", 0},
    {"zakharov5", zakharov, 5, -5, 10, NULL, 0},
    {"dixon5", dixon, 5, -10, 10, NULL, 0},
    {"powell8", powell, 8, -4, 5, NULL, 0},
    {"michalewicz5", michalewicz, 5, 0, PI, NULL, 0},
    {"michalewicz10", michalewicz, 10, 0, PI, NULL, 0},
    {"hartmann3", hartmann3, 3, 0, 1, NULL, 0},
    {"sphere20", hpo_sphere, 20, -5, 5, NULL, 0},
    {"rot_rastrigin5", rotated_rastrigin, 5, -5, 5, NULL, 0},
    {"rot_rosenbrock5", rotated_rosenbrock, 5, -5, 5, NULL, 0},
    {"rot_cigar5", cigar, 5, -5, 5, NULL, 0},
    {"rot_discus10", discus, 10, -5, 5, NULL, 0},
    {"schwefel5", schwefel, 5, -500, 500, NULL, 0},
    {"levy10", hpo_levy, 10, -5, 5, NULL, 0},
    {"griewank10", hpo_griewank, 10, -5, 5, NULL, 0},
    {"eggholder", eggholder, 2, -512, 512, NULL, 0},
    {"network", network, 0, 0, 0, NETWORK_SPACE, 0},
    {"lattice", lattice, 0, 0, 0, LATTICE_SPACE, 0},
    {"waves", waves, 0, 0, 0, WAVES_SPACE, 0},
    {"kernels", kernels, 0, 0, 0, KERNELS_SPACE, 0},
    {"learners", learners, 0, 0, 0, LEARNERS_SPACE, 0},
    {"noisy_branin", hpo_branin, 0, 0, 0, "x0=uniform(-5,10) x1=uniform(0,15)", 2.0},
    {"noisy_hartmann6", hpo_hartmann6, 6, 0, 1, NULL, 0.2},
    {"noisy_levy5", hpo_levy, 5, -5, 5, NULL, 1.0},
    {"noisy_network", network, 0, 0, 0, NETWORK_SPACE, 0.03},
    {"noisy_learners", learners, 0, 0, 0, LEARNERS_SPACE, 0.03},
};

const hpo_problem *hpo_held_out(size_t *n)
{
    *n = sizeof held_out / sizeof *held_out;
    return held_out;
}
