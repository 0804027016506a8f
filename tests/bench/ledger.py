#!/usr/bin/python3
"""What a month of charges costs: time and bytes a charge, month total, close and export.

    ledger.py [--rows N]      rows of the month (1,000,000); 10,000,000 take about 8 GB of disk

The rows are written by the book's own rules, every trigger on, in the last JST month.
"""
import argparse
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
IDENTITY = "CAST(printf('%016d', i) AS BLOB)"
AT = ":start + i * :step"
SHOP = "printf('shop-%d', i % 20)"


def fill(book, rows, start):
    values = {"rows": rows, "start": start, "step": 27 * 86_400_000 // rows}
    book.execute(NUMBERS + f"INSERT INTO message ({MESSAGE_COLUMNS}) SELECT {IDENTITY}, {AT}, {AT}, {SHOP}, '', '', '', '', '', '', '', '', '',"
                 " 1, 'bulk', '', '', '', 'default', '', 0, 0, 0, 0, 0, 0 FROM n", values)
    book.execute(NUMBERS + "INSERT INTO recipient (message, n, address, key, state, due_ms, finished_ms, reply)"
                 f" SELECT {IDENTITY}, 0, 'a@b.example', 'a@b.example', 'sent', {AT}, {AT}, '' FROM n", values)
    book.commit()
    before = book.execute("PRAGMA page_count").fetchone()[0]
    began = time.monotonic()
    book.execute(NUMBERS + "INSERT INTO ledger (kind, at_ms, shop, message, unit, price_milli, amount_milli, recipients)"
                 f" SELECT 'charge', {AT}, {SHOP}, {IDENTITY}, 'message', 100, 100, 1 FROM n", values)
    book.commit()
    took = time.monotonic() - began
    pages = book.execute("PRAGMA page_count").fetchone()[0] - before
    book.execute("UPDATE daily SET messages = charges, recipients = charges, sent = charges")
    book.commit()
    print(f"a charge with its guards and daily total: {took / rows * 1e6:.1f} us, {pages * 4096 / rows:.0f} bytes")


def timed(relay, what, *arguments):
    began = time.monotonic()
    done = subprocess.run([harness.program("ecrelayctl"), "--config", str(relay.file), *arguments], capture_output=True, text=True)
    print(f"{what}: {time.monotonic() - began:.3f} s, exit {done.returncode}")
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    start = last_month()
    with tempfile.TemporaryDirectory(prefix="ecrelay-ledger-") as name:
        folder = Path(name)
        relay = harness.Relay(folder, harness.base_config(folder))
        relay.start()
        relay.stop()
        with sqlite3.connect(folder / "state" / "book.db") as book:
            fill(book, rows, int(start.timestamp() * 1000))
        relay.start()
        try:
            month = start.strftime("%Y-%m")
            timed(relay, "month total by shop (the tool included)", "usage", month)
            timed(relay, "close", "month", "close", month)
            timed(relay, "export", "month", "export", month, "--out", str(folder / "files"))
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            size = sum(path.stat().st_size for path in (folder / "files").iterdir())
            print(f"files: {size / rows:.0f} bytes a charge; most memory of a tool: {memory / 1024:.0f} MiB")
        finally:
            relay.stop()


if __name__ == "__main__":
    main()
