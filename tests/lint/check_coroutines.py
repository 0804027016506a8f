#!/usr/bin/python3
"""g++ 12.2 destroys temporaries twice when a co_await expression builds aggregates, arrays or
capturing lambdas, or when a co_await may be left out (behind &&, || or ?: an awaitable that was never made is
destroyed), and no warning tells. So: no such choice, nothing in braces and no capturing lambda in a statement
that awaits, and no lambda with captures is a coroutine (its captures die before it does)."""
import cpp
import tree

AWAITS = {"co_await", "co_yield"}
CHOICES = {"&&", "||", "?"}
COROUTINE = AWAITS | {"co_return"}


def awaits(statement):
    return any(token.text in AWAITS for token in statement.tokens())


def direct_words(block):
    """The tokens of a body that are its own, not those of functions nested in it."""
    for statement in block.items:
        if not isinstance(statement, cpp.Group):
            continue
        yield from (token.text for token in statement.tokens())
        for inner in own_blocks(statement):
            yield from direct_words(inner)


def own_blocks(group):
    for item in group.items:
        if isinstance(item, cpp.Group):
            if item.kind != "block":
                yield from own_blocks(item)
            elif item.capture is None:
                yield item


def problems_of(text):
    whole = cpp.parse(text)
    for statement in cpp.statements(whole):
        if not awaits(statement):
            continue
        for token in statement.tokens():
            if token.text in CHOICES:
                yield token.line, f"'{token.text}' in a statement that awaits: await into a named value first"
                break
        for braced in statement.groups("{"):
            yield braced.line, "braces in a statement that awaits: name the value first"
        for body in statement.groups("block"):
            if body.capture is not None and body.capture.items:
                yield body.line, "a lambda with captures in a statement that awaits: name it first"
    for body in cpp.blocks(whole):
        capture = body.capture
        if capture is not None and capture.items and COROUTINE & set(direct_words(body)):
            yield body.line, "a coroutine that is a lambda with captures: make it a function with parameters"


def problems(root):
    for path in tree.sources(root):
        text = path.read_text()
        if "co_" in text:
            for line, what in problems_of(text):
                yield f"{tree.place(root, path, line)}: {what}"


if __name__ == "__main__":
    tree.main(problems)
