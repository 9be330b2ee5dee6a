# shellcheck shell=sh
# cross.sh - building for aarch64 and running its unit tests under qemu. Sourced by ./dev.

# The libraries come as arm64 packages beside the machine's own (multiarch).
setup_cross() {
    setup_test
    apt_install gcc-aarch64-linux-gnu qemu-user
    if ! dpkg --print-foreign-architectures | grep -qx arm64; then
        say "adding the arm64 architecture to dpkg"
        as_root dpkg --add-architecture arm64
        apt_update_now
    fi
    apt_install libsqlite3-dev:arm64 zlib1g-dev:arm64 libcmocka-dev:arm64
    if pkg-config --exists yyjson && [ ! -d .deps/yyjson ]; then
        apt_install libyyjson-dev:arm64
    fi
}

verb_cross() {
    setup_cross
    meson_dir build-aarch64 --cross-file tools/cross/aarch64.ini -Dbench=false
    compile build-aarch64
    python3 tools/dev/tests.py build-aarch64:unit
}
