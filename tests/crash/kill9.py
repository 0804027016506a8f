#!/usr/bin/python3
"""kill -9 in the middle of a load, restart, and count: nothing that was promised may be missing, and
nothing charged that was not sent, or twice.

    kill9.py [--rounds N] [--mails N] [--connections N] [--seed N]

One line a round. "unheard": stored when the kill came before the client had read its 250; like the
accepted ones they are sent and charged. Duplicates at the upstream are allowed (P3), double charges
are not. Exit code 1 when a sum is not what it must be.
"""
import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import harness  # noqa: E402
from dialogue import Closed, Dialogue  # noqa: E402


class Load:
    """Connections that send numbered mails one after the other and keep the ids they were promised."""

    def __init__(self, address, mails, connections):
        self.address, self.mails = address, mails
        self.next, self.accepted, self.unknown = 0, {}, []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(connections)]
        for thread in self.threads:
            thread.start()

    def take(self):
        with self.lock:
            self.next += 1
            return self.next if self.next <= self.mails else None

    def run(self):
        smtp = None
        while (number := self.take()) is not None:
            mail = harness.MAIL.replace(b"order-1@", b"order-%d@" % number)
            sent = False
            while not sent:
                try:
                    if smtp is None:
                        smtp = Dialogue(self.address, timeout=60)
                        smtp.ehlo()
                    envelope = smtp.envelope("info@shop-a.example", f"c{number}@customer.example")
                    if envelope.code != 250:
                        raise AssertionError(envelope.text)
                    sent = True
                    reply = smtp.data(mail)
                    if reply.id is None:
                        raise AssertionError(reply.text)
                    with self.lock:
                        self.accepted[reply.id] = number
                except (OSError, Closed):
                    smtp = None
                    if sent:        # the outcome of this one is unknown; it is not sent again
                        with self.lock:
                            self.unknown.append(number)
                    else:
                        time.sleep(0.02)   # the relay is on its way back

    def join(self):
        for thread in self.threads:
            thread.join()


def text_of(identity):
    """The ULID as people write it."""
    value, letters = int.from_bytes(identity, "big"), "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(letters[(value >> shift) & 31] for shift in range(125, -5, -5))


def one_round(mails, connections, moment):
    """The figures of one kill, which comes once `moment` mails have been accepted."""
    with tempfile.TemporaryDirectory(prefix="ecrelay-kill9-") as name:
        folder = Path(name)
        sink = harness.Sink(folder).start()
        relay = harness.Relay(folder, harness.base_config(folder, sink.address)).start()
        try:
            relay.config["listeners"][0]["address"] = relay.address     # the same port after the restart
            relay.write_config()
            load = Load(relay.address, mails, connections)
            harness.wait_until(lambda: len(load.accepted) >= moment, f"{moment} accepted mails", seconds=600)
            relay.kill()
            killed = time.monotonic()
            relay.start()
            back = time.monotonic() - killed
            load.join()
            harness.wait_until(lambda: not relay.states().get("queued"), "an empty queue", seconds=600)
            received = Counter(received_id(mail) for mail in sink.received())
            charged = Counter(text_of(each) for (each,) in relay.book("SELECT message FROM ledger"))
            relay.stop()
            return {"accepted": set(load.accepted), "unknown": len(load.unknown), "received": received, "charged": charged, "back": back}
        finally:
            if relay.process is not None:
                relay.kill()
            sink.kill()


def received_id(mail):
    head = mail.data.partition(b"\r\n\r\n")[0]
    at = head.index(b"Received:")
    words = head[at:at + 600].split()
    return words[words.index(b"id") + 1].rstrip(b";").decode()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--mails", type=int, default=2000)
    options.add_argument("--connections", type=int, default=20)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    chance, wrong = random.Random(chosen.seed), 0
    print(f"{'round':>5} {'killed at':>9} {'accepted':>8} {'unheard':>7} {'received':>8} {'charged':>7} {'twice':>5} {'back ms':>7}")
    for number in range(1, chosen.rounds + 1):
        moment = chance.randrange(chosen.mails // 10, chosen.mails * 8 // 10)
        result = one_round(chosen.mails, chosen.connections, moment)
        received, charged, accepted = result["received"], result["charged"], result["accepted"]
        unheard = len(set(received) - accepted)
        good = (accepted <= set(received) and set(received) == set(charged) and max(charged.values()) == 1
                and unheard <= result["unknown"])
        wrong += not good
        print(f"{number:>5} {moment:>9} {len(accepted):>8} {unheard:>7} {len(received):>8} {len(charged):>7} "
              f"{sum(received.values()) - len(received):>5} {result['back'] * 1000:>7.0f}{'' if good else '  WRONG'}", flush=True)
    print(f"{chosen.rounds - wrong} passed, {wrong} failed")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
