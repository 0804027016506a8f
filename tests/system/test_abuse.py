#!/usr/bin/python3
"""Abuse, small: while it goes on others are served, and afterwards all is as before. The sizes that the
promises speak of are in tests/bench/abuse."""
import os
import resource
import signal
import subprocess
import time
import unittest

import abuse
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

    def test_lines_headers_recipients_and_noops_without_end(self):
        relay = self.relay()
        line = self.during(relay, lambda: abuse.endless_line(relay))
        self.assertLess(line["sent_bytes"], 20 * MIB, line)
        header = self.during(relay, lambda: abuse.endless_header(relay, 30 * MIB))
        self.assertTrue(header["last_reply"].startswith("552"), header)
        for attack in (abuse.endless_recipients, abuse.endless_noops):
            said = self.during(relay, lambda attack=attack: attack(relay, 1_000_000))
            self.assertLess(said["sent_bytes"], 20 * MIB, said)

    def test_descriptors_that_run_out(self):
        relay = self.unstarted_relay()
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))
        before = relay.spawn
        relay.spawn = lambda command, **options: before(command, preexec_fn=few, **options)
        relay.start()
        self.addCleanup(relay.stop)
        peers = []
        for _ in range(120):        # some of them wait in the kernel's queue, unanswered
            peers.append(abuse.socket.create_connection(abuse.endpoint(relay.address), 30))
        relay.wait("internal_error", where="accept")
        for peer in peers:
            peer.close()
        self.assertAccepted(relay.deliver(MAIL))

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
