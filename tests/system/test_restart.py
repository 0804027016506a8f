#!/usr/bin/python3
"""A restart that refuses no connection, and what a supervisor is told: readiness, reloads, life."""
import os
import signal
import socket
import sqlite3
import threading
import time
import unittest

import dialogue
import harness
from harness import MAIL, wait_until


class Supervised(harness.Relay):
    """ecrelayd, its listening socket opened and kept by whoever supervises it."""

    def __init__(self, folder, config, listening, protocol):
        self.listening, self.protocol = listening, protocol
        super().__init__(folder, config)

    def spawn(self, command, **options):
        number = self.listening.fileno()
        if self.protocol == "systemd":
            told = "export LISTEN_PID=$$ LISTEN_FDS=1; "
        else:
            told, command = "", [*command, "--listen-fds", "1"]
        moved = "" if number == 3 else f"exec 3<&{number} {number}<&-; "
        super().spawn(["bash", "-c", f'{moved}{told}exec "$@"', "bash", *command], pass_fds=(number,), **options)

    def successor(self):
        return Supervised(self.folder, self.config, self.listening, self.protocol)


class Client(threading.Thread):
    """Sends one mail after the other, as an application does: what gets 421 is sent again."""

    def __init__(self, address, lane, over):
        super().__init__()
        self.address, self.lane, self.over = address, lane, over
        self.accepted, self.asked_to_retry, self.troubles, self.longest = [], 0, [], 0.0

    def run(self):
        count = 0
        while not self.over.is_set():
            count += 1
            name = b"order-%d-%d" % (self.lane, count)
            began = time.monotonic()
            while not self.send(MAIL.replace(b"order-1", name), name):
                self.asked_to_retry += 1
            self.longest = max(self.longest, time.monotonic() - began)

    def send(self, message, name):
        """False: it got 421 and is to be sent again."""
        try:
            reply = self.converse(message)
        except Exception as error:      # noqa: BLE001  (whatever it is, it is told)
            self.troubles.append(repr(error))
            return True
        if reply.code == 421:
            return False
        (self.accepted if reply.code == 250 else self.troubles).append(name if reply.code == 250 else reply.text)
        return True

    def converse(self, message):
        """The first reply that refuses, or the last."""
        with dialogue.Dialogue(self.address) as smtp:
            reply = smtp.greeting
            for step in (smtp.ehlo, lambda: smtp.envelope("info@shop-a.example", "hanako@customer.example"), lambda: smtp.data(message)):
                if reply.code >= 400:
                    return reply
                reply = step()
            smtp.quit()
            return reply


class Restarting(harness.Scenario):
    def supervised(self, upstream, protocol="systemd"):
        listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.addCleanup(listening.close)
        config = harness.base_config(self.folder, upstream.address)
        config["listeners"][0]["address"] = f"127.0.0.1:{listening.getsockname()[1]}"
        relay = Supervised(self.folder, config, listening, protocol).start()
        self.running = relay
        self.addCleanup(lambda: self.running.stop())
        return relay

    def under_traffic(self, relay, sink, restart, times):
        """Restarts while three clients send: (accepted, asked to retry, longest time of a mail)."""
        over = threading.Event()
        clients = [Client(relay.address, lane, over) for lane in range(3)]
        for client in clients:
            client.start()
        for _ in range(times):
            before = sum(len(client.accepted) for client in clients)
            restart()
            wait_until(lambda: sum(len(client.accepted) for client in clients) > before + 3, "mail to go on")
        over.set()
        for client in clients:
            client.join()
        self.assertEqual([trouble for client in clients for trouble in client.troubles], [])
        accepted = sorted(name for client in clients for name in client.accepted)
        wait_until(lambda: self.running.states() == {"sent": len(accepted)}, "every outcome in the book")
        # Exactly what was accepted, each once.
        arrived = sorted(mail.data.split(b"Message-ID: <")[1].split(b"@")[0] for mail in sink.received())
        self.assertEqual(arrived, accepted)
        self.assertEqual(len(self.running.charges()), len(accepted))
        return len(accepted), sum(client.asked_to_retry for client in clients), max(client.longest for client in clients)


class WithoutARefusedConnection(Restarting):
    TIMES = int(os.environ.get("ECRELAY_RESTARTS", 4))

    def test_systemd_restarts_it(self):
        sink = self.sink()
        relay = self.supervised(sink)
        accepted, again, longest = self.under_traffic(relay, sink, relay.restart, self.TIMES)
        print(f"{self.TIMES} restarts: {accepted} mails, {again} times 421, the longest mail took {longest:.2f} s")

    def test_a_supervisor_starts_the_successor_before_it_stops_the_old_one(self):
        sink = self.sink()
        relay = self.supervised(sink, "descriptors")

        def hand_over():
            old, fresh = self.running, self.running.successor()
            stopping = threading.Timer(0.2, old.stop)
            stopping.start()
            fresh.start()
            stopping.join()
            self.running = fresh
        accepted, again, longest = self.under_traffic(relay, sink, hand_over, self.TIMES)
        print(f"{self.TIMES} hand-overs: {accepted} mails, {again} times 421, the longest mail took {longest:.2f} s")

    def test_a_connection_made_while_nobody_runs_is_served_by_the_next(self):
        sink = self.sink()
        relay = self.supervised(sink)
        relay.stop()
        host, port = relay.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), harness.PATIENCE) as waiting:
            relay.start()
            self.assertTrue(waiting.recv(100).startswith(b"220 "))
        self.assertAccepted(relay.deliver(MAIL))
        sink.wait_for(1)

    def test_a_body_under_way_is_finished_and_who_is_idle_gets_421(self):
        sink = self.sink()
        relay = self.supervised(sink)
        with dialogue.Dialogue(relay.address) as busy, dialogue.Dialogue(relay.address) as idle:
            busy.ehlo()
            busy.envelope("info@shop-a.example", "hanako@customer.example")
            self.assertEqual(busy.ask("DATA").code, 354)
            busy.send(MAIL[:100])
            idle.ehlo()
            relay.signal(signal.SIGTERM)
            self.assertReply(idle.read(), 421, "4.3.2")
            self.assertTrue(idle.closed())
            busy.send(MAIL[100:] + b".\r\n")
            self.assertAccepted(busy.read())
        relay.stop()
        relay.start()
        sink.wait_for(1)

    def test_a_socket_that_nobody_listens_on_is_told(self):
        sink = self.sink()
        relay = self.supervised(sink)
        relay.stop()
        relay.config["listeners"][0]["address"] = "127.0.0.1:0"
        relay.listening = socket.create_server(("127.0.0.2", 0))
        self.addCleanup(relay.listening.close)
        relay.write_config()
        relay.start()
        self.assertIn(f"127.0.0.2:{relay.listening.getsockname()[1]}", relay.wait("config_warning")[0]["text"])

    def test_a_descriptor_that_is_not_open_is_no_start(self):
        relay = self.unstarted_relay()
        with self.assertRaisesRegex(AssertionError, "descriptor [0-9]+ was to be a listening socket"):
            relay.start("--listen-fds", "500")


class Notified(harness.Relay):
    """ecrelayd with a service manager that listens."""

    def __init__(self, folder, config, watchdog):
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(folder / "notify.sock"))
        self.manager.setblocking(False)
        self.watchdog, self.told = watchdog, []
        super().__init__(folder, config)

    def environment(self):
        return {**super().environment(), "NOTIFY_SOCKET": str(self.folder / "notify.sock"), "WATCHDOG_USEC": str(self.watchdog)}

    def messages(self):
        """All that was told so far, a field each."""
        try:
            while True:
                self.told += self.manager.recv(65536).decode().splitlines()
        except BlockingIOError:
            return self.told

    def alive(self):
        return self.messages().count("WATCHDOG=1")


class WhatTheServiceManagerHears(harness.Scenario):
    def notified(self, watchdog=600_000):
        sink = self.sink()
        relay = Notified(self.folder, harness.base_config(self.folder, sink.address), watchdog)
        self.addCleanup(relay.manager.close)
        self.addCleanup(relay.stop)
        return relay.start()

    def test_ready_reloading_status_and_stopping(self):
        relay = self.notified()
        wait_until(lambda: "READY=1" in relay.messages(), "READY=1")
        wait_until(lambda: any(each.startswith("STATUS=accepting mail; 0 recipients queued") for each in relay.messages()), "STATUS=")
        relay.told.clear()
        relay.signal(signal.SIGHUP)
        wait_until(lambda: "READY=1" in relay.messages(), "READY=1 after the reload")
        told = [each.split("=")[0] for each in relay.told if not each.startswith(("STATUS", "WATCHDOG"))]
        self.assertEqual(told, ["RELOADING", "MONOTONIC_USEC", "READY"])
        relay.stop()
        self.assertIn("STOPPING=1", relay.messages())

    def test_a_store_thread_that_hangs_stops_the_feeding(self):
        relay = self.notified()
        wait_until(lambda: relay.alive() > 2, "the watchdog to be fed")
        # Somebody holds the book: the store thread waits for the lock, inside its transaction.
        book = sqlite3.connect(self.folder / "state/book.db", isolation_level=None)
        book.execute("BEGIN IMMEDIATE")
        sending = threading.Thread(target=lambda: relay.deliver(MAIL))
        sending.start()
        relay.wait("store_trouble", operation="watchdog")
        fed = relay.alive()
        self.assertEqual(relay.ask("status")["running"], True)      # the network thread turns
        self.assertEqual(relay.alive(), fed)
        book.execute("ROLLBACK")
        book.close()
        wait_until(lambda: relay.alive() > fed, "the watchdog to be fed again")
        sending.join()


if __name__ == "__main__":
    unittest.main()
