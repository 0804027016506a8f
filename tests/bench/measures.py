"""The cells of the table: each function gives rows of {part, what, figure, unit, goal, better, limits}."""
import asyncio
import contextlib
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import rig
from rig import harness

sys.path.insert(0, str(Path(__file__).resolve().parent))
KIB, MIB = 1 << 10, 1 << 20


def row(part, what, figure, unit, goal=None, better="less", note=""):
    """`goal`: the most, or with better="more" the least, that the figure may be; None: no goal of its own."""
    met = None if goal is None else (figure <= goal if better == "less" else figure >= goal)
    return {"part": part, "what": what, "figure": figure, "unit": unit, "goal": goal, "better": better, "met": met, "note": note}


def median_of(shots):
    """The shot with the middle throughput."""
    return sorted(shots, key=lambda shot: shot["e2e"])[len(shots) // 2]


# ---- throughput, CPU, syncs

CELLS = [dict(size=4 * KIB), dict(size=40 * KIB), dict(size=100 * KIB), dict(size=4 * KIB, kept=False), dict(size=40 * KIB, kept=False),
         dict(size=4 * KIB, sessions=1), dict(size=4 * KIB, sessions=1, kept=False), dict(size=4 * KIB, sessions=5),
         dict(size=4 * KIB, sessions=50), dict(size=4 * KIB, sessions=100)]
GOALS_CPU = {4 * KIB: 1.25, 40 * KIB: 1.5}


def name_of(cell):
    return f"{cell['size'] // KIB} KiB, {cell.get('sessions', 20)} sessions, {'kept' if cell.get('kept', True) else 'one connection a mail'}"


def cells(options):
    rows, shots = [], []
    for change, label in ((None, ""), (use_libopendkim, ", dkim.engine libopendkim")):
        with rig.Rig(change) as relay:
            for cell in CELLS if not label else CELLS[:1]:
                shot = median_of([relay.cell(options.seconds, **cell) for _ in range(options.rounds)])
                shots.append({**shot, "engine": label})
                print(label, rig.line(shot), flush=True)
                rows += rows_of_cell(name_of(cell) + label, cell if not label else {}, shot)
    return rows, shots


def rows_of_cell(name, cell, shot):
    steady = cell.get("kept", True) and cell.get("sessions", 20) == 20
    limit = "CPU" if shot["machine"] > 0.9 * os.cpu_count() else "the wait for the disk and for each other"
    rows = [row("throughput", name, shot["e2e"], "messages/s", note=f"machine {shot['machine']:.2f} CPUs busy: {limit}"),
            row("CPU", name, shot["cpu"], "s/1000", GOALS_CPU.get(cell.get("size")) if steady else None)]
    if steady and cell.get("size") == 4 * KIB:
        rows.append(row("syncs", name, shot["syncs"], "a message", 0.2))
    if cell.get("sessions") == 100:
        rows.append(row("memory", name, shot["pss"], "MiB PSS", 40))
    return rows


def use_libopendkim(config, _):
    config["dkim"] = {"engine": "libopendkim"}


# ---- from the dot to the 250

class Talker:
    """One session that sends a mail whenever its turn comes, and notes milliseconds from the dot to the 250."""

    BODY = b"Subject: latency\r\nFrom: info@shop-a.example\r\n\r\n" + (b"x" * 76 + b"\r\n") * 52

    def __init__(self, address, times):
        host, port = address.rsplit(":", 1)
        self.address, self.times = (host, int(port)), times

    async def command(self, text, until=b" "):
        self.writer.write(text)
        while (line := await self.reader.readline())[3:4] != until:
            pass
        return line

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(*self.address)
        self.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self.command(b"")
        await self.command(b"EHLO load.example\r\n")

    async def send(self):
        for line in (b"MAIL FROM:<info@shop-a.example>\r\n", b"RCPT TO:<hanako@customer.example>\r\n", b"DATA\r\n"):
            await self.command(line)
        self.writer.write(self.BODY)
        began = time.perf_counter()
        assert (await self.command(b".\r\n")).startswith(b"250"), "refused"
        self.times.append(1000 * (time.perf_counter() - began))

    async def talk(self, first, every, until):
        await self.open()
        turn = first
        while (now := time.monotonic()) < until:
            if turn > now:
                await asyncio.sleep(turn - now)
            await self.send()
            turn += every
        self.writer.close()


async def talk_all(address, rate, sessions, seconds):
    times, began = [], time.monotonic() + 0.5
    await asyncio.gather(*(Talker(address, times).talk(began + i / rate, sessions / rate, began + seconds) for i in range(sessions)))
    return sorted(times)


def latency(options):
    with rig.Rig() as relay:
        full = relay.cell(options.seconds)["e2e"]
        times = asyncio.run(talk_all(relay.relay.address, full / 2, 20, 2 * options.seconds))
    at = lambda part: times[min(len(times) - 1, int(len(times) * part))]
    name = f"dot to 250 at {full / 2:.0f} messages/s"
    return [row("latency", name + ", p99", at(0.99), "ms", 10, note="the client is Python, and shares the CPUs"),
            row("latency", name + ", median", at(0.5), "ms")], []


def ruby(_):
    import importlib.machinery
    import importlib.util
    loader = importlib.machinery.SourceFileLoader("ruby_latency", str(Path(__file__).with_name("ruby_latency")))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("ruby_latency", loader))
    loader.exec_module(module)
    times = module.measure(300)
    return [row("latency", "Ruby's mail gem, one connection a mail, median", times[len(times) // 2], "ms", 4)], []


# ---- memory

def raise_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def idle_connections(options):
    count = min(options.idle, raise_descriptors() - 500)
    def change(config, _):
        config["hosts"][0]["max_connections"] = config["limits"]["connections"] = 12_000
    with rig.Rig(change) as relay, contextlib.ExitStack() as stack:
        host, port = relay.relay.address.rsplit(":", 1)
        for _ in range(count):
            each = stack.enter_context(socket.create_connection((host, int(port))))
            each.recv(200)
            each.sendall(b"EHLO load.example\r\n")
            each.recv(1000)
        size = rig.pss(relay.pid)
    return [row("memory", f"{count} idle connections", size, "MiB PSS", 150 if count >= 10_000 else None)], []


class Bulk(threading.Thread):
    """Sends one large mail, when all others are about to, and keeps the answer."""

    def __init__(self, address, body, all_ready):
        super().__init__(daemon=True)
        self.address, self.body, self.all_ready, self.answer = address, body, all_ready, b""

    def run(self):
        host, port = self.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), 600) as each:
            reader = each.makefile("rb")
            reader.readline()
            for line in (b"HELO load.example", b"MAIL FROM:<info@shop-a.example>", b"RCPT TO:<hanako@customer.example>", b"DATA"):
                each.sendall(line + b"\r\n")
                self.answer = reader.readline()
            self.all_ready.wait()
            each.sendall(self.body)
            self.answer = reader.readline()


def large_mails(options):
    count, size = options.large, 10 * MIB
    limit = 1 << 30
    raise_descriptors()
    def change(config, _):
        config["hosts"][0]["max_connections"] = 2 * count
        config["limits"] = {"connections": 2 * count, "memory": limit, "message_size": "20MiB"}
    body = b"From: info@shop-a.example\r\nSubject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * (size // 78) + b".\r\n"
    with rig.Rig(change) as relay:
        threading.stack_size(256 * KIB)
        all_ready = threading.Barrier(count)
        senders = [Bulk(relay.relay.address, body, all_ready) for _ in range(count)]
        began = time.monotonic()
        for each in senders:
            each.start()
        most = 0
        while any(each.is_alive() for each in senders) and time.monotonic() - began < 600:
            most = max(most, rig.pss(relay.pid))
            time.sleep(0.05)
        took = time.monotonic() - began
        taken = sum(each.answer.startswith(b"250") for each in senders)
    note = f"{taken} of {count} accepted in {took:.0f} s"
    return [row("memory", f"{count} mails of 10 MiB at once, limits.memory 1 GiB", most, "MiB PSS", 1024 + 128, note=note),
            row("memory", f"{count} mails of 10 MiB at once, accepted", taken, "mails", count, "more")], []


# ---- growth

def with_backlog(count):
    def fill(state):
        if count:
            state.mkdir(mode=0o700, exist_ok=True)
            subprocess.run([harness.BUILD / "tests/bench/fill_book", state, str(count), "7200", "3600"], check=True, stdout=subprocess.DEVNULL)
    return dict(fill=fill)


def with_shops(count):
    def change(config, folder):
        more = [{"id": f"extra-{i}", "domains": [{"name": f"s{i}.extra.example", "dkim": config["shops"][0]["domains"][0]["dkim"]}]}
                for i in range(1, count)]
        config["shops"] = config["shops"][:1] + more
    return dict(change=change)


def with_book(statement):
    """The book made by a first start, then filled by SQL, its triggers on."""
    def fill(state):
        folder = state.parent
        relay = harness.Relay(folder, harness.base_config(folder))
        relay.start()
        relay.stop()
        import sqlite3
        with contextlib.closing(sqlite3.connect(state / "book.db")) as book:
            book.execute("PRAGMA synchronous = OFF")
            statement(book)
            book.commit()
            book.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return dict(fill=fill)


def with_suppressions(count):
    def entries(book):
        book.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO suppression"
                     " (shop, key, address, reason, since_ms, evidence, actor) SELECT '', printf('dead-%d@gone%d.example', i, i % 1000),"
                     " printf('dead-%d@gone%d.example', i, i % 1000), 'unknown_user', 1, '', 'import' FROM n", (count,))
    return with_book(entries) if count else {}


def with_charges(count):
    def charges(book):
        import ledger
        with contextlib.redirect_stdout(None):
            ledger.fill(book, count, int(ledger.last_month().timestamp() * 1000))
    return with_book(charges) if count else {}


GROWTH = {"backlog": (with_backlog, [0, 10_000, 1_000_000]), "shops": (with_shops, [1, 1_000, 5_000]),
          "suppressions": (with_suppressions, [0, 1_000_000, 10_000_000]), "charges": (with_charges, [0, 10_000_000])}


def growth(options):
    """Throughput beside the smallest, measured in turns so that both meet the same machine."""
    rows, shots = [], []
    for kind in options.growth:
        make, counts = GROWTH[kind]
        counts = [count for count in counts if count <= options.most]
        with contextlib.ExitStack() as stack:
            relays = [stack.enter_context(rig.Rig(**make(count))) for count in counts]
            for relay in relays:
                relay.until_idle()
                relay.shot(600)
            rounds = [[relay.shot(options.mails) for relay in relays] for _ in range(options.rounds)]
        best = [median_of([turn[place] for turn in rounds]) for place in range(len(counts))]
        for count, shot in zip(counts, best):
            print(f"{kind} {count}:", rig.line(shot), flush=True)
            shots.append({**shot, "growth": kind, "count": count})
            part = 100 * shot["e2e"] / best[0]["e2e"]
            rows.append(row("growth", f"{kind}: {count:,}", part, "% of the smallest", 90 if count != counts[0] else None, "more",
                            f"{shot['e2e']:.0f} messages/s, {shot['cpu']:.2f} CPU s/1000"))
    return rows, shots


SIGN_COST = harness.BUILD / "tests/bench/libsign_cost.so"


# ---- the network thread, with signatures that cost what we say

def free_signing(options):
    rows, shots = [], []
    for cost in (0, 200, 800):
        with rig.Rig(environment={"LD_PRELOAD": str(SIGN_COST), "SIGN_COST": str(cost)}) as relay:
            relay.shot(100)     # the first signatures are real
            shot = median_of([relay.cell(options.seconds, sessions=50) for _ in range(options.rounds)])
        shots.append({**shot, "sign_cost": cost})
        network = 1000 * shot["threads"]["ecrelayd"]
        note = "us a message: " + ", ".join(f"{name} {1000 * spent:.0f}" for name, spent in sorted(shot["threads"].items()))
        print(f"signatures of {cost} us:", rig.line(shot), note, flush=True)
        rows.append(row("network thread", f"signatures of {cost} us, 50 sessions", shot["e2e"], "messages/s", note=note))
        if cost == 0:
            rows.append(row("network thread", "what it carries with signing free, by its CPU time", 1e6 / network, "messages/s", 5000, "more"))
    return rows, shots


PARTS = {"cells": cells, "latency": latency, "ruby": ruby, "idle": idle_connections, "large": large_mails,
         "free": free_signing, "growth": growth}
