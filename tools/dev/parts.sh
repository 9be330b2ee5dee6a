# shellcheck shell=sh
# parts.sh - third-party parts pinned in tools/deps.lock. Sourced by ./dev.

# lock_field NAME N: the Nth field of the part's line.
lock_field() {
    awk -v name="$1" -v n="$2" '$1 == name { print $n; found = 1 } END { exit !found }' tools/deps.lock ||
        die "tools/deps.lock does not name $1"
}

# sdist_fetch NAME: the path of its source archive in the cache, fetched and checked.
sdist_fetch() {
    version=$(lock_field "$1" 2)
    archive=$CACHE/$1-$version.tar.gz
    if ! sha256_is "$archive" "$(lock_field "$1" 4)"; then
        rm -f "$archive"
        mkdir -p "$CACHE"
        say "fetching $1 $version" >&2
        sdist_download "$1" "$version"
        sha256_is "$TMP/sdist/$1-$version.tar.gz" "$(lock_field "$1" 4)" ||
            die "$1 $version: the hash is not the one in tools/deps.lock; nothing was used"
        mv "$TMP/sdist/$1-$version.tar.gz" "$archive"
    fi
    echo "$archive"
}

# pip prepares a source archive's metadata even for a mere download, which needs the part's own build
# tools: first in pip's isolated environment, then with what is installed.
sdist_download() {
    mkdir -p "$TMP/sdist"
    apt_install python3-pip python3-setuptools python3-wheel >&2
    for isolation in --progress-bar=off --no-build-isolation; do
        if /usr/bin/python3 -m pip download --quiet --no-deps --no-binary "$1" "$isolation" \
            -d "$TMP/sdist" "$1==$2" >"$TMP/pip.log" 2>&1; then
            return 0
        fi
    done
    tail -n 5 "$TMP/pip.log" >&2
    die "pip could not fetch $1 $2"
}

sha256_is() {
    [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status
}

# sdist_unpack NAME: its files of tools/deps.lock into .deps/NAME, marked with the hash they came from.
sdist_unpack() {
    hash=$(lock_field "$1" 4)
    if [ "$(cat ".deps/$1/.sha256" 2>/dev/null)" = "$hash" ]; then
        return 0
    fi
    archive=$(sdist_fetch "$1")
    rm -rf ".deps/$1"
    mkdir -p ".deps/$1"
    prefix=$1-$(lock_field "$1" 2)
    awk -v name="$1" '$1 == name { for (i = 5; i <= NF; i++) print $i }' tools/deps.lock |
        while read -r file; do
            tar -xzf "$archive" -C ".deps/$1" --strip-components=2 "$prefix/$file"
        done
    echo "$hash" >".deps/$1/.sha256"
}

# Debian 13 packages yyjson; before that the pinned sources are built in.
yyjson_setup() {
    if pkg-config --exists yyjson 2>/dev/null && [ ! -d .deps/yyjson ]; then
        return 0
    fi
    if [ ! -d .deps/yyjson ] && apt_has libyyjson-dev; then
        apt_install libyyjson-dev
        return 0
    fi
    sdist_unpack yyjson
}
