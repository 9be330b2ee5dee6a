# shellcheck shell=sh
# apt.sh - system packages: looked up first, installed only when missing. Sourced by ./dev.

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        die "needs root or sudo for: $*"
    fi
}

# Prints those of its arguments that are not installed, one a line.
apt_missing() {
    dpkg-query -W -f='${db:Status-Status} ${Package}\n${db:Status-Status} ${Package}:${Architecture}\n' \
        "$@" 2>/dev/null | awk '$1 == "installed" { print $2 }' >"$TMP/installed" || :
    printf '%s\n' "$@" | grep -vxFf "$TMP/installed" || :
}

apt_update_now() {
    say "apt-get update" >&2
    as_root apt-get -qq -o Acquire::Retries=3 update
    : >"$TMP/apt-updated"
}

# At most once a run.
apt_update() {
    [ -e "$TMP/apt-updated" ] || apt_update_now
}

apt_lists_are_there() {
    [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' 2>/dev/null | head -n 1)" ]
}

# True when apt can install the package.
apt_has() {
    apt_lists_are_there || apt_update
    apt-cache show --no-all-versions "$1" >/dev/null 2>&1
}

apt_install() {
    missing=$(apt_missing "$@")
    if [ -z "$missing" ]; then
        return 0
    fi
    command -v apt-get >/dev/null 2>&1 || die "no apt-get here; install by hand: $missing"
    # shellcheck disable=SC2086 # a list of words
    set -- $missing
    say "installing $*"
    apt_lists_are_there || apt_update
    apt_get_install "$@" || {
        apt_update
        apt_get_install "$@"
    } || die "apt-get could not install: $*"
}

# apt_offer PACKAGE WITHOUT: installs what not every system packages; where it does not, says what fails.
apt_offer() {
    if [ -z "$(apt_missing "$1")" ]; then
        return 0
    fi
    if apt_has "$1"; then
        apt_install "$1"
    else
        say "no package $1 here: $2"
    fi
}

apt_get_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install "$@" >"$TMP/apt.log" 2>&1 || {
        tail -n 5 "$TMP/apt.log" >&2
        return 1
    }
}
