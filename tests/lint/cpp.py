"""C++ as nested statements: enough of the grammar to tell a block from a braced value."""
import re

import tree

TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.']*|::|->|\"[^\"]*\"|'[^']*'|[^\s\w]")
BLOCK_BEFORE = {")", "else", "do", "try", ";", "{", "}", ":", "const", "noexcept", "override",
                "mutable", "final", None}
TYPE_WORDS = {"namespace", "class", "struct", "union", "enum", "extern", "concept"}


class Token:
    __slots__ = ("text", "line")

    def __init__(self, text, line):
        self.text, self.line = text, line


class Group:
    """What stands between a pair of brackets: statements for a block, tokens and groups otherwise."""

    def __init__(self, kind, line, header=()):
        self.kind, self.line, self.end, self.items = kind, line, line, []
        self.header = header      # of a block: the statement it belongs to, so far
        self.capture = None       # of a lambda's body: what stands in its []

    def tokens(self):
        """Every token of it, without the insides of nested blocks."""
        for item in self.items:
            if isinstance(item, Token):
                yield item
            elif item.kind != "block":
                yield from item.tokens()

    def groups(self, kind):
        for item in self.items:
            if isinstance(item, Group):
                if item.kind == kind:
                    yield item
                if item.kind != "block":
                    yield from item.groups(kind)


def tokens(text):
    line, at = 1, 0
    code = tree.code_of(text)
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), code, flags=re.M)
    for match in TOKEN.finditer(code):
        line += code.count("\n", at, match.start())
        at = match.start()
        yield Token(match.group(), line)


def words(items):
    return [item.text if isinstance(item, Token) else item.kind for item in items]


def is_block(statement, previous):
    """Whether a brace opens a block, by what stands before it."""
    if previous in BLOCK_BEFORE:
        return True
    outer = words(statement)
    if any(word in TYPE_WORDS for word in outer) and "=" not in outer and "co_await" not in outer:
        return True
    if "->" in outer:       # a return type behind an arrow: everything after it is a type
        after = outer[len(outer) - outer[::-1].index("->"):]
        return all(re.match(r"[\w:<>,&*]+$", word) for word in after)
    return False


def lambda_before(statement):
    """The capture group when the brace that follows opens the body of a lambda, else None."""
    end = len(statement)
    if "->" in words(statement):
        end -= words(statement)[::-1].index("->") + 1
    at = end - 1
    while at >= 0 and isinstance(statement[at], Token) and statement[at].text in ("mutable", "noexcept"):
        at -= 1
    if at >= 0 and isinstance(statement[at], Group) and statement[at].kind == "(":
        at -= 1
    if at < 0 or not isinstance(statement[at], Group) or statement[at].kind != "[":
        return None
    before = statement[at - 1] if at else None
    if isinstance(before, Token) and (re.match(r"\w", before.text) and before.text not in
                                      ("return", "co_return", "co_await", "co_yield", "case", "operator")):
        return None                   # a subscript: name[i]
    if isinstance(before, Group):
        return None                   # a subscript of a call, or an attribute
    return statement[at]


CLOSES = {"(": ")", "[": "]", "{": "}"}


def parse(text):
    """The file as one block whose items are statements (Groups of kind 'statement')."""
    stream = list(tokens(text))
    position = 0

    def group(kind, closing, line):
        """Tokens up to the closing bracket, braces told apart."""
        nonlocal position
        result = Group(kind, line)
        while position < len(stream):
            token = stream[position]
            position += 1
            if token.text == closing:
                result.end = token.line
                break
            if token.text == "{":
                open_brace(result.items, token)
            elif token.text in CLOSES:
                result.items.append(group(token.text, CLOSES[token.text], token.line))
            else:
                result.items.append(token)
        return result

    def open_brace(items, token):
        previous = items[-1] if items else None
        text_before = (previous.text if isinstance(previous, Token) else
                       {"(": ")", "[": "]", "{": "}", "block": "}"}[previous.kind] if previous else None)
        capture = lambda_before(items)
        if items and (capture is not None or is_block(items, text_before)):
            items.append(block(token.line, list(items), capture))
        else:
            items.append(group("{", "}", token.line))

    def block(line, header, capture):
        nonlocal position
        result = Group("block", line, header)
        result.capture = capture
        statement = Group("statement", line)

        def finish():
            nonlocal statement
            if statement.items:
                result.items.append(statement)
            statement = Group("statement", line)

        while position < len(stream):
            token = stream[position]
            position += 1
            if token.text == "}":
                finish()
                result.end = token.line
                break
            if token.text == ";":
                finish()
            elif token.text == "{":
                if not statement.items:
                    statement.items.append(block(token.line, [], None))
                    finish()
                    continue
                open_brace(statement.items, token)
                last = statement.items[-1]
                if last.kind == "block" and last.capture is None:
                    finish()
            elif token.text in CLOSES:
                statement.items.append(group(token.text, CLOSES[token.text], token.line))
            else:
                statement.items.append(token)
        else:
            finish()
        return result

    return block(1, [], None)


def blocks(group):
    """Every block below, at any depth."""
    for item in group.items:
        if isinstance(item, Group):
            if item.kind == "block":
                yield item
            yield from blocks(item)


def statements(group):
    for item in group.items:
        if isinstance(item, Group):
            if item.kind == "statement":
                yield item
            yield from statements(item)


def functions(whole):
    """(name, first line, lines) of every function with a body that is not a lambda."""
    def walk(group):
        for statement in group.items:
            for item in statement.items if isinstance(statement, Group) else ():
                if not isinstance(item, Group) or item.kind != "block":
                    continue
                outer = words(item.header)
                if any(word in TYPE_WORDS for word in outer) and "(" not in outer:
                    yield from walk(item)
                elif "(" in outer:
                    name = next((word for word in reversed(outer[:outer.index("(")]) if re.match(r"\w", word)), "?")
                    first = next((entry.line for entry in item.header if isinstance(entry, Token)), item.line)
                    yield name, first, item.end - first + 1
    yield from walk(whole)
