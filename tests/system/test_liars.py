#!/usr/bin/python3
"""Upstreams that lie, garble or stall: never a permanent failure, never a suppression, never a charge for
what was not taken, and never mail in clear where TLS was asked for."""
import socket
import ssl
import threading
import time
import unittest
import warnings

import harness
from harness import MAIL

EHLO = b"250-up.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"


class Peer:
    """One connection of the relay to the liar, as the liar's script sees it."""

    def __init__(self, connection):
        self.socket, self.heard = connection, b""

    def say(self, *texts):
        for text in texts:
            self.socket.sendall(text)

    def hear(self, until):
        """Reads until `until` has come; all that was heard so far."""
        while until not in self.heard:
            more = self.socket.recv(65536)
            if not more:
                break
            self.heard += more
        return self.heard

    def greet(self):
        self.say(b"220 up.example\r\n")
        self.hear(b"EHLO")
        self.say(EHLO)

    def take_envelope(self):
        """Up to the 354, for a client that pipelines."""
        self.greet()
        self.hear(b"DATA\r\n")
        self.say(b"250 ok\r\n250 ok\r\n354 go\r\n")

    def take_message(self):
        self.take_envelope()
        self.hear(b"\r\n.\r\n")


def endless(line):
    return lambda peer: [peer.say(line * 1000) for _ in range(100_000)]


def flow(*steps):
    def play(peer):
        for step in steps:
            step(peer) if callable(step) else peer.say(step)
    return play


greet, take_envelope, take_message = Peer.greet, Peer.take_envelope, Peer.take_message

LIES = {
    "a greeting without end": endless(b"220-welcome\r\n"),
    "a reply to EHLO without end": flow(b"220 up\r\n", endless(b"250-X-EXTENSION\r\n")),
    "a reply to MAIL without end": flow(greet, endless(b"550-no\r\n")),
    "a line without end": flow(greet, endless(b"5")),
    "10 MB after the dot": flow(take_message, lambda peer: peer.say(b"550 " + b"x" * 10_000_000 + b"\r\n")),
    "10 MB in lines after the dot": flow(take_message, lambda peer: peer.say(b"550-5.1.1 no such user\r\n" * 400_000)),
    "replies before the commands": lambda peer: peer.say(b"220 up\r\n" + EHLO + b"250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n"),
    "refusals before the commands": lambda peer: peer.say(b"220 up\r\n" + EHLO + b"250 ok\r\n550 5.1.1 no such user\r\n"),
    "354 twice": flow(take_envelope, b"354 go\r\n"),
    "354 to MAIL": flow(greet, b"354 go\r\n"),
    "250 before the body": flow(greet, lambda peer: peer.hear(b"DATA\r\n"), b"250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"),
    "more replies than commands": flow(greet, lambda peer: peer.hear(b"DATA\r\n"), b"250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n"),
    "NUL in a refusal": flow(greet, lambda peer: peer.hear(b"DATA\r\n"), b"250 ok\r\n550 5.1.1 no \0 user\r\n"),
    "bare LF in a refusal": flow(greet, lambda peer: peer.hear(b"DATA\r\n"), b"250 ok\r\n550 5.1.1 no such user\n"),
    "two codes in one refusal": flow(greet, lambda peer: peer.hear(b"DATA\r\n"), b"250 ok\r\n250-5.1.1 no\r\n550 5.1.1 no\r\n"),
    "a refusal cut off": flow(greet, lambda peer: peer.hear(b"DATA\r\n"), b"250 ok\r\n550 5.1.1 no such us"),
    "nothing after the dot": take_message,
    "half a yes after the dot": flow(take_message, b"250 2.0.0 o"),
    "600 after the dot": flow(take_message, b"600 5.1.1 no such user\r\n"),
    "a refusal of EHLO and HELO": flow(b"220 up\r\n", lambda peer: peer.hear(b"EHLO"), b"550 5.1.1 no\r\n", lambda peer: peer.hear(b"HELO"), b"550 5.1.1 no\r\n"),
    "TLS where none was asked for": lambda peer: peer.say(b"\x15\x03\x01\x00\x02\x02\x28"),
}


class Liars(harness.Scenario):
    def upstream(self, script):
        """An upstream that plays `script` for each connection; what it heard is in self.heard."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.heard = []
        def play(connection):
            peer = Peer(connection)
            connection.settimeout(20)
            try:
                script(peer)
            except OSError:
                pass    # the relay has had enough
            self.heard.append(peer.heard)
            connection.close()
        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=play, args=(connection,), daemon=True).start()
        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    def relay_to(self, script, **upstream):
        def change(config):
            config["upstreams"][0].update(upstream)
            config["retry"] = {"schedule": ["1h"], "expire": "2d"}
        return self.relay(self.upstream(script), change)

    def assertOnlyDeferred(self, relay, message_id):
        relay.wait("defer", id=message_id)
        self.assertEqual(relay.states(), {"queued": 1})
        self.assertEqual(relay.events("suppress"), [])
        self.assertEqual(relay.events("bounce"), [])
        self.assertEqual(relay.charges(), [])

    def test_no_lie_is_a_permanent_failure_or_a_suppression(self):
        for name, script in LIES.items():
            with self.subTest(name):
                scenario = Liars("upstream")
                scenario.setUp()
                self.addCleanup(scenario.doCleanups)
                relay = scenario.relay_to(script)
                self.assertOnlyDeferred(relay, self.assertAccepted(relay.deliver(MAIL)))
                relay.stop()

    def test_a_yes_counts_once_though_the_server_is_gone_with_it(self):
        relay = self.relay_to(flow(take_message, b"250 2.0.0 taken\r\n"))
        message_id = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent", id=message_id)
        self.assertEqual(relay.states(), {"sent": 1})
        self.assertEqual(len(relay.charges()), 1)

    def test_a_yes_in_single_bytes_is_a_yes(self):
        def drip(peer):
            peer.take_message()
            for byte in b"250-2.0.0 ta\r\n250 2.0.0 ken\r\n":
                peer.say(bytes([byte]))
        relay = self.relay_to(drip)
        relay.wait("sent", id=self.assertAccepted(relay.deliver(MAIL)))
        self.assertEqual(len(relay.charges()), 1)

    def test_a_reply_that_drips_has_its_time_and_no_more(self):
        def drip(peer):
            peer.greet()
            peer.hear(b"DATA\r\n")
            while True:
                peer.say(b"2")
                time.sleep(0.2)
        relay = self.relay_to(drip, timeouts={"command": "1s"})
        self.assertOnlyDeferred(relay, self.assertAccepted(relay.deliver(MAIL)))

    # ---- in doubt

    def killed_behind_the_dot(self, change=None):
        """A relay that was killed while an upstream had the whole message and had not answered."""
        taken = threading.Event()
        def take(peer):
            peer.greet()
            peer.hear(b"DATA\r\n")
            peer.say(b"250 ok\r\n" * 3 + b"354 go\r\n")
            peer.hear(b"\r\n.\r\n")
            taken.set()
            peer.hear(b"\0never\0")
        address = self.upstream(take)
        relay = self.relay(address, change)
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["hanako@customer.example", "taro@customer.example"]), 2)
        self.assertTrue(taken.wait(harness.PATIENCE))
        relay.kill()
        return relay, message_id

    def test_who_was_in_flight_when_the_relay_was_killed_is_in_doubt(self):
        relay, message_id = self.killed_behind_the_dot()
        relay.start()
        (first, _) = relay.wait("defer", count=2, id=message_id)
        self.assertIn("recorded", first["text"])
        attempts = relay.book("SELECT stage, verdict FROM attempt")
        self.assertEqual([stage for stage, _ in attempts], ["dot", "dot"])
        self.assertIn("in_doubt", attempts[0][1])
        self.assertIn("in_doubt", relay.ctl("trace", message_id)[1])
        self.assertEqual(relay.charges(), [])
        relay.kill()        # the mark is not made twice for one attempt, nor lost by the next kill
        relay.start()
        self.assertGreaterEqual(len(relay.book("SELECT 1 FROM attempt")), 2)

    def test_a_shop_that_decides_itself_has_mail_in_doubt_held_after_a_kill_too(self):
        def hold(config):
            config["shops"][0]["in_doubt"] = "hold"
        relay, message_id = self.killed_behind_the_dot(hold)
        relay.start()
        relay.wait("hold", count=2, id=message_id)
        self.assertEqual(relay.states(), {"held": 2})

    def test_what_had_not_left_when_the_relay_was_killed_is_not_in_doubt(self):
        stalled, over = threading.Event(), threading.Event()
        def stall(peer):
            peer.greet()
            peer.hear(b"DATA\r\n")
            stalled.set()
            over.wait(harness.PATIENCE)
        relay = self.relay_to(stall)
        self.assertAccepted(relay.deliver(MAIL))
        self.assertTrue(stalled.wait(harness.PATIENCE))
        relay.kill()
        relay.start()
        self.assertEqual(relay.book("SELECT 1 FROM attempt"), [])
        over.set()

    # ---- TLS towards upstreams

    def assertNoMailInClear(self):
        harness.wait_until(lambda: self.heard, "the connection to end")
        for heard in self.heard:
            for word in (b"MAIL", b"RCPT", b"AUTH", b"Subject"):
                self.assertNotIn(word, heard)

    def starttls(self, *said, then=lambda peer: None):
        def script(peer):
            peer.say(b"220 up.example\r\n")
            peer.hear(b"EHLO")
            peer.say(b"250-up.example\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n")
            peer.hear(b"STARTTLS\r\n")
            peer.say(*said)
            then(peer)
            peer.hear(b"\0never\0")
        return script

    def test_a_starttls_that_is_refused_garbled_or_injected_into_lets_nothing_out_in_clear(self):
        for name, said in {"refused": b"454 4.7.0 not now\r\n", "refused for good": b"550 5.7.0 never\r\n",
                           "replies behind the 220": b"220 go\r\n250 injected\r\n250 ok\r\n250 ok\r\n", "no TLS behind it": b"220 go\r\n"}.items():
            for mode in ("required", "verify"):
                with self.subTest(name, mode=mode):
                    scenario = Liars("upstream")
                    scenario.setUp()
                    self.addCleanup(scenario.doCleanups)
                    then = (lambda peer: peer.say(b"250 this is no handshake\r\n")) if name.startswith("no TLS") else lambda peer: None
                    relay = scenario.relay_to(self.starttls(said, then=then), tls=mode)
                    self.assertOnlyDeferred(relay, self.assertAccepted(relay.deliver(MAIL)))
                    relay.stop()
                    scenario.assertNoMailInClear()

    def test_a_stripped_starttls_lets_neither_mail_nor_password_out(self):
        password = self.folder / "password"
        password.write_text("open sesame")
        password.chmod(0o600)
        def stripped(peer):
            peer.say(b"220 up\r\n")
            peer.hear(b"EHLO")
            peer.say(b"250-up\r\n250-XXXXXXXA\r\n250 AUTH PLAIN LOGIN\r\n")
            peer.hear(b"\0never\0")
        relay = self.relay_to(stripped, tls="verify", auth={"user": "relay", "password": f"file:{password}"})
        self.assertOnlyDeferred(relay, self.assertAccepted(relay.deliver(MAIL)))
        relay.stop()
        self.assertNoMailInClear()

    def tls_upstream(self, change_context, certificate="cert.pem", key="key.pem"):
        files = harness.certificates()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files / certificate, files / key)
        change_context(context)
        def shake(peer):
            peer.socket = context.wrap_socket(peer.socket, server_side=True)
            peer.heard = b""
            peer.say(EHLO)
        return self.starttls(b"220 go\r\n", then=shake)

    def test_tls_1_1_is_no_tls(self):
        def old(context):
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        relay = self.relay_to(self.tls_upstream(old), tls="required")
        self.assertOnlyDeferred(relay, self.assertAccepted(relay.deliver(MAIL)))

    def test_a_certificate_of_another_name_is_not_verified(self):
        ca = str(harness.certificates() / "ca.pem")
        # The certificate is good for localhost and 127.0.0.1; the server is called otherwise.
        address = self.upstream(self.tls_upstream(lambda context: None)).replace("127.0.0.1", "127.0.0.2")
        listener = socket.create_server(("127.0.0.2", int(address.rsplit(":", 1)[1])))
        self.addCleanup(listener.close)
        script = self.tls_upstream(lambda context: None)
        def serve():
            connection, _ = listener.accept()
            peer = Peer(connection)
            try:
                script(peer)
            except OSError:
                pass
            self.heard.append(peer.heard)
        threading.Thread(target=serve, daemon=True).start()
        def change(config):
            config["upstreams"][0].update(tls="verify", ca=ca)
            config["retry"] = {"schedule": ["1h"], "expire": "2d"}
        relay = self.relay(address, change)
        self.assertOnlyDeferred(relay, self.assertAccepted(relay.deliver(MAIL)))
        relay.stop()
        self.assertNoMailInClear()


if __name__ == "__main__":
    unittest.main()
