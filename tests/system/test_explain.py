"""What tells an operator whether a shop's mail will get through, before the shop's first mail does."""
import socket
import unittest

from harness import Scenario, dkim_record, key_pem
from nameservers import Names, text_record


class SendTest(Scenario):
    def send(self, relay, to, *options):
        return relay.ctl("send-test", "--shop", "shop-a", "--to", to, *options)

    def test_a_test_goes_the_way_of_the_shops_mail_and_is_not_charged(self):
        relay, sink = self.pair()
        code, output, errors = self.send(relay, "hanako@customer.example")
        self.assertEqual(code, 0, errors)
        self.assertIn("stored as ", errors)
        self.assertIn("test, not charged", output)
        [mail] = sink.wait_for(1)
        self.assertEqual(mail.sender, "postmaster@shop-a.example")
        self.assertIn(b"DKIM-Signature:", mail.data)
        self.assertEqual(relay.charges(), [])
        self.assertEqual(relay.states(), {}, "it is no mail of the shop's")
        self.assertIn("send-test", relay.ctl("audit")[1])
        self.assertEqual(relay.ctl("reconcile")[0], 0)

    def test_what_became_of_it_is_the_exit_code(self):
        relay, _ = self.pair(retry={"schedule": ["1h"], "expire": "2h"})
        code, output, _ = self.send(relay, "permfail@customer.example")
        self.assertEqual(code, 1)
        self.assertIn("bounced", output)
        code, output, errors = self.send(relay, "tempfail@customer.example", "--wait", "1")
        self.assertEqual(code, 1)
        self.assertIn("queued after 1 attempt", errors)

    def test_a_suppressed_address_says_so(self):
        relay, sink = self.pair()
        relay.ask("suppression", "add", "hanako@customer.example", "--reason", "asked")
        code, output, _ = self.send(relay, "hanako@customer.example")
        self.assertEqual(code, 1)
        self.assertIn("suppressed", output)
        self.assertEqual(sink.received(), [])

    def test_errors_say_what_to_do(self):
        relay, _ = self.pair()
        for arguments, code, word in ((("--shop", "shop-x", "--to", "a@b.example"), 1, "shop-x"),
                                      (("--shop", "shop-a", "--to", "no address"), 65, "recipient"),
                                      (("--shop", "shop-a", "--to", "a@b.example", "--from", "x@shop-b.example"), 65, "shop-b"),
                                      (("--shop", "shop-a"), 64, "--to")):
            with self.subTest(arguments):
                got, output, errors = relay.ctl("send-test", *arguments)
                self.assertEqual(got, code, output + errors)
                self.assertIn(word, errors)
        relay.stop()
        got, _, errors = self.send(relay, "a@b.example")
        self.assertEqual(got, 69)
        self.assertIn("start it", errors)


class DeepCheck(Scenario):
    """`ecrelayd --check-config --deep`: what no file can tell."""

    def with_names(self, *zones):
        """The configured resolver, with these zones and nothing else below example."""
        names = Names(self)
        names.add("example")
        for name, records in zones:
            names.add(name, records)
        return names.start().settings(spf=["include:spf.relay.example"])

    def sound(self, name, **more):
        records = {"r1._domainkey": dkim_record(key_pem("rsa")), "@": "v=spf1 include:spf.relay.example ~all",
                   "_dmarc": "v=DMARC1; p=none", **more}
        return name, [(owner, text_record(value)) for owner, value in records.items()]

    def test_what_works_is_said_and_no_mail_goes(self):
        sink = self.sink("--login", "relay:secret")
        secret = self.folder / "password"
        secret.write_text("secret\n")
        secret.chmod(0o600)
        dns = self.with_names(self.sound("shop-a.example"), self.sound("shop-b.example"),
                              ("relay.example", [("spf", text_record("v=spf1 ip4:192.0.2.0/24 -all"))]))
        upstream = {"name": "default", "servers": [{"address": sink.address}], "tls": "off",
                    "auth": {"user": "relay", "password": f"file:{secret}"}}
        relay = self.unstarted_relay(dns=dns, upstreams=[upstream])
        code, said = relay.check_config("--deep")
        self.assertEqual(code, 0, said)
        for line in (f"upstream default, server {sink.address}: in clear, logged in as relay", "listener 127.0.0.1:0: free",
                     "MiB free", "domain shop-a.example: every record is published"):
            self.assertIn(line, said)
        self.assertEqual(sink.received(), [])
        secret.write_text("wrong\n")
        code, said = relay.check_config("--deep")
        self.assertEqual(code, 1, said)
        self.assertIn("at auth: 535", said)

    def test_what_does_not_work_is_said_with_its_place(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = f"127.0.0.1:{other.getsockname()[1]}"
            relay = self.unstarted_relay("127.0.0.1:1", listeners=[{"address": taken, "tls": "off"}],
                                         dns=self.with_names(self.sound("shop-a.example", _dmarc="v=DMARC1; p=none"), ("shop-b.example", [])))
            code, said = relay.check_config("--deep")
        self.assertEqual(code, 1, said)
        self.assertRegex(said, rf"error: listener {taken}: .*in use")
        self.assertIn("error: upstream default, server 127.0.0.1:1: at connect: ", said)
        self.assertRegex(said, "error: domain shop-b.example: r1._domainkey.shop-b.example absent.*dns check shop-b.example")

    def test_a_running_relay_holds_its_own_doors(self):
        sink = self.sink()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            mine = f"127.0.0.1:{probe.getsockname()[1]}"
        relay = self.relay(sink, listeners=[{"address": mine, "tls": "off"}], dns={"resolver": "127.0.0.1:1"})
        code, said = relay.check_config("--deep")
        self.assertIn(f"listener {mine}: held by the relay that runs", said)
        self.assertIn("warning: domain shop-a.example", said)       # nobody could be asked
        self.assertEqual(code, 0, said)


if __name__ == "__main__":
    unittest.main()
