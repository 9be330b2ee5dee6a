# shellcheck shell=sh
# fuzz.sh - libFuzzer over tests/fuzz, the corpus grown outside the clone. Sourced by ./dev.

setup_fuzz() {
    setup_test
    apt_install clang-19 libclang-rt-19-dev llvm-19
}

# fuzz [SECONDS] [TARGET]: every target for its share of SECONDS. What is found is left in _fuzz/.
verb_fuzz() {
    seconds=${1:-60}
    case $seconds in
    '' | *[!0-9]*) die "fuzz SECONDS [TARGET]: $seconds is no number of seconds" ;;
    esac
    setup_fuzz
    fuzz_dir
    compile build-fuzz
    targets=$(find build-fuzz/tests/fuzz -maxdepth 1 -type f -name "fuzz_${2:-*}" -perm -u+x | sort)
    [ -n "$targets" ] || die "no such fuzz target: ${2:-any}"
    share=$((seconds / $(echo "$targets" | wc -l)))
    failed=0
    for target in $targets; do
        fuzz_one "$target" "$((share > 0 ? share : 1))" || failed=$((failed + 1))
    done
    [ "$failed" = 0 ] || die "$failed fuzz targets failed: the inputs are in _fuzz/"
}

# A found input is kept as _fuzz/NAME-crash-...; the seeds of the repository are only read.
fuzz_one() {
    name=$(basename "$1" | sed 's/^fuzz_//')
    mkdir -p "$CACHE/fuzz/$name" _fuzz
    [ -d "tests/fuzz/corpus/$name" ] || die "tests/fuzz/corpus/$name is missing"
    say "fuzz $name for $2 s"
    "$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=3000 -max_len=65536 -print_final_stats=1 \
        -artifact_prefix="_fuzz/$name-" "$CACHE/fuzz/$name" "tests/fuzz/corpus/$name" >"_fuzz/$name.log" 2>&1 || {
        tail -n 30 "_fuzz/$name.log" >&2
        return 1
    }
    grep -E 'number_of_executed_units|new_units_added' "_fuzz/$name.log"
}
