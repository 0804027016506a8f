"""ecrelay and its peers by shared/bench, in turns: rows that put one beside the other."""
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from measures import row

ADAPTER = Path(__file__).with_name("ecrelay")
# (sessions, messages a connection, size): how many times the peer's throughput is asked for
GOALS = {(20, True, 4096): 6, (20, True, 40960): 6, (20, False, 4096): 5, (20, False, 40960): 5, (1, True, 4096): 4, (1, True, 40960): 4}


def run(bench, peers, options, out):
    """Round by round, so that each meets the same machine."""
    for _ in range(options.rounds):
        for peer in (ADAPTER, *peers):
            for sizes, sessions, modes in (((4096, 40960), (20,), ("one", "many")), ((4096, 40960), (1,), ("many",))):
                subprocess.run(["/usr/bin/python3", bench, peer, "--out", out, "--reps", "1", "--retries", "0", "--seconds", str(options.seconds),
                                "--noise", "9", "--quiet", "1", "--disk", options.disk, "--no-syncs", "--sizes", *map(str, sizes),
                                "--conc", *map(str, sessions), "--modes", *modes], check=True, stdout=subprocess.DEVNULL)


def read(out):
    shots = defaultdict(list)
    for each in map(json.loads, out.read_text().splitlines()):
        if each["kind"] == "error":
            print("bench.py:", each["peer"], each["error"], file=sys.stderr)
        if each["kind"] == "shot":
            shots[each["peer"], each["conc"], each["multi"], each["size"]].append(each)
    return shots


def compare(shots, peers):
    rows = []
    for (name, *cell), ours in sorted(shots.items(), key=lambda item: item[0][1:]):
        if name != ADAPTER.name:
            continue
        what = f"{cell[2] // 1024} KiB, {cell[0]} sessions, {'kept' if cell[1] else 'one connection a mail'}"
        middle = lambda each, field: statistics.median(shot[field] for shot in each)
        for place, peer in enumerate(peers):
            theirs = shots.get((peer, *cell))
            if not theirs:
                continue
            note = (f"{middle(ours, 'e2e'):.0f} and {middle(theirs, 'e2e'):.0f} messages/s; CPU s/1000 {middle(ours, 'cpu'):.2f} and {middle(theirs, 'cpu'):.2f}; "
                    f"foreign CPUs {middle(ours, 'foreign'):.2f} and {middle(theirs, 'foreign'):.2f}; PSS {middle(ours, 'pss') / 2**20:.0f} and "
                    f"{middle(theirs, 'pss') / 2**20:.0f} MiB")
            goal = GOALS.get((cell[0], cell[1], cell[2])) if place == 0 else None
            rows.append(row(f"beside {peer}", what, middle(ours, "e2e") / middle(theirs, "e2e"), "times", goal, "more", note))
    return rows
