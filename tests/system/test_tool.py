#!/usr/bin/python3
"""ecrelayctl: tables for people, JSON for programs, exit codes for scripts."""
import json
import unittest

import harness
from harness import MAIL

UNKNOWN_ID = "01J1ZZZZZZZZZZZZZZZZZZZZZZ"


class Tool(harness.Scenario):
    def answer(self, relay, *arguments, code=0, contains=()):
        """The same question for people and for programs; both must answer."""
        got, output, errors = relay.ctl(*arguments)
        self.assertEqual(got, code, f"{arguments}: {output}{errors}")
        for word in contains:
            self.assertIn(word, output + errors)
        got, output, errors = relay.ctl("--json", *arguments)
        self.assertEqual(got, code, f"{arguments} --json: {output}{errors}")
        if code == 0:
            for line in output.splitlines():
                json.loads(line)
        else:
            self.assertEqual(errors.count("\n"), 1, f"one line on stderr: {errors!r}")
        return output

    def sent(self):
        relay, sink = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent", id=message_id)
        return relay, message_id

    def test_status(self):
        relay, _ = self.sent()
        self.answer(relay, "status", contains=[relay.address, "default"])

    def test_trace_by_id_message_id_and_address(self):
        relay, message_id = self.sent()
        for query in (message_id, "<order-1@shop-a.example>", "Hanako@CUSTOMER.example"):
            with self.subTest(query):
                self.answer(relay, "trace", query, contains=[message_id, "hanako@customer.example", "250"])
        self.answer(relay, "trace", UNKNOWN_ID, code=1)

    def test_the_queue_and_acting_on_it(self):
        relay = self.relay()        # its upstream is down
        message_id = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("defer", id=message_id)
        self.answer(relay, "queue", "list", contains=[message_id, "hanako@customer.example"])
        self.answer(relay, "queue", "list", "--domain", "customer.example", contains=[message_id])
        self.assertNotIn(message_id, self.answer(relay, "queue", "list", "--shop", "shop-b"))
        self.answer(relay, "queue", "show", message_id, contains=["hanako@customer.example"])
        self.answer(relay, "queue", "show", UNKNOWN_ID, code=1)
        for tried, form in enumerate(([], ["--json"]), 1):     # what is being tried is not queued
            harness.wait_until(lambda: len(relay.events("defer")) == tried, "the attempt to end")
            code, output, errors = relay.ctl(*form, "queue", "retry", message_id)
            self.assertEqual(code, 0, output + errors)

    def test_retry_sends_now_what_was_due_later(self):
        sink = self.sink()
        relay = self.relay(sink, retry={"schedule": ["1h"], "expire": "1d"})
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["greylist@customer.example"]))
        relay.wait("defer", id=message_id)
        self.assertEqual(relay.ctl("queue", "retry", message_id)[0], 0)
        relay.wait("sent", id=message_id)

    def act(self, relay, *words, count):
        answer = relay.ask("queue", *words)
        self.assertEqual(answer["count"], count, answer)

    def test_what_is_held_waits_until_it_is_released_and_what_is_cancelled_is_never_sent(self):
        relay, sink = self.pair()
        held, cancelled, marker = (self.assertAccepted(relay.deliver(MAIL, recipients=[f"{part}@customer.example"]))
                                   for part in ("greylist", "greylist-rcpt", "greylist-dot"))
        relay.wait("defer", count=3)
        self.act(relay, "hold", held, count=1)
        self.act(relay, "cancel", cancelled, "--reason", "wrong price", count=1)
        self.answer(relay, "queue", "cancel", cancelled, code=1)
        relay.ask("queue", "retry", "--all")
        relay.wait("sent", id=marker)
        self.assertEqual(relay.states(), {"held": 1, "cancelled": 1, "sent": 1})
        self.act(relay, "release", held, count=1)
        relay.wait("sent", id=held)
        self.answer(relay, "queue", "show", cancelled, contains=["cancelled", "wrong price"])
        self.assertEqual(len(relay.charges()), 2)

    def test_mail_of_a_shop_in_mode_hold_goes_when_it_is_released(self):
        def hold(config):
            config["shops"][0]["mode"] = "hold"
        relay, sink = self.pair(hold)
        message_id = self.assertAccepted(relay.deliver(MAIL))
        self.assertEqual(relay.states(), {"held": 1})
        self.act(relay, "release", "--shop", "shop-a", count=1)
        relay.wait("sent", id=message_id)

    def test_usage_adds_up_in_exact_yen(self):
        relay, sink = self.pair()
        for number in range(3):
            self.assertAccepted(relay.deliver(MAIL, recipients=[f"a{number}@customer.example"]))
        self.assertAccepted(relay.deliver(MAIL, recipients=["permfail@customer.example"]))
        relay.wait("sent", count=3)
        relay.wait("bounce")
        self.answer(relay, "usage", contains=["shop-a", "0.3"])
        self.answer(relay, "usage", "--by", "day", contains=["0.3"])
        self.answer(relay, "usage", "--shop", "shop-b")
        self.answer(relay, "usage", "2024-13", code=65)

    def test_host_explain_says_who_what_and_why(self):
        relay = self.relay()
        self.answer(relay, "host", "explain", "127.0.0.1", contains=["app-1"])
        self.answer(relay, "host", "explain", "127.0.0.1", "--from", "info@shop-a.example", contains=["shop-a"])
        got, output, _ = relay.ctl("host", "explain", "192.0.2.1")
        self.assertEqual(got, 1, output)
        self.assertEqual(relay.ctl("host", "explain", "127.0.0.1", "--from", "a@elsewhere.example")[0], 1)

    def test_dkim_keys_and_the_records_that_publish_them(self):
        relay = self.relay(dns={"resolver": "127.0.0.1:1"})     # nobody is there, and it is shown all the same
        self.answer(relay, "dkim", "list", contains=["shop-a.example", "r1"])
        code, output, errors = relay.ctl("dns", "show", "shop-a.example")
        self.assertEqual(code, 0, errors)
        joined = "".join(output.replace('"', "").split())
        self.assertIn("r1._domainkey.shop-a.example", joined)
        self.assertIn(harness.dkim_record(harness.key_pem("rsa")).split("p=")[1], joined)

    def test_a_new_dkim_key_is_private_and_of_use(self):
        relay = self.relay()
        code, output, errors = relay.ctl("dkim", "new", "shop-a.example", "--selector", "r2")
        self.assertEqual(code, 0, output + errors)
        self.assertIn("r2._domainkey.shop-a.example", output)
        found = [path for path in self.folder.rglob("*r2*") if path.is_file()]
        self.assertEqual(len(found), 1, found)
        self.assertEqual(found[0].stat().st_mode & 0o077, 0)
        self.assertIn(b"PRIVATE KEY", found[0].read_bytes())
        self.assertNotEqual(relay.ctl("dkim", "new", "shop-a.example", "--selector", "r2")[0], 0, "a key is never overwritten")
        self.assertEqual(relay.book("SELECT action, target FROM audit"), [("dkim new", "r2._domainkey.shop-a.example")])

    def test_exit_codes_and_hints(self):
        relay = self.relay()
        for arguments, code, word in ((("statsu",), 64, "did you mean"), (("trace",), 64, ""), (("suppression", "show", "no address"), 65, ""),
                                      (("queue", "retry", "not-an-id"), 65, "")):
            with self.subTest(arguments):
                got, output, errors = relay.ctl(*arguments)
                self.assertEqual(got, code, output + errors)
                self.assertIn(word, errors)

    def test_a_daemon_that_is_down_is_told_as_such(self):
        relay, message_id = self.sent()
        relay.stop()
        got, _, errors = relay.ctl("status")
        self.assertEqual(got, 69)
        self.assertIn("not running", errors)
        self.answer(relay, "trace", message_id, contains=["hanako@customer.example"])
        self.answer(relay, "usage", contains=["0.1"])
        self.assertEqual(relay.ctl("suppression", "show", "hanako@customer.example")[0], 1)

    def test_nothing_from_outside_reaches_the_terminal_raw(self):
        relay, _ = self.pair()
        hostile = MAIL.replace(b"Subject: ", b"Subject: \x1b[2J\x1b]0;owned\x07 ").replace(b"<order-1@", b"<\x1b[31m@")
        message_id = relay.deliver(hostile).id
        self.assertIsNotNone(message_id)
        relay.wait("sent")
        for arguments in (("trace", message_id), ("queue", "show", message_id), ("--json", "trace", message_id)):
            _, output, errors = relay.ctl(*arguments)
            self.assertNotIn("\x1b", output + errors)
            self.assertNotIn("\x07", output + errors)


if __name__ == "__main__":
    unittest.main()
