#!/usr/bin/python3
"""A disk that becomes full: accepted mail is delivered, new mail is refused for the time being, and all goes
on by itself when there is space again. On a small file system of its own, which only root can mount."""
import os
import subprocess
import unittest

import harness
from dialogue import Dialogue
from harness import MAIL
from test_reports import dsn

MIB = 1 << 20
SENDER, BIG = "info@shop-a.example", MAIL + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 300


@unittest.skipIf(os.geteuid() != 0, "only root can mount a file system")
class StorageFaults(harness.Scenario):
    def setUp(self):
        super().setUp()
        self.state = self.folder / "state"
        self.state.mkdir(mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m,mode=700", "none", self.state], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.state], check=True)
        self.fillers = []

    def fill(self):
        """Every byte that is left."""
        filler = self.state / f"filler-{len(self.fillers)}"
        self.fillers.append(filler)
        with filler.open("wb", buffering=0) as file:
            for size in (MIB, 4096, 1):
                try:
                    while file.write(b"z" * size):
                        pass
                except OSError:
                    continue

    def free(self):
        for filler in self.fillers:
            filler.unlink()
        self.fillers = []

    def small_limits(self, config):
        config["limits"] = {"disk_reserve": 1, "message_size": "64KiB"}
        config["upstreams"][0]["breaker"] = {"pause": "1s", "longest_pause": "1s"}

    def waiting_mail(self, count):
        """A relay whose upstream is down, and mails in its queue."""
        sink = self.sink()
        relay = self.relay(sink, self.small_limits)
        sink.stop()
        ids = [self.assertAccepted(relay.deliver(MAIL)) for _ in range(count)]
        relay.wait("defer", count=count)
        return relay, sink, set(ids)

    def answer_to_mail(self, relay):
        with Dialogue(relay.address) as smtp:
            smtp.ehlo()
            return smtp.ask(f"MAIL FROM:<{SENDER}>").code

    def assertRefusesForNow(self, relay):
        self.assertEqual(self.answer_to_mail(relay), 452)

    def assertAllSentOnce(self, relay, sink, ids):
        harness.wait_until(lambda: not relay.states().get("queued"), "an empty queue")
        self.assertEqual(relay.states(), {"sent": len(ids)})
        self.assertEqual(len(relay.charges()), len(ids))
        self.assertEqual(len(sink.wait_for(len(ids))), len(ids))

    def test_a_full_disk_refuses_new_mail_delivers_what_waits_and_recovers_by_itself(self):
        relay, sink, ids = self.waiting_mail(5)
        with Dialogue(relay.address) as smtp:
            smtp.ehlo()
            smtp.envelope(SENDER, "late@customer.example")
            self.fill()
            self.assertReply(smtp.data(BIG), 451, "4.3.0")
        self.assertRefusesForNow(relay)
        relay.wait("store_trouble")
        sink.start()
        relay.wait("sent", count=len(ids))      # the ballast gave their outcomes room
        status = relay.ask("status")
        self.assertFalse(status["accepting"])
        self.assertRegex(status["refusing"], "full|No space left")
        self.assertEqual(relay.ctl("status")[0], 0)
        self.free()
        relay.wait("store_recovered")
        ids.add(self.assertAccepted(relay.deliver(BIG)))
        self.assertAllSentOnce(relay, sink, ids)
        self.assertTrue(relay.ask("status")["accepting"])

    def test_with_no_byte_left_outcomes_wait_and_nothing_is_sent_twice(self):
        relay, sink, ids = self.waiting_mail(5)
        self.fill()
        (self.state / "ballast").unlink()
        self.fill()
        sink.start()
        relay.wait("store_trouble")
        self.assertRefusesForNow(relay)
        self.free()
        relay.wait("store_recovered")
        ids.add(self.assertAccepted(relay.deliver(BIG)))
        self.assertAllSentOnce(relay, sink, ids)

    def test_reports_that_come_while_the_disk_is_full_are_put_off_and_count_once(self):
        relay, sink = self.pair(self.return_paths(self.small_limits))
        message = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent", id=message)
        (mail,) = sink.wait_for(1)
        def bring():
            with Dialogue(relay.addresses[-1]) as smtp:
                smtp.ehlo("mx.customer.example")
                reply = smtp.envelope("", mail.sender)
                return smtp.data(dsn()) if reply.code == 250 else reply
        for _ in range(2):      # a spell, and another while it is being mended
            self.fill()
            (self.state / "ballast").unlink(missing_ok=True)
            self.fill()
            self.assertReply(bring(), 451, "4.3.0")
            self.assertEqual(relay.book("SELECT count(*) FROM report"), [(0,)])
            self.free()
        harness.wait_until(lambda: bring().code == 250, "room for the report")
        self.assertReply(bring(), 250, "2.0.0")
        self.assertEqual(relay.book("SELECT count(*) FROM report"), [(1,)])
        self.assertEqual(relay.book("SELECT count(*) FROM suppression"), [(1,)])

    def test_a_start_on_a_full_disk_comes_up_and_delivers(self):
        relay, sink, ids = self.waiting_mail(5)
        relay.kill()
        self.fill()
        sink.start()
        relay.start()
        relay.wait("sent", count=len(ids))
        self.free()
        harness.wait_until(lambda: self.answer_to_mail(relay) == 250, "room that is noticed")
        ids.add(self.assertAccepted(relay.deliver(BIG)))
        self.assertAllSentOnce(relay, sink, ids)


@unittest.skipIf(harness.SANITIZER, "a library in front of a sanitizer's own ends the program")
class Unreadable(harness.Scenario):
    """Reads below the state folder fail (EIO) for a while."""

    def setUp(self):
        super().setUp()
        self.flag = self.folder / "unreadable"
        self.sinkhole = self.sink()
        self.running = self.unstarted_relay(self.sinkhole, lambda config: config["upstreams"][0].update(
            breaker={"pause": "1s", "longest_pause": "1s"}))
        plain, state = self.running.environment(), (self.folder / "state").resolve()
        self.running.environment = lambda: {**plain, "LD_PRELOAD": str(harness.BUILD / "tests/crash/libfragile_disk.so"),
                                            "FRAGILE_STATE": str(state), "FRAGILE_UNREADABLE": str(self.flag)}
        self.addCleanup(lambda: self.running.kill() if self.running.running() else None)
        self.running.start()

    def test_mail_waits_while_the_book_cannot_be_read_and_none_is_lost_or_sent_twice(self):
        relay = self.running
        self.sinkhole.stop()
        promised = [self.assertAccepted(relay.deliver(MAIL)) for _ in range(5)]
        relay.wait("defer", count=5)
        self.flag.touch()
        self.sinkhole.start()
        relay.wait("store_trouble")
        for _ in range(5):
            if relay.running():
                reply = relay.deliver(MAIL)
                self.assertIn(reply.code // 100, (2, 4), reply.text)
                promised += [reply.id] if reply.code == 250 else []
        self.flag.unlink()
        if not relay.running():     # as systemd would
            relay.start()
        def all_sent():
            relay.ctl("queue", "retry", "--all")
            return relay.states() == {"sent": len(promised)}
        harness.wait_until(all_sent, "all that was promised to be sent")
        self.assertEqual(len(self.sinkhole.received()), len(promised))
        self.assertEqual(len(relay.charges()), len(promised))


if __name__ == "__main__":
    unittest.main()
