#!/usr/bin/python3
"""g++ 12.2 lays some coroutine frames out wrongly, without a warning: `if (!co_await a()) co_return false;`
followed by `co_return co_await b();` was seen to put eight bytes before the frame's resume pointer, so
that everybody who resumed it jumped into nothing. This looks at what was compiled: the function that
makes a frame stores the address of its actor, and that store has to be at the frame's first byte.

Usage: frames.py BUILD_FOLDER"""
import pathlib
import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
ACTOR = re.compile(r"\blea\s+\S*\(%rip\),%(\w+)\s+# [0-9a-f]+ <.*\.actor>")
STORE = re.compile(r"\bmov(?:q|ups|aps|dqa|dqu|hps|lps)?\s+%(\w+),(-?0x[0-9a-f]+)?\((%\w+)\)")


def problems_of(listing):
    """Of a disassembly: (function, displacement) of each actor that is not stored where its frame begins."""
    function, register = "", None
    for line in listing:
        if match := FUNCTION.match(line):
            function, register = match.group(1), None
        elif match := ACTOR.search(line):
            register = match.group(1)
        elif register and (match := STORE.search(line)):
            stored, displacement, base = match.groups()
            if base in ("%rsp", "%rbp") or (stored != register and not stored.startswith("xmm")):
                continue
            # A frame made inside another object (a function inlined) begins further in; the fault puts
            # one word before it.
            if displacement and 0 < int(displacement, 16) < 0x20:
                yield function, displacement
            register = None


def main():
    programs = [path for path in sorted((pathlib.Path(sys.argv[1]) / "daemon").iterdir())
                if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
    found = frames = 0
    for program in programs:
        run = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(program)], capture_output=True, text=True, check=True)
        listing = run.stdout.splitlines()
        frames += sum(1 for line in listing if ACTOR.search(line))
        for function, displacement in problems_of(listing):
            found += 1
            print(f"{program.name}: the frame of {function} begins {displacement} bytes late")
    print(f"frames: {frames} frame(s) in {len(programs)} program(s), {found} problem(s)")
    sys.exit(1 if found or not frames else 0)


if __name__ == "__main__":
    main()
