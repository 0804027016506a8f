"""The real programs on loopback: a relay, a rehearsal sink, keys and certificates, and what they say.

Everything a scenario starts lives in a folder of its own and ends with it; ports are chosen by the
system. ECRELAY_BUILD names the build folder, ECRELAY_SHARED the folder of the shared corpus.
"""
import base64
import functools
import json
import os
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import warnings
from pathlib import Path

import dialogue

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
TOOLS = HERE.parent / "tools"
sys.path.insert(0, str(TOOLS))
import verify_dkim  # noqa: E402  (found through the line above)

SHARED = Path(os.environ.get("ECRELAY_SHARED") or TOP.parent / "shared")
BUILD = Path(os.environ.get("ECRELAY_BUILD") or TOP / ".build/dev")
SANITIZER = os.environ.get("ECRELAY_SANITIZER", "")
# Where Debian keeps Postfix's programs, which is not in every user's PATH.
os.environ["PATH"] += ":/usr/sbin:/sbin"
# How long something may take before it counts as not happening; sanitizers are slow.
PATIENCE = 20 * (4 if SANITIZER else 1)
# What ecrelayd runs under: scripts/check --deep has valgrind here.
UNDER = os.environ.get("ECRELAY_UNDER", "").split()
SHOP_DOMAIN = "shop-a.example"


def program(name):
    return str(BUILD / "daemon" / name)


def wait_until(condition, what, seconds=PATIENCE):
    """The first true value of condition(); fails, saying what was awaited, when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.01)


# ---- keys and certificates: made once for a run, by openssl, as an operator would

@functools.cache
def key_pem(algorithm, bits=2048):
    options = ["-algorithm", "ed25519"] if algorithm == "ed25519" else [
        "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}"]
    return subprocess.run(["openssl", "genpkey", *options], check=True, capture_output=True).stdout


def dkim_record(pem):
    """The TXT record that publishes the key."""
    der = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"],
                         input=pem, check=True, capture_output=True).stdout
    if len(der) == 44:      # Ed25519: RFC 8463 publishes the 32 bytes alone
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(der[12:]).decode()}"
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


@functools.cache
def certificates():
    """A folder with ca.pem, a server's cert.pem and key.pem for localhost and 127.0.0.1 that it has signed,
    and other-ca.pem, which has signed nothing."""
    folder = tempfile.TemporaryDirectory(prefix="ecrelay-tls-")
    certificates.kept = folder
    path = Path(folder.name)
    for name in ("ca", "other-ca"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", f"/CN=Rehearsal {name}", "-days", "30", "-keyout", path / f"{name}-key.pem",
                        "-out", path / f"{name}.pem"], check=True, capture_output=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=localhost", "-days", "30", "-CA", path / "ca.pem", "-CAkey", path / "ca-key.pem",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
                    "-keyout", path / "key.pem", "-out", path / "cert.pem"], check=True, capture_output=True)
    for name in ("key.pem", "ca-key.pem"):
        (path / name).chmod(0o600)
    return path


def client_certificate(name, signed_by="ca"):
    """The path, without .pem and -key.pem, of a certificate for a client of this name."""
    path = certificates() / f"client-{signed_by}-{name}"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=client",
                    "-days", "30", "-CA", certificates() / f"{signed_by}.pem", "-CAkey", certificates() / f"{signed_by}-key.pem",
                    "-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=critical,CA:FALSE",
                    "-addext", "extendedKeyUsage=clientAuth", "-keyout", f"{path}-key.pem", "-out", f"{path}.pem"],
                   check=True, capture_output=True)
    return path


def client_tls(verify=True):
    context = ssl.create_default_context(cafile=str(certificates() / "ca.pem"))
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def crypt_hash(password):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import crypt        # leaves Python in 3.13; Debian 12 has 3.11
    return crypt.crypt(password, "$y$j75$" + "abcdefgh12345678")


# ---- programs

class Program:
    """A child process whose standard error is kept, and which is ended with the scenario."""

    def __init__(self, folder, name):
        self.folder, self.name, self.process = Path(folder), name, None
        self.errors = self.folder / f"{name}.stderr"

    def spawn(self, command, **options):
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=errors, **options)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9, as the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; the program must leave by itself, with 0, and no sanitizer may have spoken."""
        if self.process is None:
            return
        if self.running():
            self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {PATIENCE} s of SIGTERM") from None
        self.process = None
        said = self.errors.read_text(errors="replace")
        assert code == 0, f"{self.name} ended with {code}: {said[-4000:]}"
        assert "Sanitizer" not in said and "runtime error" not in said, said[-8000:]


class Sink(Program):
    """ecrelay-sink: the upstream of a rehearsal."""

    class Mail:
        def __init__(self, folder, record):
            self.record, self.path = record, folder / record["file"]
            self.sender, self.recipients = record["sender"], record["recipients"]
            self.data = self.path.read_bytes()

    def __init__(self, folder, *options, listen="127.0.0.1:0", name="sink"):
        super().__init__(folder, name)
        self.mails = self.folder / name
        self.mails.mkdir(exist_ok=True)
        self.options, self.listen = options, listen

    def start(self):
        self.spawn([program("ecrelay-sink"), "--listen", self.listen, "--dir", str(self.mails), *self.options],
                   stdout=subprocess.PIPE)
        first = self.process.stdout.readline()
        if not first:
            raise AssertionError(f"ecrelay-sink did not start: {self.errors.read_text(errors='replace')}")
        self.address = json.loads(first)["address"]
        self.listen = self.address      # the same port again after a restart
        return self

    def stop(self):
        if self.process:
            self.process.stdout.close()
        super().stop()

    def kill(self):
        self.process.stdout.close()
        super().kill()
        self.process = None

    def received(self):
        log = self.mails / "messages.jsonl"
        if not log.exists():
            return []
        whole = log.read_text().rpartition("\n")[0]
        return [self.Mail(self.mails, json.loads(line)) for line in whole.splitlines()]

    def wait_for(self, count=1):
        """The mails, once there are `count`; more than that is a failure."""
        mails = wait_until(lambda: len(found := self.received()) >= count and found, f"{count} mail(s) at the sink")
        assert len(mails) == count, f"{len(mails)} mails at the sink, {count} expected"
        return mails


class Relay(Program):
    """ecrelayd with a configuration, its log as events, and ecrelayctl beside it."""

    def __init__(self, folder, config):
        super().__init__(folder, "ecrelayd")
        self.config = config
        self.file = self.folder / "ecrelay.yaml"
        self.log = self.folder / "relay.log"
        self.log_offset = 0
        self.write_config()

    def write_config(self):
        # JSON on one line is YAML's flow style: the values need no quoting rules of their own.
        self.file.write_text("".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in self.config.items()))
        self.file.chmod(0o600)

    def environment(self):
        return {**os.environ, "SSL_CERT_FILE": str(certificates() / "ca.pem")}

    def start(self, *options):
        self.log_offset = self.log.stat().st_size if self.log.exists() else 0
        self.spawn([*UNDER, program("ecrelayd"), "--config", str(self.file), *options],
                   stdout=subprocess.DEVNULL, env=self.environment())
        wait_until(lambda: self.events("ready") or not self.running(), "ecrelayd to be ready")
        if not self.running():
            code, self.process = self.process.poll(), None
            raise AssertionError(f"ecrelayd ended with {code}: {self.errors.read_text(errors='replace')[-4000:]}")
        self.addresses = [event["address"] for event in self.events("listen")]
        self.address = self.addresses[0]
        return self

    def restart(self):
        self.stop()
        return self.start()

    def events(self, event=None, **fields):
        """What was logged since the last start."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as file:
            file.seek(self.log_offset)
            lines = file.read().rpartition(b"\n")[0].splitlines()
        found = [json.loads(line) for line in lines]
        return [each for each in found if event in (None, each["event"])
                and all(each.get(name) == value for name, value in fields.items())]

    def wait(self, event, count=1, **fields):
        wanted = " ".join([event, *(f"{name}={value}" for name, value in fields.items())])
        return wait_until(lambda: len(found := self.events(event, **fields)) >= count and found, f"{count} × '{wanted}' in the log")

    def ctl(self, *arguments):
        """ecrelayctl as a person runs it: (exit code, standard output, standard error)."""
        done = subprocess.run([program("ecrelayctl"), "--config", str(self.file), *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, env=self.environment())
        return done.returncode, done.stdout, done.stderr

    def ask(self, *arguments):
        """ecrelayctl --json for a program: the answer, which must be there."""
        code, output, errors = self.ctl("--json", *arguments)
        if code:
            raise AssertionError(f"ecrelayctl {' '.join(arguments)} ended with {code}: {errors}{output}")
        return json.loads(output)

    def check_config(self, *options):
        done = subprocess.run([program("ecrelayd"), "--config", str(self.file), "--check-config", *options],
                              capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout + done.stderr

    def book(self, query, *arguments):
        """Rows of the book, read beside the daemon."""
        with sqlite3.connect(f"file:{self.folder / 'state' / 'book.db'}?mode=ro", uri=True) as book:
            return book.execute(query, arguments).fetchall()

    def write_book(self):
        """The book of a relay that is stopped, to make it look as it would much later."""
        assert not self.running()
        return sqlite3.connect(self.folder / "state" / "book.db")

    def charges(self):
        """(shop, milli-yen) of every row of the ledger."""
        return self.book("SELECT shop, amount_milli FROM ledger ORDER BY id")

    def states(self):
        """How many recipients of shops' mail are in which state."""
        return dict(self.book("SELECT state, count(*) FROM recipient JOIN message ON message.id = recipient.message"
                              " WHERE kind = 'mail' GROUP BY state"))

    def deliver(self, message, **envelope):
        """One mail into the first listener; the final reply."""
        return dialogue.deliver(self.address, message, **envelope)


def base_config(folder, upstream="127.0.0.1:1"):
    """The least a relay needs, with everything of this rehearsal in `folder`."""
    (folder / "state").mkdir(mode=0o700, exist_ok=True)
    return {
        "version": 1,
        "node": "relay-1",
        "hostname": "relay-1.example.jp",
        "state_dir": str(folder / "state"),
        "listeners": [{"address": "127.0.0.1:0", "tls": "off"}],
        "hosts": [{"name": "app-1", "networks": ["127.0.0.1/32"], "shops": ["*"], "auth": "none"}],
        "shops": [shop(folder, "shop-a", SHOP_DOMAIN), shop(folder, "shop-b", "shop-b.example")],
        "upstreams": [{"name": "default", "servers": [{"address": upstream}], "tls": "off"}],
        "retry": {"schedule": ["1s"], "expire": "1h"},
        "dns": {"resolver": "127.0.0.1:1"},     # nobody is there, and nobody else is asked
        "log": {"level": "info", "format": "json", "target": f"file:{folder / 'relay.log'}"},
        "control": {"socket": str(folder / "control.sock")},
    }


def shop(folder, name, *domains, algorithms=("rsa",)):
    """A shop whose domains share one key for each algorithm."""
    keys = []
    for algorithm in algorithms:
        path = folder / "keys" / f"{algorithm}.pem"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(key_pem(algorithm))
        path.chmod(0o600)
        keys.append({"selector": "r1" if algorithm == "rsa" else "e1", "key": f"file:{path}"})
    return {"id": name, "name": f"ショップ {name}", "domains": [{"name": domain, "dkim": keys} for domain in domains]}


def dkim_records(*domains, algorithms=("rsa",)):
    selector = {"rsa": "r1", "ed25519": "e1"}
    return {f"{selector[each]}._domainkey.{domain}": dkim_record(key_pem(each)) for each in algorithms for domain in domains}


SECRET = b"0123456789abcdef0123456789abcdef"       # of the return paths
MAIL = ("From: =?UTF-8?B?44K344On44OD44OXQQ==?= <info@shop-a.example>\r\n"
        "To: hanako@customer.example\r\n"
        "Subject: =?UTF-8?B?44GU5rOo5paH44GC44KK44GM44Go44GG44GU44GW44GE44G+44GZ?=\r\n"
        "Date: Fri, 05 Jul 2024 10:00:00 +0900\r\n"
        "Message-ID: <order-1@shop-a.example>\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n"
        "\r\n"
        "髙橋 花子 様\r\n"
        "ご注文ありがとうございます。\r\n").encode()


class Scenario(unittest.TestCase):
    """A test with a folder and programs of its own. Nothing it starts outlives it."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="ecrelay-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.tell_on_failure)

    def tell_on_failure(self):
        log, result = self.folder / "relay.log", self._outcome.result
        failed = [getattr(test, "test_case", test) for test, _ in result.failures + result.errors]
        if any(test is self for test in failed) and log.exists():
            lines = log.read_text(errors="replace").splitlines()[-25:]
            print(f"\n--- the end of the log of {self.id()}\n" + "\n".join(lines), file=sys.stderr)

    def sink(self, *options, **more):
        sink = Sink(self.folder, *options, **more).start()
        self.addCleanup(sink.stop)
        return sink

    def relay(self, upstream=None, change=None, **replaced):
        """A running relay in front of `upstream` (a Sink, or HOST:PORT). `change` edits the configuration."""
        relay = self.unstarted_relay(upstream, change, **replaced)
        self.addCleanup(relay.stop)
        return relay.start()

    def unstarted_relay(self, upstream=None, change=None, **replaced):
        config = base_config(self.folder, getattr(upstream, "address", upstream) or "127.0.0.1:1")
        config.update(replaced)
        if change:
            change(config)
        return Relay(self.folder, config)

    def pair(self, change=None, **replaced):
        """(relay, sink): the usual rehearsal."""
        sink = self.sink()
        return self.relay(sink, change, **replaced), sink

    def return_paths(self, change=None, port=0, **reports):
        """A change of the configuration: both shops have return paths, and reports come to `port`."""
        secret = self.folder / "return-path"
        secret.write_bytes(SECRET)
        secret.chmod(0o600)

        def configure(config):
            config["shops"][0]["domains"][0]["return_path"] = "bounce.shop-a.example"
            config["shops"][1]["domains"][0]["return_path"] = "bounce.shop-b.example"
            config["reports"] = {"listen": f"127.0.0.1:{port}", "secret": f"file:{secret}", **reports}
            if change:
                change(config)

        return configure

    def assertReply(self, reply, code, enhanced, *words):
        """The reply as CONTRACT.md has it: code, enhanced code, and the words that it promises."""
        self.assertEqual((reply.code, reply.enhanced), (code, enhanced), reply.text)
        for word in words:
            self.assertIn(word, reply.text)

    def assertAccepted(self, reply, recipients=1, suppressed=0):
        self.assertReply(reply, 250, "2.0.0", f"accepted={recipients}", f"suppressed={suppressed}")
        self.assertIsNotNone(reply.id, reply.text)
        return reply.id

    def assertSigned(self, path, records, signatures=1):
        """Both verifiers pass every signature of ours, and there are as many as expected."""
        message = Path(path).read_bytes()
        results = verify_dkim.verify(message, records)
        self.assertEqual([each["result"] for each in results], ["pass"] * signatures, results)
        self.assertPerlVerifies([path], records)
        return results

    def assertPerlVerifies(self, paths, records):
        table = self.folder / "records.json"
        table.write_text(json.dumps(records))
        done = subprocess.run([TOOLS / "verify_dkim.pl", table, *paths], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def assertNothingStored(self, relay):
        self.assertEqual(relay.book("SELECT count(*) FROM message"), [(0,)])
        self.assertEqual(relay.book("SELECT count(*) FROM recipient"), [(0,)])
