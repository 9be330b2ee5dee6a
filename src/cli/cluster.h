/* cli/cluster.h - `optimize --engine slurm`: the trials are run by workers that are a job of a
 * cluster, and followed here until they end.
 * Threads: confined. */
#ifndef AGLM_CLI_CLUSTER_H
#define AGLM_CLI_CLUSTER_H

#include "cli/opening.h"
#include "job/optimize.h"

#define AGLM_OPTIONS_CLUSTER                                                                       \
    {"engine",                                                                                     \
     0,                                                                                            \
     AGLM_OPTION_WORD,                                                                             \
     "E",                                                                                          \
     "where trials run: local, or slurm: workers as one array job; default local",                 \
     "local|slurm",                                                                                \
     0,                                                                                            \
     0},                                                                                           \
        {"workers",                                                                                \
         'w',                                                                                      \
         AGLM_OPTION_INT,                                                                          \
         "N",                                                                                      \
         "tasks of the array job, each with --jobs trials at a time; default 4",                   \
         NULL,                                                                                     \
         1,                                                                                        \
         100000},                                                                                  \
        {"slurm",                                                                                  \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "OPTIONS",                                                                                \
         "more options for sbatch, as '--partition=gpu --time=60'",                                \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"slurm-log",                                                                              \
         0,                                                                                        \
         AGLM_OPTION_FILE,                                                                         \
         "FILE",                                                                                   \
         "output of a task; default autoglm-%A_%a.log",                                            \
         NULL,                                                                                     \
         0,                                                                                        \
         0}

/* As aglm_optimize, but by `autoglm worker` processes that Slurm starts; the job is cancelled at
 * the deadline and with o->cancel. The study must be stored where the nodes reach it. */
aglm_rc aglm_cluster_optimize(const aglm_args *a, const aglm_opened *opened,
                              const aglm_optimize_options *o, aglm_optimize_result *out,
                              aglm_error *err);

#endif
