#!/usr/bin/python3
"""TLS and logins on the side of the clients: nobody's password in clear, nobody in without one."""
import base64
import ssl
import subprocess
import unittest
import warnings
import xml.etree.ElementTree

import harness
from dialogue import Closed, Dialogue
from harness import MAIL

INFO, CUSTOMER = "info@shop-a.example", "hanako@customer.example"
PASSWORD = "合言葉 shop-a!"


def plain(user, password):
    return "AUTH PLAIN " + base64.b64encode(f"\0{user}\0{password}".encode()).decode()


class Tls(harness.Scenario):
    """Listeners: STARTTLS offered, STARTTLS demanded, TLS from the first byte."""

    def relay_with_tls(self, auth="none", tls_of_all=None, **more):
        files = harness.certificates()
        pair = {"certificate": f"file:{files}/cert.pem", "key": f"file:{files}/key.pem"}
        def change(config):
            config["listeners"] = [{"address": "127.0.0.1:0", "tls": mode, **pair} for mode in ("opportunistic", "required", "implicit")]
            if tls_of_all:
                config["tls"] = tls_of_all
            config["hosts"][0]["auth"] = auth
            config["hosts"][0].update(more)
            config["shops"][0]["users"] = [{"name": "shop-a", "password": f"crypt:{harness.crypt_hash(PASSWORD)}"}]
            config["shops"][1]["users"] = [{"name": "shop-b", "password": f"crypt:{harness.crypt_hash('other')}"}]
        relay = self.relay(change=change)
        self.opportunistic, self.required, self.implicit = relay.addresses
        return relay

    def encrypted(self, address):
        smtp = Dialogue(address)
        self.addCleanup(smtp.close)
        smtp.ehlo()
        self.assertEqual(smtp.starttls(harness.client_tls()).code, 220)
        smtp.ehlo()
        return smtp

    def test_a_mail_over_starttls(self):
        self.relay_with_tls()
        smtp = self.encrypted(self.opportunistic)
        self.assertNotIn("STARTTLS", smtp.features)
        self.assertIn(smtp.socket.version(), ("TLSv1.2", "TLSv1.3"))
        smtp.envelope(INFO, CUSTOMER)
        self.assertAccepted(smtp.data(MAIL))

    def test_a_mail_over_implicit_tls(self):
        self.relay_with_tls()
        with Dialogue(self.implicit, tls=harness.client_tls()) as smtp:
            smtp.ehlo()
            self.assertNotIn("STARTTLS", smtp.features)
            smtp.envelope(INFO, CUSTOMER)
            self.assertAccepted(smtp.data(MAIL))

    def test_where_tls_is_required_mail_in_clear_is_not(self):
        self.relay_with_tls()
        with Dialogue(self.required) as smtp:
            smtp.ehlo()
            self.assertReply(smtp.ask(f"MAIL FROM:<{INFO}>"), 530, "5.7.0")
        smtp = self.encrypted(self.required)
        self.assertEqual(smtp.ask(f"MAIL FROM:<{INFO}>").code, 250)

    def test_tls_1_1_is_not_spoken(self):
        self.relay_with_tls()
        context = harness.client_tls()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            Dialogue(self.implicit, tls=context)

    def test_key_exchange_is_by_curves_only(self):
        self.relay_with_tls()
        def said(*options):
            return subprocess.run(["openssl", "s_client", "-connect", self.implicit, "-brief", *options], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=harness.PATIENCE).stderr
        self.assertIn("CONNECTION ESTABLISHED", said("-groups", "P-256"))
        for options in (("-groups", "ffdhe2048"), ("-groups", "ffdhe8192"), ("-tls1_2", "-cipher", "AES128-GCM-SHA256"),
                        ("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"), ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA")):
            with self.subTest(options):
                self.assertNotIn("CONNECTION ESTABLISHED", said(*options))

    def test_a_scanner_finds_no_weakness_at_any_listener(self):
        self.relay_with_tls()
        for address, options in ((self.opportunistic, ["--starttls-smtp"]), (self.implicit, [])):
            report = self.folder / "sslscan.xml"
            subprocess.run(["sslscan", "--no-colour", f"--xml={report}", *options, address], stdin=subprocess.DEVNULL,
                           capture_output=True, check=True, timeout=5 * harness.PATIENCE)
            found = xml.etree.ElementTree.parse(report).getroot().find("ssltest")
            spoken = {(each.get("type"), each.get("version")) for each in found.iter("protocol") if each.get("enabled") == "1"}
            self.assertEqual(spoken, {("tls", "1.2"), ("tls", "1.3")})
            self.assertEqual([each.get("supported") for each in found.iter("renegotiation")], ["0"])
            self.assertEqual({each.get("vulnerable") for each in found.iter("heartbleed")}, {"0"})
            ciphers = {each.get("cipher") for each in found.iter("cipher")}
            self.assertGreaterEqual(len(ciphers), 6, "three of TLS 1.3 and three of 1.2")
            for name in ciphers:        # of 1.3 all have both; of 1.2 the name says it
                self.assertRegex(name, "^TLS_(AES|CHACHA20)|^ECDHE-.*(GCM|POLY1305)")
            groups = {each.get("name").split()[0] for each in found.iter("group")}
            self.assertEqual(groups, {"secp256r1", "secp384r1", "x25519"})

    def test_what_was_said_before_the_handshake_is_forgotten(self):
        self.relay_with_tls()
        smtp = Dialogue(self.opportunistic)
        self.addCleanup(smtp.close)
        smtp.ehlo()
        smtp.ask(f"MAIL FROM:<{INFO}>")
        smtp.starttls(harness.client_tls())
        smtp.ehlo()
        self.assertEqual(smtp.ask(f"RCPT TO:<{CUSTOMER}>").code, 503)

    def test_commands_slipped_in_before_the_handshake_end_the_session(self):
        relay = self.relay_with_tls()
        smtp = Dialogue(self.opportunistic)
        self.addCleanup(smtp.close)
        smtp.ehlo()
        smtp.send(b"STARTTLS\r\nMAIL FROM:<info@shop-a.example>\r\nRCPT TO:<victim@customer.example>\r\n")
        try:
            smtp.read()
            smtp.socket = harness.client_tls().wrap_socket(smtp.socket, server_hostname="localhost")
            reply = smtp.read()
            self.fail(f"answered {reply.text} to what came in clear")
        except (Closed, ssl.SSLError, OSError):
            pass
        self.assertNothingStored(relay)

    # ---- clients' certificates

    def shows(self, address, name=None, signed_by="ca"):
        """The answer to MAIL of a client that shows a certificate for this name (none: no certificate)."""
        context = harness.client_tls()
        if name:
            pair = harness.client_certificate(name, signed_by)
            context.load_cert_chain(f"{pair}.pem", f"{pair}-key.pem")
        with Dialogue(address, tls=context) as smtp:
            smtp.ehlo()
            return smtp.ask(f"MAIL FROM:<{INFO}>")

    def test_a_host_is_known_by_the_name_in_its_certificate_where_the_clients_ca_vouches_for_it(self):
        relay = self.relay_with_tls(certificate="app-1.example", tls_of_all={"client_ca": f"file:{harness.certificates()}/ca.pem"})
        self.assertEqual(self.shows(self.implicit, "app-1.example").code, 250)
        self.assertEqual(self.shows(self.implicit, "APP-1.example").code, 250)
        for name, signed_by in ((None, "ca"), ("app-2.example", "ca"), ("app-1.example", "other-ca"), ("*.example", "ca")):
            with self.subTest(name, signed_by=signed_by):
                self.assertReply(self.shows(self.implicit, name, signed_by), 530, "5.7.0", "certificate")
        relay.config["tls"]["client_ca"] = f"file:{harness.certificates()}/other-ca.pem"
        relay.write_config()
        self.assertEqual(relay.ctl("reload")[0], 0)
        self.assertReply(self.shows(self.implicit, "app-1.example"), 530, "5.7.0")
        self.assertEqual(self.shows(self.implicit, "app-1.example", "other-ca").code, 250)

    def test_a_listener_whose_certificate_does_not_fit_the_hostname_is_warned_of(self):
        relay = self.relay_with_tls()
        self.assertEqual(relay.events("config_warning"), [])        # on loopback localhost will do
        relay.config["listeners"][0]["address"] = "0.0.0.0:0"
        relay.write_config()
        code, said = relay.check_config()
        self.assertEqual(code, 0, said)
        self.assertIn("is not for relay-1.example.jp (hostname)", said)
        relay.restart()
        self.assertIn("is not for relay-1.example.jp", relay.events("config_warning")[0]["text"])
        relay.config["hostname"] = "localhost"
        relay.write_config()
        self.assertNotIn("is not for", relay.check_config()[1])

    # ---- logins

    def test_a_login_is_offered_under_tls_only_and_refused_in_clear(self):
        self.relay_with_tls("required")
        with Dialogue(self.opportunistic) as smtp:
            smtp.ehlo()
            self.assertNotIn("AUTH", smtp.features)
            self.assertReply(smtp.ask(plain("shop-a", PASSWORD)), 530, "5.7.0")
        smtp = self.encrypted(self.opportunistic)
        self.assertEqual(set(smtp.features["AUTH"].split()[1:]), {"PLAIN", "LOGIN"})

    def test_a_host_that_must_log_in_is_told_at_mail(self):
        self.relay_with_tls("required")
        smtp = self.encrypted(self.opportunistic)
        self.assertReply(smtp.ask(f"MAIL FROM:<{INFO}>"), 530, "5.7.0")
        self.assertReply(smtp.ask(plain("shop-a", PASSWORD)), 235, "2.7.0")
        self.assertEqual(smtp.ask(f"MAIL FROM:<{INFO}>").code, 250)

    def test_login_in_three_steps(self):
        self.relay_with_tls("required")
        smtp = self.encrypted(self.opportunistic)
        self.assertEqual(smtp.ask("AUTH LOGIN").code, 334)
        self.assertEqual(smtp.ask(base64.b64encode(b"shop-a")).code, 334)
        self.assertEqual(smtp.ask(base64.b64encode(PASSWORD.encode())).code, 235)
        smtp.envelope(INFO, CUSTOMER)
        self.assertAccepted(smtp.data(MAIL))

    def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(self):
        self.relay_with_tls("required")
        smtp = self.encrypted(self.opportunistic)
        wrong, unknown = smtp.ask(plain("shop-a", "guess")), smtp.ask(plain("nobody", "guess"))
        self.assertReply(wrong, 535, "5.7.8")
        self.assertEqual(wrong, unknown)
        self.assertReply(smtp.ask(f"MAIL FROM:<{INFO}>"), 530, "5.7.0")

    def test_five_wrong_logins_end_the_session(self):
        self.relay_with_tls("required")
        smtp = self.encrypted(self.opportunistic)
        with self.assertRaises(Closed):
            for number in range(6):
                self.assertIn(smtp.ask(plain("shop-a", f"guess {number}")).code, (535, 421))

    def test_a_login_sends_for_its_own_shop_and_for_no_other(self):
        self.relay_with_tls("required")
        smtp = self.encrypted(self.opportunistic)
        self.assertEqual(smtp.ask(plain("shop-a", PASSWORD)).code, 235)
        self.assertReply(smtp.ask("MAIL FROM:<info@shop-b.example>"), 550, "5.7.1")
        self.assertEqual(smtp.ask(f"MAIL FROM:<{INFO}>").code, 250)

    def test_a_login_of_a_shop_that_the_host_may_not_send_for(self):
        self.relay_with_tls("required", shops=["shop-b"])
        smtp = self.encrypted(self.opportunistic)
        smtp.ask(plain("shop-a", PASSWORD))
        self.assertReply(smtp.ask(f"MAIL FROM:<{INFO}>"), 550, "5.7.1")

    def test_passwords_are_in_no_log(self):
        relay = self.relay_with_tls("required")
        smtp = self.encrypted(self.opportunistic)
        smtp.ask(plain("shop-a", "guess-the-word"))
        smtp.ask(plain("shop-a", PASSWORD))
        smtp.ask("QUIT")
        relay.wait("session")
        log = relay.log.read_text() + relay.errors.read_text()
        for secret in ("guess-the-word", PASSWORD, base64.b64encode(f"\0shop-a\0{PASSWORD}".encode()).decode()):
            self.assertNotIn(secret, log)


if __name__ == "__main__":
    unittest.main()
