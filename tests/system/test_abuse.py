#!/usr/bin/python3
"""Abuse, small: while it goes on others are served, and afterwards all is as before. The sizes that the
promises speak of are in tests/bench/abuse."""
import os
import signal
import subprocess
import time
import unittest

import abuse
import dialogue
import harness
from harness import MAIL

OTHER = "127.0.0.2"
MIB = 1 << 20


class Abuse(harness.Scenario):
    def setUp(self):
        super().setUp()
        abuse.raise_descriptor_limit()

    def big(self, config):
        config["limits"] = {"connections": 20_000}

    def during(self, relay, attack):
        """Runs the attack beside a client that sends mail; every mail must get its 250."""
        with abuse.Probe(relay.address) as probe:
            figures = attack()
            harness.wait_until(lambda: len(probe.seconds) >= 5, "five mails meanwhile")
        self.assertEqual(probe.failures, [])
        self.assertTrue(relay.running())
        return figures

    def test_idle_connections(self):
        relay = self.relay(change=self.big)
        self.during(relay, lambda: abuse.idle_connections(relay, 500, hold=0))
        harness.wait_until(lambda: abuse.descriptors(relay) < 100, "their descriptors to be free again")

    def test_slow_senders(self):
        relay = self.relay(change=self.big)
        self.during(relay, lambda: abuse.slow_senders(relay, 200, seconds=2))
        harness.wait_until(lambda: abuse.descriptors(relay) < 100, "their descriptors to be free again")

    def test_an_unknown_host_that_knocks_without_end(self):
        relay = self.relay()
        figures = self.during(relay, lambda: abuse.strangers(relay, seconds=2))
        told = relay.wait("connect_refused", client="127.0.0.9")
        # The bucket and what it gets back until the last of them; a slow machine has time for more.
        self.assertLess(len(told), max(2000, figures["connections"] // 2), "a flood does not fill the log")
        harness.wait_until(lambda: abuse.descriptors(relay) < 100, "their descriptors to be free again")

    def test_who_resets_before_he_is_answered_is_told_by_his_address(self):
        relay = self.relay()
        relay.signal(signal.SIGSTOP)
        peer = abuse.socket.socket()
        peer.bind(("127.0.0.9", 0))
        peer.connect(abuse.endpoint(relay.address))
        peer.setsockopt(abuse.socket.SOL_SOCKET, abuse.socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        relay.signal(signal.SIGCONT)
        (told,) = relay.wait("connect_refused")
        self.assertEqual(told["client"], "127.0.0.9")

    def test_lines_headers_recipients_and_noops_without_end(self):
        relay = self.relay()
        line = self.during(relay, lambda: abuse.endless_line(relay))
        self.assertLess(line["sent_bytes"], 20 * MIB, line)
        header = self.during(relay, lambda: abuse.endless_header(relay, 30 * MIB))
        self.assertTrue(header["last_reply"].startswith("552"), header)
        for attack in (abuse.endless_recipients, abuse.endless_noops):
            said = self.during(relay, lambda attack=attack: attack(relay, 1_000_000))
            self.assertLess(said["sent_bytes"], 20 * MIB, said)

    @unittest.skipIf(harness.SANITIZER, "UBSan looks at memory through a pipe, for which no descriptor is left, and takes it for broken")
    def test_descriptors_that_run_out(self):
        sink = self.sink()
        relay = self.unstarted_relay(sink)
        abuse.give_descriptors(relay, 80)
        relay.start()
        self.addCleanup(relay.stop)
        (warning,) = relay.events("config_warning")
        self.assertIn("80 descriptors", warning["text"])
        self.assertIn("LimitNOFILE", warning["text"])
        before = dialogue.Dialogue(relay.address)
        before.ehlo()
        peers = abuse.exhaust_descriptors(relay)
        relay.wait("accept_paused", where="listeners")
        # Who has a connection is answered: stored, or told to try again where a file had to be opened.
        before.envelope(abuse.INFO, "hanako@customer.example")
        early = before.data(MAIL)
        self.assertIn((early.code, early.enhanced), [(250, "2.0.0"), (451, "4.3.0"), (452, "4.3.1")], early.text)
        before.socket.close()
        for peer in peers:
            peer.close()
        promised = [early.id] if early.code == 250 else []
        def taken():
            reply = relay.deliver(MAIL)
            return reply.code == 250 and reply.id
        promised.append(harness.wait_until(taken, "mail to be taken again"))
        harness.wait_until(lambda: len(sink.received()) == len(promised), "what was promised to arrive")
        self.assertEqual(relay.events("internal_error"), [], "no defect of ours")

    def test_recipients_without_a_message_are_counted_as_memory(self):
        def little(config):
            config["limits"] = {"memory": "16MiB", "message_size": "1MiB"}
        relay, sink = self.pair(little)
        peers, refused = [], 0
        name = "x" * 60 + "@" + ".".join(["y" * 60] * 3) + ".example"
        for number in range(40):
            peer = dialogue.Dialogue(relay.address)
            peers.append(peer)
            peer.ehlo()
            if peer.ask(f"MAIL FROM:<{abuse.INFO}>").code != 250:
                refused += 1
                break
            peer.send(b"".join(b"RCPT TO:<%d.%d.%s>\r\n" % (number, n, name[8:].encode()) for n in range(500)))
            codes = [peer.read().code for _ in range(500)]
            self.assertEqual(set(codes) - {250, 452}, set())
            refused += codes.count(452)
        self.assertGreater(refused, 0, "twenty thousand long addresses are more than 16 MiB")
        for peer in peers:
            peer.socket.close()
        harness.wait_until(lambda: relay.deliver(MAIL).code == 250, "the memory to be free again")

    def test_a_message_id_of_any_length_takes_little_of_the_book(self):
        relay, sink = self.pair()
        long = b"<" + b"\r\n ".join([b"z" * 70] * 2000) + b"@shop-a.example>"
        message = self.assertAccepted(relay.deliver(MAIL.replace(b"<order-1@shop-a.example>", long)))
        relay.wait("sent", id=message)
        self.assertLessEqual(relay.book("SELECT length(message_id) FROM message"), [(998,)])
        (mail,) = sink.wait_for(1)
        self.assertIn(long, mail.data, "what goes out is as it came")

    def test_many_large_messages_at_once_stay_within_the_memory_that_is_set(self):
        def little(config):
            config["limits"] = {"memory": "64MiB"}
        relay = self.relay(change=little)
        figures = abuse.large_messages(relay, 30, 8 * MIB)
        # 451: so much at once took longer to write than a client would wait, and was not stored.
        self.assertEqual(set(figures["codes"]) - {250, 451, 452}, set(), figures)
        self.assertIn(250, figures["codes"], figures)
        if not harness.SANITIZER:
            self.assertLess(figures["grew_by_bytes"], (64 + 48) * MIB, figures)
        self.assertAccepted(relay.deliver(MAIL))

    def test_a_login_storm(self):
        files = harness.certificates()
        def change(config):
            pair = {"certificate": f"file:{files}/cert.pem", "key": f"file:{files}/key.pem"}
            config["listeners"].append({"address": "127.0.0.1:0", "tls": "implicit", **pair})
            config["hosts"].append({"name": "app-2", "networks": [OTHER], "shops": ["shop-a"], "auth": "required"})
            config["shops"][0]["users"] = [{"name": "shop-a", "password": f"crypt:{harness.crypt_hash('secret')}"}]
        relay = self.relay(change=change)
        figures = self.during(relay, lambda: abuse.login_storm(relay, relay.addresses[1], harness.client_tls(), 60, 6, OTHER))
        self.assertEqual(set(figures["codes"]) - {535, 454}, set(), figures)
        self.assertIn(454, figures["codes"], "the address has to wait")

    def test_the_control_socket_flooded(self):
        relay = self.relay()
        self.during(relay, lambda: abuse.control_flood(relay, 500))
        self.assertTrue(harness.wait_until(lambda: relay.ctl("status")[0] == 0, "the control socket to answer again"))

    def test_a_process_that_was_stopped_goes_on_where_it_was(self):
        relay, sink = self.pair()
        first = self.assertAccepted(relay.deliver(MAIL))
        relay.signal(signal.SIGSTOP)
        waiting = abuse.socket.create_connection(abuse.endpoint(relay.address), 30)
        time.sleep(3)
        relay.signal(signal.SIGCONT)
        self.assertTrue(waiting.recv(100).startswith(b"220 "))
        waiting.close()
        second = self.assertAccepted(relay.deliver(MAIL))
        for message_id in (first, second):
            relay.wait("sent", id=message_id)
        self.assertEqual(len(relay.charges()), 2)


    def test_an_answer_that_came_while_the_process_was_stopped_counts(self):
        sink = self.sink("--script", "dot=slow 2")
        relay = self.relay(sink, lambda config: config["upstreams"][0].update(timeouts={"end_of_data": "3s"}))
        message = self.assertAccepted(relay.deliver(MAIL))
        harness.wait_until(lambda: relay.ask("status")["upstreams"][0]["connections"], "the mail to be on its way")
        relay.signal(signal.SIGSTOP)
        sink.wait_for(1)
        time.sleep(4)       # past the time limit of the answer, which lies there
        relay.signal(signal.SIGCONT)
        relay.wait("sent", id=message, attempt=1)
        self.assertEqual(relay.events("defer"), [])
        self.assertEqual(len(sink.received()), 1)


class LogTargets(harness.Scenario):
    """A log that cannot be written loses lines, never mail, and the loss is told."""

    def started(self, target, **options):
        relay = self.unstarted_relay(log={"level": "info", "format": "json", "target": target})
        relay.spawn([harness.program("ecrelayd"), "--config", str(relay.file)], env=relay.environment(), **options)
        self.addCleanup(relay.stop)
        harness.wait_until(lambda: relay.ctl("status")[0] == 0, "ecrelayd to answer")
        relay.address = relay.ask("status")["listeners"][0]["address"]
        return relay

    def test_a_log_that_nobody_reads_holds_no_mail_up(self):
        reader, writer = os.pipe()
        relay = self.started("stdout", stdout=writer)
        os.close(writer)
        with abuse.Probe(relay.address, pause=0) as probe:
            harness.wait_until(lambda: len(probe.seconds) >= 300, "300 mails, whose lines are more than a pipe holds")
        self.assertEqual(probe.failures, [])
        # What is still in the pipe keeps the last lines waiting: read it, and the relay can leave.
        drain = subprocess.Popen(["cat"], stdin=reader, stdout=subprocess.DEVNULL)
        os.close(reader)
        relay.stop()
        drain.wait(harness.PATIENCE)

    def test_a_log_on_a_full_disk_holds_no_mail_up(self):
        relay = self.started("file:/dev/full", stdout=subprocess.DEVNULL)
        for _ in range(20):
            self.assertAccepted(relay.deliver(MAIL))


if __name__ == "__main__":
    unittest.main()
