"""Runs the table of issue 7 on a release build; scripts/bench has the options."""
import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measures
import peers
import report
import rig


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, cwd=rig.TOP).stdout.strip()


def facts():
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    signs = output("openssl", "speed", "-seconds", "1", "rsa2048").split()
    return {"commit": output("git", "describe", "--always", "--dirty"), "at": time.strftime("%Y-%m-%d %H:%M:%S"), "cpu": cpu, "cores": os.cpu_count(),
            "kernel": platform.release(), "load": os.getloadavg()[0], "rsa_us": 1e6 * float(signs[-4].rstrip("s"))}


def beside_peers(options):
    bench = Path(os.environ.get("ECRELAY_SHARED") or rig.TOP.parent / "shared") / "bench/bench.py"
    if not bench.exists():
        sys.exit(f"bench: --peers needs {bench}, and it is NOT THERE: set ECRELAY_SHARED to the shared folder")
    with tempfile.TemporaryDirectory(prefix="ecrelay-peers-", dir=rig.DISK) as folder:
        out = Path(folder) / "results.jsonl"
        peers.run(bench, options.peers, options, out)
        found = peers.read(out)
    return peers.compare(found, options.peers), [shot for each in found.values() for shot in each]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="The table of throughput, CPU, latency, memory and growth.")
    parser.add_argument("--peers", nargs="*", metavar="NAME", help="also ../shared/bench with these (postfix), in turns with ecrelay")
    parser.add_argument("--parts", nargs="+", choices=list(measures.PARTS) + ["none"], default=list(measures.PARTS))
    parser.add_argument("--growth", nargs="+", choices=list(measures.GROWTH), default=list(measures.GROWTH))
    parser.add_argument("--most", type=int, default=10_000_000, help="leave out larger books than this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="of one shot")
    parser.add_argument("--mails", type=int, default=5000, help="of one shot beside a large book")
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1_000)
    parser.add_argument("--out", type=Path, default=rig.TOP / ".build/bench", help="folder for bench.md, bench.json and the plots")
    options = parser.parse_args()
    options.disk = rig.DISK
    if options.peers == []:
        options.peers = ["postfix"]
    known, rows, shots = facts(), [], []
    parts = {name: measures.PARTS[name] for name in options.parts if name != "none"}
    if options.peers:
        parts = {"peers": beside_peers, **parts}
    for name, part in parts.items():
        print(f"--- {name}", flush=True)
        more, details = part(options)
        rows += more
        shots += [shot for shot in details if "peer" not in shot]
        report.write(options.out, known, rows, shots)     # what is there so far, should the rest fail
    print(report.markdown(known, rows))
    return 1 if any(each["met"] is False for each in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
