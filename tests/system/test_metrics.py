"""What monitoring reads from a running relay, and that dashboards and alerts ask for what is there."""
import json
import re
import subprocess
import unittest
import urllib.request

from harness import MAIL, PATIENCE, TOP, Scenario, certificates, wait_until

MONITORING = TOP / "config/monitoring"


def get(relay, path):
    [http] = [event["address"] for event in relay.events("listen", tls="http")]
    with urllib.request.urlopen(f"http://{http}{path}", timeout=PATIENCE) as answer:
        return answer.read().decode()


def families(text):
    return dict(re.findall(r"(?m)^# TYPE (\S+) (\S+)$", text))


def value(text, sample):
    """The number of one sample, as `name{label="x"}`."""
    return float(re.search(rf"(?m)^{re.escape(sample)} (\S+)$", text).group(1))


def deliver(relay, *recipients):
    [relay.address] = [event["address"] for event in relay.events("listen", tls="off")]
    return relay.deliver(MAIL, sender="info@shop-a.example", recipients=list(recipients))


def with_http(config):
    config["control"]["http"] = "127.0.0.1:0"


def expressions():
    """Every PromQL expression of the dashboards and rules, with where it stands."""
    for path in sorted((MONITORING / "dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield f"{path.name}: {panel['title']}", target["expr"]
    text = (MONITORING / "alerts.yaml").read_text()
    for alert, expr in re.findall(r"- alert: (\S+)\n\s+expr: (?:>-\n)?((?:.*\n)+?)\s+(?:for|labels):", text):
        yield alert, expr


def promtool(*arguments, text=None):
    done = subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Metrics(Scenario):
    def watched(self):
        sink = self.sink()
        tls = certificates()
        def change(config):
            with_http(config)
            config["listeners"].append({"address": "127.0.0.1:0", "tls": "opportunistic",
                                        "certificate": f"file:{tls / 'cert.pem'}", "key": f"file:{tls / 'key.pem'}"})
        return self.relay(sink, change=change)

    def test_promtool_finds_nothing_to_say(self):
        relay = self.watched()
        wait_until(lambda: "ecrelay_months" in get(relay, "/metrics"), "the figures of the book")
        self.assertEqual(promtool("check", "metrics", text=get(relay, "/metrics")), "")

    def test_a_mail_is_seen_from_its_commands_to_its_charge(self):
        relay = self.watched()
        self.assertAccepted(deliver(relay, "hanako@customer.example"))
        relay.wait("sent")
        text = wait_until(lambda: 'outcome="sent"} 1' in (now := get(relay, "/metrics")) and now, "the mail to be counted")
        for verb in ("mail", "rcpt", "data", "body"):
            self.assertEqual(value(text, f'ecrelay_smtp_reply_seconds_count{{verb="{verb}"}}'), 1, verb)
        self.assertEqual(value(text, "ecrelay_messages_accepted_total"), 1)
        self.assertEqual(value(text, "ecrelay_signing_seconds_count"), 1)
        self.assertEqual(value(text, 'ecrelay_delivery_attempt_seconds_count{upstream="default"}'), 1)
        self.assertEqual(value(text, 'ecrelay_delivery_delay_seconds_count{upstream="default"}'), 1)
        self.assertEqual(value(text, "ecrelay_charged_yen_total"), 0.1)
        self.assertEqual(value(text, 'ecrelay_events_total{event="sent"}'), 1)
        self.assertGreater(value(text, "ecrelay_store_batch_items_sum"), 1)
        self.assertGreater(value(text, "process_resident_memory_bytes"), 1e6)
        self.assertGreater(value(text, "process_open_fds"), 5)
        self.assertRegex(text, r'ecrelay_certificate_expiry_timestamp_seconds\{listener="127.0.0.1:\d+"\} 1\d{9}\.')

    def test_an_entry_of_a_dry_run_is_counted_as_such(self):
        def made(config):
            with_http(config)
            config["suppression"] = {"dry_run": True}
        relay = self.relay(self.sink(), change=made)
        for change, address in (("dry_run", "permfail@a.example"), ("listed", "permfail@b.example")):
            self.assertAccepted(deliver(relay, address))
            relay.wait("suppress")
            text = get(relay, "/metrics")
            for each in ("dry_run", "listed"):
                self.assertEqual(value(text, f'ecrelay_suppression_changes_total{{change="{each}"}}'), each == change, change)
            relay.config["suppression"] = {"dry_run": False}
            relay.write_config()
            relay.restart()

    def test_the_queue_and_its_age_come_from_the_book(self):
        relay = self.relay("127.0.0.1:1", change=with_http)
        self.assertAccepted(deliver(relay, "a@customer.example", "b@customer.example"), recipients=2)
        relay.restart()     # the book is read at once at the start, then every half minute
        text = wait_until(lambda: "ecrelay_months" in (now := get(relay, "/metrics")) and now, "the figures of the book")
        self.assertEqual(value(text, 'ecrelay_queue_state_recipients{state="queued"}'), 2)
        self.assertGreater(value(text, "ecrelay_queue_oldest_age_seconds"), 0)
        self.assertEqual(value(text, 'ecrelay_months{state="open"}'), 1)

    def test_every_name_in_dashboards_and_alerts_is_in_the_output(self):
        relay = self.watched()
        text = wait_until(lambda: "ecrelay_months" in (now := get(relay, "/metrics")) and now, "the figures of the book")
        known, events = families(text), set(re.findall(r'ecrelay_events_total\{event="(\w+)"\}', text))
        found = list(expressions())
        self.assertGreater(len(found), 50)
        used = set()
        for place, expr in found:
            for name in re.findall(r"\b(?:ecrelay|process)_\w+", expr):
                family = re.sub(r"_(bucket|sum|count)$", "", name)
                self.assertIn(name if name in known else family, known, f"{place}: {name}")
                self.assertTrue(name in known or known[family] == "histogram", f"{place}: {name}")
                used.add(family)
            for names in re.findall(r'event=~?"([\w|]+)"', expr):
                self.assertLessEqual(set(names.split("|")), events, place)
        self.assertEqual(sorted(set(known) - used - {"ecrelay_queue_recipients", "ecrelay_recipients_accepted_total", "process_start_time_seconds"}), [],
                         "families that nobody looks at")


class Rules(unittest.TestCase):
    def test_promtool_takes_the_rules_and_each_has_a_runbook(self):
        self.assertIn("SUCCESS", promtool("check", "rules", MONITORING / "alerts.yaml"))
        text = (MONITORING / "alerts.yaml").read_text()
        self.assertEqual(text.count("- alert:"), text.count("runbook:"))
        self.assertEqual(text.count("- alert:"), len(re.findall(r"severity: (?:page|ticket)\}", text)))

    def test_alerts_fire_when_they_should_and_not_before(self):
        promtool("test", "rules", TOP / "tests/system/alerts_test.yaml")

    def test_commands_in_runbooks_exist(self):
        tree = (TOP / "daemon/command_line.cpp").read_text()
        for line in re.findall(r"ecrelayctl ((?:[a-z]+ ?)+)", (MONITORING / "alerts.yaml").read_text()):
            self.assertIn(f'"{line.split()[0]}"', tree, line)


if __name__ == "__main__":
    unittest.main()
