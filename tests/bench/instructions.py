#!/usr/bin/python3
"""Instructions a message by stage, held against tests/bench/budgets.json: more than a tenth above one fails.

    instructions.py BUILD_DIR BUILD_TYPE [--write]      --write: what was counted becomes the budget

callgrind counts the same everywhere, once libc and OpenSSL are kept from choosing code by the processor.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

MESSAGES = 200
BUDGETS = Path(__file__).with_name("budgets.json")
PINNED = {"OPENSSL_ia32cap": "0:0", "LC_ALL": "C",
          "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-BMI2,-SSE4_2,-SSSE3,-MOVBE,-RTM"}


def own(text):
    """Instructions of a dump, those of OpenSSL left out: they are the price of cryptography, not ours."""
    total, names, counted, after_call = 0, {}, True, False
    for line in text.splitlines():
        if line.startswith(("ob=", "cob=")):
            number, _, name = line.partition("=")[2].partition(" ")
            names[number] = name or names[number]
            if line.startswith("ob="):
                counted = "libcrypto" not in names[number]
        elif after_call:
            after_call = False      # what was called is counted where it stands itself
        elif line.startswith("calls="):
            after_call = True
        elif re.match(r"[+*\d-]", line) and counted:
            total += int(line.split()[1])
    return total


def count(program):
    """{stage: instructions a message}"""
    with tempfile.TemporaryDirectory(prefix="ecrelay-stages-") as folder:
        state = Path(folder) / "book"
        state.mkdir(mode=0o700)
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program, state, str(MESSAGES)],
                              env={**os.environ, **PINNED}, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{program} failed under valgrind:\n{done.stdout}{done.stderr}")
        found = {}
        for path in Path(folder).glob("out.*"):
            text = path.read_text()
            trigger = re.search(r"^desc: Trigger: Client Request: (\w+)", text, re.M)
            if trigger:
                found[trigger[1]] = own(text) // MESSAGES
    return found


def main():
    build, kind, *options = sys.argv[1:]
    budgets = json.loads(BUDGETS.read_text()) if BUDGETS.exists() else {}
    found = count(Path(build) / "tests/bench/stages")
    if options == ["--write"]:
        budgets[kind] = found
        BUDGETS.write_text(json.dumps(budgets, indent=1, sort_keys=True) + "\n")
    if kind not in budgets:
        sys.exit(f"no budget for a build of type '{kind}': run this with --write, and look at what it writes")
    over = [stage for stage, budget in budgets[kind].items() if found.get(stage, 0) > 1.1 * budget]
    for stage, budget in budgets[kind].items():
        print(f"{stage:<10} {found.get(stage, 0):>9,} instructions a message, budget {budget:>9,}, {100 * found.get(stage, 0) / budget:5.1f} %"
              + ("   OVER" if stage in over else ""))
    missing = set(budgets[kind]) - set(found)
    if missing:
        sys.exit(f"not measured: {', '.join(sorted(missing))}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
