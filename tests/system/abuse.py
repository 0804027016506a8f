"""Load and abuse against a running relay: each attack as a function of its size, and a client that goes on
sending mail meanwhile. test_abuse.py runs them small, tests/bench/abuse as large as the promises are."""
import base64
import os
import resource
import select
import socket
import threading
import time

import dialogue
from harness import MAIL

INFO = "info@shop-a.example"
ENVELOPE = b"EHLO app-1.example.jp\r\nMAIL FROM:<info@shop-a.example>\r\nRCPT TO:<hanako@customer.example>\r\nDATA\r\n"


def endpoint(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


def raise_descriptor_limit():
    """As many as this machine allows, for us and for the relay that we start."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Beside:
    """What is done by run() on a thread of its own, until the block ends and `over` is set."""

    def __init__(self):
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Probe(Beside):
    """A host of the shop that sends a mail, and another, while something else goes on."""

    def __init__(self, address, pause=0.05, source="127.0.0.1"):
        super().__init__()
        self.address, self.pause, self.source = address, pause, source
        self.seconds, self.failures = [], []

    def run(self):
        while not self.over.wait(self.pause):
            began = time.monotonic()
            try:
                reply = dialogue.deliver(self.address, MAIL, source=self.source)
                if reply.code != 250:
                    self.failures.append(reply.text)
            except (OSError, dialogue.Closed) as error:
                self.failures.append(repr(error))
            self.seconds.append(time.monotonic() - began)

    def p99(self):
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] if self.seconds else 0.0


def memory(relay):
    """Resident bytes of the daemon."""
    with open(f"/proc/{relay.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def descriptors(relay):
    return len(os.listdir(f"/proc/{relay.process.pid}/fd"))


def give_descriptors(relay, count):
    """The relay will be started with so many, and cannot raise them."""
    spawn = relay.spawn
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
    relay.spawn = lambda command, **options: spawn(command, preexec_fn=few, **options)


def exhaust_descriptors(relay, count=120):
    """Connections, some of which wait in the kernel's queue, unanswered."""
    return [socket.create_connection(endpoint(relay.address), 30) for _ in range(count)]


# ---- attacks; each gives figures worth telling

def idle_connections(relay, count, hold=1.0):
    """Connections that say EHLO and nothing more, held for a while."""
    before, peers = memory(relay), []
    for _ in range(count):
        peer = socket.create_connection(endpoint(relay.address), 30)
        peer.sendall(b"EHLO app-1.example.jp\r\n")
        peers.append(peer)
    for peer in peers:
        said = b""
        while b"250 " not in said:
            said += peer.recv(4096)
    time.sleep(hold)
    each = (memory(relay) - before) / count
    for peer in peers:
        peer.close()
    return {"connections": count, "bytes_each": round(each)}


def slow_senders(relay, count, seconds):
    """Clients in the middle of a body that send a byte a second."""
    peers = []
    for _ in range(count):
        peer = socket.create_connection(endpoint(relay.address), 30)
        peer.sendall(ENVELOPE + b"Subject: ")
        peers.append(peer)
    for _ in range(seconds):
        for peer in peers:
            try:
                peer.sendall(b"x")
            except OSError:
                pass        # the minimum rate has ended it
        time.sleep(1)
    for peer in peers:
        peer.close()
    return {"senders": count, "seconds": seconds}


def strangers(relay, seconds, source="127.0.0.9", workers=4):
    """Connections of an unknown host, as fast as they go, none of them read."""
    total, until = [], time.monotonic() + seconds
    def knock():
        count = 0
        while time.monotonic() < until:
            peer = socket.socket()
            peer.bind((source, 0))
            peer.setblocking(False)
            peer.connect_ex(endpoint(relay.address))
            select.select([], [peer], [], 0.1)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.close()
            count += 1
        total.append(count)
    threads = [threading.Thread(target=knock) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"connections": sum(total), "per_second": round(sum(total) / seconds)}


def endless(relay, opening, piece, most):
    """Says `piece` again and again behind `opening`, until the relay has had enough or `most` bytes."""
    peer = socket.create_connection(endpoint(relay.address), 30)
    said, sent = b"", 0
    peer.sendall(opening)
    peer.settimeout(10)
    block = piece * max(1, 65536 // len(piece))
    try:
        while sent < most:
            while select.select([peer], [], [], 0)[0]:
                more = peer.recv(65536)
                if not more:
                    raise ConnectionError("closed")
                said = (said + more)[-4096:]
            sent += peer.send(block)
        peer.sendall(b"\r\n.\r\n")
        said += peer.recv(65536)
    except OSError:
        pass
    finally:
        peer.close()
    return {"sent_bytes": sent, "last_reply": said.decode("latin-1").strip().rpartition("\n")[2]}


def endless_line(relay, most=100_000_000):
    return endless(relay, b"", b"x", most)


def endless_header(relay, most=100_000_000):
    return endless(relay, ENVELOPE, b"X-Header: and so on\r\n", most)


def endless_recipients(relay, count):
    return endless(relay, b"EHLO x\r\nMAIL FROM:<info@shop-a.example>\r\n", b"RCPT TO:<a@customer.example>\r\n", count * 30)


def endless_noops(relay, count):
    return endless(relay, b"EHLO x\r\n", b"NOOP\r\n", count * 6)


class Watch(Beside):
    """The most memory that the relay takes while something goes on."""

    def __init__(self, relay):
        super().__init__()
        self.relay, self.before = relay, memory(relay)
        self.most = self.before

    def run(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, memory(self.relay))

    def grew_by(self):
        return self.most - self.before


def large_messages(relay, count, size):
    """So many large messages at the same time; how they were answered, and the most memory that took."""
    codes = []
    body = MAIL + (b"x" * 998 + b"\r\n") * (size // 1000)
    def send():
        try:
            codes.append(dialogue.deliver(relay.address, body, timeout=300).code)
        except (OSError, dialogue.Closed):
            codes.append(0)
    threads = [threading.Thread(target=send) for _ in range(count)]
    with Watch(relay) as watch:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return {"messages": count, "codes": {code: codes.count(code) for code in sorted(set(codes))},
            "grew_by_bytes": watch.grew_by()}


def login_storm(relay, address, context, count, workers, source):
    """Wrong passwords for known and unknown names, over TLS, from many connections."""
    codes = []
    def guess(worker):
        for number in range(count // workers):
            try:
                with dialogue.Dialogue(address, source=source, tls=context) as smtp:
                    smtp.ehlo()
                    login = base64.b64encode(f"\0name-{worker}-{number}\0guess".encode()).decode()
                    codes.append(smtp.ask(f"AUTH PLAIN {login}").code)
            except (OSError, dialogue.Closed):
                codes.append(0)
    threads = [threading.Thread(target=guess, args=(worker,)) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"logins": len(codes), "codes": {code: codes.count(code) for code in sorted(set(codes))}}


def control_flood(relay, count):
    """Connections to the control socket, each with a line of garbage without an end."""
    path = relay.config["control"]["socket"]
    peers = []
    for _ in range(count):
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(1)
        try:
            peer.connect(path)
            peer.sendall(b'{"command": "' + b"x" * 1000)
            peers.append(peer)
        except OSError:
            peer.close()        # its backlog is full, as it should be
            break
    held = len(peers)
    time.sleep(0.2)
    for peer in peers:
        peer.close()
    return {"connections": held}
