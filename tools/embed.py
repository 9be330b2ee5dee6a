#!/usr/bin/env python3
"""Files as C strings. usage: embed.py OUT.c HEADER NAME=FILE..."""
import pathlib
import sys


def array(name, data):
    rows = [data[i:i + 20] for i in range(0, len(data), 20)]
    lines = "".join("    " + ", ".join(map(str, row)) + ",\n" for row in rows)
    return f"const char {name}[] = {{\n{lines}    0,\n}};\n"


def main(out, header, *parts):
    text = f'#include "{header}"\n\n'
    for part in parts:
        name, _, path = part.partition("=")
        data = pathlib.Path(path).read_bytes()
        if not data.isascii():
            sys.exit(f"{path}: not ASCII")
        text += array(name, data)
    pathlib.Path(out).write_text(text)


main(*sys.argv[1:])
