#!/usr/bin/python3
"""No file over 500 lines and no function over 60 without a reason, given here.

    check_sizes.py --report     lines by module, and the longest functions
"""
import sys

import cpp
import tree

LONGEST_FILE, LONGEST_FUNCTION = 500, 60
# "file" or "file function" -> why it is this long
REASONS = {}


def functions(root, folders=("lib", "daemon")):
    for path in tree.sources(root, folders):
        for name, line, count in cpp.functions(cpp.parse(path.read_text())):
            yield count, path.relative_to(root), line, name


def problems(root, reasons=None):
    reasons = REASONS if reasons is None else reasons
    used = set()
    for path in tree.files(root, ("lib", "daemon", "tests", "scripts"), {".cpp", ".h", ".py", ".rb", ".pl", ""}):
        name = str(path.relative_to(root))
        lines = path.read_bytes().count(b"\n")
        if lines > LONGEST_FILE:
            used.add(name)
            if name not in reasons:
                yield f"{name}: {lines} lines; over {LONGEST_FILE} look for the second idea in it"
    for count, path, line, name in functions(root):
        if count > LONGEST_FUNCTION:
            used.add(f"{path} {name}")
            if f"{path} {name}" not in reasons:
                yield f"{path}:{line}: {name}() has {count} lines; over {LONGEST_FUNCTION} asks for a reason"
    for stale in sorted(set(reasons) - used):
        yield f"tests/lint/check_sizes.py: '{stale}' is not long any more"


def report(root):
    print(f"{'module':<12}{'files':>6}{'lines':>8}")
    for folder in [f"lib/{module}" for module in tree.MODULES] + ["daemon", "tests"]:
        found = list(tree.sources(root, (folder,)))
        lines = sum(path.read_bytes().count(b"\n") for path in found)
        print(f"{folder.removeprefix('lib/'):<12}{len(found):>6}{lines:>8}")
    counts = sorted(functions(root), reverse=True)
    if counts:
        print(f"\n{len(counts)} functions, median {counts[len(counts) // 2][0]} lines; the longest:")
    for count, path, line, name in counts[:12]:
        print(f"{count:>5}  {name}  {path}:{line}")


if __name__ == "__main__":
    if "--report" in sys.argv:
        report(tree.ROOT)
    else:
        tree.main(problems)
