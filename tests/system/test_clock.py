#!/usr/bin/python3
"""A wall clock that is set while the relay runs, forward and back: what waits goes out when it should and once,
nothing expires or is held for it, and what is written down has the time that the clock showed."""
import re
import struct
import time
import unittest

import abuse
import harness
from harness import MAIL
from test_reports import dsn

HOUR, DAY = 3600, 86400


@unittest.skipIf(harness.SANITIZER, "a library in front of a sanitizer's own ends the program")
class SetClock(harness.Scenario):
    def setUp(self):
        super().setUp()
        self.shift = self.folder / "shift"
        self.set_clock(0)

    def set_clock(self, seconds):
        """The relay's wall clock is so far ahead of ours from now on."""
        with self.shift.open("r+b" if self.shift.exists() else "wb") as file:
            file.write(struct.pack("<q", seconds))      # in place: the relay has it mapped

    def shifted(self, upstream, change=None, **replaced):
        relay = self.unstarted_relay(upstream, change, **replaced)
        self.preload(relay)
        return relay.start()

    def preload(self, relay):
        plain = relay.environment()
        relay.environment = lambda: {**plain, "LD_PRELOAD": str(harness.BUILD / "tests/system/libshifted_clock.so"),
                                     "SHIFTED_CLOCK": str(self.shift)}
        self.addCleanup(relay.stop)

    def patient(self, config):
        """Tries and a breaker that keep nobody waiting, and an expiry of a day."""
        config["retry"] = {"schedule": ["1s"], "expire": "1d"}
        config["upstreams"][0]["breaker"] = {"pause": "1s", "longest_pause": "1s"}

    def waiting(self):
        """A relay with a mail whose upstream is down."""
        sink = self.sink()
        relay = self.shifted(sink, self.patient)
        sink.stop()
        message = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("defer", id=message)
        return relay, sink, message

    def assertSentOnce(self, relay, sink, *messages):
        for message in messages:
            relay.wait("sent", id=message)
        self.assertEqual(relay.states(), {"sent": len(messages)})
        self.assertEqual(len(relay.charges()), len(messages))
        self.assertEqual(len(sink.wait_for(len(messages))), len(messages))

    def test_a_year_forward_expires_nothing_that_waits(self):
        relay, sink, message = self.waiting()
        self.set_clock(365 * DAY)
        relay.wait("clock")
        relay.wait("defer", count=len(relay.events("defer", id=message)) + 1, id=message)
        self.assertEqual(relay.events("expire"), [])
        sink.start()
        self.assertSentOnce(relay, sink, message)

    def test_a_day_back_holds_nothing_that_waits(self):
        relay, sink, message = self.waiting()
        self.set_clock(-DAY)
        relay.wait("clock")
        sink.start()
        fresh = self.assertAccepted(relay.deliver(MAIL))
        self.assertSentOnce(relay, sink, message, fresh)

    def test_forward_and_back_again_in_the_middle_of_sessions(self):
        sink = self.sink()
        relay = self.shifted(sink, self.patient)
        messages = []
        for jump in (0, 400 * DAY, -400 * DAY, HOUR, 0):
            with harness.dialogue.Dialogue(relay.address) as smtp:
                smtp.ehlo()
                smtp.envelope("info@shop-a.example", "hanako@customer.example")
                self.set_clock(jump)
                messages.append(self.assertAccepted(smtp.data(MAIL)))
        self.assertSentOnce(relay, sink, *messages)
        self.assertEqual(relay.ctl("reconcile")[0], 0)

    def test_charges_signatures_and_headers_have_the_time_that_the_clock_showed(self):
        sink = self.sink()
        relay = self.shifted(sink, self.patient)
        self.set_clock(40 * DAY)
        before = time.time() + 40 * DAY
        message = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent", id=message)
        after = time.time() + 40 * DAY
        ((day,),) = relay.book("SELECT day FROM ledger")
        japan = {time.strftime("%Y-%m-%d", time.gmtime(at + 9 * HOUR)) for at in (before, after)}
        self.assertIn(day, japan)
        (mail,) = sink.wait_for(1)
        stamp = int(re.search(rb"\bt=(\d+)", mail.data).group(1))
        self.assertTrue(int(before) <= stamp <= after, (before, stamp, after))

    def test_mail_that_could_not_be_read_for_want_of_descriptors_goes_within_minutes(self):
        sink = self.sink()
        relay = self.unstarted_relay(sink, self.patient)
        abuse.give_descriptors(relay, 80)
        self.preload(relay)
        relay.start()
        sink.stop()
        message = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("defer", id=message)
        peers = abuse.exhaust_descriptors(relay)
        relay.wait("store_trouble", operation="read body")
        for peer in peers:
            peer.close()
        sink.start()
        self.set_clock(120)
        self.assertSentOnce(relay, sink, message)

    def test_a_return_path_holds_though_the_clock_was_ahead_when_it_was_made(self):
        sink = self.sink()
        relay = self.shifted(sink, self.return_paths(self.patient))
        self.set_clock(20 * DAY)
        message = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent", id=message)
        self.set_clock(0)
        (mail,) = sink.wait_for(1)
        with harness.dialogue.Dialogue(relay.addresses[-1]) as smtp:
            smtp.ehlo("mx.customer.example")
            self.assertEqual(smtp.envelope("", mail.sender).code, 250)
            self.assertReply(smtp.data(dsn()), 250, "2.0.0")
        relay.wait("suppress", id=message)


if __name__ == "__main__":
    unittest.main()
