#!/usr/bin/python3
"""What months of charges cost: time and bytes a charge, totals, close, files, archive; and what ten years of them come to.

    ledger.py [--rows N] [--shops N]      rows of the month (1,000,000) and shops in it (20)

The rows are written by the book's own rules, every trigger on, in the last JST month; ten years of daily totals stand
beside them. 10,000,000 rows take about 10 GB of disk and half an hour. Release build (ECRELAY_BUILD), `nice`.
"""
import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import harness  # noqa: E402
from test_money import MESSAGE_COLUMNS, last_month  # noqa: E402

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) "
AT = ":start + i * :step"
IDENTITY = f"ulid({AT}, i)"
TEN_YEARS = 120


class Table:
    def line(self, what, value, ten_years=""):
        print(f"{what:<46}  {value:>24}  {ten_years:>20}", flush=True)


def pages(book):
    return book.execute("PRAGMA page_count").fetchone()[0] * 4096


def amount(size):
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


class Bench:
    def __init__(self, folder, rows, shops):
        self.folder, self.rows, self.table, self.most = folder, rows, Table(), 0
        self.shop = f"printf('shop-%d', i % {shops})"
        self.shops = shops
        start = last_month()
        self.month = start.strftime("%Y-%m")
        self.values = {"rows": rows, "start": int(start.timestamp() * 1000), "step": 27 * 86_400_000 // rows}
        self.relay = harness.Relay(folder, harness.base_config(folder))
        self.relay.start()
        self.relay.stop()

    def fill(self):
        book = sqlite3.connect(self.folder / "state" / "book.db")
        book.create_function("ulid", 2, lambda at, i: at.to_bytes(6, "big") + i.to_bytes(10, "big"), deterministic=True)
        empty = pages(book)
        book.execute(NUMBERS + f"INSERT INTO message ({MESSAGE_COLUMNS}) SELECT {IDENTITY}, {AT}, {AT}, {self.shop}, 'app-1', '10.0.0.1',"
                     " 's', 'app-1', '', 'info@shop-a.example', 'info@shop-a.example', printf('<%d@shop-a.example>', i),"
                     " 'ご注文ありがとうございます', 4096, 'bulk', '', '', '', 'default', 'rsa-sha256 r1', 0, 0, 0, 0, 0, 0 FROM n",
                     self.values)
        book.execute(NUMBERS + "INSERT INTO recipient (message, n, address, key, state, due_ms, finished_ms, reply)"
                     f" SELECT {IDENTITY}, 0, printf('a%d@b.example', i), printf('a%d@b.example', i), 'sent', {AT}, {AT}, '250 ok' FROM n",
                     self.values)
        book.commit()
        mail = pages(book)
        began = time.monotonic()
        book.execute(NUMBERS + "INSERT INTO ledger (kind, at_ms, shop, message, unit, price_milli, amount_milli, recipients)"
                     f" SELECT 'charge', {AT}, {self.shop}, {IDENTITY}, 'message', 100, 100, 1 FROM n", self.values)
        book.commit()
        took = time.monotonic() - began
        ledger = pages(book) - mail
        book.execute("UPDATE daily SET messages = charges, recipients = charges, sent = charges")
        # What the totals of ten years weigh: days ahead, because no month may be closed before an earlier one.
        book.execute("WITH RECURSIVE d(day) AS (SELECT date('now', '+2 months') UNION ALL SELECT date(day, '+1 day') FROM d"
                     f" WHERE day < date('now', '+{TEN_YEARS + 2} months')), s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s"
                     f" WHERE i < {self.shops - 1}) INSERT INTO daily (shop, day) SELECT printf('shop-%d', i), day FROM d, s")
        book.commit()
        daily = pages(book) - mail - ledger
        book.close()
        self.ledger = ledger
        line = self.table.line
        line(f"a month of {self.rows:,} charges, {self.shops} shops", "", "ten years")
        line("charge, guards, daily total (bulk, no sync)", f"{took / self.rows * 1e6:.1f} us a message")
        line("ledger in the book", f"{ledger / self.rows:.0f} bytes a charge", amount(ledger * TEN_YEARS))
        line("messages and recipients in the book", f"{(mail - empty) / self.rows:.0f} bytes a message", amount((mail - empty) * TEN_YEARS))
        line("daily totals of ten years", "", amount(daily))

    def timed(self, what, *arguments, ten_years=""):
        began = time.monotonic()
        done = subprocess.run([harness.program("ecrelayctl"), "--config", str(self.relay.file), *arguments], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        took = time.monotonic() - began
        self.most = max(self.most, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        self.table.line(what, f"{took * 1000:.0f} ms" if took < 1 else f"{took:.1f} s", ten_years)

    def memory(self, what):
        status = Path(f"/proc/{self.relay.process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        self.table.line(what, f"{peak / 1024:.0f} MiB")

    def run(self):
        self.fill()
        self.relay.start()
        try:
            self.questions("in the book")
            self.timed("month close", "month", "close", self.month)
            self.timed("month export (CSV, UTF-8)", "month", "export", self.month, "--out", str(self.folder / "files"))
            size = sum(path.stat().st_size for path in (self.folder / "files").iterdir())
            self.table.line("its files", f"{size / self.rows:.0f} bytes a charge", amount(size * TEN_YEARS))
            self.timed("month verify", "month", "verify", self.month)
            self.timed("reconcile", "reconcile", self.month)
            self.timed("month archive", "month", "archive", self.month)
            archive = (self.folder / "state" / "archive" / f"ledger-{self.month.replace('-', '')}.db").stat().st_size
            self.table.line("its archive", f"{archive / self.rows:.0f} bytes a charge", amount(archive * TEN_YEARS))
            with sqlite3.connect(f"file:{self.folder / 'state' / 'book.db'}?mode=ro", uri=True) as book:
                free = book.execute("PRAGMA freelist_count").fetchone()[0] * 4096
            self.table.line("room for new charges that it left in the book", f"{free / self.ledger * 100:.0f} % of the ledger's")
            self.questions("archived")
            self.timed("month export of the archive", "month", "export", self.month, "--out", str(self.folder / "again"))
            same = all((self.folder / "again" / path.name).read_bytes() == path.read_bytes() for path in (self.folder / "files").iterdir())
            self.table.line("the same bytes", "yes" if same else "NO")
            self.memory("most memory of the daemon")
            self.table.line("most memory of a tool", f"{self.most / 1024:.0f} MiB")
        finally:
            self.relay.stop()

    def questions(self, where):
        self.timed(f"month total by shop ({where}, the tool included)", "usage", self.month)
        self.timed(f"ledger search by day and shop ({where})", "ledger", "search", "--from", f"{self.month}-14", "--to", f"{self.month}-14",
                   "--shop", "shop-7")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--shops", type=int, default=20)
    chosen = parser.parse_args()
    os.nice(10)
    with tempfile.TemporaryDirectory(prefix="ecrelay-ledger-") as name:
        Bench(Path(name), chosen.rows, chosen.shops).run()


if __name__ == "__main__":
    main()
