#!/usr/bin/python3
"""One message all the way: in from an authorized host, signed, out, charged once, and traceable."""
import re
import unittest

import harness
from harness import MAIL
from mails import Mail


class FirstMessage(harness.Scenario):
    def test_is_signed_delivered_charged_once_and_traced(self):
        relay, sink = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL))
        (mail,) = sink.wait_for(1)
        relay.wait("sent", id=message_id)

        self.assertEqual((mail.sender, mail.recipients), ("info@shop-a.example", ["hanako@customer.example"]))
        (signature,) = self.assertSigned(mail.path, harness.dkim_records("shop-a.example"))
        self.assertEqual((signature["domain"], signature["selector"], signature["algorithm"]),
                         ("shop-a.example", "r1", "rsa-sha256"))
        self.assertEqual(relay.charges(), [("shop-a", 100)])

        code, trace, _ = relay.ctl("trace", message_id)
        self.assertEqual(code, 0)
        for word in (message_id, "hanako@customer.example", "shop-a", "sent"):
            self.assertIn(word, trace)
        code, usage, _ = relay.ctl("usage")
        self.assertEqual(code, 0)
        self.assertIn("shop-a", usage)
        self.assertIn("0.1", usage)

    def test_arrives_as_it_was_sent_below_our_fields(self):
        relay, sink = self.pair()
        self.assertAccepted(relay.deliver(MAIL))
        (mail,) = sink.wait_for(1)
        sent, arrived = Mail(MAIL), Mail(mail.data)
        self.assertEqual(arrived.names()[:2], [b"dkim-signature", b"received"])
        self.assertEqual(arrived.fields[2:], sent.fields)
        self.assertEqual(arrived.body, sent.body)

    def test_received_names_the_client_the_relay_and_the_id(self):
        relay, sink = self.pair()
        message_id = self.assertAccepted(relay.deliver(MAIL))
        (mail,) = sink.wait_for(1)
        received = Mail(mail.data).value(b"received").decode()
        for word in ("app-1.example.jp", "127.0.0.1", "relay-1.example.jp", "ESMTP", message_id, "+0900"):
            self.assertIn(word, received)

    def test_a_missing_date_and_message_id_are_completed_and_signed(self):
        relay, sink = self.pair()
        bare = re.sub(rb"(?m)^(Date|Message-ID):[^\n]*\n", b"", MAIL)
        self.assertAccepted(relay.deliver(bare))
        (mail,) = sink.wait_for(1)
        arrived = Mail(mail.data)
        self.assertRegex(arrived.value(b"message-id").strip(), rb"^<[^<>@\s]+@[^<>@\s]+>$")
        self.assertRegex(arrived.value(b"date").strip(), rb"^\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0900$")
        (signature,) = self.assertSigned(mail.path, harness.dkim_records("shop-a.example"))
        self.assertTrue({"date", "message-id", "from", "to", "subject"} <= {name.lower() for name in signature["headers"]})

    def test_signed_fields_are_oversigned_and_no_length_is_given(self):
        relay, sink = self.pair()
        self.assertAccepted(relay.deliver(MAIL))
        (mail,) = sink.wait_for(1)
        (signature,) = self.assertSigned(mail.path, harness.dkim_records("shop-a.example"))
        names = [name.lower() for name in signature["headers"]]
        for field in ("from", "to", "subject", "date", "message-id"):
            self.assertEqual(names.count(field), 2, f"{field} once for itself and once against a second one")
        self.assertNotIn("l", signature["tags"])
        self.assertEqual(signature["tags"]["c"], "relaxed/relaxed")
        forged = b"From: somebody@else.example\r\n" + mail.data
        self.assertNotIn("pass", [each["result"] for each in harness.verify_dkim.verify(forged, harness.dkim_records("shop-a.example"))])

    def test_bcc_and_our_own_fields_do_not_leave(self):
        relay, sink = self.pair()
        fields = b'Bcc: secret@shop-a.example\r\nX-ECRelay-Tag: campaign-1\r\nX-ECRelay-Lane: bulk\r\nX-ECRelay-Metadata: {"a":1}\r\n'
        self.assertAccepted(relay.deliver(fields + MAIL))
        (mail,) = sink.wait_for(1)
        self.assertNotIn(b"bcc", Mail(mail.data).names())
        self.assertFalse([name for name in Mail(mail.data).names() if name.startswith(b"x-ecrelay")])

    def test_a_domain_with_two_keys_is_signed_twice(self):
        sink = self.sink()
        relay = self.relay(sink, shops=[harness.shop(self.folder, "shop-a", "shop-a.example", algorithms=("rsa", "ed25519"))])
        self.assertAccepted(relay.deliver(MAIL))
        (mail,) = sink.wait_for(1)
        results = self.assertSigned(mail.path, harness.dkim_records("shop-a.example", algorithms=("rsa", "ed25519")), signatures=2)
        self.assertEqual({each["algorithm"] for each in results}, {"rsa-sha256", "ed25519-sha256"})

    def test_an_upstream_that_takes_one_signature_gets_one(self):
        def rsa_only(config):
            config["upstreams"][0]["signatures"] = ["rsa-sha256"]
        sink = self.sink()
        relay = self.relay(sink, rsa_only, shops=[harness.shop(self.folder, "shop-a", "shop-a.example", algorithms=("rsa", "ed25519"))])
        self.assertAccepted(relay.deliver(MAIL))
        (mail,) = sink.wait_for(1)
        self.assertEqual(Mail(mail.data).names().count(b"dkim-signature"), 1)
        self.assertSigned(mail.path, harness.dkim_records("shop-a.example"))

    def test_several_recipients_are_one_message_one_charge(self):
        relay, sink = self.pair()
        recipients = [f"customer-{number}@customer.example" for number in range(5)]
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=recipients), recipients=5)
        relay.wait("sent", count=5, id=message_id)
        self.assertEqual(sorted(each for mail in sink.received() for each in mail.recipients), recipients)
        self.assertEqual(relay.charges(), [("shop-a", 100)])

    def test_the_null_sender_is_paid_by_the_shop_of_the_from(self):
        relay, sink = self.pair()
        self.assertAccepted(relay.deliver(MAIL, sender=""))
        (mail,) = sink.wait_for(1)
        self.assertEqual(mail.sender, "")
        relay.wait("sent")
        self.assertEqual(relay.charges(), [("shop-a", 100)])

    def test_carrier_addresses_outside_the_grammar_are_delivered(self):
        relay, sink = self.pair()
        odd = ["hana..ko@docomo.ne.jp", "hanako.@docomo.ne.jp", ".hanako@ezweb.ne.jp", '"ta..ro"@docomo.ne.jp']
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=odd), recipients=4)
        relay.wait("sent", count=4, id=message_id)
        arrived = {each.replace('"', "") for mail in sink.received() for each in mail.recipients}
        self.assertEqual(arrived, {each.replace('"', "") for each in odd})


if __name__ == "__main__":
    unittest.main()
