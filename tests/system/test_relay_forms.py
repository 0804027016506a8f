#!/usr/bin/python3
"""No stranger sends through the relay, and no host for a shop that is not its own: by no form of an address,
from no source address, with no header that readers read differently."""
import base64
import socket
import unittest

import harness
from dialogue import Dialogue
from harness import MAIL

INFO, CUSTOMER = "info@shop-a.example", "hanako@customer.example"

NOT_OURS = [
    "a@elsewhere.example", "a@sub.shop-a.example", "a@shop-a.example.elsewhere.example", "a@xshop-a.example", "a@shop-a.example-x.example",
    "@shop-a.example:a@elsewhere.example", "@elsewhere.example:info@shop-a.example", "a@shop-a.example@elsewhere.example",
    "info@elsewhere.example@shop-a.example", '"info@shop-a.example"@elsewhere.example', "info%shop-a.example@elsewhere.example",
    "shop-a.example!info@elsewhere.example", "info@[127.0.0.1]", "info@[IPv6:::1]", "info@127.0.0.1", "info@localhost", "info", "@shop-a.example",
    "info@shop-a.example.", "info@.shop-a.example", "info@shop-a..example", "info@shop-a.example\\", "info@shop-a_.example",
    "info@xn--shop--8ve.example", "info@xn--shop-a-.example", "info@shop-\u0430.example", "info@shop\u2010a.example", "info@\uff45lsewhere.example",
    "info@shop-a.e\u0445ample", "info@shop-a\u3002elsewhere.example", "info@shop-a.example\u200b", "info@\u202eshop-a.example",
]
# The same domain by the rules of names: case, and UTS #46's full-width letters and full stop.
OURS = ["info@shop-a.example", "INFO@SHOP-A.EXAMPLE", "info@\uff53hop-a.example", "info@shop-a\u3002example"]

OK, FORBIDDEN = 250, 550
WORD = "=?UTF-8?B?" + base64.b64encode(b"<ceo@bank.example>").decode() + "?="
FROM = [
    (OK, b"From: info@shop-a.example"), (OK, b"from:INFO@SHOP-A.EXAMPLE"), (OK, b"From: <info@shop-a.example>"),
    (OK, b"From: \"ceo@bank.example\" <info@shop-a.example>"), (OK, b"From: Shop (ceo@bank.example) <info@shop-a.example>"),
    (OK, f"From: {WORD} <info@shop-a.example>".encode()), (OK, b"From: \x93X\x89\xae <info@shop-a.example>"),
    (OK, b"From: \"A\"\r\n <info@shop-a.example>"), (OK, b"From: info@shop-a.example, b@shop-a.example"), (OK, b"From: shop: info@shop-a.example, b@shop-a.example;"),
    (FORBIDDEN, b"From: ceo@bank.example"), (FORBIDDEN, b"From: info@shop-a.example, ceo@bank.example"), (FORBIDDEN, b"From: ceo@bank.example, info@shop-a.example"),
    (FORBIDDEN, b"From: shop: info@shop-a.example, ceo@bank.example;"), (FORBIDDEN, b"From: shop:;"), (FORBIDDEN, b"From:"), (FORBIDDEN, b"From: "),
    (FORBIDDEN, b"From: <>"), (FORBIDDEN, b"From: info"), (FORBIDDEN, b"From: ceo@bank.example <info@shop-a.example>"),
    (FORBIDDEN, b"From: <info@shop-a.example> <ceo@bank.example>"), (FORBIDDEN, b"From: <ceo@bank.example> info@shop-a.example"),
    (FORBIDDEN, b"From: <@shop-a.example:ceo@bank.example>"), 
    (FORBIDDEN, b"From: \"<info@shop-a.example>\" <ceo@bank.example>"), (FORBIDDEN, b"From: info@shop-a.example\r\nFrom: ceo@bank.example"),
    (FORBIDDEN, b"From: ceo@bank.example\r\nFrom: info@shop-a.example"), (FORBIDDEN, b"From: info@shop-a.example; ceo@bank.example"),
    (FORBIDDEN, b"From: info@shop-a.example\r\n ,ceo@bank.example"), (FORBIDDEN, f"From: {WORD}".encode()), (FORBIDDEN, b"From: info@(x)bank.example"),
    (FORBIDDEN, b"From: info @ shop-a.example <ceo@bank.example>"), (FORBIDDEN, "From: info@shop-\u0430.example".encode()),
    (FORBIDDEN, b"From: \xff@shop-a.example"), (FORBIDDEN, b"From: \"unclosed <info@shop-a.example>"), (FORBIDDEN, b"From: info@shop-b.example"),
]
# Not a field for some readers, and one for others: refused as a whole.
ODD_HEADERS = [b"From : ceo@bank.example\r\nFrom: info@shop-a.example", b"\tFrom: ceo@bank.example\r\nFrom: info@shop-a.example",
               b"From ceo@bank.example\r\nFrom: info@shop-a.example", b"From: info@shop-a.example\r\nX-Y\r\nZ: 1", b"From: info@shop-a.example(\r\n), ceo@bank.example",
               b"Fr\xc3\xb6m: ceo@bank.example\r\nFrom: info@shop-a.example"]


def with_from(header):
    return header + b"\r\n" + MAIL.partition(b"\r\n")[2]


class Forms(harness.Scenario):
    def open(self, relay, **where):
        smtp = Dialogue(relay.address, **where)
        self.addCleanup(smtp.close)
        if smtp.greeting.code == 220:
            smtp.ehlo()
        return smtp

    def refused_sender(self, relay, sender):
        smtp = self.open(relay)
        return smtp.ask(f"MAIL FROM:<{sender}> SMTPUTF8").code

    def test_a_sender_is_ours_by_its_domain_and_by_nothing_that_looks_like_it(self):
        relay = self.relay()
        for sender in NOT_OURS:
            with self.subTest(sender):
                expected = 250 if sender == "info@shop-a.example." else None      # the root's dot says nothing
                code = self.refused_sender(relay, sender)
                self.assertEqual(code, expected) if expected else self.assertGreaterEqual(code, 500)
        for sender in OURS:
            with self.subTest(sender):
                self.assertEqual(self.refused_sender(relay, sender), 250)

    def test_a_from_is_ours_in_every_reading_or_refused(self):
        relay = self.relay()
        for code, header in FROM:
            with self.subTest(header):
                reply = relay.deliver(with_from(header))
                self.assertEqual(reply.code, code, reply.text)
        for header in ODD_HEADERS:
            with self.subTest(header):
                self.assertGreaterEqual(relay.deliver(with_from(header)).code, 550)
        # The null sender opens no way either.
        self.assertEqual(relay.deliver(with_from(b"From: ceo@bank.example"), sender="").code, 550)

    def test_a_recipient_is_handed_on_as_one_address_and_never_read_again(self):
        relay, sink = self.pair()
        odd = ["user%other.example@customer.example", "other.example!user@customer.example", '"user@other.example"@customer.example',
               '"a b"@customer.example', '"\\"; rm -rf /;\\""@customer.example', "a..b@docomo.ne.jp", "-oX/tmp/x@customer.example", "|sh@customer.example"]
        for recipient in odd:
            with self.subTest(recipient):
                self.assertAccepted(relay.deliver(MAIL, recipients=[recipient]))
        relay.wait("sent", count=len(odd))
        self.assertEqual(sorted(mail.recipients[0] for mail in sink.wait_for(len(odd))), sorted(odd))
        smtp = self.open(relay)
        smtp.ask(f"MAIL FROM:<{INFO}>")
        for recipient in ("@a.example:b@customer.example", "a@b@customer.example", "a@customer.example>\\r\\nRCPT TO:<b@c.example", "a@[192.0.2.1]", "a"):
            with self.subTest(recipient):
                self.assertGreaterEqual(smtp.ask(f"RCPT TO:<{recipient}>").code, 500)


class Sources(harness.Scenario):
    """Who somebody is, is where the connection comes from."""

    def dual(self, *networks):
        def change(config):
            config["listeners"] = [{"address": "[::]:0", "tls": "off"}]
            config["hosts"][0]["networks"] = list(networks)
        return self.relay(change=change)

    def greeting(self, relay, host, source=None):
        port = int(relay.address.rsplit(":", 1)[1])
        with socket.create_connection((host, port), 20, source and (source, 0)) as connection:
            return connection.makefile("rb").readline().decode()

    def test_an_ipv4_client_on_an_ipv6_socket_is_an_ipv4_client(self):
        relay = self.dual("127.0.0.1/32")
        self.assertTrue(self.greeting(relay, "127.0.0.1").startswith("220 "))
        self.assertTrue(self.greeting(relay, "::1").startswith("554 5.7.1 ::1 is not"))
        self.assertTrue(self.greeting(relay, "127.0.0.1", "127.0.0.3").startswith("554 5.7.1 127.0.0.3 is not"))

    def test_an_ipv6_network_lets_no_ipv4_client_in(self):
        relay = self.dual("::1/128")
        self.assertTrue(self.greeting(relay, "::1").startswith("220 "))
        self.assertTrue(self.greeting(relay, "127.0.0.1").startswith("554 "))

    def test_a_proxy_header_of_somebody_who_is_no_proxy_changes_nothing(self):
        relay = self.relay()
        stranger = Dialogue(relay.address, source="127.0.0.9")
        self.assertEqual(stranger.greeting.code, 554)
        stranger.close()
        for header in (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 25\r\n", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\0\x01\0\x19"):
            for source, greeted in (("127.0.0.9", False), ("127.0.0.1", True)):
                with self.subTest(header=header, source=source):
                    with socket.create_connection(tuple([relay.address.rsplit(":")[0], int(relay.address.rsplit(":")[1])]), 20, (source, 0)) as peer:
                        peer.sendall(header)
                        first = peer.makefile("rb").readline()
                        self.assertEqual(first.startswith(b"220 "), greeted, first)
        relay.wait("connect_refused", count=3, client="127.0.0.9")

    def test_what_a_client_calls_itself_is_believed_by_nobody(self):
        relay = self.relay()
        with Dialogue(relay.address, source="127.0.0.9") as smtp:
            self.assertEqual(smtp.greeting.code, 554)
        def other_shop_only(config):
            config["hosts"][0]["shops"] = ["shop-b"]
        narrow = Sources("dual")
        narrow.setUp()
        self.addCleanup(narrow.doCleanups)
        relay = narrow.relay(change=other_shop_only)
        with Dialogue(relay.address) as smtp:
            for name in ("shop-a.example", "[127.0.0.1]", "localhost", "relay-1.example.jp"):
                smtp.ask(f"EHLO {name}")
                self.assertReply(smtp.ask(f"MAIL FROM:<{INFO}>"), 550, "5.7.1")


if __name__ == "__main__":
    unittest.main()
