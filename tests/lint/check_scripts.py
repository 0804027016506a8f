#!/usr/bin/python3
"""shellcheck over the shell scripts; Python, Ruby and Perl at least parse; all are executable that
say how they are run."""
import os
import subprocess

import tree

CHECKS = {"bash": ["shellcheck"], "sh": ["shellcheck"], "ruby": ["ruby", "-c"], "perl": ["perl", "-c"]}


def interpreter(path):
    with path.open("rb") as file:
        first = file.readline().decode("utf-8", "replace")
    return first[2:].split()[-1].split("/")[-1] if first.startswith("#!") else None


def problems(root):
    for path in tree.files(root, ("scripts", ".ci", "tests", "systemd"), {".sh", ".py", ".rb", ".pl", ""}):
        name, language = path.relative_to(root), interpreter(path)
        if language and not os.access(path, os.X_OK):
            yield f"{name}: starts with #! and is not executable"
        if path.suffix == ".py":
            try:
                compile(path.read_text(), str(name), "exec")
            except SyntaxError as error:
                yield f"{name}:{error.lineno}: {error.msg}"
        elif language in CHECKS:
            done = subprocess.run([*CHECKS[language], str(path)], capture_output=True, text=True)
            if done.returncode:
                yield f"{name}: {(done.stdout + done.stderr).strip()}"


if __name__ == "__main__":
    tree.main(problems)
