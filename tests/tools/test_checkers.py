#!/usr/bin/env python3
"""The checkers find what they are there for, and let good code pass."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import c_source
import check_banned
import check_layers
import check_sizes

LAYERS = "base:\nnum: base\ndata: base num\ncli: base data\n"


class Tree(unittest.TestCase):
    """A throw-away project to judge."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("tools/layers.txt", LAYERS)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def expect(self, checker, *parts):
        """Exactly one complaint for each of `parts`, which it contains."""
        complaints = checker.check(self.root)
        self.assertEqual(len(complaints), len(parts), complaints)
        for part in parts:
            self.assertTrue(any(part in c for c in complaints), (part, complaints))


class Layers(Tree):
    def test_good_tree(self):
        self.write("src/data/table.c", '#include "data/table_priv.h"\n#include "base/str.h"\n#include <stdio.h>\n')
        self.expect(check_layers)

    def test_include_of_a_later_room(self):
        self.write("src/num/matrix.c", '#include "data/table.h"\n')
        self.expect(check_layers, "src/num/matrix.c:1: \"data/table.h\": num may not use data")

    def test_room_that_is_not_listed_for_it(self):
        self.write("src/cli/main.c", '#include "num/matrix.h"\n')
        self.expect(check_layers, "cli may not use num")

    def test_private_header_of_another_room(self):
        self.write("src/data/table.c", '#include "base/str_priv.h"\n')
        self.expect(check_layers, "private to base")

    def test_bare_and_angled_and_unknown(self):
        self.write("src/data/table.c", '#include "table.h"\n#include <base/str.h>\n#include "net/http.h"\n')
        self.expect(check_layers, 'write "room/file.h"', "included with quotes", "net is no room")

    def test_forbidden_file_names(self):
        self.write("src/base/util.c", "")
        self.write("src/base/helpers_priv.h", "")
        self.expect(check_layers, "src/base/util.c:1", "src/base/helpers_priv.h:1")

    def test_file_outside_the_rooms(self):
        self.write("src/stray.c", "")
        self.write("src/extra/stray.c", "")
        self.expect(check_layers, "src/stray.c:1", "src/extra/stray.c:1")

    def test_installed_header_may_not_lean_on_a_room(self):
        self.write("include/autoglm/error.h", '#include "base/str.h"\n')
        self.expect(check_layers, "autoglm may not use base")

    def test_a_cycle_cannot_be_written(self):
        self.write("tools/layers.txt", "base: num\nnum: base\n")
        self.expect(check_layers, "layers.txt:1: base names num")


def function(name="f", parameters="void", body=""):
    return f"static int {name}({parameters})\n{{\n{body}    return 0;\n}}\n"


class Sizes(Tree):
    def test_good_file(self):
        self.write("src/base/a.c", function(body="    if (x)\n        y();\n" * 20))
        self.expect(check_sizes)

    def test_long_function(self):
        self.write("src/base/a.c", function("longish", body="    y();\n" * 60))
        self.expect(check_sizes, "src/base/a.c:1: longish: 64 lines")

    def test_seven_parameters_and_a_callback_that_counts_once(self):
        self.write("src/base/a.c", function("many", "int a, int b, int c, int d, int e, int f, int g"))
        self.write("src/base/b.c", function("fine", "int a, int (*f)(int, int, int), int g"))
        self.expect(check_sizes, "many: 7 parameters")

    def test_nesting(self):
        deep = "".join("    " * i + "if (x)" + (" {" if i < 4 else "") + "\n" for i in range(1, 5))
        deep += " " * 20 + "y();\n" + "".join("    " * i + "}\n" for i in (3, 2, 1))
        self.write("src/base/a.c", function("deep", body=deep))
        self.expect(check_sizes, "deep: 4 nesting")

    def test_continuation_lines_are_no_nesting(self):
        self.write("src/base/a.c", function(body="    call(one,\n" + " " * 40 + "two);\n"))
        self.write("src/base/b.c", function(body="    x = a ? f(b)\n" + " " * 40 + ": c\n" + " " * 40 + "+ d;\n"))
        self.expect(check_sizes)

    def test_long_file(self):
        self.write("src/base/a.c", "int x;\n" * 801)
        self.expect(check_sizes, "801 lines, the limit is 800")

    def test_exceptions_need_a_reason_and_a_use(self):
        self.write("src/base/a.c", function("longish", body="    y();\n" * 60))
        self.write("tools/exceptions.txt", "src/base/a.c longish lines a dispatch table\n"
                   "src/base/a.c gone lines it was long once\nsrc/base/a.c longish lines\n")
        self.expect(check_sizes, "exceptions.txt:3", "src/base/a.c gone lines is not needed")

    def test_braces_in_strings_comments_and_macros(self):
        text = '#define BLOCK(x) \\\n{ \\\n}\n' + function(body='    puts("{{{"); /* {\n{ */\n    c = \'{\';\n')
        found = c_source.functions(text)
        self.assertEqual([(f.name, f.lines) for f in found], [("f", 7)])


class Banned(Tree):
    def test_good_file(self):
        self.write("src/base/a.c", '/* strcpy() */ const char *s = "gets(x)"; int my_rand(void); x->random(1);\n')
        self.write("src/cli/main.c", 'printf("x"); exit(1);\n')
        self.expect(check_banned)

    def test_calls_banned_everywhere(self):
        self.write("tests/unit/test_a.c", "strcpy(a, b);\nx = atoi (s);\n")
        self.expect(check_banned, "test_a.c:1: strcpy()", "test_a.c:2: atoi()")

    def test_calls_banned_in_the_library(self):
        self.write("src/base/a.c", 'abort();\nfprintf(stderr, "x");\nfputs("y", stdout);\n')
        self.expect(check_banned, "a.c:1: abort()", "a.c:2: library code", "a.c:3: library code")

    def test_unfinished_work(self):
        self.write("src/base/a.c", "/* " + "TO" + "DO: later */\n")
        self.expect(check_banned, "unfinished")


if __name__ == "__main__":
    unittest.main()
