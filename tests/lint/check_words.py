#!/usr/bin/python3
"""Words of unfinished work in what is shipped, and of tests that skip, sleep or cannot fail."""
import re

import tree

SUFFIXES = {".cpp", ".h", ".py", ".rb", ".pl", ".txt", ".yaml", ".service", ".socket", ".md", ""}
# Put together from pieces, so that this file does not find itself.
NOTES = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
UNFINISHED = ["st" + "ub", "not " + "implemented", "place" + "holder", "for " + "now"]
IN_TESTS = re.compile(r"\b(" + "|".join(NOTES) + ")\\b")
IN_PRODUCT = re.compile(r"\b(" + "|".join(NOTES + UNFINISHED) + ")\\b", re.I)
IDLE_TEST = re.compile("GTEST_" + "SKIP|DISA" + "BLED_|sleep_" + r"for|EXPECT_TRUE\(" + r"true\)|ASSERT_TRUE\(" + r"true\)")
# A test may stand back where the shared corpus is not there, or where only root could run it, when it
# says so.
EXCUSES = ("ECRELAY_SHARED", "geteuid() != 0")


def idle(lines, number):
    """The word of a test that skips, sleeps or cannot fail in this line, without excuse."""
    found = IDLE_TEST.search(lines[number])
    nearby = " ".join(lines[number:number + 3])
    return None if found and any(excuse in nearby for excuse in EXCUSES) else found


def problems(root):
    for path in tree.files(root, ("lib", "daemon", "scripts", "config", "systemd", "tests"), SUFFIXES):
        inside = path.relative_to(root)
        if inside.match("tests/system/mails/*") or inside.match("tests/golden/*/*"):
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        lines = text.splitlines()
        for number, line in enumerate(lines):
            if inside.parts[0] == "tests":
                word = IN_TESTS.search(line) or idle(lines, number)
            else:
                word = IN_PRODUCT.search(line)
            if word:
                yield f"{tree.place(root, path, number + 1)}: '{word.group()}'"


if __name__ == "__main__":
    tree.main(problems)
