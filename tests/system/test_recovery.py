#!/usr/bin/python3
"""A 250 is a promise: what was accepted is delivered and charged whatever happens to the process."""
import unittest

import harness
from harness import MAIL


class Recovery(harness.Scenario):
    def test_kill_and_restart_continues_the_queue(self):
        sink = self.sink()
        relay = self.relay(sink)
        sink.stop()
        accepted = [self.assertAccepted(relay.deliver(MAIL)) for _ in range(5)]
        relay.kill()
        sink.start()
        relay.start()
        relay.wait("sent", count=5)
        self.assertEqual({event["id"] for event in relay.events("sent")}, set(accepted))
        self.assertEqual(len(sink.wait_for(5)), 5)
        self.assertEqual(len(relay.charges()), 5)

    def test_an_orderly_restart_sends_and_charges_nothing_twice(self):
        relay, sink = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent", id=message_id)
        relay.restart()
        self.assertAccepted(relay.deliver(MAIL))
        relay.wait("sent", count=1)
        self.assertEqual(len(sink.wait_for(2)), 2)
        self.assertEqual(len(relay.charges()), 2)

    def test_suppressions_outlive_a_kill(self):
        relay, sink = self.pair()
        relay.deliver(MAIL, recipients=["permfail@customer.example"])
        relay.wait("suppress")
        relay.kill()
        relay.start()
        self.assertAccepted(relay.deliver(MAIL, recipients=["permfail@customer.example"]), recipients=0, suppressed=1)

    def test_two_relays_do_not_share_a_book(self):
        relay = self.relay()
        second = self.unstarted_relay()
        second.config["log"]["target"] = f"file:{self.folder / 'second.log'}"
        second.config["control"]["socket"] = str(self.folder / "second.sock")
        second.log = self.folder / "second.log"
        second.write_config()
        with self.assertRaises(AssertionError):
            second.start()
        self.assertTrue(relay.running())

    def test_a_folder_that_others_may_read_is_not_the_state(self):
        relay = self.relay()
        self.assertEqual((self.folder / "state").stat().st_mode & 0o077, 0)
        for path in (self.folder / "state").rglob("*"):
            self.assertEqual(path.stat().st_mode & 0o007, 0, path)


if __name__ == "__main__":
    unittest.main()
