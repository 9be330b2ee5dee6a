#include "search/normal.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "num/dense.h"

/* ln 2 in two parts: the first has 21 zero bits at its end, so that k times it is exact. */
#define LN2_HIGH 0x1.62e42fee00000p-1
#define LN2_LOW 0x1.a39ef35793c76p-33
#define LOG2_E 0x1.71547652b82fep+0

static uint64_t bits_of(double x)
{
    uint64_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

static double double_of(uint64_t u)
{
    double x;

    memcpy(&x, &u, sizeof x);
    return x;
}

static const double inverse_factorial[] = {
    1.0,
    1.0,
    1.0 / 2,
    1.0 / 6,
    1.0 / 24,
    1.0 / 120,
    1.0 / 720,
    1.0 / 5040,
    1.0 / 40320,
    1.0 / 362880,
    1.0 / 3628800,
    1.0 / 39916800,
    1.0 / 479001600,
    1.0 / 6227020800,
};

double aglm_exp(double x)
{
    if (!(x > -708.0))
        return 0.0;
    if (x > 709.0)
        return 0x1.fffffffffffffp+1023;
    /* Adding 1.5 * 2^52 rounds to a whole number and leaves it in the low bits. */
    double shifted = x * LOG2_E + 0x1.8p52;
    double k = shifted - 0x1.8p52;
    double r = (x - k * LN2_HIGH) - k * LN2_LOW;
    double rr = r * r;
    double even = inverse_factorial[12];
    double odd = inverse_factorial[13];

    for (int n = 10; n >= 0; n -= 2) {
        even = even * rr + inverse_factorial[n];
        odd = odd * rr + inverse_factorial[n + 1];
    }
    double p = even + odd * r;
    uint64_t scale = bits_of(shifted) << 52; /* k = 1024 would overflow: 709 keeps k <= 1023 */
    return double_of(bits_of(p) + scale);
}

/* (1 + x) times Mills' ratio as a polynomial in (x - 5) / (x + 5): Chebyshev fit of degree 22 made
 * with 50 digits, after the change of variable of Shepherd and Laframboise (1981). */
static const double mills[23] = {
    1.1568486282918946,     -0.2294875382521184,    0.07778159886873769,
    0.02507217930210036,    -0.0661776007790963,    0.061505045828185945,
    -0.03802659218584139,   0.016348231425036042,   -0.004201290329187308,
    1.9529678326373386e-05, 0.0004570439235795435,  -0.00013437036855803007,
    -2.480583845194385e-05, 2.2699386557785023e-05, -1.7633239261859686e-07,
    -3.259757087856348e-06, 3.2054316647971667e-07, 4.724032706906e-07,
    -6.588974487721666e-08, -6.383575502712163e-08, 9.092476120054131e-09,
    5.5322922145963646e-09, -7.073898550783503e-10,
};

double aglm_normal_mills(double x)
{
    double t = (x - 5.0) / (x + 5.0);
    double z = t * t;
    double even = mills[22];
    double odd = mills[21];

    for (int i = 20; i > 0; i -= 2) {
        even = even * z + mills[i];
        odd = odd * z + mills[i - 1];
    }
    even = even * z + mills[0];
    return (even + odd * t) / (1.0 + x);
}

double aglm_normal_tail(double x)
{
    double y = x < 0.0 ? -x : x;
    double q = y > 38.5 ? 0.0 : aglm_exp(-0.5 * y * y - AGLM_LOG_SQRT_2PI) * aglm_normal_mills(y);

    return x < 0.0 ? 1.0 - q : q;
}

/* log(sinh(y) / y) */
static double log_sinhc(double y)
{
    double z = y * y;

    if (z < 0.25)
        return z * (1.0 / 6 - z * (1.0 / 180 - z * (1.0 / 2835 - z / 37800)));
    y = y < 0.0 ? -y : y;
    return y + aglm_log((1.0 - aglm_exp(-2.0 * y)) / (2.0 * y));
}

double aglm_normal_log_cell(double m, double h)
{
    double hh = h * h;

    return -0.5 * m * m - AGLM_LOG_SQRT_2PI + aglm_log(h) + log_sinhc(0.5 * m * h) - hh / 24 +
           hh * hh * (1.0 / 1440 - m * m / 720);
}

double aglm_normal_log_mass(double a, double b)
{
    if (b - a < 0.01)
        return aglm_normal_log_cell(0.5 * (a + b), b - a);
    if (a < 0.0 && b > 0.0) {
        /* further out a tail is below half an ulp of 1 */
        double below = a < -8.5 ? 0.0 : aglm_normal_tail(-a);
        double above = b > 8.5 ? 0.0 : aglm_normal_tail(b);
        double inside = 1.0 - below - above;
        return inside < 1.0 ? aglm_log(inside) : 0.0;
    }
    if (b <= 0.0) {
        double swap = a;
        a = -b;
        b = -swap;
    }
    double far = aglm_exp(-0.5 * (b - a) * (b + a)) * aglm_normal_mills(b);
    return -0.5 * a * a - AGLM_LOG_SQRT_2PI + aglm_log(aglm_normal_mills(a) - far);
}

/* x >= 0 with Q(x) = q <= 0.5: Abramowitz and Stegun 26.2.23, then one step of Halley. */
static double tail_inverse(double q)
{
    if (!(q > 1e-300))
        return 37.0;
    double t = sqrt(-2.0 * aglm_log(q));
    double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    x = x < 0.0 ? 0.0 : x;
    double off = aglm_normal_mills(x) - q / aglm_exp(-0.5 * x * x - AGLM_LOG_SQRT_2PI);
    return x + off / (1.0 - 0.5 * x * off);
}

/* Quantile of p = 0.5 + q for |q| <= 0.425 over q, as a ratio of polynomials in q^2: least squares
 * fit made with 40 digits, relative error 2e-12. */
static double central_quantile(double q)
{
    double r = q * q;
    double over =
        2.5066282746350024 +
        r * (-27.388716242397884 +
             r * (107.99436570259523 +
                  r * (-182.25191091135855 + r * (116.95817320071951 - r * 14.744553713194412))));
    double under =
        1.0 + r * (-11.973714464952867 +
                   r * (53.31945512820356 + r * (-107.22009937864989 +
                                                 r * (92.22696515005718 - r * 23.9042941241372))));

    return q * over / under;
}

double aglm_normal_inner_quantile(double u, const aglm_normal_range *r)
{
    double mass = 1.0 - r->below - r->above;
    double p = r->below + u * mass;
    double x;

    if (p > 0.075 && p < 0.925)
        x = central_quantile(p - 0.5);
    else
        x = p <= 0.5 ? -tail_inverse(p) : tail_inverse(r->above + (1.0 - u) * mass);
    return x < r->a ? r->a : x > r->b ? r->b : x;
}

aglm_normal_range aglm_normal_range_of(double a, double b)
{
    return (aglm_normal_range){a, b, aglm_normal_tail(-a), aglm_normal_tail(b)};
}

double aglm_normal_cut_quantile(double u, double a, double b)
{
    double x;

    if (a > 0.0) {
        double near = aglm_normal_tail(a);
        x = tail_inverse(near - u * (near - aglm_normal_tail(b)));
    } else if (b < 0.0) {
        double near = aglm_normal_tail(-b);
        x = -tail_inverse(near - (1.0 - u) * (near - aglm_normal_tail(-a)));
    } else {
        aglm_normal_range range = aglm_normal_range_of(a, b);
        x = aglm_normal_inner_quantile(u, &range);
    }
    return x < a ? a : x > b ? b : x;
}
