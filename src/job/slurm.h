/* job/slurm.h - a command as one array job of Slurm: submitted, counted, cancelled.
 * Threads: pure functions over the programs sbatch, squeue and scancel. */
#ifndef AGLM_JOB_SLURM_H
#define AGLM_JOB_SLURM_H

#include <stddef.h>

#include "autoglm/error.h"

#define AGLM_SLURM_ID 32 /* bytes of a job's id */

typedef struct aglm_slurm_options {
    const char *const *words; /* the command of each task */
    size_t n_words;
    unsigned tasks;
    unsigned cpus;    /* of each task */
    const char *name; /* of the job */
    const char *log;  /* file of a task's output; %A is the job's id, %a the task's number */
    const char *more; /* options for sbatch, parted by spaces, or NULL */
} aglm_slurm_options;

/* The tasks get this process's environment and work in its folder. AGLM_NOTFOUND: no Slurm here;
 * AGLM_IO: refused, with Slurm's own words. */
aglm_rc aglm_slurm_submit(char id[AGLM_SLURM_ID], const aglm_slurm_options *o, aglm_error *err);
/* How many of its tasks wait or run; 0 for a job that Slurm has forgotten. */
aglm_rc aglm_slurm_count(const char *id, unsigned *tasks, aglm_error *err);
/* SIGTERM to all tasks, SIGKILL after Slurm's KillWait. */
aglm_rc aglm_slurm_cancel(const char *id, aglm_error *err);

#endif
