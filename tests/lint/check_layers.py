#!/usr/bin/python3
"""Holds lib/README.md's tables against the #include lines and the USES of CMake, both ways:
what is not in the table may not be included, and what is in the table must be used."""
import re

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
# A name qualified by a module is a use of it, whichever header brought it in.
QUALIFIED = re.compile(r"(?<![\w:])(?:ecrelay::)?(\w+)::(?=\w)")
BANNED = {
    "boost/asio.hpp": "include what is used of Asio, never the whole",
    "regex": "std::regex recurses without bound on input from outside",
    "format": "g++ 12 has none; use fmt from level 2 on",
    "expected": "g++ 12 in C++20 has none; core/result.h is ours",
}
# Level 1 is pure: time and randomness are arguments, bytes come and go as values.
IMPURE_HEADERS = re.compile(
    r"^(thread|mutex|shared_mutex|condition_variable|future|atomic|iostream|fstream|filesystem|random|"
    r"unistd\.h|fcntl\.h|syslog\.h|sys/.*|netdb\.h|boost/asio/.*|openssl/rand\.h)$")
IMPURE_CODE = re.compile(r"\b(?:now\s*\(\s*\)|random_device|getenv|std::time\s*\()")
SQL = re.compile(r'"\s*(?:SELECT\s+\S|INSERT\s+(?:OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|'
                 r"DELETE\s+FROM\s|CREATE\s+(?:TABLE|INDEX|TRIGGER)\s|PRAGMA\s)")


def rows(text, title):
    """The body cells of the table whose first heading is `title`."""
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0] == title:
            inside = True
        elif inside and not set(cells[0]) <= set("-: "):
            yield cells


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


class Table:
    def __init__(self, text):
        self.order, self.level, self.uses = [], {}, {}
        for level, module, _, uses, *_ in rows(text, "level"):
            (name,) = names(module)
            self.order.append(name)
            self.level[name] = int(level)
            self.uses[name] = set(names(uses))
        # header prefix -> (library, modules)
        self.outside = {}
        for library, headers, users, *_ in rows(text, "library"):
            for header in names(headers):
                self.outside[header] = (library, set(names(users)))

    def own_problems(self):
        """The table itself must obey the layers."""
        for module, uses in self.uses.items():
            for used in sorted(uses):
                if used not in self.level:
                    yield f"lib/README.md: `{module}` uses `{used}`, which is no module"
                elif not self.below(used, module):
                    yield (f"lib/README.md: `{module}` (level {self.level[module]}) may not use "
                           f"`{used}` (level {self.level[used]})")

    def below(self, used, module):
        if self.level[used] == self.level[module] == 1:
            return self.order.index(used) < self.order.index(module)
        return self.level[used] < self.level[module]

    def library_of(self, header):
        """The longest listed prefix wins, so that boost/asio/ssl/ can differ from boost/asio/."""
        fits = [prefix for prefix in self.outside
                if header == prefix or (prefix.endswith("/") and header.startswith(prefix))]
        return max(fits, key=len, default=None)


def include_lines(text):
    # Comments are blanked first, so that a commented include neither counts nor misleads.
    for match in INCLUDE.finditer(tree.code_of(text, keep_strings=True)):
        yield text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2)


def cmake_uses(path):
    """(relay modules named after USES, line) of the relay_module() call, if there is one."""
    text = re.sub(r"#[^\n]*", "", path.read_text())
    call = re.search(r"relay_module\s*\(([^)]*)\)", text)
    found = re.findall(r"relay::(\w+)", call.group(1)) if call else []
    return set(found) - {"options"}


def problems(root):
    readme = root / "lib/README.md"
    if not readme.exists():
        return ["lib/README.md is missing"]
    table = Table(readme.read_text())
    found = list(table.own_problems())
    used_modules = {module: set() for module in table.order}
    used_libraries = {prefix: set() for prefix in table.outside}

    for folder in sorted(path.name for path in (root / "lib").iterdir() if path.is_dir()):
        if folder not in table.level and any((root / "lib" / folder).iterdir()):
            found.append(f"lib/{folder}: not in the table of lib/README.md")

    for path in tree.sources(root, ("lib", "daemon")):
        parts = path.relative_to(root).parts
        module = parts[1] if parts[0] == "lib" else "daemon"
        if module not in table.level:
            continue
        text = path.read_text()
        for line, quote, header in include_lines(text):
            where = tree.place(root, path, line)
            if header in BANNED:
                found.append(f"{where}: <{header}>: {BANNED[header]}")
            if table.level[module] == 1 and IMPURE_HEADERS.match(header):
                found.append(f"{where}: level 1 is pure, and <{header}> is not")
            target = header.split("/")[0]
            if quote == '"' and target in table.level and "/" in header:
                used_modules[module].add(target)
                if target not in table.uses[module] | {module}:
                    found.append(f"{where}: `{module}` does not use `{target}` in lib/README.md")
            prefix = table.library_of(header)
            if prefix:
                library, users = table.outside[prefix]
                used_libraries[prefix].add(module)
                if module not in users:
                    found.append(f"{where}: {library} does not belong in `{module}`")
        code = tree.code_of(text)
        for match in QUALIFIED.finditer(code):
            used = match.group(1)
            if used in table.level and used != module:
                used_modules[module].add(used)
                if used not in table.uses[module]:
                    found.append(f"{tree.place(root, path, code.count(chr(10), 0, match.start()) + 1)}: "
                                 f"`{module}` does not use `{used}` in lib/README.md")
        if "std::regex" in code:
            found.append(f"{tree.place(root, path, 1)}: std::regex")
        if table.level[module] == 1:
            found += [f"{tree.place(root, path, code.count(chr(10), 0, hit.start()) + 1)}: level 1 is pure: {hit.group()}"
                      for hit in IMPURE_CODE.finditer(code)]
        if module != "store":
            strings = tree.code_of(text, keep_strings=True)
            found += [f"{tree.place(root, path, strings.count(chr(10), 0, hit.start()) + 1)}: SQL belongs in `store`"
                      for hit in SQL.finditer(strings)]

    for module in table.order:
        listfile = root / ("daemon" if module == "daemon" else f"lib/{module}") / "CMakeLists.txt"
        if not listfile.exists():
            continue
        if module != "daemon":
            linked = cmake_uses(listfile)
            used_modules[module] |= linked
            for used in sorted(linked - table.uses[module]):
                found.append(f"lib/{module}/CMakeLists.txt: USES relay::{used} is not in lib/README.md")
        for stale in sorted(table.uses[module] - used_modules[module]):
            found.append(f"lib/README.md: `{module}` says it uses `{stale}`, and names nothing of it")
    for prefix, (library, users) in table.outside.items():
        shared = {other for other, (name, _) in table.outside.items() if name == library}
        anywhere = set().union(*(used_libraries[other] for other in shared))
        for stale in sorted(users - anywhere):
            found.append(f"lib/README.md: {library} in `{stale}`: nothing of it is included there")
    return sorted(set(found), key=found.index)


if __name__ == "__main__":
    tree.main(problems)
