/* Tunes a nearest-neighbour classifier by 5-fold cross-validation, thirty trials:
 *     cc optimize.c $(pkg-config --cflags --libs autoglm) -lm && ./a.out
 */
#include <autoglm/study.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = 200, FOLDS = 5, K_MAX = 25 };

struct data {
    double x[N][2];
    int label[N];
};

/* Two interleaved arcs with some noise. */
static void make_data(struct data *d)
{
    for (int i = 0; i < N; i++) {
        double angle = 3.1415926 * (i / 2) / (N / 2.0);
        double noise = 0.8 * sin(12.9898 * i) * cos(78.233 * i);
        int label = i % 2;
        d->x[i][0] = (label ? 1.0 - cos(angle) : cos(angle)) + noise;
        d->x[i][1] = (label ? 0.4 - sin(angle) : sin(angle)) + 0.8 * noise * sin(1.7 * i);
        d->label[i] = label;
    }
}

static double distance(const double *a, const double *b, const char *metric)
{
    double dx = fabs(a[0] - b[0]), dy = fabs(a[1] - b[1]);

    return strcmp(metric, "manhattan") == 0 ? dx + dy : sqrt(dx * dx + dy * dy);
}

/* The label of point i by its k nearest among the points of the other folds. */
static int predict(const struct data *d, int i, int k, const char *metric, double power)
{
    double best[K_MAX], vote[2] = {0, 0};
    int label[K_MAX], n = 0;

    for (int j = 0; j < N; j++) {
        double r = distance(d->x[i], d->x[j], metric);
        if (j % FOLDS == i % FOLDS || (n == k && r >= best[n - 1]))
            continue;
        int at = n < k ? n++ : n - 1;
        for (; at > 0 && best[at - 1] > r; at--) {
            best[at] = best[at - 1];
            label[at] = label[at - 1];
        }
        best[at] = r;
        label[at] = d->label[j];
    }
    for (int j = 0; j < n; j++)
        vote[label[j]] += pow(best[j] + 1e-3, -power);
    return vote[1] > vote[0];
}

static aglm_rc accuracy(void *arg, aglm_study *s, int64_t number, const double *x, double *value)
{
    const struct data *d = arg;
    int k = (int)aglm_study_number(s, x, "k");
    int right = 0;

    (void)number;
    for (int i = 0; i < N; i++)
        right += predict(d, i, k, aglm_study_text(s, x, "metric"),
                         aglm_study_number(s, x, "power")) == d->label[i];
    *value = right / (double)N;
    return AGLM_OK;
}

int main(void)
{
    static struct data data;
    aglm_study_config config;
    aglm_study_limits limits = {.trials = 30};
    aglm_study *study = NULL;
    aglm_error err = {0};
    double value, x[3];

    make_data(&data);
    aglm_study_config_init(&config);
    config.space = "k=int(1,25) power=uniform(0,3) metric=choice(euclidean,manhattan)";
    config.direction = AGLM_MAXIMIZE;
    aglm_rc rc = aglm_study_new(&study, &config, &err);
    if (rc == AGLM_OK)
        rc = aglm_study_optimize(study, accuracy, &data, &limits, &err);
    if (rc == AGLM_OK)
        rc = aglm_study_best(study, NULL, &value, x, &err);
    if (rc == AGLM_OK)
        printf("best accuracy %.3f: k=%.0f power=%.2f metric=%s\n", value,
               aglm_study_number(study, x, "k"), aglm_study_number(study, x, "power"),
               aglm_study_text(study, x, "metric"));
    else
        fprintf(stderr, "%s\n", err.msg);
    aglm_study_free(study);
    return rc == AGLM_OK ? 0 : 1;
}
