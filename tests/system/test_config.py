#!/usr/bin/python3
"""The configuration: everything that is wrong is told at once, by file, line and column, with 78."""
import json
import re
import signal
import subprocess
import unittest

import harness
from harness import MAIL, TOP


class Check(harness.Scenario):
    def setUp(self):
        super().setUp()
        self.relay_ = self.unstarted_relay()

    def check(self, text):
        self.relay_.file.write_text(text)
        return self.relay_.check_config()

    def good(self):
        return self.relay_.file.read_text()

    def test_a_good_one_passes_in_silence_of_errors(self):
        code, said = self.relay_.check_config()
        self.assertEqual(code, 0, said)
        self.assertNotIn("error", said)

    def test_a_mistyped_key_is_told_with_its_place_and_what_was_meant(self):
        code, said = self.check(self.good().replace("hostname:", "hostnmae:"))
        self.assertEqual(code, 78)
        self.assertRegex(said, rf"{self.relay_.file}:3:1: error: .*hostnmae.*did you mean 'hostname'")

    def test_every_error_is_told_at_once(self):
        broken = self.good().replace("retry:", "retyr:").replace('"tls": "off"', '"tls": "maybe"').replace("version: 1", "version: 2") + "node: twice\n"
        code, said = self.check(broken)
        self.assertEqual(code, 78)
        for word in ("retyr", "maybe", "version", "node"):
            self.assertIn(word, said)
        self.assertGreaterEqual(said.count(": error: "), 4, said)

    def test_a_daemon_with_a_bad_configuration_does_not_start(self):
        self.relay_.file.write_text("version: 1\n")
        done = subprocess.run([harness.program("ecrelayd"), "--config", str(self.relay_.file)], capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertEqual(done.returncode, 78)
        self.assertIn("error:", done.stderr)
        self.assertEqual(list((self.folder / "state").iterdir()), [])

    def test_a_file_that_is_not_there_is_named(self):
        self.relay_.file.unlink()
        code, said = self.relay_.check_config()
        self.assertEqual(code, 78)
        self.assertIn(str(self.relay_.file), said)

    def test_an_alias_bomb_is_refused(self):
        code, said = self.check("a: &a [x, x]\nb: &b [*a, *a]\n" + self.good())
        self.assertEqual(code, 78)
        self.assertIn("error:", said)

    def test_a_missing_dkim_key_and_one_that_others_can_read(self):
        key = self.folder / "keys/rsa.pem"
        key.chmod(0o644)
        code, said = self.relay_.check_config()
        self.assertEqual(code, 78)
        self.assertIn("rsa.pem", said)
        key.unlink()
        code, said = self.relay_.check_config()
        self.assertEqual(code, 78)
        self.assertIn("rsa.pem", said)

    def test_a_key_that_is_none(self):
        for pem in (b"no key\n", b""):
            (self.folder / "keys/rsa.pem").write_bytes(pem)
            self.assertEqual(self.relay_.check_config()[0], 78)

    def test_a_key_that_is_too_short_to_be_believed(self):
        (self.folder / "keys/rsa.pem").write_bytes(harness.key_pem("rsa", 768))
        self.assertEqual(self.relay_.check_config()[0], 78)

    def test_no_setting_lets_the_world_in(self):
        for networks in (["0.0.0.0/0"], ["::/0"], ["0.0.0.0/1", "128.0.0.0/1"]):
            with self.subTest(networks):
                self.relay_.config["hosts"][0]["networks"] = networks
                self.relay_.write_config()
                self.assertEqual(self.relay_.check_config()[0], 78)

    def test_a_domain_of_two_shops(self):
        self.relay_.config["shops"][1]["domains"] = self.relay_.config["shops"][0]["domains"]
        self.relay_.write_config()
        code, said = self.relay_.check_config()
        self.assertEqual(code, 78)
        self.assertIn("shop-a.example", said)

    def test_shops_may_live_in_files_of_their_own(self):
        config, folder = self.relay_.config, self.folder / "conf.d"
        folder.mkdir()
        (folder / "shop-b.yaml").write_text("shops: " + json.dumps([config["shops"].pop()], ensure_ascii=False) + "\n")
        config["include"] = ["conf.d/*.yaml"]
        self.relay_.write_config()
        self.assertEqual(self.relay_.check_config(), (0, self.relay_.check_config()[1]))
        self.addCleanup(self.relay_.stop)
        self.relay_.start()
        shop_b = MAIL.replace(b"shop-a.example", b"shop-b.example")
        self.assertAccepted(self.relay_.deliver(shop_b, sender="info@shop-b.example"))

    def test_print_config_shows_defaults_and_hides_secrets(self):
        self.relay_.config["shops"][0]["users"] = [{"name": "shop-a", "password": f"crypt:{harness.crypt_hash('secret')}"}]
        self.relay_.write_config()
        done = subprocess.run([harness.program("ecrelayd"), "--config", str(self.relay_.file), "--print-config"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("messages_per_connection: 100", done.stdout)
        self.assertNotIn("$y$", done.stdout)
        self.assertNotIn("PRIVATE KEY", done.stdout)

    def test_the_example_passes_the_check(self):
        done = subprocess.run([harness.program("ecrelayd"), "--config", str(TOP / "config/ecrelay.yaml"), "--check-config"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_version_and_usage(self):
        done = subprocess.run([harness.program("ecrelayd"), "--version"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^ecrelayd? \d+\.\d+\.\d+")
        done = subprocess.run([harness.program("ecrelayd"), "--confg", "x"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 64)
        self.assertIn("--confg", done.stderr)


class Change(harness.Scenario):
    def test_a_changed_file_is_not_in_force_before_somebody_says_so(self):
        relay, _ = self.pair()
        shop_c = MAIL.replace(b"shop-a.example", b"shop-c.example")
        relay.config["shops"].append(harness.shop(self.folder, "shop-c", "shop-c.example"))
        relay.write_config()
        self.assertEqual(relay.deliver(shop_c, sender="info@shop-c.example").code, 550)
        relay.restart()
        self.assertAccepted(relay.deliver(shop_c, sender="info@shop-c.example"))

    def test_sighup_never_ends_the_relay(self):
        relay, _ = self.pair()
        relay.signal(signal.SIGHUP)
        relay.wait("reload")
        self.assertAccepted(relay.deliver(MAIL))


if __name__ == "__main__":
    unittest.main()
