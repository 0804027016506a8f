"""The tree as the lint checks see it: which files there are, and C++ as tokens.

A check is a module check_NAME.py with a function problems(root) that gives one line for each
violation ("file:line: what"); self_test.py plants violations for every check.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

MODULES = ("core mail smtp policy records finance dns config log store dkim net "
           "intake dispatch reports domains control rehearsal").split()


def files(root, folders, suffixes):
    """Files below the folders, sorted, without what tools leave behind."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts:
                yield path


def sources(root, folders=("lib", "daemon", "tests")):
    return files(root, folders, {".cpp", ".h"})


def place(root, path, line):
    return f"{path.relative_to(root)}:{line}"


_blank = re.compile(r"[^\n]")
_outside_code = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|R"(?P<mark>[^()\s\\"]*)\(.*?\)(?P=mark)"'
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'", re.S)


def code_of(text, keep_strings=False):
    """The text with comments (and the insides of literals) blanked; every line stays where it is."""
    def blank(match):
        found = match.group()
        if found.startswith("/"):
            return _blank.sub(" ", found)
        return found if keep_strings else found[0] + _blank.sub(" ", found[1:-1]) + found[-1]
    return _outside_code.sub(blank, text)


def main(problems):
    """Runs one check over the tree it stands in."""
    found = list(problems(ROOT))
    for line in found:
        print(line)
    name = Path(sys.argv[0]).stem
    print(f"{name}: {len(found)} problem(s)" if found else f"{name}: ok")
    sys.exit(1 if found else 0)
