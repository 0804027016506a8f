#!/usr/bin/python3
"""Reload: the whole file or nothing of it, while mail goes on."""
import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import threading
import unittest

import dialogue
import harness
from harness import MAIL, wait_until


def mail_of(name, number=0):
    return MAIL.replace(b"shop-a.example", f"{name}.example".encode()).replace(b"order-1", f"order-{number}".encode())


class Reloading(harness.Scenario):
    def reload(self, relay, **changes):
        """Writes the configuration as it stands in `relay.config` and has it put in force."""
        relay.config.update(changes)
        relay.write_config()
        return relay.ask("reload")

    def refused(self, relay, code, *words):
        """The reload is refused; what it says has the words, and so has the log."""
        relay.write_config()
        told = len(relay.events("reload_failed"))
        # Over the socket by name: with a broken file ecrelayctl would not know where it is.
        done = subprocess.run([harness.program("ecrelayctl"), "--socket", relay.config["control"]["socket"], "reload"],
                              capture_output=True, text=True, timeout=harness.PATIENCE)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        logged = " ".join(event["text"] for event in relay.wait("reload_failed", told + 1))
        for word in words:
            self.assertIn(word, done.stderr)
            self.assertIn(word, logged)

    def sends(self, relay, name, address=None):
        return dialogue.deliver(address or relay.address, mail_of(name), sender=f"info@{name}.example")


class WhatALiveRelayTakesOver(Reloading):
    def test_shops_that_come_change_and_go(self):
        relay, sink = self.pair()
        self.assertEqual(self.sends(relay, "shop-c").code, 550)
        relay.config["shops"].append(harness.shop(self.folder, "shop-c", "shop-c.example"))
        told = self.reload(relay)
        self.assertEqual([(each["path"], each["change"]) for each in told["changes"]], [("shops[shop-c]", "added")])
        self.assertAccepted(self.sends(relay, "shop-c"))
        relay.config["shops"][2]["stopped"] = True
        self.reload(relay)
        self.assertEqual(self.sends(relay, "shop-c").code, 550)
        sink.wait_for(1)
        wait_until(lambda: relay.states() == {"sent": 1}, "the outcome in the book")
        relay.config["shops"].pop()
        told = self.reload(relay)
        self.assertEqual([(each["path"], each["change"]) for each in told["changes"]], [("shops[shop-c]", "removed")])
        self.assertEqual(self.sends(relay, "shop-c").code, 550)

    def test_limits_hold_for_the_next_message(self):
        relay, _ = self.pair()
        self.assertAccepted(self.sends(relay, "shop-a"))
        relay.config["shops"][0]["limits"] = {"messages_per_day": 1}
        self.reload(relay)
        self.assertEqual(self.sends(relay, "shop-a").code, 452)
        relay.config["shops"][0]["limits"] = {"messages_per_day": 2}
        self.reload(relay)
        self.assertAccepted(self.sends(relay, "shop-a"))
        self.reload(relay, limits={"message_size": "64KiB"})
        large = mail_of("shop-b") + b"x" * 60000 + b"\r\n" + b"x" * 10000 + b"\r\n"
        self.assertEqual(dialogue.deliver(relay.address, large, sender="info@shop-b.example").code, 552)

    def test_hosts(self):
        relay, _ = self.pair()
        relay.config["hosts"][0]["networks"] = ["192.0.2.1/32"]
        self.reload(relay)
        self.assertEqual(relay.deliver(MAIL).code, 554)
        relay.config["hosts"][0]["networks"] = ["127.0.0.1/32"]
        self.reload(relay)
        self.assertAccepted(relay.deliver(MAIL))

    def test_an_upstream_that_changes_its_servers_and_one_that_comes(self):
        relay, sink = self.pair()
        self.assertAccepted(relay.deliver(MAIL))
        sink.wait_for(1)
        other = self.sink(name="other")
        relay.config["upstreams"][0]["servers"] = [{"address": other.address}]
        told = self.reload(relay)
        self.assertEqual([each["change"] for each in told["changes"]], ["removed", "added"])
        self.assertAccepted(relay.deliver(MAIL))
        other.wait_for(1)
        third = self.sink(name="third")
        relay.config["upstreams"].append({"name": "bulk", "servers": [{"address": third.address}], "tls": "off"})
        relay.config["shops"][0]["upstream"] = "bulk"
        self.reload(relay)
        self.assertAccepted(relay.deliver(MAIL))
        third.wait_for(1)
        sink.wait_for(1)

    def test_mail_that_waits_for_a_dead_upstream_goes_when_its_address_is_mended(self):
        relay = self.relay("127.0.0.1:1", retry={"schedule": ["1s"], "expire": "1h"})
        self.assertAccepted(relay.deliver(MAIL))
        relay.wait("defer")
        sink = self.sink()
        relay.config["upstreams"][0]["servers"] = [{"address": sink.address}]
        self.reload(relay)
        sink.wait_for(1)

    def test_a_new_price_is_noted_and_charged_and_the_past_stays(self):
        relay, sink = self.pair()
        self.assertAccepted(relay.deliver(MAIL))
        wait_until(lambda: relay.charges() == [("shop-a", 100)], "the charge")
        relay.config["shops"][1]["billing"] = {"prices": [{"from": "2024-01-01", "yen": "0.25"}]}
        self.reload(relay)
        self.assertAccepted(self.sends(relay, "shop-b"))
        wait_until(lambda: relay.charges() == [("shop-a", 100), ("shop-b", 250)], "the charge at the new price")
        relay.config["billing"] = {"prices": [{"from": "2024-01-01", "yen": "0.5"}]}
        self.refused(relay, 1, "price")
        self.assertAccepted(relay.deliver(MAIL))
        wait_until(lambda: len(relay.charges()) == 3, "the charge")
        self.assertEqual(relay.charges()[2], ("shop-a", 100))
        self.assertEqual(relay.ctl("reconcile")[0], 0)

    def test_log_level_and_format(self):
        relay, _ = self.pair()
        relay.config["log"].update(level="warn")
        self.reload(relay)
        self.assertAccepted(relay.deliver(MAIL))
        relay.config["log"].update(level="info", format="text")
        self.reload(relay)
        wait_until(lambda: any(line.split()[2:3] == ["reload"] for line in relay.log.read_text().splitlines()
                               if not line.startswith("{")), "a line of text")
        self.assertNotIn('"event":"accept"', relay.log.read_text())

    def test_listeners_come_and_go(self):
        relay, sink = self.pair()
        certificates = harness.certificates()
        before = relay.address
        relay.config["listeners"].append({"address": "127.0.0.2:0", "tls": "implicit", "certificate": f"file:{certificates / 'cert.pem'}",
                                          "key": f"file:{certificates / 'key.pem'}"})
        self.reload(relay)
        fresh = next(each["address"] for each in relay.ask("status")["listeners"] if each["tls"] == "implicit")
        host, port = fresh.rsplit(":", 1)
        with smtplib.SMTP_SSL(host, int(port), context=harness.client_tls(verify=False)) as client:
            client.sendmail("info@shop-a.example", "hanako@customer.example", MAIL)
        self.assertAccepted(self.sends(relay, "shop-a", before))
        relay.config["listeners"].pop(0)
        self.reload(relay)
        with self.assertRaises(ConnectionRefusedError):
            dialogue.deliver(before, MAIL)
        with smtplib.SMTP_SSL(host, int(port), context=harness.client_tls(verify=False)) as client:
            client.sendmail("info@shop-a.example", "hanako@customer.example", MAIL)
        sink.wait_for(3)

    def test_a_session_keeps_the_listener_and_the_rules_it_began_with(self):
        relay, sink = self.pair()
        host, port = relay.address.rsplit(":", 1)
        with smtplib.SMTP(host, int(port)) as client:
            client.ehlo("app-1")
            relay.config["listeners"] = [{"address": "127.0.0.2:0", "tls": "off"}]
            relay.config["hosts"][0]["networks"] = ["127.0.0.2/32"]
            self.reload(relay)
            client.sendmail("info@shop-a.example", "hanako@customer.example", MAIL)
        sink.wait_for(1)

    def test_a_session_of_a_shop_that_is_gone_ends_with_421(self):
        relay, _ = self.pair()
        host, port = relay.address.rsplit(":", 1)
        with smtplib.SMTP(host, int(port)) as client:
            client.ehlo("app-1")
            relay.config["shops"].pop()
            self.reload(relay)
            self.assertEqual(client.mail("info@shop-b.example")[0], 421)

    def test_a_password_that_changes_counts_at_once(self):
        certificates = harness.certificates()

        def login(config):
            config["hosts"][0]["auth"] = "required"
            config["listeners"][0].update(tls="opportunistic", certificate=f"file:{certificates / 'cert.pem'}", key=f"file:{certificates / 'key.pem'}")
            config["shops"][0]["users"] = [{"name": "taro", "password": f"crypt:{harness.crypt_hash('first')}"}]
        relay, _ = self.pair(login)
        host, port = relay.address.rsplit(":", 1)

        def try_login(password):
            with smtplib.SMTP(host, int(port)) as client:
                client.starttls(context=harness.client_tls(verify=False))
                client.ehlo("app-1")
                try:
                    return client.login("taro", password)[0]
                except smtplib.SMTPAuthenticationError as error:
                    return error.smtp_code
        self.assertEqual(try_login("first"), 235)
        relay.config["shops"][0]["users"][0]["password"] = f"crypt:{harness.crypt_hash('second')}"
        self.reload(relay)
        self.assertEqual(try_login("first"), 535)
        self.assertEqual(try_login("second"), 235)


class Certificates(Reloading):
    def peer(self, address):
        host, port = address.rsplit(":", 1)
        with smtplib.SMTP(host, int(port)) as client:
            client.starttls(context=harness.client_tls(verify=False))
            return client.sock.getpeercert(binary_form=True)

    def test_new_connections_see_a_new_certificate(self):
        chain, key = self.folder / "cert.pem", self.folder / "key.pem"

        def renew():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                            "-days", "30", "-keyout", key, "-out", chain], check=True, capture_output=True)
            key.chmod(0o600)
            return ssl.PEM_cert_to_DER_cert(chain.read_text())
        first = renew()
        relay, _ = self.pair(listeners=[{"address": "127.0.0.1:0", "tls": "opportunistic", "certificate": f"file:{chain}", "key": f"file:{key}"}])
        self.assertEqual(self.peer(relay.address), first)
        second = renew()
        self.assertEqual(self.peer(relay.address), first)
        told = self.reload(relay)
        self.assertIn("(other content)", json.dumps(told, ensure_ascii=False))
        self.assertNotIn("PRIVATE KEY", json.dumps(told))
        self.assertEqual(self.peer(relay.address), second)
        chain.write_text("no certificate\n")
        self.refused(relay, 78, "certificate")
        self.assertEqual(self.peer(relay.address), second)

    def test_tls_minimum_holds_for_new_handshakes(self):
        folder = harness.certificates()
        relay, _ = self.pair(listeners=[{"address": "127.0.0.1:0", "tls": "opportunistic", "certificate": f"file:{folder / 'cert.pem'}",
                                         "key": f"file:{folder / 'key.pem'}"}])

        def version(most):
            context = harness.client_tls(verify=False)
            context.maximum_version = most
            with dialogue.Dialogue(relay.address) as smtp:
                smtp.ehlo()
                try:
                    smtp.starttls(context)
                except ssl.SSLError:
                    return None
                return smtp.socket.version()
        self.assertEqual(version(ssl.TLSVersion.TLSv1_2), "TLSv1.2")
        self.reload(relay, tls={"minimum": 1.3})
        self.assertIsNone(version(ssl.TLSVersion.TLSv1_2))
        self.assertEqual(version(ssl.TLSVersion.TLSv1_3), "TLSv1.3")

    def test_the_next_message_is_signed_with_a_new_dkim_key(self):
        relay, sink = self.pair()
        self.assertAccepted(relay.deliver(MAIL))
        fresh = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], check=True, capture_output=True).stdout
        path = self.folder / "keys/r2.pem"
        path.write_bytes(fresh)
        path.chmod(0o600)
        relay.config["shops"][0]["domains"][0]["dkim"] = [{"selector": "r2", "key": f"file:{path}"}]
        self.reload(relay)
        self.assertAccepted(relay.deliver(MAIL))
        first, second = sink.wait_for(2)
        records = harness.dkim_records(harness.SHOP_DOMAIN)
        self.assertSigned(first.path, records)
        self.assertSigned(second.path, {f"r2._domainkey.{harness.SHOP_DOMAIN}": harness.dkim_record(fresh)})


class WhatIsRefused(Reloading):
    def test_a_file_with_errors_whole(self):
        relay, sink = self.pair()
        relay.config["shops"].append(harness.shop(self.folder, "shop-c", "shop-c.example"))
        relay.config["hostnmae"] = "x"
        relay.config["limits"] = {"connections": "many"}
        self.refused(relay, 78, "did you mean 'hostname'", "connections")
        self.assertEqual(self.sends(relay, "shop-c").code, 550)
        self.assertAccepted(relay.deliver(MAIL))
        sink.wait_for(1)
        relay.signal(signal.SIGHUP)
        relay.wait("reload_failed", 4)
        self.assertAccepted(relay.deliver(MAIL))

    def test_what_needs_a_restart_is_named_and_nothing_else_is_taken(self):
        relay, _ = self.pair()
        relay.config["node"] = "relay-2"
        relay.config["dkim"] = {"signers": 3}
        relay.config["shops"].append(harness.shop(self.folder, "shop-c", "shop-c.example"))
        self.refused(relay, 1, "node: relay-1 -> relay-2: needs a restart", "dkim.signers: 0 -> 3: needs a restart")
        self.assertEqual(self.sends(relay, "shop-c").code, 550)
        relay.restart()
        self.assertAccepted(self.sends(relay, "shop-c"))

    def test_a_listener_that_cannot_be_opened(self):
        relay, _ = self.pair()
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        relay.config["listeners"].append({"address": f"127.0.0.1:{taken.getsockname()[1]}", "tls": "off"})
        relay.config["shops"].append(harness.shop(self.folder, "shop-c", "shop-c.example"))
        self.refused(relay, 1, relay.config["listeners"][1]["address"], "already in use")
        self.assertEqual(self.sends(relay, "shop-c").code, 550)

    def test_an_upstream_or_a_shop_that_still_has_mail(self):
        relay = self.relay("127.0.0.1:1")
        sink = self.sink()
        relay.config["upstreams"].append({"name": "other", "servers": [{"address": sink.address}], "tls": "off"})
        relay.config["shops"][1]["upstream"] = "other"
        self.reload(relay)
        id_a = self.assertAccepted(relay.deliver(MAIL))
        relay.wait("defer")
        gone = relay.config["upstreams"].pop(0)
        relay.config["shops"][0]["upstream"] = "other"
        self.refused(relay, 1, "upstreams[default]: removed, and 1 recipients wait")
        relay.config["upstreams"].append(gone)
        shop = relay.config["shops"].pop(0)
        self.refused(relay, 1, "shops[shop-a]: removed, and 1 recipients of its mail wait")
        relay.config["shops"].append(shop)
        self.reload(relay)
        self.assertEqual(relay.ctl("queue", "cancel", id_a, "--reason", "test")[0], 0)
        relay.config["shops"].pop()
        relay.config["upstreams"].pop()
        self.reload(relay)
        wait_until(lambda: [each["name"] for each in relay.ask("status")["upstreams"]] == ["other"], "the old upstream to be gone")
        self.assertAccepted(self.sends(relay, "shop-b"))
        sink.wait_for(1)


class Diff(Reloading):
    def test_says_what_a_file_would_change_and_what_needs_a_restart(self):
        relay, _ = self.pair()
        self.assertEqual(relay.ctl("config", "diff", str(relay.file))[0], 0)
        other = self.folder / "other.yaml"
        text = relay.file.read_text().replace('"relay-1"', '"relay-2"').replace('["1s"]', '["5s"]')
        other.write_text(text)
        code, said, _ = relay.ctl("config", "diff", str(other))
        self.assertEqual(code, 1)
        self.assertIn("node: relay-1 -> relay-2  (needs a restart)\n", said)
        self.assertIn("retry.schedule: [1s] -> [5s]\n", said)
        other.write_text(text + "hostnmae: x\n")
        code, _, errors = relay.ctl("config", "diff", str(other))
        self.assertEqual(code, 65)
        self.assertIn("did you mean 'hostname'", errors)
        self.assertEqual(relay.ctl("config", "diff", str(relay.file))[0], 0)


class UnderTraffic(Reloading):
    """The full size of this is tests/bench/reload."""
    SHOPS, RELOADS = 200, 30

    def shop_file(self, number, **more):
        name = f"shop-{number}"
        path = self.folder / f"conf.d/{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        shop = {**harness.shop(self.folder, name, f"{name}.example"), **more}
        path.write_text(f"shops: {json.dumps([shop], ensure_ascii=False)}\n")
        return path

    def test_reloads_lose_nothing_and_leak_nothing(self):
        for number in range(self.SHOPS):
            self.shop_file(number)
        relay, sink = self.pair(include=["conf.d/*.yaml"], shops=[harness.shop(self.folder, "shop-a", harness.SHOP_DOMAIN)])
        sent, troubles, over = [], [], threading.Event()

        def send(lane):
            count = 0
            while not over.is_set():
                name = f"shop-{(lane * 7 + count) % 50}"
                count += 1
                try:
                    reply = dialogue.deliver(relay.address, mail_of(name, f"{lane}-{count}"), sender=f"info@{name}.example")
                    (sent if reply.code == 250 else troubles).append(reply.text)
                except Exception as error:      # noqa: BLE001  (whatever it is, it is told)
                    troubles.append(repr(error))
        senders = [threading.Thread(target=send, args=(lane,)) for lane in range(3)]
        for sender in senders:
            sender.start()
        figures = []
        for number in range(self.RELOADS):
            self.shop_file(self.SHOPS + number % 3, weight=number + 1)
            self.shop_file(100 + number, limits={"messages_per_second": 100 + number})
            (self.folder / f"conf.d/shop-{150 + number % 40}.yaml").unlink(missing_ok=True)
            relay.config["upstreams"][0]["connections"] = 10 + number % 2
            extra = {"name": f"extra-{number}", "servers": [{"address": sink.address}], "tls": "off"}
            relay.config["upstreams"][1:] = [extra] if number % 2 else []
            relay.write_config()
            if number % 5 == 4:
                done = len(relay.events("reload"))
                relay.signal(signal.SIGHUP)
                relay.wait("reload", done + 1)
            else:
                relay.ask("reload")
            figures.append(len(os.listdir(f"/proc/{relay.process.pid}/fd")))
        over.set()
        for sender in senders:
            sender.join()
        self.assertEqual(troubles, [])
        self.assertGreater(len(sent), self.RELOADS)
        sink.wait_for(len(sent))
        wait_until(lambda: relay.states() == {"sent": len(sent)}, "every outcome in the book")
        self.assertEqual(len(relay.charges()), len(sent))
        self.assertLessEqual(max(figures[-10:]), max(figures[:10]) + 10, figures)
        rows = relay.book("SELECT actor, count(*) FROM audit WHERE action = 'reload' GROUP BY actor")
        self.assertEqual(sum(count for _, count in rows), self.RELOADS)
        self.assertEqual(dict(rows).get("signal"), self.RELOADS // 5)


if __name__ == "__main__":
    unittest.main()
