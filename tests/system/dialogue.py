"""A client that says exactly what it is told to, for dialogues that no library would hold."""
import re
import socket
import ssl
from typing import NamedTuple


class Reply(NamedTuple):
    code: int
    lines: list

    @property
    def text(self):
        """The whole reply as a person reads it: code and text of every line."""
        return "\n".join(f"{self.code} {line}" for line in self.lines)

    @property
    def enhanced(self):
        match = re.match(r"([245]\.\d{1,3}\.\d{1,3})\b", self.lines[0])
        return match.group(1) if match else None

    @property
    def id(self):
        match = re.search(r"\bid=([0-9A-HJKMNP-TV-Z]{26})\b", self.lines[0])
        return match.group(1) if match else None


class Closed(Exception):
    """The other side ended the connection where a reply was due."""


class Dialogue:
    """One SMTP connection. `with Dialogue(address) as smtp:` reads the greeting into smtp.greeting."""

    def __init__(self, address, source="127.0.0.1", timeout=20, tls=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout, source_address=(source, 0))
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""
        self.greeting = self.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        while b"\n" not in self.buffer:
            try:
                more = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                more = b""
            if not more:
                raise Closed(self.buffer.decode("latin-1"))
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise AssertionError(f"a reply line without CR: {line!r}")
        return line[:-1].decode("utf-8", "surrogateescape")

    def read(self):
        lines = []
        while True:
            line = self.line()
            if not re.match(r"\d\d\d([ -]|$)", line):
                raise AssertionError(f"not a reply line: {line!r}")
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(int(line[:3]), lines)

    def ask(self, command):
        """Sends one line and reads its reply."""
        self.send((command if isinstance(command, bytes) else command.encode()) + b"\r\n")
        return self.read()

    def ehlo(self, name="app-1.example.jp"):
        reply = self.ask(f"EHLO {name}")
        self.features = {line.split(" ")[0].upper(): line for line in reply.lines[1:]}
        return reply

    def starttls(self, context):
        reply = self.ask("STARTTLS")
        if reply.code == 220:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        return reply

    def envelope(self, sender, *recipients):
        """MAIL and RCPT; the reply of the last of them, or the first that refuses."""
        reply = self.ask(f"MAIL FROM:<{sender}>")
        for recipient in recipients:
            if reply.code >= 400:
                return reply
            reply = self.ask(f"RCPT TO:<{recipient}>")
        return reply

    def data(self, message):
        """DATA and the message, dots stuffed; the reply after the dot."""
        reply = self.ask("DATA")
        if reply.code != 354:
            return reply
        if not message.endswith(b"\r\n"):
            message += b"\r\n"
        self.send(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
        return self.read()

    def quit(self):
        """Takes leave, unless the other side has done so already."""
        try:
            self.ask("QUIT")
        except (Closed, OSError):
            pass

    def closed(self):
        """Whether the other side has said all and closed."""
        try:
            self.line()
        except Closed:
            return True
        return False


def deliver(address, message, sender="info@shop-a.example", recipients=("hanako@customer.example",), **where):
    """One mail over a connection of its own; the final reply, or the one that refused."""
    with Dialogue(address, **where) as smtp:
        if smtp.greeting.code != 220:
            return smtp.greeting
        smtp.ehlo()
        reply = smtp.envelope(sender, *recipients)
        if reply.code < 400:
            reply = smtp.data(message)
        smtp.quit()
        return reply
