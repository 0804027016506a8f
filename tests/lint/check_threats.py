#!/usr/bin/python3
"""tests/threats.md: every test that it names exists, and every row names one."""
import re

import tree

NAME = re.compile(r"`([\w/]+\.?\w*)(?:#([\w.]+))?`")
IN_CPP = r"\bTEST(?:_[FP])?\(\s*{},\s*{}\s*\)"


def is_there(file, name):
    if not file.is_file():
        return False
    if name is None:
        return True
    text = file.read_text()
    if file.suffix == ".cpp":
        return re.search(IN_CPP.format(*map(re.escape, name.split("."))), text) is not None
    return f"def {name}(" in text


def problems(root):
    page = root / "tests/threats.md"
    if not page.exists():
        return
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if not line.startswith("| ") or line.startswith("| what |"):
            continue
        names = NAME.findall(line.rsplit("| ", 1)[1])
        if not names:
            yield f"{tree.place(root, page, number)}: no test is named"
        for file, name in names:
            if not is_there(root / "tests" / file, name or None):
                yield f"{tree.place(root, page, number)}: no test '{file}{'#' if name else ''}{name}'"


if __name__ == "__main__":
    tree.main(problems)
