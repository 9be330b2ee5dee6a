"""C source as the checkers see it: without comments and strings, line for line, cut into functions."""
import re

TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
# A definition in house style: a line that starts at column 0 with a name, and "{" alone on a line.
HEAD = re.compile(r"^(?!typedef|struct\b[^(]*$|enum\b|union\b|extern \"C\")[A-Za-z_].*\(", re.M)


def blank(text):
    """Comments and literals become blanks (literals keep their quotes); lines keep their numbers."""
    def empty(match):
        body = match[0]
        if body[0] in "\"'":
            return body[0] + " " * (len(body) - 2) + body[-1]
        return re.sub(r"[^\n]", " ", body)
    return TOKEN.sub(empty, text)


def drop_directives(text):
    """Preprocessor lines and their continuations become empty, so that braces in macros do not count."""
    out, inside = [], False
    for line in text.split("\n"):
        directive = inside or line.lstrip().startswith("#")
        inside = directive and line.rstrip().endswith("\\")
        out.append("" if directive else line)
    return "\n".join(out)


class Function:
    """One function definition: its name, its lines (1-based, head to brace), parameters and nesting."""

    def __init__(self, name, first, last, parameters, nesting):
        self.name, self.first, self.last = name, first, last
        self.parameters, self.nesting = parameters, nesting

    @property
    def lines(self):
        return self.last - self.first + 1


def count_parameters(inside):
    """Commas at depth 0 of a parameter list, plus one; none for empty and void."""
    if inside.strip() in ("", "void"):
        return 0
    depth, count = 0, 1
    for c in inside:
        depth += (c == "(") - (c == ")")
        count += c == "," and depth == 0
    return count


def split_head(head):
    """(name, parameter text) of a function's head, or None when it is no function."""
    match = re.search(r"([A-Za-z_]\w*)\s*\(", head)
    while match and match[1] in ("__attribute__", "AGLM_TARGET", "AGLM_PRINTF", "_Static_assert"):
        match = re.compile(r"([A-Za-z_]\w*)\s*\(").search(head, match.end())
    if not match:
        return None
    depth, at = 0, match.end() - 1
    for end in range(at, len(head)):
        depth += (head[end] == "(") - (head[end] == ")")
        if depth == 0:
            return match[1], head[at + 1:end]
    return None


CONTROL = re.compile(r"^(?:\} )?(?:else )?(?:if|for|while|switch)\b")
LABEL = re.compile(r"^(?:case\b.*|default|\w+):$")


def ends_statement(line, head):
    """Whether the next line starts a statement; `head` is the first line of the one that `line` is in."""
    return (line[-1] in ";{}" or line.endswith(("else", "do")) or bool(LABEL.match(line)) or
            line.endswith(")") and bool(CONTROL.match(head)))


def nesting_of(lines):
    """The deepest indentation at which a statement starts, in steps of 4; the body itself is 0."""
    deepest, depth, before, head = 0, 0, "{", "{"
    for line in lines:
        code = line.strip()
        if not code:
            continue
        if depth == 0 and ends_statement(before, head):
            head = code
            if not code.startswith(("}", "{")) and not LABEL.match(code):
                deepest = max(deepest, (len(line) - len(line.lstrip())) // 4 - 1)
        depth = max(0, depth + code.count("(") - code.count(")"))
        before = code
    return deepest


def functions(text):
    """The function definitions of a file in house style (clang-format guarantees "{" at column 0)."""
    lines = drop_directives(blank(text)).split("\n")
    found, start = [], None
    for at, line in enumerate(lines):
        if line == "{":
            start = at
        elif line.startswith("}") and start is not None:
            first = start
            while first > 0 and lines[first - 1].strip() and not lines[first - 1].startswith("}"):
                first -= 1
            head = split_head(" ".join(lines[first:start]))
            if head:
                found.append(Function(head[0], first + 1, at + 1, count_parameters(head[1]),
                                      nesting_of(lines[start + 1:at])))
            start = None
    return found
