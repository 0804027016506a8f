#!/usr/bin/python3
"""Money: charges that are reversed, months that close, files that another reader sums."""
import csv
import datetime
import hashlib
import io
import json
import os
import sqlite3
import unittest

import harness
from harness import MAIL

JST = datetime.timezone(datetime.timedelta(hours=9))
MESSAGE_COLUMNS = ("id, accepted_ms, expires_ms, shop, host, client, session, helo, tls, sender, header_from,"
                   " message_id, subject, size, lane, tag, metadata, idempotency_key, upstream, signatures, eight_bit,"
                   " smtputf8, segment, position, head_length, body_length")
HOSTILE_TAG = "=HYPERLINK(\"http://x\")"


def last_month():
    first = datetime.datetime.now(JST).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first - datetime.timedelta(days=1)).replace(day=1)


def add_history(book, start, charges, shop="shop-a", tag=HOSTILE_TAG, milli=100):
    """Mails that were sent and charged from `start` on, an hour apart, written by the book's own rules."""
    at = int(start.timestamp() * 1000)
    for number in range(charges):
        identity = at.to_bytes(6, "big") + os.urandom(10)      # a ULID
        book.execute(
            f"INSERT INTO message ({MESSAGE_COLUMNS}) VALUES (?, ?, ?, ?, 'app-1', '', '',"
            " '', '', '', '', '', '', 1, 'bulk', ?, '', '', 'default', '', 0, 0, 0, 0, 0, 0)",
            (identity, at, at, shop, tag))
        book.execute("INSERT INTO recipient (message, n, address, key, state, due_ms, finished_ms, reply)"
                     " VALUES (?, 0, 'a@b.example', 'a@b.example', 'sent', ?, ?, '')", (identity, at, at))
        book.execute("INSERT INTO ledger (kind, at_ms, shop, message, unit, price_milli, amount_milli, tag, recipients)"
                     " VALUES ('charge', ?, ?, ?, 'message', ?, ?, ?, 1)", (at, shop, identity, milli, milli, tag))
        book.execute("INSERT INTO attempt (message, recipient, number, at_ms, upstream, server, stage, code, enhanced,"
                     " reply, verdict, tls, duration_ms) VALUES (?, 0, 1, ?, 'default', '', 'dot', 250, '', '', 'sent',"
                     " '', 1)", (identity, at))
        book.execute("UPDATE daily SET messages = messages + 1, recipients = recipients + 1, sent = sent + 1"
                     " WHERE shop = ? AND day = date(? / 1000 + 32400, 'unixepoch')", (shop, at))
        at += 3_600_000


class Money(harness.Scenario):
    def past(self, charges=40, **more):
        """A running relay with a last month of `charges` mails of 0.1 yen, and that month's name."""
        relay = self.relay(**more)
        relay.stop()
        start = last_month()
        with sqlite3.connect(self.folder / "state" / "book.db") as book:
            add_history(book, start, charges)
        relay.start()
        return relay, start.strftime("%Y-%m")

    def today(self):
        return datetime.datetime.now(JST).strftime("%Y-%m-%d")

    def answer(self, relay, *arguments, code=0):
        got, output, errors = relay.ctl(*arguments)
        self.assertEqual(got, code, f"{arguments}: {output}{errors}")
        return output + errors

    def export(self, relay, month, *options):
        folder = self.folder / f"files-{len(list(self.folder.iterdir()))}"
        self.answer(relay, "month", "export", month, "--out", str(folder), *options)
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    def test_live_mail_reconciles_and_a_charge_is_reversed_once(self):
        relay, _ = self.pair()
        for number in range(3):
            self.assertAccepted(relay.deliver(MAIL, recipients=[f"a{number}@customer.example"]))
        self.assertAccepted(relay.deliver(MAIL, recipients=["permfail@customer.example"]))
        relay.wait("sent", count=3)
        relay.wait("bounce")
        self.answer(relay, "reconcile")
        rows = relay.ask("ledger", "search", "--shop", "shop-a")["rows"]
        self.assertEqual([row["amount_yen"] for row in rows], ["0.1"] * 3)
        charge = str(rows[0]["charge"])
        self.answer(relay, "ledger", "reverse", charge, code=64)
        self.answer(relay, "ledger", "reverse", charge, "--reason", "sent by mistake")
        self.answer(relay, "ledger", "reverse", charge, "--reason", "again", code=1)
        self.answer(relay, "ledger", "reverse", "4711", "--reason", "nothing", code=1)
        total = relay.ask("usage")["total"]
        self.assertEqual((total["amount_yen"], total["reversals_yen"], total["net_yen"]), ("0.3", "0.1", "0.2"))
        self.assertEqual(relay.ask("ledger", "search", "--most", "-0.1")["rows"][0]["reverses"], int(charge))
        self.assertIn("ledger reverse", self.answer(relay, "audit"))
        self.answer(relay, "reconcile")
        self.answer(relay, "month", "close", datetime.datetime.now(JST).strftime("%Y-%m"), code=1)

    def test_an_adjustment_stands_in_usage_files_and_books_with_who_and_why(self):
        relay, month = self.past()
        self.answer(relay, "ledger", "adjust", "--shop", "shop-a", "--amount", "-1.5", code=64)
        for amount, code in (("0", 65), ("1.0001", 65), ("9999999999", 65), ("free", 65)):
            self.answer(relay, "ledger", "adjust", "--shop", "shop-a", "--amount", amount, "--reason", "r", code=code)
        self.answer(relay, "ledger", "adjust", "--shop", "shop-x", "--amount", "1", "--reason", "r", code=1)
        self.answer(relay, "ledger", "adjust", "--shop", "shop-a", "--amount", "-1.5", "--reason", "the outage of the 3rd")
        self.answer(relay, "ledger", "adjust", "--shop", "shop-a", "--amount", "0.25", "--reason", "too much given back")
        total = relay.ask("usage")["total"]
        self.assertEqual((total["amount_yen"], total["adjustments_yen"], total["net_yen"]), ("0.0", "-1.25", "-1.25"))
        (row, _) = relay.ask("ledger", "search", "--most", "1", "--from", self.today())["rows"]
        self.assertEqual((row["kind"], row["amount_yen"], row["reason"]), ("adjustment", "-1.5", "the outage of the 3rd"))
        audit = relay.ask("audit")["rows"][-1]
        self.assertEqual((audit["action"], audit["target"], audit["reason"], audit["actor"]),
                         ("ledger adjust", "shop shop-a", "the outage of the 3rd", row["actor"]))
        self.assertIn("-1.5 yen", audit["detail"])
        self.answer(relay, "reconcile")
        files = self.export(relay, self.today()[:7])
        (detail,) = [content.decode("utf-8-sig") for name, content in files.items() if name.startswith("detail")]
        self.assertEqual([row["amount_yen"] for row in csv.DictReader(io.StringIO(detail, newline=""))], ["-1.5", "0.25"])
        (everything,) = [content.decode("utf-8-sig") for name, content in files.items() if name.startswith("all")]
        (line,) = csv.DictReader(io.StringIO(everything, newline=""))
        self.assertEqual((line["adjustments_yen"], line["net_yen"], line["billed_quantity"]), ("-1.25", "-1.25", "0"))
        self.answer(relay, "month", "close", month)

    def test_a_month_closes_once_and_its_files_never_change(self):
        relay, month = self.past()
        self.answer(relay, "month", "close", month, "--dry-run")
        self.assertEqual(relay.ask("month", "status")["months"][0]["state"], "due")
        preliminary = self.export(relay, month)
        self.answer(relay, "month", "close", month)
        relay.wait("month_closed", month=month)
        self.answer(relay, "month", "close", month, code=1)
        first = self.export(relay, month)
        manifest = json.loads(first[f"manifest-{month.replace('-', '')}.json"])
        self.assertEqual((manifest["state"], manifest["previous_sha256"]), ("closed", None))
        # Whatever happens later: another name, another node, a reversal of one of its charges.
        relay.stop()
        relay.config["shops"][0]["name"] = "another name"
        relay.config["node"] = "relay-2"
        relay.write_config()
        relay.start()
        self.answer(relay, "ledger", "reverse", "1", "--reason", "the shop complained")
        self.assertEqual(self.export(relay, month), first)
        self.answer(relay, "month", "verify", month)
        self.answer(relay, "reconcile", month)
        relay.stop()
        self.assertEqual(self.export(relay, month), first, "without the daemon")
        self.assertIn("closed", self.answer(relay, "month", "status"))
        same = [name for name in first if not name.startswith("manifest")]
        self.assertEqual([preliminary[name] for name in same], [first[name] for name in same])

    def test_a_closing_may_write_the_files_at_once(self):
        relay, month = self.past()
        out = self.folder / "out"
        self.answer(relay, "month", "close", month, "--dry-run", "--out", str(out), code=64)
        told = self.answer(relay, "month", "close", month, "--out", str(out))
        self.assertIn(f"all-shops-{month.replace('-', '')}.csv", told)
        self.assertEqual({path.name: path.read_bytes() for path in out.iterdir()}, self.export(relay, month))

    def test_a_closing_whose_files_find_no_place_is_a_closing(self):
        relay, month = self.past()
        told = self.answer(relay, "month", "close", month, "--out", str(self.folder / "no" / "such" / "folder"), code=73)
        self.assertIn("is closed, but its files are not written", told)
        self.assertEqual(relay.ask("month", "status")["months"][0]["state"], "closed")

    def test_an_archived_month_answers_as_before_and_its_charges_are_reversed_once(self):
        relay, month = self.past(charges=40)
        self.answer(relay, "month", "archive", month, code=1)
        self.answer(relay, "month", "close", month)
        first = self.export(relay, month)
        search = ("ledger", "search", "--from", f"{month}-01", "--limit", "100")
        rows = relay.ask(*search)["rows"]
        traced = relay.ask("trace", rows[0]["message"])["messages"][0]["ledger"]
        self.assertEqual(len(rows), 40)
        told = relay.ask("month", "archive", month)
        self.assertEqual((told["rows"], told["net_yen"]), (40, "4.0"))
        file = self.folder / "state" / told["file"]
        self.assertEqual(hashlib.sha256(file.read_bytes()).hexdigest(), told["sha256"])
        self.assertEqual(relay.book("SELECT count(*) FROM ledger"), [(1,)])
        self.assertEqual(relay.ask("month", "status")["months"][0]["state"], "archived")
        self.assertEqual(self.export(relay, month), first)
        self.assertEqual(relay.ask(*search)["rows"], rows)
        self.assertEqual(relay.ask("usage", month, "--by", "message")["rows"], rows)
        self.assertEqual(relay.ask("trace", rows[0]["message"])["messages"][0]["ledger"], traced)
        self.answer(relay, "month", "verify", month)
        self.answer(relay, "reconcile", month)
        self.answer(relay, "ledger", "reverse", "7", "--reason", "the shop complained")
        self.answer(relay, "ledger", "reverse", "7", "--reason", "again", code=1)
        self.assertEqual(relay.ask("usage")["total"]["reversals_yen"], "0.1")
        self.answer(relay, "reconcile")
        self.answer(relay, "month", "archive", month)       # harmless
        audits = [(row["action"], row["target"]) for row in relay.ask("audit")["rows"]]
        self.assertEqual(audits.count(("month archive", month)), 2)
        copy = self.folder / "copy"
        self.answer(relay, "backup", str(copy))
        self.assertEqual((copy / told["file"]).read_bytes(), file.read_bytes())
        relay.stop()
        self.assertEqual(self.export(relay, month), first, "without the daemon")
        file.chmod(0o600)
        changed = bytearray(file.read_bytes())
        place = changed.index(HOSTILE_TAG.encode())
        changed[place] ^= 1
        file.write_bytes(changed)
        self.assertIn("NO  archive", self.answer(relay, "month", "verify", month, code=1))
        file.unlink()
        relay.start()
        self.assertTrue(relay.wait("store_trouble", operation="archive"))
        self.assertIn("restore", self.answer(relay, "month", "verify", month, code=70))

    def test_another_reader_sums_the_files_to_the_same_yen(self):
        relay, month = self.past(charges=40)
        self.answer(relay, "month", "close", month)
        digits = month.replace("-", "")
        for options, encoding in ((), "utf-8-sig"), (("--encoding", "cp932"), "cp932"):
            files = self.export(relay, month, *options)
            sums = {}
            for name, content in files.items():
                if name.endswith(".csv"):
                    self.assertEqual(content.count(b"\n"), content.count(b"\r\n"), name)
                    rows = list(csv.DictReader(io.StringIO(content.decode(encoding), newline="")))
                    sums[name] = sum(round(float(row["amount_yen"]) * 1000) for row in rows)
            self.assertEqual(sums, {f"all-shops-{digits}.csv": 4000, f"daily-shop-a-{digits}.csv": 4000,
                                    f"detail-shop-a-{digits}-01.csv": 4000})
            detail = files[f"detail-shop-a-{digits}-01.csv"].decode(encoding)
            row = next(csv.DictReader(io.StringIO(detail, newline="")))
            self.assertEqual(row["tag"], "'" + HOSTILE_TAG)
            self.assertEqual(row["recipient_or_count"], "1")
            everything = files[f"all-shops-{digits}.csv"].decode(encoding)
            self.assertIn("ショップ shop-a", everything)
        self.assertIn("店舗名", self.export(relay, month, "--header", "ja")[f"all-shops-{digits}.csv"].decode("utf-8-sig"))
        rows = json.loads(self.export(relay, month, "--format", "json")[f"all-shops-{digits}.json"])
        self.assertEqual((rows[0]["amount_yen"], rows[0]["net_yen"], rows[0]["messages"]), ("4.0", "4.0", 40))

    def test_a_book_changed_by_force_is_found_out(self):
        relay, month = self.past()
        self.answer(relay, "month", "close", month)
        with sqlite3.connect(self.folder / "state" / "book.db", timeout=10) as book:
            for attack in ("UPDATE ledger SET amount_milli = 0", "DELETE FROM month", "UPDATE daily SET sent = 0"):
                with self.assertRaises(sqlite3.IntegrityError):
                    book.execute(attack)
            book.execute("DROP TRIGGER ledger_no_update")
            book.execute("UPDATE ledger SET price_milli = 50, amount_milli = 50 WHERE id = 7")
        self.assertIn("differs", self.answer(relay, "month", "verify", month, code=1))
        self.assertIn("NO  ledger", self.answer(relay, "reconcile", month, code=1))
        self.answer(relay, "month", "export", month, "--out", str(self.folder / "x"), code=70)

    def test_an_upstreams_statement_is_compared_day_by_day(self):
        relay, month = self.past(charges=30)
        file = self.folder / "statement.csv"
        file.write_text(f"date,count\n{month}-01,24\n{month}-02,6\n")
        options = ("reconcile", month, "--upstream", "default", "--statement", str(file))
        self.answer(relay, *options)
        file.write_text(f"date,count\n{month}-01,24\n{month}-02,5\n{month}-03,1\n")
        told = self.answer(relay, *options, code=1)
        self.assertIn(f"{month}-02: we sent 6, the statement says 5", told)
        self.assertIn(f"{month}-03: we sent 0, the statement says 1", told)
        file.write_text("date,count\nyesterday,5\n")
        self.answer(relay, *options, code=65)

    def test_a_price_of_the_past_cannot_be_changed(self):
        relay, _ = self.past()
        relay.stop()
        relay.config["billing"] = {"prices": [{"from": "2024-07-01", "yen": "0.2"}]}
        relay.write_config()
        with self.assertRaisesRegex(AssertionError, "ended with 78.*leave earlier prices as they were"):
            relay.start()
        ahead = (datetime.datetime.now(JST) + datetime.timedelta(days=2)).strftime("%Y-%m-%d")
        relay.config["billing"] = {"prices": [{"from": "2024-07-01", "yen": "0.1"}, {"from": ahead, "yen": "0.2"}]}
        relay.write_config()
        relay.start()
        self.assertEqual(relay.book("SELECT day, price_milli FROM price ORDER BY id"), [("2024-07-01", 100), (ahead, 200)])

    def test_limits_warn_at_80_percent_and_stop_at_100(self):
        def limit(config):
            config["shops"][0]["limits"] = {"messages_per_day": 5}
            config["shops"][1]["limits"] = {"yen_per_month": 5000}
        relay, _ = self.pair(limit)
        for number in range(5):
            self.assertAccepted(relay.deliver(MAIL, recipients=[f"a{number}@customer.example"]))
        self.assertReply(relay.deliver(MAIL), 452, "4.7.1", "until")
        self.assertEqual([event["percent"] for event in relay.wait("limit", count=2)], [80, 100])
        limits = {each["shop"]: each for each in relay.ask("usage")["limits"]}
        self.assertEqual(limits["shop-a"]["day_percent"], 100)
        self.assertEqual(limits["shop-b"]["month_percent"], 0)
        relay.wait("sent", count=5)
        relay.restart()
        self.assertReply(relay.deliver(MAIL), 452, "4.7.1", "until")
        self.assertEqual(relay.events("limit"), [])


if __name__ == "__main__":
    unittest.main()
