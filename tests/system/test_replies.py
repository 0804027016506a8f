#!/usr/bin/python3
"""The reply table of CONTRACT.md, line by line, as a client reads it."""
import re
import unittest

import harness
from dialogue import Closed, Dialogue
from harness import MAIL

STRANGER, OTHER_HOST = "127.0.0.9", "127.0.0.2"
CUSTOMER = "hanako@customer.example"
INFO = "info@shop-a.example"


class Replies(harness.Scenario):
    """A relay with upstream down, so that whatever was stored stays queued."""

    def open(self, relay, **where):
        smtp = Dialogue(relay.address, **where)
        self.addCleanup(smtp.close)
        if smtp.greeting.code == 220:
            smtp.ehlo()
        return smtp

    # ---- before the banner

    def test_the_greeting_and_the_ehlo_begin_with_the_hostname(self):
        with Dialogue(self.relay().address) as smtp:
            self.assertEqual(smtp.greeting.code, 220)
            self.assertTrue(smtp.greeting.lines[0].startswith("relay-1.example.jp "))
            self.assertTrue(smtp.ehlo().lines[0].split()[0] == "relay-1.example.jp")
            self.assertLessEqual({"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES"}, set(smtp.features))
            self.assertEqual(smtp.features["SIZE"], f"SIZE {25 << 20}")
            self.assertNotIn("AUTH", smtp.features, "no AUTH in clear")
            self.assertNotIn("STARTTLS", smtp.features, "no certificate, no STARTTLS")

    def test_an_unknown_host_is_told_so_instead_of_the_banner_and_dropped(self):
        relay = self.relay()
        smtp = Dialogue(relay.address, source=STRANGER)
        self.assertReply(smtp.greeting, 554, "5.7.1", f"{STRANGER} is not an authorized host")
        self.assertTrue(smtp.closed())
        relay.wait("connect_refused")
        self.assertNothingStored(relay)

    def test_what_an_unknown_host_says_is_not_heard(self):
        relay = self.relay()
        smtp = Dialogue(relay.address, source=STRANGER)
        try:
            smtp.send(b"EHLO x\r\nMAIL FROM:<info@shop-a.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n")
            smtp.send(MAIL + b".\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.assertTrue(smtp.closed())
        self.assertNothingStored(relay)

    def test_too_many_connections_in_all(self):
        relay = self.relay(limits={"connections": 2})
        self.open(relay), self.open(relay)
        third = self.open(relay)
        self.assertReply(third.greeting, 421, "4.3.2")
        self.assertTrue(third.closed())

    def test_too_many_connections_of_one_host(self):
        def two(config):
            config["hosts"][0]["max_connections"] = 2
            config["hosts"].append({"name": "app-2", "networks": [f"{OTHER_HOST}/32"], "shops": ["*"], "auth": "none"})
        relay = self.relay(change=two)
        first = self.open(relay)
        self.open(relay)
        self.assertReply(self.open(relay).greeting, 421, "4.3.2")
        self.assertEqual(self.open(relay, source=OTHER_HOST).greeting.code, 220)
        first.ask("QUIT")
        first.close()
        harness.wait_until(lambda: self.open(relay).greeting.code == 220, "a place that became free")

    def test_a_relay_that_stops_says_so_to_whom_it_listens(self):
        relay = self.relay()
        smtp = self.open(relay)
        relay.stop()
        self.assertReply(smtp.read(), 421, "4.3.2")
        self.assertTrue(smtp.closed())

    # ---- MAIL

    def test_a_sender_of_nobodys_domain(self):
        relay = self.relay()
        smtp = self.open(relay)
        for sender in ("a@elsewhere.example", "a@sub.shop-a.example", "a@shop-a.example.elsewhere.example", "a@xshop-a.example"):
            with self.subTest(sender):
                self.assertReply(smtp.ask(f"MAIL FROM:<{sender}>"), 550, "5.7.1")
                self.assertEqual(smtp.ask(f"RCPT TO:<{CUSTOMER}>").code, 503)
        self.assertEqual(smtp.ask("MAIL FROM:<Info@SHOP-A.Example>").code, 250, "domains have no case")

    def test_open_relay_by_form_is_no_way_in(self):
        relay = self.relay()
        smtp = self.open(relay)
        for path in ("<@shop-a.example:a@elsewhere.example>", '<"a@shop-a.example"@elsewhere.example>',
                     "<a%shop-a.example@elsewhere.example>", "<shop-a.example!a@elsewhere.example>", "<a@[127.0.0.1]>", "<a>"):
            with self.subTest(path):
                self.assertGreaterEqual(smtp.ask(f"MAIL FROM:{path}").code, 500)
                smtp.ask("RSET")

    def test_a_host_may_send_for_its_own_shops_only(self):
        def two_hosts(config):
            config["hosts"] = [{"name": "app-a", "networks": ["127.0.0.1"], "shops": ["shop-a"], "auth": "none"},
                               {"name": "app-b", "networks": [OTHER_HOST], "shops": ["shop-b"], "auth": "none"}]
        relay = self.relay(change=two_hosts)
        a, b = self.open(relay), self.open(relay, source=OTHER_HOST)
        self.assertReply(a.ask("MAIL FROM:<info@shop-b.example>"), 550, "5.7.1")
        self.assertReply(b.ask(f"MAIL FROM:<{INFO}>"), 550, "5.7.1")
        self.assertEqual(a.ask(f"MAIL FROM:<{INFO}>").code, 250)
        self.assertEqual(b.ask("MAIL FROM:<info@shop-b.example>").code, 250)

    def test_a_stopped_shop(self):
        def stop(config):
            config["shops"][0]["stopped"] = True
        smtp = self.open(self.relay(change=stop))
        self.assertReply(smtp.ask(f"MAIL FROM:<{INFO}>"), 550, "5.7.1")
        self.assertEqual(smtp.ask("MAIL FROM:<info@shop-b.example>").code, 250)

    def test_a_shops_rate_limit_says_until_when(self):
        def slow(config):
            config["shops"][0]["limits"] = {"messages_per_second": 1}
        relay = self.relay(change=slow)
        with Dialogue(relay.address) as smtp:
            smtp.ehlo()
            replies = []
            for _ in range(100):      # far more than a burst of one a second may be
                reply = smtp.envelope(INFO, CUSTOMER)
                replies.append(reply)
                if reply.code != 250:
                    break
                self.assertAccepted(smtp.data(MAIL))
        self.assertReply(replies[-1], 452, "4.7.1", "until ")

    def test_a_shops_daily_limit(self):
        def one(config):
            config["shops"][0]["limits"] = {"messages_per_day": 1}
        relay = self.relay(change=one)
        self.assertAccepted(relay.deliver(MAIL))
        self.assertReply(relay.deliver(MAIL), 452, "4.7.1")

    def test_a_full_disk_is_refused_at_mail(self):
        relay = self.relay(limits={"disk_reserve": "900TiB"})
        self.assertReply(self.open(relay).ask(f"MAIL FROM:<{INFO}>"), 452, "4.3.1")

    def test_a_full_queue_is_refused_at_mail(self):
        relay = self.relay(limits={"queue": 1})
        self.assertAccepted(relay.deliver(MAIL))
        self.assertReply(relay.deliver(MAIL), 452, "4.3.1")

    def test_a_declared_size_that_is_too_big(self):
        smtp = self.open(self.relay(limits={"message_size": "100KiB"}))
        self.assertReply(smtp.ask(f"MAIL FROM:<{INFO}> SIZE=102401"), 552, "5.3.4")
        self.assertEqual(smtp.ask(f"MAIL FROM:<{INFO}> SIZE=102400").code, 250)

    # ---- RCPT

    def test_more_recipients_than_the_limit(self):
        relay = self.relay(limits={"recipients": 100})
        smtp = self.open(relay)
        self.assertEqual(smtp.envelope(INFO, *[f"c{number}@customer.example" for number in range(100)]).code, 250)
        self.assertReply(smtp.ask("RCPT TO:<c100@customer.example>"), 452, "4.5.3")
        self.assertAccepted(smtp.data(MAIL), recipients=100)

    def test_impossible_addresses(self):
        smtp = self.open(self.relay())
        smtp.ask(f"MAIL FROM:<{INFO}>")
        for path in ("<nobody>", "<@customer.example>", "<a@b@customer.example>", "<a@customer..example>", "<a@-customer.example>",
                     f"<{'a' * 65}@customer.example>", f"<a@{'b' * 64}.example>", "<a b@customer.example>", "<a@>"):
            with self.subTest(path):
                reply = smtp.ask(f"RCPT TO:{path}")
                self.assertEqual(reply.code, 501, reply.text)
        self.assertEqual(smtp.ask(f"RCPT TO:<{CUSTOMER}>").code, 250)

    # ---- after the dot

    def refused(self, message, code, enhanced, *words, relay=None):
        relay = relay or self.relay()
        smtp = self.open(relay)
        self.assertEqual(smtp.envelope(INFO, CUSTOMER).code, 250)
        self.assertReply(smtp.data(message), code, enhanced, *words)
        self.assertNothingStored(relay)
        self.assertEqual(relay.charges(), [])
        return smtp

    def test_a_header_without_from(self):
        self.refused(re.sub(rb"(?m)^From:[^\n]*\n", b"", MAIL), 550, "5.7.1")

    def test_several_from_fields(self):
        self.refused(b"From: other@shop-a.example\r\n" + MAIL, 550, "5.7.1")

    def test_a_from_of_another_domain_is_named(self):
        self.refused(re.sub(rb"(?m)^From:[^\n]*\r\n", b"From: ceo@bank.example\r\n", MAIL), 550, "5.7.1", "bank.example")

    def test_a_from_with_one_alien_among_several_addresses(self):
        mixed = b"From: info@shop-a.example, ceo@bank.example\r\nSender: info@shop-a.example\r\n"
        self.refused(re.sub(rb"(?m)^From:[^\n]*\r\n", mixed, MAIL), 550, "5.7.1", "bank.example")

    def test_a_from_of_another_shop_of_this_relay(self):
        self.refused(re.sub(rb"(?m)^From:[^\n]*\r\n", b"From: info@shop-b.example\r\n", MAIL), 550, "5.7.1", "shop-b.example")

    def test_bare_line_ends_and_nul_are_refused_and_end_the_session(self):
        relay = self.relay()
        for name, piece in (("bare CR", b"a\rb"), ("bare LF", b"a\nb"), ("NUL", b"a\0b"), ("CR CR LF", b"a\r\r\nb")):
            with self.subTest(name):
                smtp = self.refused(MAIL + piece + b"\r\n", 554, "5.6.0", relay=relay)
                self.assertTrue(smtp.closed())

    def test_no_end_of_data_but_crlf_dot_crlf_and_nothing_hidden_behind_another(self):
        relay = self.relay()
        hidden = b"MAIL FROM:<info@shop-a.example>\r\nRCPT TO:<victim@customer.example>\r\nDATA\r\n" + MAIL + b".\r\n"
        for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n\0.\r\n", b"\n.\r", b"\r.\r\n"):
            with self.subTest(end):
                smtp = self.open(relay)
                self.assertEqual(smtp.envelope(INFO, CUSTOMER).code, 250)
                self.assertEqual(smtp.ask("DATA").code, 354)
                smtp.send(MAIL + b"one" + end + hidden)
                self.assertReply(smtp.read(), 554, "5.6.0")
                self.assertTrue(smtp.closed())
        self.assertNothingStored(relay)

    def test_the_same_for_bdat(self):
        relay = self.relay()
        smtp = self.open(relay)
        self.assertEqual(smtp.envelope(INFO, CUSTOMER).code, 250)
        body = MAIL + b"a\nb\r\n"
        smtp.send(b"BDAT %d LAST\r\n" % len(body) + body)
        self.assertReply(smtp.read(), 554, "5.6.0")
        self.assertTrue(smtp.closed())
        self.assertNothingStored(relay)

    def test_too_many_hops(self):
        hops = b"".join(b"Received: from a%d.example by b.example; Fri, 05 Jul 2024 10:00:00 +0900\r\n" % number for number in range(50))
        self.refused(hops + MAIL, 554, "5.4.6")

    def test_a_mail_that_was_here_three_times(self):
        here = b"Received: from x.example by relay-1.example.jp; Fri, 05 Jul 2024 10:00:00 +0900\r\n"
        self.refused(here * 3 + MAIL, 554, "5.4.6")

    def test_a_real_size_that_is_too_big_is_read_to_its_end_and_the_session_goes_on(self):
        relay = self.relay(limits={"message_size": "64KiB"})
        smtp = self.open(relay)
        self.assertEqual(smtp.envelope(INFO, CUSTOMER).code, 250)
        self.assertReply(smtp.data(MAIL + b"x" * 70 + b"\r\n" + (b"y" * 76 + b"\r\n") * 2000), 552, "5.3.4")
        self.assertNothingStored(relay)
        self.assertEqual(smtp.envelope(INFO, CUSTOMER).code, 250)
        self.assertAccepted(smtp.data(MAIL))

    def test_a_repeat_with_the_same_key_is_answered_with_the_first_id(self):
        relay = self.relay()
        keyed = b"X-ECRelay-Idempotency-Key: order-123-thanks\r\n" + MAIL
        first = self.assertAccepted(relay.deliver(keyed))
        again = relay.deliver(keyed.replace(b"order-1@", b"order-1-rebuilt@"))
        self.assertReply(again, 250, "2.0.0", f"id={first}", "duplicate")
        self.assertEqual(relay.book("SELECT count(*) FROM message"), [(1,)])
        other_shop = keyed.replace(b"info@shop-a.example", b"info@shop-b.example")
        self.assertNotEqual(self.assertAccepted(relay.deliver(other_shop, sender="info@shop-b.example")), first)

    # ---- commands

    def test_syntax_order_and_unknown_commands(self):
        smtp = self.open(self.relay())
        for command, code, enhanced in (("FROBNICATE", 500, "5.5.1"), ("RCPT TO:<a@b.example>", 503, "5.5.1"), ("DATA", 503, "5.5.1"),
                                        ("MAIL FROM:info@shop-a.example", 501, "5.5.4"), ("MAIL FROM:<info@shop-a.example> SIZE=x", 501, "5.5.4")):
            with self.subTest(command):
                self.assertReply(smtp.ask(command), code, enhanced)
        self.assertEqual(smtp.ask("NOOP").code, 250)

    def test_a_command_line_that_is_too_long_ends_the_session(self):
        smtp = self.open(self.relay())
        self.assertReply(smtp.ask("NOOP " + "x" * 3000), 500, "5.5.2")
        self.assertTrue(smtp.closed())

    def test_after_a_final_reply_the_transaction_is_gone(self):
        smtp = self.open(self.relay())
        for message in (MAIL, b"From: ceo@bank.example\r\n\r\n"):
            smtp.envelope(INFO, CUSTOMER)
            smtp.data(message)
            self.assertEqual(smtp.ask("DATA").code, 503)
            self.assertEqual(smtp.ask(f"RCPT TO:<{CUSTOMER}>").code, 503)
        smtp.ask(f"MAIL FROM:<{INFO}>")
        smtp.ehlo()
        self.assertEqual(smtp.ask(f"RCPT TO:<{CUSTOMER}>").code, 503, "EHLO begins anew")

    def test_a_pipelined_mail_gets_its_replies_in_order(self):
        relay = self.relay()
        smtp = self.open(relay)
        smtp.send(b"MAIL FROM:<info@shop-a.example>\r\nRCPT TO:<nobody>\r\nRCPT TO:<hanako@customer.example>\r\nDATA\r\n")
        self.assertEqual([smtp.read().code for _ in range(4)], [250, 501, 250, 354])
        smtp.send(MAIL + b".\r\nQUIT\r\n")
        self.assertAccepted(smtp.read())
        self.assertEqual(smtp.read().code, 221)
        self.assertTrue(smtp.closed())

    def test_bdat_in_chunks_of_any_size(self):
        relay = self.relay()
        smtp = self.open(relay)
        self.assertEqual(smtp.envelope(INFO, CUSTOMER).code, 250)
        for at in range(0, len(MAIL), 37):
            chunk = MAIL[at:at + 37]
            smtp.send(b"BDAT %d\r\n" % len(chunk) + chunk)
            self.assertEqual(smtp.read().code, 250)
        self.assertAccepted(smtp.ask("BDAT 0 LAST"))

    def test_one_byte_a_packet_is_the_same_dialogue(self):
        relay = self.relay()
        smtp = self.open(relay)
        whole = b"MAIL FROM:<info@shop-a.example>\r\nRCPT TO:<hanako@customer.example>\r\nDATA\r\n"
        for byte in whole:
            smtp.send(bytes([byte]))
        self.assertEqual([smtp.read().code for _ in range(3)], [250, 250, 354])
        for byte in MAIL + b".\r\n":
            smtp.send(bytes([byte]))
        self.assertAccepted(smtp.read())

    def test_a_client_that_leaves_in_the_middle_leaves_nothing(self):
        relay = self.relay()
        for cut in (10, len(MAIL) // 2, len(MAIL)):
            with Dialogue(relay.address) as smtp:
                smtp.ehlo()
                smtp.envelope(INFO, CUSTOMER)
                smtp.ask("DATA")
                smtp.send(MAIL[:cut])
        relay.wait("session", count=3)
        self.assertNothingStored(relay)

    def test_a_utf8_address_needs_smtputf8(self):
        relay = self.relay()
        smtp = self.open(relay)
        smtp.ask(f"MAIL FROM:<{INFO}>")
        self.assertReply(smtp.ask("RCPT TO:<花子@customer.example>"), 553, "5.6.7")
        smtp.ask("RSET")
        self.assertEqual(smtp.ask(f"MAIL FROM:<{INFO}> SMTPUTF8").code, 250)
        self.assertEqual(smtp.ask("RCPT TO:<花子@customer.example>").code, 250)

    def test_refusals_hold_nothing_that_the_client_could_have_made(self):
        smtp = self.open(self.relay())
        self.assertNotIn("\x1b", smtp.ask(b"MAIL FROM:<a\x1b[31m@elsewhere.example>").text)
        try:
            self.assertNotIn("zq9", smtp.ask("ZQ9").text.lower())
        except Closed:
            self.fail("one unknown command is no reason to close")


class ImpoliteClients(harness.Scenario):
    def test_ten_protocol_errors_end_a_session(self):
        with Dialogue(self.relay().address) as smtp:
            smtp.ehlo()
            codes = [smtp.ask("FROB").code for _ in range(10)]
            self.assertEqual(codes[:9], [500] * 9)
            self.assertEqual(codes[9], 421)
            self.assertTrue(smtp.closed())

    def test_a_web_browser_is_shown_out_at_once(self):
        relay = self.relay()
        with Dialogue(relay.address) as smtp:
            smtp.send(b"POST / HTTP/1.1\r\nHost: relay\r\n\r\nEHLO x\r\nMAIL FROM:<info@shop-a.example>\r\n")
            self.assertTrue(smtp.closed(), "not even an answer")


if __name__ == "__main__":
    unittest.main()
