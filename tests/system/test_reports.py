#!/usr/bin/python3
"""What comes back by mail: read, kept as evidence and acted on, when it comes to a return path that we have signed."""
import hashlib
import hmac
import json
import socket
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import abuse
import exim
import harness
import postfix
from dialogue import Dialogue
from harness import MAIL, SECRET, SHARED
from hostile_reports import MIB, hostile_reports
from nameservers import Names

RECIPIENT = "hanako@customer.example"
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def token(message, recipient, day, domain, secret=SECRET):
    """A return path as policy/return_path.h tells it, made by somebody else's hands."""
    head = f"{message.lower()}-{recipient}-{day}"
    digest = hmac.new(secret, f"return path {head}@{domain}".encode(), hashlib.sha256).digest()
    return head + "-" + "".join(ALPHABET[byte % 32] for byte in digest[:20])


def today():
    return int(time.time() // 86400)


def dsn(status="5.1.1", text="550 5.1.1 <hanako@customer.example>: User unknown", recipient=RECIPIENT):
    return (f"From: MAILER-DAEMON@mx.customer.example\r\nTo: somebody\r\nSubject: Undelivered Mail Returned to Sender\r\n"
            f"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
            f"--b\r\n\r\nIt could not be delivered.\r\n"
            f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.customer.example\r\n\r\n"
            f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: {status}\r\n"
            f"Diagnostic-Code: smtp; {text}\r\n\r\n--b--\r\n").encode()


COMPLAINT = (b"From: fbl@isp.example\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
             b"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"
             b"Original-Rcpt-To: hanako@customer.example\r\n\r\n--b--\r\n")


class Reports(harness.Scenario):
    def with_reports(self, change=None, **reports):
        relay, sink = self.pair(self.return_paths(change, **reports))
        return relay, sink, relay.addresses[-1]

    def sent(self, relay, sink):
        """A mail that was sent: its id, and the return path that it left with."""
        message = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent", id=message)
        (mail,) = sink.wait_for(1)
        return message, mail.sender

    def bring(self, address, path, report, sender=""):
        with Dialogue(address) as smtp:
            smtp.ehlo("mx.customer.example")
            reply = smtp.envelope(sender, path)
            if reply.code < 400:
                reply = smtp.data(report)
            smtp.quit()
            return reply

    def assertUnlisted(self, relay):
        self.assertEqual(relay.book("SELECT count(*) FROM suppression"), [(0,)])

    def assertNothingChanged(self, relay):
        self.assertUnlisted(relay)
        self.assertEqual(relay.book("SELECT count(*) FROM report"), [(0,)])

    def test_who_reads_no_answer_is_left_in_time(self):
        relay, sink, reports = self.with_reports(lambda config: config.update(limits={"command_timeout": "1s"}))
        _, path = self.sent(relay, sink)
        host, port = reports.rsplit(":", 1)
        peer = socket.socket()
        self.addCleanup(peer.close)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        peer.connect((host, int(port)))
        peer.settimeout(10)
        # The replies to EHLO are the longest.
        report = b"EHLO mx.customer.example\r\n" * 50 + f"MAIL FROM:<>\r\nRCPT TO:<{path}>\r\nDATA\r\n".encode() + dsn() + b".\r\n"
        sent, over = 0, time.monotonic() + 60
        try:
            while not relay.events("session", end="timeout") and time.monotonic() < over:
                sent += peer.send(report)      # times out where the relay reads no more
        except OSError:
            pass
        relay.wait("session", end="timeout")

    def test_a_bounce_lists_the_address_with_its_evidence_and_changes_neither_state_nor_charge(self):
        relay, sink, reports = self.with_reports()
        message, path = self.sent(relay, sink)
        self.assertTrue(path.endswith("@bounce.shop-a.example"), path)
        self.assertReply(self.bring(reports, path, dsn()), 250, "2.0.0")
        relay.wait("report", id=message, decision="suppress", recipient=RECIPIENT, shop="shop-a")
        relay.wait("suppress", id=message, reason="hard")
        code, shown, _ = relay.ctl("suppression", "show", RECIPIENT)
        self.assertEqual(code, 0)
        self.assertIn("User unknown", shown)
        self.assertIn(message, shown)
        code, trace, _ = relay.ctl("trace", message)
        self.assertIn("reported", trace)
        self.assertIn("550 5.1.1 <hanako@customer.example>: User unknown", trace)
        self.assertEqual(relay.states(), {"sent": 1})
        self.assertEqual(relay.charges(), [("shop-a", 100)])
        self.assertIn("bounced later", trace)
        total = relay.ask("usage")["total"]
        self.assertEqual((total["sent"], total["bounced"], total["bounced_later"], total["amount_yen"]), (1, 0, 1, "0.1"))
        self.assertEqual(relay.ctl("reconcile")[0], 0)
        self.assertAccepted(relay.deliver(MAIL), recipients=0, suppressed=1)

    def test_what_is_not_about_the_address_is_kept_and_lists_nobody(self):
        relay, sink, reports = self.with_reports()
        message, path = self.sent(relay, sink)
        self.assertEqual(self.bring(reports, path, dsn("5.7.1", "550 5.7.1 blocked by reputation")).code, 250)
        self.assertEqual(relay.book("SELECT decision, reason FROM report"), [("ignore", "reputation")])
        self.assertUnlisted(relay)

    def test_rows_of_the_operator_decide_reports_replies_and_what_the_tool_shows(self):
        dead = "550 5.0.0 Kein Anschluss unter dieser Nummer"
        rows = [{"text": "KEIN Anschluss * dieser Nummer", "domain": "customer.example", "decision": "suppress",
                 "reason": "no_line"},
                {"text": "user unknown", "server": "mx.customer.example", "decision": "ignore", "reason": "they_lie"}]
        relay, sink, reports = self.with_reports(lambda config: config.update(suppression={"rules": rows}))
        message, path = self.sent(relay, sink)
        self.assertEqual(self.bring(reports, path, dsn("5.0.0", dead)).code, 250)
        self.assertEqual(relay.book("SELECT decision, reason FROM report"), [("suppress", "no_line")])
        self.assertEqual(relay.book("SELECT reason FROM suppression"), [("hard",)])
        mail = self.folder / "no-line.eml"
        mail.write_bytes(dsn("5.0.0", dead))
        code, output, _ = relay.ctl("report", "read", "--json", str(mail))
        self.assertEqual((code, json.loads(output)["reason"]), (0, "no_line"))
        sink.kill()
        sink.options = ("--script", f"rcpt:other={dead}")
        sink.start()
        other = self.assertAccepted(relay.deliver(MAIL, recipients=["other@customer.example"]))
        relay.wait("suppress", id=other, reason="hard")

    def test_the_token_says_who_is_meant_and_not_the_text(self):
        relay, sink, reports = self.with_reports()
        _, path = self.sent(relay, sink)
        self.assertEqual(self.bring(reports, path, dsn(recipient="victim@customer.example")).code, 250)
        self.assertEqual(relay.book("SELECT key FROM suppression"), [(RECIPIENT,)])

    def test_a_replay_is_counted_once(self):
        relay, sink, reports = self.with_reports()
        _, path = self.sent(relay, sink)
        for _ in range(3):
            self.assertEqual(self.bring(reports, path, dsn()).code, 250)
        self.assertEqual(relay.book("SELECT count(*) FROM report"), [(1,)])
        self.assertEqual(relay.book("SELECT event FROM suppression_log"), [("added",)])

    def test_forged_expired_foreign_and_altered_tokens_change_nothing(self):
        relay, sink, reports = self.with_reports()
        message, path = self.sent(relay, sink)
        self.assertEqual(path, token(message, 0, today(), "bounce.shop-a.example") + "@bounce.shop-a.example")
        wrong = {
            "forged": token(message, 0, today(), "bounce.shop-a.example", b"another secret") + "@bounce.shop-a.example",
            "expired": token(message, 0, today() - 12, "bounce.shop-a.example") + "@bounce.shop-a.example",
            "another shop's domain": token(message, 0, today(), "bounce.shop-a.example") + "@bounce.shop-b.example",
            "no domain of ours": token(message, 0, today(), "bounce.shop-a.example") + "@elsewhere.example",
            "no such recipient": token(message, 7, today(), "bounce.shop-a.example") + "@bounce.shop-a.example",
            "no such message": token("01ARZ3NDEKTSV4RRFFQ69G5FAV", 0, today(), "bounce.shop-a.example") + "@bounce.shop-a.example",
            "no token": "postmaster@bounce.shop-a.example",
            "a stranger": "someone@gmail.com",
        }
        for what, address in wrong.items():
            with self.subTest(what):
                self.assertReply(self.bring(reports, address, dsn()), 550, "5.1.1")
        self.assertNothingChanged(relay)
        self.assertEqual(len(sink.received()), 1)

    def test_only_the_null_sender_reports_but_complaints_come_from_people(self):
        relay, sink, reports = self.with_reports()
        message, path = self.sent(relay, sink)
        self.assertReply(self.bring(reports, path, dsn(), sender="mallory@evil.example"), 550, "5.7.1")
        self.assertNothingChanged(relay)
        self.assertEqual(self.bring(reports, path, COMPLAINT, sender="fbl@isp.example").code, 250)
        relay.wait("suppress", id=message, reason="complaint")
        self.assertEqual(relay.book("SELECT reason, expires_ms FROM suppression"), [("complaint", None)])

    def test_what_is_too_large_or_smuggled_is_refused_and_changes_nothing(self):
        relay, sink, reports = self.with_reports(lambda config: config.update(limits={"message_size": "64KiB"}))
        _, path = self.sent(relay, sink)
        self.assertReply(self.bring(reports, path, dsn() + (b"x" * 70 + b"\r\n") * (3 << 14)), 552, "5.3.4")
        self.assertReply(self.bring(reports, path, dsn() + b"bare\nfeed\r\n"), 554, "5.6.0")
        self.assertNothingChanged(relay)

    def test_neither_a_vacation_nor_rubbish_lists_anybody(self):
        relay, sink, reports = self.with_reports()
        _, path = self.sent(relay, sink)
        for mail in (b"Subject: Auto: away\r\nAuto-Submitted: auto-replied\r\n\r\n550 5.1.1 user unknown\r\n",
                     b"Subject: hello\r\n\r\n550 5.1.1 user unknown hanako@customer.example\r\n", b"\r\n", b"\x80\xff\r\n"):
            self.assertEqual(self.bring(reports, path, mail).code, 250)
        self.assertUnlisted(relay)

    def test_networks_may_be_told_apart(self):
        relay, _, reports = self.with_reports(networks=["192.0.2.0/24"])
        with Dialogue(reports) as smtp:
            self.assertReply(smtp.greeting, 554, "5.7.1", "127.0.0.1")
        relay.wait("connect_refused", host="reports")

    def test_in_a_dry_run_it_is_decided_and_shown_only(self):
        relay, sink, reports = self.with_reports(lambda config: config.update(suppression={"dry_run": True}))
        message, path = self.sent(relay, sink)
        self.assertEqual(self.bring(reports, path, dsn()).code, 250)
        relay.wait("report", id=message, decision="suppress")
        relay.wait("suppress", id=message, dry_run="true")
        self.assertIn("dry run", relay.ctl("suppression", "list")[1])
        self.assertAccepted(relay.deliver(MAIL), recipients=1)

    def test_starttls_is_offered_where_it_is_configured(self):
        certificates = harness.certificates()
        relay, sink, reports = self.with_reports(tls="opportunistic", certificate=f"file:{certificates / 'cert.pem'}",
                                                 key=f"file:{certificates / 'key.pem'}")
        _, path = self.sent(relay, sink)
        with Dialogue(reports) as smtp:
            smtp.ehlo()
            self.assertEqual(smtp.starttls(harness.client_tls()).code, 220)
            smtp.ehlo()
            self.assertEqual(smtp.envelope("", path).code, 250)
            self.assertEqual(smtp.data(dsn()).code, 250)

    def test_a_rotated_secret_is_believed_as_long_as_it_is_kept(self):
        relay, sink, reports = self.with_reports()
        _, path = self.sent(relay, sink)
        old, new = self.folder / "return-path", self.folder / "return-path.new"
        new.write_bytes(SECRET[::-1])
        new.chmod(0o600)
        relay.stop()
        relay.config["reports"].update(secret=f"file:{new}", previous_secret=f"file:{old}")
        relay.write_config()
        relay.start()
        self.assertEqual(self.bring(relay.addresses[-1], path, dsn()).code, 250)

    def test_the_tool_reads_a_mail_or_a_mailbox_without_a_daemon(self):
        relay = self.unstarted_relay()
        mail, mailbox = self.folder / "one.eml", self.folder / "several.mbox"
        mail.write_bytes(dsn())
        mailbox.write_bytes(b"From - Thu Jan  1 00:00:00 2026\r\n" + dsn() + b"\r\nFrom - Fri Jan  2 00:00:00 2026\r\n" + COMPLAINT)
        code, output, _ = relay.ctl("report", "read", "--json", str(mail))
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(output), {
            "recipient": RECIPIENT, "original_recipient": "", "action": "failed", "status": "5.1.1", "reply": "550",
            "kind": "dsn", "decision": "suppress", "reason": "hard"})
        code, output, _ = relay.ctl("report", "read", "--json", str(mailbox))
        self.assertEqual([json.loads(line)["decision"] for line in output.splitlines()], ["suppress", "complaint"])
        self.assertIn("suppress", relay.ctl("report", "read", str(mail))[1])
        self.assertIn("no report", relay.ctl("report", "read", "/dev/null")[1])
        self.assertEqual(relay.ctl("report", "read", "/nowhere")[0], 65)

    def campaign(self):
        """A relay to which three of ten are a wave, what it sent to twenty people, and the return path of each."""
        relay, sink, _ = self.with_reports(lambda config: config.update(
            suppression={"breaker": {"percent": 20, "finals": 10, "window": "1h", "times_usual": 5}}))
        everybody = [f"user{n}@customer.example" for n in range(20)]
        message = self.assertAccepted(relay.deliver(MAIL, recipients=everybody), recipients=20)
        relay.wait("sent", 20, id=message)
        path = {mail.recipients[0]: mail.sender for mail in sink.received() if len(mail.recipients) == 1}
        self.assertEqual(len(path), 20, "each recipient has a return path of its own")
        return relay, everybody, path

    def bring_unknown(self, relay, addresses, path):
        for address in addresses:
            self.assertEqual(self.bring(relay.addresses[-1], path[address], dsn(recipient=address)).code, 250)

    def test_a_wave_of_unknown_users_is_parked_and_what_came_before_can_be_undone(self):
        begin = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        relay, everybody, path = self.campaign()
        self.bring_unknown(relay, everybody[:8], path)
        relay.wait("report", 4, decision="parked")
        relay.wait("wave", domain="customer.example", unknown=5, finals=20)
        self.assertEqual(len(relay.events("wave")), 1, "one alarm for a wave")
        self.assertIn("4 addresses are parked", relay.ctl("status")[1])
        self.assertEqual(relay.book("SELECT count(*) FROM suppression"), [(4,)])

        listed = relay.ask("suppression", "parked", "list", "--domain", "customer.example")["entries"]
        self.assertEqual([each["address"] for each in listed], everybody[4:8])
        decide = ["--domain", "customer.example", "--reason", "the provider has said so"]
        self.assertEqual(relay.ctl("suppression", "parked", "drop", *decide)[0], 0)
        self.assertEqual(relay.ctl("suppression", "parked", "release", *decide)[0], 1, "nothing is left")
        self.assertNotIn("parked", relay.ctl("status")[1])
        undo = ["suppression", "undo", "--from", begin, "--to", "2100-01-01"]
        self.assertEqual(relay.ctl(*undo, "--domain", "customer.example", "--dry-run")[:2],
                         (0, "would be cleared: hard 4\nwould stay:       none\n"))
        code, output, errors = relay.ctl(*undo, *decide)
        self.assertEqual(code, 0, errors)
        self.assertEqual(output.count("cleared entry"), 4, output)
        self.assertEqual(relay.book("SELECT count(*) FROM suppression WHERE closed_ms IS NULL"), [(0,)])
        self.assertEqual(relay.book("SELECT action FROM audit ORDER BY id"), [("suppression parked drop",), ("suppression undo",)])
        self.assertAccepted(relay.deliver(MAIL, recipients=everybody), recipients=20)

    def test_reports_hours_after_a_campaign_are_a_wave_too(self):
        relay, everybody, path = self.campaign()
        relay.stop()
        with relay.write_book() as book:
            book.execute("UPDATE recipient SET finished_ms = finished_ms - 7200000")
            book.execute("UPDATE destination SET slot = slot - 24")
        relay.start()
        self.bring_unknown(relay, everybody[:8], path)
        relay.wait("report", 4, decision="parked")
        relay.wait("wave", domain="customer.example", unknown=5, finals=20)
        self.assertEqual(len(relay.events("wave")), 1, "one alarm for a wave")
        self.assertEqual(relay.book("SELECT count(*) FROM suppression"), [(4,)])

    @unittest.skipUnless(postfix.allowed(), "Postfix needs root or sudo without a password")
    def test_a_real_postfix_that_bounces_later_finds_the_way_back(self):
        gone = "permfail@customer.example"      # the sink behind Postfix refuses it
        port = postfix.free_port()
        routes = [("bounce.shop-a.example", f"127.0.0.1:{port}"), (gone, self.sink().address)]
        with postfix.Postfix(tls="none", routes=routes) as server:
            relay = self.relay(server.address, self.return_paths(port=port))
            message = self.assertAccepted(relay.deliver(MAIL, recipients=[gone, RECIPIENT]), recipients=2)
            relay.wait("sent", 2, id=message)
            relay.wait("report", id=message, recipient=gone, action="failed", enhanced="5.1.1", decision="suppress")
            self.assertEqual(len(server.wait_for(1)), 1)
            self.assertEqual(relay.book("SELECT key, reason FROM suppression"), [(gone, "hard")])
            self.assertEqual(relay.states(), {"sent": 2})
            self.assertAccepted(relay.deliver(MAIL, recipients=[gone]), recipients=0, suppressed=1)

    @unittest.skipUnless(exim.allowed(), "Exim needs root or sudo without a password, and scripts/install-packages test")
    def test_a_real_exim_that_bounces_later_finds_the_way_back(self):
        gone = "gone@customer.example"
        port = postfix.free_port()
        with exim.Exim("bounce.shop-a.example", port) as server:
            relay = self.relay(server.address, self.return_paths(port=port))
            message = self.assertAccepted(relay.deliver(MAIL, recipients=[gone, RECIPIENT]), recipients=2)
            relay.wait("sent", 2, id=message)
            report, = relay.wait("report", id=message, recipient=gone)
            self.assertEqual(report["action"], "failed", server.said())
            self.assertIn("Unrouteable address", report["text"])
            self.assertEqual(relay.book("SELECT DISTINCT key FROM report JOIN recipient ON report.message = recipient.message"
                                        " AND report.recipient = recipient.n"), [(gone,)])
            self.assertEqual(relay.states(), {"sent": 2})

    def test_a_domain_that_a_report_calls_dead_is_looked_up(self):
        names = Names(self)
        names.add("example")
        names.add("alive.example", [("@", "MX 10 mx.alive.example.")])
        names.add("null.example", [("@", "MX 0 .")])
        names.start()
        relay, sink, reports = self.with_reports(lambda config: config.update(dns=names.settings()))
        everybody = [f"hanako@{name}.example" for name in ("alive", "null", "gone")]
        relay.wait("sent", 3, id=self.assertAccepted(relay.deliver(MAIL, recipients=everybody), recipients=3))
        for mail in sink.wait_for(3):
            report = dsn("5.1.2", "550 5.1.2 Host unknown (Name server: host not found)", mail.recipients[0])
            self.assertEqual(self.bring(reports, mail.sender, report).code, 250)
        self.assertEqual(relay.book("SELECT key, reason FROM suppression ORDER BY key"),
                         [("hanako@gone.example", "domain"), ("hanako@null.example", "domain")])
        self.assertEqual(relay.book("SELECT key, kind FROM point"), [("hanako@alive.example", "delivery")])
        self.assertEqual(relay.book("SELECT domain FROM dead_domain ORDER BY domain"), [("gone.example",), ("null.example",)])

    def forwarding(self, **more):
        return self.with_reports(lambda config: config["shops"][0]["domains"][0].update(forward_reports=True), **more)

    def test_what_came_back_goes_on_to_the_shops_own_sender_once_and_free(self):
        relay, sink, reports = self.forwarding()
        message, path = self.sent(relay, sink)
        for _ in range(3):
            self.assertEqual(self.bring(reports, path, dsn()).code, 250)
        relay.wait("report_queued", id=message, recipient="info@shop-a.example")
        mail = sink.wait_for(2)[1]
        self.assertEqual((mail.sender, mail.recipients), ("", ["info@shop-a.example"]))
        self.assertIn(b"From: Mail Delivery System <MAILER-DAEMON@relay-1.example.jp>", mail.data)
        self.assertNotIn(path.encode(), mail.data, "the way back is nobody's business")
        whole = self.folder / "forwarded.eml"
        whole.write_bytes(mail.data)
        read = json.loads(relay.ctl("report", "read", "--json", str(whole))[1])
        self.assertEqual((read["recipient"], read["status"], read["decision"]), (RECIPIENT, "5.1.1", "suppress"))
        relay.wait("sent", recipient="info@shop-a.example")
        self.assertEqual(relay.charges(), [("shop-a", 100)])
        self.assertEqual(relay.book("SELECT sum(reports) FROM daily"), [(1,)])
        self.assertEqual(relay.ctl("reconcile")[0], 0)
        relay.restart()
        self.assertEqual(len(sink.received()), 2)

    def test_a_forwarded_report_that_cannot_be_delivered_ends_there(self):
        relay, sink, reports = self.forwarding()
        message = self.assertAccepted(relay.deliver(MAIL, sender="permfail@shop-a.example"))
        relay.wait("sent", id=message)
        self.assertEqual(self.bring(reports, sink.wait_for(1)[0].sender, dsn()).code, 250)
        relay.wait("bounce", recipient="permfail@shop-a.example")
        self.assertEqual(relay.book("SELECT kind, count(*) FROM message GROUP BY kind ORDER BY kind"), [("mail", 1), ("report", 1)])
        self.assertEqual(relay.book("SELECT key FROM suppression"), [(RECIPIENT,)], "the shop's own address is not listed")

    def test_a_forwarded_report_that_comes_back_is_not_forwarded_again(self):
        relay, sink, reports = self.forwarding()
        message, path = self.sent(relay, sink)
        self.assertEqual(self.bring(reports, path, dsn()).code, 250)
        forwarded = sink.wait_for(2)[1].data
        self.assertEqual(self.bring(reports, path, forwarded.replace(b"5.1.1", b"5.2.2")).code, 250)
        relay.wait("report_kept_back", id=message)
        self.assertEqual(len(sink.received()), 2)

    def test_strangers_without_a_return_path_are_shown_out_and_use_nothing_up(self):
        relay, sink, reports = self.with_reports()
        _, path = self.sent(relay, sink)
        with Dialogue(reports) as smtp:
            smtp.ehlo()
            codes = []
            for n in range(60):
                smtp.ask("MAIL FROM:<>")
                codes.append(smtp.ask(f"RCPT TO:<nobody{n}@bounce.shop-a.example>").code)
                if codes[-1] == 421:
                    break
                smtp.ask("RSET")
            self.assertEqual((codes[0], codes[-1], len(codes)), (550, 421, 51))
        self.assertEqual(self.bring(reports, path, dsn()).code, 250)

    def test_hostile_reports_are_taken_in_bounded_memory_while_mail_is_served_and_list_nobody(self):
        relay, sink, reports = self.with_reports()
        _, path = self.sent(relay, sink)
        mails = list(hostile_reports())
        self.assertGreater(sum(len(mail) for _, mail in mails), 50 * MIB)
        with abuse.Probe(relay.address) as probe, abuse.Watch(relay) as watch, ThreadPoolExecutor(8) as several:
            answers = list(several.map(lambda mail: self.bring(reports, path, mail[1]).code, mails))
            harness.wait_until(lambda: len(probe.seconds) >= 5, "five mails meanwhile")
        self.assertEqual({name: code for (name, _), code in zip(mails, answers) if code != 250}, {})
        self.assertEqual(probe.failures, [])
        if not harness.SANITIZER:
            self.assertLess(watch.grew_by(), 64 * MIB, "eight at once, of each a MiB is kept and read")
        self.assertUnlisted(relay)

    def test_an_address_that_brings_too_many_is_put_off_and_leaves_room_for_others(self):
        relay, sink, reports = self.with_reports()
        _, path = self.sent(relay, sink)
        asked = f"MAIL FROM:<>\r\nRCPT TO:<{path}>\r\nRSET\r\n".encode()
        codes = set()
        while 451 not in codes:
            with Dialogue(reports) as smtp:
                smtp.ehlo()
                smtp.send(asked * 50)
                codes |= {smtp.read().code for _ in range(150)}
        self.assertEqual(codes, {250, 451})
        with Dialogue(reports, source="127.0.0.2") as smtp:
            smtp.ehlo()
            self.assertEqual(smtp.envelope("", path).code, 250)
            self.assertEqual(smtp.data(dsn()).code, 250)
        self.bring(reports, "nobody@bounce.shop-a.example", dsn())
        status = relay.ask("status")
        self.assertGreater(status["reports_put_off"].pop("rate"), 0)
        self.assertEqual(set(status["reports_put_off"].values()), {0})
        self.assertEqual(status["reports_refused"], {"network": 0, "return_path": 1, "sender": 0, "body": 0})

    def test_two_shops_that_meet_it_dead_make_it_dead_for_all(self):
        relay, sink, reports = self.with_reports()
        mail_b = MAIL.replace(b"info@shop-a.example", b"info@shop-b.example")
        self.assertAccepted(relay.deliver(MAIL))
        self.assertAccepted(relay.deliver(mail_b, sender="info@shop-b.example"))
        for mail in sink.wait_for(2):
            self.assertEqual(self.bring(reports, mail.sender, dsn()).code, 250)
        self.assertEqual(relay.book("SELECT shop FROM suppression ORDER BY shop"), [("",), ("shop-a",), ("shop-b",)])

    @unittest.skipUnless((SHARED / "corpus/bounces").is_dir(), f"NO CORPUS at {SHARED}: set ECRELAY_SHARED")
    def test_real_reports_of_every_kind_are_taken(self):
        relay, sink, reports = self.with_reports()
        _, path = self.sent(relay, sink)
        for file in sorted((SHARED / "corpus/bounces").glob("*.eml"))[::8]:
            with self.subTest(file.name):
                bare = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"")
                reply = self.bring(reports, path, bare.replace(b"\n", b"\r\n"))
                self.assertEqual(reply.code, 250, reply.text)


if __name__ == "__main__":
    unittest.main()
