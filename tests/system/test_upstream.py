#!/usr/bin/python3
"""The way out: what the upstream says becomes sent and charged, due again, or bounced and kept."""
import socket
import threading
import unittest
from datetime import datetime

import harness
import postfix
from harness import MAIL
from mails import Mail


class Replies(harness.Scenario):
    def test_a_temporary_refusal_is_due_again_and_charged_when_it_is_sent(self):
        relay, sink = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["tempfail@customer.example"]))
        deferred = relay.wait("defer", id=message_id)[0]
        self.assertEqual((deferred["code"], deferred["enhanced"], deferred["attempt"]), (451, "4.3.0", 1))
        self.assertEqual(relay.charges(), [])
        sink.kill()
        sink.options = ("--script", "rcpt:tempfail=250 2.1.5 ok")
        sink.start()
        (sent,) = relay.wait("sent", id=message_id)
        self.assertGreater(sent["attempt"], 1)
        self.assertEqual(len(sink.wait_for(1)), 1)
        self.assertEqual(relay.charges(), [("shop-a", 100)])

    def test_an_upstream_that_says_when_to_come_back_is_believed(self):
        relay, _ = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["greylist@customer.example"]))
        (deferred,) = relay.wait("defer", id=message_id)
        self.assertIn("60 seconds", deferred["text"])
        wait = datetime.fromisoformat(deferred["due"]) - datetime.fromisoformat(deferred["ts"])
        self.assertGreater(wait.total_seconds(), 55, "the schedule alone would be one second")

    def test_a_mail_that_stays_refused_stays_due(self):
        relay, _ = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["tempfail@customer.example"]))
        relay.wait("defer", count=2, id=message_id)
        self.assertEqual(relay.states(), {"queued": 1})
        self.assertEqual(relay.events("suppress"), [])

    def test_a_block_or_a_full_mailbox_is_a_bounce_and_no_suppression(self):
        relay, _ = self.pair()
        relay.deliver(MAIL, recipients=["blocked@customer.example", "full@customer.example", "permfail-dot@customer.example"])
        relay.wait("bounce", count=3)
        self.assertEqual(relay.states(), {"bounced": 3})
        self.assertEqual(relay.book("SELECT count(*) FROM suppression"), [(0,)])
        self.assertEqual(relay.charges(), [])

    def test_a_mail_whose_yes_was_lost_is_sent_again_and_charged_once(self):
        sink = self.sink()
        relay = self.relay(sink)
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["drop-dot@customer.example"]))
        relay.wait("defer", id=message_id)
        self.assertEqual(relay.charges(), [])
        # The upstream recovers: the same mail under the same roof, no part played any more.
        sink.kill()
        sink.options = ("--script", "dot:drop-dot=250 2.0.0 kept")
        sink.start()
        relay.wait("sent", id=message_id)
        self.assertEqual(relay.charges(), [("shop-a", 100)])

    def test_an_unknown_user_bounces_is_kept_as_evidence_and_suppressed(self):
        relay, sink = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["permfail@customer.example"]))
        (bounced,) = relay.wait("bounce", id=message_id)
        self.assertEqual(bounced["code"], 550)
        relay.wait("suppress")
        self.assertEqual(relay.states(), {"bounced": 1})
        self.assertEqual(relay.charges(), [], "what was not sent is not charged")
        code, shown, _ = relay.ctl("suppression", "show", "PermFail@Customer.Example")
        self.assertEqual(code, 0, shown)
        self.assertIn("550", shown)
        self.assertAccepted(relay.deliver(MAIL, recipients=["permfail@customer.example"]), recipients=0, suppressed=1)

    def test_one_refused_recipient_does_not_stop_the_others(self):
        relay, sink = self.pair()
        recipients = ["permfail@customer.example", "hanako@customer.example", "tempfail@customer.example"]
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=recipients), recipients=3)
        relay.wait("sent", id=message_id)
        relay.wait("bounce", id=message_id)
        relay.wait("defer", id=message_id)
        self.assertEqual(sink.received()[0].recipients, ["hanako@customer.example"])
        self.assertEqual(relay.charges(), [("shop-a", 100)])

    def test_a_connection_that_drops_is_tried_again_and_nothing_is_said_of_the_address(self):
        relay, sink = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=["drop@customer.example"]))
        relay.wait("defer", id=message_id)
        self.assertEqual(relay.states(), {"queued": 1})
        self.assertEqual(relay.events("suppress"), [])

    def test_an_upstream_that_is_down_gets_the_mail_when_it_is_up(self):
        sink = self.sink()
        relay = self.relay(sink)
        sink.stop()
        message_id = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("defer", id=message_id)
        sink.start()
        relay.wait("sent", id=message_id)
        self.assertEqual(len(sink.wait_for(1)), 1)
        self.assertEqual(relay.charges(), [("shop-a", 100)])

    def test_a_second_server_takes_over_when_the_first_is_down(self):
        sink = self.sink()
        dead = f"127.0.0.1:{postfix.free_port()}"
        def two(config):
            config["upstreams"][0]["servers"] = [{"address": dead, "priority": 1}, {"address": sink.address, "priority": 2}]
        relay = self.relay(change=two)
        relay.wait("sent", id=self.assertAccepted(relay.deliver(MAIL)))

    def test_a_connection_serves_many_mails(self):
        relay, sink = self.pair(lambda config: config["upstreams"][0].update(connections=1))
        for number in range(10):
            self.assertAccepted(relay.deliver(MAIL.replace(b"order-1", b"order-%d" % number)))
        sink.wait_for(10)
        relay.wait("sent", count=10)
        self.assertEqual(len(relay.charges()), 10)

    def test_dots_and_eight_bits_survive(self):
        relay, sink = self.pair()
        odd = MAIL + b".\r\n..\r\n.a\r\n\xff\xfe 8 bits\r\n" + "。．.".encode() + b"\r\n"
        self.assertAccepted(relay.deliver(odd))
        (mail,) = sink.wait_for(1)
        self.assertEqual(Mail(mail.data).body, Mail(odd).body)


class Rubbish(harness.Scenario):
    """An upstream that speaks nonsense: never a bounce, never a suppression."""

    def upstream_that_says(self, *lines):
        """A server that answers the n-th thing it hears with the n-th line, then hangs up."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    try:
                        peer.sendall(lines[0])
                        for line in lines[1:]:
                            if not peer.recv(65536):
                                break
                            peer.sendall(line)
                    except OSError:
                        pass
        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    def test_garbage_is_deferred_whatever_its_form(self):
        hello = b"250-up.example\r\n250 8BITMIME\r\n"
        for name, lines in {"no SMTP": [b"HTTP/1.0 200 OK\r\n\r\n"], "closes at once": [b""], "bare LF": [b"220 up\n"],
                            "greeting 554": [b"554 5.7.1 go away\r\n"], "endless line": [b"220 " + b"x" * 100_000],
                            "MAIL 550": [b"220 up\r\n", hello, b"550 5.7.1 not you\r\n"],
                            "odd reply to MAIL": [b"220 up\r\n", hello, b"abc\r\n"],
                            "codes that differ in one reply": [b"220 up\r\n", b"250-up\r\n550 no\r\n"]}.items():
            with self.subTest(name):
                scenario = Rubbish("upstream_that_says")
                scenario.setUp()
                self.addCleanup(scenario.doCleanups)
                relay = scenario.relay(self.upstream_that_says(*lines))
                message_id = self.assertAccepted(relay.deliver(MAIL))
                relay.wait("defer", id=message_id)
                self.assertEqual(relay.states(), {"queued": 1})
                self.assertEqual(relay.events("suppress"), [])
                self.assertEqual(relay.charges(), [])
                relay.stop()


class TlsModes(harness.Scenario):
    """The rehearsal sink with a certificate of our own authority, and what each mode makes of it."""

    def through(self, mode, *options, ca="ca.pem", **upstream):
        files = harness.certificates()
        sink = self.sink("--certificate", str(files / "cert.pem"), "--key", str(files / "key.pem"), *options)
        def change(config):
            config["upstreams"][0].update(tls=mode, ca=str(files / ca), **upstream)
        relay = self.relay(sink, change)
        return relay, sink, self.assertAccepted(relay.deliver(MAIL))

    def assertSent(self, relay, sink, message_id, encrypted=True):
        relay.wait("sent", id=message_id)
        (mail,) = sink.wait_for(1)
        self.assertEqual(bool(mail.record["tls"]), encrypted)
        return mail

    def assertKept(self, relay, sink, message_id):
        relay.wait("defer", id=message_id)
        self.assertEqual(sink.received(), [])
        self.assertEqual(relay.states(), {"queued": 1})

    def test_a_verified_certificate(self):
        self.assertSent(*self.through("verify"))

    def test_a_certificate_of_an_unknown_authority_is_not_verified(self):
        self.assertKept(*self.through("verify", ca="other-ca.pem"))

    def test_where_tls_is_required_any_certificate_will_do(self):
        self.assertSent(*self.through("required", ca="other-ca.pem"))

    def test_tls_from_the_first_byte_is_verified_too(self):
        self.assertSent(*self.through("implicit", "--implicit-tls"))

    def test_no_tls_is_no_tls(self):
        self.assertSent(*self.through("off"), encrypted=False)

    def test_a_login_goes_over_tls(self):
        secret = self.folder / "password"
        secret.write_text("sesame")
        secret.chmod(0o600)
        mail = self.assertSent(*self.through("verify", "--login", "relay:sesame", "--require-login", auth={"user": "relay", "password": f"file:{secret}"}))
        self.assertEqual(mail.record["user"], "relay")

    def test_an_upstream_without_extensions(self):
        mail = self.assertSent(*self.through("verify", "--no-pipelining", "--no-chunking", "--no-smtputf8"))
        self.assertEqual(Mail(mail.data).body, Mail(MAIL).body)


@unittest.skipUnless(postfix.allowed(), "Postfix needs root or sudo without a password")
class RealPostfix(harness.Scenario):
    def upstream(self, address, tls, login=True):
        self.secret = self.folder / "upstream-password"
        self.secret.write_text(postfix.PASSWORD + "\n")
        self.secret.chmod(0o600)
        def change(config):
            config["upstreams"][0].update(servers=[{"address": address}], tls=tls)
            if login:
                config["upstreams"][0]["auth"] = {"user": postfix.USER, "password": f"file:{self.secret}"}
        return change

    def assertDelivered(self, relay, server):
        message_id = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent", id=message_id)
        ((recipient, data),) = server.wait_for(1)
        self.assertEqual(recipient, "hanako@customer.example")
        path = self.folder / "arrived.eml"
        path.write_bytes(data)
        self.assertSigned(path, harness.dkim_records("shop-a.example"))
        self.assertEqual(Mail(data).body, Mail(MAIL).body)
        self.assertEqual(relay.charges(), [("shop-a", 100)])

    def test_verified_tls_and_a_login(self):
        with postfix.Postfix(tls="encrypt", login=True) as server:
            self.assertDelivered(self.relay(change=self.upstream(server.address, "verify")), server)

    def test_tls_from_the_first_byte(self):
        with postfix.Postfix(tls="wrapper", login=True) as server:
            self.assertDelivered(self.relay(change=self.upstream(server.address, "implicit")), server)

    def test_opportunistic_tls_without_a_login(self):
        with postfix.Postfix(tls="may") as server:
            self.assertDelivered(self.relay(change=self.upstream(server.address, "opportunistic", login=False)), server)

    def test_a_server_without_tls_gets_nothing_where_tls_is_required(self):
        with postfix.Postfix(tls="none") as server:
            relay = self.relay(change=self.upstream(server.address, "required", login=False))
            message_id = self.assertAccepted(relay.deliver(MAIL))
            relay.wait("defer", id=message_id)
            self.assertEqual(server.received(), [])

    def test_a_wrong_password_is_our_trouble_and_not_the_mails(self):
        with postfix.Postfix(tls="encrypt", login=True) as server:
            change = self.upstream(server.address, "verify")
            self.secret.write_text("wrong\n")
            relay = self.relay(change=change)
            message_id = self.assertAccepted(relay.deliver(MAIL))
            relay.wait("defer", id=message_id)
            self.assertEqual(relay.states(), {"queued": 1})
            self.assertNotIn("wrong", relay.log.read_text().replace("wrong password", ""))

    def test_an_unknown_user_and_a_busy_mailbox(self):
        with postfix.Postfix(tls="may") as server:
            relay = self.relay(change=self.upstream(server.address, "opportunistic", login=False))
            recipients = ["unknown@customer.example", "busy@customer.example", "hanako@customer.example"]
            message_id = self.assertAccepted(relay.deliver(MAIL, recipients=recipients), recipients=3)
            relay.wait("bounce", id=message_id, recipient="unknown@customer.example")
            relay.wait("defer", id=message_id, recipient="busy@customer.example")
            relay.wait("sent", id=message_id, recipient="hanako@customer.example")
            relay.wait("suppress")
            self.assertEqual(relay.charges(), [("shop-a", 100)])


if __name__ == "__main__":
    unittest.main()
