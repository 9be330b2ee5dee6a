#!/bin/sh
# slurm_cluster.sh - a private Slurm of four nodes on this machine, for tests: a controller, four
# slurmd and a munged, all in a folder of their own; nothing of an installed one is touched.
# usage: slurm_cluster.sh start PID   prints the folder; it ends with process PID
#        slurm_cluster.sh stop FOLDER
# Give SLURM_CONF=FOLDER/slurm.conf to Slurm's programs. Exit code 77, with a word, where Slurm is
# not installed (Debian: slurm-wlm munge), the caller is not root, or it does not start.
set -eu
NODES=4

cannot() {
    echo "$*" >&2
    exit 77
}

end_daemon() {
    if [ -s "$1" ]; then
        kill "$(cat "$1")" 2>/dev/null || :
    fi
}

stop() {
    for file in "$folder"/slurmctld.pid "$folder"/slurmd.*.pid "$folder"/munged.pid; do
        end_daemon "$file"
    done
    sleep 0.5
    rm -rf "$folder"
}

configure() {
    host=$(hostname -s)
    cat >"$folder/slurm.conf" <<END
ClusterName=aglm
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$((base + 9))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/linear
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0
ReturnToService=2
KillWait=5
MpiDefault=none
StateSaveLocation=$folder/state
SlurmctldPidFile=$folder/slurmctld.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdSpoolDir=$folder/spool.%n
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmdLogFile=$folder/slurmd.%n.log
END
    for i in $(seq $NODES); do
        echo "NodeName=n$i NodeHostname=$host NodeAddr=127.0.0.1 Port=$((base + i)) CPUs=1 State=UNKNOWN"
    done >>"$folder/slurm.conf"
    echo "PartitionName=all Nodes=n[1-$NODES] Default=YES MaxTime=INFINITE State=UP" >>"$folder/slurm.conf"
}

start_munged() {
    head -c 128 /dev/urandom >"$folder/munge.key"
    chmod 400 "$folder/munge.key"
    /usr/sbin/munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munged.seed" \
        >"$folder/munged.out" 2>&1
}

# All nodes wait for work?
is_ready() {
    [ "$(sinfo --noheader --Node --format=%T 2>/dev/null | grep -c '^idle')" = "$NODES" ]
}

start() {
    folder=$(mktemp -d /tmp/aglm_slurm_XXXXXX)
    chmod 755 "$folder"
    mkdir "$folder/state"
    base=$((20000 + $$ % 20000))
    configure
    export SLURM_CONF="$folder/slurm.conf"
    start_munged || {
        cat "$folder/munged.out" >&2
        stop
        cannot "munged does not start"
    }
    /usr/sbin/slurmctld -c >"$folder/slurmctld.out" 2>&1 || :
    for i in $(seq $NODES); do
        mkdir "$folder/spool.n$i"
        /usr/sbin/slurmd -N "n$i" >"$folder/slurmd.n$i.out" 2>&1 || :
    done
    for _ in $(seq 60); do
        is_ready && break
        sleep 0.25
    done
    is_ready || {
        tail -n 3 "$folder"/*.out "$folder"/*.log >&2
        stop
        cannot "Slurm does not start here"
    }
    (
        while kill -0 "$1" 2>/dev/null && [ -d "$folder" ]; do
            sleep 0.5
        done
        if [ -d "$folder" ]; then
            stop
        fi
    ) >/dev/null 2>&1 </dev/null &
    echo "$folder"
}

case ${1:-} in
start)
    for program in slurmctld slurmd munged; do
        [ -x "/usr/sbin/$program" ] || cannot "no Slurm is installed (Debian: slurm-wlm munge)"
    done
    [ "$(id -u)" = 0 ] || cannot "a Slurm of one's own needs root"
    start "$2"
    ;;
stop)
    folder=$2
    stop
    ;;
*) exit 2 ;;
esac
