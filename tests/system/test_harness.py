#!/usr/bin/python3
"""The tools that the other scenarios trust, tried without the relay: a judge who cannot say no is none."""
import base64
import subprocess
import unittest

import dkim

import harness
import postfix
import verify_dkim


class Verifiers(harness.Scenario):
    def signed(self, algorithm="rsa"):
        pem = harness.key_pem(algorithm)
        if algorithm == "rsa":
            return dkim.sign(harness.MAIL, b"r1", b"shop-a.example", pem, canonicalize=(b"relaxed", b"relaxed")) + harness.MAIL
        der = subprocess.run(["openssl", "pkey", "-outform", "DER"], input=pem, check=True, capture_output=True).stdout
        return dkim.sign(harness.MAIL, b"e1", b"shop-a.example", base64.b64encode(der[-32:]), signature_algorithm=b"ed25519-sha256",
                         canonicalize=(b"relaxed", b"relaxed")) + harness.MAIL

    def path(self, data):
        path = self.folder / "mail.eml"
        path.write_bytes(data)
        return path

    def test_pass_a_good_signature(self):
        self.assertSigned(self.path(self.signed()), harness.dkim_records("shop-a.example"))

    def test_pass_an_ed25519_signature_in_python(self):
        results = verify_dkim.verify(self.signed("ed25519"), harness.dkim_records("shop-a.example", algorithms=("ed25519",)))
        self.assertEqual([(each["result"], each["algorithm"]) for each in results], [("pass", "ed25519-sha256")])

    def test_both_refuse_a_changed_body_a_changed_header_and_a_missing_signature(self):
        records, good = harness.dkim_records("shop-a.example"), self.signed()
        for wrong in (good.replace(b"order-1", b"order-2"), good + b"more\r\n", harness.MAIL):
            results = verify_dkim.verify(wrong, records)
            self.assertNotIn("pass", [each["result"] for each in results])
            with self.assertRaises(AssertionError):
                self.assertPerlVerifies([self.path(wrong)], records)


@unittest.skipUnless(postfix.allowed(), "Postfix needs root or sudo without a password")
class RealPostfix(unittest.TestCase):
    def swaks(self, address, *options):
        return subprocess.run(["swaks", "--server", address, "--from", "info@shop-a.example", "--helo", "app-1.example.jp", *options],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def test_demands_tls_and_a_login_and_keeps_the_mail(self):
        with postfix.Postfix(tls="encrypt", login=True) as upstream:
            self.assertNotEqual(self.swaks(upstream.address, "--to", "hanako@customer.example").returncode, 0)
            sent = self.swaks(upstream.address, "--to", "hanako@customer.example", "--tls", "--auth", "PLAIN",
                              "--auth-user", postfix.USER, "--auth-password", postfix.PASSWORD, "--body", "こんにちは")
            self.assertEqual(sent.returncode, 0, sent.stdout + sent.stderr + upstream.said())
            ((recipient, mail),) = upstream.wait_for()
            self.assertEqual(recipient, "hanako@customer.example")
            self.assertIn("こんにちは".encode(), mail)
            unknown = self.swaks(upstream.address, "--to", "unknown@customer.example", "--tls", "--auth", "PLAIN",
                                 "--auth-user", postfix.USER, "--auth-password", postfix.PASSWORD)
            self.assertIn("550 5.1.1", unknown.stdout)


if __name__ == "__main__":
    unittest.main()
