#!/usr/bin/python3
"""Secrets and files: who may read them, what is refused at the start, and where nothing secret appears."""
import os
import shutil
import subprocess
import unittest
from pathlib import Path

import harness
from harness import MAIL

NOBODY = 65534


class StateFolder(harness.Scenario):
    """Somebody has been at the state folder before the daemon starts."""

    def assertRefused(self, relay, *words):
        with self.assertRaises(AssertionError) as refusal:
            relay.start()
            self.addCleanup(relay.stop)
        for word in words:
            self.assertIn(word, str(refusal.exception))

    def test_a_symbolic_link_is_not_the_state_folder(self):
        relay = self.unstarted_relay()
        state = self.folder / "state"
        state.rename(self.folder / "elsewhere")
        state.symlink_to(self.folder / "elsewhere")
        self.assertRefused(relay, "state", "symbolic link")
        self.assertEqual(list((self.folder / "elsewhere").iterdir()), [])

    def test_links_inside_it_are_followed_by_nothing(self):
        for name in ("book.db", "lock", "spool"):
            with self.subTest(name):
                victim = self.folder / f"victim-{name}"
                victim.mkdir(mode=0o700) if name == "spool" else victim.write_text("precious")
                relay = self.unstarted_relay()
                (self.folder / "state" / name).symlink_to(victim)
                self.assertRefused(relay)
                self.assertEqual(list(victim.iterdir()) if name == "spool" else victim.read_text(), [] if name == "spool" else "precious")
                shutil.rmtree(self.folder / "state")

    def test_a_link_in_place_of_a_segment_is_neither_written_nor_read_nor_followed(self):
        relay = self.relay()
        message_id = self.assertAccepted(relay.deliver(MAIL))
        relay.stop()
        (segment,) = (self.folder / "state/spool").glob("*.seg")
        stolen = self.folder / "stolen"
        segment.rename(stolen)
        segment.symlink_to(stolen)
        before = stolen.read_bytes()
        relay.start()
        self.assertAccepted(relay.deliver(MAIL))
        relay.stop()
        self.assertEqual(stolen.read_bytes(), before)
        self.assertTrue(message_id)

    def test_a_folder_that_is_open_to_others_is_refused(self):
        relay = self.unstarted_relay()
        (self.folder / "state").chmod(0o755)
        self.assertRefused(relay, "open to other users", "chmod 700")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a file away")
    def test_a_folder_of_another_user_is_refused(self):
        relay = self.unstarted_relay()
        os.chown(self.folder / "state", NOBODY, NOBODY)
        self.assertRefused(relay, "belongs to user id 65534")

    def test_a_book_that_is_no_book_is_refused_and_left_as_it_is(self):
        relay = self.unstarted_relay()
        book = self.folder / "state/book.db"
        book.write_bytes(b"GIF89a" + b"\0" * 4096)
        book.chmod(0o600)
        self.assertRefused(relay, "book")
        self.assertTrue(book.read_bytes().startswith(b"GIF89a"))

    def test_foreign_files_in_it_are_left_alone(self):
        relay = self.unstarted_relay()
        foreign = [self.folder / "state/notes.txt"]
        foreign[0].write_text("do not touch")
        relay.start()
        self.addCleanup(relay.stop)
        foreign.append(self.folder / "state/spool/core")
        foreign[1].write_text("a core of somebody")
        self.assertAccepted(relay.deliver(MAIL))
        relay.restart()
        for path in foreign:
            self.assertTrue(path.exists(), path)

    def test_whatever_the_umask_nothing_in_it_is_readable_by_others(self):
        relay = self.unstarted_relay()
        before = os.umask(0)
        try:
            relay.start()
        finally:
            os.umask(before)
        self.addCleanup(relay.stop)
        self.assertAccepted(relay.deliver(MAIL))
        for path in [*(self.folder / "state").rglob("*"), self.folder / "relay.log", self.folder / "control.sock"]:
            self.assertEqual(path.lstat().st_mode & 0o007, 0, path)


class Secrets(harness.Scenario):
    def test_secrets_that_others_can_read_are_refused(self):
        secret = self.folder / "password"
        secret.write_text("open sesame")
        secret.chmod(0o644)
        relay = self.unstarted_relay(change=lambda config: config["upstreams"][0].update(
            tls="required", auth={"user": "relay", "password": f"file:{secret}"}))
        code, said = relay.check_config()
        self.assertEqual(code, 78)
        self.assertIn("password", said)
        self.assertNotIn("sesame", said)

    def test_no_secret_is_in_log_dump_or_command_line(self):
        secret = self.folder / "password"
        secret.write_text("open sesame 8731")
        secret.chmod(0o600)
        hashed = harness.crypt_hash("shop password")
        def change(config):
            config["upstreams"][0].update(tls="required", auth={"user": "relay", "password": f"file:{secret}"})
            config["shops"][0]["users"] = [{"name": "shop-a", "password": f"crypt:{hashed}"}]
        relay = self.relay("127.0.0.1:1", change)
        relay.deliver(MAIL)
        dump = subprocess.run([harness.program("ecrelayd"), "--config", str(relay.file), "--print-config"],
                              capture_output=True, text=True, check=True).stdout
        seen = {"the dump": dump, "the log": relay.log.read_text(), "standard error": relay.errors.read_text(),
                "status": relay.ctl("--json", "status")[1],
                "the command line": Path(f"/proc/{relay.process.pid}/cmdline").read_text(),
                "the book": (self.folder / "state/book.db").read_bytes().decode("latin-1")}
        key = harness.key_pem("rsa").decode().splitlines()[5]
        for where, text in seen.items():
            for word in ("sesame", hashed, hashed[-20:], key):
                self.assertNotIn(word, text, where)

    def test_a_crash_leaves_no_core(self):
        relay = self.relay()
        limits = Path(f"/proc/{relay.process.pid}/limits").read_text()
        (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
        self.assertEqual(line.split()[4:6], ["0", "0"], line)


if __name__ == "__main__":
    unittest.main()
