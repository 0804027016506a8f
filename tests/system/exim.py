"""A real Exim on loopback, whose bounces are free text and its own kind of report.

scripts/install-packages unpacks it without installing it (Debian's Exim and Postfix exclude each other). It runs as
root in a mount namespace of its own, where the user that Debian's package would make is known.
"""
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import harness
import postfix

ROOT = harness.TOP / ".build/exim"
PROGRAM = ROOT / "usr/sbin/exim4"

CONFIGURATION = """
primary_hostname = mx.customer.example
exim_path = {program}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
trusted_users = Debian-exim
keep_environment =
never_users =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
disable_ipv6 = true
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
deliver_drop_privilege = true
qualify_domain = mx.customer.example
acl_smtp_rcpt = acl_rcpt
begin acl
acl_rcpt:
  accept
begin routers
back:
  driver = manualroute
  domains = {back}
  transport = back
  route_list = * 127.0.0.1 byname
  self = send
mailbox:
  driver = accept
  local_parts = hanako
  transport = mailbox
begin transports
back:
  driver = smtp
  port = {reports}
  hosts_try_fastopen =
  hosts_avoid_tls = *
mailbox:
  driver = appendfile
  file = {folder}/mail/inbox
  user = Debian-exim
begin retry
* * F,1h,1m
"""


def allowed():
    """Whether this user may start one, and it is there."""
    return postfix.allowed() and PROGRAM.exists()


class Exim:
    """`with Exim(back, reports) as exim:`; takes any mail at exim.address, keeps hanako's, and bounces everybody else's
    after it was taken. What is for the domain `back` goes to the port `reports`."""

    def __init__(self, back, reports):
        self.root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        self.folder = Path(tempfile.mkdtemp(prefix="ecrelay-exim-"))
        self.folder.chmod(0o755)
        self.port = postfix.free_port()
        self.address = f"127.0.0.1:{self.port}"
        owner = pwd.getpwnam("mail")
        for name in ("spool", "log", "mail"):
            (self.folder / name).mkdir()
            self.run("chown", f"{owner.pw_uid}:{owner.pw_gid}", self.folder / name)
        # It starts itself anew as Debian-exim, who may not look into the folder of whoever cloned this tree.
        program = Path(shutil.copy(PROGRAM, self.folder))
        configuration = self.folder / "exim4.conf"
        configuration.write_text(CONFIGURATION.format(program=program, folder=self.folder, port=self.port, back=back, reports=reports))
        self.run("chown", "root", configuration)
        entry = f"Debian-exim:x:{owner.pw_uid}:{owner.pw_gid}::{self.folder}:/usr/sbin/nologin\n"
        (self.folder / "passwd").write_text(Path("/etc/passwd").read_text() + entry)
        (self.folder / "group").write_text(Path("/etc/group").read_text() + f"Debian-exim:x:{owner.pw_gid}:\n")
        self.command = (f"mount --bind {self.folder}/passwd /etc/passwd && mount --bind {self.folder}/group /etc/group"
                        f" && exec {program} -bdf -q1m -C {configuration}")

    def run(self, *command):
        return subprocess.run([*self.root, *map(str, command)], check=True, capture_output=True)

    def __enter__(self):
        self.output = (self.folder / "start.log").open("wb")
        self.process = subprocess.Popen([*self.root, "unshare", "-m", "sh", "-c", self.command], stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=self.output, start_new_session=True)
        try:
            harness.wait_until(self.answers, "Exim to listen")
        except AssertionError as error:
            said = self.said()
            self.__exit__()
            raise AssertionError(f"{error}\n{said}") from None
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"Exim ended with {self.process.returncode}: {self.said()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def said(self):
        logs = [self.folder / "start.log", *self.folder.glob("log/*")]
        return "".join(path.read_text(errors="replace") for path in logs)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.run("kill", self.process.pid)
            self.process.wait(10)
        self.output.close()
        subprocess.run([*self.root, "rm", "-rf", "--one-file-system", str(self.folder)], capture_output=True)
