"""What the benches share: a relay of the release build between smtp-source and smtp-sink, and what a run of mail cost it."""
import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
os.environ.setdefault("ECRELAY_BUILD", str(TOP / ".build/release"))
sys.path.insert(0, str(TOP / "tests/system"))
import harness  # noqa: E402

# A real disk, never a tmpfs: syncs are part of what is measured.
DISK = os.environ.get("BENCH_DISK", "/var/tmp")
TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    """Seconds of processor time so far, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def busy():
    """Seconds that all processors together have worked, for whomever."""
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (fields[0] + fields[1] + fields[2] + sum(fields[5:8])) / TICK


def pss(pid):
    """Resident MiB, shared pages by their share."""
    return int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1]) / 1024


class Upstream:
    """smtp-sink, with what it has counted."""

    def __init__(self):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port = probe.getsockname()[1]
        command = ["smtp-sink", "-c", "-m", "4000", "-t", "600", f"127.0.0.1:{self.port}", "2048"]
        if os.geteuid() == 0:
            command[1:1] = ["-u", "nobody"]
        self.count, self.address = 0, f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self):
        tail = b""
        while got := os.read(self.process.stdout.fileno(), 1 << 16):
            tail = (tail + got)[-200:]
            if found := re.findall(rb"mesg=(\d+)\s*[\r\n]", tail):
                self.count = int(found[-1])
            time.sleep(0.005)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Rig:
    """A relay as in production, and its upstream, in a folder on the disk."""

    def __init__(self, change=None, fill=None, environment=None, folder=None):
        self.kept = None if folder else tempfile.TemporaryDirectory(prefix="ecrelay-bench-", dir=DISK)
        self.folder = Path(folder or self.kept.name)
        self.upstream = Upstream()
        config = harness.base_config(self.folder, self.upstream.address)
        config["limits"] = {"connections": 12000}
        if change:
            change(config, self.folder)
        if fill:
            fill(self.folder / "state")
        self.relay = harness.Relay(self.folder, config)
        ordinary = self.relay.environment()
        self.relay.environment = lambda: {**ordinary, **(environment or {})}
        self.relay.start()
        self.pid = self.relay.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.relay.kill()
        self.upstream.stop()
        if self.kept:
            self.kept.cleanup()

    def until_idle(self):
        """Waits until half a second costs the relay next to nothing."""
        before = cpu(self.pid)
        while (now := (time.sleep(0.5), cpu(self.pid))[1]) - before > 0.02:
            before = now

    def threads(self):
        """Seconds of processor time so far, by the threads' name."""
        times = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            name = (task / "comm").read_text().strip()
            times[name] = times.get(name, 0) + int((task / "schedstat").read_text().split()[0]) / 1e9
        return times

    def shot(self, mails, size=4096, sessions=20, kept=True, seconds=300):
        """`mails` mails through the relay, and what they cost."""
        before, status, threads = self.upstream.count, self.relay.ask("status")["writer"], self.threads()
        began, used, all_used = time.monotonic(), cpu(self.pid), busy()
        load = subprocess.Popen(["smtp-source", "-N", "-s", str(sessions), "-m", str(mails), "-l", str(size),
                                 "-f", "info@shop-a.example", "-t", "hanako@customer.example", "-C", "10",
                                 *(["-d"] if kept else []), self.relay.address])
        most = taken = 0
        while (now := time.monotonic()) < began + seconds:
            if not taken and load.poll() is not None:
                assert load.returncode == 0, "smtp-source was refused"
                taken = now - began
            if taken and self.upstream.count - before >= mails:
                break
            most = max(most, pss(self.pid)) if int(now * 4) % 2 else most
            time.sleep(0.01)
        took = time.monotonic() - began
        assert self.upstream.count - before >= mails, f"{self.upstream.count - before} of {mails} in {seconds} s"
        machine = busy() - all_used
        self.until_idle()
        used, after = cpu(self.pid) - used, self.relay.ask("status")["writer"]
        spent = {name: 1000 * (now - threads.get(name, 0)) / mails for name, now in self.threads().items()}
        syncs = sum(after[each] - status[each] for each in ("batches", "spool_syncs"))
        return {"mails": mails, "size": size, "sessions": sessions, "kept": kept, "e2e": mails / took, "intake": mails / taken,
                "cpu": 1000 * used / mails, "machine": machine / took, "syncs": syncs / mails, "pss": most or pss(self.pid),
                "threads": spent}

    def cell(self, seconds=5, **what):
        """A shot of about so many seconds, after one to warm up."""
        first = self.shot(what.pop("mails", 600), **what)
        return self.shot(max(200, int(first["e2e"] * seconds)), **what)


def line(cell):
    return (f"{cell['size'] // 1024:>4} KiB {cell['sessions']:>4} sessions {'kept' if cell['kept'] else 'one a mail':<10} "
            f"{cell['e2e']:7.0f}/s {cell['intake']:7.0f}/s in  {cell['cpu']:6.3f} CPU s/1000  {cell['syncs']:5.3f} syncs  "
            f"{cell['pss']:5.1f} MiB  machine {cell['machine']:.2f}")
