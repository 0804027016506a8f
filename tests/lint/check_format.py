#!/usr/bin/python3
"""clang-format with the tree's .clang-format has nothing to say. With --fix it writes what it would say."""
import re
import subprocess
import sys

import tree


def problems(root):
    paths = [str(path) for path in tree.sources(root)]
    if not paths:
        return
    done = subprocess.run(["clang-format", "--dry-run", "--style=file", *paths],
                          stderr=subprocess.PIPE, text=True, cwd=root)
    seen = set()
    for path, line in re.findall(r"^(\S[^\n]*?):(\d+):\d+: warning", done.stderr, re.M):
        if path not in seen:
            seen.add(path)
            yield f"{path.removeprefix(str(root) + '/')}:{line}: not as clang-format has it (scripts/check --fix)"
    if done.returncode:
        yield f"clang-format failed: {done.stderr.strip()[:200]}"


if __name__ == "__main__":
    if "--fix" in sys.argv:
        subprocess.run(["clang-format", "-i", "--style=file", *map(str, tree.sources(tree.ROOT))], check=True)
    tree.main(problems)
