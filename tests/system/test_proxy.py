#!/usr/bin/python3
"""Behind a load balancer: whose a connection is, is believed from the balancer alone."""
import socket
import unittest

import dialogue
import harness
from harness import MAIL

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


class Proxied(dialogue.Dialogue):
    """A connection that begins with a header."""

    def __init__(self, address, header, source="127.0.0.1"):
        self.header = header
        super().__init__(address, source)

    def read(self):
        if self.header:
            self.socket.sendall(self.header)
            self.header = b""
        return super().read()


class BehindABalancer(harness.Scenario):
    def setUp(self):
        super().setUp()
        self.relay_, self.sink_ = self.pair(
            listeners=[{"address": "127.0.0.1:0", "tls": "off", "proxy_protocol": {"trusted": ["127.0.0.1/32"]}}],
            hosts=[{"name": "app-1", "networks": ["10.0.1.0/24", "2001:db8::/64"], "shops": ["*"], "auth": "none"},
                   {"name": "app-2", "networks": ["127.0.0.2/32"], "shops": ["*"], "auth": "none"}])

    def send(self, smtp):
        self.assertEqual(smtp.greeting.code, 220, smtp.greeting.text)
        smtp.ehlo()
        smtp.envelope("info@shop-a.example", "hanako@customer.example")
        reply = smtp.data(MAIL)
        smtp.quit()
        return reply

    def test_the_client_is_whom_the_header_names(self):
        v4 = socket.inet_aton("10.0.1.7") + socket.inet_aton("10.0.0.1") + b"\xdc\x04\x00\x19"
        v6 = socket.inet_pton(socket.AF_INET6, "2001:db8::7") + socket.inet_pton(socket.AF_INET6, "2001:db8::1") + b"\xdc\x04\x00\x19"
        for header, client in ((b"PROXY TCP4 10.0.1.7 10.0.0.1 56324 25\r\n", "10.0.1.7"),
                               (SIGNATURE + b"\x21\x11\x00\x0c" + v4, "10.0.1.7"),
                               (SIGNATURE + b"\x21\x21\x00\x24" + v6, "2001:db8::7")):
            with self.subTest(header), Proxied(self.relay_.address, header) as smtp:
                self.assertAccepted(self.send(smtp))
            self.relay_.wait("session", client=client, host="app-1", messages=1)
        self.sink_.wait_for(3)

    def test_a_header_under_way_when_the_relay_stops_gets_421(self):
        with socket.create_connection(self.relay_.address.rsplit(":", 1), timeout=harness.PATIENCE) as balancer:
            balancer.sendall(b"PROXY TCP4 10.0.1.7 ")
            with Proxied(self.relay_.address, b"PROXY TCP4 10.0.1.7 10.0.0.1 56324 25\r\n") as later:      # so the first is read too
                self.assertEqual(later.greeting.code, 220)
            self.relay_.signal(15)
            self.assertTrue(balancer.recv(512).startswith(b"421 4.3.2 "))

    def test_a_stranger_behind_the_balancer_gets_no_banner(self):
        with Proxied(self.relay_.address, b"PROXY TCP4 192.0.2.66 10.0.0.1 1 25\r\n") as smtp:
            self.assertReply(smtp.greeting, 554, "5.7.1", "192.0.2.66")
        # The balancer itself is no authorized host either.
        for header in (b"PROXY UNKNOWN\r\n", SIGNATURE + b"\x20\x00\x00\x00"):
            with Proxied(self.relay_.address, header) as smtp:
                self.assertReply(smtp.greeting, 554, "5.7.1", "127.0.0.1 is not")

    def test_a_balancer_without_a_header_is_refused(self):
        for words in (b"EHLO app-1.example.jp\r\n", b"PROXY TCP4 nobody 10.0.0.1 1 25\r\n", SIGNATURE + b"\x31\x11\x00\x00"):
            with self.subTest(words), Proxied(self.relay_.address, words) as smtp:
                self.assertReply(smtp.greeting, 554, "5.7.1")
                self.assertTrue(smtp.closed())
        self.relay_.wait("connect_refused", count=3)
        # Looking whether somebody listens is no refusal.
        socket.create_connection(self.relay_.address.rsplit(":", 1)).close()
        with Proxied(self.relay_.address, b"PROXY TCP4 10.0.1.7 10.0.0.1 56324 25\r\n") as smtp:
            self.assertAccepted(self.send(smtp))
        self.relay_.wait("session", client="10.0.1.7")      # logged after it
        self.assertEqual(len(self.relay_.events("connect_refused")), 3)

    def test_a_header_from_anybody_else_ends_the_connection(self):
        with dialogue.Dialogue(self.relay_.address, source="127.0.0.2") as smtp:
            self.assertEqual(smtp.greeting.code, 220)
            smtp.send(b"PROXY TCP4 10.0.1.7 10.0.0.1 56324 25\r\nEHLO app-1\r\n")
            self.assertTrue(smtp.closed())
        with dialogue.Dialogue(self.relay_.address, source="127.0.0.3") as smtp:
            self.assertReply(smtp.greeting, 554, "5.7.1", "127.0.0.3")
        # Who speaks for himself is served as himself.
        with dialogue.Dialogue(self.relay_.address, source="127.0.0.2") as smtp:
            self.assertAccepted(self.send(smtp))
        self.relay_.wait("session", client="127.0.0.2", host="app-2", messages=1)


if __name__ == "__main__":
    unittest.main()
