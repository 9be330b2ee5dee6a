#!/bin/sh
# What `meson install` leaves is enough to build and run a program against the library.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"

root=$AGLM_TMP/root
check "installs" env DESTDIR="$root" meson install -C "$AGLM_SOURCE_ROOT/build" --no-rebuild --quiet
pc=$(find "$root" -name autoglm.pc)
lib=$(dirname "$(find "$root" -name 'libautoglm.so.0')")
check "leaves a pkg-config file" test -f "$pc"
check "leaves the program" test -x "$root/usr/local/bin/autoglm"

cat >"$AGLM_TMP/user.c" <<'END'
#include <autoglm/error.h>
#include <stdio.h>

int main(void)
{
    aglm_error err = {0};

    aglm_error_set(&err, AGLM_LIMIT, "%s", "too much");
    printf("%s: %s\n", aglm_rc_text(err.rc), err.msg);
    return 0;
}
END
flags=$(PKG_CONFIG_PATH=$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR=$root pkg-config --cflags --libs autoglm)
# shellcheck disable=SC2086 # a list of flags
check "a program builds against it" "${CC:-cc}" -std=c11 -Wall -Werror "$AGLM_TMP/user.c" -o "$AGLM_TMP/user" $flags
run 0 env LD_LIBRARY_PATH="$lib" "$AGLM_TMP/user"
says out '^over a limit: too much$'

# shellcheck disable=SC2086 # a list of flags
check "the example of a study builds against it" "${CC:-cc}" -std=c11 -Wall -Werror "$AGLM_SOURCE_ROOT/examples/optimize.c" \
    -o "$AGLM_TMP/optimize" $flags -lm
run 0 env LD_LIBRARY_PATH="$lib" "$AGLM_TMP/optimize"
says out '^best accuracy 0\.[89][0-9]+: k=[0-9]+ power='

awk -v n=300 -v seed=1 -v kind=classes -f "$AGLM_SOURCE_ROOT/tests/e2e/table.awk" >"$AGLM_TMP/table.csv"
# shellcheck disable=SC2086 # a list of flags
check "the example of a forest builds against it" "${CC:-cc}" -std=c11 -Wall -Werror "$AGLM_SOURCE_ROOT/examples/forest.c" \
    -o "$AGLM_TMP/forest" $flags
if "$AUTOGLM" doctor | grep '^learners' | grep -q 'trees$'; then
    run 0 env LD_LIBRARY_PATH="$lib" "$AGLM_TMP/forest" "$AGLM_TMP/table.csv"
    says out '^best: n_estimators=[0-9]+ max_depth=[0-9]+, accuracy 0\.[89]'
    check "ten trials" sh -c "[ \"\$(grep -c '^trial' '$AGLM_TMP/out')\" = 10 ]"
else
    skip "the forest is tuned" "XGBoost is not installed"
fi

# shellcheck disable=SC2086 # a list of flags
check "the example of a language model builds against it" "${CC:-cc}" -std=c11 -Wall -Werror \
    "$AGLM_SOURCE_ROOT/examples/generate.c" -o "$AGLM_TMP/generate" $flags
if [ -x "$AGLM_SOURCE_ROOT/build/autoglm-llama" ]; then
    # The smallest file that our reader takes for a model, and llama.cpp does not.
    run 1 env -u AGLM_LLAMA LD_LIBRARY_PATH="$lib" sh -c "cd '$AGLM_TMP' &&
        ./generate '$AGLM_SOURCE_ROOT/tests/fuzz/corpus/gguf/small' hello"
    check "the program that runs models is found beside the library" sh -c "! grep -q 'not installed' '$AGLM_TMP/err'"
    says err 'llama|load|model'
else
    skip "a language model is asked" "llama.cpp was not built"
fi

for header in "$root"/usr/local/include/autoglm/*.h; do
    check "$(basename "$header") compiles alone" sh -c "
        ${CC:-cc} -std=c11 -Wall -Werror -fsyntax-only -I'$root/usr/local/include' -x c '$header'"
done

nm -D --defined-only "$lib/libautoglm.so.0" | awk '$2 ~ /[TDBRV]/ { print $3 }' >"$AGLM_TMP/symbols"
check "exports something" test -s "$AGLM_TMP/symbols"
check "exports nothing but aglm_ names" sh -c "! grep -v '^aglm_' '$AGLM_TMP/symbols'"

finish
