#!/bin/sh
# postgres_server.sh - a private PostgreSQL server on a unix socket in a folder of its own, for tests
# and benchmarks; nothing of an installed one is touched.
# usage: postgres_server.sh start PID [SETTING=VALUE...]   prints the folder; it ends with process PID
#        postgres_server.sh clear|restart|crash|stop FOLDER
# Its URL is postgresql://aglm@/postgres?host=FOLDER. Exit code 77 where no server is installed.
# AGLM_PG_ROOT: where the folder is made (default /tmp: a socket's path must be short).
set -eu

bin=$(dirname "$(find /usr/lib/postgresql /usr/local/pgsql -name initdb 2>/dev/null | sort -V | tail -n 1)")
if [ ! -x "$bin/initdb" ]; then
    bin=$(dirname "$(command -v initdb 2>/dev/null || echo /nowhere/initdb)")
fi
if [ ! -x "$bin/initdb" ] || [ ! -x "$bin/psql" ]; then
    echo "no PostgreSQL server is installed (Debian: postgresql)" >&2
    exit 77
fi

# The server refuses to run as root.
as_server() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
    elif getent passwd postgres >/dev/null; then
        runuser -u postgres -- "$@"
    else
        runuser -u nobody -- "$@"
    fi
}

ctl() {
    (cd "$folder" && as_server "$bin/pg_ctl" -D "$folder/data" -w -t 60 "$@" >"$folder/ctl.log" 2>&1 </dev/null) || {
        cat "$folder/ctl.log" >&2
        tail -n 5 "$folder/server.log" >&2 || :
        exit 1
    }
}

start() {
    pid=$1
    shift
    folder=$(mktemp -d "${AGLM_PG_ROOT:-/tmp}/aglm_pg_XXXXXX")
    chmod 755 "$folder"
    if [ "$(id -u)" = 0 ]; then
        chown "$(getent passwd postgres >/dev/null && echo postgres || echo nobody)" "$folder"
    fi
    (cd "$folder" && as_server "$bin/initdb" -D "$folder/data" -U aglm -A trust -E UTF8 --locale=C --no-sync \
        >"$folder/initdb.log" 2>&1) || {
        cat "$folder/initdb.log" >&2
        exit 1
    }
    {
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$folder'"
        echo "autovacuum_naptime = '10s'"
        for setting; do
            echo "$setting"
        done
    } >>"$folder/data/postgresql.conf"
    ctl -l "$folder/server.log" start
    # A test that dies leaves no server behind.
    (
        while kill -0 "$pid" 2>/dev/null && [ -d "$folder" ]; do
            sleep 0.5
        done
        if [ -d "$folder" ]; then
            stop
        fi
    ) >/dev/null 2>&1 </dev/null &
    echo "$folder"
}

stop() {
    (cd "$folder" && as_server "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1) || :
    rm -rf "$folder"
}

verb=$1
shift
case $verb in
start) start "$@" ;;
stop)
    folder=$1
    stop
    ;;
clear)
    folder=$1
    "$bin/psql" -q -X -v ON_ERROR_STOP=1 -h "$folder" -U aglm postgres -c 'SET client_min_messages = error;
        DROP SCHEMA public CASCADE; CREATE SCHEMA public'
    ;;
restart)
    folder=$1
    ctl -m fast -l "$folder/server.log" restart
    ;;
crash)
    folder=$1
    ctl -m immediate -l "$folder/server.log" restart
    ;;
*) exit 2 ;;
esac
