#!/usr/bin/python3
"""Dead addresses: accepted and dropped, free of charge, found in any spelling, cleared by one command."""
import os
import subprocess
import unittest
from pathlib import Path

import harness
from dialogue import Dialogue
from harness import MAIL

DEAD, ALIVE = "dead@customer.example", "hanako@customer.example"


class Suppression(harness.Scenario):
    def listed(self, change=None, address=DEAD):
        relay, sink = self.pair(change)
        code, output, errors = relay.ctl("suppression", "add", address, "--reason", "asked by phone")
        self.assertEqual(code, 0, output + errors)
        return relay, sink

    def test_a_listed_recipient_is_accepted_and_dropped_free_of_charge(self):
        relay, sink = self.listed()
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=[DEAD]), recipients=0, suppressed=1)
        self.assertEqual(relay.states(), {"suppressed": 1})
        self.assertEqual(relay.charges(), [])
        self.assertEqual(sink.received(), [])
        code, trace, _ = relay.ctl("trace", message_id)
        self.assertEqual(code, 0)
        self.assertIn("suppressed", trace)

    def test_a_recipient_that_becomes_listed_while_it_waits_is_dropped_untried(self):
        relay, sink = self.pair(retry={"schedule": ["1h"], "expire": "2d"})
        waiting = "tempfail@customer.example"
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=[waiting, "greylist@customer.example"]), recipients=2)
        relay.wait("defer", count=2, id=message_id)
        self.assertEqual(relay.ctl("suppression", "add", waiting, "--reason", "asked by phone")[0], 0)
        self.assertEqual(relay.ctl("queue", "retry", message_id)[0], 0)
        relay.wait("sent", id=message_id)
        relay.wait("suppressed_drop", id=message_id)
        self.assertEqual(relay.states(), {"suppressed": 1, "sent": 1})
        self.assertEqual(len(relay.events("defer")), 2, "it was not tried again")
        self.assertEqual(relay.charges(), [("shop-a", 100)])

    def test_after_its_time_one_mail_tries_and_the_others_wait_for_what_comes_of_it(self):
        relay, sink = self.pair(retry={"schedule": ["1h"], "expire": "2d"}, suppression={"quiet_after_delivery": "1h"})
        gone, busy = "permfail@customer.example", "greylist@customer.example"
        self.assertAccepted(relay.deliver(MAIL, recipients=[gone]))
        relay.wait("suppress", recipient=gone)
        self.over(relay, gone)
        self.assertAccepted(relay.deliver(MAIL, recipients=[gone]))
        relay.wait("suppress", recipient=gone)
        self.assertEqual(relay.book("SELECT (expires_ms - since_ms) / 86400000 FROM suppression WHERE closed_ms IS NULL"), [(360,)])

        relay.stop()
        with relay.write_book() as book:
            book.execute("UPDATE suppression SET key = ?, address = key", (busy,))
        relay.start()
        self.over(relay, busy)
        trial = self.assertAccepted(relay.deliver(MAIL, recipients=[busy]))
        relay.wait("defer", id=trial)
        self.assertAccepted(relay.deliver(MAIL, recipients=[busy]), recipients=0, suppressed=1)
        relay.kill()
        relay.start()
        self.assertAccepted(relay.deliver(MAIL, recipients=[busy, ALIVE]), recipients=1, suppressed=1)
        self.assertEqual(relay.ctl("queue", "retry", trial)[0], 0)
        relay.wait("sent", id=trial)
        self.assertAccepted(relay.deliver(MAIL, recipients=[busy]), recipients=0, suppressed=1)
        relay.stop()
        with relay.write_book() as book:
            book.execute("UPDATE recipient SET finished_ms = finished_ms - 7200000 WHERE key = ? AND state = 'sent'", (busy,))
        relay.start()
        self.assertAccepted(relay.deliver(MAIL, recipients=[busy]))

    def over(self, relay, address):
        """As if the time of the address's entry were over."""
        relay.stop()
        with relay.write_book() as book:
            book.execute("UPDATE suppression SET expires_ms = since_ms + 1 WHERE key = ? AND closed_ms IS NULL", (address,))
        relay.start()

    def test_the_others_of_the_same_mail_get_it(self):
        relay, sink = self.listed()
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=[DEAD, ALIVE]), recipients=1, suppressed=1)
        relay.wait("sent", id=message_id)
        (mail,) = sink.wait_for(1)
        self.assertEqual(mail.recipients, [ALIVE])
        self.assertEqual(relay.charges(), [("shop-a", 100)])

    def test_the_reply_at_rcpt_is_the_same_as_for_the_living(self):
        relay, _ = self.listed()
        with Dialogue(relay.address) as smtp:
            smtp.ehlo()
            smtp.ask("MAIL FROM:<info@shop-a.example>")
            self.assertReply(smtp.ask(f"RCPT TO:<{DEAD}>"), 250, "2.1.5")

    def test_a_host_may_ask_for_refusal_at_rcpt(self):
        relay, _ = self.listed(lambda config: config["hosts"][0].update(suppressed="reject"))
        with Dialogue(relay.address) as smtp:
            smtp.ehlo()
            smtp.ask("MAIL FROM:<info@shop-a.example>")
            self.assertReply(smtp.ask(f"RCPT TO:<{DEAD}>"), 550, "5.7.1", "suppressed (")
            self.assertEqual(smtp.ask(f"RCPT TO:<{ALIVE}>").code, 250)

    def test_any_spelling_finds_the_entry(self):
        relay, _ = self.listed(address="a..b@docomo.ne.jp")
        for spelling in ('"a..b"@docomo.ne.jp', "A..B@DOCOMO.ne.jp"):
            with self.subTest(spelling):
                self.assertAccepted(relay.deliver(MAIL, recipients=[spelling]), recipients=0, suppressed=1)
                self.assertEqual(relay.ctl("suppression", "show", spelling)[0], 0)

    def test_a_domain_in_any_script_is_one_key(self):
        relay, _ = self.listed(address="花子@日本語.example")
        for spelling in ("花子@日本語.EXAMPLE", "花子@xn--wgv71a119e.example", "<花子@日本語.example>"):
            self.assertEqual(relay.ctl("suppression", "show", spelling)[0], 0, spelling)

    def test_clearing_is_one_command_with_a_reason_and_leaves_a_history(self):
        relay, sink = self.listed()
        self.assertNotEqual(relay.ctl("suppression", "clear", DEAD)[0], 0, "a reason is asked for")
        code, output, errors = relay.ctl("suppression", "clear", DEAD, "--reason", "ticket 4711")
        self.assertEqual(code, 0, output + errors)
        self.assertEqual(relay.ctl("suppression", "show", DEAD)[0], 1)
        code, history, _ = relay.ctl("suppression", "history", DEAD)
        self.assertEqual(code, 0)
        for word in ("asked by phone", "ticket 4711", "added", "cleared"):
            self.assertIn(word, history)
        message_id = self.assertAccepted(relay.deliver(MAIL, recipients=[DEAD]))
        relay.wait("sent", id=message_id)

    def test_a_third_clearing_within_90_days_warns(self):
        relay, _ = self.pair()
        for time in (1, 2, 3):
            relay.ctl("suppression", "add", DEAD, "--reason", "hard")
            code, output, _ = relay.ctl("suppression", "clear", DEAD, "--reason", "she says it works")
            self.assertEqual(code, 0)
            self.assertEqual("cleared 3 times within 90 days" in output, time == 3, output)

    def test_an_entry_may_be_lifted_for_a_time(self):
        relay, _ = self.listed()
        self.assertIn("until", relay.ctl("suppression", "clear", DEAD, "--for", "1h", "--reason", "a test mail")[1])
        self.assertAccepted(relay.deliver(MAIL, recipients=[DEAD]))
        self.assertIn("lifted until", relay.ctl("suppression", "show", DEAD, "--lang", "en")[1])
        relay.stop()
        with relay.write_book() as book:
            book.execute("UPDATE suppression SET lifted_ms = lifted_ms - 3600000")
        relay.start()
        self.assertAccepted(relay.deliver(MAIL, recipients=[DEAD]), recipients=0, suppressed=1)

    @unittest.skipUnless(os.geteuid() == 0, "needs root: two persons are two users of the system")
    def test_a_complaint_is_cleared_by_two_persons(self):
        relay, _ = self.pair()
        self.assertEqual(relay.ctl("suppression", "add", DEAD, "--reason", "complaint")[0], 65, "whose complaint?")
        self.assertEqual(relay.ctl("suppression", "add", DEAD, "--reason", "complaint", "--shop", "shop-a")[0], 0)
        clear = ["suppression", "clear", DEAD, "--reason", "he wants receipts"]
        for _ in range(2):
            code, output, _ = relay.ctl(*clear)
            self.assertEqual(code, 1)
            self.assertIn("second person", output)
        self.assertAccepted(relay.deliver(MAIL, recipients=[DEAD]), recipients=0, suppressed=1)
        code, output, errors = self.as_somebody_else(relay, *clear)
        self.assertEqual(code, 0, errors)
        self.assertIn("cleared entry", output)
        self.assertAccepted(relay.deliver(MAIL, recipients=[DEAD]))
        self.assertEqual(relay.book("SELECT count(DISTINCT actor) FROM audit"), [(2,)])

    def as_somebody_else(self, relay, *arguments):
        """ecrelayctl as another user, who is in the group of the control socket."""
        self.folder.chmod(0o711)
        socket = Path(relay.config["control"]["socket"])
        socket.chmod(0o660)
        done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", str(socket.stat().st_gid), "--clear-groups",
                               harness.program("ecrelayctl"), "--socket", str(socket), *arguments], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def test_unsubscribes_are_a_shops_and_stay(self):
        relay, _ = self.pair()
        code, _, errors = relay.ctl("suppression", "add", DEAD, "--reason", "unsubscribe")
        self.assertEqual(code, 65)
        self.assertIn("name the shop", errors)
        code, _, errors = relay.ctl("suppression", "add", DEAD, "--reason", "unsubscribe", "--shop", "shop-a", "--for", "30d")
        self.assertEqual(code, 65)
        self.assertEqual(relay.ctl("suppression", "add", DEAD, "--reason", "unsubscribe", "--shop", "shop-a",
                                   "--evidence", "one-click, 2026-11-24")[0], 0)
        self.assertAccepted(relay.deliver(MAIL, recipients=[DEAD]), recipients=0, suppressed=1)
        other = MAIL.replace(b"info@shop-a.example", b"info@shop-b.example")
        self.assertAccepted(relay.deliver(other, sender="info@shop-b.example", recipients=[DEAD]))
        self.assertEqual(relay.ctl("suppression", "clear", "--domain", "customer.example", "--reason", "x")[0], 1)
        self.assertIn("2026-11-24", relay.ctl("suppression", "show", DEAD)[1])

    def test_mailboxes_made_late_are_cleared_by_their_domain(self):
        relay, _ = self.pair()
        file = self.folder / "list.csv"
        file.write_text("".join(f"c{n}@moved.example,,hard\n" for n in range(2500)) + "d@moved.example,shop-a,unsubscribe\n")
        self.assertEqual(relay.ctl("suppression", "import", str(file), "--reason", "bounced")[0], 0)
        code, output, _ = relay.ctl("suppression", "clear", "--domain", "moved.example", "--dry-run")
        self.assertEqual((code, output), (0, "would be cleared: hard 2500\nwould stay:       unsubscribe 1\n"))
        clear = ["suppression", "clear", "--domain", "moved.example", "--reason", "mailboxes made today"]
        self.assertEqual(relay.ctl(*clear, "--before", "2020-01-01")[0], 1)
        code, output, errors = relay.ctl(*clear, "--since", "2020-01-01")
        self.assertEqual(code, 0, errors)
        self.assertIn("2500 entries in all", output)
        self.assertEqual(relay.book("SELECT reason FROM suppression WHERE closed_ms IS NULL"), [("unsubscribe",)])

    def test_what_the_relay_listed_of_a_domain_is_undone_however_much_it_is(self):
        relay, _ = self.pair()
        relay.stop()
        with relay.write_book() as book:
            for actor, reason, count in (("relay", "hard", 2500), ("relay", "soft-count", 10), ("sato", "hard", 3)):
                book.executemany("INSERT INTO suppression (shop, key, address, reason, since_ms, evidence, actor)"
                                 " VALUES ('shop-a', ?1, ?1, ?2, 1800000000000, '550 5.1.1', ?3)",
                                 [(f"{actor}-{reason}-{n}@wave.example", reason, actor) for n in range(count)])
        relay.start()
        undo = ["suppression", "undo", "--domain", "wave.example", "--from", "2020-01-01", "--to", "2100-01-01"]
        stays = "would stay:       hard 3 soft-count 10\n"
        self.assertEqual(relay.ctl(*undo, "--dry-run")[:2], (0, "would be cleared: hard 2500\n" + stays))
        self.assertEqual(relay.ctl(*undo)[0], 65, "it needs a reason")
        code, output, errors = relay.ctl(*undo, "--reason", "the provider has said so")
        self.assertEqual(code, 0, errors)
        self.assertIn("2500 entries in all", output)
        self.assertEqual(relay.ctl(*undo, "--dry-run")[:2], (0, "would be cleared: none\n" + stays))

    def test_one_screen_tells_support_all_in_english_or_japanese(self):
        relay, sink = self.pair()
        gone = "permfail@customer.example"
        message = self.assertAccepted(relay.deliver(MAIL, recipients=[gone]))
        relay.wait("suppress", id=message)
        for _ in range(3):
            self.assertAccepted(relay.deliver(MAIL, recipients=[gone]), recipients=0, suppressed=1)
        code, english, _ = relay.ctl("suppression", "show", "PermFail@Customer.example", "--lang", "en")
        self.assertEqual(code, 0)
        for words in ("BLOCKED for shop-a", "the mailbox does not exist (hard)", "at rcpt: 550 5.1.1 User unknown", message,
                      "ご注文ありがとうございます", "3 recipients", "then one message tries again", "listed", "suppression clear"):
            self.assertIn(words, english)
        self.assertLessEqual(len(english.splitlines()), 24, english)
        code, japanese, _ = relay.ctl("suppression", "show", gone, "--lang", "ja")
        for words in ("止まっています: ショップ shop-a", "宛先のメールボックスが存在しません", "550 5.1.1 User unknown", message,
                      "3 件", "解除するには"):
            self.assertIn(words, japanese)
        code, told, _ = relay.ctl("suppression", "show", ALIVE, "--lang", "en")
        self.assertEqual(code, 1)
        self.assertIn("NOT BLOCKED", told)
        code, told, _ = relay.ctl("suppression", "show", gone, "--shop", "shop-b", "--lang", "en")
        self.assertEqual(code, 1, told)
        relay.ctl("suppression", "clear", gone, "--reason", "ticket 4711: she made the mailbox again")
        told = relay.ctl("suppression", "show", gone, "--lang", "en")[1]
        self.assertIn("NOT BLOCKED", told)
        self.assertIn("ticket 4711", told)

    def test_clearing_what_is_not_listed_is_a_no(self):
        relay, _ = self.pair()
        self.assertEqual(relay.ctl("suppression", "clear", ALIVE, "--reason", "x")[0], 1)
        self.assertEqual(relay.ctl("suppression", "show", ALIVE)[0], 1)

    def test_the_list_has_what_was_added(self):
        relay, _ = self.listed()
        code, output, _ = relay.ctl("suppression", "list")
        self.assertEqual(code, 0)
        self.assertIn(DEAD, output)


    def test_the_list_goes_out_as_a_file_and_comes_back(self):
        relay, _ = self.pair()
        file = self.folder / "list.csv"
        file.write_bytes("\ufeffaddress,shop,reason,until,evidence\r\n"
                         "a..b@docomo.ne.jp,shop-a,unsubscribe,,\"電話で, \"\"至急\"\"\"\r\n"
                         "dead@customer.example,,hard,2100-01-01,\r\n\r\n"
                         "plain@customer.example\r\n".encode())
        code, output, _ = relay.ctl("suppression", "import", str(file), "--dry-run")
        self.assertEqual((code, output), (0, "3 entries would be imported: hard 1 manual 1 unsubscribe 1\n"))
        self.assertEqual(relay.book("SELECT count(*) FROM suppression"), [(0,)])
        code, output, errors = relay.ctl("suppression", "import", str(file), "--reason", "from the old system")
        self.assertEqual(code, 0, errors)
        self.assertAccepted(relay.deliver(MAIL, recipients=[DEAD]), recipients=0, suppressed=1)
        self.assertEqual(relay.book("SELECT action, detail, reason FROM audit"),
                         [("suppression import", "3 entries", "from the old system")])
        code, exported, _ = relay.ctl("suppression", "export")
        self.assertEqual(code, 0)
        self.assertEqual(len(exported.splitlines()), 4)
        self.assertIn('"電話で, ""至急"""', exported)
        file.write_text(exported)
        self.assertEqual(relay.ctl("suppression", "import", str(file), "--reason", "again")[0], 0)
        self.assertEqual(relay.ctl("suppression", "export")[1], exported)

    def test_a_file_with_bad_lines_is_told_line_by_line_and_changes_nothing(self):
        relay, _ = self.pair()
        file = self.folder / "list.csv"
        file.write_text("ok@customer.example\nno address\na@b.jp,shop-a,dislike\na@b.jp,,,2001-01-01\n"
                        'a@b.jp,,,,"open\na@b.jp,,,,x,y\n')
        code, output, errors = relay.ctl("suppression", "import", str(file), "--reason", "x")
        self.assertEqual((code, output), (65, ""))
        for line in (2, 3, 4, 5, 6):
            self.assertIn(f"list.csv:{line}: ", errors)
        self.assertNotIn("list.csv:1:", errors)
        file.write_text("ok@customer.example\na@b.jp,shop-z\nb@b.jp,,unsubscribe\n")
        code, _, errors = relay.ctl("suppression", "import", str(file), "--reason", "x")
        self.assertEqual(code, 65)
        self.assertIn("list.csv:2: no shop 'shop-z'", errors)
        self.assertIn("list.csv:3: unsubscribe is one shop's", errors)
        self.assertEqual(relay.book("SELECT count(*) FROM suppression"), [(0,)])


if __name__ == "__main__":
    unittest.main()
