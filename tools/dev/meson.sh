# shellcheck shell=sh
# meson.sh - build folders. Sourced by ./dev.

# meson_dir DIR [OPTION...]: configures DIR; from scratch when the compiler has changed.
meson_dir() {
    dir=$1
    shift
    if [ -f "$dir/build.ninja" ] && [ "$(cat "$dir/.dev" 2>/dev/null)" = "$CC $*" ]; then
        return 0
    fi
    how=
    if [ -f "$dir/build.ninja" ]; then
        how=--wipe
        grep -qs "^$CC " "$dir/.dev" && how=--reconfigure
    fi
    # shellcheck disable=SC2086 # no word or one
    meson setup $how "$dir" "$@" >"$TMP/meson.log" 2>&1 || {
        cat "$TMP/meson.log" >&2
        die "meson could not configure $dir"
    }
    echo "$CC $*" >"$dir/.dev"
}

# The tests are configured as soon as cmocka is there, so that build and test share one folder.
main_dir() {
    if pkg-config --exists cmocka; then
        meson_dir build -Dtests=true
    else
        meson_dir build -Dtests=false
    fi
}

# What ./dev build makes: the program, and where llama.cpp is there the one that runs local models. A build folder
# may be older than llama.cpp.
main_programs() {
    echo autoglm
    if [ -f .deps/llama/lib/libllama.so ]; then
        grep -q autoglm-llama build/build.ninja || meson setup --reconfigure build >"$TMP/meson.log" 2>&1 || {
            cat "$TMP/meson.log" >&2
            die "meson could not configure build"
        }
        echo autoglm-llama
    fi
}

# A folder of its own for each sanitizer; the first fault ends a test.
san_dir() {
    meson_dir build-san -Db_sanitize=address,undefined -Db_lundef=false -Dbench=false \
        -Dc_args=-fno-sanitize-recover=all
}

tsan_dir() {
    meson_dir build-tsan -Db_sanitize=thread -Db_lundef=false -Dbench=false
}

fuzz_dir() {
    CC=clang-19
    meson_dir build-fuzz -Db_sanitize=address,undefined -Db_lundef=false -Dbench=false \
        -Dtests=false -Dfuzz=true "-Dc_args=-fsanitize=fuzzer-no-link -fno-sanitize-recover=all"
}

# compile DIR [TARGET...]: silent when there is nothing to say.
compile() {
    ninja -C "$@" >"$TMP/ninja.log" 2>&1 || {
        grep -v '^\[' "$TMP/ninja.log" >&2
        die "$1 does not build"
    }
    grep -A4 'warning:' "$TMP/ninja.log" >&2 || :
}
