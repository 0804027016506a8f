#!/usr/bin/python3
"""The log: one event a line, whatever is in it, in JSON or as text, and a file that can be rotated."""
import json
import signal
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
