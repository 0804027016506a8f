#!/usr/bin/python3
"""The pool: servers that fail, domains that ask for less, mail in doubt, and what senders are told."""
import email
import email.policy
import socket
import threading
import time
import unittest

import harness
import postfix
from harness import MAIL

QUICK = {"failures": 2, "pause": "1s", "longest_pause": "2s"}


def to(number, address):
    """One of many mails, and whom it goes to."""
    return {"message": MAIL.replace(b"order-1", b"order-%d" % number), "recipients": [address]}


class Servers(harness.Scenario):
    def two_servers(self, *options_of_the_first):
        """A relay with a first server that has these options, and a second that takes everything."""
        first, second = self.sink(*options_of_the_first), self.sink(name="second")
        def change(config):
            config["upstreams"][0].update(breaker=QUICK, connections=1, servers=[
                {"address": first.address, "priority": 1}, {"address": second.address, "priority": 2}])
        return self.relay(change=change), first, second

    def test_mail_moves_at_once_to_the_next_server_when_one_drops_it_before_the_body(self):
        relay, first, second = self.two_servers("--script", "mail=421 4.3.2 too busy")
        for number in range(5):
            self.assertAccepted(relay.deliver(**to(number, "hanako@customer.example")))
        self.assertEqual({event["attempt"] for event in relay.wait("sent", count=5)}, {1})
        self.assertEqual(relay.events("defer"), [])
        self.assertEqual((len(first.received()), len(second.received())), (0, 5))
        self.assertEqual(len(relay.charges()), 5)

    def test_a_server_that_fails_again_and_again_is_left_alone_and_probed(self):
        relay, first, second = self.two_servers("--script", "mail=421 4.3.2 too busy")
        for number in range(20):
            self.assertAccepted(relay.deliver(**to(number, "hanako@customer.example")))
        relay.wait("sent", count=20)
        self.assertLess(len(relay.events("upstream_trouble")), 8, "its breaker is open")
        first.kill()
        first.options = ()
        first.start()
        def mail_goes_there():
            self.assertAccepted(relay.deliver(MAIL))
            return first.received()
        harness.wait_until(mail_goes_there, "the first server to be used again")

    def test_while_all_servers_are_down_mail_waits_without_attempts(self):
        dead = f"127.0.0.1:{postfix.free_port()}"
        def change(config):
            config["upstreams"][0].update(breaker=QUICK, servers=[{"address": dead}])
        relay = self.relay(change=change)
        for number in range(30):
            self.assertAccepted(relay.deliver(**to(number, "hanako@customer.example")))
        relay.wait("upstream_trouble", count=3)
        time.sleep(1)
        self.assertEqual(relay.states(), {"queued": 30})
        (attempts,), = relay.book("SELECT sum(attempts) FROM recipient")
        self.assertLess(attempts, 10, "waiting is no attempt")
        sink = self.sink(listen=dead)
        sink.wait_for(30)
        relay.wait("sent", count=30)

    def test_a_connection_that_was_closed_while_idle_costs_nothing(self):
        relay, sink = self.pair()
        self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent")
        sink.kill()
        sink.start()
        self.assertAccepted(relay.deliver(**to(2, "hanako@customer.example")))
        relay.wait("sent", count=2)
        self.assertEqual(relay.events("defer"), [])

    def test_a_server_that_says_one_byte_at_a_time_is_understood(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        heard = []

        def serve():
            peer, _ = listener.accept()
            with peer:
                def say(line):
                    for byte in line:
                        peer.sendall(bytes([byte]))
                        time.sleep(0.001)
                say(b"220 slow.example\r\n")
                lines = peer.makefile("rb")
                for answer in (b"250-slow.example\r\n250 8BITMIME\r\n", b"250 2.1.0 ok\r\n", b"250 2.1.5 ok\r\n", b"354 go\r\n"):
                    heard.append(lines.readline())
                    say(answer)
                while lines.readline() != b".\r\n":
                    pass
                say(b"250 2.0.0 kept\r\n")
                lines.read()
        threading.Thread(target=serve, daemon=True).start()
        relay = self.relay(f"127.0.0.1:{listener.getsockname()[1]}")
        relay.wait("sent", id=self.assertAccepted(relay.deliver(MAIL)))
        self.assertEqual(heard[0].split()[0], b"EHLO")


class Destinations(harness.Scenario):
    def test_a_slow_domain_has_its_cap_and_delays_nobody_else(self):
        def change(config):
            config["upstreams"][0].update(connections=4, destinations=[{"domains": ["docomo.example"], "concurrency": 1}])
        relay, sink = self.pair(change)
        for number in range(6):
            self.assertAccepted(relay.deliver(**to(number, "slow-0.2-dot@docomo.example")))
        for number in range(10, 20):
            self.assertAccepted(relay.deliver(**to(number, "hanako@customer.example")))
        mails = sink.wait_for(16)
        last_of_others = max(i for i, mail in enumerate(mails) if "customer" in mail.recipients[0])
        self.assertLess(last_of_others, 13, "they did not wait for the slow ones")
        self.assertEqual(len(relay.wait("sent", count=16)), 16)

    def test_a_domain_that_speaks_of_rates_is_slowed_and_the_others_are_not(self):
        relay, sink = self.pair(lambda config: config["upstreams"][0].update(connections=1))
        self.assertAccepted(relay.deliver(**to(1, "reply-450-4.7.28@docomo.example")))
        relay.wait("defer")
        self.assertAccepted(relay.deliver(**to(2, "hanako@customer.example")))
        relay.wait("sent")

    def test_an_upstreams_rate_is_kept(self):
        relay, sink = self.pair(lambda config: config["upstreams"][0].update(messages_per_second=20))
        began = time.monotonic()
        for number in range(11):
            self.assertAccepted(relay.deliver(**to(number, "hanako@customer.example")))
        sink.wait_for(11)
        self.assertGreater(time.monotonic() - began, 0.45, "ten intervals of 50 ms")


class Doubt(harness.Scenario):
    def test_a_shop_that_wants_to_decide_itself_has_the_mail_held_until_released(self):
        relay, sink = self.pair(lambda config: config["shops"][0].update(in_doubt="hold"))
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["drop-dot@customer.example"]))
        relay.wait("hold", id=message_id)
        self.assertEqual(relay.states(), {"held": 1})
        self.assertIn("in_doubt", relay.ctl("trace", message_id)[1])
        sink.kill()
        sink.options = ("--script", "dot:drop-dot=250 2.0.0 kept")
        sink.start()
        code, _, errors = relay.ctl("queue", "release", message_id)
        self.assertEqual(code, 0, errors)
        relay.wait("sent", id=message_id)
        self.assertEqual(relay.charges(), [("shop-a", 100)])


class Reports(harness.Scenario):
    def test_the_sender_is_told_by_mail_what_failed_and_nobody_pays_for_it(self):
        relay, sink = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["permfail@customer.example"]))
        (mail,) = sink.wait_for(1)
        self.assertEqual((mail.sender, mail.recipients), ("", ["info@shop-a.example"]))
        report = email.message_from_bytes(mail.data, policy=email.policy.default)
        self.assertEqual(report.get_content_type(), "multipart/report")
        self.assertEqual(report["Auto-Submitted"], "auto-replied")
        people, programs, returned = report.iter_parts()
        self.assertIn("届けられませんでした", people.get_content())
        self.assertIn(message_id, people.get_content())
        about = programs.get_payload()[1]
        self.assertEqual((about["Action"], about["Status"]), ("failed", "5.1.1"))
        self.assertIn("permfail@customer.example", about["Final-Recipient"])
        self.assertIn("Message-ID: <order-1@shop-a.example>", returned.get_content())
        self.assertNotIn("ご注文", mail.data.decode("utf-8", "replace"), "the body stays here")
        relay.wait("sent")
        self.assertEqual(relay.charges(), [])

    def test_a_report_that_cannot_be_delivered_is_not_answered_by_another(self):
        relay, sink = self.pair()
        self.assertAccepted(relay.deliver(MAIL, sender="permfail@shop-a.example", recipients=["permfail@customer.example"]))
        relay.wait("bounce", count=2)
        relay.stop()
        self.assertEqual(len(relay.events("report_queued")), 1)
        self.assertEqual(sink.received(), [])
        self.assertEqual(len(relay.events("suppress")), 1, "the shop's own address is not listed")

    def test_a_shop_that_wants_no_reports_gets_none(self):
        relay, sink = self.pair(lambda config: config["shops"][0].update(failure_reports=False))
        self.assertAccepted(relay.deliver(MAIL, recipients=["permfail@customer.example"]))
        relay.wait("bounce")
        relay.stop()
        self.assertEqual((relay.events("report_queued"), sink.received()), ([], []))


class ReturnPaths(harness.Scenario):
    def test_each_recipient_has_an_envelope_sender_of_its_own(self):
        relay, sink = self.pair(self.return_paths())
        message_id = self.assertAccepted(
            relay.deliver(MAIL, recipients=["a@customer.example", "b@customer.example"]), recipients=2)
        mails = sink.wait_for(2)
        senders = {mail.sender for mail in mails}
        self.assertEqual(len(senders), 2)
        for sender in senders:
            local, _, domain = sender.partition("@")
            self.assertEqual(domain, "bounce.shop-a.example")
            self.assertTrue(local.startswith(message_id.lower() + "-"))
            self.assertLessEqual(len(local), 64)
        relay.wait("sent", count=2)
        self.assertEqual(relay.charges(), [("shop-a", 100)])


if __name__ == "__main__":
    unittest.main()
