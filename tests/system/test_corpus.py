#!/usr/bin/python3
"""Real and awkward mails: what is accepted arrives byte for byte and signed; what is refused gets the
reply that CONTRACT.md names and leaves nothing behind."""
import json
import re
import sys
import unittest
from pathlib import Path

import harness
from mails import Mail, with_crlf

CORPUS = harness.SHARED / "corpus/messages"
OWN = Path(__file__).resolve().parent / "mails"

NO_FROM = (550, "5.7.1", "no From field")
NO_ADDRESS = (550, "5.7.1", "a From without an address, or whose domain has no dot")
MBOX_LINE = (554, "5.6.0", "a line in the header that is no field (an mbox separator, a torn fold)")
LINE_ENDS = (554, "5.6.0", "bare CR or bare LF: nobody may guess where such a mail ends")
# What must be refused, and why; everything else must be accepted.
REFUSED = {
    "MimeKit-issue358.txt.eml": MBOX_LINE,
    "MimeKit-multipart-related-mhtml.txt.eml": NO_FROM,
    "cyrus-imapd-headers-koi8r.bin.eml": NO_ADDRESS,
    "cyrus-imapd-headers-utf8.bin.eml": NO_ADDRESS,
    "email2slack-euc-jp.txt.eml": NO_ADDRESS,
    "email2slack-iso-2022-jp.txt.eml": NO_ADDRESS,
    "flanker-email.25.eml": LINE_ENDS,
    "flanker-russian-attachment-yahoo.eml": MBOX_LINE,
    "james-mime4j-malformedHeader-nocrlfcrlf.msg.eml": MBOX_LINE,
    "mail-attachment_pdf_non_ascii.eml": MBOX_LINE,
    "mail-attachment_with_encoded_name.eml": MBOX_LINE,
    "mail-example14.eml": MBOX_LINE,
    "mail-parser-004.eml": NO_ADDRESS,
    "mail-parser-018.eml": LINE_ENDS,
    "php-mime-mail-parser-issue116.eml": NO_FROM,
    "postal-email1.msg.eml": MBOX_LINE,
    "rspamd-numeric_urls.eml": LINE_ENDS,
    "spamassassin-mime3.eml": MBOX_LINE,
    "spamassassin-mime5.eml": MBOX_LINE,
    "spamassassin-unicode1.eml": NO_ADDRESS,
}
DROPPED = (b"bcc", b"resent-bcc", b"x-ecrelay-*")


def from_domain(data):
    """The domain in the From field, as far as one can be told."""
    for field, name in zip(Mail(data).fields, Mail(data).names()):
        if name == b"from":
            found = re.search(rb"@([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?=[>\s(,]|$)", field)
            return found and found.group(1).decode().lower()
    return None


class Corpus(harness.Scenario):
    def pass_through(self, mails, refused):
        """Every mail once through a relay whose shop owns all their From domains."""
        sink = self.sink()
        domains = sorted({"shop-a.example"} | {domain for name, data in mails.items()
                                               if name not in refused and (domain := from_domain(data))})
        relay = self.relay(sink, shops=[harness.shop(self.folder, "shop-a", *domains, algorithms=("rsa", "ed25519"))])
        accepted = {}
        for name, data in mails.items():
            reply = relay.deliver(data)
            with self.subTest(name):
                if name in refused:
                    code, enhanced, why = refused[name]
                    self.assertEqual((reply.code, reply.enhanced), (code, enhanced), f"{why}: {reply.text}")
                else:
                    accepted[self.assertAccepted(reply)] = name
        self.assertEqual(relay.book("SELECT count(*) FROM message"), [(len(accepted),)], "refused mails are stored nowhere")
        relay.wait("sent", count=len(accepted))
        arrived = {}
        for mail in sink.wait_for(len(accepted)):
            received = Mail(mail.data).value(b"received").decode()
            arrived[next(accepted[each] for each in accepted if each in received)] = mail
        self.assertEqual(set(arrived), set(accepted.values()))
        self.assertEqual(len(relay.charges()), len(accepted))
        records = harness.dkim_records(*domains, algorithms=("rsa", "ed25519"))
        for name, mail in arrived.items():
            with self.subTest(name):
                self.compare(mails[name], mail.data)
                results = harness.verify_dkim.verify(mail.data, records)
                own = [each for each in results if each["selector"] in ("r1", "e1")]
                self.assertEqual([each["result"] for each in own], ["pass", "pass"], own)
                self.assertEqual({each["domain"] for each in own}, {from_domain(mails[name])})
        self.assertPerlVerifies([mail.path for mail in arrived.values()], records)

    def compare(self, sent, arrived):
        """Ours on top, then every other field and the body byte for byte."""
        before, after = Mail(sent), Mail(arrived)
        kept = before.without(*DROPPED)
        added = after.fields[:len(after.fields) - len(kept)]
        self.assertEqual(after.fields[len(added):], kept)
        self.assertEqual(after.body, before.body)
        names = [field.split(b":")[0].lower() for field in added]
        completed = [name for name in (b"date", b"message-id") if name not in before.names()]
        self.assertEqual(names[:3], [b"dkim-signature", b"dkim-signature", b"received"])
        self.assertEqual(sorted(names[3:]), sorted(completed))

    @unittest.skipUnless(CORPUS.is_dir(), f"NO CORPUS at {CORPUS}: set ECRELAY_SHARED to the folder that holds corpus/")
    def test_every_mail_of_the_corpus(self):
        mails = {}
        for entry in json.loads((CORPUS / "index.json").read_text()):
            data = (CORPUS / entry["file"]).read_bytes()
            # Stored with LF, sent with CRLF; where both are mixed the mail is sent as it is stored.
            mails[entry["file"]] = data if "mixed-eol" in entry["flags"] else with_crlf(data)
        self.assertEqual(set(REFUSED) - set(mails), set())
        self.pass_through(mails, REFUSED)

    def test_ten_japanese_shop_mails(self):
        mails = {path.name: path.read_bytes() for path in sorted(OWN.glob("*.eml"))}
        self.assertEqual(len(mails), 10)
        self.pass_through(mails, {})


if __name__ == "__main__":
    if not CORPUS.is_dir():
        print(f"NO CORPUS at {CORPUS}: the mails of the shared corpus are NOT tested", file=sys.stderr)
    unittest.main()
