#!/usr/bin/python3
"""The log: one event a line, whatever is in it, in JSON or as text, and a file that can be rotated."""
import json
import os
import signal
import socket
import subprocess
import unittest

import harness
from dialogue import Dialogue
from harness import MAIL


class Log(harness.Scenario):
    def test_a_mails_way_is_told_with_the_fields_that_find_it(self):
        relay, _ = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL))
        (sent,) = relay.wait("sent", id=message_id)
        (accepted,) = relay.events("accept", id=message_id)
        for event in (accepted, sent):
            self.assertEqual((event["shop"], event["node"], event["level"]), ("shop-a", "relay-1", "info"))
            self.assertRegex(event["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+09:00$")
        self.assertEqual(accepted["host"], "app-1")
        self.assertEqual((sent["recipient"], sent["code"], sent["upstream"]), ("hanako@customer.example", 250, "default"))
        relay.stop()
        self.assertEqual({"start", "listen", "ready", "session", "stop"} - {event["event"] for event in relay.events()}, set())

    def test_a_refusal_tells_the_operator_more_than_the_peer(self):
        relay = self.relay()
        relay.deliver(MAIL, sender="a@elsewhere.example")
        (rejected,) = relay.wait("reject")
        self.assertEqual((rejected["code"], rejected["sender"]), (550, "a@elsewhere.example"))
        self.assertIn("elsewhere.example", json.dumps(rejected))

    def test_nothing_from_outside_breaks_a_line(self):
        relay = self.relay()
        with Dialogue(relay.address) as smtp:
            smtp.ask(b'EHLO a"\\x\xff\xfe')
            smtp.ehlo('"},{"event":"fake')
            smtp.ask(b"MAIL FROM:<\"a\\\"b\x7f\"@elsewhere.example>")
            smtp.ask("MAIL FROM:<a{\"event\":\"fake\"}@elsewhere.example>")
            smtp.ask("QUIT")
        relay.wait("session")
        raw = relay.log.read_bytes()
        self.assertFalse(set(raw) & (set(range(32)) - {10} | {127}), "no control character but the line ends")
        self.assertNotIn("fake", {event["event"] for event in relay.events()})

    def test_the_text_format_is_one_line_an_event_too(self):
        def text(config):
            config["log"]["format"] = "text"
        relay = self.unstarted_relay(change=text)
        relay.spawn([harness.program("ecrelayd"), "--config", str(relay.file)])
        self.addCleanup(relay.stop)
        harness.wait_until(lambda: relay.log.exists() and " ready " in relay.log.read_text(), "the relay to be ready")
        for line in relay.log.read_text().splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+09:00 (debug|info|warning|error) [a-z_]+( [a-z_]+=|$)")

    def test_grep_for_an_id_follows_a_mail_from_its_first_line_to_its_last(self):
        relay, _ = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["greylist@customer.example"]))
        relay.wait("defer", id=message_id)
        relay.ctl("queue", "retry", "--all")
        relay.wait("sent", id=message_id)
        found = subprocess.run(["grep", message_id, relay.log], capture_output=True, text=True, check=True).stdout.splitlines()
        self.assertEqual([json.loads(line)["event"] for line in found], ["accept", "defer", "sent"])
        (session,) = {json.loads(found[0])["session"]}
        self.assertEqual(len(relay.wait("session", session=session)), 1)

    def test_a_stranger_who_knocks_a_hundred_times_fills_no_log(self):
        relay = self.relay(hosts=[{"name": "app-1", "networks": ["192.0.2.1/32"], "shops": ["*"], "auth": "none"}])
        for _ in range(100):
            with socket.create_connection(relay.address.rsplit(":", 1), timeout=harness.PATIENCE) as knock:
                self.assertTrue(knock.recv(200).startswith(b"554 "))
        relay.stop()
        self.assertEqual(len(relay.events("connect_refused")), 10)
        (repeated,) = relay.events("repeated")
        self.assertEqual((repeated["of"], repeated["client"], repeated["lines"]), ("connect_refused", "127.0.0.1", 90))

    def test_addresses_are_masked_in_the_log_and_whole_in_the_trace(self):
        def masked(config):
            config["log"]["mask_addresses"] = "local"
        relay, _ = self.pair(change=masked)
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["permfail@customer.example"]))
        relay.wait("bounce", id=message_id)
        relay.ctl("suppression", "clear", "permfail@customer.example", "--reason", "asked by permfail@customer.example")
        self.assertNotIn("permfail@", relay.log.read_text())
        self.assertIn("p***@customer.example", relay.log.read_text())
        self.assertIn("permfail@customer.example", relay.ctl("trace", message_id)[1])

    def test_lines_that_the_journal_reads_carry_their_priority(self):
        def stdout(config):
            config["log"] = {"format": "text", "target": "stdout"}
        relay = self.unstarted_relay(change=stdout)
        journal = self.folder / "journal"
        with journal.open("wb") as file:
            status = os.fstat(file.fileno())
            relay.spawn([harness.program("ecrelayd"), "--config", str(relay.file)], stdout=file,
                        env={**relay.environment(), "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        self.addCleanup(relay.stop)
        harness.wait_until(lambda: " ready " in journal.read_text(), "the relay to be ready")
        for line in journal.read_text().splitlines():
            self.assertRegex(line, r"^<[3-7]>\d{4}-")

    def test_the_file_is_reopened_on_sigusr1(self):
        relay, _ = self.pair()
        moved = self.folder / "relay.log.1"
        relay.log.rename(moved)
        relay.signal(signal.SIGUSR1)
        relay.log_offset = 0
        self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent")
        self.assertNotIn('"sent"', moved.read_text())


if __name__ == "__main__":
    unittest.main()
