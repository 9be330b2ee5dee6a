# shellcheck shell=sh
# llama.sh - llama.cpp, built from the sources inside the pinned sdist. Sourced by ./dev.

# It is built for this machine's processor, so the cache keeps one build for each.
llama_key() {
    cpu=$(grep -m1 -E '^(flags|Features)' /proc/cpuinfo | sha256sum | cut -c1-12)
    echo "$CACHE/llama-$(lock_field llama_cpp_python 2)-$(uname -m)-$cpu"
}

# llama_build FOLDER: libraries, headers and chat templates into it.
llama_build() {
    apt_install cmake ninja-build g++
    archive=$(sdist_fetch llama_cpp_python)
    say "building llama.cpp once (some minutes), kept in $1"
    tree=$TMP/llama
    mkdir -p "$tree"
    tar -xzf "$archive" -C "$tree" --strip-components=1
    source=$tree/vendor/llama.cpp
    if ! {
        cmake -G Ninja -S "$source" -B "$tree/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON \
            -DCMAKE_INSTALL_PREFIX="$1.new" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_INSTALL_RPATH="\$ORIGIN" \
            -DGGML_NATIVE=ON -DGGML_OPENMP=OFF -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_APP=OFF \
            -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_SERVER=OFF \
            -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF && ninja -C "$tree/build" install
    } >"$TMP/llama.log" 2>&1; then
        tail -n 20 "$TMP/llama.log" >&2
        rm -rf "$1.new"
        return 1
    fi
    cp -r "$source/models/templates" "$1.new/templates"
    rm -rf "$1" "$tree"
    mv "$1.new" "$1"
}

# Without it the build goes on, and what needs a local model says so.
llama_setup() {
    built=$(llama_key)
    if [ ! -f "$built/lib/libllama.so" ]; then
        (llama_build "$built") || {
            say "no llama.cpp: local language models cannot be run"
            return 0
        }
    fi
    if [ "$(cat .deps/llama/.from 2>/dev/null)" != "$built" ]; then
        rm -rf .deps/llama
        mkdir -p .deps
        cp -r "$built" .deps/llama
        echo "$built" >.deps/llama/.from
    fi
}
