/* store/process.h - telling whether the process that ran a trial is still there.
 * Threads: pure functions over /proc.
 *
 * A process id alone is reused; with its start time (in ticks since boot, proc(5) stat field 22)
 * and the boot and pid namespace it was read in, it names one process for good. */
#ifndef AGLM_STORE_PROCESS_H
#define AGLM_STORE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct aglm_machine {
    char boot[64];  /* the kernel's random id of this boot */
    char pidns[64]; /* the pid namespace: "pid:[4026531836]" */
    char host[160]; /* host name and machine id */
} aglm_machine;

/* What this process runs on; parts that the system does not tell are "". */
void aglm_machine_init(aglm_machine *m);

/* The start time of a process, 0 when there is none with that id or it is a zombie. */
int64_t aglm_process_start(int64_t pid);

/* Is the process noted as (pid, start, machine) gone for sure? Another host or pid namespace
 * cannot be judged from here: false. A changed boot id on the same host is sure. */
bool aglm_process_gone(int64_t pid, int64_t start, const aglm_machine *noted,
                       const aglm_machine *here);

#endif
