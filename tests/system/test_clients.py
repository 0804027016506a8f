#!/usr/bin/python3
"""Clients that people really use, as they come from Debian: each gets its mail through."""
import email
import os
import smtplib
import subprocess
import unittest

import harness
import postfix
from dialogue import Closed, deliver
from harness import MAIL, TOOLS
from mails import Mail


def run(*command):
    return subprocess.run([str(each) for each in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


class Clients(harness.Scenario):
    def assertArrived(self, relay, sink, count=1):
        mails = sink.wait_for(count)
        relay.wait("sent", count=count)
        self.assertSigned(mails[0].path, harness.dkim_records("shop-a.example"))
        self.assertEqual(relay.charges(), [("shop-a", 100)] * count)
        return mails

    def test_ruby_mail_gem(self):
        relay, sink = self.pair()
        done = run(TOOLS / "send.rb", relay.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"250 2\.0\.0 id=\w{26} accepted=1 suppressed=0")
        (mail,) = self.assertArrived(relay, sink)
        self.assertIn("髙橋 花子 様".encode(), b"".join(part.get_payload(decode=True) or b"" for part in email.message_from_bytes(mail.data).walk()))

    def test_ruby_with_starttls_verified_and_a_login(self):
        files = harness.certificates()
        def demand(config):
            config["listeners"] = [{"address": "127.0.0.1:0", "tls": "required", "certificate": f"file:{files}/cert.pem", "key": f"file:{files}/key.pem"}]
            config["hosts"][0]["auth"] = "required"
            config["shops"][0]["users"] = [{"name": "shop-a", "password": f"crypt:{harness.crypt_hash('secret')}"}]
        relay, sink = self.pair(demand)
        address = relay.address.replace("127.0.0.1", "localhost")
        login = ["--starttls", "--ca", files / "ca.pem", "--user", "shop-a", "--password"]
        done = run(TOOLS / "send.rb", address, *login, "secret")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertArrived(relay, sink)
        self.assertIn("535", run(TOOLS / "send.rb", address, *login, "wrong").stderr)

    def test_ruby_reads_our_refusals(self):
        relay = self.relay()
        done = run(TOOLS / "send.rb", relay.address, "--from", "a@elsewhere.example")
        self.assertEqual(done.returncode, 1)
        self.assertIn("550 5.7.1", done.stderr)

    def test_python_smtplib(self):
        relay, sink = self.pair()
        host, port = relay.address.split(":")
        with smtplib.SMTP(host, int(port), timeout=20) as smtp:
            for number in range(3):
                self.assertEqual(smtp.sendmail("info@shop-a.example", ["hanako@customer.example"], MAIL.replace(b"order-1", b"order-%d" % number),
                                               mail_options=["BODY=8BITMIME"]), {})
        self.assertArrived(relay, sink, 3)

    def test_swaks(self):
        relay, sink = self.pair()
        done = run("swaks", "--server", relay.address, "--helo", "app-1.example.jp", "--from", "info@shop-a.example",
                   "--to", "hanako@customer.example", "--header", "Subject: swaks", "--body", "こんにちは")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertArrived(relay, sink)

    def test_swaks_pipelines(self):
        relay, sink = self.pair()
        done = run("swaks", "--server", relay.address, "--pipeline", "--from", "info@shop-a.example", "--to", "a@customer.example,b@customer.example")
        self.assertEqual(done.returncode, 0, done.stdout)
        relay.wait("sent", count=2)
        self.assertEqual(sorted(each for mail in sink.received() for each in mail.recipients), ["a@customer.example", "b@customer.example"])

    def test_postfix_smtp_source_with_twenty_sessions(self):
        relay, sink = self.pair()
        done = run("smtp-source", "-s", "20", "-m", "200", "-l", "4096", "-f", "info@shop-a.example", "-t", "hanako@customer.example", relay.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        mails = self.assertArrived(relay, sink, 200)
        self.assertEqual(len({Mail(mail.data).value(b"received") for mail in mails}), 200)


class Sinks(harness.Scenario):
    def test_postfix_smtp_sink_takes_it(self):
        port = postfix.free_port()
        command = ["smtp-sink", "-c", f"127.0.0.1:{port}", "100"]
        if os.geteuid() == 0:
            command[1:1] = ["-u", "nobody"]
        upstream = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self.addCleanup(lambda: (upstream.kill(), upstream.wait()))
        relay = self.relay(f"127.0.0.1:{port}")
        message_id = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent", id=message_id)
        self.assertEqual(relay.charges(), [("shop-a", 100)])

    def test_the_rehearsal_sink_keeps_what_a_client_sends_it(self):
        sink = self.sink()
        reply = deliver(sink.address, MAIL)
        self.assertEqual(reply.code, 250, reply.text)
        (mail,) = sink.wait_for(1)
        self.assertEqual(mail.data, MAIL)
        self.assertEqual((mail.sender, mail.recipients, mail.record["helo"]), ("info@shop-a.example", ["hanako@customer.example"], "app-1.example.jp"))

    def test_the_rehearsal_sink_answers_as_the_local_part_says(self):
        sink = self.sink()
        for part, code, enhanced in (("permfail", 550, "5.1.1"), ("tempfail", 451, "4.3.0"), ("full", 552, "5.2.2"), ("blocked+x", 550, "5.7.1"),
                                     ("permfail-dot", 550, "5.1.1"), ("reply-554-5.6.0-data", 554, "5.6.0")):
            with self.subTest(part):
                self.assertReply(deliver(sink.address, MAIL, recipients=[f"{part}@customer.example"]), code, enhanced)
        self.assertEqual(deliver(sink.address, MAIL, recipients=["greylist@customer.example"]).code, 450)
        self.assertEqual(deliver(sink.address, MAIL, recipients=["greylist@customer.example"]).code, 250)
        with self.assertRaises(Closed):
            deliver(sink.address, MAIL, recipients=["drop@customer.example"])


if __name__ == "__main__":
    unittest.main()
