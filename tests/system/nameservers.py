"""Real name servers on loopback: NSD for the zones, unbound in front of them as a resolver with a cache.

Both run without privileges on ports that the system chose. Zones are written as text; two servers of a zone may
differ, as on the day after a change.
"""
import os
import select
import shutil
import socket
import struct
import subprocess
import threading
from pathlib import Path

from harness import PATIENCE, Program, wait_until

NSD = shutil.which("nsd") or "/usr/sbin/nsd"
UNBOUND = shutil.which("unbound") or "/usr/sbin/unbound"
SERVERS = ("127.0.0.1", "127.0.0.2")     # ns1 and ns2, at one port


def free_port():
    """One that is free on both addresses, for UDP and TCP."""
    for _ in range(100):
        sockets = [socket.socket(socket.AF_INET, kind) for _ in SERVERS for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
        try:
            sockets[0].bind((SERVERS[0], 0))
            port = sockets[0].getsockname()[1]
            for each, address in zip(sockets[1:], [SERVERS[0], SERVERS[1], SERVERS[1]]):
                each.bind((address, port))
            return port
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
    raise AssertionError("no port is free on " + " and ".join(SERVERS))


def text_record(text):
    """The value of a TXT record in a zone file: strings of at most 255 bytes."""
    pieces = [text[at:at + 255] for at in range(0, len(text), 255)] or [""]
    return "TXT " + " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


def zone_file(name, records, servers=SERVERS, ttl=300, serial=1):
    lines = [f"$ORIGIN {name}.", f"$TTL {ttl}", f"@ SOA ns1 hostmaster {serial} 3600 600 86400 {ttl}"]
    for number, address in enumerate(servers, 1):
        lines += [f"@ NS ns{number}", f"ns{number} A {address}"]
    return "\n".join(lines + [f"{owner} {value}" for owner, value in records]) + "\n"


class Authority(Program):
    """NSD at one address, with the zones of its folder."""

    def __init__(self, folder, address, port):
        super().__init__(folder, f"nsd-{address}")
        self.address, self.port = address, port
        self.zones = self.folder / f"zones-{address}"
        self.zones.mkdir()
        self.names = []

    def add(self, name, text):
        """`text` None: the zone is configured and cannot be loaded; the server fails for it."""
        self.names.append(name)
        if text is not None:
            self.write(name, text)

    def write(self, name, text):
        (self.zones / name).write_text(text)

    def start(self):
        config = self.folder / f"{self.name}.conf"
        own = self.folder / self.name
        zones = "".join(f"zone:\n  name: {name}\n  zonefile: {name}\n" for name in self.names)
        config.write_text(f'server:\n  ip-address: {self.address}@{self.port}\n  username: ""\n  chroot: ""\n'
                          f'  zonesdir: {self.zones}\n  database: ""\n  pidfile: {own}.pid\n  xfrdfile: {own}.xfrd\n'
                          f'  zonelistfile: {own}.list\n  xfrdir: {self.folder}\n  server-count: 1\n  logfile: {own}.log\n'
                          f'remote-control:\n  control-enable: no\n{zones}')
        self.spawn([NSD, "-d", "-c", str(config)], stdout=subprocess.DEVNULL)
        return self

    def reload(self):
        os.utime(self.zones)
        self.signal(1)     # SIGHUP: zone files that changed are read again


class Resolver(Program):
    """unbound, which knows where the zones are and remembers what it was told."""

    def __init__(self, folder, zones, authority_port):
        super().__init__(folder, "unbound")
        self.zones, self.authority_port, self.port = zones, authority_port, free_port()
        self.endpoint = f"127.0.0.1:{self.port}"

    def start(self):
        config = self.folder / "unbound.conf"
        stubs = "".join(f"stub-zone:\n  name: {name}\n" + "".join(f"  stub-addr: {address}@{self.authority_port}\n" for address in addresses)
                        for name, addresses in self.zones.items())
        config.write_text(f'server:\n  interface: 127.0.0.1@{self.port}\n  port: {self.port}\n  username: ""\n  chroot: ""\n'
                          f'  directory: {self.folder}\n  pidfile: {self.folder}/unbound.pid\n  do-daemonize: no\n'
                          f'  use-syslog: no\n  logfile: {self.folder}/unbound.log\n  do-not-query-localhost: no\n  do-ip6: no\n'
                          f'  module-config: "iterator"\n  num-threads: 1\n  edns-buffer-size: 1232\n'
                          f'remote-control:\n  control-enable: no\n{stubs}')
        self.spawn([UNBOUND, "-d", "-c", str(config)], stdout=subprocess.DEVNULL)
        return self


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def answers(endpoint, name):
    """Does a server answer anything at all to a question for this name's SOA?"""
    address, _, port = endpoint.rpartition(":")
    question = b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0" + wire(name) + b"\0\x06\0\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.3)
        try:
            asking.sendto(question, (address, int(port)))
            return asking.recv(512)[:2] == b"\x12\x34"
        except OSError:
            return False


class Maze:
    """A resolver, and the servers of a hostile owner behind it: every name is a zone of six servers, and each of them
    leads every question to a zone of its own. Counts what it is asked."""
    RESOLVER, SERVERS = "127.0.0.9", [f"127.0.0.{10 + number}" for number in range(6)]
    NS, CNAME, A, TXT = 2, 5, 1, 16

    def __init__(self, port):
        self.questions, self.fresh, self.port = 0, 0, port
        self.endpoint = f"{self.RESOLVER}:{port}"
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(7)]
        for each, address in zip(self.sockets, [self.RESOLVER, *self.SERVERS]):
            each.bind((address, port))
        self.stop_reading, self.stop_writing = os.pipe()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def stop(self):
        os.close(self.stop_writing)
        self.thread.join()
        os.close(self.stop_reading)
        for each in self.sockets:
            each.close()

    def serve(self):
        while True:
            ready, _, _ = select.select([self.stop_reading, *self.sockets], [], [])
            if self.stop_reading in ready:
                return
            for each in ready:
                packet, peer = each.recvfrom(4096)
                each.sendto(self.answer(packet, each is self.sockets[0]), peer)

    def answer(self, packet, as_resolver):
        self.questions += 1
        end = packet.index(0, 12) + 5
        kind, = struct.unpack(">H", packet[end - 4:end - 2])
        found = self.records(packet[12:end - 4], kind, as_resolver)
        answers = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", type, 1, 60, len(data)) + data for type, data in found)
        return packet[:2] + struct.pack(">HHHHH", 0x8580, 1, len(found), 0, 0) + packet[12:end] + answers

    def records(self, name, kind, as_resolver):
        if as_resolver and kind == self.NS:
            return [(self.NS, b"\x02n" + str(number).encode() + name) for number in range(6)]
        if as_resolver and kind == self.A:
            return [(self.A, socket.inet_aton(self.SERVERS[int(name[2:3])]))]
        if as_resolver:
            return []
        self.fresh += 1
        return [(self.CNAME, wire(f"a{self.fresh}.example"))]


class Names:
    """Both kinds of server for a scenario. Zones are added, then start(); `silent` zones name a server that keeps silent."""

    def __init__(self, scenario):
        self.port = free_port()
        self.folder = scenario.folder / "dns"
        self.folder.mkdir()
        self.servers = [Authority(self.folder, address, self.port) for address in SERVERS]
        self.resolver = Resolver(self.folder, {}, self.port)
        self.scenario, self.serial = scenario, 1
        self.mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)     # takes questions, and says nothing
        self.mute.bind(("127.0.0.3", self.port))
        scenario.addCleanup(self.mute.close)

    def add(self, name, records=(), second=None, ttl=300):
        """A zone with records [(owner, "TXT …")]; `second`: what the second server has instead. The resolver
        remembers for `ttl` seconds, also that there is nothing."""
        self.resolver.zones[name] = SERVERS
        for server, own in zip(self.servers, (records, records if second is None else second)):
            server.add(name, zone_file(name, own, ttl=ttl))

    def add_broken(self, name):
        self.resolver.zones[name] = SERVERS
        for server in self.servers:
            server.add(name, None)

    def add_silent(self, name):
        """Its parent names a server that never answers."""
        self.resolver.zones[name] = ("127.0.0.3",)

    def change(self, name, records, ttl=300):
        """The zone's servers have these records from now on; the resolver may remember others."""
        self.serial += 1
        for server in self.servers:
            server.write(name, zone_file(name, records, ttl=ttl, serial=self.serial))
            server.reload()

    def start(self):
        for program in (*self.servers, self.resolver):
            program.start()
            self.scenario.addCleanup(program.stop)
        for server in self.servers:
            wait_until(lambda at=f"{server.address}:{self.port}": answers(at, server.names[0]), f"{server.name} to answer", PATIENCE)
        wait_until(lambda: answers(self.resolver.endpoint, self.servers[0].names[0]), "unbound to answer", PATIENCE)
        return self

    def settings(self, **more):
        return {"resolver": self.resolver.endpoint, "authority_port": self.port, **more}
