#!/usr/bin/env python3
"""Writes src/base/unicode_table.c: display widths and lower-case letters.

Run with a Python whose unicodedata is Unicode 15.0 (Python 3.12):
    python3.12 tools/make_unicode_tables.py > src/base/unicode_table.c
    python3.12 tools/make_unicode_tables.py --digest   # for tests/unit/test_utf8.c
Width 2: East Asian Width W or F. Width 0: categories Mn, Me, Cf (but for the soft
hyphen), the conjoining Hangul vowels and finals, and controls, which the code handles itself.
Lower case: str.lower() where it maps one code point to one, in Latin, Greek, Cyrillic, Armenian.
"""
import sys
import unicodedata

LAST = 0x110000
CASED = ((0xC0, 0x590), (0x1E00, 0x2000), (0x2126, 0x214F), (0x2C60, 0x2C80),
         (0xA640, 0xA6A0), (0xA720, 0xA800))


def width(cp):
    c = chr(cp)
    category = unicodedata.category(c)
    if cp == 0xAD:
        return 1
    if category in ("Mn", "Me", "Cf") or 0x1160 <= cp <= 0x11FF or 0xD7B0 <= cp <= 0xD7FB:
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def ranges_of(wanted):
    """Ranges of code points from U+0080 on with this width."""
    out = []
    for cp in range(0x80, LAST):
        if 0xD800 <= cp < 0xE000:
            continue
        w = width(cp)
        if w != wanted:
            continue
        if out and out[-1][1] == cp - 1:
            out[-1][1] = cp
        else:
            out.append([cp, cp])
    return out


def lower_pairs():
    for low, high in CASED:
        for cp in range(low, high):
            lower = chr(cp).lower()
            if len(lower) == 1 and ord(lower) != cp:
                yield cp, ord(lower)


def lower_runs():
    """(first, last, step, delta): every step-th code point of first..last moves by delta."""
    out = []
    for cp, to in lower_pairs():
        delta = to - cp
        if out:
            first, last, step, d = out[-1]
            if d == delta and cp - last in (1, 2) and (first == last or cp - last == step):
                out[-1] = (first, cp, cp - last, d)
                continue
        out.append((cp, cp, 1, delta))
    return out


def digest():
    """FNV-1a over the width, and over the lower case, of every code point but surrogates."""
    lower = dict(lower_pairs())
    lower.update((cp, cp + 32) for cp in range(ord("A"), ord("Z") + 1))
    widths = cases = 0xCBF29CE484222325
    for cp in range(LAST):
        if 0xD800 <= cp < 0xE000:
            continue
        control = unicodedata.category(chr(cp)) == "Cc"
        widths = ((widths ^ (0 if control else width(cp))) * 0x100000001B3) % 2**64
        cases = ((cases ^ lower.get(cp, cp)) * 0x100000001B3) % 2**64
    print(f"widths 0x{widths:016x} cases 0x{cases:016x}")


def main():
    if unicodedata.unidata_version != "15.0.0":
        sys.exit("needs Unicode 15.0.0, this Python has " + unicodedata.unidata_version)
    if sys.argv[1:] == ["--digest"]:
        return digest()
    print("/* Made by tools/make_unicode_tables.py from Unicode 15.0.0; do not edit. */")
    print('#include "base/unicode_table.h"')
    for name, wanted in (("wide", 2), ("zero", 0)):
        ranges = ranges_of(wanted)
        print(f"\nconst aglm_cp_range aglm_{name}_ranges[] = {{")
        line = "   "
        for low, high in ranges:
            item = f" {{0x{low:x}, 0x{high:x}}},"
            if len(line) + len(item) > 98:
                print(line)
                line = "   "
            line += item
        print(line + "\n};")
        print(f"const size_t aglm_{name}_count = {len(ranges)};")
    runs = lower_runs()
    print("\nconst aglm_case_run aglm_lower_runs[] = {")
    line = "   "
    for first, last, step, delta in runs:
        item = f" {{0x{first:x}, 0x{last:x}, {step}, {delta}}},"
        if len(line) + len(item) > 98:
            print(line)
            line = "   "
        line += item
    print(line + "\n};")
    print(f"const size_t aglm_lower_count = {len(runs)};")


main()
