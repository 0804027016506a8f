#!/usr/bin/python3
"""The top of the tree is what was agreed, and nothing else; the modules are those of the map."""
import tree

AGREED = {"CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "CHANGELOG.md",
          "daemon", "lib", "config", "systemd", "tests", "scripts"}
DEMANDED = {"CMakeLists.txt", "README.md", "daemon", "lib", "config", "systemd", "tests", "scripts"}


def problems(root):
    names = {path.name for path in root.iterdir()}
    for name in sorted(names - AGREED):
        if not name.startswith("."):
            yield f"{name}: not in the agreed layout of the top folder"
    for name in sorted(DEMANDED - names):
        yield f"{name}: missing from the top folder"
    for path in sorted((root / "lib").iterdir() if (root / "lib").is_dir() else ()):
        if path.is_dir() and path.name not in tree.MODULES:
            yield f"lib/{path.name}: not a module of the map"


if __name__ == "__main__":
    tree.main(problems)
