#!/usr/bin/python3
"""The running daemon against the machine's own table, and bodies of every kind cut, mixed and broken off."""
import re
import socket
import time
import unittest

import harness
from dialogue import Closed, Dialogue
from harness import MAIL

CUSTOMER, INFO = "hanako@customer.example", "info@shop-a.example"
ENVELOPE = f"MAIL FROM:<{INFO}>\r\nRCPT TO:<{CUSTOMER}>\r\n".encode()

LINES = {"helo": "HELO app-1.example.jp", "ehlo": "EHLO app-1.example.jp", "starttls": "STARTTLS", "auth": "AUTH PLAIN AHUAcA==",
         "mail": f"MAIL FROM:<{INFO}>", "rcpt": f"RCPT TO:<{CUSTOMER}>", "data": "DATA", "bdat": "BDAT 0", "rset": "RSET",
         "noop": "NOOP", "vrfy": "VRFY x", "expn": "EXPN x", "help": "HELP", "quit": "QUIT"}
WAY_TO = {"fresh": [], "ready": ["ehlo"], "mail": ["ehlo", "mail"], "rcpt": ["ehlo", "mail", "rcpt"],
          "chunks": ["ehlo", "mail", "rcpt", "bdat"]}


def legal_steps():
    """(state, verb) → state, as lib/smtp/server_states.h has it."""
    text = (harness.TOP / "lib/smtp/server_states.h").read_text()
    found = re.findall(r"\{State::(\w+), Verb::(\w+), State::(\w+)\}", text)
    return {(state, verb): to for state, verb, to in found}


class Order(harness.Scenario):
    def in_state(self, relay, state):
        smtp = Dialogue(relay.address)
        self.addCleanup(smtp.close)
        for verb in WAY_TO[state]:
            self.assertEqual(smtp.ask(LINES[verb]).code, 250, verb)
        return smtp

    def after(self, steps, state, verb, code):
        """The state that the reply leads to."""
        if (state, verb) not in steps or code in (502, 530):
            return state
        to = steps[state, verb]
        return {"chunk": "chunks", "tls": state}.get(to, to)

    def test_every_verb_in_every_state_is_answered_as_the_table_of_the_machine_says(self):
        steps = legal_steps()
        self.assertGreater(len(steps), 40, "the table was found")
        relay = self.relay()
        for state in WAY_TO:
            for verb, line in LINES.items():
                for probe in ("mail", "rcpt", "data", "bdat"):
                    with self.subTest(state=state, verb=verb, probe=probe):
                        smtp = self.in_state(relay, state)
                        code = smtp.ask(line).code
                        self.assertEqual(code != 503, (state, verb) in steps, code)
                        now = self.after(steps, state, verb, code)
                        if now == "data":
                            smtp.send(b".\r\n")
                            smtp.read()
                            now = "ready"
                        if now == "closed":
                            self.assertTrue(smtp.closed())
                            break
                        self.assertEqual(smtp.ask(LINES[probe]).code != 503, (now, probe) in steps, now)


class Bodies(harness.Scenario):
    def open(self, relay):
        smtp = Dialogue(relay.address)
        self.addCleanup(smtp.close)
        smtp.ehlo()
        return smtp

    def test_octets_of_a_chunk_that_is_refused_are_waited_for_and_thrown_away(self):
        relay = self.relay()
        smtp = self.open(relay)
        smtp.send(b"BDAT 30 LAST\r\n")
        time.sleep(0.05)        # they come in a packet of their own
        smtp.send(b"MAIL FROM:<info@shop-a.example")
        self.assertEqual(smtp.read().code, 503)
        self.assertEqual(smtp.ask(f"RCPT TO:<{CUSTOMER}>").code, 503, "nothing of it was a command")
        smtp.envelope(INFO, CUSTOMER)
        self.assertAccepted(smtp.data(MAIL))

    def test_bdat_and_data_do_not_mix(self):
        relay = self.relay()
        smtp = self.open(relay)
        smtp.envelope(INFO, CUSTOMER)
        smtp.send(b"BDAT %d\r\n" % len(MAIL) + MAIL)
        self.assertEqual(smtp.read().code, 250)
        for verb in ("DATA", f"MAIL FROM:<{INFO}>", f"RCPT TO:<{CUSTOMER}>"):
            self.assertEqual(smtp.ask(verb).code, 503, verb)
        self.assertAccepted(smtp.ask("BDAT 0 LAST"))
        self.assertEqual(smtp.ask("BDAT 0 LAST").code, 503, "the transaction is gone")

    def test_a_chunk_that_never_ends_and_one_that_was_broken_off_leave_nothing(self):
        relay = self.relay()
        for size in (10, len(MAIL), 18_446_744_073_709_551_615):
            smtp = self.open(relay)
            smtp.envelope(INFO, CUSTOMER)
            smtp.send(b"BDAT %d LAST\r\n" % size + MAIL[:9])
            smtp.close()
        relay.wait("session", count=3)
        self.assertNothingStored(relay)

    def test_a_chunk_over_the_size_is_read_by_count_and_the_session_goes_on(self):
        relay = self.relay(limits={"message_size": "64KiB"})
        smtp = self.open(relay)
        smtp.envelope(INFO, CUSTOMER)
        smtp.send(b"BDAT 100000\r\n" + (b"QUIT\r\n" * 20_000)[:100_000])
        self.assertReply(smtp.read(), 552, "5.3.4")
        smtp.send(b"BDAT 6 LAST\r\nQUIT\r\n")      # pipelined behind it by clients that did not wait
        self.assertEqual(smtp.read().code, 503)
        smtp.envelope(INFO, CUSTOMER)
        self.assertAccepted(smtp.data(MAIL))

    def test_an_error_in_the_middle_of_chunks_refuses_the_message_and_ends_a_smuggler(self):
        relay = self.relay()
        smtp = self.open(relay)
        smtp.envelope(INFO, CUSTOMER)
        smtp.send(b"BDAT %d\r\n" % len(MAIL) + MAIL)
        self.assertEqual(smtp.read().code, 250)
        smtp.send(b"BDAT 4\r\na\nb\nBDAT 3 LAST\r\nc\r\n")
        self.assertReply(smtp.read(), 554, "5.6.0")
        self.assertTrue(smtp.closed())
        self.assertNothingStored(relay)

    def test_what_is_only_thrown_away_keeps_its_time_limits(self):
        def quick(config):
            config["limits"] = {"message_timeout": "10s", "session_timeout": "1h"}
        relay = self.relay(change=quick)
        smtp = self.open(relay)
        smtp.send(b"BDAT 1000000 LAST\r\n")
        self.assertReply(smtp.read(), 421, "4.4.2")
        self.assertTrue(smtp.closed())


class Time(harness.Scenario):
    def quick(self, config):
        config["limits"] = {"command_timeout": "1s", "idle_commands": 1_000_000}

    def test_each_command_has_its_own_time_and_half_a_command_gains_none(self):
        relay = self.relay(change=self.quick)
        with Dialogue(relay.address) as smtp:
            smtp.ehlo()
            began = time.monotonic()
            while time.monotonic() - began < 2:
                self.assertEqual(smtp.ask("NOOP").code, 250, "one who keeps the connection alive is not idle")
                time.sleep(0.2)
            with self.assertRaises((OSError, AssertionError)):
                for byte in b"NOOP" + b" " * 2000:
                    smtp.send(bytes([byte]))
                    time.sleep(0.1)
                    smtp.socket.setblocking(False)
                    try:
                        said = smtp.socket.recv(100)
                        self.assertFalse(said, said)    # 421 or the end
                    except BlockingIOError:
                        pass
                    smtp.socket.setblocking(True)
        relay.wait("session", end="timeout")

    def test_a_client_that_reads_no_reply_is_left_in_time(self):
        relay = self.relay(change=self.quick)
        host, port = relay.address.rsplit(":", 1)
        deaf = socket.socket()
        self.addCleanup(deaf.close)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((host, int(port)))
        deaf.settimeout(2)
        try:
            for _ in range(5000):
                deaf.sendall(b"HELP\r\n" * 1000)
        except OSError:
            pass        # nobody reads any more: our side is full, or the connection gone
        relay.wait("session", end="timeout")

    def test_commands_without_a_message_are_counted(self):
        relay = self.relay(limits={"idle_commands": 50})
        for command in ("NOOP", "RSET", "EHLO x", "VRFY x", "MAIL FROM:<a@elsewhere.example>"):
            with self.subTest(command), Dialogue(relay.address) as smtp:
                smtp.ehlo()
                codes = []
                with self.assertRaises((Closed, OSError)):
                    for _ in range(200):
                        codes.append(smtp.ask(command).code)
                self.assertEqual(codes[-1], 421)

    def test_recipients_without_end_are_counted(self):
        relay = self.relay(limits={"recipients": 100})
        with Dialogue(relay.address) as smtp:
            smtp.ehlo()
            smtp.ask(f"MAIL FROM:<{INFO}>")
            codes = [smtp.ask(f"RCPT TO:<a{number}@customer.example>").code for number in range(200)]
            self.assertEqual(codes, [250] * 100 + [452] * 100)
            with self.assertRaises((Closed, OSError)):
                for _ in range(200):
                    codes.append(smtp.ask("RCPT TO:<b@customer.example>").code)
            self.assertEqual(codes[-1], 421)


class StartTls(harness.Scenario):
    def test_a_handshake_that_stalls_ends_in_time_and_hinders_nobody(self):
        files = harness.certificates()
        pair = {"certificate": f"file:{files}/cert.pem", "key": f"file:{files}/key.pem"}
        def change(config):
            config["listeners"] = [{"address": "127.0.0.1:0", "tls": mode, **pair} for mode in ("opportunistic", "implicit")]
            config["limits"] = {"handshake_timeout": "2s"}
        relay = self.relay(change=change)
        opportunistic, implicit = relay.addresses
        stalled = []
        for _ in range(100):
            host, port = implicit.rsplit(":", 1)
            stalled.append(socket.create_connection((host, int(port)), 20))
            stalled[-1].sendall(b"\x16\x03\x01\x02\x00\x01")
            smtp = Dialogue(opportunistic)
            smtp.ehlo()
            self.assertEqual(smtp.ask("STARTTLS").code, 220)
            stalled.append(smtp.socket)
        self.assertAccepted(relay.deliver(MAIL))
        relay.wait("session", count=200, end="timeout")
        for connection in stalled:
            connection.close()


if __name__ == "__main__":
    unittest.main()
