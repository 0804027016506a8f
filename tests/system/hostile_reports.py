"""Reports made to fool or to burden whoever reads them, at full size. Each begins as a bounce does, so that none is
put aside unread; what they say of anybody is never that the mailbox is dead."""
import base64

MIB = 1 << 20
HEAD = b"From: MAILER-DAEMON@mx.customer.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
FIELDS = b"Final-Recipient: rfc822; user%d@customer.example\r\nAction: delayed\r\nStatus: 4.4.1\r\nDiagnostic-Code: smtp; 450 later\r\n\r\n"
REPORT = HEAD + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
STATUS = b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.customer.example\r\n\r\n"
TEXT = b"Content-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n"


def filled(start, piece, size=MIB):
    """`piece` again and again behind `start`; where it is a function, of its number."""
    pieces, length, n = [start], len(start), 0
    while length < size:
        pieces.append(piece(n) if callable(piece) else piece)
        length += len(pieces[-1])
        n += 1
    return b"".join(pieces) + b"\r\n"


def base64_lines(data):
    text = base64.b64encode(data)
    return b"\r\n".join(text[at:at + 76] for at in range(0, len(text), 76)) + b"\r\n"


def base64_of_base64(data, times):
    for _ in range(times):
        data = TEXT % (b"utf-8", b"base64") + base64_lines(data)
    return data


def hostile_reports():
    """Names and mails; those of a MiB are read whole, the large ones to the first MiB, and must be taken all the same."""
    yield "multiparts in multiparts", filled(HEAD, lambda n: b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n))
    yield "messages in messages", filled(HEAD, b"Content-Type: message/rfc822\r\n\r\n")
    yield "100,000 parts", filled(REPORT, b"--b\r\n\r\n.\r\n")
    yield "100,000 delivery statuses", filled(REPORT, lambda n: STATUS + FIELDS % n, 16 * MIB)
    yield "recipients without end", filled(REPORT + STATUS, lambda n: FIELDS % n)
    yield "a field of a MiB", filled(REPORT + STATUS + b"Final-Recipient: rfc822; ", b"a" * 900 + b"\r\n ")
    yield "a diagnostic of a MiB", filled(REPORT + STATUS + FIELDS % 1 + b"Diagnostic-Code: smtp; 450 ", b"later " * 100 + b"\r\n ")
    yield "a header line of a MiB", filled(HEAD + b"X: ", b"x" * 1000, MIB - 2000)
    yield "a header without end", filled(HEAD, lambda n: b"X-%d: x\r\n" % n, 8 * MIB)
    yield "a folded header without end", filled(HEAD + b"Subject: x\r\n", b" y\r\n")
    yield "encoded words without end", filled(HEAD + b"Subject:", b" =?iso-2022-jp?B?GyRCRnxLXDhsGyhC?=\r\n")
    yield "parameters without end", filled(HEAD + b"Content-Type: multipart/report", lambda n: b";\r\n boundary*%d=b" % n)
    yield "no boundary", filled(HEAD + b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\n", STATUS)
    yield "a boundary that begins every line", filled(REPORT, b"--b-\r\n--b--x\r\n--bb\r\n")
    yield "one address a line", filled(HEAD + b"\r\n", lambda n: b"<user%d@customer.example>: 450 later\r\n" % n)
    yield "one transcript without end", filled(HEAD + b"\r\n", lambda n: b">>> RCPT TO:<u%d@customer.example>\r\n<<< 450 later\r\n" % n)
    yield "a line without end", filled(HEAD + b"\r\n", b"<" * 1000 + b"@" * 1000, MIB - 4000)
    yield "quotations in quotations", filled(HEAD + b"\r\n", b"> " * 400 + b"\r\n")
    yield "base64 of a bounce, five times over", HEAD + base64_of_base64(filled(b"", b"450 later\r\n", MIB // 5), 5)
    yield "base64 that is none", filled(HEAD + TEXT % (b"utf-8", b"base64"), b"====!!!!\r\n")
    yield "base64 in one line", HEAD + TEXT % (b"utf-8", b"base64") + base64.b64encode(b"\0" * (700 << 10)) + b"\r\n"
    yield "escapes of ISO-2022-JP", filled(HEAD + TEXT % (b"iso-2022-jp", b"7bit"), b"\x1b$B\x1b(B\x1b$@!!" * 20 + b"\r\n")
    yield "bytes of no charset", filled(HEAD + TEXT % (b"shift_jis", b"8bit"), bytes(range(128, 256)) + b"\r\n")
    yield "a charset of a MiB", filled(HEAD + b"Content-Type: text/plain; charset=", b"x" * 900 + b"\r\n ")
    yield "equal signs", filled(HEAD + TEXT % (b"utf-8", b"quoted-printable"), b"=\r\n" * 30 + b"=3D=" * 20 + b"\r\n")
    yield "tags in tags", filled(HEAD + b"Content-Type: text/html\r\n\r\n", b"<div><script><!-- <p" * 20 + b"\r\n")
    yield "entities", filled(HEAD + b"Content-Type: text/html\r\n\r\n", b"&lt;&#x110000;&#0;&amp" * 20 + b"\r\n")
    yield "complaints without end", filled(HEAD + b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n",
                                           b"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: auth-failure\r\n\r\n")
    yield "a notice of JSON, deep", filled(HEAD + b'\r\n{"notificationType": ', b'{"bounce": [' * 70 + b"\r\n")
    yield "25 MiB of one part", filled(REPORT + b"--b\r\n\r\n", b"450 4.4.1 later, later, later and later\r\n" * 100, 25 * MIB)
