"""What `dns show` and `dns check` say of zones with one fault each, on real name servers."""
import json
import sqlite3
import unittest
import urllib.request

import harness
from harness import dkim_record, key_pem
from nameservers import Maze, Names, free_port, text_record, zone_file

SPF = "v=spf1 include:spf.relay.example ~all"
DMARC = "v=DMARC1; p=none"


class Domains(harness.Scenario):
    """A relay for shops whose zones a test prepares."""

    def setUp(self):
        super().setUp()
        self.names = Names(self)
        self.names.add("example")
        self.names.add("relay.example", [("spf", text_record("v=spf1 ip4:192.0.2.0/24 -all"))])
        self.key = dkim_record(key_pem("rsa"))
        self.domains = []

    def sound(self, **replaced):
        """The records of a domain that has everything; `replaced` owners have other values (or none: [])."""
        records = {"r1._domainkey": [self.key], "@": [SPF], "_dmarc": [DMARC]}
        records.update({{"key": "r1._domainkey", "spf": "@", "dmarc": "_dmarc"}[name]: values for name, values in replaced.items()})
        return [(owner, text_record(value)) for owner, values in records.items() for value in values]

    def domain(self, name, records, **more):
        self.names.add(name, records, **more)
        self.domains.append(name)

    def configured(self, start=True, **dns):
        shops = [harness.shop(self.folder, name.split(".")[0], name) for name in self.domains]
        make = self.relay if start else self.unstarted_relay
        return make(shops=shops, dns=self.names.settings(spf=["include:spf.relay.example"], **dns))

    def check(self, relay, *arguments):
        code, output, errors = relay.ctl("--json", "dns", "check", *arguments)
        self.assertIn(code, (0, 1), errors)
        answer = json.loads(output)
        self.assertEqual(answer["ok"], code == 0)
        return answer["domains"]

    def record(self, relay, domain, purpose):
        (report,) = self.check(relay, domain)
        return next(each for each in report["records"] if each["purpose"] == purpose)


class Check(Domains):
    def expect(self, relay, domain, purpose, state, *remarks):
        record = self.record(relay, domain, purpose)
        said = "\n".join(record["remarks"])
        self.assertEqual(record["state"], state, f"{domain}: {said}")
        for remark in remarks:
            self.assertIn(remark, said, domain)
        return record

    def test_every_fault_is_named_and_nothing_else_is_taken_for_one(self):
        key_2048, key_1024 = self.key, dkim_record(key_pem("rsa", 1024))
        other = dkim_record(key_pem("rsa", 2049))
        many = [(f"i{number}", text_record("v=spf1 ip4:192.0.2.1 -all")) for number in range(10)]
        includes = " ".join(f"include:i{number}.many-lookups.example" for number in range(10))
        verifications = [("@", text_record(f"site-verification={number:090d}")) for number in range(20)]

        self.domain("good.example", self.sound() + verifications)      # too large for UDP
        self.domain("absent.example", [])
        self.domain("two-spf.example", self.sound(spf=[SPF, "v=spf1 mx -all"]))
        self.domain("plus-all.example", self.sound(spf=["v=spf1 include:spf.relay.example +all"]))
        self.domain("many-lookups.example", self.sound(spf=[f"v=spf1 {includes} ~all"]) + many)
        self.domain("other-key.example", self.sound(key=[other]))
        self.domain("revoked.example", self.sound(key=["v=DKIM1; p="]))
        self.domain("weak.example", self.sound(key=[key_1024]))
        self.domain("syntax.example", self.sound(key=[key_2048.replace("p=", "p=!")], spf=["v=spf1 inclde:spf.relay.example -all"],
                                                 dmarc=["v=DMARC1; rua=mailto:x@syntax.example"]))
        self.domain("chain.example", [("r1._domainkey", "CNAME one.chain.example."), ("one", "CNAME keys.relay-zone.example."),
                                      *self.sound(key=[])])
        self.names.add("relay-zone.example", [("keys", text_record(self.key))])
        self.domain("disagree.example", self.sound(), second=self.sound(key=[]))
        self.domains += ["servfail.example", "silent.example", "unregistered.example"]
        self.names.add_broken("servfail.example")
        self.names.add_silent("silent.example")
        self.domain("waiting.example", self.sound(key=[]))
        self.names.start()
        relay = self.configured()

        self.expect(relay, "good.example", "dkim", "ok")
        self.assertEqual(self.check(relay, "good.example")[0]["ok"], True)
        self.expect(relay, "absent.example", "dkim", "absent", "NXDOMAIN")
        self.expect(relay, "absent.example", "spf", "absent", "the name exists, without SPF record")
        self.expect(relay, "two-spf.example", "spf", "differs", "2 SPF records")
        self.expect(relay, "plus-all.example", "spf", "differs", "+all lets everybody send")
        record = self.expect(relay, "many-lookups.example", "spf", "differs", "11 look-ups, and 10 are allowed",
                             "include:spf.relay.example is missing")
        self.assertEqual(record["lookups"], 11)
        self.expect(relay, "other-key.example", "dkim", "differs", "another key than the relay signs with")
        self.expect(relay, "revoked.example", "dkim", "differs", "revoked")
        self.expect(relay, "weak.example", "dkim", "differs", "another key", "1024 bits")
        self.expect(relay, "syntax.example", "dkim", "differs", "syntax error")
        self.expect(relay, "syntax.example", "spf", "differs", "syntax error: 'inclde:spf.relay.example'")
        self.expect(relay, "syntax.example", "dmarc", "differs", "syntax error: there is no p=")
        self.expect(relay, "chain.example", "dkim", "ok", "a chain of CNAMEs: r1._domainkey.chain.example → one.chain.example → keys.relay-zone.example")
        self.expect(relay, "disagree.example", "dkim", "waiting", "127.0.0.2 (ns2.disagree.example) does not have it")
        self.expect(relay, "servfail.example", "dkim", "unknown", "SERVFAIL")
        self.expect(relay, "silent.example", "dkim", "unknown", f"resolver {self.names.resolver.endpoint}:")
        self.expect(relay, "unregistered.example", "dkim", "absent", "NXDOMAIN")

        self.expect(relay, "waiting.example", "dkim", "absent")         # and the resolver remembers that
        self.names.change("waiting.example", self.sound())
        harness.wait_until(lambda: self.record(relay, "waiting.example", "dkim")["state"] != "absent", "the new zone to be served")
        self.expect(relay, "waiting.example", "dkim", "waiting", "still has the older answer")

        code, output, errors = relay.ctl("dns", "check", "--all")
        self.assertEqual(code, 1, errors)
        self.assertEqual(output.count(": ok\n  r1."), 2, output)        # good and chain, and no other

    def test_it_is_answered_without_the_daemon_too(self):
        self.domain("good.example", self.sound())
        self.names.start()
        relay = self.configured(start=False)
        code, output, errors = relay.ctl("dns", "check", "good.example")
        self.assertEqual(code, 0, output + errors)
        self.assertIn("r1._domainkey.good.example TXT: ok", output)
        self.assertIn("the daemon is not running", errors)

    def test_another_resolver_can_be_named(self):
        self.domain("good.example", self.sound())
        self.names.start()
        relay = self.configured()
        record = next(each for each in self.check(relay, "good.example", "--resolver", "127.0.0.1:1")[0]["records"])
        self.assertEqual(record["state"], "unknown")
        self.assertIn("resolver 127.0.0.1:1: nobody listens there", record["remarks"])
        self.assertEqual(relay.ctl("dns", "check", "good.example", "--resolver", "unbound")[0], 65)
        self.assertEqual(relay.ctl("dns", "check")[0], 65)
        code, _, errors = relay.ctl("dns", "check", "god.example")
        self.assertEqual(code, 1)
        self.assertIn("did you mean 'good.example'?", errors)


class Hostile(harness.Scenario):
    """The zones of a shop are a stranger's work."""

    def test_a_zone_that_leads_on_and_on_costs_a_bounded_number_of_questions_and_is_told(self):
        maze = Maze(free_port())
        self.addCleanup(maze.stop)
        relay = self.unstarted_relay(shops=[harness.shop(self.folder, "maze", "maze.example")],
                                     dns={"resolver": maze.endpoint, "authority_port": maze.port})
        code, output, errors = relay.ctl("--json", "dns", "check", "maze.example")
        self.assertEqual(code, 1, errors)
        self.assertLessEqual(maze.questions, 500)
        self.assertGreater(maze.questions, 300)
        report, = json.loads(output)["domains"]
        self.assertIn("DNS: not all of it was looked at: 500 questions were asked for this domain", "\n".join(report["advice"]))
        unasked = next(each for each in report["records"] if each["purpose"] == "dmarc")
        self.assertEqual(unasked["state"], "unknown", "what was not asked is not taken for absent")
        self.assertIn("not asked: 500 questions", "\n".join(unasked["remarks"]))
        _, table, _ = relay.ctl("dns", "check", "maze.example")
        self.assertIn("DNS: not all of it was looked at", table)


class Show(Domains):
    """What is shown is what a shop, its provider or the operator can use as it is."""

    def test_a_zone_that_has_the_lines_shown_passes_the_check(self):
        self.domain("new.example", [])
        self.names.start()
        relay = self.configured(dmarc="v=DMARC1; p=quarantine; rua=mailto:d@relay.example")
        code, zone, errors = relay.ctl("dns", "show", "new.example", "--format", "zone")
        self.assertEqual(code, 0, errors)
        for server in self.names.servers:
            server.write("new.example", zone_file("new.example", [], serial=2) + zone.replace("; advised: ", ""))
            server.reload()
        # The resolver remembers that nothing was there; another one that never asked would not.
        harness.wait_until(lambda: {each["state"] for each in self.check(relay, "new.example")[0]["records"]} <= {"ok", "waiting"},
                           "every record of the zone to be served")

    def test_the_operators_zones_leave_only_aliases_to_the_shop(self):
        self.names.add("keys.example", [("r1.alias.example", text_record(self.key))])
        self.names.add("bounce.example", [("@", "MX 10 relay-1.example.jp."), ("@", text_record(SPF))])
        self.domain("alias.example", [("r1._domainkey", "CNAME r1.alias.example.keys.example."), ("bounce", "CNAME bounce.example.")])
        self.names.start()
        (self.folder / "secret").write_text("0" * 64)
        (self.folder / "secret").chmod(0o600)
        relay = self.unstarted_relay(
            shops=[harness.shop(self.folder, "alias", "alias.example")],
            reports={"secret": f"file:{self.folder / 'secret'}", "listen": "127.0.0.1:0"},
            dns=self.names.settings(spf=["include:spf.relay.example"], dkim_zone="keys.example", return_path_alias="bounce.example"))
        relay.config["shops"][0]["domains"][0]["return_path"] = "bounce.alias.example"
        relay.write_config()
        code, output, errors = relay.ctl("dns", "check", "alias.example")
        self.assertEqual(code, 0, output + errors)
        _, zone, _ = relay.ctl("dns", "show", "alias.example", "--format", "zone")
        self.assertIn("r1._domainkey.alias.example. 3600 IN CNAME r1.alias.example.keys.example.\n", zone)
        self.assertIn("bounce.alias.example. 3600 IN CNAME bounce.example.\n", zone)
        self.assertLess(zone.index("; for the operator's own zone"), zone.index("r1.alias.example.keys.example. 3600 IN TXT"))
        _, letter, _ = relay.ctl("dns", "show", "alias.example", "--format", "ja")
        self.assertIn("設定済みのレコード", letter)
        self.assertNotIn("TXT       ", letter)

    def test_a_letter_asks_the_shop_and_another_one_only_informs_it(self):
        self.domain("letter.example", [("@", text_record("v=spf1 include:_spf.other.example ~all"))])
        self.names.start()
        relay = self.configured(start=False)
        code, letter, errors = relay.ctl("dns", "show", "letter.example", "--format", "ja")
        self.assertEqual(code, 0, errors)
        for words in ("件名: 【letter.example】メール配信に必要なDNSレコード設定のお願い", "下記3件のDNSレコード",
                      "ホスト名  : r1._domainkey.letter.example", "管理画面では「r1._domainkey」", self.key,
                      "現在の値  :\n    v=spf1 include:_spf.other.example ~all",
                      "値        : v=spf1 include:_spf.other.example include:spf.relay.example ~all", "必ず置き換えてください"):
            self.assertIn(words, letter)
        relay.config["shops"][0]["domains"][0]["dns"] = "operator"
        relay.write_config()
        _, letter, _ = relay.ctl("dns", "show", "letter.example", "--format", "ja")
        self.assertIn("お客様の作業は不要です", letter)
        self.assertIn("弊社にて現在のレコードを下記の値に変更いたします。", letter)
        self.assertNotIn("ください。\n  現在の値", letter)
        self.assertNotIn("設定をお願いいたします", letter)


class Life(Domains):
    """Keys sign once DNS has them; what becomes of mail before that is the domain's choice."""

    def add(self, name, records, **more):
        self.domain(name, records, ttl=1, **more)

    def key_file(self, selector, bits):
        path = self.folder / "keys" / f"{selector}.pem"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(key_pem("rsa", bits))
        path.chmod(0o600)
        return {"selector": selector, "key": f"file:{path}"}

    def started(self, change=None, **more):
        """(relay, sink): a relay that looks every second."""
        self.names.start()
        sink = self.sink()
        relay = self.unstarted_relay(sink, shops=[harness.shop(self.folder, name.split(".")[0], name) for name in self.domains],
                                     dns=self.names.settings(spf=["include:spf.relay.example"], check_every="1s"), **more)
        if change:
            change(relay.config)
            relay.write_config()
        self.addCleanup(relay.stop)
        return relay.start(), sink

    def send(self, relay, domain):
        mail = harness.MAIL.replace(b"shop-a.example", domain.encode())
        return relay.deliver(mail, sender=f"info@{domain}")

    def states(self, relay, domain):
        return {key["selector"]: key["state"] for key in relay.ask("dkim", "list")["keys"] if key["domain"] == domain}

    def assertStates(self, relay, domain, **states):
        """The book has them soon after a start or reload, which wait for no disk."""
        harness.wait_until(lambda: self.states(relay, domain) == states, f"{domain} to have {states}")

    def rotate(self, relay, domain):
        return relay.ask("dkim", "rotate", domain)

    def signed_by(self, mail):
        """(domain, selector) of every signature."""
        found = []
        for line in mail.data.split(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ").split(b"\r\n"):
            if line.startswith(b"DKIM-Signature:"):
                fields = dict(part.strip().split(b"=", 1) for part in line.split(b":", 1)[1].split(b";"))
                found.append((fields[b"d"].decode(), fields[b"s"].decode()))
        return found

    def test_a_rotation_switches_when_dns_has_the_new_key_and_can_be_resumed_at_any_point(self):
        self.add("turn.example", self.sound())
        relay, sink = self.started()
        self.assertStates(relay, "turn.example", r1="active")
        made = self.rotate(relay, "turn.example")
        self.assertEqual((made["step"], made["selector"]), ("made", "r2"))
        again = self.rotate(relay, "turn.example")
        self.assertEqual((again["step"], again["record"], again["yaml"]), ("unused", made["record"], made["yaml"]))

        relay.config["shops"][0]["domains"][0]["dkim"].append({"selector": "r2", "key": f"file:{made['file']}"})
        relay.write_config()
        self.assertEqual(relay.ctl("reload")[0], 0)
        self.assertStates(relay, "turn.example", r1="active", r2="pending")
        self.assertAccepted(self.send(relay, "turn.example"))
        self.assertEqual(self.signed_by(sink.wait_for(1)[0]), [("turn.example", "r1")])
        pending = self.rotate(relay, "turn.example")
        self.assertEqual((pending["step"], pending["dns"]["state"]), ("pending", "absent"))

        relay.kill()
        relay.start()
        self.names.change("turn.example", self.sound() + [("r2._domainkey", text_record(made["record"]))], ttl=1)
        relay.wait("dkim", selector="r2", state="active", was="pending")
        relay.wait("dkim", selector="r1", state="retiring", was="active")
        self.assertAccepted(self.send(relay, "turn.example"))
        mail = sink.wait_for(2)[1]
        self.assertEqual(self.signed_by(mail), [("turn.example", "r2")])
        self.assertSigned(mail.path, {"r2._domainkey.turn.example": made["record"]})
        self.assertStates(relay, "turn.example", r1="retiring", r2="active")
        replaced = self.rotate(relay, "turn.example")
        self.assertEqual(replaced["step"], "replaced")
        self.assertEqual([each["selector"] for each in replaced["old"]], ["r1"])

        relay.restart()         # the book remembers: nothing is told twice, and nothing is decided anew
        self.assertStates(relay, "turn.example", r1="retiring", r2="active")
        self.assertEqual(relay.events("dkim"), [])
        harness.wait_until(lambda: relay.book("SELECT 1 FROM signing_key WHERE selector = 'r1' AND state = 'retiring'"), "the book to have it")
        relay.stop()
        with sqlite3.connect(self.folder / "state" / "book.db") as book:
            book.execute("UPDATE signing_key SET until_ms = 1 WHERE selector = 'r1'")
        book.close()
        relay.start()
        relay.wait("dkim", selector="r1", state="retired")
        harness.wait_until(lambda: self.rotate(relay, "turn.example")["step"] == "finished", "the book to have it")
        _, output, _ = relay.ctl("dkim", "rotate", "turn.example")
        self.assertIn("r1 may be removed from the configuration, and from DNS", output)

    def test_mail_of_a_domain_that_holds_is_released_signed_when_dns_has_the_key(self):
        self.add("held.example", self.sound(key=[]))
        relay, sink = self.started(lambda config: config["shops"][0]["domains"][0].update(unpublished="hold"))
        reply = self.send(relay, "held.example")
        message = self.assertAccepted(reply)
        self.assertEqual(relay.states(), {"held": 1})
        _, trace, _ = relay.ctl("trace", message)
        self.assertIn("held until a DKIM key of held.example is in DNS", trace)
        relay.restart()
        self.assertEqual(sink.received(), [])
        self.names.change("held.example", self.sound(), ttl=1)
        mail = sink.wait_for(1)[0]
        self.assertSigned(mail.path, {"r1._domainkey.held.example": self.key})
        harness.wait_until(lambda: relay.states() == {"sent": 1}, "the recipient to be sent")
        self.assertEqual(relay.ask("status")["queue"]["queued"], 0)

    def held(self):
        """(relay, sink): a relay that holds a message of held.example."""
        self.add("held.example", self.sound(key=[]))
        relay, sink = self.started(lambda config: config["shops"][0]["domains"][0].update(unpublished="hold"))
        self.assertAccepted(self.send(relay, "held.example"))
        self.assertEqual(relay.states(), {"held": 1})
        return relay, sink

    def assertReleased(self, relay, sink):
        self.assertSigned(sink.wait_for(1)[0].path, {"r1._domainkey.held.example": self.key})
        harness.wait_until(lambda: relay.states() == {"sent": 1}, "the recipient to be sent")
        self.assertEqual(relay.ask("status")["queue"]["queued"], 0)

    def test_held_mail_goes_when_a_reload_ends_the_holding(self):
        relay, sink = self.held()
        del relay.config["shops"][0]["domains"][0]["unpublished"]
        relay.write_config()
        self.assertEqual(relay.ctl("reload")[0], 0)
        self.assertReleased(relay, sink)

    def test_held_mail_goes_when_nobody_looks_into_dns_any_more(self):
        relay, sink = self.held()
        del relay.config["shops"][0]["domains"][0]["unpublished"]
        del relay.config["dns"]["check_every"]
        relay.write_config()
        relay.restart()
        self.assertReleased(relay, sink)

    def test_a_domain_with_held_mail_cannot_be_taken_away_or_left_to_others_without_a_word(self):
        relay, sink = self.held()
        shop = relay.config["shops"][0]
        shop["domains"].append({"name": "other.example", "dkim": shop["domains"][0]["dkim"]})
        gone = shop["domains"].pop(0)
        relay.write_config()
        code, _, errors = relay.ctl("reload")
        self.assertEqual(code, 1)
        self.assertIn("domain held.example: removed, and 1 recipients are held until its DKIM key is in DNS", errors)
        relay.restart()         # which nobody can refuse
        self.assertIn("held until a DKIM key of held.example is in DNS, and no shop has this domain", str(relay.events("config_warning")))
        shop["domains"].append({**gone, "unpublished": "operator"})
        relay.config["dkim"] = {"operator_keys": {"domain": "relay.example", "keys": [self.key_file("o1", 2049)]}}
        relay.write_config()
        relay.restart()
        shop["domains"][1]["unpublished"] = "hold"
        relay.write_config()
        self.assertEqual(relay.ctl("reload")[0], 0)
        shop["domains"][1]["unpublished"] = "operator"
        relay.write_config()
        code, output, errors = relay.ctl("reload")
        self.assertEqual(code, 0, errors)
        self.assertIn("domain held.example: 1 recipients stay held until its own DKIM key is in DNS", output + errors)
        self.assertEqual(sink.received(), [])
        self.names.change("held.example", self.sound(), ttl=1)
        self.assertReleased(relay, sink)

    def test_the_operator_signs_for_a_domain_until_its_own_key_is_there(self):
        self.add("young.example", self.sound(key=[]))
        own = self.key_file("o1", 2049)

        def change(config):
            config["shops"][0]["domains"][0]["unpublished"] = "operator"
            config["dkim"] = {"operator_keys": {"domain": "relay.example", "keys": [own]}}

        relay, sink = self.started(change)
        self.assertAccepted(self.send(relay, "young.example"))
        mail = sink.wait_for(1)[0]
        self.assertEqual(self.signed_by(mail), [("relay.example", "o1")])
        self.assertSigned(mail.path, {"o1._domainkey.relay.example": dkim_record(key_pem("rsa", 2049))})
        self.names.change("young.example", self.sound(), ttl=1)
        relay.wait("dkim", selector="r1", state="active")
        self.assertAccepted(self.send(relay, "young.example"))
        self.assertEqual(self.signed_by(sink.wait_for(2)[1]), [("young.example", "r1")])

    def test_a_domain_may_refuse_its_mail_until_then(self):
        self.add("strict.example", self.sound(key=[]))
        relay, sink = self.started(lambda config: config["shops"][0]["domains"][0].update(unpublished="refuse"))
        self.assertReply(self.send(relay, "strict.example"), 451, "4.7.5", "strict.example")
        self.assertNothingStored(relay)
        self.names.change("strict.example", self.sound(), ttl=1)
        relay.wait("dkim", selector="r1", state="active")
        self.assertAccepted(self.send(relay, "strict.example"))
        sink.wait_for(1)

    def test_changes_are_told_once_and_survive_a_restart(self):
        self.add("watched.example", self.sound())
        relay, _ = self.started(control={"socket": str(self.folder / "control.sock"), "http": "127.0.0.1:0"})
        harness.wait_until(lambda: len(relay.book("SELECT 1 FROM dns_record")) == 3, "the first look to be in the book")
        self.assertEqual(relay.events("dns"), [])
        self.names.change("watched.example", self.sound(spf=["v=spf1 -all"], key=["v=DKIM1; p="]), ttl=1)
        # Between the change of one server and that of the other they disagree: `waiting` may come first.
        relay.wait("dns", record="spf", state="differs")
        relay.wait("dns", record="dkim r1", state="differs")
        self.assertEqual(self.states(relay, "watched.example"), {"r1": "active"})   # no answer of DNS stops a shop's mail
        with urllib.request.urlopen(f"http://{relay.events('listen', tls='http')[0]['address']}/metrics", timeout=10) as page:
            self.assertIn('ecrelay_dns_record_state{domain="watched.example",record="spf",state="differs"} 1', page.read().decode())
        harness.wait_until(lambda: len(relay.book("SELECT 1 FROM dns_record WHERE state = 'differs'")) == 2, "the book to have it")
        relay.restart()
        self.names.change("watched.example", self.sound(), ttl=1)
        relay.wait("dns_ok", record="spf")
        relay.wait("dns_ok", record="dkim r1")
        self.assertEqual(relay.events("dns", state="differs"), [])      # told before the restart

    def test_without_looking_every_key_signs_as_it_always_did(self):
        self.add("plain.example", [])
        self.names.start()
        sink = self.sink()
        relay = self.relay(sink, shops=[harness.shop(self.folder, "plain", "plain.example")], dns=self.names.settings())
        self.assertAccepted(self.send(relay, "plain.example"))
        self.assertSigned(sink.wait_for(1)[0].path, {"r1._domainkey.plain.example": self.key})
        code, _, errors = relay.ctl("dkim", "rotate", "plain.example")
        self.assertEqual(code, 1)
        self.assertIn("check_every", errors)


if __name__ == "__main__":
    unittest.main()
