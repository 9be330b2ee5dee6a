# shellcheck shell=sh
# peer.sh - comparison with the tools that users trust, and benchmarks. Sourced by ./dev.

# The peers: fastText as a package, the Python ones in an environment in the cache, pinned.
setup_peer() {
    setup_test
    apt_install fasttext python3-venv
    venv=$CACHE/peer-venv
    wanted=$(awk '$3 == "venv" { print $1 "==" $2 }' tools/deps.lock)
    if [ "$(cat "$venv/.wanted" 2>/dev/null)" != "$wanted" ]; then
        say "making the peers' Python environment in $venv"
        /usr/bin/python3 -m venv --clear "$venv"
        # shellcheck disable=SC2086 # a list of words
        "$venv/bin/pip" install --quiet $wanted >"$TMP/pip.log" 2>&1 || {
            tail -n 5 "$TMP/pip.log" >&2
            die "pip could not install the peers"
        }
        echo "$wanted" >"$venv/.wanted"
    fi
}

# peer [NAME]: tests/peer; those whose peer or data is absent are skipped. Tables they leave are shown.
verb_peer() {
    setup_peer
    main_dir
    compile build
    rm -f build/peer-*.md
    code=0
    AGLM_PEER_PYTHON=$CACHE/peer-venv/bin/python3 AGLM_SCRIPT_LIMIT_S=5400 \
        PATH=$CACHE/peer-venv/bin:$PATH AGLM_SHARED=$(shared_dir) python3 tools/dev/tests.py "peer:${1:-}" || code=$?
    cat build/peer-*.md 2>/dev/null || true
    return "$code"
}

# The data that benchmarks and peer tests use; it lies beside the clone and may be absent.
shared_dir() {
    (cd "${AGLM_SHARED:-../shared}" 2>/dev/null && pwd) || echo ""
}

# bench [NAME]: bench/*.sh and *.py, each printing its own table; exit code 77 says what it lacks.
verb_bench() {
    setup_test
    main_dir
    compile build
    [ -n "$(shared_dir)" ] || say "no shared data (AGLM_SHARED or ../shared): benchmarks that need it say so"
    failed=0
    for script in bench/*"${1:-}"*.sh bench/*"${1:-}"*.py; do
        if [ -f "$script" ]; then
            bench_one "$script" || failed=1
        fi
    done
    return "$failed"
}

bench_one() {
    say "bench $1"
    interpreter='sh'
    case $1 in
    *.py)
        interpreter=python3
        if [ -x "$CACHE/peer-venv/bin/python3" ]; then
            interpreter=$CACHE/peer-venv/bin/python3
        fi
        ;;
    esac
    code=0
    AUTOGLM=$PWD/build/autoglm AGLM_SOURCE_ROOT=$PWD AGLM_SHARED=$(shared_dir) "$interpreter" "$1" || code=$?
    if [ "$code" = 77 ]; then
        say "bench $1: skipped"
        return 0
    fi
    return "$code"
}
