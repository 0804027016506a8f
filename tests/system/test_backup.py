#!/usr/bin/python3
"""A backup made under traffic: a relay started on it goes on from one moment, with nothing missing and every sum whole."""
import threading
import unittest

import harness
from harness import MAIL


class Backup(harness.Scenario):
    def traffic(self, relay):
        """Mails from two connections until the function that comes back is called; the ids are in `accepted`."""
        self.accepted, self.over = [], threading.Event()

        def send():
            while not self.over.is_set():
                self.accepted.append(self.assertAccepted(relay.deliver(MAIL)))
        threads = [threading.Thread(target=send) for _ in range(2)]
        for thread in threads:
            thread.start()
        self.addCleanup(self.over.set)

        def stop():
            self.over.set()
            for thread in threads:
                thread.join()
        return stop

    def test_a_copy_made_under_traffic_is_a_relay_of_that_moment(self):
        relay, sink = self.pair()
        stop = self.traffic(relay)
        harness.wait_until(lambda: len(self.accepted) > 50, "some traffic")
        before, copy = set(self.accepted), self.folder / "copy"
        done = relay.ask("backup", str(copy))
        self.assertEqual(done["missing"], [])
        self.assertEqual(relay.book("SELECT action, target FROM audit"), [("backup", str(copy))])
        stop()
        self.assertGreater(len(self.accepted), len(before))
        relay.kill()
        self.folder.joinpath("state").rename(self.folder / "lost")
        copy.rename(self.folder / "state")
        relay.start()
        harness.wait_until(lambda: not relay.states().get("queued"), "an empty queue")
        kept = relay.book("SELECT count(*) FROM message")[0][0]
        self.assertGreaterEqual(kept, len(before), "mail that was accepted before the backup is not in it")
        self.assertEqual(relay.states(), {"sent": kept})
        self.assertEqual(len(relay.charges()), kept)
        self.assertEqual(relay.book("SELECT sum(sent), sum(charges), sum(messages) FROM daily"), [(kept,) * 3])
        for message_id in before:
            self.assertEqual(relay.ctl("trace", message_id)[0], 0)
        self.assertAccepted(relay.deliver(MAIL))

    def test_a_relay_that_is_down_is_copied_too_and_a_folder_with_files_is_left_alone(self):
        relay = self.relay()        # its upstream is down
        message_id = self.assertAccepted(relay.deliver(MAIL))
        relay.stop()
        copy = self.folder / "copy"
        code, output, errors = relay.ctl("backup", str(copy))
        self.assertEqual(code, 0, errors)
        self.assertIn("1 recipients queued", output)
        code, output, errors = relay.ctl("backup", str(copy))
        self.assertEqual(code, 73)
        self.assertIn("not an empty folder", errors)
        theirs, link = self.folder / "theirs", self.folder / "link"
        theirs.mkdir(mode=0o755)
        link.symlink_to(theirs)
        self.assertEqual(relay.ctl("backup", str(link))[0], 73)
        self.assertEqual(theirs.stat().st_mode & 0o777, 0o755, "what the link names is left alone")
        relay.start()
        self.assertEqual(relay.ctl("trace", message_id)[0], 0)


if __name__ == "__main__":
    unittest.main()
