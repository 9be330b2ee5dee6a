#!/bin/sh
# lint.sh - all that judges the text of the project; every judge runs, then the verdict is given.
# Needs a configured build-lint/ (its compile_commands.json). Run by ./dev lint [--fix].
set -eu
failed=
note() { failed="$failed $1"; }

c_files() { git ls-files --cached --others --exclude-standard '*.c' '*.h'; }
sh_files() { git ls-files --cached --others --exclude-standard dev '*.sh' .ci/run; }

if [ "${1:-}" = --fix ]; then
    c_files | xargs clang-format-19 -i
fi
c_files | xargs clang-format-19 --dry-run --Werror 2>&1 | grep -E 'error:' | cut -c1-160 || :
c_files | xargs clang-format-19 --dry-run --Werror >/dev/null 2>&1 || note format
python3 tools/check_layers.py || note layers
python3 tools/check_banned.py || note banned
python3 tools/check_sizes.py || note sizes
codespell || note spelling
sh_files | xargs shellcheck -x || note shellcheck
python3 tools/dev/tidy.py || note tidy

if [ -n "$failed" ]; then
    echo "lint: not clean:$failed" >&2
    exit 1
fi
echo "lint: clean"
