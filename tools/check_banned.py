#!/usr/bin/env python3
"""Calls that have no place here, each with what to use instead. usage: check_banned.py [ROOT]

Rules marked "library" hold in src/ outside the programs (src/cli, src/llama): library code never ends, prints or reads the
process's global state.
"""
import pathlib
import re
import sys

import c_source

EVERYWHERE = {
    "strcpy": "aglm_str or memcpy with a checked length",
    "strcat": "aglm_str",
    "strncpy": "memcpy with a checked length",
    "strncat": "aglm_str",
    "sprintf": "snprintf or aglm_str_printf",
    "vsprintf": "vsnprintf",
    "gets": "aglm_file",
    "strtok": "strcspn",
    "atoi": "strtol with its end checked",
    "atol": "strtol with its end checked",
    "atoll": "strtoll with its end checked",
    "atof": "strtod with its end checked",
    "rand": "aglm_rng",
    "srand": "aglm_rng",
    "rand_r": "aglm_rng",
    "drand48": "aglm_rng",
    "random": "aglm_rng",
    "srandom": "aglm_rng",
    "system": "posix_spawn",
    "popen": "posix_spawn",
    "alloca": "the heap or an arena",
    "setlocale": "nothing: the C locale is part of the contract",
    "tmpnam": "mkstemp",
    "mktemp": "mkstemp",
    "asctime": "strftime",
    "ctime": "strftime",
    "gmtime": "gmtime_r",
    "localtime": "gmtime_r",
    "strerror_r": "strerror: the two forms differ",
    "setjmp": "a result code",
    "longjmp": "a result code",
}
LIBRARY = {
    "abort": "a result code",
    "exit": "a result code",
    "_exit": "a result code",
    "quick_exit": "a result code",
    "printf": "aglm_log or the caller's sink",
    "vprintf": "aglm_log or the caller's sink",
    "puts": "aglm_log or the caller's sink",
    "putchar": "aglm_log or the caller's sink",
    "perror": "aglm_error_set",
    "setenv": "an option",
    "signal": "sigaction, in src/cli",
}
# Where a rule does not hold: (path, name). Each needs its reason here.
EXEMPT = {
    # cmocka.h asks for setjmp.h; no call is made
}
CALL = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(")
STREAM = re.compile(r"\bf(?:printf|puts|putc|write|flush)\s*\([^;]*\bstd(?:err|out)\b")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


def rules_for(where):
    if where.startswith("src/") and not where.startswith(("src/cli/", "src/llama/")):
        return {**EVERYWHERE, **LIBRARY}
    return EVERYWHERE


def faults(where, text):
    rules = rules_for(where)
    for number, line in enumerate(c_source.blank(text).split("\n"), 1):
        for name in CALL.findall(line):
            if name in rules and (where, name) not in EXEMPT:
                yield number, f"{name}() is not used here: use {rules[name]}"
        if rules is not EVERYWHERE and STREAM.search(line):
            yield number, "library code does not print: use aglm_log or the caller's sink"
    for number, line in enumerate(text.split("\n"), 1):
        if UNFINISHED.search(line):
            yield number, "unfinished work stands in an issue, not in the source"


def check(root):
    complaints = []
    for folder in ("src", "include", "tests", "bench", "examples"):
        for path in sorted((root / folder).rglob("*.[ch]")):
            where = str(path.relative_to(root))
            for number, fault in faults(where, path.read_text(errors="replace")):
                complaints.append(f"{where}:{number}: {fault}")
    return complaints


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    complaints = check(root.resolve())
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
