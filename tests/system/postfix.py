"""A real Postfix on loopback: STARTTLS, SASL AUTH, refusals, and mailboxes that can be read.

It runs beside any other Postfix: its own configuration, queue and data folders, one high port, no
mail leaves it. Starting it takes root (or sudo without a password), because Postfix does.
"""
import os
import pwd
import random
import socket
import subprocess
import tempfile
from pathlib import Path

import harness

USER, PASSWORD = "relay", "ひみつ-secret 1"
DESTINATION = "customer.example"

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.customer.example
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:5.1.1 no local mail here
mynetworks =
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
in_flow_delay = 0s
message_size_limit = 52428800
smtputf8_enable = yes
virtual_mailbox_domains = {destination}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:inbox/
virtual_mailbox_limit = 0
virtual_minimum_uid = 100
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_transport = virtual
unknown_address_reject_code = 550
smtpd_relay_restrictions = {relay}
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/etc/recipients, permit
smtpd_tls_security_level = {tls}
smtpd_tls_cert_file = {folder}/tls/cert.pem
smtpd_tls_key_file = {folder}/tls/key.pem
smtpd_tls_auth_only = {auth_only}
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = mx.customer.example
"""
# Where a login is demanded, nobody hands in mail without one.
RELAY = {False: "reject_unauth_destination", True: "permit_sasl_authenticated, reject"}
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd {options}
cleanup  unix n - n - 0 cleanup
qmgr     unix n - n 300 1 qmgr
tlsmgr   unix - - n 1000? 1 tlsmgr
rewrite  unix - - n - - trivial-rewrite
bounce   unix - - n - 0 bounce
defer    unix - - n - 0 bounce
trace    unix - - n - 0 bounce
verify   unix - - n - 1 verify
proxymap unix - - n - - proxymap
virtual  unix - n n - - virtual
error    unix - - n - - error
retry    unix - - n - - error
discard  unix - - n - - discard
anvil    unix - - n - 1 anvil
postlog  unix-dgram n - n - 1 postlogd
"""
# Local parts that answer as told; everybody else has a mailbox.
RECIPIENTS = """
/^unknown/  550 5.1.1 User unknown in virtual mailbox table
/^busy/     450 4.2.1 Mailbox busy, come back later
"""


def allowed():
    """Whether this user may start one."""
    return os.geteuid() == 0 or subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0


def free_port():
    """A port below the range that the kernel gives to clients, free at this moment."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Postfix:
    """`with Postfix(...) as postfix:`; postfix.address is where it listens.

    tls is smtpd_tls_security_level (none, may, encrypt), or "wrapper" for TLS from the first byte;
    login demands AUTH, which is offered under TLS only unless clear_auth. routes are (ADDRESS or DOMAIN,
    "HOST:PORT") to which mail is taken on, and where a refusal becomes a report by mail."""

    def __init__(self, tls="may", login=False, clear_auth=False, routes=()):
        self.root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        self.folder = Path(tempfile.mkdtemp(prefix="ecrelay-postfix-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process = None
        # Mailboxes belong to somebody whose mail can be read here; Postfix never delivers as root.
        mailbox = pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam("nobody")
        wrapper = tls == "wrapper"
        values = {"folder": self.folder, "destination": DESTINATION, "uid": mailbox.pw_uid, "gid": mailbox.pw_gid,
                  "tls": "may" if wrapper else tls, "relay": RELAY[login], "auth_only": "no" if clear_auth else "yes",
                  "port": self.port, "options": "-o smtpd_tls_wrappermode=yes" if wrapper else ""}
        for name in ("etc", "etc/sasl", "queue", "data", "mail", "tls"):
            (self.folder / name).mkdir()
        (self.folder / "etc/main.cf").write_text(MAIN.format(**values))
        (self.folder / "etc/master.cf").write_text(MASTER.format(**values))
        if routes:
            hops = ", ".join(f"{{ {what} = smtp:[{where.replace(':', ']:')} }}" for what, where in routes)
            with (self.folder / "etc/main.cf").open("a") as main:
                main.write(f"transport_maps = inline:{{ {hops} }}\n")
            with (self.folder / "etc/master.cf").open("a") as master:
                master.write("smtp unix - - n - - smtp\n")
        (self.folder / "etc/recipients").write_text(RECIPIENTS)
        # Debian's Postfix looks for its SASL settings beside main.cf and nowhere else.
        (self.folder / "etc/sasl/smtpd.conf").write_text(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n"
            f"sasldb_path: {self.folder}/users.db\n")
        for name in ("cert.pem", "key.pem"):
            (self.folder / "tls" / name).write_bytes((harness.certificates() / name).read_bytes())
        self.run("saslpasswd2", "-p", "-c", "-f", self.folder / "users.db", "-u", "mx.customer.example", USER,
                 input=PASSWORD.encode())
        self.run("chown", "postfix", self.folder / "data", self.folder / "users.db")
        self.run("chown", "root", self.folder / "queue", self.folder / "etc", *(self.folder / "etc").iterdir())
        self.run("chown", mailbox.pw_name, self.folder / "mail")

    def run(self, *command, **options):
        return subprocess.run([*self.root, *map(str, command)], check=True, capture_output=True, **options)

    def __enter__(self):
        self.output = (self.folder / "start.log").open("wb")
        self.process = subprocess.Popen([*self.root, "postfix", "-c", str(self.folder / "etc"), "start-fg"],
                                        stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output,
                                        start_new_session=True)
        try:
            harness.wait_until(self.answers, "Postfix to listen")
        except AssertionError as error:
            self.__exit__()
            raise AssertionError(f"{error}\n{self.said()}") from None
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"Postfix ended with {self.process.returncode}: {self.said()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def said(self):
        logs = [str(self.folder / name) for name in ("start.log", "postfix.log")]
        return subprocess.run([*self.root, "cat", *logs], capture_output=True).stdout.decode(errors="replace")

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            subprocess.run([*self.root, "postfix", "-c", str(self.folder / "etc"), "stop"], capture_output=True)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.run("kill", "-9", self.process.pid)
        self.output.close()
        subprocess.run([*self.root, "rm", "-rf", "--one-file-system", str(self.folder)], capture_output=True)

    def received(self):
        """What was delivered: (recipient, the mail with CRLF and without what Postfix put on top)."""
        paths = sorted((self.folder / "mail/inbox/new").glob("*"))
        return [without_delivery_fields(path.read_bytes()) for path in paths]

    def wait_for(self, count=1):
        return harness.wait_until(lambda: len(found := self.received()) >= count and found, f"{count} mail(s) at Postfix")


def without_delivery_fields(data):
    """Takes off Return-Path, X-Original-To, Delivered-To and the first Received, which Postfix added."""
    lines, at, recipient = data.split(b"\n"), 0, ""
    while (name := lines[at].split(b":")[0]) in (b"Return-Path", b"X-Original-To", b"Delivered-To"):
        if name == b"Delivered-To":
            recipient = lines[at].split(b": ", 1)[1].decode()
        at += 1
    assert lines[at].startswith(b"Received:"), lines[at]
    at += 1
    while lines[at][:1] in (b" ", b"\t"):
        at += 1
    return recipient, b"\r\n".join(lines[at:])
